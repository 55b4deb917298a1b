package match

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/event"
)

func TestExplain_NamesTheClause(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		rule Rule
		want Explanation
	}{
		{"app", Rule{App: "other"}, Explanation{Failed: ClauseApp, Why: "it is of app shop, the rule is of other"}},
		{"phase", Rule{App: "shop", Phase: event.Before}, Explanation{Failed: ClausePhase, Why: "its phase is after, the rule takes before"}},
		{"source", Rule{App: "shop", Sources: []string{"a", "b"}}, Explanation{Failed: ClauseSources, Why: "it is of source src, the rule takes a, b"}},
		{"pattern", Rule{App: "shop", Events: []string{"group.**"}}, Explanation{Failed: ClauseEvents, Why: "pattern group.** does not take type message.send"}},
		{
			"patterns",
			Rule{App: "shop", Events: []string{"group.**", "easemob:muc:kick"}},
			Explanation{Failed: ClauseEvents, Why: "none of the patterns group.**, easemob:muc:kick takes type message.send (easemob:chat:user:single)"},
		},
		{
			"second pattern",
			Rule{App: "shop", Events: []string{"group.**", "easemob:chat:user:single"}},
			Explanation{Matched: true, Pattern: "easemob:chat:user:single", Why: "pattern easemob:chat:user:single"},
		},
		{
			"condition holds",
			Rule{App: "shop", When: `event.message.kind == 'text'`},
			Explanation{
				Matched: true, Pattern: "**", Why: "pattern **, and the condition holds",
				Parts: []Part{{Text: `event.message.kind == "text"`, Value: "true", Where: `event.message.kind is "text"`}},
			},
		},
		{
			"condition does not",
			Rule{App: "shop", When: `event.message.kind == "image" && event.actor.id == "alice"`},
			Explanation{
				Failed: ClauseWhen, Pattern: "**", Why: `event.message.kind == "image" is false (event.message.kind is "text")`,
				Parts: []Part{
					{Text: `event.message.kind == "image"`, Value: "false", Where: `event.message.kind is "text"`},
					{Text: `event.actor.id == "alice"`, Value: "true", Where: `event.actor.id is "alice"`},
				},
			},
		},
		{
			"none of several",
			Rule{App: "shop", When: `event.echo && (event.actor.id == "x" || has(event.thread) || event.members.exists(m, m.id == "z"))`},
			Explanation{
				Failed: ClauseWhen, Pattern: "**",
				Why: `none of event.actor.id == "x", has(event.thread), event.members.exists(m, m.id == "z") is true (event.actor.id is "alice", event.members is [a Member, a Member])`,
				Parts: []Part{
					{Text: `event.echo`, Value: "true", Where: "event.echo is true"},
					{Text: `event.actor.id == "x"`, Value: "false", Where: `event.actor.id is "alice"`},
					{Text: `has(event.thread)`, Value: "false"},
					{Text: `event.members.exists(m, m.id == "z")`, Value: "false", Where: "event.members is [a Member, a Member]"},
				},
			},
		},
		{
			"not",
			Rule{App: "shop", When: `!(event.echo || event.actor.system)`},
			Explanation{
				Failed: ClauseWhen, Pattern: "**", Why: "event.echo is true (event.echo is true)",
				Parts: []Part{
					{Text: `event.echo`, Value: "true", Where: "event.echo is true"},
					{Text: `event.actor.system`, Value: "false", Where: "event.actor.system is false"},
				},
			},
		},
		{
			"error",
			Rule{App: "shop", When: `event.echo && event.vendor.nowhere > 3`},
			Explanation{
				Failed: ClauseWhen, Pattern: "**", Why: "event.vendor.nowhere > 3 is an error: no such overload (event.vendor.nowhere is not there)",
				Parts: []Part{
					{Text: `event.echo`, Value: "true", Where: "event.echo is true"},
					{Text: `event.vendor.nowhere > 3`, Value: "an error: no such overload", Where: "event.vendor.nowhere is not there"},
				},
			},
		},
	} {
		m, err := Compile(tt.rule, registry())
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		if diff := cmp.Diff(tt.want, m.Explain(written())); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestExplain_CostlyCondition(t *testing.T) {
	t.Parallel()
	ten := "[1,2,3,4,5,6,7,8,9,10]"
	when := ten + ".all(a, " + ten + ".all(b, " + ten + ".all(c, " + ten + ".all(d, " + ten + ".all(e, " + ten + ".all(f, a+b+c+d+e+f > 0))))))"
	m, err := Compile(Rule{App: "shop", When: when}, registry())
	if err != nil {
		t.Fatal(err)
	}
	e := m.Explain(written())
	if e.Matched || e.Failed != ClauseWhen || e.Why != "the condition costs more than one evaluation may" {
		t.Errorf("explanation = %+v", e)
	}
}

func TestExplain_LongValuesAreCut(t *testing.T) {
	t.Parallel()
	ev := written()
	ev.Message.Text = strings.Repeat("ü", 500)
	m, err := Compile(Rule{App: "shop", When: `event.message.text == "x"`}, registry())
	if err != nil {
		t.Fatal(err)
	}
	if e := m.Explain(ev); len(e.Why) > 200 || !strings.Contains(e.Why, "ü…") {
		t.Errorf("why = %s", e.Why)
	}
}

func TestMatch_FailureIsNoMatchAndTold(t *testing.T) {
	t.Parallel()
	var told []string
	rule := func(name string) Rule {
		return Rule{App: "shop", When: `event.vendor.nowhere > 3`, Failed: func(ev *event.Event, err error) {
			told = append(told, name+" "+ev.ID+" "+errors.Unwrap(err).Error())
		}}
	}
	c := NewCompiler(registry())
	var ms []*Matcher
	for _, name := range []string{"a", "b"} {
		m, err := c.Compile(rule(name))
		if err != nil {
			t.Fatal(err)
		}
		ms = append(ms, m)
	}
	if ms[0].when != ms[1].when {
		t.Error("one condition was compiled twice")
	}
	if ms[0].Match(written()) {
		t.Error("a condition that failed matches")
	}
	if got := NewIndex(ms).Match(written()); len(got) != 0 {
		t.Errorf("places = %v, want none", got)
	}
	want := []string{"a e1 no such overload: _>_", "a e1 no such overload: _>_", "b e1 no such overload: _>_"}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
}
