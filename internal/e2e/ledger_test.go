package e2e_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/imhook/imhook/dialect/wildfirechat"
	"github.com/imhook/imhook/imfake"
	"github.com/imhook/imhook/internal/ledger"
)

// TestLedger_BalancesAcrossKillRequeueAndReload asks for the ledger all the time while
// a gateway is killed under load, an endpoint is taken out and comes back, events are
// refused, parked and requeued: it balances whenever somebody asks.
func TestLedger_BalancesAcrossKillRequeueAndReload(t *testing.T) {
	t.Parallel()
	good := imfake.NewBackend(wildfirechat.New(), imfake.Keep(0))
	bad := imfake.NewBackend(wildfirechat.New(), imfake.Keep(0))
	t.Cleanup(good.Close)
	t.Cleanup(bad.Close)
	var refuses atomic.Bool
	refuses.Store(true)
	bad.Answer(func(n int, _ *imfake.Received) imfake.Reply {
		if refuses.Load() && n%5 == 0 {
			return imfake.Status(400)
		}
		return imfake.Reply{}
	})
	good.Answer(func(n int, _ *imfake.Received) imfake.Reply {
		if n%7 == 0 {
			return imfake.Status(503)
		}
		return imfake.Reply{}
	})
	var file, head string
	end := func(name, url string) string {
		return fmt.Sprintf("      - {name: %s, dialect: wildfirechat, url: %q, retry: {fast: [20ms], slow: {from: 50ms, to: 200ms}, max_age: 1h}}\n", name, url)
	}
	one, two := end("good", good.URL()), end("bad", bad.URL())
	gateway := newGateway(t, func(listen, data string) string {
		head = fmt.Sprintf("listen: %s\ndata_dir: %s\napps:\n  - name: shop\n    sources:\n      - {name: wfc, dialect: wildfirechat}\n    endpoints:\n", listen, data)
		file = filepath.Join(filepath.Dir(data), "imhook.yaml")
		return head + one + two
	})
	gateway.start(t)

	// Somebody asks all the while. Between a kill and the next start nobody answers.
	asking, stop := context.WithCancel(t.Context())
	var asked atomic.Int64
	var wg sync.WaitGroup
	wg.Go(func() {
		for asking.Err() == nil {
			if all, err := accounts(asking, gateway.addr); err == nil {
				asked.Add(1)
				for _, line := range ledger.Check(all) {
					t.Error(line)
				}
			}
			pause(t, 5*time.Millisecond)
		}
	})
	defer wg.Wait()
	defer stop()

	server := imfake.NewServer(wildfirechat.New(), "http://"+gateway.addr+"/in/wfc", imfake.ServerConfig{})
	t.Cleanup(server.Close)
	posting, end2 := context.WithCancel(t.Context())
	defer end2()
	run := server.Start(posting, imfake.Load{Lanes: 30, Workers: 4, TextBytes: 100})
	more := func(n int) {
		t.Helper()
		want := good.Tally().Distinct() + n
		if err := awaitDistinct(t, good.Tally(), want, time.Minute); err != nil {
			t.Fatalf("%v\n%s", err, gateway.tail())
		}
	}
	reload := func(endpoints string) {
		t.Helper()
		before := metric(t, gateway.addr, `imhook_config_reloads_total{result="applied"}`)
		if err := os.WriteFile(file+".new", []byte(head+endpoints), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(file+".new", file); err != nil {
			t.Fatal(err)
		}
		if err := gateway.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		if err := eventually(t.Context(), time.Minute, func() error {
			if now := metric(t, gateway.addr, `imhook_config_reloads_total{result="applied"}`); now <= before {
				return fmt.Errorf("%v reloads, want more than %v", now, before)
			}
			return nil
		}); err != nil {
			t.Fatalf("%v\n%s", err, gateway.tail())
		}
	}
	more(150)
	gateway.kill()
	gateway.start(t)
	more(60)
	reload(one)
	more(60)
	gateway.kill()
	gateway.start(t)
	more(60)
	reload(one + two)
	more(60)
	end2()
	if err := run.Wait(); err != nil {
		t.Fatal(err)
	}

	refuses.Store(false)
	good.Answer(nil)
	requeueAll(t, gateway.addr)
	if err := eventually(t.Context(), time.Minute, func() error {
		if n := len(bad.Tally().Missing(run.Accepted())); n > 0 {
			return fmt.Errorf("%d events did not arrive", n)
		}
		all, err := accounts(t.Context(), gateway.addr)
		if err != nil {
			return err
		}
		for _, a := range all {
			for _, e := range a.Out {
				if (e.Name == "open" || e.Name == "under way") && e.Events > 0 {
					return fmt.Errorf("%s: %d %s", a.ID(), e.Events, e.Name)
				}
			}
		}
		return nil
	}); err != nil {
		t.Errorf("%v\n%s", err, gateway.tail())
	}
	stop()
	wg.Wait()
	all, err := accounts(t.Context(), gateway.addr)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		t.Logf("%s %s: %s", a.Kind, a.ID(), a.Sum())
		if words := a.Words(); words != "" {
			t.Error(words)
		}
		if a.Came() == 0 {
			t.Errorf("%s %s: nothing came in, nothing was tested", a.Kind, a.ID())
		}
	}
	if n := asked.Load(); n < 50 {
		t.Errorf("the ledger was asked for %d times, want at least 50", n)
	}
	if answer, err := get(t.Context(), gateway, "/metrics"); err != nil || !strings.Contains(answer, `imhook_ledger_difference{app="shop",kind="endpoint",name="bad"} 0`+"\n") {
		t.Error("imhook_ledger_difference of shop/bad is not shown as 0")
	}
}

// requeueAll has all dead letters delivered once more.
func requeueAll(t *testing.T, addr string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+addr+"/api/v1/deadletters/requeue", strings.NewReader(`{"all":true}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if b, err := io.ReadAll(res.Body); err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("requeue is answered %s %s, %v", res.Status, b, err)
	}
}

// accounts asks the gateway for its ledger.
func accounts(ctx context.Context, addr string) ([]ledger.Account, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/api/v1/ledger", http.NoBody)
	if err != nil {
		return nil, err
	}
	res, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the ledger answers %s: %s", res.Status, b)
	}
	var answer struct {
		Accounts []ledger.Account `json:"accounts"`
	}
	return answer.Accounts, json.Unmarshal(b, &answer)
}
