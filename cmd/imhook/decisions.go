package main

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"github.com/imhook/imhook/internal/trail"
)

// decisionsFlags are the flags of decisions.
type decisionsFlags struct {
	// narrow are the flags that the API knows by the same names.
	narrow   map[string]*string
	limit    int
	follow   bool
	interval time.Duration
	json     bool
}

func (p *program) decisions() *cobra.Command {
	f := decisionsFlags{narrow: map[string]*string{}}
	c := &cobra.Command{
		Use:   "decisions [ID]",
		Short: "Show who decided what about a message, and in how long, the newest last",
		Long: "Show who decided what about messages before they were sent, and in how long, the\n" +
			"newest last. With an ID (of an event or a message, or a link key) tell all of one:\n" +
			"what came in, what each hook said, what is different in what went out, and the\n" +
			"events that came after about the same message.",
		Example: "  imhook decisions --verdict deny --since 10m\n" +
			"  imhook decisions --hook moderation --cause timeout --follow\n" +
			"  imhook decisions msg:5b1e",
		Args: upTo(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := p.client()
			if err != nil {
				return err
			}
			if len(args) == 1 {
				return showDecision(cmd.Context(), cmd.OutOrStdout(), c, args[0], f.json)
			}
			return f.run(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr(), c)
		},
	}
	flags := c.Flags()
	for _, n := range []struct{ name, usage string }{
		{"verdict", "only with this `verdict`: allow, deny, drop, rewrite"},
		{"hook", "only where this `hook` was asked"},
		{"cause", "only with this `cause`, of any hook: hook, cache, timeout, error, bad_reply, overload, untranslatable, open, cancelled, none"},
		{"type", "only `types` that match: message.send, group.**"},
		{"app", "only of this `app`"},
		{"source", "only of this `source`"},
		{"conversation", "only of this `conversation`: group:g1, direct:alice|bob"},
		{"user", "only what this `user` did, or what concerns him"},
		{"since", "only decided since then: a `time`, or how long ago: 1h"},
		{"until", "only decided until then: a `time`, or how long ago"},
	} {
		f.narrow[n.name] = flags.String(n.name, "", n.usage)
	}
	flags.IntVar(&f.limit, "limit", 20, "how many at most; with --follow, how many to begin with")
	flags.BoolVar(&f.follow, "follow", false, "go on with new ones as they come")
	flags.DurationVar(&f.interval, "interval", 500*time.Millisecond, "how often --follow asks")
	flags.BoolVar(&f.json, "json", false, "print the gateway's JSON, one decision a line")
	c.MarkFlagsMutuallyExclusive("follow", "until")
	return c
}

func (f *decisionsFlags) run(ctx context.Context, w, notes io.Writer, c *client) error {
	query := url.Values{}
	for key, v := range f.narrow {
		if *v != "" {
			query.Set(key, *v)
		}
	}
	l := listing{
		client: c, path: "/api/v1/decisions", key: "decisions", limit: f.limit, follow: f.follow, interval: f.interval,
		none: "no such decisions are kept", quiet: f.json, notes: notes,
		show: func(v jsontext.Value) error {
			line := string(v)
			if !f.json {
				var d trail.Entry
				if err := json.Unmarshal(v, &d); err != nil {
					return fmt.Errorf("reading a decision: %w", err)
				}
				line = decisionLine(&d, time.Now())
			}
			_, err := io.WriteString(w, line+"\n")
			return err
		},
	}
	return l.run(ctx, query)
}

func showDecision(ctx context.Context, w io.Writer, c *client, id string, asJSON bool) error {
	var answer jsontext.Value
	if err := c.get(ctx, "/api/v1/decisions/"+url.PathEscape(id), nil, &answer); err != nil {
		return err
	}
	if asJSON {
		_, err := io.WriteString(w, string(answer)+"\n")
		return err
	}
	var s story
	if err := json.Unmarshal(answer, &s); err != nil {
		return fmt.Errorf("reading the decision: %w", err)
	}
	_, err := io.WriteString(w, s.text(time.Now()))
	return err
}
