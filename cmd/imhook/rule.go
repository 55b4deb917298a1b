package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"github.com/imhook/imhook/client/admin"
)

func (p *program) rule() *cobra.Command {
	c := &cobra.Command{
		Use:   "rule",
		Short: "Try out which events an endpoint gets",
		Args:  exactArgs("a command (test)"),
		RunE: func(_ *cobra.Command, args []string) error {
			return fmt.Errorf("unknown command %q; there is test", args[0])
		},
	}
	c.AddCommand(p.ruleTest())
	return c
}

// ruleTestFlags are the flags of rule test, as the API takes them.
type ruleTestFlags struct {
	Endpoint string   `json:"endpoint,omitzero"`
	App      string   `json:"app,omitzero"`
	Events   []string `json:"events,omitzero"`
	Sources  []string `json:"sources,omitzero"`
	When     string   `json:"when,omitzero"`
	Limit    int      `json:"limit"`
	Since    string   `json:"since,omitzero"`
}

func (p *program) ruleTest() *cobra.Command {
	var f ruleTestFlags
	var asJSON bool
	c := &cobra.Command{
		Use:   "test",
		Short: "Say which of the kept events a rule picks, and why not the others",
		Long: "Say which of the events that the gateway keeps a rule picks, and for the others which\n" +
			"part of it they do not meet. Nothing is delivered. The rule is that of a running\n" +
			"endpoint, or one that is written out.",
		Example: "  imhook rule test --endpoint shop/backend\n" +
			"  imhook rule test --events 'message.*' --when 'event.message.kind == \"text\"'\n" +
			"  imhook rule test --events easemob:muc:kick --source im --since 1h --json",
		Args: exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch written := f.App != "" || len(f.Events)+len(f.Sources) > 0 || f.When != ""; {
			case f.Endpoint != "" && written:
				return errors.New("--endpoint names a whole rule; leave out --app, --events, --source and --when")
			case f.Endpoint == "" && !written:
				return errors.New("there is no rule to test; name a running one with --endpoint app/name, or write one with --events, --source and --when")
			case f.Limit < 1 || f.Limit > 1000:
				return fmt.Errorf("--limit is %d; write 1 to 1000", f.Limit)
			}
			c, err := p.client()
			if err != nil {
				return err
			}
			return f.run(cmd.Context(), cmd.OutOrStdout(), c, asJSON)
		},
	}
	flags := c.Flags()
	flags.StringVar(&f.Endpoint, "endpoint", "", "test the rule of this running `app/endpoint`")
	flags.StringVar(&f.App, "app", "", "`app` of the rule; needed when there are several")
	flags.StringArrayVar(&f.Events, "events", nil, "a `pattern` of events, more than once for several: message.send, group.**, easemob:muc:kick")
	flags.StringArrayVar(&f.Sources, "source", nil, "only events of this `source`, more than once for several")
	flags.StringVar(&f.When, "when", "", "a `condition`: event.message.kind == \"text\"")
	flags.IntVar(&f.Limit, "limit", 100, "how many events, the newest")
	flags.StringVar(&f.Since, "since", "", "only events kept since then: a `time`, or how long ago: 1h")
	flags.BoolVar(&asJSON, "json", false, "print the gateway's JSON, the newest first")
	return c
}

// testResult is a line about an event that a rule was asked about.
func testResult(e *admin.TestedEvent) string {
	s := "matched"
	if !e.Matched {
		s = "no, " + e.Failed + ": " + e.Why
	}
	if e.Unread != "" {
		s += "; without its bodies: " + e.Unread
	}
	return oneLine(s, 200)
}

func (f *ruleTestFlags) run(ctx context.Context, w io.Writer, c *client, asJSON bool) error {
	var raw jsontext.Value
	if err := c.post(ctx, "/api/v1/rules/test", f, &raw); err != nil {
		return conditionError(err)
	}
	return tellAnswer(w, raw, asJSON, testTable)
}

// testTable is what a condition made of events, the newest last.
func testTable(w io.Writer, answer *admin.RuleTested) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "EVENT\tTYPE\tLANE\tRESULT")
	for _, e := range slices.Backward(answer.Events) {
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\n", oneLine(e.ID, 80), oneLine(string(e.Type), 80), oneLine(firstOf(string(e.Conversation), "-"), 80), testResult(&e))
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "%d of %s matched\n", answer.Matched, count(answer.Tested, "event"))
	return err
}

// conditionError shows where a condition is wrong, when that is what the gateway
// says.
func conditionError(err error) error {
	e, ok := errors.AsType[*admin.Error](err)
	if !ok || e.Line < 1 || e.Column < 1 {
		return err
	}
	lines := strings.Split(e.When, "\n")
	place := fmt.Sprintf("column %d", e.Column)
	if len(lines) > 1 {
		place = fmt.Sprintf("line %d, %s", e.Line, place)
	}
	wrong := fmt.Errorf("the condition is wrong at %s: %s", place, e.Message)
	if e.Line > len(lines) {
		return wrong
	}
	return &listedError{list: caret(printable(lines[e.Line-1]), e.Column), err: wrong}
}

// caret is a line with a mark below the column, from 1.
func caret(line string, column int) string {
	below := []rune(line)
	below = below[:min(column-1, len(below))]
	for i, r := range below {
		if r != '\t' {
			below[i] = ' '
		}
	}
	return line + "\n" + string(below) + "^"
}
