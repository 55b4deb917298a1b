package front_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/imhook/imhook/internal/front"
)

// waiting is a handler that says when it was reached, and answers when it is let
// go.
func waiting() (h http.Handler, reached, release chan struct{}) {
	reached, release = make(chan struct{}), make(chan struct{})
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(reached)
		<-release
		_, _ = io.WriteString(w, "done")
	}), reached, release
}

// finishes asks for something, shuts the server down, and only then lets it be
// answered.
func finishes(t *testing.T, addr string, reached, release chan struct{}, stop func(context.Context) error) {
	t.Helper()
	c := dial(t, addr)
	c.send("GET /api HTTP/1.1\nHost: h\n\n")
	<-reached
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	stopped := make(chan error, 1)
	go func() { stopped <- stop(ctx) }()
	// Nobody is let in any more: the server is about to stop.
	var d net.Dialer
	for tick := time.NewTicker(5 * time.Millisecond); ; <-tick.C {
		other, err := d.DialContext(ctx, "tcp", addr)
		if err != nil {
			tick.Stop()
			break
		}
		_ = other.Close()
	}
	select {
	case err := <-stopped:
		t.Fatalf("Shutdown = %v while a request was under way", err)
	case <-time.After(300 * time.Millisecond): // longer than the engine looks for its end
	}
	close(release)
	if res, body := c.answer(); res.StatusCode != http.StatusOK || body != "done" {
		t.Errorf("the request under way was answered %d %q", res.StatusCode, body)
	}
	if err := <-stopped; err != nil {
		t.Errorf("Shutdown = %v", err)
	}
}

func TestServer_ShutdownLetsHandedRequestsEnd(t *testing.T) {
	t.Parallel()
	h, reached, release := waiting()
	addr, stop := start(t, h)
	finishes(t, addr, reached, release, stop)
}

func servePlain(t *testing.T, h http.Handler) (addr string, stop func(context.Context) error) {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := front.NewPlain(h, slog.New(slog.DiscardHandler))
	served := make(chan error, 1)
	go func() { served <- p.Serve(l) }()
	return l.Addr().String(), func(ctx context.Context) error {
		err := p.Shutdown(ctx)
		if e := <-served; e != nil {
			t.Errorf("Serve = %v", e)
		}
		return err
	}
}

func TestPlain_ShutdownLetsRequestsEnd(t *testing.T) {
	t.Parallel()
	h, reached, release := waiting()
	addr, stop := servePlain(t, h)
	finishes(t, addr, reached, release, stop)
}

// TestPlain_ShutdownDoesNotWaitForSilence: a client that opened a connection in
// reserve does not delay the end.
func TestPlain_ShutdownDoesNotWaitForSilence(t *testing.T) {
	t.Parallel()
	addr, stop := servePlain(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "here")
	}))
	dial(t, addr)         // says nothing
	used := dial(t, addr) // was accepted after it
	used.send("GET / HTTP/1.1\nHost: h\n\n")
	used.answer()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	began := time.Now()
	if err := stop(ctx); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("Shutdown took %s", took)
	}
}

func TestPlain_ShutdownCutsWhatDoesNotEnd(t *testing.T) {
	t.Parallel()
	h, reached, release := waiting()
	addr, stop := servePlain(t, h)
	c := dial(t, addr)
	c.send("GET / HTTP/1.1\nHost: h\n\n")
	<-reached
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := stop(ctx); err != nil {
		t.Error(err)
	}
	if _, err := http.ReadResponse(c.r, nil); err == nil {
		t.Error("the request was answered")
	}
	close(release)
}
