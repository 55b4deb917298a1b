package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
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

func (a *api) parseQuery(v url.Values) (query, error) {
	q := query{
		limit: defaultLimit, source: v.Get("source"), lane: event.Lane(v.Get("conversation")), id: v.Get("id"), link: v.Get("link"),
		match: func(*event.Event) bool { return true },
	}
	for key := range v {
		switch key {
		case "limit", "type", "source", "conversation", "id", "link", "since", "before", "after":
		default:
			return q, fmt.Errorf("unknown parameter %q; there are limit, type, source, conversation, id, link, since, before, after", key)
		}
	}
	var err error
	if s := v.Get("limit"); s != "" {
		if q.limit, err = strconv.Atoi(s); err != nil || q.limit < 1 || q.limit > maxLimit {
			return q, fmt.Errorf("limit is %q; write 1 to %d", s, maxLimit)
		}
	}
	if s := v.Get("type"); s != "" {
		if q.match, err = a.Pattern(s, event.After); err != nil {
			return q, fmt.Errorf("type: %w", err)
		}
	}
	if s := v.Get("since"); s != "" {
		if q.since, err = parseSince(s, a.Now()); err != nil {
			return q, err
		}
	}
	for key, to := range map[string]*gateway.Pos{"before": &q.before, "after": &q.after} {
		if s := v.Get(key); s != "" {
			n, err := strconv.ParseUint(s, 10, 64)
			if err != nil {
				return q, fmt.Errorf("%s is %q; it is a cursor from an earlier answer", key, s)
			}
			*to = gateway.Pos(n)
		}
	}
	return q, nil
}

// parseSince reads a moment, or how long ago it was.
func parseSince(s string, now time.Time) (time.Time, error) { return parseMoment("since", s, now) }

func parseMoment(key, s string, now time.Time) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t, nil
	}
	if t, err := time.Parse(time.DateOnly, s); err == nil {
		return t, nil
	}
	if d, err := parseSpan(s); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	return time.Time{}, fmt.Errorf("%s is %q; write 2026-11-20T08:00:00Z, 2026-11-20 (midnight UTC) or how long ago, 1h or 2d", key, s)
}

// parseSpan reads a duration; days are words of it as in the configuration.
func parseSpan(s string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		return time.Duration(n) * 24 * time.Hour, err
	}
	return time.ParseDuration(s)
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

func (a *api) events(w http.ResponseWriter, r *http.Request) {
	q, err := a.parseQuery(r.URL.Query())
	if err != nil {
		a.fail(w, r, http.StatusBadRequest, err.Error())
		return
	}
	f, err := a.search(r.Context(), q)
	if err != nil {
		a.broken(w, r, "reading events", err)
		return
	}
	a.answer(w, r, f)
}

// raw is the wire form of an event as a person reads it.
type raw struct {
	Dialect     string `json:"dialect"`
	Path        string `json:"path,omitzero"`
	Query       string `json:"query,omitzero"`
	ContentType string `json:"contentType,omitzero"`
	Body        string `json:"body"`
}

func (a *api) event(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	ev, stored, err := a.find(r.Context(), id)
	switch {
	case err != nil:
		a.broken(w, r, "reading events", err)
		return
	case ev == nil:
		a.fail(w, r, http.StatusNotFound, "the journal holds no event "+strconv.Quote(id))
		return
	}
	a.answer(w, r, struct {
		Event     *event.Event   `json:"event"`
		Stored    time.Time      `json:"stored"`
		Raw       raw            `json:"raw,omitzero"`
		Decisions []*trail.Entry `json:"decisions,omitempty"`
		// Attempts are those that are kept: failures, and some of those that delivered.
		Attempts []*attempts.Entry `json:"attempts,omitempty"`
	}{ev, stored, raw{ev.Raw.Dialect, ev.Raw.Path, ev.Raw.Query, ev.Raw.ContentType, string(ev.Raw.Body)}, a.decisionsOf(r.Context(), ev, stored), a.attemptsOf(r.Context(), ev, stored)})
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
