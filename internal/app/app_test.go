package app_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/imhook/imhook/dialect/builtin"
	"github.com/imhook/imhook/internal/app"
	"github.com/imhook/imhook/internal/config"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// The HTTP engine's own, which end by themselves some seconds later or are one
		// for the whole process.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"))
}

func newApp(t *testing.T, dir, listen string) *app.App {
	t.Helper()
	r := builtin.New()
	a, err := app.New(app.Config{Config: config.Sandbox(r, dir, listen), Registry: r, Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func stop(t *testing.T, a *app.App) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := a.Stop(ctx); err != nil {
		t.Error(err)
	}
}

// ask posts body, or gets when it is empty, and returns status and answer.
func ask(t *testing.T, url, body string) (status int, answer string) {
	t.Helper()
	method := http.MethodGet
	if body != "" {
		method = http.MethodPost
	}
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	tr := &http.Transport{DisableKeepAlives: true}
	res, err := tr.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

func TestApp_KeepsWhatItTookAcrossAStop(t *testing.T) {
	dir := t.TempDir()
	a := newApp(t, dir, "127.0.0.1:0")
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	const ev = `{"specversion":"1.0","id":"kept-1","source":"/t","type":"im.message.send","data":{"conversation":{"kind":"group","id":"g"},"message":{"text":"x"}}}`
	if status, answer := ask(t, "http://"+a.Addr()+"/in/cloudevents", ev); status != http.StatusOK {
		t.Fatalf("event was answered %d %s", status, answer)
	}
	stop(t, a)
	stop(t, a) // once more does nothing

	a = newApp(t, dir, "127.0.0.1:0")
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer stop(t, a)
	if status, answer := ask(t, "http://"+a.Addr()+"/readyz", ""); status != http.StatusOK {
		t.Errorf("ready = %d %s", status, answer)
	}
	if _, answer := ask(t, "http://"+a.Addr()+"/api/v1/events", ""); !strings.Contains(answer, "kept-1") {
		t.Errorf("after the restart the events are %s, want kept-1 among them", answer)
	}
	if a.Err() != nil {
		t.Errorf("a running app failed: %v", a.Err())
	}
}

func TestApp_AddressInUseTouchesNothing(t *testing.T) {
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	dir := filepath.Join(t.TempDir(), "data")
	a := newApp(t, dir, l.Addr().String())
	if err := a.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("Start = %v, want that the address is in use", err)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the data directory was made all the same (%v)", err)
	}
}

func TestApp_SecondOnOneDirectoryIsRefusedAndLeavesTheFirstAlone(t *testing.T) {
	dir := t.TempDir()
	first := newApp(t, dir, "127.0.0.1:0")
	if err := first.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer stop(t, first)
	if err := newApp(t, dir, "127.0.0.1:0").Start(t.Context()); err == nil || !strings.Contains(err.Error(), "used by another gateway") {
		t.Errorf("Start = %v, want that the directory is used", err)
	}
	if status, answer := ask(t, "http://"+first.Addr()+"/readyz", ""); status != http.StatusOK {
		t.Errorf("the first is ready = %d %s", status, answer)
	}
}
