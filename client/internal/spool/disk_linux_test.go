package spool

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// On a full disk nothing could be noted as done, so nothing was removed: what had
// been sent was sent again and again.
func TestDrop_MakesRoomOnAFullDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=1048576"); err != nil {
		t.Skipf("needs to mount a file system, which root may do (%v); TestOpen_TakesTheRoomOfTheCursor looks at the reason without", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	s, _ := open(t, Config{Dir: filepath.Join(dir, "spool"), SegmentBytes: 1})
	put(t, s, "a")
	put(t, s, "b")
	f, err := os.Create(filepath.Join(dir, "ballast"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(f, zeros{}, 1<<20); err == nil {
		t.Fatal("the disk is not full")
	}
	_ = f.Close() // it failed
	for _, want := range []string{"a", "b"} {
		items, _, err := s.Peek(1, 1)
		if err != nil || len(items) != 1 || string(items[0]) != want {
			t.Fatalf("Peek = %q, %v", items, err)
		}
		if err := s.Drop(1); err != nil {
			t.Fatalf("Drop of %s = %v", want, err)
		}
	}
	if left := segments(t, s.cfg.Dir); len(left) > 0 {
		t.Errorf("segments %q are left", left)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
