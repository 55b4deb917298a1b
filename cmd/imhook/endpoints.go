package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
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
			c, err := p.client()
			if err != nil {
				return err
			}
			return showEndpoints(cmd.Context(), cmd.OutOrStdout(), c, asJSON)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print the gateway's JSON")
	return c
}

func showEndpoints(ctx context.Context, w io.Writer, c *client, asJSON bool) error {
	var raw jsontext.Value
	if err := c.get(ctx, "/api/v1/endpoints", nil, &raw); err != nil {
		return err
	}
	if asJSON {
		fmt.Fprintln(w, string(raw))
		return nil
	}
	var answer admin.EndpointList
	if err := json.Unmarshal(raw, &answer); err != nil {
		return fmt.Errorf("reading the gateway's answer: %w", err)
	}
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
