package deliver

import (
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// listener remembers what it is told of attempts.
type listener struct {
	mu  sync.Mutex
	all []gateway.Attempt
}

func (l *listener) Record(a gateway.Attempt) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, a)
}

// kinds are what it was told, by position.
func (l *listener) kinds() map[gateway.Pos][]gateway.OutcomeKind {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := map[gateway.Pos][]gateway.OutcomeKind{}
	for _, a := range l.all {
		all[a.Pos] = append(all[a.Pos], a.Outcome.Kind)
	}
	return all
}

func startTold(t *testing.T, j *memJournal, l *listener, e Endpoint) *Deliverer {
	t.Helper()
	d, err := New(Config{Endpoints: []Endpoint{e}, Index: all(1), Journal: j, Attempts: l})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestAttempts_EveryEndIsTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, l := newMemJournal(), &listener{}
		b := &backend{answer: func(ev *event.Event, _ int) gateway.Outcome {
			switch ev.Lane.ID() {
			case "u":
				return failing(gateway.Untranslatable, gateway.ReasonNone)
			case "e":
				return failing(gateway.Echoed, gateway.ReasonNone)
			case "x":
				return failing(gateway.Retry, gateway.ReasonConnect)
			}
			return gateway.Outcome{Kind: gateway.Delivered}
		}}
		e := endpoint(b)
		e.MaxBacklogAge = time.Hour
		e.Retry = Schedule{Fast: []time.Duration{time.Minute}, SlowFrom: 10 * time.Hour, SlowTo: 10 * time.Hour, MaxAge: 1000 * time.Hour}
		e.Breaker = Breaker{Off: true}
		d := startTold(t, j, l, e)
		defer stop(t, d)
		seq := j.add(ev("d", 0), ev("u", 0), ev("e", 0), ev("x", 0), ev("x", 1))
		advance(2 * time.Hour)
		synctest.Wait()
		want := map[gateway.Pos][]gateway.OutcomeKind{
			gateway.NewPos(seq, 0): {gateway.Delivered},
			gateway.NewPos(seq, 1): {gateway.Untranslatable},
			gateway.NewPos(seq, 2): {gateway.Echoed},
			gateway.NewPos(seq, 3): {gateway.Retry, gateway.Retry, gateway.Expired},
			gateway.NewPos(seq, 4): {gateway.Expired},
		}
		if diff := cmp.Diff(want, l.kinds()); diff != "" {
			t.Errorf("what was told (-want +got):\n%s", diff)
		}
	})
}

func TestStanding_SaysWhereAnEventIs(t *testing.T) {
	t.Parallel()
	for _, order := range []Order{OrderConversation, OrderNone} {
		t.Run(string(order), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				j := newMemJournal()
				var down atomic.Bool
				down.Store(true)
				b := &backend{answer: func(ev *event.Event, _ int) gateway.Outcome {
					if down.Load() && ev.Lane.ID() == "x" {
						return failing(gateway.Retry, gateway.ReasonConnect)
					}
					return gateway.Outcome{Kind: gateway.Delivered}
				}}
				e := endpoint(b)
				e.Order, e.Breaker = order, Breaker{Off: true}
				e.Retry = Schedule{Fast: []time.Duration{time.Minute, time.Minute}, SlowFrom: time.Hour, SlowTo: time.Hour, MaxAge: 1000 * time.Hour}
				d := start(t, j, nil, e)
				seq := j.add(ev("d", 0), ev("x", 0))
				advance(time.Second)
				synctest.Wait()
				at := func(i int, lane string) gateway.Standing {
					return d.Standing("a/e", gateway.NewPos(seq, i), event.NewLane(event.KindGroup, lane))
				}
				if got := at(0, "d"); got.Where != gateway.StandsFinished {
					t.Errorf("what was delivered stands at %+v", got)
				}
				if got := at(1, "x"); got.Where != gateway.StandsOpen || got.Attempts != 1 || got.DueAt.IsZero() {
					t.Errorf("what failed once stands at %+v", got)
				}
				if got := d.Standing("a/e", gateway.NewPos(seq+7, 0), "group:x"); got.Where != gateway.StandsUnread {
					t.Errorf("what nobody has read stands at %+v", got)
				}
				if got := d.Standing("a/none", gateway.NewPos(seq, 0), "group:d"); got.Where != gateway.StandsUnknown {
					t.Errorf("at an endpoint that is not there it stands at %+v", got)
				}
				// After a restart it is known as before.
				stop(t, d)
				d = start(t, j, nil, e)
				defer stop(t, d)
				synctest.Wait()
				if got := at(1, "x"); got.Where != gateway.StandsOpen || got.Attempts != 1 {
					t.Errorf("after a restart, what failed once stands at %+v", got)
				}
				if got := at(0, "d"); got.Where != gateway.StandsFinished {
					t.Errorf("after a restart, what was delivered stands at %+v", got)
				}
				down.Store(false)
				advance(2 * time.Minute)
				synctest.Wait()
				if got := at(1, "x"); got.Where != gateway.StandsFinished {
					t.Errorf("what was delivered at last stands at %+v", got)
				}
			})
		})
	}
}
