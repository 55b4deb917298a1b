package deliver

import (
	"context"
	"errors"

	"github.com/imhook/imhook/internal/gateway"
)

// expire drops the endpoint's own oldest events that are past its backlog
// bounds, and counts them. What was not read yet is counted by the catch-up
// reader, which goes on for that even when the endpoint has no room.
func (r *runner) expire(ctx context.Context, tail gateway.Pos) error {
	if r.MaxBacklogAge <= 0 && r.MaxBacklogBytes <= 0 {
		return nil
	}
	r.mu.Lock()
	oldest := r.oldest(tail).Seq()
	newest := max(r.effective(tail), tail).Seq()
	r.mu.Unlock()
	if oldest > newest {
		// Nothing is unfinished. Most endpoints are so most of the time, and asking
		// the journal for each of them every second would cost more than delivering.
		return nil
	}
	below, err := r.expireSeq(ctx, oldest, newest)
	if err != nil || below <= oldest {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.expireBelow = max(r.expireBelow, below)
	n := r.dropBelow(below)
	if n > 0 {
		r.log.Warn("backlog expired", "endpoint", r.id, "events", n, "age", r.MaxBacklogAge, "bytes", r.MaxBacklogBytes)
	}
	r.nudge()
	return nil
}

// expireSeq returns the first page that may stay.
func (r *runner) expireSeq(ctx context.Context, oldest, newest uint64) (uint64, error) {
	below := oldest
	if r.MaxBacklogAge > 0 {
		seq, err := r.journal.SeqAt(ctx, r.now().Add(-r.MaxBacklogAge))
		if err != nil && !errors.Is(err, gateway.ErrNoPage) {
			return 0, err
		}
		if errors.Is(err, gateway.ErrNoPage) {
			seq = newest + 1 // everything is older
		}
		below = max(below, min(seq, newest+1))
	}
	if r.MaxBacklogBytes > 0 {
		lo, hi := below, newest+1
		for lo < hi {
			mid := lo + (hi-lo)/2
			if r.journal.BytesFrom(mid) > uint64(r.MaxBacklogBytes) {
				lo = mid + 1
			} else {
				hi = mid
			}
		}
		below = lo
	}
	return below, nil
}

// dropBelow drops open events of earlier pages, but for heads in flight, and
// returns how many. Call with mu.
func (r *runner) dropBelow(seq uint64) int {
	dropped := 0
	for key, l := range r.lanes {
		if l.state == laneRunning && len(l.queue) == 1 {
			continue
		}
		from := 0
		if l.state == laneRunning {
			from = 1
		}
		n := from
		for n < len(l.queue) && l.queue[n].pos.Seq() < seq {
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
			r.makeReady(l)
		}
	}
	if dropped > 0 {
		r.ready.sweep()
		r.open -= dropped
		r.metrics.expired.Add(float64(dropped))
		r.dirty = true
	}
	return dropped
}

// tick is the housekeeping of one second.
func (r *runner) tick() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.retire(r.now().Add(-idleWorker))
}
