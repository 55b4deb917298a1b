package deliver

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/imhook/imhook/internal/gateway"
)

// restore brings an endpoint that does not run back to p: its open events are read
// again. Those that the journal no longer has are counted in missing. tail is how
// far the tail had read when p was saved, last the journal's last page.
//
// When they are more than eager they are left to the endpoint's reader.
func (r *runner) restore(ctx context.Context, p position, tail gateway.Pos, last uint64, eager int) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	end := gateway.NewPos(last+1, 0) - 1
	r.ahead.taken.cut(end)
	latest := r.now().Add(r.Retry.longest())
	changed := !p.Removed.At.IsZero()
	r.mixed = min(p.Read, end)
	if p.Live {
		r.mixed = max(r.mixed, tail)
	}
	if p.Ahead.Order != r.Order.ahead() {
		r.mixed = max(r.mixed, r.ahead.taken.last)
	}
	lost := r.missing
	r.restoreLeft(p.Left, end)
	changed = changed || r.missing > lost
	r.revive(p.Health)
	r.vendor.restore(p.Vendor)
	r.paused, r.pausedUntil = p.Paused, p.Until
	for _, l := range p.Lanes {
		r.pausedLanes[l.Lane] = l
	}
	if len(p.Open) > eager {
		all := len(p.Open)
		p.Open = slices.DeleteFunc(slices.Clone(p.Open), func(o openEvent) bool { return o.Pos > end })
		r.missing += all - len(p.Open)
		changed = changed || r.missing > 0
		for i := range p.Open {
			if o := &p.Open[i]; o.DueAt.After(latest) && !o.DueAt.Equal(never) {
				o.DueAt, changed = latest, true
			}
		}
		until := min(p.Read, end)
		if p.Live {
			until = max(until, tail)
		}
		r.ahead.taken.pass(until)
		if r.leaveForLater(p, until); len(p.Open) == 0 {
			r.passAgain()
			r.live = r.read >= tail && r.ahead.taken.n == 0 && !r.barred()
		}
		r.dirty = changed || p.Live
		return nil
	}
	open, later := p.Open, r.mustWait(p)
	open = open[:len(open)-len(later)]
	for _, o := range later {
		switch {
		case o.Pos > end:
			r.missing++
			changed = true
			continue
		case o.DueAt.After(latest) && !o.DueAt.Equal(never):
			o.DueAt, changed = latest, true
		}
		r.again = append(r.again, o)
	}
	var page *gateway.Page
	for _, o := range open {
		if page == nil || page.Seq != o.Pos.Seq() {
			var err error
			page, err = r.pageAgain(ctx, o.Pos.Seq())
			switch {
			case errors.Is(err, gateway.ErrNoPage):
				page = &gateway.Page{}
			case err != nil:
				return fmt.Errorf("reading page %d again: %w", o.Pos.Seq(), err)
			}
		}
		ev := eventAt(page, o.Pos)
		if ev == nil {
			r.missing++
			changed = true
			continue
		}
		it := item{pos: o.Pos, ev: ev, attempts: o.Attempts, sent: o.Sent, size: len(ev.Raw.Body), firstAt: o.FirstAt, dueAt: o.DueAt}
		if it.dueAt.After(latest) && !it.dueAt.Equal(never) {
			it.dueAt = latest // the clock went back
			changed = true
		}
		if r.full() {
			it.ev = nil
		}
		r.enqueue(r.laneKey(ev, o.Pos), it)
	}
	// A journal that lost its end gives the sequences behind it to new pages.
	r.read = min(p.Read, end)
	if p.Live {
		r.read = max(r.read, tail)
	}
	r.ahead.taken.pass(r.read)
	r.live = r.read >= tail && len(r.again) == 0 && r.ahead.taken.n == 0 && !r.barred()
	// What stands needs no writing. A live record counts up to the tail by itself.
	r.dirty = changed || r.read < p.Read || r.live != p.Live
	return nil
}

// enter lets an endpoint run, or read again after it was held. Call with d.mu and
// r.mu.
func (d *Deliverer) enter(r *runner) {
	r.stopped, r.held, r.resting = false, false, false
	if r.missing > 0 {
		r.metrics.expired.Add(float64(r.missing))
		r.missing = 0
	}
	was := r.live
	r.live = r.read >= d.tail && !r.reading && len(r.again) == 0 && r.ahead.taken.n == 0 && !r.barred()
	r.dirty = r.dirty || r.live != was
	r.ahead.release() // what it picks may have changed
	r.ahead.judged = max(r.read, r.until, d.tail, r.ahead.taken.last)
	if r.wantsSurvey() {
		d.wantSurvey()
	}
	if !r.live && !r.reading {
		r.reading = true
		d.lag(r)
	}
	r.arm()
	r.armAsVendor()
	r.dispatch()
	r.fetchLeft()
}

// lag gives an endpoint that fell behind a reader of its own.
func (d *Deliverer) lag(r *runner) {
	if d.readCtx.Err() != nil {
		return
	}
	d.wg.Go(func() { d.catchUp(d.readCtx, r) })
}

// startWaits is how long a start waits for a journal that does not answer. Whoever keeps
// the process running would only start it again, with everything still to be read.
const startWaits = 30 * time.Second

// pageAgain reads a page, and tries again for as long as the runner is patient.
func (r *runner) pageAgain(ctx context.Context, seq uint64) (page *gateway.Page, err error) {
	for end := r.now().Add(r.patience); ; pause(ctx, 200*time.Millisecond) {
		page, err = r.journal.Page(ctx, seq)
		if !errors.Is(err, gateway.ErrUnavailable) || ctx.Err() != nil || !r.now().Before(end) {
			return page, err
		}
	}
}
