package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

const (
	// readyTimeout is how long one question may take.
	readyTimeout = 2 * time.Second
	// readyAgain is how long to wait before the next one.
	readyAgain = 100 * time.Millisecond
	// maxReady bounds what is read of an answer, in bytes.
	maxReady = 64 << 10
)

func (p *program) ready() *cobra.Command {
	var wait time.Duration
	c := &cobra.Command{
		Use:   "ready",
		Short: "Ask whether the gateway takes callbacks",
		Long: "Ask /readyz of a gateway, print what it says, and exit with 1 unless callbacks can be\n" +
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
			said, err := c.readyWithin(cmd.Context(), wait)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), said)
			return err
		},
	}
	c.Flags().DurationVar(&wait, "wait", 0, "go on asking for so long until it is")
	return c
}

// readyWithin asks until the gateway is ready, or for as long as wait, and returns
// what it said last.
func (c *client) readyWithin(ctx context.Context, wait time.Duration) (string, error) {
	late := time.Now().Add(wait)
	for {
		said, err := c.isReady(ctx)
		if err == nil || time.Now().After(late) {
			return said, err
		}
		select {
		case <-ctx.Done():
			return "", errors.Join(err, ctx.Err())
		case <-time.After(readyAgain):
		}
	}
}

// isReady asks once.
func (c *client) isReady(ctx context.Context) (string, error) {
	res, err := c.send(ctx, c.http, http.MethodGet, "/readyz", nil)
	if err != nil {
		return "", err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxReady))
	if err != nil {
		return "", fmt.Errorf("reading the gateway's answer: %w", err)
	}
	said := strings.TrimSpace(string(body))
	if res.StatusCode != http.StatusOK {
		return "", fmt.Errorf("the gateway at %s takes no callbacks (%s): %s", c.base, res.Status, said)
	}
	return said, nil
}
