package admin_test

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/imhook/imhook/internal/admin"
	"github.com/imhook/imhook/internal/gateway"
	"github.com/imhook/imhook/internal/live"
)

// looked is a Live of an endpoint that fails.
func looked(t *testing.T) *live.Live {
	t.Helper()
	var meter live.Meter
	meter.Attempt(gateway.Attempt{Event: threePages().list[0].Events[0], Endpoint: "shop/backend", Outcome: gateway.Outcome{Kind: gateway.Retry, Reason: gateway.ReasonDNS}})
	l, err := live.New(live.Config{Meter: &meter, Version: "v1", Endpoints: func(context.Context) []live.Endpoint {
		return []live.Endpoint{{App: "shop", Name: "backend", State: "open", LastError: "<script>\x1b[31m"}}
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Stop(context.Background()) })
	return l
}

// streamed is a server of the API, without a witness: answers come while they are made.
func streamed(t *testing.T, change func(*admin.Config)) *httptest.Server {
	t.Helper()
	var h http.Handler
	setup(t, func(c *admin.Config) {
		change(c)
		var err error
		if h, err = admin.New(*c); err != nil {
			t.Fatal(err)
		}
	})
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return srv
}

// follow asks for a stream of events.
func follow(t *testing.T, srv *httptest.Server, path string, headers ...string) *http.Response {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, srv.URL+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := srv.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = res.Body.Close() })
	return res
}

// streamEvent is one server-sent event.
type streamEvent struct{ name, id, data string }

// next reads the next event; the end of the stream is one without data.
func next(t *testing.T, in *bufio.Reader) (e streamEvent) {
	t.Helper()
	for {
		line, err := in.ReadString('\n')
		if err == io.EOF {
			return streamEvent{}
		}
		if err != nil {
			t.Fatal(err)
		}
		switch key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": "); key {
		case "event":
			e.name = value
		case "id":
			e.id = value
		case "data":
			e.data = value
		case "":
			if e.data != "" {
				return e
			}
		}
	}
}

func TestLive_StreamsOverviewsUntilTheGatewayStops(t *testing.T) {
	t.Parallel()
	closing := make(chan struct{})
	srv := streamed(t, func(c *admin.Config) { c.Live, c.Closing = looked(t), closing })
	res := follow(t, srv, "/api/v1/live")
	if got := res.Header.Get("Content-Type"); res.StatusCode != http.StatusOK || got != "text/event-stream" {
		t.Fatalf("answered %s, %s", res.Status, got)
	}
	in := bufio.NewReader(res.Body)
	for range 2 {
		e := next(t, in)
		var o live.Overview
		if err := json.Unmarshal([]byte(e.data), &o); err != nil || e.name != "overview" {
			t.Fatalf("event %+v: %v", e, err)
		}
		if o.Version != "v1" || len(o.Endpoints) != 1 || !strings.Contains(o.Endpoints[0].Problem, "<script>") || strings.ContainsAny(e.data, "\x1b") {
			t.Errorf("the overview is %s", e.data)
		}
	}
	close(closing)
	// What was under way, and the end.
	e := next(t, in)
	for e.data != "" {
		e = next(t, in)
	}
}

func TestCharts_AnswersAndRefuses(t *testing.T) {
	t.Parallel()
	l := looked(t)
	h := setup(t, func(c *admin.Config) { c.Live = l })
	for path, want := range map[string]string{
		"/api/v1/charts":                      `"span":"1h","step_s":10`,
		"/api/v1/charts?span=24h&by=endpoint": `"span":"24h","step_s":300`,
		"/api/v1/charts?span=2h":              `span is \"2h\"; write one of 1h, 24h`,
		"/api/v1/charts?by=user":              `by is \"user\"; write one of endpoint, type, source, hook`,
		"/api/v1/charts?since=1h":             `unknown parameter \"since\"`,
	} {
		rec := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodGet, path, http.NoBody)
		r.RemoteAddr, r.Host = "127.0.0.1:1", "localhost"
		h.ServeHTTP(rec, r)
		if !strings.Contains(rec.Body.String(), want) {
			t.Errorf("%s answered %d %s, want %s", path, rec.Code, rec.Body, want)
		}
	}
}
