package deliver

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// tightOn starts a deliverer whose endpoints may have few events open, and one follower
// in a lane that does not go on.
func tightOn(t *testing.T, j Journal, open int, eps ...Endpoint) *Deliverer {
	t.Helper()
	d, err := New(Config{Endpoints: eps, Index: asked(eps), Journal: j})
	if err != nil {
		t.Fatal(err)
	}
	d.limits = limits{loaded: 64, open: open, rewind: rewindFrom, followers: 10}
	for _, r := range d.runners {
		r.limits = d.limits
	}
	if err := d.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return d
}

// stubborn is a backend that does not take events whose lane begins with "bad" until
// it is mended.
func stubborn() (b *backend, mend func()) {
	var mended atomic.Bool
	b = &backend{took: time.Millisecond}
	b.answer = func(ev *event.Event, _ int) gateway.Outcome {
		if !mended.Load() && strings.HasPrefix(ev.ID, "bad") {
			return failing(gateway.Retry, gateway.ReasonStatus5xx)
		}
		return gateway.Outcome{Kind: gateway.Delivered}
	}
	return b, func() { mended.Store(true) }
}

// badFirst fills a journal with n events of the lane bad, and behind them one of each
// of 100 other lanes.
func badFirst(j *memJournal, n int) {
	for k := 0; k < n; k += 10 {
		var evs []*event.Event
		for i := k; i < min(n, k+10); i++ {
			evs = append(evs, ev("bad", i))
		}
		j.add(evs...)
	}
	for k := range 100 {
		j.add(ev(fmt.Sprint("good", k), 0))
	}
}

// good counts what arrived of other lanes than bad.
func good(b *backend) (n int) {
	for _, id := range b.ids() {
		if !strings.HasPrefix(id, "bad") {
			n++
		}
	}
	return n
}

// ordered fails unless the first sightings of each lane are in order.
func ordered(t *testing.T, b *backend) {
	t.Helper()
	last, seen := map[string]int{}, map[string]bool{}
	for _, id := range b.ids() {
		if seen[id] {
			continue
		}
		seen[id] = true
		lane, text, _ := strings.Cut(id, "/")
		n, err := strconv.Atoi(text)
		if was, ok := last[lane]; err != nil || ok && n <= was {
			t.Fatalf("%s came after number %d", id, was)
		}
		last[lane] = n
	}
}

func (j *memJournal) flooredAt() uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.floor
}

// TestLeft_OneConversationStallsNobody: a conversation that does not go on, for whatever
// reason, has more in the backlog than may be open. What is behind it is delivered, the
// endpoint is live, and the conversation is delivered whole and in order once it goes
// on, also across a restart.
func TestLeft_OneConversationStallsNobody(t *testing.T) {
	t.Parallel()
	const bad = 3000
	for name, tt := range map[string]struct {
		change func(*Endpoint)
		pause  bool
		goesOn func(*Deliverer) error
	}{
		"in its retry schedule": {goesOn: func(*Deliverer) error { return nil }},
		"blocked": {
			change: func(e *Endpoint) { e.OnPoison, e.Retry.MaxAttempts = PoisonBlock, 1 },
			goesOn: func(d *Deliverer) error { return d.Resume("a/e", Resume{Lane: "group:bad", Now: true}) },
		},
		"paused": {
			pause:  true,
			goesOn: func(d *Deliverer) error { return d.Resume("a/e", Resume{Lane: "group:bad"}) },
		},
		"in batches": {
			change: func(e *Endpoint) { e.Batch.Count = 20 },
			goesOn: func(*Deliverer) error { return nil },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				j := newMemJournal()
				b, mend := stubborn()
				e := endpoint(inTurn{b})
				e.Start, e.Rule = Start{Beginning: true}, "all"
				if tt.change != nil {
					tt.change(&e)
				}
				if tt.pause {
					d := tightOn(t, j, 1000, e)
					if err := d.Pause("a/e", Pause{Lane: "group:bad", Why: "a test"}); err != nil {
						t.Fatal(err)
					}
					stop(t, d)
				}
				badFirst(j, bad)
				d := tightOn(t, j, 1000, e)
				look := func(when string, more int) {
					t.Helper()
					if got := good(b); got != 100+more {
						t.Fatalf("%s %d events of the other conversations arrived, want %d", when, got, 100+more)
					}
					if s := statusOf(t, d, "e"); s.State != StateLive || s.Open != bad+more || s.Stalled != "" {
						t.Fatalf("%s: %+v, want live, and %d open", when, s, bad+more)
					}
					if floor := j.flooredAt(); floor != 1 {
						t.Errorf("%s the journal may forget what is below page %d, want 1: it is not delivered", when, floor)
					}
					if a := accountNamed(t, d, "e"); a.Open != uint64(bad+more) {
						t.Errorf("%s %+v, want %d open", when, a, bad+more)
					}
				}
				pass(10 * time.Minute)
				look("after ten minutes", 0)
				r := d.runners[0]
				r.mu.Lock()
				open := r.open
				r.mu.Unlock()
				if open > 20 {
					t.Errorf("%d events have a place in memory, want up to 20", open)
				}
				// What comes later is behind it.
				for n := range 50 {
					j.add(ev("bad", bad+n), ev("live", n))
				}
				pass(time.Minute)
				look("with live events", 50)
				stop(t, d)
				d = tightOn(t, j, 1000, e)
				defer func() { stop(t, d) }()
				pass(10 * time.Minute)
				look("after a restart", 50)
				if n := len(j.records()[endpointPrefix+"a/e"]); n > 1000 {
					t.Errorf("the record has %d bytes", n)
				}
				if tt.pause {
					if s := statusOf(t, d, "e"); s.PausedLanes[0].Open != bad+50 {
						t.Errorf("%d of the paused conversation wait, want %d", s.PausedLanes[0].Open, bad+50)
					}
				}
				if s := statusOf(t, d, "e"); s.Blocked > 0 && s.BlockedLanes[0].Open != bad+50 {
					t.Errorf("%d of the blocked conversation wait, want %d", s.BlockedLanes[0].Open, bad+50)
				}
				mend()
				if err := tt.goesOn(d); err != nil {
					t.Fatal(err)
				}
				pass(4 * time.Hour)
				ordered(t, b)
				if got := b.ofLane("bad"); len(got) != bad+50 {
					t.Fatalf("%d arrived, want %d, none of them twice", len(got), bad+50)
				}
				if s := statusOf(t, d, "e"); s.State != StateLive || s.Open != 0 {
					t.Errorf("in the end: %+v", s)
				}
				pass(2 * time.Second)
				if floor := j.flooredAt(); floor == 1 {
					t.Error("the journal may forget nothing, all is delivered")
				}
				balanced(t, d)
			})
		})
	}
}

// TestLeft_FortyThousandFollowers: with the bounds of every day, a conversation that is
// blocked and has 40,000 followers in the backlog holds up nobody and has a thousand of
// them in memory, while it is blocked as when it goes on. None is lost or overtaken,
// though the gateway is killed before, while and after it goes on.
func TestLeft_FortyThousandFollowers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const bad, others, late = 40_001, 2000, 200
		j := newMemJournal()
		b, mend := stubborn()
		e := endpoint(b)
		e.Start, e.OnPoison, e.Retry.MaxAttempts = Start{Beginning: true}, PoisonBlock, 1
		page := make([]*event.Event, 0, 100)
		for n := range bad {
			if page = append(page, ev("bad", n)); len(page) == cap(page) || n == bad-1 {
				j.add(slices.Clone(page)...)
				page = page[:0]
			}
		}
		for n := range others {
			j.add(ev(fmt.Sprint("good", n%500), n/500))
		}
		d := start(t, j, nil, e)
		defer func() { stop(t, d) }()
		kill := func() {
			t.Helper()
			j.mu.Lock()
			j.frozen = true
			j.mu.Unlock()
			pass(50 * time.Millisecond) // of which nothing is saved
			dead, cancel := context.WithCancel(context.Background())
			cancel()
			_ = d.Stop(dead)
			j.mu.Lock()
			j.frozen = false
			j.mu.Unlock()
			d = start(t, j, nil, e)
		}
		small := func(when string) {
			t.Helper()
			r := d.runners[0]
			r.mu.Lock()
			defer r.mu.Unlock()
			places := 0
			for _, l := range r.lanes {
				places += cap(l.queue)
			}
			// One page more than a thousand may be in hand, and slices grow by a half.
			if r.open > 1500 || places > 4000 || len(r.again) > 1500 {
				t.Errorf("%s %d events are open, %d have places in lanes, %d are to be read again", when, r.open, places, len(r.again))
			}
		}
		blocked := func(when string, more int) {
			t.Helper()
			small(when)
			if n := len(different(b, "good")); n != others {
				t.Fatalf("%s %d events of the other conversations had arrived, want all %d", when, n, others)
			}
			if n := len(different(b, "live")); n != more {
				t.Fatalf("%s %d new events of other conversations had arrived, want all %d", when, n, more)
			}
			if s := statusOf(t, d, "e"); s.State != StateLive || s.Open != bad+more || s.Blocked != 1 || s.BlockedLanes[0].Open != bad+more {
				t.Fatalf("%s: %+v, want live, and %d open in a blocked conversation", when, s, bad+more)
			}
			if n := len(b.ofLane("bad")); n != 0 {
				t.Fatalf("%s %d of the blocked conversation had arrived", when, n)
			}
		}
		pass(10 * time.Minute)
		blocked("after ten minutes", 0)
		kill()
		pass(10 * time.Minute)
		blocked("after a kill", 0)
		for n := range late {
			j.add(ev("bad", bad+n), ev(fmt.Sprint("live", n), 0))
		}
		pass(time.Minute)
		blocked("with new events", late)
		kill()
		pass(time.Minute)
		blocked("after another kill", late)
		if n := len(j.records()[endpointPrefix+"a/e"]); n > 10_000 {
			t.Errorf("the record has %d bytes", n)
		}

		mend()
		if err := d.Resume("a/e", Resume{Lane: "group:bad", Now: true}); err != nil {
			t.Fatal(err)
		}
		for _, until := range []int{10_000, 25_000} {
			for range 1000 {
				pass(100 * time.Millisecond)
				small("while it goes on")
				if len(b.ofLane("bad")) >= until {
					break
				}
			}
			kill()
		}
		pass(10 * time.Minute)
		ordered(t, b)
		if n := len(different(b, "bad")); n != bad+late {
			t.Errorf("%d of the conversation arrived, want all %d", n, bad+late)
		}
		if s := statusOf(t, d, "e"); s.State != StateLive || s.Open != 0 || s.Blocked != 0 {
			t.Errorf("in the end: %+v", s)
		}
		small("in the end")
		balanced(t, d)
	})
}

// different are the events that arrived, each once, of lanes that begin so.
func different(b *backend, lanes string) map[string]bool {
	all := map[string]bool{}
	for _, id := range b.ids() {
		if strings.HasPrefix(id, lanes) {
			all[id] = true
		}
	}
	return all
}

// TestLeft_DrainSharesWithLiveEvents: while what was left behind is taken up, others
// are not held up by it.
func TestLeft_DrainSharesWithLiveEvents(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j := newMemJournal()
		b, mend := stubborn()
		b.took = 40 * time.Millisecond
		e := endpoint(b)
		e.Start, e.Concurrency = Start{Beginning: true}, 4
		for n := range 300 {
			j.add(ev(fmt.Sprint("bad", n%20), n/20))
		}
		e.Retry = Schedule{Fast: []time.Duration{}, SlowFrom: time.Minute, SlowTo: time.Minute}
		e.Breaker.Off = true
		d := tightOn(t, j, 100, e)
		defer stop(t, d)
		pass(time.Hour)
		if s := statusOf(t, d, "e"); s.Open != 300 || s.State != StateLive {
			t.Fatalf("%+v", s)
		}
		mend()
		for len(b.ids()) == 0 {
			advance(time.Second)
		}
		for n := range 30 {
			if took := live(j, b, fmt.Sprint("live", n%7), n/7); took > 3*b.took {
				t.Errorf("a live event took %v, an attempt takes %v", took, b.took)
			}
		}
		pass(time.Hour)
		ordered(t, b)
		if got := len(b.ids()); got != 330 {
			t.Errorf("%d arrived, want 330", got)
		}
	})
}

// TestLeft_Expires: the backlog's bounds hold for what was left behind: it is counted,
// and the journal may forget it.
func TestLeft_Expires(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j := newMemJournal()
		b, mend := stubborn()
		e := endpoint(b)
		e.Start, e.OnPoison, e.Retry.MaxAttempts, e.MaxBacklogAge = Start{Beginning: true}, PoisonBlock, 1, time.Hour
		badFirst(j, 500)
		d := tightOn(t, j, 100, e)
		defer func() { stop(t, d) }()
		pass(30 * time.Minute)
		for n := range 100 {
			j.add(ev("bad", 500+n))
		}
		pass(time.Minute)
		if s := statusOf(t, d, "e"); s.Open != 600 || good(b) != 100 {
			t.Fatalf("%d arrived: %+v", good(b), s)
		}
		stop(t, d)
		d = tightOn(t, j, 100, e)
		pass(40 * time.Minute)
		// The head of the lane is through with the first ones; the next one fails.
		if a := accountNamed(t, d, "e"); a.Expired != 500 || a.Open != 100 {
			t.Errorf("%+v, want 500 expired and 100 open", a)
		}
		if floor := j.flooredAt(); floor != 151 {
			t.Errorf("the journal may forget what is below page %d, want 151", floor)
		}
		mend()
		if err := d.Resume("a/e", Resume{Now: true}); err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		if got := b.ofLane("bad"); len(got) != 100 || got[0] != "bad/500" {
			t.Errorf("%d arrived", len(got))
		}
		ordered(t, b)
	})
}

// TestLeft_ChangesOfTheEndpoint: what was left behind comes once and in order, or is
// told, when the order changes, the rule, or the endpoint goes and comes back.
func TestLeft_ChangesOfTheEndpoint(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(*Endpoint)
		// want is how many of 400 arrive.
		want int
	}{
		"strict order": {change: func(e *Endpoint) { e.Order = OrderStrict }, want: 400},
		"no order":     {change: func(e *Endpoint) { e.Order = OrderNone }, want: 400},
		"another rule that picks the same": {change: func(e *Endpoint) {
			e.Rule = "others"
		}, want: 400},
		"a rule that picks half": {change: func(e *Endpoint) {
			e.Rule, e.Match = "half", func(ev *event.Event) bool { return len(ev.ID)%2 == 0 || !strings.HasPrefix(ev.ID, "bad") }
		}, want: -1},
	} {
		for _, away := range []bool{false, true} {
			t.Run(fmt.Sprint(name, ", away: ", away), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					j := newMemJournal()
					b, mend := stubborn()
					e := endpoint(b)
					e.Start, e.Rule = Start{Beginning: true}, "all"
					e.Retry = Schedule{Fast: []time.Duration{}, SlowFrom: time.Minute, SlowTo: time.Minute}
					badFirst(j, 300)
					d := tightOn(t, j, 100, e)
					defer func() { stop(t, d) }()
					pass(time.Minute)
					if s := statusOf(t, d, "e"); s.Open != 300 || good(b) != 100 {
						t.Fatalf("%+v", s)
					}
					if away {
						set(t, d)
						pass(time.Minute)
						if s := statusOf(t, d, "e"); s.State != StateRemoved || s.Open != 300 {
							t.Errorf("%+v, want removed with 300 open", s)
						}
						stop(t, d)
						d = tightOn(t, j, 100)
						pass(time.Minute)
						if floor := j.flooredAt(); floor != 1 {
							t.Errorf("the journal may forget what is below page %d", floor)
						}
					}
					mend()
					tt.change(&e)
					set(t, d, e)
					pass(time.Second)
					for n := range 100 {
						j.add(ev("bad", 300+n), ev("live", n))
					}
					pass(time.Hour)
					balanced(t, d)
					got := b.ofLane("bad")
					if e.Order == OrderNone {
						slices.SortFunc(got, byNumber)
					} else {
						ordered(t, b)
					}
					if len(slices.Compact(slices.Clone(got))) != len(got) || tt.want > 0 && len(got) != tt.want {
						t.Errorf("%d arrived, %d different, want %d", len(got), len(slices.Compact(slices.Clone(got))), tt.want)
					}
					if s := statusOf(t, d, "e"); s.State != StateLive || s.Open != 0 || good(b) != 200 {
						t.Errorf("%d others arrived: %+v", good(b), s)
					}
				})
			})
		}
	}
}

// TestLeft_NoOrderForAWhile: events that come while there is no order and others were
// left behind do not go before them, so that each comes once and in order when there is
// one again.
func TestLeft_NoOrderForAWhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j := newMemJournal()
		b, mend := stubborn()
		fails := b.answer
		b.answer = func(ev *event.Event, n int) gateway.Outcome {
			if ev.ID == "bad/600" || ev.ID == "bad/601" {
				return gateway.Outcome{Kind: gateway.Delivered}
			}
			return fails(ev, n)
		}
		e := endpoint(b)
		e.Start, e.Rule, e.Breaker.Off = Start{Beginning: true}, "all", true
		e.Retry = Schedule{Fast: []time.Duration{}, SlowFrom: time.Minute, SlowTo: time.Minute}
		badFirst(j, 600)
		d := tightOn(t, j, 100, e)
		defer stop(t, d)
		pass(time.Minute)
		if s := statusOf(t, d, "e"); s.Open != 600 || s.State != StateLive {
			t.Fatalf("%+v", s)
		}
		e.Order = OrderNone
		set(t, d, e)
		pass(10 * time.Millisecond)
		j.add(ev("bad", 600), ev("bad", 601), ev("bad", 602))
		pass(time.Millisecond)
		if got := b.ofLane("bad"); len(got) > 0 {
			t.Fatalf("%v arrived", got)
		}
		e.Order = OrderConversation
		set(t, d, e)
		j.add(ev("bad", 603))
		pass(time.Minute)
		mend()
		pass(time.Hour)
		ordered(t, b)
		if got := b.ofLane("bad"); len(got) != 604 {
			t.Errorf("%d arrived, want 604, none of them twice", len(got))
		}
		balanced(t, d)
	})
}

// TestLeft_FailingHeadIsNotReadFor: what was left behind is not read again each time that
// the head of its lane is tried in vain.
func TestLeft_FailingHeadIsNotReadFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j := newMemJournal()
		b, _ := stubborn()
		b.took = 10 * time.Second // and it is looked for work every second
		e := endpoint(b)
		e.Start = Start{Beginning: true}
		e.Retry = Schedule{Fast: []time.Duration{}, SlowFrom: time.Minute, SlowTo: time.Minute}
		for n := range 300 {
			j.add(ev("bad", n), ev(fmt.Sprint("good", n), 0))
		}
		reads := new(atomic.Int64)
		d := tightOn(t, counted{j, reads}, 8, e)
		defer stop(t, d)
		pass(2 * time.Hour)
		if s := statusOf(t, d, "e"); s.Open != 300 || good(b) != 300 {
			t.Fatalf("%d arrived: %+v", good(b), s)
		}
		was := reads.Load()
		pass(time.Hour)
		if n := reads.Load() - was; n > 200 {
			t.Errorf("%d pages were read in an hour of about fifty attempts", n)
		}
	})
}

// TestLeft_ManyLanesShareOneReading: where many lanes go on one after the other, the
// journal is not read again for each.
func TestLeft_ManyLanesShareOneReading(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("counts readings of a long backlog, and is slow under the race detector; runs without -short, as CI does")
	}
	synctest.Test(t, func(t *testing.T) {
		j := newMemJournal()
		b, mend := stubborn()
		b.took = 10 * time.Millisecond
		e := endpoint(b)
		e.Start = Start{Beginning: true}
		e.Breaker.Off = true
		e.Retry = Schedule{Fast: []time.Duration{}, SlowFrom: time.Minute, SlowTo: time.Minute}
		const lanes, each = 1000, 5
		for n := range each {
			for l := range lanes {
				j.add(ev(fmt.Sprint("bad", l), n))
			}
		}
		reads := new(atomic.Int64)
		d := tightOn(t, counted{j, reads}, 2200, e)
		defer stop(t, d)
		pass(10 * time.Second)
		d.runners[0].mu.Lock()
		left := len(d.runners[0].left.lanes)
		d.runners[0].mu.Unlock()
		if left < lanes/2 {
			t.Fatalf("%d of %d conversations were left behind: %+v", left, lanes, statusOf(t, d, "e"))
		}
		mend()
		was := reads.Load()
		pass(time.Hour)
		if len(b.ids()) < lanes*each || statusOf(t, d, "e").Open != 0 {
			t.Fatalf("%d arrived: %+v", len(b.ids()), statusOf(t, d, "e"))
		}
		ordered(t, b)
		n := reads.Load() - was
		t.Logf("%d pages, %d lanes: %d were read", lanes*each, left, n)
		if n > 300*lanes*each {
			t.Errorf("%d pages were read of %d", n, lanes*each)
		}
	})
}

// counted counts the pages that are read.
type counted struct {
	*memJournal
	pages *atomic.Int64
}

func (c counted) Page(ctx context.Context, seq uint64) (*gateway.Page, error) {
	c.pages.Add(1)
	return c.memJournal.Page(ctx, seq)
}

// TestLeft_TooManyAreTold: when no further conversation can be remembered the endpoint
// reads no further, says so, and loses nothing.
func TestLeft_TooManyAreTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j := newMemJournal()
		b, mend := stubborn()
		e := endpoint(b)
		e.Start, e.OnPoison, e.Retry.MaxAttempts, e.Breaker.Off = Start{Beginning: true}, PoisonBlock, 1, true
		long := strings.Repeat("x", 4000)
		const lanes, each = 40, 16
		for k := range each {
			for l := range lanes {
				j.add(ev(fmt.Sprint("bad", long, l), k))
			}
		}
		j.add(ev("good", 0))
		d := tightOn(t, j, 100, e)
		defer func() { stop(t, d) }()
		for range 2 {
			pass(time.Hour)
			if s := statusOf(t, d, "e"); !strings.Contains(s.Stalled, "do not go on") || good(b) != 0 {
				t.Fatalf("%d arrived, stalled: %q; %+v", good(b), s.Stalled, s.State)
			}
			if n := len(j.records()[endpointPrefix+"a/e"]); n > maxLeftBytes+64<<10 {
				t.Errorf("the record has %d bytes", n)
			}
			stop(t, d)
			d = tightOn(t, j, 100, e)
		}
		pass(time.Minute)
		mend()
		if err := d.Resume("a/e", Resume{Now: true}); err != nil {
			t.Fatal(err)
		}
		pass(time.Hour)
		if s := statusOf(t, d, "e"); s.State != StateLive || s.Stalled != "" || s.Open != 0 || len(b.ids()) != lanes*each+1 {
			t.Errorf("%d arrived: %+v", len(b.ids()), s)
		}
		ordered(t, b)
	})
}

// TestLeft_JournalThatLostIt: what was left behind and is not in the journal any more is
// counted, and holds nobody up.
func TestLeft_JournalThatLostIt(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(*memJournal){
		"its beginning": func(j *memJournal) { j.purge(26) },
		"its end":       func(j *memJournal) { j.cut(26) },
		"all":           func(j *memJournal) { j.purge(141) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				j := newMemJournal()
				b, mend := stubborn()
				e := endpoint(b)
				e.Start, e.OnPoison, e.Retry.MaxAttempts = Start{Beginning: true}, PoisonBlock, 1
				badFirst(j, 400)
				d := tightOn(t, j, 100, e)
				defer func() { stop(t, d) }()
				pass(time.Minute)
				if s := statusOf(t, d, "e"); s.Open != 400 {
					t.Fatalf("%+v", s)
				}
				stop(t, d)
				lose(j)
				mend()
				d = tightOn(t, j, 100, e)
				pass(time.Second)
				_ = d.Resume("a/e", Resume{Now: true})
				pass(time.Minute)
				a := accountNamed(t, d, "e")
				if a.Open != 0 || a.Delivered+a.Expired != 400 || a.Delivered != uint64(len(b.ofLane("bad"))) {
					t.Errorf("%+v", a)
				}
				j.add(ev("bad", 1000))
				pass(time.Second)
				if got := b.ofLane("bad"); len(got) == 0 || got[len(got)-1] != "bad/1000" {
					t.Errorf("what came after that did not arrive: %+v", statusOf(t, d, "e"))
				}
				ordered(t, b)
			})
		})
	}
}

func TestRegroup_LeftLanesGoWithTheirPart(t *testing.T) {
	t.Parallel()
	at := func(seq uint64) gateway.Pos { return gateway.NewPos(seq, 0) }
	parts := []Saved{
		{Position: appendPosition(nil, position{Read: at(10), Left: []leftRecord{{"even", at(4), at(9), 3}, {"even too", at(10), at(10), 1}}})},
		{Position: appendPosition(nil, position{Read: at(8), Left: []leftRecord{{"odd", at(5), at(7), 2}}})},
	}
	odd := func(ev *event.Event) int { return strings.Count(string(ev.Lane), "odd") }
	records, _, err := Regroup(t.Context(), parts, 2, odd, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []position{
		// Of even too everything is read again, of even some.
		{Read: at(8), Left: []leftRecord{{"even", at(4), at(8), 0}}},
		{Read: at(8), Left: []leftRecord{{"odd", at(5), at(7), 2}}},
	} {
		got, err := parsePosition(records[i])
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("part %d (-want +got):\n%s", i, diff)
		}
	}
}
