package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"github.com/imhook/imhook/client/admin"
)

func (p *program) history() *cobra.Command {
	c := &cobra.Command{
		Use:   "history",
		Short: "Show how the history is doing that search looks in, or make it anew",
		Args:  exactArgs("a command (status, rebuild)"),
		RunE: func(_ *cobra.Command, args []string) error {
			return fmt.Errorf("unknown command %q; there are status and rebuild", args[0])
		},
	}
	c.AddCommand(p.historyStatus(), p.historyRebuild())
	return c
}

func (p *program) historyStatus() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "status",
		Short: "Show how far the history is, what it holds, and what is wrong with it",
		Args:  exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return tellPath(p, cmd, "/api/v1/history", asJSON, historyText)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print the gateway's JSON")
	return c
}

func (p *program) historyRebuild() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "rebuild",
		Short: "Drop the history and make it anew from what the journal still has",
		Long: "Drop the history and make it anew from what journal, trail of decisions, log of\n" +
			"attempts and dead letters still have. Deliveries do not notice. When deliveries ended\n" +
			"is known by the history alone: of those before, it is not known any more.\n" +
			"imhook history status says how far it is.",
		Args: exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := p.client()
			if err != nil {
				return err
			}
			var answer jsontext.Value
			if err := c.post(cmd.Context(), "/api/v1/history/rebuild", struct{}{}, &answer); err != nil {
				return err
			}
			return tellAnswer(cmd.OutOrStdout(), answer, asJSON, inWords(func(*admin.HistoryStatus) string {
				return "the history is made anew; imhook history status says how far it is\n"
			}))
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print the gateway's JSON")
	return c
}

func historyText(w io.Writer, s *admin.HistoryStatus) error {
	var b strings.Builder
	b.WriteString(oneLine(s.Words, 3*idWidth) + "\n")
	if s.Database == "" {
		_, err := io.WriteString(w, b.String())
		return err
	}
	field(&b, "events", fmt.Sprintf("%d in %s of %s", s.Events, byteSize(s.Bytes), byteSize(s.MostBytes)))
	field(&b, "kept in", strings.TrimSpace(s.Database+" "+s.Place))
	now := time.Now()
	if !s.From.IsZero() {
		field(&b, "from", clock(s.From, now))
		field(&b, "to", clock(s.To, now))
	}
	if s.Missed > 0 {
		field(&b, "missed", count(int(s.Missed), "page")+" of the journal, which left before they were read")
	}
	if s.LostEndings > 0 {
		field(&b, "not noted", "when "+count(int(s.LostEndings), "delivery")+" ended, since the start")
	}
	_, err := io.WriteString(w, b.String())
	return err
}
