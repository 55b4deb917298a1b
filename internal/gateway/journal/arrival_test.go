package journal

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// A guard used to be remembered only when the first event of its arrival was new:
// a signature that came with a known event could be used again with any body.
func TestAppend_GuardIsRememberedWhateverIsNewInItsArrival(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		evs  []*event.Event
	}{
		{"first event is a duplicate", []*event.Event{sample(0), sample(1)}},
		{"all events are duplicates", []*event.Event{sample(0)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			j := open(t, dir)
			if _, err := j.Append(t.Context(), gateway.Arrival{Events: []*event.Event{sample(0)}}); err != nil {
				t.Fatal(err)
			}
			guard := gateway.Guard{Key: event.Hash("nonce", c.name), Sum: event.Hash("body")}
			if _, err := j.Append(t.Context(), gateway.Arrival{Events: c.evs, Guard: guard}); err != nil {
				t.Fatal(err)
			}
			forged := gateway.Arrival{Events: []*event.Event{sample(7)}, Guard: gateway.Guard{Key: guard.Key, Sum: event.Hash("forged")}}
			if _, err := j.Append(t.Context(), forged); !errors.Is(err, gateway.ErrReplayed) {
				t.Errorf("before reopening Append of the forged body = %v, want ErrReplayed", err)
			}
			if err := j.Close(context.Background()); err != nil {
				t.Fatal(err)
			}
			j = open(t, dir)
			if _, err := j.Append(t.Context(), forged); !errors.Is(err, gateway.ErrReplayed) {
				t.Errorf("after reopening Append of the forged body = %v, want ErrReplayed", err)
			}
		})
	}
}

// An honest retry under the same signature used to store events again that
// nothing but the signature tells apart.
func TestAppend_SameSignatureAndBodyIsKeptOnce(t *testing.T) {
	t.Parallel()
	j := open(t, t.TempDir())
	ev := sample(0)
	ev.Dedupe = ""
	a := gateway.Arrival{Events: []*event.Event{ev}, Guard: gateway.Guard{Key: event.Hash("nonce"), Sum: event.Hash("body")}}
	for i, want := range []gateway.Kept{{Stored: 1}, {Duplicates: 1}} {
		if got, err := j.Append(t.Context(), a); got != want || err != nil {
			t.Errorf("Append %d = %+v, %v; want %+v", i, got, err, want)
		}
	}
}

// An arrival larger than a page used to be spread over several, each with its own
// commit: a failure in between kept a part of it.
func TestAppend_ArrivalIsOnePage(t *testing.T) {
	t.Parallel()
	j := open(t, t.TempDir())
	var evs []*event.Event
	for n := range 20 {
		ev := sample(n)
		ev.Raw.Body = make([]byte, 1<<20)
		evs = append(evs, ev)
	}
	if _, err := j.Append(t.Context(), gateway.Arrival{Events: evs}); err != nil {
		t.Fatal(err)
	}
	p, err := j.Page(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Events) != len(evs) {
		t.Errorf("the first page has %d of the arrival's %d events", len(p.Events), len(evs))
	}
	for n := range 30 {
		ev := sample(100 + n)
		ev.Raw.Body = make([]byte, 1<<20)
		evs = append(evs, ev)
	}
	if _, err := j.Append(t.Context(), gateway.Arrival{Events: evs}); !errors.Is(err, gateway.ErrTooLarge) {
		t.Errorf("Append of 50 MiB = %v, want ErrTooLarge", err)
	}
	if _, last, _, err := j.Bounds(t.Context()); last != 1 || err != nil {
		t.Errorf("after the refusal the last page is %d, %v; want 1", last, err)
	}
}

// A tail that begins behind the end used to be given earlier pages.
func TestTail_BeginsNotBeforeItsPage(t *testing.T) {
	t.Parallel()
	j := open(t, t.TempDir())
	add := func(n int) {
		t.Helper()
		if _, err := j.Append(t.Context(), gateway.Arrival{Events: []*event.Event{sample(n)}}); err != nil {
			t.Fatal(err)
		}
	}
	add(0)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	got := make(chan uint64, 8)
	done := make(chan error, 1)
	go func() { done <- j.Tail(ctx, 3, func(p *gateway.Page) { got <- p.Seq }) }()
	for n := 1; n < 4; n++ {
		add(n)
	}
	select {
	case seq := <-got:
		if seq != 3 {
			t.Errorf("the tail began with page %d, want 3", seq)
		}
	case <-ctx.Done():
		t.Error("the tail gave nothing")
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("Tail = %v, want context.Canceled", err)
	}
}

// Group 1 holds an event, group 2 the mark of its retry under a new signature.
// When group 1 fails and group 2 does not, the next retry finds its signature
// known, and must store the event all the same.
func TestJoin_KnownSignatureDoesNotVouchForAFailedEvent(t *testing.T) {
	t.Parallel()
	j := &Journal{cfg: Config{}.WithDefaults()}
	j.commits.init()
	j.window.init(j.cfg.Window, j.cfg.WindowKeys, j.cfg.Now())
	ev := sample(0)
	key := event.Hash(ev.App, ev.Source, ev.Command, ev.Dedupe)
	join := func(guard gateway.Guard) (gateway.Kept, []*group) {
		t.Helper()
		var buf []byte
		if !guard.IsZero() {
			buf = appendMark(buf, guard)
		}
		buf = appendRecord(buf, record{ev: ev, key: key})
		kept, waits, err := j.join(gateway.Arrival{Events: []*event.Event{ev}, Guard: guard}, []event.Key{key}, buf, []int{len(buf)})
		if err != nil {
			t.Fatal(err)
		}
		return kept, waits
	}
	guard := gateway.Guard{Key: event.Hash("nonce"), Sum: event.Hash("body")}

	join(gateway.Guard{})
	first := j.commits.take()
	kept, waits := join(guard)
	second := j.commits.take()
	if kept != (gateway.Kept{Duplicates: 1}) || len(waits) != 2 {
		t.Fatalf("the retry is %+v and waits for %d groups, want a duplicate that waits for both", kept, len(waits))
	}
	j.window.settle(first, false)
	j.window.settle(second, true)
	if kept, _ := join(guard); kept != (gateway.Kept{Stored: 1}) {
		t.Errorf("the second retry is %+v, want it stored: nothing else holds the event", kept)
	}
}
