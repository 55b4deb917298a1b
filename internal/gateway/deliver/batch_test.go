package deliver

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"pgregory.net/rapid"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// batcher is a scripted BatchSender that records the batches that it was sent.
type batcher struct {
	mu sync.Mutex
	// batches are those that arrived, tries all that were sent, got what arrived.
	batches [][]string
	tries   [][]string
	got     []string
	// whole decides a request; nil delivers. alone decides an event before it joins
	// a batch; nil lets it. few bounds how many events one call takes.
	whole func(ids []string) gateway.Outcome
	alone func(ev *event.Event) gateway.Outcome
	few   int
	took  time.Duration
	busy  int
	most  int
	at    []time.Duration
	begin time.Time
}

func newBatcher() *batcher { return &batcher{begin: time.Now()} }

// Send is for what takes several requests; here nothing does.
func (b *batcher) Send(context.Context, *event.Event, int) gateway.Outcome {
	panic("an event was sent outside of a batch")
}

func (b *batcher) SendBatch(ctx context.Context, evs []*event.Event) []gateway.Outcome {
	b.mu.Lock()
	b.busy++
	b.most = max(b.most, b.busy)
	b.mu.Unlock()
	defer func() {
		b.mu.Lock()
		b.busy--
		b.mu.Unlock()
	}()
	if b.few > 0 {
		evs = evs[:min(len(evs), b.few)]
	}
	var outs []gateway.Outcome
	var ids []string
	var at []int
	for i, ev := range evs {
		var out gateway.Outcome
		if b.alone != nil {
			out = b.alone(ev)
		}
		switch out.Kind {
		case "":
			ids, at = append(ids, ev.ID), append(at, i)
		case gateway.Untranslatable, gateway.Echoed:
		default:
			if i == 0 {
				return []gateway.Outcome{out}
			}
			evs = evs[:i]
		}
		if len(outs) == len(evs) {
			break
		}
		outs = append(outs, out)
	}
	if len(ids) == 0 {
		return outs
	}
	out := gateway.Outcome{Kind: gateway.Delivered, Sent: 1}
	pause(ctx, b.took)
	if ctx.Err() != nil {
		out = gateway.Outcome{Kind: gateway.Retry, Reason: gateway.ReasonCancelled}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if out.Kind == gateway.Delivered && b.whole != nil {
		if o := b.whole(ids); o.Kind != "" {
			out = o
		}
	}
	b.tries = append(b.tries, ids)
	if out.Kind == gateway.Delivered {
		b.batches = append(b.batches, ids)
		b.got = append(b.got, ids...)
		b.at = append(b.at, time.Since(b.begin))
	}
	out.Together = len(ids)
	for _, i := range at {
		outs[i] = out
	}
	return outs
}

// view is what happened so far.
func (b *batcher) view() *batcher {
	b.mu.Lock()
	defer b.mu.Unlock()
	return &batcher{batches: b.batches, tries: b.tries, got: b.got, at: b.at, most: b.most}
}

func (b *batcher) sizes() (sizes []int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, ids := range b.batches {
		sizes = append(sizes, len(ids))
	}
	return sizes
}

func batching(b *batcher, batch Batch) Endpoint {
	e := endpoint(b)
	e.Batch = batch
	return e
}

func lanes(n, each int) (evs []*event.Event) {
	for k := range each {
		for l := range n {
			evs = append(evs, ev(fmt.Sprint(l), k))
		}
	}
	return evs
}

// pass lets d pass, and waits until everything that is due then was done.
func pass(d time.Duration) {
	advance(d)
	synctest.Wait()
}

func TestBatch_JoinsManyLanesAndSeveralOfOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, b := newMemJournal(), newBatcher()
		d := start(t, j, nil, batching(b, Batch{Count: 10}))
		defer stop(t, d)
		j.add(append(lanes(3, 1), ev("0", 1), ev("0", 2), ev("3", 0))...)
		synctest.Wait()
		want := [][]string{{"0/0", "0/1", "0/2", "1/0", "2/0", "3/0"}}
		if diff := cmp.Diff(want, b.view().batches); diff != "" {
			t.Errorf("batches (-want +got):\n%s", diff)
		}
	})
}

func TestBatch_BoundsCountBytesAndWhatIsInFlight(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		batch Batch
		want  []int
	}{
		{"count", Batch{Count: 4}, []int{4, 4, 2}},
		// Ten bytes each.
		{"bytes", Batch{Count: 100, Bytes: 35}, []int{3, 3, 3, 1}},
		{"one larger than the bound", Batch{Count: 100, Bytes: 5}, []int{1, 1, 1, 1, 1, 1, 1, 1, 1, 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				j, b := newMemJournal(), newBatcher()
				b.took = time.Second
				e := batching(b, c.batch)
				e.Concurrency = 2
				d := start(t, j, nil, e)
				defer stop(t, d)
				j.add(lanes(10, 1)...)
				pass(20 * time.Second)
				got := b.sizes() // of two at once either may be first
				slices.Sort(got)
				slices.Reverse(got)
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Errorf("sizes (-want +got):\n%s", diff)
				}
				if b.view().most != 2 {
					t.Errorf("%d batches at once, want 2", b.view().most)
				}
			})
		})
	}
}

func TestBatch_LaneIsInOneBatchAtATime(t *testing.T) {
	t.Parallel()
	for _, order := range []Order{OrderConversation, OrderStrict} {
		t.Run(string(order), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				j, b := newMemJournal(), newBatcher()
				b.took = time.Second
				e := batching(b, Batch{Count: 4})
				e.Order = order
				d := start(t, j, nil, e)
				defer stop(t, d)
				for n := range 10 {
					j.add(ev("x", n))
				}
				pass(10 * time.Second)
				if diff := cmp.Diff([]int{1, 4, 4, 1}, b.sizes()); diff != "" {
					t.Errorf("sizes (-want +got):\n%s", diff)
				}
				if b.view().most != 1 || !slices.IsSorted(b.view().got) {
					t.Errorf("%d at once, in the order %v; want one at a time, in order", b.view().most, b.view().got)
				}
			})
		})
	}
}

func TestBatch_LingersUntilFullOrLateEnough(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, b := newMemJournal(), newBatcher()
		d := start(t, j, nil, batching(b, Batch{Count: 3, Linger: time.Second}))
		defer stop(t, d)
		j.add(ev("x", 0))
		pass(600 * time.Millisecond)
		j.add(ev("y", 0))
		pass(600 * time.Millisecond) // late enough for the first
		j.add(ev("x", 1), ev("y", 1))
		pass(100 * time.Millisecond)
		j.add(ev("z", 0)) // full
		pass(time.Minute)
		want := []time.Duration{time.Second, 1300 * time.Millisecond}
		if diff := cmp.Diff(want, b.view().at); diff != "" {
			t.Errorf("times (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]int{2, 3}, b.sizes()); diff != "" {
			t.Errorf("sizes (-want +got):\n%s", diff)
		}
	})
}

func TestBatch_LingerDelaysNothingThatIsOverdue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, b := newMemJournal(), newBatcher()
		b.whole = func([]string) gateway.Outcome {
			if len(b.tries) == 0 {
				return failing(gateway.Retry, gateway.ReasonConnect)
			}
			return gateway.Outcome{}
		}
		e := batching(b, Batch{Count: 5, Linger: time.Hour})
		e.Retry = Schedule{Fast: []time.Duration{time.Second}}
		d := start(t, j, nil, e)
		defer stop(t, d)
		j.add(lanes(5, 1)...)
		pass(2 * time.Second)
		if diff := cmp.Diff([]int{5}, b.sizes()); diff != "" {
			t.Errorf("sizes two seconds after the failure (-want +got):\n%s", diff)
		}
	})
}

func TestBatch_StopWaitsForNoLinger(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, b := newMemJournal(), newBatcher()
		e := batching(b, Batch{Count: 3, Linger: time.Hour})
		d := start(t, j, nil, e)
		j.add(ev("x", 0), ev("y", 0))
		synctest.Wait()
		begin := time.Now()
		stop(t, d)
		if took := time.Since(begin); took > 0 || len(b.view().tries) > 0 {
			t.Errorf("stopping took %v and sent %v; want neither", took, b.view().tries)
		}
		// What lingered is open still.
		d = start(t, j, nil, e)
		defer stop(t, d)
		j.add(ev("x", 1))
		pass(time.Minute)
		if diff := cmp.Diff([][]string{{"x/0", "x/1", "y/0"}}, b.view().batches); diff != "" {
			t.Errorf("after the restart (-want +got):\n%s", diff)
		}
	})
}

func TestBatch_FailedTogetherComesBackTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, b := newMemJournal(), newBatcher()
		b.whole = func([]string) gateway.Outcome {
			if len(b.tries) < 4 {
				return failing(gateway.Retry, gateway.ReasonConnect)
			}
			return gateway.Outcome{}
		}
		d := start(t, j, nil, batching(b, Batch{Count: 100}))
		defer stop(t, d)
		j.add(lanes(50, 2)...)
		pass(time.Hour)
		if len(b.view().tries) != 5 || len(b.view().got) != 100 {
			t.Errorf("%d requests brought %d events, want 5 and 100: one for each attempt", len(b.view().tries), len(b.view().got))
		}
		for _, ids := range b.view().tries {
			if len(ids) != 100 {
				t.Errorf("a request with %d events, want 100", len(ids))
			}
		}
	})
}

func TestBatch_OnePoisonousEventIsParkedAlone(t *testing.T) {
	t.Parallel()
	for _, kind := range []gateway.OutcomeKind{gateway.Refused, gateway.Retry} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				j, b := newMemJournal(), newBatcher()
				b.whole = func(ids []string) gateway.Outcome {
					if slices.Contains(ids, "17/1") {
						return failing(kind, gateway.ReasonStatus5xx)
					}
					return gateway.Outcome{}
				}
				e := batching(b, Batch{Count: 128})
				e.Retry = Schedule{Fast: []time.Duration{time.Second, time.Second}, SlowFrom: time.Second, SlowTo: time.Second, MaxAge: time.Minute}
				d := start(t, j, nil, e)
				defer stop(t, d)
				j.add(lanes(40, 3)...)
				pass(10 * time.Second)
				siblings := len(b.view().got)
				pass(10 * time.Minute)
				if want := 120 - 2; siblings < want {
					t.Errorf("%d events after ten seconds, want all %d but the poisonous one and what follows it", siblings, want)
				}
				if len(j.parked) != 1 || j.parked[0].Event.ID != "17/1" {
					t.Errorf("parked %v, want 17/1 alone", j.parked)
				}
				if got := len(b.view().got); got != 119 {
					t.Errorf("%d events arrived, want 119", got)
				}
				if n := len(b.view().tries); kind == gateway.Refused && n > 2*8+3+3 {
					t.Errorf("%d requests for one poisonous event in 120", n)
				}
				inOrder(t, b.view().got)
			})
		})
	}
}

// An endpoint that refuses everything must not be asked twice for each event and
// attempt: halving is bounded.
func TestBatch_EndpointThatRefusesAllIsNotFlooded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, b := newMemJournal(), newBatcher()
		b.whole = func([]string) gateway.Outcome { return failing(gateway.Refused, gateway.ReasonStatus4xx) }
		e := batching(b, Batch{Count: 100})
		e.Retry = Schedule{Fast: []time.Duration{time.Second, 5 * time.Second}}
		d := start(t, j, nil, e)
		defer stop(t, d)
		j.add(lanes(100, 1)...)
		pass(time.Hour)
		if len(j.parked) != 100 {
			t.Errorf("%d parked, want all 100", len(j.parked))
		}
		// Three attempts each, if they had been sent singly.
		if n := len(b.view().tries); n > 300 {
			t.Errorf("%d requests, want no more than without batches: 300", n)
		}
		for _, letter := range j.parked {
			if letter.Attempts < 2 || letter.Attempts > 3 {
				t.Errorf("parked after %d attempts, want up to 3", letter.Attempts)
			}
		}
	})
}

func TestBatch_LearnsWhatIsTooLarge(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, b := newMemJournal(), newBatcher()
		refused := 0
		b.whole = func(ids []string) gateway.Outcome {
			if len(ids) > 30 {
				refused++
				return gateway.Outcome{Kind: gateway.Refused, Reason: gateway.ReasonStatus4xx, Status: 413}
			}
			return gateway.Outcome{}
		}
		e := batching(b, Batch{Count: 100})
		e.Concurrency = 1
		d := start(t, j, nil, e)
		defer stop(t, d)
		for k := range 30 {
			j.add(lanes(100, k+1)[100*k:]...)
			pass(time.Second)
		}
		if len(b.view().got) != 3000 || len(j.parked) != 0 {
			t.Fatalf("%d arrived and %d parked, want 3000 and none", len(b.view().got), len(j.parked))
		}
		if refused > 15 {
			t.Errorf("%d of %d requests were too large, want a size to be found", refused, len(b.view().tries))
		}
		inOrder(t, b.view().got)
	})
}

func TestBatch_WhatCannotBeSaidDropsOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, b, reg := newMemJournal(), newBatcher(), prometheus.NewRegistry()
		b.few = 4
		b.alone = func(ev *event.Event) gateway.Outcome {
			switch ev.ID {
			case "1/0":
				return gateway.Outcome{Kind: gateway.Untranslatable}
			case "2/0":
				return gateway.Outcome{Kind: gateway.Echoed}
			case "3/0":
				return failing(gateway.Refused, gateway.ReasonEncode)
			}
			return gateway.Outcome{}
		}
		e := batching(b, Batch{Count: 100})
		e.Retry = Schedule{Fast: []time.Duration{}}
		d := start(t, j, reg, e)
		defer stop(t, d)
		j.add(lanes(8, 2)...)
		pass(time.Minute)
		if len(b.view().got) != 13 || len(j.parked) != 1 || j.parked[0].Event.ID != "3/0" {
			t.Errorf("%d arrived (%v), parked %v; want 13 and 3/0", len(b.view().got), b.view().got, j.parked)
		}
		inOrder(t, b.view().got)
		m := d.runners[0].metrics
		for name, c := range map[string]struct {
			got  prometheus.Collector
			want float64
		}{
			"matched": {m.matched, 16}, "delivered": {m.delivered, 13}, "echoes": {m.echoes, 1}, "requests": {m.ok, float64(len(b.view().batches))},
		} {
			if got := testutil.ToFloat64(c.got); got != c.want {
				t.Errorf("%s is %v, want %v", name, got, c.want)
			}
		}
	})
}

func TestBatch_EventThatCannotBeParkedIsNotSentAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, b := newMemJournal(), newBatcher()
		j.failPark = 5
		b.whole = func([]string) gateway.Outcome { return failing(gateway.Refused, gateway.ReasonStatus4xx) }
		e := batching(b, Batch{Count: 10})
		e.Retry = Schedule{Fast: []time.Duration{}}
		d := start(t, j, nil, e)
		defer stop(t, d)
		j.add(ev("x", 0))
		pass(time.Minute)
		if len(b.view().tries) != 1 || len(j.parked) != 1 {
			t.Errorf("%d requests and %d parked, want one of each", len(b.view().tries), len(j.parked))
		}
	})
}

func TestBatch_PanicConcernsOneEvent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, b := newMemJournal(), newBatcher()
		b.alone = func(ev *event.Event) gateway.Outcome {
			if ev.ID == "5/0" {
				panic("a defect")
			}
			return gateway.Outcome{}
		}
		e := batching(b, Batch{Count: 16})
		e.Retry = Schedule{Fast: []time.Duration{}}
		d := start(t, j, nil, e)
		defer stop(t, d)
		j.add(lanes(16, 1)...)
		pass(time.Minute)
		if len(b.view().got) != 15 || len(j.parked) != 1 || j.parked[0].Event.ID != "5/0" {
			t.Errorf("%d arrived, parked %v; want 15 and 5/0", len(b.view().got), j.parked)
		}
	})
}

func TestBatch_BacklogOfADeadEndpointCostsBoundedMemory(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("is about memory, and slow under the race detector; runs without -short, as CI does")
	}
	synctest.Test(t, func(t *testing.T) {
		j, b := newMemJournal(), newBatcher()
		down := true
		b.whole = func([]string) gateway.Outcome {
			if down {
				return failing(gateway.Retry, gateway.ReasonConnect)
			}
			return gateway.Outcome{}
		}
		e := batching(b, Batch{Count: 200})
		e.Retry = Schedule{SlowFrom: 10 * time.Second, SlowTo: 10 * time.Second}
		d := start(t, j, nil, e)
		const n = 200
		for k := range n {
			j.add(lanes(100, k+1)[100*k:]...)
			pass(10 * time.Millisecond)
		}
		pass(30 * time.Second)
		r := d.runners[0]
		r.mu.Lock()
		loaded, held := r.loaded, 0
		for _, l := range r.lanes {
			for i := range l.queue {
				if l.queue[i].ev != nil {
					held++
				}
			}
		}
		r.mu.Unlock()
		if loaded != held || loaded > maxLoadedBatch {
			t.Errorf("%d events in memory, counted %d; want up to %d", held, loaded, maxLoadedBatch)
		}
		stop(t, d)
		d = start(t, j, nil, e) // which leaves the many open events for later
		b.mu.Lock()
		down = false
		b.mu.Unlock()
		pass(30 * time.Second)
		if len(b.view().got) != 100*n {
			t.Errorf("%d of %d arrived", len(b.view().got), 100*n)
		}
		stop(t, d)
		if size := len(b.view().got) / max(1, len(b.view().batches)); size < 50 {
			t.Errorf("%d events a batch on average after the outage, want at least 50", size)
		}
		inOrder(t, b.view().got)
	})
}

func TestBatch_Validate(t *testing.T) {
	t.Parallel()
	single := endpoint(&backend{})
	single.Batch.Count = 2
	for name, e := range map[string]Endpoint{
		"a sender of singles": single,
		"count":               batching(newBatcher(), Batch{Count: maxBatch + 1}),
		"bytes":               batching(newBatcher(), Batch{Count: 2, Bytes: -1}),
		"linger":              batching(newBatcher(), Batch{Count: 2, Linger: -1}),
	} {
		if err := e.WithDefaults().Validate(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	single.Batch.Count = 1
	if err := single.WithDefaults().Validate(); err != nil {
		t.Errorf("count 1: %v", err)
	}
}

// inOrder fails unless the first sightings of each lane are in order.
func inOrder(t *testing.T, got []string) {
	t.Helper()
	if problem := disorder(got); problem != "" {
		t.Error(problem)
	}
}

func disorder(got []string) string {
	last, seen := map[string]int{}, map[string]bool{}
	for _, id := range got {
		if seen[id] {
			continue
		}
		seen[id] = true
		var lane, n int
		if _, err := fmt.Sscanf(id, "%d/%d", &lane, &n); err != nil {
			return err.Error()
		}
		key := fmt.Sprint(lane)
		if before, ok := last[key]; ok && n < before {
			return fmt.Sprintf("%s was first seen after %d/%d", id, lane, before)
		}
		last[key] = n
	}
	return ""
}

// TestBatch_NothingIsLostOrReorderedAcrossCrashes runs random histories of
// arrivals, failures, poison and crashes over batches. At the end every event was
// delivered or parked, only poison was parked, and the first sightings of each
// lane are in order.
func TestBatch_NothingIsLostOrReorderedAcrossCrashes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		h := batchHistory{
			seed:     rapid.Uint64().Draw(rt, "seed"),
			order:    rapid.SampledFrom([]Order{OrderConversation, OrderStrict}).Draw(rt, "order"),
			count:    rapid.SampledFrom([]int{2, 3, 8, 100}).Draw(rt, "count"),
			bytes:    rapid.SampledFrom([]int64{1, 35, 1 << 20}).Draw(rt, "bytes"),
			linger:   rapid.SampledFrom([]time.Duration{0, time.Millisecond, 80 * time.Millisecond}).Draw(rt, "linger"),
			few:      rapid.SampledFrom([]int{0, 1, 5}).Draw(rt, "few"),
			failures: rapid.IntRange(0, 60).Draw(rt, "failures in 100"),
			refusals: rapid.SampledFrom([]int{0, 10}).Draw(rt, "whole refusals in 100"),
			poison:   rapid.SampledFrom([]int{0, 3, 30}).Draw(rt, "poison in 100"),
			kind:     rapid.SampledFrom([]gateway.OutcomeKind{gateway.Refused, gateway.Retry}).Draw(rt, "poison is"),
			unsaid:   rapid.SampledFrom([]int{0, 20}).Draw(rt, "untranslatable in 100"),
			steps:    rapid.SliceOfN(rapid.IntRange(0, 9), 5, 40).Draw(rt, "steps"),
		}
		var problem string
		synctest.Test(t, func(*testing.T) { problem = h.run() })
		if problem != "" {
			rt.Fatal(problem)
		}
	})
}

type batchHistory struct {
	seed                               uint64
	order                              Order
	count, few                         int
	bytes                              int64
	linger                             time.Duration
	failures, refusals, poison, unsaid int
	kind                               gateway.OutcomeKind
	steps                              []int
}

func (h *batchHistory) run() string {
	rng := rand.New(rand.NewPCG(h.seed, 1))
	j, b := newMemJournal(), newBatcher()
	j.saving = 20 * time.Millisecond
	b.took, b.few = 3*time.Millisecond, h.few
	dice := rand.New(rand.NewPCG(h.seed, 2))
	bad := func(id string, percent int, salt string) bool {
		return int(event.Hash(id, salt, fmt.Sprint(h.seed))[0])*100/256 < percent
	}
	poisonous := func(id string) bool { return bad(id, h.poison, "poison") }
	unsaid := func(id string) bool { return bad(id, h.unsaid, "unsaid") }
	b.whole = func(ids []string) gateway.Outcome {
		switch n := dice.IntN(100); {
		case n < h.failures:
			return failing(gateway.Retry, gateway.ReasonStatus5xx)
		case n < h.failures+h.refusals && len(ids) > 1:
			return failing(gateway.Refused, gateway.ReasonStatus4xx)
		}
		if slices.ContainsFunc(ids, poisonous) {
			return failing(h.kind, gateway.ReasonStatus5xx)
		}
		return gateway.Outcome{}
	}
	b.alone = func(ev *event.Event) gateway.Outcome {
		if unsaid(ev.ID) {
			return gateway.Outcome{Kind: gateway.Untranslatable}
		}
		return gateway.Outcome{}
	}
	e := batching(b, Batch{Count: h.count, Bytes: h.bytes, Linger: h.linger})
	e.Order, e.Concurrency = h.order, 4
	e.Breaker = Breaker{Least: 3, From: 20 * time.Millisecond, To: 200 * time.Millisecond}
	e.Retry = Schedule{Fast: []time.Duration{20 * time.Millisecond}, SlowFrom: 50 * time.Millisecond, SlowTo: 100 * time.Millisecond, MaxAge: 15 * time.Second}
	run := func() *Deliverer {
		d, err := New(Config{Endpoints: []Endpoint{e}, Index: all(1), Journal: j})
		if err != nil {
			panic(err)
		}
		if err := d.Start(context.Background()); err != nil {
			panic(err)
		}
		return d
	}
	d := run()
	next := map[string]int{}
	var all []string
	for _, step := range h.steps {
		switch {
		case step < 6: // a page arrives
			var evs []*event.Event
			for range 1 + rng.IntN(40) {
				lane := fmt.Sprint(rng.IntN(8))
				e := ev(lane, next[lane])
				evs, all = append(evs, e), append(all, e.ID)
				next[lane]++
			}
			j.add(evs...)
			advance(time.Duration(rng.IntN(30)) * time.Millisecond)
		case step < 9: // time passes
			advance(time.Duration(rng.IntN(250)) * time.Millisecond)
		default: // crash
			j.mu.Lock()
			j.frozen = true
			j.mu.Unlock()
			advance(time.Duration(rng.IntN(120)) * time.Millisecond)
			dead, cancel := context.WithCancel(context.Background())
			cancel()
			_ = d.Stop(dead)
			j.mu.Lock()
			j.frozen = false
			j.mu.Unlock()
			d = run()
		}
	}
	b.mu.Lock()
	h.failures, h.refusals = 0, 0
	b.mu.Unlock()
	r := d.runners[0]
	for range 800 {
		advance(5 * time.Second)
		r.mu.Lock()
		open := r.open
		r.mu.Unlock()
		if open == 0 {
			break
		}
	}
	synctest.Wait()
	r.mu.Lock()
	left := fmt.Sprintf("%d open, %d in memory (%d bytes), %d lanes, %d running", r.open, r.loaded, r.loadedBytes, len(r.lanes), r.running)
	r.mu.Unlock()
	_ = d.Stop(context.Background())

	if want := "0 open, 0 in memory (0 bytes), 0 lanes, 0 running"; left != want {
		return left
	}
	done := map[string]bool{}
	for _, id := range b.got {
		done[id] = true
	}
	for _, letter := range j.parked {
		if !poisonous(letter.Event.ID) {
			return letter.Event.ID + " was parked and is not poisonous"
		}
		done[letter.Event.ID] = true
	}
	for _, id := range all {
		if !done[id] && !unsaid(id) {
			return id + " is lost"
		}
	}
	return disorder(b.got)
}
