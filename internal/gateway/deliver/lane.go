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
	laneRunning                  // its head is in flight
	laneWaiting                  // its head failed and waits until dueAt
)

// lane is the queue of one conversation inside one endpoint. Guarded by
// runner.mu, but for current, which belongs to the worker while the lane runs.
type lane struct {
	key   event.Lane
	state laneState
	queue []item
	dueAt time.Time
	// place in the heap of waiting lanes.
	place int
	// current is the head as the running worker sees it: the queue may move
	// under it when followers arrive.
	current item
}

// item is one open event.
type item struct {
	pos gateway.Pos
	// ev is nil when the event was let go to save memory; it is read again from
	// the journal when its turn comes.
	ev       *event.Event
	attempts int
	sent     int
	firstAt  time.Time
	dueAt    time.Time
	// letter is set when the event shall be parked and could not be yet.
	letter *gateway.DeadLetter
}

// keepLoaded is how many followers of a waiting lane stay in memory with their
// event; the others are let go.
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
