package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
	"github.com/imhook/imhook/internal/trail"
)

// decisionKeys are the parameters of a question about decisions.
const decisionKeys = "limit, type, app, source, hook, verdict, cause, conversation, user, id, since, until, before, after"

func (a *api) parseDecisions(v url.Values) (trail.Query, error) {
	q := trail.Query{
		Limit: defaultLimit, App: v.Get("app"), Source: v.Get("source"), Hook: v.Get("hook"), Lane: event.Lane(v.Get("conversation")),
		User: v.Get("user"), ID: v.Get("id"), Verdict: event.Action(v.Get("verdict")), Cause: gateway.Cause(v.Get("cause")),
	}
	for key := range v {
		if !slices.Contains(strings.Split(decisionKeys, ", "), key) {
			return q, fmt.Errorf("unknown parameter %q; there are %s", key, decisionKeys)
		}
	}
	verdicts := []event.Action{event.Allow, event.Deny, event.Drop, event.Rewrite}
	if err := oneOf("verdict", q.Verdict, verdicts); err != nil {
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
	if s := v.Get("limit"); s != "" {
		if q.Limit, err = strconv.Atoi(s); err != nil || q.Limit < 1 || q.Limit > maxLimit {
			return q, fmt.Errorf("limit is %q; write 1 to %d", s, maxLimit)
		}
	}
	if s := v.Get("type"); s != "" {
		if q.Match, err = a.Pattern(s, event.Before); err != nil {
			return q, fmt.Errorf("type: %w", err)
		}
	}
	for key, to := range map[string]*time.Time{"since": &q.Since, "until": &q.Until} {
		if s := v.Get(key); s != "" {
			if *to, err = parseMoment(key, s, a.Now()); err != nil {
				return q, err
			}
		}
	}
	for key, to := range map[string]*gateway.Pos{"before": &q.Before, "after": &q.After} {
		if s := v.Get(key); s != "" {
			n, err := strconv.ParseUint(s, 10, 64)
			if err != nil {
				return q, fmt.Errorf("%s is %q; it is a cursor from an earlier answer", key, s)
			}
			*to = gateway.Pos(n)
		}
	}
	return q, nil
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

// decisions lists them, newest first.
func (a *api) decisions(w http.ResponseWriter, r *http.Request) {
	if a.noTrail(w, r) {
		return
	}
	q, err := a.parseDecisions(r.URL.Query())
	if err != nil {
		a.fail(w, r, http.StatusBadRequest, err.Error())
		return
	}
	f, err := a.Decisions.Find(r.Context(), q)
	if err != nil {
		a.broken(w, r, readingDecisions, err)
		return
	}
	answer := struct {
		Decisions []*trail.Entry `json:"decisions"`
		// Next is where older ones go on (before=), empty at the end; Newest the end of
		// the trail (after=), for the next look.
		Next   string `json:"next,omitzero"`
		Newest string `json:"newest"`
	}{Decisions: append([]*trail.Entry{}, f.Entries...), Newest: cursor(f.Newest)}
	if f.Next > 0 {
		answer.Next = cursor(f.Next)
	}
	a.answer(w, r, answer)
}

const readingDecisions = "reading decisions"

// noTrail answers that nobody keeps decisions here; false when somebody does.
func (a *api) noTrail(w http.ResponseWriter, r *http.Request) bool {
	if a.Decisions != nil {
		return false
	}
	a.fail(w, r, http.StatusNotFound, "this gateway keeps no trail of decisions")
	return true
}

// followUp is an event that came after a decision about the same message.
type followUp struct {
	Event  *event.Event `json:"event"`
	Stored time.Time    `json:"stored"`
	// DeadLetters are what became of it where it could not be delivered.
	DeadLetters []letter `json:"deadletters,omitempty"`
}

// How many decisions and events one story has at most. A message has one or two of
// each.
const (
	maxTold  = 20
	maxAfter = 50
)

// decision tells the whole story of one message: what was decided, and which events
// about it came after.
func (a *api) decision(w http.ResponseWriter, r *http.Request) {
	if a.noTrail(w, r) {
		return
	}
	ctx, id := r.Context(), r.PathValue("id")
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
		a.broken(w, r, readingDecisions, err)
		return
	}
	if len(told) == 0 {
		a.fail(w, r, http.StatusNotFound, "the trail holds no decision about "+strconv.Quote(id)+"; write the id of an event or message, or a link key")
		return
	}
	after, more, err := a.after(ctx, told)
	if err != nil {
		a.broken(w, r, "reading the events of the message", err)
		return
	}
	a.answer(w, r, struct {
		Decisions []*trail.Entry `json:"decisions"`
		Events    []followUp     `json:"events"`
		// More is true when events further on were not looked at.
		More bool `json:"more,omitzero"`
	}{told, after, more})
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
