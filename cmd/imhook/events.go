package main

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"github.com/imhook/imhook/client/admin"
	"github.com/imhook/imhook/event"
)

// eventsFlags are the flags of events.
type eventsFlags struct {
	kind         string
	source       string
	conversation string
	since        string
	limit        int
	follow       bool
	interval     time.Duration
	json         bool
}

func (p *program) events() *cobra.Command {
	var f eventsFlags
	c := &cobra.Command{
		Use:   "events [ID]",
		Short: "Show the events that the gateway keeps, the newest last",
		Long: "Show the events that the gateway keeps, the newest last. With an ID, show that event\n" +
			"whole: its canonical form, what came over the wire, and what happened to it: who\n" +
			"decided, every attempt, and whether it arrived. imhook search finds events.",
		Example: "  imhook events --type 'message.*' --limit 5\n" +
			"  imhook events --follow --json\n" +
			"  imhook events --conversation group:g1 --since 1h",
		Args: upTo(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := p.client()
			if err != nil {
				return err
			}
			if len(args) == 1 {
				return showEvent(cmd.Context(), cmd.OutOrStdout(), c, args[0], f.json)
			}
			return f.run(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr(), c)
		},
	}
	flags := c.Flags()
	flags.StringVar(&f.kind, "type", "", "only `types` that match: message.send, group.**, easemob:chat:txt")
	flags.StringVar(&f.source, "source", "", "only of this `source`")
	flags.StringVar(&f.conversation, "conversation", "", "only of this `conversation`: group:g1, direct:alice|bob")
	flags.StringVar(&f.since, "since", "", "only kept since then: a `time`, or how long ago: 1h")
	flags.IntVar(&f.limit, "limit", 20, "how many at most; with --follow, how many to begin with")
	flags.BoolVar(&f.follow, "follow", false, "go on with new ones as they come")
	flags.DurationVar(&f.interval, "interval", 500*time.Millisecond, "how often --follow asks")
	flags.BoolVar(&f.json, "json", false, "print CloudEvents, one a line")
	return c
}

func (f *eventsFlags) run(ctx context.Context, w, notes io.Writer, c *client) error {
	query := url.Values{}
	for key, v := range map[string]string{"type": f.kind, "source": f.source, "conversation": f.conversation, "since": f.since} {
		if v != "" {
			query.Set(key, v)
		}
	}
	l := listing{
		client: c, path: "/api/v1/events", key: "events", limit: f.limit, follow: f.follow, interval: f.interval,
		none: "no such events are kept", quiet: f.json, notes: notes,
		show: showEach(w, f.json, "an event", func(ev *event.Event) string { return eventLine(ev, time.Now()) }),
	}
	return l.run(ctx, query)
}

// eventLine is an event on one line: when (with the day unless it is today), where from, what, where, who, what
// about, and the id to ask for more.
func eventLine(ev *event.Event, now time.Time) string {
	words := []string{
		clock(ev.Time, now), ev.Source, string(ev.Type), string(ev.Lane),
	}
	if ev.Actor != nil {
		words = append(words, ev.Actor.ID)
	}
	if s := about(ev); s != "" {
		words = append(words, strconv.Quote(oneLine(s, 60)))
	}
	for i, w := range words {
		words[i] = firstOf(oneLine(w, 80), "-")
	}
	return strings.Join(words, "  ") + "  " + ev.ID
}

// clock is a moment as people write it, with the day unless it is today.
func clock(t, now time.Time) string {
	at, layout := t.Local(), "15:04:05.000"
	if at.Format(time.DateOnly) != now.Local().Format(time.DateOnly) {
		layout = "2006-01-02 " + layout
	}
	return at.Format(layout)
}

// about is the text of an event, or whom it is about.
func about(ev *event.Event) string {
	switch {
	case ev.Message != nil:
		return firstOf(ev.Message.Text, string(ev.Message.Kind), ev.Message.ID)
	case len(ev.Members) > 0:
		var ids []string
		for _, m := range ev.Members {
			ids = append(ids, m.ID)
		}
		return strings.Join(ids, " ")
	case ev.Presence != nil:
		return firstOf(ev.Presence.Reason, ev.Presence.Platform)
	case ev.Group != nil:
		return firstOf(ev.Group.Name, ev.Group.ID)
	case ev.Chatroom != nil:
		return firstOf(ev.Chatroom.Name, ev.Chatroom.ID)
	case ev.User != nil:
		return firstOf(ev.User.DisplayName, ev.User.Name, ev.User.ID)
	}
	return ""
}

// showEvent prints one event whole, and what happened to it.
func showEvent(ctx context.Context, w io.Writer, c *client, id string, asJSON bool) error {
	path := "/api/v1/events/" + url.PathEscape(id)
	if asJSON {
		var answer jsontext.Value
		if err := c.get(ctx, path, nil, &answer); err != nil {
			return err
		}
		_, err := fmt.Fprintln(w, string(answer))
		return err
	}
	var t struct {
		admin.Timeline
		// Event is what the gateway wrote.
		Event jsontext.Value `json:"event"`
	}
	if err := c.get(ctx, path+"/timeline", nil, &t); err != nil {
		return err
	}
	var b strings.Builder
	if len(t.Event) > 0 {
		b.WriteString(readable("application/json", string(t.Event)) + "\n")
	}
	if t.Raw.Body != "" {
		fmt.Fprintf(&b, "\nfrom the wire: %s\n%s\n",
			sentRequest{Method: "POST", Path: t.Raw.Path, Query: t.Raw.Query}.target(), readable(t.Raw.ContentType, t.Raw.Body))
	}
	b.WriteString("\n" + timelineText(&t.Timeline, time.Now()))
	_, err := io.WriteString(w, strings.TrimPrefix(b.String(), "\n"))
	return err
}
