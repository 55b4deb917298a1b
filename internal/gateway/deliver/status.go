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
	// State is live (served by the tail), catching up, paused, or removed.
	State string
	// Paused says why, when it is.
	Paused string
	// Open events are read and not finished; Unread says that there are more
	// that were not read yet.
	Open   int
	Unread bool
	// Behind is how many events wait for the endpoint's reader while it is catching up,
	// -1 when they were not counted; Ahead is how many it got from the tail meanwhile,
	// because nothing of their conversation waits before them.
	Behind, Ahead int
	// InFlight attempts, and lanes that wait for a retry.
	InFlight int
	Waiting  int
	// OldestAt is when the oldest unfinished event was stored; zero when there is
	// none.
	OldestAt time.Time
	// Bytes are the journal's, from the oldest unfinished event on: what the endpoint
	// keeps from being trimmed.
	Bytes uint64
	// LastError is the last failure since the last success.
	LastError string
	// Delivered and Parked count since the endpoint was started or came back.
	Delivered uint64
	Parked    uint64
	// ForgetAt is when a removed endpoint's position and backlog are given up;
	// zero for one that is configured.
	ForgetAt time.Time
}

// The states.
const (
	StateLive       = "live"
	StateCatchingUp = "catching up"
	StatePaused     = "paused"
	// StateRemoved: not configured any more, its position and its backlog are kept
	// until ForgetAt.
	StateRemoved = "removed"
)

// Status returns how every endpoint is doing, in configuration order, and behind
// them those that were removed and are not forgotten yet, by name.
func (d *Deliverer) Status(ctx context.Context) []Status {
	tail, runners, gone := d.serving()
	all := make([]Status, 0, len(runners)+len(gone))
	for _, r := range runners {
		s, oldest := r.status(tail)
		all = append(all, d.aged(ctx, s, oldest))
	}
	for _, g := range gone {
		s, oldest := d.statusOf(g)
		all = append(all, d.aged(ctx, s, oldest))
	}
	return all
}

// aged adds when the oldest unfinished event was stored.
func (d *Deliverer) aged(ctx context.Context, s Status, oldest gateway.Pos) Status {
	if s.Open > 0 || s.Unread {
		s.Bytes = d.cfg.Journal.BytesFrom(oldest.Seq())
		if page, err := d.cfg.Journal.Page(ctx, oldest.Seq()); err == nil {
			s.OldestAt = page.Time
		}
	}
	return s
}

func (r *runner) status(tail gateway.Pos) (s Status, oldest gateway.Pos) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s = Status{
		App: r.App, Name: r.Name, State: StateLive, Paused: r.paused,
		Open: r.open + len(r.again), Unread: r.readUpTo(tail) < tail, InFlight: r.running,
		Waiting: len(r.waiting), LastError: r.lastError,
		Delivered: r.metrics.deliveredTotal.Load(), Parked: r.metrics.parkedTotal.Load(),
	}
	s.Behind, s.Ahead = r.behind()
	switch {
	case r.paused != "":
		s.State = StatePaused
	case !r.live:
		s.State = StateCatchingUp
	}
	return s, r.oldest(tail)
}
