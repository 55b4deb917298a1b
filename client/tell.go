package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/imhook/imhook/event"
)

// Tell reports what happened. When it returns nil, all events are kept, by the
// gateway or in the spool; see the package for what that means. Events of one
// conversation keep the order of their calls, and inside a call theirs.
//
// A missing ID or Time is put into the event itself, so that an event that is told
// again after an error is known for the same one. ctx bounds the request
// to the gateway; when it ends in the middle, the events still go into the spool
// where there is one.
//
// Errors: [ErrInvalid] when an event cannot be sent as it is, [ErrSpoolFull] and
// [ErrClosed]: nothing of the call was kept here, though a request that got no
// answer may have arrived. A [*RefusedError] lists the events that the gateway
// refused for good; the others were kept. Without a spool also [ErrUnavailable]
// and [ErrMisconfigured], of a call of several events then some may have been kept.
func (c *Client) Tell(ctx context.Context, events ...*event.Event) error {
	if len(events) == 0 {
		return nil
	}
	items := make([][]byte, len(events))
	for i, ev := range events {
		if ev != nil {
			name(ev)
		}
		item, err := c.write(ev, event.After)
		if err != nil {
			return invalid(i, len(events), ev, err)
		}
		items[i] = item
	}
	if !c.enter() {
		return ErrClosed
	}
	defer c.calls.Done()
	if err := ctx.Err(); err != nil {
		return err
	}
	if c.waits() {
		return c.keep(items, nil)
	}

	within, cancel := c.within(ctx)
	defer cancel()
	s := c.settle(within, items)
	c.count(s)
	var refused error
	if len(s.refused) > 0 {
		refused = &RefusedError{Refused: c.refusals(items, s.refused)}
	}
	if s.err == nil {
		c.health.good()
		return refused
	}
	if within.Err() == nil { // a caller's own deadline says nothing about the gateway
		c.health.bad(s.err)
		c.heed(s.err)
	}
	if c.spool == nil {
		return errors.Join(refused, s.err)
	}
	return errors.Join(refused, c.keep(items[s.done:], s.err))
}

// invalid says which event of a call cannot be sent.
func invalid(i, n int, ev *event.Event, err error) error {
	what := "event"
	if n > 1 {
		what = fmt.Sprintf("event %d of %d", i+1, n)
	}
	if ev != nil && ev.Type != "" {
		what += fmt.Sprintf(" (%s)", ev.Type)
	}
	return fmt.Errorf("%w: %s: %w", ErrInvalid, what, err)
}

// waits reports whether new events have to go behind others.
func (c *Client) waits() bool {
	if c.spool == nil {
		return false
	}
	n, _ := c.spool.Len()
	return n > 0
}

// keep puts items into the spool, where cause kept them from the gateway.
func (c *Client) keep(items [][]byte, cause error) error {
	if err := c.spool.Append(items); err != nil {
		return errors.Join(err, cause)
	}
	c.spooled.Add(uint64(len(items)))
	return nil
}

// count counts what is settled.
func (c *Client) count(s settlement) {
	c.sent.Add(uint64(s.done - len(s.refused)))
	c.refusedCount.Add(uint64(len(s.refused)))
}

// refusals says in full what was refused, and logs it.
func (c *Client) refusals(items [][]byte, refused []refusedItem) []Refusal {
	all := make([]Refusal, len(refused))
	for i, r := range refused {
		all[i] = Refusal{Status: r.status, Reason: r.reason, At: time.Now(), JSON: items[r.index]}
		if ev, err := c.read(items[r.index]); err == nil {
			all[i].ID, all[i].Event = ev.ID, ev
		}
		c.cfg.Log.Warn("the gateway refused an event for good", "id", all[i].ID, "status", r.status, "reason", r.reason)
	}
	return all
}
