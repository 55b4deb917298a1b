package deliver

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// Coalesce folds events of which only the last counts: the state of somebody's device.
// The zero value folds nothing.
//
// An event that has a key is held for the Window. Another one of the same key that
// comes in that time takes its place, at the place in the lane that it has itself, and
// is sent when the window is over that the first one began. What is folded is through;
// nothing else is skipped or overtaken.
type Coalesce struct {
	Window time.Duration
	// Key says whose state the event is; empty for all that is none. It is called with
	// the endpoint locked, and must not call the Deliverer.
	Key func(ev *event.Event) string
}

func (c Coalesce) validate() error {
	switch {
	case c.Window < 0:
		return fmt.Errorf("coalesce: window is %v, want none or more than 0", c.Window)
	case c.Window > 0 && c.Key == nil:
		return errors.New("coalesce: it needs to be told whose state an event is")
	}
	return nil
}

// window is the event that stands for a state now. Guarded by runner.mu.
type window struct {
	lane  event.Lane
	pos   gateway.Pos
	until time.Time
}

// coalesce holds an event that is somebody's state, in place of the one that was held
// before. True means that it is folded itself, into one that came after it. Call with
// mu, before it is enqueued in a lane.
func (r *runner) coalesce(lane event.Lane, it *item) (folded bool) {
	if r.Coalesce.Window <= 0 || it.ev == nil || it.attempts > 0 || it.sent > 0 {
		return false
	}
	key := r.Coalesce.Key(it.ev)
	if key == "" {
		return false
	}
	now := r.now()
	until := now.Add(r.Coalesce.Window)
	if it.dueAt.After(now) {
		until = it.dueAt // it is held already
	}
	// What a record holds stays: until the endpoint runs nobody counts what it folds.
	if w, ok := r.windows[key]; ok && w.until.After(now) && !r.stopped {
		l, k := r.holding(w)
		switch {
		case l == nil: // it is on its way
		case it.pos < w.pos:
			// Without order what is new is taken before what waits.
			r.metrics.coalesced.Inc()
			r.tellEnd(it.pos, it.ev, gateway.Coalesced)
			r.dirty = true
			return true
		default:
			r.fold(l, k)
			until = w.until
		}
	}
	if r.windows == nil {
		r.windows = map[string]window{}
	}
	r.windows[key] = window{lane, it.pos, until}
	it.dueAt = until
	return false
}

// holding finds the event of a window in its lane; nil when nothing can take its place
// any more. Call with mu.
func (r *runner) holding(w window) (*lane, int) {
	l := r.lanes[w.lane]
	if l == nil {
		return nil, 0
	}
	k := slices.IndexFunc(l.queue, func(it item) bool { return it.pos == w.pos })
	if k < l.flying || l.queue[k].attempts > 0 || l.queue[k].letter != nil {
		return nil, 0
	}
	return l, k
}

// fold takes the k-th event out of a lane, since a later one says more. Call with mu.
func (r *runner) fold(l *lane, k int) {
	r.tellEnd(l.queue[k].pos, l.queue[k].ev, gateway.Coalesced)
	r.unload(&l.queue[k])
	l.queue = slices.Delete(l.queue, k, k+1)
	r.open--
	r.metrics.coalesced.Inc()
	r.dirty = true
	if k > 0 {
		return
	}
	switch l.state {
	case laneWaiting:
		r.waiting.remove(l)
	case laneReady:
		r.ready.remove(l)
	case laneRunning, laneHeld:
	}
	if len(l.queue) == 0 {
		delete(r.lanes, l.key)
		return
	}
	if l.state == laneHeld || l.state == laneRunning {
		return
	}
	if due := l.queue[0].dueAt; due.After(r.now()) {
		r.wait(l, due)
		return
	}
	r.makeReady(l)
}

// closeWindows forgets those that are over. Call with mu, about once a second.
func (r *runner) closeWindows(now time.Time) {
	for key, w := range r.windows {
		if !w.until.After(now) {
			delete(r.windows, key)
		}
	}
}

// retrying counts the lanes that wait for another attempt, and not for the end of a
// window. Call with mu.
func (r *runner) retrying() int {
	n := len(r.waiting)
	if r.Coalesce.Window <= 0 {
		return n
	}
	for _, l := range r.waiting {
		if r.windowed(l) {
			n--
		}
	}
	return n
}

// windowed reports whether a lane that waits does so for the end of a window. Call with
// mu.
func (r *runner) windowed(l *lane) bool {
	it := &l.queue[0]
	return r.Coalesce.Window > 0 && it.attempts == 0 && it.letter == nil && !l.outage
}
