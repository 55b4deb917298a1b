package decide

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// The id of a message is often up to the sender's device. What was allowed under it
// must not vouch for another text.
func TestDecide_SameIDWithOtherWordsIsAskedAgain(t *testing.T) {
	t.Parallel()
	a := &script{reply: func(_ context.Context, q gateway.Question) gateway.Reply {
		if string(q.Event.Raw.Body) == "bad" {
			return gateway.Reply{Verdict: deny, Cause: gateway.CauseHook}
		}
		return gateway.Reply{Verdict: allow, Cause: gateway.CauseHook}
	}}
	d, _ := newDecider(t, hook("a", a))
	p := proposal()
	say := func(body string) event.Action {
		ev := *p.Event
		ev.Dedupe, ev.Raw.Body = "m1", []byte(body)
		again := p
		again.Event = &ev
		return decided(t, d, again).Action
	}
	if got := say("good"); got != event.Allow {
		t.Fatalf("verdict = %s", got)
	}
	if got := say("bad"); got != event.Deny {
		t.Errorf("under an id that was allowed, other words get %s", got)
	}
	if say("good"); len(a.asked()) != 2 {
		t.Errorf("%d questions, want none for the retry", len(a.asked()))
	}
}

// A retry whose head came before the first one's waits for it, but not past its own
// time.
func TestDecide_RetryWaitsNotPastItsDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := with(hook("a", says(allow, 900*time.Millisecond)), func(h *Hook) {
			h.Timeout, h.Policy.OnTimeout = time.Second, event.Deny
		})
		d, tr := newDecider(t, h)
		p := proposal()
		p.Event.Dedupe = "m1"
		var wg sync.WaitGroup
		wg.Go(func() { decided(t, d, p) })
		pass(time.Millisecond)
		short := p
		short.Deadline = time.Now().Add(100 * time.Millisecond)
		begin := time.Now()
		if got := decided(t, d, short); got.Action != event.Deny {
			t.Errorf("verdict = %s, want the policy's", got.Action)
		}
		if took := time.Since(begin); took != 100*time.Millisecond {
			t.Errorf("it took %v of 100 ms", took)
		}
		if c := tr.last(t).Cause; c != gateway.CauseTimeout {
			t.Errorf("cause = %s", c)
		}
		wg.Wait()
	})
}

// Many callers with one id, of whom the first meets a defect: each gets its verdict,
// and nothing stays behind.
func TestDecide_EqualIDsTogetherWithADefect(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var first atomic.Bool
		h := with(hook("a", says(deny, 50*time.Millisecond)), func(h *Hook) {
			h.Match = func(*event.Event) bool {
				if first.CompareAndSwap(false, true) {
					pass(10 * time.Millisecond)
					panic("oh")
				}
				return true
			}
		})
		d, _ := newDecider(t, h)
		p := proposal()
		p.Event.Dedupe = "m1"
		var denied, defects atomic.Int32
		var wg sync.WaitGroup
		for range 64 {
			wg.Go(func() {
				defer func() {
					if recover() != nil {
						defects.Add(1)
					}
				}()
				if decided(t, d, p).Action == event.Deny {
					denied.Add(1)
				}
			})
		}
		wg.Wait()
		if denied.Load() != 63 || defects.Load() != 1 {
			t.Errorf("%d verdicts and %d defects, want 63 and 1", denied.Load(), defects.Load())
		}
		if got := decided(t, d, p); got.Action != event.Deny {
			t.Errorf("after it: %s", got.Action)
		}
	})
}

// A source whose server waits shorter than the hook's own timeout: the hook never has
// its whole time, and is a dead one all the same. Sources that wait longer are not
// concerned.
func TestDecide_BreakerOfAShortTemperedSource(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := says(allow, 300*time.Millisecond)
		h := with(hook("a", a), func(h *Hook) { h.Timeout = 500 * time.Millisecond })
		d, tr := newDecider(t, h)
		ask := func(source string, budget time.Duration) gateway.Cause {
			p := proposal()
			p.Event.Source, p.Deadline = source, p.Begin.Add(budget)
			decided(t, d, p)
			return tr.last(t).Cause
		}
		for k := range 5 {
			if c := ask("hasty", 180*time.Millisecond); c != gateway.CauseTimeout {
				t.Fatalf("question %d: cause %s", k, c)
			}
		}
		if c := ask("hasty", 180*time.Millisecond); c != gateway.CauseOpen {
			t.Errorf("after five time-outs: cause %s, want %s", c, gateway.CauseOpen)
		}
		if c := ask("patient", 3*time.Second); c != gateway.CauseHook {
			t.Errorf("a source that waits longer gets cause %s", c)
		}
		if len(d.Status()[0].Open) == 0 {
			t.Error("the status says nothing of it")
		}
	})
}

// What was asked before the breaker opened and answers late must not end the trial.
func TestDecide_StragglersSayNothingAboutTheTrial(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mode atomic.Value
		mode.Store("slow")
		a := &script{reply: func(_ context.Context, q gateway.Question) gateway.Reply {
			switch mode.Load() {
			case "slow":
				pass(5050 * time.Millisecond) // it fails during the trial
				return gateway.Reply{Cause: gateway.CauseError}
			case "dead":
				return gateway.Reply{Cause: gateway.CauseError}
			}
			pass(100 * time.Millisecond)
			return gateway.Reply{Verdict: allow, Cause: gateway.CauseHook}
		}}
		d, tr := newDecider(t, with(hook("a", a), func(h *Hook) { h.Timeout = 20 * time.Second }))
		long := func() gateway.Proposal {
			p := proposal()
			p.Deadline = p.Begin.Add(time.Minute)
			return p
		}
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() { decided(t, d, long()) })
		}
		synctest.Wait()
		mode.Store("dead")
		for range 5 {
			decided(t, d, long())
		}
		mode.Store("well")
		pass(5 * time.Second)
		decided(t, d, long()) // the trial, and the stragglers end while it is asked
		wg.Wait()
		decided(t, d, long())
		if c := tr.last(t).Cause; c != gateway.CauseHook {
			t.Errorf("after a good trial: cause %s", c)
		}
	})
}

// Only one question at a time is the trial, however many come.
func TestDecide_OneTrialAtATime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &script{reply: func(_ context.Context, q gateway.Question) gateway.Reply {
			pass(time.Until(q.Deadline))
			return gateway.Reply{Cause: gateway.CauseTimeout}
		}}
		d, _ := newDecider(t, hook("a", a))
		for range 5 {
			decided(t, d, proposal())
		}
		for range 3 {
			pass(5 * time.Second)
			before := len(a.asked())
			var wg sync.WaitGroup
			for range 200 {
				wg.Go(func() { decided(t, d, proposal()) })
			}
			wg.Wait()
			if n := len(a.asked()) - before; n != 1 {
				t.Errorf("%d questions to a dead hook at the end of its pause, want 1", n)
			}
		}
	})
}

// A drop that cannot be carried, and shall be allowed then, decides nothing: the
// other voters' denial counts.
func TestDecide_AllowedDowngradeOutvotesNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		quick := with(voter("quick", says(drop, time.Millisecond)), func(h *Hook) { h.Downgrade.Drop = event.Allow })
		d, tr := newDecider(t, quick, voter("slow", says(deny, 50*time.Millisecond)))
		p := proposal()
		p.Carries = func(v event.Verdict) error {
			if v.Action == event.Drop {
				return fmt.Errorf("no drop here")
			}
			return nil
		}
		if got := decided(t, d, p); got.Action != event.Deny || got.Code != deny.Code {
			t.Errorf("verdict = %+v, hooks %+v", got, tr.last(t).Hooks)
		}
	})
}

// A picture has no text: what is kept by text must not hold for all pictures.
func TestDecide_CacheKeepsNothingByATextThatIsNotThere(t *testing.T) {
	t.Parallel()
	a := &script{reply: func(context.Context, gateway.Question) gateway.Reply {
		return gateway.Reply{Verdict: allow, Cause: gateway.CauseHook, Keep: gateway.Keep{For: time.Minute, By: []string{ByText}}}
	}}
	d, _ := newDecider(t, hook("a", a))
	for range 3 {
		p := proposal()
		p.Event.Message = &event.Message{Kind: event.Image}
		decided(t, d, p)
	}
	if n := len(a.asked()); n != 3 {
		t.Errorf("asked %d times about three pictures", n)
	}
}

func TestCacheKey_PartsAreNotRunTogether(t *testing.T) {
	t.Parallel()
	ev := func(actor, lane string, members ...string) *event.Event {
		e := &event.Event{Type: event.MessageSend, Source: "im", Actor: &event.Actor{ID: actor}, Lane: event.Lane(lane), Message: &event.Message{Text: "x"}}
		for _, m := range members {
			e.Members = append(e.Members, event.Member{ID: m})
		}
		return e
	}
	for by, pair := range map[string][2]*event.Event{
		"actor,conversation": {ev("a\x00b", "c"), ev("a", "b\x00c")},
		"actor,members":      {ev("a", "l", "b", "c"), ev("a", "l", "b\x00c")},
	} {
		one, ok1 := cacheKey(pair[0], by)
		other, ok2 := cacheKey(pair[1], by)
		if !ok1 || !ok2 || one == other {
			t.Errorf("by %s: two events have one key", by)
		}
	}
}

// What is remembered is bounded by what it weighs, not by its number alone.
func TestShelf_Room(t *testing.T) {
	t.Parallel()
	s := newShelf[int](100, 10)
	now := time.Unix(0, 0)
	key := func(k int) event.Key { return event.Key{byte(k)} }
	for k := range 20 {
		s.put(key(k), k, 3, now, now.Add(time.Minute))
	}
	if len(s.places) != 3 || s.weight != 9 {
		t.Errorf("%d values of weight %d, want three of 9", len(s.places), s.weight)
	}
	s.put(key(50), 50, 11, now, now.Add(time.Minute))
	if _, ok := s.get(key(50), now); ok || len(s.places) != 3 {
		t.Error("what is heavier than the room was kept, or cost the others theirs")
	}
	s.put(key(19), 19, 1, now, now.Add(time.Minute))
	s.take(key(18))
	if s.weight != 4 {
		t.Errorf("weight = %d, want 4", s.weight)
	}
	if _, ok := s.get(key(17), now.Add(time.Hour)); ok || s.weight != 1 {
		t.Errorf("weight = %d after one expired, want 1", s.weight)
	}
}

func TestDecide_RewritesAreRememberedInsideTheRoom(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 1<<20)
	d, _ := newDecider(t, with(hook("a", says(rewrite(long), 0)), func(h *Hook) { h.Concurrency = 1 }))
	for k := range 70 {
		p := proposal()
		p.Event.Dedupe = fmt.Sprint(k)
		decided(t, d, p)
	}
	weight := 0
	for _, part := range d.again {
		weight += part.weight
	}
	if weight > againRoom || weight < againRoom/2 {
		t.Errorf("remembered %d bytes, want up to %d", weight, againRoom)
	}
}

// Stopping while questions are decided: no shadow is lost that was waited for, none
// is waited for afterwards, and nothing races.
func TestStop_WhileDeciding(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d, tr := newDecider(t, hook("a", says(allow, time.Millisecond)), with(hook("s", says(deny, 50*time.Millisecond)), func(h *Hook) { h.Shadow = true }))
		var wg sync.WaitGroup
		for k := range 100 {
			wg.Go(func() {
				pass(time.Duration(k) * time.Millisecond)
				decided(t, d, proposal())
			})
		}
		pass(40 * time.Millisecond)
		if err := d.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		wg.Wait()
		tr.mu.Lock()
		defer tr.mu.Unlock()
		if len(tr.all) != 100 {
			t.Errorf("%d decisions in the trail, want 100", len(tr.all))
		}
		pass(time.Second)
	})
}

// Hooks change while they are asked: every proposal has a verdict, what a hook is
// known for stays, and nothing races.
func TestSet_WhileDeciding(t *testing.T) {
	t.Parallel()
	a := fails(gateway.CauseError)
	d, _ := newDecider(t, hook("a", a))
	var wg sync.WaitGroup
	for k := range 8 {
		wg.Go(func() {
			for n := range 200 {
				p := proposal()
				p.Event.Dedupe = fmt.Sprint(n)
				p.Event.ID = fmt.Sprint("m", (n+k)%50)
				decided(t, d, p)
			}
		})
	}
	for n := range 100 {
		h := with(hook("a", a), func(h *Hook) { h.Policy.OnError = [2]event.Action{event.Allow, event.Deny}[n%2] })
		if err := d.Set([]Hook{h}); err != nil {
			t.Error(err)
		}
		d.Status()
	}
	wg.Wait()
	if n := len(a.asked()); n > 20 {
		t.Errorf("a dead hook was asked %d times: changes of its policy forgot the breaker", n)
	}
}

// With the breaker open a policy answers in microseconds: less than a thousand of them
// on the slowest and busiest machine, watched for races.
func TestDecide_PolicyAnswersAtOnceWhileOpen(t *testing.T) {
	t.Parallel()
	d, tr := newDecider(t, hook("a", fails(gateway.CauseError)))
	for range 5 {
		decided(t, d, proposal())
	}
	const questions = 2000
	best := time.Hour
	for range 5 {
		begin := time.Now()
		for range questions {
			decided(t, d, proposal())
		}
		best = min(best, time.Since(begin)/questions)
	}
	if c := tr.last(t).Cause; c != gateway.CauseOpen {
		t.Fatalf("cause = %s", c)
	}
	t.Logf("%v an answer", best)
	if best > time.Millisecond {
		t.Errorf("an answer took %v, want less than 1 ms", best)
	}
}

// The library divides the time that a breaker looks at by ten, and by zero below that.
func TestNew_RefusesABreakerThatLooksAtNothing(t *testing.T) {
	t.Parallel()
	h := hook("a", fails(gateway.CauseError))
	for within, ok := range map[time.Duration]bool{-1: false, 1: false, 9: false, time.Millisecond: true, 0: true} {
		h.Breaker.Within = within
		d, err := New(Config{Hooks: []Hook{h}})
		if (err == nil) != ok {
			t.Errorf("within %d: error = %v", within, err)
		}
		if err == nil {
			decided(t, d, proposal())
		}
	}
}
