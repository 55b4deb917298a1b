package match

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"weak"

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
	// When is a condition that must hold besides: see the package comment. Empty
	// means none.
	When string
	// Failed is told each time the condition could not be evaluated for an event
	// that the rest of the rule is about; such an event does not match. It must be
	// quick and safe for concurrent use. Nil tells nobody.
	Failed func(ev *event.Event, err error)
}

// Matcher is a compiled rule. It does not change and is safe for concurrent use.
type Matcher struct {
	reg     *dialect.Registry
	app     string
	phase   event.Phase
	sources []string
	// events are the patterns as they were written.
	events []string
	// types are the catalogue's types that a type pattern matches.
	types map[event.Type]bool
	// patterns are asked for types that the catalogue does not know.
	patterns []pattern
	vendors  []vendorPattern
	// when is nil without a condition.
	when   *condition
	failed func(*event.Event, error)
}

// Compiler compiles rules; conditions that are written alike are compiled once
// and shared, for as long as a rule has them. Make it with [NewCompiler]. Safe for
// concurrent use.
type Compiler struct {
	reg *dialect.Registry

	// mu guards the following.
	mu         sync.Mutex
	conditions map[string]weak.Pointer[condition]
	// pruneAt is how many conditions there are when those that no rule has any more
	// are looked for.
	pruneAt int
}

// NewCompiler returns a compiler for the dialects of reg, which also reads events
// again whose bodies a condition asks for.
func NewCompiler(reg *dialect.Registry) *Compiler {
	return &Compiler{reg: reg, conditions: map[string]weak.Pointer[condition]{}}
}

// Compile checks one rule, see [Compiler.Compile].
func Compile(r Rule, reg *dialect.Registry) (*Matcher, error) { return NewCompiler(reg).Compile(r) }

// Compile checks a rule. The error names the pattern, says what is wrong with it
// and which one was probably meant; for a condition it wraps a *[ConditionError].
func (c *Compiler) Compile(r Rule) (*Matcher, error) {
	if r.App == "" {
		return nil, errors.New("compiling rule: it has no app")
	}
	m := &Matcher{
		reg: c.reg, app: r.App, phase: r.Phase, sources: slices.Clone(r.Sources),
		types: map[event.Type]bool{}, failed: r.Failed,
	}
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
	m.events = slices.Clone(events)
	for _, text := range events {
		if err := m.add(text, c.reg); err != nil {
			return nil, fmt.Errorf("compiling rule: pattern %q: %w", text, err)
		}
	}
	if r.When == "" {
		return m, nil
	}
	var err error
	if m.when, err = c.condition(r.When); err != nil {
		if e, ok := errors.AsType[*ConditionError](err); ok {
			return nil, fmt.Errorf("compiling rule: condition, line %d, column %d: %w", e.Line, e.Column, err)
		}
		return nil, fmt.Errorf("compiling rule: condition: %w", err)
	}
	return m, nil
}

// condition compiles a text once.
func (c *Compiler) condition(text string) (*condition, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if known := c.conditions[text].Value(); known != nil {
		return known, nil
	}
	compiled, err := newCondition(text)
	if err != nil {
		return nil, err
	}
	if len(c.conditions) >= c.pruneAt {
		maps.DeleteFunc(c.conditions, func(_ string, p weak.Pointer[condition]) bool { return p.Value() == nil })
		c.pruneAt = 2*len(c.conditions) + 16
	}
	c.conditions[text] = weak.Make(compiled)
	return compiled, nil
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

// Match reports whether the rule is about ev. An event without bodies has them
// read again when the condition asks for one; ev itself is never changed.
func (m *Matcher) Match(ev *event.Event) bool {
	if !m.matchEnvelope(ev) {
		return false
	}
	if m.when == nil {
		return true
	}
	s := newSubject(ev, m.reg)
	defer s.free()
	yes, err := m.when.holds(s)
	if err != nil {
		m.fail(ev, err)
	}
	return yes
}

// fail tells that the condition could not be evaluated.
func (m *Matcher) fail(ev *event.Event, err error) {
	if m.failed != nil {
		m.failed(ev, err)
	}
}

// matchEnvelope asks everything but the condition.
func (m *Matcher) matchEnvelope(ev *event.Event) bool {
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
