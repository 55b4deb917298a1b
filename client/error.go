package client

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/imhook/imhook/client/internal/spool"
	"github.com/imhook/imhook/event"
)

var (
	// ErrSpoolFull says that the spool's bound, or its disk, has no room; nothing of the call
	// was kept.
	ErrSpoolFull = spool.ErrFull
	// ErrSpoolLocked says that another client uses the spool's directory.
	ErrSpoolLocked = spool.ErrLocked
	// ErrSpoolNewer says that a newer version of this package wrote the spool.
	ErrSpoolNewer = spool.ErrNewer
	// ErrClosed says that the client was closed.
	ErrClosed = errors.New("client is closed")
	// ErrInvalid says that an event cannot be sent as it is; nothing of the call was kept.
	ErrInvalid = errors.New("invalid event")
	// ErrUnavailable says that the gateway cannot be reached, or not now.
	ErrUnavailable = errors.New("gateway is not available")
	// ErrMisconfigured says that the gateway, or what answers in its place, does not take
	// requests of this client: the URL, the secret or its address is wrong. Trying
	// again helps once somebody mended that.
	ErrMisconfigured = errors.New("gateway does not take requests of this client")
)

// Refusal is an event that the gateway refused for good: sending it again as it is
// will not help.
type Refusal struct {
	// ID is the event's.
	ID string
	// Status is the HTTP status of the answer, Reason the gateway's words.
	Status int
	Reason string
	// At is when it was refused.
	At time.Time
	// JSON is the event as it was sent: a CloudEvent.
	JSON []byte
	// Event is the same, read again.
	Event *event.Event
}

// RefusedError is what [Client.Tell] returns when the gateway refused events of the
// call. Those that are not in it were kept.
type RefusedError struct {
	// Refused are in the order of the call.
	Refused []Refusal
}

// Error names the refused events.
func (e *RefusedError) Error() string {
	var b strings.Builder
	b.WriteString("gateway refused ")
	for i, r := range e.Refused {
		if i == 3 {
			fmt.Fprintf(&b, " and %d more", len(e.Refused)-i)
			break
		}
		if i > 0 {
			b.WriteString("; ")
		}
		fmt.Fprintf(&b, "event %s: %s", r.ID, r.Reason)
	}
	return b.String()
}
