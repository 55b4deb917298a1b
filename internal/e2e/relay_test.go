package e2e_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// The relay is what the crash test must find wanting: it answers 200 and keeps
// nothing.
const (
	relayAtEnv = "IMHOOK_E2E_RELAY_AT"
	relayToEnv = "IMHOOK_E2E_RELAY_TO"
)

func relay(at, to string) error {
	queue := make(chan *http.Request, 1<<14)
	client := &http.Client{Timeout: 5 * time.Second}
	for range 4 {
		go func() {
			for req := range queue {
				if res, err := client.Do(req); err == nil {
					_ = res.Body.Close()
				}
			}
		}()
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /readyz", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("POST /in/wfc/", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			r, err = http.NewRequestWithContext(context.Background(), http.MethodPost, to+r.URL.Path[len("/in/wfc"):], bytes.NewReader(body))
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		queue <- r
	})
	server := &http.Server{Addr: at, Handler: mux, ReadHeaderTimeout: time.Minute}
	return server.ListenAndServe()
}

func newRelay(t *testing.T, to string) *process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{addr: freeAddr(t), log: filepath.Join(t.TempDir(), "log")}
	p.command = func(ctx context.Context) *exec.Cmd {
		cmd := exec.CommandContext(ctx, self)
		cmd.Env = append(os.Environ(), relayAtEnv+"="+p.addr, relayToEnv+"="+to)
		return cmd
	}
	t.Cleanup(p.kill)
	return p
}
