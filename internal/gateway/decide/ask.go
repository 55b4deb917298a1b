package decide

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// leastTime is what a question takes at least: with less left it is not asked.
const leastTime = time.Millisecond

// running is a hook with what is known of how it does. It outlives changes of the
// configuration that leave it as it is.
type running struct {
	Hook
	// asking is how many questions are open.
	asking   *atomic.Int64
	breakers *breakers
	cache    *cache
	metrics  *hookMetrics
	log      *slog.Logger
}

func newRunning(h Hook, m *metrics, log *slog.Logger) *running {
	h = h.withDefaults()
	return &running{
		Hook: h, asking: new(atomic.Int64),
		breakers: newBreakers(h.Breaker), cache: newCache(), metrics: m.of(h), log: log,
	}
}

// ask asks the hook, or says at once why not. whole is how long the server waits.
func (r *running) ask(ctx context.Context, q gateway.Question, whole time.Duration) gateway.Asked {
	begin := time.Now()
	a := gateway.Asked{Hook: r.Name, Shadow: r.Shadow}
	if v, ok := r.cache.find(q.Event, begin); ok {
		a.Verdict, a.Cause = v, gateway.CauseCache
		return a
	}
	reply := r.inquire(ctx, q, whole, begin)
	a.Cause, a.Reason, a.Detail, a.Status, a.Took = reply.Cause, reply.Reason, reply.Detail, reply.Status, time.Since(begin)
	switch reply.Cause {
	case gateway.CauseHook:
		a.Verdict = reply.Verdict
		r.cache.keep(q.Event, reply.Verdict, reply.Keep, begin)
	case gateway.CauseOpen:
		// The failure that opened it decides.
		a.Verdict = r.failed(gateway.Cause(reply.Reason))
	default:
		a.Verdict = r.failed(reply.Cause)
	}
	return a
}

// inquire asks behind breaker and bound.
func (r *running) inquire(ctx context.Context, q gateway.Question, whole time.Duration, now time.Time) gateway.Reply {
	breaker := r.breakers.source(q.Event.Source)
	permit, opened, ok := breaker.enter()
	if !ok {
		return gateway.Reply{Cause: gateway.CauseOpen, Reason: gateway.Reason(opened), Detail: "not asked: it failed too often (" + string(opened) + ")"}
	}
	left := q.Deadline.Sub(now)
	granted := min(left, r.Timeout)
	// A hook that was given a fraction of its time has not failed. One that never has
	// more, for this server does not wait longer, has.
	enough := granted >= min(r.Timeout, whole)/2
	if !r.enter() {
		breaker.leave(permit, gateway.CauseOverload, false)
		return gateway.Reply{Cause: gateway.CauseOverload, Detail: fmt.Sprintf("not asked: %d questions are open", r.Concurrency)}
	}
	defer r.asking.Add(-1)
	if left < leastTime {
		breaker.leave(permit, gateway.CauseTimeout, false)
		return gateway.Reply{Cause: gateway.CauseTimeout, Detail: "not asked: no time was left"}
	}
	q.Deadline = now.Add(granted)
	reply := r.guarded(ctx, q)
	if reply.Cause == gateway.CauseHook {
		if why := wrong(reply.Verdict); why != "" {
			reply.Cause, reply.Detail = gateway.CauseBadReply, why
		}
	}
	if ctx.Err() != nil && reply.Cause != gateway.CauseHook {
		reply.Cause = gateway.CauseCancelled
	}
	r.tell(q.Event.Source, reply, breaker.leave(permit, reply.Cause, reply.Cause != gateway.CauseCancelled && (enough || reply.Cause != gateway.CauseTimeout)))
	return reply
}

// enter counts one more question, unless as many as may be are open.
func (r *running) enter() bool {
	for {
		n := r.asking.Load()
		if n >= int64(r.Concurrency) {
			return false
		}
		if r.asking.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// tell says what became of the breaker of a source's questions.
func (r *running) tell(source string, reply gateway.Reply, n news) {
	switch n {
	case hasOpened:
		r.log.Warn("a hook fails too often and is left alone, its policy answers", "hook", r.App+"/"+r.Name, "source", source,
			"cause", reply.Cause, "err", reply.Detail, "pause", r.Breaker.Pause)
	case hasClosed:
		r.log.Info("a hook that failed is asked again", "hook", r.App+"/"+r.Name, "source", source)
	case noNews:
	}
}

// guarded asks, and turns a defect of ours into a failure.
func (r *running) guarded(ctx context.Context, q gateway.Question) (reply gateway.Reply) {
	defer func() {
		if p := recover(); p != nil {
			reply = gateway.Reply{Cause: gateway.CauseError, Reason: gateway.ReasonInternal, Detail: fmt.Sprintf("internal error: %.200v", p)}
			r.metrics.panics.Inc()
		}
	}()
	return r.Asker.Ask(ctx, q)
}

// failed is the verdict of the policy.
func (r *running) failed(c gateway.Cause) event.Verdict {
	if r.Policy.of(c) == event.Deny {
		return event.Verdict{Action: event.Deny, Reason: "it could not be checked; try again later"}
	}
	return event.Allowed()
}

// wrong says why v is no verdict; empty when it is one.
func wrong(v event.Verdict) string {
	switch v.Action {
	case event.Deny, event.Drop:
		return ""
	case event.Allow:
		if changesBody(v.Changes) {
			return "it says allow and changes something"
		}
		return ""
	case event.Rewrite:
		if !changesBody(v.Changes) && (v.Changes == nil || len(v.Changes.Vendor) == 0) {
			return "it says rewrite and nothing else"
		}
		return ""
	}
	return fmt.Sprintf("verdict is %.40q", v.Action)
}

// changesBody reports whether there is more than the vendor's own words.
func changesBody(c *event.Changes) bool {
	return c != nil && (c.Message != nil || c.Group != nil || c.User != nil || c.Friend != nil || c.Push != nil)
}
