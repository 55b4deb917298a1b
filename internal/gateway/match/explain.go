package match

import (
	"fmt"
	"slices"
	"strings"

	"github.com/imhook/imhook/event"
)

// Clause is a part of a rule. Values are shown by the API: append only.
type Clause string

// The clauses, in the order in which they are asked.
const (
	ClausePhase   Clause = "phase"
	ClauseApp     Clause = "app"
	ClauseSources Clause = "sources"
	ClauseEvents  Clause = "events"
	ClauseWhen    Clause = "when"
)

// Explanation says why a rule matches an event, or does not.
type Explanation struct {
	Matched bool
	// Failed is the clause that the event does not meet; empty when it matched.
	Failed Clause
	// Why is the same in words.
	Why string
	// Pattern is the first pattern that takes the event; empty when none does.
	Pattern string
	// Parts are what the condition consists of, as written from left to right, each
	// with its value for this event. Empty when the condition was not asked.
	Parts []Part
	// Unread says why the event's bodies could not be read, when a condition asked
	// for them in vain: it saw an event without any.
	Unread string
}

// Part is one part of a condition: what stands between && and || and behind !.
type Part struct {
	// Text is the part, written out anew.
	Text string
	// Value is true, false, or an error's text.
	Value string
	// Where names what the part asked of the event, with the values it found:
	// event.message.kind is "image". Empty when it asked nothing.
	Where string
}

// Explain says why the rule matches ev, or which clause does not. It agrees with
// [Matcher.Match] but for a condition that is too costly for it. It is for people:
// it costs a hundred times what Match costs.
func (m *Matcher) Explain(ev *event.Event) Explanation {
	no := func(c Clause, format string, args ...any) Explanation {
		return Explanation{Failed: c, Why: fmt.Sprintf(format, args...)}
	}
	switch {
	case ev.Phase != m.phase:
		return no(ClausePhase, "its phase is %s, the rule takes %s", ev.Phase, m.phase)
	case ev.App != m.app:
		return no(ClauseApp, "it is of app %s, the rule is of %s", ev.App, m.app)
	case len(m.sources) > 0 && !slices.Contains(m.sources, ev.Source):
		return no(ClauseSources, "it is of source %s, the rule takes %s", ev.Source, strings.Join(m.sources, ", "))
	}
	pattern := ""
	for _, text := range m.events {
		// It compiled before.
		if one, err := newSelection([]string{text}, m.phase, m.reg); err == nil && one.takes(ev) {
			pattern = text
			break
		}
	}
	if pattern == "" {
		return no(ClauseEvents, "%s", m.noPattern(ev))
	}
	e := Explanation{Matched: true, Pattern: pattern, Why: "pattern " + pattern}
	if m.when != nil {
		m.explainCondition(ev, &e)
	}
	return e
}

func (m *Matcher) noPattern(ev *event.Event) string {
	what := "type " + string(ev.Type)
	if slices.ContainsFunc(m.events, isVendorPattern) && ev.Command != "" {
		what += " (" + ev.Dialect + ":" + ev.Command + ")"
	}
	if len(m.events) == 1 {
		return fmt.Sprintf("pattern %s does not take %s", m.events[0], what)
	}
	return fmt.Sprintf("none of the patterns %s takes %s", strings.Join(m.events, ", "), what)
}

func (m *Matcher) explainCondition(ev *event.Event, e *Explanation) {
	s := &subject{ev: ev, reg: m.reg}
	parts, why, holds := explainCondition(m.when.text, s)
	e.Parts = parts
	if s.unread != nil {
		e.Unread = s.unread.Error()
	}
	if holds {
		e.Why += ", and the condition holds"
		return
	}
	e.Matched, e.Failed, e.Why = false, ClauseWhen, why
}
