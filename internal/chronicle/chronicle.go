package chronicle

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/imhook/imhook/internal/gateway"
)

// Store keeps pages, numbered from 1 without reuse. It is safe for concurrent use.
type Store interface {
	// Keep keeps a page behind the others. It must not hold on to its memory. The error
	// wraps gateway.ErrUnavailable when trying again may help.
	Keep(ctx context.Context, page []byte) error
	// Page returns page seq and when it was kept, or gateway.ErrNoPage.
	Page(ctx context.Context, seq uint64) ([]byte, time.Time, error)
	// Bounds returns the first and last page; last is first-1 when there is none.
	Bounds(ctx context.Context) (first, last uint64, err error)
}

// Config is what a [Chronicle] of entries of type T is made of; all but Log is
// needed.
type Config[T any] struct {
	Store Store
	// Append appends an entry as JSON. It may be called after the entry was recorded
	// long ago, by one goroutine.
	Append func(b []byte, entry T) ([]byte, error)
	// At is when it happened, Weight about how many bytes it keeps in memory.
	At     func(entry T) time.Time
	Weight func(entry T) int64
	// Kept and Lost count entries, Unreadable pages and entries.
	Kept, Lost, Unreadable prometheus.Counter
	// What names the entries in the log: decisions.
	What string
	// Log defaults to nowhere.
	Log *slog.Logger
}

// Bounds of what waits to be kept, and of a page.
const (
	QueueCount = 8192
	// QueueBytes bounds what the queue holds on to: events keep their requests.
	QueueBytes = 64 << 20
	PageCount  = 512
	PageBytes  = 256 << 10
	// Lot is how many wait until somebody is called who comes anyway.
	Lot = 16
	// maxRoom is the largest room for what was taken that is kept.
	maxRoom = 2 * PageCount
	// Linger is how long an entry waits for others.
	Linger = 100 * time.Millisecond
	// Persist is how long a page is tried before it is given up.
	Persist = 5 * time.Second
)

// Chronicle keeps entries and finds them again. Make it with [New], end it with
// Stop; it is safe for concurrent use.
type Chronicle[T any] struct {
	cfg Config[T]

	queue *queue[T]
	// stopping is closed when nothing more is taken; run ends with ctx at the latest.
	stopping chan struct{}
	stop     sync.Once
	ctx      context.Context //nolint:containedctx // it is the life of run, ended by Stop
	cancel   context.CancelFunc
	done     chan struct{}
	saidAt   time.Time // run's own
}

// New begins to take entries.
func New[T any](cfg Config[T]) (*Chronicle[T], error) {
	if cfg.Store == nil || cfg.Append == nil || cfg.At == nil || cfg.Weight == nil || cfg.Kept == nil || cfg.Lost == nil || cfg.Unreadable == nil {
		return nil, errors.New("a chronicle needs a store, its entries' form, and counters")
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	c := &Chronicle[T]{
		cfg: cfg, queue: newQueue[T](), stopping: make(chan struct{}), done: make(chan struct{}),
	}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	go c.run()
	return c, nil
}

// Record takes an entry without waiting, or drops and counts it. What it holds must
// not be changed any more. After Stop everything is dropped.
func (c *Chronicle[T]) Record(entry T) {
	if !c.queue.put(entry, c.cfg.Weight(entry)) {
		c.cfg.Lost.Inc()
	}
}

// Held is about how many bytes wait to be written on a page.
func (c *Chronicle[T]) Held() int64 { return c.queue.held.Load() }

// Stop keeps what was taken and ends; when ctx ends before, the rest is dropped and
// counted. It may be called more than once.
func (c *Chronicle[T]) Stop(ctx context.Context) error {
	c.stop.Do(func() { close(c.stopping) })
	defer c.cancel()
	select {
	case <-c.done:
		return nil
	case <-ctx.Done():
	}
	c.cancel()
	<-c.done
	return fmt.Errorf("keeping the last %s: %w", c.cfg.What, ctx.Err())
}

// run fills pages and keeps them.
func (c *Chronicle[T]) run() {
	defer close(c.done)
	var p Batch
	var one []byte
	timer := time.NewTimer(Linger)
	timer.Stop()
	defer timer.Stop()
	var room []*waiting[T]
	// fill adds what was taken to the page. While there is one, its time brings run
	// back.
	fill := func(all []*waiting[T]) {
		for _, w := range all {
			b, err := c.cfg.Append(one[:0], w.entry)
			if err != nil {
				c.cfg.Lost.Inc()
				c.say(fmt.Errorf("writing an entry: %w", err))
				continue
			}
			one = b
			if p.n == 0 {
				timer.Reset(Linger)
			}
			p.Add(c.cfg.At(w.entry), b)
			if p.full() {
				c.keep(&p)
			}
		}
		c.queue.done(all)
		clear(all)
		if room = all[:0]; cap(room) > maxRoom {
			room = nil
		}
	}
	for {
		select {
		case <-c.queue.call:
			fill(c.queue.take(room, true))
			if p.n == 0 {
				c.queue.leave()
			}
		case <-timer.C:
			fill(c.queue.take(room, false))
			c.keep(&p)
			c.queue.leave()
		case <-c.stopping:
			fill(c.queue.end(room))
			c.keep(&p)
			return
		}
	}
}

// keep keeps the page, or gives it up, and begins the next one.
func (c *Chronicle[T]) keep(p *Batch) {
	if p.n == 0 {
		return
	}
	defer p.reset()
	page := p.Page()
	ctx, cancel := context.WithTimeout(c.ctx, Persist)
	defer cancel()
	for {
		err := c.cfg.Store.Keep(ctx, page)
		if err == nil {
			c.cfg.Kept.Add(float64(p.n))
			return
		}
		retry := time.NewTimer(Linger)
		select {
		case <-retry.C:
		case <-ctx.Done():
		}
		retry.Stop()
		if ctx.Err() != nil || !errors.Is(err, gateway.ErrUnavailable) {
			c.cfg.Lost.Add(float64(p.n))
			c.say(err)
			return
		}
	}
}

// say tells the operator, now and then: what happens goes on happening.
func (c *Chronicle[T]) say(err error) {
	now := time.Now()
	if !c.saidAt.IsZero() && now.Sub(c.saidAt) < time.Minute {
		return
	}
	c.saidAt = now
	c.cfg.Log.Warn("some entries are missing in what is kept for looking back", "of", c.cfg.What, "err", err)
}
