package config

import (
	"math/rand/v2"
	"strings"
	"time"

	"github.com/imhook/imhook/dialect"
)

// shortSecret is what every dialect's secret key may be called too.
const shortSecret = "secret"

// credentials reads what authenticates with a dialect. o is nil when nothing was
// given. A source's may hold a path token besides.
func (l *loader) credentials(owner, o *object, d dialect.Dialect, source bool) (cred dialect.Credentials, pathToken dialect.Secret) {
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
	if source {
		pathToken = l.pathToken(o, spec)
	}
	if given {
		o.done()
	}
	if given && len(l.walk.problems) == before {
		l.try(o, cred, d)
	}
	return cred, pathToken
}

// try signs a sample: what a dialect cannot sign with (a key that is not base64,
// an id that is no number) is better found now than with the first event.
func (l *loader) try(o *object, cred dialect.Credentials, d dialect.Dialect) {
	if len(cred.Secrets) == 0 || len(d.Spec().Commands) == 0 {
		return
	}
	now := time.Now()
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
	}
	v, ok := o.get("secrets")
	if !ok {
		return found, by != ""
	}
	if by != "" {
		v.wrong("at most one of %s and secrets; remove one", by)
		return found, true
	}
	items := v.list()
	if items != nil && len(items) == 0 {
		v.wrong("is empty; give at least one secret")
	}
	for _, item := range items {
		found = append(found, l.dated(item.object()))
	}
	return found, true
}

// dated reads one of several secrets.
func (l *loader) dated(o *object) dialect.DatedSecret {
	var d dialect.DatedSecret
	var ok bool
	if d.Value, ok = l.secret(o, "value"); !ok {
		o.missing("value", "give value, value_env or value_file")
	}
	o.moment("from", &d.From)
	o.moment("until", &d.Until)
	if !d.From.IsZero() && !d.Until.IsZero() && !d.Until.After(d.From) {
		v, _ := o.get("until")
		v.wrong("is not after from; the secret would never be valid")
	}
	o.done()
	return d
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
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			*to = t
			return
		}
	}
	v.wrong("%q is not a time; write 2026-11-20T08:00:00Z or 2026-11-20 (midnight UTC)", s)
}

// minPathToken is how many characters make a path token hard to guess.
const minPathToken = 12

// pathToken reads a source's secret path segment.
func (l *loader) pathToken(o *object, spec *dialect.Spec) dialect.Secret {
	s, ok := l.secret(o, "path_token")
	if !ok || s == "" {
		return ""
	}
	at := o.value
	for _, key := range []string{"path_token", "path_token_env", "path_token_file"} {
		if v, ok := o.fields[key]; ok {
			at = v
		}
	}
	if len(s.Reveal()) < minPathToken {
		at.wrong("is shorter than %d characters; take a longer random one", minPathToken)
	}
	if strings.ContainsFunc(s.Reveal(), needsEscape) {
		at.wrong("holds a character that needs escaping in a URL; use letters, digits, - and _")
	}
	for _, c := range spec.Commands {
		if first, _, _ := strings.Cut(strings.TrimPrefix(c.Path, "/"), "/"); first == s.Reveal() {
			at.wrong("is the beginning of a path of %s; take a random one", spec.Name)
			break
		}
	}
	return s
}

func needsEscape(c rune) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_':
		return false
	}
	return true
}
