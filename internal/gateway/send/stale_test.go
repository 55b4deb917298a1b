package send

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync/atomic"
	"testing"

	"github.com/imhook/imhook/internal/egress"
)

// TestPool_WhatCameToAnIdleConnectionIsNoAnswer: servers write to idle
// connections (408 of a proxy, the rest of a split answer); taking that for the
// answer to the next request would lose its event.
func TestPool_WhatCameToAnIdleConnectionIsNoAnswer(t *testing.T) {
	t.Parallel()
	more, wrote := make(chan struct{}), make(chan struct{})
	serve := func(n int, c net.Conn) {
		br := bufio.NewReader(c)
		if _, err := readRequest(br); err != nil {
			return
		}
		if n > 0 {
			_, _ = io.WriteString(c, "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")
			return
		}
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		<-more
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nstale")
		close(wrote)
		_, _ = readRequest(br)
	}
	u := rawServer(t, serve)
	p := poolTo(t, u, 1)
	if status, got, err := post(t.Context(), p, u, "x"); status != 200 || got != "ok" || err != nil {
		t.Fatalf("first: %d %q %v", status, got, err)
	}
	close(more)
	<-wrote
	if status, got, err := post(t.Context(), p, u, "y"); status != 503 || err != nil {
		t.Errorf("second: %d %q %v, want the 503 that answers it", status, got, err)
	}
}

// TestPool_WhatCameEncryptedIsNoAnswer: the surplus is inside the TLS layer's own
// buffer, behind the answer's last byte.
func TestPool_WhatCameEncryptedIsNoAnswer(t *testing.T) {
	t.Parallel()
	certs := httptest.NewUnstartedServer(nil)
	certs.StartTLS()
	t.Cleanup(certs.Close)
	u := rawServer(t, func(n int, c net.Conn) {
		tc := tls.Server(&gathered{Conn: c}, &tls.Config{Certificates: certs.TLS.Certificates, MinVersion: tls.VersionTLS12})
		br := bufio.NewReader(tc)
		if _, err := readRequest(br); err != nil {
			return
		}
		if n > 0 {
			_, _ = io.WriteString(tc, "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")
			_ = tc.NetConn().(*gathered).flush()
			return
		}
		g := tc.NetConn().(*gathered)
		g.hold = true // both records leave in one write
		_, _ = io.WriteString(tc, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		_, _ = io.WriteString(tc, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nstale")
		_ = g.flush()
		_, _ = readRequest(br)
	})
	u.Scheme = "https"
	p := newTransport(Config{
		Concurrency: 1, Egress: egress.Policy{AllowPrivate: true},
		TLS: fixed(&tls.Config{InsecureSkipVerify: true}), //nolint:gosec // the certificate is not what is tested
	}, u)
	t.Cleanup(p.CloseIdleConnections)
	if status, got, err := post(t.Context(), p, u, "x"); status != 200 || got != "ok" || err != nil {
		t.Fatalf("first: %d %q %v", status, got, err)
	}
	if status, got, err := post(t.Context(), p, u, "y"); status != 503 || err != nil {
		t.Errorf("second: %d %q %v, want the 503 that answers it", status, got, err)
	}
}

// gathered holds writes back until flush.
type gathered struct {
	net.Conn
	hold bool
	b    []byte
}

func (g *gathered) Write(b []byte) (int, error) {
	if !g.hold {
		return g.Conn.Write(b)
	}
	g.b = append(g.b, b...)
	return len(b), nil
}

func (g *gathered) flush() error {
	g.hold = false
	_, err := g.Conn.Write(g.b)
	g.b = nil
	return err
}

// TestPool_EncryptedConnectionIsUsedAgain: looking for surplus must not spoil one
// that has none.
func TestPool_EncryptedConnectionIsUsedAgain(t *testing.T) {
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
	srv.StartTLS()
	t.Cleanup(srv.Close)
	u, err := url.Parse(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(srv.Certificate())
	p := newTransport(Config{Concurrency: 1, Egress: egress.Policy{AllowPrivate: true}, TLS: fixed(&tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12})}, u)
	t.Cleanup(p.CloseIdleConnections)
	for _, body := range []string{"one", "two", "three"} {
		if status, got, err := post(t.Context(), p, u, body); status != 200 || got != body || err != nil {
			t.Errorf("%s: %d %q %v", body, status, got, err)
		}
	}
	if n := conns.Load(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
}
