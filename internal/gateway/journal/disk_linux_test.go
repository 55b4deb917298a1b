package journal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/imhook/imhook/internal/gateway"
)

// smallDisk returns a directory on a file system of its own of that many bytes.
// Mounting one takes privileges: CI and containers that run as root have them.
func smallDisk(t *testing.T, size int) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d", size)); err != nil {
		t.Skipf("needs to mount a file system, which root may do (%v); TestMend_FailedWritesHealWhenThereIsSpaceAgain plays a full disk without", err)
	}
	t.Logf("a real file system of %d MiB (tmpfs)", size>>20)
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// ballast fills the disk of dir but for left bytes.
func ballast(t *testing.T, dir string, left int64) string {
	t.Helper()
	path := filepath.Join(dir, "ballast")
	avail, _, err := free(dir)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.CopyN(f, zeros{}, avail-left)
	if err = errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func checkStored(t *testing.T, dir string, answered []string) {
	t.Helper()
	j := open(t, dir, func(c *Config) { c.Reserve = 1 })
	stored := map[string]int{}
	for _, ev := range all(t, j) {
		stored[ev.ID]++
	}
	for _, id := range answered {
		if stored[id] != 1 {
			t.Errorf("event %s was answered and is stored %d times", id, stored[id])
		}
	}
	if l := j.Losses(); len(l) > 0 {
		t.Errorf("losses %v: nothing is damaged", l)
	}
	if err := j.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
}

func TestDisk_AtItsReserveRefusesAndRecovers(t *testing.T) {
	t.Parallel()
	dir := smallDisk(t, 96<<20)
	var log lines
	j := open(t, dir, func(c *Config) { c.Reserve, c.Log = 32<<20, log.logger() })
	var answered []string
	n := 0
	for ; ; n++ {
		a := huge(n)
		if _, err := j.Append(t.Context(), a); err != nil {
			if !errors.Is(err, gateway.ErrFull) {
				t.Fatalf("Append = %v, want ErrFull", err)
			}
			break
		}
		answered = append(answered, a.Events[0].ID)
	}
	for range 50 {
		if _, err := j.Append(t.Context(), huge(n)); !errors.Is(err, gateway.ErrFull) {
			t.Fatalf("Append = %v, want ErrFull", err)
		}
	}
	var stored []string
	for _, ev := range all(t, j) {
		stored = append(stored, ev.ID)
	}
	if diff := cmp.Diff(answered, stored); diff != "" {
		t.Errorf("(-answered +stored):\n%s", diff)
	}
	// The reserve is for what must go on: positions and dead letters.
	if err := j.Save(t.Context(), "k", []byte("v")); err != nil {
		t.Error(err)
	}
	if err := j.Park(t.Context(), letter(1)); err != nil {
		t.Error(err)
	}
	_, last, _, err := j.Bounds(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	j.SetFloor(last+1, true)
	waitFor(t, "room", func() bool { _, err := j.Append(t.Context(), huge(n)); return err == nil })
	if a, b := log.count("journal is full"), log.count("journal has room again"); a != 1 || b != 1 {
		t.Errorf("%d lines that it is full and %d that it has room again, want one each:\n%s", a, b, log.String())
	}
	if st := j.Stats(); st.DroppedEvents != 0 {
		t.Errorf("%d events were dropped", st.DroppedEvents)
	}
}

// huge is the n-th event with a body of 512 KiB.
func huge(n int) gateway.Arrival {
	a := large(n)
	a.Events[0].Raw.Body = make([]byte, 512<<10)
	return a
}

func TestDisk_WithoutAnyRoomNothingThatWasAnsweredIsLost(t *testing.T) {
	t.Parallel()
	dir := smallDisk(t, 96<<20)
	var log lines
	j := open(t, dir, func(c *Config) { c.Reserve, c.Log = 1, log.logger() })
	j.commitWithin = time.Second
	var answered []string
	add := func(n int) error {
		a := large(n)
		_, err := j.Append(t.Context(), a)
		if err == nil {
			answered = append(answered, a.Events[0].ID)
		}
		return err
	}
	n := 0
	for ; n < 100; n++ {
		if err := add(n); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Save(t.Context(), "k", []byte("before")); err != nil {
		t.Fatal(err)
	}
	path := ballast(t, dir, 300<<10) // somebody else fills the disk
	for add(n) == nil {
		n++
	}
	begin := time.Now()
	for range 200 {
		if err := add(n); !errors.Is(err, gateway.ErrFull) && !errors.Is(err, gateway.ErrUnavailable) {
			t.Fatalf("Append = %v, want ErrFull or ErrUnavailable", err)
		}
		if p, err := j.Page(t.Context(), 5); err != nil || len(p.Events) != 1 {
			t.Fatalf("reading without room: %v, %v", p, err)
		}
		if err := j.Save(t.Context(), "k", make([]byte, 32<<10)); err != nil && !errors.Is(err, gateway.ErrUnavailable) {
			t.Fatalf("Save = %v, want ErrUnavailable", err)
		}
		if err := j.Park(t.Context(), letter(1)); err != nil && !errors.Is(err, gateway.ErrUnavailable) {
			t.Fatalf("Park = %v, want ErrUnavailable", err)
		}
	}
	if took := time.Since(begin); took > 15*time.Second {
		t.Errorf("200 calls took %v: they wait for an engine that is silent", took)
	}

	remove(t, path)
	waitFor(t, "recovering", func() bool { return add(n) == nil })
	if err := j.Save(t.Context(), "k", []byte("after")); err != nil {
		t.Error(err)
	}
	if err := j.Park(t.Context(), letter(2)); err != nil {
		t.Error(err)
	}
	if a, b := log.count("journal is full"), log.count("journal has room again"); a != 1 || b != 1 {
		t.Errorf("%d lines that it is full and %d that it has room again, want one each:\n%s", a, b, log.String())
	}
	if err := j.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	checkStored(t, dir, answered)
}

// A stream that failed to write is silent for good: nobody may wait for its answer.
func TestDisk_WithoutAnyRoomTheOneThatCannotBeWrittenIsToldAtOnce(t *testing.T) {
	t.Parallel()
	dir := smallDisk(t, 96<<20)
	j := open(t, dir, func(c *Config) { c.Reserve = 1 })
	if _, err := j.Append(t.Context(), large(0)); err != nil {
		t.Fatal(err)
	}
	path := ballast(t, dir, 300<<10)
	begin := time.Now()
	err := j.Save(t.Context(), "k", make([]byte, 400<<10))
	if !errors.Is(err, gateway.ErrUnavailable) {
		t.Errorf("Save = %v, want ErrUnavailable", err)
	}
	if _, err := j.Append(t.Context(), huge(1)); !errors.Is(err, gateway.ErrFull) && !errors.Is(err, gateway.ErrUnavailable) {
		t.Errorf("Append = %v, want ErrFull or ErrUnavailable", err)
	}
	if err := j.Healthy(); err == nil {
		t.Error("Healthy = nil: nothing can be kept")
	}
	if took := time.Since(begin); took > commitTimeout/2 {
		t.Errorf("it took %v to learn that nothing can be written", took)
	}
	remove(t, path)
	waitFor(t, "recovering", func() bool { _, err := j.Append(t.Context(), huge(1)); return err == nil })
	if err := j.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	checkStored(t, dir, []string{large(0).Events[0].ID, huge(1).Events[0].ID})
}

func TestDisk_StartWithoutAnyRoomSaysWhatToDo(t *testing.T) {
	t.Parallel()
	dir := smallDisk(t, 32<<20)
	path := ballast(t, dir, 0)
	_, err := Open(t.Context(), Config{Dir: filepath.Join(dir, "data")})
	if want := "is full: make room on it"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("on a full disk Open = %v, want one with %q", err, want)
	}
	remove(t, path)
	j := open(t, filepath.Join(dir, "data"), func(c *Config) { c.Reserve = 1 })
	if _, err := j.Append(t.Context(), large(0)); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	path = ballast(t, dir, 0)
	_, err = Open(t.Context(), Config{Dir: filepath.Join(dir, "data")})
	if want := "is full: make room on it"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("on a disk that was filled Open = %v, want one with %q", err, want)
	}
	remove(t, path)
	checkStored(t, filepath.Join(dir, "data"), []string{large(0).Events[0].ID})
}

func TestDisk_DropOldestGoesOnWithoutRoom(t *testing.T) {
	t.Parallel()
	for _, reserve := range []int64{1, 64 << 20} {
		t.Run(fmt.Sprint("reserve ", reserve), func(t *testing.T) {
			t.Parallel()
			dir := smallDisk(t, 128<<20)
			var log lines
			j := open(t, dir, func(c *Config) { c.Reserve, c.WhenFull, c.Log = reserve, DropOldest, log.logger() })
			j.commitWithin = time.Second
			j.SetFloor(1, true)
			answered := map[string]bool{}
			n, refused := 0, 0
			deadline := time.Now().Add(3 * time.Minute)
			tick := time.NewTicker(2 * time.Millisecond)
			defer tick.Stop()
			const events = 400 // 200 MiB
			for n < events && time.Now().Before(deadline) {
				a := huge(n)
				if _, err := j.Append(t.Context(), a); err != nil {
					refused++
					<-tick.C
					continue
				}
				answered[a.Events[0].ID] = true
				n++
			}
			if n < events {
				t.Errorf("%d of %d were taken (%d refused): it does not go on\n%s", n, events, refused, log.String())
			}
			t.Logf("%d refusals on the way", refused)
			if lines := log.count("the oldest events are dropped"); lines != 1 {
				t.Errorf("%d lines that events are dropped in this minute, want one:\n%s", lines, log.String())
			}
			// Pages may be dropped while the others are read.
			waitFor(t, "what was dropped and what is left to be what was answered", func() bool {
				left, dropped := uint64(len(all(t, j))), j.Stats().DroppedEvents
				if left+dropped != uint64(len(answered)) {
					t.Logf("%d dropped and %d left, %d were answered", dropped, left, len(answered))
				}
				return left+dropped == uint64(len(answered))
			})
			if err := j.Close(context.Background()); err != nil {
				t.Fatal(err)
			}
		})
	}
}
