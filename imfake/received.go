package imfake

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// Received is one request that a [Backend] got. It is shared and must not be
// changed.
type Received struct {
	// N is the place in the order of arrival, from 1 on. A request arrives when
	// its body is read.
	N  int
	At time.Time
	// Method is the HTTP method.
	Method string
	// Request is what the dialect sees; Path has no base path.
	Request dialect.Request
	// Events are what the dialect read; nil when it refused.
	Events []*event.Event
	// VerifyErr is why the request does not fit the credentials; nil when it
	// fits or the backend has none.
	VerifyErr error
	// DecodeErr is why the body could not be read.
	DecodeErr error
}

// Lane is the lane of the first event, or empty.
func (r *Received) Lane() event.Lane {
	if len(r.Events) == 0 {
		return ""
	}
	return r.Events[0].Lane
}

// Key names ev in a [Backend]: its id where the dialect carries one, else what
// tells two events of the vendor apart, else a hash of its wire form.
func Key(ev *event.Event) string {
	switch {
	case ev.ID != "":
		return ev.ID
	case ev.Dedupe != "":
		return ev.Command + " " + ev.Dedupe
	}
	sum := sha256.Sum256(ev.Raw.Body)
	return ev.Command + " " + hex.EncodeToString(sum[:16])
}
