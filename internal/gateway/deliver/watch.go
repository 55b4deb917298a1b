package deliver

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// maxWatched is how many attempts a watch remembers; what comes then it does not see.
const maxWatched = 256

// Watch sees what becomes of some events at all endpoints, from when it began until
// it is stopped. It is safe for concurrent use.
type Watch struct {
	pick    func(*event.Event) bool
	of      *watches
	changed chan struct{}

	mu   sync.Mutex
	seen []gateway.Attempt
}

// Watch begins to watch the events that pick picks. Delivering waits for pick, so it
// must be quick; it must not call the Deliverer. The watch must be stopped.
func (d *Deliverer) Watch(pick func(*event.Event) bool) *Watch {
	w := &Watch{pick: pick, of: &d.watches, changed: make(chan struct{}, 1)}
	d.watches.change(func(all []*Watch) []*Watch { return append(all, w) })
	return w
}

// Stop ends it. What it has seen stays.
func (w *Watch) Stop() {
	w.of.change(func(all []*Watch) []*Watch {
		return slices.DeleteFunc(all, func(o *Watch) bool { return o == w })
	})
}

// Attempts are those that it has seen, in the order in which they ended.
func (w *Watch) Attempts() []gateway.Attempt {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.seen)
}

// Changed holds a value after there was another attempt.
func (w *Watch) Changed() <-chan struct{} { return w.changed }

// see remembers an attempt.
func (w *Watch) see(a gateway.Attempt) {
	w.mu.Lock()
	if len(w.seen) < maxWatched {
		w.seen = append(w.seen, a)
	}
	w.mu.Unlock()
	select {
	case w.changed <- struct{}{}:
	default:
	}
}

// watches are those that watch now. Nearly always there are none, and then they cost
// an attempt one load.
type watches struct {
	mu  sync.Mutex // held while all is replaced
	all atomic.Pointer[[]*Watch]
}

func (s *watches) change(to func([]*Watch) []*Watch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []*Watch
	if p := s.all.Load(); p != nil {
		all = slices.Clone(*p)
	}
	if all = to(all); len(all) == 0 {
		s.all.Store(nil)
		return
	}
	s.all.Store(&all)
}

// note shows what became of a load to who watches it.
func (s *watches) note(endpoint string, load []flight, now func() time.Time) {
	all := s.all.Load()
	if all == nil {
		return
	}
	for i := range load {
		f := &load[i]
		if f.state != tried || f.item.ev == nil || f.out.Reason == gateway.ReasonCancelled {
			continue
		}
		for _, w := range *all {
			if w.pick(f.item.ev) {
				w.see(gateway.Attempt{Endpoint: endpoint, Event: f.item.ev, N: f.item.attempts + 1, At: now(), Outcome: f.out})
			}
		}
	}
}

// Picks returns the endpoints (app/name) that get ev, in configuration order.
func (d *Deliverer) Picks(ev *event.Event) []string {
	_, runners, _ := d.serving()
	var all []string
	for _, r := range runners {
		r.mu.Lock()
		match := r.Match
		r.mu.Unlock()
		if match(ev) {
			all = append(all, r.id)
		}
	}
	return all
}
