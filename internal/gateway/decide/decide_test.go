package decide

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// script is a hook that does what its function says.
type script struct {
	mu    sync.Mutex
	seen  []gateway.Question
	reply func(ctx context.Context, q gateway.Question) gateway.Reply
}

func (s *script) Ask(ctx context.Context, q gateway.Question) gateway.Reply {
	s.mu.Lock()
	s.seen = append(s.seen, q)
	s.mu.Unlock()
	return s.reply(ctx, q)
}

func (s *script) asked() []gateway.Question {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen
}

// says answers v after a while, or what became of waiting.
func says(v event.Verdict, after time.Duration) *script {
	return &script{reply: func(ctx context.Context, q gateway.Question) gateway.Reply {
		late := time.NewTimer(time.Until(q.Deadline))
		defer late.Stop()
		done := time.NewTimer(after)
		defer done.Stop()
		if after == 0 {
			return gateway.Reply{Verdict: v, Cause: gateway.CauseHook}
		}
		select {
		case <-done.C:
			return gateway.Reply{Verdict: v, Cause: gateway.CauseHook}
		case <-late.C:
			return gateway.Reply{Cause: gateway.CauseTimeout, Reason: gateway.ReasonTimeout}
		case <-ctx.Done():
			return gateway.Reply{Cause: gateway.CauseCancelled}
		}
	}}
}

func fails(c gateway.Cause) *script {
	return &script{reply: func(context.Context, gateway.Question) gateway.Reply { return gateway.Reply{Cause: c} }}
}

var (
	allow = event.Allowed()
	deny  = event.Verdict{Action: event.Deny, Code: 7, Reason: "no"}
	drop  = event.Verdict{Action: event.Drop}
)

func rewrite(text string) event.Verdict {
	return event.Verdict{Action: event.Rewrite, Changes: &event.Changes{Message: &event.Message{Text: text}}}
}

// pass lets the bubble's time pass.
func pass(d time.Duration) { <-time.After(d) }

func every(*event.Event) bool { return true }

func hook(name string, a Asker) Hook {
	return Hook{App: "shop", Name: name, Match: every, Asker: a, Timeout: 100 * time.Millisecond}
}

func proposal() gateway.Proposal {
	now := time.Now()
	return gateway.Proposal{
		Event: &event.Event{
			App: "shop", Source: "im", ID: event.NewID(), Type: event.MessageSend, Phase: event.Before, Lane: "group:g1",
			Actor: &event.Actor{ID: "u1"}, Message: &event.Message{Kind: event.Text, Text: "hello"},
			Raw: event.Raw{Dialect: "fake", Body: []byte("{}")},
		},
		Begin: now, Deadline: now.Add(time.Second),
	}
}

// trail keeps decisions in memory.
type trail struct {
	mu  sync.Mutex
	all []gateway.Decision
}

func (t *trail) Record(d gateway.Decision) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all = append(t.all, d)
}

func (t *trail) last(tb testing.TB) gateway.Decision {
	tb.Helper()
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.all) == 0 {
		tb.Fatal("no decision was recorded")
	}
	return t.all[len(t.all)-1]
}

func newDecider(tb testing.TB, hooks ...Hook) (*Decider, *trail) {
	tb.Helper()
	tr := &trail{}
	d, err := New(Config{Hooks: hooks, Trail: tr, Metrics: prometheus.NewRegistry()})
	if err != nil {
		tb.Fatal(err)
	}
	return d, tr
}

func decided(tb testing.TB, d *Decider, p gateway.Proposal) event.Verdict {
	tb.Helper()
	return decidedFor(tb.Context(), tb, d, p)
}

func decidedFor(ctx context.Context, tb testing.TB, d *Decider, p gateway.Proposal) event.Verdict {
	tb.Helper()
	v, err := d.Decide(ctx, p)
	if err != nil {
		tb.Error(err)
	}
	return v
}

func TestDecide_Chains(t *testing.T) {
	t.Parallel()
	slow := func(v event.Verdict) *script { return says(v, 50*time.Millisecond) }
	for name, test := range map[string]struct {
		hooks []Hook
		want  event.Verdict
		took  time.Duration
		// causes of the hooks in the trail
		causes []gateway.Cause
	}{
		"nobody is asked": {want: allow},
		"one allows":      {hooks: []Hook{hook("a", slow(allow))}, want: allow, took: 50 * time.Millisecond, causes: []gateway.Cause{gateway.CauseHook}},
		"first deny wins": {
			hooks: []Hook{hook("a", says(allow, 0)), hook("b", says(deny, 0)), hook("c", says(drop, 0))},
			want:  deny, causes: []gateway.Cause{gateway.CauseHook, gateway.CauseHook},
		},
		"drop ends as well": {hooks: []Hook{hook("a", says(drop, 0)), hook("b", says(deny, 0))}, want: drop, causes: []gateway.Cause{gateway.CauseHook}},
		"the later rewrite wins": {
			hooks: []Hook{hook("a", says(rewrite("x"), 0)), hook("b", says(rewrite("y"), 0))},
			want:  rewrite("y"), causes: []gateway.Cause{gateway.CauseHook, gateway.CauseHook},
		},
		"a rewrite before a deny is forgotten": {
			hooks: []Hook{hook("a", says(rewrite("x"), 0)), hook("b", says(deny, 0))},
			want:  deny, causes: []gateway.Cause{gateway.CauseHook, gateway.CauseHook},
		},
		"voters are asked side by side": {
			hooks: []Hook{voter("a", slow(allow)), voter("b", slow(rewrite("x"))), voter("c", slow(allow))},
			want:  rewrite("x"), took: 50 * time.Millisecond,
			causes: []gateway.Cause{gateway.CauseHook, gateway.CauseHook, gateway.CauseHook},
		},
		"the first voter to deny ends the vote": {
			hooks: []Hook{voter("a", slow(rewrite("x"))), voter("b", says(deny, 10*time.Millisecond)), voter("c", slow(deny))},
			want:  deny, took: 10 * time.Millisecond,
			causes: []gateway.Cause{gateway.CauseCancelled, gateway.CauseHook, gateway.CauseCancelled},
		},
		"a time-out allows by default": {
			hooks: []Hook{hook("a", says(deny, time.Hour)), hook("b", says(rewrite("x"), 0))},
			want:  rewrite("x"), took: 100 * time.Millisecond,
			causes: []gateway.Cause{gateway.CauseTimeout, gateway.CauseHook},
		},
		"the budget is all hooks' together": {
			hooks: []Hook{
				with(hook("a", says(allow, time.Hour)), func(h *Hook) { h.Timeout = 700 * time.Millisecond }),
				with(hook("b", says(allow, time.Hour)), func(h *Hook) { h.Timeout = 700 * time.Millisecond }),
				with(hook("c", says(deny, time.Millisecond)), func(h *Hook) { h.Policy.OnTimeout = event.Deny }),
			},
			want: event.Verdict{Action: event.Deny, Reason: "it could not be checked; try again later"}, took: time.Second,
			causes: []gateway.Cause{gateway.CauseTimeout, gateway.CauseTimeout, gateway.CauseTimeout},
		},
		"a verdict that is none is a bad reply": {
			hooks: []Hook{
				hook("a", says(event.Verdict{}, 0)),
				hook("b", says(event.Verdict{Action: event.Rewrite}, 0)),
				hook("c", says(event.Verdict{Action: "maybe"}, 0)),
			},
			want: allow, causes: []gateway.Cause{gateway.CauseBadReply, gateway.CauseBadReply, gateway.CauseBadReply},
		},
		"what panics is an error": {
			hooks: []Hook{with(hook("a", &script{reply: func(context.Context, gateway.Question) gateway.Reply { panic("oh") }}),
				func(h *Hook) { h.Policy.OnError = event.Deny })},
			want: event.Verdict{Action: event.Deny, Reason: "it could not be checked; try again later"}, causes: []gateway.Cause{gateway.CauseError},
		},
		"other apps' hooks are not asked": {hooks: []Hook{with(hook("a", says(deny, 0)), func(h *Hook) { h.App = "other" })}, want: allow},
		"a rule picks": {
			hooks: []Hook{with(hook("a", says(deny, 0)), func(h *Hook) { h.Match = func(*event.Event) bool { return false } })},
			want:  allow,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d, tr := newDecider(t, test.hooks...)
				p := proposal()
				got := decided(t, d, p)
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Errorf("verdict (-want +got):\n%s", diff)
				}
				if took := time.Since(p.Begin); took != test.took {
					t.Errorf("it took %v, want %v", took, test.took)
				}
				dec := tr.last(t)
				var causes []gateway.Cause
				for _, a := range dec.Hooks {
					causes = append(causes, a.Cause)
				}
				if diff := cmp.Diff(test.causes, causes); diff != "" {
					t.Errorf("causes (-want +got):\n%s", diff)
				}
				if dec.Took != test.took || dec.Event != p.Event {
					t.Errorf("the trail says %v about %p, want %v about %p", dec.Took, dec.Event, test.took, p.Event)
				}
				if diff := cmp.Diff(got, dec.Verdict); diff != "" {
					t.Errorf("the trail's verdict (-answered +recorded):\n%s", diff)
				}
			})
		})
	}
}

func voter(name string, a Asker) Hook {
	return with(hook(name, a), func(h *Hook) { h.Vote = true })
}

func with(h Hook, change func(*Hook)) Hook {
	change(&h)
	return h
}

func TestDecide_EveryFailureHasItsPolicy(t *testing.T) {
	t.Parallel()
	for cause, set := range map[gateway.Cause]func(*Policy, event.Action){
		gateway.CauseTimeout:        func(p *Policy, a event.Action) { p.OnTimeout = a },
		gateway.CauseError:          func(p *Policy, a event.Action) { p.OnError = a },
		gateway.CauseBadReply:       func(p *Policy, a event.Action) { p.OnBadReply = a },
		gateway.CauseOverload:       func(p *Policy, a event.Action) { p.OnOverload = a },
		gateway.CauseUntranslatable: func(p *Policy, a event.Action) { p.OnUntranslatable = a },
	} {
		for _, want := range []event.Action{event.Allow, event.Deny} {
			t.Run(fmt.Sprintf("%s/%s", cause, want), func(t *testing.T) {
				t.Parallel()
				other := event.Deny
				if want == event.Deny {
					other = event.Allow
				}
				h := hook("a", fails(cause))
				for _, set := range []*event.Action{
					&h.Policy.OnTimeout, &h.Policy.OnError, &h.Policy.OnBadReply, &h.Policy.OnOverload, &h.Policy.OnUntranslatable,
				} {
					*set = other
				}
				set(&h.Policy, want)
				d, _ := newDecider(t, h)
				if got := decided(t, d, proposal()); got.Action != want {
					t.Errorf("verdict = %s, want %s", got.Action, want)
				}
			})
		}
	}
}

func TestDecide_NextHookSeesTheRewrite(t *testing.T) {
	t.Parallel()
	second := says(allow, 0)
	d, _ := newDecider(t, hook("a", says(rewrite("x"), 0)), hook("b", second))
	p := proposal()
	decided(t, d, p)
	q := second.asked()[0]
	if !q.Changed || q.Event.Message.Text != "x" || !q.Event.Raw.IsZero() {
		t.Errorf("the second hook saw changed = %v, %+v, raw %+v", q.Changed, q.Event.Message, q.Event.Raw)
	}
	if p.Event.Message.Text != "hello" || p.Event.Raw.IsZero() {
		t.Errorf("the proposal itself was changed: %+v", p.Event)
	}
}

func TestDecide_RefusedMembersAreNotAskedAboutAgain(t *testing.T) {
	t.Parallel()
	second, third := says(event.Verdict{Action: event.Allow, Refused: []event.Refusal{{ID: "m2", Code: 2}}}, 0), says(deny, 0)
	d, _ := newDecider(t, hook("a", says(event.Verdict{Action: event.Allow, Refused: []event.Refusal{{ID: "m1", Code: 1}}}, 0)), hook("b", second), hook("c", third))
	p := proposal()
	p.Event.Members = []event.Member{{ID: "m1"}, {ID: "m2"}}
	got := decided(t, d, p)
	want := event.Verdict{Action: event.Allow, Refused: []event.Refusal{{ID: "m1", Code: 1}, {ID: "m2", Code: 2}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("verdict (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]event.Member{{ID: "m2"}}, second.asked()[0].Event.Members); diff != "" {
		t.Errorf("the second hook's members (-want +got):\n%s", diff)
	}
	if len(third.asked()) > 0 {
		t.Error("a hook was asked about nobody")
	}
}

func TestDecide_ShadowNeverCounts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		silent := says(deny, 80*time.Millisecond)
		d, tr := newDecider(t, with(hook("new", silent), func(h *Hook) { h.Shadow = true }), hook("old", says(allow, 10*time.Millisecond)))
		p := proposal()
		ctx, leave := context.WithCancel(t.Context())
		if got := decidedFor(ctx, t, d, p); got.Action != event.Allow {
			t.Errorf("verdict = %s, want that of the hook that counts", got.Action)
		}
		if took := time.Since(p.Begin); took != 10*time.Millisecond {
			t.Errorf("it took %v: a shadow was waited for", took)
		}
		leave() // the caller has its answer
		if err := d.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		dec := tr.last(t)
		if len(dec.Hooks) != 2 || !dec.Hooks[1].Shadow || dec.Hooks[1].Verdict.Action != event.Deny || dec.Hooks[1].Took != 80*time.Millisecond {
			t.Errorf("the trail has %+v", dec.Hooks)
		}
		if dec.Took != 10*time.Millisecond || dec.Verdict.Action != event.Allow {
			t.Errorf("the trail says %s after %v", dec.Verdict.Action, dec.Took)
		}
	})
}

func TestDecide_ShareIsOfConversations(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		asked := says(allow, 0)
		d, _ := newDecider(t, with(hook("canary", asked), func(h *Hook) { h.Share = 0.05 }))
		const conversations = 10000
		count := func() (n int) {
			before := len(asked.asked())
			for i := range conversations {
				p := proposal()
				p.Event.Lane = event.NewLane(event.KindGroup, fmt.Sprint("g", i))
				decided(t, d, p)
			}
			return len(asked.asked()) - before
		}
		first := count()
		if first < conversations*4/100 || first > conversations*6/100 {
			t.Errorf("asked about %d of %d conversations, want about 5 %%", first, conversations)
		}
		if again := count(); again != first {
			t.Errorf("asked about %d conversations the second time, %d the first", again, first)
		}
	})
}

func TestDecide_OverloadAnswersAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := with(hook("a", says(deny, 50*time.Millisecond)), func(h *Hook) { h.Concurrency = 2 })
		d, _ := newDecider(t, h)
		var denied, allowed atomic.Int32
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				p := proposal()
				if decided(t, d, p).Action == event.Deny {
					denied.Add(1)
					return
				}
				if took := time.Since(p.Begin); took != 0 {
					t.Errorf("an answer by policy took %v", took)
				}
				allowed.Add(1)
			})
		}
		wg.Wait()
		if denied.Load() != 2 || allowed.Load() != 8 {
			t.Errorf("%d were asked and %d not, want 2 and 8", denied.Load(), allowed.Load())
		}
	})
}

func TestDecide_BreakerLeavesADeadHookAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var alive atomic.Bool
		var questions atomic.Int32
		a := &script{reply: func(ctx context.Context, q gateway.Question) gateway.Reply {
			questions.Add(1)
			if alive.Load() {
				return gateway.Reply{Verdict: allow, Cause: gateway.CauseHook}
			}
			pass(time.Until(q.Deadline))
			return gateway.Reply{Cause: gateway.CauseTimeout}
		}}
		h := with(hook("a", a), func(h *Hook) { h.Policy = Policy{OnTimeout: event.Deny, OnError: event.Allow} })
		var log bytes.Buffer
		tr := &trail{}
		d, err := New(Config{Hooks: []Hook{h}, Trail: tr, Log: slog.New(slog.NewTextHandler(&log, nil))})
		if err != nil {
			t.Fatal(err)
		}
		for range 5 {
			decided(t, d, proposal())
		}
		if diff := cmp.Diff([]LeftAlone{{Source: proposal().Event.Source, Cause: gateway.CauseTimeout}}, d.Status()[0].Open); diff != "" {
			t.Fatalf("five time-outs did not open the breaker (-want +got):\n%s", diff)
		}
		begin := time.Now()
		for range 1000 {
			if got := decided(t, d, proposal()); got.Action != event.Deny {
				t.Fatalf("verdict = %s while open, want the time-out's policy", got.Action)
			}
		}
		if took := time.Since(begin); took != 0 || questions.Load() != 5 {
			t.Errorf("1000 answers by policy took %v and %d questions, want none", took, questions.Load()-5)
		}
		if a := tr.last(t).Hooks[0]; a.Cause != gateway.CauseOpen || a.Reason != gateway.Reason(gateway.CauseTimeout) {
			t.Errorf("the trail says %s (%s)", a.Cause, a.Reason)
		}
		pass(5 * time.Second)
		decided(t, d, proposal()) // the trial fails
		if len(d.Status()[0].Open) == 0 || questions.Load() != 6 {
			t.Errorf("after a failed trial: open %v, %d questions", d.Status()[0].Open, questions.Load())
		}
		if text := log.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, "left alone") || !strings.Contains(text, "cause=timeout") {
			t.Errorf("the log says of a hook that fails and goes on failing:\n%s", text)
		}
		alive.Store(true)
		pass(5 * time.Second)
		if got := decided(t, d, proposal()); got.Action != event.Allow {
			t.Errorf("verdict of the trial = %s", got.Action)
		}
		if len(d.Status()[0].Open) > 0 {
			t.Error("a good trial did not close the breaker")
		}
		if text := log.String(); strings.Count(text, "\n") != 2 || !strings.Contains(text, "asked again") {
			t.Errorf("the log says when it is asked again:\n%s", text)
		}
	})
}

// A trial whose question was cancelled by a faster voter must not leave the breaker
// waiting for ever.
func TestDecide_CancelledTrialEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var slow atomic.Bool
		a := &script{reply: func(ctx context.Context, q gateway.Question) gateway.Reply {
			if !slow.Load() {
				return gateway.Reply{Cause: gateway.CauseError}
			}
			<-ctx.Done()
			return gateway.Reply{Cause: gateway.CauseCancelled}
		}}
		d, _ := newDecider(t, voter("a", a), voter("b", says(deny, 10*time.Millisecond)))
		for range 5 {
			decided(t, d, proposal())
		}
		slow.Store(true)
		pass(5 * time.Second)
		before := len(a.asked())
		decided(t, d, proposal())
		pass(5 * time.Second)
		decided(t, d, proposal())
		if n := len(a.asked()) - before; n != 2 {
			t.Errorf("asked %d times in two pauses, want 2", n)
		}
	})
}

func TestDecide_RetryIsToldTheSame(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := says(deny, 50*time.Millisecond)
		d, _ := newDecider(t, hook("a", a))
		p := proposal()
		p.Event.Dedupe = "m1"
		ctx, leave := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { decidedFor(ctx, t, d, p) })
		pass(10 * time.Millisecond)
		leave() // the first caller hangs up, and its retry comes at once
		again := p
		again.Begin, again.Deadline = time.Now(), time.Now().Add(time.Second)
		if got := decided(t, d, again); got.Action != event.Deny {
			t.Errorf("the retry was told %s", got.Action)
		}
		wg.Wait()
		if got := decided(t, d, again); got.Action != event.Deny || len(a.asked()) != 1 {
			t.Errorf("told %s after %d questions, want %s after 1", got.Action, len(a.asked()), event.Deny)
		}
		pass(againFor)
		again.Begin, again.Deadline = time.Now(), time.Now().Add(time.Second)
		decided(t, d, again)
		if len(a.asked()) != 2 {
			t.Errorf("%d questions, want one more once the verdict is forgotten", len(a.asked()))
		}
	})
}

func TestDecide_CacheHoldsWhatTheHookSaysItHoldsFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &script{reply: func(context.Context, gateway.Question) gateway.Reply {
			return gateway.Reply{Verdict: deny, Cause: gateway.CauseHook, Keep: gateway.Keep{For: time.Minute, By: []string{ByText, ByActor}}}
		}}
		d, tr := newDecider(t, hook("a", a))
		decide := func(actor, text string) {
			p := proposal()
			p.Event.Actor, p.Event.Message = &event.Actor{ID: actor}, &event.Message{Kind: event.Text, Text: text}
			if got := decided(t, d, p); got.Action != event.Deny {
				t.Fatalf("verdict = %s", got.Action)
			}
		}
		decide("u1", "spam")
		decide("u1", "spam")
		if n := len(a.asked()); n != 1 || tr.last(t).Hooks[0].Cause != gateway.CauseCache {
			t.Errorf("asked %d times, cause %s", n, tr.last(t).Hooks[0].Cause)
		}
		decide("u2", "spam")
		decide("u1", "other")
		if n := len(a.asked()); n != 3 {
			t.Errorf("asked %d times, want each time that a field differs", n)
		}
		pass(time.Minute)
		decide("u1", "spam")
		if n := len(a.asked()); n != 4 {
			t.Errorf("asked %d times, want once more after its time", n)
		}
	})
}

func TestDecide_WhatCannotBeCarried(t *testing.T) {
	t.Parallel()
	onlyDeny := func(v event.Verdict) error {
		if v.Action == event.Rewrite || v.Action == event.Drop || len(v.Refused) > 0 {
			return fmt.Errorf("it has no %s", v.Action)
		}
		return nil
	}
	partly := event.Verdict{Action: event.Allow, Refused: []event.Refusal{{ID: "m1"}}}
	for name, test := range map[string]struct {
		says      event.Verdict
		downgrade Downgrade
		want      event.Action
	}{
		"rewrite":                  {says: rewrite("x"), want: event.Deny},
		"rewrite, allowed":         {says: rewrite("x"), downgrade: Downgrade{Rewrite: event.Allow}, want: event.Allow},
		"drop":                     {says: drop, want: event.Deny},
		"drop, allowed":            {says: drop, downgrade: Downgrade{Drop: event.Allow}, want: event.Allow},
		"refused members":          {says: partly, want: event.Deny},
		"refused members, allowed": {says: partly, downgrade: Downgrade{Partial: event.Allow}, want: event.Allow},
		"deny":                     {says: deny, downgrade: Downgrade{event.Allow, event.Allow, event.Allow}, want: event.Deny},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, tr := newDecider(t, with(hook("a", says(test.says, 0)), func(h *Hook) { h.Downgrade = test.downgrade }))
			p := proposal()
			p.Event.Members = []event.Member{{ID: "m1"}, {ID: "m2"}}
			p.Carries = onlyDeny
			got := decided(t, d, p)
			if got.Action != test.want || got.Changes != nil || got.Refused != nil {
				t.Errorf("verdict = %+v, want %s", got, test.want)
			}
			a := tr.last(t).Hooks[0]
			downgraded := test.says.Action != event.Deny
			if (a.Why != "") != downgraded || downgraded && a.Instead != test.want {
				t.Errorf("the trail says instead %q because %q", a.Instead, a.Why)
			}
			n := testutil.ToFloat64(d.metrics.downgrades.WithLabelValues("shop", "a", string(test.says.Action), string(test.want)))
			if (n == 1) != downgraded {
				t.Errorf("counted %v times", n)
			}
		})
	}
}

func TestDecide_RefusalOfAllTellsWhyOneWasRefused(t *testing.T) {
	t.Parallel()
	partly := event.Verdict{Action: event.Allow, Refused: []event.Refusal{{ID: "m1", Code: 7, Reason: "not you"}}}
	d, _ := newDecider(t, hook("a", says(partly, 0)))
	p := proposal()
	p.Event.Members = []event.Member{{ID: "m1"}, {ID: "m2"}}
	p.Carries = func(v event.Verdict) error {
		if len(v.Refused) > 0 {
			return fmt.Errorf("only all or nobody")
		}
		return nil
	}
	if got := decided(t, d, p); got.Action != event.Deny || got.Code != 7 || got.Reason != "not you" {
		t.Errorf("verdict = %+v, want a denial with 7 and the words for the one who was refused", got)
	}
}

// Two verdicts may be carried each, and not together.
func TestDecide_TogetherItMayNotFit(t *testing.T) {
	t.Parallel()
	d, _ := newDecider(t, hook("a", says(rewrite("x"), 0)), hook("b", says(event.Verdict{Action: event.Allow, Refused: []event.Refusal{{ID: "m1"}}}, 0)))
	p := proposal()
	p.Event.Members = []event.Member{{ID: "m1"}, {ID: "m2"}}
	p.Carries = func(v event.Verdict) error {
		if v.Changes != nil && len(v.Refused) > 0 {
			return fmt.Errorf("not both")
		}
		return nil
	}
	if got := decided(t, d, p); got.Action != event.Deny {
		t.Errorf("verdict = %+v, want the safe one", got)
	}
}

func TestSet_KeepsWhatIsKnownOfAHook(t *testing.T) {
	t.Parallel()
	dead := fails(gateway.CauseError)
	d, _ := newDecider(t, hook("a", dead))
	for range 5 {
		decided(t, d, proposal())
	}
	picky := with(hook("a", dead), func(h *Hook) { h.Policy.OnError = event.Deny })
	if err := d.Set([]Hook{picky}); err != nil {
		t.Fatal(err)
	}
	if got := decided(t, d, proposal()); got.Action != event.Deny || len(dead.asked()) != 5 {
		t.Errorf("verdict = %s after %d questions: want the new policy, and the old breaker", got.Action, len(dead.asked()))
	}
	if err := d.Set([]Hook{hook("a", says(allow, 0))}); err != nil {
		t.Fatal(err)
	}
	if len(d.Status()[0].Open) > 0 {
		t.Error("another hook of the same name begins with the old one's breaker")
	}
	if err := d.Set([]Hook{hook("a", dead), hook("a", dead)}); err == nil || len(d.Status()[0].Open) > 0 {
		t.Errorf("the same name twice: error %v", err)
	}
}

func TestDecide_DefectDoesNotHoldRetries(t *testing.T) {
	t.Parallel()
	d, _ := newDecider(t, with(hook("a", says(allow, 0)), func(h *Hook) { h.Match = func(*event.Event) bool { panic("oh") } }))
	p := proposal()
	p.Event.Dedupe = "m1"
	func() {
		defer func() { _ = recover() }()
		decided(t, d, p)
	}()
	if err := d.Set([]Hook{hook("a", says(deny, 0))}); err != nil {
		t.Fatal(err)
	}
	if got := decided(t, d, p); got.Action != event.Deny {
		t.Errorf("after a defect the retry is told %q", got.Action)
	}
}

func TestDecide_SignatureWithAnotherBodyIsRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := says(allow, 0)
		d, _ := newDecider(t, hook("a", a))
		p := proposal()
		p.Guard = gateway.Guard{Key: event.Hash("once"), Sum: event.Hash("body")}
		decided(t, d, p)
		decided(t, d, p) // the server's own retry
		p.Guard.Sum = event.Hash("another body")
		if _, err := d.Decide(t.Context(), p); !errors.Is(err, gateway.ErrReplayed) || len(a.asked()) != 2 {
			t.Errorf("error = %v after %d questions", err, len(a.asked()))
		}
		pass(guardFor)
		p.Begin, p.Deadline = time.Now(), time.Now().Add(time.Second)
		decided(t, d, p)
	})
}
