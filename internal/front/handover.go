package front

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
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
	again := written(ctx)
	ctx.HijackSetNoResponse(true)
	ctx.Hijack(func(c net.Conn) { s.handed.give(&handed{Conn: c, again: again}) })
}

// written is what of the request was read, as it came: its head, and what the
// engine read ahead of its body. The rest of the body is not waited for, since
// whoever answers may refuse it unread.
func written(ctx *fasthttp.RequestCtx) *bytes.Reader {
	h := header(&ctx.Request.Header)
	h.Del("Expect") // the engine told the caller to go on
	var out bytes.Buffer
	_, _ = fmt.Fprintf(&out, "%s %s %s\r\n", ctx.Method(), ctx.Request.Header.RequestURI(), ctx.Request.Header.Protocol())
	_ = h.Write(&out) // a Buffer takes everything
	_, _ = out.WriteString("\r\n")
	if ctx.Request.Header.ContentLength() > 0 {
		_, _ = io.CopyN(&out, ctx.RequestBodyStream(), aheadBody)
	}
	return bytes.NewReader(out.Bytes())
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
