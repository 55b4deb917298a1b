package main

import (
	"strings"
	"testing"
	"time"

	"github.com/imhook/imhook/event"
)

func TestEventLine_HasTheDayUnlessItIsToday(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 4, 10, 20, 30, 0, time.Local)
	ev := &event.Event{ID: "e1", Source: "wfc", Type: "message.send", Time: at}
	for want, now := range map[string]time.Time{
		"10:20:30.000  wfc":            at.Add(time.Hour),
		"2026-03-04 10:20:30.000  wfc": at.AddDate(0, 0, 1),
	} {
		if got := eventLine(ev, now); !strings.HasPrefix(got, want) {
			t.Errorf("eventLine at %v = %q, want %q…", now, got, want)
		}
	}
}
