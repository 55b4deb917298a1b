package admin

import (
	"context"
	"fmt"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
	"github.com/imhook/imhook/internal/history"
)

// searchQuery is a question: q as people write it, and the others as its parts.
type searchQuery struct {
	Q            string         `query:"q" doc:"What people write: names, and parts with a key (user:alice since:2h). All must hold." example:"alice since:2h"`
	ID           string         `query:"id" doc:"The id of an event or a message, or a link key: what is about that message is found with it."`
	User         string         `query:"user" doc:"Who did it, wrote it, or is concerned." example:"alice"`
	Conversation string         `query:"conversation" example:"group:g1"`
	Group        string         `query:"group" doc:"The id of a group." example:"g1"`
	Type         string         `query:"type" doc:"A pattern of event types, or a vendor's command." example:"message.*"`
	App          string         `query:"app"`
	Source       string         `query:"source"`
	Phase        string         `query:"phase" enum:"before,after"`
	Outcome      fateParam      `query:"outcome"`
	Endpoint     string         `query:"endpoint" doc:"app/name; the app may be left out where there is one. With outcome, its outcome there."`
	Since        momentParam    `query:"since"`
	Until        momentParam    `query:"until"`
	Limit        limitParam     `query:"limit"`
	After        nextFoundParam `query:"after"`
}

type (
	fateParam      string
	nextFoundParam string
)

// Schema is that of the parameter.
func (fateParam) Schema(huma.Registry) *huma.Schema {
	return words("What became of an event, or what was answered.", history.Outcomes())
}

// Schema is that of the parameter.
func (nextFoundParam) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Description: "next of an earlier answer, to go on with what is older."}
}

// parseSearch reads a search.
func (a *api) parseSearch(ctx context.Context, in *searchQuery) (history.Query, error) {
	var q history.Query
	if err := q.Parse(in.Q, a.Now()); err != nil {
		return q, fmt.Errorf("q: %w", err)
	}
	for _, part := range []struct {
		key, value string
		to         *string
	}{
		{"id", in.ID, &q.ID},
		{"user", in.User, &q.User},
		{"conversation", in.Conversation, (*string)(&q.Conversation)},
		{"group", in.Group, &q.Group},
		{"type", in.Type, &q.Type},
		{"app", in.App, &q.App},
		{"source", in.Source, &q.Source},
		{"phase", in.Phase, (*string)(&q.Phase)},
		{"outcome", string(in.Outcome), (*string)(&q.Outcome)},
		{"endpoint", in.Endpoint, &q.Endpoint},
	} {
		switch {
		case part.value == "":
		case *part.to != "" && *part.to != part.value:
			return q, fmt.Errorf("%s is %q and in q %q; an event has one", part.key, part.value, *part.to)
		default:
			*part.to = part.value
		}
	}
	var err error
	if q.Limit, err = in.Limit.parse(); err != nil {
		return q, err
	}
	if err := in.Since.parse("since", a.Now(), &q.Since); err != nil {
		return q, err
	}
	if err := in.Until.parse("until", a.Now(), &q.Until); err != nil {
		return q, err
	}
	if q.After, err = history.ParseCursor(string(in.After)); err != nil {
		return q, err
	}
	if q.Endpoint != "" {
		q.Endpoint = a.endpointID(ctx, q.Endpoint)
	}
	if err := q.Check(); err != nil || q.Type == "" {
		return q, err
	}
	return q, a.checkType(q)
}

// foundEvent is an event of an answer.
type foundEvent struct {
	ID    string      `json:"id"`
	Time  time.Time   `json:"time"`
	Kept  time.Time   `json:"kept"`
	Phase event.Phase `json:"phase"`
	Type  event.Type  `json:"type"`

	App          string     `json:"app"`
	Source       string     `json:"source"`
	Dialect      string     `json:"dialect,omitzero"`
	Command      string     `json:"command,omitzero"`
	Actor        string     `json:"actor,omitzero"`
	Conversation event.Lane `json:"conversation,omitzero"`
	Message      string     `json:"message_id,omitzero"`
	Link         string     `json:"link,omitzero"`
	// Outcome is what became of it: its verdict, or the worst at an endpoint.
	Outcome   history.Outcome `json:"outcome"`
	Endpoints []foundEnd      `json:"endpoints,omitempty"`
}

// foundEnd is what became of it at one endpoint.
type foundEnd struct {
	Endpoint string          `json:"endpoint"`
	Outcome  history.Outcome `json:"outcome"`
	At       time.Time       `json:"at,omitzero"`
	Seconds  float64         `json:"seconds,omitzero"`
	Attempts int             `json:"attempts,omitzero"`
	Failed   int             `json:"failed,omitzero"`
	Reason   gateway.Reason  `json:"reason,omitzero"`
	Due      time.Time       `json:"due,omitzero"`
	Letter   string          `json:"deadletter,omitzero"`
	Repeat   event.Repeat    `json:"repeat,omitzero"`
}

func showHit(hit *history.Hit) foundEvent {
	e := foundEvent{
		ID: hit.ID, Time: hit.Time, Kept: hit.At, Phase: hit.Phase, Type: hit.Type, App: hit.App, Source: hit.Source, Dialect: hit.Dialect,
		Command: hit.Command, Actor: hit.Actor, Conversation: hit.Lane, Message: hit.Message, Link: hit.Link, Outcome: hit.Outcome,
	}
	for _, end := range hit.Ends {
		e.Endpoints = append(e.Endpoints, foundEnd{
			Endpoint: end.Endpoint, Outcome: end.Outcome, At: end.At, Seconds: end.Took.Seconds(), Attempts: end.Attempts, Failed: end.Failed,
			Reason: end.Reason, Due: end.DueAt, Letter: letterID(end.Letter), Repeat: end.Repeat,
		})
	}
	return e
}

// searched is what a search found, newest first.
type searched struct {
	Events []foundEvent `json:"events"`
	// Next is where older ones go on (after=), empty at the end.
	Next string `json:"next,omitzero" doc:"Where older ones go on (after); it may be there although nothing was found: looking is bounded."`
	// Lag is how old the oldest event is that is not in the history yet, in seconds.
	Lag float64 `json:"lag" doc:"How old the oldest event is that is not in the history yet, in seconds."`
	// Words say so where somebody should know.
	Words string `json:"words,omitzero" doc:"Why something may be missing."`
}

// searchEvents finds events in the history, the newest first.
func (a *api) searchEvents(ctx context.Context, in *searchQuery) (searched, error) {
	q, err := a.parseSearch(ctx, in)
	if err != nil {
		return searched{}, invalid(err)
	}
	f, err := a.History.Search(ctx, q, a.Pattern)
	if err != nil {
		return searched{}, a.failHistory(ctx, "searching the history", err)
	}
	answer := searched{Events: []foundEvent{}, Next: f.Next.String(), Lag: f.Lag.Seconds()}
	for i := range f.Hits {
		answer.Events = append(answer.Events, showHit(&f.Hits[i]))
	}
	if s := a.History.Status(); s.State == history.Broken || s.State == history.CatchingUp {
		answer.Words = "the history is " + s.Words()
	}
	return answer, nil
}

// checkType says what is wrong with a pattern: it must mean something in one phase.
func (a *api) checkType(q history.Query) error {
	phases := []event.Phase{event.After, event.Before}
	if q.Phase != "" {
		phases = []event.Phase{q.Phase}
	}
	var first error
	for _, p := range phases {
		_, err := a.Pattern(q.Type, p)
		if err == nil {
			return nil
		}
		if first == nil {
			first = err
		}
	}
	return fmt.Errorf("type: %w", first)
}

// letterID is how a dead letter is asked for; empty for none.
func letterID(seq uint64) string {
	if seq == 0 {
		return ""
	}
	return number(seq)
}
