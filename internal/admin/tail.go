package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/attempts"
	"github.com/imhook/imhook/internal/chronicle"
	"github.com/imhook/imhook/internal/gateway"
	"github.com/imhook/imhook/internal/trail"
)

// Outcomes tells what comes of events, as it comes.
type Outcomes interface {
	// Read begins to read with what comes from now on, of all gateways that share the
	// journal.
	Read() OutcomeReader
}

// OutcomeReader reads outcomes. It is for one goroutine.
type OutcomeReader interface {
	// Take returns what came since the last time, in order, and how many were missed
	// before that; more is closed when there is more.
	Take() (some []Outcome, missed int, more <-chan struct{})
	Close()
}

// Outcome is an attempt or a decision; one of both is set.
type Outcome struct {
	Attempt  *attempts.Entry
	Decision *trail.Entry
}

// tailQuery says what somebody wants to see as it comes.
type tailQuery struct {
	App      string           `query:"app" example:"shop"`
	Type     string           `query:"type" doc:"Types that match." example:"message.*"`
	Lane     string           `query:"conversation" example:"group:g1"`
	User     string           `query:"user" doc:"Who did it, wrote it, or is concerned by it."`
	Endpoint string           `query:"endpoint" doc:"Events that this endpoint's rule picks, and attempts for it." example:"shop/backend"`
	Outcome  tailOutcomeParam `query:"outcome"`
	Phase    phaseParam       `query:"phase"`
	Since    momentParam      `query:"since"`
	After    string           `header:"Last-Event-ID" doc:"Where to go on: the id of the last event that was seen."`
}

type (
	tailOutcomeParam string
	phaseParam       string
)

// Schema is that of the parameter.
func (tailOutcomeParam) Schema(huma.Registry) *huma.Schema {
	return words("Only what came of events, with this outcome or verdict.", tailOutcomes())
}

// Schema is that of the parameter.
func (phaseParam) Schema(huma.Registry) *huma.Schema {
	return words("Only decisions (before), or only events and attempts (after).", phases())
}

func phases() []event.Phase { return []event.Phase{event.Before, event.After} }

func tailOutcomes() (all []string) {
	for _, o := range outcomes() {
		all = append(all, string(o))
	}
	for _, v := range verdicts() {
		all = append(all, string(v))
	}
	return all
}

// tail is one that is under way.
type tail struct {
	a *api
	q *tailQuery
	// after and before match types of events of a phase; nil takes none.
	after, before func(*event.Event) bool
	// picks is the endpoint's rule; nil takes all.
	picks func(*event.Event) bool
	// from is the first page to read, past the last position that was seen.
	from uint64
	past gateway.Pos
	// since is when what came of events is looked up from, and until when; zero is from
	// now on.
	since, until time.Time
	// opened is when the stream began, by the clock that nobody sets.
	opened time.Time
	// shown are the ids of events that were shown last, to know their outcomes by.
	shown recentIDs
	// lost is in words what is not there any more.
	lost string
}

const (
	// maxTails is how many there may be at once.
	maxTails = 64
	// maxCaughtUp is how many earlier outcomes are shown.
	maxCaughtUp = 1000
	// maxUnflushed is how many bytes are gathered.
	maxUnflushed = 64 << 10
)

// tailing counts those that are under way.
type tailing struct{ n atomic.Int32 }

func (a *api) parseTail(ctx context.Context, q *tailQuery) (*tail, error) {
	t := &tail{a: a, q: q}
	err := errors.Join(oneOf("outcome", string(q.Outcome), tailOutcomes()), oneOf("phase", event.Phase(q.Phase), phases()))
	if err != nil {
		return nil, err
	}
	every := func(*event.Event) bool { return true }
	t.after, t.before = every, every
	if q.Type != "" {
		// A type may be one of either phase.
		after, err := a.Pattern(q.Type, event.After)
		before, no := a.Pattern(q.Type, event.Before)
		if err != nil && no != nil {
			return nil, fmt.Errorf("type: %w", err)
		}
		t.after, t.before = after, before
	}
	switch event.Phase(q.Phase) {
	case event.Before:
		t.after = nil
	case event.After:
		t.before = nil
	}
	if q.Endpoint != "" {
		q.Endpoint = a.endpointID(ctx, q.Endpoint)
		t.before = nil // nobody asks an endpoint
		app, name, _ := strings.Cut(q.Endpoint, "/")
		e := a.Current().Endpoint(app, name)
		if e == nil {
			return nil, fmt.Errorf("there is no endpoint %s; write app/endpoint, as imhook endpoints shows it", q.Endpoint)
		}
		var err error
		if t.picks, err = a.Select(app, gateway.Selection{Types: e.Events, Sources: e.Sources, When: e.When}); err != nil {
			return nil, fmt.Errorf("endpoint: %w", err)
		}
	}
	return t, t.begin(ctx)
}

// begin finds where to begin.
func (t *tail) begin(ctx context.Context) error {
	first, last, _, err := t.a.Journal.Bounds(ctx)
	if err != nil {
		return t.a.broken(ctx, readingEvents, err)
	}
	t.from, t.past = last+1, gateway.NewPos(last+1, 0)-1
	switch {
	case t.q.After != "":
		var pos gateway.Pos
		if err := cursorParam(t.q.After).parse("Last-Event-ID", &pos); err != nil {
			return err
		}
		if pos < t.past {
			t.past, t.from = pos, pos.Seq()
			t.since = t.storedAt(ctx, pos.Seq())
		}
		if t.from < first && first <= last {
			t.lost = "the journal no longer has all that came since: it begins later"
		}
	case t.q.Since != "":
		if err := t.q.Since.parse("since", t.a.Now(), &t.since); err != nil {
			return err
		}
		seq, err := t.a.Journal.SeqAt(ctx, t.since)
		switch {
		case errors.Is(err, gateway.ErrNoPage):
		case err != nil:
			return t.a.broken(ctx, readingEvents, err)
		default:
			t.from, t.past = seq, gateway.NewPos(seq, 0)-1
		}
	}
	t.from = max(t.from, 1)
	return nil
}

// storedAt is when a page, or the one after it, was stored; zero when it is not known.
func (t *tail) storedAt(ctx context.Context, seq uint64) time.Time {
	if page, err := t.a.Journal.Page(ctx, seq); err == nil {
		return page.Time
	}
	return time.Time{}
}

// tailEvents streams what comes in and what comes of it.
func (a *api) tailEvents(ctx context.Context, q *tailQuery) (stream, error) {
	t, err := a.parseTail(ctx, q)
	if no, ok := errors.AsType[*refusal](err); ok {
		return nil, no
	}
	if err != nil {
		return nil, invalid(err)
	}
	if a.tails.n.Add(1) > maxTails {
		a.tails.n.Add(-1)
		return nil, refuse(http.StatusTooManyRequests, "%d are looking already; end one of them", maxTails)
	}
	return func(w http.ResponseWriter, r *http.Request) {
		defer a.tails.n.Add(-1)
		if err := t.stream(w, r); err != nil && r.Context().Err() == nil {
			a.Log.InfoContext(r.Context(), "a tail ended; it can go on where it was", "peer", r.RemoteAddr, "err", err)
		}
	}, nil
}

// streamNote is what a stream says about itself.
type streamNote struct {
	At time.Time `json:"at,omitzero"`
	// Why is in words.
	Why string `json:"why,omitzero"`
	// Missed is how many outcomes came faster than they were read.
	Missed int `json:"missed,omitzero"`
}

// The names of a tail's events. They are output: append only.
const (
	tailBegin    = "begin"
	tailEvent    = "event"
	tailAttempt  = "attempt"
	tailDecision = "decision"
	tailMissed   = "missed"
	tailEnd      = "end"
)

// stream writes until nobody reads any more or the gateway stops.
func (t *tail) stream(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	var out OutcomeReader = silent{}
	if t.a.Outcomes != nil {
		out = t.a.Outcomes.Read() // before anything is read: what comes meanwhile is not missed
	}
	defer out.Close()
	t.until, t.opened = t.a.Now(), time.Now()
	s, err := newEventStream(w)
	if err == nil {
		err = s.send(tailBegin, cursor(t.past), streamNote{At: t.a.Now().UTC()})
	}
	if err == nil && t.lost != "" {
		err = s.send(tailMissed, "", streamNote{Why: t.lost})
	}
	// The page is handed over: the journal is read as fast as the stream is, and nothing
	// is gathered between.
	pages, failed := make(chan *gateway.Page), make(chan error, 1)
	go func() {
		failed <- t.a.Follow(ctx, t.from, func(p *gateway.Page) {
			select {
			case pages <- p:
			case <-ctx.Done():
			}
		})
	}()
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	caughtUp := t.since.IsZero()
	end := t.past
	if !caughtUp {
		if _, last, _, err := t.a.Journal.Bounds(ctx); err == nil {
			end = gateway.NewPos(last+1, 0) - 1
		}
	}
	_, _, more := out.Take()
	for err == nil {
		if !caughtUp && t.past >= end {
			caughtUp = true
			err = t.lookUp(ctx, s)
			continue
		}
		wake := more
		if !caughtUp {
			wake = nil // what came of an event is shown behind it
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-t.a.Closing:
			return s.send(tailEnd, "", streamNote{Why: "the gateway stops"})
		case err := <-failed:
			return errors.Join(err, s.send(tailEnd, "", streamNote{Why: "the journal cannot be read now"}))
		case <-beat.C:
			err = s.beat()
		case p := <-pages:
			err = t.page(ctx, s, p)
		case <-wake:
			var some []Outcome
			var missed int
			some, missed, more = out.Take()
			err = t.outcomes(s, some, missed)
		}
	}
	return err
}

// silent has no outcomes.
type silent struct{}

// Take returns nothing.
func (silent) Take() ([]Outcome, int, <-chan struct{}) { return nil, 0, nil }

// Close does nothing.
func (silent) Close() {}

// page shows the events of a page.
func (t *tail) page(ctx context.Context, s *eventStream, p *gateway.Page) error {
	for i, ev := range p.Events {
		pos := gateway.NewPos(p.Seq, i)
		if pos <= t.past {
			continue
		}
		t.past = pos
		whole, ok := t.wants(ctx, ev)
		if !ok {
			continue
		}
		b, err := asJSON(whole)
		if err != nil {
			return err
		}
		t.shown.add(ev.ID)
		s.event(tailEvent, cursor(pos), b)
		if len(s.b) > maxUnflushed {
			if err := s.flush(); err != nil {
				return err
			}
		}
	}
	t.past = max(t.past, gateway.NewPos(p.Seq+1, 0)-1)
	return s.flush()
}

// wants is the whole event when it is wanted. One that is not shown, because its
// outcomes are, is remembered all the same.
func (t *tail) wants(ctx context.Context, ev *event.Event) (*event.Event, bool) {
	q := t.q
	switch {
	case t.after == nil, q.App != "" && ev.App != q.App, q.Lane != "" && string(ev.Lane) != q.Lane, !t.after(ev), t.picks != nil && !t.picks(ev):
		return nil, false
	}
	if q.Outcome != "" && q.User == "" {
		return nil, false
	}
	whole := t.a.whole(ctx, ev)
	if q.User != "" && !(&trail.Entry{Event: whole}).About(q.User) {
		return nil, false
	}
	if q.Outcome != "" {
		t.shown.add(ev.ID)
		return nil, false
	}
	return whole, true
}

// outcomes shows what came of events.
func (t *tail) outcomes(s *eventStream, some []Outcome, missed int) error {
	if missed > 0 {
		if err := s.send(tailMissed, "", streamNote{Missed: missed, Why: fmt.Sprintf("%d outcomes came faster than they were read; events are never left out", missed)}); err != nil {
			return err
		}
	}
	for _, o := range some {
		var name string
		var v any
		switch {
		case o.Attempt != nil && t.wantsAttempt(o.Attempt):
			name, v = tailAttempt, o.Attempt
		case o.Decision != nil && t.wantsDecision(o.Decision):
			name, v = tailDecision, o.Decision
		default:
			continue
		}
		b, err := asJSON(v)
		if err != nil {
			return err
		}
		s.event(name, "", b)
		if len(s.b) > maxUnflushed {
			if err := s.flush(); err != nil {
				return err
			}
		}
	}
	return s.flush()
}

func (t *tail) wantsAttempt(e *attempts.Entry) bool {
	q := t.q
	switch {
	case t.after == nil, q.App != "" && e.App != q.App, q.Lane != "" && string(e.Lane) != q.Lane,
		q.Endpoint != "" && e.Endpoint != q.Endpoint, q.Outcome != "" && string(e.Outcome) != string(q.Outcome):
		return false
	}
	if q.User != "" && !t.shown.has(e.Event) {
		return false
	}
	return t.after(&event.Event{
		ID: e.Event, App: e.App, Source: e.Source, Type: e.Type, Phase: event.After, Lane: e.Lane, Dialect: e.Dialect, Command: e.Command,
	})
}

func (t *tail) wantsDecision(e *trail.Entry) bool {
	q := t.q
	switch {
	case t.before == nil, q.App != "" && e.Event.App != q.App, q.Lane != "" && string(e.Event.Lane) != q.Lane,
		q.User != "" && !e.About(q.User), q.Outcome != "" && string(e.Verdict) != string(q.Outcome):
		return false
	}
	return t.before(e.Event)
}

// lookUp shows what came of events before the stream began, as far as it is kept.
func (t *tail) lookUp(ctx context.Context, s *eventStream) error {
	// What was told of just before is being written.
	written := time.NewTimer(2*chronicle.Linger - time.Since(t.opened))
	defer written.Stop()
	select {
	case <-written.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	var all []Outcome
	if t.a.Attempts != nil && t.after != nil {
		f, err := t.a.Attempts.Find(ctx, attempts.Query{Endpoint: t.q.Endpoint, Lane: event.Lane(t.q.Lane), Since: t.since, Until: t.until, Limit: maxCaughtUp})
		if err != nil {
			return err
		}
		for _, e := range f.Entries {
			all = append(all, Outcome{Attempt: e})
		}
	}
	if t.a.Decisions != nil && t.before != nil {
		f, err := t.a.Decisions.Find(ctx, trail.Query{Lane: event.Lane(t.q.Lane), Since: t.since, Until: t.until, Limit: maxCaughtUp})
		if err != nil {
			return err
		}
		for _, e := range f.Entries {
			all = append(all, Outcome{Decision: e})
		}
	}
	slices.SortStableFunc(all, func(a, b Outcome) int { return a.at().Compare(b.at()) })
	return t.outcomes(s, all, 0)
}

func (o Outcome) at() time.Time {
	if o.Attempt != nil {
		return o.Attempt.At
	}
	return o.Decision.At
}

// recentIDs remembers the last ids that it was given.
type recentIDs struct {
	there map[string]struct{}
	order []string
	next  int
}

// maxRecent is how many ids are remembered.
const maxRecent = 4096

func (r *recentIDs) add(id string) {
	if r.there == nil {
		r.there = map[string]struct{}{}
	}
	if _, ok := r.there[id]; ok {
		return
	}
	r.there[id] = struct{}{}
	if len(r.order) < maxRecent {
		r.order = append(r.order, id)
		return
	}
	delete(r.there, r.order[r.next])
	r.order[r.next], r.next = id, (r.next+1)%maxRecent
}

func (r *recentIDs) has(id string) bool {
	_, ok := r.there[id]
	return ok
}
