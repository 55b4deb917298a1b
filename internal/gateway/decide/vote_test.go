package decide

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// stubborn answers v after a while, cancelled or not: its answer was on the way.
func stubborn(v event.Verdict, after time.Duration) *script {
	return &script{reply: func(context.Context, gateway.Question) gateway.Reply {
		pass(after)
		return gateway.Reply{Verdict: v, Cause: gateway.CauseHook}
	}}
}

// Who was asked in vain did not decide, whatever its policy says of failures.
func TestVote_CauseIsThatOfWhoDecided(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		slow := with(voter("slow", says(allow, 50*time.Millisecond)), func(h *Hook) { h.Policy.OnError = event.Deny })
		d, tr := newDecider(t, slow, voter("quick", says(deny, time.Millisecond)))
		if got := decided(t, d, proposal()); got.Action != event.Deny || got.Code != deny.Code {
			t.Fatalf("verdict = %+v", got)
		}
		if got := tr.last(t); got.Cause != gateway.CauseHook || got.Hooks[0].Cause != gateway.CauseCancelled {
			t.Errorf("cause = %s, hooks %+v", got.Cause, got.Hooks)
		}
	})
}

// Two that refuse at the same time are told apart by their order and not by chance,
// so that the trail names who decided.
func TestVote_OrderDecidesBetweenEquals(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		other := event.Verdict{Action: event.Deny, Code: 8}
		d, tr := newDecider(t, voter("a", stubborn(other, 20*time.Millisecond)), voter("b", says(deny, 10*time.Millisecond)))
		if got := decided(t, d, proposal()); got.Code != other.Code {
			t.Errorf("verdict = %+v, hooks %+v", got, tr.last(t).Hooks)
		}
	})
}

// A drop that was to be allowed did not decide; the trail must not look as if.
func TestVote_AllowedDropIsWrittenDownAsSuch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		drops := with(voter("drops", says(drop, time.Millisecond)), func(h *Hook) { h.Downgrade.Drop = event.Allow })
		d, tr := newDecider(t, drops, voter("denies", says(deny, 50*time.Millisecond)))
		p := proposal()
		p.Carries = func(v event.Verdict) error {
			if v.Action == event.Drop {
				return errors.New("no drop here")
			}
			return nil
		}
		if got := decided(t, d, p); got.Code != deny.Code {
			t.Errorf("verdict = %+v", got)
		}
		got := tr.last(t)
		if a := got.Hooks[0]; a.Instead != event.Allow || a.Why != "no drop here" {
			t.Errorf("the trail says instead %q because %q", a.Instead, a.Why)
		}
		if got.Cause != gateway.CauseHook {
			t.Errorf("cause = %s", got.Cause)
		}
	})
}

// masks hides a word in what it is asked about.
func masks(word string) *script {
	return &script{reply: func(_ context.Context, q gateway.Question) gateway.Reply {
		m := *q.Event.Message
		if !strings.Contains(m.Text, word) {
			return gateway.Reply{Verdict: allow, Cause: gateway.CauseHook}
		}
		m.Text = strings.ReplaceAll(m.Text, word, strings.Repeat("*", len(word)))
		return gateway.Reply{Verdict: event.Verdict{Action: event.Rewrite, Changes: &event.Changes{Message: &m}}, Cause: gateway.CauseHook}
	}}
}

// Voters see the same text. The mask of one must not be undone by that of another,
// which never saw it.
func TestVote_NoRewriteUndoesAnother(t *testing.T) {
	t.Parallel()
	for text, test := range map[string]struct {
		want  string
		asked int // the third one
	}{
		"bad and evil":       {"*** and ****", 1},
		"bad and ugly":       {"*** and ****", 2},
		"bad, evil and ugly": {"***, **** and ****", 2},
		"ugly":               {"****", 1},
		"good":               {"good", 1},
	} {
		ugly := masks("ugly")
		d, tr := newDecider(t, voter("a", masks("bad")), voter("b", masks("evil")), voter("c", ugly))
		p := proposal()
		p.Event.Message.Text = text
		v := decided(t, d, p)
		got := text
		if v.Changes != nil {
			got = v.Changes.Message.Text
		}
		if got != test.want || len(ugly.asked()) != test.asked {
			t.Errorf("%q became %q, want %q; the last one was asked %d times, want %d", text, got, test.want, len(ugly.asked()), test.asked)
		}
		if n := len(tr.last(t).Hooks); n != 3 {
			t.Errorf("%q: %d hooks in the trail", text, n)
		}
	}
}

// Who denies once it sees what the others made of it ends it.
func TestVote_DenialOfWhatAnotherMadeOfIt(t *testing.T) {
	t.Parallel()
	picky := &script{reply: func(_ context.Context, q gateway.Question) gateway.Reply {
		v := rewrite("mine")
		if q.Changed {
			v = deny
		}
		return gateway.Reply{Verdict: v, Cause: gateway.CauseHook}
	}}
	d, _ := newDecider(t, voter("a", masks("hello")), voter("b", picky), voter("c", says(rewrite("x"), 0)))
	if got := decided(t, d, proposal()); got.Action != event.Deny || got.Code != deny.Code {
		t.Errorf("verdict = %+v", got)
	}
}

// A defect in a dialect is met in the voters' own goroutines: it must not end the
// process, and the verdict stays safe.
func TestVote_DefectInCarriesEndsNoProcess(t *testing.T) {
	t.Parallel()
	d, _ := newDecider(t, voter("a", says(drop, 0)), voter("b", says(allow, 0)))
	p := proposal()
	p.Carries = func(event.Verdict) error { panic("oh") }
	if got := decided(t, d, p); got.Action != event.Deny {
		t.Errorf("verdict = %+v", got)
	}
}

// A denial is always carried: nothing that Carries says may turn it into an allow.
func TestDecide_DenialIsNeverLowered(t *testing.T) {
	t.Parallel()
	all := Downgrade{event.Allow, event.Allow, event.Allow}
	d, _ := newDecider(t, with(hook("a", says(deny, 0)), func(h *Hook) { h.Downgrade = all }))
	p := proposal()
	p.Carries = func(event.Verdict) error { return errors.New("nothing") }
	if got := decided(t, d, p); got.Action != event.Deny || got.Code != deny.Code {
		t.Errorf("verdict = %+v", got)
	}
}

// A verdict that rewrites and refuses members is lowered part by part: what the
// server can be told stays, and the policy is that of the part that it cannot.
func TestDecide_RewriteWithRefusedMembersIsLoweredByParts(t *testing.T) {
	t.Parallel()
	both := rewrite("x")
	both.Refused = []event.Refusal{{ID: "m1", Code: 7}}
	noRewrite := func(v event.Verdict) error {
		if v.Action == event.Rewrite {
			return errors.New("no rewrite")
		}
		return nil
	}
	noPartial := func(v event.Verdict) error {
		if len(v.Refused) > 0 {
			return errors.New("no partial")
		}
		return nil
	}
	neither := func(v event.Verdict) error { return errors.Join(noRewrite(v), noPartial(v)) }
	for name, test := range map[string]struct {
		carries   func(event.Verdict) error
		downgrade Downgrade
		want      event.Action
		refused   int
	}{
		"rewrite is denied, partial is no matter":      {noRewrite, Downgrade{Partial: event.Allow}, event.Deny, 0},
		"rewrite is allowed, and members stay refused": {noRewrite, Downgrade{Rewrite: event.Allow}, event.Allow, 1},
		"partial is denied, rewrite is no matter":      {noPartial, Downgrade{Rewrite: event.Allow}, event.Deny, 0},
		"partial is allowed, and the rewrite stays":    {noPartial, Downgrade{Partial: event.Allow}, event.Rewrite, 0},
		"neither, one of them denied":                  {neither, Downgrade{Partial: event.Allow}, event.Deny, 0},
		"neither, the other one denied":                {neither, Downgrade{Rewrite: event.Allow}, event.Deny, 0},
		"neither, both allowed":                        {neither, Downgrade{Rewrite: event.Allow, Partial: event.Allow}, event.Allow, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, tr := newDecider(t, with(hook("a", says(both, 0)), func(h *Hook) { h.Downgrade = test.downgrade }))
			p := proposal()
			p.Event.Members = []event.Member{{ID: "m1"}, {ID: "m2"}}
			p.Carries = test.carries
			got := decided(t, d, p)
			if got.Action != test.want || len(got.Refused) != test.refused || (got.Changes != nil) != (test.want == event.Rewrite) {
				t.Errorf("verdict = %+v, want %s with %d refused", got, test.want, test.refused)
			}
			instead := event.Allow
			if test.want == event.Deny {
				instead = event.Deny
			}
			if a := tr.last(t).Hooks[0]; a.Instead != instead || a.Why == "" {
				t.Errorf("the trail says instead %q because %q", a.Instead, a.Why)
			}
		})
	}
}

// What contradicts itself is no verdict, and has the policy of a bad reply: it may
// neither pass for an allow nor count among later rewrites.
func TestDecide_ContradictionsAreBadReplies(t *testing.T) {
	t.Parallel()
	text := &event.Message{Text: "x"}
	for name, said := range map[string]event.Verdict{
		"an allow that rewrites":      {Action: event.Allow, Changes: &event.Changes{Message: text}},
		"a rewrite of nothing":        {Action: event.Rewrite, Changes: &event.Changes{}},
		"a rewrite without changes":   {Action: event.Rewrite},
		"an action that nobody knows": {Action: "maybe"},
	} {
		d, tr := newDecider(t, hook("a", says(said, 0)))
		if got := decided(t, d, proposal()); got.Action != event.Allow || got.Changes != nil {
			t.Errorf("%s: verdict = %+v, want that of on_bad_reply", name, got)
		}
		if c := tr.last(t).Cause; c != gateway.CauseBadReply {
			t.Errorf("%s: cause = %s", name, c)
		}
	}
}

// What a hook said of a text holds for no message that has a picture behind it.
func TestDecide_CacheByTextIsOfTextAlone(t *testing.T) {
	t.Parallel()
	a := &script{reply: func(context.Context, gateway.Question) gateway.Reply {
		return gateway.Reply{Verdict: allow, Cause: gateway.CauseHook, Keep: gateway.Keep{For: time.Minute, By: []string{ByText}}}
	}}
	d, _ := newDecider(t, hook("a", a))
	hello := event.Message{Kind: event.Text, Text: "hello"}
	for _, change := range []func(*event.Message){
		func(*event.Message) {},
		func(m *event.Message) {
			m.Parts = []event.Message{hello, {Kind: event.Image, Media: &event.Media{URL: "u"}}}
		},
		func(m *event.Message) { m.Media = &event.Media{URL: "u"} },
		func(m *event.Message) { m.Location = &event.Place{Title: "t"} },
		func(m *event.Message) { m.Custom = &event.Payload{Data: "d"} },
	} {
		p := proposal()
		m := hello
		change(&m)
		p.Event.Message = &m
		decided(t, d, p)
		decided(t, d, p)
	}
	if n := len(a.asked()); n != 9 {
		t.Errorf("asked %d times, want once about the text alone and each time about the four others", n)
	}
}
