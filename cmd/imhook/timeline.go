package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/imhook/imhook/client/admin"
	"github.com/imhook/imhook/internal/gateway"
	"github.com/imhook/imhook/internal/trail"
)

// timelineText is what happened to an event, a step a line.
func timelineText(t *admin.Timeline, now time.Time) string {
	var b strings.Builder
	b.WriteString("what happened\n")
	for i := range t.Steps {
		b.WriteString("  " + stepLine(&t.Steps[i], now) + "\n")
	}
	if len(t.Others) > 0 {
		b.WriteString("\nabout the same message\n")
	}
	for i := range t.Others {
		b.WriteString("  " + foundLine(&t.Others[i], now) + "\n")
	}
	for _, note := range []string{t.Gone, t.Words} {
		if note != "" {
			b.WriteString("\n(" + oneLine(note, 2*idWidth) + ")\n")
		}
	}
	return b.String()
}

// stepLine is a step on one line: when, what, and where.
func stepLine(s *admin.TimelineStep, now time.Time) string {
	at := "now"
	if !s.At.IsZero() {
		at = clock(s.At, now)
	}
	words := []string{at, s.Kind}
	if s.Endpoint != "" {
		words = append(words, s.Endpoint)
	}
	switch {
	case s.Decision != nil:
		words = append(words, decided(s.Decision), "imhook decisions "+s.Event)
	case s.Kind == "parked":
		words = append(words, fmt.Sprintf("%s after %s", s.Reason, count(s.Number, "attempt")), "imhook deadletters "+s.DeadLetter)
	case s.Kind == "attempt" || s.Kind == "delivered":
		words = append(words, fmt.Sprintf("#%d", s.Number))
		if s.Kind == "attempt" {
			words = append(words, s.Outcome, s.Reason)
		}
		words = append(words, took(s.Seconds))
		if s.Attempt != nil {
			words = append(words, s.Attempt.Detail)
		}
	}
	if s.Repeat != "" && string(s.Repeat) != s.Kind {
		words = append(words, string(s.Repeat))
	}
	if !s.Due.IsZero() {
		words = append(words, "next at "+clock(s.Due, now))
	}
	words = append(words, s.Words)
	var all []string
	for _, w := range words {
		if w = oneLine(w, 2*textWidth+40); w != "" {
			all = append(all, w)
		}
	}
	return strings.Join(all, "  ")
}

// decided is what was decided, by whom and in how long.
func decided(d *admin.Decision) string {
	return outcome(&trail.Entry{Verdict: d.Verdict, By: d.By, Cause: gateway.Cause(d.Cause), Took: d.Took})
}
