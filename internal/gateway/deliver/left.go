package deliver

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// left are the lanes of which events were left behind. A lane that does not go on
// (blocked, paused, waiting for its next attempt) keeps some followers; whoever reads
// for the endpoint passes over the others, so that they take the room of nobody. Of
// such a lane only the first and the last event that were passed over are remembered:
// between them, all that its rule picks of the lane is not finished. When the lane goes
// on, a reader of its own takes that up (takeup.go). The zero value is empty. Guarded by
// runner.mu.
type left struct {
	lanes map[event.Lane]*leftLane
	// sweep are the lanes that are taken up while the journal is read once.
	sweep []*leftLane
	// events is how many were left behind in all lanes; bytes is what the record needs.
	events, bytes int
	// reading is true while somebody takes them up, starved while that waits for room.
	reading, starved bool
	// full is true while no further lane can be remembered.
	full bool
}

// leftLane is one of them.
type leftLane struct {
	key event.Lane
	// first is the first position that may have been left behind, last is the last one.
	first, last gateway.Pos
	// since is from where on everything was judged by the rule of now.
	since gateway.Pos
	// events is how many were left behind.
	events int
	// turn is true while the lane is part of a sweep, passing if that is only because
	// some of it has expired.
	turn, passing bool
}

// backTo has everything from pos on read again, by another sweep than the present one,
// which may have passed it.
func (ll *leftLane) backTo(pos gateway.Pos) { ll.first, ll.turn = pos, false }

const (
	// maxFollowers is how many events of a lane that does not go on wait in the lane.
	maxFollowers = 1000
	// fewFollowers is how many that are where many events are open: lanes with fewer are
	// hardly worth remembering.
	fewFollowers = 8
	// maxLeftBytes bounds the part of the record: past it the followers of further lanes
	// wait in them, and the reader when those are too many.
	maxLeftBytes = 128 << 10
	// leftLaneBytes is what a lane takes of that beside its name.
	leftLaneBytes = 16
)

// followers is how many events of one lane may be taken up at a time. Call with mu.
func (r *runner) followers() int { return max(1, r.limits.followers, r.count()) }

// following is how many events a lane may have that does not go on: none but its head
// where very many are open. Call with mu.
func (r *runner) following() int {
	switch {
	case r.open >= r.limits.open/2:
		return 1
	case r.open >= r.limits.open/4:
		return min(fewFollowers, r.followers())
	}
	return r.followers()
}

// stuck reports whether a lane does not go on for now, and not only because it holds a
// state for a while. Call with mu.
func (r *runner) stuck(l *lane) bool {
	return r.idles(l) && (l.state != laneWaiting || !r.windowed(l))
}

// passed is up to where everything was looked at. What the tail has seen beyond it
// concerns nobody here. Call with mu.
func (r *runner) passed() gateway.Pos { return max(r.read, r.until) }

// leaves reports whether an event that was read is left behind. l is its lane, nil when
// that has nothing. Call with mu, before it is enqueued.
func (r *runner) leaves(l *lane, key event.Lane, it *item) bool {
	if r.Order != OrderConversation {
		return false
	}
	ll := r.left.lanes[key]
	if ll == nil || it.pos < ll.first {
		if l == nil || !r.stuck(l) || len(l.queue) < r.following() || !r.leavable(it, ll) || !r.mayLeave(key) {
			return false
		}
		if ll == nil {
			ll = r.leave(key, it.pos, it.pos)
		}
		ll.backTo(it.pos)
	}
	// All that comes is behind what was left.
	ll.last = max(ll.last, it.pos)
	ll.events++
	r.left.events++
	r.dirty = true
	return true
}

// leavable reports whether an event that was read can be left to be read again: nothing
// but its position is known, and all that is behind it in its lane is open as well.
// Before a change of rule or order, something behind it may have gone before it. Call
// with mu.
func (r *runner) leavable(it *item, ll *leftLane) bool {
	return it.attempts == 0 && it.sent == 0 && it.letter == nil && it.firstAt.IsZero() && it.dueAt.IsZero() &&
		it.pos <= r.passed() && (it.pos > r.mixed || ll != nil && it.pos >= ll.since)
}

// mayLeave reports whether events of the lane may be left behind. Those of a run are
// not: it is told of what it has read. Call with mu.
func (r *runner) mayLeave(key event.Lane) bool {
	switch {
	case r.Order != OrderConversation || r.guest != nil || len(key) > maxLaneName:
		return false
	case r.left.lanes[key] != nil:
		return true
	case r.left.bytes+len(key)+leftLaneBytes <= maxLeftBytes:
		return true
	}
	if !r.left.full {
		r.left.full = true
		r.log.Warn("too many conversations do not go on: the backlog behind them waits until some do", "endpoint", r.id,
			"conversations", len(r.left.lanes), "open", r.open)
	}
	return false
}

// leave begins to leave events of a lane behind. Call with mu.
func (r *runner) leave(key event.Lane, first, last gateway.Pos) *leftLane {
	ll := &leftLane{key: key, first: first, last: last, since: first}
	if r.left.lanes == nil {
		r.left.lanes = map[event.Lane]*leftLane{}
	}
	r.left.lanes[key] = ll
	r.left.bytes += len(key) + leftLaneBytes
	return ll
}

// trim leaves the last events of a lane behind that does not go on and has too many.
// Call with mu.
func (r *runner) trim(l *lane) {
	k, n := r.following(), len(l.queue)
	if n <= k || r.Order != OrderConversation || !r.stuck(l) {
		return
	}
	ll := r.left.lanes[l.key]
	for n > k && r.leavable(&l.queue[n-1], ll) {
		n--
	}
	if n == len(l.queue) || !r.mayLeave(l.key) {
		return
	}
	if first, last := l.queue[n].pos, l.queue[len(l.queue)-1].pos; ll == nil {
		ll = r.leave(l.key, first, last)
	} else {
		ll.backTo(first)
	}
	for i := n; i < len(l.queue); i++ {
		r.unload(&l.queue[i])
	}
	ll.events += len(l.queue) - n
	r.left.events += len(l.queue) - n
	r.open -= len(l.queue) - n
	l.queue = slices.Clone(l.queue[:n])
	r.dirty = true
}

// endLeft forgets a lane of which everything that was left behind has been looked at.
// What was not found is not in the journal any more, or another rule does not pick it.
// Call with mu.
func (r *runner) endLeft(ll *leftLane) {
	if ll.events > 0 {
		r.log.Warn("events that waited in a conversation are not in the journal any more, or are not picked any more", "endpoint", r.id,
			"conversation", ll.key, "events", ll.events)
		r.metrics.expired.Add(float64(ll.events))
	}
	r.left.events -= ll.events
	r.left.bytes -= len(ll.key) + leftLaneBytes
	delete(r.left.lanes, ll.key)
	ll.turn = false
	r.left.full = false
	r.dirty = true
	if len(r.left.lanes) == 0 {
		r.nudge() // it may have waited for that
	}
}

// barred reports whether the endpoint may take nothing new: it has another order now,
// in which what was left behind is before what comes. What would go ahead of that could
// not be told from it when conversations are kept in order again. Call with mu.
func (r *runner) barred() bool { return r.Order != OrderConversation && len(r.left.lanes) > 0 }

// judgedAnew notes that what the endpoint has read and taken was judged by another rule
// than what comes. Call with mu.
func (r *runner) judgedAnew() {
	r.mixed = max(r.mixed, r.passed(), r.ahead.taken.last)
	for _, ll := range r.left.lanes {
		ll.since = ll.first
	}
}

// leftRecord is what an endpoint's record says of a lane of which events were left
// behind.
type leftRecord struct {
	Lane        event.Lane
	First, Last gateway.Pos // Last is not before First
	Events      int
}

// leftRecords are those in the order of their names. Call with mu.
func (r *runner) leftRecords() []leftRecord {
	if len(r.left.lanes) == 0 {
		return nil
	}
	all := make([]leftRecord, 0, len(r.left.lanes))
	for key, ll := range r.left.lanes {
		all = append(all, leftRecord{Lane: key, First: ll.first, Last: ll.last, Events: ll.events})
	}
	slices.SortFunc(all, func(a, b leftRecord) int { return cmp.Compare(a.Lane, b.Lane) })
	return all
}

// restoreLeft brings them back. Those behind end are lost with it, and counted in
// missing. Call with mu.
func (r *runner) restoreLeft(all []leftRecord, end gateway.Pos) {
	for _, rec := range all {
		if rec.First > end {
			r.missing += rec.Events
			continue
		}
		r.leave(rec.Lane, rec.First, min(rec.Last, end)).events = rec.Events
		r.left.events += rec.Events
	}
}

func appendLeft(b []byte, all []leftRecord) []byte {
	b = binary.AppendUvarint(b, uint64(len(all)))
	for _, rec := range all {
		b = appendText(b, string(rec.Lane))
		b = binary.AppendUvarint(b, uint64(rec.First))
		b = binary.AppendUvarint(b, uint64(rec.Last-rec.First))
		b = binary.AppendUvarint(b, uint64(rec.Events))
	}
	return b
}

// left takes lanes of which events were left behind off.
func (r *reader) left() []leftRecord {
	n := r.uvarint()
	r.bad = r.bad || n == 0 // of several parts there may be more than one may leave
	var all []leftRecord
	for range n {
		if r.bad {
			return nil
		}
		rec := leftRecord{Lane: event.Lane(r.text(maxLaneName)), First: gateway.Pos(r.uvarint())}
		rec.Last = rec.First + gateway.Pos(r.uvarint())
		rec.Events = r.small()
		r.bad = r.bad || rec.Last < rec.First || len(all) > 0 && all[len(all)-1].Lane >= rec.Lane
		all = append(all, rec)
	}
	return all
}

// unfinished is how many events are read and not finished. Call with mu.
func (r *runner) unfinished() int { return r.open + r.left.events + len(r.again) }

// leftOf is how many events of a lane were left behind. Call with mu.
func (r *runner) leftOf(key event.Lane) int {
	if ll := r.left.lanes[key]; ll != nil {
		return ll.events
	}
	return 0
}

// stalled says why the endpoint reads no further, when that is because of conversations
// that do not go on. Call with mu.
func (r *runner) stalled() string {
	// After a start it may have no room left before one more is tried.
	full := r.left.full || r.left.bytes > maxLeftBytes-maxLaneName-leftLaneBytes
	if r.live || !r.sated || !full {
		return ""
	}
	return fmt.Sprintf("it reads no further: %d conversations with more to deliver do not go on, which is the most; "+
		"resume or mend some, or set on_poison: park", len(r.left.lanes))
}
