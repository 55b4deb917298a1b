package deliver

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// Status is how an endpoint is doing.
type Status struct {
	App  string
	Name string
	// State is live (served by the tail), catching up, ramping, the word of a vendor that
	// sends nothing for now, half-open, open, paused, or removed: of several, the later
	// word.
	State string
	// Paused says why, when it is; PausedUntil, when that ends by itself.
	Paused      string
	PausedUntil time.Time
	// Breaker is closed, half-open or open; ProbeAt is when an open one lets an event
	// through that decides.
	Breaker string
	ProbeAt time.Time
	// Ramp is how many events may be in flight now, RampOf how many at full speed.
	Ramp, RampOf int
	// PausedLanes are the conversations that are held by hand, by name; BlockedLanes
	// some of those that wait because their first event is not taken, the longest
	// first, and Blocked is how many those are.
	PausedLanes  []PausedLane
	BlockedLanes []BlockedLane
	Blocked      int
	// PerSecond is how many events were delivered in a second, over about the last
	// ten.
	PerSecond float64
	// BytesInFlight are those of the events in flight.
	BytesInFlight int64
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
	// Stalled says why the endpoint reads no further, when that is because too many of its
	// conversations do not go on.
	Stalled string
	// LastError is the last failure since the last success.
	LastError string
	// Delivered and Parked count since the endpoint was started or came back.
	Delivered uint64
	Parked    uint64
	// Vendor is not nil where the endpoint delivers as a vendor does.
	Vendor *VendorStatus
	// ForgetAt is when a removed endpoint's position and backlog are given up;
	// zero for one that is configured.
	ForgetAt time.Time
}

// PausedLane is a conversation that is held by hand.
type PausedLane struct {
	Pause
	// Open is how many of its events wait.
	Open int
}

// BlockedLane is a conversation that waits for somebody to act.
type BlockedLane struct {
	Lane event.Lane
	// At is since when; Reason and Detail say why, and are empty after a restart.
	At     time.Time
	Reason gateway.Reason
	Detail string
	// Attempts is how often its first event was tried, Open how many events wait.
	Attempts, Open int
}

// maxBlockedShown is how many blocked lanes are listed.
const maxBlockedShown = 20

// The states.
const (
	StateLive       = "live"
	StateCatchingUp = "catching up"
	// StateRamping: it came back a while ago, is not at full speed yet, and events wait
	// for that.
	StateRamping = "ramping"
	// StateHalfOpen: one event decides whether it gets others.
	StateHalfOpen = "half-open"
	// StateOpen: it gets nothing for now.
	StateOpen   = "open"
	StatePaused = "paused"
	// StateClosed is a breaker's, of an endpoint that gets everything.
	StateClosed = "closed"
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
		PausedUntil: r.pausedUntil, PausedLanes: r.pausedStatus(),
		Breaker: StateClosed, Ramp: r.ramp.limit, RampOf: r.ramp.most,
		Open: r.unfinished(), Unread: r.readUpTo(tail) < tail, InFlight: r.running, BytesInFlight: r.flyingBytes,
		Waiting: r.retrying(), LastError: r.lastError, PerSecond: r.pace.perSecond,
		Delivered: r.metrics.deliveredTotal.Load(), Parked: r.metrics.parkedTotal.Load(),
	}
	s.Behind, s.Ahead = r.behind()
	s.Stalled = r.stalled()
	s.BlockedLanes, s.Blocked = r.blockedStatus()
	switch r.health.state {
	case open:
		s.Breaker, s.ProbeAt = StateOpen, r.health.until
	case halfOpen:
		s.Breaker = StateHalfOpen
	default:
	}
	s.Vendor = r.vendor.status(r.now())
	switch {
	case r.paused != "":
		s.State = StatePaused
	case r.health.state != closed:
		s.State = s.Breaker
	case s.Vendor != nil && s.Vendor.Word != "":
		s.State = s.Vendor.Word
	case !r.ramp.full() && (r.ready.len() > 0 || s.Unread):
		s.State = StateRamping
	case !r.live:
		s.State = StateCatchingUp
	}
	return s, r.oldest(tail)
}

// pausedStatus are the conversations that are held by hand. Call with mu.
func (r *runner) pausedStatus() []PausedLane {
	var all []PausedLane
	for _, p := range r.heldLanes() {
		l := PausedLane{Pause: p}
		if lane := r.lanes[p.Lane]; lane != nil {
			l.Open = len(lane.queue)
		}
		l.Open += r.leftOf(p.Lane)
		all = append(all, l)
	}
	return all
}

// blockedStatus are the conversations that wait for somebody to act. Call with mu.
func (r *runner) blockedStatus() (some []BlockedLane, n int) {
	for _, l := range r.waiting {
		if l.blocked == nil {
			continue
		}
		n++
		some = append(some, BlockedLane{
			Lane: l.key, At: l.blocked.at, Reason: l.blocked.why, Detail: l.blocked.detail,
			Attempts: l.queue[0].attempts, Open: len(l.queue) + r.leftOf(l.key),
		})
	}
	slices.SortFunc(some, func(a, b BlockedLane) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Lane, b.Lane)) })
	return some[:min(n, maxBlockedShown)], n
}
