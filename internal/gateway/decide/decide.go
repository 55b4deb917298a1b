package decide

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// Trail keeps decisions.
type Trail interface {
	// Record takes a decision without waiting. The event is shared and must not be
	// changed.
	Record(d gateway.Decision)
}

// Config is what a [Decider] is made of.
type Config struct {
	Hooks []Hook
	// Trail may be nil.
	Trail Trail
	// Metrics is where the counters are registered; nil means nowhere.
	Metrics prometheus.Registerer
	// Log is told when a hook is left alone because it fails, and when it is asked
	// again; nil means nobody.
	Log *slog.Logger
}

// Decider answers before-events. Make it with [New]; it is safe for concurrent use.
type Decider struct {
	trail   Trail
	metrics *metrics
	log     *slog.Logger
	// hooks are those of each app, in the order of the configuration.
	hooks atomic.Pointer[map[string][]*running]
	// setting is held while they are replaced.
	setting sync.Mutex
	// again holds the verdicts that a retry is told.
	again   *shelves[*verdict]
	allowed *verdict
	// questions names what was asked.
	questions *questions
	// guards are the signatures that came.
	guards *guards
	// late are decisions that wait for a shadow.
	late lateOnes
}

// New checks the hooks and registers the metrics.
func New(cfg Config) (*Decider, error) {
	m, err := newMetrics(cfg.Metrics)
	if err != nil {
		return nil, err
	}
	log := cfg.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	d := &Decider{trail: cfg.Trail, metrics: m, log: log, again: newShelves[*verdict](againSize, againRoom), allowed: allowed(), questions: newQuestions(), guards: newGuards()}
	d.hooks.Store(&map[string][]*running{})
	return d, d.Set(cfg.Hooks)
}

// Set replaces all hooks, or returns an error and changes nothing. A hook that stays
// as it was keeps its breaker and what it has open. Decisions under way are finished
// with the hooks that they began with.
func (d *Decider) Set(hooks []Hook) error {
	d.setting.Lock()
	defer d.setting.Unlock()
	if err := Check(hooks); err != nil {
		return err
	}
	before := map[string]*running{}
	for _, rs := range *d.hooks.Load() {
		for _, r := range rs {
			before[r.App+"/"+r.Name] = r
		}
	}
	table := map[string][]*running{}
	for _, h := range hooks {
		r := before[h.App+"/"+h.Name]
		if r == nil || !r.same(h) {
			r = newRunning(h, d.metrics, d.log)
		} else {
			// The rule may have changed: state and rule are two things.
			again := *r
			again.Hook = h.withDefaults()
			r = &again
		}
		table[h.App] = append(table[h.App], r)
	}
	d.hooks.Store(&table)
	return nil
}

// Check says what is wrong with hooks, as Set would.
func Check(hooks []Hook) error {
	names := map[string]bool{}
	for _, h := range hooks {
		if err := h.Validate(); err != nil {
			return err
		}
		if id := h.App + "/" + h.Name; names[id] {
			return fmt.Errorf("hook %s is there twice", id)
		} else {
			names[id] = true
		}
	}
	return nil
}

// same reports whether what is known of r holds for h: it asks the same, as many at
// once, and gives up alike.
func (r *running) same(h Hook) bool {
	h = h.withDefaults()
	return r.Asker == h.Asker && r.Concurrency == h.Concurrency && r.Breaker == h.Breaker
}

// Decide returns the verdict on a proposal, before its deadline whatever the hooks
// do. The only error is [gateway.ErrReplayed].
func (d *Decider) Decide(ctx context.Context, p gateway.Proposal) (event.Verdict, error) {
	if d.guards.replayed(p.Guard, time.Now()) {
		return event.Verdict{}, gateway.ErrReplayed
	}
	return d.once(ctx, p, func(ctx context.Context) event.Verdict { return d.decide(ctx, p) }), nil
}

func (d *Decider) decide(ctx context.Context, p gateway.Proposal) event.Verdict {
	c := &chain{p: p, metrics: d.metrics}
	c.run(ctx, d.concerned(p.Event))
	took := time.Since(p.Begin)
	v := c.fold.verdict()
	d.metrics.answered(p.Event, v, took)
	if len(c.shadows) == 0 || !d.late.do(func() { d.record(c, took) }) {
		c.shadows = nil // nobody waits for them any more
		d.record(c, took)
	}
	return v
}

func (d *Decider) record(c *chain, took time.Duration) {
	decision := c.decision(took)
	if d.trail != nil {
		d.trail.Record(decision)
	}
}

// concerned are the hooks whose rule picks ev.
func (d *Decider) concerned(ev *event.Event) []*running {
	all := (*d.hooks.Load())[ev.App]
	var picked []*running
	for _, r := range all {
		if r.Match(ev) && r.picks(ev) {
			picked = append(picked, r)
		}
	}
	return picked
}

// HookStatus is how a hook is doing.
type HookStatus struct {
	App, Name string
	// Open are the sources whose questions it is not asked because it failed too
	// often.
	Open []LeftAlone
	// Asking is how many questions are open.
	Asking int
}

// LeftAlone is a source whose questions a hook is not asked, and the cause of the
// failure that was last.
type LeftAlone struct {
	Source string
	Cause  gateway.Cause
}

// Status returns how every hook is doing.
func (d *Decider) Status() []HookStatus {
	var all []HookStatus
	for _, rs := range *d.hooks.Load() {
		for _, r := range rs {
			all = append(all, HookStatus{App: r.App, Name: r.Name, Open: r.breakers.open(), Asking: int(r.asking.Load())})
		}
	}
	return all
}
