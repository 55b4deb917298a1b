package receive

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// proposes reports whether the request waits for a verdict.
func (c *call) proposes() bool { return len(c.evs) == 1 && c.evs[0].Phase == event.Before }

// decide answers a before-event.
func (c *call) decide(proof dialect.Proof) (dialect.Response, *refusal) {
	ev := c.evs[0]
	v, err := c.h.cfg.Decider.Decide(c.ctx, gateway.Proposal{
		Event: ev, Guard: c.guard(proof), Begin: c.begin, Deadline: c.begin.Add(c.src.budget()),
		Carries: func(v event.Verdict) error { return c.src.Dialect.Carries(ev, v) },
	})
	if err != nil {
		c.refusedEvents(1)
		return dialect.Response{}, unkept(err)
	}
	res := c.src.Dialect.Answer(ev, v)
	c.src.metrics.answered.WithLabelValues(string(v.Action)).Inc()
	c.answered()
	return res, nil
}

// keep gives after-events to the journal, and only then answers that they were
// taken.
func (c *call) keep(proof dialect.Proof) (dialect.Response, *refusal) {
	if len(c.evs) > 0 {
		kept, err := c.append(gateway.Arrival{Events: c.evs, Guard: c.guard(proof)})
		if err != nil {
			c.refusedEvents(len(c.evs))
			c.logUnkept(err)
			return dialect.Response{}, unkept(err)
		}
		c.kept(len(c.evs), kept)
	}
	return c.src.Dialect.Ack(&c.req, c.evs), nil
}

// append does not stop when the caller leaves: a server that hangs up early and
// never sends again would lose its event. How long it may take is the journal's
// own bound.
func (c *call) append(a gateway.Arrival) (gateway.Kept, error) {
	return c.h.cfg.Journal.Append(context.WithoutCancel(c.ctx), a)
}

// guard recognises the signature when it is used again. The path counts with the
// body: in some dialects it is the command, and no signature covers it. So does
// what was read from headers, which stands in the one event's own body then.
func (c *call) guard(proof dialect.Proof) gateway.Guard {
	if proof.Once == "" {
		return gateway.Guard{}
	}
	sum := sha256.Sum256(c.req.Body)
	parts := []string{c.req.Path, string(sum[:])}
	if len(c.evs) == 1 && !bytes.Equal(c.evs[0].Raw.Body, c.req.Body) {
		sum = sha256.Sum256(c.evs[0].Raw.Body)
		parts = append(parts, string(sum[:]))
	}
	return gateway.Guard{Key: event.Hash(c.src.Name, proof.Once), Sum: event.Hash(parts...)}
}

// logUnkept tells the operator what the caller is not told.
func (c *call) logUnkept(err error) {
	if errors.Is(err, gateway.ErrReplayed) || errors.Is(err, gateway.ErrTooLarge) {
		return // the refusal says all
	}
	if log := c.src.log.at(c.now); log != nil {
		log.Warn("journal did not take events", "source", c.src.Name, "events", len(c.evs),
			"took", c.h.cfg.Now().Sub(c.now), "err", err)
	}
}
