package deliver

import (
	"context"
	"errors"
	"time"

	"github.com/imhook/imhook/internal/gateway"
)

// catchUp follows the journal for an endpoint that is behind the tail, until the
// tail can serve it again or ctx ends.
func (d *Deliverer) catchUp(ctx context.Context, r *runner) {
	for {
		seq, ok := r.waitForRoom(ctx)
		if !ok {
			return
		}
		d.mu.Lock()
		tail := d.tail
		d.mu.Unlock()
		page, err := d.cfg.Journal.Page(ctx, seq)
		switch {
		case errors.Is(err, gateway.ErrNoPage):
			// Everything that is stored has been read. What the tail had seen before
			// and is not there any more was purged.
			if r.missAll(seq) && d.goLive(r, max(seq, (tail+1).Seq())) {
				return
			}
			pause(ctx, 10*time.Millisecond)
		case err != nil:
			if ctx.Err() == nil {
				d.cfg.Log.Warn("catching up failed", "endpoint", r.id, "page", seq, "err", err)
			}
			pause(ctx, time.Second)
		default:
			if r.read1(page, seq) && d.goLive(r, page.Seq+1) {
				return
			}
		}
	}
}

// goLive hands the endpoint back to the tail when it has read everything that
// the tail has: next is the first page that it has not read.
func (d *Deliverer) goLive(r *runner, next uint64) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if next <= d.tail.Seq() {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.full() || r.held || r.stopped || len(r.again) > 0 || r.barred() {
		return false
	}
	// The endpoint may be ahead of the tail; offer skips what was read.
	r.read = max(r.read, gateway.NewPos(next, 0)-1)
	r.dirty = true
	if r.ahead.taken.pass(r.read); r.ahead.taken.n > 0 {
		return false // after a restart the tail offers that again
	}
	r.reading = false
	r.ahead.calm = 0
	r.live = true
	r.dirty = true
	return true
}

// waitForRoom returns the next page to read once the endpoint has room for it.
// False means that the reader must leave: it is held, stopped, or ctx ended.
func (r *runner) waitForRoom(ctx context.Context) (seq uint64, ok bool) {
	for {
		r.mu.Lock()
		seq = (r.read + 1).Seq()
		r.sated = r.readFull() || r.sated && !r.roomy()
		room := (!r.sated || seq < r.expireBelow) && (r.until > 0 || !r.barred())
		leave := r.stopped || r.held || ctx.Err() != nil
		if leave {
			r.reading = false
		}
		r.mu.Unlock()
		switch {
		case leave:
			return 0, false
		case room:
			return seq, true
		}
		select {
		case <-ctx.Done():
		case <-r.wake:
		}
	}
}

// read1 takes the matching events of one page that were not read before: the first one
// from page seq on. False means that it was not the endpoint's turn to read it.
func (r *runner) read1(page *gateway.Page, seq uint64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.held || r.stopped || r.wentBack(seq) || r.until == 0 && r.barred() {
		return false // what it picks may change before it is read
	}
	r.missAgain(gateway.NewPos(page.Seq, 0))
	for i, ev := range page.Events {
		pos := gateway.NewPos(page.Seq, i)
		if pos > r.passed() && r.barred() {
			r.flush()
			r.missAgain(pos)
			r.passAgain()
			r.dirty = true
			return true
		}
		if pos <= r.read || r.takeAgain(pos, page) || pos <= r.until {
			continue
		}
		if !r.Match(ev) || r.passAhead(pos) {
			continue
		}
		if page.Seq < r.expireBelow {
			r.metrics.matched.Inc()
			r.metrics.expired.Inc()
			r.tellExpired(pos, ev)
			continue
		}
		r.read = pos
		r.takeIn(pos, ev, false)
	}
	r.flush()
	// The rest of the page's positions hold nothing for this endpoint. It may have
	// moved on already, while the page was read.
	end := gateway.NewPos(page.Seq+1, 0) - 1
	r.read = max(r.read, end)
	r.missAgain(end + 1)
	r.passAgain()
	r.ahead.taken.pass(end)
	r.dirty = true
	return true
}

// wentBack reports whether the endpoint has to read pages before seq again, which is
// where its reader is. Call with mu.
func (r *runner) wentBack(seq uint64) bool { return (r.read + 1).Seq() < seq }

// pause waits for d or for ctx to end.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
