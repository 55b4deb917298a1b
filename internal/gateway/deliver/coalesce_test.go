package deliver

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// deviceOf is whose state a test's event is: of "u1.d2/7" the device d2 of u1; events
// of "u1/7" are none.
func deviceOf(ev *event.Event) string {
	lane, _, _ := strings.Cut(ev.ID, "/")
	if !strings.Contains(lane, ".") {
		return ""
	}
	return lane
}

// report is the n-th event of a user's device, or of the user without one.
func report(of string, n int) *event.Event {
	e := ev(of, n)
	user, _, _ := strings.Cut(of, ".")
	e.Lane = event.NewLane(event.KindUser, user)
	return e
}

func coalescing(s Sender) Endpoint {
	e := endpoint(s)
	e.Coalesce = Coalesce{Window: 5 * time.Second, Key: deviceOf}
	return e
}

func TestCoalesce_TheLastStateWins(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, b := newMemJournal(), &backend{}
		d := start(t, j, nil, coalescing(b))
		defer stop(t, d)
		for n := range 10 {
			j.add(report("u1.d1", n))
			if n == 3 {
				j.add(report("u2.d1", 0), report("u2.d2", 0))
			}
			pass(400 * time.Millisecond)
		}
		pass(time.Second - time.Nanosecond)
		wantIDs(t, "before the window is over", b)
		if s := statusOf(t, d, "e"); s.Waiting != 0 || s.Open != 3 {
			t.Errorf("%d wait for a retry, %d are open; want none and three", s.Waiting, s.Open)
		}
		pass(time.Nanosecond)
		wantIDs(t, "after five seconds", b, "u1.d1/9")
		pass(5 * time.Second)
		wantIDs(t, "each device for itself", b, "u1.d1/9", "u2.d1/0", "u2.d2/0")
		// The next window begins with the next report.
		j.add(report("u1.d1", 10))
		pass(5*time.Second - time.Nanosecond)
		if got := len(b.ids()); got != 3 {
			t.Errorf("%d arrived within the window", got)
		}
		pass(time.Nanosecond)
		if a := accountNamed(t, d, "e"); a.Coalesced != 9 || a.Delivered != 4 || a.Matched != 13 {
			t.Errorf("account = %+v, want nine folded", a)
		}
	})
}

// What else happens to the user is not overtaken, and waits no longer than for what is
// before it.
func TestCoalesce_OthersKeepTheirPlace(t *testing.T) {
	t.Parallel()
	for _, batch := range []int{1, 10} {
		t.Run(fmt.Sprint("batches of ", batch), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				j, single, joined := newMemJournal(), &backend{}, newBatcher()
				e := coalescing(single)
				got := single.ids
				if batch > 1 {
					e.Sender, e.Batch.Count = joined, batch
					got = func() []string { return slices.Concat(joined.view().batches...) }
				}
				d := start(t, j, nil, e)
				defer stop(t, d)
				want := func(ids ...string) {
					t.Helper()
					if diff := cmp.Diff(ids, got()); diff != "" {
						t.Errorf("(-want +got):\n%s", diff)
					}
				}
				j.add(report("u1", 0), report("u1.d1", 0), report("u1", 1))
				pass(time.Second)
				want("u1/0") // u1/1 is behind what is held
				// The device's next report lets it go.
				j.add(report("u1.d1", 1), report("u1", 2))
				pass(4*time.Second - time.Nanosecond)
				want("u1/0", "u1/1")
				pass(time.Nanosecond)
				want("u1/0", "u1/1", "u1.d1/1", "u1/2")
				balanced(t, d)
			})
		})
	}
}

// A report that is on its way, or failed, is not folded any more.
func TestCoalesce_WhatIsTriedStays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j := newMemJournal()
		b := &backend{took: time.Second, answer: func(_ *event.Event, n int) gateway.Outcome {
			if n < 3 {
				return failing(gateway.Retry, gateway.ReasonStatus5xx)
			}
			return gateway.Outcome{Kind: gateway.Delivered}
		}}
		e := coalescing(b)
		e.Retry = Schedule{Fast: []time.Duration{time.Minute, time.Minute}}
		d := start(t, j, nil, e)
		defer stop(t, d)
		j.add(report("u1.d1", 0))
		pass(5*time.Second + 500*time.Millisecond)
		for n := range 3 {
			j.add(report("u1.d1", n+1))
			pass(time.Second)
		}
		pass(10 * time.Minute)
		wantIDs(t, "the one that was tried, and the last", b, "u1.d1/0", "u1.d1/3")
		if a := accountNamed(t, d, "e"); a.Coalesced != 2 {
			t.Errorf("account = %+v, want two folded", a)
		}
	})
}

// resume --now ends the windows, and a conversation that is paused folds all the same.
func TestCoalesce_PausedAndResumed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, b := newMemJournal(), &backend{}
		d := start(t, j, nil, coalescing(b))
		defer stop(t, d)
		j.add(report("u1.d1", 0), report("u2.d1", 0))
		pass(time.Second)
		if err := d.Resume("a/e", Resume{Now: true}); err != nil {
			t.Fatal(err)
		}
		pass(0)
		if got := b.ids(); len(got) != 2 {
			t.Errorf("%v arrived at once, want both", got)
		}
		lane := event.NewLane(event.KindUser, "u3")
		if err := d.Pause("a/e", Pause{Lane: lane}); err != nil {
			t.Fatal(err)
		}
		for n := range 3 {
			j.add(report("u3.d1", n), report("u3", n))
			pass(time.Second)
		}
		pass(time.Minute)
		if err := d.Resume("a/e", Resume{Lane: lane}); err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		if diff := cmp.Diff([]string{"u3/0", "u3/1", "u3.d1/2", "u3/2"}, b.ids()[2:]); diff != "" {
			t.Errorf("after the pause (-want +got):\n%s", diff)
		}
		balanced(t, d)
	})
}

// What is open twice for one device, because its window was over, is so again after a
// restart, in the lanes of another order, and when the endpoint comes back.
func TestCoalesce_WhatARecordHoldsStays(t *testing.T) {
	t.Parallel()
	for name, again := range map[string]func(*testing.T, *memJournal, *Deliverer, Endpoint) *Deliverer{
		"restart": func(t *testing.T, j *memJournal, d *Deliverer, e Endpoint) *Deliverer {
			t.Helper()
			stop(t, d)
			return start(t, j, nil, e)
		},
		"another order": func(t *testing.T, _ *memJournal, d *Deliverer, e Endpoint) *Deliverer {
			t.Helper()
			e.Order = OrderStrict
			if err := d.Set(t.Context(), []Endpoint{e}, all(1)); err != nil {
				t.Fatal(err)
			}
			return d
		},
		"back again": func(t *testing.T, _ *memJournal, d *Deliverer, e Endpoint) *Deliverer {
			t.Helper()
			for _, set := range [][]Endpoint{nil, {e}} {
				if err := d.Set(t.Context(), set, all(len(set))); err != nil {
					t.Fatal(err)
				}
			}
			return d
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				j, b := newMemJournal(), &backend{}
				e := coalescing(b)
				e.Rule = "all"
				d := start(t, j, nil, e)
				if err := d.Pause("a/e", Pause{}); err != nil {
					t.Fatal(err)
				}
				for n := range 3 {
					j.add(report("u1.d1", n))
					pass(6 * time.Second)
				}
				d = again(t, j, d, e)
				defer stop(t, d)
				pass(time.Second)
				j.add(report("u1.d1", 3)) // in the window of the last
				pass(time.Second)
				if err := d.Resume("a/e", Resume{}); err != nil {
					t.Fatal(err)
				}
				pass(time.Minute)
				wantIDs(t, "in the end", b, "u1.d1/0", "u1.d1/1", "u1.d1/3")
				if a := accountNamed(t, d, "e"); a.Coalesced != 1 || a.Delivered != 3 {
					t.Errorf("account = %+v", a)
				}
			})
		})
	}
}

// Whatever comes, and wherever a crash falls: of each device the last report arrives,
// one that does not was followed by another that did, and everything is in order.
func TestCoalesce_NothingIsLostOrReorderedAcrossCrashes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.Uint64().Draw(rt, "seed")
		order := rapid.SampledFrom([]Order{OrderConversation, OrderStrict, OrderNone}).Draw(rt, "order")
		failures := rapid.IntRange(0, 40).Draw(rt, "failures in 100")
		loaded := rapid.SampledFrom([]int{5, maxLoaded}).Draw(rt, "loaded")
		steps := rapid.SliceOfN(rapid.IntRange(0, 9), 5, 40).Draw(rt, "steps")
		var problem string
		synctest.Test(t, func(*testing.T) { problem = coalesceHistory(seed, order, failures, loaded, steps) })
		if problem != "" {
			rt.Fatal(problem)
		}
	})
}

func coalesceHistory(seed uint64, order Order, failures, loaded int, steps []int) string {
	rng := rand.New(rand.NewPCG(seed, 1))
	j, b := newMemJournal(), &backend{took: 3 * time.Millisecond}
	j.saving = 20 * time.Millisecond
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
	e := coalescing(b)
	e.Order, e.Concurrency = order, 4
	e.Coalesce.Window = 200 * time.Millisecond
	e.Retry = Schedule{Fast: []time.Duration{20 * time.Millisecond}, SlowFrom: 50 * time.Millisecond, SlowTo: 100 * time.Millisecond}
	e.Breaker = Breaker{Least: 3, From: 20 * time.Millisecond, To: 200 * time.Millisecond}
	run := func() *Deliverer {
		d, err := New(Config{Endpoints: []Endpoint{e}, Index: all(1), Journal: j})
		if err != nil {
			panic(err)
		}
		d.limits.loaded = loaded
		for _, r := range d.runners {
			r.limits.loaded = loaded
		}
		if err := d.Start(context.Background()); err != nil {
			panic(err)
		}
		return d
	}
	d := run()
	var lives []int // how many had arrived when each ended
	next, total := map[string]int{}, 0
	place := map[string]int{} // of every event, in the journal's order
	for _, step := range steps {
		switch {
		case step < 6:
			var evs []*event.Event
			for range 1 + rng.IntN(12) {
				of := fmt.Sprint("u", rng.IntN(3))
				if rng.IntN(3) > 0 {
					of += fmt.Sprint(".d", rng.IntN(2))
				}
				e := report(of, next[of])
				next[of]++
				place[e.ID] = total
				total++
				evs = append(evs, e)
			}
			j.add(evs...)
			advance(time.Duration(rng.IntN(60)) * time.Millisecond)
		case step < 9:
			advance(time.Duration(rng.IntN(250)) * time.Millisecond)
		default:
			crash(j, d, time.Duration(rng.IntN(120))*time.Millisecond)
			lives = append(lives, len(b.ids()))
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
	words := unbalanced(d)
	_ = d.Stop(context.Background())
	if words != "" {
		return words
	}
	return coalesceProblem(b.got, append(lives, len(b.got)), next, place, order)
}

// crash stops d as kill -9 would that comes a while after the last record.
func crash(j *memJournal, d *Deliverer, after time.Duration) {
	j.mu.Lock()
	j.frozen = true
	j.mu.Unlock()
	advance(after)
	dead, cancel := context.WithCancel(context.Background())
	cancel()
	_ = d.Stop(dead)
	j.mu.Lock()
	j.frozen = false
	j.mu.Unlock()
}

// coalesceProblem says what is wrong with what arrived in these lives: what a crash
// repeats it repeats in order.
func coalesceProblem(got []string, lives []int, next, place map[string]int, order Order) string {
	seen, newest := map[string]bool{}, map[string]string{}
	from := 0
	for _, to := range lives {
		last := map[string]int{}
		for _, id := range got[from:to] {
			seen[id] = true
			of, _, _ := strings.Cut(id, "/")
			newest[of] = id
			lane, _, _ := strings.Cut(of, ".")
			if order == OrderStrict {
				lane = ""
			}
			if before, ok := last[lane]; ok && place[id] < before && order != OrderNone {
				return fmt.Sprintf("%s came too late: %v, lives end at %v", id, got, lives)
			}
			last[lane] = place[id]
		}
		from = to
	}
	for of, n := range next {
		device := strings.Contains(of, ".")
		for k := range n {
			if !seen[fmt.Sprintf("%s/%d", of, k)] && (!device || k == n-1) {
				return fmt.Sprintf("%s/%d of %d did not arrive: %v", of, k, n, got)
			}
		}
		if want := fmt.Sprintf("%s/%d", of, n-1); order != OrderNone && newest[of] != want {
			return fmt.Sprintf("%s is the last that came, and not %s: %v", newest[of], want, got)
		}
	}
	return ""
}

func TestEndpoint_CoalesceIsChecked(t *testing.T) {
	t.Parallel()
	for _, c := range []Coalesce{{Window: -1, Key: deviceOf}, {Window: time.Second}} {
		e := endpoint(&backend{})
		e.Coalesce = c
		if err := e.WithDefaults().Validate(); err == nil {
			t.Errorf("%+v is taken", c)
		}
	}
}
