package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"github.com/imhook/imhook/client/admin"
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/attempts"
	"github.com/imhook/imhook/internal/trail"
)

// tailFlags are the flags of tail.
type tailFlags struct {
	app, kind, conversation, user, endpoint, outcome, phase, since string
	deaf                                                           time.Duration
	json                                                           bool
}

func (p *program) tail() *cobra.Command {
	var f tailFlags
	c := &cobra.Command{
		Use:   "tail",
		Short: "Show what comes in and what comes of it, as it comes",
		Long: "Show events as they come in, the decisions about what is asked before, and every attempt\n" +
			"to deliver, until it is interrupted. When the gateway goes away it asks again and goes on\n" +
			"where it was; when that fails for long it ends with an error.",
		Example: "  imhook tail --conversation group:g1\n" +
			"  imhook tail --endpoint shop/backend --outcome retry\n" +
			"  imhook tail --phase before --since 10m --json",
		Args: exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := p.client()
			if err != nil {
				return err
			}
			return f.run(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr(), c)
		},
	}
	flags := c.Flags()
	flags.StringVar(&f.app, "app", "", "only of this `app`")
	flags.StringVar(&f.kind, "type", "", "only `types` that match: message.send, group.**")
	flags.StringVar(&f.conversation, "conversation", "", "only of this `conversation`: group:g1, direct:alice|bob")
	flags.StringVar(&f.user, "user", "", "only what this `user` did, wrote, or is concerned by")
	flags.StringVar(&f.endpoint, "endpoint", "", "only events that this `endpoint` gets, and attempts for it")
	flags.StringVar(&f.outcome, "outcome", "", "only attempts with this `outcome` (delivered, retry, refused, misconfigured) or decisions with this verdict (allow, deny, drop, rewrite)")
	flags.StringVar(&f.phase, "phase", "", "only decisions (before), or only events and attempts (after)")
	flags.StringVar(&f.since, "since", "", "begin with what was kept then: a `time`, or how long ago: 10m")
	flags.DurationVar(&f.deaf, "deaf", time.Minute, "how long a gateway that went away is asked for")
	flags.BoolVar(&f.json, "json", false, "print one line of JSON for each: {\"event\":…}, {\"attempt\":…} or {\"decision\":…}")
	return c
}

func (f *tailFlags) run(ctx context.Context, w, notes io.Writer, c *client) error {
	q := admin.TailQuery{
		App: f.app, Type: f.kind, Lane: f.conversation, User: f.user, Endpoint: f.endpoint,
		Outcome: f.outcome, Phase: f.phase, Since: f.since,
	}
	follow := resumer{
		deaf: f.deaf, note: noteTo(notes),
		once: func(ctx context.Context, after string, heard func(), take func(admin.StreamEvent) error) error {
			return c.TailFrom(ctx, q, after, heard, take)
		},
	}
	follow.take = func(e admin.StreamEvent) error { return f.show(w, follow.note, e) }
	return follow.run(ctx)
}

// show prints one event of the stream.
func (f *tailFlags) show(w io.Writer, note func(string, ...any), e admin.StreamEvent) error {
	switch e.Name {
	case "event", "attempt", "decision":
	case "missed", "end":
		var n struct {
			Why string `json:"why"`
		}
		if err := json.Unmarshal(e.Data, &n); err != nil {
			return fmt.Errorf("reading the gateway's stream: %w", err)
		}
		note("%s", oneLine(n.Why, 2*textWidth))
		return nil
	default:
		return nil // what later gateways say
	}
	if f.json {
		return writeLine(w, map[string]jsontext.Value{e.Name: e.Data})
	}
	line, err := tailLine(e, time.Now())
	if err != nil {
		return fmt.Errorf("reading the gateway's stream: %w", err)
	}
	_, err = io.WriteString(w, line+"\n")
	return err
}

// tailLine is what came on one line, with a sign that says what it is: in, asked or
// out.
func tailLine(e admin.StreamEvent, now time.Time) (string, error) {
	switch e.Name {
	case "event":
		var ev event.Event
		err := json.Unmarshal(e.Data, &ev)
		return "→  " + eventLine(&ev, now), err
	case "decision":
		var d trail.Entry
		err := json.Unmarshal(e.Data, &d)
		if err != nil || d.Event == nil {
			return "", fmt.Errorf("a decision without its event: %w", err)
		}
		return "?  " + decisionLine(&d, now), nil
	}
	var a attempts.Entry
	err := json.Unmarshal(e.Data, &a)
	return "←  " + attemptLine(&a, now), err
}
