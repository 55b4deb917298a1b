package main

import (
	"fmt"
	"io"
	"net/http"
	"os"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"github.com/imhook/imhook/client/admin"
)

func (p *program) configDiff() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "diff [FILE]",
		Short: "Say what a configuration file would change in the running gateway",
		Long: "Say what a configuration file would change in the running gateway, and how many events\n" +
			"each change concerns. Nothing is changed. The gateway reads the file's content: secrets\n" +
			"that it names are looked up there.",
		Args: upTo(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			file := defaultConfig
			if len(args) > 0 {
				file = args[0]
			}
			data, err := os.ReadFile(file)
			if err != nil {
				return fmt.Errorf("reading the configuration: %w", err)
			}
			c, err := p.client()
			if err != nil {
				return err
			}
			var raw jsontext.Value
			if err := c.Send(cmd.Context(), http.MethodPost, "/api/v1/config/diff", nil, "application/yaml", data, &raw); err != nil {
				return explain(err)
			}
			return tellAnswer(cmd.OutOrStdout(), raw, asJSON, showDiff)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print the gateway's JSON")
	return c
}

func showDiff(w io.Writer, d *admin.Comparison) error {
	if len(d.Changes) == 0 {
		fmt.Fprintln(w, "nothing changes")
		return nil
	}
	restart := false
	for _, c := range d.Changes {
		restart = restart || c.Restart
		fmt.Fprintln(w, c.Text)
	}
	for _, e := range d.Effects {
		fmt.Fprintf(w, "endpoint %s %s\n", e.Endpoint, e.Text)
	}
	if restart {
		fmt.Fprintln(w, "\nA running gateway refuses all of this because of what needs a restart.")
	}
	return nil
}
