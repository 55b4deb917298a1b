package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/attempts"
	"github.com/imhook/imhook/internal/gateway"
	"github.com/imhook/imhook/internal/history"
	"github.com/imhook/imhook/internal/trail"
)

// timelineStep is one thing that happened to a message.
type timelineStep struct {
	At       time.Time           `json:"at,omitzero"`
	Kind     history.StepKind    `json:"kind"`
	Event    string              `json:"event,omitzero"`
	Endpoint string              `json:"endpoint,omitzero"`
	Number   int                 `json:"number,omitzero"`
	Seconds  float64             `json:"seconds,omitzero"`
	Outcome  gateway.OutcomeKind `json:"outcome,omitzero"`
	Reason   gateway.Reason      `json:"reason,omitzero"`
	Status   int                 `json:"status,omitzero"`
	Letter   string              `json:"deadletter,omitzero"`
	Due      time.Time           `json:"due,omitzero"`
	Repeat   event.Repeat        `json:"repeat,omitzero"`
	// Words say what the step means where the kind alone does not.
	Words string `json:"words,omitzero"`
	// Attempt and Decision are all that is kept about it.
	Attempt  *attempts.Entry `json:"attempt,omitzero"`
	Decision *trail.Entry    `json:"decision,omitzero"`
}

// timeline is what happened to one event.
type timeline struct {
	// Found is the event as the history knows it; nil where it was found in the journal.
	Found *foundEvent `json:"found,omitzero"`
	// Event is its canonical form and Raw what came over the wire, as long as the journal,
	// or the trail of decisions, has it; Gone says in words that they do not.
	Event *event.Event `json:"event,omitzero"`
	Raw   raw          `json:"raw,omitzero"`
	Gone  string       `json:"gone,omitzero"`

	Steps []timelineStep `json:"steps"`
	// Others are other events of the same message.
	Others []foundEvent `json:"others,omitempty"`
	// Lag is how old the oldest event is that is not in the history yet, in seconds, and
	// Words say why the timeline may not be whole.
	Lag   float64 `json:"lag"`
	Words string  `json:"words,omitzero"`
}

// timeline tells what happened to an event, by its id or that of its message.
func (a *api) timeline(ctx context.Context, in *byID) (timeline, error) {
	t, err := a.tellStory(ctx, in.ID)
	switch {
	case errors.Is(err, history.ErrNoEvent):
		return timeline{}, refuse(http.StatusNotFound, "there is no event %q in the history or the journal; write the id of an event or a message", in.ID)
	case err != nil:
		return timeline{}, a.broken(ctx, "telling what happened", err)
	}
	return t, nil
}

// tellStory asks the history, and reads the journal where that does not know the event
// or cannot be asked.
func (a *api) tellStory(ctx context.Context, id string) (timeline, error) {
	status := a.historyStatus()
	t := timeline{Steps: []timelineStep{}, Lag: status.Lag}
	if status.State != history.Current && status.State != history.Following {
		t.Words = "the history is " + status.Words
	}
	if a.History != nil {
		st, err := a.History.Story(ctx, id)
		if err == nil {
			return a.fromHistory(ctx, t, &st)
		}
		if !errors.Is(err, history.ErrNoEvent) {
			a.Log.WarnContext(ctx, "telling what happened without the history", "id", id, "err", err)
			t.Words = "the history cannot be searched; this is what journal and logs say"
		}
	}
	return a.fromJournal(ctx, t, id)
}

// fromHistory is the timeline of a story.
func (a *api) fromHistory(ctx context.Context, t timeline, st *history.Story) (timeline, error) {
	found := showHit(&st.Hit)
	t.Found = &found
	for i := range st.Others {
		t.Others = append(t.Others, showHit(&st.Others[i]))
	}
	for _, s := range st.Steps {
		t.Steps = append(t.Steps, timelineStep{
			At: s.At, Kind: s.Kind, Event: s.Event, Endpoint: s.Endpoint, Number: s.Number, Seconds: s.Took.Seconds(), Outcome: s.Outcome,
			Reason: s.Reason, Status: s.Status, Letter: letterID(s.Letter), Due: s.DueAt, Repeat: s.Repeat, Words: stepWords(s.Kind), Attempt: s.Attempt, Decision: s.Decision,
		})
		if s.Decision != nil && st.Phase == event.Before && s.Event == st.ID {
			t.Event = s.Decision.Event
		}
	}
	if st.Phase == event.Before {
		if t.Event == nil {
			t.Gone = "what was proposed is not in the trail of decisions any more (journal.decisions)"
		}
		return t, nil
	}
	ev, err := a.eventAt(ctx, st.Pos)
	switch {
	case err != nil:
		return t, err
	case ev == nil || ev.ID != st.ID:
		t.Gone = "what it said left the journal (journal.retain)"
	default:
		t.Event, t.Raw = ev, rawOf(ev)
	}
	return t, nil
}

// eventAt reads the event at a position; nil when the journal does not have it any more.
func (a *api) eventAt(ctx context.Context, pos gateway.Pos) (*event.Event, error) {
	p, err := a.Journal.Page(ctx, pos.Seq())
	switch {
	case errors.Is(err, gateway.ErrNoPage):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("reading page %d: %w", pos.Seq(), err)
	case p.Seq != pos.Seq() || pos.Index() >= len(p.Events):
		return nil, nil
	}
	return a.whole(ctx, p.Events[pos.Index()]), nil
}

// fromJournal is the timeline of an event that the history does not know.
func (a *api) fromJournal(ctx context.Context, t timeline, id string) (timeline, error) {
	ev, stored, err := a.find(ctx, id)
	if err != nil {
		return t, err
	}
	if ev == nil {
		return t, history.ErrNoEvent
	}
	t.Event, t.Raw = ev, rawOf(ev)
	for _, d := range a.decisionsOf(ctx, ev, stored) {
		took := time.Duration(d.Took * float64(time.Second))
		t.Steps = append(t.Steps,
			timelineStep{At: d.At, Kind: history.StepReceived, Event: d.Event.ID},
			timelineStep{At: d.At.Add(took), Kind: history.StepDecided, Event: d.Event.ID, Seconds: d.Took, Decision: d})
	}
	t.Steps = append(t.Steps, timelineStep{At: stored, Kind: history.StepKept, Event: ev.ID})
	for _, e := range a.attemptsOf(ctx, ev, stored) {
		kind := history.StepAttempt
		if e.Outcome == gateway.Delivered {
			kind = history.StepDelivered
		}
		t.Steps = append(t.Steps, timelineStep{
			At: e.At, Kind: kind, Event: ev.ID, Endpoint: e.Endpoint, Number: e.Attempt, Seconds: e.Took, Outcome: e.Outcome, Reason: e.Reason,
			Status: e.Status, Repeat: e.Repeat, Attempt: e,
		})
	}
	letters := []followUp{{Event: ev}}
	if err := a.undelivered(ctx, letters); err != nil {
		return t, err
	}
	for _, l := range letters[0].DeadLetters {
		t.Steps = append(t.Steps, timelineStep{At: l.At, Kind: history.StepParked, Event: ev.ID, Endpoint: l.Endpoint, Number: l.Attempts, Reason: l.Reason, Letter: l.ID})
	}
	slices.SortStableFunc(t.Steps, func(x, y timelineStep) int { return x.At.Compare(y.At) })
	return t, nil
}

// stepWords say what a step means.
func stepWords(k history.StepKind) string {
	switch k {
	case history.StepLeftOut:
		return "it was not sent: the endpoint's dialect cannot say it, or another callback or a later event told the same or more"
	case history.StepExpired:
		return "it was dropped: the endpoint's backlog was too old or too large"
	case history.StepRemoved:
		return "the dead letter is not there any more: it was requeued or purged"
	case history.StepWaiting:
		return "it waits for its turn"
	case history.StepRetrying:
		return "it is tried again"
	case history.StepFinished:
		return "the endpoint is done with it, and nobody noted how: it was delivered, left out, or expired"
	case history.StepUnpicked:
		return "no endpoint's rule picked it"
	case history.StepUnknown:
		return "another gateway delivers it"
	default:
		return ""
	}
}
