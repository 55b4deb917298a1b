package client

import (
	"errors"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// send empties the spool, oldest first, until the client is closed.
func (c *Client) send() {
	defer close(c.sender)
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.MaxInterval = c.cfg.RetryFrom, c.cfg.RetryTo
	pause.Multiplier, pause.RandomizationFactor = 2, 0.5
	pause.Reset()
	// After a failure the oldest event goes alone: a gateway that recovers is not
	// met by everything at once. Each success doubles.
	window := c.cfg.BatchEvents
	for {
		if d := time.Until(time.Unix(0, c.hold.Load())); d > 0 && !c.rest(d) {
			return
		}
		n, err := c.sendSome(window)
		switch {
		case err != nil:
			c.heed(err)
			if c.isClosing() || !c.rest(min(pause.NextBackOff(), c.cfg.RetryTo)) {
				return
			}
			window = 1
		case n == 0:
			if !c.await() {
				return
			}
		default:
			pause.Reset()
			window = min(2*window, c.cfg.BatchEvents)
		}
	}
}

// sendSome sends at most most events and returns how many there were.
func (c *Client) sendSome(most int) (int, error) {
	items, damaged, err := c.spool.Peek(most, c.cfg.BatchBytes)
	if damaged > 0 {
		c.cfg.Log.Error("a part of the spool cannot be read: its events are lost", "dir", c.cfg.Spool.Dir, "bytes", damaged)
	}
	if err != nil {
		c.health.bad(err)
		return 0, err
	}
	if len(items) == 0 {
		return 0, nil
	}
	s := c.settle(c.ctx, items)
	if err := c.setAside(items, s.refused); err != nil {
		c.health.bad(err)
		return 0, err
	}
	if err := c.spool.Drop(s.done); err != nil {
		c.health.bad(err)
		return 0, err
	}
	c.count(s)
	switch {
	case s.err == nil:
		waiting, _ := c.spool.Len()
		c.health.better(waiting)
	case c.ctx.Err() == nil:
		c.health.bad(s.err)
	}
	return len(items), s.err
}

// setAside puts what was refused into its file before it leaves the spool.
func (c *Client) setAside(items [][]byte, refused []refusedItem) error {
	for _, r := range c.refusals(items, refused) {
		if err := c.aside.write(r); err != nil {
			return err
		}
		if c.cfg.Refused != nil {
			c.cfg.Refused(r)
		}
	}
	return nil
}

// heed remembers how long a gateway that answered wants to be left alone.
func (c *Client) heed(err error) {
	if f, ok := errors.AsType[*failure](err); ok && f.after > 0 {
		c.hold.Store(time.Now().Add(f.after).UnixNano())
	}
}

// rest waits; false when the client ends first.
func (c *Client) rest(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-c.closing:
		return true // once more, and then it ends
	case <-c.ctx.Done():
		return false
	}
}

// await waits for something to send; false when the client closes.
func (c *Client) await() bool {
	select {
	case <-c.spool.Ready():
		return true
	case <-c.closing:
		n, _ := c.spool.Len()
		return n > 0
	}
}

func (c *Client) isClosing() bool {
	select {
	case <-c.closing:
		return true
	default:
		return c.ctx.Err() != nil
	}
}
