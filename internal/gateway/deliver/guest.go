package deliver

import (
	"math"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// guest is what a run's attempts pass at the endpoint that gets them: they take part
// in its bound of attempts in flight, come after everything that it has to send
// itself, and keep a rate of their own.
type guest struct {
	// host is the endpoint; nil while it is not configured.
	host    atomic.Pointer[runner]
	limiter *rate.Limiter // nil without a bound
	now     func() time.Time
}

// newGuest makes a guest that makes at most perSecond attempts, as many at once as
// share a request; zero is no bound.
func newGuest(perSecond float64, atOnce int, now func() time.Time) *guest {
	g := &guest{now: now}
	if perSecond > 0 {
		burst := max(1, atOnce, int(math.Ceil(perSecond*guestEvery.Seconds())))
		g.limiter = rate.NewLimiter(rate.Limit(perSecond), burst)
	}
	return g
}

// guestEvery is how often a guest that was not let in asks again.
const guestEvery = 20 * time.Millisecond

// enter takes a place for one attempt and returns where; nil when there is none now.
// While the endpoint has something to send itself there is none, nor while its
// breaker or its rate lets nothing through, and guests never have more than half of
// its places.
func (g *guest) enter() *runner {
	h := g.host.Load()
	if h == nil || g.limiter != nil && g.limiter.TokensAt(g.now()) < 1 {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.hospitable() {
		return nil
	}
	h.guests++
	h.spend(1)
	return h
}

// hospitable reports whether a guest may make an attempt now. Call with mu.
func (r *runner) hospitable() bool {
	return !r.stopped && !r.resting && r.paused == "" && r.ready.len() == 0 &&
		r.guests < max(1, r.Concurrency/2) && r.health.state == closed && r.spare() && r.admits()
}

// busy is how many attempts are in flight at the endpoint. Call with mu.
func (r *runner) busy() int { return r.running + r.guests }

// spend takes n events off the rate.
func (g *guest) spend(n int) {
	if g.limiter != nil {
		g.limiter.ReserveN(g.now(), n)
	}
}

// guestLeaves gives a guest's place back.
func (r *runner) guestLeaves() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.guests--
	r.dispatch()
}

// invite loads the worker of a run with what may be tried now, if the endpoint lets
// it in. Call with mu.
func (r *runner) invite(w *worker) bool {
	if r.ready.len() == 0 {
		return false
	}
	if w.host = r.guest.enter(); w.host == nil {
		return false
	}
	if !r.load(w) {
		r.bidFarewell(w)
		return false
	}
	r.guest.spend(len(w.load))
	return true
}

// bidFarewell gives back the place that a run's worker had. Call with mu.
func (r *runner) bidFarewell(w *worker) {
	if w.host != nil {
		w.host.guestLeaves()
		w.host = nil
	}
}
