package deliver

import (
	"fmt"
	"math"
	"net/http"
	"time"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// Breaker says when an endpoint is left alone because it takes nothing: then
// nothing is sent and everything is kept, until one event, the oldest, is taken.
// What failed in that time counts as an attempt of no event.
//
// It judges the endpoint as a whole. What an endpoint says of one event (a 4xx, a
// refusal in the body) is not held against it, nor is an event that fails again
// after others passed: that one is to blame itself. A time-out counts three times,
// for it takes a place as long as many others would. Failures that may be one
// event's (5xx, time-outs, resets) never open it for one lane alone.
type Breaker struct {
	// Off neither opens it for failures nor sends less because of them. What an endpoint
	// asks for with a 429 or Retry-After holds all the same.
	Off bool
	// Least is how many failures in a row open it. So does a share of four fifths
	// among about the last six times as many attempts. Zero means 10.
	Least int
	// From and To bound how long it stays open: the nominal time doubles from one
	// to the other while the endpoint keeps failing, and each is drawn with full
	// jitter. Zero means 1s and 1m.
	From, To time.Duration
}

// WithDefaults returns a copy with zero fields filled in.
func (b Breaker) WithDefaults() Breaker {
	if b.Least == 0 {
		b.Least = 10
	}
	if b.From == 0 {
		b.From = time.Second
	}
	if b.To == 0 {
		b.To = max(time.Minute, b.From)
	}
	return b
}

// Validate says what is wrong with the breaker.
func (b Breaker) Validate() error {
	switch {
	case b.Least < 1:
		return fmt.Errorf("breaker: least is %d, want at least 1", b.Least)
	case b.From <= 0 || b.To < b.From:
		return fmt.Errorf("breaker: pause goes from %v to %v, want 0 < from <= to", b.From, b.To)
	}
	return nil
}

// pause is how long the breaker stays open for the trips-th time in a row.
func (b Breaker) pause(trips int) time.Duration {
	d := b.From
	for range trips - 1 {
		if d *= 2; d >= b.To {
			return b.To
		}
	}
	return min(d, b.To)
}

// breakerState says whether an endpoint gets anything.
type breakerState uint8

const (
	closed   breakerState = iota // it does
	halfOpen                     // it gets one event, which decides
	open                         // it does not, until then
)

const (
	// tripShare of the recent attempts failing opens a breaker.
	tripShare = 0.8
	// closeShare is what is taken for the share right after one closed: a few
	// failures open it again, some tens of deliveries make them forgotten.
	closeShare = tripShare - 0.1
	// calmShare is below which an endpoint is well: when it fails again it is tried
	// again soon.
	calmShare = 0.1
	// searchTrips is after how many vain attempts in a row others are read.
	searchTrips = 4
	// timeoutWeight is how much a time-out counts.
	timeoutWeight = 3
)

// health is what is known of an endpoint as a whole. Guarded by runner.mu.
type health struct {
	state breakerState
	// until is when an open breaker lets one event through, since when it opened.
	until, since time.Time
	// trips counts how often it opened without the endpoint being well in between.
	trips int
	// probing is true while the event that decides is in flight; second, when it is
	// already another one than the oldest.
	probing, second bool
	// row is the weight of the failures since the last delivery, share the recent
	// attempts' that failed.
	row   int
	share float64
	// lane is the first that failed since the last delivery; several is true when it
	// was not the only one, sure when a failure was certainly no event's.
	lane    event.Lane
	failed  bool
	several bool
	sure    bool
	// searching is true when what it was asked with lately may have been to blame
	// itself: then events are read that it may take.
	searching bool
	// passes counts deliveries.
	passes uint64
	// restored is true when the endpoint was failing before a restart: what it had
	// tried before failed because of that.
	restored bool
}

// passed notes that the endpoint took events.
func (h *health) passed(least int) {
	h.passes++
	h.row, h.failed, h.several, h.sure = 0, false, false, false
	h.share -= h.share * weightOf(least)
	if h.share < calmShare {
		h.trips = 0
	}
}

// fails notes a failure that an event of lane met.
func (h *health) fails(b blame, lane event.Lane, least int) {
	h.row += b.weight
	h.share = 1 - (1-h.share)*math.Pow(1-weightOf(least), float64(b.weight))
	h.sure = h.sure || b.sure
	h.notes(lane)
}

// onlyIn reports whether nothing failed since the last delivery but in one lane: then
// what fails there again is no news of the endpoint.
func (h *health) onlyIn(lane event.Lane) bool { return !h.failed || !h.several && h.lane == lane }

// notes remembers a lane in which something failed.
func (h *health) notes(lane event.Lane) {
	h.several = h.several || h.failed && h.lane != lane
	if !h.failed {
		h.failed, h.lane = true, lane
	}
}

// weightOf is what one attempt has in the share.
func weightOf(least int) float64 { return 1 / (3 * float64(least)) }

// down reports whether the failures are those of the endpoint.
func (h *health) down(least int) bool {
	return (h.several || h.sure) && (h.row >= least || h.share >= tripShare)
}

// open leaves the endpoint alone until a time.
func (h *health) open(now, until time.Time) {
	h.state, h.since, h.until = open, now, until
	h.second = false
}

// close lets everything through again.
func (h *health) close() {
	h.state, h.second, h.searching = closed, false, false
	h.row, h.failed, h.several, h.sure = 0, false, false, false
	h.share = closeShare
}

// blame is how much a failure says against the endpoint.
type blame struct {
	// weight is zero when it says nothing.
	weight int
	// sure is true when no event can be the reason.
	sure bool
}

// blamed says what an outcome says against the endpoint.
func blamed(out gateway.Outcome) blame {
	switch out.Kind {
	case gateway.Misconfigured:
		return blame{1, true}
	case gateway.Retry:
		switch out.Reason {
		case gateway.ReasonDNS, gateway.ReasonConnect, gateway.ReasonTLS, gateway.ReasonThrottled:
			return blame{1, true}
		case gateway.ReasonStatus5xx, gateway.ReasonReset:
			return blame{1, false}
		case gateway.ReasonTimeout:
			return blame{timeoutWeight, false}
		default:
			// What was answered about one event, or what is our own.
		}
	default:
	}
	return blame{}
}

// answered reports whether an endpoint that did not take an event answered as one
// that is well.
func answered(out gateway.Outcome) bool {
	switch out.Reason {
	case gateway.ReasonStatus4xx, gateway.ReasonRedirect, gateway.ReasonRefused, gateway.ReasonTooLarge:
		return true
	default:
		return false
	}
}

// restFor is how long an endpoint asked for nothing to be sent; zero when it did not.
func restFor(out gateway.Outcome) time.Duration {
	if out.Reason == gateway.ReasonThrottled || out.Status == http.StatusServiceUnavailable {
		return out.RetryAfter
	}
	return 0
}
