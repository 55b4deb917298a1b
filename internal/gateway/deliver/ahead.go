package deliver

import (
	"sync/atomic"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// ahead is what an endpoint that is behind takes from the tail all the same: events of
// lanes of which nothing waits between its reader and the tail. All others wait for the
// reader. Guarded by runner.mu.
type ahead struct {
	// waits knows the lanes of what waits. It is nil where it is not needed, or where
	// too many endpoints have one: then everything waits for the reader.
	waits  *backlog
	tables *atomic.Int32 // how many endpoints have one
	// known is true when waits knows all of it: from the moment at which the endpoint
	// fell behind, or since it was surveyed. Until then everything waits.
	known bool
	// judged is up to where it was decided what goes ahead.
	judged gateway.Pos
	// taken are the positions that went ahead and that the reader has not passed.
	taken taken
	// waiting counts the events that are known to wait. While a survey is under way it
	// has looked at everything up to surveyed.
	waiting  int
	surveyed gateway.Pos
	// survey is the number of the survey that counts, of those that were begun.
	survey uint64
	// calm is how many seconds the endpoint has been live, or has delivered nothing;
	// had is what it had delivered before.
	calm int
	had  uint64
}

// maxBacklogs is how many endpoints that are behind know what waits for them.
const maxBacklogs = 32

// calmBacklog is for how many seconds an endpoint keeps what it does not need now.
const calmBacklog = 10

// goesAhead reports whether events of the endpoint may go ahead at all.
func (r *runner) goesAhead() bool { return r.Order != OrderStrict }

// table makes room to note what waits; false when too many endpoints have that already.
// Call with mu.
func (a *ahead) table(base uint64) bool {
	if a.waits != nil {
		return true
	}
	if a.tables.Add(1) > maxBacklogs {
		a.tables.Add(-1)
		return false
	}
	a.waits = newBacklog(base)
	return true
}

// release gives that room back. Call with mu.
func (a *ahead) release() {
	if a.waits != nil {
		a.waits = nil
		a.tables.Add(-1)
	}
	a.known, a.waiting = false, 0
	a.survey++
}

// fallBehind lets the endpoint go on without the tail, from pos on. Call with mu.
func (r *runner) fallBehind(pos gateway.Pos) {
	r.growOld()
	r.live, r.sated = false, true
	r.reading = true
	r.read = pos - 1
	r.dirty = true
	a := &r.ahead
	a.survey++
	a.calm, a.waiting, a.judged = 0, 0, pos-1
	switch a.known = r.Order == OrderConversation && a.table(pos.Seq()); {
	case a.known:
		a.waits.restart(pos.Seq())
	case r.Order == OrderNone:
		a.known = true
	}
}

// offerAhead hands the event at pos to an endpoint that is behind: it is taken when
// nothing that waits for the reader is before it in its lane, and there is room. True
// means that it must be flushed after the page. Call with mu.
func (r *runner) offerAhead(pos gateway.Pos, ev *event.Event) (flush bool) {
	a := &r.ahead
	switch {
	case r.held || r.stopped || !r.goesAhead() || pos <= r.read || pos <= a.judged:
		return false
	case !a.known && r.Order == OrderConversation:
		return false // a survey decides when it comes there
	}
	return r.decideAhead(pos, ev)
}

// decideAhead takes an event ahead of the reader, or notes that it waits. Everything
// before it was decided. True means that it must be flushed after the page. Call with
// mu.
func (r *runner) decideAhead(pos gateway.Pos, ev *event.Event) (flush bool) {
	a := &r.ahead
	a.judged = pos
	if r.mayGoAhead(pos, ev) {
		a.taken.add(pos)
		r.takeIn(pos, ev, true)
		return r.undispatched == 1
	}
	a.waiting++
	if a.waits != nil {
		a.waits.note(ev.Lane, pos.Seq())
	}
	return false
}

// mayGoAhead reports whether an event may be taken before the reader has come to it.
// Call with mu.
func (r *runner) mayGoAhead(pos gateway.Pos, ev *event.Event) bool {
	a := &r.ahead
	switch {
	case r.health.state == open:
		return false // it would only stand in line
	case a.taken.full(), r.freshLoaded >= r.room()/4, r.freshBytes >= maxLoadedBytes/4:
		return false
	case r.loaded >= r.room()+r.room()/4, r.loadedBytes >= maxLoadedBytes+maxLoadedBytes/4:
		return false // what grew old is no longer fresh, and still there
	case r.open >= r.limits.open+r.limits.open/4, len(r.lanes) >= maxLanes+maxLanes/4:
		return false
	case r.barred():
		return false
	case r.Order == OrderNone:
		return true
	}
	if r.left.lanes[ev.Lane] != nil {
		return false
	}
	if l := r.lanes[ev.Lane]; l != nil && r.idles(l) {
		return false // followers of a lane that does not go on would take the room of all others
	}
	return a.waits != nil && !a.waits.waits(ev.Lane, (r.read+1).Seq())
}

// passAhead reports whether the event at pos went ahead of the reader, which is there
// now. Call with mu, in ascending order.
func (r *runner) passAhead(pos gateway.Pos) bool {
	a := &r.ahead
	if a.taken.pass(pos) {
		return true
	}
	if a.waiting > 0 && (a.known || pos <= a.surveyed) {
		a.waiting--
	}
	return false
}

// behind returns how many events wait for the reader, -1 when that is not known, and
// how many went ahead of it. Call with mu.
func (r *runner) behind() (waiting, ahead int) {
	switch a := &r.ahead; {
	case r.live:
		return 0, 0
	case a.known:
		return a.waiting, a.taken.n
	default:
		return -1, a.taken.n
	}
}

// keepAhead is the housekeeping of one second: what is not needed for a while is given
// back. True means that the endpoint needs a survey. Call with mu.
func (r *runner) keepAhead() (wants bool) {
	a := &r.ahead
	had := r.metrics.deliveredTotal.Load()
	if a.calm++; had != a.had && !r.live {
		a.calm = 0
	}
	a.had = had
	switch {
	case a.waits != nil && r.live && a.calm > calmBacklog:
		a.release()
	case a.waits != nil && a.calm > calmBacklog && a.tables.Load() == maxBacklogs:
		a.release() // somebody else may need it who takes events
	}
	return r.wantsSurvey() && (a.calm <= calmBacklog || a.tables.Load() < maxBacklogs/2)
}

// wantsSurvey reports whether it must be found out what waits for the endpoint. Call
// with mu.
func (r *runner) wantsSurvey() bool {
	return !r.live && !r.held && !r.stopped && !r.ahead.known && r.Order == OrderConversation
}
