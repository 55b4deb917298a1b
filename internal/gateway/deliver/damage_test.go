package deliver

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

func TestDeliver_JournalThatLostItsEndDoesNotSwallowWhatComesNext(t *testing.T) {
	// Loss of power under sync: interval, or damage: positions lie past the end,
	// and new pages take the sequences that were lost.
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, b := newMemJournal(), &backend{}
		d := start(t, j, nil, endpoint(b))
		for n := range 5 {
			j.add(ev("x", n))
		}
		synctest.Wait()
		stop(t, d)
		j.cut(3)
		d = start(t, j, nil, endpoint(b))
		for n := 5; n < 9; n++ {
			j.add(ev("x", n))
		}
		synctest.Wait()
		stop(t, d)
		want := []string{"x/0", "x/1", "x/2", "x/3", "x/4", "x/5", "x/6", "x/7", "x/8"}
		if diff := cmp.Diff(want, b.ids()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestDeliver_StartFailsWhenOpenEventsCannotBeReadAndLosesNone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, b := newMemJournal(), &backend{}
		b.answer = func(*event.Event, int) gateway.Outcome { return failing(gateway.Retry, gateway.ReasonConnect) }
		d := start(t, j, nil, endpoint(b))
		j.add(ev("x", 0))
		synctest.Wait()
		stop(t, d)

		j.failPage = 1 << 30
		d, err := New(Config{Endpoints: []Endpoint{endpoint(b)}, Index: all(1), Journal: j})
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Start(t.Context()); err == nil {
			stop(t, d)
		}
		b.answer, j.failPage = nil, 0
		d = start(t, j, nil, endpoint(b))
		advance(time.Minute)
		synctest.Wait()
		stop(t, d)
		if diff := cmp.Diff([]string{"x/0"}, b.ids()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// A machine with much to do may take seconds for a page. A start that gave up at once
// made the gateway end, and whoever started it again met the same.
func TestDeliver_StartWaitsForAJournalThatIsSlow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, b := newMemJournal(), &backend{}
		b.answer = func(*event.Event, int) gateway.Outcome { return failing(gateway.Retry, gateway.ReasonConnect) }
		d := start(t, j, nil, endpoint(b))
		j.add(ev("x", 0))
		synctest.Wait()
		stop(t, d)

		b.answer, j.failPage = nil, 20
		d = start(t, j, nil, endpoint(b))
		advance(time.Minute)
		synctest.Wait()
		stop(t, d)
		if diff := cmp.Diff([]string{"x/0"}, b.ids()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestDeliver_NothingIsTriedAfterAStartThatFailed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, b := newMemJournal(), &backend{}
		b.answer = func(*event.Event, int) gateway.Outcome { return failing(gateway.Retry, gateway.ReasonConnect) }
		d := start(t, j, nil, endpoint(b))
		j.add(ev("x", 0))
		synctest.Wait()
		stop(t, d)
		tried := b.n

		second := endpoint(b)
		second.Name = "second"
		j.saved[endpointPrefix+"a/second"] = []byte{positionVersion + 1, 0}
		d, err := New(Config{Endpoints: []Endpoint{endpoint(b), second}, Index: all(2), Journal: j})
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Start(t.Context()); err == nil {
			t.Fatal("a position of a newer version was read")
		}
		advance(time.Minute)
		synctest.Wait()
		if b.n != tried {
			t.Errorf("%d attempts after Start failed, want none", b.n-tried)
		}
	})
}

func TestDeliver_OutageOfTheJournalIsNotCountedAsAttempts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, b := newMemJournal(), &backend{}
		failures := map[string]int{"x/0": 1, "x/2": 1}
		b.answer = func(ev *event.Event, _ int) gateway.Outcome {
			b.mu.Lock()
			defer b.mu.Unlock()
			if failures[ev.ID] > 0 {
				failures[ev.ID]--
				return failing(gateway.Retry, gateway.ReasonConnect)
			}
			return gateway.Outcome{Kind: gateway.Delivered}
		}
		e := endpoint(b)
		e.Retry = Schedule{Fast: []time.Duration{time.Second, time.Second, time.Second}, MaxAttempts: 3}
		d := start(t, j, nil, e)
		defer stop(t, d)
		want := make([]string, 6)
		evs := make([]*event.Event, 6)
		for n := range evs {
			evs[n], want[n] = ev("x", n), fmt.Sprintf("x/%d", n)
		}
		j.add(evs...) // x/2 and later are let go while x/0 waits
		synctest.Wait()
		j.mu.Lock()
		j.failPage = 4
		j.mu.Unlock()
		advance(time.Minute)
		synctest.Wait()
		if diff := cmp.Diff(want, b.ids()); diff != "" || len(j.parked) != 0 {
			t.Errorf("parked %+v, arrived (-want +got):\n%s", j.parked, diff)
		}
	})
}

func TestDeliver_FailingFloodOfOneLaneDoesNotStopReading(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, b := newMemJournal(), &backend{took: time.Second}
		b.answer = func(ev *event.Event, _ int) gateway.Outcome {
			if ev.Lane == "group:bad" {
				return failing(gateway.Retry, gateway.ReasonConnect)
			}
			return gateway.Outcome{Kind: gateway.Delivered}
		}
		e := endpoint(b)
		e.Retry.Fast = []time.Duration{}
		e.Retry.SlowFrom, e.Retry.SlowTo = 100*time.Hour, 100*time.Hour
		d := start(t, j, nil, e)
		defer stop(t, d)
		for n := range maxLoaded + 10 { // all of it while the head is in flight
			j.add(ev("bad", n))
		}
		j.add(ev("good", 0))
		advance(5 * time.Second)
		synctest.Wait()
		if diff := cmp.Diff([]string{"good/0"}, b.ids()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestDeliver_EndpointThatWasRemovedGetsWhatCameMeanwhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, b := newMemJournal(), &backend{}
		other := endpoint(&backend{})
		other.Name = "other"
		d := start(t, j, nil, other, endpoint(b))
		j.add(ev("x", 0))
		synctest.Wait()
		stop(t, d)
		j.add(ev("x", 1)) // accepted, and not handed out before the configuration changes

		d = start(t, j, nil, other)
		j.add(ev("x", 2))
		synctest.Wait()
		stop(t, d)

		d = start(t, j, nil, other, endpoint(b))
		advance(time.Second)
		synctest.Wait()
		stop(t, d)
		if diff := cmp.Diff([]string{"x/0", "x/1", "x/2"}, b.ids()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestDeliver_PausedEndpointThatExpiresKeepsNoLanes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, b := newMemJournal(), &backend{}
		b.answer = func(*event.Event, int) gateway.Outcome {
			return gateway.Outcome{Kind: gateway.Retry, Reason: gateway.ReasonGone, Status: 410, Pause: true}
		}
		e := endpoint(b)
		e.MaxBacklogAge = time.Minute
		d := start(t, j, nil, e)
		defer stop(t, d)
		for n := range 20 {
			for lane := range 50 {
				j.add(ev(fmt.Sprint(lane), n))
			}
			advance(2 * time.Minute)
		}
		synctest.Wait()
		r := d.runners[0]
		r.mu.Lock()
		defer r.mu.Unlock()
		if got := r.ready.len(); got > 50 {
			t.Errorf("%d lanes stand in line after everything expired", got)
		}
	})
}

func TestDeliver_GoesLiveWhenWhatItMissedIsGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, b := newMemJournal(), &backend{took: time.Hour}
		e := endpoint(b)
		e.Concurrency = 1
		d := start(t, j, nil, e)
		defer stop(t, d)
		var last uint64
		for n := range maxLoaded + 10 {
			last = j.add(ev("x", n))
		}
		synctest.Wait()
		j.purge(last + 1)
		b.mu.Lock()
		b.took = 0
		b.mu.Unlock()
		advance(2 * time.Hour)
		synctest.Wait()
		if s := d.Status(t.Context())[0]; s.State != StateLive || s.Open != 0 || s.Unread {
			t.Errorf("status %+v, want live: there is nothing to catch up with", s)
		}
	})
}

func TestDeliver_FloorStandsFromTheStart(t *testing.T) {
	// Before the first floor everything counts as unfinished, and a journal full
	// of history would refuse callbacks.
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, b := newMemJournal(), &backend{}
		for n := range 5 {
			j.add(ev("x", n))
		}
		d := start(t, j, nil, endpoint(b))
		defer stop(t, d)
		j.mu.Lock()
		defer j.mu.Unlock()
		if j.floor != 6 {
			t.Errorf("floor is %d after Start, want 6", j.floor)
		}
	})
}

func TestDeliver_ClockThatWentBackOverARestartDelaysNoLongerThanTheSchedule(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, b := newMemJournal(), &backend{}
		b.answer = func(*event.Event, int) gateway.Outcome { return failing(gateway.Retry, gateway.ReasonConnect) }
		run := func(now func() time.Time) *Deliverer {
			d, err := New(Config{Endpoints: []Endpoint{endpoint(b)}, Index: all(1), Journal: j, Now: now})
			if err != nil {
				t.Fatal(err)
			}
			if err := d.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			return d
		}
		d := run(func() time.Time { return time.Now().Add(365 * 24 * time.Hour) })
		j.add(ev("x", 0))
		synctest.Wait()
		stop(t, d)
		b.answer = nil
		d = run(time.Now)
		advance(2 * time.Hour)
		synctest.Wait()
		stop(t, d)
		if diff := cmp.Diff([]string{"x/0"}, b.ids()); diff != "" {
			t.Errorf("two hours after the clock was set back a year (-want +got):\n%s", diff)
		}
	})
}

func TestDeliver_BacklogDoesNotHoldThePagesItCameIn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, b := newMemJournal(), &backend{took: time.Hour}
		d := start(t, j, nil, endpoint(b))
		const events = 1000
		bodies := map[*byte]bool{}
		for n := range events {
			e := ev(fmt.Sprint(n), 0)
			e.Raw.Body = slices.Repeat([]byte("0123456789"), 100)[:10] // part of a page
			bodies[&e.Raw.Body[0]] = true
			j.add(e)
		}
		synctest.Wait()
		held := 0
		r := d.runners[0]
		r.mu.Lock()
		for _, l := range r.lanes {
			for _, it := range l.queue {
				if it.ev != nil && bodies[&it.ev.Raw.Body[0]] {
					held++
				}
			}
		}
		r.mu.Unlock()
		if held > keepPages {
			t.Errorf("%d of %d events hold their page, want at most %d", held, events, keepPages)
		}
		stop(t, d)
	})
}

func TestDeliver_LaneGoesOnWhenItsFollowersAreGoneAndNothingCameAfter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, b := newMemJournal(), &backend{}
		b.answer = func(_ *event.Event, n int) gateway.Outcome {
			if n == 1 {
				return failing(gateway.Retry, gateway.ReasonConnect)
			}
			return gateway.Outcome{Kind: gateway.Delivered}
		}
		d := start(t, j, nil, endpoint(b))
		defer stop(t, d)
		var last uint64
		for n := range 6 {
			last = j.add(ev("x", n))
			synctest.Wait() // x/0 fails first
		}
		j.purge(last + 1)
		advance(time.Minute)
		synctest.Wait()
		if s := d.Status(t.Context())[0]; s.Open != 0 {
			t.Errorf("status %+v, want nothing open: the journal is empty", s)
		}
	})
}

// sendFunc is a Sender that is one function.
type sendFunc func(ctx context.Context, sent int) gateway.Outcome

func (f sendFunc) Send(ctx context.Context, _ *event.Event, sent int) gateway.Outcome {
	return f(ctx, sent)
}

func TestDeliver_AttemptCutShortRemembersWhatWasSent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j := newMemJournal()
		attempts := 0
		e := endpoint(sendFunc(func(ctx context.Context, _ int) gateway.Outcome {
			if attempts++; attempts == 1 {
				return gateway.Outcome{Kind: gateway.Retry, Reason: gateway.ReasonStatus5xx, Sent: 1}
			}
			<-ctx.Done() // the second of three requests is through
			return gateway.Outcome{Kind: gateway.Retry, Reason: gateway.ReasonCancelled, Sent: 2}
		}))
		d := start(t, j, nil, e)
		j.add(ev("x", 0))
		advance(2 * time.Second)
		stop(t, d)

		begins := -1
		e.Sender = sendFunc(func(_ context.Context, sent int) gateway.Outcome {
			begins = sent
			return gateway.Outcome{Kind: gateway.Delivered, Sent: 3}
		})
		d = start(t, j, nil, e)
		advance(time.Minute)
		stop(t, d)
		if begins != 2 {
			t.Errorf("after the restart the attempt begins behind request %d, want 2", begins)
		}
	})
}

func TestDetach_KeepsAllThatTheJournalKeeps(t *testing.T) {
	t.Parallel()
	want := &event.Event{
		ID: "i", App: "a", Source: "s", Type: event.MessageSend, Phase: event.After, Time: time.UnixMilli(1),
		Dialect: "d", Generation: "g", Command: "c", Trace: "t", Lane: "group:x", Links: []string{"l"}, Dedupe: "k", Echo: true,
		Raw: event.Raw{Dialect: "d", Path: "/p", Query: "q", ContentType: "text/plain", Body: []byte("body")},
	}
	full := *want
	full.Message = &event.Message{}
	got := detach(&full)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if &got.Raw.Body[0] == &full.Raw.Body[0] {
		t.Error("the body is still a part of the page")
	}
}

// slowIndex gives everything to the first endpoint, and stops at one event until
// it is told to go on.
type slowIndex struct {
	id          string
	reached, on chan struct{}
}

func (x slowIndex) Match(ev *event.Event) []int {
	if ev.ID == x.id {
		close(x.reached)
		<-x.on
	}
	return []int{0}
}

func TestDeliver_StopInTheMiddleOfAPageLosesNoneOfIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, b := newMemJournal(), &backend{}
		x := slowIndex{id: "x/1", reached: make(chan struct{}), on: make(chan struct{})}
		d, err := New(Config{Endpoints: []Endpoint{endpoint(b)}, Index: x, Journal: j})
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		j.add(ev("x", 0), ev("x", 1), ev("x", 2))
		<-x.reached
		stopped := make(chan struct{})
		go func() { defer close(stopped); stop(t, d) }()
		synctest.Wait()
		close(x.on)
		<-stopped

		d = start(t, j, nil, endpoint(b))
		synctest.Wait()
		stop(t, d)
		if diff := cmp.Diff([]string{"x/0", "x/1", "x/2"}, b.ids()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestDeliver_PositionsAreSavedSoonAfterTheJournalIsBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, b := newMemJournal(), &backend{}
		d := start(t, j, nil, endpoint(b))
		defer stop(t, d)
		j.mu.Lock()
		j.failSave = 1
		j.mu.Unlock()
		j.add(ev("x", 0))
		advance(8 * time.Second) // five of them in the attempt that fails
		synctest.Wait()
		j.mu.Lock()
		p, err := parsePosition(j.saved[endpointPrefix+"a/e"])
		j.mu.Unlock()
		if err != nil || p.Read.Seq() != 1 || len(p.Open) != 0 {
			t.Errorf("position %+v, %v; want it past the event", p, err)
		}
	})
}

func TestDeliver_StartDoesNotSaveWhatStands(t *testing.T) {
	// Every record is a write that is waited for: ten thousand of them would be
	// half a minute without callbacks.
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, b := newMemJournal(), &backend{}
		var eps []Endpoint
		for n := range 20 {
			e := endpoint(b)
			e.Name = fmt.Sprint("e", n)
			eps = append(eps, e)
		}
		stop(t, start(t, j, nil, eps...))
		before := j.saves
		d := start(t, j, nil, eps...)
		if got := j.saves - before; got > 1 {
			t.Errorf("%d records were saved at start, want the tail's at most", got)
		}
		stop(t, d)
	})
}

func TestDeliver_EndpointThatWasRemovedMissesNothingWhenTheJournalLostItsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, b := newMemJournal(), &backend{}
		other := endpoint(&backend{})
		other.Name = "other"
		d := start(t, j, nil, other, endpoint(b))
		for n := range 5 {
			j.add(ev("x", n))
		}
		synctest.Wait()
		stop(t, d)
		j.cut(3)

		d = start(t, j, nil, other)
		for n := 5; n < 9; n++ {
			j.add(ev("x", n))
		}
		synctest.Wait()
		stop(t, d)

		d = start(t, j, nil, other, endpoint(b))
		advance(time.Second)
		synctest.Wait()
		stop(t, d)
		want := []string{"x/0", "x/1", "x/2", "x/3", "x/4", "x/5", "x/6", "x/7", "x/8"}
		if diff := cmp.Diff(want, b.ids()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}
