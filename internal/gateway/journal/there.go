package journal

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// There reports whether anything was ever kept there, and makes nothing when not.
func (c *Chronicle) There(ctx context.Context) (bool, error) {
	e, err := c.j.use()
	if err != nil {
		return false, err
	}
	t := &e.chronicles[c.at]
	t.mu.Lock()
	open := t.stream != nil
	t.mu.Unlock()
	if open {
		return true, nil
	}
	_, err = e.js.Stream(ctx, c.stream)
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, jetstream.ErrStreamNotFound):
		return false, nil
	}
	return false, fmt.Errorf("looking for %s: %w", c.what, restarting(err))
}
