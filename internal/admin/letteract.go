package admin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// letterWish is what somebody wants done with dead letters.
type letterWish struct {
	Endpoint string `json:"endpoint"`
	wishedSelection
	// All is written where nothing narrows.
	All bool `json:"all"`
	// Rate bounds a requeue, in events a second.
	Rate float64 `json:"rate"`
	// DryRun counts and does nothing.
	DryRun bool `json:"dryRun"`
	// From is where a purge goes on that took too long for one answer.
	From uint64 `json:"from"`
}

// readJSON reads a request into v.
func readJSON(w http.ResponseWriter, r *http.Request, v any) error {
	// A page of another site cannot send this type without asking first.
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return errors.New("send JSON, with Content-Type: application/json")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxTriggerBody))
	if err != nil {
		return fmt.Errorf("reading the request: %w", err)
	}
	if err := json.Unmarshal(body, v, json.RejectUnknownMembers(true)); err != nil {
		return fmt.Errorf("reading the request: %w", err)
	}
	return nil
}

// wished reads which dead letters are meant.
func (a *api) wished(w http.ResponseWriter, r *http.Request) (letterWish, *letterQuery, error) {
	var want letterWish
	if err := readJSON(w, r, &want); err != nil {
		return want, nil, err
	}
	s, err := a.selection(want.wishedSelection)
	if err != nil {
		return want, nil, err
	}
	q := &letterQuery{endpoint: a.endpointID(r.Context(), want.Endpoint), Selection: s, api: a}
	narrowed := q.endpoint != "" || len(s.Types) > 0 || len(s.Sources) > 0 || s.Lane != "" || s.When != "" ||
		!s.Since.IsZero() || !s.Until.IsZero() || len(s.Reasons) > 0 || len(s.Letters) > 0
	if !narrowed && !want.All {
		return want, nil, errors.New("this would be every dead letter of every endpoint; narrow it, or say all")
	}
	if narrowed && want.All {
		return want, nil, errors.New("all says that nothing narrows; leave out one of the two")
	}
	return want, q, q.check()
}

// requeue begins to deliver dead letters again, a run for each of their endpoints.
func (a *api) requeue(w http.ResponseWriter, r *http.Request) {
	want, q, err := a.wished(w, r)
	if err != nil {
		a.fail(w, r, http.StatusBadRequest, err.Error())
		return
	}
	ctx := r.Context()
	counts, ids, err := a.addressees(ctx, q)
	if err != nil {
		a.broken(w, r, readingLetters, err)
		return
	}
	type one struct {
		gateway.RunStatus
		Letters int `json:"letters"`
	}
	answer := struct {
		Letters int   `json:"letters"`
		DryRun  bool  `json:"dryRun,omitzero"`
		Runs    []one `json:"runs"`
	}{DryRun: want.DryRun, Runs: []one{}}
	for _, id := range ids {
		answer.Letters += counts[id]
		run := gateway.Run{Kind: event.Requeued, Endpoint: id, Selection: q.Selection, Rate: want.Rate}
		s := gateway.RunStatus{Run: run}
		if !want.DryRun {
			if s, err = a.Runs.Repeat(ctx, run); err != nil {
				a.badRun(w, r, err, len(answer.Runs))
				return
			}
			a.Log.InfoContext(ctx, "dead letters requeued", "endpoint", id, "letters", counts[id], "run", s.ID)
		}
		answer.Runs = append(answer.Runs, one{s, counts[id]})
	}
	a.answer(w, r, answer)
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

// purge takes dead letters away for good.
func (a *api) purge(w http.ResponseWriter, r *http.Request) {
	want, q, err := a.wished(w, r)
	if err != nil {
		a.fail(w, r, http.StatusBadRequest, err.Error())
		return
	}
	answer := struct {
		Purged int  `json:"purged"`
		DryRun bool `json:"dryRun,omitzero"`
		// Next is where to go on (from) when it took too long for one answer.
		Next uint64 `json:"next,omitzero"`
	}{DryRun: want.DryRun}
	ctx, begin := r.Context(), time.Now()
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
	if err != nil && !errors.Is(err, errLater) {
		a.broken(w, r, "purging dead letters", err)
		return
	}
	a.answer(w, r, answer)
}
