package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
	"github.com/imhook/imhook/internal/trail"
)

// decisionsQuery is a question about decisions.
type decisionsQuery struct {
	Limit        limitParam   `query:"limit"`
	Type         string       `query:"type" doc:"A pattern of event types." example:"message.send"`
	App          string       `query:"app"`
	Source       string       `query:"source"`
	Hook         string       `query:"hook" doc:"The name of a hook, or app/name."`
	Verdict      verdictParam `query:"verdict"`
	Cause        causeParam   `query:"cause"`
	Conversation string       `query:"conversation" example:"group:g1"`
	User         string       `query:"user" doc:"The id of the one who acted."`
	ID           string       `query:"id" doc:"The id of an event or a message, or a link key."`
	Stretch
}

// verdicts are what can be answered.
func verdicts() []event.Action {
	return []event.Action{event.Allow, event.Deny, event.Drop, event.Rewrite}
}

func (a *api) parseDecisions(v *decisionsQuery) (trail.Query, error) {
	q := trail.Query{
		App: v.App, Source: v.Source, Hook: v.Hook, Lane: event.Lane(v.Conversation),
		User: v.User, ID: v.ID, Verdict: event.Action(v.Verdict), Cause: gateway.Cause(v.Cause),
	}
	if err := oneOf("verdict", q.Verdict, verdicts()); err != nil {
		return q, err
	}
	if err := oneOf("cause", q.Cause, gateway.Causes()); err != nil {
		return q, err
	}
	// A hook is shown as app/name; names hold no slash.
	if app, name, ok := strings.Cut(q.Hook, "/"); ok && q.App == "" {
		q.App, q.Hook = app, name
	}
	var err error
	if q.Limit, err = v.Limit.parse(); err != nil {
		return q, err
	}
	if v.Type != "" {
		if q.Match, err = a.Pattern(v.Type, event.Before); err != nil {
			return q, fmt.Errorf("type: %w", err)
		}
	}
	return q, v.parse(a.Now(), &q.Since, &q.Until, &q.Before, &q.After)
}

// oneOf refuses a word that is none of those that there are; empty is no word.
func oneOf[W ~string](key string, word W, all []W) error {
	if word == "" || slices.Contains(all, word) {
		return nil
	}
	names := make([]string, len(all))
	for i, w := range all {
		names[i] = string(w)
	}
	return fmt.Errorf("%s is %q; write one of %s", key, string(word), strings.Join(names, ", "))
}

// decisionList is one page of decisions.
type decisionList struct {
	Decisions []*trail.Entry `json:"decisions"`
	// Next is where older ones go on (before=), empty at the end; Newest the end of
	// the trail (after=), for the next look.
	Next   string `json:"next,omitzero"`
	Newest string `json:"newest"`
}

// decisions lists them, newest first.
func (a *api) decisions(ctx context.Context, in *decisionsQuery) (decisionList, error) {
	q, err := a.parseDecisions(in)
	if err != nil {
		return decisionList{}, invalid(err)
	}
	f, err := a.Decisions.Find(ctx, q)
	if err != nil {
		return decisionList{}, a.broken(ctx, readingDecisions, err)
	}
	return decisionList{Decisions: f.Entries, Next: older(f.Next), Newest: cursor(f.Newest)}, nil
}

const readingDecisions = "reading decisions"

// noTrail says that nobody keeps decisions here; empty when somebody does.
func (a *api) noTrail() string {
	if a.Decisions != nil {
		return ""
	}
	return "this gateway keeps no trail of decisions"
}

// followUp is an event that came after a decision about the same message.
type followUp struct {
	Event  *event.Event `json:"event"`
	Stored time.Time    `json:"stored"`
	// DeadLetters are what became of it where it could not be delivered.
	DeadLetters []Letter `json:"deadletters,omitempty"`
}

// How many decisions and events one story has at most. A message has one or two of
// each.
const (
	maxTold  = 20
	maxAfter = 50
)

// story is what was decided about a message, and which events about it came after.
type story struct {
	Decisions []*trail.Entry `json:"decisions"`
	Events    []followUp     `json:"events"`
	// More is true when events further on were not looked at.
	More bool `json:"more,omitzero"`
}

// decision tells the whole story of one message: what was decided, and which events
// about it came after.
func (a *api) decision(ctx context.Context, in *byID) (story, error) {
	id := in.ID
	told, err := a.tell(ctx, trail.Query{ID: id})
	if err == nil && len(told) == 0 {
		// It may be an event that came after.
		var ev *event.Event
		var stored time.Time
		if ev, stored, err = a.find(ctx, id); ev != nil && len(ev.Links) > 0 {
			told, err = a.tell(ctx, around(ev, stored))
		}
	}
	if err != nil {
		return story{}, a.broken(ctx, readingDecisions, err)
	}
	if len(told) == 0 {
		return story{}, refuse(http.StatusNotFound, "the trail holds no decision about %q; write the id of an event or message, or a link key", id)
	}
	after, more, err := a.after(ctx, told)
	if err != nil {
		return story{}, a.broken(ctx, "reading the events of the message", err)
	}
	return story{told, after, more}, nil
}

// tell returns what q wants, the newest first, however long it takes to find.
func (a *api) tell(ctx context.Context, q trail.Query) ([]*trail.Entry, error) {
	q.Limit = maxTold
	for {
		f, err := a.Decisions.Find(ctx, q)
		if err != nil || len(f.Entries) > 0 || f.Next == 0 {
			return f.Entries, err
		}
		q.Before = f.Next
	}
}

// How long before an event its message was decided about, at most, and how far two
// clocks may be apart.
const (
	decidedWithin = 10 * time.Minute
	clockSkew     = 5 * time.Second
)

// around asks for the decisions about the message of an event.
func around(ev *event.Event, stored time.Time) trail.Query {
	return trail.Query{
		App: ev.App, Source: ev.Source, Links: ev.Links,
		Since: stored.Add(-decidedWithin), Until: stored.Add(clockSkew),
	}
}

// decisionsOf returns the decisions about the message of an event; nil when there
// are none, or when they cannot be read: the event is shown all the same.
func (a *api) decisionsOf(ctx context.Context, ev *event.Event, stored time.Time) []*trail.Entry {
	if a.Decisions == nil || len(ev.Links) == 0 {
		return nil
	}
	q := around(ev, stored)
	q.Limit = maxTold
	f, err := a.Decisions.Find(ctx, q)
	if err != nil {
		a.Log.WarnContext(ctx, "showing an event without its decisions", "id", ev.ID, "err", err)
		return nil
	}
	return f.Entries
}

// after returns the events that came after the decisions and share a link key with
// them, the oldest first; more is true when it did not look at all.
func (a *api) after(ctx context.Context, told []*trail.Entry) (all []followUp, more bool, err error) {
	all = []followUp{}
	about := map[string]bool{}
	from := told[0].At
	for _, e := range told {
		for _, l := range e.Links {
			about[e.Event.Source+"\x00"+l] = true
		}
		if e.At.Before(from) {
			from = e.At
		}
	}
	if len(about) == 0 {
		return all, false, nil
	}
	seq, err := a.Journal.SeqAt(ctx, from.Add(-clockSkew))
	for looked := 0; ; seq++ {
		if errors.Is(err, gateway.ErrNoPage) {
			break
		}
		var page *gateway.Page
		if err == nil {
			page, err = a.Journal.Page(ctx, seq)
		}
		if errors.Is(err, gateway.ErrNoPage) {
			break
		}
		if err != nil {
			return all, false, fmt.Errorf("reading page %d: %w", seq, err)
		}
		seq = page.Seq
		if looked += len(page.Events); looked > maxLooked || len(all) >= maxAfter {
			more = true
			break
		}
		for _, ev := range page.Events {
			if slices.ContainsFunc(ev.Links, func(l string) bool { return about[ev.Source+"\x00"+l] }) {
				all = append(all, followUp{Event: a.whole(ctx, ev), Stored: page.Time})
			}
		}
	}
	return all, more, a.undelivered(ctx, all)
}

// undelivered adds dead letters to their events.
func (a *api) undelivered(ctx context.Context, all []followUp) error {
	if len(all) == 0 {
		return nil
	}
	f, err := a.searchLetters(ctx, &letterQuery{api: a, limit: maxLimit})
	if err != nil {
		return fmt.Errorf("reading dead letters: %w", err)
	}
	for _, l := range f.letters {
		for i := range all {
			if l.Event != nil && l.Event.ID == all[i].Event.ID && l.Event.Source == all[i].Event.Source {
				one := a.letter(ctx, l)
				one.Event = nil // it stands above
				all[i].DeadLetters = append(all[i].DeadLetters, one)
			}
		}
	}
	return nil
}
