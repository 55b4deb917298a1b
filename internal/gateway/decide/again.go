package decide

import (
	"context"
	"time"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// How long, of how many events and in how many bytes the verdict is known for the
// server's retry. Vendors that send again do so within seconds.
const (
	againFor  = 2 * time.Minute
	againSize = 1 << 16
	againRoom = 64 << 20
)

// verdict is one that is known, or will be when done is closed.
type verdict struct {
	done chan struct{}
	v    event.Verdict
}

// once gives the server's retry of a proposal the verdict that the first one got, or
// is about to get. An event that cannot be told from an equal one is decided each
// time.
func (d *Decider) once(ctx context.Context, p gateway.Proposal, decide func(context.Context) event.Verdict) event.Verdict {
	ev := p.Event
	if ev.Dedupe == "" {
		return decide(ctx)
	}
	key := d.questions.key(ev)
	again, now := d.again.of(key), time.Now()
	known, ok := again.meet(key, &verdict{done: make(chan struct{})}, now, now.Add(againFor))
	if ok {
		d.metrics.again.Inc()
		if known.wait(p.Deadline) {
			return known.v
		}
		// A defect ended the first one, or it has longer than this one: there is a
		// verdict all the same.
		return decide(ctx)
	}
	defer func() {
		switch {
		case known.v.Action == "":
			again.take(key)
		case known.v.Changes != nil || len(known.v.Refused) > 0 || known.v.Reason != "":
			again.put(key, known, weigh(known.v), now, now.Add(againFor))
		case known.v.Action == event.Allow && known.v.Code == 0:
			again.change(key, d.allowed)
		}
		close(known.done)
	}()
	// A caller that leaves sends again, and wants to hear what came of it.
	if ctx.Done() != nil {
		ctx = context.WithoutCancel(ctx)
	}
	known.v = decide(ctx)
	return known.v
}

// allowed is the verdict that most proposals get, in one piece for all of them.
func allowed() *verdict {
	v := &verdict{done: make(chan struct{}), v: event.Allowed()}
	close(v.done)
	return v
}

// wait reports whether the verdict is there before the deadline. The first one
// usually is: it began earlier. But its body may have come earlier and its head
// later.
func (v *verdict) wait(deadline time.Time) bool {
	select {
	case <-v.done:
		return v.v.Action != ""
	default:
	}
	late := time.NewTimer(time.Until(deadline))
	defer late.Stop()
	select {
	case <-v.done:
		return v.v.Action != ""
	case <-late.C:
		return false
	}
}
