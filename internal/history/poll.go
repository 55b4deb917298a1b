package history

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/attempts"
	"github.com/imhook/imhook/internal/chronicle"
	"github.com/imhook/imhook/internal/gateway"
	"github.com/imhook/imhook/internal/trail"
)

// Feeds that steps come from. They are on disk: append only.
const (
	feedAttempts = 1
	feedLetters  = 2
)

// step is something that happened to an event at an endpoint and is kept elsewhere in
// full: an attempt, or that it was set aside.
type step struct {
	place    place
	feed     int64
	ref      uint64 // its position in the log, or the dead letter's number
	at       time.Time
	endpoint string
	attempt  int
	outcome  string
	reason   gateway.Reason
	status   int
	took     time.Duration
	again    event.Repeat
}

// marks are the terms that a step adds to its event.
func (s step) mark() (term, bool) {
	switch {
	case s.feed == feedLetters:
		return newTerm(byOutcome, string(Parked)), true
	case s.outcome != string(gateway.Delivered):
		return newTerm(byOutcome, string(Failed)), true
	}
	return 0, false
}

// poll reads what is new of decisions, attempts and dead letters. That one of them
// cannot be read holds up none of the others.
func (f *feeder) poll(ctx context.Context) {
	for _, feed := range []struct {
		what string
		read func(context.Context) error
	}{
		{"decisions", func(ctx context.Context) error {
			return f.chronicle(ctx, f.h.cfg.Decisions, &f.pos.Decisions, f.takeDecision)
		}},
		{"attempts", func(ctx context.Context) error {
			return f.chronicle(ctx, f.h.cfg.Attempts, &f.pos.Attempts, f.takeAttempt)
		}},
		{"dead letters", f.letters},
	} {
		if err := feed.read(ctx); err != nil && ctx.Err() == nil {
			f.h.halts(feed.what, err)
		} else {
			f.h.goesOn(feed.what)
		}
	}
}

// chronicle reads the next pages of decisions or attempts.
func (f *feeder) chronicle(ctx context.Context, pages Pages, next *uint64, take func(jsontext.Value, gateway.Pos) error) error {
	if pages == nil {
		return nil
	}
	if there, err := pages.There(ctx); err != nil || !there {
		return err
	}
	first, last, err := pages.Bounds(ctx)
	if err != nil {
		return err
	}
	switch {
	case *next > last+1:
		// It was begun anew, which is no harm: what it has is new to us.
		*next, f.batch.positions = first, true
	case *next < first:
		*next, f.batch.positions = first, true
	}
	for n := 0; *next <= last && n < pollPages && len(f.batch.events) < batchEvents; n++ {
		b, _, err := pages.Page(ctx, *next)
		switch {
		case errors.Is(err, gateway.ErrNoPage):
		case err != nil:
			return err
		default:
			f.takeEntries(b, *next, take)
		}
		*next++
		f.batch.positions = true
		f.pace.rest()
	}
	return nil
}

// takeEntries takes the entries of a page; what cannot be read is passed over, as it is
// where it is kept.
func (f *feeder) takeEntries(b []byte, seq uint64, take func(jsontext.Value, gateway.Pos) error) {
	page, err := chronicle.OpenPage(b)
	if err != nil {
		f.h.cfg.Log.Warn("the history passes over a page that cannot be read", "page", seq, "err", err)
		return
	}
	for i, v := range page.Entries {
		if err := take(v, gateway.NewPos(seq, i)); err != nil {
			f.h.cfg.Log.Warn("the history passes over an entry that cannot be read", "page", seq, "err", err)
		}
		f.pace.rest()
	}
	f.batch.bytes += len(b)
}

// takeDecision takes a before-event.
func (f *feeder) takeDecision(v jsontext.Value, pos gateway.Pos) error {
	d, err := trail.Parse(v)
	if err != nil {
		return err
	}
	e := newEvent(d.Event, event.Before, pos, d.At)
	e.Verdict = d.Verdict
	f.batch.add(e, terms(d.Event, nil, string(d.Verdict)))
	return nil
}

// takeAttempt takes a step.
func (f *feeder) takeAttempt(v jsontext.Value, pos gateway.Pos) error {
	a, err := parseAttempt(v)
	if err != nil {
		return err
	}
	if a.Pos == 0 {
		return nil // nothing says which event it was
	}
	f.batch.steps = append(f.batch.steps, step{
		place: placeOf(event.After, a.Pos), feed: feedAttempts, ref: uint64(pos), at: a.At, endpoint: clean(a.Endpoint), attempt: a.Attempt,
		outcome: string(a.Outcome), reason: a.Reason, status: a.Status, took: time.Duration(a.Took * float64(time.Second)), again: a.Repeat,
	})
	return nil
}

func parseAttempt(v jsontext.Value) (*attempts.Entry, error) {
	var a attempts.Entry
	if err := json.Unmarshal(v, &a, jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true)); err != nil {
		return nil, fmt.Errorf("%w: %w", chronicle.ErrPage, err)
	}
	return &a, nil
}

// letters reads the next dead letters.
func (f *feeder) letters(ctx context.Context) error {
	_, last, _, err := f.h.cfg.Letters.DeadLetterBounds(ctx)
	if err != nil {
		return err
	}
	if f.pos.Letters > last+1 {
		f.pos.Letters, f.batch.positions = 1, true
	}
	for n := 0; f.pos.Letters <= last && n < pollPages*8; n++ {
		d, err := f.h.cfg.Letters.NextDeadLetter(ctx, f.pos.Letters, "")
		if errors.Is(err, gateway.ErrNoLetter) {
			f.pos.Letters, f.batch.positions = last+1, true
			return nil
		}
		if err != nil {
			return err
		}
		f.batch.steps = append(f.batch.steps, step{
			place: placeOf(event.After, d.Pos), feed: feedLetters, ref: d.Seq, at: d.At, endpoint: clean(d.Endpoint), attempt: d.Attempts,
			outcome: string(Parked), reason: d.Reason, again: d.Repeat,
		})
		f.pos.Letters, f.batch.positions = d.Seq+1, true
		f.pace.rest()
	}
	return nil
}
