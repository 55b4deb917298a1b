package spool

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func open(t *testing.T, cfg Config) (*Spool, []Damage) {
	t.Helper()
	if cfg.MaxBytes == 0 {
		cfg.MaxBytes = 1 << 20
	}
	s, damage, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, damage
}

func texts(items ...string) [][]byte {
	all := make([][]byte, len(items))
	for i, item := range items {
		all[i] = []byte(item)
	}
	return all
}

func put(t *testing.T, s *Spool, items ...string) {
	t.Helper()
	if err := s.Append(texts(items...)); err != nil {
		t.Fatal(err)
	}
}

// drain takes everything out, in steps of n.
func drain(t *testing.T, s *Spool, n int) (all []string, damaged int64) {
	t.Helper()
	for {
		items, d, err := s.Peek(n, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		damaged += d
		if len(items) == 0 {
			return all, damaged
		}
		for _, item := range items {
			all = append(all, string(item))
		}
		if err := s.Drop(len(items)); err != nil {
			t.Fatal(err)
		}
	}
}

func segments(t *testing.T, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*"+segmentSuffix))
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	return names
}

// Any history of appends, reads, drops and restarts gives what a slice gives.
func TestSpool_IsAQueueAcrossRestarts(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	var run atomic.Int64
	rapid.Check(t, func(rt *rapid.T) {
		cfg := Config{
			Dir:          filepath.Join(root, fmt.Sprint(run.Add(1))),
			MaxBytes:     4000,
			SegmentBytes: int64(rapid.IntRange(1, 400).Draw(rt, "segment")),
		}
		s, _, err := Open(cfg)
		if err != nil {
			rt.Fatal(err)
		}
		defer func() { _ = s.Close() }()
		var model []string
		n := 0
		rt.Repeat(map[string]func(*rapid.T){
			"append": func(rt *rapid.T) {
				var group []string
				for range rapid.IntRange(1, 5).Draw(rt, "items") {
					group = append(group, fmt.Sprint(n)+strings.Repeat("x", rapid.IntRange(0, 60).Draw(rt, "pad")))
					n++
				}
				switch err := s.Append(texts(group...)); {
				case err == nil:
					model = append(model, group...)
				case !errors.Is(err, ErrFull):
					rt.Fatal(err)
				case len(model) == 0 && frameBytes(texts(group...)) <= cfg.MaxBytes:
					rt.Fatal("full, and nothing is in it")
				}
			},
			"take": func(rt *rapid.T) {
				most := rapid.IntRange(1, 7).Draw(rt, "most")
				items, damaged, err := s.Peek(most, 200)
				if err != nil || damaged != 0 {
					rt.Fatalf("Peek: %v, %d bytes damaged", err, damaged)
				}
				if len(items) == 0 != (len(model) == 0) || len(items) > most {
					rt.Fatalf("Peek gave %d items of %d", len(items), len(model))
				}
				for i, item := range items {
					if string(item) != model[i] {
						rt.Fatalf("item %d is %q, want %q", i, item, model[i])
					}
				}
				for done := range rapid.IntRange(0, len(items)).Draw(rt, "done") {
					_ = done
					if err := s.Drop(1); err != nil {
						rt.Fatal(err)
					}
					model = model[1:]
				}
			},
			"restart": func(rt *rapid.T) {
				if err := s.Close(); err != nil {
					rt.Fatal(err)
				}
				if s, _, err = Open(cfg); err != nil {
					rt.Fatal(err)
				}
			},
			"": func(rt *rapid.T) {
				items, bytes := s.Len()
				if items != len(model) || bytes != int64(len(strings.Join(model, ""))) {
					rt.Fatalf("Len = %d items, %d bytes, want %d, %d", items, bytes, len(model), len(strings.Join(model, "")))
				}
				if s.Oldest().IsZero() != (len(model) == 0) {
					rt.Fatalf("Oldest = %v with %d items", s.Oldest(), len(model))
				}
				var disk int64
				for _, name := range segments(t, cfg.Dir) {
					if info, err := os.Stat(name); err == nil {
						disk += info.Size()
					}
				}
				if disk > cfg.MaxBytes {
					rt.Fatalf("%d bytes on disk, want at most %d", disk, cfg.MaxBytes)
				}
			},
		})
	})
}

func TestSpool_FullIsSaidAndKeepsNothing(t *testing.T) {
	t.Parallel()
	s, _ := open(t, Config{Dir: t.TempDir(), MaxBytes: 200, SegmentBytes: 50})
	put(t, s, strings.Repeat("a", 100))
	err := s.Append(texts("fits", strings.Repeat("b", 100)))
	if !errors.Is(err, ErrFull) || !strings.Contains(err.Error(), "124 of 200 bytes are taken") {
		t.Errorf("Append = %v, want that it is full", err)
	}
	put(t, s, "c")
	if got, _ := drain(t, s, 10); !cmp.Equal(got, []string{strings.Repeat("a", 100), "c"}) {
		t.Errorf("came out: %q", got)
	}
	put(t, s, strings.Repeat("d", 150)) // there is room again
}

func TestSpool_SecondOnOneDirectoryIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, _ := open(t, Config{Dir: dir})
	if _, _, err := Open(Config{Dir: dir, MaxBytes: 1000}); !errors.Is(err, ErrLocked) {
		t.Errorf("second Open = %v, want ErrLocked", err)
	}
	put(t, s, "a")
}

// A file that was cut anywhere loses the frame that was cut, and no other.
func TestSpool_TornTail(t *testing.T) {
	t.Parallel()
	made := t.TempDir()
	s, _ := open(t, Config{Dir: made})
	put(t, s, "one", "two")
	put(t, s, "three")
	put(t, s, "four")
	whole, err := os.ReadFile(segments(t, made)[0])
	if err != nil {
		t.Fatal(err)
	}
	ends := map[int][]string{}
	for n := 0; n <= len(whole); n++ {
		switch first, second := int(frameBytes(texts("one", "two"))), int(frameBytes(texts("three"))); {
		case n < first:
			ends[n] = nil
		case n < first+second:
			ends[n] = []string{"one", "two"}
		case n < len(whole):
			ends[n] = []string{"one", "two", "three"}
		default:
			ends[n] = []string{"one", "two", "three", "four"}
		}
	}
	for n, want := range ends {
		dir := t.TempDir()
		if err := os.WriteFile(segmentPath(dir, 1), whole[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		s, damage := open(t, Config{Dir: dir})
		for _, d := range damage {
			if !d.Tail {
				t.Errorf("cut at %d: damage %+v, want the tail's", n, d)
			}
		}
		put(t, s, "new")
		if got, _ := drain(t, s, 10); !cmp.Equal(got, append(slices.Clone(want), "new")) {
			t.Errorf("cut at %d: %q, want %q and new", n, got, want)
		}
	}
}

// A byte that changed costs its frame; the frames around it survive, and the loss
// is reported once, whether it is found at the start or later.
func TestSpool_DamageInTheMiddle(t *testing.T) {
	t.Parallel()
	made := t.TempDir()
	s, _ := open(t, Config{Dir: made})
	put(t, s, "one")
	put(t, s, "two", "three")
	put(t, s, "four")
	whole, err := os.ReadFile(segments(t, made)[0])
	if err != nil {
		t.Fatal(err)
	}
	from, to := frameBytes(texts("one")), frameBytes(texts("one"))+frameBytes(texts("two", "three"))
	for at := from; at < to; at++ {
		broken := slices.Clone(whole)
		broken[at] ^= 0x41
		dir := t.TempDir()
		if err := os.WriteFile(segmentPath(dir, 1), broken, 0o600); err != nil {
			t.Fatal(err)
		}
		s, damage := open(t, Config{Dir: dir})
		want := []Damage{{Path: segmentPath(dir, 1), Bytes: to - from}}
		if diff := cmp.Diff(want, damage); diff != "" {
			t.Fatalf("byte %d: damage (-want +got):\n%s", at, diff)
		}
		if n, bytes := s.Len(); n != 2 || bytes != 7 {
			t.Errorf("byte %d: Len = %d, %d", at, n, bytes)
		}
		if got, again := drain(t, s, 1); !cmp.Equal(got, []string{"one", "four"}) || again != 0 {
			t.Errorf("byte %d: %q, reported again: %d", at, got, again)
		}

		dir = t.TempDir()
		if err := os.WriteFile(segmentPath(dir, 1), whole, 0o600); err != nil {
			t.Fatal(err)
		}
		s, _ = open(t, Config{Dir: dir})
		if err := os.WriteFile(segmentPath(dir, 1), broken, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, damaged, err := s.Peek(9, 1000); err != nil || damaged != to-from {
			t.Errorf("byte %d: Peek = %d, %v", at, damaged, err)
		}
		if got, again := drain(t, s, 1); !cmp.Equal(got, []string{"one", "four"}) || again != 0 {
			t.Errorf("byte %d, later: %q, reported again: %d", at, got, again)
		}
		if n, bytes := s.Len(); n != 0 || bytes != 0 {
			t.Errorf("byte %d: %d items, %d bytes are left in the count", at, n, bytes)
		}
	}
}

// When everything that is left turns out to be damaged, the spool is empty.
func TestSpool_NothingButDamage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, _ := open(t, Config{Dir: dir})
	put(t, s, "one")
	if err := os.WriteFile(segments(t, dir)[0], make([]byte, frameBytes(texts("one"))), 0o600); err != nil {
		t.Fatal(err)
	}
	items, damaged, err := s.Peek(1, 100)
	if len(items) != 0 || damaged != frameBytes(texts("one")) || err != nil {
		t.Errorf("Peek = %q, %d, %v", items, damaged, err)
	}
	if n, _ := s.Len(); n != 0 {
		t.Errorf("%d items wait, want none", n)
	}
	put(t, s, "two")
	if got, _ := drain(t, s, 1); !cmp.Equal(got, []string{"two"}) {
		t.Errorf("came out: %q", got)
	}
}

// Without its cursor, or with one that does not fit, everything there is comes
// again rather than nothing.
func TestSpool_CursorThatCannotBeTrusted(t *testing.T) {
	t.Parallel()
	for name, cursor := range map[string][]byte{"empty": {}, "short": {1, 2}, "changed": make([]byte, cursorBytes)} {
		dir := t.TempDir()
		s, _, err := Open(Config{Dir: dir, MaxBytes: 1000})
		if err != nil {
			t.Fatal(err)
		}
		put(t, s, "one", "two")
		if _, _, err := s.Peek(1, 100); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(s.Drop(1), s.Close()); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, cursorName), cursor, 0o600); err != nil {
			t.Fatal(err)
		}
		s, _ = open(t, Config{Dir: dir})
		if got, _ := drain(t, s, 9); !cmp.Equal(got, []string{"one", "two"}) {
			t.Errorf("%s: %q, want both", name, got)
		}
	}
}

// disk is a file that runs out of room or does not sync.
type disk struct {
	*os.File
	state *diskState
}

type diskState struct {
	room    int64 // bytes that may still be written; negative means no bound
	syncErr error
	cutErr  error
	syncs   atomic.Int64
	hold    chan struct{}
}

func (d *diskState) create(path string) (file, error) {
	f, err := create(path)
	if err != nil {
		return nil, err
	}
	return &disk{f.(*os.File), d}, nil
}

func (d *disk) WriteAt(b []byte, off int64) (int, error) {
	if d.state.room >= 0 && int64(len(b)) > d.state.room {
		n, _ := d.File.WriteAt(b[:d.state.room], off)
		d.state.room = 0
		return n, &os.PathError{Op: "write", Path: d.Name(), Err: syscall.ENOSPC}
	}
	if d.state.room >= 0 {
		d.state.room -= int64(len(b))
	}
	return d.File.WriteAt(b, off)
}

func (d *disk) Sync() error {
	d.state.syncs.Add(1)
	if d.state.hold != nil {
		<-d.state.hold
	}
	return d.state.syncErr
}

func (d *disk) Truncate(size int64) error {
	if d.state.cutErr != nil {
		return d.state.cutErr
	}
	return d.File.Truncate(size)
}

func TestSpool_DiskThatFails(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		room    int64
		syncErr error
		cutErr  error
		full    bool
	}{
		{"no room at all", 0, nil, nil, true},
		{"no room for half of it", 15, nil, nil, true},
		{"no room, and the rest cannot be cut off", 15, nil, errors.New("cannot"), true},
		{"fsync fails", -1, syscall.EIO, nil, false},
		{"fsync says that it is full", -1, syscall.ENOSPC, nil, true},
	} {
		for _, first := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s first=%v", tt.name, first), func(t *testing.T) {
				t.Parallel()
				state := diskState{room: -1}
				dir := t.TempDir()
				s, _ := open(t, Config{Dir: dir, create: state.create})
				var want []string
				if !first {
					put(t, s, "before")
					want = append(want, "before")
				}
				state.room, state.syncErr, state.cutErr = tt.room, tt.syncErr, tt.cutErr
				if err := s.Append(texts("lost", "lost too")); err == nil || errors.Is(err, ErrFull) != tt.full {
					t.Errorf("Append = %v, full = %v expected", err, tt.full)
				}
				state.room, state.syncErr, state.cutErr = -1, nil, nil
				put(t, s, "after")
				want = append(want, "after")

				size := int64(0)
				for _, item := range want {
					size += frameBytes(texts(item))
				}
				if s.disk != size {
					t.Errorf("disk = %d, want %d", s.disk, size)
				}

				// The process that goes on and one that starts see the same.
				other := t.TempDir()
				if err := os.CopyFS(other, os.DirFS(dir)); err != nil {
					t.Fatal(err)
				}
				again, _ := open(t, Config{Dir: other})
				for what, s := range map[string]*Spool{"same": s, "next": again} {
					if n, _ := s.Len(); n != len(want) {
						t.Errorf("%s process: Len = %d, want %d", what, n, len(want))
					}
					if got, _ := drain(t, s, 3); !cmp.Equal(got, want) {
						t.Errorf("%s process: %q, want %q", what, got, want)
					}
				}
			})
		}
	}
}

func TestSpool_AppendsShareAnFsync(t *testing.T) {
	t.Parallel()
	state := diskState{room: -1, hold: make(chan struct{})}
	s, _ := open(t, Config{Dir: t.TempDir(), create: state.create})
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			if err := s.Append(texts(fmt.Sprint(i))); err != nil {
				t.Error(err)
			}
		})
	}
	deadline := time.After(10 * time.Second)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	all := 20*frameBytes(texts("0")) + 10 // ten of the numbers have two digits
	for asked := int64(0); asked != all; {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("the appends do not wait together")
		}
		s.mu.Lock()
		asked = s.disk
		s.mu.Unlock()
	}
	close(state.hold)
	wg.Wait()
	if n := state.syncs.Load(); n > 2 {
		t.Errorf("%d fsyncs for 20 appends, want two at most", n)
	}
	if got, _ := drain(t, s, 50); len(got) != 20 {
		t.Errorf("%d came out", len(got))
	}
}

func TestSpool_NothingIsLeftOnDiskWhenAllIsDone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, _ := open(t, Config{Dir: dir, SegmentBytes: 50})
	for i := range 20 {
		put(t, s, fmt.Sprint("item ", i))
	}
	if n := len(segments(t, dir)); n < 5 {
		t.Errorf("%d segments, want several", n)
	}
	if got, _ := drain(t, s, 3); len(got) != 20 {
		t.Errorf("%d came out", len(got))
	}
	if left := segments(t, dir); len(left) != 0 {
		t.Errorf("left on disk: %v", left)
	}
	if s.disk != 0 {
		t.Errorf("disk = %d, want 0", s.disk)
	}
}

func BenchmarkAppend(b *testing.B) {
	s, _, err := Open(Config{Dir: b.TempDir(), MaxBytes: 1 << 40})
	if err != nil {
		b.Fatal(err)
	}
	item := make([]byte, 1024)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := s.Append([][]byte{item}); err != nil {
				b.Error(err)
			}
		}
	})
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}

// A version that went back to an older one took the newer one's segments for
// damage and removed them.
func TestOpen_LeavesWhatANewerVersionWrote(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, _ := open(t, Config{Dir: dir})
	put(t, s, "a")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	path := segments(t, dir)[0]
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[len(magic)-1] = version + 1
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Open(Config{Dir: dir, MaxBytes: 1 << 20}); !errors.Is(err, ErrNewer) || !strings.Contains(err.Error(), path) {
		t.Errorf("Open = %v, want ErrNewer that names the file", err)
	}
	if got := segments(t, dir); len(got) != 1 {
		t.Errorf("segments %q are left", got)
	}
	b[len(magic)-1] = version // the newer version is back
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	s, _ = open(t, Config{Dir: dir})
	if got, _ := drain(t, s, 1); !cmp.Equal(got, []string{"a"}) {
		t.Errorf("items %q", got)
	}
}

// The note of what is done needs no room of its own: see reserveCursor.
func TestOpen_TakesTheRoomOfTheCursor(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	open(t, Config{Dir: dir})
	info, err := os.Stat(filepath.Join(dir, cursorName))
	if err != nil || info.Size() != cursorBytes {
		t.Errorf("the cursor of a new spool: %v, %v; want %d bytes", info, err, cursorBytes)
	}
}
