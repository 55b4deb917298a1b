package admin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// letterWish is what somebody wants done with dead letters.
type letterWish struct {
	Endpoint string `json:"endpoint,omitzero" doc:"app/name; the app may be left out where there is one."`
	SelectionWish
	// All is written where nothing narrows.
	All bool `json:"all,omitzero" doc:"Must be said where nothing narrows."`
	// Rate bounds a requeue, in events a second.
	Rate float64 `json:"rate,omitzero" doc:"At most so many events a second."`
	// DryRun counts and does nothing.
	DryRun bool `json:"dryRun,omitzero" doc:"Count, and do nothing."`
	// From is where a purge goes on that took too long for one answer.
	From uint64 `json:"from,omitzero" doc:"Where a purge goes on: next of the answer before."`
}

// wished finds out which dead letters are meant.
func (a *api) wished(ctx context.Context, want *letterWish) (*letterQuery, error) {
	s, err := a.selection(want.SelectionWish)
	if err != nil {
		return nil, err
	}
	q := &letterQuery{endpoint: a.endpointID(ctx, want.Endpoint), Selection: s, api: a}
	narrowed := q.endpoint != "" || len(s.Types) > 0 || len(s.Sources) > 0 || s.Lane != "" || s.When != "" ||
		!s.Since.IsZero() || !s.Until.IsZero() || len(s.Reasons) > 0 || len(s.Letters) > 0
	if !narrowed && !want.All {
		return nil, errors.New("this would be every dead letter of every endpoint; narrow it, or say all")
	}
	if narrowed && want.All {
		return nil, errors.New("all says that nothing narrows; leave out one of the two")
	}
	return q, q.check()
}

// requeued is what a requeue began, or would begin.
type requeued struct {
	Letters int           `json:"letters"`
	DryRun  bool          `json:"dryRun,omitzero"`
	Runs    []requeuedRun `json:"runs"`
}

// requeuedRun is one of its runs.
type requeuedRun struct {
	gateway.RunStatus
	Letters int `json:"letters"`
}

// requeue begins to deliver dead letters again, a run for each of their endpoints.
func (a *api) requeue(ctx context.Context, _ *none, want *letterWish) (requeued, error) {
	q, err := a.wished(ctx, want)
	if err != nil {
		return requeued{}, invalid(err)
	}
	counts, ids, err := a.addressees(ctx, q)
	if err != nil {
		return requeued{}, a.broken(ctx, readingLetters, err)
	}
	answer := requeued{DryRun: want.DryRun, Runs: []requeuedRun{}}
	noteWish(ctx, q.endpoint, want)
	for _, id := range ids {
		answer.Letters += counts[id]
		run := gateway.Run{Kind: event.Requeued, Endpoint: id, Selection: q.Selection, Rate: want.Rate}
		s := gateway.RunStatus{Run: run}
		if !want.DryRun {
			if s, err = a.Runs.Repeat(ctx, run); err != nil {
				return requeued{}, badRun(err, len(answer.Runs))
			}
			a.Log.InfoContext(ctx, "dead letters requeued", "endpoint", id, "letters", counts[id], "run", s.ID)
		}
		answer.Runs = append(answer.Runs, requeuedRun{s, counts[id]})
	}
	if want.DryRun || len(ids) == 0 {
		skipNote(ctx)
	}
	return answer, nil
}

// addressees counts the dead letters that q wants by their endpoints.
func (a *api) addressees(ctx context.Context, q *letterQuery) (counts map[string]int, ids []string, err error) {
	counts = map[string]int{}
	err = a.eachLetter(ctx, q, 1, func(l *gateway.DeadLetter) error {
		if counts[l.Endpoint]++; counts[l.Endpoint] == 1 {
			ids = append(ids, l.Endpoint)
		}
		return nil
	})
	slices.Sort(ids)
	return counts, ids, err
}

// purgeWithin is how long one answer goes on purging, or exporting nothing: who asks
// goes on where it stopped.
const purgeWithin = 20 * time.Second

// errLater ends an answer that took long enough.
var errLater = errors.New("the rest comes later")

// purged is what a purge took away, or would take.
type purged struct {
	Purged int  `json:"purged"`
	DryRun bool `json:"dryRun,omitzero"`
	// Next is where to go on (from) when it took too long for one answer.
	Next uint64 `json:"next,omitzero"`
}

// purge takes dead letters away for good.
func (a *api) purge(ctx context.Context, _ *none, want *letterWish) (purged, error) {
	q, err := a.wished(ctx, want)
	if err != nil {
		return purged{}, invalid(err)
	}
	answer, begin := purged{DryRun: want.DryRun}, time.Now()
	err = a.eachLetter(ctx, q, max(want.From, 1), func(l *gateway.DeadLetter) error {
		if time.Since(begin) > purgeWithin {
			answer.Next = l.Seq
			return errLater
		}
		if want.DryRun {
			answer.Purged++
			return nil
		}
		was, err := a.DeadLetters.RemoveDeadLetter(ctx, l.Seq)
		if was {
			answer.Purged++
		}
		return err
	})
	if answer.Purged > 0 && !want.DryRun {
		a.Log.InfoContext(ctx, "dead letters purged", "endpoint", q.endpoint, "letters", answer.Purged)
	}
	noteWish(ctx, q.endpoint, want)
	note(ctx).Detail = fmt.Sprintf("%d taken away, of %s", answer.Purged, note(ctx).Detail)
	if want.DryRun {
		skipNote(ctx)
	}
	if err != nil && !errors.Is(err, errLater) {
		return purged{}, a.broken(ctx, "purging dead letters", err)
	}
	return answer, nil
}
