package deliver

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// unbalanced says which endpoint's account does not add up now; empty when all do.
func unbalanced(d *Deliverer) string {
	for _, a := range d.Accounts() {
		in := a.Matched + a.CarriedOver
		if out := a.Delivered + a.Parked + a.Expired + a.Echoes + a.Untranslatable + a.Coalesced + a.Open; in != out {
			return fmt.Sprintf("the account does not add up: %d came in, %d are told: %+v", in, out, a)
		}
	}
	return ""
}

// balanced fails the test when an account does not add up.
func balanced(t *testing.T, d *Deliverer) {
	t.Helper()
	if words := unbalanced(d); words != "" {
		t.Error(words)
	}
}

func accountNamed(t *testing.T, d *Deliverer, name string) Account {
	t.Helper()
	balanced(t, d)
	for _, a := range d.Accounts() {
		if a.Name == name {
			return a
		}
	}
	t.Fatalf("there is no account of %s in %+v", name, d.Accounts())
	return Account{}
}

func TestAccounts_EveryEndHasItsPlace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j := newMemJournal()
		ends := map[string]gateway.Outcome{
			"p/0": failing(gateway.Refused, gateway.ReasonStatus4xx),
			"u/0": failing(gateway.Untranslatable, gateway.ReasonNone),
			"e/0": failing(gateway.Echoed, gateway.ReasonNone),
			"w/0": failing(gateway.Retry, gateway.ReasonConnect),
		}
		b := &backend{answer: func(ev *event.Event, _ int) gateway.Outcome {
			if out, ok := ends[ev.ID]; ok {
				return out
			}
			return gateway.Outcome{Kind: gateway.Delivered}
		}}
		e := endpoint(b)
		e.Retry = Schedule{Fast: []time.Duration{time.Second}, SlowFrom: time.Hour, SlowTo: time.Hour, MaxAge: 1000 * time.Hour}
		d := start(t, j, prometheus.NewRegistry(), e)
		defer stop(t, d)
		j.add(ev("d", 0), ev("p", 0), ev("u", 0), ev("e", 0), ev("w", 0), ev("w", 1))
		advance(time.Minute)
		synctest.Wait()
		want := Account{App: e.App, Name: e.Name, Matched: 6, Delivered: 1, Parked: 1, Echoes: 1, Untranslatable: 1, Open: 2}
		if diff := cmp.Diff(want, accountNamed(t, d, e.Name)); diff != "" {
			t.Errorf("account (-want +got):\n%s", diff)
		}
	})
}

// A crash begins another account, with what was open; an endpoint that is taken out
// keeps its own, and begins another one when it comes back.
func TestAccounts_WhatIsOpenIsCarriedOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j := newMemJournal()
		down := true
		b := &backend{answer: func(*event.Event, int) gateway.Outcome {
			if down {
				return failing(gateway.Retry, gateway.ReasonConnect)
			}
			return gateway.Outcome{Kind: gateway.Delivered}
		}}
		e := endpoint(b)
		e.Rule = "all"
		e.Retry = Schedule{Fast: []time.Duration{time.Second}, SlowFrom: time.Second, SlowTo: time.Second, MaxAge: 1000 * time.Hour}
		other := called(endpoint(&backend{}), "other")
		d := run(t, j, e, other)
		j.add(ev("x", 0), ev("x", 1), ev("y", 0))
		advance(10 * time.Second)
		if got := accountNamed(t, d, e.Name); got.Matched != 3 || got.Open != 3 {
			t.Fatalf("account = %+v, want 3 matched and open", got)
		}

		kill(t, j, d)
		d = run(t, j, e, other)
		synctest.Wait()
		if got := accountNamed(t, d, e.Name); got.Matched != 0 || got.CarriedOver != 3 || got.Open != 3 {
			t.Errorf("after the crash: %+v, want 3 carried over and open", got)
		}
		if got := accountNamed(t, d, "other"); got.Delivered != got.CarriedOver+got.Matched {
			t.Errorf("after the crash: %+v, want everything delivered", got)
		}

		set(t, d, other)
		advance(time.Second)
		if got := accountNamed(t, d, e.Name); !got.Removed || got.CarriedOver != 3 || got.Open != 3 {
			t.Errorf("removed: %+v, want 3 carried over and open", got)
		}
		j.add(ev("x", 2))
		kill(t, j, d)
		d = run(t, j, other)
		if got := accountNamed(t, d, e.Name); !got.Removed || got.CarriedOver != 3 || got.Open != 3 {
			t.Errorf("removed, after a crash: %+v, want 3 carried over and open", got)
		}

		down = false
		set(t, d, e, other)
		advance(10 * time.Second)
		want := Account{App: e.App, Name: e.Name, Matched: 1, CarriedOver: 3, Delivered: 4}
		if diff := cmp.Diff(want, accountNamed(t, d, e.Name)); diff != "" {
			t.Errorf("came back (-want +got):\n%s", diff)
		}
		stop(t, d)
	})
}

func TestAccounts_TellWhenAnEventIsNowhere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j := newMemJournal()
		e := endpoint(&backend{answer: func(*event.Event, int) gateway.Outcome { return failing(gateway.Retry, gateway.ReasonConnect) }})
		d := run(t, j, e)
		defer stop(t, d)
		j.add(ev("x", 0), ev("x", 1))
		advance(10 * time.Millisecond)
		balanced(t, d)
		r := d.runners[0]
		r.mu.Lock()
		for _, l := range r.lanes {
			l.queue = l.queue[:1] // what a defect would do
		}
		r.mu.Unlock()
		if unbalanced(d) == "" {
			t.Errorf("an event is gone and the account adds up: %+v", d.Accounts())
		}
	})
}

func TestWatch_SeesAttemptsOfWhatItPicksUntilItIsStopped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j := newMemJournal()
		bad := called(endpoint(&backend{answer: func(*event.Event, int) gateway.Outcome {
			return failing(gateway.Refused, gateway.ReasonStatus4xx)
		}}), "bad")
		bad.Retry = Schedule{Fast: []time.Duration{time.Second}, SlowFrom: time.Second, SlowTo: time.Second, MaxAge: time.Hour}
		good := lanesOnly(called(endpoint(&backend{}), "good"), "xy")
		good.Batch.Count = 1
		d := run(t, j, bad, good)
		defer stop(t, d)
		if got := d.Picks(ev("z", 0)); len(got) != 1 || got[0] != bad.ID() {
			t.Errorf("picks = %v, want %s alone", got, bad.ID())
		}
		w := d.Watch(func(ev *event.Event) bool { return ev.ID == "x/0" })
		j.add(ev("x", 0), ev("y", 0))
		advance(10 * time.Second)
		select {
		case <-w.Changed():
		default:
			t.Error("the watch does not say that there is something")
		}
		got := map[string]int{}
		for _, a := range w.Attempts() {
			if a.Event.ID != "x/0" || a.At.IsZero() {
				t.Errorf("attempt = %+v, want one of x/0", a)
			}
			got[a.Endpoint+" "+string(a.Outcome.Kind)]++
		}
		if diff := cmp.Diff(map[string]int{bad.ID() + " refused": 2, good.ID() + " delivered": 1}, got); diff != "" {
			t.Errorf("attempts (-want +got):\n%s", diff)
		}
		w.Stop()
		j.add(ev("x", 0))
		advance(time.Minute)
		if n := len(w.Attempts()); n != 3 {
			t.Errorf("a stopped watch saw %d attempts, want 3", n)
		}
	})
}
