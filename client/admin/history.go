package admin

import (
	"context"
	"net/http"
	"time"

	"github.com/imhook/imhook/event"
)

// SearchQuery narrows a search; what is empty does not narrow.
type SearchQuery struct {
	// Q is what people write: names, and parts with a key (user:alice since:2h).
	Q string `query:"q"`
	// ID is that of an event or message, or a link key; User did it, wrote it, or is
	// concerned.
	ID           string `query:"id"`
	User         string `query:"user"`
	Conversation string `query:"conversation"`
	Group        string `query:"group"`
	// Type is a pattern: message.*.
	Type   string `query:"type"`
	App    string `query:"app"`
	Source string `query:"source"`
	// Phase is before or after.
	Phase string `query:"phase"`
	// Outcome is what became of it; with Endpoint (app/name), there.
	Outcome  string `query:"outcome"`
	Endpoint string `query:"endpoint"`
	// Since and Until are times, or how long ago they were.
	Since string `query:"since"`
	Until string `query:"until"`
	Limit int    `query:"limit"`
	// After goes on with what is older: Next of an answer.
	After string `query:"after"`
}

// FoundEvent is an event as the history knows it.
type FoundEvent struct {
	ID string `json:"id"`
	// Time is when it happened, Kept when the gateway took it.
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
	Outcome   string     `json:"outcome"`
	Endpoints []FoundEnd `json:"endpoints,omitempty"`
}

// FoundEnd is what became of an event at one endpoint.
type FoundEnd struct {
	Endpoint string    `json:"endpoint"`
	Outcome  string    `json:"outcome"`
	At       time.Time `json:"at,omitzero"`
	// Seconds is how long the last attempt took.
	Seconds  float64 `json:"seconds,omitzero"`
	Attempts int     `json:"attempts,omitzero"`
	Failed   int     `json:"failed,omitzero"`
	Reason   string  `json:"reason,omitzero"`
	// Due is when it is tried next.
	Due time.Time `json:"due,omitzero"`
	// DeadLetter is the number of its dead letter.
	DeadLetter string       `json:"deadletter,omitzero"`
	Repeat     event.Repeat `json:"repeat,omitzero"`
}

// Found is what a search found, newest first.
type Found struct {
	Events []FoundEvent `json:"events"`
	// Next is where older ones go on (After), empty at the end. It may be set where
	// nothing was found: looking is bounded.
	Next string `json:"next,omitzero"`
	// Lag is how old the oldest event is that is not in the history yet, in seconds, and
	// Words say why something may be missing.
	Lag   float64 `json:"lag"`
	Words string  `json:"words,omitzero"`
}

// Search finds events in the history.
func (c *Client) Search(ctx context.Context, q SearchQuery) (*Found, error) {
	return get[Found](ctx, c, "/api/v1/search", q)
}

// Timeline is what happened to one event.
type Timeline struct {
	// Found is the event as the history knows it; nil where the journal told of it.
	Found *FoundEvent `json:"found,omitzero"`
	// Event and Raw are there as long as the journal has them; Gone says that it does not.
	Event *event.Event `json:"event,omitzero"`
	Raw   Raw          `json:"raw,omitzero"`
	Gone  string       `json:"gone,omitzero"`
	// Steps are in the order of time; what is so now comes last, without one.
	Steps []TimelineStep `json:"steps"`
	// Others are the other events of the same message.
	Others []FoundEvent `json:"others,omitempty"`
	Lag    float64      `json:"lag"`
	// Words say why it may not be whole.
	Words string `json:"words,omitzero"`
}

// TimelineStep is one thing that happened.
type TimelineStep struct {
	At time.Time `json:"at,omitzero"`
	// Kind is received, decided, kept, attempt, delivered, left out, expired, parked,
	// requeued, replayed, removed; or, of what is so now, waiting, retrying, finished,
	// unpicked, unknown.
	Kind     string `json:"kind"`
	Event    string `json:"event,omitzero"`
	Endpoint string `json:"endpoint,omitzero"`
	// Number is which attempt it was, Seconds how long it took.
	Number     int          `json:"number,omitzero"`
	Seconds    float64      `json:"seconds,omitzero"`
	Outcome    string       `json:"outcome,omitzero"`
	Reason     string       `json:"reason,omitzero"`
	Status     int          `json:"status,omitzero"`
	DeadLetter string       `json:"deadletter,omitzero"`
	Due        time.Time    `json:"due,omitzero"`
	Repeat     event.Repeat `json:"repeat,omitzero"`
	// Words say what it means where Kind alone does not.
	Words    string    `json:"words,omitzero"`
	Attempt  *Attempt  `json:"attempt,omitzero"`
	Decision *Decision `json:"decision,omitzero"`
}

// Timeline tells what happened to an event; id is that of the event or its message.
func (c *Client) Timeline(ctx context.Context, id string) (*Timeline, error) {
	return get[Timeline](ctx, c, below("/api/v1/events", id, "timeline"), nil)
}

// HistoryStatus is how the history is doing that Search looks in.
type HistoryStatus struct {
	// State is off, current, catching up, following or broken; Words say it with what is
	// wrong.
	State string `json:"state"`
	Words string `json:"words"`
	// Lag is how old the oldest event is that it has not read, in seconds; Behind is how
	// many pages of the journal those are.
	Lag    float64 `json:"lag"`
	Behind uint64  `json:"behind,omitzero"`
	// Database is sqlite or postgres, Place the directory of its files.
	Database string `json:"database,omitzero"`
	Place    string `json:"place,omitzero"`
	// Events and Bytes are kept, of MostBytes that may be.
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

// History returns how the history is doing.
func (c *Client) History(ctx context.Context) (*HistoryStatus, error) {
	return get[HistoryStatus](ctx, c, "/api/v1/history", nil)
}

// RebuildHistory drops the history and has it made anew. It does not wait for that.
func (c *Client) RebuildHistory(ctx context.Context) (*HistoryStatus, error) {
	return send[HistoryStatus](ctx, c, http.MethodPost, "/api/v1/history/rebuild", nil, nil)
}
