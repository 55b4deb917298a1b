package deliver

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// These tests run in real time, with as many goroutines at once as there are
// processors: what they look for is not what synctest's orderly time shows.

// patience is how long something that must happen may take.
const patience = 30 * time.Second

// eventually waits for ok.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("after %v still not: %s", patience, what)
		}
	}
}

// flood adds pages until stop is called, which returns how many. It runs up to a
// thousand pages ahead of what b has.
func flood(j *memJournal, b *backend) (stop func() int) {
	quit, done := make(chan struct{}), make(chan int)
	go func() {
		for n := 0; ; n++ {
			select {
			case <-quit:
				done <- n
				return
			default:
			}
			b.mu.Lock()
			ahead := 2*n - len(b.got)
			b.mu.Unlock()
			if ahead > 2000 {
				n--
				runtime.Gosched()
				continue
			}
			j.add(ev("x", n), ev("y", n))
		}
	}()
	return func() int { close(quit); return <-done }
}

// gapless checks that ids are those of each lane from its first on, in order and
// each once, up to n.
func gapless(t *testing.T, what string, b *backend, n int) {
	t.Helper()
	for _, lane := range []string{"x", "y"} {
		got := b.lane[event.NewLane(event.KindGroup, lane)]
		if len(got) == 0 {
			t.Errorf("%s: lane %s got nothing", what, lane)
			continue
		}
		first := 0
		if _, err := fmt.Sscanf(got[0], lane+"/%d", &first); err != nil {
			t.Fatal(err)
		}
		for i, id := range got {
			if want := fmt.Sprintf("%s/%d", lane, first+i); id != want {
				t.Fatalf("%s: place %d of lane %s is %s, want %s", what, i, lane, id, want)
			}
		}
		if first+len(got) != n {
			t.Errorf("%s: lane %s ends at %d, want %d", what, lane, first+len(got), n)
		}
	}
}

func TestSet_WhileTheTailRunsAtFullSpeed(t *testing.T) {
	t.Parallel()
	j := newMemJournal()
	still := &backend{}
	eps := []Endpoint{called(endpoint(still), "still")}
	eps[0].Rule = "all"
	d := run(t, j, eps...)
	end := flood(j, still)
	var added []*backend
	for i := range 9 {
		eventually(t, "the flood comes in", func() bool { return len(still.ids()) > 100*i })
		b := &backend{}
		e := called(endpoint(b), fmt.Sprint("added", i))
		e.Start.Beginning = i%2 == 0
		added = append(added, b)
		// The places of those that were there change.
		eps = slices.Insert(slices.Clone(eps), 0, e)
		if err := d.Set(t.Context(), eps, asked(eps)); err != nil {
			t.Fatal(err)
		}
		if i%3 == 2 { // and one comes and goes all the time
			without := slices.Delete(slices.Clone(eps), 1, 2)
			set(t, d, without...)
			set(t, d, eps...)
		}
	}
	eventually(t, "those who came last have something", func() bool {
		return !slices.ContainsFunc(added, func(b *backend) bool { return len(b.ofLane("x")) == 0 || len(b.ofLane("y")) == 0 })
	})
	n := end()
	t.Logf("%d pages", n)
	hasLast := func(b *backend) bool {
		x, y := b.ofLane("x"), b.ofLane("y")
		return x[len(x)-1] == fmt.Sprint("x/", n-1) && y[len(y)-1] == fmt.Sprint("y/", n-1)
	}
	eventually(t, "everybody has everything", func() bool {
		return hasLast(still) && !slices.ContainsFunc(added, func(b *backend) bool { return !hasLast(b) })
	})
	stop(t, d)
	gapless(t, "who was always there", still, n)
	if got := still.lane["group:x"][0]; got != "x/0" {
		t.Errorf("who was always there began with %s", got)
	}
	for i, b := range added {
		gapless(t, eps[len(eps)-2-i].Name, b, n)
		if got := b.lane["group:x"][0]; i%2 == 0 && got != "x/0" {
			t.Errorf("%s began with %s, want the beginning", eps[len(eps)-2-i].Name, got)
		}
	}
}

func TestSet_TakesAwayTheEndpointThatIsDeliveredTo(t *testing.T) {
	t.Parallel()
	j := newMemJournal()
	b := &backend{}
	var mu sync.Mutex
	using, released, misused := map[int]int{}, map[int]int{}, 0
	e := endpoint(b)
	e.Concurrency = 4
	generation := 0
	next := func() Endpoint {
		generation++
		g, n := generation, e
		n.Sender = senderFunc(func(ctx context.Context, ev *event.Event, sent int) gateway.Outcome {
			mu.Lock()
			using[g]++
			if released[g] > 0 {
				misused++
			}
			mu.Unlock()
			out := b.Send(ctx, ev, sent)
			mu.Lock()
			using[g]--
			mu.Unlock()
			return out
		})
		n.Release = func() {
			mu.Lock()
			defer mu.Unlock()
			released[g]++
			if using[g] > 0 {
				misused++
			}
		}
		return n
	}
	d := run(t, j, next())
	end := flood(j, b)
	for i := range 200 {
		eventually(t, "the flood comes in", func() bool { return i%4 == 1 || len(b.ids()) > 10*i })
		switch i % 4 {
		case 0:
			set(t, d)
		case 3:
			n := next()
			n.Order = OrderStrict
			set(t, d, n)
		default:
			set(t, d, next())
		}
	}
	n := end()
	set(t, d, next())
	eventually(t, "it has everything", func() bool { return len(b.ids()) >= 2*n })
	stop(t, d)
	gapless(t, "the endpoint", b, n)
	mu.Lock()
	defer mu.Unlock()
	if misused > 0 {
		t.Errorf("senders were used after their release, or released in use, %d times", misused)
	}
	for g := 1; g <= generation; g++ {
		if released[g] != 1 {
			t.Errorf("sender %d of %d was released %d times", g, generation, released[g])
		}
	}
}

// senderFunc is a Sender that is one function.
type senderFunc func(ctx context.Context, ev *event.Event, sent int) gateway.Outcome

func (f senderFunc) Send(ctx context.Context, ev *event.Event, sent int) gateway.Outcome {
	return f(ctx, ev, sent)
}

// midPage gives everything to the first endpoint, and stops once in the middle of
// a page until it is told to go on.
type midPage struct {
	once        *sync.Once
	reached, on chan struct{}
}

func (m midPage) Match(ev *event.Event) []int {
	if ev.ID == "x/1" {
		m.once.Do(func() {
			close(m.reached)
			<-m.on
		})
	}
	return []int{0}
}

func TestSet_PageIsHandedOutToOneSetOfEndpoints(t *testing.T) {
	t.Parallel()
	j, before, after := newMemJournal(), &backend{}, &backend{}
	m := midPage{once: new(sync.Once), reached: make(chan struct{}), on: make(chan struct{})}
	old := called(endpoint(before), "old")
	d, err := New(Config{Endpoints: []Endpoint{old}, Index: m, Journal: j})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	j.add(ev("x", 0), ev("x", 1), ev("x", 2))
	<-m.reached
	done := make(chan error)
	// The place that the old index names is now another endpoint's.
	go func() { done <- d.Set(context.Background(), []Endpoint{called(endpoint(after), "new"), old}, all(1)) }()
	select {
	case err := <-done:
		t.Fatalf("Set returned in the middle of a page: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	close(m.on)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	j.add(ev("x", 3))
	eventually(t, "all have arrived", func() bool { return len(before.ids()) >= 3 && len(after.ids()) > 0 })
	stop(t, d)
	wantIDs(t, "by the old set", before, "x/0", "x/1", "x/2")
	wantIDs(t, "by the new set", after, "x/3")
}

// It is not parallel: it counts goroutines.
//
//nolint:paralleltest // see above
func TestSet_AThousandTimesLeavesNothingBehind(t *testing.T) {
	j, reg := newMemJournal(), prometheus.NewRegistry()
	bad := &backend{answer: func(*event.Event, int) gateway.Outcome { return failing(gateway.Retry, gateway.ReasonConnect) }}
	good := &backend{}
	now := time.Now()
	var mu sync.Mutex
	released := 0
	make1 := func(name string, b *backend, order Order) Endpoint {
		e := called(endpoint(b), name)
		e.Order = order
		e.Sender = &struct{ *backend }{b}
		e.Release = func() {
			mu.Lock()
			released++
			mu.Unlock()
		}
		return e
	}
	first := []Endpoint{make1("good", good, OrderConversation), make1("bad", bad, OrderConversation)}
	d, err := New(Config{
		Endpoints: first, Index: asked(first), Journal: j, Metrics: reg, RemovedAge: time.Minute,
		Now: func() time.Time {
			mu.Lock()
			defer mu.Unlock()
			return now
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	series := func() int {
		n, err := testutil.GatherAndCount(reg)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	var goroutines, exported int
	made := 2
	times := 1000
	if testing.Short() {
		times = 100
	}
	for i := range times {
		order := []Order{OrderConversation, OrderStrict}[i%2]
		eps := []Endpoint{
			make1("good", good, order), make1("bad", bad, order),
			make1(fmt.Sprint("passing", i), good, order), make1(fmt.Sprint("failing", i), bad, order),
		}
		made += len(eps)
		set(t, d, eps...)
		j.add(ev("x", i))
		if i == 10 {
			eventually(t, "it is quiet", func() bool { return len(good.ids()) > 0 })
			goroutines, exported = runtime.NumGoroutine(), series()
		}
	}
	eps := []Endpoint{make1("good", good, OrderConversation), make1("bad", bad, OrderConversation)}
	made += len(eps)
	set(t, d, eps...)
	eventually(t, "the last attempts of the removed endpoints have ended", func() bool {
		return !slices.ContainsFunc(d.Status(t.Context()), func(s Status) bool { return s.State == StateRemoved && s.InFlight > 0 })
	})
	eventually(t, "as few series are exported as after ten changes", func() bool { return series() <= exported })
	if got := len(d.Status(t.Context())); got != 2+2*times {
		t.Errorf("%d endpoints are known, want 2 and the %d that passed by", got, 2*times)
	}
	mu.Lock()
	now = now.Add(2 * time.Minute)
	mu.Unlock()
	eventually(t, "the removed endpoints are forgotten", func() bool { return len(d.Status(t.Context())) == 2 })
	d.mu.Lock()
	gone := len(d.gone)
	d.mu.Unlock()
	j.mu.Lock()
	saved := len(j.saved)
	j.mu.Unlock()
	if gone != 0 || saved != 3 {
		t.Errorf("%d removed endpoints and %d records are left, want none and 3", gone, saved)
	}
	eventually(t, "goroutines are as many as after ten changes", func() bool { return runtime.NumGoroutine() <= goroutines+4 })
	r := d.runners[0]
	eventually(t, "the lanes are empty", func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return len(r.lanes) == 0 && r.open == 0 && r.loaded == 0
	})
	mu.Lock()
	if released != made-2 {
		t.Errorf("%d of %d senders are released, want all but the two in use", released, made)
	}
	mu.Unlock()
	stop(t, d)
}
