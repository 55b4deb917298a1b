package decide

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// chain is one proposal on its way past the hooks.
type chain struct {
	p    gateway.Proposal
	fold fold
	// asked are those that were asked so far, in their order, those in the shadow
	// left out.
	asked []gateway.Asked
	// shadows are those in the shadow; they may answer after the verdict.
	shadows []*shadow
	metrics *metrics
}

// run asks hooks in their order.
func (c *chain) run(ctx context.Context, hooks []*running) {
	for step := range steps(hooks) {
		ev, changed := c.fold.seen(c.p.Event)
		q := gateway.Question{Event: ev, Changed: changed, Deadline: c.p.Deadline}
		switch {
		case step[0].Shadow:
			c.shadows = append(c.shadows, follow(ctx, step[0], q))
		case c.fold.over(c.p.Event):
			// Those in the shadow further on are asked all the same.
		case len(step) == 1:
			c.take(step[0], step[0].ask(ctx, q, c.whole()))
		default:
			c.vote(ctx, step, q)
		}
	}
}

// steps are the hooks that are asked one after the other, voters next to each other
// together.
func steps(hooks []*running) func(func([]*running) bool) {
	return func(yield func([]*running) bool) {
		for i := 0; i < len(hooks); {
			n := i + 1
			for hooks[i].Vote && n < len(hooks) && hooks[n].Vote {
				n++
			}
			if !yield(hooks[i:n]) {
				return
			}
			i = n
		}
	}
}

// vote asks side by side. The first one to deny or drop decides, and the others are
// cancelled; otherwise all are folded in their order.
func (c *chain) vote(ctx context.Context, voters []*running, q gateway.Question) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	all := make([]gateway.Asked, len(voters))
	first := -1
	var mu sync.Mutex
	var wg sync.WaitGroup
	for i, r := range voters {
		wg.Go(func() {
			a := r.ask(ctx, q, c.whole())
			mu.Lock()
			defer mu.Unlock()
			all[i] = a
			if first < 0 && a.Cause != gateway.CauseCancelled && c.ends(r, a.Verdict) {
				first = i
				cancel()
			}
		})
	}
	wg.Wait()
	for i, r := range voters {
		if first < 0 || i == first {
			c.take(r, all[i])
			continue
		}
		// It was outvoted, or asked in vain.
		r.metrics.count(all[i])
		c.asked = append(c.asked, all[i])
	}
}

// ends reports whether a verdict leaves nothing to ask. A drop that the source's
// command cannot carry, and that its hook wants allowed then, does not.
func (c *chain) ends(r *running, v event.Verdict) bool {
	if v.Action != event.Deny && v.Action != event.Drop {
		return false
	}
	return c.carries(c.fold.add(v).verdict()) == nil || r.Downgrade.of(v) == event.Deny
}

// whole is the time that the server waits.
func (c *chain) whole() time.Duration { return c.p.Deadline.Sub(c.p.Begin) }

// take folds in what a hook said, as far as the source's command can carry it.
func (c *chain) take(r *running, a gateway.Asked) {
	next := c.fold.add(a.Verdict)
	if err := c.carries(next.verdict()); err != nil {
		a.Why = err.Error()
		a.Instead = r.Downgrade.of(a.Verdict)
		c.metrics.downgraded(r, a)
		if a.Instead == event.Deny {
			next = c.fold.add(denial(a.Verdict))
		} else {
			next = c.fold
		}
	}
	c.fold = next
	r.metrics.count(a)
	c.asked = append(c.asked, a)
}

// denial is the refusal that is nearest to a verdict: in its own words, or in those
// with which it refused the first member. Of a drop nobody is told.
func denial(v event.Verdict) event.Verdict {
	d := event.Verdict{Action: event.Deny}
	if v.Action != event.Drop {
		d.Code, d.Reason = v.Code, v.Reason
	}
	if len(v.Refused) > 0 {
		d.Code, d.Reason = cmp.Or(d.Code, v.Refused[0].Code), cmp.Or(d.Reason, v.Refused[0].Reason)
	}
	return d
}

func (c *chain) carries(v event.Verdict) error {
	if c.p.Carries == nil {
		return nil
	}
	return c.p.Carries(v)
}

// decision is the trail, once everybody in the shadow has answered.
func (c *chain) decision(took time.Duration) gateway.Decision {
	d := gateway.Decision{
		Event: c.p.Event, Begin: c.p.Begin, Took: took,
		Verdict: c.fold.verdict(), Cause: gateway.CauseNone, Hooks: slices.Clone(c.asked),
	}
	for _, a := range c.asked {
		if a.Cause != gateway.CauseCancelled {
			d.Cause = a.Cause
		}
		if a.Verdict.Action == event.Deny || a.Verdict.Action == event.Drop || a.Instead == event.Deny {
			break
		}
	}
	for _, s := range c.shadows {
		d.Hooks = append(d.Hooks, s.result())
	}
	return d
}
