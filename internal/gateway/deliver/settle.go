package deliver

import (
	"fmt"
	"time"

	"github.com/imhook/imhook/internal/gateway"
)

// settle applies the outcome of an attempt to its lane. Call with mu.
func (r *runner) settle(l *lane, out gateway.Outcome, found bool) {
	it := &l.queue[0]
	r.dirty = true
	switch {
	case !found:
		r.metrics.expired.Inc()
		r.finish(l)
		return
	case out.Reason == gateway.ReasonCancelled:
		it.sent = max(it.sent, out.Sent)
		// Stopping: the event stays open and the attempt does not count.
		r.makeReady(l)
		return
	case l.current.letter != nil:
		r.parkHead(l, *l.current.letter)
		return
	case l.current.ev == nil:
		// The journal could not be read: that says nothing about the endpoint.
		r.lastError = out.Detail
		r.wait(l, r.now().Add(time.Second))
		return
	}
	r.metrics.attempt(out)
	it.sent = max(it.sent, out.Sent)
	switch out.Kind {
	case gateway.Delivered:
		r.metrics.delivered.Inc()
		r.lastError = ""
		if !r.failingAt.IsZero() {
			r.recovered()
		}
		r.finish(l)
	case gateway.Untranslatable:
		r.metrics.untranslatable(l.current.ev.Type)
		r.finish(l)
	case gateway.Echoed:
		r.metrics.echoes.Inc()
		r.finish(l)
	default:
		it.attempts++
		r.lastError = out.Detail
		r.failing(out)
		if out.Pause {
			r.pause("endpoint answered that it is gone (410)")
		}
		delay, why := r.Retry.next(out, it.attempts, r.now().Sub(it.firstAt))
		if why == gateway.ReasonNone {
			r.wait(l, r.now().Add(delay))
			return
		}
		r.parkHead(l, gateway.DeadLetter{
			Endpoint: r.id, Pos: it.pos, Event: l.current.ev, Reason: why, Detail: out.Detail,
			Attempts: it.attempts, FirstAt: it.firstAt, At: r.now(), Exchange: out.Exchange,
		})
	}
}

// parkHead sets the head of a running lane aside. Writing the dead letter may
// block, so it is done without mu, and the lane stays running meanwhile. Not
// parked means not finished: only the parking is tried again then, the endpoint
// has said what it has to say. Call with mu.
func (r *runner) parkHead(l *lane, letter gateway.DeadLetter) {
	r.mu.Unlock()
	err := r.park(letter)
	r.mu.Lock()
	if err != nil {
		l.queue[0].letter = &letter
		r.wait(l, r.now().Add(time.Second))
		return
	}
	r.metrics.parked(letter.Reason)
	r.finish(l)
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

// finish takes the head off its lane and lets the next one run. Call with mu.
func (r *runner) finish(l *lane) {
	l.current = item{}
	r.unload(&l.queue[0])
	r.open--
	l.pop()
	if len(l.queue) == 0 {
		delete(r.lanes, l.key)
	} else {
		r.makeReady(l)
	}
	r.nudgeIfRoomy()
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

// pause stops attempts until resume. Call with mu.
func (r *runner) pause(why string) {
	if why == "" {
		why = "no reason was given"
	}
	if r.paused == "" {
		r.paused = why[:min(len(why), maxPaused)]
		r.dirty = true
		r.log.Warn("endpoint paused", "endpoint", r.id, "why", why)
	}
}

// resume lets attempts go on. Call with mu.
func (r *runner) resume() {
	r.paused = ""
	r.dirty = true
	r.dispatch()
}
