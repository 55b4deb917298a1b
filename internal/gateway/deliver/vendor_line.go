package deliver

import (
	"time"
)

// maxParking is how many dead letters are written at once of what a vendor loses:
// they take no place of an attempt, so that attempts begin when the vendor's would.
const maxParking = 16

// byAge is who comes first: what is tried again, then what was there before.
var byAge = [...]class{retried, old, fresh}

// standAsVendor lets a lane stand in line, or be parked. Call with mu.
func (r *runner) standAsVendor(l *lane) {
	v, it := r.vendor, &l.queue[0]
	l.state = laneReady
	if it.letter == nil {
		if why := v.losing(r.now()); why != "" {
			r.lose(l, why)
		}
	}
	switch {
	case it.letter != nil:
		v.lost.push(l)
	case !it.firstAt.IsZero():
		r.ready.lines[retried].push(l)
	default:
		l.readyAt = r.now()
		r.ready.push(l)
	}
	r.dispatch()
	r.watchQueue()
}

// spareAsVendor reports whether one more worker may begin. Call with mu.
func (r *runner) spareAsVendor() bool { return r.mayPark() || r.maySend() }

// inLineAsVendor reports whether there is something that one may begin with. Call with
// mu.
func (r *runner) inLineAsVendor() bool { return r.mayPark() || r.maySend() && r.ready.len() > 0 }

func (r *runner) mayPark() bool { return !r.vendor.lost.empty() && r.parking < maxParking }

func (r *runner) maySend() bool {
	return !r.vendor.pausing(r.now()) && r.busy()-r.parking < r.Concurrency
}

// loadAsVendor loads the worker with what is lost or comes next. Call with mu.
func (r *runner) loadAsVendor(w *worker) bool {
	for r.mayPark() {
		l := r.vendor.lost.pop()
		if len(l.queue) == 0 {
			continue // it expired
		}
		w.parks = true
		r.parking++
		r.embark(w, l, retried)
		return true
	}
	if !r.maySend() {
		return false
	}
	for _, c := range byAge {
		for l := r.ready.pop(c); l != nil; l = r.ready.pop(c) {
			if len(l.queue) == 0 {
				continue
			}
			if !r.fits(l.queue[0].size) {
				r.ready.unpop(c, l)
				return false
			}
			r.embark(w, l, c)
			return true
		}
	}
	return false
}

// embark loads the worker with the head of a lane. Call with mu.
func (r *runner) embark(w *worker, l *lane, c class) {
	r.occupy(w, c)
	r.board(w, l, 1, r.now)
	r.begins(w)
}

// standing are the lanes in line in their order. Call with mu.
func (r *runner) standing() []*lane {
	var all []*lane
	for _, c := range byAge {
		all = append(all, r.ready.lines[c].line()...)
	}
	return all
}

// watchQueue sets the alarm for the first one that waits for a place in the queue.
// Call with mu.
func (r *runner) watchQueue() {
	v := r.vendor
	if v.QueueWait == 0 || r.stopped || r.ready.len() <= v.Queue {
		return
	}
	if !v.overflow.at.IsZero() {
		return // those before wait for as long
	}
	var first time.Time
	for _, l := range r.standing()[v.Queue:] {
		if at := l.readyAt; first.IsZero() || at.Before(first) {
			first = at
		}
	}
	v.overflow.set(r.now(), first.Add(v.QueueWait), r.overflows)
}

// overflows loses what has waited for a place in the queue for as long as the vendor
// lets it.
func (r *runner) overflows() {
	r.mu.Lock()
	defer r.mu.Unlock()
	v := r.vendor
	if v == nil || v.QueueWait == 0 {
		return
	}
	v.overflow.at = time.Time{}
	now := r.now()
	if r.paused != "" || r.resting {
		// It is not the vendor that does not send.
		for _, l := range r.standing() {
			l.readyAt = now
		}
	}
	why := v.Vendor + "'s queue was full for " + v.QueueWait.String()
	in := 0
	for _, c := range byAge {
		line := &r.ready.lines[c]
		for range line.line() {
			l := line.pop()
			switch in++; {
			case len(l.queue) == 0:
				in--
				continue
			case in > v.Queue && !l.readyAt.Add(v.QueueWait).After(now):
				r.lose(l, why)
				v.lost.push(l)
				in--
				continue
			}
			line.push(l)
		}
	}
	r.dispatch()
	r.watchQueue()
}
