package match

import (
	"fmt"
	"slices"

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
	sources []string
	*selection
	// when is nil without a condition.
	when   *condition
	failed func(*event.Event, error)
}

// String writes the rule out. Rules of one text pick the same events.
func (m *Matcher) String() string {
	when := ""
	if m.when != nil {
		when = m.when.text
	}
	return fmt.Sprintf("app %q phase %q events %q sources %q when %q", m.app, m.phase, m.events, m.sources, when)
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

// Quiet is the same rule for whoever asks it besides: nobody is told when its condition
// cannot be evaluated.
func (m *Matcher) Quiet() *Matcher {
	quiet := *m
	quiet.failed = nil
	return &quiet
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
	return m.takes(ev)
}
