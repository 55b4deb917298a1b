package deliver

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// TestTurns_EachClassHasItsShare lets endless lines of two or three classes share a
// number of places, where an attempt takes a class's own time.
func TestTurns_EachClassHasItsShare(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		places int
		took   [classes]int // in ticks; zero is a class that wants nothing
	}{
		"all want":                {32, [classes]int{1, 1, 1}},
		"retries time out":        {32, [classes]int{1, 1, 500}},
		"two want":                {32, [classes]int{fresh: 1, old: 1}},
		"slow backlog":            {8, [classes]int{fresh: 1, old: 50}},
		"four places":             {4, [classes]int{1, 3, 40}},
		"two places":              {2, [classes]int{fresh: 3, retried: 200}},
		"one place, fresh, old":   {1, [classes]int{fresh: 1, old: 1}},
		"one place, all":          {1, [classes]int{1, 1, 1}},
		"one place, old, retries": {1, [classes]int{old: 1, retried: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var q turns
			var want, busy, began [classes]int
			var ends [classes]map[int]int // tick -> attempts that end
			for c := range classes {
				ends[c] = map[int]int{}
				if tt.took[c] == 0 {
					continue
				}
				want[c] = 1
				for range 3 {
					q.lines[c].push(&lane{})
				}
			}
			const ticks = 20_000
			for now := range ticks {
				for c := range classes {
					for range ends[c][now] {
						q.end(c)
					}
				}
				for sum(q.running) < tt.places {
					c, ok := q.next(tt.places)
					if !ok {
						break
					}
					q.lines[c].push(q.pop(c))
					q.begin(c)
					began[c]++
					ends[c][now+tt.took[c]]++
				}
				for c := range classes {
					busy[c] += q.running[c]
				}
			}
			for c := range classes {
				if want[c] == 0 {
					continue
				}
				if share := float64(busy[c]) / float64(ticks*tt.places); share < 0.24 {
					t.Errorf("class %d had %.2f of the places and %d attempts, want at least a quarter", c, share, began[c])
				}
			}
		})
	}
}

func sum(n [classes]int) int { return n[fresh] + n[old] + n[retried] }

func TestTurns_WhoIsAloneHasEverything(t *testing.T) {
	t.Parallel()
	for _, c := range []class{fresh, old} {
		var q turns
		q.lines[c].push(&lane{})
		for n := range 32 {
			if _, ok := q.next(32); !ok {
				t.Fatalf("class %d has %d of 32 places although nobody else wants one", c, n)
			}
			q.begin(c)
		}
	}
}

// TestDeliver_FailingLanesLeavePlacesForFirstAttempts: when many conversations fail, and
// slowly, what others say is still tried at once.
func TestDeliver_FailingLanesLeavePlacesForFirstAttempts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j := newMemJournal()
		s := &slowFailing{}
		e := endpoint(s)
		e.Concurrency, e.Breaker.Off = 8, true
		e.Retry = Schedule{Fast: []time.Duration{}, SlowFrom: time.Second, SlowTo: time.Second}
		d := start(t, j, nil, e)
		defer stop(t, d)
		for n := range 500 {
			j.add(ev(fmt.Sprint("bad", n), 0))
		}
		advance(10 * time.Minute) // all of them have failed, most stand in line
		begin := time.Now()
		for n := range 20 {
			j.add(ev(fmt.Sprint("good", n), 0))
			advance(100 * time.Millisecond)
		}
		synctest.Wait()
		if n, took := s.good.Load(), time.Since(begin); n != 20 {
			t.Errorf("%d of 20 first attempts were made within %v", n, took)
		}
	})
}

// slowFailing takes five seconds to fail for bad lanes, and delivers others.
type slowFailing struct{ good atomic.Int64 }

func (s *slowFailing) Send(ctx context.Context, ev *event.Event, _ int) gateway.Outcome {
	if ev.ID[0] == 'b' {
		pause(ctx, 5*time.Second)
		return failing(gateway.Retry, gateway.ReasonTimeout)
	}
	s.good.Add(1)
	return gateway.Outcome{Kind: gateway.Delivered}
}
