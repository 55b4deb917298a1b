package chronicle

import (
	"slices"
	"sync/atomic"
)

// queue is where entries wait. Nobody who puts one there ever waits, not even for
// a lock: whoever is interrupted while holding one holds up all others. They are
// taken in lots: to wake the one who takes them for each would cost more than all
// the rest of it.
type queue[T any] struct {
	// call asks to take.
	call chan struct{}
	// top is the one that was put last, nil when none waits, sealed after the end.
	top atomic.Pointer[waiting[T]]
	// count is how many wait; held how many bytes wait, or were taken and are not done
	// yet.
	count, held atomic.Int64
	// expected is true while somebody comes to take without being called.
	expected atomic.Bool
	sealed   waiting[T]
}

// waiting is an entry on the one that was put before it.
type waiting[T any] struct {
	entry T
	size  int64
	below *waiting[T]
}

func newQueue[T any]() *queue[T] { return &queue[T]{call: make(chan struct{}, 1)} }

// put takes an entry of that size without waiting; false when there is no room, or
// after the end.
func (q *queue[T]) put(entry T, size int64) bool {
	w := &waiting[T]{entry: entry, size: size}
	n, held := q.count.Add(1), q.held.Add(w.size)
	if n > QueueCount || held > QueueBytes || !q.push(w) {
		q.count.Add(-1)
		q.held.Add(-w.size)
		return false
	}
	if n%Lot == 0 || !q.expected.Load() {
		q.wake()
	}
	return true
}

func (q *queue[T]) push(w *waiting[T]) bool {
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
func (q *queue[T]) wake() {
	select {
	case q.call <- struct{}{}:
	default:
	}
}

// take appends all that wait to all, the first one first. again says that whoever
// takes comes again without being called.
func (q *queue[T]) take(all []*waiting[T], again bool) []*waiting[T] {
	q.expected.Store(again)
	return q.replace(all, nil)
}

// end is the last take: nothing more is put.
func (q *queue[T]) end(all []*waiting[T]) []*waiting[T] { return q.replace(all, &q.sealed) }

func (q *queue[T]) replace(all []*waiting[T], top *waiting[T]) []*waiting[T] {
	for w := q.top.Swap(top); w != nil && w != &q.sealed; w = w.below {
		all = append(all, w)
	}
	slices.Reverse(all)
	q.count.Add(-int64(len(all)))
	return all
}

// done makes room for what was taken.
func (q *queue[T]) done(all []*waiting[T]) {
	var size int64
	for _, w := range all {
		size += w.size
	}
	q.held.Add(-size)
}

// leave says that nobody comes again without being called.
func (q *queue[T]) leave() {
	q.expected.Store(false)
	if q.top.Load() != nil {
		q.wake()
	}
}
