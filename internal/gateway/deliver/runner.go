package deliver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// Bounds of what one endpoint holds in memory. Past maxLoaded it falls behind
// the tail and reads on by itself when it is down to half; past maxOpen it reads
// no further at all.
const (
	maxLoaded      = 4096
	maxLoadedBytes = 16 << 20
	maxOpen        = 200_000
	// keepShared is how many events in memory may be parts of their page, which
	// then stays whole; those beyond are copied out.
	keepShared = 64
	// idleWorker is how long a worker without work is kept.
	idleWorker = 5 * time.Second
)

// runner runs one endpoint: its lanes, its workers, its position.
type runner struct {
	Endpoint
	id      string
	journal Journal
	now     func() time.Time
	log     *slog.Logger
	metrics endpointMetrics

	ctx  context.Context //nolint:containedctx // from Start until attempts shall be cut short
	wg   sync.WaitGroup
	wake chan struct{} // tells the catch-up reader that there is room

	// mu guards the following.
	mu      sync.Mutex
	lanes   map[event.Lane]*lane
	ready   ready
	waiting waiting
	timer   *time.Timer
	timerAt time.Time
	// open events: all, those with their event in memory, and their bytes.
	open        int
	loaded      int
	loadedBytes int
	running     int
	idle        []*worker
	workers     int
	// read is the position up to which everything was looked at. While live, the
	// tail's position counts as well.
	read gateway.Pos
	live bool
	// sated is true from when the endpoint was full until it is roomy again, so
	// that it does not change between tail and catch-up with every event.
	sated bool
	// expireBelow is the page sequence below which the backlog expires.
	expireBelow uint64
	dirty       bool
	stopped     bool
	// paused is why no attempt is made; empty when they are.
	paused    string
	lastError string
	// failingAt is when the endpoint began to fail, zero while it takes events;
	// saidAt is when the operator was last told.
	failingAt time.Time
	saidAt    time.Time
}

// worker is a goroutine that makes attempts; it takes lanes from ch.
type worker struct {
	ch    chan *lane
	since time.Time
}

// laneKey is the lane of ev under the endpoint's order.
func (r *runner) laneKey(ev *event.Event, pos gateway.Pos) event.Lane {
	switch r.Order {
	case OrderStrict:
		return ""
	case OrderNone:
		return event.Lane(fmt.Sprintf("#%d", pos))
	default:
		return ev.Lane
	}
}

// offer hands the event at pos to a live endpoint. It never blocks: an endpoint
// that holds too much stops being live and reads on by itself, after being
// reported through lag. So does one that was stopped while the tail handed out a
// page, after the next start: the tail's position will be past what it got.
func (r *runner) offer(pos gateway.Pos, ev *event.Event, lag func(*runner)) {
	r.mu.Lock()
	if !r.live || pos <= r.read {
		r.mu.Unlock()
		return
	}
	if r.stopped || r.full() {
		r.live, r.sated = false, true
		r.read = pos - 1
		r.dirty = true
		r.mu.Unlock()
		lag(r)
		return
	}
	r.push(pos, ev)
	r.mu.Unlock()
}

// full reports whether reading on must wait. Call with mu.
func (r *runner) full() bool {
	return r.loaded >= maxLoaded || r.loadedBytes >= maxLoadedBytes || r.open >= maxOpen
}

// roomy reports whether a reader that waited may go on. Call with mu.
func (r *runner) roomy() bool {
	return r.loaded < maxLoaded/2 && r.loadedBytes < maxLoadedBytes/2 && r.open < maxOpen/2
}

// push appends an event to its lane. Call with mu.
func (r *runner) push(pos gateway.Pos, ev *event.Event) {
	r.read = pos
	r.metrics.matched.Inc()
	r.enqueue(r.laneKey(ev, pos), item{pos: pos, ev: ev})
}

// enqueue puts an item at the end of its lane and lets it run. Call with mu.
func (r *runner) enqueue(key event.Lane, it item) {
	r.dirty = true
	r.open++
	if it.ev != nil {
		if r.loaded >= keepShared {
			it.ev = detach(it.ev)
		}
		r.loaded++
		r.loadedBytes += len(it.ev.Raw.Body)
	}
	l := r.lanes[key]
	if l == nil {
		l = &lane{key: key}
		l.queue = append(l.queue, it)
		r.lanes[key] = l
		if it.dueAt.After(r.now()) {
			r.wait(l, it.dueAt)
		} else {
			r.makeReady(l)
		}
		return
	}
	if l.state == laneWaiting && len(l.queue) > keepLoaded {
		r.unload(&it)
	}
	l.queue = append(l.queue, it)
}

// detach copies envelope and raw request out of a page. Bodies that were decoded
// stay behind: they are read again when the event is sent.
func detach(ev *event.Event) *event.Event {
	c := &event.Event{
		ID: ev.ID, App: ev.App, Source: ev.Source, Type: ev.Type, Phase: ev.Phase, Time: ev.Time,
		Dialect: ev.Dialect, Generation: ev.Generation, Command: ev.Command, Trace: ev.Trace,
		Lane: ev.Lane, Links: ev.Links, Dedupe: ev.Dedupe, Echo: ev.Echo, Raw: ev.Raw,
	}
	c.Raw.Body = bytes.Clone(ev.Raw.Body)
	return c
}

// unload lets go of an event that can be read again. Call with mu.
func (r *runner) unload(it *item) {
	if it.ev != nil {
		r.loaded--
		r.loadedBytes -= len(it.ev.Raw.Body)
		it.ev = nil
	}
}

// makeReady lets a worker take the lane. Call with mu.
func (r *runner) makeReady(l *lane) {
	l.state = laneReady
	r.ready.push(l)
	r.dispatch()
}

// wait holds the lane until t. Call with mu.
func (r *runner) wait(l *lane, t time.Time) {
	l.state = laneWaiting
	l.dueAt = t
	l.queue[0].dueAt = t
	for i := keepLoaded; i < len(l.queue); i++ {
		r.unload(&l.queue[i])
	}
	r.waiting.add(l)
	r.arm()
	r.nudgeIfRoomy()
}

// arm sets the timer to the earliest due lane. Call with mu.
func (r *runner) arm() {
	if len(r.waiting) == 0 || r.stopped {
		return
	}
	due := r.waiting[0].dueAt
	if !r.timerAt.IsZero() && !due.Before(r.timerAt) {
		return
	}
	r.timerAt = due
	d := max(0, due.Sub(r.now()))
	if r.timer == nil {
		r.timer = time.AfterFunc(d, r.due)
		return
	}
	r.timer.Reset(d)
}

// due makes the lanes ready whose time has come.
func (r *runner) due() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.timerAt = time.Time{}
	now := r.now()
	for len(r.waiting) > 0 && !r.waiting[0].dueAt.After(now) {
		l := r.waiting[0]
		r.waiting.remove(l)
		r.makeReady(l)
	}
	r.arm()
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
	if r.stopped || r.paused != "" {
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
	if l := r.take(); l != nil {
		return l
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
	return r.Sender.Send(r.ctx, it.ev, it.sent), true
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
		// Parking writes to the journal, which may block: the lane stays running
		// meanwhile.
		letter := gateway.DeadLetter{
			Endpoint: r.id, Pos: it.pos, Event: l.current.ev, Reason: why, Detail: out.Detail,
			Attempts: it.attempts, FirstAt: it.firstAt, At: r.now(), Exchange: out.Exchange,
		}
		r.mu.Unlock()
		err := r.park(letter)
		r.mu.Lock()
		if err != nil {
			// Not parked means not finished.
			r.wait(l, r.now().Add(time.Second))
			return
		}
		r.metrics.parked(why)
		r.finish(l)
	}
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

// nudgeIfRoomy wakes a catch-up reader that waited for room. Call with mu,
// wherever events leave memory.
func (r *runner) nudgeIfRoomy() {
	if r.sated && r.roomy() {
		r.nudge()
	}
}

// nudge wakes the catch-up reader.
func (r *runner) nudge() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
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
	if r.paused == "" {
		r.paused = why
		r.log.Warn("endpoint paused", "endpoint", r.id, "why", why)
	}
}

// resume lets attempts go on. Call with mu.
func (r *runner) resume() {
	r.paused = ""
	r.dispatch()
}

// halt stops new attempts; workers leave as they finish.
func (r *runner) halt() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stopped = true
	if r.timer != nil {
		r.timer.Stop()
	}
	r.retire(r.now().Add(time.Hour))
	r.nudge()
}

// oldest is the first open position, or the first that was not looked at.
// tail is how far the tail has read. Call with mu.
func (r *runner) oldest(tail gateway.Pos) gateway.Pos {
	first := r.effective(tail) + 1
	for _, l := range r.lanes {
		first = min(first, l.queue[0].pos)
	}
	return first
}

// effective is up to where everything was looked at. Call with mu.
func (r *runner) effective(tail gateway.Pos) gateway.Pos {
	if r.live {
		return max(r.read, tail)
	}
	return r.read
}

// position is the durable state. Call with mu.
func (r *runner) position() position {
	p := position{Read: r.read, Live: r.live, Open: make([]openEvent, 0, r.open)}
	for _, l := range r.lanes {
		for _, it := range l.queue {
			p.Open = append(p.Open, openEvent{Pos: it.pos, Attempts: it.attempts, Sent: it.sent, FirstAt: it.firstAt, DueAt: it.dueAt})
		}
	}
	return p
}
