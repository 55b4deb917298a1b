package trail

import (
	"context"
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/chronicle"
	"github.com/imhook/imhook/internal/gateway"
)

// Query says which entries are wanted. Its zero value, with a Limit, wants all. What
// is empty does not narrow.
type Query struct {
	App, Source string
	// Hook was asked; with Cause, it is the hook's cause.
	Hook  string
	Cause gateway.Cause
	// Verdict is what was answered.
	Verdict event.Action
	// Lane is the conversation, User somebody in it: see [Entry.About].
	Lane event.Lane
	User string
	// ID is an event, link key or message: see [Entry.Is].
	ID string
	// Links are link keys of which the entry must have one.
	Links []string
	// Match narrows by the event; nil takes all.
	Match func(*event.Event) bool
	// Since and Until are bounds of when the proposal came.
	Since, Until time.Time
	// Before and After are positions, exclusive; zero is no bound.
	Before, After gateway.Pos
	// Limit is how many are returned at most.
	Limit int
}

// Found are the entries of one answer, newest first.
type Found struct {
	Entries []*Entry
	// Next is where older entries go on (Before), zero at the end.
	Next gateway.Pos
	// Newest is the end of the trail (After), for the next look.
	Newest gateway.Pos
}

// Find looks backwards from the newest, or from q.Before. It stops after a bounded
// number of entries; Next then says where to go on.
func (t *Trail) Find(ctx context.Context, q Query) (Found, error) {
	var f Found
	far, err := t.book.Find(ctx, chronicle.Search{
		Since: q.Since, Until: q.Until, Before: q.Before, After: q.After, Needles: q.needles(), Limit: q.Limit,
	}, func(raw jsontext.Value) (bool, error) {
		e, err := Parse(raw)
		if err != nil {
			return false, err
		}
		wanted := q.wants(e)
		if wanted {
			f.Entries = append(f.Entries, e)
		}
		return wanted, nil
	})
	f.Next, f.Newest = far.Next, far.Newest
	return f, err
}

// needles are texts that the JSON of an entry must have to be wanted.
func (q *Query) needles() [][]byte {
	all := chronicle.Needles(q.Hook, string(q.Cause), string(q.Verdict), string(q.Lane))
	if b := chronicle.Needle(q.ID, false); len(b) > 0 {
		all = append(all, b)
	}
	return all
}

// wants reports whether q is about e.
func (q *Query) wants(e *Entry) bool {
	ev := e.Event
	switch {
	case q.App != "" && ev.App != q.App,
		q.Source != "" && ev.Source != q.Source,
		q.Verdict != "" && e.Verdict != q.Verdict,
		q.Lane != "" && ev.Lane != q.Lane,
		q.User != "" && !e.About(q.User),
		q.ID != "" && !e.Is(q.ID),
		len(q.Links) > 0 && !slices.ContainsFunc(q.Links, func(l string) bool { return slices.Contains(e.Links, l) }),
		!q.Since.IsZero() && e.At.Before(q.Since),
		!q.Until.IsZero() && e.At.After(q.Until),
		!q.asked(e):
		return false
	}
	return q.Match == nil || q.Match(ev)
}

// asked reports whether the hook and the cause that are wanted are part of e.
func (q *Query) asked(e *Entry) bool {
	if q.Hook == "" && (q.Cause == "" || e.Cause == q.Cause) {
		return true
	}
	return slices.ContainsFunc(e.Hooks, func(p Part) bool {
		return (q.Hook == "" || p.Hook == q.Hook) && (q.Cause == "" || p.Cause == q.Cause)
	})
}
