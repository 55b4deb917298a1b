package gateway

import (
	"errors"
	"time"

	"github.com/imhook/imhook/event"
)

// Selection says which of the kept events, or of the dead letters, are meant. What
// is empty does not narrow. It is on disk: append only.
type Selection struct {
	// Types are patterns of event types, of which one must match.
	Types   []string   `json:"types,omitempty"`
	Sources []string   `json:"sources,omitempty"`
	Lane    event.Lane `json:"conversation,omitzero"`
	// When is a condition.
	When string `json:"when,omitzero"`
	// Since and Until bound when an event was kept, or a dead letter parked: from
	// Since on, and before Until.
	Since time.Time `json:"since,omitzero"`
	Until time.Time `json:"until,omitzero"`
	// The following are for dead letters: why they were parked, and their numbers.
	Reasons []Reason `json:"reasons,omitempty"`
	Letters []uint64 `json:"letters,omitempty"`
}

// Run delivers once more, because somebody asked for it, what is selected: dead
// letters of an endpoint, or history. It is on disk and in the API: append only.
type Run struct {
	// ID is given when it is begun.
	ID string `json:"id"`
	// Kind says what is delivered: dead letters are requeued, history is replayed.
	Kind event.Repeat `json:"kind"`
	// Endpoint (app/name) is whose dead letters they are, or whose rule picks from
	// the history. To is who gets them, an endpoint of the same app; empty means
	// Endpoint.
	Endpoint string `json:"endpoint"`
	To       string `json:"to,omitzero"`
	Selection
	// All also replays what the endpoint's rule does not pick.
	All bool `json:"all,omitzero"`
	// Rate bounds the attempts, in events a second; zero is no bound.
	Rate float64 `json:"rate,omitzero"`
	// CreatedAt is when somebody asked for it.
	CreatedAt time.Time `json:"createdAt,omitzero"`
}

// Target is who gets it (app/name).
func (r Run) Target() string {
	if r.To != "" {
		return r.To
	}
	return r.Endpoint
}

// RunState is how far a run is. Values reach disk and API: append only.
type RunState string

// The states of a run.
const (
	// RunQueued: another one of its kind has the endpoint before it.
	RunQueued RunState = "queued"
	// RunRunning: it delivers, or waits until it may.
	RunRunning RunState = "running"
	// RunDone: all that was selected is delivered, parked, or cannot be said.
	RunDone RunState = "done"
	// RunCancelled: somebody ended it.
	RunCancelled RunState = "cancelled"
	// RunFailed: it cannot go on; Note says why.
	RunFailed RunState = "failed"
)

// Over reports whether nothing follows.
func (s RunState) Over() bool { return s == RunDone || s == RunCancelled || s == RunFailed }

// RunStatus is a run and how it is doing.
type RunStatus struct {
	Run
	State RunState `json:"state"`
	// Note says in words what holds it up, or why it failed.
	Note string `json:"note,omitzero"`
	// Selected events were found so far. Of these, Delivered arrived, Parked are dead
	// letters (again), Open wait or are in flight; the rest cannot be said in the
	// endpoint's dialect or are not there any more.
	Selected  int `json:"selected"`
	Delivered int `json:"delivered"`
	Parked    int `json:"parked"`
	Open      int `json:"open"`
	// Trimmed counts the pages of the journal that were dropped before the run came
	// to them.
	Trimmed uint64 `json:"trimmedPages,omitzero"`
	// At is when what was read last had been kept; zero for dead letters.
	At      time.Time `json:"at,omitzero"`
	EndedAt time.Time `json:"endedAt,omitzero"`
}

// RunCount is what a run would do if it were begun now.
type RunCount struct {
	// Selected events, or dead letters, are meant; Picked of the events are those
	// that the endpoint's rule picks today. Sent is how many would be delivered.
	Selected int `json:"selected"`
	Picked   int `json:"picked"`
	Sent     int `json:"sent"`
	// AtLeast is true when not all could be counted in time.
	AtLeast bool `json:"atLeast,omitzero"`
	// Begin is when the oldest event that is kept was; zero when there is none.
	// Trimmed counts the events that the journal has dropped before it, ever.
	Begin   time.Time `json:"begin,omitzero"`
	Trimmed uint64    `json:"trimmedEvents,omitzero"`
}

// Why a run is not begun.
var (
	// ErrNoEndpoint: there is no endpoint of that name.
	ErrNoEndpoint = errors.New("no such endpoint")
	// ErrNoRun: there is no run of that id.
	ErrNoRun = errors.New("no such run")
	// ErrManyRuns: more are under way than there may be.
	ErrManyRuns = errors.New("too many runs are under way")
)
