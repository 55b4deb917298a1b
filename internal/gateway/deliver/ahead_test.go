package deliver

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"pgregory.net/rapid"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// TestAhead_NothingIsLostReorderedOrRepeated runs random histories of arrivals, outages,
// restarts and crashes with an endpoint that has room for few events, so that it is
// behind most of the time. A crash loses everything that was saved after a random
// moment. At the end every event was delivered, the first sightings of each lane are in
// order, and twice came only what was delivered after the last save before a crash.
func TestAhead_NothingIsLostReorderedOrRepeated(t *testing.T) {
	t.Parallel()
	var ahead, left atomic.Int64
	rapid.Check(t, func(rt *rapid.T) {
		h := &outages{
			rng:   rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 1)),
			order: rapid.SampledFrom([]Order{OrderConversation, OrderConversation, OrderNone, OrderStrict}).Draw(rt, "order"),
			room:  rapid.IntRange(4, 24).Draw(rt, "room"),
			open:  rapid.SampledFrom([]int{8, 40, 400}).Draw(rt, "open"),
			lanes: rapid.IntRange(2, 40).Draw(rt, "lanes"),
			batch: Batch{Count: rapid.SampledFrom([]int{1, 1, 5}).Draw(rt, "batch")},
		}
		h.failures.Store(rapid.Int64Range(0, 30).Draw(rt, "failures in 100"))
		steps := rapid.SliceOfN(rapid.IntRange(0, 19), 5, 60).Draw(rt, "steps")
		var problem string
		synctest.Test(t, func(*testing.T) { problem = h.run(steps) })
		ahead.Add(h.ahead)
		left.Add(h.left)
		if problem != "" {
			rt.Fatal(problem)
		}
	})
	if ahead.Load() == 0 && !t.Failed() {
		t.Error("no event went ahead in any history")
	}
	if left.Load() == 0 && !t.Failed() {
		t.Error("no event was left behind in any history")
	}
}

// outages is a history of one endpoint.
type outages struct {
	rng         *rand.Rand
	order       Order
	batch       Batch
	room, open  int
	lanes       int
	failures    atomic.Int64 // in 100 attempts
	down        atomic.Bool
	j           *memJournal
	b           *backend
	d           *Deliverer
	next        []int
	total       int
	ahead, left int64
	at          map[string][]time.Time // of deliveries, guarded by b.mu
	crashes     []time.Time
	poison      int // the lane that fails for long, -1 when there is none
	poisonUntil time.Time
}

func (h *outages) run(steps []int) string {
	h.j, h.b, h.at = newMemJournal(), &backend{}, map[string][]time.Time{}
	h.j.saving = []time.Duration{time.Millisecond, 5 * time.Millisecond, 30 * time.Millisecond}[h.rng.IntN(3)]
	h.j.paging = time.Duration(h.rng.IntN(3)) * 5 * time.Millisecond
	h.b.took = time.Duration(1+h.rng.IntN(10)) * time.Millisecond
	h.next = make([]int, h.lanes)
	h.poison = h.rng.IntN(2*h.lanes) - h.lanes
	h.poisonUntil = time.Now().Add(time.Duration(h.rng.IntN(4000)) * time.Millisecond)
	dice := rand.New(rand.NewPCG(h.rng.Uint64(), 2)) // guarded by b.mu
	h.b.answer = func(ev *event.Event, _ int) gateway.Outcome {
		h.b.mu.Lock()
		defer h.b.mu.Unlock()
		switch {
		case h.down.Load():
			return failing(gateway.Retry, gateway.ReasonConnect)
		case strings.HasPrefix(ev.ID, fmt.Sprint(h.poison, "/")) && time.Now().Before(h.poisonUntil):
			return failing(gateway.Retry, gateway.ReasonStatus5xx)
		case dice.IntN(100) < int(h.failures.Load()):
			return failing(gateway.Retry, gateway.ReasonStatus5xx)
		}
		h.at[ev.ID] = append(h.at[ev.ID], time.Now())
		return gateway.Outcome{Kind: gateway.Delivered}
	}
	if h.rng.IntN(3) == 0 { // it begins with a backlog
		for range 1 + h.rng.IntN(10) {
			h.arrive()
		}
	}
	if err := h.boot(); err != nil {
		return err.Error()
	}
	for _, step := range steps {
		switch {
		case step < 10:
			h.arrive()
			advance(time.Duration(h.rng.IntN(30)) * time.Millisecond)
		case step < 14:
			advance(time.Duration(h.rng.IntN(400)) * time.Millisecond)
		case step < 15:
			h.down.Store(!h.down.Load())
		case step < 16 && h.order == OrderConversation:
			lane := event.NewLane(event.KindGroup, fmt.Sprint(h.rng.IntN(h.lanes)))
			if err := h.d.Pause("a/e", Pause{Lane: lane, Why: "a test", Until: time.Now().Add(time.Duration(h.rng.IntN(3000)) * time.Millisecond)}); err != nil {
				return err.Error()
			}
		case step < 16:
		case step < 18:
			ctx, cancel := context.WithTimeout(context.Background(), time.Duration(h.rng.IntN(30))*time.Millisecond)
			err := h.stop(ctx)
			cancel()
			if err != nil {
				return err.Error()
			}
			if err := h.boot(); err != nil {
				return err.Error()
			}
		default:
			h.j.mu.Lock()
			h.j.frozen = true
			h.j.mu.Unlock()
			h.crashes = append(h.crashes, time.Now())
			advance(time.Duration(h.rng.IntN(120)) * time.Millisecond)
			h.crashes = append(h.crashes, time.Now())
			dead, cancel := context.WithCancel(context.Background())
			cancel()
			_ = h.stop(dead)
			h.j.mu.Lock()
			h.j.frozen = false
			h.j.mu.Unlock()
			if err := h.boot(); err != nil {
				return err.Error()
			}
		}
		h.look()
		if words := unbalanced(h.d); words != "" {
			return words
		}
	}
	h.failures.Store(0)
	h.down.Store(false)
	advance(2 * time.Minute)
	synctest.Wait()
	state := fmt.Sprintf("%+v", h.d.Status(context.Background()))
	if err := h.stop(context.Background()); err != nil {
		return err.Error()
	}
	if s := h.verdict(); s != "" {
		return s + " " + state
	}
	return ""
}

// inTurn sends the events of a batch one after the other until one fails.
type inTurn struct{ *backend }

func (s inTurn) SendBatch(ctx context.Context, evs []*event.Event) (outs []gateway.Outcome) {
	for _, ev := range evs {
		out := s.Send(ctx, ev, 0)
		if outs = append(outs, out); out.Kind != gateway.Delivered {
			break
		}
	}
	return outs
}

func (h *outages) boot() error {
	e := Endpoint{
		App: "a", Name: "e", Match: everything, Sender: inTurn{h.b}, Order: h.order, Batch: h.batch,
		Concurrency: 1 + h.rng.IntN(6), Start: Start{Beginning: true},
		Breaker: Breaker{Least: 3, From: 20 * time.Millisecond, To: 200 * time.Millisecond},
		Retry:   Schedule{Fast: []time.Duration{20 * time.Millisecond}, SlowFrom: 50 * time.Millisecond, SlowTo: 100 * time.Millisecond},
	}
	d, err := New(Config{Endpoints: []Endpoint{e}, Index: all(1), Journal: h.j})
	if err != nil {
		return err
	}
	d.eager = h.rng.IntN(8)
	for _, r := range d.runners {
		r.limits = limits{loaded: h.room, open: h.open, rewind: 1 + h.rng.IntN(4), followers: h.rng.IntN(4)}
	}
	h.d = d
	return d.Start(context.Background())
}

func (h *outages) stop(ctx context.Context) error { return h.d.Stop(ctx) }

func (h *outages) arrive() {
	evs := make([]*event.Event, h.rng.IntN(9)) // a page without events is a filler
	for i := range evs {
		lane := h.rng.IntN(h.lanes)
		if h.poison >= 0 && h.rng.IntN(4) == 0 {
			lane = h.poison
		}
		evs[i] = ev(fmt.Sprint(lane), h.next[lane])
		h.next[lane]++
		h.total++
	}
	h.j.add(evs...)
}

// look counts what went ahead.
func (h *outages) look() {
	r := h.d.runners[0]
	r.mu.Lock()
	defer r.mu.Unlock()
	h.ahead += int64(r.ahead.taken.n)
	h.left += int64(r.left.events)
}

func (h *outages) verdict() string {
	if len(h.at) != h.total {
		return fmt.Sprintf("%d of %d events arrived", len(h.at), h.total)
	}
	firsts := map[string][]string{}
	seen := map[string]bool{}
	for _, id := range h.b.got {
		if !seen[id] {
			seen[id] = true
			lane, _, _ := strings.Cut(id, "/")
			firsts[lane] = append(firsts[lane], id)
		}
	}
	if h.order == OrderConversation || h.order == OrderStrict {
		for lane, ids := range firsts {
			for n, id := range ids {
				if want := fmt.Sprintf("%s/%d", lane, n); id != want {
					return fmt.Sprintf("lane %s was first seen as %v", lane, ids)
				}
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(h.at)) {
		for _, at := range h.at[id][:len(h.at[id])-1] {
			if !h.unsaved(at) {
				return fmt.Sprintf("%s came %d times, at %v, although that was saved", id, len(h.at[id]), h.at[id])
			}
		}
	}
	return ""
}

// unsaved reports whether a crash may have lost what was delivered at at. Saves are a
// tenth of a second apart, or nine times as long as they take.
func (h *outages) unsaved(at time.Time) bool {
	between := saveEvery + 20*4*h.j.saving
	for i := 0; i < len(h.crashes); i += 2 {
		if at.After(h.crashes[i].Add(-between)) && !at.After(h.crashes[i+1].Add(time.Second)) {
			return true
		}
	}
	return false
}

// behindBy returns an endpoint that has a backlog of n events of each of the lanes b0,
// b1 … of which it has read some, and delivers one event each 10 ms.
func behindBy(t *testing.T, j *memJournal, b *backend, lanes, n int) (*Deliverer, Endpoint) {
	t.Helper()
	for k := range n {
		for lane := range lanes {
			j.add(ev(fmt.Sprint("b", lane), k))
		}
	}
	b.took = 40 * time.Millisecond
	e := endpoint(b)
	e.Rule, e.Concurrency, e.Start = "all", 4, Start{Beginning: true}
	return smallOn(t, j, e), e
}

// smallOn starts a deliverer whose endpoints have room for 16 events.
func smallOn(t *testing.T, j *memJournal, eps ...Endpoint) *Deliverer {
	t.Helper()
	d, err := New(Config{Endpoints: eps, Index: asked(eps), Journal: j})
	if err != nil {
		t.Fatal(err)
	}
	d.limits.loaded = 16
	for _, r := range d.runners {
		r.limits = d.limits
	}
	if err := d.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return d
}

// live adds an event of a lane and says how long it took until it arrived.
func live(j *memJournal, b *backend, lane string, n int) time.Duration {
	begin := time.Now()
	want := j.addOne(ev(lane, n))
	for !slices.Contains(b.ids(), want) {
		advance(time.Millisecond)
	}
	return time.Since(begin)
}

func (j *memJournal) addOne(ev *event.Event) string {
	j.add(ev)
	return ev.ID
}

func TestAhead_LiveEventsDoNotWaitForTheBacklog(t *testing.T) {
	t.Parallel()
	for _, order := range []Order{OrderConversation, OrderNone} {
		t.Run(string(order), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				j, b := newMemJournal(), &backend{}
				for k := range 100 {
					for lane := range 20 {
						j.add(ev(fmt.Sprint("b", lane), k))
					}
				}
				b.took = 40 * time.Millisecond
				e := endpoint(b)
				e.Order, e.Concurrency, e.Start = order, 4, Start{Beginning: true}
				d := smallOn(t, j, e)
				defer stop(t, d)
				pass(time.Second)
				for n := range 50 {
					if took := live(j, b, fmt.Sprint("live", n%7), n/7); took > 82*time.Millisecond {
						t.Errorf("a live event took %v, an attempt takes %v and one is awaited", took, b.took)
					}
				}
				s := statusOf(t, d, "e")
				if s.State != StateCatchingUp || !s.Unread || s.Ahead == 0 {
					t.Errorf("%+v: it should be catching up, with events ahead", s)
				}
				if delivered := len(b.ids()); s.Behind >= 0 && s.Behind+s.Open+delivered != 2050 {
					t.Errorf("%d behind, %d open and %d delivered, want 2050 together", s.Behind, s.Open, delivered)
				}
				pass(time.Minute)
				if s := statusOf(t, d, "e"); s.State != StateLive || s.Ahead != 0 || s.Behind != 0 {
					t.Errorf("in the end: %+v", s)
				}
				if got := len(b.ids()); got != 2050 {
					t.Errorf("%d arrived, want 2050, none of them twice", got)
				}
			})
		})
	}
}

// TestAhead_LaneWithABacklogWaitsForIt: nothing overtakes its own conversation.
func TestAhead_LaneWithABacklogWaitsForIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, b := newMemJournal(), &backend{}
		d, _ := behindBy(t, j, b, 20, 50)
		defer stop(t, d)
		pass(time.Second)
		for lane := range 20 {
			j.add(ev(fmt.Sprint("b", lane), 50))
		}
		pass(time.Minute)
		for lane := range 20 {
			want := make([]string, 51)
			for n := range want {
				want[n] = fmt.Sprintf("b%d/%d", lane, n)
			}
			if diff := cmp.Diff(want, b.ofLane(fmt.Sprint("b", lane))); diff != "" {
				t.Fatalf("(-want +got):\n%s", diff)
			}
		}
	})
}

func TestAhead_StrictOrderWaitsForTheBacklog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, b := newMemJournal(), &backend{}
		for n := range 100 {
			j.add(ev(fmt.Sprint("b", n%9), n))
		}
		e := endpoint(b)
		e.Order, e.Start = OrderStrict, Start{Beginning: true}
		b.took = 10 * time.Millisecond
		d := smallOn(t, j, e)
		defer stop(t, d)
		pass(100 * time.Millisecond)
		j.add(ev("live", 0))
		pass(time.Minute)
		if got := b.ids(); len(got) != 101 || got[100] != "live/0" {
			t.Errorf("%d arrived, last %s; want live/0 last", len(got), got[len(got)-1])
		}
	})
}

// TestAhead_RestartKnowsWhatWentAhead: nothing that went ahead comes again, and what
// comes after the restart goes ahead as well.
func TestAhead_RestartKnowsWhatWentAhead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, b := newMemJournal(), &backend{}
		d, e := behindBy(t, j, b, 20, 200)
		for round := range 3 {
			pass(time.Second)
			for n := range 20 {
				live(j, b, "live", 20*round+n)
			}
			if s := statusOf(t, d, "e"); s.Ahead < 20*(round+1) {
				t.Fatalf("only %d went ahead", s.Ahead)
			}
			stop(t, d)
			d = smallOn(t, j, e)
		}
		pass(5 * time.Minute)
		stop(t, d)
		got := b.ids()
		if slices.Sort(got); len(slices.Compact(slices.Clone(got))) != len(got) || len(got) != 4060 {
			t.Errorf("%d arrived, %d different, want 4060", len(got), len(slices.Compact(slices.Clone(got))))
		}
	})
}

// TestAhead_RuleAndOrderMayChange: what went ahead by the old rule came once, the new
// rule holds for all else, and what is open and went ahead stays in order.
func TestAhead_RuleAndOrderMayChange(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(e *Endpoint){
		"rule":      func(e *Endpoint) { *e = lanesOnly(*e, "bl") },
		"strict":    func(e *Endpoint) { e.Order = OrderStrict },
		"no order":  func(e *Endpoint) { e.Order = OrderNone },
		"unchanged": func(*Endpoint) {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				j, b := newMemJournal(), &backend{}
				var bad atomic.Bool
				b.answer = func(ev *event.Event, _ int) gateway.Outcome {
					if bad.Load() && ev.Lane == "group:lbad" {
						return failing(gateway.Retry, gateway.ReasonStatus5xx)
					}
					return gateway.Outcome{Kind: gateway.Delivered}
				}
				bad.Store(true)
				d, e := behindBy(t, j, b, 20, 50)
				pass(time.Second)
				j.add(ev("lbad", 0))
				for n := range 10 {
					live(j, b, "live", n)
				}
				j.add(ev("lbad", 1))
				j.add(ev("x", 0)) // picked by the old rule
				pass(100 * time.Millisecond)
				change(&e)
				set(t, d, e)
				bad.Store(false)
				for n := 10; n < 20; n++ {
					j.add(ev("live", n), ev("lbad", n-8), ev("y", n))
				}
				pass(10 * time.Minute)
				stop(t, d)
				want := 20*50 + 20 + 12 + 1 + 10
				if name == "rule" {
					want -= 10 // y
				}
				got := b.ids()
				if len(got) != want {
					t.Errorf("%d arrived, want %d", len(got), want)
				}
				for _, lane := range []string{"live", "lbad", "b3"} {
					ids := b.ofLane(lane)
					for n, id := range ids {
						if want := fmt.Sprintf("%s/%d", lane, n); id != want && name != "no order" {
							t.Fatalf("%s came as %v", lane, ids)
						}
					}
				}
			})
		})
	}
}

// TestAhead_RemovedEndpointComesBackWithWhatItHas, also across a restart.
func TestAhead_RemovedEndpointComesBackWithWhatItHas(t *testing.T) {
	t.Parallel()
	for _, restarts := range []int{0, 1, 2} {
		t.Run(fmt.Sprint(restarts, " restarts"), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				j, b := newMemJournal(), &backend{}
				d, e := behindBy(t, j, b, 20, 50)
				pass(time.Second)
				for n := range 20 {
					live(j, b, "live", n)
				}
				set(t, d)
				for n := 20; n < 40; n++ {
					j.add(ev("live", n))
				}
				pass(time.Second)
				for range restarts {
					stop(t, d)
					d = smallOn(t, j)
					pass(time.Second)
				}
				set(t, d, e)
				pass(10 * time.Minute)
				stop(t, d)
				if got := len(b.ids()); got != 1040 {
					t.Errorf("%d arrived, want 1040", got)
				}
				if ids := b.ofLane("live"); !slices.IsSortedFunc(ids, byPlace) || len(ids) != 40 {
					t.Errorf("live came as %v", ids)
				}
			})
		})
	}
}

func byPlace(a, b string) int {
	var x, y int
	_, _ = fmt.Sscanf(a[strings.IndexByte(a, '/'):], "/%d", &x)
	_, _ = fmt.Sscanf(b[strings.IndexByte(b, '/'):], "/%d", &y)
	return x - y
}

// TestAhead_RecordsAreBoundedAndDropped: what went ahead is written once, in records of
// bounded size, and none stays when the reader has passed it.
func TestAhead_RecordsAreBoundedAndDropped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, b := newMemJournal(), &backend{}
		for n := range 1000 {
			j.add(ev(fmt.Sprint("stuck", n), 0))
		}
		var stuck atomic.Bool
		stuck.Store(true)
		b.answer = func(ev *event.Event, _ int) gateway.Outcome {
			if stuck.Load() && strings.HasPrefix(ev.ID, "stuck") {
				return failing(gateway.Retry, gateway.ReasonStatus5xx)
			}
			return gateway.Outcome{Kind: gateway.Delivered}
		}
		e := endpoint(b)
		e.Start = Start{Beginning: true}
		e.Breaker.Off = true // a thousand conversations fail, and it is not to blame
		e.Retry = Schedule{Fast: []time.Duration{}, SlowFrom: time.Minute, SlowTo: time.Minute}
		d, err := New(Config{Endpoints: []Endpoint{e}, Index: all(1), Journal: j})
		if err != nil {
			t.Fatal(err)
		}
		d.runners[0].limits.open = 800 // the reader stops there
		if err := d.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		defer stop(t, d)
		synctest.Wait()
		const events = 20_000
		most := 0
		for n := range events {
			j.add(ev(fmt.Sprint("live", n%100), n/100))
			if n%100 == 0 {
				pass(20 * time.Millisecond)
			}
			if n%1000 == 0 {
				for key, v := range j.records() {
					if most = max(most, len(v)); len(v) > 2*chunkBytes {
						t.Fatalf("the record %s has %d bytes", key, len(v))
					}
				}
			}
		}
		pass(time.Second)
		if s := statusOf(t, d, "e"); s.Ahead != events || len(b.ids()) != events {
			t.Fatalf("%d arrived, %d went ahead, want %d: %+v", len(b.ids()), s.Ahead, events, s)
		}
		if n := len(j.records()); n < 3 {
			t.Fatalf("%d records", n)
		}
		j.mu.Lock()
		floor := j.floor
		j.mu.Unlock()
		if floor != 1 {
			t.Errorf("the journal may forget what is below page %d, want 1: it is not delivered", floor)
		}
		stuck.Store(false)
		pass(time.Hour)
		if s := statusOf(t, d, "e"); s.State != StateLive || len(b.ids()) != events+1000 {
			t.Errorf("%d arrived: %+v", len(b.ids()), s)
		}
		for key := range j.records() {
			if strings.HasPrefix(key, aheadPrefix) {
				t.Errorf("%s is still there", key)
			}
		}
	})
}

// records are all that is saved.
func (j *memJournal) records() map[string][]byte {
	j.mu.Lock()
	defer j.mu.Unlock()
	return maps.Clone(j.saved)
}

// TestAhead_IsBounded: when nothing more can be remembered the reader takes the rest.
func TestAhead_IsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, b := newMemJournal(), &backend{}
		d, _ := behindBy(t, j, b, 20, 50)
		defer stop(t, d)
		pass(time.Second)
		r := d.runners[0]
		r.mu.Lock()
		r.ahead.taken.bytes += maxTakenBytes
		r.mu.Unlock()
		j.add(ev("live", 0))
		pass(time.Second)
		if slices.Contains(b.ids(), "live/0") {
			t.Error("an event went ahead although nothing more can be remembered")
		}
		r.mu.Lock()
		r.ahead.taken.bytes -= maxTakenBytes
		r.mu.Unlock()
		pass(time.Minute)
		if got := len(b.ids()); got != 1001 {
			t.Errorf("%d arrived, want 1001", got)
		}
	})
}

// TestAhead_ExpiryCountsEachEventOnce: what went ahead does not expire with the backlog
// that it overtook.
func TestAhead_ExpiryCountsEachEventOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, b := newMemJournal(), &backend{}
		for k := range 100 {
			for lane := range 20 {
				j.add(ev(fmt.Sprint("b", lane), k))
			}
		}
		b.took = 40 * time.Millisecond
		e := endpoint(b)
		e.Concurrency, e.Start, e.MaxBacklogAge = 1, Start{Beginning: true}, 10*time.Second
		d := smallOn(t, j, e)
		defer stop(t, d)
		pass(time.Second)
		for n := range 20 {
			live(j, b, "live", n)
		}
		pass(time.Minute)
		s := statusOf(t, d, "e")
		expired := int(testutil.ToFloat64(d.metrics.expired.WithLabelValues("a", "e")))
		matched := int(testutil.ToFloat64(d.metrics.matched.WithLabelValues("a", "e")))
		if s.State != StateLive || expired == 0 || len(b.ids())+expired != 2020 || matched != 2020 {
			t.Errorf("%d arrived, %d expired, %d matched, want 2020 in both sums: %+v", len(b.ids()), expired, matched, s)
		}
		if ids := b.ofLane("live"); len(ids) != 20 {
			t.Errorf("%d of 20 live events arrived", len(ids))
		}
	})
}

// TestAhead_UnfinishedCountsWhatWentAheadAsFinished.
func TestAhead_UnfinishedCountsWhatWentAheadAsFinished(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, b := newMemJournal(), &backend{}
		d, _ := behindBy(t, j, b, 20, 50)
		defer stop(t, d)
		pass(time.Second)
		for n := range 20 {
			live(j, b, "live", n)
		}
		synctest.Wait() // what arrived is also counted
		n, complete, err := d.Unfinished(t.Context(), "a/e")
		if err != nil || !complete || n+len(b.ids()) != 1020 {
			t.Errorf("%d unfinished and %d delivered, want 1020 together (%v, %v)", n, len(b.ids()), complete, err)
		}
	})
}

// TestAhead_ConversationsAreInOrderAfterNoOrder: what went ahead without order and is
// open waits for what its conversation has before it, once there is an order again.
func TestAhead_ConversationsAreInOrderAfterNoOrder(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(t *testing.T, j *memJournal, d *Deliverer, e Endpoint) *Deliverer{
		"set": func(t *testing.T, _ *memJournal, d *Deliverer, e Endpoint) *Deliverer {
			t.Helper()
			set(t, d, e)
			return d
		},
		"restart": func(t *testing.T, j *memJournal, d *Deliverer, e Endpoint) *Deliverer {
			t.Helper()
			stop(t, d)
			return smallOn(t, j, e)
		},
		"set and restart": func(t *testing.T, j *memJournal, d *Deliverer, e Endpoint) *Deliverer {
			t.Helper()
			set(t, d, e)
			pass(200 * time.Millisecond)
			stop(t, d)
			return smallOn(t, j, e)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				j, b := newMemJournal(), &backend{took: 40 * time.Millisecond}
				var bad atomic.Bool
				bad.Store(true)
				b.answer = func(ev *event.Event, _ int) gateway.Outcome {
					if bad.Load() && ev.ID == "b3/50" {
						return failing(gateway.Retry, gateway.ReasonStatus5xx)
					}
					return gateway.Outcome{Kind: gateway.Delivered}
				}
				for k := range 50 {
					for lane := range 20 {
						j.add(ev(fmt.Sprint("b", lane), k))
					}
				}
				e := endpoint(b)
				e.Rule, e.Order, e.Concurrency, e.Start = "all", OrderNone, 4, Start{Beginning: true}
				d := smallOn(t, j, e)
				pass(time.Second)
				j.add(ev("b3", 50))
				pass(time.Second)
				if s := statusOf(t, d, "e"); s.Ahead == 0 {
					t.Fatalf("nothing went ahead: %+v", s)
				}
				e.Order = OrderConversation
				d = change(t, j, d, e)
				bad.Store(false)
				pass(10 * time.Minute)
				stop(t, d)
				ids := b.ofLane("b3")
				if len(ids) != 51 || !strings.HasSuffix(ids[50], "/50") || len(b.ids()) != 1001 {
					t.Errorf("%d arrived, of the lane %v", len(b.ids()), ids)
				}
			})
		})
	}
}

// TestAhead_WaitsForWhatWasOpenBeforeARestart, also for what is not read again yet.
func TestAhead_WaitsForWhatWasOpenBeforeARestart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, b := newMemJournal(), &backend{}
		var bad atomic.Bool
		bad.Store(true)
		b.answer = func(*event.Event, int) gateway.Outcome {
			if bad.Load() {
				return failing(gateway.Retry, gateway.ReasonConnect)
			}
			return gateway.Outcome{Kind: gateway.Delivered}
		}
		e := endpoint(b)
		e.Concurrency, e.Breaker.Off = 1, true
		e.Retry = Schedule{Fast: []time.Duration{}, SlowFrom: time.Second, SlowTo: time.Second}
		d := smallOn(t, j, e)
		for n := range 60 {
			j.add(ev(fmt.Sprint("x", n), 0))
			pass(time.Millisecond)
		}
		pass(time.Second)
		if s := statusOf(t, d, "e"); s.Open != 60 {
			t.Fatalf("%d are open", s.Open)
		}
		stop(t, d)
		bad.Store(false)
		b.took = 200 * time.Millisecond
		d, err := New(Config{Endpoints: []Endpoint{e}, Index: all(1), Journal: j})
		if err != nil {
			t.Fatal(err)
		}
		d.eager, d.runners[0].limits = 0, limits{loaded: 16, open: 20, rewind: 1}
		if err := d.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		defer stop(t, d)
		pass(2 * time.Second)
		j.add(ev("x59", 1), ev("new", 0))
		pass(time.Second)
		if got := b.ids(); !slices.Contains(got, "new/0") || slices.Contains(got, "x59/1") {
			t.Errorf("arrived %v, want new/0 among them and not x59/1", got)
		}
		pass(time.Minute)
		if diff := cmp.Diff([]string{"x59/0", "x59/1"}, b.ofLane("x59")); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// TestAhead_NewRuleKnowsItsOwnBacklog: what the new rule picks of the backlog is before
// what comes after the change.
func TestAhead_NewRuleKnowsItsOwnBacklog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, b := newMemJournal(), &backend{took: 40 * time.Millisecond}
		for k := range 50 {
			for lane := range 20 {
				j.add(ev(fmt.Sprint("b", lane), k), ev("y", 20*k+lane))
			}
		}
		e := lanesOnly(endpoint(b), "b")
		e.Concurrency, e.Start = 4, Start{Beginning: true}
		d := smallOn(t, j, e)
		defer stop(t, d)
		pass(time.Second)
		e = lanesOnly(e, "by")
		set(t, d, e)
		pass(time.Second)
		j.add(ev("y", 1000))
		pass(10 * time.Minute)
		if ids := b.ofLane("y"); !slices.IsSortedFunc(ids, byPlace) || len(ids) < 500 || ids[len(ids)-1] != "y/1000" {
			t.Errorf("%d of y came, the last are %v", len(ids), ids[max(0, len(ids)-9):])
		}
	})
}

// TestAhead_JournalThatLostItsEnd: what went ahead and is lost does not stand for what
// comes in its place.
func TestAhead_JournalThatLostItsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, b := newMemJournal(), &backend{}
		d, e := behindBy(t, j, b, 20, 50)
		pass(time.Second)
		for n := range 20 {
			live(j, b, "live", n)
		}
		pass(time.Second)
		stop(t, d)
		j.cut(1011) // the last ten are lost
		d = smallOn(t, j, e)
		defer stop(t, d)
		for n := 20; n < 40; n++ {
			j.add(ev("live", n))
		}
		pass(time.Minute)
		if got := len(b.ids()); got != 1040 {
			t.Errorf("%d arrived, want 1040", got)
		}
	})
}

// TestAhead_LostRecordIsToldAndDeliveredAgain: when a record of what went ahead is gone,
// nothing is lost and the endpoint starts.
func TestAhead_LostRecordIsToldAndDeliveredAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, b := newMemJournal(), &backend{}
		for n := range 1000 {
			j.add(ev(fmt.Sprint("stuck", n), 0))
		}
		b.answer = func(ev *event.Event, _ int) gateway.Outcome {
			if strings.HasPrefix(ev.ID, "stuck") && time.Now().Before(time.Date(2000, 1, 1, 1, 0, 0, 0, time.UTC)) {
				return failing(gateway.Retry, gateway.ReasonStatus5xx)
			}
			return gateway.Outcome{Kind: gateway.Delivered}
		}
		e := endpoint(b)
		e.Start = Start{Beginning: true}
		e.Breaker.Off = true
		d, err := New(Config{Endpoints: []Endpoint{e}, Index: all(1), Journal: j})
		if err != nil {
			t.Fatal(err)
		}
		d.runners[0].limits.open = 800
		if err := d.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		const events = 12_000
		for n := range events {
			j.add(ev(fmt.Sprint("live", n%500), n/500))
			if n%100 == 0 {
				pass(100 * time.Millisecond)
			}
		}
		pass(time.Second)
		stop(t, d)
		lost := 0
		j.mu.Lock()
		for key := range j.saved {
			if strings.HasPrefix(key, aheadPrefix) {
				delete(j.saved, key)
				lost++
			}
		}
		j.mu.Unlock()
		if lost == 0 {
			t.Fatal("there was no such record")
		}
		d = start(t, j, nil, e)
		defer stop(t, d)
		pass(2 * time.Hour)
		got := b.ids()
		slices.Sort(got)
		if different := len(slices.Compact(got)); different != 1000+events {
			t.Errorf("%d different events arrived, want %d", different, 1000+events)
		}
	})
}
