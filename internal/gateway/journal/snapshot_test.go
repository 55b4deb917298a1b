package journal

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

func segments(t *testing.T, dir string) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(dir, segmentFolder, "*"+segmentSuffix))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// guarded is an arrival with a key and a guard.
func guarded(n int) gateway.Arrival {
	return gateway.Arrival{Events: []*event.Event{sample(n)}, Guard: gateway.Guard{Key: event.Hash("nonce", fmt.Sprint(n)), Sum: event.Hash(fmt.Sprint(n))}}
}

func TestOpen_WindowComesFromSnapshotsAsFarAsTheyAreWhole(t *testing.T) {
	t.Parallel()
	without := func(n int) func(*testing.T, string) {
		return func(t *testing.T, dir string) { t.Helper(); remove(t, segments(t, dir)[n]) }
	}
	for _, c := range []struct {
		name   string
		damage func(t *testing.T, dir string)
		// read pages, of thirty; the segments end with pages 10, 20 and 30.
		read int
	}{
		{"all are there", func(*testing.T, string) {}, 0},
		{"the last is missing", without(2), 10},
		{"the first is missing", without(0), 30},
		{"the second is missing", without(1), 30},
		{"one is damaged", func(t *testing.T, dir string) { t.Helper(); flipMiddle(t, segments(t, dir)[1]) }, 30},
		{"one is cut short", func(t *testing.T, dir string) { t.Helper(); resize(t, segments(t, dir)[2], -5) }, 30},
		{"one is empty", func(t *testing.T, dir string) { t.Helper(); write(t, segments(t, dir)[2], "") }, 30},
		{"none is there", func(t *testing.T, dir string) { t.Helper(); remove(t, filepath.Join(dir, segmentFolder)) }, 30},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			j := open(t, dir)
			for n := range 30 {
				if _, err := j.Append(t.Context(), guarded(n)); err != nil {
					t.Fatal(err)
				}
				if n%10 == 9 {
					if err := j.saveSnapshot(true); err != nil {
						t.Fatal(err)
					}
				}
			}
			if err := j.Close(context.Background()); err != nil {
				t.Fatal(err)
			}
			if n := len(segments(t, dir)); n != 3 {
				t.Fatalf("%d segments, want 3", n)
			}
			c.damage(t, dir)
			for _, read := range []int{c.read, 0} { // what was read is in a snapshot the next time
				j = open(t, dir)
				if j.recalled != read {
					t.Errorf("%d pages were read at start, want %d", j.recalled, read)
				}
				for n := range 30 {
					if kept, err := j.Append(t.Context(), guarded(n)); err != nil || kept != (gateway.Kept{Duplicates: 1}) {
						t.Errorf("event %d came again: %+v, %v", n, kept, err)
					}
					other := guarded(n)
					other.Guard.Sum = event.Hash("another body")
					if _, err := j.Append(t.Context(), other); err == nil {
						t.Errorf("signature %d was taken with another body", n)
					}
				}
				if err := j.Close(context.Background()); err != nil {
					t.Fatal(err)
				}
				if read == 30 {
					break // the segments that stay behind break the chain until they are old
				}
			}
		})
	}
}

func TestSnapshot_GoesWithTheWindow(t *testing.T) {
	t.Parallel()
	var later atomic.Int64
	dir := t.TempDir()
	j := open(t, dir, func(c *Config) { c.Now = func() time.Time { return time.Now().Add(time.Duration(later.Load())) } })
	for n := range 5 {
		later.Store(int64(n) * int64(5*time.Minute))
		if _, err := j.Append(t.Context(), guarded(n)); err != nil {
			t.Fatal(err)
		}
		if err := j.saveSnapshot(true); err != nil {
			t.Fatal(err)
		}
	}
	// Now is minute 20: the window of 10 minutes and one more reach back to 9.
	if got := segments(t, dir); len(got) != 3 {
		t.Errorf("segments %v, want those of minutes 10, 15 and 20", got)
	}
}

// A snapshot outlives pages that sync: interval lost with the power. It was taken
// for that of the pages that had their numbers next.
func TestSnapshot_OfPagesThatWereLostIsRemoved(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := open(t, dir)
	for n := range 3 {
		if _, err := j.Append(t.Context(), guarded(n)); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	before := t.TempDir()
	if err := os.CopyFS(before, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	j = open(t, dir)
	for n := range 2 {
		if _, err := j.Append(t.Context(), guarded(3+n)); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	// The power is back, and all but the snapshot is as it was a moment before.
	remove(t, filepath.Join(before, segmentFolder))
	if err := os.CopyFS(filepath.Join(before, segmentFolder), os.DirFS(filepath.Join(dir, segmentFolder))); err != nil {
		t.Fatal(err)
	}
	j = open(t, before)
	for n := range 3 { // in the numbers of those that were lost, and one more
		if _, err := j.Append(t.Context(), guarded(10+n)); err != nil {
			t.Fatal(err)
		}
	}
	killed := t.TempDir()
	if err := os.CopyFS(killed, os.DirFS(before)); err != nil {
		t.Fatal(err)
	}
	j = open(t, killed)
	for _, c := range []struct{ n, stored int }{{0, 0}, {2, 0}, {10, 0}, {11, 0}, {12, 0}, {3, 1}, {4, 1}} {
		if kept, err := j.Append(t.Context(), guarded(c.n)); err != nil || kept.Stored != c.stored {
			t.Errorf("event %d came again: %+v, %v; want %d of it stored", c.n, kept, err, c.stored)
		}
	}
}

func TestSnapshot_IsWrittenByItself(t *testing.T) {
	t.Parallel()
	var later atomic.Int64
	dir := t.TempDir()
	j := open(t, dir, func(c *Config) { c.Now = func() time.Time { return time.Now().Add(time.Duration(later.Load())) } })
	if _, err := j.Append(t.Context(), guarded(1)); err != nil {
		t.Fatal(err)
	}
	later.Store(int64(segmentAge))
	j.wakeHouse()
	waitFor(t, "a snapshot", func() bool { return len(segments(t, dir)) == 1 })
}

func TestSegment_SurvivesAndDamageIsFound(t *testing.T) {
	t.Parallel()
	want := segment{from: 3, to: 9, first: time.Unix(1, 2), last: time.Unix(3, 4), keys: []event.Key{event.Hash("a"), event.Hash("b")}, guards: []gateway.Guard{{Key: event.Hash("k"), Sum: event.Hash("s")}}}
	b := appendSegment(nil, &want)
	got, err := parseSegment(b)
	if diff := gocmp.Diff(want, got, gocmp.AllowUnexported(segment{})); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	for i := range b {
		c := append([]byte(nil), b...)
		c[i] ^= 4
		if _, err := parseSegment(c); err == nil {
			t.Errorf("byte %d was changed and not noticed", i)
		}
		if _, err := parseSegment(b[:i]); err == nil {
			t.Errorf("%d bytes of %d were taken", i, len(b))
		}
	}
}

// BenchmarkOpen opens a journal whose window holds a million events of 1 KiB, as
// it is left by a stop and by kill -9 (no index of the engine, the last snapshot
// some seconds old), and without any snapshots, which is reading all pages.
func BenchmarkOpen(b *testing.B) {
	events, page := 1_000_000, 32
	if testing.Short() {
		events = 20_000
	}
	dir := b.TempDir()
	cfg := Config{Dir: dir, Reserve: 1, Sync: Interval, WindowKeys: 2 * events}
	opened := func() *Journal {
		j, err := Open(context.Background(), cfg)
		if err != nil {
			b.Fatal(err)
		}
		return j
	}
	j := opened()
	body := make([]byte, 1024)
	for n := 0; n < events; n += page {
		a := gateway.Arrival{}
		for i := range page {
			ev := sample(n + i)
			ev.Raw.Body = body
			a.Events = append(a.Events, ev)
		}
		if _, err := j.Append(b.Context(), a); err != nil {
			b.Fatal(err)
		}
	}
	if err := j.Close(context.Background()); err != nil {
		b.Fatal(err)
	}
	index := filepath.Join(dir, "journal", "jetstream", "$G", "streams", pageStream, "msgs", "index.db")
	window := filepath.Join(dir, segmentFolder)
	for _, c := range []struct {
		name string
		prep func() error
	}{
		{"stopped", func() error { return nil }},
		{"killed", func() error {
			all, err := filepath.Glob(filepath.Join(window, "*"+segmentSuffix))
			if err != nil || len(all) == 0 {
				return fmt.Errorf("no snapshots: %w", err)
			}
			return os.Remove(all[len(all)-1])
		}},
		{"killed-without-index", func() error { return os.Remove(index) }},
		{"all-pages-read", func() error { return os.RemoveAll(window) }},
	} {
		b.Run(fmt.Sprintf("%s/events=%d", c.name, events), func(b *testing.B) {
			read, keys := 0, 0
			for b.Loop() {
				b.StopTimer()
				if err := c.prep(); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
				j := opened()
				b.StopTimer()
				read, keys = j.recalled, j.Stats().Keys
				if err := j.Close(context.Background()); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
			if keys != events {
				b.Errorf("%d keys are known, want %d", keys, events)
			}
			b.ReportMetric(float64(read), "pages-read")
		})
	}
}
