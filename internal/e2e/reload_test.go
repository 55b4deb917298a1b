package e2e_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/imhook/imhook/dialect/wildfirechat"
	"github.com/imhook/imhook/imfake"
)

// TestReload_UnderLoad changes the configuration while events stream through: an
// endpoint is removed in the middle of its deliveries and comes back, another one
// is added from the beginning, and what is nonsense changes nothing. Every
// endpoint has everything in the end, in order.
func TestReload_UnderLoad(t *testing.T) {
	t.Parallel()
	backends := map[string]*imfake.Backend{}
	for _, name := range []string{"stays", "comes-and-goes", "added"} {
		b := imfake.NewBackend(wildfirechat.New(), imfake.Keep(0))
		t.Cleanup(b.Close)
		backends[name] = b
	}
	var file string
	var head string
	endpoint := func(name, more string) string {
		return fmt.Sprintf("      - {name: %s, dialect: wildfirechat, url: %q%s}\n", name, backends[name].URL(), more)
	}
	stays, goes := endpoint("stays", ""), endpoint("comes-and-goes", ", concurrency: 2")
	gateway := newGateway(t, func(listen, data string) string {
		head = fmt.Sprintf("listen: %s\ndata_dir: %s\napps:\n  - name: shop\n    sources:\n      - {name: wfc, dialect: wildfirechat}\n    endpoints:\n", listen, data)
		file = filepath.Join(filepath.Dir(data), "imhook.yaml")
		return head + stays + goes
	})
	gateway.start(t)

	write := func(endpoints string) {
		t.Helper()
		// As an editor does it: the file is never half there.
		if err := os.WriteFile(file+".new", []byte(head+endpoints), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(file+".new", file); err != nil {
			t.Fatal(err)
		}
	}
	reload := func(endpoints, result string) {
		t.Helper()
		before := metric(t, gateway.addr, `imhook_config_reloads_total{result="`+result+`"}`)
		write(endpoints)
		if err := gateway.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		if err := eventually(t.Context(), time.Minute, func() error {
			if now := metric(t, gateway.addr, `imhook_config_reloads_total{result="`+result+`"}`); now <= before {
				return fmt.Errorf("reloads %s: %v, want more than %v", result, now, before)
			}
			return nil
		}); err != nil {
			t.Fatalf("%v\n%s", err, gateway.tail())
		}
	}

	server := imfake.NewServer(wildfirechat.New(), "http://"+gateway.addr+"/in/wfc", imfake.ServerConfig{})
	t.Cleanup(server.Close)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	run := server.Start(ctx, imfake.Load{Lanes: 40, FirstID: 1e17, Workers: 4, Count: 1 << 30, TextBytes: 200})
	more := func(n int) {
		t.Helper()
		from, _, _ := run.Counts()
		if err := eventually(t.Context(), time.Minute, func() error {
			if now, _, err := run.Counts(); now < from+n {
				return fmt.Errorf("%d events were taken of %d: %w", now-from, n, err)
			}
			return nil
		}); err != nil {
			t.Fatalf("%v\n%s", err, gateway.tail())
		}
	}

	more(300)
	reload(stays+endpoint("added", ", start: beginning"), "applied") // comes-and-goes goes
	more(300)
	reload(stays+"      - {name: stays, url: 7}\n", "refused")
	more(100)
	reload(stays+goes+endpoint("added", ", start: beginning, timeout: 7s"), "applied")
	more(300)
	write(goes + stays + endpoint("added", ", start: beginning, order: strict")) // without a signal
	if err := eventually(t.Context(), time.Minute, func() error {
		if now := metric(t, gateway.addr, `imhook_config_reloads_total{result="applied"}`); now < 3 {
			return fmt.Errorf("%v reloads were applied, want 3", now)
		}
		return nil
	}); err != nil {
		t.Fatalf("%v\n%s", err, gateway.tail())
	}
	more(300)
	cancel()
	_ = run.Wait() // says that it was stopped
	if _, refused, err := run.Counts(); refused > 0 && !strings.Contains(fmt.Sprint(err), "canceled") {
		t.Errorf("%d events were refused: %v", refused, err)
	}
	for name, b := range backends {
		if err := eventually(t.Context(), time.Minute, func() error { return b.Tally().Check(run.Accepted()) }); err != nil {
			t.Errorf("%s: %v\n%s", name, err, gateway.tail())
		}
	}
}

// metric reads one series; 0 when it is not there.
func metric(t *testing.T, addr, series string) float64 {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+"/metrics", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	res, err := (&http.Client{Timeout: 10 * time.Second}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, series+" "); ok {
			var v float64
			if _, err := fmt.Sscan(rest, &v); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			return v
		}
	}
	return 0
}
