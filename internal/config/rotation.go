package config

import (
	"slices"
	"time"

	"github.com/imhook/imhook/dialect"
)

// soonSecret is how long before the last of several secrets ends that is warned
// of.
const soonSecret = 7 * 24 * time.Hour

// rotation reads a list of secrets of which one replaces another; false when it
// is not given. what is one of them in words.
func (l *loader) rotation(o *object, key, what string) ([]dialect.DatedSecret, bool) {
	v, ok := o.get(key)
	if !ok {
		return nil, false
	}
	items := v.list()
	if items != nil && len(items) == 0 {
		v.wrong("is empty; give at least one %s", what)
	}
	var all []dialect.DatedSecret
	before := len(l.walk.problems)
	for _, item := range items {
		d := l.dated(item.object())
		l.walk.origins[item.path] = l.walk.origins[join(item.path, "value")]
		if first := slices.IndexFunc(all, func(o dialect.DatedSecret) bool { return o.Value == d.Value && d.Value != "" }); first >= 0 {
			item.warn("holds the same %s as %s[%d]; one of them does nothing", what, key, first)
		}
		all = append(all, d)
	}
	if len(l.walk.problems) == before && len(all) > 0 {
		l.validity(v, all, what)
	}
	return all, true
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

// validity says when no secret of a list is valid, from now on.
func (l *loader) validity(v value, all []dialect.DatedSecret, what string) {
	byStart := slices.Clone(all)
	slices.SortFunc(byStart, func(a, b dialect.DatedSecret) int { return a.From.Compare(b.From) })
	// Up to covered, some secret is valid.
	now := l.Now()
	covered, last := now, time.Time{}
	for _, d := range byStart {
		if d.Until.After(last) {
			last = d.Until
		}
		if !d.Until.IsZero() && !d.Until.After(covered) {
			continue
		}
		switch {
		case !d.From.After(covered):
		case covered.Equal(now):
			v.warn("no %s is valid before %s", what, day(d.From))
		default:
			v.warn("between %s and %s no %s is valid; let them overlap", day(covered), day(d.From), what)
		}
		if d.Until.IsZero() {
			return // from here on for ever
		}
		covered = d.Until
	}
	switch {
	case covered.Equal(now):
		v.wrong("every %s in it has expired, the last on %s; add the present one", what, day(last))
	case covered.Sub(now) < soonSecret:
		v.warn("the last %s expires on %s; add its successor", what, day(covered))
	}
}
