package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/imhook/imhook/client/admin"
)

func (p *program) sources() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "sources",
		Short: "Show who may call, and when their secrets were used last",
		Long: "Show who may call, and when their secrets and path tokens were used last: a secret that\n" +
			"is being replaced can go when nobody uses it any more. Not used means: since the gateway\n" +
			"started. What imhook trigger sends counts; it takes the first secret that is valid.",
		Args: exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return tellPath(p, cmd, "/api/v1/sources", asJSON, sourceTable)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print the gateway's JSON")
	return c
}

func sourceTable(w io.Writer, answer *admin.SourceList) error {
	now := time.Now()
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "NAME\tAPP\tDIALECT\tPATH\tSECRETS")
	for _, s := range answer.Sources {
		secrets := make([]string, 0, len(s.Secrets))
		for _, one := range s.Secrets {
			secrets = append(secrets, secretWords(one, now))
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\n", s.Name, s.App, s.Dialect, s.Path, firstOf(strings.Join(secrets, "; "), "-"))
	}
	return tw.Flush()
}
