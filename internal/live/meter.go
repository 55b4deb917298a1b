package live

import (
	"strings"
	"sync"
	"sync/atomic"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// Bounds of what has a chart of its own.
const (
	maxTypes     = 128
	maxHooks     = 128
	maxSources   = 256
	maxEndpoints = 256
	maxReasons   = 64
)

// other is the name of those together that have no chart of their own.
const other = "other"

// Meter is told what came of attempts and decisions, by those who keep them for
// people. It is safe for concurrent use; its zero value is ready.
type Meter struct {
	endpoints bounded[attempted]
	types     bounded[attempted]
	reasons   bounded[atomic.Uint64]
	hooks     bounded[decided]
	proposals bounded[decided]
}

// attempted is what came of attempts.
type attempted struct {
	delivered, failed atomic.Uint64
	took              histogram
}

// decided is what came of questions.
type decided struct {
	asked, allowed, denied, failed atomic.Uint64
	took                           histogram
}

// Attempt counts one attempt to deliver.
func (m *Meter) Attempt(a gateway.Attempt) {
	if a.Event == nil {
		return
	}
	for _, c := range [...]*attempted{m.endpoints.of(a.Endpoint, maxEndpoints), m.types.of(string(a.Event.Type), maxTypes)} {
		if a.Outcome.Kind == gateway.Delivered {
			c.delivered.Add(1)
		} else {
			c.failed.Add(1)
		}
		c.took.observe(a.Outcome.Took)
	}
	if a.Outcome.Kind != gateway.Delivered {
		why := a.Outcome.Reason
		if why == gateway.ReasonNone {
			why = gateway.Reason(a.Outcome.Kind)
		}
		m.reasons.of(string(why), maxReasons).Add(1)
	}
}

// Decision counts one decision, and what each hook said that was asked.
func (m *Meter) Decision(d gateway.Decision) {
	if d.Event == nil {
		return
	}
	c := m.proposals.of(string(d.Event.Type), maxTypes)
	c.count(d.Verdict.Action, false)
	c.took.observe(d.Took)
	for i := range d.Hooks {
		a := &d.Hooks[i]
		if a.Cause == gateway.CauseCancelled {
			continue
		}
		h := m.hooks.of(d.Event.App+"/"+a.Hook, maxHooks)
		answered := a.Cause == gateway.CauseHook || a.Cause == gateway.CauseCache
		h.count(a.Verdict.Action, !answered)
		if a.Took > 0 && a.Cause != gateway.CauseOpen && a.Cause != gateway.CauseOverload {
			h.took.observe(a.Took)
		}
	}
}

func (c *decided) count(what event.Action, failed bool) {
	c.asked.Add(1)
	switch {
	case failed:
		c.failed.Add(1)
	case what == event.Deny || what == event.Drop:
		c.denied.Add(1)
	default:
		c.allowed.Add(1)
	}
}

// bounded has counters by name, a bounded number of them and one for all others.
type bounded[C any] struct {
	all  sync.Map // string → *C
	n    atomic.Int64
	rest C
}

// of is the counter of a name.
func (b *bounded[C]) of(name string, most int64) *C {
	if c, ok := b.all.Load(name); ok {
		return c.(*C)
	}
	if b.n.Load() >= most {
		return &b.rest
	}
	// The name may be a part of a whole page.
	c, there := b.all.LoadOrStore(strings.Clone(name), new(C))
	if !there {
		b.n.Add(1)
	}
	return c.(*C)
}

// each calls fn for all of them, the one for all others last and only when there may
// be any.
func (b *bounded[C]) each(most int64, fn func(name string, c *C)) {
	b.all.Range(func(name, c any) bool {
		fn(name.(string), c.(*C))
		return true
	})
	if b.n.Load() >= most {
		fn(other, &b.rest)
	}
}

// forget makes room of those that nobody has any more.
func (b *bounded[C]) forget(gone func(name string) bool) {
	b.all.Range(func(name, _ any) bool {
		if gone(name.(string)) {
			b.all.Delete(name)
			b.n.Add(-1)
		}
		return true
	})
}
