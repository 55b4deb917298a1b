package trail

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// Store keeps pages, numbered from 1 without reuse. It is safe for concurrent use.
type Store interface {
	// KeepTrail keeps a page behind the others. It must not hold on to its memory. The
	// error wraps gateway.ErrUnavailable when trying again may help.
	KeepTrail(ctx context.Context, page []byte) error
	// TrailPage returns page seq and when it was kept, or gateway.ErrNoPage.
	TrailPage(ctx context.Context, seq uint64) ([]byte, time.Time, error)
	// TrailBounds returns the first and last page; last is first-1 when there is
	// none.
	TrailBounds(ctx context.Context) (first, last uint64, err error)
}

// Config is what a [Trail] is made of.
type Config struct {
	Store Store
	// Metrics is where the counters are registered; nil means nowhere.
	Metrics prometheus.Registerer
	// Log defaults to nowhere.
	Log *slog.Logger
}

// Bounds of what waits to be kept, and of a page.
const (
	queueCount = 8192
	// queueBytes bounds what the queue holds on to: events keep their requests.
	queueBytes = 64 << 20
	pageCount  = 512
	pageBytes  = 256 << 10
	// maxRoom is the largest room for what was taken that is kept.
	maxRoom = 2 * pageCount
	// linger is how long a decision waits for others.
	linger = 100 * time.Millisecond
	// persist is how long a page is tried before it is given up.
	persist = 5 * time.Second
)

// Trail keeps decisions and finds them again. Make it with [New], end it with Stop;
// it is safe for concurrent use.
type Trail struct {
	store Store
	log   *slog.Logger
	// What is counted.
	kept, lost, unreadable prometheus.Counter

	queue *queue
	// stopping is closed when nothing more is taken; run ends with ctx at the latest.
	stopping chan struct{}
	stop     sync.Once
	ctx      context.Context //nolint:containedctx // it is the life of run, ended by Stop
	cancel   context.CancelFunc
	done     chan struct{}
	saidAt   time.Time // run's own
}

// New begins to take decisions.
func New(cfg Config) (*Trail, error) {
	if cfg.Store == nil {
		return nil, errors.New("trail needs a store")
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	t := &Trail{
		store: cfg.Store, log: cfg.Log,
		kept:       counter("imhook_trail_kept_total", "Decisions that were written into the trail."),
		lost:       counter("imhook_trail_lost_total", "Decisions that are not in the trail: they came faster than it is written, or the store did not take them."),
		unreadable: counter("imhook_trail_unreadable_total", "Pages and entries of the trail that could not be read and were skipped."),
		queue:      newQueue(),
		stopping:   make(chan struct{}), done: make(chan struct{}),
	}
	if cfg.Metrics != nil {
		for _, c := range []prometheus.Counter{t.kept, t.lost, t.unreadable} {
			if err := cfg.Metrics.Register(c); err != nil {
				return nil, fmt.Errorf("registering metrics: %w", err)
			}
		}
	}
	t.ctx, t.cancel = context.WithCancel(context.Background())
	go t.run()
	return t, nil
}

// Record takes a decision without waiting, or drops and counts it. Its event must
// not be changed any more. After Stop everything is dropped.
func (t *Trail) Record(d gateway.Decision) {
	if d.Event == nil {
		return
	}
	if !t.queue.put(d) {
		t.lost.Inc()
	}
}

// weight is about how many bytes a decision keeps in memory.
func weight(d gateway.Decision) int64 {
	const rest = 2 << 10
	n := rest + len(d.Event.Raw.Body) + len(d.Event.Vendor) + messageWeight(d.Event.Message)
	for _, a := range d.Hooks {
		n += len(a.Detail) + len(a.Why) + len(a.Verdict.Reason)
		for _, r := range a.Verdict.Refused {
			n += small + len(r.ID) + len(r.Reason)
		}
		if c := a.Verdict.Changes; c != nil {
			n += rest + len(c.Vendor) + messageWeight(c.Message)
		}
	}
	return int64(n)
}

// small is about what a thing takes beside its texts.
const small = 64

func messageWeight(m *event.Message) int {
	if m == nil {
		return 0
	}
	n := small + len(m.Text) + len(m.Extra)
	if m.Custom != nil {
		n += len(m.Custom.Data) + len(m.Custom.Base64)
	}
	if m.Push != nil {
		n += len(m.Push.Content) + len(m.Push.Data)
	}
	for i := range m.Parts {
		n += 4*small + messageWeight(&m.Parts[i])
	}
	return n
}

// Stop keeps what was taken and ends; when ctx ends before, the rest is dropped and
// counted. It may be called more than once.
func (t *Trail) Stop(ctx context.Context) error {
	t.stop.Do(func() { close(t.stopping) })
	defer t.cancel()
	select {
	case <-t.done:
		return nil
	case <-ctx.Done():
	}
	t.cancel()
	<-t.done
	return fmt.Errorf("keeping the last decisions: %w", ctx.Err())
}

// run fills pages and keeps them.
func (t *Trail) run() {
	defer close(t.done)
	var p batch
	timer := time.NewTimer(linger)
	timer.Stop()
	defer timer.Stop()
	var room []*waiting
	// fill adds what was taken to the page. While there is one, its time brings run
	// back.
	fill := func(all []*waiting) {
		for _, w := range all {
			if p.n == 0 {
				timer.Reset(linger)
			}
			if err := p.add(w.decision); err != nil {
				t.lost.Inc()
				t.say(fmt.Errorf("writing a decision: %w", err))
			}
			if p.full() {
				t.keep(&p)
			}
		}
		t.queue.done(all)
		clear(all)
		if room = all[:0]; cap(room) > maxRoom {
			room = nil
		}
	}
	for {
		select {
		case <-t.queue.call:
			fill(t.queue.take(room, true))
			if p.n == 0 {
				t.queue.leave()
			}
		case <-timer.C:
			fill(t.queue.take(room, false))
			t.keep(&p)
			t.queue.leave()
		case <-t.stopping:
			fill(t.queue.end(room))
			t.keep(&p)
			return
		}
	}
}

// keep keeps the page, or gives it up, and begins the next one.
func (t *Trail) keep(p *batch) {
	if p.n == 0 {
		return
	}
	defer p.reset()
	page := p.page()
	ctx, cancel := context.WithTimeout(t.ctx, persist)
	defer cancel()
	for {
		err := t.store.KeepTrail(ctx, page)
		if err == nil {
			t.kept.Add(float64(p.n))
			return
		}
		retry := time.NewTimer(linger)
		select {
		case <-retry.C:
		case <-ctx.Done():
		}
		retry.Stop()
		if ctx.Err() != nil || !errors.Is(err, gateway.ErrUnavailable) {
			t.lost.Add(float64(p.n))
			t.say(err)
			return
		}
	}
}

// say tells the operator, now and then: who decides goes on deciding.
func (t *Trail) say(err error) {
	now := time.Now()
	if !t.saidAt.IsZero() && now.Sub(t.saidAt) < time.Minute {
		return
	}
	t.saidAt = now
	t.log.Warn("decisions are missing in the trail", "err", err)
}
