package tracing_test

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
	"github.com/imhook/imhook/internal/tracing"
)

const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

// patience is how long a collector may be waited for.
const patience = 30 * time.Second

// kept keeps spans in memory.
type kept struct {
	mu   sync.Mutex
	all  []sdktrace.ReadOnlySpan
	fail error
}

func (k *kept) ExportSpans(_ context.Context, some []sdktrace.ReadOnlySpan) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.fail == nil {
		k.all = append(k.all, some...)
	}
	return k.fail
}

func (k *kept) Shutdown(context.Context) error { return nil }

func newTracer(t *testing.T, cfg tracing.Config) *tracing.Tracer {
	t.Helper()
	tr, err := tracing.New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func stop(t *testing.T, tr *tracing.Tracer) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := tr.Stop(ctx); err != nil {
		t.Error(err)
	}
}

// backend is an endpoint that keeps what it was told.
type backend struct {
	told []gateway.Trace
	out  gateway.Outcome
}

func (b *backend) Send(ctx context.Context, _ *event.Event, _ int) gateway.Outcome {
	b.told = append(b.told, gateway.TraceOf(ctx))
	return b.out
}

type batchBackend struct{ backend }

func (b *batchBackend) SendBatch(ctx context.Context, evs []*event.Event) []gateway.Outcome {
	b.told = append(b.told, gateway.TraceOf(ctx))
	return make([]gateway.Outcome, len(evs))
}

// TestTracer_SpeaksOTLP exports to a collector over HTTP, as the protocol says.
func TestTracer_SpeaksOTLP(t *testing.T) {
	t.Parallel()
	got := make(chan *collector.ExportTraceServiceRequest, 1)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body io.Reader = r.Body
		if r.Header.Get("Content-Encoding") == "gzip" {
			z, err := gzip.NewReader(r.Body)
			if err != nil {
				t.Error(err)
				return
			}
			body = z
		}
		b, err := io.ReadAll(body)
		if err != nil {
			t.Error(err)
		}
		var req collector.ExportTraceServiceRequest
		if err := proto.Unmarshal(b, &req); err != nil || r.Method != http.MethodPost || r.URL.Path != "/v1/traces" {
			t.Errorf("%s %s: %v", r.Method, r.URL.Path, err)
		}
		w.Header().Set("Content-Type", "application/x-protobuf")
		got <- &req
	}))
	t.Cleanup(srv.Close)
	reg := prometheus.NewRegistry()
	tr := newTracer(t, tracing.Config{URL: srv.URL, Sample: 1, Version: "v1.2.3", Metrics: reg})
	_, at, end := tr.Receive(t.Context(), "shop", "im", time.Now(), gateway.Trace{Parent: parent, State: "a=b"})
	end(http.StatusOK, []*event.Event{{ID: "ev1", Type: event.MessageSend, Dialect: "openim", Command: "c"}})
	stop(t, tr)
	req := <-got
	attributes := map[string]string{}
	for _, a := range req.ResourceSpans[0].Resource.Attributes {
		attributes[a.Key] = a.Value.GetStringValue()
	}
	if attributes["service.name"] != "imhook" || attributes["service.version"] != "v1.2.3" {
		t.Errorf("the resource is %v", attributes)
	}
	span := req.ResourceSpans[0].ScopeSpans[0].Spans[0]
	if span.Name != "receive im" || at.State != "a=b" || !gateway.IsTraceparent(at.Parent) {
		t.Errorf("the span is %s, the events carry %v", span.Name, at)
	}
	for result, want := range map[string]float64{"made": 1, "exported": 1, "failed": 0} {
		if n := total(t, reg, result); n != want {
			t.Errorf("%s = %v, want %v", result, n, want)
		}
	}
}

// total is imhook_trace_spans_total of a result.
func total(t *testing.T, reg *prometheus.Registry, result string) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.Metric {
			if f.GetName() == "imhook_trace_spans_total" && m.Label[0].GetValue() == result {
				return m.Counter.GetValue()
			}
		}
	}
	t.Fatalf("there is no imhook_trace_spans_total{result=%q}", result)
	return 0
}

// TestTracer_CollectorThatIsAway counts what is lost and ends in time.
func TestTracer_CollectorThatIsAway(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	tr := newTracer(t, tracing.Config{Exporter: &kept{fail: errors.New("away")}, Sample: 1, Metrics: reg})
	for range 10 {
		_, _, end := tr.Receive(t.Context(), "shop", "im", time.Now(), gateway.Trace{})
		end(0, nil)
	}
	stop(t, tr)
	if n := total(t, reg, "failed"); n != 10 {
		t.Errorf("failed = %v, want 10", n)
	}
	if problems, err := testutil.GatherAndLint(reg); err != nil || len(problems) > 0 {
		t.Errorf("%v %v", problems, err)
	}
}

// TestSender_LinksWhatIsLongPast: collectors close traces; what is sent long after, or
// once more, is a trace of its own that says where it came from, and is kept as the
// first one was.
func TestSender_LinksWhatIsLongPast(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	for name, ev := range map[string]*event.Event{
		"old":    {ID: "1", Trace: parent, Time: now.Add(-tracing.LinkAfter - time.Second)},
		"repeat": {ID: "1", Trace: parent, Time: now, Repeat: event.Replayed},
	} {
		k, b := &kept{}, &backend{out: gateway.Outcome{Kind: gateway.Delivered}}
		tr := newTracer(t, tracing.Config{Exporter: k, Sample: 1e-12, Now: func() time.Time { return now }})
		tr.Sender("shop/backend", b).Send(t.Context(), ev, 0)
		stop(t, tr)
		if len(k.all) != 1 {
			t.Errorf("%s: there are %d spans, want 1", name, len(k.all))
			continue
		}
		s := k.all[0]
		if s.Parent().IsValid() || s.SpanContext().TraceID().String() == "0af7651916cd43dd8448eb211c80319c" ||
			len(s.Links()) != 1 || s.Links()[0].SpanContext.SpanID().String() != "b7ad6b7169203331" {
			t.Errorf("%s: parent %v, links %v", name, s.Parent(), s.Links())
		}
		if b.told[0].Parent == parent || !gateway.IsTraceparent(b.told[0].Parent) {
			t.Errorf("%s: the endpoint is told %v", name, b.told)
		}
	}
}

func TestSender_LeavesTheUntracedAlone(t *testing.T) {
	t.Parallel()
	k, b := &kept{}, &backend{}
	tr := newTracer(t, tracing.Config{Exporter: k, Sample: 1})
	s := tr.Sender("shop/backend", b)
	for _, trace := range []string{"", parent[:len(parent)-1] + "0", "nonsense"} {
		s.Send(t.Context(), &event.Event{ID: "1", Trace: trace, Time: time.Now()}, 0)
	}
	stop(t, tr)
	if len(k.all) != 0 || b.told[0] != (gateway.Trace{}) || b.told[1] != (gateway.Trace{}) {
		t.Errorf("there are %d spans, the endpoint is told %v", len(k.all), b.told)
	}
	if _, batches := s.(interface {
		SendBatch(context.Context, []*event.Event) []gateway.Outcome
	}); batches {
		t.Error("a sender of single events takes batches")
	}
}

func TestSender_BatchLinksToItsEvents(t *testing.T) {
	t.Parallel()
	k, b := &kept{}, &batchBackend{}
	tr := newTracer(t, tracing.Config{Exporter: k, Sample: 1e-12})
	s, ok := tr.Sender("shop/backend", b).(interface {
		SendBatch(context.Context, []*event.Event) []gateway.Outcome
	})
	if !ok {
		t.Fatal("a sender of batches takes none any more")
	}
	s.SendBatch(t.Context(), []*event.Event{{ID: "1", Trace: parent}, {ID: "2"}, {ID: "3", Trace: parent}})
	s.SendBatch(t.Context(), []*event.Event{{ID: "4"}})
	stop(t, tr)
	if len(k.all) != 1 || len(k.all[0].Links()) != 2 {
		t.Fatalf("there are %d spans, want one with two links", len(k.all))
	}
	if !gateway.IsTraceparent(b.told[0].Parent) || b.told[1] != (gateway.Trace{}) {
		t.Errorf("the endpoint is told %v", b.told)
	}
}

// Wrappers of the same are equal: who compares them sees that nothing changed.
func TestWrappers_OfTheSameAreEqual(t *testing.T) {
	t.Parallel()
	tr := newTracer(t, tracing.Config{Exporter: &kept{}, Sample: 1})
	t.Cleanup(func() { stop(t, tr) })
	a, b := &backend{}, &batchBackend{}
	if tr.Sender("x", a) != tr.Sender("x", a) || tr.Sender("x", b) != tr.Sender("x", b) || tr.Sender("x", a) == tr.Sender("x", &backend{out: gateway.Outcome{Status: 1}}) {
		t.Error("wrappers of the same sender differ, or those of different ones do not")
	}
}

func TestNew_RefusesWhatIsNoURL(t *testing.T) {
	t.Parallel()
	if _, err := tracing.New(t.Context(), tracing.Config{URL: "http://[::1", Sample: 1}); err == nil {
		t.Error("a URL that is none is taken")
	}
}
