package deliver

import (
	"fmt"
	"runtime/debug"
	"time"

	"github.com/imhook/imhook/internal/gateway"
)

// worker is a goroutine that makes attempts, one load after the other.
type worker struct {
	// load is what it carries: one event, or the events of a batch, those of one
	// lane next to each other and in order. It belongs to the worker while that
	// works, and is guarded by runner.mu while it does not.
	load []flight
	// begin tells it that it was loaded; closed, that it is let go.
	begin chan struct{}
	since time.Time
	batch batch
	// host is the endpoint at which a run's worker has a place, while it works.
	host  *runner
	class class // whose turn it took
	// said is what the requests of the load met. probe is true when it decides about a
	// half-open breaker; cuts is what [ramp.cuts] was when it began, bytes how much it
	// carries.
	said  []said
	probe bool
	cuts  uint64
	bytes int64
	// parks is true while it sets aside what a vendor loses.
	parks bool
}

// flight is one event in flight.
type flight struct {
	lane *lane
	// item is a copy: the lane's queue may move when followers arrive.
	item  item
	state flightState
	// out is what became of it, when it was tried.
	out gateway.Outcome
	// line is what it was sent with, where it was sent singly.
	line *line
	// excused is true when a failure of the endpoint is no attempt of the event: the
	// endpoint was known to fail.
	excused bool
}

// flightState says what happened to a flight.
type flightState uint8

const (
	untried flightState = iota // it goes back to its lane as it came
	tried                      // out says what became of it
	missing                    // the journal no longer has it
)

// dispatch loads workers while there is something to try and somebody to spare.
// Call with mu.
func (r *runner) dispatch() {
	for r.spare() && r.inLine() {
		// The worker that stopped last has the warmest stack.
		if n := len(r.idle); n > 0 {
			w := r.idle[n-1]
			if !r.take(w) {
				return
			}
			r.idle = r.idle[:n-1]
			w.begin <- struct{}{}
			continue
		}
		w := &worker{begin: make(chan struct{}, 1)}
		if !r.take(w) {
			return
		}
		w.begin <- struct{}{}
		r.workers++
		r.wg.Go(func() { r.work(w) })
	}
}

// take loads the worker with what may be tried now; false when there is nothing.
// Call with mu.
func (r *runner) take(w *worker) bool {
	if r.stopped || r.resting || r.paused != "" || !r.admits() {
		return false
	}
	if r.guest != nil {
		return r.invite(w)
	}
	return r.load(w)
}

// load loads the worker. Call with mu.
func (r *runner) load(w *worker) bool {
	if r.vendor != nil {
		return r.loadAsVendor(w)
	}
	if w.batch.joined = r.batches(); w.batch.joined {
		return r.gather(w)
	}
	for {
		c, ok := r.turn()
		if !ok {
			return false
		}
		l := r.ready.pop(c)
		if len(l.queue) == 0 {
			continue // all of it expired while it stood in line
		}
		if !r.fits(l.queue[0].size) {
			r.ready.unpop(c, l)
			return false
		}
		r.occupy(w, c)
		r.board(w, l, 1, r.now)
		r.begins(w)
		return true
	}
}

// occupy counts a worker that takes its turn. Call with mu.
func (r *runner) occupy(w *worker, c class) {
	w.class = c
	r.running++
	r.ready.begin(c)
}

// board loads the first n events of a lane. Call with mu.
func (r *runner) board(w *worker, l *lane, n int, now func() time.Time) {
	l.state = laneRunning
	l.flying = n
	for i := range n {
		it := &l.queue[i]
		if it.firstAt.IsZero() {
			it.firstAt = now()
		}
		w.load = append(w.load, flight{lane: l, item: *it})
	}
}

// next loads the worker again, or sets it aside. Call with mu.
func (r *runner) next(w *worker) bool {
	clear(w.load)
	w.load = w.load[:0]
	r.running--
	r.ready.end(w.class)
	if w.parks {
		w.parks = false
		r.parking--
	}
	r.bidFarewell(w)
	r.tellQuiet()
	if r.spare() && r.take(w) {
		return true
	}
	if r.stopped {
		close(w.begin)
		r.workers--
		return false
	}
	w.since = r.now()
	r.idle = append(r.idle, w)
	return false
}

// work makes attempts until the worker is let go.
func (r *runner) work(w *worker) {
	for range w.begin {
		for more := true; more; {
			r.try(w)
			r.tell(w)
			r.watches.note(r.id, w.load, r.now)
			r.mu.Lock()
			r.settle(w)
			more = r.next(w)
			// More lanes than one batch takes may have become ready, and more attempts
			// than one may begin now.
			r.dispatch()
			r.mu.Unlock()
		}
	}
}

// retire lets idle workers go that had nothing to do since t. Call with mu.
func (r *runner) retire(t time.Time) {
	n := 0
	for n < len(r.idle) && r.idle[n].since.Before(t) {
		close(r.idle[n].begin)
		n++
	}
	if n > 0 {
		r.workers -= n
		r.idle = append(r.idle[:0], r.idle[n:]...)
	}
}

// try makes the attempts for a load.
func (r *runner) try(w *worker) {
	if r.withhold(w) {
		return
	}
	r.reread(w)
	if len(w.load) == 1 {
		if f := &w.load[0]; f.state == untried && f.item.letter == nil && (f.item.sent > 0 || !w.batch.joined) {
			f.state, f.out = tried, r.send(f)
			w.said = append(w.said, said{f.out, 0})
			r.metrics.attempt(f.out, f.item.ev)
			return
		}
	}
	r.tryBatch(w)
}

// withhold says that nothing may be sent now, and makes of a load what it would be
// if it could not be read.
func (r *runner) withhold(w *worker) bool {
	if r.withheld == nil {
		return false
	}
	err := r.withheld()
	if err == nil {
		return false
	}
	out := r.unread(err)
	for i := range w.load {
		f := &w.load[i]
		f.item.ev, f.state, f.out = nil, tried, out
	}
	return true
}

// send makes one attempt for one event.
func (r *runner) send(f *flight) (out gateway.Outcome) {
	defer func() {
		if p := recover(); p != nil {
			out = r.panicked(p)
		}
	}()
	s := r.hold()
	defer s.leave()
	f.line = s
	return s.Send(r.ctx, f.item.ev, f.item.sent)
}

// panicked is the outcome of a defect of ours: it concerns what was being sent.
func (r *runner) panicked(p any) gateway.Outcome {
	r.log.Error("attempt panicked", "endpoint", r.id, "panic", p, "stack", string(debug.Stack()))
	return gateway.Outcome{Kind: gateway.Refused, Reason: gateway.ReasonInternal, Detail: fmt.Sprintf("internal error: %v", p)}
}
