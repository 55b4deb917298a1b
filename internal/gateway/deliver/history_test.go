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

	"pgregory.net/rapid"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// TestSet_NothingIsLostOrReorderedAcrossChanges runs random histories of arrivals,
// failures, events that are refused, restarts, crashes and changes of the set of
// endpoints: added, removed, brought back, with other rules, orders, batches, senders.
// At the end every endpoint has what its rules picked and nothing else, and what it
// refused is parked; the first sightings of each lane are in order, no sender was used
// after its release, and where nothing crashed nothing came or was parked twice.
func TestSet_NothingIsLostOrReorderedAcrossChanges(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		h := &history{rng: rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 1))}
		h.failures.Store(rapid.Int64Range(0, 60).Draw(rt, "failures in 100"))
		steps := rapid.SliceOfN(rapid.IntRange(0, 19), 5, 40).Draw(rt, "steps")
		var problem string
		synctest.Test(t, func(*testing.T) { problem = h.run(steps) })
		if problem != "" {
			rt.Fatal(problem)
		}
	})
}

const (
	historyLanes = 4
	historyNames = 3
)

// history is the journal, the endpoints as they should be, and what should come
// of it.
type history struct {
	rng      *rand.Rand
	failures atomic.Int64 // in 100 attempts

	j       *memJournal
	d       *Deliverer
	names   [historyNames]*named
	next    [historyLanes]int
	all     []stored
	crashed bool
	// peaceful is true when nothing crashes: then nothing may come twice. small is true
	// when endpoints have room for few events.
	peaceful, small bool
	problem         atomic.Pointer[string]
	voices          []*voice
}

// stored is an event in the journal.
type stored struct {
	id   string
	lane int
}

// mask is a rule: the lanes that it picks.
type mask uint

func (m mask) picks(lane int) bool { return m>>lane&1 == 1 }

// named is an endpoint of some name, whether it is configured or not.
type named struct {
	b     *backend
	here  bool
	known bool // it was there once
	rule  mask
	order Order
	batch Batch
	voice *voice
	// open are events of which it is not sure yet by which rule they are picked:
	// each with the rules that it may be.
	open map[stored][]mask
	want map[string]verdict
}

type verdict int

const (
	mustNot verdict = iota
	must
	may
)

// judge says what shall become of the events so far: every rule that may have
// looked at them has.
func (n *named) judge() {
	for e, rules := range n.open {
		yes := 0
		for _, m := range rules {
			if m.picks(e.lane) {
				yes++
			}
		}
		switch {
		case len(rules) == 0 || yes == 0:
			n.want[e.id] = mustNot
		case yes == len(rules):
			n.want[e.id] = must
		default:
			n.want[e.id] = may
		}
		delete(n.open, e)
	}
}

// sawRule notes that what is open may be picked by rule from now on.
func (n *named) sawRule(rule mask) {
	for e := range n.open {
		n.open[e] = append(n.open[e], rule)
	}
}

// voice is a sender that knows when it was released.
type voice struct {
	*backend
	h        *history
	busy     atomic.Int64
	released atomic.Int64
}

func (v *voice) Send(ctx context.Context, ev *event.Event, sent int) gateway.Outcome {
	v.busy.Add(1)
	defer v.busy.Add(-1)
	if v.released.Load() > 0 {
		v.h.fail("a sender was used after its release")
	}
	return v.backend.Send(ctx, ev, sent)
}

// poisonous reports whether every endpoint refuses the event.
func poisonous(id string) bool { return strings.HasSuffix(id, "7") }

// SendBatch sends one event after the other until one fails, or refuses all of them.
func (v *voice) SendBatch(ctx context.Context, evs []*event.Event) (outs []gateway.Outcome) {
	if i := slices.IndexFunc(evs, func(ev *event.Event) bool { return poisonous(ev.ID) }); i >= 0 && len(evs) > 1 {
		out := v.Send(ctx, evs[i], 0)
		out.Together = len(evs)
		return slices.Repeat([]gateway.Outcome{out}, len(evs))
	}
	for _, ev := range evs {
		outs = append(outs, v.Send(ctx, ev, 0))
		if outs[len(outs)-1].Kind != gateway.Delivered {
			break
		}
	}
	return outs
}

func (v *voice) release() {
	if v.released.Add(1) > 1 {
		v.h.fail("a sender was released twice")
	}
	if v.busy.Load() > 0 {
		v.h.fail("a sender was released while it was in use")
	}
}

func (h *history) fail(what string) { h.problem.CompareAndSwap(nil, &what) }

func (h *history) newVoice(n *named) {
	n.voice = &voice{backend: n.b, h: h}
	h.voices = append(h.voices, n.voice)
}

// endpoints are those that are configured, with their index.
func (h *history) endpoints() ([]Endpoint, Index) {
	var eps []Endpoint
	for i, n := range h.names {
		if n.here {
			eps = append(eps, h.endpoint(i, n))
		}
	}
	h.rng.Shuffle(len(eps), func(a, b int) { eps[a], eps[b] = eps[b], eps[a] })
	return eps, asked(eps)
}

func (h *history) endpoint(i int, n *named) Endpoint {
	rule := n.rule
	return Endpoint{
		App: "a", Name: fmt.Sprint(i), Rule: fmt.Sprint(rule), Order: n.order, Concurrency: 1 + h.rng.IntN(4),
		Match: func(ev *event.Event) bool {
			return rule.picks(int(ev.ID[0] - '0'))
		},
		Sender: n.voice, Release: n.voice.release,
		Start: Start{Beginning: i == 1}, Batch: n.batch,
		Retry:   Schedule{Fast: []time.Duration{20 * time.Millisecond}, SlowFrom: 50 * time.Millisecond, SlowTo: 100 * time.Millisecond},
		Breaker: Breaker{Least: 3, From: 20 * time.Millisecond, To: 200 * time.Millisecond},
	}
}

func (h *history) run(steps []int) string {
	h.j = newMemJournal()
	h.j.saving = 7 * time.Millisecond
	h.j.paging = time.Duration(h.rng.IntN(3)) * 15 * time.Millisecond
	h.j.parking = time.Duration(h.rng.IntN(3)) * 80 * time.Millisecond
	for i := range h.names {
		dice := rand.New(rand.NewPCG(h.rng.Uint64(), 2)) // guarded by its backend's lock
		b := &backend{took: time.Duration(1+h.rng.IntN(20)) * time.Millisecond}
		b.answer = func(ev *event.Event, _ int) gateway.Outcome {
			b.mu.Lock()
			defer b.mu.Unlock()
			if poisonous(ev.ID) {
				return failing(gateway.Refused, gateway.ReasonStatus4xx)
			}
			if dice.IntN(100) < int(h.failures.Load()) {
				return failing(gateway.Retry, gateway.ReasonStatus5xx)
			}
			return gateway.Outcome{Kind: gateway.Delivered}
		}
		h.names[i] = &named{b: b, order: OrderConversation, rule: mask(h.rng.IntN(1 << historyLanes)), open: map[stored][]mask{}, want: map[string]verdict{}}
		h.newVoice(h.names[i])
	}
	h.peaceful, h.small = h.rng.IntN(2) == 0, h.rng.IntN(2) == 0
	h.names[0].here, h.names[0].known = true, true
	if err := h.boot(); err != nil {
		return err.Error()
	}
	for _, step := range steps {
		switch {
		case step < 8:
			h.arrive()
			advance(time.Duration(h.rng.IntN(30)) * time.Millisecond)
		case step < 10:
			advance(time.Duration(h.rng.IntN(250)) * time.Millisecond)
		case step < 11 && h.peaceful:
			h.restart()
		case step < 11:
			h.crash()
		case step < 12:
			_ = h.d.Pause("a/0", Pause{Why: "a test"})
			_ = h.d.Pause("a/2", Pause{Why: "a test"})
			lane := event.NewLane(event.KindGroup, fmt.Sprint(h.rng.IntN(historyLanes)))
			_ = h.d.Pause("a/1", Pause{Lane: lane, Why: "a test", Until: time.Now().Add(2 * time.Second)})
		case step < 13:
			h.resume()
		default:
			h.change()
		}
		if words := unbalanced(h.d); words != "" {
			h.fail(words)
		}
		if p := h.problem.Load(); p != nil {
			break
		}
	}
	h.finish()
	if p := h.problem.Load(); p != nil {
		return *p
	}
	return h.verdict()
}

func (h *history) resume() {
	for i := range h.names {
		_ = h.d.Resume(fmt.Sprint("a/", i), Resume{})
	}
}

func (h *history) boot() error {
	eps, index := h.endpoints()
	d, err := New(Config{Endpoints: eps, Index: index, Journal: h.j})
	if err != nil {
		return err
	}
	h.d = d
	d.eager = h.rng.IntN(4) // most open events are read again by the endpoint's reader
	if h.small {
		d.limits = limits{loaded: 4 + h.rng.IntN(8), open: 20, rewind: 1 + h.rng.IntN(4), followers: h.rng.IntN(4)} // and endpoints are behind most of the time
		for _, r := range d.runners {
			r.limits = d.limits
		}
	}
	return d.Start(context.Background())
}

func (h *history) arrive() {
	evs := make([]*event.Event, 1+h.rng.IntN(12))
	for i := range evs {
		lane := h.rng.IntN(historyLanes)
		evs[i] = ev(fmt.Sprint(lane), h.next[lane])
		h.next[lane]++
		s := stored{evs[i].ID, lane}
		h.all = append(h.all, s)
		for _, n := range h.names {
			switch {
			case n.here:
				n.open[s] = []mask{n.rule}
			case n.known:
				n.open[s] = nil
			}
		}
	}
	h.j.add(evs...)
}

// die stops everything without anything being saved any more.
func (h *history) die() {
	h.crashed = true
	advance(time.Duration(h.rng.IntN(120)) * time.Millisecond)
	dead, cancel := context.WithCancel(context.Background())
	cancel()
	_ = h.d.Stop(dead)
	h.j.mu.Lock()
	h.j.frozen = false
	h.j.mu.Unlock()
	for _, n := range h.names {
		h.newVoice(n) // Stop released those before
	}
}

func (h *history) freeze() {
	h.j.mu.Lock()
	h.j.frozen = true
	h.j.mu.Unlock()
}

func (h *history) crash() {
	h.freeze()
	h.die()
	if err := h.boot(); err != nil {
		h.fail(err.Error())
	}
}

// restart stops and starts in peace: nothing may be lost or come twice by it.
func (h *history) restart() {
	h.j.mu.Lock()
	h.j.failPark = h.rng.IntN(3)
	h.j.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(h.rng.IntN(30))*time.Millisecond)
	defer cancel()
	if err := h.d.Stop(ctx); err != nil {
		h.fail(err.Error())
	}
	for _, n := range h.names {
		h.newVoice(n)
	}
	if err := h.boot(); err != nil {
		h.fail(err.Error())
	}
}

// hasReadAll reports whether an endpoint has looked at everything that is stored.
func (h *history) hasReadAll(i int) bool {
	tail, runners, _ := h.d.serving()
	_, last, _, _ := h.j.Bounds(context.Background())
	for _, r := range runners {
		if r.id == fmt.Sprint("a/", i) {
			r.mu.Lock()
			defer r.mu.Unlock()
			// What was left behind counts as not read, and so does what may be while the
			// endpoints are changed.
			for _, l := range r.lanes {
				if len(l.queue) > r.following() {
					return false
				}
			}
			return r.effective(tail) >= gateway.NewPos(last+1, 0)-1 && len(r.left.lanes) == 0
		}
	}
	return false
}

// change draws other endpoints and sets them: in peace, with a journal that fails,
// with a caller who gives up, or with a crash in the middle.
func (h *history) change() {
	var before [historyNames]named
	for i, n := range h.names {
		before[i] = *n
	}
	way := h.rng.IntN(10)
	if way == 9 && h.peaceful {
		way = 0
	}
	for _, n := range h.names {
		switch h.rng.IntN(7) {
		case 0:
			if n.known || way < 7 {
				n.here = !n.here
			}
		case 1:
			n.rule = mask(h.rng.IntN(1 << historyLanes))
		case 2:
			n.order = []Order{OrderConversation, OrderStrict}[h.rng.IntN(2)]
		case 3:
			h.newVoice(n)
		case 4:
			n.batch = Batch{Count: 1 + h.rng.IntN(5), Linger: time.Duration(h.rng.IntN(3)) * 20 * time.Millisecond}
		}
	}
	for i, n := range h.names {
		if n.here && !before[i].here {
			h.newVoice(n) // the one before was released when it was removed
		}
	}
	synctest.Wait()
	var exact [historyNames]bool
	for i := range h.names {
		exact[i] = h.hasReadAll(i)
	}
	back := func() {
		for i, n := range h.names {
			n.here, n.rule, n.order, n.voice = before[i].here, before[i].rule, before[i].order, before[i].voice
		}
	}
	eps, index := h.endpoints()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	switch way {
	case 7:
		h.j.mu.Lock()
		h.j.failSave = 1
		h.j.mu.Unlock()
	case 8:
		time.AfterFunc(time.Duration(h.rng.IntN(20))*time.Millisecond, cancel)
	case 9:
		done := make(chan struct{})
		go func() { defer close(done); _ = h.d.Set(ctx, eps, index) }()
		advance(time.Duration(h.rng.IntN(60)) * time.Millisecond)
		h.freeze()
		h.die()
		<-done
		for _, n := range h.names {
			if n.known {
				n.sawRule(n.rule) // it may have been in force for a moment
			}
		}
		if h.rng.IntN(2) == 0 {
			for i, n := range h.names {
				n.here, n.rule, n.order = before[i].here, before[i].rule, before[i].order
				n.sawRule(n.rule)
			}
		}
		if err := h.boot(); err != nil {
			h.fail(err.Error())
		}
		return
	}
	err := h.d.Set(ctx, eps, index)
	h.j.mu.Lock()
	h.j.failSave = 0
	h.j.mu.Unlock()
	if err != nil {
		if way < 7 {
			h.fail(err.Error())
		}
		back()
		return
	}
	for i, n := range h.names {
		was := before[i]
		switch {
		case n.here && !n.known:
			n.known = true
			if i == 1 { // from the beginning
				for _, s := range h.all {
					n.open[s] = []mask{n.rule}
				}
			}
		case was.here && exact[i] && (n.here && was.rule != n.rule || !n.here && way != 7):
			// What it had read was picked by the old rule, and a record says so.
			n.judge()
		case n.here:
			n.sawRule(n.rule)
		}
	}
}

// finish brings everybody back and lets everything arrive.
func (h *history) finish() {
	h.failures.Store(0)
	for _, n := range h.names {
		if n.known && !n.here {
			n.here = true
			n.sawRule(n.rule)
			h.newVoice(n)
		}
	}
	eps, index := h.endpoints()
	if err := h.d.Set(context.Background(), eps, index); err != nil {
		h.fail(err.Error())
	}
	h.resume()
	advance(time.Minute)
	synctest.Wait()
	if err := h.d.Stop(context.Background()); err != nil {
		h.fail(err.Error())
	}
	for _, n := range h.names {
		n.judge()
	}
}

// verdict compares what arrived with what should have.
func (h *history) verdict() string {
	for i, n := range h.names {
		seen := map[string]int{}
		for _, letter := range h.j.parked {
			if letter.Endpoint != fmt.Sprint("a/", i) {
				continue
			}
			if seen[letter.Event.ID]++; seen[letter.Event.ID] > 1 && !h.crashed {
				return fmt.Sprintf("endpoint %d: %s was parked twice", i, letter.Event.ID)
			}
			if !poisonous(letter.Event.ID) {
				return fmt.Sprintf("endpoint %d: %s was parked, it was never refused alone", i, letter.Event.ID)
			}
		}
		first := map[byte][]int{}
		for _, id := range n.b.got {
			if seen[id]++; seen[id] > 1 {
				if !h.crashed {
					return fmt.Sprintf("endpoint %d: %s came twice", i, id)
				}
				continue
			}
			var lane, k int
			if _, err := fmt.Sscanf(id, "%d/%d", &lane, &k); err != nil {
				return err.Error()
			}
			first[id[0]] = append(first[id[0]], k)
		}
		for lane, ks := range first {
			if !slices.IsSorted(ks) {
				return fmt.Sprintf("endpoint %d: lane %c was first seen as %v", i, lane, ks)
			}
		}
		for _, id := range slices.Sorted(maps.Keys(n.want)) {
			if v := n.want[id]; v == must && seen[id] == 0 {
				return fmt.Sprintf("endpoint %d: %s did not arrive", i, id)
			} else if v == mustNot && seen[id] > 0 {
				return fmt.Sprintf("endpoint %d: %s arrived, no rule picks it", i, id)
			}
		}
		for id := range seen {
			if _, ok := n.want[id]; !ok {
				return fmt.Sprintf("endpoint %d: %s arrived, it is from before its start", i, id)
			}
		}
	}
	return ""
}
