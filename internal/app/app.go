// Package app wires the stages of the gateway into one process: what runs, in
// which order it starts, and that it stops the other way round. It holds no
// logic of its own.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/imhook/imhook/console"
	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/internal/admin"
	"github.com/imhook/imhook/internal/attempts"
	"github.com/imhook/imhook/internal/audit"
	"github.com/imhook/imhook/internal/config"
	"github.com/imhook/imhook/internal/gateway"
	"github.com/imhook/imhook/internal/gateway/decide"
	"github.com/imhook/imhook/internal/gateway/deliver"
	"github.com/imhook/imhook/internal/gateway/receive"
	"github.com/imhook/imhook/internal/history"
	"github.com/imhook/imhook/internal/ledger"
	"github.com/imhook/imhook/internal/live"
	"github.com/imhook/imhook/internal/settings"
	"github.com/imhook/imhook/internal/tracing"
	"github.com/imhook/imhook/internal/trail"
	"github.com/imhook/imhook/internal/wordlist"
)

// Config is what an App is made of.
type Config struct {
	Config   *config.Config
	Registry *dialect.Registry
	Log      *slog.Logger
	// Parse reads a configuration that somebody thinks of putting into force, for a
	// comparison; nil means that this cannot be asked.
	Parse func(data []byte) (*config.Config, error)
	// Extend adds what the API defined to a configuration of a file; nil means that the
	// API cannot define anything.
	Extend func(base *config.Config, all []config.Addition) (*config.Config, []config.Added)
	// Version is what /api and the User-Agent of deliveries say.
	Version string
	// Spans take the traces instead of the collector that is configured; nil means that
	// one.
	Spans sdktrace.SpanExporter
	// Now defaults to time.Now.
	Now func() time.Time
}

// App is one gateway. Make it with [New], run it with Start, end it with Stop.
type App struct {
	cfg     Config
	metrics *prometheus.Registry
	rules   *rules
	// addr is where callbacks come in, adminAddr the API's own address, nil when it
	// has none.
	addr, adminAddr net.Addr
	// failed is closed with err set when the listener ends by itself.
	failed  chan struct{}
	failing sync.Once
	err     error
	// current is the configuration that is in force.
	current atomic.Pointer[config.Config]
	// read is what came of reading its files; nil where they are not followed.
	read atomic.Pointer[admin.ConfigStatus]
	// aged is the moment by which what is kept grows old.
	aged func() time.Time
	// reloading is held while it is replaced. It guards base, which is the file's part of
	// it, and followed, what the API had defined when it was replaced last.
	reloading sync.Mutex
	base      *config.Config
	followed  []config.Addition
	// book is what people set. audit takes who did what.
	book    *settings.Book
	audit   *audit.Log
	in      *receive.Handler
	deliver delivering
	decide  *decide.Decider
	// trail takes what is decided.
	trail *trail.Trail
	// attempts takes what is tried.
	attempts *attempts.Log
	// history follows all of it; nil when it is off. It asks rulesNow which endpoints get an
	// event, and delivers where one stands: nil where several gateways deliver.
	history  *history.History
	rulesNow atomic.Pointer[picks]
	delivers atomic.Pointer[deliver.Deliverer]
	// tracer makes traces; nil makes none.
	tracer *tracing.Tracer
	// encryptions are those of the listeners, by their key.
	encryptions map[string]*encryption
	// speakers are the senders in use, by endpoint.
	speakers map[string]*speaker
	// askers are those in use, by hook.
	askers atomic.Pointer[map[string]*asker]
	// uses is when secrets were used last.
	uses uses
	// meter and feed are told what came of attempts and decisions, counters are what
	// stages count.
	meter    live.Meter
	feed     live.Feed
	counters *live.Counters
	live     *live.Live
	// listeners answer for endpoints and hooks that nobody calls.
	listeners *listeners
	// closing is closed before the listeners are, so that streams end.
	closing chan struct{}
	// cleanups are run last to first.
	cleanups []cleanup
}

type cleanup struct {
	what string
	run  func(context.Context) error
}

// New prepares an App; nothing is opened before Start.
func New(cfg Config) (*App, error) {
	if cfg.Config == nil || cfg.Registry == nil {
		return nil, errors.New("app needs a configuration and a registry of dialects")
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	aged := cfg.Now // a clock that was given is not doubted
	if cfg.Now == nil {
		cfg.Now = time.Now
		aged = gateway.NewAgeing(time.Now, nil, cfg.Log).Now
	}
	metrics := prometheus.NewRegistry()
	a := &App{cfg: cfg, aged: aged, metrics: metrics, rules: newRules(cfg.Registry, metrics, cfg.Log), failed: make(chan struct{}), closing: make(chan struct{}), encryptions: map[string]*encryption{}}
	a.counters = live.NewCounters(metrics)
	a.current.Store(cfg.Config)
	a.base = cfg.Config
	a.askers.Store(&map[string]*asker{})
	return a, nil
}

// Start opens the journal, begins to deliver what is left in it, and then takes
// callbacks. When it fails, everything that was started is stopped again.
func (a *App) Start(ctx context.Context) (err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Stop(context.WithoutCancel(ctx)))
		}
	}()
	c := a.cfg.Config
	// The address comes first: when it is taken, nothing else was touched. Callers
	// wait in its queue until everything behind it runs.
	l, err := a.listen(ctx, keyListen, c.Listen, c.TLS)
	if err != nil {
		return err
	}
	a.addr = l.Addr()
	var adminListener net.Listener
	if c.Admin.Listen != "" {
		if adminListener, err = a.listen(ctx, keyAdminListen, c.Admin.Listen, c.Admin.TLS); err != nil {
			return err
		}
		a.adminAddr = adminListener.Addr()
	}
	a.metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))

	if err := a.trace(ctx, c.Tracing); err != nil { // it is stopped last
		return err
	}
	j, err := a.openJournal(ctx)
	if err != nil {
		return err
	}
	a.onStop("journal", j.Close)
	if err := a.metrics.Register(newJournalCollector(j)); err != nil {
		return fmt.Errorf("registering metrics: %w", err)
	}
	if err := a.openSettings(ctx, j); err != nil {
		return err
	}
	c, added := a.extended(ctx, c)
	a.sayAside(ctx, added)
	a.current.Store(c)
	a.followed = addedTo(added)
	if a.trail, err = trail.New(trail.Config{Store: j.Decisions(), Metrics: a.metrics, Log: a.cfg.Log}); err != nil {
		return err
	}
	a.onStop("trail", a.trail.Stop)

	log, err := attempts.New(attempts.Config{Store: j.Attempts(), Sample: c.Journal.AttemptsSample, Metrics: a.metrics, Log: a.cfg.Log})
	if err != nil {
		return err
	}
	a.attempts = log
	a.onStop("attempts", log.Stop)

	a.listeners = a.newListeners(j)
	plan, err := a.plan(c)
	if err != nil {
		return err
	}
	if a.history, err = a.newHistory(j); err != nil {
		plan.abandon()
		return err
	}
	d, err := a.deliveries(j, plan, told{metered{log, &a.meter, &a.feed}, a.history})
	if err == nil {
		err = d.Start(ctx)
	}
	if err != nil {
		plan.abandon()
		return err
	}
	a.deliver, a.speakers = d, plan.speakers
	a.rulesNow.Store(plan.picks())
	if one, ok := d.(alone); ok {
		a.delivers.Store(one.Deliverer)
	}
	if a.history != nil {
		a.history.Start()
		a.onStop("history", a.history.Stop) // behind deliver: it notes how the last ones end
	}
	a.onStop("deliver", d.Stop)
	j.HeldBy(d.Holding)
	if err := a.metrics.Register(newBacklogCollector(d, a.cfg.Now)); err != nil {
		return fmt.Errorf("registering metrics: %w", err)
	}

	if err := a.metrics.Register(newSecretCollector(a)); err != nil {
		return fmt.Errorf("registering metrics: %w", err)
	}
	sources, err := a.sources(c)
	if err != nil {
		return err
	}
	panel, err := a.panel(c)
	if err != nil {
		return err
	}
	decider, err := decide.New(decide.Config{Hooks: panel.hooks, Trail: weighed{a.trail, &a.meter, &a.feed}, Metrics: a.metrics, Log: a.cfg.Log})
	if err != nil {
		panel.abandon()
		return err
	}
	a.decide = decider
	a.retire(panel.askers)
	if err := a.metrics.Register(wordlist.NewCollector(a.wordlists)); err != nil {
		return fmt.Errorf("registering metrics: %w", err)
	}
	a.onStop("hooks", func(ctx context.Context) error {
		a.retire(nil)
		return decider.Stop(ctx)
	})
	rc := receive.Config{
		Sources: sources, Journal: j, Decider: decider,
		TrustedProxies: c.TrustedProxies, MaxBody: c.Journal.MaxBody,
		Now: a.cfg.Now, Log: a.cfg.Log, Metrics: a.counters,
	}
	a.traceReceive(&rc)
	in, err := receive.New(rc)
	if err != nil {
		return err
	}
	a.in = in
	a.followSettings(ctx)
	if err := a.metrics.Register(newLedgerCollector(func() []ledger.Account { return accounts(in, d) })); err != nil {
		return fmt.Errorf("registering metrics: %w", err)
	}
	if err := a.metrics.Register(newBoundCollector(a, j)); err != nil {
		return fmt.Errorf("registering metrics: %w", err)
	}
	a.listeners.start(d)
	if a.live, err = live.New(a.liveConfig(j, d)); err != nil {
		return err
	}
	a.onStop("live", a.live.Stop)
	api, err := admin.New(a.adminConfig(j, d, in))
	if err != nil {
		return err
	}
	if api, err = console.New(api); err != nil {
		return err
	}
	defer a.onStop("streams", a.endStreams)
	if adminListener == nil {
		a.serve(l, in, api)
		return nil
	}
	a.serve(l, in, admin.Probes(ready(j), a.cfg.Log))
	a.serveAPI(adminListener, api)
	return nil
}

func (a *App) onStop(what string, run func(context.Context) error) {
	a.cleanups = append(a.cleanups, cleanup{what, run})
}

// Stop ends everything in the opposite order: no new callbacks, attempts in
// flight end or are cut short when ctx ends, positions are saved, the journal is
// closed. It may be called more than once.
func (a *App) Stop(ctx context.Context) error {
	var errs []error
	for _, c := range slices.Backward(a.cleanups) {
		if err := c.run(ctx); err != nil {
			errs = append(errs, fmt.Errorf("stopping %s: %w", c.what, err))
		}
	}
	a.cleanups = nil
	return errors.Join(errs...)
}

// Failed is closed when the App can no longer take callbacks; Err then says why.
func (a *App) Failed() <-chan struct{} { return a.failed }

// Err is why the App failed; nil before Failed is closed.
func (a *App) Err() error {
	select {
	case <-a.failed:
		return a.err
	default:
		return nil
	}
}
