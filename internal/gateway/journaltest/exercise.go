package journaltest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// Journal is what the stages use.
type Journal interface {
	Append(ctx context.Context, a gateway.Arrival) (gateway.Kept, error)
	Page(ctx context.Context, seq uint64) (*gateway.Page, error)
	Tail(ctx context.Context, from uint64, fn func(*gateway.Page)) error
	Bounds(ctx context.Context) (first, last, bytes uint64, err error)
	BytesFrom(seq uint64) uint64
	SeqAt(ctx context.Context, t time.Time) (uint64, error)
	Save(ctx context.Context, key string, value []byte) error
	Load(ctx context.Context) (map[string][]byte, error)
	Drop(ctx context.Context, key string) error
	Park(ctx context.Context, d gateway.DeadLetter) error
	DeadLetter(ctx context.Context, seq uint64) (gateway.DeadLetter, error)
	NextDeadLetter(ctx context.Context, seq uint64, endpoint string) (gateway.DeadLetter, error)
	DeadLetterBounds(ctx context.Context) (first, last, n uint64, err error)
	RemoveDeadLetter(ctx context.Context, seq uint64) (bool, error)
	Close(ctx context.Context) error
}

// Open opens the journal that is kept at place, an empty directory or what an
// earlier journal left there. It takes bodies of up to 1 MiB.
type Open func(t *testing.T, place string) Journal

// patience is how long something that must happen may take.
const patience = 20 * time.Second

// Exercise runs the suite.
func Exercise(t *testing.T, open Open) {
	t.Helper()
	for _, c := range []struct {
		name string
		run  func(t *testing.T, open Open)
	}{
		{"EmptyHasNoPage", emptyHasNoPage},
		{"KeptIsReadBackWholeAlsoAfterReopening", keptIsReadBack},
		{"TailIsInOrderAndWithoutGap", tailInOrder},
		{"CallersKeepTheirOwnOrder", callersKeepOrder},
		{"DuplicatesAreKeptOnce", duplicates},
		{"DuplicatesAtOnceAreKeptOnce", duplicatesAtOnce},
		{"DuplicatesAreNamed", duplicatesNamed},
		{"SignatureIsGuarded", guard},
		{"TooLargeKeepsNothing", tooLarge},
		{"PositionsAreKept", positions},
		{"DeadLettersAreKept", deadLetters},
		{"ClosedRefuses", closed},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(t, open)
		})
	}
}

// at opens the journal of place and closes it when the test ends, if the test did
// not.
func at(t *testing.T, open Open, place string) Journal {
	t.Helper()
	j := open(t, place)
	t.Cleanup(func() { closeJournal(t, j) })
	return j
}

func closeJournal(t *testing.T, j Journal) {
	t.Helper()
	if err := j.Close(context.Background()); err != nil {
		t.Errorf("Close: %v", err)
	}
}

// Event is the n-th of many different events, with every envelope field set.
func Event(n int) *event.Event {
	return &event.Event{
		ID: fmt.Sprint("event-", n), App: "garden", Source: "bench", Type: event.MessageSend, Phase: event.After,
		Time: time.UnixMilli(1790000000000 + int64(n)).UTC(), Dialect: "openim", Generation: "v3.7", Command: "afterSendGroupMsg",
		Trace: "00-1f2e3d4c5b6a79881f2e3d4c5b6a7988-1122334455667788-01",
		Lane:  event.NewLane(event.KindGroup, fmt.Sprint("bed|", n%5)), Links: []string{fmt.Sprint("m:", n), "s:1"},
		Dedupe: fmt.Sprint("d", n), Echo: n%2 == 1,
		Raw: event.Raw{
			Dialect: "openim", Path: "/afterSendGroupMsg", Query: "contenttype=101", ContentType: "application/json",
			Body: []byte(fmt.Sprintf(`{"n":%d,"bytes":"\x00\u00ff"}`, n)),
		},
	}
}

func arrival(evs ...*event.Event) gateway.Arrival { return gateway.Arrival{Events: evs} }

func keep(t *testing.T, j Journal, a gateway.Arrival, want gateway.Kept) {
	t.Helper()
	if got, err := j.Append(t.Context(), a); got != want || err != nil {
		t.Errorf("Append of %d events = %+v, %v; want %+v", len(a.Events), got, err, want)
	}
}

func refuse(t *testing.T, j Journal, a gateway.Arrival, want error) {
	t.Helper()
	if got, err := j.Append(t.Context(), a); !errors.Is(err, want) || got != (gateway.Kept{}) {
		t.Errorf("Append of %d events = %+v, %v; want %v", len(a.Events), got, err, want)
	}
}

func read(t *testing.T, j Journal) (evs []*event.Event) {
	t.Helper()
	for seq := uint64(0); ; {
		p, err := j.Page(t.Context(), seq)
		if errors.Is(err, gateway.ErrNoPage) {
			return evs
		}
		if err != nil {
			t.Fatalf("Page(%d): %v", seq, err)
		}
		if p.Seq < seq {
			t.Fatalf("Page(%d) is page %d", seq, p.Seq)
		}
		evs = append(evs, p.Events...)
		seq = p.Seq + 1
	}
}

func emptyHasNoPage(t *testing.T, open Open) {
	t.Helper()
	j := at(t, open, t.TempDir())
	if _, err := j.Page(t.Context(), 0); !errors.Is(err, gateway.ErrNoPage) {
		t.Errorf("Page = %v, want ErrNoPage", err)
	}
	if _, err := j.SeqAt(t.Context(), time.Unix(0, 0)); !errors.Is(err, gateway.ErrNoPage) {
		t.Errorf("SeqAt = %v, want ErrNoPage", err)
	}
	first, last, bytes, err := j.Bounds(t.Context())
	if first != 1 || last != 0 || bytes != 0 || err != nil {
		t.Errorf("Bounds = %d, %d, %d, %v; want 1, 0, 0", first, last, bytes, err)
	}
	keep(t, j, gateway.Arrival{}, gateway.Kept{})
}

func keptIsReadBack(t *testing.T, open Open) {
	t.Helper()
	place := t.TempDir()
	j := at(t, open, place)
	bare := &event.Event{ID: "bare", Phase: event.After}
	want := []*event.Event{Event(0), Event(1), bare, Event(2)}
	begin := time.Now().Add(-time.Minute)
	keep(t, j, arrival(want...), gateway.Kept{Stored: 4})
	check := func(when string) {
		t.Helper()
		if diff := cmp.Diff(want, read(t, j)); diff != "" {
			t.Errorf("%s (-kept +read):\n%s", when, diff)
		}
		first, last, bytes, err := j.Bounds(t.Context())
		if first != 1 || last != 1 || bytes == 0 || err != nil {
			t.Errorf("%s Bounds = %d, %d, %d, %v; want one page", when, first, last, bytes, err)
		}
		if all, none := j.BytesFrom(1), j.BytesFrom(2); all == 0 || none != 0 {
			t.Errorf("%s BytesFrom(1) = %d and BytesFrom(2) = %d, want some and none", when, all, none)
		}
		if seq, err := j.SeqAt(t.Context(), begin); seq != 1 || err != nil {
			t.Errorf("%s SeqAt = %d, %v; want 1", when, seq, err)
		}
	}
	check("at once")
	closeJournal(t, j)
	j = at(t, open, place)
	check("after reopening")
}

// tailing follows the journal and hands out the ids of the events.
func tailing(t *testing.T, j Journal, from uint64) <-chan string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ids, done := make(chan string, 1<<16), make(chan error, 1)
	go func() {
		last := uint64(0)
		done <- j.Tail(ctx, from, func(p *gateway.Page) {
			if p.Seq < from || p.Seq <= last {
				t.Errorf("page %d came after page %d, from %d on", p.Seq, last, from)
			}
			last = p.Seq
			for _, ev := range p.Events {
				ids <- ev.ID
			}
		})
	}()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-done:
			if !errors.Is(err, context.Canceled) {
				t.Errorf("Tail = %v, want context.Canceled", err)
			}
		case <-time.After(patience):
			t.Error("Tail goes on although its context ended")
		}
	})
	return ids
}

func take(t *testing.T, ids <-chan string, n int) []string {
	t.Helper()
	var got []string
	deadline := time.After(patience)
	for len(got) < n {
		select {
		case id := <-ids:
			got = append(got, id)
		case <-deadline:
			t.Fatalf("the tail gave %d of %d events", len(got), n)
		}
	}
	return got
}

func tailInOrder(t *testing.T, open Open) {
	t.Helper()
	const each = 100
	place := t.TempDir()
	j := at(t, open, place)
	var want []string
	add := func() {
		for range each {
			ev := Event(len(want))
			keep(t, j, arrival(ev), gateway.Kept{Stored: 1})
			want = append(want, ev.ID)
		}
	}
	add()
	closeJournal(t, j)
	j = at(t, open, place)
	ids := tailing(t, j, 1) // what is there already
	add()                   // and what comes
	if diff := cmp.Diff(want, take(t, ids, 2*each)); diff != "" {
		t.Errorf("from the begin (-kept +read):\n%s", diff)
	}
	if diff := cmp.Diff(want[each:], take(t, tailing(t, j, each+1), each)); diff != "" {
		t.Errorf("from the middle (-kept +read):\n%s", diff)
	}
}

func callersKeepOrder(t *testing.T, open Open) {
	t.Helper()
	const callers, each = 8, 50
	j := at(t, open, t.TempDir())
	ids := tailing(t, j, 1)
	var wg sync.WaitGroup
	for caller := range callers {
		wg.Go(func() {
			for n := range each {
				ev := Event(caller*each + n)
				ev.ID = fmt.Sprintf("%d/%03d", caller, n)
				keep(t, j, arrival(ev), gateway.Kept{Stored: 1})
			}
		})
	}
	wg.Wait()
	tailed := take(t, ids, callers*each)
	var paged []string
	for _, ev := range read(t, j) {
		paged = append(paged, ev.ID)
	}
	if diff := cmp.Diff(paged, tailed); diff != "" {
		t.Errorf("pages and tail differ (-pages +tail):\n%s", diff)
	}
	last := map[byte]string{}
	for _, id := range paged {
		if id <= last[id[0]] {
			t.Errorf("%s came after %s", id, last[id[0]])
		}
		last[id[0]] = id
	}
}

func duplicates(t *testing.T, open Open) {
	t.Helper()
	place := t.TempDir()
	j := at(t, open, place)
	other := Event(0)
	other.Source = "another"
	unkeyed := Event(7)
	unkeyed.Dedupe = ""
	keep(t, j, arrival(Event(0)), gateway.Kept{Stored: 1})
	keep(t, j, arrival(Event(0)), gateway.Kept{Duplicates: 1})
	keep(t, j, arrival(Event(0), Event(1), Event(1), Event(2)), gateway.Kept{Stored: 2, Duplicates: 2})
	keep(t, j, arrival(other), gateway.Kept{Stored: 1})
	keep(t, j, arrival(unkeyed), gateway.Kept{Stored: 1})
	keep(t, j, arrival(unkeyed), gateway.Kept{Stored: 1})
	closeJournal(t, j)
	j = at(t, open, place)
	keep(t, j, arrival(Event(2), Event(3)), gateway.Kept{Stored: 1, Duplicates: 1})
	if n := len(read(t, j)); n != 7 {
		t.Errorf("%d events are stored, want 7", n)
	}
}

func duplicatesNamed(t *testing.T, open Open) {
	t.Helper()
	j := at(t, open, t.TempDir())
	keep(t, j, arrival(Event(1)), gateway.Kept{Stored: 1})
	unkeyed := Event(9)
	unkeyed.Dedupe = ""
	signed := gateway.Guard{Key: event.Hash("n"), Sum: event.Hash("b")}
	for _, want := range [][]bool{{false, true, false, true, false}, {true, true, true, true, true}} {
		a := arrival(Event(0), Event(1), Event(2), Event(2), unkeyed)
		a.Guard, a.Repeated = signed, make([]bool, len(a.Events))
		if _, err := j.Append(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, a.Repeated); diff != "" {
			t.Errorf("repeated (-want +got):\n%s", diff)
		}
	}
}

func duplicatesAtOnce(t *testing.T, open Open) {
	t.Helper()
	const callers, n = 8, 50
	j := at(t, open, t.TempDir())
	var mu sync.Mutex
	var total gateway.Kept
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for i := range n {
				kept, err := j.Append(t.Context(), arrival(Event(i)))
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				total.Stored += kept.Stored
				total.Duplicates += kept.Duplicates
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if total != (gateway.Kept{Stored: n, Duplicates: (callers - 1) * n}) {
		t.Errorf("kept %+v, want each of %d once", total, n)
	}
	if got := len(read(t, j)); got != n {
		t.Errorf("%d events are stored, want %d", got, n)
	}
}

func guard(t *testing.T, open Open) {
	t.Helper()
	place := t.TempDir()
	j := at(t, open, place)
	signed := func(nonce, body string, evs ...*event.Event) gateway.Arrival {
		return gateway.Arrival{Events: evs, Guard: gateway.Guard{Key: event.Hash(nonce), Sum: event.Hash(body)}}
	}
	unkeyed := Event(1)
	unkeyed.Dedupe = ""
	keep(t, j, signed("n1", "b1", Event(0), unkeyed), gateway.Kept{Stored: 2})
	keep(t, j, signed("n1", "b1", Event(0), unkeyed), gateway.Kept{Duplicates: 2})
	keep(t, j, signed("n2", "b1", Event(0)), gateway.Kept{Duplicates: 1})
	for range 2 {
		refuse(t, j, signed("n1", "b2", Event(2)), gateway.ErrReplayed)
		refuse(t, j, signed("n2", "b2", Event(2), Event(3)), gateway.ErrReplayed)
		if n := len(read(t, j)); n != 2 {
			t.Errorf("%d events are stored, want 2", n)
		}
		closeJournal(t, j)
		j = at(t, open, place)
	}
	keep(t, j, signed("n3", "b2", Event(2)), gateway.Kept{Stored: 1})
}

func tooLarge(t *testing.T, open Open) {
	t.Helper()
	j := at(t, open, t.TempDir())
	large := Event(1)
	large.Raw.Body = make([]byte, 1<<20+1)
	refuse(t, j, arrival(Event(0), large), gateway.ErrTooLarge)
	if n := len(read(t, j)); n != 0 {
		t.Errorf("%d events of the refused arrival are stored", n)
	}
	large.Raw.Body = large.Raw.Body[1:]
	keep(t, j, arrival(Event(0), large), gateway.Kept{Stored: 2})
}

func positions(t *testing.T, open Open) {
	t.Helper()
	place := t.TempDir()
	j := at(t, open, place)
	want := map[string][]byte{}
	for _, key := range []string{"", "plain", "a.b", "*", ">", "a b\r\n", "\x00\x7f", "garten/bäume"} {
		for _, value := range []string{"old", "new\x00" + key} {
			if err := j.Save(t.Context(), key, []byte(value)); err != nil {
				t.Fatalf("Save(%q): %v", key, err)
			}
			want[key] = []byte(value)
		}
	}
	for _, key := range []string{"a.b", "*", "never there"} {
		if err := j.Drop(t.Context(), key); err != nil {
			t.Fatalf("Drop(%q): %v", key, err)
		}
		delete(want, key)
	}
	for _, when := range []string{"at once", "after reopening"} {
		got, err := j.Load(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s %d keys (-saved +loaded):\n%s", when, len(slices.Collect(maps.Keys(got))), diff)
		}
		closeJournal(t, j)
		j = at(t, open, place)
	}
}

func deadLetters(t *testing.T, open Open) {
	t.Helper()
	place := t.TempDir()
	j := at(t, open, place)
	letter := func(endpoint string, n int) gateway.DeadLetter {
		return gateway.DeadLetter{
			Endpoint: endpoint, Pos: gateway.NewPos(uint64(n+1), n), Event: Event(n), Reason: gateway.ReasonStatus4xx,
			Detail: "no such bed", Attempts: n + 1, Repeat: event.Requeued, FirstAt: time.Unix(int64(1790000000+n), 0).UTC(), At: time.Unix(int64(1790000100+n), 0).UTC(),
			Exchange: &gateway.Exchange{URL: "http://garden.example/hook", Request: "{}", Status: 404, Response: "none"},
		}
	}
	a0, b1, a2 := letter("garden/a.*", 0), letter("garden/b", 1), letter("garden/a.*", 2)
	for _, d := range []gateway.DeadLetter{a0, b1, a2} {
		if err := j.Park(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	a0.Seq, b1.Seq, a2.Seq = 1, 2, 3
	check := func(when string, wants map[string][]gateway.DeadLetter, n uint64) {
		t.Helper()
		for endpoint, want := range wants {
			if diff := cmp.Diff(want, letters(t, j, endpoint)); diff != "" {
				t.Errorf("%s: dead letters of %q (-want +got):\n%s", when, endpoint, diff)
			}
		}
		if _, last, got, err := j.DeadLetterBounds(t.Context()); got != n || last != 3 || err != nil {
			t.Errorf("%s: %d dead letters up to %d, %v; want %d up to 3", when, got, last, err, n)
		}
	}
	reopen := func() {
		closeJournal(t, j)
		j = at(t, open, place)
	}
	kept := map[string][]gateway.DeadLetter{"": {a0, b1, a2}, "garden/a.*": {a0, a2}, "garden/b": {b1}, "garden/none": nil}
	check("at once", kept, 3)
	reopen()
	check("after reopening", kept, 3)

	for _, there := range []bool{true, false} {
		if was, err := j.RemoveDeadLetter(t.Context(), 1); was != there || err != nil {
			t.Errorf("RemoveDeadLetter = %v, %v; want %v", was, err, there)
		}
	}
	if _, err := j.DeadLetter(t.Context(), 1); !errors.Is(err, gateway.ErrNoLetter) {
		t.Errorf("DeadLetter that was removed = %v, want ErrNoLetter", err)
	}
	if got, err := j.DeadLetter(t.Context(), 2); err != nil || !cmp.Equal(b1, got) {
		t.Errorf("DeadLetter = %+v, %v; want %+v", got, err, b1)
	}
	left := map[string][]gateway.DeadLetter{"": {b1, a2}, "garden/a.*": {a2}}
	check("after removal", left, 2)
	reopen()
	check("after removal and reopening", left, 2)
}

// letters are the dead letters of an endpoint, in their order.
func letters(t *testing.T, j Journal, endpoint string) (all []gateway.DeadLetter) {
	t.Helper()
	for seq := uint64(0); ; {
		d, err := j.NextDeadLetter(t.Context(), seq, endpoint)
		if errors.Is(err, gateway.ErrNoLetter) {
			return all
		}
		if err != nil {
			t.Fatalf("NextDeadLetter(%d): %v", seq, err)
		}
		all, seq = append(all, d), d.Seq+1
	}
}

func closed(t *testing.T, open Open) {
	t.Helper()
	j := at(t, open, t.TempDir())
	keep(t, j, arrival(Event(0)), gateway.Kept{Stored: 1})
	closeJournal(t, j)
	refuse(t, j, arrival(Event(1)), gateway.ErrUnavailable)
	closeJournal(t, j) // again does no harm
}
