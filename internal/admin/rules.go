package admin

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"time"

	"github.com/go-json-experiment/json"

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

// ruleTest is a request: a rule, and which events to ask it about.
type ruleTest struct {
	Rule
	Limit int    `json:"limit"`
	Since string `json:"since"`
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
func (a *api) testRule(w http.ResponseWriter, r *http.Request) {
	want, err := readRuleTest(w, r)
	if err != nil {
		a.fail(w, r, http.StatusBadRequest, err.Error())
		return
	}
	q := query{limit: want.Limit, match: func(*event.Event) bool { return true }}
	if want.Since != "" {
		if q.since, err = parseSince(want.Since, a.Now()); err != nil {
			a.fail(w, r, http.StatusBadRequest, err.Error())
			return
		}
	}
	if want.Endpoint != "" {
		want.Endpoint = a.endpointID(r.Context(), want.Endpoint)
	}
	rule, ask, err := a.Rules.Rule(want.Rule)
	if err != nil {
		a.badRule(w, r, rule, err)
		return
	}
	f, err := a.search(r.Context(), q)
	if err != nil {
		a.broken(w, r, "reading events", err)
		return
	}
	answer := struct {
		Rule    Rule     `json:"rule"`
		Tested  int      `json:"tested"`
		Matched int      `json:"matched"`
		Events  []tested `json:"events"`
	}{Rule: rule, Tested: len(f.Events), Events: []tested{}}
	for _, ev := range f.Events {
		if r.Context().Err() != nil {
			return // nobody waits for it, and an explanation is dear
		}
		t := tested{ID: ev.ID, Type: ev.Type, Source: ev.Source, Lane: ev.Lane, Time: ev.Time, RuleResult: ask(ev)}
		if t.Matched {
			answer.Matched++
		}
		answer.Events = append(answer.Events, t)
	}
	a.answer(w, r, answer)
}

func readRuleTest(w http.ResponseWriter, r *http.Request) (ruleTest, error) {
	var want ruleTest
	// A page of another site cannot send this type without asking first.
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return want, errors.New("send JSON, with Content-Type: application/json")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRuleBody))
	if err != nil {
		return want, fmt.Errorf("reading the request: %w", err)
	}
	if err := json.Unmarshal(body, &want, json.RejectUnknownMembers(true)); err != nil {
		return want, fmt.Errorf("reading the request: %w", err)
	}
	if want.Limit == 0 {
		want.Limit = defaultTested
	}
	if want.Limit < 1 || want.Limit > maxLimit {
		return want, fmt.Errorf("limit is %d; write 1 to %d", want.Limit, maxLimit)
	}
	if want.Endpoint != "" && (want.App != "" || len(want.Events) > 0 || len(want.Sources) > 0 || want.When != "") {
		return want, errors.New("endpoint names a whole rule; leave out app, events, sources and when")
	}
	return want, nil
}

// badRule answers what is wrong with a rule, with its place in the condition when
// it has one.
func (a *api) badRule(w http.ResponseWriter, r *http.Request, rule Rule, err error) {
	type body struct {
		Message string `json:"message"`
		When    string `json:"when,omitzero"`
		Line    int    `json:"line,omitzero"`
		Column  int    `json:"column,omitzero"`
	}
	b := body{Message: err.Error()}
	if at, ok := errors.AsType[interface {
		error
		Position() (line, column int)
	}](err); ok {
		b.Message, b.When = at.Error(), rule.When
		b.Line, b.Column = at.Position()
	}
	a.write(w, r, http.StatusBadRequest, map[string]body{"error": b})
}
