package trail

import (
	"sync"

	"github.com/imhook/imhook/internal/gateway"
)

// queue is where decisions wait. They are taken in lots: to wake whoever takes them
// for each costs the answering path more than all the rest of it.
type queue struct {
	// call asks to take.
	call chan struct{}

	// mu guards the following.
	mu      sync.Mutex
	waiting []gateway.Decision
	// held is how many bytes wait, or were taken and are not done yet.
	held int64
	// expected is true while somebody comes to take without being called.
	expected bool
	ended    bool
}

// lot is how many wait until somebody is called who comes anyway.
const lot = 16

func newQueue() *queue { return &queue{call: make(chan struct{}, 1)} }

// put takes d without waiting; false when there is no room, or after the end.
func (q *queue) put(d gateway.Decision) bool {
	size := weight(d)
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.ended || len(q.waiting) >= queueCount || q.held+size > queueBytes {
		return false
	}
	q.held += size
	q.waiting = append(q.waiting, d)
	if n := len(q.waiting); n%lot == 0 || n == 1 && !q.expected {
		q.wake()
	}
	return true
}

// wake calls, unless somebody was called already.
func (q *queue) wake() {
	select {
	case q.call <- struct{}{}:
	default:
	}
}

// take returns all that wait. spare is memory for the next ones; again says that
// whoever takes comes again without being called.
func (q *queue) take(spare []gateway.Decision, again bool) []gateway.Decision {
	q.mu.Lock()
	defer q.mu.Unlock()
	all := q.waiting
	q.waiting, q.expected = spare[:0], again
	return all
}

// done makes room for what all, which was taken, held.
func (q *queue) done(all []gateway.Decision) {
	var size int64
	for i := range all {
		size += weight(all[i])
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.held -= size
}

// leave says that nobody comes again without being called.
func (q *queue) leave() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.expected = false
	if len(q.waiting) > 0 {
		q.wake()
	}
}

// end takes nothing more.
func (q *queue) end() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.ended = true
}
