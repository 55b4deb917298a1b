package gateway

import (
	"time"

	"github.com/imhook/imhook/event"
)

// DeadLetter is an event that was set aside for one endpoint, so that its lane
// could go on.
type DeadLetter struct {
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
}
