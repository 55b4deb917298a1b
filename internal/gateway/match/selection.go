package match

import (
	"fmt"
	"slices"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// selection is the patterns of a rule, compiled. It does not change.
type selection struct {
	phase event.Phase
	// events are the patterns as they were written.
	events []string
	// types are the catalogue's types that a type pattern matches.
	types map[event.Type]bool
	// patterns are asked for types that the catalogue does not know.
	patterns []event.Pattern
	vendors  []vendorPattern
}

func newSelection(events []string, phase event.Phase, reg *dialect.Registry) (*selection, error) {
	s := &selection{phase: phase, events: slices.Clone(events), types: map[event.Type]bool{}}
	for _, text := range events {
		if err := s.add(text, reg); err != nil {
			return nil, fmt.Errorf("pattern %q: %w", text, err)
		}
	}
	return s, nil
}

// add compiles one pattern.
func (s *selection) add(text string, reg *dialect.Registry) error {
	if isVendorPattern(text) {
		p, err := parseVendor(text, s.phase, reg)
		if err != nil {
			return err
		}
		s.vendors = append(s.vendors, p)
		return nil
	}
	p, err := event.ParsePattern(text)
	if err != nil {
		return err
	}
	found, inPhase := false, false
	for _, e := range event.Catalogue() {
		if p.Match(e.Type) {
			found = true
			if e.In(s.phase) {
				inPhase = true
				s.types[e.Type] = true
			}
		}
	}
	switch {
	case !found:
		return fmt.Errorf("no type matches%s", suggestion(text, typePatterns(s.phase)))
	case !inPhase:
		return fmt.Errorf("no %s-events are of a type that matches", s.phase)
	}
	s.patterns = append(s.patterns, p)
	return nil
}

// takes reports whether a pattern takes ev.
func (s *selection) takes(ev *event.Event) bool { return s.matchType(ev.Type) || s.matchVendor(ev) }

func (s *selection) matchType(t event.Type) bool {
	if s.types[t] {
		return true
	}
	if e, ok := event.Lookup(t); (ok && e.In(s.phase)) || t == "" {
		return false
	}
	return slices.ContainsFunc(s.patterns, func(p event.Pattern) bool { return p.Match(t) })
}

func (s *selection) matchVendor(ev *event.Event) bool {
	for i := range s.vendors {
		p := &s.vendors[i]
		if ev.Dialect == p.dialect {
			if p.names(ev.Command) {
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
