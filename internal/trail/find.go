package trail

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/event"
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

// Bounds of one search, in entries and pages looked at.
const (
	maxLooked = 200_000
	maxPages  = 20_000
)

// Find looks backwards from the newest, or from q.Before. It stops after a bounded
// number of entries; Next then says where to go on.
func (t *Trail) Find(ctx context.Context, q Query) (Found, error) {
	var f Found
	first, last, err := t.store.TrailBounds(ctx)
	if err != nil {
		return f, err
	}
	f.Newest = gateway.NewPos(last+1, 0) - 1
	if q.Before > 0 {
		last = min(last, (q.Before - 1).Seq())
	}
	if !q.Until.IsZero() {
		if last, err = t.upTo(ctx, first, last, q.Until); err != nil {
			return f, err
		}
	}
	needles := q.needles()
	looked, pages := 0, 0
	for seq := last; seq >= first && seq > 0; seq-- {
		if q.After > 0 && gateway.NewPos(seq+1, 0)-1 <= q.After {
			return f, nil
		}
		if pages++; pages > maxPages {
			f.Next = gateway.NewPos(seq+1, 0)
			return f, nil
		}
		page, at, err := t.open(ctx, seq)
		if err != nil {
			return f, err
		}
		if page == nil {
			continue
		}
		if at.Add(late).Before(q.Since) {
			return f, nil // all that is older was kept earlier
		}
		if !q.Since.IsZero() && page.last.Add(time.Millisecond).Before(q.Since) || !q.Until.IsZero() && page.first.After(q.Until) {
			continue
		}
		for i, raw := range slices.Backward(page.entries) {
			pos := gateway.NewPos(seq, i)
			if q.Before > 0 && pos >= q.Before {
				continue
			}
			if q.After > 0 && pos <= q.After {
				return f, nil
			}
			if looked++; len(f.Entries) == q.Limit || looked > maxLooked {
				f.Next = pos + 1
				return f, nil
			}
			if !containsAll(raw, needles) {
				continue
			}
			e, err := parseEntry(raw)
			if err != nil {
				t.skip(seq, err)
				continue
			}
			if q.wants(e) {
				f.Entries = append(f.Entries, e)
			}
		}
	}
	return f, nil
}

// open reads a page; nil when it is not there or cannot be read.
func (t *Trail) open(ctx context.Context, seq uint64) (*opened, time.Time, error) {
	b, at, err := t.store.TrailPage(ctx, seq)
	if errors.Is(err, gateway.ErrNoPage) {
		return nil, at, nil
	}
	if err != nil {
		return nil, at, err
	}
	p, err := openPage(b)
	if err != nil {
		t.skip(seq, err)
		return nil, at, nil
	}
	return &p, at, nil
}

func (t *Trail) skip(seq uint64, err error) {
	t.unreadable.Inc()
	t.log.Error("page of the trail is skipped", "page", seq, "err", err)
}

// late is how long a decision may take until it is kept, and how far the clock of the
// store may be off: a server may wait for five minutes, and a hook in the shadow that is
// asked last has five more. Pages further behind hold nothing that came before.
const late = 11 * time.Minute

// upTo is the last page that may hold something that came until then.
func (t *Trail) upTo(ctx context.Context, first, last uint64, until time.Time) (uint64, error) {
	if last < first {
		return last, nil
	}
	var failed error
	n := sort.Search(int(last-first+1), func(i int) bool {
		if failed != nil {
			return true
		}
		_, at, err := t.store.TrailPage(ctx, first+uint64(i))
		if err != nil && !errors.Is(err, gateway.ErrNoPage) {
			failed = err
		}
		return at.After(until.Add(late))
	})
	if failed != nil {
		return 0, fmt.Errorf("looking for a time: %w", failed)
	}
	return first + uint64(n) - 1, nil
}

// needles are texts that the JSON of an entry must have to be wanted: most entries
// need not be parsed to know that they are not.
func (q *Query) needles() [][]byte {
	var all [][]byte
	add := func(s string, whole bool) {
		if s == "" {
			return
		}
		b, err := jsontext.AppendQuote(nil, s)
		if err != nil {
			return // it was replaced when the entry was written
		}
		if !whole {
			b = b[1 : len(b)-1]
		}
		all = append(all, b)
	}
	add(q.Hook, true)
	add(string(q.Cause), true)
	add(string(q.Verdict), true)
	add(string(q.Lane), true)
	add(q.ID, false)
	return all
}

func containsAll(b []byte, needles [][]byte) bool {
	for _, n := range needles {
		if !bytes.Contains(b, n) {
			return false
		}
	}
	return true
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
