package app

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/imhook/imhook/internal/config"
)

const (
	// followEvery is how often the files are looked at.
	followEvery = time.Second
	// againEvery is how often a configuration is read again that was refused: what
	// is wrong may be a file that it names and that is not there yet.
	againEvery = 10 * time.Second
)

// Follow applies the configuration again whenever a file changes that it was read
// from, and when again says so, until ctx ends. load reads it. What cannot be read
// or applied is said and counted, and the configuration before goes on.
func (a *App) Follow(ctx context.Context, load func() (*config.Config, error), again <-chan struct{}) {
	f := &follower{app: a, load: load, inputs: a.current.Load().Inputs(), metrics: newReloadMetrics(a.metrics)}
	a.haveRead(a.cfg.Now(), "")
	look := time.NewTicker(followEvery)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-again:
			f.said = ""
			f.reload(ctx)
		case now := <-look.C:
			f.look(ctx, now)
		}
	}
}

// follower remembers what was seen of the files.
type follower struct {
	app     *App
	load    func() (*config.Config, error)
	metrics *reloadMetrics
	// inputs are the files as they were when they were read last.
	inputs []config.Input
	// changed is true when they differed at the last look: an editor may still be
	// writing.
	changed bool
	// said is what was wrong at the last try, empty when nothing was.
	said string
	// tried is when that was.
	tried time.Time
}

// look reloads once the files have changed and rest.
func (f *follower) look(ctx context.Context, now time.Time) {
	differs := slices.ContainsFunc(f.inputs, func(i config.Input) bool { return i.Changed() })
	switch {
	case differs && !f.changed:
		f.changed = true
		f.see()
	case differs:
		f.see() // still being written
	case f.changed:
		f.changed = false
		f.reload(ctx)
	case f.said != "" && now.Sub(f.tried) >= againEvery:
		f.reload(ctx)
	}
}

// see takes the files as they are now.
func (f *follower) see() {
	for i := range f.inputs {
		f.inputs[i] = f.inputs[i].Again()
	}
}

// reload reads and applies the configuration.
func (f *follower) reload(ctx context.Context) {
	f.tried = time.Now()
	next, err := f.load()
	var changes []config.Change
	if err == nil {
		changes, err = f.app.Reload(ctx, next)
	}
	log := f.app.cfg.Log
	switch {
	case ctx.Err() != nil:
	case err != nil:
		if e, ok := errors.AsType[*config.Error](err); ok && len(e.Inputs) > 0 {
			f.inputs = e.Inputs
		}
		f.metrics.refused.Inc()
		f.metrics.current.Set(0)
		if err.Error() != f.said {
			log.ErrorContext(ctx, "configuration refused, the one before goes on", "err", err)
		}
		f.said = err.Error()
		f.app.haveRead(f.app.cfg.Now(), f.said)
	default:
		f.said = ""
		f.app.haveRead(f.app.cfg.Now(), "")
		f.inputs = next.Inputs()
		f.metrics.current.Set(1)
		if len(changes) == 0 {
			return
		}
		f.metrics.applied.Inc()
		for _, c := range changes {
			log.InfoContext(ctx, "configuration changed", "what", c.String())
		}
		next.LogWarnings(log)
	}
}

// reloadMetrics count what became of changed configurations.
type reloadMetrics struct {
	applied, refused prometheus.Counter
	// current is 1 while the files hold what is in force.
	current prometheus.Gauge
}

func newReloadMetrics(reg prometheus.Registerer) *reloadMetrics {
	all := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "imhook_config_reloads_total", Help: "Changed configurations, by what became of them.",
	}, []string{"result"})
	m := &reloadMetrics{
		applied: all.WithLabelValues("applied"), refused: all.WithLabelValues("refused"),
		current: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "imhook_config_current", Help: "1 while the configuration files hold what is in force, 0 after they were refused.",
		}),
	}
	m.current.Set(1)
	reg.MustRegister(all, m.current)
	return m
}
