package main

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"github.com/imhook/imhook/client/admin"
)

func (p *program) search() *cobra.Command {
	narrow := narrowing{}
	var (
		limit  int
		asJSON bool
	)
	c := &cobra.Command{
		Use:   "search [QUESTION ...]",
		Short: "Find events by message, user, conversation, type, time or outcome, the newest last",
		Long: "Find events in the history, the newest last. A question is the id of an event or a\n" +
			"message, a user, a conversation or a group; or parts with a name: id: user:\n" +
			"conversation: group: type: app: source: phase: outcome: endpoint: since: until:. Several\n" +
			"narrow further. imhook events ID tells the whole story of one.",
		Example: "  imhook search 334455667788990011\n" +
			"  imhook search alice since:2h\n" +
			"  imhook search user:alice outcome:parked endpoint:shop/backend\n" +
			"  imhook search --group g1 --type 'group.**' --since 24h --json",
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := p.client()
			if err != nil {
				return err
			}
			query := narrow.query()
			if len(args) > 0 {
				query.Set("q", strings.Join(args, " "))
			}
			return searchHistory(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr(), c, query, limit, asJSON)
		},
	}
	flags := c.Flags()
	narrow.add(flags, []narrowingFlag{
		{"id", "only with this `id`, of the event or a message, or link key"},
		{"user", "only with this `user`: who did it, wrote it, or is concerned"},
		{"conversation", "only of this `conversation`: group:g1, direct:alice|bob"},
		{"group", "only of this `group`"},
		{"type", "only `types` that match: message.send, group.**, easemob:chat:txt"},
		{"app", "only of this `app`"},
		{"source", "only of this `source`"},
		{"phase", "only `before` or after"},
		{"outcome", "only with this `outcome`: delivered, waiting, retrying, parked, expired, failed, deny, …"},
		{"endpoint", "only that this `[app/]endpoint` gets; with --outcome, its outcome there"},
		{"since", "only kept since then: a `time`, or how long ago: 1h"},
		{"until", "only kept until then: a `time`, or how long ago"},
	})
	flags.IntVar(&limit, "limit", 20, "how many at most")
	flags.BoolVar(&asJSON, "json", false, "print the gateway's JSON, one event a line")
	return c
}

// searchHistory prints what is found. The gateway looks for a bounded time at once, so it
// is asked until there is enough, or nothing is left.
func searchHistory(ctx context.Context, w, notes io.Writer, c *client, query url.Values, limit int, asJSON bool) error {
	if limit < 1 || limit > 1000 {
		return fmt.Errorf("--limit is %d; write 1 to 1000", limit)
	}
	var found []jsontext.Value
	var words string
	for {
		query.Set("limit", strconv.Itoa(limit-len(found)))
		var answer struct {
			Events []jsontext.Value `json:"events"`
			Next   string           `json:"next"`
			Words  string           `json:"words"`
		}
		if err := c.get(ctx, "/api/v1/search", query, &answer); err != nil {
			return err
		}
		found = append(found, answer.Events...)
		words = answer.Words
		if answer.Next == "" || len(found) >= limit {
			break
		}
		query.Set("after", answer.Next)
	}
	show := showEach(w, asJSON, "an event", func(row *admin.FoundEvent) string { return foundLine(row, time.Now()) })
	for _, v := range slices.Backward(found) {
		if err := show(v); err != nil {
			return err
		}
	}
	if len(found) == 0 && !asJSON {
		_, _ = fmt.Fprintln(notes, "imhook: the history holds no such events")
	}
	if words != "" && !asJSON {
		_, _ = fmt.Fprintln(notes, "imhook: "+oneLine(words, 2*idWidth))
	}
	return nil
}

// foundLine is an event on one line: when, where from, what became of it, what, where,
// who, which message, and the id to ask for more.
func foundLine(row *admin.FoundEvent, now time.Time) string {
	words := []string{
		clock(row.Kept, now), row.Source, row.Outcome, string(row.Type), string(row.Conversation), row.Actor, row.Message,
	}
	for i, w := range words {
		words[i] = firstOf(oneLine(w, 80), "-")
	}
	return strings.Join(words, "  ") + "  " + oneLine(row.ID, idWidth)
}
