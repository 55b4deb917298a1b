package trail

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"go.uber.org/goleak"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/chronicle"
	"github.com/imhook/imhook/internal/gateway"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func start(t *testing.T, s chronicle.Store) *Trail {
	t.Helper()
	tr, err := New(Config{Store: s, Metrics: prometheus.NewRegistry()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tr.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return tr
}

func number(t *testing.T, c prometheus.Counter) int {
	t.Helper()
	var m dto.Metric
	if err := c.Write(&m); err != nil {
		t.Fatal(err)
	}
	return int(m.GetCounter().GetValue())
}

// ids are the events of what q finds, over all its pages.
func ids(t *testing.T, tr *Trail, q Query) string {
	t.Helper()
	if q.Limit == 0 {
		q.Limit = 1000
	}
	var all []string
	for {
		f, err := tr.Find(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range f.Entries {
			all = append(all, e.Event.ID)
		}
		if f.Next == 0 {
			return strings.Join(all, " ")
		}
		q.Before = f.Next
	}
}

func TestRecord_LingersAndSharesAPage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &memory{}
		tr := start(t, m)
		tr.Record(message("a"))
		<-time.After(chronicle.Linger - time.Millisecond)
		tr.Record(message("b"))
		synctest.Wait()
		if n := m.count(); n != 0 {
			t.Errorf("%d pages before the first one's time is over, want none", n)
		}
		<-time.After(time.Millisecond)
		synctest.Wait()
		if n := m.count(); n != 1 {
			t.Errorf("%d pages, want one", n)
		}
		if got := ids(t, tr, Query{}); got != "b a" {
			t.Errorf("found %q, want b a", got)
		}
		if n := number(t, tr.kept); n != 2 {
			t.Errorf("kept = %d, want 2", n)
		}
		_ = tr.Stop(t.Context())
	})
}

func TestRecord_FullPageDoesNotWait(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		n    int
		text string
	}{
		"by count": {1 + chronicle.PageCount, "x"},
		"by bytes": {1 + 2*chronicle.Lot, strings.Repeat("x", 10<<10)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := &memory{}
				tr := start(t, m)
				for i := range tt.n {
					tr.Record(message(fmt.Sprint(i), asked("h", event.Verdict{Action: event.Deny}, gateway.CauseHook), func(d *gateway.Decision) {
						var parts []event.Message
						for s := tt.text; s != ""; s = s[min(len(s), 1000):] {
							parts = append(parts, event.Message{Kind: event.Text, Text: s[:min(len(s), 1000)]})
						}
						d.Event.Message.Parts = parts
					}))
					synctest.Wait() // no time has passed: the first one and then whole lots were taken
				}
				if n := m.count(); n != 1 {
					t.Errorf("%d pages at once, want one", n)
				}
				if size := len(m.pages[0].data); size > chronicle.PageBytes+maxEntry+100 {
					t.Errorf("page of %d bytes, want at most one entry more than %d", size, chronicle.PageBytes)
				}
				_ = tr.Stop(t.Context())
			})
		})
	}
}

func TestRecord_NeverWaitsAndCountsWhatIsLost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hold := make(chan struct{})
		called := 0
		m := &memory{fail: func() error { called++; <-hold; return nil }}
		tr := start(t, m)
		// The first page fills and is held up; behind it the queue fills.
		n := 0
		for ; called == 0; n++ {
			tr.Record(message(fmt.Sprint(n)))
			synctest.Wait()
		}
		for range chronicle.QueueCount + 100 {
			tr.Record(message(fmt.Sprint(n)))
			n++
		}
		if lost := number(t, tr.lost); lost != 100 {
			t.Errorf("lost = %d, want 100", lost)
		}
		close(hold)
		if err := tr.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		if kept := number(t, tr.kept); kept != n-100 {
			t.Errorf("kept = %d, want %d: what was taken is kept when it ends", kept, n-100)
		}
		tr.Record(message("late"))
		if lost := number(t, tr.lost); lost != 101 {
			t.Errorf("lost = %d after the end, want 101", lost)
		}
		if held := tr.book.Held(); held != 0 {
			t.Errorf("%d bytes are thought to be in an empty queue", held)
		}
	})
}

func TestRecord_BoundsTheMemoryOfTheQueue(t *testing.T) {
	t.Parallel()
	body, words := make([]byte, 1<<20), strings.Repeat("x", 1<<20)
	hook := func(v event.Verdict) func(*gateway.Decision) { return asked("h", v, gateway.CauseHook) }
	for name, change := range map[string]func(*gateway.Decision){
		"body":    func(d *gateway.Decision) { d.Event.Raw.Body = body },
		"reason":  hook(event.Verdict{Action: event.Deny, Reason: words}),
		"refused": hook(event.Verdict{Action: event.Allow, Refused: []event.Refusal{{ID: "m", Reason: words}}}),
		"custom": hook(event.Verdict{Action: event.Rewrite, Changes: &event.Changes{
			Message: &event.Message{Parts: []event.Message{{Custom: &event.Payload{Data: words}}}},
		}}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				hold := make(chan struct{})
				called := 0
				m := &memory{fail: func() error { called++; <-hold; return nil }}
				tr := start(t, m)
				for n := 0; called == 0; n++ {
					tr.Record(message(fmt.Sprint(n)))
					synctest.Wait()
				}
				for i := range 100 {
					tr.Record(message(fmt.Sprint(i), change))
				}
				if lost := number(t, tr.lost); lost < 30 || lost > 40 {
					t.Errorf("%d of 100 MiB were lost, and the queue has room for %d", lost, chronicle.QueueBytes>>20)
				}
				if held := tr.book.Held(); held > chronicle.QueueBytes {
					t.Errorf("queue holds %d bytes, want at most %d", held, chronicle.QueueBytes)
				}
				close(hold)
				_ = tr.Stop(t.Context())
			})
		})
	}
}

func TestKeep_TriesAgainWhatMayHelpAndGivesUpWhatWillNot(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		err        error
		times      int
		kept, lost int
	}{
		"unavailable for a moment": {gateway.ErrUnavailable, 3, 1, 0},
		"unavailable for long":     {gateway.ErrUnavailable, 1000, 0, 1},
		"no room":                  {gateway.ErrFull, 1, 0, 1},
		"refused":                  {errors.New("no"), 1, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				times := 0
				m := &memory{fail: func() error {
					if times++; times <= tt.times {
						return tt.err
					}
					return nil
				}}
				tr := start(t, m)
				tr.Record(message("a"))
				<-time.After(2 * chronicle.Persist)
				synctest.Wait()
				if kept, lost := number(t, tr.kept), number(t, tr.lost); kept != tt.kept || lost != tt.lost {
					t.Errorf("kept %d and lost %d, want %d and %d", kept, lost, tt.kept, tt.lost)
				}
				_ = tr.Stop(t.Context())
			})
		})
	}
}

func TestStop_EndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &memory{fail: func() error { return gateway.ErrUnavailable }}
		tr, err := New(Config{Store: m})
		if err != nil {
			t.Fatal(err)
		}
		tr.Record(message("a"))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := tr.Stop(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Stop = %v, want that its time was over", err)
		}
		if n := number(t, tr.lost); n != 1 {
			t.Errorf("lost = %d, want 1", n)
		}
	})
}

func TestFind_Narrows(t *testing.T) {
	t.Parallel()
	m := &memory{}
	tr := start(t, m)
	base := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	at := func(minute int) func(*gateway.Decision) {
		return func(d *gateway.Decision) { d.Begin = base.Add(time.Duration(minute) * time.Minute) }
	}
	keep := func(d gateway.Decision) {
		m.pages = append(m.pages, kept{pageOf(t, d), d.Begin.Add(chronicle.Linger)})
	}
	deny := event.Verdict{Action: event.Deny, Code: 5001, Reason: `no "spam"`}
	keep(message("a", at(0), asked("words", event.Allowed(), gateway.CauseHook), asked("mod", event.Allowed(), gateway.CauseTimeout)))
	keep(message("b", at(1), asked("words", deny, gateway.CauseHook)))
	keep(message("c", at(2), func(d *gateway.Decision) { d.Event.App, d.Event.Source = "other", "im2" }))
	keep(message("d", at(3), asked("mod", event.Verdict{Action: event.Drop}, gateway.CauseCache), func(d *gateway.Decision) {
		d.Event.Type, d.Event.Message, d.Event.Links = "group.join", nil, nil
		d.Event.Members = []event.Member{{ID: "bob"}}
		d.Event.Actor = nil
		c := event.Direct("bob", "carol")
		d.Event.Conversation, d.Event.Lane = &c, c.Lane()
	}))
	for name, tt := range map[string]struct {
		q    Query
		want string
	}{
		"all":           {Query{}, "d c b a"},
		"app":           {Query{App: "other"}, "c"},
		"source":        {Query{Source: "im"}, "d b a"},
		"hook":          {Query{Hook: "mod"}, "d a"},
		"verdict":       {Query{Verdict: event.Deny}, "b"},
		"cause":         {Query{Cause: gateway.CauseTimeout}, "a"},
		"nobody":        {Query{Cause: gateway.CauseNone}, "c"},
		"hook's cause":  {Query{Hook: "words", Cause: gateway.CauseTimeout}, ""},
		"its own cause": {Query{Hook: "mod", Cause: gateway.CauseTimeout}, "a"},
		"conversation":  {Query{Lane: "group:g1"}, "c b a"},
		"actor":         {Query{User: "alice"}, "c b a"},
		"member":        {Query{User: "bob"}, "d"},
		"peer":          {Query{User: "carol"}, "d"},
		"event":         {Query{ID: "b"}, "b"},
		"message":       {Query{ID: "m-b"}, "b"},
		"link":          {Query{ID: "seq:b"}, "b"},
		"any link":      {Query{Links: []string{"seq:a", "msg:m-c", "x"}}, "c a"},
		"type":          {Query{Match: func(ev *event.Event) bool { return ev.Type == "group.join" }}, "d"},
		"since":         {Query{Since: base.Add(90 * time.Second)}, "d c"},
		"until":         {Query{Until: base.Add(90 * time.Second)}, "b a"},
		"between":       {Query{Since: base.Add(30 * time.Second), Until: base.Add(90 * time.Second)}, "b"},
		"two things":    {Query{Source: "im", User: "alice", Verdict: event.Allow}, "a"},
		"none":          {Query{ID: "m-"}, ""},
	} {
		if got := ids(t, tr, tt.q); got != tt.want {
			t.Errorf("%s: found %q, want %q", name, got, tt.want)
		}
	}
}

func TestFind_CursorsReachEverythingOnce(t *testing.T) {
	t.Parallel()
	m := &memory{}
	tr := start(t, m)
	var want []string
	for page := range 5 {
		var three []gateway.Decision
		for i := range 3 {
			id := fmt.Sprint(page*3 + i)
			three = append(three, message(id))
			want = append([]string{id}, want...)
		}
		m.pages = append(m.pages, kept{pageOf(t, three...), time.Now()})
	}
	for limit := 1; limit <= 16; limit++ {
		if got := ids(t, tr, Query{Limit: limit}); got != strings.Join(want, " ") {
			t.Errorf("by %d: %q, want %q", limit, got, want)
		}
	}
	// After a cursor there is what came since; after the newest nothing.
	f, err := tr.Find(t.Context(), Query{Limit: 4})
	if err != nil {
		t.Fatal(err)
	}
	if got := ids(t, tr, Query{After: f.Newest}); got != "" {
		t.Errorf("after the newest: %q, want nothing", got)
	}
	if got, older := ids(t, tr, Query{After: f.Next - 1}), "14 13 12 11"; got != older {
		t.Errorf("after the fifth: %q, want %q", got, older)
	}
	// What leaves from the front while somebody looks is not missed, it is gone.
	m.dropped = 3
	if got := ids(t, tr, Query{Limit: 2}); got != "14 13 12 11 10 9" {
		t.Errorf("of what is left: %q", got)
	}
}

func TestFind_SkipsWhatItCannotRead(t *testing.T) {
	t.Parallel()
	m := &memory{}
	tr := start(t, m)
	pages := make([][]byte, 6)
	for i := range pages {
		pages[i] = pageOf(t, message(fmt.Sprint(i*2)), message(fmt.Sprint(i*2+1)))
	}
	pages[1][0] = 99                                                                  // of a newer imhook
	pages[2] = pages[2][:len(pages[2])-1]                                             // cut
	pages[3] = nil                                                                    // lost
	pages[4] = []byte(strings.Replace(string(pages[4]), `{"event":`, `{"event";`, 1)) // one entry of two
	for _, p := range pages {
		m.pages = append(m.pages, kept{p, time.Now()})
	}
	if got := ids(t, tr, Query{}); got != "11 10 9 1 0" {
		t.Errorf("found %q, want 11 10 9 1 0", got)
	}
	if n := number(t, tr.unreadable); n != 3 {
		t.Errorf("unreadable = %d, want 3", n)
	}
}

func TestFind_UntilDoesNotReadWhatIsNewer(t *testing.T) {
	t.Parallel()
	base := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	m := &counting{}
	tr := start(t, m)
	for i := range 10_000 {
		at := base.Add(time.Duration(i) * time.Minute)
		page := pageOf(t, message(fmt.Sprint(i), func(d *gateway.Decision) { d.Begin = at }))
		m.pages = append(m.pages, kept{page, at.Add(time.Second)})
	}
	if got := ids(t, tr, Query{Since: base.Add(10 * time.Minute), Until: base.Add(12 * time.Minute)}); got != "12 11 10" {
		t.Errorf("found %q, want 12 11 10", got)
	}
	if m.read > 50 {
		t.Errorf("%d pages were read for three minutes of a week", m.read)
	}
}

// A server may wait for minutes, and so may a hook in the shadow that is asked last:
// what was decided about long ago stands on a young page.
func TestFind_UntilReadsWhatTookLong(t *testing.T) {
	t.Parallel()
	base := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	m := &memory{}
	tr := start(t, m)
	for i, begin := range []time.Duration{0, 0, 10 * time.Minute} {
		page := pageOf(t, message(fmt.Sprint(i), func(d *gateway.Decision) { d.Begin = base.Add(begin) }))
		m.pages = append(m.pages, kept{page, base.Add(time.Duration(i) * 10 * time.Minute)})
	}
	if got := ids(t, tr, Query{Since: base.Add(-time.Minute), Until: base.Add(time.Minute)}); got != "1 0" {
		t.Errorf("found %q, want the one that was kept ten minutes later as well", got)
	}
}

// counting counts the pages that are read.
type counting struct {
	memory
	read int
}

func (c *counting) Page(ctx context.Context, seq uint64) ([]byte, time.Time, error) {
	c.read++
	return c.memory.Page(ctx, seq)
}

func TestFind_StopsAndSaysWhereToGoOn(t *testing.T) {
	t.Parallel()
	m := &memory{}
	tr := start(t, m)
	page := pageOf(t, message("x"))
	for range chronicle.MaxPages + 10 {
		m.pages = append(m.pages, kept{page, time.Now()})
	}
	f, err := tr.Find(t.Context(), Query{Limit: 10, ID: "none"})
	if err != nil || f.Next == 0 {
		t.Fatalf("a long search ended with Next %d, %v: it must stop", f.Next, err)
	}
	if got := f.Next.Seq(); got != 11 {
		t.Errorf("it goes on below page %d, want 11", got)
	}
	if f, err = tr.Find(t.Context(), Query{Limit: 10, ID: "none", Before: f.Next}); err != nil || f.Next != 0 {
		t.Errorf("the rest = %+v, %v, want the end", f, err)
	}
}

func TestNew_NeedsAStore(t *testing.T) {
	t.Parallel()
	if _, err := New(Config{}); err == nil {
		t.Error("New without a store was taken")
	}
}

func FuzzPage(f *testing.F) {
	f.Add(pageOf(f, message("a"), message("b", asked("h", event.Verdict{Action: event.Deny}, gateway.CauseHook))))
	f.Add([]byte{1, 0, 0, 0})
	f.Add([]byte{1, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		o, err := chronicle.OpenPage(b)
		if err != nil {
			if !errors.Is(err, chronicle.ErrPage) {
				t.Errorf("OpenPage = %v, want ErrPage in it", err)
			}
			return
		}
		for _, v := range o.Entries {
			if e, err := Parse(v); err == nil && e.Event == nil {
				t.Error("an entry without its event")
			}
		}
	})
}
