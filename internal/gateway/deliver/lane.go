package deliver

import (
	"container/heap"
	"time"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// laneState says where a lane stands. A lane with an empty queue does not exist.
type laneState uint8

const (
	laneReady   laneState = iota // in the ready queue
	laneRunning                  // its first events are in flight
	laneWaiting                  // its head failed and waits until dueAt
	laneHeld                     // somebody paused it
)

// lane is the queue of one conversation inside one endpoint. Guarded by
// runner.mu, but for held, which belongs to the worker while the lane runs.
type lane struct {
	key   event.Lane
	state laneState
	queue []item
	dueAt time.Time
	// place in the heap of waiting lanes.
	place int
	// flying is how many of the first events are in flight: one, or those that
	// share a batch.
	flying int
	// held is true once an event of the batch must be tried again: its followers in
	// the batch are not tried before it.
	held bool
	// readyAt is when it began to stand in line, where that counts; zero means that
	// its head has waited long enough.
	readyAt time.Time
	// outage is true while it waits because the endpoint failed, and not its event.
	outage bool
	// probes counts how often its head was asked in vain whether the endpoint takes
	// anything, passes is how many deliveries there had been when its head failed
	// last.
	probes int
	passes uint64
	// blocked says why it waits for somebody to act; nil when it does not.
	blocked *blocked
}

// item is one open event.
type item struct {
	pos gateway.Pos
	// ev is nil when the event was let go to save memory; it is read again from
	// the journal when its turn comes.
	ev       *event.Event
	attempts int
	sent     int
	// size is how large the event is, in memory or not.
	size    int
	firstAt time.Time
	dueAt   time.Time
	// company bounds how many events it may share a request with, itself included;
	// zero means as many as the endpoint takes.
	company int
	// shared is true while ev is a part of its page in memory.
	shared bool
	// age is [turns.age] of when it was taken from the tail, zero when it was not.
	age uint32
	// letter is set when the event shall be parked and could not be yet.
	letter *gateway.DeadLetter
}

// alone reports whether the event takes no part in batches: because somebody must
// know whether it is the one that spoils them, because it takes several requests
// of which some are through, or because there is nothing to be sent.
func (it *item) alone() bool { return it.company == 1 || it.sent > 0 || it.letter != nil }

// keepLoaded is how many events of a waiting lane stay in memory while there is
// plenty of room; the others are let go.
const keepLoaded = 2

// pop removes the head.
func (l *lane) pop() {
	l.queue[0] = item{}
	l.queue = l.queue[1:]
}

// waiting is a heap of the waiting lanes, the earliest due first.
type waiting []*lane

func (w waiting) Len() int           { return len(w) }
func (w waiting) Less(i, j int) bool { return w[i].dueAt.Before(w[j].dueAt) }
func (w waiting) Swap(i, j int) {
	w[i], w[j] = w[j], w[i]
	w[i].place, w[j].place = i, j
}

// Push is for container/heap.
func (w *waiting) Push(x any) {
	l := x.(*lane)
	l.place = len(*w)
	*w = append(*w, l)
}

// Pop is for container/heap.
func (w *waiting) Pop() any {
	old := *w
	l := old[len(old)-1]
	old[len(old)-1] = nil
	*w = old[:len(old)-1]
	return l
}

func (w *waiting) add(l *lane)    { heap.Push(w, l) }
func (w *waiting) remove(l *lane) { heap.Remove(w, l.place) }

// ready is a FIFO of lanes whose head may be tried now.
type ready struct {
	lanes []*lane
	head  int
}

func (r *ready) push(l *lane) { r.lanes = append(r.lanes, l) }

func (r *ready) empty() bool { return r.head == len(r.lanes) }

// line returns the lanes in their order, without taking them.
func (r *ready) line() []*lane { return r.lanes[r.head:] }

// sweep forgets lanes that have nothing any more: while an endpoint is paused
// nobody pops them.
func (r *ready) sweep() {
	kept := r.lanes[:0]
	for _, l := range r.lanes[r.head:] {
		if len(l.queue) > 0 {
			kept = append(kept, l)
		}
	}
	clear(r.lanes[len(kept):])
	r.lanes, r.head = kept, 0
}

// front moves a lane to the front of the line; false when it is not in it.
func (r *ready) front(l *lane) bool {
	line := r.line()
	for i := range line {
		if line[i] == l {
			copy(line[1:i+1], line[:i])
			line[0] = l
			return true
		}
	}
	return false
}

// unpop puts a lane back that was popped last.
func (r *ready) unpop(l *lane) {
	if r.head == 0 {
		r.lanes = append(r.lanes, nil)
		copy(r.lanes[1:], r.lanes)
		r.lanes[0] = l
		return
	}
	r.head--
	r.lanes[r.head] = l
}

// remove takes a lane out of the line.
func (r *ready) remove(l *lane) {
	for i := r.head; i < len(r.lanes); i++ {
		if r.lanes[i] == l {
			r.lanes = append(r.lanes[:i], r.lanes[i+1:]...)
			return
		}
	}
}

func (r *ready) pop() *lane {
	if r.head == len(r.lanes) {
		return nil
	}
	l := r.lanes[r.head]
	r.lanes[r.head] = nil
	r.head++
	if r.head == len(r.lanes) {
		r.lanes, r.head = r.lanes[:0], 0
	} else if r.head > 1024 && r.head > len(r.lanes)/2 {
		n := copy(r.lanes, r.lanes[r.head:])
		clear(r.lanes[n:])
		r.lanes, r.head = r.lanes[:n], 0
	}
	return l
}
