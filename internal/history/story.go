package history

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/attempts"
	"github.com/imhook/imhook/internal/chronicle"
	"github.com/imhook/imhook/internal/gateway"
	"github.com/imhook/imhook/internal/trail"
)

// StepKind says what happened. The words are output: append only.
type StepKind string

// The kinds of steps.
const (
	StepReceived  StepKind = "received"  // a before-event came in
	StepDecided   StepKind = "decided"   // and was answered
	StepKept      StepKind = "kept"      // the journal has the after-event
	StepAttempt   StepKind = "attempt"   // an attempt failed
	StepDelivered StepKind = "delivered" // an attempt delivered it
	StepLeftOut   StepKind = "left out"
	StepExpired   StepKind = "expired"
	StepParked    StepKind = "parked"
	StepRequeued  StepKind = "requeued" // the dead letter was delivered once more
	StepReplayed  StepKind = "replayed"
	StepRemoved   StepKind = "removed" // the dead letter is not there any more
	// What is so now, at no time of its own.
	StepWaiting  StepKind = "waiting"
	StepRetrying StepKind = "retrying"
	StepFinished StepKind = "finished"
	StepUnpicked StepKind = "unpicked"
	StepUnknown  StepKind = "unknown"
)

// Step is one thing that happened to a message.
type Step struct {
	Kind StepKind
	// At is when; zero for what is so now.
	At time.Time
	// Event is the event of the message that it happened to.
	Event    string
	Endpoint string // app/name; empty where none is concerned
	// Number is which attempt it was, from 1; Took how long it took.
	Number int
	Took   time.Duration
	// Outcome, Reason and Status are those of an attempt, or why it was parked.
	Outcome gateway.OutcomeKind
	Reason  gateway.Reason
	Status  int
	// Letter is the dead letter's number.
	Letter uint64
	// DueAt is when it is tried next.
	DueAt  time.Time
	Repeat event.Repeat
	// Attempt and Decision are all that is kept about it; nil where that is not there
	// any more.
	Attempt  *attempts.Entry
	Decision *trail.Entry
}

// Story is what happened to one event, and to the message that it is about.
type Story struct {
	Hit
	// Steps are in the order of time; what is so now comes last.
	Steps []Step
	// Others are the other events of the same message, the oldest first: what was decided
	// before it, a recall, receipts.
	Others []Hit
}

// maxOthers bounds the events of one message that are looked for.
const maxOthers = 50

// ErrNoEvent says that the history holds no such event.
var ErrNoEvent = errors.New("the history holds no such event")

// Story tells what happened to an event, by its id. With the id of a message it is the
// newest after-event about it. It is [ErrNoEvent] when there is none.
func (h *History) Story(ctx context.Context, id string) (Story, error) {
	var st Story
	h.catchUp(ctx)
	named, err := h.Search(ctx, Query{ID: id, Limit: maxOthers}, nil)
	if err != nil {
		return st, err
	}
	i := slices.IndexFunc(named.Hits, func(hit Hit) bool { return hit.ID == clean(id) })
	if i < 0 {
		i = slices.IndexFunc(named.Hits, func(hit Hit) bool { return hit.Phase == event.After })
	}
	if i < 0 && len(named.Hits) > 0 {
		i = 0
	}
	if i < 0 {
		return st, ErrNoEvent
	}
	st.Hit = named.Hits[i]
	if st.Link != "" {
		same, err := h.Search(ctx, Query{ID: st.Link, App: st.App, Source: st.Source, Limit: maxOthers}, nil)
		if err != nil {
			return st, err
		}
		for _, hit := range slices.Backward(same.Hits) {
			if hit.place() != st.place() && hit.Link == st.Link {
				st.Others = append(st.Others, hit)
			}
		}
	}
	st.Steps, err = h.steps(ctx, &st)
	return st, err
}

// steps are those of the event, and of the decisions about its message.
func (h *History) steps(ctx context.Context, st *Story) ([]Step, error) {
	var all, now []Step
	for _, hit := range append(slices.Clone(st.Others), st.Hit) {
		if hit.Phase == event.Before {
			all = append(all, h.decision(ctx, &hit.Event)...)
		}
	}
	if st.Phase == event.After {
		all = append(all, Step{Kind: StepKept, At: st.At, Event: st.ID})
		h.using.RLock()
		defer h.using.RUnlock()
		snap, err := h.snapshot()
		if err != nil {
			return nil, err
		}
		k, err := h.known(ctx, snap, &st.Event)
		if err != nil {
			return nil, err
		}
		all = append(all, h.deliveries(ctx, st, k)...)
		now = standing(st)
	}
	slices.SortStableFunc(all, func(a, b Step) int { return a.At.Compare(b.At) })
	return append(all, now...), nil
}

// decision are the steps of a before-event.
func (h *History) decision(ctx context.Context, e *Event) []Step {
	d, err := h.entry(ctx, e.Pos)
	if err != nil {
		h.cfg.Log.WarnContext(ctx, "telling a decision without its details", "event", e.ID, "err", err)
	}
	decided := Step{Kind: StepDecided, At: e.At, Event: e.ID, Decision: d}
	if d != nil {
		decided.Took = time.Duration(d.Took * float64(time.Second))
		decided.At = e.At.Add(decided.Took)
	}
	return []Step{{Kind: StepReceived, At: e.At, Event: e.ID}, decided}
}

// deliveries are the steps of an after-event at endpoints.
func (h *History) deliveries(ctx context.Context, st *Story, k known) []Step {
	var all []Step
	again := map[string]bool{}
	repeated := func(endpoint string, r event.Repeat, at time.Time) {
		if r == "" || again[endpoint+string(r)] {
			return
		}
		again[endpoint+string(r)] = true
		kind := StepRequeued
		if r == event.Replayed {
			kind = StepReplayed
		}
		all = append(all, Step{Kind: kind, At: at, Event: st.ID, Endpoint: endpoint, Repeat: r})
	}
	for _, s := range k.steps {
		repeated(s.endpoint, s.again, s.at)
		if s.feed == feedLetters {
			all = append(all, Step{Kind: StepParked, At: s.at, Event: st.ID, Endpoint: s.endpoint, Number: s.attempt, Reason: s.reason, Letter: s.ref, Repeat: s.again})
			continue
		}
		one := Step{
			Kind: StepAttempt, At: s.at, Event: st.ID, Endpoint: s.endpoint, Number: s.attempt, Took: s.took, Outcome: gateway.OutcomeKind(s.outcome),
			Reason: s.reason, Status: s.status, Repeat: s.again,
		}
		if s.outcome == string(gateway.Delivered) {
			one.Kind = StepDelivered
		}
		a, err := h.attempt(ctx, gateway.Pos(s.ref))
		if err != nil {
			h.cfg.Log.WarnContext(ctx, "telling an attempt without its details", "event", st.ID, "err", err)
		}
		one.Attempt = a
		all = append(all, one)
	}
	for _, d := range k.endings {
		sampled := slices.ContainsFunc(all, func(s Step) bool {
			return s.Kind == StepDelivered && s.Endpoint == d.Endpoint && s.Number == d.Attempt && s.Repeat == d.Repeat
		})
		if sampled && d.Kind == gateway.Delivered {
			continue
		}
		repeated(d.Endpoint, d.Repeat, d.At)
		one := Step{Kind: StepDelivered, At: d.At, Event: st.ID, Endpoint: d.Endpoint, Number: d.Attempt, Took: d.Took, Outcome: d.Kind, Repeat: d.Repeat}
		switch endOutcome(d.Kind) {
		case Expired:
			one.Kind, one.Number = StepExpired, 0
		case LeftOut:
			one.Kind, one.Number = StepLeftOut, 0
		}
		all = append(all, one)
	}
	return all
}

// standing are the steps that say where an event is now, at the endpoints at which it
// did not come to an end that was noted.
func standing(st *Story) []Step {
	if len(st.Ends) == 0 {
		return []Step{{Kind: StepUnpicked, Event: st.ID}}
	}
	var all []Step
	for _, e := range st.Ends {
		kind := map[Outcome]StepKind{
			Waiting: StepWaiting, Retrying: StepRetrying, Finished: StepFinished, Removed: StepRemoved, Unknown: StepUnknown,
		}[e.Outcome]
		if kind != "" {
			all = append(all, Step{Kind: kind, Event: st.ID, Endpoint: e.Endpoint, Number: e.Attempts, DueAt: e.DueAt, Letter: e.Letter})
		}
	}
	return all
}

// entry reads a decision where it is kept; nil when it is not there any more.
func (h *History) entry(ctx context.Context, pos gateway.Pos) (*trail.Entry, error) {
	v, err := entryAt(ctx, h.cfg.Decisions, pos)
	if err != nil || v == nil {
		return nil, err
	}
	return trail.Parse(v)
}

// attempt reads an attempt where it is kept; nil when it is not there any more.
func (h *History) attempt(ctx context.Context, pos gateway.Pos) (*attempts.Entry, error) {
	v, err := entryAt(ctx, h.cfg.Attempts, pos)
	if err != nil || v == nil {
		return nil, err
	}
	return parseAttempt(v)
}

func entryAt(ctx context.Context, pages Pages, pos gateway.Pos) (jsontext.Value, error) {
	if pages == nil {
		return nil, nil
	}
	b, _, err := pages.Page(ctx, pos.Seq())
	if errors.Is(err, gateway.ErrNoPage) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading page %d: %w", pos.Seq(), err)
	}
	page, err := chronicle.OpenPage(b)
	if err != nil {
		return nil, err
	}
	if pos.Index() >= len(page.Entries) {
		return nil, fmt.Errorf("%w: it has %d entries, and not number %d", chronicle.ErrPage, len(page.Entries), pos.Index())
	}
	return page.Entries[pos.Index()], nil
}
