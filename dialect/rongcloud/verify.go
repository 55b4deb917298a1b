package rongcloud

import (
	"crypto/sha1"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/imhook/imhook/dialect"
)

// names are those of one generation of signature parameters. appKey is empty
// where the generation does not name the app.
type names struct{ appKey, nonce, timestamp, signature string }

// queryNames are the generations, the newest first: their names overlap, and the
// first of which all are there is the one.
var queryNames = [...]names{
	{"appKey", "nonce", "timestamp", "signature"},
	{"appKey", "nonce", "signTimestamp", "signature"},
	{"", "rc-nonce", "rc-timestamp", "rc-signature"},
}

// headerNames are looked at when the query has no signature: those of the vendor's
// own API, the first of which are written.
var headerNames = [...]names{
	{"App-Key", "Nonce", "Timestamp", "Signature"},
	{"RC-App-Key", "RC-Nonce", "RC-Timestamp", "RC-Signature"},
}

// signed is what a request says about itself.
type signed struct{ appKey, nonce, timestamp, signature string }

func (n names) read(get func(string) string) (signed, bool) {
	s := signed{nonce: get(n.nonce), timestamp: get(n.timestamp), signature: get(n.signature)}
	if n.appKey != "" {
		s.appKey = get(n.appKey)
	}
	return s, s.nonce != "" && s.timestamp != "" && s.signature != ""
}

func findSigned(query string, header http.Header) (signed, bool) {
	if query != "" {
		// A broken pair is somebody else's; what could be read still counts.
		values, _ := url.ParseQuery(query)
		for _, n := range queryNames {
			if s, ok := n.read(values.Get); ok {
				return s, true
			}
		}
	}
	for _, n := range headerNames {
		s, ok := n.read(header.Get)
		if !ok {
			continue
		}
		if s.appKey == "" {
			s.appKey = header.Get("appKey") // the spelling of the vendor's other product
		}
		return s, true
	}
	return signed{}, false
}

// unsignedError says that there is no signature, and how that came about where a
// URL was copied from one of the pages that show ×tamp: &timestamp, as a program
// prints it that takes &times for the sign.
func unsignedError(query string) error {
	if strings.Contains(query, "×tamp=") || strings.Contains(strings.ToUpper(query), "%C3%97TAMP=") {
		return fmt.Errorf("%w: the query holds ×tamp where &timestamp is meant", dialect.ErrSignature)
	}
	return fmt.Errorf("%w: nonce, timestamp or signature is missing from query and headers", dialect.ErrSignature)
}

// Verify checks signature, app and age. The signature covers nonce and timestamp
// run together and not the body, so Proof.Once is exactly that text: moving a
// digit from one to the other keeps both signature and Once.
func (d *Dialect) Verify(req *dialect.Request, cred dialect.Credentials, v dialect.Verification) (dialect.Proof, error) {
	s, ok := findSigned(req.Query, req.Header)
	if !ok {
		return dialect.Proof{}, unsignedError(req.Query)
	}
	if s.appKey == "" && "/"+commandOf(req.Path) == messageCallback {
		s.appKey = appKeyOf(req.Body) // the question names the app in its body as well
	}
	if want := cred.Get("app_key"); s.appKey != "" && want != "" && s.appKey != want {
		return dialect.Proof{}, fmt.Errorf("%w: app key is %.64q", dialect.ErrWrongApp, s.appKey)
	}

	got := []byte(strings.ToLower(s.signature))
	match := -1
	for i, secret := range cred.Live(v.Now) {
		want := signature(secret, s.nonce, s.timestamp)
		if subtle.ConstantTimeCompare(got, want[:]) == 1 {
			match = i
		}
	}
	if match < 0 {
		return dialect.Proof{}, dialect.ErrSignature
	}

	at, err := parseTimestamp(s.timestamp)
	if err != nil {
		return dialect.Proof{}, fmt.Errorf("%w: timestamp is no number", dialect.ErrStale)
	}
	if age := v.Now.Sub(at).Abs(); v.MaxAge > 0 && age > v.MaxAge {
		return dialect.Proof{}, fmt.Errorf("%w: it is %s off, %s are allowed", dialect.ErrStale, age.Round(time.Second), v.MaxAge)
	}
	return dialect.Proof{Once: s.nonce + s.timestamp, Secret: match}, nil
}

// parseTimestamp reads seconds or milliseconds, told apart by magnitude.
func parseTimestamp(s string) (time.Time, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return time.Time{}, err
	}
	if n < firstMilli {
		return time.Unix(n, 0), nil
	}
	return time.UnixMilli(n), nil
}

// signature is lower-case hex SHA-1 of secret, nonce and timestamp run together.
func signature(secret, nonce, timestamp string) [2 * sha1.Size]byte {
	var stack [128]byte
	sum := sha1.Sum(append(append(append(stack[:0], secret...), nonce...), timestamp...))
	var out [2 * sha1.Size]byte
	hex.Encode(out[:], sum[:])
	return out
}
