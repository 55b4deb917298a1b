package deliver

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// patient is a Sender of an endpoint that can be down, and remembers every attempt.
type patient struct {
	mu    sync.Mutex
	began time.Time
	took  time.Duration
	// answer decides; zero is Delivered.
	answer func(ev *event.Event) gateway.Outcome
	tries  []attempt
	busy   int
}

type attempt struct {
	id   string
	at   time.Duration
	busy int
	ok   bool
}

func newPatient(down gateway.Outcome) *patient {
	p := &patient{began: time.Now()}
	p.falls(down)
	return p
}

// falls makes it answer everything so; zero delivers.
func (p *patient) falls(out gateway.Outcome) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer = func(*event.Event) gateway.Outcome { return out }
}

func (p *patient) Send(ctx context.Context, ev *event.Event, _ int) gateway.Outcome {
	p.mu.Lock()
	p.busy++
	n := len(p.tries)
	p.tries = append(p.tries, attempt{id: ev.ID, at: time.Since(p.began), busy: p.busy})
	took := p.took
	p.mu.Unlock()
	pause(ctx, took)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.busy--
	if ctx.Err() != nil {
		return gateway.Outcome{Kind: gateway.Retry, Reason: gateway.ReasonCancelled}
	}
	if out := p.answer(ev); out.Kind != "" && out.Kind != gateway.Delivered {
		return out
	}
	p.tries[n].ok = true
	return gateway.Outcome{Kind: gateway.Delivered, Sent: 1}
}

// since are the attempts from a time on, since the first test's moment.
func (p *patient) since(from time.Duration) []attempt {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.IndexFunc(p.tries, func(a attempt) bool { return a.at >= from })
	if i < 0 {
		return nil
	}
	return slices.Clone(p.tries[i:])
}

func (p *patient) now() time.Duration { return time.Since(p.began) }

// arrived are the ids that it took, in order.
func (p *patient) arrived() (ids []string) {
	for _, a := range p.since(0) {
		if a.ok {
			ids = append(ids, a.id)
		}
	}
	return ids
}

func down(why gateway.Reason) gateway.Outcome { return failing(gateway.Retry, why) }

// outage makes an endpoint fail for n lanes with two events each.
func outage(t *testing.T, j *memJournal, d *Deliverer, n int) {
	t.Helper()
	j.add(lanes(n, 2)...)
	pass(time.Second)
	if s := statusOf(t, d, "e"); s.Breaker == StateClosed {
		t.Fatalf("the breaker is closed while %d lanes fail: %+v", n, s)
	}
}

// A dead endpoint was tried by each of its conversations on its own: hundreds of
// attempts an hour that could not succeed, each nearer to the dead letters.
func TestHealth_DeadEndpointIsAskedWithItsOldestEventAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, p := newMemJournal(), newPatient(down(gateway.ReasonConnect))
		e := endpoint(p)
		e.Retry.MaxAttempts = 2
		d := start(t, j, nil, e)
		defer stop(t, d)
		outage(t, j, d, 100)
		from := p.now()
		pass(time.Hour)
		tries := p.since(from)
		for _, a := range tries {
			if a.id != "0/0" || a.busy != 1 {
				t.Fatalf("%s was tried with %d in flight, want the oldest alone", a.id, a.busy)
			}
		}
		// Each pause is drawn between nothing and one minute.
		if len(tries) < 60 || len(tries) > 300 {
			t.Errorf("%d attempts in an hour, want about 120", len(tries))
		}
		if len(j.parked) > 0 {
			t.Errorf("%d events were parked during an outage", len(j.parked))
		}
		p.falls(gateway.Outcome{})
		back := p.now()
		pass(2 * time.Minute)
		if got := p.arrived(); len(got) != 200 {
			t.Fatalf("%d arrived two minutes after the outage, want all 200", len(got))
		}
		inOrder(t, p.arrived())
		if first := p.since(back)[0]; first.id != "0/0" {
			t.Errorf("%s came first after the outage, want the oldest", first.id)
		}
		if s := statusOf(t, d, "e"); s.State != StateLive || s.Breaker != StateClosed || s.Ramp != 32 {
			t.Errorf("after the outage: %+v", s)
		}
	})
}

// An event that the endpoint cannot take may be the oldest when it comes back: asked
// with that one alone it would be taken for down for ever.
func TestHealth_OldestEventMayBeToBlame(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, p := newMemJournal(), newPatient(down(gateway.ReasonStatus5xx))
		d := start(t, j, nil, endpoint(p))
		defer stop(t, d)
		outage(t, j, d, 20)
		pass(10 * time.Minute)
		p.mu.Lock()
		p.answer = func(ev *event.Event) gateway.Outcome {
			if ev.ID == "0/0" || ev.ID == "1/0" {
				return down(gateway.ReasonStatus5xx)
			}
			return gateway.Outcome{}
		}
		p.mu.Unlock()
		pass(3 * time.Minute)
		if got := p.arrived(); len(got) != 36 {
			t.Errorf("%d arrived, want 36: all but the two bad lanes", len(got))
		}
		if s := statusOf(t, d, "e"); s.Breaker != StateClosed || s.Open != 4 {
			t.Errorf("%+v", s)
		}
	})
}

func TestHealth_PoisonAloneDoesNotOpenIt(t *testing.T) {
	t.Parallel()
	for name, why := range map[string]gateway.Reason{"5xx": gateway.ReasonStatus5xx, "time-outs": gateway.ReasonTimeout} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				j, p := newMemJournal(), newPatient(gateway.Outcome{})
				p.answer = func(ev *event.Event) gateway.Outcome {
					if strings.HasPrefix(ev.ID, "bad") {
						return down(why)
					}
					return gateway.Outcome{}
				}
				e := endpoint(p)
				e.Retry = Schedule{Fast: []time.Duration{}, SlowFrom: time.Second, SlowTo: time.Second, MaxAttempts: 200}
				d := start(t, j, nil, e)
				defer stop(t, d)
				j.add(ev("bad", 0), ev("bad", 1))
				// Nothing else for a while, then others now and then: each must go out at once.
				pass(30 * time.Second)
				for n := range 50 {
					j.add(ev("good", n))
					pass(time.Second)
					if got := p.arrived(); len(got) != n+1 {
						t.Fatalf("%d good events arrived, want %d: %+v", len(got), n+1, statusOf(t, d, "e"))
					}
				}
				if s := statusOf(t, d, "e"); s.Ramp != 32 {
					t.Errorf("one bad event slowed the endpoint down: %+v", s)
				}
				pass(5 * time.Minute)
				if len(j.parked) == 0 || j.parked[0].Reason != gateway.ReasonAttempts {
					t.Errorf("parked %v, want the bad event after its attempts", j.parked)
				}
			})
		})
	}
}

// Events that the endpoint cannot take at the head of thousands of lanes look like an
// outage. Others are read then, until one is found that it takes.
func TestHealth_LooksForAnEventThatIsTaken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, p := newMemJournal(), newPatient(gateway.Outcome{})
		p.answer = func(ev *event.Event) gateway.Outcome {
			if strings.HasPrefix(ev.ID, "bad") {
				return down(gateway.ReasonStatus5xx)
			}
			return gateway.Outcome{}
		}
		d := start(t, j, nil, endpoint(p))
		defer stop(t, d)
		for n := range maxLoaded + 1000 {
			j.add(ev(fmt.Sprint("bad", n), 0))
		}
		j.add(ev("good", 0))
		pass(5 * time.Minute)
		if got := p.arrived(); len(got) != 1 {
			t.Errorf("%v arrived, want good/0: %+v", got, statusOf(t, d, "e"))
		}
		r := d.runners[0]
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.loaded > maxLoaded {
			t.Errorf("%d events in memory", r.loaded)
		}
	})
}

// Retries of an outage lay up to an hour in the future, long after it was over.
func TestHealth_WhatFailedInTheOutageComesBackWithTheEndpoint(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, p := newMemJournal(), newPatient(down(gateway.ReasonStatus5xx))
		e := endpoint(p)
		e.Retry = Schedule{Fast: []time.Duration{}, SlowFrom: 24 * time.Hour, SlowTo: 24 * time.Hour}
		d := start(t, j, nil, e)
		outage(t, j, d, 40)
		// A restart forgets neither the outage nor why they wait.
		stop(t, d)
		d = start(t, j, nil, e)
		defer stop(t, d)
		pass(time.Hour)
		p.falls(gateway.Outcome{})
		pass(2 * time.Minute)
		if got := p.arrived(); len(got) != 80 {
			t.Errorf("%d arrived, want all 80: %+v", len(got), statusOf(t, d, "e"))
		}
		inOrder(t, p.arrived())
	})
}

func TestHealth_ComesBackSlowly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, p := newMemJournal(), newPatient(down(gateway.ReasonConnect))
		p.took = time.Second
		d := start(t, j, nil, endpoint(p))
		defer stop(t, d)
		j.add(lanes(300, 2)...)
		pass(10 * time.Minute)
		p.falls(gateway.Outcome{})
		pass(5 * time.Minute)
		most := map[time.Duration]int{}
		var first time.Duration
		for _, a := range p.since(0) {
			// It may be one that was under way when the outage ended.
			if first == 0 && a.ok {
				first = a.at
			}
			if first == 0 {
				continue
			}
			second := (a.at - first) / time.Second
			most[second] = max(most[second], a.busy)
		}
		for second, want := range []int{1, 2, 4, 8, 16, 32, 32} {
			if got := most[time.Duration(second)]; got != want {
				t.Errorf("%d in flight %d s after the first success, want %d", got, second, want)
			}
		}
	})
}

func TestHealth_BatchesComeBackSlowly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, b := newMemJournal(), newBatcher()
		b.took = time.Second
		out := down(gateway.ReasonConnect)
		b.whole = func([]string) gateway.Outcome { return out }
		e := batching(b, Batch{Count: 8})
		e.Concurrency = 4
		d := start(t, j, nil, e)
		defer stop(t, d)
		j.add(lanes(200, 2)...)
		pass(10 * time.Minute)
		b.mu.Lock()
		out = gateway.Outcome{}
		b.mu.Unlock()
		pass(5 * time.Minute)
		if diff := cmp.Diff([]int{1, 2, 4, 8, 8, 8, 8, 8}, b.sizes()[:8]); diff != "" {
			t.Errorf("sizes of the first batches after the outage (-want +got):\n%s", diff)
		}
		if len(b.view().got) != 400 {
			t.Errorf("%d arrived, want 400", len(b.view().got))
		}
	})
}

func TestHealth_TroubleHalvesTheSpeed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, p := newMemJournal(), newPatient(gateway.Outcome{})
		p.took = time.Second
		d := start(t, j, nil, endpoint(p))
		defer stop(t, d)
		j.add(lanes(32, 1)...)
		synctest.Wait()
		p.falls(down(gateway.ReasonThrottled))
		p.mu.Lock()
		n := 0
		p.answer = func(*event.Event) gateway.Outcome {
			if n++; n <= 3 {
				return down(gateway.ReasonThrottled)
			}
			return gateway.Outcome{}
		}
		p.mu.Unlock()
		pass(time.Second + time.Millisecond)
		if s := statusOf(t, d, "e"); s.Ramp < 16 || s.Ramp > 18 {
			t.Errorf("after one round with 429: %+v, want about 16 of 32", s)
		}
	})
}

func TestHealth_RetryAfterMovesTheWholeEndpoint(t *testing.T) {
	t.Parallel()
	for name, status := range map[string]int{"429": 429, "503": 503} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				out := down(gateway.ReasonStatus5xx)
				if status == 429 {
					out.Reason = gateway.ReasonThrottled
				}
				out.Status, out.RetryAfter = status, 10*time.Minute
				j, p := newMemJournal(), newPatient(out)
				e := endpoint(p)
				e.Breaker.Off = true // it holds all the same
				d := start(t, j, nil, e)
				j.add(ev("0", 0))
				synctest.Wait()
				p.falls(gateway.Outcome{})
				j.add(lanes(20, 3)[1:]...)
				pass(10*time.Minute - 2*time.Second)
				if got := len(p.since(0)); got != 1 {
					t.Fatalf("%d attempts before the time that it asked for, want the one", got)
				}
				if s := statusOf(t, d, "e"); s.State != StateOpen || s.ProbeAt.Before(time.Now()) {
					t.Errorf("%+v", s)
				}
				pass(2 * time.Minute)
				if got := len(p.arrived()); got != 60 {
					t.Errorf("%d arrived after it, want 60", got)
				}
				stop(t, d)
			})
		})
	}
}

// A restart in an outage began with all workers at once, each with an event that was
// due.
func TestHealth_RestartDoesNotStampede(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, p := newMemJournal(), newPatient(down(gateway.ReasonTimeout))
		p.took = time.Second
		d := start(t, j, nil, endpoint(p))
		j.add(lanes(100, 2)...)
		pass(10 * time.Minute)
		stop(t, d)
		from := p.now()
		p.falls(gateway.Outcome{})
		d = start(t, j, nil, endpoint(p))
		pass(1500 * time.Millisecond)
		busy := []int{}
		for _, a := range p.since(from) {
			busy = append(busy, a.busy)
		}
		if diff := cmp.Diff([]int{1, 1, 2}, busy); diff != "" {
			t.Errorf("attempts in flight after the restart (-want +got):\n%s", diff)
		}
		// One that is on its way back begins its way again.
		stop(t, d)
		from = p.now()
		d = start(t, j, nil, endpoint(p))
		pass(500 * time.Millisecond)
		if got := len(p.since(from)); got != 1 {
			t.Errorf("%d attempts at once after a restart on the way back, want 1", got)
		}
		pass(5 * time.Minute)
		if got := len(p.arrived()); got < 200 {
			t.Errorf("%d arrived, want 200", got)
		}
		stop(t, d)
	})
}

func TestHealth_NewSenderIsAskedAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, p := newMemJournal(), newPatient(down(gateway.ReasonDNS))
		e := endpoint(p)
		d := start(t, j, nil, e)
		defer stop(t, d)
		outage(t, j, d, 20)
		pass(time.Hour)
		other := newPatient(gateway.Outcome{})
		e.Sender = other
		set(t, d, e)
		pass(time.Millisecond)
		if got := len(other.arrived()); got != 40 {
			t.Errorf("%d arrived at the new address at once, want 40: %+v", got, statusOf(t, d, "e"))
		}
	})
}

func TestHealth_BreakerThatIsOffHoldsNothingAfterARest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		out := down(gateway.ReasonThrottled)
		out.RetryAfter, out.Status = time.Second, 429
		j, p := newMemJournal(), newPatient(out)
		e := endpoint(p)
		e.Breaker.Off = true
		d := start(t, j, nil, e)
		defer stop(t, d)
		j.add(lanes(50, 1)...)
		synctest.Wait()
		p.falls(down(gateway.ReasonStatus5xx))
		pass(5 * time.Second)
		if s := statusOf(t, d, "e"); s.Breaker != StateClosed {
			t.Errorf("breaker is %s after the rest was over: %+v", s.Breaker, s)
		}
		// All have their own schedule.
		from := p.now()
		pass(10 * time.Minute)
		if n := len(p.since(from)); n < 50 {
			t.Errorf("%d attempts, want at least 50", n)
		}
	})
}

func TestHealth_WhatOpenedTheBreakerIsAskedToo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, p := newMemJournal(), newPatient(down(gateway.ReasonConnect))
		e := endpoint(p)
		e.Order = OrderStrict
		e.Retry = Schedule{Fast: []time.Duration{}, SlowFrom: 100 * time.Hour, SlowTo: 100 * time.Hour, MaxAge: -1}
		e.Breaker = Breaker{Least: 1, From: time.Second, To: time.Minute}
		d := start(t, j, nil, e)
		defer stop(t, d)
		j.add(ev("x", 0), ev("x", 1))
		pass(10 * time.Minute)
		if n := len(p.since(0)); n < 10 {
			t.Errorf("asked %d times in ten minutes, want at least once a minute", n)
		}
	})
}
