package front_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/internal/front"
	"github.com/imhook/imhook/internal/gateway/receive"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"))
}

// waits are the handlers that wait for their caller to leave, by X-Wait.
var waits sync.Map

// echo answers what it was given.
type echo struct{}

func (echo) Serve(r *receive.Request) dialect.Response {
	if r.Header.Get("X-Unread") != "" {
		return dialect.Response{Status: http.StatusRequestEntityTooLarge, ContentType: "text/plain", Body: []byte("unread")}
	}
	b, err := io.ReadAll(r.Body)
	if seen := r.Header.Get("X-Wait"); seen != "" {
		gone := make(chan bool, 1)
		waits.Store(seen, gone)
		for i := 0; i < 200 && !r.Conn.Gone(); i++ {
			<-time.After(10 * time.Millisecond)
		}
		gone <- r.Conn.Gone()
	}
	text := fmt.Sprintf("%s %s?%s %s len=%d %q err=%v", r.Method, r.Path, r.Query, r.Header.Get("X-Sign"), r.Length, b, err)
	return dialect.Response{
		Status: http.StatusAccepted, ContentType: "text/plain", Body: []byte(text),
		Header: http.Header{"X-Two": {"a", "b"}},
	}
}

func (echo) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.WriteString(w, "net/http "+r.URL.Path)
}

func start(t *testing.T, others http.Handler) (addr string, stop func(context.Context) error) {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return serve(t, l, others)
}

func serve(t *testing.T, l net.Listener, others http.Handler) (addr string, stop func(context.Context) error) {
	t.Helper()
	s := front.New(front.Config{In: echo{}, Others: others})
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	stopped := false
	stop = func(ctx context.Context) error {
		if stopped {
			return nil
		}
		stopped = true
		err := s.Shutdown(ctx)
		return errors.Join(err, <-served)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := stop(ctx); err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String(), stop
}

// conn is one connection to the server.
type conn struct {
	t *testing.T
	net.Conn
	r *bufio.Reader
}

func dial(t *testing.T, addr string) *conn {
	t.Helper()
	var d net.Dialer
	c, err := d.DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	return &conn{t, c, bufio.NewReader(c)}
}

func (c *conn) send(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c, strings.ReplaceAll(text, "\n", "\r\n")); err != nil {
		c.t.Fatal(err)
	}
}

func (c *conn) answer() (*http.Response, string) {
	c.t.Helper()
	res, err := http.ReadResponse(c.r, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	b, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return res, string(b)
}

func TestServer_GivesRequestsOfSourcesWhole(t *testing.T) {
	t.Parallel()
	addr, _ := start(t, nil)
	for _, tc := range []struct{ name, send, want string }{
		{"length", "POST /in/a/b%2Fc?x=1&y HTTP/1.1\nHost: h\nX-Sign: s\nContent-Length: 3\n\nabc", `POST /in/a/b%2Fc?x=1&y s len=3 "abc" err=<nil>`},
		{"chunked", "POST /in/a HTTP/1.1\nHost: h\nTransfer-Encoding: chunked\n\n2\nab\n1\nc\n0\n\n", `POST /in/a?  len=-1 "abc" err=<nil>`},
		{"empty", "POST /in/a HTTP/1.1\nHost: h\nContent-Length: 0\n\n", `POST /in/a?  len=0 "" err=<nil>`},
		{"no length", "POST /in/a HTTP/1.1\nHost: h\n\n", `POST /in/a?  len=0 "" err=<nil>`},
		{"method", "GET /in/a HTTP/1.1\nHost: h\n\n", `GET /in/a?  len=0 "" err=<nil>`},
		{"old", "POST /in/a HTTP/1.0\nContent-Length: 3\n\nabc", `POST /in/a?  len=3 "abc" err=<nil>`},
		{"long", "POST /in/a HTTP/1.1\nHost: h\nContent-Length: 200000\n\n" + strings.Repeat("x", 200000), strings.Repeat("x", 200000)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := dial(t, addr)
			c.send(tc.send)
			res, body := c.answer()
			if res.StatusCode != http.StatusAccepted || !strings.Contains(body, tc.want) {
				t.Errorf("answer is %d %.300s, want %.300s", res.StatusCode, body, tc.want)
			}
			if res.ContentLength != int64(len(body)) || len(res.Header["X-Two"]) != 2 || res.Header.Get("Server") != "" {
				t.Errorf("answer's length is %d and headers %v, want %d, both X-Two and no Server", res.ContentLength, res.Header, len(body))
			}
		})
	}
}

func TestServer_OneConnectionTakesManyRequests(t *testing.T) {
	t.Parallel()
	addr, _ := start(t, nil)
	c := dial(t, addr)
	const one = "POST /in/a HTTP/1.1\nHost: h\nContent-Length: 2\n\n%d!"
	c.send(fmt.Sprintf(one, 1) + fmt.Sprintf(one, 2)) // at once
	c.send(fmt.Sprintf(one, 3))
	for i := 1; i <= 3; i++ {
		if _, body := c.answer(); !strings.Contains(body, fmt.Sprintf("%d!", i)) {
			t.Errorf("answer %d is %s", i, body)
		}
	}
}

func TestServer_ExpectContinue(t *testing.T) {
	t.Parallel()
	addr, _ := start(t, nil)
	c := dial(t, addr)
	c.send("POST /in/a HTTP/1.1\nHost: h\nExpect: 100-continue\nContent-Length: 3\n\n")
	if line, _ := c.r.ReadString('\n'); !strings.Contains(line, "100") {
		t.Fatalf("first line is %q, want 100 Continue", line)
	}
	_, _ = c.r.ReadString('\n')
	c.send("abc")
	if _, body := c.answer(); !strings.Contains(body, `"abc"`) {
		t.Errorf("answer is %s", body)
	}
}

func TestServer_BodyThatEndsEarlyIsAnError(t *testing.T) {
	t.Parallel()
	addr, _ := start(t, nil)
	c := dial(t, addr)
	c.send("POST /in/a HTTP/1.1\nHost: h\nContent-Length: 10\n\nabc")
	if err := c.Conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if _, body := c.answer(); !strings.Contains(body, `"abc" err=unexpected EOF`) {
		t.Errorf("answer is %s, want that the body ended early", body)
	}
}

func TestServer_UnreadBody(t *testing.T) {
	t.Parallel()
	addr, _ := start(t, nil)
	t.Run("short is thrown away", func(t *testing.T) {
		t.Parallel()
		c := dial(t, addr)
		c.send("POST /in/a HTTP/1.1\nHost: h\nX-Unread: 1\nContent-Length: 100000\n\n" + strings.Repeat("x", 100000))
		if res, body := c.answer(); body != "unread" || res.Close {
			t.Errorf("answer is %s, close %v", body, res.Close)
		}
		c.send("POST /in/a HTTP/1.1\nHost: h\nContent-Length: 3\n\nabc")
		if _, body := c.answer(); !strings.Contains(body, `"abc"`) {
			t.Errorf("next answer is %s", body)
		}
	})
	t.Run("long costs the connection", func(t *testing.T) {
		t.Parallel()
		c := dial(t, addr)
		c.send("POST /in/a HTTP/1.1\nHost: h\nX-Unread: 1\nContent-Length: 900000\n\n" + strings.Repeat("x", 300000))
		if res, body := c.answer(); body != "unread" || !res.Close {
			t.Errorf("answer is %s, close %v; want close", body, res.Close)
		}
	})
}

func TestServer_WhatIsNoRequest(t *testing.T) {
	t.Parallel()
	addr, _ := start(t, nil)
	for _, tc := range []struct {
		name, send string
		want       int
	}{
		{"garbage", "\x16\x03\x01\x02\x00\x01\x00\n\n", http.StatusBadRequest},
		{"headers too large", "POST /in/a HTTP/1.1\nHost: h\nX: " + strings.Repeat("x", 20000) + "\n\n", http.StatusRequestHeaderFieldsTooLarge},
		{"two lengths", "POST /in/a HTTP/1.1\nHost: h\nContent-Length: 3\nContent-Length: 4\n\nabcd", http.StatusBadRequest},
		{"unknown coding", "POST /in/a HTTP/1.1\nHost: h\nTransfer-Encoding: gzip\n\nx", http.StatusBadRequest},
		{"not here", "GET /api/v1/events HTTP/1.1\nHost: h\n\n", http.StatusNotFound},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := dial(t, addr)
			c.send(tc.send)
			res, body := c.answer()
			if res.StatusCode != tc.want || !res.Close {
				t.Errorf("answer is %d %s, close %v; want %d and close", res.StatusCode, body, res.Close, tc.want)
			}
		})
	}
}

func TestServer_HandsOverWhatIsNotForSources(t *testing.T) {
	t.Parallel()
	flushed, gone := make(chan struct{}), make(chan struct{})
	addr, _ := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/stream" {
			_, _ = io.WriteString(w, "first")
			_ = http.NewResponseController(w).Flush()
			close(flushed)
			<-r.Context().Done()
			close(gone)
			return
		}
		b, _ := io.ReadAll(r.Body)
		_, _ = fmt.Fprintf(w, "%s %s %s %s %q %v", r.Method, r.Host, r.RequestURI, r.Header.Get("X-A"), b, r.RemoteAddr != "")
	}))
	t.Run("one connection for both", func(t *testing.T) {
		t.Parallel()
		c := dial(t, addr)
		c.send("POST /in/a HTTP/1.1\nHost: h\nContent-Length: 3\n\nabc")
		if _, body := c.answer(); !strings.Contains(body, `"abc"`) {
			t.Errorf("source answers %s", body)
		}
		// Two at once: what follows the request that is handed over must not be lost.
		c.send("POST /api/x?y=1 HTTP/1.1\nHost: h\nX-A: v\nContent-Length: 3\n\ndefGET /api/z HTTP/1.1\nHost: h\n\n")
		if _, body := c.answer(); body != `POST h /api/x?y=1 v "def" true` {
			t.Errorf("API answers %s", body)
		}
		if _, body := c.answer(); body != `GET h /api/z  "" true` {
			t.Errorf("API answers %s", body)
		}
		c.send("POST /in/a HTTP/1.1\nHost: h\nContent-Length: 0\n\n")
		if _, body := c.answer(); body != "net/http /in/a" {
			t.Errorf("after that a source answers %s", body)
		}
	})
	t.Run("chunked", func(t *testing.T) {
		t.Parallel()
		c := dial(t, addr)
		c.send("POST /api/x HTTP/1.1\nHost: h\nTransfer-Encoding: chunked\n\n3\ndef\n0\n\n")
		if _, body := c.answer(); body != `POST h /api/x  "def" true` {
			t.Errorf("API answers %s", body)
		}
	})
	t.Run("stream", func(t *testing.T) {
		t.Parallel()
		c := dial(t, addr)
		c.send("GET /stream HTTP/1.1\nHost: h\n\n")
		<-flushed
		if res, err := http.ReadResponse(c.r, nil); err != nil || res.StatusCode != http.StatusOK {
			t.Fatalf("stream answers %v, %v", res, err)
		}
		_ = c.Close()
		select {
		case <-gone:
		case <-time.After(10 * time.Second):
			t.Error("the handler does not learn that its caller left")
		}
	})
}

func TestServer_ShutdownCutsWhatDoesNotEnd(t *testing.T) {
	t.Parallel()
	addr, stop := start(t, nil)
	idle, drips := dial(t, addr), dial(t, addr)
	idle.send("POST /in/a HTTP/1.1\nHost: h\nContent-Length: 0\n\n")
	idle.answer()
	drips.send("POST /in/a HTTP/1.1\nHost: h\nContent-Length: 10\n\nabc")
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := stop(ctx); err != nil {
		t.Error(err)
	}
	for name, c := range map[string]*conn{"idle": idle, "drips": drips} {
		if _, err := io.Copy(io.Discard, c.r); err != nil && !bytes.Contains([]byte(err.Error()), []byte("reset")) {
			t.Errorf("%s connection is still open: %v", name, err)
		}
	}
}

// A connection that was made ahead and on which nothing was ever said, as pools
// and health checks leave them, was waited for until the time to stop was up.
func TestServer_ShutdownDoesNotWaitForSilence(t *testing.T) {
	t.Parallel()
	addr, stop := start(t, nil)
	silent, busy := dial(t, addr), dial(t, addr)
	busy.send("POST /in/a HTTP/1.1\nHost: h\nContent-Length: 3\n\n") // accepted after the silent one
	busy.send("abc")
	busy.answer()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	begin := time.Now()
	if err := stop(ctx); err != nil {
		t.Error(err)
	}
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("Shutdown took %s", took)
	}
	if _, err := io.Copy(io.Discard, silent.r); err != nil && !bytes.Contains([]byte(err.Error()), []byte("reset")) {
		t.Errorf("the silent connection is still open: %v", err)
	}
}

func TestServer_SeesThatACallerLeft(t *testing.T) {
	t.Parallel()
	addr, _ := start(t, nil)
	c := dial(t, addr)
	c.send("POST /in/a HTTP/1.1\nHost: h\nX-Wait: left\nContent-Length: 0\n\n")
	var gone any
	for begin := time.Now(); gone == nil; gone, _ = waits.Load("left") {
		if time.Since(begin) > 10*time.Second {
			t.Fatal("the request did not arrive")
		}
		<-time.After(time.Millisecond)
	}
	_ = c.Close()
	if !<-gone.(chan bool) {
		t.Error("the caller left and is not seen to")
	}
}

// Who is refused in the middle of a long body reads the answer late. Stopping cut
// the connection under it, and the answer was lost.
func TestServer_ShutdownLeavesTimeToReadTheAnswer(t *testing.T) {
	t.Parallel()
	addr, stop := start(t, echo{})
	c := dial(t, addr)
	c.send("POST /in/a HTTP/1.1\nHost: h\nX-Unread: 1\nContent-Length: 1000000000\n\n" + strings.Repeat("x", 300<<10))
	if _, err := c.r.Peek(1); err != nil { // the answer is there, and the end comes after it
		t.Fatal(err)
	}
	stopped := make(chan error, 1)
	go func() { stopped <- stop(t.Context()) }()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for range 40 {
		<-tick.C
		c.send("more")
	}
	if res, body := c.answer(); res.StatusCode != http.StatusRequestEntityTooLarge || body != "unread" {
		t.Errorf("answer is %d %q", res.StatusCode, body)
	}
	_ = c.Close()
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}
