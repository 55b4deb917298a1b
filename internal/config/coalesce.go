package config

import (
	"slices"
	"time"

	"github.com/imhook/imhook/event"
)

// maxCoalesce is how long a report may be held: who waits longer wants a summary.
const maxCoalesce = 10 * time.Minute

// coalesce reads for how long presence is held.
func (l *loader) coalesce(o *object, e *Endpoint) {
	o.duration("coalesce", &e.Coalesce)
	v, ok := o.get("coalesce")
	switch {
	case !ok || e.Coalesce == 0:
		return
	case e.Coalesce > maxCoalesce:
		v.wrong("is %v; a report is held that long, write up to %v", e.Coalesce, maxCoalesce)
	case e.Order == OrderStrict:
		v.warn("holds everything with order: strict, whenever a user comes or goes: nothing overtakes what is held")
	case l.Matches != nil && !slices.ContainsFunc(e.Events, l.picksPresence):
		v.warn("has no effect: the endpoint gets neither %s nor %s", event.UserOnline, event.UserOffline)
	}
}

// picksPresence reports whether a pattern picks that a user's device comes or goes, or
// is wrong, which is reported.
func (l *loader) picksPresence(pattern string) bool {
	match := l.Matches(pattern, event.After)
	if match == nil {
		return true
	}
	all := []*event.Event{{Type: event.UserOnline, Phase: event.After}, {Type: event.UserOffline, Phase: event.After}}
	for _, d := range l.Registry.All() {
		all = append(all, eventsOf(d.Spec(), event.After)...)
	}
	return slices.ContainsFunc(all, func(ev *event.Event) bool {
		return (ev.Type == event.UserOnline || ev.Type == event.UserOffline) && match(ev)
	})
}
