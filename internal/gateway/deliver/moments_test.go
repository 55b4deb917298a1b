package deliver

import (
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// TestBatch_NoHalfIsSentOnceNothingMayBe: a batch that was refused is tried again in
// halves only while attempts may begin.
func TestBatch_NoHalfIsSentOnceNothingMayBe(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"paused", "removed", "held", "stopped", "another order"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				j, b := newMemJournal(), newBatcher()
				b.took = time.Second
				var refuses atomic.Bool
				refuses.Store(true)
				b.whole = func([]string) gateway.Outcome {
					if refuses.Load() {
						return failing(gateway.Refused, gateway.ReasonStatus4xx)
					}
					return gateway.Outcome{}
				}
				e := batching(b, Batch{Count: 16})
				e.Rule = "all"
				var hold atomic.Bool
				held := func() error {
					if hold.Load() {
						return errors.New("not now")
					}
					return nil
				}
				d, err := New(Config{Endpoints: []Endpoint{e}, Index: all(1), Journal: j, Held: held})
				if err != nil {
					t.Fatal(err)
				}
				if err := d.Start(t.Context()); err != nil {
					t.Fatal(err)
				}
				j.add(lanes(16, 1)...)
				pass(500 * time.Millisecond)
				begin, requests := time.Now(), 1
				switch name {
				case "paused":
					_ = d.Pause("a/e", Pause{Why: "a test"})
				case "removed":
					set(t, d)
				case "held":
					hold.Store(true)
				case "stopped":
					stop(t, d)
				case "another order":
					next := e
					next.Order = OrderStrict
					set(t, d, next)
					_ = d.Pause("a/e", Pause{Why: "a test"})
					requests = 2 // the first one of the new order had begun
				}
				if took := time.Since(begin); took > 500*time.Millisecond {
					t.Errorf("it took %v, want no longer than the request in flight", took)
				}
				pass(10 * time.Second)
				if n := len(b.view().tries); n != requests {
					t.Errorf("%d requests, want %d: what had begun", n, requests)
				}
				// Nothing is lost by it.
				refuses.Store(false)
				hold.Store(false)
				if name == "stopped" {
					d = runOn(t, j, -1, nil, e)
				}
				set(t, d, e)
				_ = d.Resume("a/e", Resume{})
				pass(time.Minute)
				stop(t, d)
				if got := b.view().got; len(got) != 16 {
					t.Errorf("%d of 16 arrived in the end", len(got))
				}
			})
		})
	}
}

// TestSet_EndpointThatIsRemovedWhilePositionsAreSavedLosesNothing: positions are
// being saved when an endpoint is removed, and its own record cannot be saved just
// then. The tail's position must not be saved before it.
func TestSet_EndpointThatIsRemovedWhilePositionsAreSavedLosesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j := &slowly{memJournal: newMemJournal()}
		b := &backend{}
		var down atomic.Bool
		down.Store(true)
		b.answer = func(*event.Event, int) gateway.Outcome {
			if down.Load() {
				return failing(gateway.Retry, gateway.ReasonConnect)
			}
			return gateway.Outcome{Kind: gateway.Delivered}
		}
		slow, e := lanesOnly(called(endpoint(&backend{}), "slow"), "sx"), lanesOnly(endpoint(b), "x")
		e.Retry = Schedule{Fast: []time.Duration{}, SlowFrom: time.Minute, SlowTo: time.Minute}
		other := lanesOnly(called(endpoint(&backend{took: time.Second}), "other"), "o")
		var armed, failed, done atomic.Bool
		j.save = func(key string) error {
			switch {
			case armed.Load() && key == endpointPrefix+"a/slow":
				advance(time.Second)
			case armed.Load() && key == endpointPrefix+"a/e" && !failed.Swap(true):
				return gateway.ErrUnavailable
			}
			return nil
		}
		j.saved = func(key string) {
			if key == tailKey && failed.Load() && !done.Swap(true) {
				j.mu.Lock()
				j.frozen = true // the crash
				j.mu.Unlock()
			}
		}
		d := runOn(t, j, -1, nil, slow, e, other)
		pass(time.Second)
		j.add(ev("o", 0))
		pass(500 * time.Millisecond)
		strict := other
		strict.Order = OrderStrict
		isSet := make(chan struct{})
		go func() { // waits for the attempt in flight
			defer close(isSet)
			set(t, d, slow, strict)
		}()
		pass(300 * time.Millisecond)
		armed.Store(true)
		j.add(ev("x", 0)) // and until it has ended positions are being saved
		<-isSet
		pass(10 * time.Second)
		if !failed.Load() || !done.Load() {
			t.Fatal("the record of the removed endpoint was saved in time, or the tail's never")
		}
		armed.Store(false)
		kill(t, j.memJournal, d)
		down.Store(false)
		d = runOn(t, j, -1, nil, slow, e, strict)
		pass(time.Hour)
		stop(t, d)
		if diff := cmp.Diff([]string{"x/0"}, b.ids()); diff != "" {
			t.Errorf("arrived (-want +got):\n%s", diff)
		}
	})
}

// TestSet_AnotherOrderKeepsDueTimes: what an endpoint asked for by Retry-After holds
// for an event that is in the middle of a lane now.
func TestSet_AnotherOrderKeepsDueTimes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, b := newMemJournal(), &backend{}
		begin := time.Now()
		var second atomic.Int64
		b.answer = func(ev *event.Event, _ int) gateway.Outcome {
			switch {
			case ev.ID == "y/0" && second.Swap(int64(time.Since(begin))) == 0:
				second.Store(1)
				return gateway.Outcome{Kind: gateway.Retry, Reason: gateway.ReasonThrottled, RetryAfter: time.Hour}
			case ev.ID == "x/0" && time.Since(begin) < time.Second:
				return gateway.Outcome{Kind: gateway.Retry, Reason: gateway.ReasonThrottled, RetryAfter: time.Minute}
			}
			return gateway.Outcome{Kind: gateway.Delivered}
		}
		e := endpoint(b)
		e.Rule = "all"
		d := run(t, j, e)
		defer stop(t, d)
		j.add(ev("x", 0), ev("y", 0), ev("z", 0))
		pass(30 * time.Second)
		e.Order = OrderStrict
		set(t, d, e)
		pass(2 * time.Hour)
		if diff := cmp.Diff([]string{"z/0", "x/0", "y/0"}, b.ids()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if at := time.Duration(second.Load()); at < time.Hour {
			t.Errorf("y/0 was tried again after %v, want an hour as asked for", at)
		}
	})
}

// TestSet_AnotherSenderBeginsAnEventAnew: an event that takes several requests of
// which some are through goes whole to the sender that comes next.
func TestSet_AnotherSenderBeginsAnEventAnew(t *testing.T) {
	t.Parallel()
	for name, inFlight := range map[string]bool{"waiting": false, "in flight": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				j := newMemJournal()
				before, after := &resuming{through: 2, took: time.Second}, &resuming{through: 3, took: time.Second}
				e := endpoint(before)
				e.Rule = "all"
				// Drawn with full jitter: so long that it is not over when the sender changes.
				e.Retry.Fast = []time.Duration{50 * time.Minute}
				d := run(t, j, e)
				defer stop(t, d)
				j.add(ev("x", 0))
				wait := 500 * time.Millisecond
				if !inFlight {
					wait = 1002 * time.Millisecond
				}
				// Other sets do not disturb it.
				pass(wait / 2)
				set(t, d, e)
				pass(wait / 2)
				e.Sender = after
				set(t, d, e)
				pass(time.Hour)
				if diff := cmp.Diff([]int{0}, after.from); diff != "" {
					t.Errorf("the new sender began at (-want +got):\n%s", diff)
				}
			})
		})
	}
}
