package deliver

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/imhook/imhook/internal/gateway"
)

// takeUp reads again what was left behind of the lanes that go on, until none of them
// wants more or there is no room.
func (d *Deliverer) takeUp(ctx context.Context, r *runner) {
	pages := 0 // that the present sweep has read
	for {
		seq, upTo, ok := r.nextLeft()
		if !ok {
			pause(ctx, min(time.Duration(pages)*restPerPage, maxRest))
			pages = 0
			if seq, upTo, ok = r.newSweep(ctx); !ok {
				return
			}
		}
		pages++
		page, err := d.cfg.Journal.Page(ctx, seq)
		switch {
		case errors.Is(err, gateway.ErrNoPage):
			r.missLeft(seq, upTo)
			pause(ctx, 10*time.Millisecond)
		case err != nil:
			if ctx.Err() == nil {
				d.cfg.Log.Warn("reading what was left behind failed, trying again", "endpoint", r.id, "page", seq, "err", err)
			}
			pause(ctx, time.Second)
		default:
			r.takeLeft(page, seq)
		}
	}
}

// A sweep is followed by a rest, in which more lanes may come to go on: the next one
// serves them all.
const (
	restPerPage = 100 * time.Microsecond
	maxRest     = time.Second
)

// fetch gives an endpoint a reader for what was left behind. Call with r.mu.
func (d *Deliverer) fetch(r *runner) {
	if d.readCtx.Err() != nil {
		return
	}
	r.left.reading = true
	d.wg.Go(func() { d.takeUp(d.readCtx, r) })
}

// fetchLeft has what was left behind read again, if somebody wants it. Call with mu,
// where lanes go on.
func (r *runner) fetchLeft() {
	if r.left.reading || len(r.left.lanes) == 0 {
		return
	}
	room, most := !r.readFull(), r.followers()/2+1
	r.left.starved = false
	for _, ll := range r.left.lanes {
		switch {
		case ll.first.Seq() < r.expireBelow:
		case !r.wants(ll, most):
			continue
		case !room:
			r.left.starved = true
			continue
		}
		r.fetch(r)
		return
	}
}

// fetchAfter is fetchLeft for the lanes of a load. Call with mu.
func (r *runner) fetchAfter(load []flight) {
	if r.left.reading || len(r.left.lanes) == 0 {
		return
	}
	for i := range load {
		key := load[i].lane.key
		if ll := r.left.lanes[key]; r.Order != OrderConversation || ll != nil && r.wants(ll, r.followers()/2+1) {
			r.fetchLeft()
			return
		}
	}
}

// nextLeft is the page with which the sweep goes on, and up to where the endpoint has
// read. A sweep reads the journal forwards, once for all lanes that are part of it: lanes
// that go on later wait for the next one, or thousands of them that go on one after the
// other would have the same pages read for each. False at its end and where there is no
// room.
func (r *runner) nextLeft() (seq uint64, upTo gateway.Pos, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	seq, ok = r.sweepTo()
	if ok && seq >= r.expireBelow && r.readFull() || r.held || r.stopped {
		r.endSweep()
		ok = false
	}
	return seq, r.passed(), ok
}

// newSweep is nextLeft of a new sweep. False when nobody wants anything now, or there is
// no room, and then nobody takes anything up any more.
func (r *runner) newSweep(ctx context.Context) (seq uint64, upTo gateway.Pos, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.endSweep()
	r.left.starved = false
	if ctx.Err() == nil && !r.held && !r.stopped {
		r.beginSweep()
		seq, ok = r.sweepTo()
	}
	r.left.reading = ok
	return seq, r.passed(), ok
}

// beginSweep makes all lanes part of a sweep that go on, or of which some has expired.
// Call with mu.
func (r *runner) beginSweep() {
	room, most := !r.readFull(), r.followers()
	for _, ll := range r.left.lanes {
		wants := r.wants(ll, most)
		r.left.starved = r.left.starved || wants && !room
		ll.passing = !wants || !room
		if ll.turn = !ll.passing || ll.first.Seq() < r.expireBelow; ll.turn {
			r.left.sweep = append(r.left.sweep, ll)
		}
	}
}

// sweepTo is the next page of the sweep, false at its end. Call with mu.
func (r *runner) sweepTo() (seq uint64, ok bool) {
	r.left.sweep = slices.DeleteFunc(r.left.sweep, func(ll *leftLane) bool {
		at := ll.first.Seq()
		if ll.turn = ll.turn && (!ll.passing || at < r.expireBelow); !ll.turn {
			return true
		}
		if !ok || at < seq {
			seq, ok = at, true
		}
		return false
	})
	return seq, ok
}

// endSweep lets all that was not read wait for the next one. Call with mu.
func (r *runner) endSweep() {
	for _, ll := range r.left.sweep {
		ll.turn = false
	}
	r.left.sweep = nil
}

// wants reports whether a lane with fewer than most events goes on with what was left
// behind of it: nothing before that waits for the endpoint's reader, and its head did
// not fail before, or it would be read for every attempt in vain. Call with mu.
func (r *runner) wants(ll *leftLane, most int) bool {
	switch {
	case len(r.again) > 0 && r.again[0].Pos < ll.first:
		return false
	case r.Order != OrderConversation:
		return true
	}
	l := r.lanes[ll.key]
	return l == nil || len(l.queue) < most && !r.stuck(l) && (len(l.queue) == 0 || l.queue[0].attempts == 0)
}

// takeLeft takes from a page, the first one from page seq on, what was left behind of
// the lanes of the sweep, and counts what has expired.
func (r *runner) takeLeft(page *gateway.Page, seq uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.held || r.stopped {
		return // what it picks may change before it is read
	}
	expired, most := page.Seq < r.expireBelow, r.followers()
	if !expired && r.readFull() {
		return
	}
	for i, ev := range page.Events {
		pos := gateway.NewPos(page.Seq, i)
		ll := r.left.lanes[ev.Lane]
		if ll == nil || !ll.turn || pos < ll.first || pos > ll.last || !r.Match(ev) {
			continue
		}
		if !expired && (ll.passing || !r.wants(ll, most)) {
			ll.backTo(pos)
			continue
		}
		ll.first = pos + 1
		if ll.events > 0 {
			ll.events--
			r.left.events--
		} else {
			r.metrics.matched.Inc() // another rule picks it
		}
		if expired {
			r.metrics.expired.Inc()
			continue
		}
		r.enqueue(r.laneKey(ev, pos), item{pos: pos, ev: ev}) // which may leave it behind again
		r.collect()
	}
	r.flush()
	r.sweptTo(seq, gateway.NewPos(page.Seq+1, 0))
}

// sweptTo notes that the lanes of the sweep that were at page seq or behind it, but
// before end, have nothing more to take up before end. Call with mu.
func (r *runner) sweptTo(seq uint64, end gateway.Pos) {
	begin := gateway.NewPos(seq, 0)
	for _, ll := range r.left.sweep {
		if !ll.turn || ll.first < begin {
			continue
		}
		if ll.first = max(ll.first, min(end, ll.last+1)); ll.first > ll.last {
			r.endLeft(ll)
		}
	}
	r.dirty = true
}

// missLeft notes that the journal had nothing from page seq on while the endpoint had
// read up to upTo.
func (r *runner) missLeft(seq uint64, upTo gateway.Pos) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sweptTo(seq, upTo+1)
}
