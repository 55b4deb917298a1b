package deliver

import (
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// eagerOpen is how many open events are read again before an endpoint runs. One
// that has more, as a dead endpoint with its backlog, leaves them to its reader: a
// start must not wait for hundreds of thousands of them.
const eagerOpen = 1000

// leaveForLater makes the reader take p's open events instead of restore: they are
// known, and the events between them, up to where the endpoint had read, are
// finished. Call with mu.
func (r *runner) leaveForLater(p position, until gateway.Pos) {
	r.again, r.until, r.live = p.Open, until, false
	if len(p.Open) > 0 {
		r.read = min(p.Open[0].Pos-1, until)
	}
}

// takeAgain enqueues the event at pos if it is one of those that were left for
// later. Call with mu.
func (r *runner) takeAgain(pos gateway.Pos, page *gateway.Page) bool {
	if len(r.again) == 0 || r.again[0].Pos != pos {
		return false
	}
	o, ev := r.again[0], eventAt(page, pos)
	r.again = r.again[1:]
	if ev == nil {
		r.metrics.expired.Inc()
		r.tellExpired(pos, nil)
		return true
	}
	r.enqueue(r.laneKey(ev, pos), item{pos: pos, ev: ev, attempts: o.Attempts, sent: o.Sent, firstAt: o.FirstAt, dueAt: o.DueAt})
	r.collect()
	return true
}

// missAgain counts what was left for later below pos and is not in the journal any
// more. Call with mu.
func (r *runner) missAgain(pos gateway.Pos) {
	n := 0
	for n < len(r.again) && r.again[n].Pos < pos {
		r.tellExpired(r.again[n].Pos, nil)
		n++
	}
	if n > 0 {
		r.again = r.again[n:]
		r.metrics.expired.Add(float64(n))
		r.dirty = true
	}
}

// passAgain moves on from what holds nothing for the endpoint to the next event
// that was left for later, or past all of them. Call with mu.
func (r *runner) passAgain() {
	switch {
	case r.until == 0:
	case len(r.again) > 0 && r.again[0].Pos <= r.until:
		r.read = max(r.read, r.again[0].Pos-1)
	default:
		// What is left went ahead, and others wait before it.
		r.read = max(r.read, r.until)
		r.until = 0
	}
}

// readUpTo is up to where everything was looked at, before a restart or since.
// Call with mu.
func (r *runner) readUpTo(tail gateway.Pos) gateway.Pos { return max(r.effective(tail), r.until) }

// missAll counts what was left for later when there is nothing more in the journal
// from page seq on. False means that it is not over yet.
func (r *runner) missAll(seq uint64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.held || r.stopped || r.wentBack(seq) {
		return false // it is somebody else's to count
	}
	r.missAgain(^gateway.Pos(0))
	r.passAgain()
	return true
}

// eventAt is the event at pos of its page; nil when it is not there.
func eventAt(page *gateway.Page, pos gateway.Pos) *event.Event {
	if page.Seq != pos.Seq() || pos.Index() >= len(page.Events) {
		return nil
	}
	return page.Events[pos.Index()]
}
