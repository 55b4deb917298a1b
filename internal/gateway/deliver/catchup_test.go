package deliver

import (
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// TestCatchUp_PageThatIsLateMovesNothingBack: while the reader of an endpoint, which
// reads again what was open before a restart, waits for a page, something else
// settles what it was reading for. It must not begin there again.
func TestCatchUp_PageThatIsLateMovesNothingBack(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change  func(*Endpoint)
		reorder bool
		want    []string
	}{
		"what was open expired": {change: func(e *Endpoint) { e.MaxBacklogAge = 30 * time.Minute }},
		"another order":         {reorder: true, want: []string{"x/0"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				mem, before := newMemJournal(), &backend{}
				before.answer = func(ev *event.Event, _ int) gateway.Outcome {
					if ev.Lane == "group:x" {
						return failing(gateway.Retry, gateway.ReasonStatus5xx)
					}
					return gateway.Outcome{Kind: gateway.Delivered}
				}
				e := endpoint(before)
				e.Rule = "all"
				d := runOn(t, mem, -1, nil, e)
				mem.add(ev("x", 0))
				pass(time.Hour)
				for n := range 4 {
					mem.add(ev("y", n))
				}
				pass(time.Minute)
				stop(t, d)
				if len(before.ids()) != 4 {
					t.Fatalf("%v arrived, want y's four", before.ids())
				}

				j, after, reg := &slowly{memJournal: mem}, &backend{}, prometheus.NewRegistry()
				var late atomic.Bool
				late.Store(true)
				j.page = func() {
					if late.Swap(false) {
						advance(3 * time.Second)
					}
				}
				e.Sender = after
				if tt.change != nil {
					tt.change(&e)
				}
				d = runOn(t, j, 0, reg, e)
				defer stop(t, d)
				synctest.Wait()
				if tt.reorder {
					e.Order = OrderStrict
					set(t, d, e)
				}
				pass(3 * time.Hour)
				if diff := cmp.Diff(tt.want, after.ids()); diff != "" {
					t.Errorf("arrived after the restart (-want +got):\n%s", diff)
				}
				if n := testutil.ToFloat64(d.metrics.expired.WithLabelValues("a", "e")); int(n) != 1-len(tt.want) {
					t.Errorf("%v expired, want %d", n, 1-len(tt.want))
				}
			})
		})
	}
}

// TestDeliver_FailingEventsOfManyLanesDoNotStopReading: events that fail, each in a
// lane of its own, hold their own lanes only, however many and large they are.
func TestDeliver_FailingEventsOfManyLanesDoNotStopReading(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		lanes, size int
		batch       Batch
		order       Order
	}{
		"many":             {lanes: maxLoaded + 1000, size: 10},
		"many, no order":   {lanes: maxLoaded + 1000, size: 10, order: OrderNone},
		"large":            {lanes: 64, size: 1 << 20},
		"many, batches":    {lanes: maxLoadedBatch + 1000, size: 10, batch: Batch{Count: 100}},
		"large in batches": {lanes: 64, size: 1 << 20, batch: Batch{Count: 100}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if testing.Short() && tt.lanes > maxLoadedBatch && tt.batch.Count > 0 {
				t.Skip("is about memory, and takes minutes under the race detector; runs without -short, as CI does")
			}
			synctest.Test(t, func(t *testing.T) {
				j, b := newMemJournal(), newBatcher()
				var poisonous atomic.Bool
				poisonous.Store(true)
				b.whole = func(ids []string) gateway.Outcome {
					for _, id := range ids {
						if poisonous.Load() && id[0] == 'p' {
							return failing(gateway.Retry, gateway.ReasonStatus5xx)
						}
					}
					return gateway.Outcome{}
				}
				e := batching(b, tt.batch)
				e.Sender, e.Order = singly{b}, tt.order
				e.Breaker.Off = true
				e.Retry = Schedule{Fast: []time.Duration{}, SlowFrom: 20 * time.Second, SlowTo: 20 * time.Second}
				d := runOn(t, j, -1, nil, e)
				body := make([]byte, tt.size)
				var want []string
				for n := range tt.lanes {
					for k := range 2 {
						p := ev(fmt.Sprint("p", n), k)
						p.Raw.Body = body
						j.add(p)
						want = append(want, p.ID)
					}
					if n%20 == 0 {
						synctest.Wait()
					}
				}
				synctest.Wait()
				r := d.runners[0]
				r.mu.Lock()
				if r.loaded > r.room() || r.loadedBytes > maxLoadedBytes || len(r.shared) > keepPages {
					t.Errorf("%d events with %d bytes in memory", r.loaded, r.loadedBytes)
				}
				r.mu.Unlock()
				j.add(ev("good", 0))
				pass(time.Second)
				if got := b.view().got; len(got) == 0 || got[len(got)-1] != "good/0" {
					t.Errorf("good/0 waits: %+v", statusOf(t, d, "e"))
				}
				poisonous.Store(false)
				pass(time.Minute)
				want = append(want, "good/0")
				if tt.order == OrderNone {
					if got := b.view().got; len(got) != len(want) {
						t.Errorf("%d arrived, want %d", len(got), len(want))
					}
				} else {
					checkOnce(t, b.view().got, want)
				}
				stop(t, d)
			})
		})
	}
}
