package config

import "time"

// String is the start as it is written in the file; one that was written as long
// ago, with what that came to.
func (s Start) String() string {
	switch {
	case s.Beginning:
		return startBeginning
	case s.At.IsZero():
		return startNow
	case s.Ago > 0:
		return s.Ago.String() + " ago (" + s.At.UTC().Format(time.RFC3339) + ")"
	}
	return s.At.Format(time.RFC3339)
}

// The words of start.
const (
	startNow       = "now"
	startBeginning = "beginning"
)

// start reads where a new endpoint begins: a word, a time, or how long ago.
func (l *loader) start(o *object, to *Start) {
	v, ok := o.get("start")
	if !ok {
		return
	}
	s, ok := v.text()
	if !ok {
		return
	}
	now := l.Now()
	t, isTime := parseTime(s)
	ago, err := parseDuration(s)
	switch {
	case s == startNow:
	case s == startBeginning:
		to.Beginning = true
	case isTime:
		if t.After(now) {
			v.warn("is in the future; until then a new endpoint gets nothing")
		}
		to.At = t
	case err == nil && ago > 0:
		to.At, to.Ago = now.Add(-ago), ago
	default:
		v.wrong("%q is no start; write now, beginning, a time (2026-11-20T08:00:00Z) or how long ago (24h)", s)
	}
}
