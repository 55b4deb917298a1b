package journal

import (
	"context"
	"errors"
	"testing"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// fillPages stores n events of about size bytes, one a page.
func fillPages(t *testing.T, j *Journal, n, size int) {
	t.Helper()
	for i := range n {
		ev := sample(i)
		ev.Dedupe, ev.Raw.Body = "", make([]byte, size)
		if _, err := j.Append(t.Context(), gateway.Arrival{Events: []*event.Event{ev}}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTrim_FinishedHistoryGoesWhenTheDiskIsAtItsReserve(t *testing.T) {
	t.Parallel()
	j := open(t, t.TempDir())
	fillPages(t, j, 20, 100<<10)
	_, last, _, err := j.Bounds(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	j.SetFloor(last - 4)
	j.cfg.Reserve = 1 << 60
	if err := j.trim(t.Context()); err != nil {
		t.Fatal(err)
	}
	if first, _, _, err := j.Bounds(t.Context()); err != nil || first != last-4 {
		t.Errorf("the first page is %d (%v), want %d: what is finished goes, the rest stays", first, err, last-4)
	}
	if j.Healthy() == nil {
		t.Error("a disk at its reserve is taken for healthy")
	}
}

func TestTrim_DropOldestKeepsWhatDroppingWouldNotHelp(t *testing.T) {
	t.Parallel()
	j := open(t, t.TempDir(), func(c *Config) { c.WhenFull = DropOldest })
	fillPages(t, j, 20, 10<<10)
	j.SetFloor(1)
	j.cfg.Reserve = 1 << 60 // something else fills the disk
	if err := j.trim(t.Context()); err != nil {
		t.Fatal(err)
	}
	if first, _, _, err := j.Bounds(t.Context()); err != nil || first != 1 {
		t.Errorf("the first page is %d (%v), want 1: all that was dropped would be lost for nothing", first, err)
	}
}

func TestOpen_LastPageIsGone(t *testing.T) {
	t.Parallel()
	for _, gone := range [][]uint64{{3}, {2, 3}, {1, 2, 3}} {
		dir := t.TempDir()
		j := open(t, dir)
		fillPages(t, j, 3, 10)
		for _, seq := range gone {
			if err := j.engine.Load().pages.DeleteMsg(t.Context(), seq); err != nil {
				t.Fatal(err)
			}
		}
		if err := j.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
		j = open(t, dir) // hung once: it waited for the last sequence
		if got := all(t, j); len(got) != 3-len(gone) {
			t.Errorf("without pages %v there are %d events, want %d", gone, len(got), 3-len(gone))
		}
	}
}

func TestReopen_EngineThatLostPagesTakesNothing(t *testing.T) {
	t.Parallel()
	j := open(t, t.TempDir())
	fillPages(t, j, 5, 10)
	if err := j.engine.Load().js.DeleteStream(t.Context(), pageStream); err != nil {
		t.Fatal(err)
	}
	if err := j.reopen(t.Context()); err == nil {
		t.Fatal("an engine that came back empty was taken")
	}
	j.broke()
	if _, err := j.Append(t.Context(), gateway.Arrival{Events: []*event.Event{sample(9)}}); !errors.Is(err, gateway.ErrUnavailable) {
		t.Errorf("Append = %v, want ErrUnavailable: readers would pass over the new pages", err)
	}
	if j.Healthy() == nil {
		t.Error("the journal says that it is healthy")
	}
}
