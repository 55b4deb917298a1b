package deliver

import (
	"fmt"
	"math"
	"time"

	"golang.org/x/time/rate"
)

// defaultBytesInFlight is 32 requests of the largest callback that is taken by
// default.
const defaultBytesInFlight = 32 << 20

func (e Endpoint) validateRate() error {
	switch {
	case e.Rate < 0 || math.IsNaN(e.Rate) || math.IsInf(e.Rate, 0):
		return fmt.Errorf("rate is %v a second, want none or more than 0", e.Rate)
	case e.BytesInFlight < 0:
		return fmt.Errorf("bytes in flight are %d, want at least 1", e.BytesInFlight)
	}
	return nil
}

// burst is how many requests may begin at once: a tenth of a second's worth, so that
// each second is filled evenly.
func burst(perSecond float64) int { return max(1, int(math.Ceil(perSecond/10))) }

// setRate makes the bucket what the endpoint says. What is in it stays: a change is
// no way to have it filled. Call with mu.
func (r *runner) setRate() {
	switch now := r.now(); {
	case r.Rate == 0:
		r.bucket = nil
		r.refilled.stop()
	case r.bucket == nil:
		r.bucket = rate.NewLimiter(rate.Limit(r.Rate), burst(r.Rate))
	case r.bucket.Limit() != rate.Limit(r.Rate):
		r.bucket.SetLimitAt(now, rate.Limit(r.Rate))
		r.bucket.SetBurstAt(now, burst(r.Rate))
		r.refilled.stop() // it would ring for the rate before
	}
}

// admits reports whether the rate lets a request begin; otherwise it is tried again
// when it does. Call with mu.
func (r *runner) admits() bool {
	if r.bucket == nil {
		return true
	}
	now := r.now()
	missing := 1 - r.bucket.TokensAt(now)
	// A billionth is a rounding error.
	if missing <= 1e-9 {
		return true
	}
	wait := time.Duration(missing / r.Rate * float64(time.Second))
	r.refilled.set(now, now.Add(wait+time.Microsecond), r.refill)
	return false
}

// refill lets requests begin that waited for the rate.
func (r *runner) refill() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refilled.at = time.Time{}
	r.dispatch()
}

// spend takes n requests from the rate. They may be owed: those that an attempt needs
// beyond its first do not wait, the next attempt does. Call with mu.
func (r *runner) spend(n int) {
	if r.bucket == nil {
		return
	}
	now := r.now()
	for range n {
		r.bucket.ReserveN(now, 1)
	}
}

// fits reports whether events of this size may be in flight beside those that are.
// Call with mu.
func (r *runner) fits(size int) bool {
	return r.flyingBytes == 0 || r.flyingBytes+int64(size) <= r.BytesInFlight
}

// pace is how many events are delivered in a second, over about the last ten.
type pace struct {
	at        time.Time
	delivered uint64
	perSecond float64
}

// tick takes in how many there were up to now, about once a second.
func (p *pace) tick(now time.Time, delivered uint64) {
	if d := now.Sub(p.at).Seconds(); !p.at.IsZero() && d > 0 {
		latest := float64(delivered-p.delivered) / d
		p.perSecond += (latest - p.perSecond) * (1 - math.Exp(-d/10))
	}
	p.at, p.delivered = now, delivered
}
