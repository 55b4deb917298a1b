package deliver

import (
	"context"
	"time"

	"github.com/imhook/imhook/internal/gateway"
)

// Status is how an endpoint is doing.
type Status struct {
	App  string
	Name string
	// State is live (served by the tail), catching up, or paused.
	State string
	// Paused says why, when it is.
	Paused string
	// Open events are read and not finished; Unread says that there are more
	// that were not read yet.
	Open   int
	Unread bool
	// InFlight attempts, and lanes that wait for a retry.
	InFlight int
	Waiting  int
	// OldestAt is when the oldest unfinished event was stored; zero when there is
	// none.
	OldestAt time.Time
	// LastError is the last failure since the last success.
	LastError string
	Delivered uint64
	Parked    uint64
}

// The states.
const (
	StateLive       = "live"
	StateCatchingUp = "catching up"
	StatePaused     = "paused"
)

// Status returns how every endpoint is doing, in configuration order.
func (d *Deliverer) Status(ctx context.Context) []Status {
	d.mu.Lock()
	tail := d.tail
	d.mu.Unlock()
	all := make([]Status, len(d.runners))
	for i, r := range d.runners {
		s, oldest := r.status(tail)
		if s.Open > 0 || s.Unread {
			if page, err := d.cfg.Journal.Page(ctx, oldest.Seq()); err == nil {
				s.OldestAt = page.Time
			}
		}
		all[i] = s
	}
	return all
}

func (r *runner) status(tail gateway.Pos) (s Status, oldest gateway.Pos) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s = Status{
		App: r.App, Name: r.Name, State: StateLive, Paused: r.paused,
		Open: r.open, Unread: r.effective(tail) < tail, InFlight: r.running,
		Waiting: len(r.waiting), LastError: r.lastError,
		Delivered: r.metrics.deliveredTotal.Load(), Parked: r.metrics.parkedTotal.Load(),
	}
	switch {
	case r.paused != "":
		s.State = StatePaused
	case !r.live:
		s.State = StateCatchingUp
	}
	return s, r.oldest(tail)
}
