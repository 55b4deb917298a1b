package deliver

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// Bounds of what one endpoint holds in memory. Past maxLoaded it falls behind
// the tail and reads on by itself when it is down to half; past maxOpen it reads
// no further at all. A quarter of each is left to what goes ahead of its reader.
const (
	maxLoaded      = 4096
	maxLoadedBatch = 4 * maxLoaded // where they are sent in batches, and so sooner
	maxLoadedBytes = 16 << 20
	maxOpen        = 32_768
	// maxLanes is how many lanes there may be: the events of those that wait are not
	// in memory when there are many, and nearly all of them wait then.
	maxLanes = 32_768
	// keepPages is of how many pages the events in memory may be parts, which then
	// stay whole; those of other pages are copied out.
	keepPages = 32
	// idleWorker is how long a worker without work is kept.
	idleWorker = 5 * time.Second
)

// limits are maxLoaded, maxOpen, rewindFrom and maxFollowers, but in tests.
type limits struct{ loaded, open, rewind, followers int }

// runner runs one endpoint: its lanes, its workers, its position.
type runner struct {
	// Endpoint is guarded by mu once the runner runs, but for App and Name, which
	// never change. Attempts take the sender from line.
	Endpoint
	line     atomic.Pointer[line]
	id       string
	limits   limits
	journal  Journal
	withheld func() error // Config.Held
	lag      func(*runner)
	patience time.Duration // how long restore waits for a page
	fetch    func(*runner)
	now      func() time.Time
	log      *slog.Logger
	metrics  endpointMetrics
	attempts Attempts // Config.Attempts
	watches  *watches

	// guest is not nil where the runner is a run's, repeat what the run does.
	guest  *guest
	repeat event.Repeat

	ctx  context.Context //nolint:containedctx // from Start until attempts shall be cut short
	wg   sync.WaitGroup
	wake chan struct{} // tells the catch-up reader that there is room
	leaf leaf

	// mu guards the following.
	mu      sync.Mutex
	lanes   map[event.Lane]*lane
	ready   turns
	waiting waiting
	timer   *time.Timer
	timerAt time.Time
	// open events: all, those with their event in memory, and their bytes.
	open        int
	loaded      int
	loadedBytes int
	// freshLoaded and freshBytes are of those in memory that are fresh.
	freshLoaded int
	freshBytes  int
	// shared counts the events in memory that are parts of their page, by page.
	shared  map[uint64]int
	running int
	// guests are the attempts in flight that runs make at the endpoint.
	guests  int
	idle    []*worker
	workers int
	// read is the position up to which everything was looked at. While live, the
	// tail's position counts as well.
	read gateway.Pos
	// again are open events from before a restart that were not read again yet, in
	// order, and until is how far the endpoint had read then; zero when there are
	// none.
	again []openEvent
	until gateway.Pos
	live  bool
	ahead ahead
	left  left
	// mixed is up to where events were judged by another rule than now, or in another
	// order: of those, what was open is known one by one.
	mixed gateway.Pos
	// sated is true from when the endpoint was full until it is roomy again, so
	// that it does not change between tail and catch-up with every event.
	sated bool
	// expireBelow is the page sequence below which the backlog expires.
	expireBelow uint64
	dirty       bool
	stopped     bool
	// held is true while nothing may be read: what the endpoint picks is changing.
	// resting is true while no attempt may begin; quiet, if it is set, is closed
	// when none is in flight any more.
	held    bool
	resting bool
	quiet   chan struct{}
	// reading is true while the endpoint has a catch-up reader.
	reading bool
	// missing counts open events that the journal no longer had at the last
	// restore, until they are counted as expired.
	missing int
	// through are dead letters, by their events, that arrived or were parked anew and
	// are not taken away yet.
	through []gateway.Pos
	// removed is set when the endpoint is not configured any more.
	removed removal
	// undispatched counts the events that were taken in since the last dispatch,
	// where events are sent in batches.
	undispatched int
	// most bounds a batch below what is configured after the endpoint found one too
	// large; zero means no such bound.
	most int
	// lingering fires when a batch has waited long enough for more.
	lingering   *time.Timer
	lingeringAt time.Time
	// deliveredAt is when an event was last delivered.
	deliveredAt time.Time
	health      health
	ramp        ramp
	// vendor is not nil where the endpoint delivers as a vendor does, parking counts the
	// workers that set aside what the vendor loses.
	vendor  *vendor
	parking int
	// windows are whose state is held, by key.
	windows map[string]window
	// probing lets one event through an open breaker, refilled lets attempts begin
	// that waited for the rate.
	probing, refilled alarm
	// bucket is the rate; nil when it has none. flying counts the events in flight,
	// flyingBytes are theirs.
	bucket      *rate.Limiter
	flying      int
	flyingBytes int64
	pace        pace
	// paused is why no attempt is made; empty when they are. It ends by itself at
	// pausedUntil, if that is set.
	paused      string
	pausedUntil time.Time
	// pausedLanes are the conversations that are held.
	pausedLanes map[event.Lane]Pause
	lastError   string
	// failingAt is when the endpoint began to fail, zero while it takes events;
	// saidAt is when the operator was last told.
	failingAt time.Time
	saidAt    time.Time
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
// reported through lag; from then on some events may still go ahead of its reader. So
// does one that was stopped while the tail handed out a page, after the next start:
// the tail's position will be past what it got. flush is true when the endpoint must
// be flushed after the page.
func (r *runner) offer(pos gateway.Pos, ev *event.Event, lag func(*runner)) (flush bool) {
	r.mu.Lock()
	if !r.live {
		flush = r.offerAhead(pos, ev)
		r.mu.Unlock()
		return flush
	}
	if pos <= r.read {
		r.mu.Unlock()
		return false
	}
	if r.stopped || r.full() {
		r.fallBehind(pos)
		flush = r.offerAhead(pos, ev)
		r.mu.Unlock()
		lag(r)
		return flush
	}
	r.read = pos
	r.takeIn(pos, ev, true)
	// Once for a page, but again after a full batch was sent.
	flush = r.undispatched == 1
	r.mu.Unlock()
	return flush
}

// flush sends what was taken in, where events are sent in batches. Call with mu,
// after each page.
func (r *runner) flush() {
	if r.undispatched > 0 {
		r.undispatched = 0
		r.dispatch()
	}
}

// full reports whether reading on must wait. Call with mu.
func (r *runner) full() bool {
	return r.loaded >= r.room() || r.loadedBytes >= maxLoadedBytes || r.open >= r.limits.open || len(r.lanes) >= maxLanes
}

// readFull reports whether a reader behind the tail must wait. Call with mu.
func (r *runner) readFull() bool {
	return r.full() || r.loaded-r.freshLoaded >= r.room()-r.room()/4 || r.loadedBytes-r.freshBytes >= maxLoadedBytes-maxLoadedBytes/4
}

// pressed reports whether lanes that wait shall keep none of their events in
// memory: they must not take the room of those that go on. Call with mu.
func (r *runner) pressed() bool {
	return r.loaded >= r.room()/4 || r.loadedBytes >= maxLoadedBytes/4
}

// room is how many events may be in memory. Call with mu.
func (r *runner) room() int {
	if r.batches() {
		return maxLoadedBatch / maxLoaded * r.limits.loaded
	}
	return r.limits.loaded
}

// roomy reports whether a reader that waited may go on: of what it read half of the
// room is free, however much goes ahead of it. Call with mu.
func (r *runner) roomy() bool {
	return r.loaded-r.freshLoaded < r.room()/2 && r.loaded < r.room()*3/4 &&
		r.loadedBytes-r.freshBytes < maxLoadedBytes/2 && r.loadedBytes < maxLoadedBytes*3/4 &&
		r.open < r.limits.open/2 && len(r.lanes) < maxLanes-maxLoaded
}

// takeIn appends an event to its lane; fresh is one that came with the tail. Call with
// mu.
func (r *runner) takeIn(pos gateway.Pos, ev *event.Event, fresh bool) {
	it := item{pos: pos, ev: ev}
	if fresh {
		it.age = r.ready.age
	}
	r.metrics.matched.Inc()
	r.enqueue(r.laneKey(ev, pos), it)
	r.collect()
}

// collect notes that an event was taken in, which waits for [runner.flush] where
// events are sent in batches. Call with mu.
func (r *runner) collect() {
	if r.batches() {
		r.undispatched++
		if r.undispatched >= r.Batch.Count {
			r.flush()
		}
	}
}

// enqueue puts an item at the end of its lane and lets it run. Call with mu.
func (r *runner) enqueue(key event.Lane, it item) {
	l := r.lanes[key]
	if (len(r.left.lanes) > 0 || l != nil && r.idles(l)) && r.leaves(l, key, &it) {
		return
	}
	if r.Coalesce.Window > 0 {
		if r.coalesce(key, &it) {
			return
		}
		l = r.lanes[key] // what it took the place of may have been all
	}
	r.dirty = true
	r.open++
	if it.ev != nil {
		it.size = len(it.ev.Raw.Body)
		if it.shared = r.share(it.pos.Seq()); !it.shared {
			it.ev = detach(it.ev)
		}
		r.weigh(&it, 1)
	}
	if l == nil {
		l = &lane{key: key}
		l.queue = append(l.queue, it)
		r.lanes[key] = l
		r.forgive(l)
		r.unblock(l)
		if due := l.queue[0].dueAt; due.After(r.now()) {
			r.wait(l, due)
			return
		}
		r.makeReady(l)
		if r.idles(l) && r.pressed() {
			r.lighten(l)
		}
		return
	}
	if r.idles(l) && (len(l.queue) > keepLoaded || r.pressed()) {
		r.unload(&it)
	}
	l.queue = append(l.queue, it)
}

// detach copies envelope and raw request out of a page. Bodies that were decoded
// stay behind: they are read again when the event is sent.
func detach(ev *event.Event) *event.Event {
	c := &event.Event{
		ID: ev.ID, App: ev.App, Source: ev.Source, Type: ev.Type, Phase: ev.Phase, Time: ev.Time,
		Dialect: ev.Dialect, Generation: ev.Generation, Command: ev.Command, Trace: ev.Trace, TraceState: ev.TraceState,
		Lane: ev.Lane, Links: ev.Links, Dedupe: ev.Dedupe, Echo: ev.Echo, Raw: ev.Raw,
	}
	c.Raw.Body = bytes.Clone(ev.Raw.Body)
	return c
}

// weigh counts an event that came into memory, or with n -1 one that leaves it. Call
// with mu.
func (r *runner) weigh(it *item, n int) {
	bytes := n * len(it.ev.Raw.Body)
	r.loaded += n
	r.loadedBytes += bytes
	if it.age == r.ready.age {
		r.freshLoaded += n
		r.freshBytes += bytes
	}
}

// unload lets go of an event that can be read again. Call with mu.
func (r *runner) unload(it *item) {
	if it.ev != nil {
		r.weigh(it, -1)
		it.ev = nil
	}
	if seq := it.pos.Seq(); it.shared {
		it.shared = false
		if r.shared[seq]--; r.shared[seq] == 0 {
			delete(r.shared, seq)
		}
	}
}

// share reports whether one event more may be a part of its page. Call with mu.
func (r *runner) share(seq uint64) bool {
	n, ok := r.shared[seq]
	if !ok && len(r.shared) >= keepPages {
		return false
	}
	r.shared[seq] = n + 1
	return true
}

// makeReady lets a worker take the lane. Call with mu.
func (r *runner) makeReady(l *lane) {
	if r.holds(l) {
		r.setAside(l)
		return
	}
	if r.vendor != nil {
		r.standAsVendor(l)
		return
	}
	l.state = laneReady
	r.ready.push(l)
	if !r.batches() {
		r.dispatch()
		return
	}
	// Whoever made it ready dispatches when all lanes are that become ready with
	// it: they travel together.
	l.readyAt = time.Time{}
	if r.Batch.Linger > 0 && l.queue[0].attempts == 0 {
		l.readyAt = r.now()
	}
}

// wait holds the lane until t. Call with mu.
func (r *runner) wait(l *lane, t time.Time) {
	l.state = laneWaiting
	l.flying = 0
	l.dueAt = t
	l.queue[0].dueAt = t
	r.lighten(l)
	r.trim(l)
	r.waiting.add(l)
	r.arm()
	r.nudgeIfRoomy()
}

// lighten lets go of events of a lane that does not go on for now. Call with mu.
func (r *runner) lighten(l *lane) {
	for i := range l.queue {
		// A dead letter that could not be written has its event in any case.
		if it := &l.queue[i]; i >= keepLoaded || it.letter == nil && r.pressed() {
			r.unload(it)
		}
	}
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
	if r.batches() {
		r.dispatch()
	}
	r.arm()
}

// nudgeIfRoomy wakes a catch-up reader that waited for room. Call with mu,
// wherever events leave memory.
func (r *runner) nudgeIfRoomy() {
	if r.sated && r.roomy() {
		r.nudge()
	}
	if r.left.starved && r.roomy() {
		r.fetchLeft()
	}
}

// nudge wakes the catch-up reader.
func (r *runner) nudge() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// halt stops new attempts; workers leave as they finish.
func (r *runner) halt() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stopped = true
	if r.timer != nil {
		r.timer.Stop()
	}
	if r.lingering != nil {
		r.lingering.Stop()
	}
	r.probing.stop()
	r.refilled.stop()
	r.vendor.stop()
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
	for _, ll := range r.left.lanes {
		first = min(first, ll.first)
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
	p := position{
		Read: max(r.read, r.until), Live: r.live, Open: make([]openEvent, 0, r.open+len(r.again)),
		Paused: r.paused, Until: r.pausedUntil, Lanes: r.heldLanes(), Health: r.durable(), Removed: r.removed,
	}
	for _, l := range r.lanes {
		for _, it := range l.queue {
			p.Open = append(p.Open, openEvent{Pos: it.pos, Attempts: it.attempts, Sent: it.sent, FirstAt: it.firstAt, DueAt: it.dueAt})
		}
	}
	p.Open = append(p.Open, r.again...)
	p.Ahead = r.aheadPart(p.Read)
	p.Vendor = r.vendor.record()
	p.Left = r.leftRecords()
	return p
}
