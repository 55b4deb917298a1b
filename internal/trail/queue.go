package trail

import (
	"slices"
	"sync/atomic"

	"github.com/imhook/imhook/internal/gateway"
)

// queue is where decisions wait. Nobody who puts one there ever waits, not even for
// a lock: whoever is interrupted while holding one holds up all answers. They are
// taken in lots: to wake the one who takes them for each would cost more than all
// the rest of it.
type queue struct {
	// call asks to take.
	call chan struct{}
	// top is the one that was put last, nil when none waits, sealed after the end.
	top atomic.Pointer[waiting]
	// count is how many wait; held how many bytes wait, or were taken and are not done
	// yet.
	count, held atomic.Int64
	// expected is true while somebody comes to take without being called.
	expected atomic.Bool
	sealed   waiting
}

// waiting is a decision on the one that was put before it.
type waiting struct {
	decision gateway.Decision
	size     int64
	below    *waiting
}

// lot is how many wait until somebody is called who comes anyway.
const lot = 16

func newQueue() *queue { return &queue{call: make(chan struct{}, 1)} }

// put takes d without waiting; false when there is no room, or after the end.
func (q *queue) put(d gateway.Decision) bool {
	w := &waiting{decision: d, size: weight(d)}
	n, held := q.count.Add(1), q.held.Add(w.size)
	if n > queueCount || held > queueBytes || !q.push(w) {
		q.count.Add(-1)
		q.held.Add(-w.size)
		return false
	}
	if n%lot == 0 || !q.expected.Load() {
		q.wake()
	}
	return true
}

func (q *queue) push(w *waiting) bool {
	for {
		w.below = q.top.Load()
		if w.below == &q.sealed {
			return false
		}
		if q.top.CompareAndSwap(w.below, w) {
			return true
		}
	}
}

// wake calls, unless somebody was called already.
func (q *queue) wake() {
	select {
	case q.call <- struct{}{}:
	default:
	}
}

// take appends all that wait to all, the first one first. again says that whoever
// takes comes again without being called.
func (q *queue) take(all []*waiting, again bool) []*waiting {
	q.expected.Store(again)
	return q.replace(all, nil)
}

// end is the last take: nothing more is put.
func (q *queue) end(all []*waiting) []*waiting { return q.replace(all, &q.sealed) }

func (q *queue) replace(all []*waiting, top *waiting) []*waiting {
	for w := q.top.Swap(top); w != nil && w != &q.sealed; w = w.below {
		all = append(all, w)
	}
	slices.Reverse(all)
	q.count.Add(-int64(len(all)))
	return all
}

// done makes room for what was taken.
func (q *queue) done(all []*waiting) {
	var size int64
	for _, w := range all {
		size += w.size
	}
	q.held.Add(-size)
}

// leave says that nobody comes again without being called.
func (q *queue) leave() {
	q.expected.Store(false)
	if q.top.Load() != nil {
		q.wake()
	}
}
