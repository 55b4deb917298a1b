package deliver

import (
	"bytes"
	"context"
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

// start runs a Deliverer for the endpoints until the test stops it.
func start(t *testing.T, j *memJournal, reg prometheus.Registerer, eps ...Endpoint) *Deliverer {
	t.Helper()
	d, err := New(Config{Endpoints: eps, Index: all(len(eps)), Journal: j, Metrics: reg})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return d
}

func stop(t *testing.T, d *Deliverer) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := d.Stop(ctx); err != nil {
		t.Error(err)
	}
}

func endpoint(s Sender) Endpoint {
	return Endpoint{App: "a", Name: "e", Match: everything, Sender: s}
}

func TestDeliver_LaneKeepsOrderLanesRunInParallel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, b := newMemJournal(), &backend{took: time.Second}
		d := start(t, j, nil, endpoint(b))
		defer stop(t, d)
		for n := range 5 {
			j.add(ev("x", n), ev("y", n))
		}
		advance(5*time.Second + time.Millisecond)
		synctest.Wait()
		for _, lane := range []event.Lane{"group:x", "group:y"} {
			if got := b.lane[lane]; !slices.IsSorted(got) || len(got) != 5 {
				t.Errorf("lane %s arrived as %v, want 5 in order", lane, got)
			}
		}
		if b.most != 2 {
			t.Errorf("at most %d attempts at once, want 2: one a lane", b.most)
		}
	})
}

func TestDeliver_StrictIsOneAtATimeInJournalOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, b := newMemJournal(), &backend{took: time.Second}
		e := endpoint(b)
		e.Order = OrderStrict
		d := start(t, j, nil, e)
		defer stop(t, d)
		j.add(ev("x", 0), ev("y", 1), ev("x", 2))
		advance(4 * time.Second)
		synctest.Wait()
		if diff := cmp.Diff([]string{"x/0", "y/1", "x/2"}, b.ids()); diff != "" || b.most != 1 {
			t.Errorf("at most %d at once, arrived (-want +got):\n%s", b.most, diff)
		}
	})
}

func TestDeliver_NoOrderRunsOneLaneInParallel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, b := newMemJournal(), &backend{took: time.Second}
		e := endpoint(b)
		e.Order, e.Concurrency = OrderNone, 3
		d := start(t, j, nil, e)
		defer stop(t, d)
		j.add(ev("x", 0), ev("x", 1), ev("x", 2), ev("x", 3))
		advance(2*time.Second + time.Millisecond)
		synctest.Wait()
		if b.most != 3 || len(b.ids()) != 4 {
			t.Errorf("%d at once, %d arrived; want 3 and 4", b.most, len(b.ids()))
		}
	})
}

func TestDeliver_FailingHeadHoldsItsLaneOnly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var healthy atomic.Bool
		j, b := newMemJournal(), &backend{}
		b.answer = func(ev *event.Event, _ int) gateway.Outcome {
			if !healthy.Load() && ev.Lane == "group:bad" {
				return failing(gateway.Retry, gateway.ReasonStatus5xx)
			}
			return gateway.Outcome{Kind: gateway.Delivered}
		}
		d := start(t, j, nil, endpoint(b))
		defer stop(t, d)
		for n := range 10 {
			j.add(ev("bad", n), ev("good", n))
		}
		synctest.Wait()
		if len(b.lane["group:good"]) != 10 || len(b.lane["group:bad"]) != 0 {
			t.Fatalf("good got %d, bad got %d; want 10 and 0", len(b.lane["group:good"]), len(b.lane["group:bad"]))
		}
		healthy.Store(true)
		advance(time.Second)
		synctest.Wait()
		if got := b.lane["group:bad"]; len(got) != 10 || !slices.IsSorted(got) {
			t.Errorf("after the retry the lane arrived as %v, want 10 in order", got)
		}
	})
}

func TestDeliver_FollowersOfAWaitingLaneCostNoMemory(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var down atomic.Bool
		down.Store(true)
		j, b := newMemJournal(), &backend{}
		b.answer = func(*event.Event, int) gateway.Outcome {
			if down.Load() {
				return failing(gateway.Retry, gateway.ReasonConnect)
			}
			return gateway.Outcome{Kind: gateway.Delivered}
		}
		e := endpoint(b)
		e.Retry.Fast = []time.Duration{time.Hour}
		d := start(t, j, nil, e)
		defer stop(t, d)
		const events = 3 * maxLoaded
		j.add(ev("x", 0))
		synctest.Wait() // the head has failed and waits
		for n := 1; n < events; n++ {
			j.add(ev("x", n))
		}
		synctest.Wait()
		r := d.runners[0]
		r.mu.Lock()
		unfinished, open, loaded := r.unfinished(), r.open, r.loaded
		r.mu.Unlock()
		if unfinished != events || open > maxFollowers || loaded > keepLoaded+1 {
			t.Fatalf("%d unfinished, %d of them open and %d loaded; want %d, at most %d and %d", unfinished, open, loaded, events, maxFollowers, keepLoaded+1)
		}
		down.Store(false)
		advance(time.Hour)
		synctest.Wait()
		if got := b.ids(); len(got) != events {
			t.Fatalf("%d arrived, want %d", len(got), events)
		}
		for n, id := range b.ids() {
			if want := fmt.Sprintf("x/%d", n); id != want {
				t.Fatalf("place %d is %s, want %s", n, id, want)
			}
		}
	})
}

func TestDeliver_RefusedGetsTheFastDelaysOnceThenIsParked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, b := newMemJournal(), &backend{}
		reg := prometheus.NewRegistry()
		b.answer = func(ev *event.Event, _ int) gateway.Outcome {
			if ev.ID == "x/0" {
				return failing(gateway.Refused, gateway.ReasonStatus4xx)
			}
			return gateway.Outcome{Kind: gateway.Delivered}
		}
		d := start(t, j, reg, endpoint(b))
		defer stop(t, d)
		j.add(ev("x", 0), ev("x", 1))
		advance(36 * time.Second)
		synctest.Wait()
		if b.n != 5 || len(j.parked) != 1 || j.parked[0].Reason != gateway.ReasonStatus4xx || j.parked[0].Attempts != 4 {
			t.Fatalf("%d attempts, parked %+v; want 4+1 attempts and one dead letter of 4", b.n, j.parked)
		}
		if diff := cmp.Diff([]string{"x/1"}, b.ids()); diff != "" {
			t.Errorf("the follower (-want +got):\n%s", diff)
		}
		if got := testutil.ToFloat64(d.metrics.parked.WithLabelValues("a", "e", string(gateway.ReasonStatus4xx))); got != 1 {
			t.Errorf("imhook_parked_total is %v, want 1", got)
		}
	})
}

func TestDeliver_EventThatCannotBeParkedIsNotLost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, b := newMemJournal(), &backend{}
		j.failPark = 2
		b.answer = func(*event.Event, int) gateway.Outcome {
			return failing(gateway.Refused, gateway.ReasonStatus4xx)
		}
		e := endpoint(b)
		e.Retry.Fast = []time.Duration{}
		d := start(t, j, nil, e)
		defer stop(t, d)
		j.add(ev("x", 0))
		advance(3 * time.Second)
		synctest.Wait()
		if len(j.parked) != 1 {
			t.Errorf("%d dead letters, want 1 after two failures to park", len(j.parked))
		}
		if b.n != 1 {
			t.Errorf("the endpoint was asked %d times, want once: parking alone is tried again", b.n)
		}
	})
}

func TestDeliver_PanicInOneAttemptParksThatEventAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, b := newMemJournal(), &backend{}
		b.answer = func(ev *event.Event, _ int) gateway.Outcome {
			if ev.ID == "x/0" {
				panic("poison")
			}
			return gateway.Outcome{Kind: gateway.Delivered}
		}
		d := start(t, j, nil, endpoint(b))
		defer stop(t, d)
		j.add(ev("x", 0), ev("x", 1), ev("y", 0))
		advance(40 * time.Second)
		synctest.Wait()
		if len(j.parked) != 1 || j.parked[0].Reason != gateway.ReasonInternal {
			t.Errorf("parked %+v, want x/0 for an internal reason", j.parked)
		}
		got := b.ids()
		slices.Sort(got)
		if diff := cmp.Diff([]string{"x/1", "y/0"}, got); diff != "" {
			t.Errorf("the others (-want +got):\n%s", diff)
		}
	})
}

func TestDeliver_GonePausesTheEndpointAndKeepsTheEvent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var gone atomic.Bool
		gone.Store(true)
		j, b := newMemJournal(), &backend{}
		b.answer = func(*event.Event, int) gateway.Outcome {
			if gone.Load() {
				return gateway.Outcome{Kind: gateway.Retry, Reason: gateway.ReasonGone, Status: 410, Pause: true}
			}
			return gateway.Outcome{Kind: gateway.Delivered}
		}
		d := start(t, j, nil, endpoint(b))
		defer stop(t, d)
		j.add(ev("x", 0), ev("y", 0))
		advance(24 * time.Hour)
		synctest.Wait()
		if s := d.Status(t.Context())[0]; s.State != StatePaused || s.Open != 2 {
			t.Fatalf("status %+v, want paused with 2 open", s)
		}
		gone.Store(false)
		if d.Resume("a/e", Resume{}) != nil {
			t.Fatal("no endpoint a/e")
		}
		synctest.Wait()
		if got := b.ids(); len(got) != 2 {
			t.Errorf("after resume %v arrived, want both", got)
		}
	})
}

func TestDeliver_RestartGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, b := newMemJournal(), &backend{}
		b.answer = func(ev *event.Event, _ int) gateway.Outcome {
			if ev.Lane == "group:bad" {
				return failing(gateway.Retry, gateway.ReasonConnect)
			}
			return gateway.Outcome{Kind: gateway.Delivered}
		}
		e := endpoint(b)
		e.Retry.Fast = []time.Duration{24 * time.Hour}
		d := start(t, j, nil, e)
		j.add(ev("bad", 0), ev("good", 0), ev("bad", 1), ev("good", 1))
		synctest.Wait()
		stop(t, d)
		before := d.runners[0].lanes["group:bad"].queue[0]

		j.add(ev("good", 2)) // stored while nobody delivered
		d = start(t, j, nil, e)
		synctest.Wait()
		if diff := cmp.Diff([]string{"good/0", "good/1", "good/2"}, b.ids()); diff != "" {
			t.Errorf("across the restart (-want +got):\n%s", diff)
		}
		after := d.runners[0].lanes["group:bad"].queue[0]
		if after.attempts != 1 || !after.dueAt.Equal(before.dueAt.Truncate(time.Millisecond)) {
			t.Errorf("the restart changed the schedule: %d attempts due %v, was 1 due %v", after.attempts, after.dueAt, before.dueAt)
		}
		stop(t, d)
	})
}

func TestDeliver_FirstStartIsRememberedBeforeAnythingArrives(t *testing.T) {
	// An endpoint without a saved position starts at the journal's end. If the
	// first position were only saved later, a crash in between would move the
	// start past events that were accepted.
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, b := newMemJournal(), &backend{took: time.Minute}
		d := start(t, j, nil, endpoint(b))
		j.frozen = true // crash: nothing more is saved
		j.add(ev("x", 0))
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_ = d.Stop(ctx)
		j.frozen = false

		b.took = 0
		d = start(t, j, nil, endpoint(b))
		synctest.Wait()
		if diff := cmp.Diff([]string{"x/0"}, b.ids()); diff != "" {
			t.Errorf("after the crash (-want +got):\n%s", diff)
		}
		stop(t, d)
	})
}

func TestDeliver_NewEndpointStartsNow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, b := newMemJournal(), &backend{}
		j.add(ev("x", 0))
		d := start(t, j, nil, endpoint(b))
		j.add(ev("x", 1))
		synctest.Wait()
		stop(t, d)
		if diff := cmp.Diff([]string{"x/1"}, b.ids()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestDeliver_SlowEndpointFallsBehindAndDelaysNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, slow, quick := newMemJournal(), &backend{took: time.Hour}, &backend{}
		se, qe := endpoint(slow), endpoint(quick)
		se.Name, se.Concurrency = "slow", 4
		d := start(t, j, nil, qe, se)
		const events = 2*maxLoaded + 100
		for n := range events {
			j.add(ev(fmt.Sprint(n%100), n))
		}
		synctest.Wait()
		if got := len(quick.ids()); got != events {
			t.Errorf("the quick endpoint has %d, want %d", got, events)
		}
		st := d.Status(t.Context())[1]
		if most := maxLoaded + maxLoaded/4; st.State != StateCatchingUp || st.Open > most || !st.Unread {
			t.Errorf("the slow endpoint: %+v; want it catching up with at most %d in hand", st, most)
		}
		slow.mu.Lock()
		slow.took = 0
		slow.mu.Unlock()
		advance(time.Hour + time.Second)
		synctest.Wait()
		if got := len(slow.ids()); got != events {
			t.Errorf("the slow endpoint got %d, want %d", got, events)
		}
		for lane, ids := range slow.lane {
			if len(ids) != len(quick.lane[lane]) {
				t.Errorf("lane %s has %d, want %d", lane, len(ids), len(quick.lane[lane]))
			}
			if diff := cmp.Diff(quick.lane[lane], ids); diff != "" {
				t.Errorf("lane %s out of order (-quick +slow):\n%s", lane, diff)
			}
		}
		if st := d.Status(t.Context())[1]; st.State != StateLive || st.Open != 0 || st.Unread {
			t.Errorf("after all: %+v, want live and empty", st)
		}
		stop(t, d)
	})
}

func TestDeliver_BacklogPastItsAgeExpiresItsOldest(t *testing.T) {
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
		e := endpoint(b)
		e.MaxBacklogAge = time.Hour
		d := start(t, j, nil, e)
		j.add(ev("x", 0), ev("x", 1), ev("y", 0))
		advance(30 * time.Minute)
		j.add(ev("x", 2))
		advance(31 * time.Minute)
		down.Store(false)
		advance(2 * time.Hour)
		synctest.Wait()
		if diff := cmp.Diff([]string{"x/2"}, b.ids()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if got := testutil.ToFloat64(d.metrics.expired.WithLabelValues("a", "e")); got != 3 {
			t.Errorf("imhook_expired_total is %v, want 3", got)
		}
		stop(t, d)
	})
}

func TestDeliver_BacklogPastItsBytesExpiresUnreadEventsToo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, b := newMemJournal(), &backend{took: 24 * time.Hour}
		e := endpoint(b)
		e.Concurrency, e.MaxBacklogBytes = 1, 100*1000 // a page of one event is 100
		d := start(t, j, nil, e)
		const events = maxLoaded + 3000
		for n := range events {
			j.add(ev(fmt.Sprint(n), 0))
		}
		advance(5 * time.Second)
		synctest.Wait()
		// One is in flight, 1000 fit, the others are gone and counted.
		if got := testutil.ToFloat64(d.metrics.expired.WithLabelValues("a", "e")); got != events-1000-1 {
			t.Errorf("imhook_expired_total is %v, want %d", got, events-1000-1)
		}
		stop(t, d)
	})
}

func TestDeliver_EndpointWithNothingOpenAsksTheJournalNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j := newMemJournal()
		e := endpoint(&backend{})
		e.MaxBacklogAge, e.MaxBacklogBytes = time.Hour, 1000
		d := start(t, j, nil, e)
		j.add(ev("x", 0))
		advance(time.Minute)
		synctest.Wait()
		if j.seqAts != 0 {
			t.Errorf("the journal was searched %d times in a minute for an endpoint that has finished everything", j.seqAts)
		}
		stop(t, d)
	})
}

func TestDeliver_FloorStandsAtTheOldestOpenEvent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, b := newMemJournal(), &backend{}
		b.answer = func(ev *event.Event, _ int) gateway.Outcome {
			if ev.ID == "bad/0" {
				return failing(gateway.Retry, gateway.ReasonConnect)
			}
			return gateway.Outcome{Kind: gateway.Delivered}
		}
		e := endpoint(b)
		e.Retry.Fast = []time.Duration{24 * time.Hour}
		d := start(t, j, nil, e)
		j.add(ev("good", 0))
		seq := j.add(ev("bad", 0))
		j.add(ev("good", 1))
		advance(2 * time.Second)
		synctest.Wait()
		if j.floor != seq {
			t.Errorf("floor is %d, want %d, the page of the open event", j.floor, seq)
		}
		stop(t, d)
	})
}

func TestDeliver_EventsGoneFromTheJournalDoNotHoldALane(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, b := newMemJournal(), &backend{}
		b.answer = func(*event.Event, int) gateway.Outcome { return failing(gateway.Retry, gateway.ReasonConnect) }
		d := start(t, j, nil, endpoint(b))
		j.add(ev("x", 0))
		last := j.add(ev("x", 1))
		synctest.Wait()
		stop(t, d)
		j.purge(last)
		b.answer = nil
		d = start(t, j, nil, endpoint(b))
		advance(time.Minute)
		synctest.Wait()
		if diff := cmp.Diff([]string{"x/1"}, b.ids()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		stop(t, d)
	})
}

func TestDeliver_OperatorHearsOfAFailingEndpointOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var down atomic.Bool
		down.Store(true)
		j, b := newMemJournal(), &backend{}
		b.answer = func(*event.Event, int) gateway.Outcome {
			if down.Load() {
				return failing(gateway.Retry, gateway.ReasonConnect)
			}
			return gateway.Outcome{Kind: gateway.Delivered}
		}
		var log bytes.Buffer
		d, err := New(Config{
			Endpoints: []Endpoint{endpoint(b)}, Index: all(1), Journal: j,
			Log: slog.New(slog.NewTextHandler(&log, nil)),
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		for n := range 50 {
			j.add(ev(fmt.Sprint(n), 0))
		}
		advance(30 * time.Second)
		down.Store(false)
		advance(time.Hour)
		synctest.Wait()
		stop(t, d)
		if n := strings.Count(log.String(), "does not take events"); n != 1 {
			t.Errorf("%d warnings for 50 failing events in half a minute, want 1:\n%s", n, log.String())
		}
		if n := strings.Count(log.String(), "takes events again"); n != 1 {
			t.Errorf("%d lines that it recovered, want 1:\n%s", n, log.String())
		}
	})
}

func TestNew_RefusesTwoOfOneName(t *testing.T) {
	t.Parallel()
	e := endpoint(&backend{})
	if _, err := New(Config{Endpoints: []Endpoint{e, e}, Index: all(2), Journal: newMemJournal()}); err == nil {
		t.Error("two endpoints of one name were accepted")
	}
}
