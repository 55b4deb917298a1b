package front_test

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/imhook/imhook/internal/tlsfile"
	"github.com/imhook/imhook/internal/tlsfile/tlsfiletest"
)

// TestServer_BrokenChunksCostTheConnection: what follows a chunk that cannot be
// read must not be taken for a request.
func TestServer_BrokenChunksCostTheConnection(t *testing.T) {
	t.Parallel()
	addr, _ := start(t, nil)
	for _, chunks := range []string{"2 x0\n\n", "2\nabX\n0\n\n", "Z\n0\n\n", "2\nabcd0\n\n"} {
		t.Run(chunks, func(t *testing.T) {
			t.Parallel()
			c := dial(t, addr)
			c.send("POST /in/a HTTP/1.1\nHost: h\nTransfer-Encoding: chunked\n\n" + chunks + "POST /in/smuggled HTTP/1.1\nHost: h\nContent-Length: 0\n\n")
			if res, body := c.answer(); !res.Close || strings.Contains(body, "err=<nil>") {
				t.Errorf("answer is %s, close %v; want an error and close", body, res.Close)
			}
			if rest, _ := io.ReadAll(c.r); len(rest) > 0 {
				t.Errorf("what follows was answered with %s", rest)
			}
		})
	}
}

func TestServer_ClosesWhenTheCallerWantsIt(t *testing.T) {
	t.Parallel()
	addr, _ := start(t, nil)
	for _, how := range []string{"close", "Close", "TE, close"} {
		c := dial(t, addr)
		c.send("POST /in/a HTTP/1.1\nHost: h\nConnection: " + how + "\nContent-Length: 1\n\na")
		if res, body := c.answer(); !res.Close || !strings.Contains(body, `"a"`) {
			t.Errorf("%s: answer is %s, close %v; want close", how, body, res.Close)
		}
	}
}

// TestServer_HandsOverBodiesUnread: who may not use the API is told so without
// its body being read, or held.
func TestServer_HandsOverBodiesUnread(t *testing.T) {
	t.Parallel()
	addr, _ := start(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }))
	c := dial(t, addr)
	c.send("POST /api/x HTTP/1.1\nHost: h\nContent-Length: 30000000\n\nabc")
	if res, body := c.answer(); res.StatusCode != http.StatusForbidden {
		t.Errorf("answer is %d %s, want that of the handler", res.StatusCode, body)
	}
}

// full is a listener of a process that has no file descriptors left for a while.
type full struct {
	net.Listener
	left atomic.Int32
}

func (l *full) Accept() (net.Conn, error) {
	if l.left.Add(-1) >= 0 {
		return nil, &net.OpError{Op: "accept", Net: "tcp", Err: syscall.EMFILE}
	}
	return l.Listener.Accept()
}

func TestServer_OutlivesALackOfFileDescriptors(t *testing.T) {
	t.Parallel()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	lacking := &full{Listener: l}
	lacking.left.Store(3)
	addr, _ := serve(t, lacking, nil)
	c := dial(t, addr)
	c.send("POST /in/a HTTP/1.1\nHost: h\nContent-Length: 1\n\na")
	if res, body := c.answer(); res.StatusCode != http.StatusAccepted {
		t.Errorf("answer is %d %s", res.StatusCode, body)
	}
}

// gathered holds back what is written until it is let go.
type gathered struct {
	net.Conn
	on  bool
	all []byte
}

func (c *gathered) Write(p []byte) (int, error) {
	if !c.on {
		return c.Conn.Write(p)
	}
	c.all = append(c.all, p...)
	return len(p), nil
}

// TestServer_TLSBodyWithTheEndRightBehind: a caller that sends and hangs up at once
// has sent everything. TLS 1.2 tells the last bytes and the end together.
func TestServer_TLSBodyWithTheEndRightBehind(t *testing.T) {
	t.Parallel()
	ca := tlsfiletest.New(t)
	cert, key := ca.Issue("gateway")
	conf, err := tlsfile.Server{CertFile: cert, KeyFile: key}.Config(nil)
	if err != nil {
		t.Fatal(err)
	}
	trust, err := tlsfile.Client{CAFile: ca.File, ServerName: "localhost"}.Configs(nil)
	if err != nil {
		t.Fatal(err)
	}
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr, _ := serve(t, tls.NewListener(l, conf), nil)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		own, err := trust()
		if err != nil {
			t.Fatal(err)
		}
		own = own.Clone()
		own.MaxVersion = version
		plain := dial(t, addr)
		g := &gathered{Conn: plain.Conn}
		c := tls.Client(g, own)
		if err := c.HandshakeContext(t.Context()); err != nil {
			t.Fatal(err)
		}
		g.on = true
		_, _ = io.WriteString(c, "POST /in/a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n")
		_ = c.CloseWrite()
		_ = plain.SetDeadline(time.Now().Add(10 * time.Second)) // CloseWrite left one in the past
		if _, err := plain.Write(g.all); err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(c)
		if err != nil || !strings.Contains(string(b), `"ab" err=<nil>`) {
			t.Errorf("%s: answer is %s, %v; want the whole body without an error", tls.VersionName(version), b, err)
		}
	}
}
