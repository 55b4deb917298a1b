package app

import (
	"context"
	"os"

	"github.com/imhook/imhook/internal/config"
	"github.com/imhook/imhook/internal/gateway/decide"
	"github.com/imhook/imhook/internal/gateway/deliver"
	"github.com/imhook/imhook/internal/gateway/receive"
	"github.com/imhook/imhook/internal/tracing"
)

// trace begins to make traces, where the configuration or the environment asks for
// them. Without them there is no tracer, and nothing is wrapped.
func (a *App) trace(ctx context.Context, c config.Tracing) error {
	if c.URL == "" && !tracing.Wanted() || tracing.Forbidden() {
		return nil
	}
	sample := c.Sample
	if sample == 0 || c.URL == "" && os.Getenv("OTEL_TRACES_SAMPLER") != "" {
		sample = -1 // the environment says
	}
	t, err := tracing.New(ctx, tracing.Config{
		URL: c.URL, Sample: sample, Version: a.cfg.Version, Exporter: a.cfg.Spans, Log: a.cfg.Log, Metrics: a.metrics, Now: a.cfg.Now,
	})
	if err != nil {
		return err
	}
	a.tracer = t
	a.onStop("tracing", t.Stop)
	return nil
}

// traceReceive lets the tracer see what is received.
func (a *App) traceReceive(c *receive.Config) {
	if a.tracer != nil {
		c.Tracer, c.Journal, c.Decider = a.tracer, a.tracer.Journal(c.Journal), a.tracer.Decider(c.Decider)
	}
}

// traceHook lets the tracer see what a hook (app/name) is asked.
func (a *App) traceHook(id string, by decide.Asker) decide.Asker {
	if a.tracer == nil {
		return by
	}
	return a.tracer.Asker(id, by)
}

// traceEndpoint lets the tracer see what an endpoint (app/name) is sent.
func (a *App) traceEndpoint(id string, by deliver.Sender) deliver.Sender {
	if a.tracer == nil {
		return by
	}
	return a.tracer.Sender(id, by)
}
