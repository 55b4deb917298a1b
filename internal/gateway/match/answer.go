package match

import (
	"slices"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// answer says which rules match the events of a key, and what must still be asked
// of each event. It does not change.
type answer struct {
	// all are the places of the rules, always those without condition; ascending.
	all, always []int
	// choices find conditions by a text of the event; the others are asked one by
	// one.
	choices []choice
	others  []*group
	reg     *dialect.Registry
}

// choice is one text of events and what its values decide.
type choice struct {
	path    path
	byValue map[string][]*group
}

// group are the rules with one condition.
type group struct {
	when     *condition
	places   []int
	matchers []*Matcher
}

// answer builds the answer of those places.
func (x *Index) answer(places []int) *answer {
	a := &answer{all: places}
	groups := map[string]*group{}
	choices := map[string]int{}
	for _, i := range places {
		m := x.matchers[i]
		if m.when == nil {
			a.always = append(a.always, i)
			continue
		}
		a.reg = m.reg
		g := groups[m.when.text]
		if g == nil {
			g = &group{when: m.when}
			groups[m.when.text] = g
			a.add(g, choices)
		}
		g.places, g.matchers = append(g.places, i), append(g.matchers, m)
	}
	return a
}

// add puts a group where it is found.
func (a *answer) add(g *group, choices map[string]int) {
	c := g.when.key
	if c == nil {
		a.others = append(a.others, g)
		return
	}
	n, ok := choices[c.path.name]
	if !ok {
		n = len(a.choices)
		choices[c.path.name] = n
		a.choices = append(a.choices, choice{path: c.path, byValue: map[string][]*group{}})
	}
	for v := range c.values {
		a.choices[n].byValue[v] = append(a.choices[n].byValue[v], g)
	}
}

// asks reports whether there is a condition to ask.
func (a *answer) asks() bool { return len(a.all) > len(a.always) }

// conditionWeight is what a rule with a condition holds besides its place, in
// places.
const conditionWeight = 16

// weight is what the answer costs to remember, in places.
func (a *answer) weight() int {
	return len(a.all) + len(a.always) + conditionWeight*(len(a.all)-len(a.always))
}

// narrow asks the conditions.
func (a *answer) narrow(ev *event.Event) []int {
	s := newSubject(ev, a.reg)
	defer s.free()
	var few [8][]int
	hits := few[:0]
	for i := range a.choices {
		c := &a.choices[i]
		for _, g := range c.byValue[c.path.read(s)] {
			if g.holds(s) {
				hits = append(hits, g.places)
			}
		}
	}
	for _, g := range a.others {
		if g.holds(s) {
			hits = append(hits, g.places)
		}
	}
	switch {
	case len(hits) == 0:
		return a.always
	case len(hits) == 1 && len(a.always) == 0:
		return hits[0]
	}
	places := slices.Concat(append(hits, a.always)...)
	slices.Sort(places)
	return places
}

// holds asks a condition once, and tells every rule that has it when it fails.
func (g *group) holds(s *subject) bool {
	yes, err := g.when.holds(s)
	if err != nil {
		for _, m := range g.matchers {
			m.fail(s.ev, err)
		}
	}
	return yes
}
