package config

import (
	"slices"

	"github.com/imhook/imhook/event"
)

// unasked warns of patterns of which the hook's dialect has no question for anything:
// then on_untranslatable is all that decides, unless the file says that somebody knows.
func (l *loader) unasked(o *object, h *Hook, sources []Source) {
	d, err := l.Registry.Get(h.Dialect)
	if l.Matches == nil || err != nil || !h.Enabled {
		return
	}
	if _, known := o.get("on_untranslatable"); known {
		return
	}
	items := []value{o.value} // of the pattern that is not written
	if v, ok := o.get("events"); ok {
		if items = v.list(); len(items) != len(h.Events) {
			return // what is wrong with them was reported
		}
	}
	for i, pattern := range h.Events {
		takes := l.Matches(pattern, event.Before)
		if takes == nil {
			continue // which was reported
		}
		var commands []string
		asked := false
		for _, s := range sources {
			if len(h.Sources) > 0 && !slices.Contains(h.Sources, s.Name) {
				continue
			}
			for _, ev := range l.proposals(&s) {
				if !takes(ev) {
					continue
				}
				question, _ := seenBy(d, ev, l.wire(h, ev))
				asked = asked || question != nil
				if name := ev.Dialect + ":" + ev.Command; !slices.Contains(commands, name) {
					commands = append(commands, name)
				}
			}
		}
		if len(commands) > 0 && !asked {
			items[i].warn("is never asked about %s: %s has no such question, and on_untranslatable (%s) decides; narrow events, choose another dialect, or write on_untranslatable", fewOf(commands), h.Dialect, h.OnUntranslatable)
		}
	}
}
