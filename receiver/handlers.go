package receiver

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/imhook/imhook/event"
)

// AfterFunc handles an event that happened. The event is acknowledged when it
// returns nil. An error is logged, not shown to the caller, and has the event sent
// again; one that wraps [ErrRejected] says that this will not help.
//
// The event is the handler's: nobody else reads it.
type AfterFunc func(ctx context.Context, ev *event.Event) error

// BeforeFunc decides about an event that is about to happen. The zero verdict says
// that it cannot tell: the answer is [Config.OnFailure], as it is when the function
// returns after ctx has ended.
type BeforeFunc func(ctx context.Context, ev *event.Event) event.Verdict

// Handlers are functions by type of event. The zero value has none. It is safe for
// concurrent use and must not be copied.
//
// Each event goes to one function: that of the pattern which narrows most, as
// [event.Pattern.Compare] has it, whatever the order in which they were given. "**"
// takes what no other one does.
type Handlers struct {
	mu sync.RWMutex
	// mu guards the following, each with the narrowest pattern first.
	after  []handler[AfterFunc]
	before []handler[BeforeFunc]
}

type handler[F any] struct {
	pattern event.Pattern
	do      F
}

// On has after-events of a type, [event.MessageSend], or of a pattern of types,
// "group.**", handled by do. It panics when the pattern has a mistake, when no
// after-event matches it, and when it has a function already.
func (h *Handlers) On(pattern event.Type, do AfterFunc) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.after = add(h.after, pattern, event.After, do, do == nil)
}

// Before has before-events of a type or pattern decided by do. It panics as On does.
func (h *Handlers) Before(pattern event.Type, do BeforeFunc) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.before = add(h.before, pattern, event.Before, do, do == nil)
}

func add[F any](all []handler[F], text event.Type, phase event.Phase, do F, missing bool) []handler[F] {
	p, err := event.ParsePattern(string(text))
	switch {
	case err != nil:
		panic(fmt.Sprintf("receiver: pattern %q: %v", text, err))
	case missing:
		panic(fmt.Sprintf("receiver: the handler of %q is nil", text))
	case !slices.ContainsFunc(event.Catalogue(), func(e event.Entry) bool { return e.In(phase) && p.Match(e.Type) }):
		panic(fmt.Sprintf("receiver: no %s-event is of a type that %q matches: event.Catalogue has them all", phase, text))
	case slices.ContainsFunc(all, func(h handler[F]) bool { return h.pattern.Compare(p) == 0 }):
		panic(fmt.Sprintf("receiver: %q has a handler of %s-events already", text, phase))
	}
	all = append(slices.Clone(all), handler[F]{p, do})
	slices.SortFunc(all, func(a, b handler[F]) int { return a.pattern.Compare(b.pattern) })
	return all
}

// afterOf returns the handler of an after-event's type, nil when there is none.
func (h *Handlers) afterOf(t event.Type) AfterFunc {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return find(h.after, t)
}

// beforeOf returns the handler of a before-event's type, nil when there is none.
func (h *Handlers) beforeOf(t event.Type) BeforeFunc {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return find(h.before, t)
}

func find[F any](all []handler[F], t event.Type) (do F) {
	for _, h := range all {
		if h.pattern.Match(t) {
			return h.do
		}
	}
	return do
}
