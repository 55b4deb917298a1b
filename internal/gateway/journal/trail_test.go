package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
	"github.com/imhook/imhook/internal/natstest"
)

// trailOf are the pages of the trail, the oldest first.
func trailOf(t *testing.T, j *Journal) (all []string) {
	t.Helper()
	first, last, err := j.Decisions().Bounds(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for seq := first; seq <= last; seq++ {
		b, at, err := j.Decisions().Page(t.Context(), seq)
		if err != nil || at.IsZero() {
			t.Fatalf("page %d: %v, kept at %v", seq, err, at)
		}
		all = append(all, string(b))
	}
	return all
}

func keepTrail(t *testing.T, j *Journal, pages ...string) {
	t.Helper()
	for _, p := range pages {
		if err := j.Decisions().Keep(t.Context(), []byte(p)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTrail_SurvivesARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j, err := Open(t.Context(), Config{Dir: dir, Reserve: 1})
	if err != nil {
		t.Fatal(err)
	}
	if got := trailOf(t, j); got != nil {
		t.Errorf("a new trail holds %q", got)
	}
	keepTrail(t, j, "one", "two")
	if err := j.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	j = open(t, dir)
	keepTrail(t, j, "three")
	if diff := cmp.Diff([]string{"one", "two", "three"}, trailOf(t, j)); diff != "" {
		t.Errorf("trail (-want +got):\n%s", diff)
	}
	if _, _, err := j.Decisions().Page(t.Context(), 4); !errors.Is(err, gateway.ErrNoPage) {
		t.Errorf("page 4 = %v, want ErrNoPage", err)
	}
	if n := len(all(t, j)); n != 0 {
		t.Errorf("the journal holds %d events of the trail", n)
	}
}

func TestTrail_IsBoundedInBytesAndAge(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j, err := Open(t.Context(), Config{Dir: dir, Reserve: 1, TrailBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 50 {
		keepTrail(t, j, fmt.Sprintf("%d %s", i, bytes.Repeat([]byte("x"), 64<<10)))
	}
	first, last, err := j.Decisions().Bounds(t.Context())
	if err != nil || last != 50 || first < 30 || first > 36 {
		t.Errorf("pages %d to %d, %v: want the last MiB of 50 pages of 64 KiB", first, last, err)
	}
	if err := j.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	// Other bounds hold from the next start on.
	j = open(t, dir, func(c *Config) { c.TrailBytes, c.TrailAge = 8<<20, 100*time.Millisecond })
	waitFor(t, "old pages to leave", func() bool {
		first, last, err := j.Decisions().Bounds(t.Context())
		return err == nil && last == 50 && first == 51
	})
}

// A trail that cannot be used must not take the journal with it.
func TestTrail_OfANewerImhookIsLeftAloneAndEventsAreTaken(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j, err := Open(t.Context(), Config{Dir: dir, Reserve: 1})
	if err != nil {
		t.Fatal(err)
	}
	keepTrail(t, j, "one")
	if err := j.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	changeStream(t, dir, "IMHOOK_DECISIONS", map[string]string{formatMeta: fmt.Sprint(formatVersion + 1), writerMeta: "v9"})
	j = open(t, dir)
	if err := j.Decisions().Keep(t.Context(), []byte("two")); !errors.Is(err, ErrNewer) {
		t.Errorf("Keep = %v, want that a newer imhook wrote it", err)
	}
	if _, err := j.Append(t.Context(), gateway.Arrival{Events: []*event.Event{sample(1)}}); err != nil {
		t.Errorf("Append = %v", err)
	}
}

func TestTrail_StopsAtTheDisksReserve(t *testing.T) {
	t.Parallel()
	j := open(t, t.TempDir())
	keepTrail(t, j, "one")
	j.reserve.Store(1 << 60)
	if err := j.Decisions().Keep(t.Context(), []byte("two")); !errors.Is(err, gateway.ErrFull) {
		t.Errorf("Keep below the reserve = %v, want ErrFull", err)
	}
	j.reserve.Store(1)
	if diff := cmp.Diff([]string{"one"}, trailOf(t, j)); diff != "" {
		t.Errorf("trail (-want +got):\n%s", diff)
	}
}

func TestTrail_ClosedJournal(t *testing.T) {
	t.Parallel()
	j := open(t, t.TempDir())
	if err := j.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := j.Decisions().Keep(t.Context(), nil); !errors.Is(err, gateway.ErrUnavailable) {
		t.Errorf("Keep = %v, want ErrUnavailable", err)
	}
	if _, _, err := j.Decisions().Bounds(t.Context()); !errors.Is(err, gateway.ErrUnavailable) {
		t.Errorf("Bounds = %v, want ErrUnavailable", err)
	}
}

func TestTrail_OnNATS(t *testing.T) {
	t.Parallel()
	s := natstest.Server(t)
	j := openAt(t, s.URL())
	keepTrail(t, j, "one", "two")
	if err := j.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	// Its bounds are the configuration's.
	j = openAt(t, s.URL(), func(c *Config) { c.TrailBytes, c.TrailAge = 32<<20, time.Hour })
	if diff := cmp.Diff([]string{"one", "two"}, trailOf(t, j)); diff != "" {
		t.Errorf("trail (-want +got):\n%s", diff)
	}
	e, err := j.use()
	if err != nil {
		t.Fatal(err)
	}
	info, err := e.chronicles[decisions].stream.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if c := info.Config; c.MaxBytes != 32<<20 || c.MaxAge != time.Hour || c.AllowDirect {
		t.Errorf("stream has %d bytes, %v, direct reads %v; want what the configuration says", c.MaxBytes, c.MaxAge, c.AllowDirect)
	}
}
