package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/imhook/imhook/internal/attempts"
	"github.com/imhook/imhook/internal/gateway"
)

func (p *program) attempts() *cobra.Command {
	var f logFlags
	var whole bool
	c := &cobra.Command{
		Use:   "attempts",
		Short: "Show what was tried at endpoints and what came of it, the newest last",
		Long: "Show what was tried at endpoints and what came of it, the newest last. Failures are\n" +
			"kept whole, of what arrived one in a hundred (journal.attempts.sample).",
		Example: "  imhook attempts --endpoint shop/backend --reason timeout --since 10m\n" +
			"  imhook attempts --outcome refused --limit 1 --whole\n" +
			"  imhook attempts --follow",
		Args: exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := p.client()
			if err != nil {
				return err
			}
			l := f.listing(c, cmd.ErrOrStderr())
			l.path, l.key, l.none = "/api/v1/attempts", "attempts", "no such attempts are kept"
			l.show = showEach(cmd.OutOrStdout(), f.json, "an attempt", func(e *attempts.Entry) string {
				text := attemptLine(e, time.Now())
				if whole {
					text += exchangeText(e.Exchange)
				}
				return text
			})
			return l.run(cmd.Context(), f.narrow.query())
		},
	}
	f.add(c, "attempt", []narrowingFlag{
		{"endpoint", "only at this `endpoint`: APP/NAME"},
		{"event", "only of the event with this `id`"},
		{"conversation", "only of this `conversation`: group:g1, direct:alice|bob"},
		{"type", "only `types` that match: message.send, group.**"},
		{"reason", "only with this `reason`: dns, connect, tls, timeout, 4xx, 5xx, …"},
		{"outcome", "only with this `outcome`: delivered, retry, refused, misconfigured"},
		{"since", "only ended since then: a `time`, or how long ago: 1h"},
		{"until", "only ended until then: a `time`, or how long ago"},
	})
	c.Flags().BoolVar(&whole, "whole", false, "with the request and its answer")
	return c
}

// attemptLine is an attempt on one line: when, where, which one, what came of it and
// how long it took, and the event.
func attemptLine(e *attempts.Entry, now time.Time) string {
	words := []string{clock(e.At, now), e.Endpoint, fmt.Sprintf("#%d", e.Attempt), string(e.Outcome), string(e.Reason), took(e.Took)}
	if e.Repeat != "" {
		words = append(words, string(e.Repeat))
	}
	if e.Together > 1 {
		words = append(words, fmt.Sprintf("together with %d", e.Together-1))
	}
	words = append(words, string(e.Type), string(e.Lane))
	for i, w := range words {
		words[i] = firstOf(oneLine(w, 80), "-")
	}
	line := strings.Join(words, "  ")
	if e.Detail != "" {
		line += "  " + oneLine(e.Detail, 2*textWidth)
	}
	return line + "  " + oneLine(e.Event, idWidth)
}

// exchangeText is what was said, nothing when that is not kept.
func exchangeText(x *gateway.Exchange) string {
	if x == nil {
		return ""
	}
	var b strings.Builder
	b.WriteString("\nsent to " + oneLine(x.URL, 2*idWidth) + "\n" + readable("", x.Request) + "\n")
	if x.Status > 0 {
		fmt.Fprintf(&b, "\nanswered %d\n%s\n", x.Status, strings.Trim(printable(x.Head)+"\n\n"+readable("", x.Response), "\n"))
	}
	if x.Error != "" {
		b.WriteString("\nfailed: " + oneLine(x.Error, 2*idWidth) + "\n")
	}
	return b.String()
}
