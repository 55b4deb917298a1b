package history

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A real file system that somebody else fills, while nobody knows how much room is left.
func TestHistory_FullDiskIsSaidAndItGoesOnWhenThereIsRoom(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=8m"); err != nil {
		t.Skipf("needs to mount a file system, which root may do: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	w := newWorld()
	c := w.config()
	c.Dir = filepath.Join(dir, "history")
	h := start(t, c)
	n := 0
	more := func(k int) {
		for range k {
			n++
			w.journal.keep(began.Add(time.Duration(n)*time.Second), message(n, fmt.Sprintf("user%d", n), group("g1")))
		}
	}
	more(8)
	current(t, h, 8)
	rest, err := os.Create(filepath.Join(dir, "rest"))
	if err != nil {
		t.Fatal(err)
	}
	for b := make([]byte, 4096); err == nil; {
		_, err = rest.Write(b)
	}
	if err := rest.Close(); err != nil {
		t.Fatal(err)
	}
	more(4000)
	state(t, h, Broken, "its disk is full")
	if got := ids(find(t, h, Query{User: "user7"})); len(got) != 1 {
		t.Errorf("on a full disk user7 is found in %v", got)
	}
	if err := os.Remove(rest.Name()); err != nil {
		t.Fatal(err)
	}
	current(t, h, n)
	for _, user := range []string{"user7", fmt.Sprintf("user%d", n)} {
		if got := ids(find(t, h, Query{User: user})); len(got) != 1 {
			t.Errorf("when there was room again %s is found in %v", user, got)
		}
	}
}
