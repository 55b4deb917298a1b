package deliver

import (
	"context"
	"fmt"
	"sort"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// stamping is a journal whose pages have the time of a clock that jumps, as the engine's
// do.
type stamping struct {
	*memJournal
	ahead *atomic.Int64
}

// SeqAt searches as the engine does, by halves, whatever the times are.
func (s stamping) SeqAt(_ context.Context, at time.Time) (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := sort.Search(len(s.pages), func(i int) bool { return !s.pages[i].Time.Before(at) })
	if n == len(s.pages) {
		return 0, gateway.ErrNoPage
	}
	return s.pages[n].Seq, nil
}

// keep stores one page now, by the clock that jumps.
func (s stamping) keep(evs ...*event.Event) {
	s.add(evs...)
	s.mu.Lock()
	s.pages[len(s.pages)-1].Time = jumped(s.ahead)()
	s.mu.Unlock()
}

// jumped is the clock that somebody sets. What the process measures itself goes by the
// other clock, of which every time.Now has a reading.
func jumped(ahead *atomic.Int64) func() time.Time {
	return func() time.Time { return time.Now().Round(0).Add(time.Duration(ahead.Load())) }
}

// A clock that went past backlog.age at once expired the whole backlog: an hour's outage
// and a wrong clock lost what was answered 200.
func TestClock_JumpsExpireNothingAndDelayNothing(t *testing.T) {
	t.Parallel()
	const year = 365 * 24 * time.Hour
	for _, tt := range []struct {
		name  string
		jumps []time.Duration // one each ten minutes
	}{
		{"forward past the age of the backlog", []time.Duration{100 * time.Hour}},
		{"forward by a year, and back", []time.Duration{year, -year}},
		{"back by a year", []time.Duration{-year}},
		{"back by a year, and forward", []time.Duration{-year, year}},
		{"to and fro", []time.Duration{year, -2 * year, year, 100 * time.Hour, -100 * time.Hour}},
	} {
		for _, breaker := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, breaker %v", tt.name, breaker), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					var ahead atomic.Int64
					j, b := stamping{newMemJournal(), &ahead}, &backend{}
					var down atomic.Bool
					down.Store(true)
					b.answer = func(*event.Event, int) gateway.Outcome {
						if down.Load() {
							return failing(gateway.Retry, gateway.ReasonConnect)
						}
						return gateway.Outcome{Kind: gateway.Delivered}
					}
					e := endpoint(b)
					e.MaxBacklogAge, e.Breaker.Off = 72*time.Hour, !breaker
					e.Retry = Schedule{Fast: []time.Duration{time.Second}, SlowFrom: time.Minute, SlowTo: 5 * time.Minute}
					wall := jumped(&ahead)
					d, err := New(Config{
						Endpoints: []Endpoint{e}, Index: all(1), Journal: j,
						Aged: gateway.NewAgeing(wall, nil, nil).Now,
					})
					if err != nil {
						t.Fatal(err)
					}
					if err := d.Start(t.Context()); err != nil {
						t.Fatal(err)
					}
					defer stop(t, d)
					var want []string
					n := 0
					keep := func() {
						want = append(want, fmt.Sprintf("x/%d", n))
						j.keep(ev("x", n))
						n++
					}
					for range 20 {
						keep()
					}
					for _, by := range tt.jumps {
						advance(10 * time.Minute)
						ahead.Add(int64(by))
						keep()
					}
					advance(10 * time.Minute)
					keep()
					if len(j.parked) > 0 {
						t.Errorf("%d events are dead letters because of the clock", len(j.parked))
					}
					before := len(b.ids())
					down.Store(false)
					advance(20 * time.Minute)
					got := b.ids()[before:]
					if diff := cmp.Diff(want, got); diff != "" {
						t.Errorf("when the backend was back (-want +got):\n%s", diff)
					}
				})
			})
		}
	}
}
