package deliver

import (
	"cmp"
	"container/heap"
	"time"

	"github.com/imhook/imhook/internal/gateway"
)

// said is what one request of a load met: its outcome, and the place in the load of
// the first event that shares it.
type said struct {
	out gateway.Outcome
	at  int
}

// alarm calls a function at a time; the earliest one that was set counts.
type alarm struct {
	timer *time.Timer
	at    time.Time
}

// set rings at t, or earlier if that was set before.
func (a *alarm) set(now, t time.Time, ring func()) {
	if !a.at.IsZero() && !t.Before(a.at) {
		return
	}
	a.reset(now, t, ring)
}

// reset rings at t, whatever was set before.
func (a *alarm) reset(now, t time.Time, ring func()) {
	a.at = t
	d := max(0, t.Sub(now))
	if a.timer == nil {
		a.timer = time.AfterFunc(d, ring)
		return
	}
	a.timer.Reset(d)
}

func (a *alarm) stop() {
	if a.timer != nil {
		a.timer.Stop()
	}
	a.at = time.Time{}
}

// count is how many events share a request at most. Call with mu.
func (e Endpoint) count() int { return max(1, e.Batch.Count) }

// spare reports whether one more attempt may begin. Call with mu.
func (r *runner) spare() bool {
	if r.vendor != nil {
		return r.spareAsVendor()
	}
	switch r.health.state {
	case open:
		return false
	case halfOpen:
		return !r.health.probing && r.busy() < r.Concurrency
	default:
		return r.busy() < min(r.Concurrency, r.ramp.width(r.count())) && r.flying < r.ramp.limit
	}
}

// mostTogether is how many events may share the next request. Call with mu.
func (r *runner) mostTogether() int {
	if r.health.state == halfOpen {
		return 1
	}
	n := min(r.Batch.Count, r.ramp.share(r.count()), max(1, r.ramp.limit-r.flying))
	if r.most > 0 {
		n = min(n, r.most)
	}
	return n
}

// lead brings the lane that shall decide about a half-open breaker to the front of
// the line: the one with the oldest event. When that one has failed in this round
// and may be to blame itself it is another one: of those that were asked with least,
// the one with the newest, which is most likely to have nothing to do with it. False
// when there is none. Call with mu.
func (r *runner) lead() (class, bool) {
	var best *lane
	for l := range r.ready.from(fresh) {
		if len(l.queue) == 0 {
			continue
		}
		switch {
		case best == nil:
			best = l
		case !r.health.second && l.queue[0].pos < best.queue[0].pos:
			best = l
		case r.health.second && cmp.Or(cmp.Compare(l.probes, best.probes), cmp.Compare(best.queue[0].pos, l.queue[0].pos)) < 0:
			best = l
		}
	}
	if best == nil {
		return fresh, false
	}
	return r.ready.front(best), true
}

// turn says whose turn it is. Call with mu.
func (r *runner) turn() (class, bool) {
	if r.health.state == halfOpen {
		return r.lead()
	}
	return r.ready.next(r.Concurrency)
}

// inLine reports whether it is anybody's turn. Call with mu.
func (r *runner) inLine() bool {
	if r.vendor != nil {
		return r.inLineAsVendor()
	}
	if r.health.state == halfOpen {
		return r.ready.len() > 0
	}
	return r.ready.any(r.Concurrency)
}

// begins notes that a load is in flight. Call with mu.
func (r *runner) begins(w *worker) {
	w.cuts = r.ramp.cuts
	if r.health.state == halfOpen {
		w.probe, r.health.probing = true, true
	}
	for i := range w.load {
		w.bytes += int64(w.load[i].item.size)
	}
	r.flying += len(w.load)
	r.flyingBytes += w.bytes
	r.spend(1)
}

// judge says what a load that is over means for the endpoint as a whole. Call with
// mu, before what became of it is applied to its lanes.
func (r *runner) judge(w *worker) {
	r.flying -= len(w.load)
	r.flyingBytes -= w.bytes
	h, probe := &r.health, w.probe
	w.bytes, w.probe = 0, false
	if probe {
		h.probing = false
	}
	if r.vendor != nil {
		r.judgeAsVendor(w)
		return
	}
	excused, passed := probe || h.state != closed, 0
	for i := range w.load {
		f := &w.load[i]
		f.excused = excused
		if f.state == tried && f.item.ev != nil && f.out.Kind == gateway.Delivered {
			passed++
		}
	}
	switch {
	case h.state == closed:
		if passed > 0 {
			h.passed(r.Breaker.Least)
			r.ramp.pass(passed)
		}
		for _, s := range w.said {
			if h.state == closed {
				r.hear(w, s)
			}
		}
	case probe && h.state == halfOpen:
		r.probed(w, passed)
	default:
		// It began before the breaker opened and says nothing about now, but for what
		// was asked for.
		for _, s := range w.said {
			if d := restFor(s.out); d > 0 && h.state == open && r.now().Add(d).After(h.until) {
				r.trip(d)
			}
		}
	}
	clear(w.said)
	w.said = w.said[:0]
}

// hear takes in what a request met while the breaker was closed. Call with mu.
func (r *runner) hear(w *worker, s said) {
	h, f, b := &r.health, &w.load[s.at], blamed(s.out)
	switch {
	case b.weight == 0 || !b.sure && r.suspects(f):
		return
	case !b.sure && f.item.attempts > 0 && h.onlyIn(f.lane.key):
		h.notes(f.lane.key)
		return
	}
	h.fails(b, f.lane.key, r.Breaker.Least)
	if s.out.Reason == gateway.ReasonThrottled || !r.Breaker.Off && h.share >= cutShare {
		r.ramp.cut(w.cuts)
	}
	switch d := restFor(s.out); {
	case d > 0:
		r.abide(d)
	case !r.Breaker.Off && h.down(r.Breaker.Least):
		r.ramp.restart()
		h.trips++
		if h.trips == 1 {
			r.log.Warn("breaker opened: nothing is sent until the endpoint takes one event, everything is kept", "endpoint", r.id,
				"reason", s.out.Reason, "detail", s.out.Detail, "open", r.open)
		}
		r.trip(0)
	}
}

// abide leaves the endpoint alone for as long as it asked. What it asks of a run it
// asks of all. Call with mu.
func (r *runner) abide(d time.Duration) {
	r.ramp.hold()
	r.trip(d)
	if r.guest == nil {
		return
	}
	if h := r.guest.host.Load(); h != nil {
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.health.state == closed && !h.stopped {
			h.ramp.hold()
			h.trip(d)
		}
	}
}

// cutShare is from which share of failures on one of them slows the endpoint down:
// single events that fail while nearly all pass do not.
const cutShare = 0.2

// suspects reports whether an event that failed may be to blame itself: it failed
// before, and others passed since. Call with mu.
func (r *runner) suspects(f *flight) bool {
	return f.item.attempts > 0 && f.lane.passes != r.health.passes
}

// probed takes in what became of the event that decides. Call with mu.
func (r *runner) probed(w *worker, passed int) {
	h := &r.health
	if passed > 0 {
		h.passes++
		r.closes()
		r.ramp.pass(passed)
		return
	}
	for _, s := range w.said {
		b := blamed(s.out)
		switch {
		case b.weight == 0 && answered(s.out):
			r.closes()
			return
		case b.weight == 0:
			continue // nothing was sent: another one decides
		case restFor(s.out) > 0:
			r.trip(restFor(s.out))
			return
		case r.Breaker.Off:
			r.closes() // the rest that it asked for is over
			return
		case !b.sure && !h.second && r.ready.len() > 0:
			// The oldest may be what the endpoint cannot take; it would be left alone
			// for ever.
			w.load[s.at].lane.probes++
			h.second = true
			return
		}
		w.load[s.at].lane.probes++
		h.trips++
		h.searching = !b.sure && h.trips >= searchTrips
		r.trip(0)
		return
	}
}

// trip opens the breaker: for as long as the endpoint asked, or for a time that
// grows. Call with mu.
func (r *runner) trip(after time.Duration) {
	now := r.now()
	d := jitter(r.Breaker.pause(r.health.trips))
	if after > 0 {
		d = after + jitter(min(after/10, time.Minute))
	}
	r.health.open(now, now.Add(d))
	r.probing.reset(now, r.health.until, r.probe)
	r.dirty = true
	r.log.Debug("nothing is sent for now", "endpoint", r.id, "for", d, "asked", after > 0, "times", r.health.trips)
	// Nothing is sent before it closes; then they go on in this order.
	r.recall(isOutage)
	if r.health.searching {
		for l := range r.ready.from(fresh) {
			r.lighten(l)
			r.trim(l)
		}
		r.nudgeIfRoomy()
	}
}

// idles reports whether a lane does not go on for now: its events take the room of
// others. Call with mu.
func (r *runner) idles(l *lane) bool {
	return l.state == laneWaiting || l.state == laneHeld || l.state == laneReady && r.health.searching
}

// probe lets one event through that decides.
func (r *runner) probe() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.halfOpens()
}

// halfOpens lets one event through when the time has come. Call with mu.
func (r *runner) halfOpens() {
	now := r.now()
	if r.health.state != open || r.stopped {
		return
	}
	if r.health.until.After(now) {
		r.probing.reset(now, r.health.until, r.probe)
		return
	}
	// What opened it waits by its own schedule, and may be the oldest, or all there is.
	r.recall(isOutage)
	r.health.state = halfOpen
	r.dispatch()
}

// closes lets everything through again, slowly. Call with mu.
func (r *runner) closes() {
	r.health.close()
	r.dirty = true
	r.rewind()
	r.recall(isOutage)
	r.growOld()
}

// isOutage reports whether a lane waits because the endpoint failed, and not
// because of its event.
func isOutage(l *lane) bool { return l.outage }

// recall makes lanes ready that wait, those that would be next first. Call with mu.
func (r *runner) recall(which func(*lane) bool) {
	was := r.waiting
	r.waiting = nil
	var back []*lane
	for len(was) > 0 {
		l, _ := heap.Pop(&was).(*lane)
		if which(l) {
			back = append(back, l)
		} else {
			r.waiting.add(l)
		}
	}
	if len(back) == 0 {
		return
	}
	now := r.now()
	r.dirty = true
	for _, l := range back {
		l.outage, l.blocked = false, nil
		l.queue[0].dueAt = now
		r.makeReady(l)
	}
	if r.batches() {
		r.dispatch()
	}
}

// excuse puts an event back that failed while the endpoint was being left alone, as
// if it had not been tried. Call with mu.
func (r *runner) excuse(l *lane) {
	l.outage = true
	r.wait(l, r.now())
}

// outlived reports whether an event that was tried while the endpoint was being left
// alone is past its age and may be to blame itself. Where such events are at the head
// of all lanes nothing else would ever be asked. Call with mu.
func (r *runner) outlived(it *item, out gateway.Outcome) bool {
	return out.Together <= 1 && !blamed(out).sure && r.Retry.MaxAge > 0 && r.now().Sub(it.firstAt) >= r.Retry.MaxAge
}

// startAfresh gives an endpoint that was changed, or that somebody vouches for, a
// chance at once. Call with mu.
func (r *runner) startAfresh() {
	h := &r.health
	h.trips, h.row, h.share, h.failed, h.several, h.sure = 0, 0, 0, false, false, false
	if h.state == open {
		h.until = r.now()
		r.halfOpens()
	}
}

// durable is what a restart must know of an endpoint's health.
type durable struct {
	// Open: it was being left alone. Ramping: it was on its way back.
	Open, Ramping bool
	// Trips is how often it had been left alone in a row.
	Trips int
}

// durable is what is saved. Call with mu.
func (r *runner) durable() durable {
	return durable{Open: r.health.state != closed, Ramping: !r.ramp.full(), Trips: r.health.trips}.plain()
}

// plain is the zero value for an endpoint that is well: its trips are soon forgotten.
func (d durable) plain() durable {
	if !d.Open && !d.Ramping {
		return durable{}
	}
	return d
}

// revive goes on where an endpoint was before a restart: one that was failing is
// asked with one event, one on its way back begins its way again. Call with mu.
func (r *runner) revive(d durable) {
	if !d.Open && !d.Ramping {
		return
	}
	r.ramp.restart()
	r.health.trips = d.Trips
	if d.Open {
		r.health.state, r.health.restored, r.health.since = halfOpen, true, r.now()
	}
}

// forgive lets a lane that failed before a restart come back with the endpoint.
// Call with mu.
func (r *runner) forgive(l *lane) {
	it := &l.queue[0]
	if !r.health.restored || it.attempts == 0 || it.dueAt.Equal(never) {
		return
	}
	if l.outage = r.health.state != closed; !l.outage {
		it.dueAt = time.Time{}
	}
}
