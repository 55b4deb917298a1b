package admin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/imhook/imhook/event"
)

// Rules compiles rules to test.
type Rules interface {
	// Rule returns the whole rule that r means and what it says about an event. An
	// error is in words for the caller; one that has a place in the condition has a
	// method Position() (line, column int), both from 1.
	Rule(r Rule) (Rule, func(*event.Event) RuleResult, error)
}

// Rule is what to test: that of a running endpoint, or one that is written out.
type Rule struct {
	// Endpoint (app/name) stands alone.
	Endpoint string `json:"endpoint,omitzero"`
	// App may be missing when there is only one.
	App     string   `json:"app,omitzero"`
	Events  []string `json:"events,omitzero"`
	Sources []string `json:"sources,omitzero"`
	When    string   `json:"when,omitzero"`
}

// RuleResult is what a rule says about one event.
type RuleResult struct {
	Matched bool `json:"matched"`
	// Failed names the clause that the event does not meet: phase, app, sources,
	// events or when. Why says it in words.
	Failed string `json:"failed,omitzero"`
	Why    string `json:"why"`
	// Pattern is the pattern that takes the event.
	Pattern string `json:"pattern,omitzero"`
	// Parts are the parts of the condition with their values.
	Parts []RulePart `json:"parts,omitzero"`
	// Unread says why the event's bodies could not be read.
	Unread string `json:"unread,omitzero"`
}

// RulePart is one part of a condition.
type RulePart struct {
	Text  string `json:"text"`
	Value string `json:"value"`
	// Where names what it found in the event.
	Where string `json:"where,omitzero"`
}

const (
	// maxRuleBody bounds a request, in bytes.
	maxRuleBody = 256 << 10
	// defaultTested is how many events a rule is tested against.
	defaultTested = 100
)

// ruleTested is what a rule says about the newest events.
type ruleTested struct {
	Rule    Rule     `json:"rule"`
	Tested  int      `json:"tested"`
	Matched int      `json:"matched"`
	Events  []tested `json:"events"`
}

// ruleTest is a request: a rule, and which events to ask it about.
type ruleTest struct {
	Rule
	Limit int    `json:"limit,omitzero" minimum:"1" maximum:"1000" default:"100" doc:"How many of the newest events to test it against."`
	Since string `json:"since,omitzero" doc:"A time, or how long ago it was." example:"1h"`
}

// tested is one event and what the rule says about it.
type tested struct {
	ID     string     `json:"id"`
	Type   event.Type `json:"type"`
	Source string     `json:"source"`
	Lane   event.Lane `json:"lane,omitzero"`
	Time   time.Time  `json:"time,omitzero"`
	RuleResult
}

// testRule asks a rule about the newest events that are kept.
func (a *api) testRule(ctx context.Context, _ *none, want *ruleTest) (ruleTested, error) {
	if err := want.check(); err != nil {
		return ruleTested{}, invalid(err)
	}
	q := query{limit: want.Limit, match: func(*event.Event) bool { return true }}
	if err := momentParam(want.Since).parse("since", a.Now(), &q.since); err != nil {
		return ruleTested{}, invalid(err)
	}
	if want.Endpoint != "" {
		want.Endpoint = a.endpointID(ctx, want.Endpoint)
	}
	rule, ask, err := a.Rules.Rule(want.Rule)
	if err != nil {
		return ruleTested{}, badRule(rule, err)
	}
	f, err := a.search(ctx, q)
	if err != nil {
		return ruleTested{}, a.broken(ctx, readingEvents, err)
	}
	answer := ruleTested{Rule: rule, Tested: len(f.Events), Events: []tested{}}
	for _, ev := range f.Events {
		if err := ctx.Err(); err != nil {
			return answer, err // nobody waits for it, and an explanation is dear
		}
		t := tested{ID: ev.ID, Type: ev.Type, Source: ev.Source, Lane: ev.Lane, Time: ev.Time, RuleResult: ask(ev)}
		if t.Matched {
			answer.Matched++
		}
		answer.Events = append(answer.Events, t)
	}
	return answer, nil
}

// check completes a request, and says what is wrong with it.
func (want *ruleTest) check() error {
	if want.Limit == 0 {
		want.Limit = defaultTested
	}
	if want.Limit < 1 || want.Limit > maxLimit {
		return fmt.Errorf("limit is %d; write 1 to %d", want.Limit, maxLimit)
	}
	if want.Endpoint != "" && (want.App != "" || len(want.Events) > 0 || len(want.Sources) > 0 || want.When != "") {
		return errors.New("endpoint names a whole rule; leave out app, events, sources and when")
	}
	return nil
}

// badRule says what is wrong with a rule, with its place in the condition when it has
// one.
func badRule(rule Rule, err error) *refusal {
	no := invalid(err)
	if at, ok := errors.AsType[interface {
		error
		Position() (line, column int)
	}](err); ok {
		no.Detail.Message, no.Detail.When = at.Error(), rule.When
		no.Detail.Line, no.Detail.Column = at.Position()
	}
	return no
}
