package deliver

import "github.com/imhook/imhook/internal/gateway"

// Attempts is told of every attempt. It must not wait, and not change what it is
// told.
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
		case f.state != tried, f.item.ev == nil, f.out.Reason == gateway.ReasonCancelled,
			f.out.Kind == gateway.Untranslatable, f.out.Kind == gateway.Echoed:
			continue
		}
		out := f.out
		if out.Exchange != nil && out.Exchange == shared {
			out.Exchange = nil
		} else {
			shared = out.Exchange
		}
		r.attempts.Record(gateway.Attempt{
			Endpoint: r.id, Event: f.item.ev, N: f.item.attempts + 1, At: now, Outcome: out, Repeat: r.repeat,
		})
	}
}
