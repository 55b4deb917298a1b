package admin

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/event"
)

// Selection narrows events or dead letters; what is empty does not narrow.
type Selection struct {
	// Types are patterns of which one matches.
	Types        []string `json:"types,omitempty"`
	Sources      []string `json:"sources,omitempty"`
	Conversation string   `json:"conversation,omitzero"`
	// When is a condition in CEL.
	When string `json:"when,omitzero"`
	// Since and Until are times, or how long ago they were.
	Since string `json:"since,omitzero"`
	Until string `json:"until,omitzero"`
	// Reasons and IDs are for dead letters.
	Reasons []string `json:"reasons,omitempty"`
	IDs     []string `json:"ids,omitempty"`
}

// DeadLettersQuery narrows dead letters; what is empty does not narrow.
type DeadLettersQuery struct {
	Limit        int      `query:"limit"`
	Endpoint     string   `query:"endpoint"`
	Reason       []string `query:"reason"`
	Type         []string `query:"type"`
	Source       []string `query:"source"`
	Conversation string   `query:"conversation"`
	When         string   `query:"when"`
	// ID is that of an event, or one of its link keys.
	ID     string `query:"id"`
	Since  string `query:"since"`
	Until  string `query:"until"`
	Before string `query:"before"`
	After  string `query:"after"`
	// Order is newest, or oldest for those from the oldest on.
	Order string `query:"order"`
}

// DeadLetter is an event that was set aside for one endpoint.
type DeadLetter struct {
	ID       string       `json:"id"`
	Endpoint string       `json:"endpoint"`
	Pos      string       `json:"pos"`
	Event    *event.Event `json:"event,omitzero"`
	Reason   string       `json:"reason"`
	Detail   string       `json:"detail,omitzero"`
	Attempts int          `json:"attempts"`
	FirstAt  time.Time    `json:"firstAt,omitzero"`
	At       time.Time    `json:"at"`
	Repeat   event.Repeat `json:"repeat,omitzero"`
	Exchange *Exchange    `json:"exchange,omitzero"`
}

// WholeDeadLetter is a dead letter with what came over the wire.
type WholeDeadLetter struct {
	DeadLetter
	Raw Raw `json:"raw,omitzero"`
}

// DeadLetterList is one page of dead letters, newest first.
type DeadLetterList struct {
	DeadLetters []DeadLetter `json:"deadletters"`
	Next        string       `json:"next,omitzero"`
	Newest      string       `json:"newest"`
}

const lettersPath = "/api/v1/deadletters"

// DeadLetters lists what was set aside.
func (c *Client) DeadLetters(ctx context.Context, q DeadLettersQuery) (*DeadLetterList, error) {
	return get[DeadLetterList](ctx, c, lettersPath, q)
}

// DeadLetterGroup are the dead letters of an endpoint that have one reason.
type DeadLetterGroup struct {
	Endpoint string    `json:"endpoint"`
	Reason   string    `json:"reason"`
	Letters  int       `json:"letters"`
	Oldest   time.Time `json:"oldest"`
	Newest   time.Time `json:"newest"`
}

// DeadLetterGroups are all groups, the one with the oldest letter first; of the oldest
// letters alone where More is true.
type DeadLetterGroups struct {
	Groups  []DeadLetterGroup `json:"groups"`
	Letters int               `json:"letters"`
	More    bool              `json:"more,omitzero"`
}

// DeadLetterGroups counts what was set aside, by endpoint and reason.
func (c *Client) DeadLetterGroups(ctx context.Context, q DeadLettersQuery) (*DeadLetterGroups, error) {
	return get[DeadLetterGroups](ctx, c, lettersPath+"/groups", q)
}

// DeadLetter returns one.
func (c *Client) DeadLetter(ctx context.Context, id string) (*WholeDeadLetter, error) {
	return get[WholeDeadLetter](ctx, c, below(lettersPath, id), nil)
}

// ExportDeadLetters writes them to w, one CloudEvent a line, the oldest first. An error
// means that what was written is not whole.
func (c *Client) ExportDeadLetters(ctx context.Context, q DeadLettersQuery, w io.Writer) error {
	return c.Download(ctx, lettersPath+"/export", values(q), w)
}

// DeadLetterWish says what shall be done with which dead letters.
type DeadLetterWish struct {
	Endpoint string `json:"endpoint,omitzero"`
	Selection
	// All must be said where nothing narrows.
	All bool `json:"all,omitzero"`
	// Rate bounds a requeue, in events a second.
	Rate float64 `json:"rate,omitzero"`
	// DryRun counts and does nothing.
	DryRun bool `json:"dryRun,omitzero"`
	// From is where a purge goes on: Next of the answer before.
	From uint64 `json:"from,omitzero"`
}

// Purged is how many were taken away, or would be.
type Purged struct {
	Purged int  `json:"purged"`
	DryRun bool `json:"dryRun,omitzero"`
	// Next is where to go on (From) when it took too long for one answer.
	Next uint64 `json:"next,omitzero"`
}

// PurgeDeadLetters takes them away for good.
func (c *Client) PurgeDeadLetters(ctx context.Context, w DeadLetterWish) (*Purged, error) {
	return send[Purged](ctx, c, http.MethodPost, lettersPath+"/purge", nil, w)
}

// Resend says how a dead letter is sent again.
type Resend struct {
	// Set is an object of path to value, edits of what came over the wire.
	Set jsontext.Value `json:"set,omitzero"`
	// Body replaces the body.
	Body *string `json:"body,omitzero"`
	// Keep leaves the dead letter where it is.
	Keep   bool `json:"keep,omitzero"`
	DryRun bool `json:"dryRun,omitzero"`
}

// Resent is the new event.
type Resent struct {
	Event   *event.Event `json:"event"`
	Link    string       `json:"link"`
	DryRun  bool         `json:"dryRun,omitzero"`
	Removed bool         `json:"removed"`
}

// ResendDeadLetter makes a new event of one.
func (c *Client) ResendDeadLetter(ctx context.Context, id string, r Resend) (*Resent, error) {
	return send[Resent](ctx, c, http.MethodPost, below(lettersPath, id, "resend"), nil, r)
}

// Requeued is what a requeue began, or would begin.
type Requeued struct {
	Letters int           `json:"letters"`
	DryRun  bool          `json:"dryRun,omitzero"`
	Runs    []RequeuedRun `json:"runs"`
}

// RequeuedRun is one of its runs.
type RequeuedRun struct {
	Run
	Letters int `json:"letters"`
}

// RequeueDeadLetters delivers them again, a run for each of their endpoints.
func (c *Client) RequeueDeadLetters(ctx context.Context, w DeadLetterWish) (*Requeued, error) {
	return send[Requeued](ctx, c, http.MethodPost, lettersPath+"/requeue", nil, w)
}

// Run is a requeue or replay, and how it is doing.
type Run struct {
	ID string `json:"id"`
	// Kind is requeued or replayed.
	Kind     event.Repeat `json:"kind"`
	Endpoint string       `json:"endpoint"`
	To       string       `json:"to,omitzero"`
	// The following say what is selected.
	Types        []string   `json:"types,omitempty"`
	Sources      []string   `json:"sources,omitempty"`
	Conversation event.Lane `json:"conversation,omitzero"`
	When         string     `json:"when,omitzero"`
	Since        time.Time  `json:"since,omitzero"`
	Until        time.Time  `json:"until,omitzero"`
	Reasons      []string   `json:"reasons,omitempty"`
	Letters      []uint64   `json:"letters,omitempty"`
	All          bool       `json:"all,omitzero"`
	Rate         float64    `json:"rate,omitzero"`
	CreatedAt    time.Time  `json:"createdAt,omitzero"`
	// State is queued, running, done, cancelled or failed; empty for one that was not
	// begun. Note says what holds it up.
	State     string    `json:"state"`
	Note      string    `json:"note,omitzero"`
	Selected  int       `json:"selected"`
	Delivered int       `json:"delivered"`
	Parked    int       `json:"parked"`
	Open      int       `json:"open"`
	Trimmed   uint64    `json:"trimmedPages,omitzero"`
	At        time.Time `json:"at,omitzero"`
	EndedAt   time.Time `json:"endedAt,omitzero"`
}

// Over reports whether nothing follows.
func (r *Run) Over() bool { return r.State == "done" || r.State == "cancelled" || r.State == "failed" }

// RunCount is what a replay would do.
type RunCount struct {
	Selected int `json:"selected"`
	Picked   int `json:"picked"`
	Sent     int `json:"sent"`
	// AtLeast is true when not all could be counted in time.
	AtLeast bool      `json:"atLeast,omitzero"`
	Begin   time.Time `json:"begin,omitzero"`
	Trimmed uint64    `json:"trimmedEvents,omitzero"`
}

// Replay says what is delivered again.
type Replay struct {
	Selection
	// To is who gets it; empty is the endpoint itself.
	To string `json:"to,omitzero"`
	// All also replays what the endpoint's rule does not pick.
	All    bool    `json:"all,omitzero"`
	Rate   float64 `json:"rate,omitzero"`
	DryRun bool    `json:"dryRun,omitzero"`
}

// Replayed is the run of a replay, or what it would do: Count is set then.
type Replayed struct {
	DryRun bool      `json:"dryRun,omitzero"`
	Run    Run       `json:"run"`
	Count  *RunCount `json:"count,omitzero"`
	Note   string    `json:"note,omitzero"`
}

// Replay delivers history to an endpoint again, app/name or a name that one app alone
// has.
func (c *Client) Replay(ctx context.Context, id string, r Replay) (*Replayed, error) {
	return send[Replayed](ctx, c, http.MethodPost, endpointPath(id)+"/replay", nil, r)
}

// RunsQuery narrows runs.
type RunsQuery struct {
	// Kind is requeued or replayed.
	Kind string `query:"kind"`
}

// RunList are requeues and replays, the oldest first.
type RunList struct {
	Runs []Run `json:"runs"`
}

// Runs lists requeues and replays that are under way, or ended lately.
func (c *Client) Runs(ctx context.Context, q RunsQuery) (*RunList, error) {
	return get[RunList](ctx, c, "/api/v1/runs", q)
}

// Run returns one.
func (c *Client) Run(ctx context.Context, id string) (*Run, error) {
	return get[Run](ctx, c, below("/api/v1/runs", id), nil)
}

// CancelRun ends one.
func (c *Client) CancelRun(ctx context.Context, id string) (*Run, error) {
	return send[Run](ctx, c, http.MethodPost, below("/api/v1/runs", id, "cancel"), nil, nil)
}
