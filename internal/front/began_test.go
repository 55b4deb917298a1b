package front_test

import (
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/internal/front"
	"github.com/imhook/imhook/internal/gateway/receive"
)

// clock tells when requests began.
type clock chan time.Time

func (c clock) Serve(r *receive.Request) dialect.Response {
	_, _ = io.Copy(io.Discard, r.Body)
	c <- r.Began
	return dialect.Response{Status: http.StatusOK}
}

func (c clock) ServeHTTP(http.ResponseWriter, *http.Request) {}

// A server's patience begins with its first byte, not with the last one of its head,
// and a connection that rested in between says nothing about it.
func TestServer_SaysWhenTheFirstByteCame(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	began := make(clock, 4)
	s := front.New(front.Config{In: began})
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	t.Cleanup(func() {
		if err := s.Shutdown(t.Context()); err != nil && t.Context().Err() == nil {
			t.Error(err)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	c := dial(t, l.Addr().String())
	const head, rest, body = "POST /in/a HTTP/1.1\nHost: h\n", "Content-Length: 2\n\na", "b"
	for k := range 3 {
		before := time.Now()
		c.send(head)
		<-time.After(100 * time.Millisecond)
		late := time.Now()
		c.send(rest)
		<-time.After(50 * time.Millisecond)
		c.send(body)
		c.answer()
		if at := <-began; at.Before(before) || !at.Before(late) {
			t.Errorf("request %d began %v after its first byte was sent, want less than %v", k, at.Sub(before), late.Sub(before))
		}
		<-time.After(50 * time.Millisecond) // what came last must not count for the next one
	}
	// An end of line behind a body belongs to no request: it may be long before the
	// next one.
	c.send(head + rest + body)
	c.answer()
	<-began
	c.send("\n")
	<-time.After(200 * time.Millisecond)
	before := time.Now()
	c.send(head + rest + body)
	c.answer()
	if at := <-began; at.Before(before) {
		t.Errorf("a request began %v before it was sent", before.Sub(at))
	}
	// Of one that came together with the one before, nothing is known.
	c.send(head + rest + body + head + rest + body)
	c.answer()
	c.answer()
	if first, second := <-began, <-began; first.IsZero() || !second.IsZero() {
		t.Errorf("two in one piece began at %v and %v", first, second)
	}
}
