package app_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/imhook/imhook/dialect/builtin"
	"github.com/imhook/imhook/dialect/openim"
	"github.com/imhook/imhook/imfake"
	"github.com/imhook/imhook/internal/app"
	"github.com/imhook/imhook/internal/config"
)

// spans is a collector in this process.
type spans struct {
	mu  sync.Mutex
	all []sdktrace.ReadOnlySpan
	err error
}

func (s *spans) ExportSpans(_ context.Context, some []sdktrace.ReadOnlySpan) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.all = append(s.all, some...)
	}
	return s.err
}

func (s *spans) Shutdown(context.Context) error { return nil }

// named returns the only span of that name.
func (s *spans) named(t *testing.T, name string) sdktrace.ReadOnlySpan {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []sdktrace.ReadOnlySpan
	var names []string
	for _, one := range s.all {
		names = append(names, one.Name())
		if one.Name() == name {
			found = append(found, one)
		}
	}
	if len(found) != 1 {
		t.Fatalf("there are %d spans %q among %q, want one", len(found), name, names)
	}
	return found[0]
}

// traceparent writes where a span is, sampled.
func traceparent(s sdktrace.ReadOnlySpan) string {
	return fmt.Sprintf("00-%s-%s-01", s.SpanContext().TraceID(), s.SpanContext().SpanID())
}

// traced is a gateway with a hook and an endpoint whose traces end in this process.
type traced struct {
	t             *testing.T
	dir, tracing  string
	spans         *spans
	hook, backend *imfake.Backend
	*app.App
}

func newTraced(t *testing.T, tracing string) *traced {
	t.Helper()
	g := &traced{t: t, dir: t.TempDir(), tracing: tracing, spans: &spans{}, hook: imfake.NewBackend(openim.New()), backend: imfake.NewBackend(openim.New())}
	t.Cleanup(g.hook.Close)
	t.Cleanup(g.backend.Close)
	g.begin()
	return g
}

func (g *traced) begin() {
	g.t.Helper()
	r := builtin.New()
	c, err := config.Parse("imhook.yaml", fmt.Appendf(nil, `listen: 127.0.0.1:0
data_dir: %q
%s
apps:
  - name: shop
    sources:
      - {name: im, dialect: openim}
    hooks:
      - {name: moderation, dialect: openim, url: %q}
    endpoints:
      - {name: backend, dialect: openim, url: %q, retry: {fast: [20ms, 50ms], slow: {from: 100ms, to: 200ms}}, breaker: {off: true}}
`, g.dir, g.tracing, g.hook.URL(), g.backend.URL()), config.Options{Registry: r})
	if err != nil {
		g.t.Fatal(err)
	}
	if g.App, err = app.New(app.Config{Config: c, Registry: r, Version: "v1", Spans: g.spans}); err != nil {
		g.t.Fatal(err)
	}
	if err := g.Start(g.t.Context()); err != nil {
		g.t.Fatal(err)
	}
	a := g.App
	g.t.Cleanup(func() { stop(g.t, a) })
}

// post sends a message's callback as OpenIM does, with these headers.
func (g *traced) post(command, id string, header http.Header) {
	g.t.Helper()
	body := fmt.Sprintf(`{"sendID":"u1","recvID":"u2","callbackCommand":%q,"serverMsgID":"s%s","clientMsgID":"c%s","operationID":"o%s",`+
		`"senderPlatformID":2,"sessionType":1,"msgFrom":100,"contentType":101,"status":1,"sendTime":%d,"createTime":%d,"content":"{\"content\":\"hello\"}","seq":1}`,
		command, id, id, id, time.Now().UnixMilli(), time.Now().UnixMilli())
	req, err := http.NewRequestWithContext(g.t.Context(), http.MethodPost, "http://"+g.Addr()+"/in/im/"+command, strings.NewReader(body))
	if err != nil {
		g.t.Fatal(err)
	}
	req.Header = header.Clone()
	if req.Header == nil {
		req.Header = http.Header{}
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		g.t.Fatal(err)
	}
	defer res.Body.Close()
	if answer, err := io.ReadAll(res.Body); err != nil || res.StatusCode != http.StatusOK {
		g.t.Fatalf("%s is answered %s %s %v", command, res.Status, answer, err)
	}
}

// got waits until b has n requests and returns the header of the last one.
func (g *traced) got(b *imfake.Backend, n int) http.Header {
	g.t.Helper()
	ctx, cancel := context.WithTimeout(g.t.Context(), eventual)
	defer cancel()
	if err := b.WaitAnswered(ctx, n); err != nil {
		g.t.Fatal(err)
	}
	return b.Received()[n-1].Request.Header
}

const (
	before = "callbackBeforeSendSingleMsgCommand"
	after  = "callbackAfterSendSingleMsgCommand"
	// parent is where an IM server is in a trace.
	parent  = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	traceID = "0af7651916cd43dd8448eb211c80319c"
)

func TestTrace_FromCallbackInToCallbackOut(t *testing.T) {
	t.Parallel()
	g := newTraced(t, "tracing: {url: \"http://127.0.0.1:1\", sample: 1}")
	g.post(before, "1", http.Header{"Traceparent": {parent}, "Tracestate": {"im=1"}})
	asked := g.got(g.hook, 1)
	stop(t, g.App)
	received, decided, ask := g.spans.named(t, "receive im"), g.spans.named(t, "decide"), g.spans.named(t, "ask shop/moderation")
	if got := received.Parent().SpanID().String(); received.SpanContext().TraceID().String() != traceID || got != "b7ad6b7169203331" {
		t.Errorf("the request's span is in trace %s below %s, want that of the IM server", received.SpanContext().TraceID(), got)
	}
	if decided.Parent().SpanID() != received.SpanContext().SpanID() || ask.Parent().SpanID() != decided.SpanContext().SpanID() {
		t.Error("the spans are not below each other")
	}
	if asked.Get("Traceparent") != traceparent(ask) || asked.Get("Tracestate") != "im=1" {
		t.Errorf("the hook is told %q, state %q; want %q and im=1", asked.Get("Traceparent"), asked.Get("Tracestate"), traceparent(ask))
	}

	g.spans.all = nil
	g.begin()
	g.post(after, "2", nil)
	sent := g.got(g.backend, 1)
	stop(t, g.App)
	received, kept, attempt := g.spans.named(t, "receive im"), g.spans.named(t, "keep"), g.spans.named(t, "attempt shop/backend")
	if received.Parent().IsValid() {
		t.Error("a request without a traceparent does not begin a trace")
	}
	for _, s := range []sdktrace.ReadOnlySpan{kept, attempt} {
		if s.Parent().SpanID() != received.SpanContext().SpanID() || s.SpanContext().TraceID() != received.SpanContext().TraceID() {
			t.Errorf("%s is not below what was received", s.Name())
		}
	}
	if sent.Get("Traceparent") != traceparent(attempt) {
		t.Errorf("the endpoint is told %q, want %q", sent.Get("Traceparent"), traceparent(attempt))
	}
}

func TestTrace_GoesOnAfterARestart(t *testing.T) {
	t.Parallel()
	g := newTraced(t, "tracing: {url: \"http://127.0.0.1:1\", sample: 1}")
	g.backend.Answer(func(int, *imfake.Received) imfake.Reply { return imfake.Status(503) })
	g.post(after, "1", http.Header{"Traceparent": {parent}, "Tracestate": {"im=1"}})
	g.got(g.backend, 1)
	stop(t, g.App)
	received := g.spans.named(t, "receive im")
	g.spans.all = nil
	had := g.backend.Requests()
	g.backend.Answer(nil)
	g.begin()
	sent := g.got(g.backend, had+1)
	stop(t, g.App)
	attempt := g.spans.named(t, "attempt shop/backend")
	if attempt.Parent().SpanID() != received.SpanContext().SpanID() || attempt.SpanContext().TraceID().String() != traceID {
		t.Error("the attempt after the restart is not below what was received")
	}
	if sent.Get("Traceparent") != traceparent(attempt) || sent.Get("Tracestate") != "im=1" {
		t.Errorf("the endpoint is told %q, state %q; want %q and im=1", sent.Get("Traceparent"), sent.Get("Tracestate"), traceparent(attempt))
	}
}

// Off, a trace of others is passed on as it came, and nothing is begun.
func TestTrace_OffPassesOnAndBeginsNone(t *testing.T) {
	t.Parallel()
	g := newTraced(t, "")
	g.post(after, "1", nil)
	if h := g.got(g.backend, 1); h.Get("Traceparent") != "" || h.Get("Tracestate") != "" {
		t.Errorf("the endpoint is told %q", h.Get("Traceparent"))
	}
	g.post(after, "2", http.Header{"Traceparent": {parent}, "Tracestate": {"im=1"}})
	if h := g.got(g.backend, 2); h.Get("Traceparent") != parent || h.Get("Tracestate") != "im=1" {
		t.Errorf("the endpoint is told %q, state %q; want what came in", h.Get("Traceparent"), h.Get("Tracestate"))
	}
	stop(t, g.App)
	if len(g.spans.all) != 0 {
		t.Errorf("there are %d spans", len(g.spans.all))
	}
}

// What is not sampled is not kept with the event either.
func TestTrace_UnsampledLeavesNothing(t *testing.T) {
	t.Parallel()
	g := newTraced(t, "tracing: {url: \"http://127.0.0.1:1\", sample: 0.000000001}")
	g.post(after, "1", nil)
	if h := g.got(g.backend, 1); h.Get("Traceparent") != "" {
		t.Errorf("the endpoint is told %q", h.Get("Traceparent"))
	}
	stop(t, g.App)
	if len(g.spans.all) != 0 {
		t.Errorf("there are %d spans", len(g.spans.all))
	}
}

func TestTrace_CollectorThatFailsHurtsNobody(t *testing.T) {
	t.Parallel()
	g := newTraced(t, "tracing: {url: \"http://127.0.0.1:1\", sample: 1}")
	g.spans.err = errors.New("no room")
	for n := range 20 {
		g.post(after, fmt.Sprint(n), nil)
	}
	g.got(g.backend, 20)
	stop(t, g.App) // and says so when that fails
}

// TestTrace_HistogramsHaveExamples asks for the metrics as Prometheus does that takes
// exemplars.
func TestTrace_HistogramsHaveExamples(t *testing.T) {
	t.Parallel()
	g := newTraced(t, "tracing: {url: \"http://127.0.0.1:1\", sample: 1}")
	g.post(before, "1", http.Header{"Traceparent": {parent}})
	g.post(after, "2", http.Header{"Traceparent": {parent}})
	g.got(g.backend, 1)
	ctx, cancel := context.WithTimeout(t.Context(), eventual)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for _, name := range []string{"imhook_attempt_seconds_bucket", "imhook_decision_seconds_bucket", "imhook_verdict_seconds_bucket"} {
		for {
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+g.Addr()+"/metrics", nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Accept", "application/openmetrics-text; version=1.0.0")
			res, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(res.Body)
			_ = res.Body.Close()
			if err != nil {
				t.Fatal(err)
			}
			found := false
			for line := range strings.Lines(string(text)) {
				found = found || strings.HasPrefix(line, name) && strings.Contains(line, `# {trace_id="`+traceID+`"}`)
			}
			if found {
				break
			}
			select {
			case <-ctx.Done():
				t.Fatalf("%s has no example", name)
			case <-tick.C:
			}
		}
	}
}

// What OTEL_SDK_DISABLED forbids is off, whatever the file says.
func TestTrace_EnvironmentForbids(t *testing.T) {
	t.Setenv("OTEL_SDK_DISABLED", "true")
	g := newTraced(t, "tracing: {url: \"http://127.0.0.1:1\", sample: 1}")
	g.post(after, "1", nil)
	g.got(g.backend, 1)
	stop(t, g.App)
	if len(g.spans.all) != 0 {
		t.Errorf("there are %d spans", len(g.spans.all))
	}
}

// What OTEL_EXPORTER_OTLP_ENDPOINT asks for is on without a word in the file.
func TestTrace_EnvironmentAsks(t *testing.T) {
	if os.Getenv("OTEL_SDK_DISABLED") != "" {
		t.Skip("OTEL_SDK_DISABLED is set; this needs it unset")
	}
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
	t.Setenv("OTEL_TRACES_SAMPLER", "always_on")
	g := newTraced(t, "")
	g.post(after, "1", nil)
	g.got(g.backend, 1)
	stop(t, g.App)
	g.spans.named(t, "receive im")
}
