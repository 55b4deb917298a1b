package deliver

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/imhook/imhook/dialect"
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

// BatchSender is a [Sender] whose wire carries several events in one request.
type BatchSender interface {
	Sender
	// SendBatch makes one attempt for as many of evs as share one request, from the
	// first on, and returns what became of those, in order: at least one outcome,
	// and fewer than events where the others need a request of their own. Events
	// that cannot be said are among the outcomes and take no request. An event that
	// must be tried again for a reason of its own is the last of the outcomes or
	// the only one, so that nothing overtakes it. [gateway.Outcome.Together] says
	// how many events share an outcome.
	SendBatch(ctx context.Context, evs []*event.Event) []gateway.Outcome
}

// Batch bounds what shares one request. The zero value sends events singly.
type Batch struct {
	// Count is how many events at most, up to 4096; up to 1 means singly. More than
	// 1 needs a [BatchSender], and concurrency then counts batches.
	Count int
	// Bytes is how much is taken together, measured in what came in; the sender
	// keeps the bound of what goes out. Zero means 1 MiB.
	Bytes int64
	// Linger is how long an event may wait for others to share its request. It
	// waits no longer once the batch is full, and not at all when it was tried
	// before. Zero means that only what is there already is joined.
	Linger time.Duration
}

// maxBatch is the largest Count: more than that is never in memory.
const maxBatch = maxLoaded

// defaultBatchBytes is what backends usually take.
const defaultBatchBytes = 1 << 20

func (b Batch) validate(s Sender) error {
	if b.Count <= 1 {
		return nil
	}
	_, ok := s.(BatchSender)
	switch {
	case !ok:
		return errors.New("batch: its sender takes one event at a time")
	case b.Count > maxBatch:
		return fmt.Errorf("batch: count is %d, want up to %d", b.Count, maxBatch)
	case b.Bytes < 0:
		return fmt.Errorf("batch: bytes is %d, want at least 1", b.Bytes)
	case b.Linger < 0:
		return fmt.Errorf("batch: linger is %v, want no negative duration", b.Linger)
	}
	return nil
}

// Endpoint is somebody to tell.
type Endpoint struct {
	App  string
	Name string
	// Match says whether the endpoint gets ev. It must agree with the Index that
	// the tail uses.
	Match func(ev *event.Event) bool
	// Part says which conversations are delivered here, where others deliver the rest;
	// nil means all. Match knows of it; runs ask it, which take what Match does not.
	Part func(lane event.Lane) bool
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
	// Concurrency bounds the attempts in flight, each of them one request; zero means 32. With OrderStrict
	// it is always 1.
	Concurrency int
	// Batch is what shares one request.
	Batch Batch
	// Rate bounds the requests that begin in a second, a tenth of a second's worth at
	// once; zero means no bound. What was spent stays spent when it changes.
	Rate float64
	// BytesInFlight bounds the events in flight, measured in what came in; one that is
	// larger goes alone. Zero means 32 MiB.
	BytesInFlight int64
	Retry         Schedule
	// Breaker is when it is left alone.
	Breaker Breaker
	// OnPoison is what becomes of an event whose schedule is over; zero means
	// PoisonPark.
	OnPoison OnPoison
	// MaxBacklogAge and MaxBacklogBytes are past which the endpoint's own oldest
	// events expire; zero means never. Bytes are the journal's, from the oldest
	// open event on.
	MaxBacklogAge   time.Duration
	MaxBacklogBytes int64
	// Vendor, if it is set, has the endpoint deliver as that vendor's own server does,
	// and lose what that loses: it is parked with [gateway.ReasonVendor]. Order,
	// Concurrency where the vendor says one, Retry and Breaker follow from it; a Rate
	// and a Batch contradict it. Runs deliver as everywhere.
	Vendor *dialect.Delivery
	// Coalesce is what is folded into what comes after it.
	Coalesce Coalesce
}

// ID is app/name.
func (e Endpoint) ID() string { return e.App + "/" + e.Name }

// WithDefaults returns a copy with zero fields filled in.
func (e Endpoint) WithDefaults() Endpoint {
	if e.Vendor != nil {
		e = e.asVendor()
	}
	if e.Order == "" {
		e.Order = OrderConversation
	}
	if e.Concurrency == 0 {
		e.Concurrency = 32
	}
	if e.Order == OrderStrict {
		e.Concurrency = 1
	}
	if e.Batch.Bytes == 0 {
		e.Batch.Bytes = defaultBatchBytes
	}
	if e.BytesInFlight == 0 {
		e.BytesInFlight = defaultBytesInFlight
	}
	if e.OnPoison == "" {
		e.OnPoison = PoisonPark
	}
	e.Breaker = e.Breaker.WithDefaults()
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
	if err := e.Batch.validate(e.Sender); err != nil {
		return fmt.Errorf("endpoint %s: %w", e.ID(), err)
	}
	if err := e.validateRate(); err != nil {
		return fmt.Errorf("endpoint %s: %w", e.ID(), err)
	}
	if err := e.Coalesce.validate(); err != nil {
		return fmt.Errorf("endpoint %s: %w", e.ID(), err)
	}
	if err := e.validateVendor(); err != nil {
		return fmt.Errorf("endpoint %s: %w", e.ID(), err)
	}
	if err := e.OnPoison.validate(); err != nil {
		return fmt.Errorf("endpoint %s: %w", e.ID(), err)
	}
	if err := e.Breaker.Validate(); err != nil {
		return fmt.Errorf("endpoint %s: %w", e.ID(), err)
	}
	return e.Retry.Validate()
}
