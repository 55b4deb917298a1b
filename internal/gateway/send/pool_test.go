package send

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/imhook/imhook/internal/egress"
)

// rawServer answers each connection with serve, until the test ends.
func rawServer(tb testing.TB, serve func(n int, c net.Conn)) *url.URL {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for n := 0; ; n++ {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				serve(n, c)
			}()
		}
	}()
	tb.Cleanup(func() {
		_ = l.Close()
		<-done
	})
	return &url.URL{Scheme: "http", Host: l.Addr().String()}
}

func poolTo(tb testing.TB, u *url.URL, size int) *pool {
	tb.Helper()
	cfg := Config{Concurrency: size, Egress: egress.Policy{AllowPrivate: true}}
	p := newTransport(cfg, u)
	tb.Cleanup(p.CloseIdleConnections)
	return p
}

func post(ctx context.Context, p *pool, u *url.URL, body string) (status int, answer string, err error) {
	req := newTemplate(u).WithContext(ctx)
	req.URL, req.Header = u, http.Header{"Content-Type": {"text/plain"}}
	setBody(req, []byte(body))
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Now().Add(time.Minute)
	}
	res, err := p.RoundTrip(req, until{Time: deadline})
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return res.StatusCode, string(b), err
}

// readRequest takes one request off a connection.
func readRequest(br *bufio.Reader) (string, error) {
	req, err := http.ReadRequest(br)
	if err != nil {
		return "", err
	}
	b, err := io.ReadAll(req.Body)
	return string(b), err
}

func TestPool_UsesAConnectionAgain(t *testing.T) {
	t.Parallel()
	var conns atomic.Int32
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(w, r.Body)
	}))
	srv.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			conns.Add(1)
		}
	}
	srv.Start()
	t.Cleanup(srv.Close)
	u, err := url.Parse(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	p := poolTo(t, u, 2)
	for _, body := range []string{"", "one", strings.Repeat("long ", 100_000)} {
		if status, got, err := post(t.Context(), p, u, body); status != 200 || got != body || err != nil {
			t.Errorf("posting %d bytes: %d, %d bytes, %v", len(body), status, len(got), err)
		}
	}
	if n := conns.Load(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
}

func TestPool_RepeatsOnANewConnectionWhenTheIdleOneWasClosed(t *testing.T) {
	t.Parallel()
	u := rawServer(t, func(_ int, c net.Conn) {
		// One answer per connection, without saying that it closes.
		if body, err := readRequest(bufio.NewReader(c)); err == nil {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"+body)
		}
	})
	p := poolTo(t, u, 1)
	for _, body := range []string{"aa", "bb", "cc"} {
		if status, got, err := post(t.Context(), p, u, body); status != 200 || got != body || err != nil {
			t.Errorf("%s: %d %q %v", body, status, got, err)
		}
	}
}

func TestPool_NewConnectionThatSaysNothingIsAnError(t *testing.T) {
	t.Parallel()
	var conns atomic.Int32
	u := rawServer(t, func(_ int, c net.Conn) {
		conns.Add(1)
		_, _ = readRequest(bufio.NewReader(c))
	})
	p := poolTo(t, u, 1)
	if _, _, err := post(t.Context(), p, u, "x"); !errors.Is(err, io.EOF) {
		t.Errorf("error is %v, want an unexpected end", err)
	}
	if n := conns.Load(); n != 1 {
		t.Errorf("the request was made %d times, want once: a new connection is not repeated", n)
	}
}

func TestPool_InterimAnswersAreSkipped(t *testing.T) {
	t.Parallel()
	u := rawServer(t, func(_ int, c net.Conn) {
		br := bufio.NewReader(c)
		for {
			if _, err := readRequest(br); err != nil {
				return
			}
			_, _ = io.WriteString(c, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n")
		}
	})
	p := poolTo(t, u, 1)
	for range 2 {
		if status, _, err := post(t.Context(), p, u, "x"); status != 204 || err != nil {
			t.Errorf("%d %v, want 204", status, err)
		}
	}
}

func TestPool_AnswerWithMoreThanItSaysIsNotTakenForTheNextOne(t *testing.T) {
	t.Parallel()
	u := rawServer(t, func(n int, c net.Conn) {
		if _, err := readRequest(bufio.NewReader(c)); err == nil && n == 0 {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")
		} else if err == nil {
			_, _ = io.WriteString(c, "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")
		}
	})
	p := poolTo(t, u, 1)
	if status, _, err := post(t.Context(), p, u, "x"); status != 200 || err != nil {
		t.Fatalf("first: %d %v", status, err)
	}
	if status, _, err := post(t.Context(), p, u, "x"); status != 201 || err != nil {
		t.Errorf("second: %d %v, want 201 of a new connection", status, err)
	}
}

func TestPool_EndlessHeadIsRefused(t *testing.T) {
	t.Parallel()
	u := rawServer(t, func(_ int, c net.Conn) {
		_, _ = readRequest(bufio.NewReader(c))
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n")
		line := []byte("X-Filler: " + strings.Repeat("x", 1000) + "\r\n")
		for {
			if _, err := c.Write(line); err != nil {
				return
			}
		}
	})
	p := poolTo(t, u, 1)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, _, err := post(ctx, p, u, "x"); err == nil || isTimeout(err) {
		t.Errorf("error is %v, want that the head is too large", err)
	}
}

func TestPool_NeverMoreConnectionsThanItsSize(t *testing.T) {
	t.Parallel()
	var now, most atomic.Int32
	release := make(chan struct{})
	u := rawServer(t, func(_ int, c net.Conn) {
		n := now.Add(1)
		defer now.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		br := bufio.NewReader(c)
		for {
			if _, err := readRequest(br); err != nil {
				return
			}
			<-release
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		}
	})
	p := poolTo(t, u, 3)
	errs := make(chan error, 20)
	for range cap(errs) {
		go func() {
			_, _, err := post(t.Context(), p, u, "x")
			errs <- err
		}()
	}
	close(release)
	for range cap(errs) {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if m := most.Load(); m > 3 {
		t.Errorf("%d connections at once, want at most 3", m)
	}
}

func TestPool_WaitingForASlotEndsWithTheContext(t *testing.T) {
	t.Parallel()
	hold := make(chan struct{})
	u := rawServer(t, func(_ int, c net.Conn) {
		_, _ = readRequest(bufio.NewReader(c))
		<-hold
	})
	p := poolTo(t, u, 1)
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan error, 1)
	go func() {
		_, _, err := post(ctx, p, u, "x")
		first <- err
	}()
	short, done := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer done()
	for len(p.slots) == 0 { // until the first has its slot
		select {
		case <-short.Done():
		default:
		}
	}
	if _, _, err := post(short, p, u, "x"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("waiting ended with %v, want the deadline", err)
	}
	cancel()
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled exchange ended with %v", err)
	}
	close(hold)
}

// BenchmarkRoundTrip is why the pool exists: the same POST of 1 KiB through it
// and through net/http's Transport, 32 at a time, to a server that does the
// least.
func BenchmarkRoundTrip(b *testing.B) {
	answer := []byte("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok")
	u := rawServer(b, func(_ int, c net.Conn) {
		br := bufio.NewReaderSize(c, 8<<10)
		for {
			for {
				line, err := br.ReadSlice('\n')
				if err != nil {
					return
				}
				if len(line) <= 2 {
					break
				}
			}
			if _, err := br.Discard(1024); err != nil {
				return
			}
			if _, err := c.Write(answer); err != nil {
				return
			}
		}
	})
	body := bytes.Repeat([]byte("x"), 1024)
	request := func(ctx context.Context) *http.Request {
		req := newTemplate(u).WithContext(ctx)
		req.URL, req.Header = u, http.Header{"Content-Type": {"text/plain"}, "User-Agent": {"b"}}
		setBody(req, body)
		return req
	}
	run := func(b *testing.B, exchange func() (*http.Response, error)) {
		b.Helper()
		b.ReportAllocs()
		b.SetParallelism(16)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				res, err := exchange()
				if err != nil {
					b.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, res.Body)
				_ = res.Body.Close()
			}
		})
	}
	b.Run("pool", func(b *testing.B) {
		p := poolTo(b, u, 64)
		run(b, func() (*http.Response, error) {
			return p.RoundTrip(request(b.Context()), until{Time: time.Now().Add(5 * time.Second)})
		})
	})
	b.Run("net-http", func(b *testing.B) {
		c := &http.Client{
			Timeout:   5 * time.Second,
			Transport: &http.Transport{MaxConnsPerHost: 64, MaxIdleConnsPerHost: 64, DisableCompression: true},
		}
		b.Cleanup(c.CloseIdleConnections)
		run(b, func() (*http.Response, error) { return c.Do(request(b.Context())) })
	})
}

func TestPool_KeepsNoConnectionAfterClose(t *testing.T) {
	// It would stand open until it was idle for long, with nobody to use it.
	t.Parallel()
	arrived, answer := make(chan struct{}), make(chan struct{})
	ended := make(chan error, 1)
	u := rawServer(t, func(_ int, c net.Conn) {
		br := bufio.NewReader(c)
		req, err := http.ReadRequest(br)
		if err != nil {
			ended <- err
			return
		}
		_, _ = io.Copy(io.Discard, req.Body)
		close(arrived)
		<-answer
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
		_, err = br.ReadByte()
		ended <- err
	})
	p := poolTo(t, u, 1)
	go func() {
		<-arrived
		p.close()
		close(answer)
	}()
	if status, _, err := post(t.Context(), p, u, "x"); err != nil || status != http.StatusOK {
		t.Fatalf("%d, %v; want the exchange under way to end well", status, err)
	}
	if err := <-ended; !errors.Is(err, io.EOF) {
		t.Errorf("the server reads %v, want the end: nothing is kept after close", err)
	}
}
