package main

import (
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/imhook/imhook/client/admin"
)

func (p *program) audit() *cobra.Command {
	var f logFlags
	var whole bool
	c := &cobra.Command{
		Use:   "audit",
		Short: "Show who did what through the API, the newest last",
		Long: "Show who did what through the API and the console, the newest last: changes of the\n" +
			"configuration, tokens, logins, and what was done to endpoints and dead letters.",
		Example: "  imhook audit --since 24h\n" +
			"  imhook audit --target shop/backend --whole",
		Args: exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := p.client()
			if err != nil {
				return err
			}
			l := f.listing(c, cmd.ErrOrStderr())
			l.path, l.key, l.none = "/api/v1/audit", "entries", "nobody did such a thing"
			l.show = showEach(cmd.OutOrStdout(), f.json, "an entry", func(e *admin.AuditEntry) string {
				text := auditLine(e, time.Now())
				if whole {
					text += changeText(e)
				}
				return text
			})
			return l.run(cmd.Context(), f.narrow.query())
		},
	}
	f.add(c, "entry", []narrowingFlag{
		{"who", "only what was done with the token of this `name`"},
		{"what", "only this `operation`: pauseEndpoint, putEndpoint, createToken, login, …"},
		{"target", "only what concerns this `name`, or a part of it"},
		{"since", "only done since then: a `time`, or how long ago: 1h"},
		{"until", "only done until then: a `time`, or how long ago"},
	})
	c.Flags().BoolVar(&whole, "whole", false, "with the YAML before and after")
	return c
}

// auditLine is an entry on one line: when, who, from where, what, to what.
func auditLine(e *admin.AuditEntry, now time.Time) string {
	words := []string{clock(e.At, now), whoText(e), e.From, e.What, e.Target}
	for i, w := range words {
		words[i] = firstOf(oneLine(strings.TrimSpace(w), 80), "-")
	}
	line := strings.Join(words, "  ")
	if e.Detail != "" {
		line += "  " + oneLine(e.Detail, idWidth)
	}
	if e.Refused != "" {
		line += "  refused: " + oneLine(e.Refused, idWidth)
	}
	return line
}

// whoText is who did it, with the role.
func whoText(e *admin.AuditEntry) string {
	if e.Role == "" {
		return e.Who
	}
	return e.Who + " (" + e.Role + ")"
}

// changeText is what was changed, one line a line.
func changeText(e *admin.AuditEntry) string {
	var b strings.Builder
	before, after := strings.Split(strings.TrimSuffix(e.Before, "\n"), "\n"), strings.Split(strings.TrimSuffix(e.After, "\n"), "\n")
	for _, line := range difference(before, after) {
		b.WriteString("\n    " + printable(line))
	}
	return b.String()
}

// difference is a with marks for what is not in b, and what b has instead.
func difference(a, b []string) (all []string) {
	// The longest common part, from the end: definitions are short.
	length := make([][]int, len(a)+1)
	for i := range length {
		length[i] = make([]int, len(b)+1)
	}
	for i, x := range slices.Backward(a) {
		for j, y := range slices.Backward(b) {
			if x == y {
				length[i][j] = length[i+1][j+1] + 1
			} else {
				length[i][j] = max(length[i+1][j], length[i][j+1])
			}
		}
	}
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			if a[i] != "" {
				all = append(all, "  "+a[i])
			}
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && length[i+1][j] >= length[i][j+1]:
			if a[i] != "" {
				all = append(all, "- "+a[i])
			}
			i++
		default:
			if b[j] != "" {
				all = append(all, "+ "+b[j])
			}
			j++
		}
	}
	return all
}
