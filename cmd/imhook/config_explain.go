package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/internal/config"
)

func (p *program) configExplain() *cobra.Command {
	var listen, dataDir string
	var asJSON bool
	c := &cobra.Command{
		Use:   "explain [FILE [PATH]]",
		Short: "Show every value that a gateway would run with, and where each comes from",
		Long: "Show every value that a gateway would run with, and where each comes from: the file and\n" +
			"its line, an environment variable, a file, a flag, or nobody (default). Secrets are not\n" +
			"shown. PATH narrows to what is below it. Without FILE it is " + defaultConfig + ", and where there\n" +
			"is none, the sandbox.",
		Example: "  imhook config explain imhook.yaml apps.shop.endpoints.backend\n" +
			"  imhook config explain imhook.yaml journal --json",
		Args: upTo(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			file, path := "", ""
			if len(args) > 0 {
				file = args[0]
			} else if _, err := os.Stat(defaultConfig); !errors.Is(err, os.ErrNotExist) {
				file = defaultConfig
			}
			if len(args) > 1 {
				path = args[1]
			}
			c, err := p.effective(file, listen, dataDir, cmd.Flags().Changed("token"))
			if err != nil {
				return err
			}
			settings, err := c.Explain(path)
			if err != nil {
				return err
			}
			if asJSON {
				return writeLine(cmd.OutOrStdout(), map[string]any{"settings": settings})
			}
			return showSettings(cmd.OutOrStdout(), settings)
		},
	}
	c.Flags().StringVar(&listen, "listen", "", "as for serve: `host:port`")
	c.Flags().StringVar(&dataDir, "data", "", "as for serve: data `directory`")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// effective is what serve would run with; an empty file means the sandbox, whose
// token is a flag's or the environment's.
func (p *program) effective(file, listen, dataDir string, tokenGiven bool) (*config.Config, error) {
	if file != "" {
		return p.load(file, listen, dataDir)
	}
	c := config.Sandbox(p.registry, dataDir, listen)
	if p.token != "" {
		from := config.Origin{Kind: config.OriginEnv, Name: "IMHOOK_TOKEN"}
		if tokenGiven {
			from = config.Origin{Kind: config.OriginFlag, Name: "--token"}
		}
		c.SetToken(dialect.Secret(p.token), from)
	}
	return c, nil
}

func showSettings(w io.Writer, settings []config.Setting) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, s := range settings {
		fmt.Fprintf(tw, "%s = %s\t%s\n", s.Path, s.Value, s.Origin)
	}
	return tw.Flush()
}
