package deliver

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// A replay is no way around what keeps an endpoint alone, nor around its rate.
func TestGuest_KeepsToTheBreakerAndTheRateOfItsEndpoint(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, p := newMemLetters(), newPatient(gateway.Outcome{})
		e := endpoint(p)
		e.Rate = 20
		l.add(lanes(40, 5)...)
		d := startRuns(t, l, e)
		defer stop(t, d)
		asks := down(gateway.ReasonThrottled)
		asks.RetryAfter = 10 * time.Minute
		p.falls(asks)
		l.add(ev("0", 5))
		pass(time.Second)
		p.falls(gateway.Outcome{})
		begin(t, d, gateway.Run{Kind: event.Replayed, All: true})
		from := p.now()
		pass(9 * time.Minute)
		if got := len(p.since(from)); got > 0 {
			t.Fatalf("%d attempts of a replay while the endpoint asked for none", got)
		}
		pass(3 * time.Minute)
		first := p.since(from)[0].at
		n := 0
		for _, a := range p.since(first) {
			if a.at < first+5*time.Second {
				n++
			}
		}
		if n > 5*20+3 {
			t.Errorf("%d attempts in five seconds at 20 a second", n)
		}
		if got := len(p.arrived()); got != 1+201 {
			t.Errorf("%d arrived, want 202: the event and all of the replay", got)
		}
	})
}

// What an endpoint asks of a replay it asks of everybody.
func TestGuest_RetryAfterHoldsTheEndpointToo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, p := newMemLetters(), newPatient(gateway.Outcome{})
		l.add(lanes(4, 5)...)
		d := startRuns(t, l, endpoint(p))
		defer stop(t, d)
		asks := down(gateway.ReasonThrottled)
		asks.RetryAfter = 10 * time.Minute
		p.falls(asks)
		begin(t, d, gateway.Run{Kind: event.Replayed, All: true})
		pass(time.Second)
		p.falls(gateway.Outcome{})
		from := p.now()
		l.add(ev("0", 5))
		pass(9 * time.Minute)
		if got := len(p.since(from)); got > 0 {
			t.Errorf("%d attempts while the endpoint asked for none", got)
		}
		pass(3 * time.Minute)
		if got := len(p.arrived()); got != 21 {
			t.Errorf("%d arrived, want 21", got)
		}
	})
}

// An endpoint that answers a replay that it is gone is paused, as ever, and goes on with
// the replay when it is resumed. The run alone was paused, and nobody could resume it:
// it ran for ever, and every requeue behind it waited.
func TestGuest_GonePausesTheEndpointAndNotTheRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, p := newMemLetters(), newPatient(gateway.Outcome{})
		l.add(lanes(4, 5)...)
		d := startRuns(t, l, endpoint(p))
		gone := failing(gateway.Retry, gateway.ReasonGone)
		gone.Pause = true
		p.falls(gone)
		begin(t, d, gateway.Run{Kind: event.Replayed, All: true})
		pass(time.Minute)
		if s := d.Status(t.Context())[0]; s.State != StatePaused {
			t.Errorf("the endpoint is %s, want %s", s.State, StatePaused)
		}
		p.falls(gateway.Outcome{})
		// Also when the gateway is started anew in between.
		stop(t, d)
		d = startRuns(t, l, endpoint(p))
		defer stop(t, d)
		if err := d.Resume("a/e", Resume{}); err != nil {
			t.Fatal(err)
		}
		pass(5 * time.Minute)
		if got := len(p.arrived()); got != 20 {
			t.Errorf("%d arrived, want 20", got)
		}
		if s := d.Runs()[0]; s.State != gateway.RunDone {
			t.Errorf("the run is %s, want %s", s.State, gateway.RunDone)
		}
	})
}
