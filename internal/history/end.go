package history

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// End is what became of an event at one endpoint.
type End struct {
	// Endpoint is app/name.
	Endpoint string
	Outcome  Outcome
	// At is when it came to its end, or was tried last; zero when that was not noted. Took
	// is how long the last attempt took.
	At   time.Time
	Took time.Duration
	// Attempts counts those that are known, Failed those of them that failed. Reason is
	// why the last one did.
	Attempts, Failed int
	Reason           gateway.Reason
	// DueAt is when it is tried next, where that is known.
	DueAt time.Time
	// Letter is the dead letter's number, where there is one.
	Letter uint64
	// Repeat is set when it came to its end while it was requeued or replayed.
	Repeat event.Repeat
}

// known is all that is kept of what became of an event.
type known struct {
	steps   []step
	endings []Ending
}

// known reads what is kept of an event's deliveries, in the order of time.
func (h *History) known(ctx context.Context, snap *snapshot, e *Event) (k known, err error) {
	for i, seg := range snap.segs {
		err := k.read(ctx, seg, &snap.dirs[i], e)
		switch {
		case err == nil:
		case isDamage(err):
			h.hurts(seg, err) // the others are whole
		default:
			return k, err
		}
	}
	slices.SortStableFunc(k.steps, func(a, b step) int { return a.at.Compare(b.at) })
	slices.SortStableFunc(k.endings, func(a, b Ending) int { return a.At.Compare(b.At) })
	return k, nil
}

// read adds what one segment has.
func (k *known) read(ctx context.Context, seg *segment, d *directory, e *Event) error {
	if p := int64(e.place()); d.steps.has(p) {
		rows, err := seg.query(ctx, selectSteps, p)
		if err := each(rows, err, func(r *sql.Rows) error {
			s := step{place: place(p)}
			var ref, at, took int64
			err := r.Scan(&s.feed, &ref, &at, &s.endpoint, &s.attempt, &s.outcome, &s.reason, &s.status, &took, &s.again)
			s.ref, s.at, s.took = uint64(ref), fromMoment(at), time.Duration(took)*time.Microsecond
			k.steps = append(k.steps, s)
			return err
		}); err != nil {
			return fmt.Errorf("reading attempts: %w", err)
		}
	}
	if page := int64(e.Pos.Seq()); d.endings.has(page) {
		rows, err := seg.query(ctx, selectEnding, page)
		if err := each(rows, err, func(r *sql.Rows) error {
			var endpoint string
			var b sql.RawBytes
			if err := r.Scan(&endpoint, &b); err != nil {
				return err
			}
			some, err := parseEndings(b, endpoint, e.Pos.Index())
			k.endings = append(k.endings, some...)
			return err
		}); err != nil {
			return fmt.Errorf("reading how deliveries ended: %w", err)
		}
	}
	return nil
}

// hit says what became of an event.
func (h *History) hit(ctx context.Context, snap *snapshot, e Event) (Hit, error) {
	hit := Hit{Event: e}
	if e.Phase == event.Before {
		hit.Outcome = Outcome(e.Verdict)
		return hit, nil
	}
	k, err := h.known(ctx, snap, &e)
	if err != nil {
		return hit, err
	}
	return h.sum(ctx, e, k), nil
}

// sum says what became of an after-event of which this is known.
func (h *History) sum(ctx context.Context, e Event, k known) Hit {
	hit := Hit{Event: e}
	var endpoints []string
	see := func(id string) {
		if !slices.Contains(endpoints, id) {
			endpoints = append(endpoints, id)
		}
	}
	for _, name := range e.Picked {
		see(e.App + "/" + name)
	}
	for _, s := range k.steps {
		see(s.endpoint)
	}
	for _, d := range k.endings {
		see(d.Endpoint)
	}
	for _, id := range endpoints {
		hit.Ends = append(hit.Ends, h.end(ctx, &e, id, k))
	}
	hit.Outcome = Unpicked
	if len(hit.Ends) > 0 {
		hit.Outcome = slices.MinFunc(hit.Ends, func(a, b End) int { return cmp.Compare(a.Outcome.rank(), b.Outcome.rank()) }).Outcome
	}
	return hit
}

// end says what became of an event at one endpoint.
func (h *History) end(ctx context.Context, e *Event, id string, k known) End {
	out := End{Endpoint: id}
	var parkedAt time.Time
	for _, s := range k.steps {
		switch {
		case s.endpoint != id:
		case s.feed == feedLetters:
			out.Letter, parkedAt, out.Reason = s.ref, s.at, s.reason
			out.Attempts = max(out.Attempts, s.attempt)
		default:
			out.Attempts = max(out.Attempts, s.attempt)
			out.At, out.Took = s.at, s.took
			if s.outcome != string(gateway.Delivered) {
				out.Failed++
				out.Reason = s.reason
			}
		}
	}
	var last Ending
	for _, d := range k.endings {
		if d.Endpoint == id {
			last = d
			out.Attempts = max(out.Attempts, d.Attempt)
		}
	}
	// A sample of the deliveries is in the log of attempts, also where nobody noted how
	// they ended.
	for _, s := range k.steps {
		if s.endpoint == id && s.feed == feedAttempts && s.outcome == string(gateway.Delivered) && !s.at.Before(last.At) {
			last = Ending{Endpoint: id, Kind: gateway.Delivered, Attempt: s.attempt, At: s.at, Took: s.took, Repeat: s.again}
		}
	}
	ended := last.Kind != "" && !last.At.Before(parkedAt.Truncate(time.Millisecond))
	switch {
	case out.Letter > 0 && h.there(ctx, out.Letter) && (!ended || last.Kind != gateway.Delivered || last.Repeat != ""):
		out.Outcome, out.At = Parked, parkedAt
	case ended:
		out.Outcome, out.At, out.Took, out.Repeat = endOutcome(last.Kind), last.At, last.Took, last.Repeat
	case out.Letter > 0:
		out.Outcome = Removed
	default:
		h.stands(e, &out)
	}
	return out
}

func endOutcome(k gateway.OutcomeKind) Outcome {
	switch k {
	case gateway.Delivered:
		return Delivered
	case gateway.Expired:
		return Expired
	}
	return LeftOut
}

// stands says where an event is of which nobody noted that it came to its end.
func (h *History) stands(e *Event, out *End) {
	out.Outcome = Unknown
	if h.cfg.Standing == nil {
		return
	}
	switch s := h.cfg.Standing(out.Endpoint, e.Pos, e.Lane); s.Where {
	case gateway.StandsOpen:
		out.Outcome, out.DueAt = Waiting, s.DueAt
		if out.Attempts = max(out.Attempts, s.Attempts); s.Attempts > 0 {
			out.Outcome = Retrying
		}
	case gateway.StandsUnread:
		out.Outcome = Waiting
	case gateway.StandsFinished:
		out.Outcome = Finished
	case gateway.StandsUnknown:
	}
}

// there reports whether a dead letter is still one.
func (h *History) there(ctx context.Context, letter uint64) bool {
	_, err := h.cfg.Letters.DeadLetter(ctx, letter)
	return !errors.Is(err, gateway.ErrNoLetter)
}
