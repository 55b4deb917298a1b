package cloudevents

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// The library spells the headers in lower case; requests hold them as net/http
// does.
var (
	headerID        = http.CanonicalHeaderKey(standardwebhooks.HeaderWebhookID)
	headerTimestamp = http.CanonicalHeaderKey(standardwebhooks.HeaderWebhookTimestamp)
	headerSignature = http.CanonicalHeaderKey(standardwebhooks.HeaderWebhookSignature)
)

// errSecretForm hides what the base64 decoder saw: it would quote the secret.
var errSecretForm = errors.New("the secret is not whsec_ and base64")

// signingKey reads a secret in the form of Standard Webhooks.
func signingKey(secret string) ([]byte, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil || len(key) == 0 {
		return nil, errSecretForm
	}
	return key, nil
}

func webhook(secret string) (*standardwebhooks.Webhook, error) {
	key, err := signingKey(secret)
	if err != nil {
		return nil, err
	}
	wh, err := standardwebhooks.NewWebhookRaw(key)
	if err != nil {
		return nil, errSecretForm
	}
	return wh, nil
}

// Verify checks the Standard Webhooks signature. Credentials without any secret
// accept everything; with some, of which none is valid now, nothing.
func (d *Dialect) Verify(req *dialect.Request, cred dialect.Credentials, v dialect.Verification) (dialect.Proof, error) {
	if len(cred.Secrets) == 0 {
		return dialect.Proof{Secret: -1}, nil
	}
	id, stamp := req.Header.Get(headerID), req.Header.Get(headerTimestamp)
	if id == "" || stamp == "" || req.Header.Get(headerSignature) == "" {
		return dialect.Proof{}, fmt.Errorf("%w: webhook-id, webhook-timestamp or webhook-signature is missing", dialect.ErrSignature)
	}
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return dialect.Proof{}, fmt.Errorf("%w: webhook-timestamp is no number", dialect.ErrSignature)
	}
	match, cause := -1, error(nil)
	for i, secret := range cred.Live(v.Now) {
		wh, err := webhook(secret)
		if err != nil {
			cause = err
			continue
		}
		// The library's own look at the clock cannot be told the time.
		if wh.VerifyIgnoringTimestamp(req.Body, req.Header) == nil && (match < 0 || outlives(cred.Secrets[i], cred.Secrets[match])) {
			match = i
		}
	}
	if match < 0 {
		if cause != nil {
			return dialect.Proof{}, fmt.Errorf("%w: %w", dialect.ErrSignature, cause)
		}
		return dialect.Proof{}, dialect.ErrSignature
	}
	if age := v.Now.Sub(time.Unix(seconds, 0)).Abs(); v.MaxAge > 0 && age > v.MaxAge {
		return dialect.Proof{}, fmt.Errorf("%w: it is %s off, %s are allowed", dialect.ErrStale, age.Round(time.Second), v.MaxAge)
	}
	// The number, not its text: "07" and "7" are the same signature.
	return dialect.Proof{Once: id + "\n" + strconv.FormatInt(seconds, 10), Secret: match}, nil
}

// outlives reports whether a is valid longer than b. Who rotates may sign with
// both: then the successor counts as used, and what it replaces does not.
func outlives(a, b dialect.DatedSecret) bool {
	return !b.Until.IsZero() && (a.Until.IsZero() || a.Until.After(b.Until))
}

// Sign puts the three headers in place. The webhook-id is the event's, or a hash
// of it where a header cannot hold it. Without any secret nothing is signed; with
// some, of which none is valid now, it is [dialect.ErrNoSecret].
func (d *Dialect) Sign(req *dialect.Request, cred dialect.Credentials, id string, now time.Time) error {
	if len(cred.Secrets) == 0 {
		return nil
	}
	secret, ok := cred.Signing(now)
	if !ok {
		return dialect.ErrNoSecret
	}
	key, err := signingKey(secret)
	if err != nil {
		return err
	}
	id = headerValue(id)
	// As the library does, but without copying the body twice: batches are large.
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%d.", id, now.Unix())
	mac.Write(req.Body)
	signature := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	req.Header = req.Header.Clone()
	if req.Header == nil {
		req.Header = http.Header{}
	}
	req.Header.Set(headerID, id)
	req.Header.Set(headerTimestamp, strconv.FormatInt(now.Unix(), 10))
	req.Header.Set(headerSignature, signature)
	return nil
}

// headerValue is id where it is visible ASCII, else a hash of it.
func headerValue(id string) string {
	for i := range len(id) {
		if id[i] <= ' ' || id[i] > '~' {
			return event.DeriveID(id)
		}
	}
	if id == "" {
		return event.DeriveID(id)
	}
	return id
}
