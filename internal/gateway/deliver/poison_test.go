package deliver

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// picky refuses the event bad/0.
func picky() *patient {
	p := newPatient(gateway.Outcome{})
	p.answer = func(ev *event.Event) gateway.Outcome {
		if ev.ID == "bad/0" {
			out := failing(gateway.Refused, gateway.ReasonStatus4xx)
			out.Detail = "no such field"
			return out
		}
		return gateway.Outcome{}
	}
	return p
}

func TestPoison_BlocksItsLaneUntilSomebodyActs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, p := newMemJournal(), picky()
		e := endpoint(p)
		e.OnPoison = PoisonBlock
		e.Retry.Fast = []time.Duration{time.Second}
		d := start(t, j, nil, e)
		j.add(ev("bad", 0), ev("good", 0), ev("bad", 1))
		pass(time.Hour)
		s := statusOf(t, d, "e")
		if s.Blocked != 1 || len(s.BlockedLanes) != 1 || s.BlockedLanes[0].Lane != "group:bad" || s.BlockedLanes[0].Reason != gateway.ReasonStatus4xx ||
			s.BlockedLanes[0].Detail != "no such field" || s.BlockedLanes[0].Attempts != 2 || s.BlockedLanes[0].Open != 2 {
			t.Fatalf("%+v", s)
		}
		// Not by a restart, by new events, by an outage that ends, nor by time.
		for eager := range 2 {
			stop(t, d)
			d = runOn(t, j, 2*eager, nil, e)
			pass(5 * time.Hour)
		}
		j.add(ev("bad", 2))
		pass(5 * time.Hour)
		if got := len(p.since(0)); got != 3 || len(j.parked) > 0 {
			t.Fatalf("%d attempts and %d parked, want 3 and none", got, len(j.parked))
		}
		if s := statusOf(t, d, "e"); s.Blocked != 1 || s.BlockedLanes[0].Attempts != 2 {
			t.Errorf("after restarts: %+v", s)
		}
		// Somebody acts, in vain: it is tried once.
		if err := d.Resume("a/e", Resume{Lane: "group:bad", Now: true}); err != nil {
			t.Fatal(err)
		}
		pass(time.Hour)
		if got := len(p.since(0)); got != 4 || statusOf(t, d, "e").Blocked != 1 {
			t.Errorf("%d attempts, want 4, and that it is blocked again: %+v", got, statusOf(t, d, "e"))
		}
		p.falls(gateway.Outcome{})
		if err := d.Resume("a/e", Resume{Now: true}); err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		if s := statusOf(t, d, "e"); len(p.arrived()) != 4 || s.Blocked != 0 {
			t.Errorf("%v arrived: %+v", p.arrived(), s)
		}
		stop(t, d)
	})
}

func TestPoison_BlockedLaneGoesOnWhereItShallBeParked(t *testing.T) {
	t.Parallel()
	for name, restart := range map[string]bool{"by a change": false, "by a restart": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				j, p := newMemJournal(), picky()
				e := endpoint(p)
				e.OnPoison = PoisonBlock
				d := start(t, j, nil, e)
				j.add(ev("bad", 0), ev("bad", 1))
				pass(time.Hour)
				if statusOf(t, d, "e").Blocked != 1 {
					t.Fatalf("%+v", statusOf(t, d, "e"))
				}
				e.OnPoison = PoisonPark
				if restart {
					stop(t, d)
					d = start(t, j, nil, e)
				} else {
					set(t, d, e)
				}
				pass(time.Second)
				if got := p.arrived(); len(j.parked) != 1 || len(got) != 1 || got[0] != "bad/1" {
					t.Errorf("%v arrived and %d parked, want bad/1 and one", got, len(j.parked))
				}
				stop(t, d)
			})
		})
	}
}
