package main

import (
	"fmt"
	"strings"
	"time"
)

// soonSecret is how long before its end a secret is spoken of.
const soonSecret = 7 * 24 * time.Hour

// secretRow is what the listings show of a secret.
type secretRow struct {
	Key      string    `json:"key"`
	Place    int       `json:"place"`
	From     time.Time `json:"from"`
	Until    time.Time `json:"until"`
	State    string    `json:"state"`
	LastUsed time.Time `json:"lastUsed"`
}

func (s secretRow) live() bool { return s.State == "live" }

func (s secretRow) name() string { return fmt.Sprintf("%s %d", oneLine(s.Key, 40), s.Place) }

// words say how the secret is doing.
func (s secretRow) words(now time.Time) string {
	var b strings.Builder
	b.WriteString(s.name() + " ")
	switch {
	case s.State == "not yet":
		b.WriteString("not before " + minute(s.From))
	case s.State == "expired":
		b.WriteString("expired " + minute(s.Until))
	case !s.Until.IsZero():
		b.WriteString("live until " + minute(s.Until))
	default:
		b.WriteString(oneLine(s.State, 40))
	}
	if s.LastUsed.IsZero() {
		b.WriteString(", not used")
	} else {
		b.WriteString(", used " + roughly(now.Sub(s.LastUsed)) + " ago")
	}
	return b.String()
}

// expiries say which secrets an endpoint's owner must do something about.
func expiries(all []secretRow, now time.Time) (hints []string) {
	live := 0
	for i, s := range all {
		if !s.live() {
			continue
		}
		live++
		if left := s.Until.Sub(now); !s.Until.IsZero() && left < soonSecret {
			hints = append(hints, fmt.Sprintf("%s expires in %s, on %s: %s", s.name(), roughly(left), minute(s.Until), follower(all, i)))
		}
	}
	if live == 0 && len(all) > 0 {
		hints = append(hints, "no secret is valid now: nothing can be signed; add one")
	}
	return hints
}

// follower says what is signed with once the secret at i has ended.
func follower(all []secretRow, i int) string {
	end := all[i].Until
	for _, s := range all {
		if !s.From.After(end) && (s.Until.IsZero() || s.Until.After(end)) {
			return s.name() + " follows"
		}
	}
	return "nothing follows; add its successor"
}

func minute(t time.Time) string { return t.UTC().Format("2006-01-02T15:04Z") }

// roughly is d in its largest unit.
func roughly(d time.Duration) string {
	switch d = max(d, 0); {
	case d < time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%dm", d/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", d/time.Hour)
	}
	return fmt.Sprintf("%dd", d/(24*time.Hour))
}
