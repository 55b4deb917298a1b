package receive

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/imhook/imhook/dialect"
)

const (
	// soon is how long before its end a secret is spoken of that callers still use.
	soon = 7 * 24 * time.Hour
	// remindEvery is how often.
	remindEvery = time.Hour
	// keyPathToken is the key of path tokens in the configuration.
	keyPathToken = "path_token"
)

// ownSecret is one of a source's secrets or path tokens.
type ownSecret struct {
	dialect.DatedSecret
	// key is its name in the configuration, place the one in its list, from 1.
	key   string
	place int
	*reminder
}

// reminder is when somebody was last told that a secret expires, in nanoseconds of
// Unix time. It outlives its source: a reload is no reason to say it again.
type reminder struct{ at atomic.Int64 }

// due reports whether it is time to say it, to one caller alone.
func (r *reminder) due(now time.Time) bool {
	at, last := now.UnixNano(), r.at.Load()
	return (last == 0 || at-last >= int64(remindEvery)) && r.at.CompareAndSwap(last, at)
}

// remember takes over the reminders of the source that s replaces, which may be
// nil.
func (s *source) remember(before *source) {
	s.reminders = map[dialect.Secret]*reminder{}
	all := []dialect.DatedSecret{{Value: s.PathToken}}
	all = append(append(all, s.PathTokens...), s.Credentials.Secrets...)
	for _, d := range all {
		s.reminders[d.Value] = &reminder{}
		if before != nil && before.reminders[d.Value] != nil {
			s.reminders[d.Value] = before.reminders[d.Value]
		}
	}
}

// own is a secret at index i of its list.
func (s *source) own(key string, i int, d dialect.DatedSecret) ownSecret {
	return ownSecret{DatedSecret: d, key: key, place: i + 1, reminder: s.reminders[d.Value]}
}

// secretKey is the name of a dialect's secret in the configuration.
func secretKey(spec *dialect.Spec) string {
	for _, k := range spec.Credentials {
		if k.Secret {
			return k.Name
		}
	}
	return "secret"
}

// outside says that o is not valid now, with its bound; empty when it is, and for
// nil.
func (o *ownSecret) outside(now time.Time) string {
	switch {
	case o == nil || o.Live(now):
		return ""
	case !o.From.IsZero() && now.Before(o.From):
		return fmt.Sprintf("%s %d, which is not valid before %s", o.key, o.place, o.From.UTC().Format(time.RFC3339))
	}
	return fmt.Sprintf("%s %d, which expired at %s", o.key, o.place, o.Until.UTC().Format(time.RFC3339))
}

// used notes what a verified request was signed with and which path token it came
// with.
func (c *call) used(proof dialect.Proof) {
	if c.token != nil {
		c.use(c.token)
	}
	if i := proof.Secret; i >= 0 && i < len(c.src.secrets) {
		c.use(&c.src.secrets[i])
	}
}

func (c *call) use(o *ownSecret) {
	c.src.Uses.Note(o.Value, c.now)
	if o.Until.IsZero() || o.Until.Sub(c.now) >= soon || !o.due(c.now) {
		return
	}
	c.h.cfg.Log.Warn("a caller still uses a secret that expires soon: it will be refused",
		"source", c.src.Name, "key", o.key, "place", o.place, "until", o.Until.UTC())
}

// outdated is the secret that a request is signed with whose signature did not
// fit, when it is one of those that are not valid now; nil when it is none. It
// verifies once more: not for the way that requests usually take.
func (c *call) outdated() *ownSecret {
	cred := dialect.Credentials{Public: c.src.Credentials.Public}
	var at []int
	for i := range c.src.secrets {
		if s := &c.src.secrets[i]; !s.Live(c.now) {
			cred.Secrets, at = append(cred.Secrets, dialect.DatedSecret{Value: s.Value}), append(at, i)
		}
	}
	if len(at) == 0 {
		return nil
	}
	proof, err := c.src.Dialect.Verify(&c.req, cred, dialect.Verification{Now: c.now})
	if err != nil || proof.Secret < 0 || proof.Secret >= len(at) {
		return nil
	}
	return &c.src.secrets[at[proof.Secret]]
}
