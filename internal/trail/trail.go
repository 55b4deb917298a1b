package trail

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/chronicle"
	"github.com/imhook/imhook/internal/gateway"
)

// Config is what a [Trail] is made of.
type Config struct {
	Store chronicle.Store
	// Metrics is where the counters are registered; nil means nowhere.
	Metrics prometheus.Registerer
	// Log defaults to nowhere.
	Log *slog.Logger
}

// Trail keeps decisions and finds them again. Make it with [New], end it with Stop;
// it is safe for concurrent use.
type Trail struct {
	book *chronicle.Chronicle[gateway.Decision]
	// What is counted.
	kept, lost, unreadable prometheus.Counter
}

// New begins to take decisions.
func New(cfg Config) (*Trail, error) {
	if cfg.Store == nil {
		return nil, errors.New("trail needs a store")
	}
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	t := &Trail{
		kept:       counter("imhook_trail_kept_total", "Decisions that were written into the trail."),
		lost:       counter("imhook_trail_lost_total", "Decisions that are not in the trail: they came faster than it is written, or the store did not take them."),
		unreadable: counter("imhook_trail_unreadable_total", "Pages and entries of the trail that could not be read and were skipped."),
	}
	if cfg.Metrics != nil {
		for _, c := range []prometheus.Counter{t.kept, t.lost, t.unreadable} {
			if err := cfg.Metrics.Register(c); err != nil {
				return nil, fmt.Errorf("registering metrics: %w", err)
			}
		}
	}
	var err error
	t.book, err = chronicle.New(chronicle.Config[gateway.Decision]{
		Store: cfg.Store, Append: appendEntry, Weight: weight, What: "decisions", Log: cfg.Log,
		At:   func(d gateway.Decision) time.Time { return d.Begin },
		Kept: t.kept, Lost: t.lost, Unreadable: t.unreadable,
	})
	return t, err
}

// Record takes a decision without waiting, or drops and counts it. Its event must
// not be changed any more. After Stop everything is dropped.
func (t *Trail) Record(d gateway.Decision) {
	if d.Event != nil {
		t.book.Record(d)
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
func (t *Trail) Stop(ctx context.Context) error { return t.book.Stop(ctx) }
