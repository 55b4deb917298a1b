package gateway

import (
	"errors"
	"time"

	"github.com/imhook/imhook/event"
)

// ErrNoLetter says that there is no such dead letter, or none from there on.
var ErrNoLetter = errors.New("no such dead letter")

// DeadLetter is an event that was set aside for one endpoint, so that its lane
// could go on.
type DeadLetter struct {
	// Seq is its number among the dead letters of a journal, in the order in which
	// they were parked; it is not given twice. Zero before it is kept.
	Seq uint64
	// Endpoint is app/name.
	Endpoint string
	Pos      Pos
	Event    *event.Event
	Reason   Reason
	Detail   string
	Attempts int
	// FirstAt is when it was first tried, At when it was parked.
	FirstAt  time.Time
	At       time.Time
	Exchange *Exchange
	// Repeat is set when it failed while it was requeued or replayed.
	Repeat event.Repeat
}
