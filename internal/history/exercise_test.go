package history

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// database is one that every test of what is kept is made with.
type database struct {
	name string
	// of makes the test one of its own, and returns what names it in a configuration.
	of func(tb testing.TB) func(*Config)
}

func databases() []database {
	return []database{
		{"sqlite", func(tb testing.TB) func(*Config) {
			tb.Helper()
			dir := tb.TempDir()
			return func(c *Config) { c.Dir = dir }
		}},
		{"postgres", func(tb testing.TB) func(*Config) {
			tb.Helper()
			url := postgresURL(tb)
			return func(c *Config) { c.URL = url }
		}},
	}
}

// start runs a history until the test ends.
func start(t *testing.T, c Config) *History {
	t.Helper()
	h, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	h.Start()
	t.Cleanup(func() { stop(t, h) })
	return h
}

func stop(t *testing.T, h *History) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := h.Stop(ctx); err != nil {
		t.Error(err)
	}
}

// eventually waits until a condition holds.
func eventually(t *testing.T, holds func() error) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	end := time.After(5 * time.Minute)
	for {
		err := holds()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-end:
			t.Fatal(err)
		}
	}
}

// current waits until the history has so many events and nothing else to read.
func current(t *testing.T, h *History, events int) {
	t.Helper()
	eventually(t, func() error {
		if s := h.Status(); s.State != Current || s.Events != events {
			return fmt.Errorf("the history is %s with %d events, want %d", s.Words(), s.Events, events)
		}
		return nil
	})
}

// patterns takes a type's name, and * for all.
func patterns(pattern string, _ event.Phase) (func(*event.Event) bool, error) {
	if pattern == "wrong" {
		return nil, errors.New("no such pattern")
	}
	p, err := event.ParsePattern(pattern)
	return func(ev *event.Event) bool { return p.Match(ev.Type) }, err
}

// ids are the events of an answer.
func ids(f Found) []string {
	all := []string{}
	for _, hit := range f.Hits {
		all = append(all, hit.ID)
	}
	return all
}

func find(t *testing.T, h *History, q Query) Found {
	t.Helper()
	if q.Limit == 0 {
		q.Limit = 100
	}
	if err := q.Check(); err != nil {
		t.Fatal(err)
	}
	f, err := h.Search(t.Context(), q, patterns)
	if err != nil {
		t.Fatal(err)
	}
	// A slow machine does not find all of it in the time that one search has.
	for len(f.Hits) < q.Limit && !f.Next.IsZero() {
		rest := q
		rest.After, rest.Limit = f.Next, q.Limit-len(f.Hits)
		more, err := h.Search(t.Context(), rest, patterns)
		if err != nil {
			t.Fatal(err)
		}
		f.Hits, f.Next = append(f.Hits, more.Hits...), more.Next
	}
	return f
}

// fill keeps what the table of TestSearch looks for: ten messages in two groups and one
// between two people, a group of three, and two decisions.
func (w *world) fill(t *testing.T) {
	t.Helper()
	for n := 1; n <= 10; n++ {
		user, g := "alice", "g1"
		if n%2 == 0 {
			user, g = "bob", "g2"
		}
		w.journal.keep(began.Add(time.Duration(n)*time.Minute), message(n, user, group(g)))
	}
	direct := message(11, "alice", event.Direct("alice", "c|rol"))
	w.journal.keep(began.Add(11*time.Minute), direct)
	made := &event.Event{
		ID: "e12", App: "shop", Source: "other", Type: event.GroupCreate, Phase: event.After, Time: began, Dialect: "wildfirechat", Command: "group/info",
		Lane: "group:g3", Actor: &event.Actor{ID: "bob"}, Group: &event.Group{ID: "g3"}, Members: []event.Member{{ID: "dave"}, {ID: "erin"}},
	}
	elsewhere := message(13, "alice", group("g1"))
	elsewhere.App = "game"
	w.journal.keep(began.Add(12*time.Minute), made, elsewhere)
	w.decisions.keep(t, began, decision(3, "alice", group("g1"), event.Allow), decision(20, "mallory", group("g1"), event.Deny))
}

func TestSearch_ByEverythingThatIsKnown(t *testing.T) {
	t.Parallel()
	for _, db := range databases() {
		t.Run(db.name, func(t *testing.T) {
			t.Parallel()
			place := db.of(t)
			for _, size := range []struct {
				name   string
				events int
				bytes  int64
			}{{"open", 1000, 1 << 30}, {"chunks", 3, 1 << 30}, {"segments", 3, 1}} {
				t.Run(size.name, func(t *testing.T) {
					w := newWorld()
					w.picks = func(ev *event.Event) []string {
						switch {
						case ev.Source == "other":
							return nil
						case ev.Actor.ID == "bob":
							return []string{"shop/backend", "shop/bobs"}
						}
						return []string{ev.App + "/backend"}
					}
					w.fill(t)
					c := w.config()
					place(&c)
					if c.Dir != "" {
						c.Dir = t.TempDir()
					}
					c.chunkEvents, c.segmentBytes = size.events, size.bytes
					h := start(t, c)
					current(t, h, 15)
					for _, test := range []struct {
						q    Query
						want []string
					}{
						{Query{}, []string{"e13", "e12", "e11", "e10", "e9", "e8", "e7", "e6", "e5", "e4", "e3", "e2", "e1", "b20", "b3"}},
						{Query{ID: "e7"}, []string{"e7"}},
						{Query{ID: "m3"}, []string{"e3", "b3"}},
						{Query{ID: "message:m3"}, []string{"e3", "b3"}},
						{Query{ID: "m3", Phase: event.Before}, []string{"b3"}},
						{Query{ID: "nosuch"}, []string{}},
						{Query{User: "bob"}, []string{"e12", "e10", "e8", "e6", "e4", "e2"}},
						{Query{User: "c|rol"}, []string{"e11"}},
						{Query{User: "erin"}, []string{"e12"}},
						{Query{User: "alice", Conversation: "direct:alice|c%7Crol"}, []string{"e11"}},
						{Query{Conversation: "group:g2"}, []string{"e10", "e8", "e6", "e4", "e2"}},
						{Query{Group: "g3"}, []string{"e12"}},
						{Query{Group: "g1", App: "game"}, []string{"e13"}},
						{Query{Type: "group.**"}, []string{"e12"}},
						{Query{Type: "message.*", User: "alice", App: "shop", Phase: event.After}, []string{"e11", "e9", "e7", "e5", "e3", "e1"}},
						{Query{Type: "conference.**"}, []string{}},
						{Query{Source: "other"}, []string{"e12"}},
						{Query{Words: []string{"g2"}}, []string{"e10", "e8", "e6", "e4", "e2"}},
						{Query{Words: []string{"g2", "m4"}}, []string{"e4"}},
						{Query{Words: []string{"mallory"}}, []string{"b20"}},
						{Query{Since: began.Add(8 * time.Minute), Until: began.Add(9 * time.Minute)}, []string{"e9", "e8"}},
						{Query{Since: began.Add(9 * time.Minute), User: "alice", App: "shop"}, []string{"e11", "e9"}},
						{Query{Until: began.Add(2 * time.Minute), Phase: event.After}, []string{"e2", "e1"}},
						{Query{Since: began.Add(time.Hour)}, []string{}},
						{Query{Outcome: "deny"}, []string{"b20"}},
						{Query{Outcome: "allow"}, []string{"b3"}},
						{Query{Outcome: Unpicked}, []string{"e12"}},
						{Query{Endpoint: "shop/bobs", Since: began.Add(5 * time.Minute)}, []string{"e10", "e8", "e6"}},
						{Query{Outcome: Finished, App: "game"}, []string{"e13"}},
					} {
						if diff := cmp.Diff(test.want, ids(find(t, h, test.q))); diff != "" {
							t.Errorf("%+v (-want +got):\n%s", test.q, diff)
						}
					}
				})
			}
		})
	}
}

func TestSearch_PageByPageIsAllOfIt(t *testing.T) {
	t.Parallel()
	for _, db := range databases() {
		t.Run(db.name, func(t *testing.T) {
			t.Parallel()
			place := db.of(t)
			w := newWorld()
			var want []string
			for n := 1; n <= 500; n++ {
				w.journal.keep(began.Add(time.Duration(2*n)*time.Second), message(n, "alice", group("g1")))
				if n%5 == 0 {
					w.decisions.keep(t, began, decision(n*2, "alice", group("g1"), event.Allow))
				}
			}
			c := w.config()
			place(&c)
			c.chunkEvents = 64
			h := start(t, c)
			current(t, h, 600)
			f := find(t, h, Query{Limit: 1000})
			want = ids(f)
			if len(want) != 600 || !f.Next.IsZero() {
				t.Fatalf("found %d events at once, and more at %v", len(want), f.Next)
			}
			for i := 1; i < len(f.Hits); i++ {
				if f.Hits[i].At.After(f.Hits[i-1].At) {
					t.Fatalf("%s of %v comes after %s of %v", f.Hits[i].ID, f.Hits[i].At, f.Hits[i-1].ID, f.Hits[i-1].At)
				}
			}
			for _, q := range []Query{{}, {User: "alice"}, {Type: "message.send", Group: "g1"}} {
				got := []string{}
				for pages := 0; ; pages++ {
					q.Limit = 37
					f := find(t, h, q)
					got = append(got, ids(f)...)
					if f.Next.IsZero() {
						break
					}
					var err error
					if q.After, err = ParseCursor(f.Next.String()); err != nil {
						t.Fatal(err)
					}
					if pages > 100 {
						t.Fatal("it does not end")
					}
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%+v page by page (-want +got):\n%s", q, diff)
				}
			}
		})
	}
}

func TestHistory_ResumesAndMissesNothing(t *testing.T) {
	t.Parallel()
	for _, db := range databases() {
		t.Run(db.name, func(t *testing.T) {
			t.Parallel()
			place := db.of(t)
			w := newWorld()
			c := w.config()
			place(&c)
			c.chunkEvents, c.segmentBytes = 32, 1
			n := 0
			for round := range 5 {
				h := start(t, c)
				for range 25 {
					n++
					w.journal.keep(began.Add(time.Duration(n)*time.Second), message(n, "alice", group("g1")))
				}
				if round%2 == 0 {
					current(t, h, n)
				}
				stop(t, h)
			}
			h := start(t, c)
			current(t, h, n)
			if got := ids(find(t, h, Query{User: "alice", Limit: 1000})); len(got) != n || got[0] != fmt.Sprintf("e%d", n) || got[n-1] != "e1" {
				t.Errorf("found %d events from %s to %s, want all %d once", len(got), got[0], got[len(got)-1], n)
			}
		})
	}
}

func TestRebuild_IsTheSameOnceMore(t *testing.T) {
	t.Parallel()
	for _, db := range databases() {
		t.Run(db.name, func(t *testing.T) {
			t.Parallel()
			place := db.of(t)
			w := newWorld()
			w.fill(t)
			c := w.config()
			place(&c)
			h := start(t, c)
			current(t, h, 15)
			before := ids(find(t, h, Query{}))
			written := h.counters.events.Load()
			if err := h.Rebuild(); err != nil {
				t.Fatal(err)
			}
			eventually(t, func() error {
				if got := h.counters.events.Load(); got != 2*written {
					return fmt.Errorf("%d events were written, want %d", got, 2*written)
				}
				return nil
			})
			current(t, h, 15)
			if diff := cmp.Diff(before, ids(find(t, h, Query{}))); diff != "" {
				t.Errorf("after it was made anew (-before +after):\n%s", diff)
			}
		})
	}
}

func TestHistory_OfAnotherJournalIsMadeAnew(t *testing.T) {
	t.Parallel()
	for _, db := range databases() {
		t.Run(db.name, func(t *testing.T) {
			t.Parallel()
			place := db.of(t)
			w := newWorld()
			for n := 1; n <= 5; n++ {
				w.journal.keep(began.Add(time.Duration(n)*time.Second), message(n, "alice", group("g1")))
			}
			c := w.config()
			place(&c)
			h := start(t, c)
			current(t, h, 5)
			stop(t, h)
			for _, pages := range []int{3, 8} {
				w.journal = newJournal()
				for n := 1; n <= pages; n++ {
					w.journal.keep(began.Add(time.Duration(pages*100+n)*time.Second), message(n, "bob", group("g1")))
				}
				c.Journal = w.journal
				h = start(t, c)
				current(t, h, pages)
				if got := find(t, h, Query{User: "bob"}); len(got.Hits) != pages {
					t.Errorf("found %v of the other journal, want %d events", ids(got), pages)
				}
				stop(t, h)
			}
		})
	}
}

func TestHistory_SaysWhatLeftTheJournalBeforeItWasRead(t *testing.T) {
	t.Parallel()
	for _, db := range databases() {
		t.Run(db.name, func(t *testing.T) {
			t.Parallel()
			place := db.of(t)
			w := newWorld()
			for n := 1; n <= 4; n++ {
				w.journal.keep(began, message(n, "alice", group("g1")))
			}
			c := w.config()
			place(&c)
			h := start(t, c)
			current(t, h, 4)
			stop(t, h)
			for n := 5; n <= 9; n++ {
				w.journal.keep(began, message(n, "alice", group("g1")))
			}
			w.journal.drop(8)
			h = start(t, c)
			current(t, h, 6)
			if s := h.Status(); s.Missed != 3 || len(s.Notes) == 0 {
				t.Errorf("it missed %d pages and notes %q, want 3", s.Missed, s.Notes)
			}
		})
	}
}

func TestBound_OldestSegmentsLeave(t *testing.T) {
	t.Parallel()
	for _, db := range databases() {
		t.Run(db.name, func(t *testing.T) {
			t.Parallel()
			place := db.of(t)
			w := newWorld()
			var clock atomic.Int64 // hours
			c := w.config()
			place(&c)
			c.Age, c.chunkEvents = 24*time.Hour, 2
			c.Now = func() time.Time { return began.Add(time.Duration(clock.Load()) * time.Hour) }
			h := start(t, c)
			for n := 1; n <= 24; n++ {
				clock.Store(int64(2 * n))
				w.journal.keep(c.Now(), message(n, "alice", group("g1")))
				eventually(t, func() error {
					if got := h.counters.events.Load(); got != uint64(n) {
						return fmt.Errorf("%d events were written, want %d", got, n)
					}
					return nil
				})
			}
			clock.Add(1)
			eventually(t, func() error {
				s := h.Status()
				if s.From.Before(c.Now().Add(-30*time.Hour)) || s.Events < 12 {
					return fmt.Errorf("%s: %d events from %v on", s.Words(), s.Events, s.From)
				}
				return nil
			})
			got := ids(find(t, h, Query{User: "alice"}))
			if len(got) < 12 || got[0] != "e24" || got[11] != "e13" {
				t.Errorf("found %v, want the last day", got)
			}
		})
	}
}

func TestBound_PastItsBytesTheOldestLeaves(t *testing.T) {
	t.Parallel()
	for _, db := range databases() {
		t.Run(db.name, func(t *testing.T) {
			t.Parallel()
			place := db.of(t)
			w := newWorld()
			c := w.config()
			place(&c)
			c.Bytes, c.segmentBytes, c.chunkEvents = 3<<20, 1<<19, 500
			h := start(t, c)
			for n := range 40 {
				var all []*event.Event
				for i := range 250 {
					all = append(all, message(n*250+i, fmt.Sprintf("user-%d", i), group(fmt.Sprintf("a-group-with-a-long-name-%d", n))))
				}
				w.journal.keep(began.Add(time.Duration(n)*time.Second), all...)
				eventually(t, func() error {
					if got := h.counters.events.Load(); got != uint64(n+1)*250 {
						return fmt.Errorf("%d events were written, want %d", got, (n+1)*250)
					}
					return nil
				})
			}
			eventually(t, func() error {
				s := h.Status()
				if s.State != Current || s.Bytes > c.Bytes+c.segmentBytes || s.Events == 10_000 || s.Events < 500 {
					return fmt.Errorf("%s: %d events in %d bytes", s.Words(), s.Events, s.Bytes)
				}
				return nil
			})
			if got := ids(find(t, h, Query{ID: "e9999"})); len(got) != 1 {
				t.Errorf("the newest is found as %v", got)
			}
			if got := ids(find(t, h, Query{ID: "e0"})); len(got) != 0 {
				t.Errorf("the oldest is still found: %v", got)
			}
		})
	}
}

func TestStory_TellsEveryStep(t *testing.T) {
	t.Parallel()
	for _, db := range databases() {
		t.Run(db.name, func(t *testing.T) {
			t.Parallel()
			place := db.of(t)
			w := newWorld()
			w.picks = func(*event.Event) []string { return []string{"shop/backend", "shop/second", "shop/third"} }
			w.decisions.keep(t, began, decision(1, "alice", group("g1"), event.Rewrite))
			ev := message(1, "alice", group("g1"))
			at := began.Add(2 * time.Second)
			pos := gateway.NewPos(w.journal.keep(at, ev), 0)
			w.attempts.keep(t, at, attempt(ev, pos, 1, at.Add(time.Second)), attempt(ev, pos, 2, at.Add(3*time.Second)))
			letter := w.letters.park(gateway.DeadLetter{Endpoint: "shop/backend", Pos: pos, Event: ev, Reason: gateway.ReasonAttempts, Attempts: 2, At: at.Add(4 * time.Second)})
			recall := message(2, "alice", group("g1"))
			recall.Type, recall.Links, recall.Message.ID = event.MessageRecall, ev.Links, ev.Message.ID
			w.journal.keep(at.Add(time.Minute), recall)
			w.stands = func(id string, p gateway.Pos, _ event.Lane) gateway.Standing {
				if id == "shop/third" && p == pos {
					return gateway.Standing{Where: gateway.StandsOpen, Attempts: 0}
				}
				return gateway.Standing{Where: gateway.StandsFinished}
			}
			c := w.config()
			place(&c)
			h := start(t, c)
			h.Record(gateway.Attempt{Endpoint: "shop/second", Event: ev, Pos: pos, N: 1, At: at.Add(500 * time.Millisecond), Outcome: gateway.Outcome{Kind: gateway.Delivered, Took: 7 * time.Millisecond}})
			current(t, h, 3)
			story := func(id string) (st Story) {
				t.Helper()
				eventually(t, func() (err error) {
					if st, err = h.Story(t.Context(), id); err == nil && len(st.Steps) < 8 {
						err = fmt.Errorf("there are %d steps: %+v", len(st.Steps), st.Steps)
					}
					return err
				})
				return st
			}
			st := story("e1")
			want := []string{
				"received b1", "decided b1", "kept e1", "delivered e1 shop/second #1", "attempt e1 shop/backend #1", "attempt e1 shop/backend #2",
				"parked e1 shop/backend #2", "waiting e1 shop/third",
			}
			if diff := cmp.Diff(want, told(st)); diff != "" {
				t.Errorf("steps (-want +got):\n%s", diff)
			}
			if st.Outcome != Parked || len(st.Ends) != 3 || st.Ends[1].Outcome != Delivered || st.Ends[2].Outcome != Waiting {
				t.Errorf("it is %s, at its endpoints %+v", st.Outcome, st.Ends)
			}
			if a := st.Steps[4].Attempt; a == nil || a.Exchange == nil || a.Exchange.Response != "busy" {
				t.Errorf("the first attempt was %+v, want what was said", a)
			}
			if d := st.Steps[1].Decision; d == nil || d.By != "words" {
				t.Errorf("it was decided %+v, want by words", d)
			}
			if got := []string{st.Others[0].ID, st.Others[1].ID}; !slices.Equal(got, []string{"b1", "e2"}) {
				t.Errorf("others of the message are %v", got)
			}
			if newest, err := h.Story(t.Context(), "m1"); err != nil || newest.ID != "e2" {
				t.Errorf("the story of the message is that of %s (%v), want its newest event", newest.ID, err)
			}

			// The dead letter is requeued, and delivered.
			w.letters.remove(letter)
			h.Record(gateway.Attempt{Endpoint: "shop/backend", Event: ev, Pos: pos, N: 1, At: at.Add(time.Hour), Repeat: event.Requeued, Outcome: gateway.Outcome{Kind: gateway.Delivered}})
			eventually(t, func() error {
				st, err := h.Story(t.Context(), "e1")
				if err == nil && (len(st.Ends) == 0 || st.Ends[0].Outcome != Delivered || st.Ends[0].Repeat != event.Requeued) {
					err = fmt.Errorf("it is %+v at its endpoints", st.Ends)
				}
				return err
			})
			if _, err := h.Story(t.Context(), "nosuch"); !errors.Is(err, ErrNoEvent) {
				t.Errorf("the story of nothing is %v", err)
			}
		})
	}
}

// told are steps in short.
func told(st Story) []string {
	var all []string
	for _, s := range st.Steps {
		line := string(s.Kind) + " " + s.Event
		if s.Endpoint != "" {
			line += " " + s.Endpoint
		}
		if s.Number > 0 {
			line += fmt.Sprintf(" #%d", s.Number)
		}
		all = append(all, line)
	}
	return all
}

func TestSearch_ByOutcome(t *testing.T) {
	t.Parallel()
	for _, db := range databases() {
		t.Run(db.name, func(t *testing.T) {
			t.Parallel()
			place := db.of(t)
			w := newWorld()
			all := map[string]gateway.Pos{}
			var evs []*event.Event
			for n := 1; n <= 40; n++ {
				ev := message(n, "alice", group("g1"))
				all[ev.ID] = gateway.NewPos(w.journal.keep(began.Add(time.Duration(n)*time.Second), ev), 0)
				evs = append(evs, ev)
			}
			// e5 is parked, e9 was and is not any more, e7 is tried again, e8 failed once and arrived, e6 expired.
			w.attempts.keep(t, began, attempt(evs[6], all["e7"], 1, began.Add(time.Minute)), attempt(evs[7], all["e8"], 1, began.Add(time.Minute)))
			w.letters.park(gateway.DeadLetter{Endpoint: "shop/backend", Pos: all["e5"], Event: evs[4], Reason: gateway.ReasonStatus4xx, Attempts: 3, At: began.Add(time.Minute)})
			gone := w.letters.park(gateway.DeadLetter{Endpoint: "shop/backend", Pos: all["e9"], Event: evs[8], Reason: gateway.ReasonStatus4xx, Attempts: 3, At: began.Add(time.Minute)})
			w.stands = func(_ string, p gateway.Pos, _ event.Lane) gateway.Standing {
				switch {
				case p == all["e7"]:
					return gateway.Standing{Where: gateway.StandsOpen, Attempts: 1, DueAt: began.Add(time.Hour)}
				case p >= all["e30"]:
					return gateway.Standing{Where: gateway.StandsUnread}
				}
				return gateway.Standing{Where: gateway.StandsFinished}
			}
			c := w.config()
			place(&c)
			c.chunkEvents = 8
			h := start(t, c)
			done := func(id string, kind gateway.OutcomeKind) {
				h.Record(gateway.Attempt{Endpoint: "shop/backend", Pos: all[id], N: 1, At: began.Add(2 * time.Minute), Outcome: gateway.Outcome{Kind: kind}})
			}
			done("e6", gateway.Expired)
			done("e8", gateway.Delivered)
			done("e10", gateway.Delivered)
			done("e11", gateway.Untranslatable)
			current(t, h, 40)
			eventually(t, func() error {
				if got := ids(find(t, h, Query{Outcome: Parked})); !slices.Equal(got, []string{"e9", "e5"}) {
					return fmt.Errorf("parked are %v", got)
				}
				return nil
			})
			w.letters.remove(gone)
			for _, test := range []struct {
				q    Query
				want []string
			}{
				{Query{Outcome: Parked}, []string{"e5"}},
				{Query{Outcome: Parked, User: "alice", Endpoint: "shop/backend"}, []string{"e5"}},
				{Query{Outcome: Parked, Endpoint: "shop/other"}, []string{}},
				{Query{Outcome: Removed}, []string{"e9"}},
				{Query{Outcome: Retrying}, []string{"e7"}},
				{Query{Outcome: Failed}, []string{"e8", "e7"}},
				{Query{Outcome: Expired}, []string{"e6"}},
				{Query{Outcome: Delivered}, []string{"e10", "e8"}},
				{Query{Outcome: LeftOut}, []string{"e11"}},
				{Query{Outcome: Waiting, Limit: 3}, []string{"e40", "e39", "e38"}},
			} {
				eventually(t, func() error {
					if diff := cmp.Diff(test.want, ids(find(t, h, test.q))); diff != "" {
						return fmt.Errorf("%+v (-want +got):\n%s", test.q, diff)
					}
					return nil
				})
			}
		})
	}
}

func TestHistory_TakesNamesThatNoDatabaseDoes(t *testing.T) {
	t.Parallel()
	for _, db := range databases() {
		t.Run(db.name, func(t *testing.T) {
			t.Parallel()
			place := db.of(t)
			w := newWorld()
			hostile := []string{"nul\x00nul", "\xff\xfe", "'; DROP TABLE event; --", "\u202egnp.exe", string(make([]byte, 100_000))}
			for n, name := range hostile {
				ev := message(n, name, group(name))
				ev.ID, ev.Message.ID, ev.Command, ev.Links = name+"e", name+"m", name, []string{"message:" + name}
				w.journal.keep(began, ev)
			}
			c := w.config()
			place(&c)
			h := start(t, c)
			current(t, h, len(hostile))
			for _, name := range hostile {
				if f := find(t, h, Query{User: name, Group: name, ID: name + "m"}); len(f.Hits) != 1 {
					t.Errorf("%.20q finds %d events", name, len(f.Hits))
				}
				if _, err := h.Story(t.Context(), name+"e"); err != nil {
					t.Errorf("the story of %.20q: %v", name, err)
				}
			}
		})
	}
}

func TestMetrics_AreThere(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	c := newWorld().config()
	c.Dir, c.Metrics = t.TempDir(), reg
	start(t, c)
	all, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, m := range all {
		names = append(names, m.GetName())
	}
	if !slices.Contains(names, "imhook_history_lag_seconds") {
		t.Errorf("metrics are %v", names)
	}
}
