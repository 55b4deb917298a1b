package decide

import (
	"context"
	"time"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// How long and of how many events the verdict is known for the server's retry.
// Vendors that send again do so within seconds.
const (
	againFor  = 2 * time.Minute
	againSize = 1 << 16
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
	key := ev.Source + "\x00" + ev.ID
	now := time.Now()
	d.againMu.Lock()
	known, ok := d.again.get(key, now)
	if !ok {
		known = &verdict{done: make(chan struct{})}
		d.again.put(key, known, now, now.Add(againFor))
	}
	d.againMu.Unlock()
	if ok {
		d.metrics.again.Inc()
		// The first one is answered before this one's time is over: it began earlier.
		<-known.done
		if known.v.Action == "" { // a defect ended the first one
			return decide(ctx)
		}
		return known.v
	}
	defer func() {
		if known.v.Action == "" {
			d.again.take(key)
		}
		close(known.done)
	}()
	// A caller that leaves sends again, and wants to hear what came of it.
	known.v = decide(context.WithoutCancel(ctx))
	return known.v
}
