package deliver

import (
	"fmt"
	"time"

	"github.com/imhook/imhook/internal/gateway"
)

// unreadAgain is when an event is tried again that could not be read or sent for a
// reason of ours.
const unreadAgain = 250 * time.Millisecond

// settle applies what became of a load to its lanes. Call with mu.
func (r *runner) settle(w *worker) {
	r.dirty = true
	r.judge(w)
	if r.batches() {
		r.learn(w)
	}
	var again shared
	for i := 0; i < len(w.load); {
		l := w.load[i].lane
		passed := true
		for ; i < len(w.load) && w.load[i].lane == l; i++ {
			passed = passed && r.settleHead(l, &w.load[i], &again)
		}
		if l.state != laneRunning {
			continue // it waits
		}
		l.flying = 0
		if len(l.queue) == 0 {
			delete(r.lanes, l.key)
			continue
		}
		// The next one may have failed before, in a lane of another order.
		r.unblock(l)
		if due := l.queue[0].dueAt; !due.IsZero() && due.After(r.now()) {
			r.wait(l, due)
			continue
		}
		r.makeReady(l)
		if !passed {
			l.readyAt = time.Time{} // its head has stood in line before
		}
	}
	r.nudgeIfRoomy()
	r.fetchAfter(w.load)
}

// shared is when the events come back that failed together: all at once, since
// that is one request, and apart from those of other requests.
type shared struct {
	attempts int
	at       time.Time
}

// settleHead applies what became of the head of a running lane. False means that
// the event is still open, and that nothing behind it counts: what a batch brought
// past it is sent again after it, so that the lane stays in order. Call with mu.
func (r *runner) settleHead(l *lane, f *flight, again *shared) bool {
	it, out := &l.queue[0], f.out
	if f.line != nil && f.line != r.line.Load() {
		out.Sent = 0 // what the sender before got through is not with the one that is next
	}
	switch {
	case f.state == missing:
		r.metrics.expired.Inc()
		r.tellExpired(it.pos, nil)
		r.finish(l)
		return true
	case f.item.letter != nil:
		letter := *f.item.letter
		if letter.Event == nil {
			letter.Event = f.item.ev // it was not in memory then
		}
		return r.parkHead(l, letter)
	case f.state == untried:
		return false
	case out.Reason == gateway.ReasonCancelled:
		// Stopping: the event stays open and the attempt does not count.
		it.sent = max(it.sent, out.Sent)
		return false
	case f.item.ev == nil:
		// The journal could not be read, or nothing may be sent now: that says nothing
		// about the endpoint.
		r.lastError = out.Detail
		r.wait(l, r.now().Add(unreadAgain))
		return false
	}
	it.sent = max(it.sent, out.Sent)
	switch out.Kind {
	case gateway.Delivered:
		r.metrics.delivers()
		r.lastError = ""
		if !r.failingAt.IsZero() {
			r.recovered()
		}
		r.settledAt(it.pos)
		r.finish(l)
		return true
	case gateway.Untranslatable:
		if r.keepsUnsaid() {
			return r.parkHead(l, r.unsaid(f))
		}
		r.metrics.untranslatable(f.item.ev.Type)
		r.finish(l)
		return true
	case gateway.Echoed:
		if r.keepsUnsaid() {
			return r.parkHead(l, r.unsaid(f))
		}
		r.metrics.echoes.Inc()
		r.finish(l)
		return true
	default:
		return r.fail(l, f, again)
	}
}

// fail applies a failure to the head of a running lane. An event is parked only
// after an attempt of its own. Call with mu.
func (r *runner) fail(l *lane, f *flight, again *shared) bool {
	it, out := &l.queue[0], f.out
	r.lastError = out.Detail
	if r.vendor != nil && !isOurs(out) {
		return r.failAsVendor(l, f)
	}
	r.failing(out)
	if f.excused && blamed(out).weight > 0 && !r.outlived(it, out) {
		r.excuse(l)
		return false
	}
	l.outage = blamed(out).weight > 0 && !r.suspects(f)
	l.passes = r.health.passes
	it.attempts++
	if out.Pause {
		r.pause("endpoint answered that it is gone (410)")
	}
	now := r.now()
	delay, why := r.Retry.next(out, it.attempts, now.Sub(it.firstAt))
	if out.Together > 1 {
		r.suspect(it, out, why)
		if why != gateway.ReasonNone {
			delay = jitter(time.Second)
		}
		if again.attempts != it.attempts {
			*again = shared{attempts: it.attempts, at: now.Add(delay)}
		}
		r.wait(l, again.at)
		return false
	}
	if why == gateway.ReasonNone {
		r.wait(l, now.Add(delay))
		return false
	}
	if r.OnPoison == PoisonBlock {
		r.block(l, why, out)
		return false
	}
	return r.parkHead(l, gateway.DeadLetter{
		Endpoint: r.id, Pos: it.pos, Event: f.item.ev, Reason: why, Detail: out.Detail,
		Attempts: it.attempts, FirstAt: it.firstAt, At: now, Exchange: out.Exchange, Repeat: r.repeat,
	})
}

// parkHead sets the head of a running lane aside. Writing the dead letter may
// block, so it is done without mu, and the lane stays running meanwhile. Not
// parked means not finished: only the parking is tried again then, the endpoint
// has said what it has to say. Call with mu.
func (r *runner) parkHead(l *lane, letter gateway.DeadLetter) bool {
	r.mu.Unlock()
	err := r.park(letter)
	r.mu.Lock()
	r.dirty = true // the position may have been saved in between
	if err != nil {
		l.queue[0].letter = &letter
		r.wait(l, r.now().Add(time.Second))
		return false
	}
	r.metrics.parked(letter.Reason)
	r.settledAt(letter.Pos)
	r.finish(l)
	return true
}

// park sets an event aside as a dead letter.
func (r *runner) park(letter gateway.DeadLetter) error {
	ev := letter.Event
	if ev == nil {
		return fmt.Errorf("parking position %d: the event could not be read", letter.Pos)
	}
	if err := r.journal.Park(r.ctx, letter); err != nil {
		r.log.Error("parking failed", "endpoint", r.id, "event", ev.ID, "err", err)
		return err
	}
	r.log.Warn("event parked", "endpoint", r.id, "event", ev.ID, "type", ev.Type, "lane", ev.Lane,
		"reason", letter.Reason, "attempts", letter.Attempts, "detail", letter.Detail)
	return nil
}

// finish takes the head off a running lane. Call with mu.
func (r *runner) finish(l *lane) {
	r.unload(&l.queue[0])
	r.open--
	l.flying--
	l.pop()
}

// sayFailing is how often a failing endpoint is spoken of.
const sayFailing = time.Minute

// failing tells the operator that the endpoint does not take events. Call with
// mu.
func (r *runner) failing(out gateway.Outcome) {
	now := r.now()
	if r.failingAt.IsZero() {
		r.failingAt = now
	}
	if now.Sub(r.saidAt) < sayFailing {
		return
	}
	r.saidAt = now
	r.log.Warn("endpoint does not take events, they are kept and tried again", "endpoint", r.id,
		"reason", out.Reason, "detail", out.Detail, "since", r.failingAt.UTC(), "open", r.open)
}

// recovered tells the operator that the endpoint takes events again, if it was
// said that it did not. Call with mu.
func (r *runner) recovered() {
	if !r.saidAt.Before(r.failingAt) {
		r.log.Info("endpoint takes events again", "endpoint", r.id, "after", r.now().Sub(r.failingAt))
	}
	r.failingAt = time.Time{}
}
