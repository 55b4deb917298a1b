package receive

import (
	"context"
	"io"
	"net/http"
	"time"
)

// Request is one HTTP request, whatever engine read it.
type Request struct {
	// Context ends when the caller leaves, where the engine sees that.
	Context context.Context //nolint:containedctx // a request's own, as in net/http
	Method  string
	// Path is the URL's path, still escaped; Query what follows '?'.
	Path  string
	Query string
	// Header has canonical keys. It and its strings stay valid after the answer.
	Header http.Header
	// Length is how many bytes Body holds, -1 when that is not announced.
	Length int64
	Body   io.Reader
	// Began is when the first byte of it came; the zero time means now.
	Began time.Time
	// Peer is the caller's host:port.
	Peer string
	// Conn is what it came on; nil when nothing is known of it.
	Conn Conn
}

// Conn is what is asked of the connection that a request came on.
type Conn interface {
	// SetReadDeadline bounds the reading of the body; the zero time lifts the bound.
	SetReadDeadline(t time.Time) error
	// Gone reports whether the caller has left; asked once, after the work.
	Gone() bool
}

// ServeHTTP is [Handler.Serve] for net/http.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	res := h.Serve(&Request{
		Context: r.Context(), Method: r.Method, Path: r.URL.EscapedPath(), Query: r.URL.RawQuery,
		Header: r.Header, Length: r.ContentLength, Body: r.Body, Peer: r.RemoteAddr,
		Conn: httpConn{http.NewResponseController(w), r.Context()},
	})
	write(w, res)
}

// httpConn is a connection of net/http's server.
type httpConn struct {
	*http.ResponseController
	ctx context.Context //nolint:containedctx // the request's
}

func (c httpConn) Gone() bool { return c.ctx.Err() != nil }
