package main

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/imhook/imhook/client/admin"
)

const conversationFlag = "one conversation alone, a `kind:id` as imhook events shows it: group:g1"

func (p *program) pause() *cobra.Command {
	var s admin.Pause
	c := &cobra.Command{
		Use:   "pause [APP/]ENDPOINT",
		Short: "Hold an endpoint, or one conversation of it: everything is kept, in order",
		Example: "  imhook pause shop/backend --until 2h --why 'the database is being moved'\n" +
			"  imhook pause shop/backend --conversation group:g1",
		Args: exactArgs("ENDPOINT"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.steer(cmd, func(c *client) (*admin.Steered, error) { return c.PauseEndpoint(cmd.Context(), args[0], s) })
		},
	}
	flags := c.Flags()
	flags.StringVar(&s.Until, "until", "", "when it goes on by itself: a `time`, or for how long: 30m, 2d")
	flags.StringVar(&s.Why, "why", "", "a `reason` for those who wonder")
	flags.StringVar(&s.Conversation, "conversation", "", conversationFlag)
	return c
}

func (p *program) resume() *cobra.Command {
	var s admin.Resume
	c := &cobra.Command{
		Use:   "resume [APP/]ENDPOINT",
		Short: "Let a paused endpoint, or one conversation of it, go on",
		Example: "  imhook resume shop/backend\n" +
			"  imhook resume shop/backend --now\n" +
			"  imhook resume shop/backend --conversation group:g1",
		Args: exactArgs("ENDPOINT"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.steer(cmd, func(c *client) (*admin.Steered, error) { return c.ResumeEndpoint(cmd.Context(), args[0], s) })
		},
	}
	flags := c.Flags()
	flags.BoolVar(&s.Now, "now", false, "also close its breaker, and try at once what waits for its next attempt or is blocked")
	flags.StringVar(&s.Conversation, "conversation", "", conversationFlag)
	return c
}

func (p *program) steer(cmd *cobra.Command, do func(*client) (*admin.Steered, error)) error {
	c, err := p.client()
	if err != nil {
		return err
	}
	answer, err := do(c)
	if err != nil {
		return explain(err)
	}
	say(cmd.OutOrStdout(), answer)
	return nil
}

func say(w io.Writer, a *admin.Steered) {
	line := "resumed " + a.Resumed
	if a.Paused != "" {
		line = "paused " + a.Paused
	}
	if a.Conversation != "" {
		line += ", conversation " + a.Conversation
	}
	if !a.Until.IsZero() {
		line += ", until " + a.Until.Format(time.RFC3339)
	}
	fmt.Fprintln(w, line)
}
