package deliver

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

func TestPause_EndsByItselfAlsoAcrossARestart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, b := newMemJournal(), &backend{}
		d := start(t, j, nil, endpoint(b))
		if err := d.Pause("a/e", Pause{Why: "moving", Until: time.Now().Add(time.Hour)}); err != nil {
			t.Fatal(err)
		}
		j.add(lanes(3, 4)...)
		pass(time.Minute)
		stop(t, d)
		d = start(t, j, nil, endpoint(b))
		pass(58 * time.Minute)
		if s := statusOf(t, d, "e"); len(b.ids()) > 0 || s.State != StatePaused || s.Paused != "moving" || s.PausedUntil.IsZero() {
			t.Errorf("%d arrived in the pause: %+v", len(b.ids()), s)
		}
		stop(t, d)
		// It was over while nothing ran.
		pass(2 * time.Minute)
		d = start(t, j, nil, endpoint(b))
		defer stop(t, d)
		pass(2 * time.Second)
		if got := b.ids(); len(got) != 12 {
			t.Errorf("%d arrived after the pause, want 12: %+v", len(got), statusOf(t, d, "e"))
		}
		inOrder(t, b.ids())
	})
}

func TestPause_ResumedEndpointBeginsSlowly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, p := newMemJournal(), newPatient(gateway.Outcome{})
		p.took = time.Second
		d := start(t, j, nil, endpoint(p))
		defer stop(t, d)
		_ = d.Pause("a/e", Pause{})
		j.add(lanes(100, 1)...)
		pass(time.Hour)
		from := p.now()
		if err := d.Resume("a/e", Resume{}); err != nil {
			t.Fatal(err)
		}
		pass(2500 * time.Millisecond)
		busy := make([]int, 3)
		for _, a := range p.since(from) {
			second := (a.at - from) / time.Second
			busy[second] = max(busy[second], a.busy)
		}
		if diff := cmp.Diff([]int{1, 2, 4}, busy); diff != "" {
			t.Errorf("in flight in each second (-want +got):\n%s", diff)
		}
		pass(time.Minute)
	})
}

func TestPause_OneConversationIsHeldInOrder(t *testing.T) {
	t.Parallel()
	for name, batch := range map[string]Batch{"singly": {}, "in batches": {Count: 10}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				j, b := newMemJournal(), newBatcher()
				e := batching(b, batch)
				e.Sender = singly{b}
				d := start(t, j, nil, e)
				j.add(lanes(3, 2)...)
				pass(time.Second)
				held := event.NewLane(event.KindGroup, "1")
				if err := d.Pause("a/e", Pause{Lane: held, Why: "noisy"}); err != nil {
					t.Fatal(err)
				}
				j.add(lanes(3, 6)[6:]...)
				pass(time.Second)
				// A restart holds it as well, also what it reads again by itself.
				stop(t, d)
				d = runOn(t, j, 0, nil, e)
				defer stop(t, d)
				j.add(lanes(3, 8)[18:]...)
				pass(time.Hour)
				if got := len(b.view().got); got != 8+2+8 {
					t.Errorf("%d arrived, want 18: all of two lanes and the first two of the other", got)
				}
				s := statusOf(t, d, "e")
				if diff := cmp.Diff([]PausedLane{{Pause: Pause{Lane: held, Why: "noisy"}, Open: 6}}, s.PausedLanes); diff != "" {
					t.Errorf("status (-want +got):\n%s", diff)
				}
				if err := d.Resume("a/e", Resume{Lane: held}); err != nil {
					t.Error(err)
				}
				pass(time.Second)
				if got := len(b.view().got); got != 24 {
					t.Errorf("%d arrived after it was resumed, want 24", got)
				}
				inOrder(t, b.view().got)
				if err := d.Resume("a/e", Resume{Lane: held}); !errors.Is(err, ErrNotHeld) {
					t.Errorf("resumed again: %v, want ErrNotHeld", err)
				}
			})
		})
	}
}

// One that stands in line, one that waits for its next attempt and one in flight are
// all held, and no event of theirs overtakes another.
func TestPause_HoldsALaneInEveryState(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, p := newMemJournal(), newPatient(gateway.Outcome{})
		p.took = time.Second
		p.answer = func(ev *event.Event) gateway.Outcome {
			if ev.ID == "0/0" && time.Since(p.began) < 90*time.Second {
				return down(gateway.ReasonStatus5xx)
			}
			return gateway.Outcome{}
		}
		e := endpoint(p)
		e.Concurrency = 1
		e.Retry.Fast = []time.Duration{}
		d := start(t, j, nil, e)
		defer stop(t, d)
		j.add(lanes(4, 3)...)
		pass(1500 * time.Millisecond) // 0 waits, 1 is in flight, 2 and 3 are ready
		for n := range 3 {
			if err := d.Pause("a/e", Pause{Lane: event.NewLane(event.KindGroup, fmt.Sprint(n)), Until: time.Now().Add(time.Duration(10+n) * time.Minute)}); err != nil {
				t.Fatal(err)
			}
		}
		pass(5 * time.Minute)
		if diff := cmp.Diff([]string{"1/0", "3/0", "3/1", "3/2"}, p.arrived()); diff != "" {
			t.Errorf("in the pauses (-want +got):\n%s", diff)
		}
		pass(10 * time.Minute)
		if got := p.arrived(); len(got) != 12 {
			t.Errorf("%v arrived after them, want all 12", got)
		}
		inOrder(t, p.arrived())
		if s := statusOf(t, d, "e"); len(s.PausedLanes) > 0 {
			t.Errorf("pauses that ended are still shown: %+v", s.PausedLanes)
		}
	})
}

func TestPause_ConversationsNeedTheirOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, b := newMemJournal(), &backend{}
		e := endpoint(b)
		e.Order = OrderStrict
		d := start(t, j, nil, e)
		defer stop(t, d)
		if err := d.Pause("a/e", Pause{Lane: "group:x"}); !errors.Is(err, ErrCannotPause) {
			t.Errorf("a conversation of a strict endpoint: %v, want ErrCannotPause", err)
		}
		e.Order = OrderConversation
		set(t, d, e)
		for n := range maxPausedLanes {
			if err := d.Pause("a/e", Pause{Lane: event.NewLane(event.KindGroup, fmt.Sprint(n))}); err != nil {
				t.Fatal(err)
			}
		}
		if err := d.Pause("a/e", Pause{Lane: "group:x"}); !errors.Is(err, ErrCannotPause) {
			t.Errorf("one conversation too many: %v, want ErrCannotPause", err)
		}
		if err := d.Pause("a/e", Pause{Lane: "group:1", Why: "again"}); err != nil {
			t.Errorf("one that is paused already: %v", err)
		}
		if err := errors.Join(d.Pause("a/none", Pause{}), d.Resume("a/none", Resume{})); !errors.Is(err, gateway.ErrNoEndpoint) {
			t.Errorf("an endpoint that is not there: %v", err)
		}
	})
}

func TestResume_NowClosesTheBreakerAndTriesWhatWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, p := newMemJournal(), newPatient(down(gateway.ReasonConnect))
		e := endpoint(p)
		e.Breaker = Breaker{From: time.Hour, To: time.Hour}
		e.Retry = Schedule{Fast: []time.Duration{}, SlowFrom: 24 * time.Hour, SlowTo: 24 * time.Hour}
		d := start(t, j, nil, e)
		defer stop(t, d)
		outage(t, j, d, 40)
		p.falls(gateway.Outcome{})
		if err := d.Resume("a/e", Resume{}); err != nil {
			t.Fatal(err)
		}
		pass(time.Millisecond)
		if got := p.arrived(); len(got) > 0 {
			t.Fatalf("%v arrived without now", got)
		}
		if err := d.Resume("a/e", Resume{Now: true}); err != nil {
			t.Fatal(err)
		}
		pass(time.Millisecond)
		if got := p.arrived(); len(got) != 80 {
			t.Errorf("%d arrived at once, want 80: %+v", len(got), statusOf(t, d, "e"))
		}
		inOrder(t, p.arrived())
	})
}

func TestPause_ReasonOfGarbageHoldsToo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, b := newMemJournal(), &backend{}
		d := start(t, j, nil, endpoint(b))
		defer stop(t, d)
		if err := d.Pause("a/e", Pause{Why: "\xff\xfe"}); err != nil {
			t.Fatal(err)
		}
		j.add(ev("x", 0))
		pass(time.Second)
		if len(b.ids()) > 0 || statusOf(t, d, "e").State != StatePaused {
			t.Errorf("%v arrived, %+v, want a pause", b.ids(), statusOf(t, d, "e"))
		}
	})
}
