package receive

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/internal/gateway"
)

// These go over real connections.

// dialStream begins a request of lines whose body comes in chunks.
func dialStream(t *testing.T, srv *httptest.Server) net.Conn {
	t.Helper()
	return dialStreamTo(t, srv, "/in/lines")
}

func dialStreamTo(t *testing.T, srv *httptest.Server, path string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	if _, err := fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nTransfer-Encoding: chunked\r\n\r\n", path, ndjson); err != nil {
		t.Fatal(err)
	}
	return conn
}

func chunk(t *testing.T, conn net.Conn, text string) {
	t.Helper()
	if _, err := fmt.Fprintf(conn, "%x\r\n%s\r\n", len(text), text); err != nil {
		t.Fatal(err)
	}
}

// await asks until ok.
func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.NewTimer(20 * time.Second)
	defer deadline.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

func readAnswer(t *testing.T, conn net.Conn) (status int, body string) {
	t.Helper()
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

func TestStream_GoClientSendsALongOneInChunks(t *testing.T) {
	t.Parallel()
	r := newBulkRig(t, nil)
	srv := r.serve(t)
	const n = 10_000
	for _, want := range []string{"accepted", "duplicate"} { // the connection can be used again
		res, err := srv.Client().Post(srv.URL+"/in/lines", ndjson, io.MultiReader(strings.NewReader(numbered(0, n))))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		if err = errors.Join(err, res.Body.Close()); err != nil {
			t.Fatal(err)
		}
		if res.StatusCode != http.StatusOK || res.ContentLength != int64(len(body)) || !strings.HasPrefix(string(body), fmt.Sprintf(`{"line":1,"to":%d,"result":"%s"}`, n, want)) {
			t.Errorf("answer = %d %s", res.StatusCode, body)
		}
	}
	if diff := cmp.Diff(wantIDs(0, n), r.keptIDs()); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
}

// Lines are kept as they come, not when the stream ends.
func TestStream_LinesAreKeptAsTheyCome(t *testing.T) {
	t.Parallel()
	r := newBulkRig(t, nil)
	conn := dialStream(t, r.serve(t))
	for i := range 3 {
		chunk(t, conn, ce(fmt.Sprintf("e%05d", i))+"\n"+`{"half`) // and the rest of it with the next
		await(t, "the line is kept", func() bool { return len(r.keptIDs()) == i+1 })
		chunk(t, conn, `":1`+"\n")
	}
	if _, err := io.WriteString(conn, "0\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if status, body := readAnswer(t, conn); status != 200 || summaryOf(t, body) != (summary{Lines: 6, Accepted: 3, Refused: 3}) {
		t.Errorf("answer = %d %s", status, body)
	}
}

func TestStream_ConnectionCutInTheMiddleKeepsWhatCame(t *testing.T) {
	t.Parallel()
	r := newBulkRig(t, nil)
	done := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		defer close(done)
		r.ServeHTTP(w, req)
	}))
	t.Cleanup(srv.Close)
	conn := dialStream(t, srv)
	// The last line has no end: that it reads as a whole one says nothing.
	chunk(t, conn, numbered(0, 100)+"7")
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	<-done
	if diff := cmp.Diff(wantIDs(0, 100), r.keptIDs()); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
	if n := r.counter(t, "imhook_rejected_total", "source", "lines", "reason", "client_gone"); n != 1 {
		t.Errorf("rejected for client_gone = %v, want 1", n)
	}
}

func TestStream_HalfClosedInTheMiddleIsTold(t *testing.T) {
	t.Parallel()
	r := newBulkRig(t, nil)
	conn := dialStream(t, r.serve(t))
	chunk(t, conn, numbered(0, 100)+"7")
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	status, body := readAnswer(t, conn)
	if s := summaryOf(t, body); status != 400 || s.Accepted != 100 || s.Resume != 101 || s.Error.Message != "the body ended early" {
		t.Errorf("answer = %d %s", status, body)
	}
}

func TestStream_SlowButSteadyIsTakenAndDrippingIsCut(t *testing.T) {
	t.Parallel()
	const patience = time.Second
	r := newBulkRig(t, func(c *Config) { c.LineTimeout = patience })
	srv := httptest.NewUnstartedServer(r)
	srv.Config.ReadTimeout = patience // of the whole request, were it not a stream
	srv.Start()
	t.Cleanup(srv.Close)
	conn := dialStream(t, srv)
	tick := time.NewTicker(patience / 10)
	defer tick.Stop()
	n := 0
	for begin := time.Now(); time.Since(begin) < 3*patience/2; <-tick.C {
		n++
		chunk(t, conn, numbered(n, 1))
	}
	// From here on there are bytes, and never a line.
	cut := make(chan struct{})
	defer close(cut)
	go func() {
		for {
			select {
			case <-tick.C:
				_, _ = io.WriteString(conn, "1\r\n \r\n")
			case <-cut:
				return
			}
		}
	}()
	begin := time.Now()
	status, body := readAnswer(t, conn)
	if s := summaryOf(t, body); status != 408 || s.Accepted != n || s.Resume != n+1 {
		t.Errorf("answer = %d %s, want %d accepted", status, body, n)
	}
	// Up to the bound of draining there is some patience with those that still send.
	if took := time.Since(begin); took > patience+drainTime+5*time.Second {
		t.Errorf("it was cut after %v", took)
	}
}

// Some clients read nothing before they have sent everything. They must get the
// answer that comes early, and not a broken connection.
func TestStream_ClientThatSendsEverythingFirstGetsTheAnswer(t *testing.T) {
	t.Parallel()
	j := &failing{memory: newMemory(), with: gateway.ErrFull}
	j.left.Store(1)
	r := newBulkRig(t, func(c *Config) { c.Journal = j })
	conn := dialStream(t, r.serve(t))
	text := numbered(0, 1000)
	for range 100 { // some MiB more than any buffer on the way
		chunk(t, conn, text)
	}
	if _, err := io.WriteString(conn, "0\r\n\r\n"); err != nil {
		t.Fatalf("sending: %v", err)
	}
	status, body := readAnswer(t, conn)
	if s := summaryOf(t, body); status != 503 || s.Resume < 2 || s.Resume != s.Lines+1 {
		t.Errorf("answer = %d %s", status, body)
	}
}

func TestStream_GoClientGetsTheEarlyAnswer(t *testing.T) {
	t.Parallel()
	var res *http.Response
	var err error
	// net/http's server closes half a second after the answer, whether its sender has
	// read it or not: one that gets no turn for so long sees a broken connection.
	for range 10 {
		j := &failing{memory: newMemory(), with: gateway.ErrFull}
		j.left.Store(1)
		srv := newBulkRig(t, func(c *Config) { c.Journal = j }).serve(t)
		res, err = srv.Client().Post(srv.URL+"/in/lines", ndjson, endless(numbered(0, 1000), 1<<40))
		if err == nil {
			break
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	if err = errors.Join(err, res.Body.Close()); err != nil {
		t.Fatal(err)
	}
	if s := summaryOf(t, string(body)); res.StatusCode != http.StatusServiceUnavailable || s.Resume < 2 {
		t.Errorf("answer = %d %s", res.StatusCode, body)
	}
}

func TestDrain_EndsStreamsWithAnAnswer(t *testing.T) {
	t.Parallel()
	r := newBulkRig(t, nil)
	srv := r.serve(t)
	conn := dialStream(t, srv)
	chunk(t, conn, numbered(0, 10))
	await(t, "the lines are kept", func() bool { return len(r.keptIDs()) == 10 })
	busy := make(chan string, 1) // a stream that never waits for a line
	go func() {
		res, err := srv.Client().Post(srv.URL+"/in/lines", ndjson, endless(numbered(0, 1000), 1<<40))
		if err != nil {
			busy <- err.Error()
			return
		}
		defer res.Body.Close()
		body, _ := io.ReadAll(res.Body)
		busy <- fmt.Sprint(res.StatusCode, " ", string(body))
	}()
	await(t, "the other stream runs", func() bool { return len(r.keptIDs()) > 500 })
	r.Drain()
	r.Drain()
	status, body := readAnswer(t, conn)
	if s := summaryOf(t, body); status != 503 || s.Resume != 11 || s.Error.Message != "the gateway is stopping" {
		t.Errorf("answer = %d %s", status, body)
	}
	// A sender that gets no turn for half a second after the answer sees the connection
	// reset instead of it, as above; it must not go on.
	if s := <-busy; !strings.Contains(s, "connection reset") && (!strings.HasPrefix(s, "503 ") || !strings.Contains(s, `"resume":`)) {
		t.Errorf("the busy one: %.300s", s)
	}
	if w := r.post("/in/lines", ce("late"), "Content-Type", "application/json"); w.Code != 200 {
		t.Errorf("a single event while draining = %d %s", w.Code, w.Body)
	}
	conn = dialStream(t, srv)
	chunk(t, conn, numbered(5000, 1))
	if status, body := readAnswer(t, conn); status != 503 || strings.Contains(body, "resume") {
		t.Errorf("a new stream while draining = %d %s", status, body)
	}
}

func TestStream_SignedThatDripsIsCut(t *testing.T) {
	t.Parallel()
	r := newBulkRig(t, func(c *Config) { c.LineTimeout = 300 * time.Millisecond })
	srv := r.serve(t)
	pr, pw := io.Pipe()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	go func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			if _, err := io.WriteString(pw, "7\n"); err != nil {
				return
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	}()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, srv.URL+"/in/signed", pr)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", ndjson)
	res, err := srv.Client().Do(req)
	_ = pr.Close()
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusRequestTimeout {
		t.Errorf("status = %d, want 408", res.StatusCode)
	}
}
