package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"github.com/imhook/imhook/internal/gateway"
)

// replayFlags are the flags of replay.
type replayFlags struct {
	since, until, conversation, when, to, rate string
	types, sources                             []string
	all, dry, wait, json                       bool
}

func (p *program) replay() *cobra.Command {
	var f replayFlags
	c := &cobra.Command{
		Use:   "replay [APP/]ENDPOINT",
		Short: "Deliver history again, to the same or another endpoint",
		Long: "Deliver again what the gateway still keeps and the endpoint's rule picks: in the order\n" +
			"in which it came, per conversation, and marked as replayed. It goes below live traffic:\n" +
			"while the endpoint has something to send, a replay waits. It is a job in the gateway\n" +
			"that goes on after a restart; imhook replay list shows it, imhook replay cancel ends it.",
		Example: "  imhook replay shop/backend --since 2h --until 1h --dry-run\n" +
			"  imhook replay shop/backend --since 2026-11-20T08:00:00Z --type 'message.*' --rate 100/s\n" +
			"  imhook replay shop/backend --conversation group:g1 --to shop/new-backend --wait",
		Args: exactArgs("ENDPOINT"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := p.client()
			if err != nil {
				return err
			}
			return p.runReplay(cmd, c, args[0], &f)
		},
	}
	flags := c.Flags()
	flags.StringVar(&f.since, "since", "", "only kept since then: a `time`, or how long ago: 1h")
	flags.StringVar(&f.until, "until", "", "only kept before then: a `time`, or how long ago")
	flags.StringArrayVar(&f.types, "type", nil, "only `types` that match: message.send, group.**; may be repeated")
	flags.StringArrayVar(&f.sources, "source", nil, "only of this `source`; may be repeated")
	flags.StringVar(&f.conversation, "conversation", "", "only of this `conversation`: group:g1, direct:alice|bob")
	flags.StringVar(&f.when, "when", "", "only where this `condition` holds: event.message.kind == \"text\"")
	flags.BoolVar(&f.all, "all", false, "also what the endpoint's rule does not pick today")
	flags.StringVar(&f.to, "to", "", "another `endpoint` of the app that gets it")
	flags.StringVar(&f.rate, "rate", "", "at most so `many`: 100/s, 600/m; as fast as the endpoint lets it by default")
	flags.BoolVar(&f.dry, "dry-run", false, "count and do nothing")
	flags.BoolVar(&f.wait, "wait", false, "wait until all are through, and fail if one was parked")
	flags.BoolVar(&f.json, "json", false, "print the gateway's JSON")
	c.AddCommand(p.replayList(), p.replayCancel())
	return c
}

func (p *program) runReplay(cmd *cobra.Command, c *client, endpoint string, f *replayFlags) error {
	perSecond, err := parseRate(f.rate)
	if err != nil {
		return err
	}
	if !f.dry && f.to == "" && f.since+f.until+f.conversation+f.when == "" && len(f.types)+len(f.sources) == 0 {
		return errors.New("this would be everything that the gateway still keeps; say since when: --since 2h, or narrow it otherwise")
	}
	wish := map[string]any{"rate": perSecond, "all": f.all, "dryRun": f.dry}
	for key, s := range map[string]string{"since": f.since, "until": f.until, "conversation": f.conversation, "when": f.when, "to": f.to} {
		if s != "" {
			wish[key] = s
		}
	}
	for key, all := range map[string][]string{"types": f.types, "sources": f.sources} {
		if len(all) > 0 {
			wish[key] = all
		}
	}
	var answer jsontext.Value
	if err := c.post(cmd.Context(), endpointPath(endpoint)+"/replay", wish, &answer); err != nil {
		return err
	}
	done, err := readAnswer[replayed](answer)
	if err != nil {
		return err
	}
	err = tellAnswer(cmd.OutOrStdout(), answer, f.json, inWords(func(r *replayed) string { return r.text(f.all) }))
	if err != nil || !f.wait || f.dry {
		return err
	}
	return p.await(cmd, c, done.Run.ID, f.json)
}

// endpointPath is where the API has an endpoint.
func endpointPath(id string) string {
	path := url.PathEscape(id)
	if app, name, ok := strings.Cut(id, "/"); ok {
		path = url.PathEscape(app) + "/" + url.PathEscape(name)
	}
	return "/api/v1/endpoints/" + path
}

// replayed is what the gateway says about a replay.
type replayed struct {
	DryRun bool              `json:"dryRun"`
	Run    gateway.RunStatus `json:"run"`
	Count  gateway.RunCount  `json:"count"`
	Note   string            `json:"note"`
}

func (r *replayed) text(all bool) string {
	var b strings.Builder
	switch {
	case r.DryRun:
		more := ""
		if r.Count.AtLeast {
			more = "at least "
		}
		fmt.Fprintf(&b, "would replay %s%s to %s\n", more, count(r.Count.Sent, "event"), r.Run.Target())
		field(&b, "selected", strconv.Itoa(r.Count.Selected))
		field(&b, "picked", fmt.Sprintf("%d by the rule of %s today", r.Count.Picked, r.Run.Endpoint))
		if !all && r.Count.Selected > r.Count.Picked {
			field(&b, "left out", fmt.Sprintf("%d; --all replays them too", r.Count.Selected-r.Count.Picked))
		}
	default:
		fmt.Fprintf(&b, "replaying to %s as run %s\n", r.Run.Target(), r.Run.ID)
	}
	if r.Note != "" {
		b.WriteString(r.Note + "\n")
	}
	return b.String()
}

// parseRate reads how many a second: 100/s, 600/m, 100; empty is no bound.
func parseRate(s string) (float64, error) {
	if s == "" {
		return 0, nil
	}
	number, unit, _ := strings.Cut(s, "/")
	per, ok := map[string]float64{"": 1, "s": 1, "m": 60, "h": 3600}[unit]
	n, err := strconv.ParseFloat(number, 64)
	if !ok || err != nil || !(n > 0) || n > 1e9 {
		return 0, fmt.Errorf("--rate is %q; write 100/s, 600/m or 1000/h", s)
	}
	return n / per, nil
}

func (p *program) replayList() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "list",
		Short: "Show replays and requeues that are under way, or ended in the last week",
		Args:  exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			type runs struct {
				Runs []gateway.RunStatus `json:"runs"`
			}
			return tellPath(p, cmd, "/api/v1/runs", asJSON, inWords(func(answer *runs) string { return runTable(answer.Runs, time.Now()) }))
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print the gateway's JSON")
	return c
}

// runTable lists runs, the oldest first.
func runTable(all []gateway.RunStatus, now time.Time) string {
	if len(all) == 0 {
		return "there are no replays or requeues\n"
	}
	var b strings.Builder
	tw := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "RUN\tKIND\tENDPOINT\tSTATE\tSELECTED\tDELIVERED\tPARKED\tOPEN\tBEGUN\tNOTE")
	for _, s := range all {
		to := s.Endpoint
		if s.To != "" && s.To != s.Endpoint {
			to += " → " + s.To
		}
		note := s.Note
		if s.Trimmed > 0 {
			note = strings.TrimPrefix(note+"; "+count(int(s.Trimmed), "page")+" of the journal trimmed before it came to them", "; ")
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%d\t%d\t%d\t%d\t%s\t%s\n",
			s.ID, s.Kind, oneLine(to, idWidth), s.State, s.Selected, s.Delivered, s.Parked, s.Open, clock(s.CreatedAt, now), oneLine(note, idWidth))
	}
	_ = tw.Flush()
	return b.String()
}

func (p *program) replayCancel() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:     "cancel RUN",
		Short:   "End a replay or a requeue",
		Long:    "End a replay or a requeue. Attempts in flight end first; dead letters that were not\ndelivered stay.",
		Example: "  imhook replay cancel c2wfoqo0",
		Args:    exactArgs("RUN"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := p.client()
			if err != nil {
				return err
			}
			var answer jsontext.Value
			if err := c.post(cmd.Context(), "/api/v1/runs/"+url.PathEscape(args[0])+"/cancel", struct{}{}, &answer); err != nil {
				return err
			}
			return tellAnswer(cmd.OutOrStdout(), answer, asJSON, inWords(runLine))
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print the gateway's JSON")
	return c
}

// runLine is how a run ended, on one line.
func runLine(s *gateway.RunStatus) string {
	line := fmt.Sprintf("run %s is %s: %d delivered", s.ID, s.State, s.Delivered)
	if s.Parked > 0 {
		line += fmt.Sprintf(", %d parked", s.Parked)
	}
	if rest := s.Selected - s.Delivered - s.Parked - s.Open; rest > 0 {
		line += fmt.Sprintf(", %d not sent", rest)
	}
	return line + quietly(": ", oneLine(s.Note, idWidth)) + "\n"
}

// await waits until a run is over. It is an error when not all of it arrived.
func (p *program) await(cmd *cobra.Command, c *client, id string, asJSON bool) error {
	t := time.NewTicker(200 * time.Millisecond)
	defer t.Stop()
	for {
		var answer jsontext.Value
		if err := c.get(cmd.Context(), "/api/v1/runs/"+url.PathEscape(id), nil, &answer); err != nil {
			return err
		}
		s, err := readAnswer[gateway.RunStatus](answer)
		if err != nil {
			return err
		}
		if s.State.Over() {
			err := tellAnswer(cmd.OutOrStdout(), answer, asJSON, inWords(runLine))
			if err == nil && (s.State != gateway.RunDone || s.Parked > 0) {
				return fmt.Errorf("run %s did not deliver all", id)
			}
			return err
		}
		select {
		case <-t.C:
		case <-cmd.Context().Done():
			fmt.Fprintf(cmd.ErrOrStderr(), "run %s goes on in the gateway: imhook replay list shows it, imhook replay cancel %s ends it\n", id, id)
			return context.Cause(cmd.Context())
		}
	}
}
