package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/imhook/imhook/client/admin"
)

// soonSecret is how long before its end a secret is spoken of.
const soonSecret = 7 * 24 * time.Hour

func secretLive(s admin.SecretStatus) bool { return s.State == "live" }

func secretName(s admin.SecretStatus) string {
	return fmt.Sprintf("%s %d", oneLine(s.Key, 40), s.Place)
}

// secretWords say how a secret is doing.
func secretWords(s admin.SecretStatus, now time.Time) string {
	var b strings.Builder
	b.WriteString(secretName(s) + " ")
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
func expiries(all []admin.SecretStatus, now time.Time) (hints []string) {
	live := 0
	for i, s := range all {
		if !secretLive(s) {
			continue
		}
		live++
		if left := s.Until.Sub(now); !s.Until.IsZero() && left < soonSecret {
			hints = append(hints, fmt.Sprintf("%s expires in %s, on %s: %s", secretName(s), roughly(left), minute(s.Until), follower(all, i)))
		}
	}
	if live == 0 && len(all) > 0 {
		hints = append(hints, "no secret is valid now: nothing can be signed; add one")
	}
	return hints
}

// follower says what is signed with once the secret at i has ended.
func follower(all []admin.SecretStatus, i int) string {
	end := all[i].Until
	for _, s := range all {
		if !s.From.After(end) && (s.Until.IsZero() || s.Until.After(end)) {
			return secretName(s) + " follows"
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
