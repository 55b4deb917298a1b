package match

import (
	"strings"

	"github.com/imhook/imhook/event"
)

// maxText is the longest command or type that is remembered; longer ones come from no
// vendor and would only cost memory.
const maxText = 256

// Index finds the rules of an event among many. What matched is remembered per
// source and kind of event, so that ten thousand rules cost one look into a map.
// Conditions are asked for each event, one that many rules have once, and those
// that compare one text with many values are found with one look. Safe for
// concurrent use.
type Index struct {
	matchers []*Matcher
	// byApp are the places of each app's matchers, ascending.
	byApp map[string][]int
	cache cache
}

// key is everything that a rule without condition looks at.
type key struct {
	app, source, dialect, command string
	eventType                     event.Type
	phase                         event.Phase
}

// NewIndex returns the index of ms; places are those in ms. Nil matchers match
// nothing.
func NewIndex(ms []*Matcher) *Index {
	x := &Index{matchers: ms, byApp: map[string][]int{}}
	for i, m := range ms {
		if m != nil {
			x.byApp[m.app] = append(x.byApp[m.app], i)
		}
	}
	x.cache.clear()
	return x
}

// Match returns the places of the rules that match ev, ascending: the same as
// asking [Matcher.Match] of each. The result is shared and must not be changed.
func (x *Index) Match(ev *event.Event) []int {
	k := key{app: ev.App, source: ev.Source, dialect: ev.Dialect, command: ev.Command, eventType: ev.Type, phase: ev.Phase}
	a, ok := x.cache.get(k)
	if !ok {
		places := x.find(ev)
		if len(k.command) <= maxText && len(k.eventType) <= maxText && len(k.dialect) <= maxText {
			a = x.cache.put(k.clone(), places, x.answer)
		} else {
			a = x.answer(places)
		}
	}
	if !a.asks() {
		return a.always
	}
	return a.narrow(ev)
}

// find asks every rule of the app for everything but its condition.
func (x *Index) find(ev *event.Event) []int {
	var places []int
	for _, i := range x.byApp[ev.App] {
		if x.matchers[i].matchEnvelope(ev) {
			places = append(places, i)
		}
	}
	return places
}

// clone copies the texts: an event's strings may be parts of a whole page.
func (k key) clone() key {
	return key{
		app: strings.Clone(k.app), source: strings.Clone(k.source),
		dialect: strings.Clone(k.dialect), command: strings.Clone(k.command),
		eventType: event.Type(strings.Clone(string(k.eventType))), phase: event.Phase(strings.Clone(string(k.phase))),
	}
}
