package journal

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

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
	j.SetFloor(last-4, true)
	j.reserve.Store(1 << 60)
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
	j.SetFloor(1, true)
	j.reserve.Store(1 << 60) // something else fills the disk
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

// damageStore stores 60 pages of two events in three files of blocks, each event
// with a key, and closes the journal.
func damageStore(t *testing.T, dir string) {
	t.Helper()
	j := open(t, dir)
	for n := range 60 {
		a, b := sample(2*n), sample(2*n+1)
		a.Raw.Body, b.Raw.Body = make([]byte, 200<<10), make([]byte, 200<<10)
		if _, err := j.Append(t.Context(), gateway.Arrival{Events: []*event.Event{a, b}}); err != nil {
			t.Fatal(err)
		}
	}
	j.SetFloor(31, true)
	if err := j.Save(t.Context(), "reader", []byte("at 30")); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if n := len(blocks(t, dir, pageStream)); n != 3 {
		t.Fatalf("%d files of blocks, want 3: the engine's files have moved, and this test proves nothing", n)
	}
}

// blocks are the engine's files of a stream, the oldest first.
func blocks(t *testing.T, dir, stream string) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(dir, "journal", "jetstream", "$G", "streams", stream, "msgs", "*.blk"))
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(all, func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b)) })
	return all
}

func indexOf(t *testing.T, dir string) string {
	t.Helper()
	return filepath.Join(filepath.Dir(blocks(t, dir, pageStream)[0]), "index.db")
}

func flipMiddle(t *testing.T, path string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, paths ...string) {
	t.Helper()
	for _, p := range paths {
		if err := os.RemoveAll(p); err != nil {
			t.Fatal(err)
		}
	}
}

func resize(t *testing.T, path string, by int64) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, info.Size()+by); err != nil {
		t.Fatal(err)
	}
}

func TestOpen_SaysWhatDamageTook(t *testing.T) {
	t.Parallel()
	master := t.TempDir()
	damageStore(t, master)
	cut := func(n int, by int64) func(*testing.T, []string) {
		return func(t *testing.T, b []string) { t.Helper(); resize(t, b[n], by) }
	}
	flip := func(n int) func(*testing.T, []string) {
		return func(t *testing.T, b []string) { t.Helper(); flipMiddle(t, b[n]) }
	}
	drop := func(from, to int) func(*testing.T, []string) {
		return func(t *testing.T, b []string) { t.Helper(); remove(t, b[from:to]...) }
	}
	stream := func(t *testing.T, b []string) { t.Helper(); remove(t, filepath.Dir(filepath.Dir(b[0]))) }
	for _, c := range []struct {
		name   string
		damage func(t *testing.T, blks []string)
		// where is the loss; empty when nothing may be lost.
		where string
		// first of the lost pages that was not finished; zero means all were.
		unfinished uint64
	}{
		{"last file cut short", cut(2, -300), LostEnd, 60},
		{"garbage behind the last file", cut(2, 64<<10), "", 0},
		{"byte flipped in the last file", flip(2), LostEnd, 51},
		{"byte flipped in a middle file", flip(1), LostMiddle, 31},
		{"oldest file removed", drop(0, 1), LostBegin, 0},
		{"middle file removed", drop(1, 2), LostMiddle, 31},
		{"last file removed", drop(2, 3), LostEnd, 41},
		{"all files removed", drop(0, 3), LostAll, 31},
		{"the stream removed", stream, LostAll, 31},
		{"nothing but the index", func(*testing.T, []string) {}, "", 0},
	} {
		indexes := []string{"whole", "removed"}
		if testing.Short() {
			indexes = indexes[1:] // under the race detector once is enough
		}
		if c.where == "" && !testing.Short() {
			indexes = append(indexes, "empty", "flipped")
		}
		for _, index := range indexes {
			t.Run(c.name+"/index "+index, func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				if err := os.CopyFS(dir, os.DirFS(master)); err != nil {
					t.Fatal(err)
				}
				blks, idx := blocks(t, dir, pageStream), indexOf(t, dir)
				switch index {
				case "removed":
					remove(t, idx)
				case "empty":
					if err := os.Truncate(idx, 0); err != nil {
						t.Fatal(err)
					}
				case "flipped":
					flipMiddle(t, idx)
				}
				c.damage(t, blks)
				where, late := c.where, false
				if index == "whole" && strings.HasPrefix(c.name, "byte flipped") {
					// With its index the engine does not read the file, and leaves out one
					// page when it does.
					where, late = LostMiddle, true
				}
				checkDamage(t, dir, where, c.unfinished, late)
			})
		}
	}
}

// checkDamage opens a damaged store: the journal must say what is missing, and
// nothing else, and go on. Late: it is found out when pages are read.
func checkDamage(t *testing.T, dir, where string, unfinished uint64, late bool) {
	t.Helper()
	var log bytes.Buffer
	logged := func(c *Config) {
		c.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelError}))
	}
	j := open(t, dir, logged)
	left := map[uint64]bool{}
	for _, p := range pagesOf(t, j) {
		left[p.Seq] = true
		if len(p.Events) != 2 {
			t.Errorf("page %d has %d events", p.Seq, len(p.Events))
		}
	}
	// A file that is damaged in its middle is found out when it is read.
	if err := j.note(t.Context()); err != nil {
		t.Fatal(err)
	}
	var gone []uint64
	for seq := uint64(1); seq <= 60; seq++ {
		if !left[seq] {
			gone = append(gone, seq)
		}
	}
	var want []Loss
	if where != "" {
		if len(gone) == 0 {
			t.Fatal("nothing is gone: the damage did nothing")
		}
		want = []Loss{{Where: where, First: gone[0], Last: gone[len(gone)-1], Pages: uint64(len(gone)), Events: int64(2 * len(gone)), Unfinished: unfinished}}
	}
	ignoreTime := cmpopts.IgnoreFields(Loss{}, "FoundAt")
	if diff := gocmp.Diff(want, j.Losses(), ignoreTime, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("losses (-want +got):\n%s", diff)
	}
	if st := j.Stats(); st.LostPages != uint64(len(gone)) || st.LostEvents != uint64(2*len(gone)) {
		t.Errorf("stats say %d pages and %d events, want %d and twice that", st.LostPages, st.LostEvents, len(gone))
	}
	lines := strings.Count(log.String(), "journal came back with less")
	if lines != len(want) {
		t.Errorf("%d lines about it, want %d:\n%s", lines, len(want), log.String())
	}
	// What is new gets new numbers, and what was lost may come again.
	again, came := sample(0), 0
	if len(gone) > 0 {
		again = sample(int(2 * (gone[0] - 1)))
		if !late {
			came = 1
		}
	}
	for n, ev := range []*event.Event{again, sample(1000), sample(1001)} {
		kept, err := j.Append(t.Context(), gateway.Arrival{Events: []*event.Event{ev}})
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 && kept.Stored != came {
			t.Errorf("an event of page %v came again: %+v", gone, kept)
		}
	}
	for seq := range left {
		if kept, err := j.Append(t.Context(), gateway.Arrival{Events: []*event.Event{sample(int(2 * (seq - 1)))}}); err != nil || kept.Duplicates != 1 {
			t.Errorf("an event of page %d, which is there, came again: %+v, %v", seq, kept, err)
		}
		break
	}
	check := func(when string) {
		t.Helper()
		fresh := 0
		for _, p := range pagesOf(t, j) {
			if p.Seq > 60 {
				fresh += len(p.Events)
			} else if !left[p.Seq] {
				t.Errorf("%s: number %d is used again", when, p.Seq)
			}
			delete(left, p.Seq)
		}
		if want := 2 + came; fresh != want || len(left) != 0 {
			t.Errorf("%s: %d new events want %d, without %d of the old pages", when, fresh, want, len(left))
		}
	}
	before := maps.Clone(left)
	check("at once")
	values, err := j.Load(t.Context())
	if err != nil || string(values["reader"]) != "at 30" {
		t.Errorf("the position is %q, %v", values["reader"], err)
	}
	if err := j.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	log.Reset()
	j = open(t, dir, logged)
	left = before
	check("after another start")
	if err := j.note(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(want, j.Losses(), ignoreTime, cmpopts.EquateEmpty()); diff != "" || log.Len() > 0 {
		t.Errorf("it is told once more: %s\n%s", log.String(), diff)
	}
}

func pagesOf(t *testing.T, j *Journal) (all []*gateway.Page) {
	t.Helper()
	for seq := uint64(1); ; {
		p, err := j.Page(t.Context(), seq)
		if errors.Is(err, gateway.ErrNoPage) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
		seq = p.Seq + 1
	}
}

func TestOpen_SecondDamageIsCountedByItself(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	damageStore(t, dir)
	remove(t, blocks(t, dir, pageStream)[1])
	if err := open(t, dir).Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	blks := blocks(t, dir, pageStream)
	remove(t, blks[1:]...)
	remove(t, indexOf(t, dir))
	j := open(t, dir)
	var got []string
	for _, l := range j.Losses() {
		got = append(got, l.String())
	}
	want := []string{
		"journal came back with less than it had: pages 21..40 (40 events) in the middle are missing; from page 31 on some endpoint was not done with them",
		"journal came back with less than it had: pages 41..60 (40 events) at the end are missing; from page 41 on some endpoint was not done with them",
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// What was committed after the last high-water record is known from positions.
func TestOpen_LossOfTheLastSecondIsToldToo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := open(t, dir)
	fillPages(t, j, 5, 10)
	record, err := os.ReadFile(filepath.Join(dir, highWaterFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Save(t.Context(), "tail", []byte{1}); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, highWaterFile), record, 0o600); err != nil {
		t.Fatal(err)
	}
	remove(t, blocks(t, dir, pageStream)...)
	remove(t, filepath.Join(dir, "journal", "jetstream", "$G", "streams", pageStream, "msgs", "index.db"))
	j = open(t, dir)
	fillPages(t, j, 1, 10)
	if pages := pagesOf(t, j); len(pages) != 1 || pages[0].Seq != 6 {
		t.Errorf("the new page is %+v, want number 6", pages)
	}
}

func TestOpen_ManyNumbersArePassedOver(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := open(t, dir)
	fillPages(t, j, 3, 10)
	const last = 5000
	j.done.set(last, 9000) // as if there had been so many
	if err := j.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	j = open(t, dir)
	fillPages(t, j, 1, 10)
	pages := pagesOf(t, j)
	if len(pages) != 4 || pages[2].Seq != 3 || pages[3].Seq != last+1 {
		t.Errorf("%d pages, want three and number %d", len(pages), last+1)
	}
	if l := j.Losses(); len(l) != 1 || l[0].First != 4 || l[0].Last != last || l[0].Events != 9000-3 {
		t.Errorf("losses %+v", l)
	}
}

func TestReopen_EngineThatLostPagesGoesOnBehindThem(t *testing.T) {
	t.Parallel()
	for _, keep := range []uint64{0, 3} {
		j := open(t, t.TempDir())
		ctx, cancel := context.WithCancel(t.Context())
		ids, done := make(chan string, 100), make(chan error, 1)
		go func() {
			next := uint64(1)
			for ctx.Err() == nil { // it ends when the engine is restarted, and is begun anew
				_ = j.Tail(ctx, next, func(p *gateway.Page) {
					for _, ev := range p.Events {
						ids <- ev.ID
					}
					next = p.Seq + 1
				})
			}
			done <- ctx.Err()
		}()
		fillPages(t, j, 5, 10)
		e := j.engine.Load()
		if err := e.js.DeleteStream(t.Context(), pageStream); err != nil {
			t.Fatal(err)
		}
		if keep > 0 {
			cfg := e.pages.CachedInfo().Config
			if _, err := e.js.CreateStream(t.Context(), cfg); err != nil {
				t.Fatal(err)
			}
			for range keep {
				if _, err := e.js.Publish(t.Context(), pageSubject, pageOf(record{ev: sample(0)})); err != nil {
					t.Fatal(err)
				}
			}
		}
		j.broke()
		waitFor(t, "the engine to be mended", func() bool { return j.Healthy() == nil })
		ev := sample(9)
		if _, err := j.Append(t.Context(), gateway.Arrival{Events: []*event.Event{ev}}); err != nil {
			t.Fatal(err)
		}
		for n := range 6 {
			want := fmt.Sprint("id-", n)
			if n == 5 {
				want = ev.ID
			}
			select {
			case id := <-ids:
				if id != want {
					t.Errorf("the tail gave %s, want %s", id, want)
				}
			case <-time.After(20 * time.Second):
				t.Fatalf("the tail gave %d events of 6", n)
			}
		}
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if l := j.Losses(); len(l) != 1 || l[0].Pages != 5-keep || l[0].Last != 5 {
			t.Errorf("losses %+v, want %d pages up to 5", l, 5-keep)
		}
	}
}

// With its index whole the engine counts a page that it cannot read, and never
// delivers it.
func TestOpen_DamagedLastPageDoesNotKeepTheJournalClosed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := open(t, dir)
	for n := range 5 {
		if _, err := j.Append(t.Context(), large(n)); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Save(t.Context(), "k", bytes.Repeat([]byte("v"), 1000)); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	for _, stream := range []string{pageStream, positionStream} {
		b := blocks(t, dir, stream)
		last := b[len(b)-1]
		data, err := os.ReadFile(last)
		if err != nil {
			t.Fatal(err)
		}
		data[len(data)-100] ^= 1
		write(t, last, string(data))
	}
	remove(t, filepath.Join(dir, segmentFolder)) // all pages are read
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	j, err := Open(ctx, Config{Dir: dir, Reserve: 1})
	if err != nil {
		t.Fatalf("Open = %v", err)
	}
	defer func() {
		if err := j.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	if got, err := j.Load(t.Context()); err != nil || len(got["k"]) != 1000 {
		t.Errorf("the position has %d bytes, %v", len(got["k"]), err)
	}
	if got := all(t, j); len(got) != 4 {
		t.Errorf("%d events are left, want 4", len(got))
	}
}

// Positions that were lost made endpoints begin at the journal's end.
func TestOpen_LostPositionsComeFromTheirCopy(t *testing.T) {
	t.Parallel()
	for _, damage := range []string{"file", "stream", "flip", "cut"} {
		t.Run(damage, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			j := open(t, dir)
			want := map[string][]byte{}
			for n := range 50 {
				k := fmt.Sprint("k", n)
				want[k] = bytes.Repeat([]byte(k), 100)
				if err := j.Save(t.Context(), k, want[k]); err != nil {
					t.Fatal(err)
				}
			}
			if err := j.Close(context.Background()); err != nil {
				t.Fatal(err)
			}
			blks := blocks(t, dir, positionStream)
			index := filepath.Join(filepath.Dir(blks[0]), "index.db")
			switch damage {
			case "file":
				remove(t, blks...)
			case "stream":
				remove(t, filepath.Dir(filepath.Dir(index)))
			case "flip":
				flipMiddle(t, blks[0])
			case "cut":
				resize(t, blks[0], -10)
				remove(t, index)
			}
			for range 2 {
				j = open(t, dir)
				got, err := j.Load(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if diff := gocmp.Diff(want, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				if err := j.Close(context.Background()); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// A write that failed half way was followed by one over the record that was whole.
func TestWater_FailedWriteLeavesTheOtherSlotAlone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w, _, err := openWater(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	set := func(n uint64) error { return w.set(time.Now(), func(r *highWater) { r.Last = n }) }
	for n := uint64(1); n <= 2; n++ {
		if err := set(n); err != nil {
			t.Fatal(err)
		}
	}
	good := w.rec.Turn
	file := w.file
	if w.file, err = os.Open(file.Name()); err != nil { // not to be written
		t.Fatal(err)
	}
	for range 3 {
		if set(3) == nil {
			t.Fatal("set did not fail")
		}
		if next := w.rec.Turn + 1; next%2 == good%2 {
			t.Errorf("the next write goes to slot %d, which holds the record of turn %d", next%2, good)
		}
	}
	if err := errors.Join(w.file.Close(), file.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestWater_OneDamagedSlotIsNoHarm(t *testing.T) {
	t.Parallel()
	for slot := range 3 {
		dir := t.TempDir()
		w, damaged, err := openWater(dir, "")
		if err != nil || damaged {
			t.Fatal(damaged, err)
		}
		for n := uint64(1); n <= 4; n++ {
			if err := w.set(time.Now(), func(r *highWater) { r.Last = n }); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.close(); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, highWaterFile)
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for s := range 2 {
			if s == slot || slot == 2 {
				b[s*slotSize+20] ^= 1
			}
		}
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		w, damaged, err = openWater(dir, "")
		if err != nil {
			t.Fatal(err)
		}
		if last := w.get().Last; damaged != (slot == 2) || last != []uint64{3, 4, 0}[slot] {
			t.Errorf("without slot %d the last page is %d, damaged %t", slot, last, damaged)
		}
		if err := w.close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestWater_AStartForgetsNotWhatEndpointsWereDoneWith: damage that is found in the first
// second of a start was told as if no endpoint had been done with anything.
func TestWater_AStartForgetsNotWhatEndpointsWereDoneWith(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	damageStore(t, dir)
	j := open(t, dir)
	for _, step := range []struct {
		say  func()
		want uint64
	}{
		{func() {}, 31},
		{func() { j.SetFloor(5, false) }, 31}, // it will be higher soon
		{func() { j.SetFloor(40, false) }, 40},
		{func() { j.SetFloor(7, true) }, 7}, // somebody begins anew
	} {
		step.say()
		if err := j.writeWater(t.Context(), j.engine.Load(), 1); err != nil {
			t.Fatal(err)
		}
		if got := j.water.get().Floor; got != step.want {
			t.Errorf("on record every endpoint is done with the pages below %d, want %d", got, step.want)
		}
	}
}
