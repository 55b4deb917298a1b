package app_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/builtin"
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/imfake"
	"github.com/imhook/imhook/internal/app"
	"github.com/imhook/imhook/internal/config"
)

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// A real file system of 300 MiB, of which 256 stay free.
func TestApp_FullDiskRefusesAsTheVendorsKnowItAndRecovers(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=300m"); err != nil {
		t.Skipf("needs to mount a file system, which root may do: %v", err)
	}
	t.Log("on a real file system (tmpfs)")
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	r := builtin.New()
	cfg := config.Sandbox(r, filepath.Join(dir, "data"), "127.0.0.1:0")
	dead := cfg.Apps[0].Endpoints[0]
	dead.Name, dead.Builtin, dead.Dialect, dead.URL, dead.Timeout, dead.Concurrency = "dead", "", "wildfirechat", "http://127.0.0.1:1/", time.Second, 4
	cfg.Apps[0].Endpoints = append(cfg.Apps[0].Endpoints, dead)
	a, err := app.New(app.Config{Config: cfg, Registry: r, Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer stop(t, a)
	servers, after := map[string]*imfake.Server{}, map[string]string{}
	for _, s := range cfg.Apps[0].Sources {
		d, err := r.Get(s.Dialect)
		if err != nil {
			t.Fatal(err)
		}
		servers[s.Name] = imfake.NewServer(d, "http://"+a.Addr()+"/in/"+s.Name, imfake.ServerConfig{Credentials: s.Credentials, Policy: &imfake.Policy{Timeout: 10 * time.Second}})
		defer servers[s.Name].Close()
		for _, c := range d.Spec().Commands {
			if c.Phase == event.After {
				after[s.Name] = c.Name
				break
			}
		}
	}
	if len(servers) != len(r.All()) || len(after) != len(servers) {
		t.Fatalf("%d sources for %d dialects", len(servers), len(r.All()))
	}
	answers := func() map[string]dialect.Response {
		all := map[string]dialect.Response{}
		for name, s := range servers {
			ans, err := s.Post(t.Context(), after[name])
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			all[name] = ans.Response
		}
		return all
	}
	for name, ans := range answers() {
		if ans.Status != http.StatusOK {
			t.Fatalf("%s with room: %d %s", name, ans.Status, ans.Body)
		}
	}
	ballast := filepath.Join(dir, "ballast") // somebody else's file
	f, err := os.Create(ballast)
	if err == nil {
		_, err = io.CopyN(f, zeros{}, 60<<20)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	ready := func() (int, string) { return ask(t, "http://"+a.Addr()+"/readyz", "") }
	eventually(ctx, t, func() error {
		status, text := ready()
		if status != http.StatusServiceUnavailable {
			return fmt.Errorf("/readyz answers %d %s", status, text)
		}
		return nil
	})
	_, text := ready()
	for _, w := range []string{"journal is full", "256.0 MiB are kept free", "make room on the disk", "endpoint sandbox/dead has not finished"} {
		if !strings.Contains(text, w) {
			t.Errorf("/readyz says %q, not %q", text, w)
		}
	}
	for name, ans := range answers() {
		if ans.Status != http.StatusServiceUnavailable || len(ans.Body) == 0 || ans.Header.Get("Retry-After") == "" {
			t.Errorf("%s on a full disk: %d %q %v; want 503, a body and Retry-After", name, ans.Status, ans.Body, ans.Header)
		}
		t.Logf("%s: %d %s", name, ans.Status, ans.Body)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	eventually(ctx, t, func() error {
		if status, text := ready(); status != http.StatusOK {
			return fmt.Errorf("/readyz answers %d %s", status, text)
		}
		return nil
	})
	for name, ans := range answers() {
		if ans.Status != http.StatusOK {
			t.Errorf("%s with room again: %d %s", name, ans.Status, ans.Body)
		}
	}
}
