package tencent

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/imhook/imhook/dialect"
)

// Verify checks app, signature and age. The signature covers token and RequestTime
// and nothing else, and many requests of one second share it: there is no Once.
// Who can read one request can therefore write others for as long as MaxAge; TLS
// and the vendor's addresses must keep that from happening.
func (d *Dialect) Verify(req *dialect.Request, cred dialect.Credentials, v dialect.Verification) (dialect.Proof, error) {
	q := parseQuery(req.Query)
	if want := cred.Get(appIDKey); want != "" && q.appID != want {
		return dialect.Proof{}, fmt.Errorf("%w: SdkAppid is %.64q", dialect.ErrWrongApp, q.appID)
	}
	if q.sign == "" || q.requestTime == "" {
		return dialect.Proof{}, fmt.Errorf("%w: Sign or RequestTime is missing from the query; is authentication switched on in the console?", dialect.ErrSignature)
	}
	got := []byte(strings.ToLower(q.sign))
	match := -1
	for i, token := range cred.Live(v.Now) {
		want := signature(token, q.requestTime)
		if subtle.ConstantTimeCompare(got, want[:]) == 1 {
			match = i
		}
	}
	if match < 0 {
		return dialect.Proof{}, dialect.ErrSignature
	}
	seconds, err := strconv.ParseInt(q.requestTime, 10, 64)
	if err != nil {
		return dialect.Proof{}, fmt.Errorf("%w: RequestTime is no number", dialect.ErrStale)
	}
	if age := v.Now.Sub(time.Unix(seconds, 0)).Abs(); v.MaxAge > 0 && age > v.MaxAge {
		return dialect.Proof{}, fmt.Errorf("%w: it is %s off, %s are allowed", dialect.ErrStale, age.Round(time.Second), v.MaxAge)
	}
	return dialect.Proof{Secret: match}, nil
}

// Sign puts RequestTime and Sign behind the query, in place of any that are there,
// and the app of the credentials where they name one: the backend checks it.
func (d *Dialect) Sign(req *dialect.Request, cred dialect.Credentials, _ string, now time.Time) error {
	token, ok := cred.Signing(now)
	if !ok {
		return dialect.ErrNoSecret
	}
	b := make([]byte, 0, len(req.Query)+len("SdkAppid=&RequestTime=&Sign=")+96)
	rest := without(req.Query, "Sign", "RequestTime")
	if appID := cred.Get(appIDKey); appID != "" && parseQuery(rest).appID != appID {
		b, rest = appendQuery(b, "SdkAppid", appID), without(rest, "SdkAppid")
	}
	if rest != "" {
		if len(b) > 0 {
			b = append(b, '&')
		}
		b = append(b, rest...)
	}
	seconds := strconv.FormatInt(now.Unix(), 10)
	sum := signature(token, seconds)
	b = appendQuery(b, "RequestTime", seconds)
	b = appendQuery(b, "Sign", string(sum[:]))
	req.Query = string(b)
	return nil
}

// signature is lower-case hex SHA-256 of token and RequestTime run together.
func signature(token, requestTime string) [2 * sha256.Size]byte {
	var stack [128]byte
	sum := sha256.Sum256(append(append(stack[:0], token...), requestTime...))
	var out [2 * sha256.Size]byte
	hex.Encode(out[:], sum[:])
	return out
}
