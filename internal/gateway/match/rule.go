package match

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// Rule says which events somebody gets.
type Rule struct {
	// App whose events it is about. Required.
	App string
	// Phase of the events; empty means after, which is what endpoints get.
	Phase event.Phase
	// Events are type patterns and vendor patterns, of which one must match.
	// Empty means "**".
	Events []string
	// Sources narrows to events of these sources. Empty means all.
	Sources []string
}

// Matcher is a compiled rule. It does not change and is safe for concurrent use.
type Matcher struct {
	app     string
	phase   event.Phase
	sources []string
	// types are the catalogue's types that a type pattern matches.
	types map[event.Type]bool
	// patterns are asked for types that the catalogue does not know.
	patterns []pattern
	vendors  []vendorPattern
}

// Compile checks a rule. The error names the pattern, says what is wrong with it
// and which one was probably meant.
func Compile(r Rule, reg *dialect.Registry) (*Matcher, error) {
	if r.App == "" {
		return nil, errors.New("compiling rule: it has no app")
	}
	m := &Matcher{app: r.App, phase: r.Phase, sources: slices.Clone(r.Sources), types: map[event.Type]bool{}}
	if m.phase == "" {
		m.phase = event.After
	}
	if slices.Contains(m.sources, "") {
		return nil, errors.New("compiling rule: a source's name is empty")
	}
	events := r.Events
	if len(events) == 0 {
		events = []string{anyWords}
	}
	for _, text := range events {
		if err := m.add(text, reg); err != nil {
			return nil, fmt.Errorf("compiling rule: pattern %q: %w", text, err)
		}
	}
	return m, nil
}

// add compiles one pattern into the matcher.
func (m *Matcher) add(text string, reg *dialect.Registry) error {
	if isVendorPattern(text) {
		p, err := parseVendor(text, m.phase, reg)
		if err != nil {
			return err
		}
		m.vendors = append(m.vendors, p)
		return nil
	}
	p, err := parsePattern(text)
	if err != nil {
		return err
	}
	found, inPhase := false, false
	for _, e := range event.Catalogue() {
		if p.match(strings.Split(string(e.Type), ".")) {
			found = true
			if e.In(m.phase) {
				inPhase = true
				m.types[e.Type] = true
			}
		}
	}
	switch {
	case !found:
		return fmt.Errorf("no type matches%s", suggestion(text, typePatterns(m.phase)))
	case !inPhase:
		return fmt.Errorf("no %s-events are of a type that matches", m.phase)
	}
	m.patterns = append(m.patterns, p)
	return nil
}

// Match reports whether the rule is about ev.
func (m *Matcher) Match(ev *event.Event) bool {
	if ev.Phase != m.phase || ev.App != m.app {
		return false
	}
	if len(m.sources) > 0 && !slices.Contains(m.sources, ev.Source) {
		return false
	}
	return m.matchType(ev.Type) || m.matchVendor(ev)
}

func (m *Matcher) matchType(t event.Type) bool {
	if m.types[t] {
		return true
	}
	if e, ok := event.Lookup(t); (ok && e.In(m.phase)) || t == "" {
		return false
	}
	words := []string{string(t)}
	if len(t) <= maxText {
		words = strings.Split(string(t), ".")
	}
	return slices.ContainsFunc(m.patterns, func(p pattern) bool { return p.match(words) })
}

func (m *Matcher) matchVendor(ev *event.Event) bool {
	for i := range m.vendors {
		p := &m.vendors[i]
		if ev.Dialect == p.dialect {
			if ev.Command == p.command {
				return true
			}
			continue
		}
		if slices.Contains(p.types, ev.Type) {
			return true
		}
	}
	return false
}
