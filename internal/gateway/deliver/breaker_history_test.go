package deliver

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// moody is a Sender of an endpoint that is down from time to time, and counts.
type moody struct {
	took time.Duration

	mu sync.Mutex
	// down is what it answers while it is down; zero delivers.
	down gateway.Outcome
	busy int
	got  []string
	// tries are the attempts since it went down, since those delivered since it came
	// back; first is when the first of these arrived.
	tries, since int
	first        time.Time
	rush         string
}

func (m *moody) Send(ctx context.Context, ev *event.Event, _ int) gateway.Outcome {
	m.mu.Lock()
	m.busy++
	m.tries++
	back := m.down.Kind == ""
	if back && m.busy > 1+m.since {
		m.rush = fmt.Sprintf("%d attempts at once after %d deliveries", m.busy, m.since)
	}
	m.mu.Unlock()
	pause(ctx, m.took)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.busy--
	switch {
	case ctx.Err() != nil:
		return gateway.Outcome{Kind: gateway.Retry, Reason: gateway.ReasonCancelled}
	case m.down.Kind != "":
		return m.down
	case !back:
		return failing(gateway.Retry, gateway.ReasonReset) // it began while it was down
	}
	if m.since++; m.since == 1 {
		m.first = time.Now()
	}
	m.got = append(m.got, ev.ID)
	return gateway.Outcome{Kind: gateway.Delivered, Sent: 1}
}

// turn makes it fail so, or come back with the zero outcome.
func (m *moody) turn(out gateway.Outcome) (tries int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	tries = m.tries
	m.down, m.tries, m.since, m.first = out, 0, 0, time.Time{}
	return tries
}

// TestBreaker_OutagesOfEveryLength takes an endpoint down again and again while events
// come. In an outage it is asked a few times in each of the breaker's pauses; when it is
// back it gets its first event within the longest of them, then never more at once than
// it took before and one; and in the end everything has arrived once and in order. The
// seeds are fixed: a failure is run again by its name.
func TestBreaker_OutagesOfEveryLength(t *testing.T) {
	t.Parallel()
	seeds := uint64(25)
	if testing.Short() {
		seeds = 6
	}
	for seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { breakerHistory(t, rand.New(rand.NewPCG(seed, 1))) })
		})
	}
}

func breakerHistory(t *testing.T, rng *rand.Rand) {
	t.Helper()
	m := &moody{took: time.Duration(1+rng.IntN(40)) * time.Millisecond, since: 1 << 30} // it begins well
	e := endpoint(m)
	e.Concurrency = []int{1, 4, 32}[rng.IntN(3)]
	e.Breaker = Breaker{Least: 1 + rng.IntN(10), From: time.Second, To: time.Duration(1+rng.IntN(60)) * time.Second}
	j := newMemJournal()
	d := start(t, j, nil, e)
	defer stop(t, d)
	d.runners[0].mu.Lock()
	d.runners[0].limits = limits{loaded: 64, open: 10_000, rewind: 10} // it falls behind in most outages
	d.runners[0].mu.Unlock()
	next, total := make([]int, 60), 0
	come := func(n int) {
		for range n {
			lane := rng.IntN(len(next))
			j.add(ev(fmt.Sprint(lane), next[lane]))
			next[lane]++
			total++
			if rng.IntN(10) == 0 {
				advance(time.Duration(rng.IntN(50)) * time.Millisecond)
			}
		}
	}
	come(100)
	pass(time.Minute)
	for range 4 {
		m.turn(failing(gateway.Retry, []gateway.Reason{gateway.ReasonConnect, gateway.ReasonStatus5xx, gateway.ReasonTimeout}[rng.IntN(3)]))
		come(20 + rng.IntN(300))
		lasts := time.Duration(1+rng.IntN(3600)) * time.Second
		pass(lasts)
		if s := statusOf(t, d, "e"); s.Breaker == StateClosed {
			t.Fatalf("the breaker is closed: %+v", s)
		}
		came := time.Now()
		tries := m.turn(gateway.Outcome{})
		// Pauses are drawn between nothing and their nominal length: in the mean half
		// of it, and two attempts in each.
		if most := 100 + 20*int(lasts/e.Breaker.To); tries > most {
			t.Errorf("an outage of %v met %d attempts, at most %d make sense", lasts, tries, most)
		}
		come(rng.IntN(100))
		pass(10 * time.Minute)
		m.mu.Lock()
		if took := m.first.Sub(came); m.first.IsZero() || took > e.Breaker.To+3*m.took {
			t.Errorf("it got its first event after %v (%v), the longest pause is %v", took, m.first, e.Breaker.To)
		}
		if m.rush != "" {
			t.Error(m.rush)
			m.rush = ""
		}
		m.since = 1 << 30
		m.mu.Unlock()
	}
	if len(m.got) != total {
		t.Errorf("%d of %d arrived: %+v", len(m.got), total, statusOf(t, d, "e"))
	}
	seen := map[string]bool{}
	for _, id := range m.got {
		if seen[id] {
			t.Errorf("%s arrived twice", id)
		}
		seen[id] = true
	}
	inOrder(t, m.got)
}
