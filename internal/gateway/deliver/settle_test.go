package deliver

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// slowly is a journal that takes its time for some calls.
type slowly struct {
	*memJournal
	// park is how long a dead letter takes.
	park time.Duration
	// page is called with every page that was read, before it is handed over.
	page func()
	// save is called before a value is saved; an error means that it is not. saved
	// is called afterwards.
	save  func(key string) error
	saved func(key string)
}

func (j *slowly) Park(ctx context.Context, letter gateway.DeadLetter) error {
	pause(ctx, j.park)
	return j.memJournal.Park(ctx, letter)
}

func (j *slowly) Page(ctx context.Context, seq uint64) (*gateway.Page, error) {
	page, err := j.memJournal.Page(ctx, seq)
	if j.page != nil {
		j.page()
	}
	return page, err
}

func (j *slowly) Save(ctx context.Context, key string, value []byte) error {
	if j.save != nil {
		if err := j.save(key); err != nil {
			return err
		}
	}
	err := j.memJournal.Save(ctx, key, value)
	if j.saved != nil {
		j.saved(key)
	}
	return err
}

// runOn starts a Deliverer on any journal; eager is its eagerOpen when it is not
// negative.
func runOn(t *testing.T, j Journal, eager int, reg prometheus.Registerer, eps ...Endpoint) *Deliverer {
	t.Helper()
	d, err := New(Config{Endpoints: eps, Index: asked(eps), Journal: j, Metrics: reg})
	if err != nil {
		t.Fatal(err)
	}
	if eager >= 0 {
		d.eager = eager
	}
	if err := d.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return d
}

// TestDeliver_WhatEndsWhileADeadLetterIsWrittenIsSaved: positions are saved while
// the dead letter of one event of a batch is being written, and nothing happens
// afterwards.
func TestDeliver_WhatEndsWhileADeadLetterIsWrittenIsSaved(t *testing.T) {
	t.Parallel()
	for name, batch := range map[string]Batch{"singly": {}, "in batches": {Count: 10}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				j := &slowly{memJournal: newMemJournal(), park: 3 * saveEvery}
				b := newBatcher()
				b.alone = func(ev *event.Event) gateway.Outcome {
					if ev.Lane == "group:bad" {
						return failing(gateway.Refused, gateway.ReasonEncode)
					}
					return gateway.Outcome{}
				}
				e := batching(b, batch)
				e.Sender = singly{b}
				e.Retry.Fast = []time.Duration{}
				d := runOn(t, j, -1, nil, e)
				j.add(ev("bad", 0), ev("good", 0))
				pass(time.Minute)
				stop(t, d)
				d = runOn(t, j, -1, nil, e)
				pass(time.Minute)
				stop(t, d)
				if diff := cmp.Diff([]string{"good/0"}, b.view().got); diff != "" {
					t.Errorf("arrived (-want +got):\n%s", diff)
				}
				if len(j.parked) != 1 {
					t.Errorf("%d dead letters, want one", len(j.parked))
				}
			})
		})
	}
}

// singly is a batcher that takes single events as well.
type singly struct{ *batcher }

func (s singly) Send(ctx context.Context, ev *event.Event, _ int) gateway.Outcome {
	return s.SendBatch(ctx, []*event.Event{ev})[0]
}

// TestDeliver_CountersAgreeAfterARestartAndAReturn: what is open when an endpoint
// begins counts as matched, for it will be counted as delivered, parked or expired.
func TestDeliver_CountersAgreeAfterARestartAndAReturn(t *testing.T) {
	t.Parallel()
	for name, eager := range map[string]int{"read again at once": -1, "left for later": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				j, b := newMemJournal(), &backend{}
				var down atomic.Bool
				down.Store(true)
				b.answer = func(*event.Event, int) gateway.Outcome {
					if down.Load() {
						return failing(gateway.Retry, gateway.ReasonConnect)
					}
					return gateway.Outcome{Kind: gateway.Delivered}
				}
				e, other := endpoint(b), called(endpoint(&backend{}), "other")
				e.Retry = Schedule{SlowFrom: time.Hour, SlowTo: time.Hour}
				agree := func(d *Deliverer, finished int) {
					t.Helper()
					s := statusOf(t, d, "e")
					m := d.metrics
					matched := testutil.ToFloat64(m.matched.WithLabelValues("a", "e"))
					ended := testutil.ToFloat64(m.delivered.WithLabelValues("a", "e")) + testutil.ToFloat64(m.expired.WithLabelValues("a", "e"))
					if matched != ended+float64(s.Open) || int(ended) != finished {
						t.Errorf("matched %v, delivered and expired %v, open %d; want the sum of the two, and %d finished", matched, ended, s.Open, finished)
					}
				}
				d := runOn(t, j, eager, prometheus.NewRegistry(), e, other)
				for n := range 5 {
					j.add(ev("x", n), ev("y", n))
				}
				pass(time.Second)
				agree(d, 0)
				stop(t, d)
				j.purge(2) // two of the open events are gone
				d = runOn(t, j, eager, prometheus.NewRegistry(), e, other)
				pass(time.Second)
				agree(d, 2)
				set(t, d, other)
				pass(time.Second)
				set(t, d, e, other)
				pass(time.Second)
				agree(d, 0)
				down.Store(false)
				pass(3 * time.Hour)
				agree(d, 8)
				stop(t, d)
			})
		})
	}
}
