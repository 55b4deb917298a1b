package gateway

import (
	"time"

	"github.com/imhook/imhook/event"
)

// Attempt is one attempt for one event, as it is told to who keeps them.
type Attempt struct {
	// Endpoint is app/name.
	Endpoint string
	// Event has its envelope at least. It must not be changed.
	Event *event.Event
	// N counts the attempts of the event at the endpoint, from 1.
	N int
	// At is when it was over; Outcome.Took says how long it took.
	At      time.Time
	Outcome Outcome
	// Repeat is set while the event is requeued or replayed.
	Repeat event.Repeat
}
