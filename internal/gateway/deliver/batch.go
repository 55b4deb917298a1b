package deliver

import (
	"math/bits"
	"net/http"
	"time"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// batch is what a worker needs to send a load together. Its slices are used again.
type batch struct {
	// joined is true when the load was made to share requests, bytes the bound that
	// it was made with.
	joined bool
	bytes  int64
	parts  []part
	evs    []*event.Event
	at     []int // the places of evs in the load
	let    []int // the places of events that were let go
	// fits is the most events that a request brought, tooLarge how many were too
	// many for one; zero means that there was none.
	fits, tooLarge int
}

// part is a piece of a load, from one place up to another.
type part struct{ from, to int }

// batches reports whether events share requests. Call with mu.
func (r *runner) batches() bool { return r.Batch.Count > 1 }

// gather loads the worker with a batch: the first events of the lanes that stand
// in line, several of one lane in their order. False when nothing may be sent yet.
// Call with mu.
func (r *runner) gather(w *worker) bool {
	c, ok := r.turn()
	if !ok {
		return false
	}
	lanes, full := r.plan(c)
	if lanes == 0 {
		return false
	}
	if !full && r.linger(c, lanes) || !r.fits(r.sizeOf(c, lanes)) {
		n := 0
		for l := range r.ready.from(c) {
			if n++; n > lanes {
				break
			}
			l.flying = 0
		}
		return false
	}
	now := r.now()
	clock := func() time.Time { return now }
	w.batch.bytes = r.Batch.Bytes
	r.occupy(w, c)
	for range lanes {
		l := r.ready.popFrom(c)
		if n := l.flying; n > 0 {
			l.held = false
			r.board(w, l, n, clock)
		}
	}
	r.begins(w)
	return true
}

// sizeOf is how large a batch is that was planned of the first lanes from class c on.
// Call with mu.
func (r *runner) sizeOf(c class, lanes int) (size int) {
	n := 0
	for l := range r.ready.from(c) {
		if n++; n > lanes {
			break
		}
		for k := range l.flying {
			size += l.queue[k].size
		}
	}
	return size
}

// plan says how many lanes, from the first in line on, share the next batch, and
// writes into each how many of its events do. It is the turn of class c; the others
// fill what it leaves. The batch is full when nothing can be added any more. Call with
// mu.
func (r *runner) plan(c class) (lanes int, full bool) {
	most := r.mostTogether()
	count, bytes := 0, int64(0)
	now := r.now()
	for l := range r.ready.from(c) {
		for k := range l.queue {
			it := &l.queue[k]
			if k > 0 && it.dueAt.After(now) {
				break // it is held until then
			}
			limit := most
			if it.company > 0 {
				limit = min(limit, it.company)
			}
			if it.alone() {
				limit = 1
			}
			size := int64(0)
			if it.ev != nil {
				size = int64(len(it.ev.Raw.Body))
			}
			if count > 0 && (count+1 > limit || bytes+size > r.Batch.Bytes) {
				return lanes, true
			}
			if k == 0 {
				lanes++
			}
			l.flying = k + 1
			count++
			bytes += size
			if most = limit; count >= most {
				return lanes, true
			}
		}
		if len(l.queue) == 0 {
			lanes++ // all of it expired while it stood in line; it is taken out
		}
	}
	if count == 0 {
		return 0, false
	}
	return lanes, false
}

// linger reports whether a batch that is not full, of the first lanes from class c on,
// waits for more. It does until one of its events has stood in line for long enough.
// Call with mu.
func (r *runner) linger(c class, lanes int) bool {
	if r.Batch.Linger <= 0 {
		return false
	}
	var oldest time.Time
	n := 0
	for l := range r.ready.from(c) {
		if n++; n > lanes {
			break
		}
		if len(l.queue) == 0 {
			continue
		}
		if l.readyAt.IsZero() {
			return false
		}
		if oldest.IsZero() || l.readyAt.Before(oldest) {
			oldest = l.readyAt
		}
	}
	now, until := r.now(), oldest.Add(r.Batch.Linger)
	if !until.After(now) {
		return false
	}
	if r.lingeringAt.IsZero() || until.Before(r.lingeringAt) {
		r.lingeringAt = until
		if r.lingering == nil {
			r.lingering = time.AfterFunc(until.Sub(now), r.lingered)
		} else {
			r.lingering.Reset(until.Sub(now))
		}
	}
	return true
}

// lingered sends what waited for more.
func (r *runner) lingered() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lingeringAt = time.Time{}
	r.dispatch()
}

// tryBatch makes the attempts for a load that may share requests: one, unless the
// sender needs several or the endpoint refuses. What is refused together is tried
// again in halves, down to the event that spoils them; how many requests that may
// take is bounded, and what is still together then goes alone another time. A lane
// stops at the first event that is not through, and everything does when the
// endpoint cannot take anything now or no attempt may begin any more: what was not
// tried then goes back to its lanes.
func (r *runner) tryBatch(w *worker) {
	b := &w.batch
	b.parts = append(b.parts[:0], part{0, len(w.load)})
	halvings := 2 * bits.Len(uint(len(w.load)))
	for first := true; len(b.parts) > 0; first = false {
		if !first && !r.goesOn() {
			break
		}
		p := b.parts[len(b.parts)-1]
		b.parts = b.parts[:len(b.parts)-1]
		b.collect(w.load, p)
		if len(b.evs) == 0 {
			continue
		}
		outs := r.sendBatch(b.evs)
		if len(outs) < len(b.evs) {
			b.parts = append(b.parts, part{b.at[len(outs)], p.to})
		}
		r.note(w, outs)
		split := halvings > 0 && refusedTogether(outs)
		over := false
		for i, out := range outs {
			if split && out.Together > 1 {
				continue
			}
			f := &w.load[b.at[i]]
			f.state, f.out = tried, out
			switch out.Kind {
			case gateway.Delivered, gateway.Untranslatable, gateway.Echoed:
			default:
				f.lane.held = true
				over = over || out.Kind == gateway.Retry || out.Kind == gateway.Misconfigured
			}
		}
		if over {
			break
		}
		if split {
			halvings--
			mid := b.at[(len(outs)+1)/2]
			b.parts = append(b.parts, part{mid, b.at[len(outs)-1] + 1}, part{b.at[0], mid})
		}
	}
	clear(b.evs)
}

// goesOn reports whether a load that needs one more request may make it now.
func (r *runner) goesOn() bool {
	r.mu.Lock()
	on := !r.stopped && !r.resting && r.paused == "" && r.health.state == closed
	r.mu.Unlock()
	return on && (r.withheld == nil || r.withheld() == nil)
}

// collect finds the events of a part that may be tried now.
func (b *batch) collect(load []flight, p part) {
	b.evs, b.at = b.evs[:0], b.at[:0]
	for i := p.from; i < p.to; i++ {
		f := &load[i]
		switch {
		case f.lane.held, f.state == missing, f.item.letter != nil:
		case f.state == tried:
			// It could not be read: nothing of its lane overtakes it.
			f.lane.held = f.lane.held || f.item.ev == nil
		case f.item.ev == nil:
			f.lane.held = true
		default:
			b.evs, b.at = append(b.evs, f.item.ev), append(b.at, i)
		}
	}
}

// sendBatch makes one attempt for some of evs, from the first on.
func (r *runner) sendBatch(evs []*event.Event) (outs []gateway.Outcome) {
	defer func() {
		if p := recover(); p != nil {
			out := r.panicked(p)
			out.Together = len(evs)
			outs = make([]gateway.Outcome, len(evs))
			for i := range outs {
				outs[i] = out
			}
		}
	}()
	s := r.hold()
	defer s.leave()
	b, ok := s.Sender.(BatchSender)
	if !ok { // it was replaced while the batch was made
		return []gateway.Outcome{s.Send(r.ctx, evs[0], 0)}
	}
	outs = b.SendBatch(r.ctx, evs)
	if len(outs) == 0 || len(outs) > len(evs) {
		panic("a sender must say what became of the first events")
	}
	return outs
}

// note counts a request, if there was one, and remembers what it says about the
// size of batches.
func (r *runner) note(w *worker, outs []gateway.Outcome) {
	b := &w.batch
	for i, out := range outs {
		if out.Kind == gateway.Untranslatable || out.Kind == gateway.Echoed {
			continue
		}
		r.metrics.attempt(out, w.load[b.at[i]].item.ev)
		if len(w.said) > 0 {
			r.mu.Lock()
			r.spend(1) // a request beyond the first
			r.mu.Unlock()
		}
		w.said = append(w.said, said{out, b.at[i]})
		n := max(1, out.Together)
		switch {
		case out.Kind == gateway.Delivered:
			b.fits = max(b.fits, n)
		case out.Status == http.StatusRequestEntityTooLarge:
			b.tooLarge = n
		}
		return
	}
}

// refusedTogether reports whether several events were refused and any of them may
// be the reason.
func refusedTogether(outs []gateway.Outcome) bool {
	n := 0
	for _, out := range outs {
		if out.Together > 1 && out.Kind == gateway.Refused {
			n++
		}
	}
	return n > 1
}

// learn adapts the size of batches to what the endpoint takes: half of what was
// too large, and one more with each full batch that arrives. Call with mu.
func (r *runner) learn(w *worker) {
	b := &w.batch
	switch {
	case b.tooLarge > 1:
		r.most = b.tooLarge / 2
	case r.most > 0 && b.fits >= r.most:
		if r.most++; r.most >= r.Batch.Count {
			r.most = 0
		}
	}
	if b.fits > 0 {
		r.deliveredAt = r.now()
	}
	b.tooLarge, b.fits = 0, 0
}

// suspect bounds the company that an event may have from now on that failed in
// company; park is why it would be parked if it had been alone. An outage says
// nothing about an event; an endpoint that takes others, and an event that failed
// for long, do. Call with mu.
func (r *runner) suspect(it *item, out gateway.Outcome, park gateway.Reason) {
	switch {
	case out.Kind == gateway.Refused || park != gateway.ReasonNone:
		it.company = 1
		return
	case out.Kind != gateway.Retry:
		return
	}
	switch out.Reason {
	case gateway.ReasonStatus5xx, gateway.ReasonTimeout, gateway.ReasonReset, gateway.ReasonRefused, gateway.ReasonInternal:
		if r.deliveredAt.After(it.firstAt) || it.attempts > len(r.Retry.Fast) {
			it.company = max(1, out.Together/8)
		}
	default:
		// Names, addresses, certificates and quotas have nothing to do with events.
	}
}
