package front

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"

	"github.com/valyala/fasthttp"

	"github.com/imhook/imhook/dialect"
)

const plainText = "text/plain; charset=utf-8"

// handOver gives the connection to net/http, with the request that was read
// already in front of what follows. The API's live streams and large answers need
// more than the callbacks' engine gives.
func (s *Server) handOver(ctx *fasthttp.RequestCtx) {
	if s.others == nil {
		answer(ctx, dialect.Response{
			Status: http.StatusNotFound, ContentType: plainText,
			Body: []byte("callbacks go to POST /in/{source}; the API has an address of its own\n"),
		})
		ctx.SetConnectionClose()
		return
	}
	again, err := written(ctx)
	if err != nil {
		status := http.StatusBadRequest
		if errors.Is(err, errTooLarge) {
			status = http.StatusRequestEntityTooLarge
		}
		answer(ctx, dialect.Response{Status: status, ContentType: plainText, Body: []byte(err.Error() + "\n")})
		ctx.SetConnectionClose()
		return
	}
	ctx.HijackSetNoResponse(true)
	ctx.Hijack(func(c net.Conn) { s.handed.give(&handed{Conn: c, again: again}) })
}

var errTooLarge = fmt.Errorf("body is larger than %d bytes", maxAPIBody)

// written is the request as it came, but for its framing: a chunked body has a
// length now.
func written(ctx *fasthttp.RequestCtx) (*bytes.Reader, error) {
	b := newBody(ctx)
	sent, err := io.ReadAll(io.LimitReader(&b, maxAPIBody+1))
	switch {
	case err != nil:
		return nil, errors.New("the body ended early")
	case len(sent) > maxAPIBody:
		return nil, errTooLarge
	}
	h := header(&ctx.Request.Header)
	h.Del("Transfer-Encoding")
	h.Del("Expect")
	h.Del("Content-Length")
	if len(sent) > 0 {
		h.Set("Content-Length", strconv.Itoa(len(sent)))
	}
	var out bytes.Buffer
	_, _ = fmt.Fprintf(&out, "%s %s %s\r\n", ctx.Method(), ctx.Request.Header.RequestURI(), ctx.Request.Header.Protocol())
	if err := h.Write(&out); err != nil { // a Buffer takes everything
		return nil, err
	}
	_, _ = out.WriteString("\r\n")
	_, _ = out.Write(sent)
	return bytes.NewReader(out.Bytes()), nil
}

// handed is a connection with a request that was read from it in front.
type handed struct {
	net.Conn
	again *bytes.Reader
}

func (c *handed) Read(p []byte) (int, error) {
	if c.again.Len() > 0 {
		return c.again.Read(p)
	}
	return c.Conn.Read(p)
}

// handover is the listener that net/http serves.
type handover struct {
	addr  net.Addr
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newHandover(addr net.Addr) *handover {
	return &handover{addr: addr, conns: make(chan net.Conn), done: make(chan struct{})}
}

// give passes a connection on, or closes it when nobody takes any more.
func (l *handover) give(c net.Conn) {
	select {
	case l.conns <- c:
	case <-l.done:
		_ = c.Close()
	}
}

// Accept waits for the next connection.
func (l *handover) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

// Close ends Accept.
func (l *handover) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

// Addr is where the connections came in.
func (l *handover) Addr() net.Addr { return l.addr }
