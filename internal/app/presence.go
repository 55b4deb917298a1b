package app

import (
	"cmp"
	"strings"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// presenceOf says whose device an event tells to have come or gone: the user's, by what
// the vendor tells devices apart with, which is a device, a connection or only a
// platform. Empty for all other events, and for those that cannot be read.
func presenceOf(r *dialect.Registry) func(*event.Event) string {
	return func(ev *event.Event) string {
		if ev.Type != event.UserOnline && ev.Type != event.UserOffline {
			return ""
		}
		full, err := r.Restore(ev)
		if err != nil || full.Lane == "" {
			return ""
		}
		var p event.Presence
		if full.Presence != nil {
			p = *full.Presence
		}
		return strings.Join([]string{full.Source, string(full.Lane), p.Platform, cmp.Or(p.Client, p.Connection)}, "\x00")
	}
}
