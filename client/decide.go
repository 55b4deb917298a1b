package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// Decide asks whether what ev proposes may happen and returns the gateway's
// verdict, inside ctx and Config.DecideTimeout. It asks once: a sender waits.
//
// On any error the verdict is the one that Config.OnDecideError names, so that a
// caller who has no policy of his own can use it as it is. Errors: [ErrInvalid],
// [ErrClosed], [ErrMisconfigured], also for an answer that is no verdict, and
// [ErrUnavailable], together with [context.DeadlineExceeded] when the time was up.
//
// An ID, Time and Phase that are missing are made up for the question; ev is not
// changed and can be told afterwards.
func (c *Client) Decide(ctx context.Context, ev *event.Event) (event.Verdict, error) {
	v, err := c.decide(ctx, ev)
	if err != nil {
		return event.Verdict{Action: c.cfg.OnDecideError}, err
	}
	return v, nil
}

func (c *Client) decide(ctx context.Context, ev *event.Event) (event.Verdict, error) {
	item, err := c.write(ev, event.Before)
	if err != nil {
		return event.Verdict{}, invalid(0, 1, ev, err)
	}
	if !c.enter() {
		return event.Verdict{}, ErrClosed
	}
	defer c.calls.Done()
	ctx, cancel := c.within(ctx)
	defer cancel()
	ctx, cancel = context.WithTimeout(ctx, c.cfg.DecideTimeout)
	defer cancel()

	res, err := c.post(ctx, dialect.Request{ContentType: eventType, Body: item})
	if err != nil {
		if cause := ctx.Err(); cause != nil { // the transport has words of its own for it
			err = errors.Join(err, cause)
		}
		return event.Verdict{}, err
	}
	if reason, ok := c.refused(res); ok {
		return event.Verdict{}, invalid(0, 1, ev, errors.New("the gateway refused it: "+reason))
	}
	if res.Status < 200 || res.Status > 299 {
		return event.Verdict{}, c.failed(res)
	}
	v, err := c.dialect.Verdict(ev, res, dialect.Target{})
	// To the dialect an empty answer is a hook's consent. A gateway always says
	// what it decided.
	if len(bytes.TrimSpace(res.Body)) == 0 {
		err = dialect.ErrBadReply
	}
	if err != nil {
		return event.Verdict{}, &failure{kind: ErrMisconfigured, cause: fmt.Errorf("%w: %s", err, remedy(res.Status))}
	}
	return v, nil
}
