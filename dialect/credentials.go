package dialect

import (
	"fmt"
	"io"
	"iter"
	"log/slog"
	"time"
)

// Redacted stands wherever a secret would be printed.
const Redacted = "<redacted>"

// Secret is a value that never prints.
type Secret string

// String returns [Redacted].
func (Secret) String() string { return Redacted }

// Format writes [Redacted] whatever the verb: with one that does not fit a string,
// fmt would print the value itself.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Redacted) }

// GoString returns [Redacted].
func (Secret) GoString() string { return Redacted }

// LogValue returns [Redacted].
func (Secret) LogValue() slog.Value { return slog.StringValue(Redacted) }

// MarshalText returns [Redacted].
func (Secret) MarshalText() ([]byte, error) { return []byte(Redacted), nil }

// Reveal returns the secret itself, for signing and verifying only.
func (s Secret) Reveal() string { return string(s) }

// DatedSecret is a secret with the time in which it is valid; zero bounds are
// open.
type DatedSecret struct {
	Value Secret
	From  time.Time
	Until time.Time
}

// Live reports whether the secret is valid at t.
func (d DatedSecret) Live(t time.Time) bool {
	return (d.From.IsZero() || !t.Before(d.From)) && (d.Until.IsZero() || t.Before(d.Until))
}

// Credentials are what a source, hook or endpoint is authenticated with. The
// zero value has none.
type Credentials struct {
	// Public holds the keys that are no secrets: app_key, sdk_app_id.
	Public map[string]string
	// Secrets of the dialect's one secret key, the one to sign with first.
	Secrets []DatedSecret
}

// Get returns a public key, or "".
func (c Credentials) Get(key string) string { return c.Public[key] }

// Live yields the place and value of each secret valid at t.
func (c Credentials) Live(t time.Time) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		for i, s := range c.Secrets {
			if s.Live(t) && !yield(i, s.Value.Reveal()) {
				return
			}
		}
	}
}

// Signing returns the secret to sign with at t: the first live one, false when
// there is none.
func (c Credentials) Signing(t time.Time) (string, bool) {
	for _, s := range c.Live(t) {
		return s, true
	}
	return "", false
}
