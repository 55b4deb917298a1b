package deliver

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// counter is a Sender that counts and wakes somebody at the last event.
type counter struct {
	mu   sync.Mutex
	left int
	done chan struct{}
}

func (c *counter) Send(context.Context, *event.Event, int) gateway.Outcome {
	c.mu.Lock()
	if c.left--; c.left == 0 {
		close(c.done)
	}
	c.mu.Unlock()
	return gateway.Outcome{Kind: gateway.Delivered}
}

// one gives every event to the first endpoint, however many there are.
type one struct{ places []int }

func (o one) Match(*event.Event) []int { return o.places }

// BenchmarkDeliver measures what lanes, workers and positions cost for one event,
// from the tail to the sender, with pages of 32 events; and the same through a
// bare channel with as many workers.
func BenchmarkDeliver(b *testing.B) {
	const perPage = 32
	pages := func(n int) [][]*event.Event {
		evs := make([]*event.Event, perPage)
		for i := range evs {
			evs[i] = ev(fmt.Sprint(i%100), i)
		}
		all := make([][]*event.Event, (n+perPage-1)/perPage)
		for i := range all {
			all[i] = evs
		}
		return all
	}
	for _, endpoints := range []int{1, 10, 10_000} {
		b.Run(fmt.Sprintf("endpoints=%d", endpoints), func(b *testing.B) {
			j := newMemJournal()
			c := &counter{done: make(chan struct{})}
			eps := make([]Endpoint, endpoints)
			for i := range eps {
				eps[i] = Endpoint{App: "a", Name: fmt.Sprint(i), Match: func(*event.Event) bool { return i == 0 }, Sender: c}
			}
			d, err := New(Config{Endpoints: eps, Index: one{[]int{0}}, Journal: j})
			if err != nil {
				b.Fatal(err)
			}
			if err := d.Start(b.Context()); err != nil {
				b.Fatal(err)
			}
			batch := pages(b.N)
			c.left = len(batch) * perPage
			b.ReportAllocs()
			b.ResetTimer()
			for _, p := range batch {
				j.add(p...)
			}
			<-c.done
			b.StopTimer()
			if err := d.Stop(context.Background()); err != nil {
				b.Fatal(err)
			}
		})
	}
	b.Run("channel", func(b *testing.B) {
		c := &counter{done: make(chan struct{})}
		ch := make(chan *event.Event, maxLoaded)
		var wg sync.WaitGroup
		for range 32 {
			wg.Go(func() {
				for ev := range ch {
					c.Send(b.Context(), ev, 0)
				}
			})
		}
		batch := pages(b.N)
		c.left = len(batch) * perPage
		b.ReportAllocs()
		b.ResetTimer()
		for _, p := range batch {
			for _, ev := range p {
				ch <- ev
			}
		}
		<-c.done
		b.StopTimer()
		close(ch)
		wg.Wait()
	})
}
