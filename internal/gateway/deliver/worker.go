package deliver

import (
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// worker is a goroutine that makes attempts; it takes lanes from ch.
type worker struct {
	ch    chan *lane
	since time.Time
}

// dispatch gives ready lanes to workers while there are any to spare. Call with
// mu.
func (r *runner) dispatch() {
	for r.running < r.Concurrency {
		l := r.take()
		if l == nil {
			return
		}
		// The worker that stopped last has the warmest stack.
		if n := len(r.idle); n > 0 {
			w := r.idle[n-1]
			r.idle = r.idle[:n-1]
			w.ch <- l
			continue
		}
		w := &worker{ch: make(chan *lane, 1)}
		w.ch <- l
		r.workers++
		r.wg.Go(func() { r.work(w) })
	}
}

// take returns the next lane to run, with its head copied to current, or nil
// when nothing may run now. Call with mu.
func (r *runner) take() *lane {
	if r.stopped || r.resting || r.paused != "" {
		return nil
	}
	for {
		l := r.ready.pop()
		if l == nil {
			return nil
		}
		if len(l.queue) == 0 {
			continue // all of it expired while it stood in line
		}
		l.state = laneRunning
		r.running++
		if l.queue[0].firstAt.IsZero() {
			l.queue[0].firstAt = r.now()
		}
		l.current = l.queue[0]
		return l
	}
}

// next returns the worker's next lane, or sets the worker aside. Call with mu.
func (r *runner) next(w *worker) *lane {
	r.running--
	r.tellQuiet()
	if r.running < r.Concurrency {
		if l := r.take(); l != nil {
			return l
		}
	}
	if r.stopped {
		close(w.ch)
		r.workers--
		return nil
	}
	w.since = r.now()
	r.idle = append(r.idle, w)
	return nil
}

// work makes attempts until the worker is let go.
func (r *runner) work(w *worker) {
	for l := range w.ch {
		for l != nil {
			out, ok := r.attempt(l)
			r.mu.Lock()
			r.settle(l, out, ok)
			l = r.next(w)
			r.mu.Unlock()
		}
	}
}

// retire lets idle workers go that had nothing to do since t. Call with mu.
func (r *runner) retire(t time.Time) {
	n := 0
	for n < len(r.idle) && r.idle[n].since.Before(t) {
		close(r.idle[n].ch)
		n++
	}
	if n > 0 {
		r.workers -= n
		r.idle = append(r.idle[:0], r.idle[n:]...)
	}
}

// attempt makes one attempt for the head of a running lane. ok is false when the
// event is no longer in the journal.
func (r *runner) attempt(l *lane) (out gateway.Outcome, ok bool) {
	defer func() {
		if p := recover(); p != nil {
			r.log.Error("attempt panicked", "endpoint", r.id, "panic", p, "stack", string(debug.Stack()))
			out, ok = gateway.Outcome{Kind: gateway.Refused, Reason: gateway.ReasonInternal, Detail: fmt.Sprintf("internal error: %v", p)}, true
		}
	}()
	it := &l.current
	if it.letter != nil {
		return gateway.Outcome{}, true // settle parks it
	}
	if it.ev == nil {
		ev, err := r.load(it.pos)
		if err != nil {
			if r.ctx.Err() != nil {
				return gateway.Outcome{Kind: gateway.Retry, Reason: gateway.ReasonCancelled}, true
			}
			return gateway.Outcome{Kind: gateway.Retry, Reason: gateway.ReasonInternal, Detail: err.Error()}, true
		}
		if ev == nil {
			return gateway.Outcome{}, false
		}
		it.ev = ev
		r.mu.Lock()
		l.queue[0].ev = ev
		r.loaded++
		r.loadedBytes += len(ev.Raw.Body)
		r.mu.Unlock()
	}
	s := r.hold()
	defer s.leave()
	return s.Send(r.ctx, it.ev, it.sent), true
}

// load reads one event again; nil when the journal no longer has it.
func (r *runner) load(pos gateway.Pos) (*event.Event, error) {
	page, err := r.journal.Page(r.ctx, pos.Seq())
	switch {
	case errors.Is(err, gateway.ErrNoPage):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("reading page %d: %w", pos.Seq(), err)
	case page.Seq != pos.Seq() || pos.Index() >= len(page.Events):
		return nil, nil
	}
	return detach(page.Events[pos.Index()]), nil
}
