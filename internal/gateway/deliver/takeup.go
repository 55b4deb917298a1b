package deliver

import (
	"context"
	"errors"
	"time"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// takeUp reads again what was left behind of the lanes that go on, until none of them
// wants more or there is no room.
func (d *Deliverer) takeUp(ctx context.Context, r *runner) {
	for {
		r.mu.Lock()
		seq, ok := r.nextLeft(r.followers())
		ok = ok && ctx.Err() == nil
		r.left.reading = ok
		upTo := r.passed()
		r.mu.Unlock()
		if !ok {
			return
		}
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
	if _, ok := r.nextLeft(r.followers()/2 + 1); ok {
		r.fetch(r)
	}
}

// fetchAfter is fetchLeft for the lanes of a load. Call with mu.
func (r *runner) fetchAfter(load []flight) {
	if r.left.reading || len(r.left.lanes) == 0 {
		return
	}
	for i := range load {
		key := load[i].lane.key
		if ll := r.left.lanes[key]; r.Order != OrderConversation || ll != nil && r.wants(key, ll, r.followers()/2+1) {
			r.fetchLeft()
			return
		}
	}
}

// nextLeft is the first page with something that was left behind and that a lane with
// fewer than most events wants, or that has expired. False when there is none now.
// Call with mu.
func (r *runner) nextLeft(most int) (seq uint64, ok bool) {
	if r.held || r.stopped {
		return 0, false
	}
	room, passed := !r.readFull(), r.passed()
	r.left.starved = false
	for key, ll := range r.left.lanes {
		if ll.first > passed {
			r.endLeft(key, ll)
			continue
		}
		at := ll.first.Seq()
		if at >= r.expireBelow {
			if !r.wants(key, ll, most) {
				continue
			}
			if !room {
				r.left.starved = true
				continue
			}
		}
		if !ok || at < seq {
			seq, ok = at, true
		}
	}
	return seq, ok
}

// wants reports whether a lane with fewer than most events goes on with what was left
// behind of it: nothing before that waits for the endpoint's reader, and its head did
// not fail before, or it would be read for every attempt in vain. Call with mu.
func (r *runner) wants(key event.Lane, ll *leftLane, most int) bool {
	switch {
	case len(r.again) > 0 && r.again[0].Pos < ll.first:
		return false
	case r.Order != OrderConversation:
		return true
	}
	l := r.lanes[key]
	return l == nil || len(l.queue) < most && !r.stuck(l) && (len(l.queue) == 0 || l.queue[0].attempts == 0)
}

// takeLeft takes from a page, the first one from page seq on, what was left behind of
// lanes that have come there and go on, and counts what has expired.
func (r *runner) takeLeft(page *gateway.Page, seq uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.held || r.stopped {
		return // what it picks may change before it is read
	}
	expired, room, most := page.Seq < r.expireBelow, !r.readFull(), r.followers()
	begin, end, passed := gateway.NewPos(seq, 0), gateway.NewPos(page.Seq+1, 0)-1, r.passed()
	for key, ll := range r.left.lanes {
		ll.turn = begin <= ll.first && ll.first <= end && (expired || room && r.wants(key, ll, most))
	}
	for i, ev := range page.Events {
		pos := gateway.NewPos(page.Seq, i)
		if pos > passed {
			break
		}
		ll := r.left.lanes[ev.Lane]
		if ll == nil || !ll.turn || pos < ll.first || !r.Match(ev) {
			continue
		}
		if !expired && !r.wants(ev.Lane, ll, most) {
			ll.first, ll.turn = pos, false
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
		r.enqueue(r.laneKey(ev, pos), item{pos: pos, ev: ev})
		ll.turn = ll.first > pos // it may have been left behind again
		r.collect()
	}
	r.flush()
	for key, ll := range r.left.lanes {
		if ll.turn {
			ll.first, ll.turn = min(end, passed)+1, false
		}
		if ll.first > passed {
			r.endLeft(key, ll)
		}
	}
	r.dirty = true
}

// missLeft notes that the journal had nothing from page seq on while the endpoint had
// read up to upTo.
func (r *runner) missLeft(seq uint64, upTo gateway.Pos) {
	r.mu.Lock()
	defer r.mu.Unlock()
	begin := gateway.NewPos(seq, 0)
	for _, ll := range r.left.lanes {
		if ll.first >= begin {
			ll.first = max(ll.first, upTo+1)
		}
	}
}
