package history

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// state waits until the history is in a state, and says it with these words.
func state(t *testing.T, h *History, want State, words string) {
	t.Helper()
	eventually(t, func() error {
		if s := h.Status(); s.State != want || !strings.Contains(s.Words(), words) {
			return fmt.Errorf("the history is %s, want %s and %q", s.Words(), want, words)
		}
		return nil
	})
}

func TestHistory_DatabaseThatIsAwayStopsNobody(t *testing.T) {
	t.Parallel()
	w := newWorld()
	c := w.config()
	c.URL = "postgres://imhook:s3cret@127.0.0.1:1/history?connect_timeout=2"
	h := start(t, c)
	w.journal.keep(began, message(1, "alice", group("g1")))
	h.Record(gateway.Attempt{Endpoint: "shop/backend", Pos: gateway.NewPos(1, 0), Outcome: gateway.Outcome{Kind: gateway.Delivered}})
	state(t, h, Broken, "connect")
	if s := h.Status(); strings.Contains(s.Words(), "s3cret") {
		t.Errorf("it tells the password: %s", s.Words())
	}
	if s := h.Status(); s.Lag <= 0 {
		t.Error("nothing says that it is behind")
	}
	if _, err := h.Search(t.Context(), Query{Limit: 1}, patterns); !errors.Is(err, ErrNotReady) || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("searching it is %v, want ErrNotReady", err)
	}
	if err := h.Rebuild(); !errors.Is(err, ErrNotReady) {
		t.Errorf("making it anew is %v, want ErrNotReady", err)
	}
}

func TestHistory_NoURLOfADatabaseIsSaidWithoutIt(t *testing.T) {
	t.Parallel()
	c := newWorld().config()
	c.URL = "postgres://imhook:s3c ret@%zz"
	h := start(t, c)
	state(t, h, Broken, "history.url is no URL of a PostgreSQL database")
	if words := h.Status().Words(); strings.Contains(words, "ret") {
		t.Errorf("it tells the password: %s", words)
	}
}

func TestHistory_GoesOnWhenItsConnectionsAreCut(t *testing.T) {
	t.Parallel()
	url := postgresURL(t)
	w := newWorld()
	c := w.config()
	c.URL = url
	c.chunkEvents = 8
	h := start(t, c)
	db, err := sql.Open("pgx", string(url))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	for n := 1; n <= 60; n++ {
		w.journal.keep(began.Add(time.Duration(n)*time.Second), message(n, "alice", group("g1")))
		if n%20 == 0 {
			current(t, h, n)
			// Those of this history: its tables are in a schema of its own.
			if _, err := db.Exec("SELECT pg_terminate_backend(l.pid) FROM pg_locks l WHERE l.locktype = 'advisory' AND l.objid::bigint = (hashtext('imhook_history_' || current_schema())::bigint & 4294967295)"); err != nil {
				t.Fatal(err)
			}
		}
	}
	current(t, h, 60)
	if got := find(t, h, Query{User: "alice", Limit: 1000}); len(got.Hits) != 60 {
		t.Errorf("found %d events, want each of 60 once", len(got.Hits))
	}
}

func TestHistory_OneFeedsAndAnotherFollowsAndTakesOver(t *testing.T) {
	t.Parallel()
	url := postgresURL(t)
	w := newWorld()
	c := w.config()
	c.URL = url
	first := start(t, c)
	w.journal.keep(began, message(1, "alice", group("g1")))
	current(t, first, 1)
	second := start(t, c)
	state(t, second, Following, "")
	w.journal.keep(began.Add(time.Second), message(2, "alice", group("g1")))
	current(t, first, 2)
	eventually(t, func() error {
		if got := ids(find(t, second, Query{User: "alice"})); !slices.Equal(got, []string{"e2", "e1"}) {
			return fmt.Errorf("the one that follows finds %v", got)
		}
		return nil
	})
	if err := second.Rebuild(); !errors.Is(err, ErrElsewhere) {
		t.Errorf("it is made anew by the one that follows: %v", err)
	}
	// Deliveries of the one that follows are noted too.
	second.Record(gateway.Attempt{Endpoint: "shop/backend", Pos: gateway.NewPos(2, 0), N: 1, At: began.Add(time.Minute), Outcome: gateway.Outcome{Kind: gateway.Delivered}})
	eventually(t, func() error {
		if got := ids(find(t, first, Query{Outcome: Delivered})); !slices.Equal(got, []string{"e2"}) {
			return fmt.Errorf("delivered are %v", got)
		}
		return nil
	})
	stop(t, first)
	w.journal.keep(began.Add(2*time.Second), message(3, "bob", group("g1")))
	current(t, second, 3)
}

func TestHistory_DiskOfTheJournalComesFirst(t *testing.T) {
	t.Parallel()
	w := newWorld()
	c := w.config()
	c.Dir = t.TempDir()
	c.chunkEvents, c.segmentBytes = 8, 1
	var avail atomic.Int64
	avail.Store(100 << 20)
	c.Room = func() (int64, int64, error) { return avail.Load(), 10 << 20, nil }
	h := start(t, c)
	n := 0
	more := func(k int) {
		for range k {
			n++
			w.journal.keep(began.Add(time.Duration(n)*time.Second), message(n, "alice", group("g1")))
		}
	}
	for range 4 {
		more(8)
		eventually(t, func() error {
			if got := h.counters.events.Load(); got != uint64(n) {
				return fmt.Errorf("%d events were written, want %d", got, n)
			}
			return nil
		})
	}
	if s := h.Status(); s.Segments < 3 || s.Events != n {
		t.Fatalf("there are %d events in %d segments", s.Events, s.Segments)
	}
	avail.Store(11 << 20)
	state(t, h, Broken, "no room for the history")
	if s := h.Status(); s.Segments != 1 {
		t.Errorf("there are %d segments left, want the newest", s.Segments)
	}
	more(5)
	avail.Store(100 << 20)
	eventually(t, func() error {
		if got := h.counters.events.Load(); got != uint64(n) {
			return fmt.Errorf("%d events were written, want %d", got, n)
		}
		return nil
	})
	if got := ids(find(t, h, Query{ID: fmt.Sprintf("e%d", n)})); len(got) != 1 {
		t.Errorf("the newest is found as %v", got)
	}
}

func TestHistory_DamagedFileIsSetAside(t *testing.T) {
	t.Parallel()
	for _, which := range []string{"newest", "oldest", "cut"} {
		t.Run(which, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			c := w.config()
			c.Dir = t.TempDir()
			c.chunkEvents, c.segmentBytes = 8, 1
			h := start(t, c)
			for n := 1; n <= 40; n++ {
				w.journal.keep(began.Add(time.Duration(n)*time.Second), message(n, "alice", group("g1")))
				if n%8 == 0 {
					current(t, h, n)
				}
			}
			stop(t, h)
			files, err := filepath.Glob(filepath.Join(c.Dir, "*.db"))
			if err != nil || len(files) < 3 {
				t.Fatalf("files are %v, %v", files, err)
			}
			slices.Sort(files)
			// One that was just made may be empty.
			files = slices.DeleteFunc(files, func(f string) bool {
				info, err := os.Stat(f)
				return err == nil && info.Size() < 64<<10
			})
			if wal, _ := filepath.Glob(filepath.Join(c.Dir, "*-wal")); len(wal) > 0 {
				t.Errorf("after it was stopped there is %v", wal)
			}
			file := files[len(files)-1]
			if which == "oldest" {
				file = files[0]
			}
			damage := []byte(strings.Repeat("no database ", 1000))
			if which == "cut" {
				whole, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				damage = whole[:len(whole)/3]
			}
			if err := os.WriteFile(file, damage, 0o600); err != nil {
				t.Fatal(err)
			}
			h = start(t, c)
			w.journal.keep(began.Add(time.Hour), message(41, "bob", group("g1")))
			eventually(t, func() error {
				f, err := h.Search(t.Context(), Query{User: "bob", Limit: 10}, patterns)
				if err != nil {
					return fmt.Errorf("%w: %s", err, h.Status().Words())
				}
				if got := ids(f); !slices.Equal(got, []string{"e41"}) {
					return fmt.Errorf("%v were found: %s", got, h.Status().Words())
				}
				return nil
			})
			got := ids(find(t, h, Query{Limit: 1000}))
			slices.Sort(got)
			if len(slices.Compact(slices.Clone(got))) != len(got) {
				t.Errorf("some are there twice: %v", got)
			}
			if which != "oldest" && len(got) != 41 {
				t.Errorf("%d events are there, want all 41: those of the file are read again", len(got))
			}
			aside, err := filepath.Glob(filepath.Join(c.Dir, "*.damaged-*"))
			if err != nil || len(aside) == 0 {
				t.Errorf("nothing was set aside: %v", err)
			}
		})
	}
}

func TestHistory_OfANewerImhookIsLeftAlone(t *testing.T) {
	t.Parallel()
	w := newWorld()
	c := w.config()
	c.Dir = t.TempDir()
	w.journal.keep(began, message(1, "alice", group("g1")))
	h := start(t, c)
	current(t, h, 1)
	stop(t, h)
	db, err := sql.Open("sqlite", filepath.Join(c.Dir, "000001.db"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("PRAGMA user_version = 99"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	h = start(t, c)
	state(t, h, Broken, "newer imhook")
}

func TestHistory_DirectoryHasOneGateway(t *testing.T) {
	t.Parallel()
	w := newWorld()
	c := w.config()
	c.Dir = t.TempDir()
	first := start(t, c)
	current(t, first, 0)
	second := start(t, c)
	state(t, second, Broken, "another gateway has its history in "+c.Dir)
	stop(t, first)
	current(t, second, 0)
}

func TestHistory_JournalThatCannotBeReadIsReadLater(t *testing.T) {
	t.Parallel()
	w := newWorld()
	c := w.config()
	c.Dir = t.TempDir()
	h := start(t, c)
	w.journal.keep(began, message(1, "alice", group("g1")))
	current(t, h, 1)
	w.journal.fails(fmt.Errorf("%w: NATS is away", gateway.ErrUnavailable))
	state(t, h, Broken, "NATS is away")
	if got := ids(find(t, h, Query{User: "alice"})); len(got) != 1 {
		t.Errorf("what was read is found as %v", got)
	}
	w.journal.keep(began.Add(time.Second), message(2, "alice", group("g1")))
	w.journal.fails(nil)
	current(t, h, 2)
}

func TestHistory_FeedThatCannotBeReadHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.decisions.fail = errors.New("the trail is away")
	w.journal.keep(began, message(1, "alice", group("g1")))
	c := w.config()
	c.Dir = t.TempDir()
	h := start(t, c)
	state(t, h, Current, "decisions cannot be read: the trail is away")
	current(t, h, 1)
	w.decisions.keep(t, began, decision(2, "bob", group("g1"), event.Deny))
	w.decisions.mu.Lock()
	w.decisions.fail = nil
	w.decisions.mu.Unlock()
	current(t, h, 2)
	if words := h.Status().Words(); words != "current" {
		t.Errorf("it is %q afterwards", words)
	}
}

func TestStop_BeforeStart(t *testing.T) {
	t.Parallel()
	c := newWorld().config()
	c.Dir = t.TempDir()
	h, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Stop(context.Background()); err != nil {
		t.Error(err)
	}
}

func TestPacer_TakesLessWhereLessIsIdle(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ idle, want float64 }{{0, leastShare}, {0.5, 0.25}, {16, mostShare}} {
		p := newPacer(t.Context(), func() float64 { return test.idle })
		p.begun = time.Now().Add(-slice)
		p.rest()
		if p.share != test.want {
			t.Errorf("with %v processors idle it takes %v of one, want %v", test.idle, p.share, test.want)
		}
	}
}
