package deliver

import (
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// Attempts is told of every attempt, and of events that came to their end without one:
// what cannot be said in the endpoint's dialect, echoes, what expired, and what was
// folded into a later one. It must not wait, and not change what it is told.
type Attempts interface {
	Record(a gateway.Attempt)
}

// tell tells of the attempts of a load that is over, before anything is made of them.
// Of a request that was shared and then split what each event met last is told.
func (r *runner) tell(w *worker) {
	if r.attempts == nil {
		return
	}
	now := r.now()
	var shared *gateway.Exchange
	for i := range w.load {
		f := &w.load[i]
		switch {
		case f.state != tried, f.item.ev == nil, f.out.Reason == gateway.ReasonCancelled:
			continue
		}
		out := f.out
		if out.Exchange != nil && out.Exchange == shared {
			out.Exchange = nil
		} else {
			shared = out.Exchange
		}
		r.attempts.Record(gateway.Attempt{
			Endpoint: r.id, Event: f.item.ev, Pos: f.item.pos, N: f.item.attempts + 1, At: now, Outcome: out, Repeat: r.repeat,
		})
	}
}

// tellExpired tells that an event expired.
func (r *runner) tellExpired(pos gateway.Pos, ev *event.Event) { r.tellEnd(pos, ev, gateway.Expired) }

// tellEnd tells that an event came to its end without an attempt. It does not wait.
func (r *runner) tellEnd(pos gateway.Pos, ev *event.Event, how gateway.OutcomeKind) {
	if r.attempts != nil {
		r.attempts.Record(gateway.Attempt{
			Endpoint: r.id, Event: ev, Pos: pos, At: r.now(), Outcome: gateway.Outcome{Kind: how}, Repeat: r.repeat,
		})
	}
}
