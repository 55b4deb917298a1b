package tracing

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

const (
	scope = "github.com/imhook/imhook"
	// exportTimeout is how long one export may take, with what it tries again.
	exportTimeout = 5 * time.Second
	// LinkAfter is how old an event may be, by its own time, whose attempts are part
	// of the trace that it came in with.
	LinkAfter = 10 * time.Minute
)

// Config is what a [Tracer] is made of.
type Config struct {
	// URL is the collector's, http://host:4318; /v1/traces is appended where it has
	// no path. Empty means what OTEL_EXPORTER_OTLP_ENDPOINT or
	// OTEL_EXPORTER_OTLP_TRACES_ENDPOINT says.
	URL string
	// Sample is the share of traces begun here that are kept, from 0 to 1. A trace
	// that came with a traceparent is kept when that says so. Negative means what
	// OTEL_TRACES_SAMPLER says.
	Sample float64
	// Version is imhook's.
	Version string
	// Exporter stands in for the one of OTLP; nil means that one.
	Exporter sdktrace.SpanExporter
	// Log is told when spans cannot be exported, and when they can again.
	Log *slog.Logger
	// Metrics is where the counters are registered; nil means nowhere.
	Metrics prometheus.Registerer
	// Now defaults to time.Now.
	Now func() time.Time
}

// Wanted reports whether the standard environment variables ask for traces: an OTLP
// endpoint is set, and neither OTEL_SDK_DISABLED nor OTEL_TRACES_EXPORTER forbids it.
func Wanted() bool {
	return !Forbidden() && (os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != "" || os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") != "")
}

// Forbidden reports whether the standard environment variables forbid traces, which
// they do whatever the configuration says.
func Forbidden() bool {
	return strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true") || os.Getenv("OTEL_TRACES_EXPORTER") == "none"
}

// Tracer makes spans. Make it with [New]; it is safe for concurrent use.
type Tracer struct {
	cfg      Config
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
}

// New makes a Tracer; a collector that is not there is no error.
func New(ctx context.Context, cfg Config) (*Tracer, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	exporter := cfg.Exporter
	if exporter == nil {
		var err error
		if exporter, err = newExporter(ctx, cfg.URL); err != nil {
			return nil, err
		}
	}
	count, err := newCounters(cfg.Metrics)
	if err != nil {
		return nil, err
	}
	res, err := resource.New(ctx,
		resource.WithAttributes(attribute.String("service.name", "imhook"), attribute.String("service.version", cfg.Version)),
		resource.WithHost(), resource.WithTelemetrySDK(), resource.WithFromEnv())
	if err != nil && !errors.Is(err, resource.ErrPartialResource) && !errors.Is(err, resource.ErrSchemaURLConflict) {
		return nil, fmt.Errorf("tracing: %w", err)
	}
	options := []sdktrace.TracerProviderOption{
		sdktrace.WithResource(res),
		sdktrace.WithSpanProcessor(counting{sdktrace.NewBatchSpanProcessor(&patient{to: exporter, log: cfg.Log, count: count}, sdktrace.WithExportTimeout(exportTimeout)), count}),
	}
	if cfg.Sample >= 0 {
		options = append(options, sdktrace.WithSampler(sdktrace.ParentBased(linked{sdktrace.TraceIDRatioBased(cfg.Sample)})))
	}
	p := sdktrace.NewTracerProvider(options...)
	return &Tracer{cfg: cfg, provider: p, tracer: p.Tracer(scope, trace.WithInstrumentationVersion(cfg.Version))}, nil
}

func newExporter(ctx context.Context, to string) (sdktrace.SpanExporter, error) {
	options := []otlptracehttp.Option{
		otlptracehttp.WithTimeout(exportTimeout),
		// What is not taken at once is tried again for as long as one export may take.
		otlptracehttp.WithRetry(otlptracehttp.RetryConfig{
			Enabled: true, InitialInterval: 500 * time.Millisecond, MaxInterval: 2 * time.Second, MaxElapsedTime: exportTimeout,
		}),
	}
	if to != "" {
		u, err := url.Parse(to)
		if err != nil {
			return nil, fmt.Errorf("tracing: %w", err)
		}
		if u.Path == "" || u.Path == "/" {
			u.Path = "/v1/traces"
		}
		options = append(options, otlptracehttp.WithEndpointURL(u.String()))
	}
	exporter, err := otlptracehttp.New(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("tracing: %w", err)
	}
	return exporter, nil
}

// Stop exports what is there, for as long as ctx allows and an export may take.
func (t *Tracer) Stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, exportTimeout)
	defer cancel()
	if err := t.provider.Shutdown(ctx); err != nil {
		// A collector that is away at the end keeps nobody from ending well.
		t.cfg.Log.Warn("exporting the last traces", "err", err)
	}
	return nil
}

// linked samples what links to something that is sampled, and asks the other about
// everything else.
type linked struct{ sdktrace.Sampler }

func (s linked) ShouldSample(p sdktrace.SamplingParameters) sdktrace.SamplingResult {
	for _, l := range p.Links {
		if l.SpanContext.IsSampled() {
			return sdktrace.SamplingResult{Decision: sdktrace.RecordAndSample}
		}
	}
	return s.Sampler.ShouldSample(p)
}

func (s linked) Description() string { return "Linked{" + s.Sampler.Description() + "}" }
