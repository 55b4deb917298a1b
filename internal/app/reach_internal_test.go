package app

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/imhook/imhook/dialect/builtin"
	"github.com/imhook/imhook/internal/config"
)

// A check of an endpoint that the API defined connects nowhere where an attempt would
// not: it would tell whoever defined it what answers on the gateway's own network.
func TestReach_CallsNobodyWhomAnAttemptWouldNot(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(srv.Close)
	e := config.Endpoint{
		Name: "file", URL: strings.Replace(srv.URL, "127.0.0.1", "localhost", 1), Dialect: "wildfirechat",
		Timeout: 5 * time.Second, Concurrency: 1, OnRefusal: config.RefusalIgnore,
	}
	made := e
	made.Name, made.FromAPI = "api", true
	a := &App{cfg: Config{Registry: builtin.New(), Log: slog.New(slog.DiscardHandler), Now: time.Now}}
	a.current.Store(&config.Config{Apps: []config.App{{Name: "shop", Endpoints: []config.Endpoint{e, made}}}})
	for name, want := range map[string]bool{"file": true, "api": false} {
		if got, err := a.reach(t.Context(), "shop", name); err != nil || got.OK != want {
			t.Errorf("%s: reached %v (%s), %v; want %v", name, got.OK, got.Detail, err, want)
		}
	}
}
