package config

import (
	"math/rand/v2"
	"time"

	"github.com/imhook/imhook/dialect"
)

// shortSecret is what every dialect's secret key may be called too.
const shortSecret = "secret"

// credentials reads what authenticates with a dialect. o is nil when nothing was
// given. source is whose path tokens may stand there besides; nil for endpoints.
func (l *loader) credentials(owner, o *object, d dialect.Dialect, source *Source) (cred dialect.Credentials) {
	spec, given := d.Spec(), o != nil
	before := len(l.walk.problems)
	if !given {
		o = &object{value: owner.value, fields: map[string]value{}}
	}
	for _, key := range spec.Credentials {
		var ok bool
		if key.Secret {
			cred.Secrets, ok = l.secrets(o, key.Name)
		} else {
			ok = l.public(o, key.Name, &cred)
		}
		if key.Required && !ok {
			at := owner
			if given {
				at = o
			}
			at.missing(credentialPath(given, key.Name), spec.Name+" needs it: "+key.Line)
		}
	}
	if source != nil {
		l.pathTokens(o, spec, source)
	}
	if given {
		o.done()
	}
	if given && len(l.walk.problems) == before {
		l.try(o, cred, d)
	}
	return cred
}

// try signs a sample: what a dialect cannot sign with (a key that is not base64,
// an id that is no number) is better found now than with the first event.
func (l *loader) try(o *object, cred dialect.Credentials, d dialect.Dialect) {
	if len(cred.Secrets) == 0 || len(d.Spec().Commands) == 0 {
		return
	}
	now := l.Now()
	if _, live := cred.Signing(now); !live {
		return // all of them are of another time
	}
	req, err := d.Sample(d.Spec().Commands[0].Name, rand.New(rand.NewPCG(1, 1)), now)
	if err != nil {
		return
	}
	if err := d.Sign(&req, cred, "check", now); err != nil {
		o.wrong("%s cannot sign with these: %v; correct them", d.Spec().Name, err)
	}
}

func credentialPath(given bool, key string) string {
	if given {
		return key
	}
	return "credentials." + key
}

// public reads a key that is no secret; false when it is missing.
func (l *loader) public(o *object, key string, cred *dialect.Credentials) bool {
	v, ok := o.get(key)
	if !ok {
		return false
	}
	s, ok := v.text()
	if ok && s == "" {
		v.wrong("is empty; give it a value or remove the key")
	}
	if cred.Public == nil {
		cred.Public = map[string]string{}
	}
	cred.Public[key] = s
	return true
}

// secrets reads the dialect's one secret key in any of its forms; false when none
// is given.
func (l *loader) secrets(o *object, key string) ([]dialect.DatedSecret, bool) {
	names := []string{key}
	if key != shortSecret {
		names = append(names, shortSecret)
	}
	var found []dialect.DatedSecret
	by := ""
	for _, name := range names {
		s, ok := l.secret(o, name)
		if !ok {
			continue
		}
		if by != "" {
			o.wrong("%s and %s are the same key; remove one", by, name)
			continue
		}
		by = name
		found = []dialect.DatedSecret{{Value: s}}
		l.walk.origins[join(o.path, "secrets[0]")] = l.walk.origins[join(o.path, name)]
	}
	if by != "" {
		if v, ok := o.get("secrets"); ok {
			v.wrong("at most one of %s and secrets; remove one", by)
		}
		return found, true
	}
	return l.rotation(o, "secrets", "secret")
}

// moment reads a time.
func (o *object) moment(key string, to *time.Time) {
	v, ok := o.get(key)
	if !ok {
		return
	}
	s, ok := v.text()
	if !ok {
		return
	}
	if t, ok := parseTime(s); ok {
		*to = t
		return
	}
	v.wrong("%q is not a time; write 2026-11-20T08:00:00Z or 2026-11-20 (midnight UTC)", s)
}

// parseTime reads a time with its zone, or a day.
func parseTime(s string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}
