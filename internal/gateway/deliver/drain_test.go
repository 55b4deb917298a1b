package deliver

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// drainer is an endpoint that takes 10 ms for an event, and says 503 while it is down.
// It notes how long live events took.
type drainer struct {
	down  atomic.Bool
	mu    sync.Mutex
	sent  map[string]time.Time // live events on their way
	times []time.Duration
	old   int
	first time.Time // when the first event arrived since it was down
}

func (b *drainer) Send(ctx context.Context, ev *event.Event, _ int) gateway.Outcome {
	pause(ctx, 10*time.Millisecond)
	switch {
	case ctx.Err() != nil:
		return gateway.Outcome{Kind: gateway.Retry, Reason: gateway.ReasonCancelled}
	case b.down.Load():
		return failing(gateway.Retry, gateway.ReasonStatus5xx)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.first.IsZero() {
		b.first = time.Now()
	}
	if strings.HasPrefix(ev.ID, "live") {
		b.times = append(b.times, time.Since(b.sent[ev.ID]))
		delete(b.sent, ev.ID)
	} else {
		b.old++
	}
	return gateway.Outcome{Kind: gateway.Delivered}
}

// come adds a live event each 5 ms until done, each in a conversation of its own turn,
// and returns the 99th percentile of how long they took.
func (b *drainer) come(j *memJournal, next *int, done func() bool) time.Duration {
	b.mu.Lock()
	b.times, b.sent = nil, map[string]time.Time{}
	b.mu.Unlock()
	for !done() {
		e := ev(fmt.Sprint("live", *next%200), *next/200)
		*next++
		b.mu.Lock()
		b.sent[e.ID] = time.Now()
		b.mu.Unlock()
		j.add(e)
		advance(5 * time.Millisecond)
	}
	advance(10 * time.Second)
	synctest.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	slices.Sort(b.times)
	if len(b.sent) > 0 || len(b.times) == 0 {
		return time.Hour
	}
	return b.times[len(b.times)*99/100]
}

// TestAhead_DrainsAtFullSpeedWhileLiveEventsPass takes an endpoint down, lets a backlog
// come, and brings it back. The time is the bubble's: what is measured is who waits for
// whom, and not the machine.
func TestAhead_DrainsAtFullSpeedWhileLiveEventsPass(t *testing.T) {
	t.Parallel()
	backlog := 40_000
	if testing.Short() {
		backlog = 10_000
	}
	for name, tt := range map[string]struct {
		restart bool // while it is down
		order   Order
	}{
		"an outage":            {},
		"no order":             {order: OrderNone},
		"restart in an outage": {restart: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				j, b := newMemJournal(), &drainer{}
				e := endpoint(b)
				e.Order = tt.order
				e.Retry = Schedule{Fast: []time.Duration{time.Second}, SlowFrom: time.Second, SlowTo: 2 * time.Second}
				d := start(t, j, nil, e)
				live := 0
				begin := time.Now()
				normal := b.come(j, &live, func() bool { return time.Since(begin) > 10*time.Second })

				b.down.Store(true)
				for n := 0; n < backlog; n += 50 {
					evs := make([]*event.Event, 50)
					for i := range evs {
						evs[i] = ev(fmt.Sprint("b", (n+i)%1000), (n+i)/1000)
					}
					j.add(evs...)
					advance(time.Millisecond)
				}
				advance(time.Minute)
				if tt.restart {
					stop(t, d)
					d = start(t, j, nil, e)
					advance(time.Second)
				}
				defer stop(t, d)
				b.mu.Lock()
				had := b.old
				b.first = time.Time{}
				b.mu.Unlock()
				b.down.Store(false)
				for { // until the breaker has found out
					advance(10 * time.Millisecond)
					b.mu.Lock()
					back := !b.first.IsZero()
					b.mu.Unlock()
					if back {
						break
					}
				}
				var took time.Duration
				during := b.come(j, &live, func() bool {
					b.mu.Lock()
					defer b.mu.Unlock()
					took = time.Since(b.first)
					return b.old-had >= backlog || took > time.Hour
				})
				full := float64(e.WithDefaults().Concurrency) / 0.010
				rate := float64(b.old-had) / took.Seconds()
				t.Logf("%d events in %v: %.2f of full speed; live events' p99 %v, before %v", b.old-had, took, rate/full, during, normal)
				if rate < 0.8*full || b.old-had != backlog {
					t.Errorf("%d of %d in %v: %.0f/s, full speed is %.0f/s", b.old-had, backlog, took, rate, full)
				}
				if during > 2*normal {
					t.Errorf("live events' p99 is %v in the drain and %v before it", during, normal)
				}
			})
		})
	}
}

// made is a journal of pages that are made when they are read.
type made struct {
	*memJournal
	lane  func(n int) string // of the n-th event
	last  atomic.Uint64
	grown chan struct{}
}

const madePerPage = 100

func (j *made) Page(_ context.Context, seq uint64) (*gateway.Page, error) {
	if seq > j.last.Load() {
		return nil, gateway.ErrNoPage
	}
	p := &gateway.Page{Seq: seq, Bytes: madePerPage << 10, Events: make([]*event.Event, madePerPage)}
	for i := range p.Events {
		n := int(seq-1)*madePerPage + i
		p.Events[i] = ev(j.lane(n), n)
		p.Events[i].Raw.Body = make([]byte, 1<<10)
	}
	return p, nil
}

func (j *made) Tail(ctx context.Context, from uint64, fn func(*gateway.Page)) error {
	for {
		p, err := j.Page(ctx, from)
		if err == nil {
			fn(p)
			from++
			continue
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-j.grown:
		}
	}
}

func (j *made) Bounds(context.Context) (first, last, bytes uint64, err error) {
	return 1, j.last.Load(), 0, nil
}

func (j *made) BytesFrom(seq uint64) uint64 {
	return (j.last.Load() + 1 - min(seq, j.last.Load()+1)) * madePerPage << 10
}

// refuser is an endpoint that takes everything but what it refuses. It keeps only
// counts, and the last of each lane's events for the order.
type refuser struct {
	refuses func(*event.Event) bool
	why     gateway.Reason

	mu    sync.Mutex
	taken int
	last  map[event.Lane]int
	wrong string
}

func (b *refuser) Send(_ context.Context, ev *event.Event, _ int) gateway.Outcome {
	if b.refuses(ev) {
		return failing(gateway.Retry, b.why)
	}
	_, text, _ := strings.Cut(ev.ID, "/")
	n, err := strconv.Atoi(text)
	b.mu.Lock()
	defer b.mu.Unlock()
	if before, ok := b.last[ev.Lane]; err != nil || ok && n <= before {
		b.wrong = fmt.Sprintf("%s came after number %d (%v)", ev.ID, before, err)
	}
	b.last[ev.Lane] = n
	b.taken++
	return gateway.Outcome{Kind: gateway.Delivered, Sent: 1}
}

// TestDeliver_BacklogCostsBoundedMemory: what waits for an endpoint costs no more than
// 64 MiB, whether the endpoint is dead or some conversations are blocked; what does not
// wait for them is delivered, in order; and so it is after a restart.
func TestDeliver_BacklogCostsBoundedMemory(t *testing.T) {
	// Not in parallel: it looks at the whole heap.
	if testing.Short() {
		t.Skip("is about memory, and slow under the race detector; runs without -short, as CI does")
	}
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	everybody := func(*event.Event) bool { return true }
	bad := func(ev *event.Event) bool { return strings.HasPrefix(ev.ID, "bad") }
	for _, tt := range []struct {
		name    string
		events  int
		why     gateway.Reason
		refuses func(*event.Event) bool
		lane    func(n int) string
		blocked int // conversations
		open    int // bound of open events; zero is the usual one
		waits   func(n int) bool
		// mistaken is how many of 1,000 events may wait beside those.
		mistaken int
	}{
		{
			name: "refuses connections", events: 200_000, why: gateway.ReasonConnect, refuses: everybody,
			lane: func(n int) string { return fmt.Sprint("b", n%1000) }, waits: func(int) bool { return true },
		},
		{
			name: "answers 503", events: 200_000, why: gateway.ReasonStatus5xx, refuses: everybody,
			lane: func(n int) string { return fmt.Sprint("b", n%1000) }, waits: func(int) bool { return true },
		},
		{
			name: "a million conversations", events: 1_000_000, why: gateway.ReasonConnect, refuses: everybody,
			lane: func(n int) string { return fmt.Sprint("b", n) }, waits: func(int) bool { return true },
		},
		{
			name: "one busy conversation is blocked", events: 100_000, open: 4000, why: gateway.ReasonStatus5xx, refuses: bad, blocked: 1,
			lane: func(n int) string {
				if n%5 == 0 {
					return "bad"
				}
				return fmt.Sprint("b", n%1000)
			}, waits: func(n int) bool { return n%5 == 0 },
		},
		{
			name: "a thousand conversations are blocked", events: 100_000, open: 4000, why: gateway.ReasonStatus5xx, refuses: bad, blocked: 1000,
			lane: func(n int) string {
				if n%5 == 0 {
					return fmt.Sprint("bad", n/5%1000)
				}
				return fmt.Sprint("b", n%5000)
			}, waits: func(n int) bool { return n%5 == 0 }, mistaken: 5,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			events := tt.events
			synctest.Test(t, func(t *testing.T) {
				b := &refuser{refuses: tt.refuses, why: tt.why, last: map[event.Lane]int{}}
				j := &made{memJournal: newMemJournal(), lane: tt.lane, grown: make(chan struct{})}
				e := endpoint(b)
				if tt.blocked > 0 {
					e.OnPoison, e.Retry.MaxAttempts = PoisonBlock, 1
				}
				none, most := heap(), uint64(0)
				var s Status
				for range 2 {
					d, err := New(Config{Endpoints: []Endpoint{e}, Index: all(1), Journal: j})
					if err != nil {
						t.Fatal(err)
					}
					if tt.open > 0 {
						d.runners[0].limits.open = tt.open
					}
					if err := d.Start(t.Context()); err != nil {
						t.Fatal(err)
					}
					for range 5 {
						for range events / madePerPage / 10 {
							j.last.Add(1)
							j.grown <- struct{}{}
							advance(time.Millisecond)
						}
						pass(time.Minute)
						most = max(most, heap()-min(none, heap()))
					}
					s = d.Status(t.Context())[0]
					stop(t, d)
				}
				waiting := 0
				for n := range events {
					if tt.waits(n) {
						waiting++
					}
				}
				saved := 0
				for _, v := range j.records() {
					saved += len(v)
				}
				t.Logf("%.1f MiB, %d open, %d behind, %d ahead; saved %d KiB", float64(most)/(1<<20), s.Open, s.Behind, s.Ahead, saved>>10)
				if most > 64<<20 {
					t.Errorf("the backlog costs %d MiB, want up to 64", most>>20)
				}
				// Among thousands of conversations that wait a few others are taken for one.
				mistaken := events - waiting - b.taken
				if mistaken < 0 || mistaken > events*tt.mistaken/1000 || s.Open+s.Behind != waiting+mistaken {
					t.Errorf("%d arrived, %d are open and %d behind; want %d to have arrived and %d to wait", b.taken, s.Open, s.Behind, events-waiting, waiting)
				}
				if tt.blocked > 0 && s.Blocked != tt.blocked {
					t.Errorf("%d conversations are blocked, want %d", s.Blocked, tt.blocked)
				}
				if b.wrong != "" {
					t.Error(b.wrong)
				}
			})
		})
	}
}
