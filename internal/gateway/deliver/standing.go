package deliver

import (
	"slices"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// Standing says where the event at pos, of that conversation, stands at an endpoint
// (app/name). It speaks of ordinary deliveries, not of runs.
func (d *Deliverer) Standing(id string, pos gateway.Pos, l event.Lane) gateway.Standing {
	tail, runners, _ := d.serving()
	for _, r := range runners {
		if r.id == id {
			r.mu.Lock()
			defer r.mu.Unlock()
			return r.whereabouts(pos, l, tail)
		}
	}
	return gateway.Standing{}
}

// whereabouts is where the event at pos stands while the tail has read so far. Call with
// mu.
func (r *runner) whereabouts(pos gateway.Pos, l event.Lane, tail gateway.Pos) gateway.Standing {
	at := func(p gateway.Pos) int {
		switch {
		case p < pos:
			return -1
		case p > pos:
			return 1
		}
		return 0
	}
	if ln := r.lanes[r.laneKey(&event.Event{Lane: l}, pos)]; ln != nil {
		// A lane's events are in their order, but where they came out of another one's.
		for i := range ln.queue {
			if it := &ln.queue[i]; it.pos == pos {
				return gateway.Standing{Where: gateway.StandsOpen, Attempts: it.attempts, DueAt: it.dueAt}
			}
		}
	}
	if i, ok := slices.BinarySearchFunc(r.again, pos, func(o openEvent, p gateway.Pos) int { return at(o.Pos) }); ok {
		return gateway.Standing{Where: gateway.StandsOpen, Attempts: r.again[i].Attempts, DueAt: r.again[i].DueAt}
	}
	if pos <= r.readUpTo(tail) || r.ahead.taken.walk().has(pos) {
		return gateway.Standing{Where: gateway.StandsFinished}
	}
	return gateway.Standing{Where: gateway.StandsUnread}
}
