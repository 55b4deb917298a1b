package deliver

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/builtin"
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// deliveryOf is what the dialect says of its vendor.
func deliveryOf(t *testing.T, name string) *dialect.Delivery {
	t.Helper()
	d, err := builtin.New().Get(name)
	if err != nil {
		t.Fatal(err)
	}
	return d.Spec().Delivery
}

func vendorEndpoint(m *moodyBackend, d *dialect.Delivery) Endpoint {
	e := endpoint(m)
	e.Vendor = d
	return e
}

// arrive lets the n-th event come at the n-th time.
func arrive(j *memJournal, began time.Time, at []time.Duration) {
	for n, t := range at {
		pass(time.Until(began.Add(t)))
		j.add(ev("v", n))
	}
}

// lostOf are the events that were lost, and fails the test where one was set aside for
// another reason.
func lostOf(t *testing.T, j *memJournal) []int {
	t.Helper()
	j.mu.Lock()
	defer j.mu.Unlock()
	var lost []int
	for _, l := range j.parked {
		if l.Reason != gateway.ReasonVendor || l.Detail == "" || l.Event == nil {
			t.Errorf("%+v is not what a vendor lost", l)
			continue
		}
		var n int
		if _, err := fmt.Sscanf(l.Event.ID, "v/%d", &n); err != nil {
			t.Fatal(err)
		}
		lost = append(lost, n)
	}
	slices.Sort(lost)
	return lost
}

// The schedules by hand, as the vendors' pages say them.
func TestVendor_Schedules(t *testing.T) {
	t.Parallel()
	const s, m = time.Second, time.Minute
	fails := func(kind gateway.OutcomeKind, why gateway.Reason, took time.Duration) func(n, k int) reply {
		return func(int, int) reply { return reply{failing(kind, why), took} }
	}
	times := func(n int, at ...time.Duration) (all []request) {
		for _, t := range at {
			all = append(all, request{n, t})
		}
		return all
	}
	for name, test := range map[string]struct {
		dialect string
		arrive  []time.Duration
		script  func(n, k int) reply
		want    []request
		lost    []int
		says    string
	}{
		"RongCloud waits 5 s and tries twice more": {
			dialect: "rongcloud", arrive: []time.Duration{0}, script: fails(gateway.Retry, gateway.ReasonTimeout, 5*s),
			want: times(0, 0, 5*s, 10*s), lost: []int{0}, says: "RongCloud gives up after 3 attempts: scripted",
		},
		"RongCloud delays by five minutes when the network is down, and loses nothing": {
			dialect: "rongcloud", arrive: []time.Duration{0, m},
			script: func(n, k int) reply {
				if n == 0 && k < 5 {
					return reply{failing(gateway.Retry, gateway.ReasonConnect), 0}
				}
				return reply{out: gateway.Outcome{Kind: gateway.Delivered}}
			},
			// The second event is sent as soon as anything is, and finds the network there.
			want: append(times(0, 0, 5*m, 10*m, 15*m, 20*m), times(1, 5*m)...),
		},
		"RongCloud stops for a minute after ten time-outs in thirty seconds": {
			dialect: "rongcloud", arrive: []time.Duration{0, 0, 0, 0, 20 * s, 76 * s},
			script: func(n, k int) reply {
				if n < 4 {
					return reply{failing(gateway.Retry, gateway.ReasonTimeout), 5*s + time.Duration(n)*time.Millisecond}
				}
				return reply{out: gateway.Outcome{Kind: gateway.Delivered}}
			},
			// The tenth is the second event's third, at 15 s: what comes in the minute after is lost.
			want: slices.Concat(
				times(0, 0, 5*s, 10*s), times(1, 0, 5*s+time.Millisecond, 10*s+2*time.Millisecond),
				times(2, 0, 5*s+2*time.Millisecond, 10*s+4*time.Millisecond), times(3, 0, 5*s+3*time.Millisecond, 10*s+6*time.Millisecond),
				times(5, 76*s)),
			lost: []int{0, 1, 2, 3, 4}, says: "RongCloud: stopped from 2000-01-01T00:00:15Z for 1m0s after 10 time-outs",
		},
		"Easemob tries once more, at once": {
			dialect: "easemob", arrive: []time.Duration{0}, script: fails(gateway.Retry, gateway.ReasonStatus5xx, s),
			want: times(0, 0, s), lost: []int{0}, says: "Easemob gives up after 2 attempts: scripted",
		},
		"Tencent tries once": {
			dialect: "tencent", arrive: []time.Duration{0}, script: fails(gateway.Retry, gateway.ReasonTimeout, 2*s),
			want: times(0, 0), lost: []int{0}, says: "Tencent tries once: scripted",
		},
		"WildfireChat tries once, five at a time": {
			dialect: "wildfirechat", arrive: []time.Duration{0, 1, 2, 3, 4, 5, 6},
			script: fails(gateway.Retry, gateway.ReasonStatus5xx, s),
			want:   []request{{0, 0}, {1, 1}, {2, 2}, {3, 3}, {4, 4}, {5, s}, {6, s + 1}},
			lost:   []int{0, 1, 2, 3, 4, 5, 6}, says: "WildfireChat tries once: scripted",
		},
		"OpenIM tries once, two at a time": {
			dialect: "openim", arrive: []time.Duration{0, 1, 2}, script: fails(gateway.Refused, gateway.ReasonStatus4xx, s),
			want: []request{{0, 0}, {1, 1}, {2, s}}, lost: []int{0, 1, 2}, says: "OpenIM tries once: scripted",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				j, b := newMemJournal(), &moodyBackend{began: time.Now(), script: test.script}
				d := start(t, j, nil, vendorEndpoint(b, deliveryOf(t, test.dialect)))
				defer stop(t, d)
				arrive(j, b.began, test.arrive)
				pass(time.Hour)
				if diff := cmp.Diff(inTime(test.want), b.seen(), cmp.AllowUnexported(request{})); diff != "" {
					t.Errorf("requests (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(test.lost, lostOf(t, j)); diff != "" {
					t.Errorf("lost (-want +got):\n%s", diff)
				}
				if test.says != "" && !slices.ContainsFunc(j.parked, func(l gateway.DeadLetter) bool { return strings.Contains(l.Detail, test.says) }) {
					t.Errorf("no dead letter says %q: %+v", test.says, j.parked)
				}
				balanced(t, d)
			})
		})
	}
}

// Bans grow, and one that is old enough counts no more.
func TestVendor_EasemobsBansGrow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		down := true
		j := newMemJournal()
		b := &moodyBackend{began: time.Now(), script: func(int, int) reply {
			if down {
				return reply{out: failing(gateway.Retry, gateway.ReasonStatus5xx)}
			}
			return reply{out: gateway.Outcome{Kind: gateway.Delivered}}
		}}
		// A day of it would take long: two hours stand for it.
		of := *deliveryOf(t, "easemob")
		of.Pauses = slices.Clone(of.Pauses)
		if of.Pauses[0].Over != 24*time.Hour {
			t.Errorf("bans of %v count", of.Pauses[0].Over)
		}
		of.Pauses[0].Over = 2 * time.Hour
		d := start(t, j, nil, vendorEndpoint(b, &of))
		defer stop(t, d)
		n := 0
		// 45 events of two failures each are one ban.
		ban := func() time.Duration {
			from := len(b.seen())
			for range 45 {
				j.add(ev("v", n))
				n++
				pass(time.Millisecond)
			}
			if got := len(b.seen()) - from; got != 90 {
				t.Fatalf("%d requests before the ban, want 90", got)
			}
			s := statusOf(t, d, "e")
			if s.State != "banned" || s.Vendor.Name != "Easemob" || s.Vendor.Keeps {
				t.Fatalf("after 90 failures it is %s: %+v", s.State, s.Vendor)
			}
			lasts := time.Until(s.Vendor.Until).Round(time.Second)
			// What comes meanwhile is lost and asks nobody.
			j.add(ev("v", n))
			n++
			pass(time.Until(s.Vendor.Until) - time.Nanosecond)
			if got := len(b.seen()) - from; got != 90 || statusOf(t, d, "e").State != "banned" {
				t.Errorf("%d requests during the ban", got-90)
			}
			pass(time.Nanosecond)
			if s := statusOf(t, d, "e"); s.State != StateLive || s.Open > 0 {
				t.Errorf("after the ban: %+v", s)
			}
			return lasts
		}
		var got []time.Duration
		for range 6 {
			got = append(got, ban())
		}
		const m = time.Minute
		if diff := cmp.Diff([]time.Duration{5 * m, 10 * m, 15 * m, 20 * m, 25 * m, 25 * m}, got); diff != "" {
			t.Errorf("bans (-want +got):\n%s", diff)
		}
		pass(2 * time.Hour)
		if got := ban(); got != 5*m {
			t.Errorf("a day later a ban lasts %v, want 5m", got)
		}
		down = false
		j.add(ev("v", n))
		pass(time.Second)
		if a := accountNamed(t, d, "e"); a.Delivered != 1 || a.Parked != uint64(n) {
			t.Errorf("%+v, want the last of %d delivered alone", a, n+1)
		}
	})
}

// 89 failures in thirty seconds are no ban, nor are ninety in more.
func TestVendor_EasemobCountsAnswersThatAreTooLong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j := newMemJournal()
		b := &moodyBackend{began: time.Now(), script: func(int, int) reply {
			return reply{out: gateway.Outcome{Kind: gateway.Delivered, Reason: gateway.ReasonTooLarge}}
		}}
		d := start(t, j, nil, vendorEndpoint(b, deliveryOf(t, "easemob")))
		defer stop(t, d)
		for n := range 200 {
			j.add(ev("v", n))
			pass(340 * time.Millisecond) // 89 in each thirty seconds
		}
		if s := statusOf(t, d, "e"); s.State != StateLive || s.Delivered != 200 {
			t.Fatalf("%+v, want 200 delivered and no ban", s)
		}
		pass(30 * time.Second)
		for n := range 91 {
			j.add(ev("v", 200+n))
			pass(330 * time.Millisecond) // 91
		}
		if s := statusOf(t, d, "e"); s.State != "banned" || s.Delivered != 290 {
			t.Errorf("%+v, want a ban after 90", s)
		}
	})
}

// OpenIM's queue has a hundred places; who finds none is dropped after three seconds.
func TestVendor_OpenIMsQueueOverflows(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j := newMemJournal()
		b := &moodyBackend{began: time.Now(), script: func(int, int) reply {
			return reply{out: gateway.Outcome{Kind: gateway.Delivered}, took: 2 * time.Second}
		}}
		d := start(t, j, nil, vendorEndpoint(b, deliveryOf(t, "openim")))
		defer stop(t, d)
		var page []*event.Event
		for n := range 110 {
			page = append(page, ev("v", n))
		}
		j.add(page...)
		// Two are in flight, a hundred queued, eight wait; after two seconds two of these
		// come in.
		pass(3*time.Second - time.Nanosecond)
		if got := lostOf(t, j); len(got) > 0 {
			t.Errorf("%v are lost before three seconds", got)
		}
		pass(time.Nanosecond)
		if diff := cmp.Diff([]int{104, 105, 106, 107, 108, 109}, lostOf(t, j)); diff != "" {
			t.Errorf("lost (-want +got):\n%s", diff)
		}
		pass(time.Hour)
		if a := accountNamed(t, d, "e"); a.Delivered != 104 || a.Parked != 6 {
			t.Errorf("%+v", a)
		}
	})
}

// Whatever comes and however it is answered: the requests are those of the model, at
// its very times, and what it loses is parked.
func TestVendor_TheSameEventsAndAnswersAreTheSameRequests(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"rongcloud", "easemob", "tencent", "wildfirechat", "openim"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			of, most := deliveryOf(t, name), 150
			if testing.Short() {
				most = 60
			}
			rapid.Check(t, func(rt *rapid.T) {
				seed := rapid.Uint64().Draw(rt, "seed")
				count := rapid.IntRange(1, most).Draw(rt, "events")
				gap := rapid.SampledFrom([]time.Duration{time.Millisecond, 50 * time.Millisecond, time.Second}).Draw(rt, "gap")
				bad := rapid.IntRange(0, 100).Draw(rt, "failures in 100")
				network := rapid.SampledFrom([]int{0, 1, 30}).Draw(rt, "network failures in 100 of them")
				var problem string
				synctest.Test(t, func(t *testing.T) { problem = vendorHistory(t, of, seed, count, gap, bad, network) })
				if problem != "" {
					rt.Fatal(problem)
				}
			})
		})
	}
}

// vendorHistory compares a run with the model.
func vendorHistory(t *testing.T, of *dialect.Delivery, seed uint64, count int, gap time.Duration, bad, network int) string {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 1))
	arrivals := make([]time.Duration, count)
	at := time.Duration(0)
	for n := range arrivals {
		at += time.Duration(rng.Int64N(int64(gap))) + time.Microsecond
		arrivals[n] = at.Truncate(time.Microsecond)
		at = arrivals[n]
	}
	// No two requests end at the same moment, nor when an event comes: who is first
	// would be up to chance.
	script := func(n, k int) reply {
		rng := rand.New(rand.NewPCG(seed, uint64(n)<<16|uint64(k)))
		r := reply{out: gateway.Outcome{Kind: gateway.Delivered}, took: time.Duration(rng.Int64N(int64(of.Timeout))).Truncate(time.Microsecond)}
		if rng.IntN(100) < bad {
			switch {
			case rng.IntN(100) < network:
				r.out = failing(gateway.Retry, gateway.ReasonConnect)
			case rng.IntN(2) == 0:
				r.out, r.took = failing(gateway.Retry, gateway.ReasonTimeout), of.Timeout
			default:
				r.out = failing(gateway.Refused, gateway.ReasonStatus4xx)
			}
		}
		r.took += time.Duration(n%997 + 1)
		return r
	}
	j, b := newMemJournal(), &moodyBackend{began: time.Now(), script: script}
	e := vendorEndpoint(b, of).WithDefaults()
	d := start(t, j, nil, e)
	defer stop(t, d)
	m := newModel(of, e.Concurrency, arrivals, script)
	m.run()
	arrive(j, b.began, arrivals)
	pass(time.Until(b.began.Add(m.now)) + time.Minute)
	if diff := cmp.Diff(m.requests, b.seen(), cmp.AllowUnexported(request{})); diff != "" {
		return "requests (-model +got):\n" + diff
	}
	if diff := cmp.Diff(m.lost, lostOf(t, j)); diff != "" {
		return "lost (-model +got):\n" + diff
	}
	if s := statusOf(t, d, "e"); s.Open > 0 || int(s.Delivered)+len(m.lost) != count {
		return fmt.Sprintf("%d delivered, %d lost, %d open of %d", s.Delivered, len(m.lost), s.Open, count)
	}
	return unbalanced(d)
}

// A restart forgets neither a ban nor how often there was one.
func TestVendor_ARestartLiftsNoBan(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j := newMemJournal()
		b := &moodyBackend{began: time.Now(), script: func(int, int) reply { return reply{out: failing(gateway.Retry, gateway.ReasonStatus5xx)} }}
		e := vendorEndpoint(b, deliveryOf(t, "easemob"))
		ban := func(d *Deliverer, from int) time.Time {
			for n := range 45 {
				j.add(ev("v", from+n))
			}
			pass(time.Second)
			s := statusOf(t, d, "e")
			if s.State != "banned" {
				t.Fatalf("it is %s", s.State)
			}
			return s.Vendor.Until
		}
		d := start(t, j, nil, e)
		until := ban(d, 0)
		stop(t, d)
		pass(time.Minute)
		d = start(t, j, nil, e)
		j.add(ev("v", 45))
		pass(time.Until(until) - time.Second)
		if s := statusOf(t, d, "e"); s.State != "banned" || s.Vendor.Until.UnixMilli() != until.UnixMilli() || len(b.seen()) != 90 {
			t.Errorf("after the restart it is %s until %v, want banned until %v; %d requests", s.State, s.Vendor.Until, until, len(b.seen()))
		}
		pass(2 * time.Second)
		if s := statusOf(t, d, "e"); s.State != StateLive {
			t.Errorf("after the ban it is %s", s.State)
		}
		if lasts := time.Until(ban(d, 46)).Round(time.Minute); lasts != 10*time.Minute {
			t.Errorf("the second ban lasts %v, want 10m", lasts)
		}
		stop(t, d)
	})
}

// What a vendor lost is delivered when somebody asks for it, as everything else is.
func TestVendor_WhatIsRequeuedIsDeliveredByImhook(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newMemLetters()
		b := &moodyBackend{began: time.Now(), script: func(_, k int) reply {
			if k < 3 {
				return reply{out: failing(gateway.Retry, gateway.ReasonStatus5xx)}
			}
			return reply{out: gateway.Outcome{Kind: gateway.Delivered}}
		}}
		d := startRuns(t, l, vendorEndpoint(b, deliveryOf(t, "wildfirechat")))
		defer stop(t, d)
		l.add(ev("v", 0))
		pass(time.Second)
		if got := lostOf(t, l.memJournal); len(got) != 1 {
			t.Fatalf("%v are lost, want the one", got)
		}
		begin(t, d, gateway.Run{Kind: event.Requeued})
		pass(time.Hour)
		if got := b.seen(); len(got) != 3 {
			t.Errorf("%d requests, want a third that delivers", len(got))
		}
	})
}

// The configuration may turn it on and off while events are lost and wait.
func TestVendor_ChangesWhileItRuns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j := newMemJournal()
		b := &moodyBackend{began: time.Now(), script: func(int, int) reply {
			return reply{out: gateway.Outcome{Kind: gateway.Delivered}, took: 10 * time.Second}
		}}
		e := vendorEndpoint(b, deliveryOf(t, "openim"))
		e.Rule = "all"
		d := start(t, j, nil, e)
		defer stop(t, d)
		var page []*event.Event
		for n := range 200 {
			page = append(page, ev("v", n))
		}
		j.add(page...)
		pass(time.Second)
		own := endpoint(b)
		own.Rule = "all"
		for _, next := range []Endpoint{own, e, own, e} {
			if err := d.Set(t.Context(), []Endpoint{next}, all(1)); err != nil {
				t.Fatal(err)
			}
			pass(time.Second)
			balanced(t, d)
		}
		pass(time.Hour)
		s := statusOf(t, d, "e")
		if s.Open > 0 || s.Vendor == nil || int(s.Delivered)+len(lostOf(t, j)) != 200 || len(lostOf(t, j)) == 0 {
			t.Errorf("%+v, %d lost", s, len(lostOf(t, j)))
		}
	})
}

func TestEndpoint_VendorContradicts(t *testing.T) {
	t.Parallel()
	of := deliveryOf(t, "rongcloud")
	for name, change := range map[string]func(*Endpoint){
		"rate":      func(e *Endpoint) { e.Rate = 5 },
		"on_poison": func(e *Endpoint) { e.OnPoison = PoisonBlock },
		"pauses": func(e *Endpoint) {
			v := *of
			v.Pauses = []dialect.Pause{{Word: "stopped"}}
			e.Vendor = &v
		},
		"queue": func(e *Endpoint) {
			v := *of
			v.QueueWait = time.Second
			e.Vendor = &v
		},
	} {
		e := vendorEndpoint(&moodyBackend{}, of)
		change(&e)
		if err := e.WithDefaults().Validate(); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}
