package receiver

import (
	"errors"
	"maps"
	"time"

	"github.com/imhook/imhook/event"
)

// ErrRejected is wrapped by a handler's error when sending the event again will not
// help.
var ErrRejected = errors.New("event is rejected for good")

// Result is what became of an event, or why a request was refused. The words are fit
// for metric labels: append only.
type Result string

// What becomes of events.
const (
	// Handled: its handler returned nil, or a verdict.
	Handled Result = "handled"
	// Duplicate: it had been handled before.
	Duplicate Result = "duplicate"
	// Unhandled: it has no handler.
	Unhandled Result = "unhandled"
	// Failed: its handler returned an error, or no verdict.
	Failed Result = "failed"
	// Rejected: its handler's error wraps [ErrRejected].
	Rejected Result = "rejected"
	// Panicked: its handler did.
	Panicked Result = "panicked"
	// Late: its handler, or who handles it elsewhere, did not end in time.
	Late Result = "late"
	// Overloaded: too many handlers run.
	Overloaded Result = "overloaded"
)

// Why requests are refused.
const (
	RefusedMethod    Result = "method"
	RefusedEncoding  Result = "content_encoding"
	RefusedTooLarge  Result = "body_too_large"
	RefusedUnread    Result = "unread"
	RefusedDepth     Result = "depth"
	RefusedSignature Result = "signature"
	RefusedStale     Result = "stale"
	RefusedWrongApp  Result = "wrong_app"
	RefusedReplayed  Result = "replayed"
	RefusedDecode    Result = "decode"
	RefusedPath      Result = "path"
	RefusedMixed     Result = "mixed_phases"
	RefusedPanic     Result = "panic"
)

// Outcome is what became of an event, or of a request that was refused.
type Outcome struct {
	Result Result
	// Event is nil when a request was refused. It may be the handler's still: only its
	// ID, Type, Phase, Dialect, Command and Source are to be read.
	Event *event.Event
	// Verdict is the answer to a before-event.
	Verdict event.Verdict
	// Took is from the request's head to the answer, of a before-event and of a
	// refusal; of an after-event from its turn on.
	Took time.Duration
	// Err says why it is no success.
	Err error
}

// Stats are counts since the start.
type Stats struct {
	// Running is how many handlers run now.
	Running int
	// Results counts events and refused requests by what became of them.
	Results map[Result]uint64
}

// Stats returns the counts.
func (rc *Receiver) Stats() Stats {
	rc.mu.Lock()
	defer rc.mu.Unlock()
	return Stats{Running: rc.running, Results: maps.Clone(rc.results)}
}

// tell counts an outcome and passes it on.
func (rc *Receiver) tell(o Outcome) {
	rc.count(o.Result)
	if rc.cfg.Observe != nil {
		rc.cfg.Observe(o)
	}
}

func (rc *Receiver) count(r Result) {
	rc.mu.Lock()
	defer rc.mu.Unlock()
	rc.results[r]++
}
