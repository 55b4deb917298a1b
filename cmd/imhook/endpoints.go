package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/imhook/imhook/client/admin"
)

func (p *program) endpoints() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "endpoints",
		Short: "Show how the endpoints are doing",
		Args:  exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return tellPath(p, cmd, "/api/v1/endpoints", asJSON, endpointTable)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print the gateway's JSON")
	return c
}

func endpointTable(w io.Writer, answer *admin.EndpointList) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "ENDPOINT\tSTATE\tBACKLOG\tOLDEST\tRATE\tRETRYING\tDELIVERED\tPARKED\tLAST ERROR")
	for _, e := range answer.Endpoints {
		backlog := fmt.Sprint(e.Backlog + max(0, e.Behind))
		if e.More && e.Behind <= 0 {
			backlog += "+"
		}
		oldest := "-"
		if e.OldestAge > 0 {
			oldest = time.Duration(e.OldestAge * float64(time.Second)).Round(time.Second).String()
		}
		why := e.LastError
		if e.Paused != "" {
			why = e.Paused
		}
		fmt.Fprintf(tw, "%s/%s\t%s\t%s\t%s\t%g/s\t%d\t%d\t%d\t%s\n", e.App, e.Name, endpointState(&e, time.Now()), backlog, oldest, e.PerSecond, e.Waiting, e.Delivered, e.Parked, why)
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	for _, e := range answer.Endpoints {
		tellConversations(w, &e)
		for _, hint := range expiries(e.Secrets, time.Now()) {
			fmt.Fprintf(w, "%s/%s: %s\n", e.App, e.Name, hint)
		}
	}
	return nil
}
