package app_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/imhook/imhook/dialect/builtin"
	"github.com/imhook/imhook/internal/app"
	"github.com/imhook/imhook/internal/config"
)

// TestReload_ManyAtOnceAndAStopInTheMiddle: changes come from several sides while
// events stream through, and the gateway stops under them. Nothing hangs, what is
// in force is one of the configurations and whole, and what was accepted is there
// after the restart.
func TestReload_ManyAtOnceAndAStopInTheMiddle(t *testing.T) {
	t.Parallel()
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	defer backend.Close()
	dir, registry := t.TempDir(), builtin.New()
	parse := func(endpoints string, token string) *config.Config {
		c, err := config.Parse("imhook.yaml", fmt.Appendf(nil, `
listen: 127.0.0.1:0
data_dir: %q
apps:
  - name: shop
    sources:
      - {name: open, dialect: cloudevents}
      - {name: closed, dialect: cloudevents, credentials: {path_token: %s}}
    endpoints:
%s`, dir, token, strings.ReplaceAll(endpoints, "URL", backend.URL)), config.Options{Registry: registry})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	const (
		first  = "      - {name: stays, dialect: cloudevents, url: URL/a}\n"
		second = "      - {name: stays, dialect: cloudevents, url: URL/b, order: strict}\n      - {name: comes, dialect: cloudevents, url: URL, when: 'event.id != \"\"'}\n"
		third  = "      - {name: stays, dialect: cloudevents, url: URL/a, order: none}\n      - {name: comes, builtin: inbox}\n      - {name: late, builtin: inbox, start: beginning}\n"
	)
	all := []*config.Config{parse(first, "first-token-0"), parse(second, "second-token-0"), parse(third, "third-token-0")}
	start := func() *app.App {
		a, err := app.New(app.Config{Config: all[0], Registry: registry})
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		return a
	}
	a := start()
	var accepted, applied atomic.Int64
	stopping := make(chan struct{})
	tr := &http.Transport{}
	defer tr.CloseIdleConnections()
	var wg sync.WaitGroup
	for g := range 2 {
		wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stopping:
					return
				default:
				}
				id := fmt.Sprintf("r%d-%06d", g, i)
				body := fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"/t","type":"im.message.send","data":{"conversation":{"kind":"group","id":"g%d"},"message":{"text":"x"}}}`, id, i%5)
				req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+a.Addr()+"/in/open", strings.NewReader(body))
				if err != nil {
					t.Error(err)
					return
				}
				res, err := tr.RoundTrip(req)
				if err != nil {
					return // it stopped
				}
				_ = res.Body.Close()
				if res.StatusCode == http.StatusOK {
					accepted.Add(1)
				}
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for g := range 3 {
		wg.Go(func() {
			for i := g; ctx.Err() == nil; i++ {
				if _, err := a.Reload(ctx, all[i%len(all)]); err == nil {
					applied.Add(1)
				} else if closed(stopping) {
					return
				} else {
					t.Errorf("a change was refused: %v", err)
					return
				}
			}
		})
	}
	await(t, "changes and events go through", func() bool { return applied.Load() > 30 && accepted.Load() > 100 })
	close(stopping)
	stop(t, a)
	cancel()
	wg.Wait()
	for _, c := range all {
		if changes, err := a.Reload(t.Context(), c); err == nil && len(changes) > 0 {
			t.Errorf("a gateway that stopped took another configuration: %v", changes)
		}
	}

	a = start()
	defer stop(t, a)
	if !kept(t, a.Addr(), "r0-000000") {
		t.Error("what was accepted is not there after the restart")
	}
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
