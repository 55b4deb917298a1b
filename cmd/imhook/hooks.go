package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"github.com/imhook/imhook/client/admin"
)

// dash stands for nothing.
func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func (p *program) hooks() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "hooks",
		Short: "Show who is asked before, and how they are doing",
		Args:  exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := p.client()
			if err != nil {
				return err
			}
			return showHooks(cmd.Context(), cmd.OutOrStdout(), c, asJSON)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print the gateway's JSON")
	return c
}

func showHooks(ctx context.Context, w io.Writer, c *client, asJSON bool) error {
	var raw jsontext.Value
	if err := c.get(ctx, "/api/v1/hooks", nil, &raw); err != nil {
		return err
	}
	if asJSON {
		fmt.Fprintln(w, string(raw))
		return nil
	}
	var answer admin.HookList
	if err := json.Unmarshal(raw, &answer); err != nil {
		return fmt.Errorf("reading the gateway's answer: %w", err)
	}
	if len(answer.Hooks) == 0 {
		fmt.Fprintln(w, "There are no hooks: every before-callback is allowed.")
		return nil
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "HOOK\tSTATE\tIS\tTIMEOUT\tASKING\tTROUBLE")
	for _, h := range answer.Hooks {
		is := h.Dialect
		if h.Builtin != "" {
			is = fmt.Sprintf("%s of %d", h.Builtin, h.Words)
		}
		fmt.Fprintf(tw, "%s/%s\t%s\t%s\t%s\t%d\t%s\n", h.App, h.Name, h.State, is, h.Timeout, h.Asking, dash(h.Trouble))
	}
	return tw.Flush()
}
