package main

import (
	"fmt"
	"io"
	"text/tabwriter"

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
			return tellPath(p, cmd, "/api/v1/hooks", asJSON, hookTable)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print the gateway's JSON")
	return c
}

func hookTable(w io.Writer, answer *admin.HookList) error {
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
