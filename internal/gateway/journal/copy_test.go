package journal

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
	"github.com/imhook/imhook/internal/natstest"
)

// content is all that a journal holds.
type content struct {
	Pages   []*gateway.Page
	Places  map[string][]byte
	Letters []gateway.DeadLetter
	First   uint64
	Last    uint64
}

func contentOf(t *testing.T, j *Journal) (c content) {
	t.Helper()
	var err error
	if c.First, c.Last, _, err = j.Bounds(t.Context()); err != nil {
		t.Fatal(err)
	}
	for seq := uint64(1); ; {
		p, err := j.Page(t.Context(), seq)
		if errors.Is(err, gateway.ErrNoPage) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		p.Time = p.Time.UTC()
		c.Pages = append(c.Pages, p)
		seq = p.Seq + 1
	}
	if c.Places, err = j.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.Letters = letters(t, j)
	return c
}

// source makes a journal with all that makes copying hard: its begin was trimmed,
// a page is missing in the middle and the last one too, positions are larger than
// a message. It returns what is in it.
func source(t *testing.T, dir string) content {
	t.Helper()
	j := open(t, dir)
	fillPages(t, j, 60, 10<<10)
	for _, key := range []string{"", "a.b", "*"} {
		if err := j.Save(t.Context(), key, []byte("at "+key)); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Save(t.Context(), "many", []byte(strings.Repeat("0123456789", 300_000))); err != nil {
		t.Fatal(err)
	}
	for n := range 5 {
		d := gateway.DeadLetter{Endpoint: "shop/a", Pos: gateway.NewPos(uint64(n+1), 0), Event: sample(n), Reason: gateway.ReasonGone, Attempts: 1, FirstAt: time.Unix(1, 0).UTC(), At: time.Unix(2, 0).UTC()}
		if err := j.Park(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	// One that is known to have come lately.
	if _, err := j.Append(t.Context(), gateway.Arrival{Events: []*event.Event{sample(1000)}}); err != nil {
		t.Fatal(err)
	}
	fillPages(t, j, 1, 10)
	e := j.engine.Load()
	for _, seq := range []uint64{30, 31, 62} {
		if err := e.pages.DeleteMsg(t.Context(), seq); err != nil {
			t.Fatal(err)
		}
	}
	j.SetFloor(11, true)
	j.reserve.Store(1 << 60) // trims what is finished
	if err := j.trim(t.Context()); err != nil {
		t.Fatal(err)
	}
	c := contentOf(t, j)
	if c.First != 11 || len(c.Pages) != 49 {
		t.Fatalf("the source has %d pages from %d on", len(c.Pages), c.First)
	}
	if err := j.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	return c
}

// same compares what a copy holds and whether it goes on as its source would have.
func same(t *testing.T, j *Journal, want content) {
	t.Helper()
	got := contentOf(t, j)
	if diff := cmp.Diff(want, got, cmp.Comparer(bytes.Equal)); diff != "" {
		t.Errorf("the copy differs (-want +got):\n%s", diff)
	}
	for _, p := range got.Pages[:3] {
		if seq, err := j.SeqAt(t.Context(), p.Time); seq != p.Seq || err != nil {
			t.Errorf("SeqAt of page %d = %d, %v", p.Seq, seq, err)
		}
	}
	if kept, err := j.Append(t.Context(), gateway.Arrival{Events: []*event.Event{sample(1000)}}); err != nil || kept.Duplicates != 1 {
		t.Errorf("an event that was copied came again: %+v, %v", kept, err)
	}
	if _, err := j.Append(t.Context(), gateway.Arrival{Events: []*event.Event{sample(2000)}}); err != nil {
		t.Errorf("Append = %v", err)
	}
	if _, last, _, err := j.Bounds(t.Context()); err != nil || last <= want.Last {
		t.Errorf("the next page is %d, %v; want one above %d", last, err, want.Last)
	}
	if err := j.Save(t.Context(), "many", []byte("fewer")); err != nil {
		t.Errorf("Save = %v", err)
	}
}

func copyAll(t *testing.T, from, to Config) Copied {
	t.Helper()
	done, err := Copy(t.Context(), from, to, nil)
	if err != nil {
		t.Fatal(err)
	}
	return done
}

func TestCopy_ThereAndBack(t *testing.T) {
	t.Parallel()
	n := natstest.Server(t, natstest.MaxPayload(1<<20))
	dir, back := t.TempDir(), t.TempDir()
	want := source(t, dir)
	there := Config{URL: n.URL(), Name: "moved"}
	done := copyAll(t, Config{Dir: dir, Reserve: 1}, there)
	if done.First != 11 || done.Last != 62 || done.Pages != 49 || done.Events != 49 || done.Positions != 4 || done.DeadLetters != 5 || done.Resumed || done.Sum == "" {
		t.Errorf("Copy = %+v", done)
	}
	// Back before anything is added, so that the content is the same.
	again := copyAll(t, there, Config{Dir: back, Reserve: 1})
	if again.Sum != done.Sum {
		t.Errorf("there %+v\nback %+v", done, again)
	}
	same(t, open(t, back), want)
	same(t, openAt(t, n.URL(), func(c *Config) { c.Name = "moved" }), want)
	// The source is as it was.
	j := open(t, dir)
	if diff := cmp.Diff(want, contentOf(t, j), cmp.Comparer(bytes.Equal)); diff != "" {
		t.Errorf("the source changed (-want +got):\n%s", diff)
	}
}

func TestCopy_ToACluster(t *testing.T) {
	t.Parallel()
	ns := natstest.Cluster(t, 3)
	dir := t.TempDir()
	want := source(t, dir)
	copyAll(t, Config{Dir: dir, Reserve: 1}, Config{URL: ns.URL(), Replicas: 3})
	same(t, openAt(t, ns.URL(), func(c *Config) { c.Replicas = 3 }), want)
}

func TestCopy_InterruptedIsGoneOnWith(t *testing.T) {
	t.Parallel()
	n := natstest.Server(t)
	dir := t.TempDir()
	want := source(t, dir)
	from, to := Config{Dir: dir, Reserve: 1}, Config{URL: n.URL()}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if done, err := Copy(ctx, from, to, func(Copied) { cancel() }); err == nil {
		t.Fatalf("Copy was not interrupted: %+v", done)
	}
	if _, err := tryAt(t, n.URL()); err == nil || !strings.Contains(err.Error(), "imhook journal copy") {
		t.Errorf("opening half a copy = %v, want what to do", err)
	}
	other := t.TempDir()
	source(t, other)
	if _, err := Copy(t.Context(), Config{Dir: other, Reserve: 1}, to, nil); err == nil || !strings.Contains(err.Error(), "not finished") {
		t.Errorf("another journal into half a copy = %v", err)
	}
	done := copyAll(t, from, to)
	if !done.Resumed {
		t.Errorf("Copy = %+v, want it resumed", done)
	}
	same(t, openAt(t, n.URL()), want)
}

func TestCopy_IsRefused(t *testing.T) {
	t.Parallel()
	n := natstest.Server(t)
	small := natstest.Server(t, natstest.MaxPayload(256<<10))
	full, free, used := t.TempDir(), t.TempDir(), t.TempDir()
	source(t, full)
	open(t, used)
	j := openAt(t, n.URL(), func(c *Config) { c.Name = "busy" })
	if _, err := j.Append(t.Context(), large(0)); err != nil {
		t.Fatal(err)
	}
	big := t.TempDir()
	b := open(t, big)
	fillPages(t, b, 1, 300<<10)
	if err := b.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name     string
		from, to Config
		want     string
	}{
		{"no source", Config{Dir: free}, Config{URL: n.URL(), Name: "a"}, "there is no journal"},
		{"no source on NATS", Config{URL: n.URL(), Name: "none"}, Config{Dir: free}, "there is no journal none"},
		{"source in use", Config{Dir: used}, Config{URL: n.URL(), Name: "b"}, "used by another gateway"},
		{"target in use", Config{Dir: full}, Config{URL: n.URL(), Name: "busy"}, "used by another gateway"},
		{"page too large", Config{Dir: big}, Config{URL: small.URL()}, "raise max_payload"},
	} {
		if _, err := Copy(t.Context(), c.from, c.to, nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: Copy = %v, want %q", c.name, err, c.want)
		}
	}
	if _, err := os.Stat(filepath.Join(free, "journal")); err == nil {
		t.Error("a journal was made where there was none to copy")
	}
	if err := j.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if _, err := Copy(t.Context(), Config{Dir: full}, Config{URL: n.URL(), Name: "busy"}, nil); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("copying into what is not empty = %v", err)
	}
}

func letter(n int) gateway.DeadLetter {
	return gateway.DeadLetter{Endpoint: "shop/e", Pos: gateway.NewPos(1, n), Event: sample(n), Reason: gateway.ReasonStatus4xx, At: time.Unix(1, 0)}
}

// A target that was refused because of its positions was marked as half a copy all
// the same: its gateway did not start any more, and the next copy emptied it.
func TestCopy_RefusedLeavesTheTargetAsItWas(t *testing.T) {
	t.Parallel()
	n := natstest.Server(t)
	full := t.TempDir()
	source(t, full)
	dir := t.TempDir()
	used := open(t, dir)
	there := openAt(t, n.URL(), func(c *Config) { c.Name = "used" })
	for _, j := range []*Journal{used, there} { // a gateway that took no event yet
		if err := j.Save(t.Context(), "endpoint", []byte("now")); err != nil {
			t.Fatal(err)
		}
		if err := j.Park(t.Context(), letter(0)); err != nil {
			t.Fatal(err)
		}
		if err := j.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	for _, to := range []Config{{Dir: dir, Reserve: 1}, {URL: n.URL(), Name: "used"}} {
		for range 2 {
			if _, err := Copy(t.Context(), Config{Dir: full, Reserve: 1}, to, nil); err == nil || !strings.Contains(err.Error(), "not empty") {
				t.Errorf("Copy to %s = %v, want that it is not empty", to.place(), err)
			}
		}
	}
	for _, j := range []*Journal{open(t, dir), openAt(t, n.URL(), func(c *Config) { c.Name = "used" })} {
		if got, err := j.Load(t.Context()); err != nil || string(got["endpoint"]) != "now" {
			t.Errorf("the position is %q, %v", got["endpoint"], err)
		}
		if got := letters(t, j); len(got) != 1 {
			t.Errorf("%d dead letters, want 1", len(got))
		}
	}
}

// letters are all dead letters, in their order.
func letters(t *testing.T, j *Journal) (all []gateway.DeadLetter) {
	t.Helper()
	for seq := uint64(0); ; {
		d, err := j.NextDeadLetter(t.Context(), seq, "")
		if errors.Is(err, gateway.ErrNoLetter) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all, seq = append(all, d), d.Seq+1
	}
}
