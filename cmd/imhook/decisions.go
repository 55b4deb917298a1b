package main

import (
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"github.com/imhook/imhook/internal/trail"
)

func (p *program) decisions() *cobra.Command {
	var f logFlags
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
			if len(args) == 1 {
				return tellPath(p, cmd, "/api/v1/decisions/"+url.PathEscape(args[0]), f.json, inWords(func(s *story) string { return s.text(time.Now()) }))
			}
			c, err := p.client()
			if err != nil {
				return err
			}
			l := f.listing(c, cmd.ErrOrStderr())
			l.path, l.key, l.none = "/api/v1/decisions", "decisions", "no such decisions are kept"
			l.show = showEach(cmd.OutOrStdout(), f.json, "a decision", func(d *trail.Entry) string { return decisionLine(d, time.Now()) })
			return l.run(cmd.Context(), f.narrow.query())
		},
	}
	f.add(c, "decision", []narrowingFlag{
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
	})
	return c
}
