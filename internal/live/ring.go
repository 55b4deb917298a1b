package live

import (
	"math"
	"time"
)

// Fine and coarse are the steps of charts, and how many of them there are: an hour by
// ten seconds, a day by five minutes.
const (
	fineStep    = 10 * time.Second
	fineCount   = 360
	coarseStep  = 5 * time.Minute
	coarseCount = 288
	// perCoarse is how many fine steps make a coarse one.
	perCoarse = int64(coarseStep / fineStep)
)

// ring has the last values of one thing, by the number of their step since 1970. What
// was not measured is NaN. Its zero value is empty and holds nothing; see newRing.
type ring struct {
	values []float32
	// last is the step of the latest value, zero before the first one.
	last int64
}

func newRing(n int) *ring { return &ring{values: make([]float32, n)} }

// put sets the value of a step that is not before the last one.
func (r *ring) put(step int64, v float64) {
	n := int64(len(r.values))
	from := r.last + 1
	if r.last == 0 || step-r.last > n {
		from = step - n + 1
	}
	for s := from; s < step; s++ {
		r.values[s%n] = float32(math.NaN())
	}
	r.values[step%n] = float32(v)
	r.last = step
}

// at is the value of a step.
func (r *ring) at(step int64) float64 {
	n := int64(len(r.values))
	if r.last == 0 || step > r.last || step <= r.last-n {
		return math.NaN()
	}
	return float64(r.values[step%n])
}

// empty reports whether nothing but zero was measured since that step.
func (r *ring) empty(since int64) bool {
	for s := max(since, r.last-int64(len(r.values))+1); s <= r.last; s++ {
		if v := r.at(s); v > 0 {
			return false
		}
	}
	return true
}

// track has both rings of one thing. Its zero value is empty; rings are made with the
// first value that is worth one.
type track struct{ fine, coarse *ring }

func (t *track) putFine(step int64, v float64)   { put(&t.fine, fineCount, step, v) }
func (t *track) putCoarse(step int64, v float64) { put(&t.coarse, coarseCount, step, v) }

func put(r **ring, n int, step int64, v float64) {
	if *r == nil {
		if math.IsNaN(v) || v == 0 {
			return
		}
		*r = newRing(n)
	}
	(*r).put(step, v)
}

// counting follows a counter: its rings have events a second.
type counting struct {
	track
	last uint64
	// coarse is how many came since the coarse step began.
	coarse uint64
}

// sample takes the counter's value at the end of a fine step. One that is less than
// before is one of others now.
func (c *counting) sample(step int64, now uint64) {
	came := now - min(now, c.last)
	c.last = now
	c.coarse += came
	c.putFine(step, float64(came)/fineStep.Seconds())
	if (step+1)%perCoarse == 0 {
		c.putCoarse(step/perCoarse, float64(c.coarse)/coarseStep.Seconds())
		c.coarse = 0
	}
}

// timing follows a histogram: its rings have quantiles in milliseconds.
type timing struct {
	p50, p99 track
	// fine and coarse are what it held when the current steps began.
	fine, coarse spread
	// minute are the last fine steps, for what is shown now.
	minute [6]spread
	turn   int
}

func (t *timing) sample(step int64, now *spread) {
	came := now.since(&t.fine)
	t.fine = *now
	t.minute[t.turn%len(t.minute)] = came
	t.turn++
	t.p50.putFine(step, came.quantile(0.50))
	t.p99.putFine(step, came.quantile(0.99))
	if (step+1)%perCoarse == 0 {
		all := now.since(&t.coarse)
		t.coarse = *now
		t.p50.putCoarse(step/perCoarse, all.quantile(0.50))
		t.p99.putCoarse(step/perCoarse, all.quantile(0.99))
	}
}

// lately is the quantile of the last minute; NaN of nothing.
func (t *timing) lately(q float64) float64 {
	var all spread
	for i := range t.minute {
		all.add(&t.minute[i])
	}
	return all.quantile(q)
}

// level follows a value that is as it is: its coarse ring has the highest.
type level struct {
	track
	most float64
}

func (l *level) sample(step int64, v float64) {
	l.most = max(l.most, v)
	l.putFine(step, v)
	if (step+1)%perCoarse == 0 {
		l.putCoarse(step/perCoarse, l.most)
		l.most = 0
	}
}
