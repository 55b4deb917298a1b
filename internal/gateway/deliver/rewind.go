package deliver

import (
	"cmp"
	"slices"
)

// rewindFrom is from how many events on that wait without being in memory an endpoint
// that comes back has them read again in one go.
const rewindFrom = 1000

// rewind gives the followers that wait in lanes without being in memory back to the
// reader. In an outage thousands of them come together, and each would be read again
// by itself when its turn comes, with all of its page; the reader reads every page
// once. Heads stay, and with them what is known of them. Call with mu.
func (r *runner) rewind() {
	if r.guest != nil || r.Order == OrderNone || r.held || r.stopped || r.resting || r.open-r.loaded < r.limits.rewind {
		return
	}
	a, until := &r.ahead, max(r.read, r.until)
	if r.live {
		// From here on the tail offers what is behind read, and the reader comes to it.
		a.survey++
		a.calm, a.waiting = 0, 0
		base := r.oldest(r.read).Seq()
		if a.known = r.Order == OrderConversation && a.table(base); a.known {
			a.waits.restart(base)
		}
	}
	a.judged = max(a.judged, r.read)
	var left []openEvent
	for _, l := range r.lanes {
		n := max(1, l.flying)
		for n < len(l.queue) && (l.queue[n].ev != nil || l.queue[n].pos > until) {
			n++
		}
		if n >= len(l.queue) {
			continue
		}
		for i := n; i < len(l.queue); i++ {
			it := &l.queue[i]
			r.unload(it)
			left = append(left, openEvent{Pos: it.pos, Attempts: it.attempts, Sent: it.sent, FirstAt: it.firstAt, DueAt: it.dueAt})
		}
		if a.waits != nil {
			a.waits.note(l.key, l.queue[len(l.queue)-1].pos.Seq())
		}
		r.open -= len(l.queue) - n
		l.queue = slices.Clone(l.queue[:n])
	}
	r.again = append(left, r.again...)
	slices.SortFunc(r.again, func(a, b openEvent) int { return cmp.Compare(a.Pos, b.Pos) })
	if len(r.again) > 0 {
		r.read = min(r.read, r.again[0].Pos-1)
	}
	r.until, r.sated, r.dirty = until, false, true
	if !r.live {
		r.nudge()
		return
	}
	r.live, r.reading = false, true
	r.lag(r)
}
