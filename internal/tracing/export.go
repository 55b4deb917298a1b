package tracing

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// counters say what became of spans. What is made and neither exported nor failed
// waits, or was dropped because too much waits.
type counters struct {
	made, exported, failed prometheus.Counter
}

func newCounters(reg prometheus.Registerer) (*counters, error) {
	spans := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "imhook_trace_spans_total", Help: "Spans that were made, taken by the collector, and not taken by it.",
	}, []string{"result"})
	if reg != nil {
		if err := reg.Register(spans); err != nil {
			return nil, fmt.Errorf("registering metrics: %w", err)
		}
	}
	return &counters{made: spans.WithLabelValues("made"), exported: spans.WithLabelValues("exported"), failed: spans.WithLabelValues("failed")}, nil
}

// counting counts the spans that are handed on.
type counting struct {
	sdktrace.SpanProcessor
	count *counters
}

func (c counting) OnEnd(s sdktrace.ReadOnlySpan) {
	if s.SpanContext().IsSampled() {
		c.count.made.Inc()
	}
	c.SpanProcessor.OnEnd(s)
}

// patient is an exporter whose failures are told once and counted: they are the
// collector's and not the gateway's.
type patient struct {
	to      sdktrace.SpanExporter
	log     *slog.Logger
	count   *counters
	failing atomic.Bool
}

func (p *patient) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	if err := p.to.ExportSpans(ctx, spans); err != nil {
		p.count.failed.Add(float64(len(spans)))
		if !p.failing.Swap(true) {
			p.log.Warn("traces cannot be exported, they are dropped until they can", "err", err)
		}
		return nil
	}
	p.count.exported.Add(float64(len(spans)))
	if p.failing.Swap(false) {
		p.log.Info("traces are exported again")
	}
	return nil
}

func (p *patient) Shutdown(ctx context.Context) error { return p.to.Shutdown(ctx) }
