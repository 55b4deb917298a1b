package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/imhook/imhook/client/admin"
)

const (
	// readyTimeout is how long one question may take.
	readyTimeout = 2 * time.Second
	// readyAgain is how long to wait before the next one.
	readyAgain = 100 * time.Millisecond
)

func (p *program) ready() *cobra.Command {
	var wait time.Duration
	c := &cobra.Command{
		Use:   "ready",
		Short: "Ask whether the gateway takes callbacks",
		Long: "Ask /readyz of a gateway, and exit with 1 and what it says unless callbacks can be\n" +
			"kept: for health checks of containers, and for scripts that wait until it is up.\n" +
			"No token is needed; with one it also says why not.",
		Example: "  imhook ready\n  imhook ready --wait 30s",
		Args:    exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if wait < 0 {
				return fmt.Errorf("--wait is %v; write how long to go on asking", wait)
			}
			c, err := p.client()
			if err != nil {
				return err
			}
			c.http.Timeout = readyTimeout
			if err := c.readyWithin(cmd.Context(), wait); err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), "ready")
			return err
		},
	}
	c.Flags().DurationVar(&wait, "wait", 0, "go on asking for so long until it is")
	return c
}

// readyWithin asks until the gateway is ready, or for as long as wait.
func (c *client) readyWithin(ctx context.Context, wait time.Duration) error {
	late := time.Now().Add(wait)
	for {
		err := unready(c.Ready(ctx))
		if err == nil || time.Now().After(late) {
			return err
		}
		select {
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		case <-time.After(readyAgain):
		}
	}
}

// unready says why not, where the gateway does.
func unready(err error) error {
	no, ok := errors.AsType[*admin.Error](err)
	if !ok || no.Status != http.StatusServiceUnavailable {
		return explain(err)
	}
	return fmt.Errorf("the gateway takes no callbacks: %s", bytes.TrimSpace(no.Body))
}
