package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/attempts"
	"github.com/imhook/imhook/internal/gateway"
	"github.com/imhook/imhook/internal/trail"
)

const (
	defaultLimit = 50
	maxLimit     = 1000
	// maxLooked bounds how many events one request looks at; the answer then has
	// a cursor to go on from.
	maxLooked = 200_000
)

// query is what somebody wants to see of the journal.
type query struct {
	limit  int
	match  func(*event.Event) bool
	source string
	lane   event.Lane
	id     string
	// link is a link key that the event must have; empty is any.
	link  string
	since time.Time
	// before and after are positions, exclusive; zero is no bound.
	before, after gateway.Pos
}

// eventsQuery is a question about events.
type eventsQuery struct {
	Limit        limitParam  `query:"limit"`
	Type         string      `query:"type" doc:"A pattern of event types: * is one word, ** any number." example:"message.*"`
	Source       string      `query:"source"`
	Conversation string      `query:"conversation" example:"group:g1"`
	ID           string      `query:"id" doc:"The id of an event."`
	Link         string      `query:"link" doc:"A link key, which joins what belongs to one message."`
	Since        momentParam `query:"since"`
	Before       cursorParam `query:"before"`
	After        cursorParam `query:"after"`
}

func (a *api) parseQuery(v *eventsQuery) (query, error) {
	q := query{
		source: v.Source, lane: event.Lane(v.Conversation), id: v.ID, link: v.Link,
		match: func(*event.Event) bool { return true },
	}
	var err error
	if q.limit, err = v.Limit.parse(); err != nil {
		return q, err
	}
	if v.Type != "" {
		if q.match, err = a.Pattern(v.Type, event.After); err != nil {
			return q, fmt.Errorf("type: %w", err)
		}
	}
	if err := v.Since.parse("since", a.Now(), &q.since); err != nil {
		return q, err
	}
	if err := v.Before.parse("before", &q.before); err != nil {
		return q, err
	}
	return q, v.After.parse("after", &q.after)
}

// wants reports whether q is about ev.
func (q *query) wants(ev *event.Event) bool {
	return (q.id == "" || ev.ID == q.id) && (q.source == "" || ev.Source == q.source) &&
		(q.lane == "" || ev.Lane == q.lane) && (q.link == "" || slices.Contains(ev.Links, q.link)) && q.match(ev)
}

// found are the events of one answer, newest first.
type found struct {
	Events []*event.Event `json:"events"`
	// Next is where older events go on (before=), empty at the end.
	Next string `json:"next,omitzero"`
	// Newest is the journal's end (after=), for the next look.
	Newest string `json:"newest"`
	// stored is when the first of Events was.
	stored time.Time
}

// search walks the journal backwards.
func (a *api) search(ctx context.Context, q query) (found, error) {
	f := found{Events: []*event.Event{}}
	first, last, _, err := a.Journal.Bounds(ctx)
	if err != nil {
		return f, fmt.Errorf("reading the journal's bounds: %w", err)
	}
	end := gateway.NewPos(last+1, 0) - 1
	f.Newest = cursor(end)
	if q.before > 0 {
		last = min(last, (q.before - 1).Seq())
	}
	looked := 0
	for seq := last; seq >= first && seq > 0; seq-- {
		if q.after > 0 && gateway.NewPos(seq+1, 0)-1 <= q.after {
			return f, nil
		}
		page, err := a.Journal.Page(ctx, seq)
		if errors.Is(err, gateway.ErrNoPage) || err == nil && page.Seq != seq {
			continue // a hole: it was dropped while we read
		}
		if err != nil {
			return f, fmt.Errorf("reading page %d: %w", seq, err)
		}
		if page.Time.Before(q.since) {
			return f, nil
		}
		for i, ev := range slices.Backward(page.Events) {
			pos := gateway.NewPos(seq, i)
			if q.before > 0 && pos >= q.before {
				continue
			}
			if q.after > 0 && pos <= q.after {
				return f, nil
			}
			if looked++; len(f.Events) == q.limit || looked > maxLooked {
				f.Next = cursor(pos + 1)
				return f, nil
			}
			if q.wants(ev) {
				if len(f.Events) == 0 {
					f.stored = page.Time
				}
				f.Events = append(f.Events, a.whole(ctx, ev))
			}
		}
	}
	return f, nil
}

func cursor(p gateway.Pos) string { return strconv.FormatUint(uint64(p), 10) }

// older is the cursor of where older ones go on; zero is nowhere.
func older(p gateway.Pos) string {
	if p == 0 {
		return ""
	}
	return cursor(p)
}

// whole reads the bodies of an event; one that can no longer be read shows its
// envelope.
func (a *api) whole(ctx context.Context, ev *event.Event) *event.Event {
	if ev.Raw.IsZero() {
		return ev
	}
	full, err := a.Registry.Restore(ev)
	if err != nil {
		a.Log.WarnContext(ctx, "showing an event without its bodies", "id", ev.ID, "err", err)
		return ev
	}
	return full
}

func (a *api) events(ctx context.Context, in *eventsQuery) (found, error) {
	q, err := a.parseQuery(in)
	if err != nil {
		return found{}, invalid(err)
	}
	f, err := a.search(ctx, q)
	if err != nil {
		return found{}, a.broken(ctx, readingEvents, err)
	}
	return f, nil
}

const readingEvents = "reading events"

// raw is the wire form of an event as a person reads it.
type raw struct {
	Dialect     string `json:"dialect"`
	Path        string `json:"path,omitzero"`
	Query       string `json:"query,omitzero"`
	ContentType string `json:"contentType,omitzero"`
	Body        string `json:"body"`
}

// rawOf is what came over the wire.
func rawOf(ev *event.Event) raw {
	return raw{ev.Raw.Dialect, ev.Raw.Path, ev.Raw.Query, ev.Raw.ContentType, string(ev.Raw.Body)}
}

// shownEvent is one event with everything that is known of it.
type shownEvent struct {
	Event     *event.Event   `json:"event"`
	Stored    time.Time      `json:"stored"`
	Raw       raw            `json:"raw,omitzero"`
	Decisions []*trail.Entry `json:"decisions,omitempty"`
	// Attempts are those that are kept: failures, and some of those that delivered.
	Attempts []*attempts.Entry `json:"attempts,omitempty"`
}

func (a *api) event(ctx context.Context, in *byID) (shownEvent, error) {
	ev, stored, err := a.find(ctx, in.ID)
	switch {
	case err != nil:
		return shownEvent{}, a.broken(ctx, readingEvents, err)
	case ev == nil:
		return shownEvent{}, refuse(http.StatusNotFound, "the journal holds no event %q", in.ID)
	}
	return shownEvent{ev, stored, rawOf(ev), a.decisionsOf(ctx, ev, stored), a.attemptsOf(ctx, ev, stored)}, nil
}

// find returns the event with this id and when it was stored; nil when the journal
// has none.
func (a *api) find(ctx context.Context, id string) (*event.Event, time.Time, error) {
	q := query{limit: 1, id: id, match: func(*event.Event) bool { return true }}
	for {
		f, err := a.search(ctx, q)
		if err != nil || len(f.Events) > 0 {
			return first(f.Events), f.stored, err
		}
		n, err := strconv.ParseUint(f.Next, 10, 64)
		if err != nil {
			return nil, time.Time{}, nil //nolint:nilerr // there is no next one
		}
		q.before = gateway.Pos(n)
	}
}

func first(evs []*event.Event) *event.Event {
	if len(evs) == 0 {
		return nil
	}
	return evs[0]
}
