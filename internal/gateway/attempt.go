package gateway

import (
	"time"

	"github.com/imhook/imhook/event"
)

// Attempt is one attempt for one event, as it is told to who keeps them; or how an event
// came to its end without one, see [Untranslatable], [Echoed], [Expired] and [Coalesced].
type Attempt struct {
	// Endpoint is app/name.
	Endpoint string
	// Event has its envelope at least; it is nil where the event expired. It must not be
	// changed.
	Event *event.Event
	// Pos is where the event is in the journal.
	Pos Pos
	// N counts the attempts of the event at the endpoint, from 1.
	N int
	// At is when it was over; Outcome.Took says how long it took.
	At      time.Time
	Outcome Outcome
	// Repeat is set while the event is requeued or replayed.
	Repeat event.Repeat
}
