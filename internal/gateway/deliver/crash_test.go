package deliver

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// TestDeliver_NothingIsLostOrReorderedAcrossCrashes runs random histories of
// arrivals, failures, pauses and crashes. A crash loses every position that was
// saved after a random moment. At the end every event was delivered, and the
// first sightings of each lane are in order.
func TestDeliver_NothingIsLostOrReorderedAcrossCrashes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.Uint64().Draw(rt, "seed")
		order := rapid.SampledFrom([]Order{OrderConversation, OrderStrict}).Draw(rt, "order")
		failures := rapid.IntRange(0, 60).Draw(rt, "failures in 100")
		steps := rapid.SliceOfN(rapid.IntRange(0, 9), 5, 40).Draw(rt, "steps")
		var problem string
		synctest.Test(t, func(*testing.T) { problem = crashHistory(seed, order, failures, steps) })
		if problem != "" {
			rt.Fatal(problem)
		}
	})
}

func crashHistory(seed uint64, order Order, failures int, steps []int) string {
	rng := rand.New(rand.NewPCG(seed, 1))
	j, b := newMemJournal(), &backend{took: 3 * time.Millisecond}
	j.saving = 20 * time.Millisecond // events arrive between two records
	dice := rand.New(rand.NewPCG(seed, 2))
	b.answer = func(*event.Event, int) gateway.Outcome {
		b.mu.Lock()
		bad := dice.IntN(100) < failures
		b.mu.Unlock()
		if bad {
			return failing(gateway.Retry, gateway.ReasonStatus5xx)
		}
		return gateway.Outcome{Kind: gateway.Delivered}
	}
	e := endpoint(b)
	e.Order, e.Concurrency = order, 4
	e.Retry = Schedule{Fast: []time.Duration{20 * time.Millisecond}, SlowFrom: 50 * time.Millisecond, SlowTo: 100 * time.Millisecond}
	e.Breaker = Breaker{Least: 3, From: 20 * time.Millisecond, To: 200 * time.Millisecond}
	tight := rng.IntN(2) == 0 // and events are left behind all the time
	run := func() *Deliverer {
		d, err := New(Config{Endpoints: []Endpoint{e}, Index: all(1), Journal: j})
		if err != nil {
			panic(err)
		}
		if tight {
			d.runners[0].limits = limits{loaded: 8, open: 30, rewind: 3, followers: 2}
		}
		if err := d.Start(context.Background()); err != nil {
			panic(err)
		}
		return d
	}
	d := run()
	next := map[string]int{}
	total := 0
	for _, step := range steps {
		switch {
		case step < 6: // a page arrives
			var evs []*event.Event
			for range 1 + rng.IntN(20) {
				lane := fmt.Sprint(rng.IntN(6))
				evs = append(evs, ev(lane, next[lane]))
				next[lane]++
				total++
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
		if words := unbalanced(d); words != "" {
			return words
		}
	}
	b.mu.Lock()
	failures = 0
	b.mu.Unlock()
	advance(time.Minute)
	synctest.Wait()
	_ = d.Stop(context.Background())

	first := map[event.Lane][]string{}
	seen := map[string]bool{}
	for _, id := range b.got {
		if !seen[id] {
			seen[id] = true
			lane := event.NewLane(event.KindGroup, id[:1])
			first[lane] = append(first[lane], id)
		}
	}
	if len(seen) != total {
		return fmt.Sprintf("%d of %d events arrived", len(seen), total)
	}
	for lane, ids := range first {
		want := make([]string, len(ids))
		for n := range ids {
			want[n] = fmt.Sprintf("%s/%d", lane.ID(), n)
		}
		if !slices.Equal(ids, want) {
			return fmt.Sprintf("lane %s was first seen as %v", lane, ids)
		}
	}
	return ""
}
