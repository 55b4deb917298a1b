package deliver

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/imhook/imhook/internal/gateway"
)

// expire drops the endpoint's own oldest events that are past its backlog
// bounds, and counts them. What was not read yet is counted by the catch-up
// reader, which goes on for that even when the endpoint has no room.
func (r *runner) expire(ctx context.Context, tail gateway.Pos, c *cutoffs) error {
	r.mu.Lock()
	age, bytes := r.MaxBacklogAge, r.MaxBacklogBytes
	resting := r.resting // its lanes are being made anew
	oldest := r.oldest(tail).Seq()
	newest := max(r.effective(tail), tail).Seq()
	r.mu.Unlock()
	if oldest > newest || resting {
		// Nothing is unfinished. Most endpoints are so most of the time, and asking
		// the journal for each of them every second would cost more than delivering.
		return nil
	}
	below, err := c.below(ctx, age, bytes, oldest, newest)
	if err != nil || below <= oldest {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.resting {
		return nil
	}
	r.expireBelow = max(r.expireBelow, below)
	n := r.dropBelow(below)
	if n > 0 {
		r.log.Warn("backlog expired", "endpoint", r.id, "events", n, "age", age, "bytes", bytes)
	}
	r.nudge()
	r.fetchLeft()
	return nil
}

// cutoffs searches the journal for the page of an age, once for all that ask for
// the same age.
type cutoffs struct {
	journal Journal
	now     time.Time
	pages   map[time.Duration]uint64
}

func (d *Deliverer) cutoffs() *cutoffs {
	return &cutoffs{journal: d.cfg.Journal, now: d.cfg.Aged(), pages: map[time.Duration]uint64{}}
}

// below returns the first page that may stay of a backlog from page oldest to page
// newest. Bounds that are not positive are none.
func (c *cutoffs) below(ctx context.Context, age time.Duration, bytes int64, oldest, newest uint64) (uint64, error) {
	below := oldest
	if age > 0 {
		seq, err := c.page(ctx, age)
		if err != nil {
			return 0, err
		}
		below = max(below, min(seq, newest+1))
	}
	if bytes > 0 {
		lo, hi := below, newest+1
		for lo < hi {
			mid := lo + (hi-lo)/2
			if c.journal.BytesFrom(mid) > uint64(bytes) {
				lo = mid + 1
			} else {
				hi = mid
			}
		}
		below = lo
	}
	return below, nil
}

// page is the first page that is not older than age; the greatest sequence when
// all are.
func (c *cutoffs) page(ctx context.Context, age time.Duration) (uint64, error) {
	if seq, ok := c.pages[age]; ok {
		return seq, nil
	}
	seq, err := c.journal.SeqAt(ctx, c.now.Add(-age))
	if errors.Is(err, gateway.ErrNoPage) {
		seq, err = math.MaxUint64, nil
	}
	if err == nil {
		c.pages[age] = seq
	}
	return seq, err
}

// dropBelow drops open events of earlier pages, but for those in flight, and
// returns how many. Call with mu.
func (r *runner) dropBelow(seq uint64) int {
	dropped := 0
	for key, l := range r.lanes {
		from := l.flying
		n := from
		for n < len(l.queue) && l.queue[n].pos.Seq() < seq {
			r.tellExpired(l.queue[n].pos, nil)
			r.unload(&l.queue[n])
			n++
		}
		if n == from {
			continue
		}
		dropped += n - from
		l.queue = append(l.queue[:from], l.queue[n:]...)
		switch {
		case len(l.queue) == 0:
			if l.state == laneWaiting {
				r.waiting.remove(l)
			}
			delete(r.lanes, key)
		case l.state == laneWaiting:
			// A new head has not failed yet.
			r.waiting.remove(l)
			l.outage, l.blocked = false, nil
			r.makeReady(l)
		}
	}
	early := 0
	for early < len(r.again) && r.again[early].Pos.Seq() < seq {
		r.tellExpired(r.again[early].Pos, nil)
		early++
	}
	if early > 0 {
		r.again = r.again[early:]
		r.passAgain()
		r.metrics.expired.Add(float64(early))
		r.dirty = true
	}
	if dropped > 0 {
		r.ready.sweep()
		r.open -= dropped
		if r.batches() {
			r.dispatch()
		}
		r.metrics.expired.Add(float64(dropped))
		r.dirty = true
	}
	return dropped + early
}

// tick is the housekeeping of one second. True means that the endpoint needs a survey.
func (r *runner) tick() (survey bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	r.retire(now.Add(-idleWorker))
	r.pace.tick(now, r.metrics.deliveredTotal.Load())
	r.endPauses(now)
	r.armAsVendor()
	r.closeWindows(now)
	if r.health.state == open && !r.health.until.After(now) {
		r.halfOpens() // the clock went forward
	}
	if r.open == r.loaded {
		r.leaf.clear()
	}
	r.fetchLeft()
	return r.keepAhead()
}
