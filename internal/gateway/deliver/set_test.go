package deliver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
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

// run starts a Deliverer that asks the endpoints' own rules.
func run(t *testing.T, j *memJournal, eps ...Endpoint) *Deliverer {
	t.Helper()
	d, err := New(Config{Endpoints: eps, Index: asked(eps), Journal: j})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return d
}

// kill stops d as a crash does: nothing is saved any more.
func kill(t *testing.T, j *memJournal, d *Deliverer) {
	t.Helper()
	j.mu.Lock()
	j.frozen = true
	j.mu.Unlock()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_ = d.Stop(ctx)
	j.mu.Lock()
	j.frozen = false
	j.mu.Unlock()
}

func set(t *testing.T, d *Deliverer, eps ...Endpoint) {
	t.Helper()
	if err := d.Set(t.Context(), eps, asked(eps)); err != nil {
		t.Fatal(err)
	}
}

// lanesOnly is a rule that picks events of the lanes.
func lanesOnly(e Endpoint, lanes string) Endpoint {
	e.Rule = "lanes " + lanes
	e.Match = func(ev *event.Event) bool { return strings.Contains(lanes, ev.ID[:1]) }
	return e
}

func called(e Endpoint, name string) Endpoint {
	e.Name = name
	return e
}

// statusOf is the endpoint's status; its zero value when there is none.
func statusOf(t *testing.T, d *Deliverer, name string) Status {
	t.Helper()
	for _, s := range d.Status(t.Context()) {
		if s.Name == name {
			return s
		}
	}
	return Status{}
}

func wantIDs(t *testing.T, what string, b *backend, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, b.ids()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestSet_UnchangedEndpointGoesOnUndisturbed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, b := newMemJournal(), &backend{took: time.Second}
		e := endpoint(b)
		e.Rule = "all"
		released := 0
		e.Release = func() { released++ }
		d := run(t, j, e)
		for n := range 4 {
			j.add(ev("x", n), ev("y", n))
		}
		for range 8 {
			pass(300 * time.Millisecond) // in the middle of attempts
			set(t, d, e)
			if s := statusOf(t, d, "e"); s.InFlight != 2 || s.State != StateLive {
				t.Fatalf("after Set: %+v, want both attempts still in flight", s)
			}
		}
		pass(10 * time.Second)
		if len(b.ids()) != 8 || b.attempts() != 8 {
			t.Errorf("%d arrived in %d attempts, want 8 in 8", len(b.ids()), b.attempts())
		}
		if released != 0 {
			t.Errorf("the sender was released %d times while it is used", released)
		}
		stop(t, d)
		if released != 1 {
			t.Errorf("the sender was released %d times after Stop, want once", released)
		}
	})
}

func TestSet_AttemptsInFlightEndWithTheSenderTheyBeganWith(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, before, after := newMemJournal(), &backend{took: 10 * time.Second}, &backend{}
		var over atomic.Pointer[time.Time]
		e := endpoint(before)
		e.Rule = "all"
		e.Release = func() { now := time.Now(); over.Store(&now) }
		begin := time.Now()
		d := run(t, j, e)
		defer stop(t, d)
		j.add(ev("x", 0), ev("x", 1), ev("y", 0))
		pass(time.Second)
		next := e
		next.Sender, next.Release = after, nil
		set(t, d, next)
		j.add(ev("z", 0))
		synctest.Wait()
		wantIDs(t, "at once, by the new sender", after, "z/0")
		if over.Load() != nil {
			t.Error("the old sender was released while attempts were in flight")
		}
		pass(10 * time.Second)
		synctest.Wait()
		got := before.ids()
		slices.Sort(got)
		if diff := cmp.Diff([]string{"x/0", "y/0"}, got); diff != "" {
			t.Errorf("by the old sender (-want +got):\n%s", diff)
		}
		wantIDs(t, "by the new sender", after, "z/0", "x/1")
		if took := over.Load().Sub(begin); took != 10*time.Second {
			t.Errorf("the old sender was released after %v, want 10s: with its last attempt", took)
		}
	})
}

func TestSet_ConcurrencyHoldsForWhatIsInLineAlready(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, b := newMemJournal(), &backend{took: time.Second}
		e := endpoint(b)
		e.Rule, e.Concurrency = "all", 8
		d := run(t, j, e)
		defer stop(t, d)
		for n := range 40 {
			j.add(ev(fmt.Sprint(n), 0))
		}
		for _, c := range []int{2, 6} {
			pass(500 * time.Millisecond)
			e.Concurrency = c
			set(t, d, e)
			pass(time.Second)
			synctest.Wait()
			if s := statusOf(t, d, "e"); s.InFlight != c {
				t.Errorf("%d in flight a second after concurrency became %d", s.InFlight, c)
			}
		}
	})
}

func TestSet_AnotherRuleBeginsWhereTheOldOneEnded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, b := newMemJournal(), &backend{}
		var down atomic.Bool
		down.Store(true)
		b.answer = func(*event.Event, int) gateway.Outcome {
			if down.Load() {
				return failing(gateway.Retry, gateway.ReasonConnect)
			}
			return gateway.Outcome{Kind: gateway.Delivered}
		}
		e := lanesOnly(endpoint(b), "x")
		d := run(t, j, e)
		pass(time.Second) // the record of an empty endpoint is saved
		j.add(ev("x", 0), ev("y", 0))
		synctest.Wait() // read, and not saved as open yet
		e = lanesOnly(e, "y")
		set(t, d, e)
		kill(t, j, d)

		j.add(ev("x", 1), ev("y", 1))
		d = run(t, j, e)
		defer stop(t, d)
		down.Store(false)
		pass(time.Minute)
		synctest.Wait()
		got := b.ids()
		slices.Sort(got)
		if diff := cmp.Diff([]string{"x/0", "y/1"}, got); diff != "" {
			t.Errorf("each event by the rule of its time (-want +got):\n%s", diff)
		}
	})
}

func TestSet_AnotherRuleHoldsForWhatALaggingEndpointHasNotRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, b := newMemJournal(), &backend{took: time.Hour}
		e := lanesOnly(endpoint(b), "x")
		e.Concurrency = 1
		d := run(t, j, e)
		defer stop(t, d)
		for n := range maxLoaded + 500 {
			j.add(ev("x", n), ev("y", n))
		}
		synctest.Wait()
		if s := statusOf(t, d, "e"); s.State != StateCatchingUp || !s.Unread {
			t.Fatalf("status %+v, want it behind", s)
		}
		open := statusOf(t, d, "e").Open
		set(t, d, lanesOnly(e, "y"))
		b.mu.Lock()
		b.took = 0
		b.mu.Unlock()
		pass(2 * time.Hour)
		synctest.Wait()
		x, y := len(b.ofLane("x")), len(b.ofLane("y"))
		if x != open {
			t.Errorf("%d of x arrived, want the %d that were open", x, open)
		}
		// One page has both. It was read with x, and so without y, up to where the endpoint
		// fell behind; what went ahead since was picked one by one.
		if y != 500 {
			t.Errorf("%d of y arrived, want 500: all that were not read", y)
		}
	})
}

func TestSet_NewEndpointBeginsWhereItSays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, first := newMemJournal(), endpoint(&backend{})
		j.add(ev("x", 0))
		pass(time.Hour)
		d := run(t, j, first)
		j.add(ev("x", 1))
		pass(time.Hour)
		at := time.Now()
		j.add(ev("x", 2))
		pass(time.Hour)
		bs := map[string]*backend{}
		eps := []Endpoint{first}
		for name, e := range map[string]Endpoint{
			"now":       {},
			"beginning": {Start: Start{Beginning: true}},
			"time":      {Start: Start{At: at}},
			"future":    {Start: Start{At: at.Add(1000 * time.Hour)}},
			"bounded":   {Start: Start{Beginning: true}, MaxBacklogAge: 150 * time.Minute},
		} {
			bs[name] = &backend{}
			e.App, e.Name, e.Match, e.Sender = "a", name, everything, bs[name]
			eps = append(eps, e)
		}
		set(t, d, eps...)
		// A crash right after: nobody may start anew.
		kill(t, j, d)
		for _, b := range bs {
			b.mu.Lock()
			b.got, b.lane = nil, nil
			b.mu.Unlock()
		}
		j.add(ev("x", 3))
		d = run(t, j, eps...)
		defer stop(t, d)
		pass(time.Second)
		synctest.Wait()
		wantIDs(t, "now", bs["now"], "x/3")
		wantIDs(t, "beginning", bs["beginning"], "x/0", "x/1", "x/2", "x/3")
		wantIDs(t, "time", bs["time"], "x/2", "x/3")
		wantIDs(t, "future", bs["future"], "x/3")
		wantIDs(t, "bounded", bs["bounded"], "x/1", "x/2", "x/3")
	})
}

func TestSet_RemovedEndpointGoesOnExactlyWhereItWas(t *testing.T) {
	t.Parallel()
	for _, restarted := range []bool{false, true} {
		t.Run(fmt.Sprint("restarted=", restarted), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				j, b := newMemJournal(), &backend{took: 3 * time.Second}
				var bad atomic.Bool
				bad.Store(true)
				b.answer = func(ev *event.Event, _ int) gateway.Outcome {
					if bad.Load() && ev.Lane == "group:bad" {
						return failing(gateway.Retry, gateway.ReasonConnect)
					}
					return gateway.Outcome{Kind: gateway.Delivered}
				}
				other, e := called(endpoint(&backend{}), "other"), endpoint(b)
				e.Retry.Fast = []time.Duration{time.Hour}
				d := run(t, j, other, e)
				j.add(ev("x", 0), ev("bad", 0), ev("bad", 1), ev("x", 1))
				pass(4 * time.Second) // bad/0 has failed, x/1 is in flight
				begin := time.Now()
				set(t, d, other)
				if took := time.Since(begin); took != 0 {
					t.Errorf("Set took %v, want it not to wait for the attempt in flight", took)
				}
				s := statusOf(t, d, "e")
				if s.State != StateRemoved || s.InFlight != 1 || s.Open != 3 || !s.ForgetAt.Equal(begin.Add(72*time.Hour)) {
					t.Errorf("removed: %+v; want one in flight, three open, forgotten in 72h", s)
				}
				j.add(ev("x", 2))
				pass(5 * time.Second)
				if s := statusOf(t, d, "e"); s.InFlight != 0 || s.Open != 2 || !s.Unread {
					t.Errorf("later: %+v; want bad/0 and bad/1 open, and unread events", s)
				}
				wantIDs(t, "removed, it gets nothing new", b, "x/0", "x/1")
				if restarted {
					stop(t, d)
					d = run(t, j, other)
					if s := statusOf(t, d, "e"); s.State != StateRemoved || s.Open != 2 || !s.Unread || !s.ForgetAt.Equal(begin.Add(72*time.Hour)) {
						t.Errorf("after a restart: %+v", s)
					}
				}
				bad.Store(false)
				e.Start = Start{Beginning: true} // it does not matter
				set(t, d, other, e)
				defer stop(t, d)
				pass(4 * time.Second)
				wantIDs(t, "back", b, "x/0", "x/1", "x/2")
				pass(time.Hour)
				wantIDs(t, "in the end", b, "x/0", "x/1", "x/2", "bad/0", "bad/1")
				if s := statusOf(t, d, "e"); s.State != StateLive || s.Open != 0 {
					t.Errorf("in the end: %+v", s)
				}
			})
		})
	}
}

func TestSet_BackWhileAttemptsAreInFlightKeepsTheLanesOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, b := newMemJournal(), &backend{took: 10 * time.Second}
		var over atomic.Int32
		e := endpoint(b)
		e.Release = func() { over.Add(1) }
		d := run(t, j, e)
		defer stop(t, d)
		j.add(ev("x", 0), ev("x", 1))
		pass(time.Second)
		set(t, d)
		begin := time.Now()
		set(t, d, e)
		took := time.Since(begin)
		synctest.Wait()
		if took != 9*time.Second || b.atOnce() != 1 || over.Load() != 1 {
			t.Errorf("back after %v, %d at once, released %d times; want 9s, one, once", took, b.atOnce(), over.Load())
		}
		pass(20 * time.Second)
		wantIDs(t, "each once", b, "x/0", "x/1")
	})
}

func TestSet_RemovedEndpointHoldsTheJournalWithinItsBoundsUntilItIsForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j := newMemJournal()
		var log bytes.Buffer
		reg := prometheus.NewRegistry()
		down := &backend{answer: func(*event.Event, int) gateway.Outcome { return failing(gateway.Retry, gateway.ReasonConnect) }}
		plain, small, young := called(endpoint(down), "plain"), called(endpoint(down), "small"), called(endpoint(down), "young")
		small.MaxBacklogBytes = 1000 // ten pages
		young.MaxBacklogAge = time.Minute
		other := called(endpoint(&backend{}), "other")
		boot := func(eps ...Endpoint) *Deliverer {
			d, err := New(Config{
				Endpoints: eps, Index: asked(eps), Journal: j, Metrics: reg, RemovedAge: 100 * time.Minute,
				Log: slog.New(slog.NewTextHandler(&log, nil)),
			})
			if err != nil {
				t.Fatal(err)
			}
			if err := d.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			return d
		}
		floor := func() uint64 {
			j.mu.Lock()
			defer j.mu.Unlock()
			return j.floor
		}
		d := boot(other, plain, small, young)
		j.add(ev("x", 0))
		synctest.Wait()
		eps := []Endpoint{other}
		set(t, d, other, plain)
		for n := range 100 {
			j.add(ev("x", n+1))
		}
		pass(2 * time.Second)
		if got := floor(); got != 1 {
			t.Errorf("floor is %d, want 1: an endpoint that is there has it open", got)
		}
		set(t, d, eps...)
		pass(2 * time.Second)
		if got := floor(); got != 1 {
			t.Errorf("floor is %d, want 1: the removed endpoint's backlog stays", got)
		}
		// The record holds all that is needed for it: a restart changes nothing.
		reg = prometheus.NewRegistry()
		stop(t, d)
		d = boot(eps...)
		defer func() { stop(t, d) }()
		if got := floor(); got != 1 {
			t.Errorf("floor is %d right after a restart, want 1", got)
		}
		pass(90 * time.Minute)
		j.add(ev("x", 101))
		pass(2 * time.Second)
		if got := floor(); got != 1 || len(d.Status(t.Context())) != 4 {
			t.Errorf("floor is %d with %d endpoints known, want 1 and 4", got, len(d.Status(t.Context())))
		}
		_, _, gone := d.serving()
		for _, g := range gone {
			want := map[string]uint64{"plain": 1, "small": 93, "young": 102}[g.name]
			d.mu.Lock()
			got := g.floor(d.tail).Seq()
			d.mu.Unlock()
			if got != want {
				t.Errorf("%s holds the journal from page %d on, want %d", g.name, got, want)
			}
		}
		pass(20 * time.Minute)
		if got := floor(); got != 103 || len(d.Status(t.Context())) != 1 {
			t.Errorf("floor is %d with %d endpoints known, want 103 and 1: the others are forgotten", got, len(d.Status(t.Context())))
		}
		if n := testutil.ToFloat64(d.metrics.forgotten); n != 103 {
			t.Errorf("imhook_forgotten_total is %v, want 103", n)
		}
		synctest.Wait()
		if n := strings.Count(log.String(), "it is forgotten"); n != 3 {
			t.Errorf("%d lines for three forgotten endpoints:\n%s", n, log.String())
		}
		j.mu.Lock()
		left := len(j.saved)
		j.mu.Unlock()
		if left != 2 {
			t.Errorf("%d records are left, want the tail's and one endpoint's", left)
		}
	})
}

func TestSet_RemovedEndpointsTogetherHoldNoMoreThanTheyMay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j := newMemJournal()
		d, err := New(Config{
			Endpoints: []Endpoint{called(endpoint(&backend{}), "a"), called(endpoint(&backend{}), "b")},
			Index:     all(2), Journal: j, RemovedBytes: 2000,
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		defer stop(t, d)
		set(t, d)
		for n := range 100 {
			j.add(ev("x", n))
		}
		pass(2 * time.Second)
		j.mu.Lock()
		defer j.mu.Unlock()
		if j.floor != 81 {
			t.Errorf("floor is %d, want 81: twenty pages of a hundred bytes", j.floor)
		}
	})
}

func TestSet_AnotherOrderKeepsEveryEventInItsPlace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, b := newMemJournal(), &backend{took: time.Second}
		var down atomic.Bool
		down.Store(true)
		b.answer = func(*event.Event, int) gateway.Outcome {
			if down.Load() {
				return failing(gateway.Retry, gateway.ReasonConnect)
			}
			return gateway.Outcome{Kind: gateway.Delivered}
		}
		e := endpoint(b)
		e.Rule, e.Retry.Fast = "all", []time.Duration{10 * time.Minute}
		d := run(t, j, e)
		defer stop(t, d)
		for n := range 6 {
			j.add(ev("x", n), ev("y", n))
		}
		pass(500 * time.Millisecond)
		e.Order = OrderStrict
		begin := time.Now()
		set(t, d, e) // waits for both heads
		if took := time.Since(begin); took != 500*time.Millisecond {
			t.Errorf("Set took %v, want 500ms: until the attempts in flight have ended", took)
		}
		if s := statusOf(t, d, "e"); s.Open != 12 {
			t.Errorf("%d open, want 12", s.Open)
		}
		down.Store(false)
		b.mu.Lock()
		b.most = 0
		b.mu.Unlock()
		pass(20 * time.Minute)
		want := []string{"x/0", "y/0", "x/1", "y/1", "x/2", "y/2", "x/3", "y/3", "x/4", "y/4", "x/5", "y/5"}
		wantIDs(t, "strictly", b, want...)
		if b.atOnce() != 1 {
			t.Errorf("%d at once, want one", b.atOnce())
		}

		down.Store(true)
		for n := 6; n < 12; n++ {
			j.add(ev("x", n), ev("y", n))
		}
		pass(3 * time.Second)
		e.Order = OrderConversation
		set(t, d, e)
		down.Store(false)
		pass(7 * time.Second)
		if got := b.ofLane("y"); len(got) != 12 {
			t.Errorf("lane y has %v, want 12: only x waits for its retry", got)
		}
		pass(20 * time.Minute)
		for _, lane := range []string{"x", "y"} {
			if got := b.ofLane(lane); len(got) != 12 {
				t.Errorf("lane %s has %v, want 12", lane, got)
			}
		}
		for _, lane := range []string{"x", "y"} {
			var want []string
			for n := range 12 {
				want = append(want, fmt.Sprint(lane, "/", n))
			}
			if diff := cmp.Diff(want, b.ofLane(lane)); diff != "" {
				t.Errorf("each event once and in order (-want +got):\n%s", diff)
			}
		}
	})
}

func TestSet_RefusedChangesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, b, other := newMemJournal(), &backend{took: 10 * time.Second}, &backend{}
		e := lanesOnly(endpoint(b), "xy")
		d := run(t, j, e)
		defer stop(t, d)
		j.add(ev("x", 0), ev("y", 0), ev("x", 1))
		pass(time.Second)
		released := 0
		wrong := func(change func(*Endpoint)) Endpoint {
			n := lanesOnly(e, "z")
			n.Sender, n.Release = other, func() { released++ }
			change(&n)
			return n
		}
		for name, tc := range map[string]struct {
			eps    []Endpoint
			before func()
		}{
			"two of one name":      {eps: []Endpoint{wrong(func(*Endpoint) {}), wrong(func(*Endpoint) {})}},
			"no sender":            {eps: []Endpoint{wrong(func(n *Endpoint) { n.Sender = nil })}},
			"two starts":           {eps: []Endpoint{wrong(func(n *Endpoint) { n.Start = Start{Beginning: true, At: time.Now()} })}},
			"rule cannot be saved": {eps: []Endpoint{wrong(func(*Endpoint) {})}, before: func() { j.failSave = 1 }},
			"new cannot be saved":  {eps: []Endpoint{e, called(wrong(func(*Endpoint) {}), "new")}, before: func() { j.failSave = 1 }},
			"second new cannot be saved": {
				eps:    []Endpoint{e, called(wrong(func(*Endpoint) {}), "new"), called(wrong(func(*Endpoint) {}), "newer")},
				before: func() { j.failSave, j.passSave = 1, 1 },
			},
			"caller does not wait": {eps: []Endpoint{wrong(func(n *Endpoint) { n.Order = OrderStrict })}},
		} {
			pass(150 * time.Millisecond) // nothing is left to be saved
			if tc.before != nil {
				j.mu.Lock()
				tc.before()
				j.mu.Unlock()
			}
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			if strings.HasSuffix(name, "saved") {
				cancel()
				ctx, cancel = context.WithCancel(t.Context())
			}
			if err := d.Set(ctx, tc.eps, asked(tc.eps)); err == nil {
				t.Errorf("%s: it was taken", name)
			} else if name == "caller does not wait" && !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: %v, want the caller's own reason", name, err)
			}
			cancel()
		}
		j.add(ev("x", 2), ev("z", 0))
		pass(2 * time.Minute)
		want := map[string][]string{"x": {"x/0", "x/1", "x/2"}, "y": {"y/0"}, "z": nil}
		got := map[string][]string{"x": b.ofLane("x"), "y": b.ofLane("y"), "z": b.ofLane("z")}
		if diff := cmp.Diff(want, got); diff != "" || len(other.ids()) != 0 {
			t.Errorf("the refused sender got %v, the old one (-want +got):\n%s", other.ids(), diff)
		}
		if released != 0 {
			t.Error("senders were released that were refused")
		}
		if all := d.Status(t.Context()); len(all) != 1 || all[0].State != StateLive {
			t.Errorf("status %+v, want the old endpoint alone", all)
		}
		j.mu.Lock()
		defer j.mu.Unlock()
		if len(j.saved) != 2 {
			t.Errorf("%d records, want the tail's and the endpoint's: others are left over", len(j.saved))
		}
	})
}

func TestSet_NeedsDeliveriesThatRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := endpoint(&backend{})
		d, err := New(Config{Endpoints: []Endpoint{e}, Index: all(1), Journal: newMemJournal()})
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Set(t.Context(), []Endpoint{e}, all(1)); err == nil {
			t.Error("it was taken before Start")
		}
		if err := d.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		stop(t, d)
		if err := d.Set(t.Context(), []Endpoint{e}, all(1)); err == nil {
			t.Error("it was taken after Stop")
		}
	})
}

func TestSet_StopEndsASetThatWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, b := newMemJournal(), &backend{took: time.Hour}
		e := endpoint(b)
		d := run(t, j, e)
		j.add(ev("x", 0))
		synctest.Wait()
		e.Order = OrderStrict
		refused := make(chan error)
		go func() { refused <- d.Set(context.Background(), []Endpoint{e}, all(1)) }()
		synctest.Wait()
		go stop(t, d)
		if err := <-refused; err == nil {
			t.Error("it was taken although the attempt is still in flight")
		}
		pass(2 * time.Second)
	})
}

func TestSet_PausedEndpointStaysPausedUntilItIsResumed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, b := newMemJournal(), &backend{}
		gone := &backend{answer: func(*event.Event, int) gateway.Outcome {
			return gateway.Outcome{Kind: gateway.Retry, Reason: gateway.ReasonGone, Status: 410, Pause: true}
		}}
		e := endpoint(gone)
		hand := called(endpoint(b), "hand")
		d := run(t, j, e, hand)
		if d.Pause("a/hand", Pause{Why: "the backend is being moved"}) != nil || !errors.Is(d.Pause("a/none", Pause{}), gateway.ErrNoEndpoint) {
			t.Fatal("Pause finds the wrong endpoints")
		}
		j.add(ev("x", 0))
		synctest.Wait()
		want := func(when string) {
			t.Helper()
			for name, why := range map[string]string{"e": "gone (410)", "hand": "the backend is being moved"} {
				if s := statusOf(t, d, name); s.Open != 1 || !strings.Contains(s.Paused, why) {
					t.Errorf("%s: %+v, want it paused with one open", when, s)
				}
			}
		}
		want("paused")
		e.Sender = b
		set(t, d, e, hand)
		pass(time.Hour)
		want("after Set")
		set(t, d)
		pass(time.Second)
		want("removed")
		set(t, d, e, hand)
		pass(time.Second)
		want("back")
		stop(t, d)
		d = run(t, j, e, hand)
		pass(time.Hour)
		want("after a restart")
		_ = d.Resume("a/e", Resume{})
		_ = d.Resume("a/hand", Resume{})
		pass(time.Hour)
		wantIDs(t, "resumed", b, "x/0", "x/0")
		stop(t, d)
		d = run(t, j, e, hand)
		defer stop(t, d)
		if s := statusOf(t, d, "hand"); s.State != StateLive {
			t.Errorf("%+v after a restart, want it live: it was resumed", s)
		}
	})
}

func TestExpire_SearchesTheJournalOncePerAgeAndSecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j := newMemJournal()
		b := &backend{answer: func(*event.Event, int) gateway.Outcome { return failing(gateway.Retry, gateway.ReasonConnect) }}
		var eps []Endpoint
		for n := range 20 {
			e := called(endpoint(b), fmt.Sprint(n))
			e.MaxBacklogAge = time.Duration(1+n%2) * 24 * time.Hour
			eps = append(eps, e)
		}
		d := run(t, j, eps...)
		defer stop(t, d)
		set(t, d, eps[:18]...) // removed ones are counted as well
		j.add(ev("x", 0))
		pass(10*time.Second + 500*time.Millisecond)
		j.mu.Lock()
		defer j.mu.Unlock()
		if j.seqAts != 20 {
			t.Errorf("%d searches in ten seconds for endpoints of two ages, want 20", j.seqAts)
		}
	})
}

func TestCount_SaysWhatAChangeConcerns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, b := newMemJournal(), &backend{took: time.Hour}
		e := lanesOnly(endpoint(b), "x")
		e.Concurrency = 1
		d := run(t, j, e, called(endpoint(b), "gone"))
		defer stop(t, d)
		for n := range maxLoaded + 100 {
			j.add(ev("x", n), ev("y", n))
		}
		synctest.Wait()
		count := func(what string, want int, wantComplete bool, n int, complete bool, err error) {
			t.Helper()
			if err != nil || n != want || complete != wantComplete {
				t.Errorf("%s: %d, complete %v, %v; want %d, complete %v", what, n, complete, err, want, wantComplete)
			}
		}
		n, complete, err := d.Count(t.Context(), everything, 1)
		count("all events", 2*(maxLoaded+100), true, n, complete, err)
		n, complete, err = d.Count(t.Context(), lanesOnly(e, "y").Match, maxLoaded+1)
		count("those of a rule from a page on", 100, true, n, complete, err)
		n, complete, err = d.Unfinished(t.Context(), "a/e")
		count("an endpoint that is behind", maxLoaded+100, true, n, complete, err)

		set(t, d, e)
		n, complete, err = d.Unfinished(t.Context(), "a/gone")
		count("a removed endpoint", statusOf(t, d, "gone").Open, false, n, complete, err)
		if _, _, err := d.Unfinished(t.Context(), "a/never"); err == nil {
			t.Error("an endpoint that never was is counted")
		}

		e.Start = Start{Beginning: true}
		if seq, err := d.StartPage(t.Context(), e); err != nil || seq != 1 {
			t.Errorf("it would begin at page %d, %v; want 1", seq, err)
		}
		for range maxCountPages {
			j.add()
		}
		n, complete, err = d.Count(t.Context(), everything, 1)
		count("more pages than are read", 2*(maxLoaded+100), false, n, complete, err)
		b.mu.Lock()
		b.took = 0
		b.mu.Unlock()
	})
}
