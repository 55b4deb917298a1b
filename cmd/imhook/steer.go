package main

import (
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// steering is what a pause or a resume says to the gateway.
type steering struct {
	Conversation string `json:"conversation,omitzero"`
	Why          string `json:"why,omitzero"`
	Until        string `json:"until,omitzero"`
	Now          bool   `json:"now,omitzero"`
}

// steered is what the gateway answers.
type steered struct {
	Paused       string    `json:"paused"`
	Resumed      string    `json:"resumed"`
	Conversation string    `json:"conversation"`
	Until        time.Time `json:"until"`
}

const conversationFlag = "one conversation alone, a `kind:id` as imhook events shows it: group:g1"

func (p *program) pause() *cobra.Command {
	var s steering
	c := &cobra.Command{
		Use:   "pause [APP/]ENDPOINT",
		Short: "Hold an endpoint, or one conversation of it: everything is kept, in order",
		Example: "  imhook pause shop/backend --until 2h --why 'the database is being moved'\n" +
			"  imhook pause shop/backend --conversation group:g1",
		Args: exactArgs("ENDPOINT"),
		RunE: func(cmd *cobra.Command, args []string) error { return p.steer(cmd, args[0], "pause", s) },
	}
	flags := c.Flags()
	flags.StringVar(&s.Until, "until", "", "when it goes on by itself: a `time`, or for how long: 30m, 2d")
	flags.StringVar(&s.Why, "why", "", "a `reason` for those who wonder")
	flags.StringVar(&s.Conversation, "conversation", "", conversationFlag)
	return c
}

func (p *program) resume() *cobra.Command {
	var s steering
	c := &cobra.Command{
		Use:   "resume [APP/]ENDPOINT",
		Short: "Let a paused endpoint, or one conversation of it, go on",
		Example: "  imhook resume shop/backend\n" +
			"  imhook resume shop/backend --now\n" +
			"  imhook resume shop/backend --conversation group:g1",
		Args: exactArgs("ENDPOINT"),
		RunE: func(cmd *cobra.Command, args []string) error { return p.steer(cmd, args[0], "resume", s) },
	}
	flags := c.Flags()
	flags.BoolVar(&s.Now, "now", false, "also close its breaker, and try at once what waits for its next attempt or is blocked")
	flags.StringVar(&s.Conversation, "conversation", "", conversationFlag)
	return c
}

func (p *program) steer(cmd *cobra.Command, name, what string, s steering) error {
	c, err := p.client()
	if err != nil {
		return err
	}
	id := url.PathEscape(name)
	if app, name, ok := strings.Cut(name, "/"); ok {
		id = url.PathEscape(app) + "/" + url.PathEscape(name)
	}
	var answer steered
	if err := c.post(cmd.Context(), "/api/v1/endpoints/"+id+"/"+what, s, &answer); err != nil {
		return err
	}
	say(cmd.OutOrStdout(), answer)
	return nil
}

func say(w io.Writer, a steered) {
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
