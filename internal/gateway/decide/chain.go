package decide

import (
	"cmp"
	"context"
	"fmt"
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
// cancelled; otherwise all are folded in their order, and who changes what a voter
// before it changed too is asked again, about that.
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
	// Of several that ended it before they heard of each other the first in their
	// order decides: equal answers are an equal verdict.
	for i := range first {
		if all[i].Cause != gateway.CauseCancelled && c.ends(voters[i], all[i].Verdict) {
			first = i
			break
		}
	}
	var changed *event.Changes // by voters
	for i, r := range voters {
		a := all[i]
		if first < 0 && touch(changed, a.Verdict.Changes) && !c.fold.over(c.p.Event) {
			// It put its own in place of what it did not see: a mask of the one before
			// would be gone.
			q.Event, q.Changed = c.fold.seen(c.p.Event)
			a = r.ask(ctx, q, c.whole())
		}
		if first < 0 || i == first {
			before := c.fold.changes
			if c.take(r, a); c.fold.changes != before {
				changed = overlay(changed, a.Verdict.Changes)
			}
			continue
		}
		// It was outvoted, or asked in vain.
		if a.Verdict.Action == event.Drop && a.Cause != gateway.CauseCancelled && i < first {
			a.Instead, a.Why = event.Allow, reason(c.carries(a.Verdict)) // or it had decided
		}
		r.metrics.count(a, c.p.Event)
		c.asked = append(c.asked, a)
	}
}

// ends reports whether a verdict leaves nothing to ask. A drop that the source's
// command cannot carry, and that its hook wants allowed then, does not.
func (c *chain) ends(r *running, v event.Verdict) bool {
	switch v.Action {
	case event.Deny:
		return true
	case event.Drop:
		return r.Downgrade.of(v) == event.Deny || c.carries(v) == nil
	}
	return false
}

// whole is the time that the server waits.
func (c *chain) whole() time.Duration { return c.p.Deadline.Sub(c.p.Begin) }

// take folds in what a hook said, as far as the source's command can carry it.
func (c *chain) take(r *running, a gateway.Asked) {
	next := c.fold.add(a.Verdict)
	if a.Verdict.Action != event.Deny { // which every command carries
		if err := c.carries(next.verdict()); err != nil {
			a.Why = err.Error()
			a.Instead, next = c.lower(r, a.Verdict)
			c.metrics.downgraded(r, a)
		}
	}
	c.fold = next
	r.metrics.count(a, c.p.Event)
	c.asked = append(c.asked, a)
}

// lower says what becomes of a verdict that cannot be carried, and the fold with that.
// Of one that rewrites and refuses members, what can be carried alone stays where the
// rest is to be allowed.
func (c *chain) lower(r *running, v event.Verdict) (event.Action, fold) {
	instead, next := r.Downgrade.of(v), c.fold
	if v.Changes != nil && len(v.Refused) > 0 {
		rewrite, partial := v, event.Verdict{Action: event.Allow, Refused: v.Refused}
		rewrite.Refused = nil
		switch rewritten, refused := c.fold.add(rewrite), c.fold.add(partial); {
		case c.carries(rewritten.verdict()) == nil:
			next = rewritten
		case c.carries(refused.verdict()) == nil:
			instead, next = r.Downgrade.of(rewrite), refused
		case r.Downgrade.of(rewrite) == event.Deny:
			instead = event.Deny
		}
	}
	if instead == event.Deny {
		next = c.fold.add(denial(v))
	}
	return instead, next
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

// carries asks the source's dialect. A defect in there is no reason to tell the server
// something else than the hook said, nor, among voters, to end the process.
func (c *chain) carries(v event.Verdict) (err error) {
	if c.p.Carries == nil {
		return nil
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("internal error: %.200v", p)
		}
	}()
	return c.p.Carries(v)
}

// reason is err in words; empty without one.
func reason(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// decision is the trail, once everybody in the shadow has answered.
func (c *chain) decision(took time.Duration) gateway.Decision {
	d := gateway.Decision{
		Event: c.p.Event, Begin: c.p.Begin, Took: took,
		Verdict: c.fold.verdict(), Cause: gateway.CauseNone, Hooks: slices.Clone(c.asked),
	}
	for _, a := range c.asked {
		if a.Cause == gateway.CauseCancelled {
			continue // what its policy says of that was not looked at
		}
		d.Cause = a.Cause
		if ended := a.Verdict.Action == event.Deny || a.Verdict.Action == event.Drop; a.Instead == event.Deny || ended && a.Instead == "" {
			break
		}
	}
	for _, s := range c.shadows {
		d.Hooks = append(d.Hooks, s.result())
	}
	return d
}
