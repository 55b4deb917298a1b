package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/imhook/imhook/client/admin"
)

func (p *program) cluster() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "cluster",
		Short: "Show which gateways share the journal, and who delivers what",
		Args:  exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return tellPath(p, cmd, "/api/v1/cluster", asJSON, clusterTable)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print the gateway's JSON")
	return c
}

func clusterTable(w io.Writer, v *admin.Cluster) error {
	names := map[string]string{}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "GATEWAY\tVERSION\tDOES\tPARTS")
	for _, m := range v.Members {
		name := fmt.Sprintf("%s/%d", m.Host, m.PID)
		names[m.ID] = name
		does := "delivers"
		if m.Writes {
			does = "writes, delivers"
		}
		if m.Leaving {
			does = "leaves"
		}
		if m.ID == v.Self {
			name += " (asked)"
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%d\n", name, m.Version, does, m.Parts)
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w)
	fmt.Fprintln(tw, "ENDPOINT\tPART\tGATEWAY")
	for _, p := range v.Parts {
		owner := names[p.Owner]
		switch {
		case owner == "":
			owner = "nobody at the moment"
		case p.Moving:
			owner += " (moving)"
		}
		fmt.Fprintf(tw, "%s\t%d of %d\t%s\n", p.Endpoint, p.Part, p.Of, owner)
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	for _, m := range v.Members {
		if len(m.Differs) > 0 {
			fmt.Fprintf(w, "%s has another configuration than the gateway that writes: %s\n", names[m.ID], strings.Join(m.Differs, "; "))
		}
		if m.Note != "" {
			fmt.Fprintf(w, "%s: %s\n", names[m.ID], m.Note)
		}
	}
	return nil
}
