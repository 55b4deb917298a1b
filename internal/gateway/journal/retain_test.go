package journal

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// waitFor polls until ok, or fails the test after a while.
func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(20 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited 20 s in vain: %s", what)
		}
	}
}

// large is the n-th event with a body of 64 KiB.
func large(n int) gateway.Arrival {
	ev := sample(n)
	ev.Raw.Body = make([]byte, 64<<10)
	return gateway.Arrival{Events: []*event.Event{ev}}
}

// fill appends until the journal refuses, and returns how many it took.
func fill(t *testing.T, j *Journal) int {
	t.Helper()
	for n := range 10_000 {
		if _, err := j.Append(t.Context(), large(n)); err != nil {
			if !errors.Is(err, gateway.ErrFull) {
				t.Fatalf("Append = %v, want ErrFull", err)
			}
			return n
		}
	}
	t.Fatal("the journal is never full")
	return 0
}

func TestRetain_UnfinishedFillsAndFinishedMakesRoom(t *testing.T) {
	t.Parallel()
	j := open(t, t.TempDir(), func(c *Config) { c.RetainBytes = 4 << 20 })
	n := fill(t, j)
	if err := j.Healthy(); !errors.Is(err, gateway.ErrFull) {
		t.Errorf("Healthy = %v, want ErrFull", err)
	}
	if got := len(all(t, j)); got != n {
		t.Fatalf("%d events are stored, %d were answered", got, n)
	}
	_, last, _, err := j.Bounds(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	j.SetFloor(last+1, true)
	waitFor(t, "room", func() bool { return j.Healthy() == nil })
	if _, err := j.Append(t.Context(), large(n)); err != nil {
		t.Errorf("Append after the floor moved = %v", err)
	}
	if d := j.Stats().DroppedEvents; d != 0 {
		t.Errorf("%d events count as dropped, all were finished", d)
	}
}

// An endpoint whose backlog is past its bound gets time to drop it, and to count it,
// before anybody is refused on its account.
func TestRetain_AFloorThatWillRiseRefusesNobody(t *testing.T) {
	t.Parallel()
	j := open(t, t.TempDir(), func(c *Config) { c.RetainBytes = 1 << 20 })
	begin := time.Now()
	for i := 0; j.Stats().Bytes < 2<<20; i++ {
		j.SetFloor(1, false)
		if _, err := j.Append(t.Context(), large(i)); err != nil && time.Since(begin) < staleFloor {
			t.Fatal(err)
		}
	}
	j.SetFloor(1, false)
	if err := j.trim(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := j.Healthy(); err != nil && time.Since(begin) < staleFloor {
		t.Errorf("Healthy = %v while the floor is not settled", err)
	}
	j.SetFloor(1, true)
	waitFor(t, "the journal to be full", func() bool { return errors.Is(j.Healthy(), gateway.ErrFull) })
}

func TestRetain_DropOldestCountsWhatItDrops(t *testing.T) {
	t.Parallel()
	j := open(t, t.TempDir(), func(c *Config) { c.RetainBytes, c.WhenFull = 4<<20, DropOldest })
	const n = 200
	for i := range n {
		if _, err := j.Append(t.Context(), large(i)); err != nil {
			t.Fatal(err)
		}
	}
	waitFor(t, "dropping to the bound", func() bool { return j.Stats().Bytes < 4<<20 })
	left := all(t, j)
	if d := j.Stats().DroppedEvents; d == 0 || d+uint64(len(left)) != n {
		t.Errorf("%d events are left and %d dropped, want %d together", len(left), d, n)
	}
	if id := left[len(left)-1].ID; id != sample(n-1).ID {
		t.Errorf("the newest event is %s", id)
	}
}

func TestRetain_OldHistoryGoesOnlyWhenFinished(t *testing.T) {
	t.Parallel()
	var later atomic.Int64
	j := open(t, t.TempDir(), func(c *Config) {
		c.RetainAge = time.Hour
		c.Now = func() time.Time { return time.Now().Add(time.Duration(later.Load())) }
	})
	for i := range 4 {
		if _, err := j.Append(t.Context(), large(i)); err != nil {
			t.Fatal(err)
		}
	}
	later.Store(int64(2 * time.Hour))
	j.SetFloor(3, true)
	first := func() uint64 {
		first, _, _, err := j.Bounds(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return first
	}
	waitFor(t, "the finished pages to go", func() bool { return first() == 3 })
	if err := j.trim(t.Context()); err != nil {
		t.Fatal(err)
	}
	if f := first(); f != 3 {
		t.Errorf("the journal begins with page %d, want 3: it is not finished", f)
	}
}

func TestRetain_DiskAtItsReserveRefuses(t *testing.T) {
	t.Parallel()
	j := open(t, t.TempDir(), func(c *Config) { c.Reserve = 1 << 60 })
	if _, err := j.Append(t.Context(), large(0)); !errors.Is(err, gateway.ErrFull) {
		t.Errorf("Append = %v, want ErrFull", err)
	}
}

func TestSeqAt_FindsThePageOfATime(t *testing.T) {
	t.Parallel()
	j := open(t, t.TempDir())
	if _, err := j.SeqAt(t.Context(), time.Now()); !errors.Is(err, gateway.ErrNoPage) {
		t.Errorf("SeqAt of an empty journal = %v, want ErrNoPage", err)
	}
	for i := range 9 {
		if _, err := j.Append(t.Context(), large(i)); err != nil {
			t.Fatal(err)
		}
	}
	for seq := uint64(1); seq <= 9; seq++ {
		p, err := j.Page(t.Context(), seq)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := j.SeqAt(t.Context(), p.Time); got != seq || err != nil {
			t.Errorf("SeqAt of page %d's time = %d, %v", seq, got, err)
		}
	}
	if _, err := j.SeqAt(t.Context(), time.Now().Add(time.Hour)); !errors.Is(err, gateway.ErrNoPage) {
		t.Errorf("SeqAt of the future = %v, want ErrNoPage", err)
	}
}
