package admin

import (
	"context"
	"fmt"
	"time"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/attempts"
	"github.com/imhook/imhook/internal/gateway"
)

// Attempts is where the log of attempts is read.
type Attempts interface {
	// Find returns the newest that q wants; see [attempts.Log.Find].
	Find(ctx context.Context, q attempts.Query) (attempts.Found, error)
}

// attemptsQuery is a question about attempts.
type attemptsQuery struct {
	Limit        limitParam   `query:"limit"`
	Endpoint     string       `query:"endpoint" doc:"app/name; the app may be left out where there is one."`
	Event        string       `query:"event" doc:"The id of an event."`
	Conversation string       `query:"conversation" example:"group:g1"`
	Reason       reasonParam  `query:"reason"`
	Outcome      outcomeParam `query:"outcome"`
	Type         string       `query:"type" doc:"A pattern of event types." example:"message.*"`
	Stretch
}

// outcomes are those that are kept.
func outcomes() []gateway.OutcomeKind {
	return []gateway.OutcomeKind{gateway.Delivered, gateway.Retry, gateway.Refused, gateway.Misconfigured}
}

func (a *api) parseAttempts(ctx context.Context, v *attemptsQuery) (attempts.Query, error) {
	q := attempts.Query{
		Endpoint: a.endpointID(ctx, v.Endpoint), Event: v.Event, Lane: event.Lane(v.Conversation),
		Reason: gateway.Reason(v.Reason), Outcome: gateway.OutcomeKind(v.Outcome),
	}
	if err := oneOf("reason", q.Reason, gateway.Reasons()); err != nil {
		return q, err
	}
	if err := oneOf("outcome", q.Outcome, outcomes()); err != nil {
		return q, err
	}
	var err error
	if q.Limit, err = v.Limit.parse(); err != nil {
		return q, err
	}
	if v.Type != "" {
		if q.Match, err = a.Pattern(v.Type, event.After); err != nil {
			return q, fmt.Errorf("type: %w", err)
		}
	}
	return q, v.parse(a.Now(), &q.Since, &q.Until, &q.Before, &q.After)
}

// attemptList is one page of attempts.
type attemptList struct {
	Attempts []*attempts.Entry `json:"attempts"`
	// Next is where older ones go on (before=), empty at the end; Newest the end of
	// the log (after=), for the next look.
	Next   string `json:"next,omitzero"`
	Newest string `json:"newest"`
}

// attempts lists them, newest first.
func (a *api) attempts(ctx context.Context, in *attemptsQuery) (attemptList, error) {
	q, err := a.parseAttempts(ctx, in)
	if err != nil {
		return attemptList{}, invalid(err)
	}
	f, err := a.Attempts.Find(ctx, q)
	if err != nil {
		return attemptList{}, a.broken(ctx, "reading attempts", err)
	}
	return attemptList{Attempts: f.Entries, Next: older(f.Next), Newest: cursor(f.Newest)}, nil
}

// maxTried is how many attempts are shown with their event.
const maxTried = 50

// attemptsOf are the attempts of an event that are kept, newest first. That they
// cannot be read is no reason not to show the event.
func (a *api) attemptsOf(ctx context.Context, ev *event.Event, stored time.Time) []*attempts.Entry {
	if a.Attempts == nil {
		return nil
	}
	f, err := a.Attempts.Find(ctx, attempts.Query{Event: ev.ID, Since: stored.Add(-time.Minute), Limit: maxTried})
	if err != nil {
		a.Log.WarnContext(ctx, "showing an event without its attempts", "id", ev.ID, "err", err)
	}
	return f.Entries
}
