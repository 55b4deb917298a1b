package journal

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

func open(tb testing.TB, dir string, change ...func(*Config)) *Journal {
	tb.Helper()
	cfg := Config{Dir: dir, Reserve: 1}
	for _, f := range change {
		f(&cfg)
	}
	j, err := Open(context.Background(), cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := j.Close(context.Background()); err != nil {
			tb.Error(err)
		}
	})
	return j
}

func sample(n int) *event.Event {
	return &event.Event{
		ID: fmt.Sprintf("id-%d", n), App: "shop", Source: "wfc", Type: event.MessageSend, Phase: event.After,
		Time: time.UnixMilli(1763700000000 + int64(n)).UTC(), Dialect: "wildfirechat", Generation: "current", Command: "message",
		Trace: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
		Lane:  event.NewLane(event.KindGroup, fmt.Sprint("g", n%7)), Links: []string{fmt.Sprint("msg:", n), "seq:1"},
		Dedupe: fmt.Sprint(n),
		Raw: event.Raw{
			Dialect: "wildfirechat", Path: "/im_event/message", Query: "a=b", ContentType: "application/json; charset=utf-8",
			Body: []byte(fmt.Sprintf(`{"messageId":%d}`, n)),
		},
	}
}

// all reads everything that is stored.
func all(t *testing.T, j *Journal) []*event.Event {
	t.Helper()
	var evs []*event.Event
	for seq := uint64(1); ; {
		p, err := j.Page(t.Context(), seq)
		if errors.Is(err, gateway.ErrNoPage) {
			return evs
		}
		if err != nil {
			t.Fatal(err)
		}
		evs = append(evs, p.Events...)
		seq = p.Seq + 1
	}
}

func TestAppend_WhatWasKeptIsReadBackWhole(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := open(t, dir)
	want := []*event.Event{sample(0), sample(1), sample(2)}
	want[1].Echo, want[1].Links = true, nil
	kept, err := j.Append(t.Context(), gateway.Arrival{Events: want})
	if err != nil || kept != (gateway.Kept{Stored: 3}) {
		t.Fatalf("Append = %+v, %v", kept, err)
	}
	if diff := cmp.Diff(want, all(t, j)); diff != "" {
		t.Errorf("before closing (-want +got):\n%s", diff)
	}
	if err := j.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	j = open(t, dir)
	if diff := cmp.Diff(want, all(t, j)); diff != "" {
		t.Errorf("after closing (-want +got):\n%s", diff)
	}
}

func TestAppend_SecondArrivalIsADuplicateAlsoAfterReopening(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := open(t, dir)
	unkeyed := sample(9)
	unkeyed.Dedupe = ""
	for _, c := range []struct {
		evs  []*event.Event
		want gateway.Kept
	}{
		{[]*event.Event{sample(0)}, gateway.Kept{Stored: 1}},
		{[]*event.Event{sample(0)}, gateway.Kept{Duplicates: 1}},
		{[]*event.Event{sample(0), sample(1), sample(1)}, gateway.Kept{Stored: 1, Duplicates: 2}},
		{[]*event.Event{unkeyed}, gateway.Kept{Stored: 1}},
		{[]*event.Event{unkeyed}, gateway.Kept{Stored: 1}},
	} {
		if got, err := j.Append(t.Context(), gateway.Arrival{Events: c.evs}); got != c.want || err != nil {
			t.Errorf("Append of %d = %+v, %v; want %+v", len(c.evs), got, err, c.want)
		}
	}
	if err := j.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	j = open(t, dir)
	if got, err := j.Append(t.Context(), gateway.Arrival{Events: []*event.Event{sample(1), sample(2)}}); got != (gateway.Kept{Stored: 1, Duplicates: 1}) || err != nil {
		t.Errorf("after reopening Append = %+v, %v", got, err)
	}
}

func TestAppend_ManyAtOnceKeepEachOnce(t *testing.T) {
	t.Parallel()
	j := open(t, t.TempDir())
	var wg sync.WaitGroup
	var mu sync.Mutex
	var total gateway.Kept
	for range 8 {
		wg.Go(func() {
			for n := range 500 {
				kept, err := j.Append(t.Context(), gateway.Arrival{Events: []*event.Event{sample(n)}})
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				total.Stored += kept.Stored
				total.Duplicates += kept.Duplicates
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if total != (gateway.Kept{Stored: 500, Duplicates: 3500}) {
		t.Errorf("kept %+v, want each of 500 stored once", total)
	}
	seen := map[string]int{}
	for _, ev := range all(t, j) {
		seen[ev.ID]++
	}
	if len(seen) != 500 {
		t.Errorf("%d different events are stored, want 500", len(seen))
	}
}

func TestAppend_SignatureUsedAgainWithAnotherBody(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := open(t, dir)
	guard := gateway.Guard{Key: event.Hash("nonce"), Sum: event.Hash("body")}
	other := gateway.Guard{Key: guard.Key, Sum: event.Hash("another body")}
	must := func(g gateway.Guard, n int, want error) {
		t.Helper()
		if _, err := j.Append(t.Context(), gateway.Arrival{Events: []*event.Event{sample(n)}, Guard: g}); !errors.Is(err, want) {
			t.Errorf("Append = %v, want %v", err, want)
		}
	}
	must(guard, 0, nil)
	must(guard, 0, nil) // the vendor's honest retry
	must(other, 1, gateway.ErrReplayed)
	if err := j.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	j = open(t, dir)
	must(guard, 0, nil)
	must(other, 1, gateway.ErrReplayed)
	if got := all(t, j); len(got) != 1 {
		t.Errorf("%d events stored, want 1", len(got))
	}
}

func TestOpen_SecondGatewayOnOneDirectoryIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	open(t, dir)
	if j, err := Open(t.Context(), Config{Dir: dir}); err == nil {
		_ = j.Close(t.Context())
		t.Error("a second journal was opened in the same directory")
	}
}

// BenchmarkAppend compares group commit in pages with one message and one fsync
// per event, at several numbers of callers.
func BenchmarkAppend(b *testing.B) {
	for _, callers := range []int{1, 8, 64, 256} {
		for _, sync := range []Sync{Always, Interval} {
			b.Run(fmt.Sprintf("pages/sync=%s/callers=%d", sync, callers), func(b *testing.B) {
				j := open(b, b.TempDir(), func(c *Config) { c.Sync = sync })
				benchCallers(b, callers, func(n int) error {
					ev := sample(n)
					ev.Raw.Body = make([]byte, 1024)
					_, err := j.Append(b.Context(), gateway.Arrival{Events: []*event.Event{ev}})
					return err
				})
			})
		}
		b.Run(fmt.Sprintf("message-per-event/sync=always/callers=%d", callers), func(b *testing.B) {
			j := open(b, b.TempDir())
			e := j.engine.Load()
			body := make([]byte, 1300)
			benchCallers(b, callers, func(int) error {
				_, err := e.js.Publish(b.Context(), pageSubject, body)
				return err
			})
		})
	}
}

func benchCallers(b *testing.B, callers int, call func(n int) error) {
	b.Helper()
	b.ReportAllocs()
	work := make(chan int, callers)
	var wg sync.WaitGroup
	b.ResetTimer()
	for range callers {
		wg.Go(func() {
			for n := range work {
				if err := call(n); err != nil {
					b.Error(err)
				}
			}
		})
	}
	for n := range b.N {
		work <- n
	}
	close(work)
	wg.Wait()
}
