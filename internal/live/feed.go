package live

import (
	"sync"
	"sync/atomic"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// Outcome is an attempt or a decision of this gateway, or what another one told; one of
// them is set.
type Outcome struct {
	Attempt   *gateway.Attempt
	Decision  *gateway.Decision
	Elsewhere any
}

// Bounds of what a feed remembers for those who read it.
const (
	feedCount = 8192
	feedBytes = 16 << 20
)

// Feed hands outcomes as they come to those who want to see them, and costs one atomic
// load while nobody does. Nobody waits for a reader: one that is slow is told how many
// it missed. It is safe for concurrent use; its zero value is ready.
type Feed struct {
	readers atomic.Int32

	// mu guards the following.
	mu sync.Mutex
	// held are the last outcomes; the first of them is number first.
	held  []Outcome
	first uint64
	bytes int
	// changed is closed when there is another one; nil when nobody waits.
	changed chan struct{}
}

// Attempt hands on an attempt.
func (f *Feed) Attempt(a gateway.Attempt) {
	if f.readers.Load() == 0 || a.Event == nil {
		return
	}
	// The envelope alone: what is held here must not keep pages of the journal.
	ev := a.Event
	a.Event = &event.Event{ID: ev.ID, App: ev.App, Source: ev.Source, Type: ev.Type, Lane: ev.Lane, Dialect: ev.Dialect, Command: ev.Command}
	f.put(Outcome{Attempt: &a})
}

// Decision hands on a decision.
func (f *Feed) Decision(d gateway.Decision) {
	if f.readers.Load() > 0 && d.Event != nil {
		f.put(Outcome{Decision: &d})
	}
}

// Elsewhere hands on what another gateway told.
func (f *Feed) Elsewhere(told any) {
	if f.readers.Load() > 0 {
		f.put(Outcome{Elsewhere: told})
	}
}

func (o Outcome) weight() int {
	const rest = 1 << 10
	switch {
	case o.Elsewhere != nil:
		return 2 * rest
	case o.Decision != nil:
		return rest + 2*len(o.Decision.Event.Raw.Body)
	case o.Attempt.Outcome.Exchange != nil:
		x := o.Attempt.Outcome.Exchange
		return rest + len(x.Request) + len(x.Head) + len(x.Response)
	}
	return rest
}

func (f *Feed) put(o Outcome) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.held = append(f.held, o)
	f.bytes += o.weight()
	for len(f.held) > feedCount || f.bytes > feedBytes && len(f.held) > 1 {
		f.bytes -= f.held[0].weight()
		f.held[0] = Outcome{}
		f.held, f.first = f.held[1:], f.first+1
	}
	if f.changed != nil {
		close(f.changed)
		f.changed = nil
	}
}

// Reader reads a feed. It is for one goroutine.
type Reader struct {
	f    *Feed
	next uint64
	done bool
}

// Read begins to read with what comes from now on; end it with Close.
func (f *Feed) Read() *Reader {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.readers.Add(1)
	return &Reader{f: f, next: f.first + uint64(len(f.held))}
}

// Take returns what came since the last time, in order, at most some hundred, and how
// many were missed before. More is closed when there is more to take.
func (r *Reader) Take() (some []Outcome, missed int, more <-chan struct{}) {
	const most = 256
	f := r.f
	f.mu.Lock()
	defer f.mu.Unlock()
	if r.next < f.first {
		missed = int(f.first - r.next)
		r.next = f.first
	}
	some = append(some, f.held[r.next-f.first:]...)
	if len(some) > most {
		some = some[:most]
	}
	r.next += uint64(len(some))
	if r.next < f.first+uint64(len(f.held)) {
		return some, missed, ready
	}
	if f.changed == nil {
		f.changed = make(chan struct{})
	}
	return some, missed, f.changed
}

// ready is closed.
var ready = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// Close ends it. It may be called more than once.
func (r *Reader) Close() {
	if r.done {
		return
	}
	r.done = true
	f := r.f
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.readers.Add(-1) == 0 {
		f.first += uint64(len(f.held))
		f.held, f.bytes = nil, 0
	}
}
