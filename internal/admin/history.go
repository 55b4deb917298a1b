package admin

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
	"github.com/imhook/imhook/internal/history"
)

// History is where events are searched.
type History interface {
	// Search looks for events from the newest on; see [history.History.Search].
	Search(ctx context.Context, q history.Query, match history.Matcher) (history.Found, error)
	// Story tells what happened to one event, or is [history.ErrNoEvent].
	Story(ctx context.Context, id string) (history.Story, error)
	Status() history.Status
	// Rebuild begins to make it anew.
	Rebuild() error
}

// HistoryStatus is how the history is doing.
type HistoryStatus struct {
	// State is off, current, catching up, following or broken, and Words the same with
	// what is wrong, in one line.
	State history.State `json:"state"`
	Words string        `json:"words"`
	// Lag is how old the oldest event is that it has not read, in seconds; Behind is how
	// many pages of the journal those are.
	Lag    float64 `json:"lag"`
	Behind uint64  `json:"behind,omitzero"`
	// Database is sqlite or postgres, Place the directory of its files.
	Database string `json:"database,omitzero"`
	Place    string `json:"place,omitzero"`
	// Events and Bytes are kept, of MostBytes that may be, in so many Segments.
	Events    int       `json:"events"`
	Bytes     int64     `json:"bytes"`
	MostBytes int64     `json:"most_bytes,omitzero"`
	Segments  int       `json:"segments,omitzero"`
	From      time.Time `json:"from,omitzero"`
	To        time.Time `json:"to,omitzero"`
	// Missed pages left the journal before they were read, ever; LostEndings are
	// deliveries of which it was not noted when they ended, since the start.
	Missed      uint64 `json:"missed,omitzero"`
	LostEndings uint64 `json:"lost_endings,omitzero"`
}

// historyOff is the state of a gateway that has none.
const historyOff history.State = "off"

// historyStatus is how it is doing, also where there is none.
func (a *api) historyStatus() HistoryStatus {
	if a.History == nil {
		return HistoryStatus{State: historyOff, Words: "off: history.off is true"}
	}
	s := a.History.Status()
	return HistoryStatus{
		State: s.State, Words: s.Words(), Lag: s.Lag.Seconds(), Behind: s.Behind, Database: s.Database, Place: s.Place,
		Events: s.Events, Bytes: s.Bytes, MostBytes: a.Current().History.Bytes, Segments: s.Segments, From: s.From, To: s.To,
		Missed: s.Missed, LostEndings: s.Lost,
	}
}

func (a *api) historyOperations() {
	kept := func(op operation) operation {
		if a.History == nil {
			op.absent = "this gateway keeps no history: history.off is true. GET /api/v1/events reads the journal"
		}
		return op
	}
	ask(a, kept(operation{
		id: "search", method: http.MethodGet, path: "/api/v1/search", tag: tagEvents, role: RoleViewer,
		summary: "Find events by message, user, conversation, type, time or outcome, newest first",
		about:   "Looks in the history, at 20,000 events in two seconds at most; next then says where to go on.",
		errors:  []int{http.StatusBadRequest, http.StatusNotFound, http.StatusServiceUnavailable},
	}), exampleSearched(), a.searchEvents)
	ask(a, operation{
		id: "timeline", method: http.MethodGet, path: "/api/v1/events/{id}/timeline", tag: tagEvents, role: RoleViewer,
		summary: "What happened to an event, step by step", errors: []int{http.StatusNotFound},
		about: "The id is that of an event or a message. Where the history is off or broken, journal and logs tell what they have.",
	}, exampleTimeline(), a.timeline)
	ask(a, operation{
		id: "history", method: http.MethodGet, path: "/api/v1/history", tag: tagGateway, role: RoleViewer,
		summary: "How the history is doing that search looks in",
	}, exampleHistory(), a.showHistory)
	ask(a, kept(operation{
		id: "rebuildHistory", method: http.MethodPost, path: "/api/v1/history/rebuild", tag: tagGateway, role: RoleOperator,
		summary: "Drop the history and make it anew from what the journal still has",
		about:   "Deliveries do not notice. When deliveries ended is known by the history alone: of those before, it is not known any more.",
		errors:  []int{http.StatusNotFound, http.StatusConflict, http.StatusServiceUnavailable},
	}), exampleHistory(), a.rebuildHistory)
}

// showHistory says how the history is doing.
func (a *api) showHistory(context.Context, *none) (HistoryStatus, error) {
	return a.historyStatus(), nil
}

// rebuildHistory begins to make it anew.
func (a *api) rebuildHistory(ctx context.Context, _ *none) (HistoryStatus, error) {
	if err := a.History.Rebuild(); err != nil {
		return HistoryStatus{}, a.failHistory(ctx, "making the history anew", err)
	}
	return a.historyStatus(), nil
}

// failHistory says why the history could not be asked.
func (a *api) failHistory(ctx context.Context, doing string, err error) *refusal {
	switch {
	case errors.Is(err, history.ErrElsewhere):
		return refuse(http.StatusConflict, "%v", err)
	case errors.Is(err, history.ErrNotReady):
		return refuse(http.StatusServiceUnavailable, "%v; deliveries go on, and GET /api/v1/events reads the journal", err)
	}
	return a.broken(ctx, doing, err)
}

func exampleHit() foundEvent {
	return foundEvent{
		ID: exampleID, Time: exampleTime(), Kept: exampleTime(), Phase: event.After, Type: event.MessageSend, App: "shop", Source: "openim-prod",
		Dialect: "openim", Command: "callbackAfterSendGroupMsgCommand", Actor: "alice", Conversation: "group:g1", Message: "m1", Link: "msg:m1",
		Outcome: history.Parked, Endpoints: []foundEnd{
			{
				Endpoint: "shop/backend", Outcome: history.Parked, At: exampleTime(), Seconds: 0.012, Attempts: 4, Failed: 4,
				Reason: gateway.ReasonStatus4xx, Letter: "12",
			},
		},
	}
}

func exampleSearched() searched {
	return searched{
		Events: []foundEvent{exampleHit()}, Next: "2s.1k", Lag: 90,
		Words: "the history is catching up, 12 pages and 1m30s behind",
	}
}

func exampleTimeline() timeline {
	found, sent, decided := exampleHit(), exampleAttempts().Attempts[0], exampleDecision()
	before := found
	before.Phase, before.Command, before.Outcome, before.Endpoints = event.Before, decided.Event.Command, history.Outcome(event.Rewrite), nil
	return timeline{
		Found: &found, Event: exampleMessage(), Raw: exampleRaw(), Others: []foundEvent{before},
		Steps: []timelineStep{
			{At: exampleTime(), Kind: history.StepReceived, Event: decided.Event.ID},
			{At: exampleTime(), Kind: history.StepDecided, Event: decided.Event.ID, Seconds: decided.Took, Decision: decided},
			{At: exampleTime(), Kind: history.StepKept, Event: exampleID},
			{
				At: sent.At, Kind: history.StepAttempt, Event: exampleID, Endpoint: sent.Endpoint, Number: 1, Seconds: sent.Took,
				Outcome: sent.Outcome, Reason: sent.Reason, Status: sent.Status, Attempt: sent,
			},
			{
				At: exampleTime(), Kind: history.StepParked, Event: exampleID, Endpoint: "shop/backend", Number: 4, Reason: gateway.ReasonStatus4xx,
				Letter: "12",
			},
		},
	}
}

func exampleHistory() HistoryStatus {
	return HistoryStatus{
		State: history.Current, Words: "current", Database: "sqlite", Place: "/var/lib/imhook/history", Events: 1_200_000, Bytes: 250 << 20,
		MostBytes: 4 << 30, Segments: 2, From: exampleTime(), To: exampleTime(),
	}
}
