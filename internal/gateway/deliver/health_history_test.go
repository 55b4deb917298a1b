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

	"pgregory.net/rapid"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// TestHealth_NothingIsLostReorderedOrRushed runs random histories of arrivals, outages
// of every kind, single bad events, pauses and restarts, and watches each attempt: in
// each lane the events arrive in order and all of them do, or are parked if they are
// bad; while the breaker is open nothing begins, while it is half-open at most one is
// in flight that began then, and no more are in flight than the ramp allowed.
func TestHealth_NothingIsLostReorderedOrRushed(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		h := &healthHistory{
			rng:         rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 1)),
			concurrency: rapid.SampledFrom([]int{1, 2, 7, 32}).Draw(rt, "concurrency"),
			count:       rapid.SampledFrom([]int{1, 1, 5}).Draw(rt, "count"),
			poison:      rapid.SampledFrom([]int{0, 0, 5}).Draw(rt, "bad events in 100"),
			rate:        rapid.SampledFrom([]float64{0, 0, 50}).Draw(rt, "rate"),
		}
		steps := rapid.SliceOfN(rapid.IntRange(0, 19), 5, 40).Draw(rt, "steps")
		var problem string
		synctest.Test(t, func(*testing.T) { problem = h.run(steps) })
		if problem != "" {
			rt.Fatal(problem)
		}
	})
}

type healthHistory struct {
	rng                        *rand.Rand
	concurrency, count, poison int
	rate                       float64

	j *memJournal
	d *Deliverer
	// mu guards the following; it is taken before a runner's.
	mu      sync.Mutex
	r       *runner
	dice    *rand.Rand
	out     gateway.Outcome
	percent int
	flying  map[*watched]bool
	got     []string
	problem string
}

// watched is an attempt in flight: the state in which it began.
type watched struct {
	cuts   uint64
	state  breakerState
	events int
}

func (h *healthHistory) bad(id string) bool {
	return int(event.Hash(id, "bad")[0])*100/256 < h.poison
}

// begin looks at what an attempt is allowed when it begins.
func (h *healthHistory) begin(events int) *watched {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.r.mu.Lock()
	defer h.r.mu.Unlock()
	w := &watched{cuts: h.r.ramp.cuts, state: h.r.health.state, events: events}
	h.flying[w] = true
	now := time.Now()
	switch w.state {
	case open:
		if !h.r.health.since.Equal(now) {
			h.problem = "an attempt began while the breaker was open"
		}
	case halfOpen:
		n := 0
		for o := range h.flying {
			if o.state == halfOpen {
				n++
			}
		}
		if n > 1 || events > 1 {
			h.problem = fmt.Sprintf("%d attempts with %d events while the breaker was half-open", n, events)
		}
	default:
		inFlight := 0
		for o := range h.flying {
			if o.cuts != w.cuts || o.state != closed {
				return w // some began under another limit
			}
			inFlight += o.events
		}
		if len(h.flying) > h.concurrency || inFlight > h.r.ramp.limit {
			h.problem = fmt.Sprintf("%d attempts with %d events in flight, the ramp allows %d", len(h.flying), inFlight, h.r.ramp.limit)
		}
	}
	return w
}

func (h *healthHistory) end(ctx context.Context, w *watched, evs []*event.Event) gateway.Outcome {
	h.mu.Lock()
	took := time.Duration(1+h.dice.IntN(30)) * time.Millisecond
	h.mu.Unlock()
	pause(ctx, took)
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.flying, w)
	if ctx.Err() != nil {
		return gateway.Outcome{Kind: gateway.Retry, Reason: gateway.ReasonCancelled}
	}
	if h.dice.IntN(100) < h.percent {
		return h.out
	}
	for _, ev := range evs {
		if h.bad(ev.ID) {
			return failing(gateway.Retry, gateway.ReasonStatus5xx)
		}
	}
	for _, ev := range evs {
		h.got = append(h.got, ev.ID)
	}
	return gateway.Outcome{Kind: gateway.Delivered, Sent: 1}
}

func (h *healthHistory) Send(ctx context.Context, ev *event.Event, _ int) gateway.Outcome {
	return h.end(ctx, h.begin(1), []*event.Event{ev})
}

func (h *healthHistory) SendBatch(ctx context.Context, evs []*event.Event) []gateway.Outcome {
	out := h.end(ctx, h.begin(len(evs)), evs)
	out.Together = len(evs)
	return slices.Repeat([]gateway.Outcome{out}, len(evs))
}

func (h *healthHistory) boot() {
	e := endpoint(h)
	e.Concurrency, e.Batch.Count, e.Rate = h.concurrency, h.count, h.rate
	e.Retry = Schedule{Fast: []time.Duration{20 * time.Millisecond}, SlowFrom: 100 * time.Millisecond, SlowTo: time.Hour, MaxAge: 30 * time.Second}
	e.Breaker = Breaker{Least: 1 + h.rng.IntN(6), From: 10 * time.Millisecond, To: time.Second}
	d, err := New(Config{Endpoints: []Endpoint{e}, Index: all(1), Journal: h.j})
	if err != nil {
		panic(err)
	}
	d.eager = h.rng.IntN(30)
	h.mu.Lock()
	h.d, h.r, h.flying = d, d.runners[0], map[*watched]bool{}
	h.mu.Unlock()
	if err := d.Start(context.Background()); err != nil {
		panic(err)
	}
}

func (h *healthHistory) run(steps []int) string {
	h.j, h.dice = newMemJournal(), rand.New(rand.NewPCG(h.rng.Uint64(), 2))
	h.boot()
	next := map[string]int{}
	var ids []string
	for _, step := range steps {
		switch {
		case step < 7:
			var evs []*event.Event
			for range 1 + h.rng.IntN(40) {
				lane := fmt.Sprint(h.rng.IntN(25))
				e := ev(lane, next[lane])
				next[lane]++
				evs, ids = append(evs, e), append(ids, e.ID)
			}
			h.j.add(evs...)
			advance(time.Duration(h.rng.IntN(30)) * time.Millisecond)
		case step < 10:
			advance(time.Duration(h.rng.IntN(500)) * time.Millisecond)
		case step < 14:
			out := down([]gateway.Reason{gateway.ReasonConnect, gateway.ReasonStatus5xx, gateway.ReasonTimeout, gateway.ReasonThrottled}[h.rng.IntN(4)])
			if out.Reason == gateway.ReasonThrottled && h.rng.IntN(2) == 0 {
				out.RetryAfter = time.Duration(h.rng.IntN(2000)) * time.Millisecond
			}
			h.mu.Lock()
			h.out, h.percent = out, []int{20, 50, 90, 100}[h.rng.IntN(4)]
			h.mu.Unlock()
		case step < 16:
			h.mu.Lock()
			h.percent = 0
			h.mu.Unlock()
		case step < 17:
			_ = h.d.Pause("a/e", Pause{Until: time.Now().Add(time.Duration(h.rng.IntN(5000)) * time.Millisecond)})
			_ = h.d.Pause("a/e", Pause{Lane: event.NewLane(event.KindGroup, fmt.Sprint(h.rng.IntN(25))), Until: time.Now().Add(time.Second)})
		case step < 18:
			_ = h.d.Resume("a/e", Resume{Now: h.rng.IntN(2) == 0})
		default:
			ctx, cancel := context.WithTimeout(context.Background(), time.Duration(h.rng.IntN(30))*time.Millisecond)
			err := h.d.Stop(ctx)
			cancel()
			if err != nil {
				return err.Error()
			}
			h.boot()
		}
	}
	h.mu.Lock()
	h.percent = 0
	h.mu.Unlock()
	open := 1
	for range 2000 {
		if advance(time.Second); open == 0 {
			break
		}
		h.r.mu.Lock()
		open = h.r.open + len(h.r.again)
		h.r.mu.Unlock()
	}
	state := fmt.Sprintf("%+v", h.d.Status(context.Background())[0])
	_ = h.d.Stop(context.Background())
	if h.problem != "" {
		return h.problem
	}
	if open != 0 {
		return "not everything came to its end: " + state
	}
	done := map[string]bool{}
	for _, id := range h.got {
		if done[id] {
			return id + " came twice"
		}
		done[id] = true
	}
	for _, l := range h.j.parked {
		if !h.bad(l.Event.ID) && l.Reason != gateway.ReasonMaxAge {
			return l.Event.ID + " was parked and is not bad"
		}
		done[l.Event.ID] = true
	}
	for _, id := range ids {
		if !done[id] {
			return id + " is lost"
		}
	}
	return disorder(h.got)
}
