package deliver

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// Order is the unit of order inside an endpoint.
type Order string

// The orders.
const (
	// OrderConversation keeps the order inside each lane and runs lanes in
	// parallel.
	OrderConversation Order = "conversation"
	// OrderStrict delivers one event at a time for the whole endpoint.
	OrderStrict Order = "strict"
	// OrderNone keeps no order.
	OrderNone Order = "none"
)

// Sender makes one attempt to deliver ev, of which the first sent requests are
// through already. It returns when the attempt is over or ctx ends, never panics
// on purpose, and is called from many goroutines at once.
type Sender interface {
	Send(ctx context.Context, ev *event.Event, sent int) gateway.Outcome
}

// Endpoint is somebody to tell.
type Endpoint struct {
	App  string
	Name string
	// Match says whether the endpoint gets ev. It must agree with the Index that
	// the tail uses.
	Match func(ev *event.Event) bool
	// Rule tells what Match picks from what another Match picks: with the same
	// text, [Deliverer.Set] takes the rule for unchanged. Empty means that every
	// Set changes it, which costs a record and nothing else.
	Rule string
	// Sender speaks to the endpoint. A Set with an equal Sender keeps it; otherwise
	// attempts in flight end with the one that they began with.
	Sender Sender
	// Release, if it is set, is called once when the last attempt with Sender has
	// ended and no other follows: after a Set that brings another Sender or leaves
	// the endpoint out, or after Stop. It is not called for an endpoint that New or
	// Set refused, nor when Start fails. A Set that keeps the Sender takes its own
	// Release instead. It must not block.
	Release func()
	// Start is where an endpoint begins that was not there before.
	Start Start
	// Order defaults to OrderConversation.
	Order Order
	// Concurrency bounds the attempts in flight; zero means 32. With OrderStrict
	// it is always 1.
	Concurrency int
	Retry       Schedule
	// MaxBacklogAge and MaxBacklogBytes are past which the endpoint's own oldest
	// events expire; zero means never. Bytes are the journal's, from the oldest
	// open event on.
	MaxBacklogAge   time.Duration
	MaxBacklogBytes int64
}

// ID is app/name.
func (e Endpoint) ID() string { return e.App + "/" + e.Name }

// WithDefaults returns a copy with zero fields filled in.
func (e Endpoint) WithDefaults() Endpoint {
	if e.Order == "" {
		e.Order = OrderConversation
	}
	if e.Concurrency == 0 {
		e.Concurrency = 32
	}
	if e.Order == OrderStrict {
		e.Concurrency = 1
	}
	e.Retry = e.Retry.WithDefaults()
	return e
}

// Validate says what is wrong with the endpoint.
func (e Endpoint) Validate() error {
	switch e.Order {
	case OrderConversation, OrderStrict, OrderNone:
	default:
		return fmt.Errorf("endpoint %s: order is %q, want %s, %s or %s", e.ID(), e.Order, OrderConversation, OrderStrict, OrderNone)
	}
	if e.App == "" || e.Name == "" || e.Match == nil || e.Sender == nil {
		return errors.New("endpoint needs App, Name, Match and Sender")
	}
	if err := e.Start.validate(); err != nil {
		return fmt.Errorf("endpoint %s: %w", e.ID(), err)
	}
	if e.Concurrency < 1 {
		return fmt.Errorf("endpoint %s: concurrency is %d, want at least 1", e.ID(), e.Concurrency)
	}
	return e.Retry.Validate()
}
