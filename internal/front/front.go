// Package front is the HTTP engine for callbacks: fasthttp reads and answers what
// goes to sources, which costs half of what net/http takes, and a connection that
// asks for anything else is handed to net/http for the rest of its life.
package front

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/internal/gateway/receive"
)

// prefix is what goes to sources.
const prefix = "/in/"

// Bounds of one connection: a caller that drips its headers or body must not hold
// it.
const (
	readTimeout = 30 * time.Second
	idleTimeout = 2 * time.Minute
	// maxHeader bounds request line and headers, in bytes. It is the size of each
	// connection's read buffer too.
	maxHeader = 16 << 10
	// aheadBody is how much of a body that has a length the engine reads before it
	// asks for the answer, in bytes. It takes nothing ahead of one in chunks.
	aheadBody = 1
)

// Receiver takes what goes to sources, from either engine.
type Receiver interface {
	Serve(r *receive.Request) dialect.Response
	http.Handler
}

// Config is what a [Server] is made of.
type Config struct {
	In Receiver
	// Others answers everything else; nil means that there is nothing else here.
	Others http.Handler
	// Log gets what the engines say, at level debug; nil means nowhere.
	Log *slog.Logger
}

// Server serves one listener. Make it with [New].
type Server struct {
	cfg    Config
	fast   *fasthttp.Server
	others *http.Server
	handed *handover
	wg     sync.WaitGroup

	// mu guards the following.
	mu      sync.Mutex
	conns   *tracked
	stopped bool
}

// New returns a server that listens to nothing yet.
func New(cfg Config) *Server {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{cfg: cfg}
	s.fast = &fasthttp.Server{
		Handler: s.handle, ErrorHandler: s.unreadable,
		ReadTimeout: readTimeout, IdleTimeout: idleTimeout, ReadBufferSize: maxHeader,
		// Whoever takes the request reads and bounds the body.
		StreamRequestBody: true, MaxRequestBodySize: aheadBody, DisablePreParseMultipartForm: true,
		NoDefaultServerHeader: true, NoDefaultContentType: true, CloseOnShutdown: true,
		KeepHijackedConns: true, SecureErrorLogMessage: true,
		Logger: quiet{cfg.Log},
	}
	if cfg.Others == nil {
		return s
	}
	s.others = newHTTP(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// A connection that was handed over may turn to a source again.
		if strings.HasPrefix(r.URL.EscapedPath(), prefix) {
			cfg.In.ServeHTTP(w, r)
			return
		}
		cfg.Others.ServeHTTP(w, r)
	}), cfg.Log)
	return s
}

// Serve accepts connections from l until [Server.Shutdown], then returns nil. It
// is called once.
func (s *Server) Serve(l net.Listener) error {
	t := track(l, s.cfg.Log)
	s.mu.Lock()
	stopped := s.stopped
	s.conns = t
	if s.others != nil && !stopped {
		s.handed = newHandover(l.Addr())
		s.wg.Go(func() {
			if err := s.others.Serve(s.handed); !errors.Is(err, http.ErrServerClosed) {
				s.cfg.Log.Debug("serving handed connections", "err", err)
			}
		})
	}
	s.mu.Unlock()
	if stopped {
		return l.Close()
	}
	err := s.fast.Serve(t)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return nil
	}
	return err
}

// silence is how long a connection may say nothing once the server is to stop.
const silence = 200 * time.Millisecond

// Shutdown takes no more connections and lets requests under way end until ctx
// does; then it cuts them short.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.stopped = true
	conns := s.conns
	s.mu.Unlock()
	if conns == nil {
		return nil // Serve finds that it was stopped
	}
	_ = conns.Close()
	// The engine closes the connections that rest between two requests, and waits for
	// those that have not begun their first.
	silent := time.AfterFunc(silence, conns.cutSilent)
	defer silent.Stop()
	if s.fast.ShutdownWithContext(ctx) != nil {
		conns.cut()
	} else {
		conns.rested(ctx)
	}
	if s.others == nil {
		return nil
	}
	var err error
	if s.others.Shutdown(ctx) != nil {
		err = s.others.Close()
	}
	conns.cut()
	s.wg.Wait()
	return err
}

// handle takes one request that fasthttp read.
func (s *Server) handle(ctx *fasthttp.RequestCtx) {
	uri := string(ctx.Request.Header.RequestURI())
	if !strings.HasPrefix(uri, prefix) {
		s.handOver(ctx)
		return
	}
	path, query, _ := strings.Cut(uri, "?")
	c := &call{body: newBody(ctx)}
	c.req = receive.Request{
		Context: context.Background(), Method: method(ctx.Method()), Path: path, Query: query,
		Header: header(&ctx.Request.Header), Length: c.left, Body: &c.body,
		Conn: c,
	}
	tc, tracked := ctx.Conn().(*trackedConn)
	if tracked {
		c.req.Began, c.req.Peer = tc.first, tc.name()
	} else {
		c.req.Peer = ctx.RemoteAddr().String()
	}
	res := s.cfg.In.Serve(&c.req)
	c.rest()
	if tracked {
		tc.first = time.Time{}
	}
	if wantsClose(c.req.Header) {
		ctx.SetConnectionClose()
	}
	answer(ctx, res)
}

// call is one request for a source, in one piece of memory.
type call struct {
	body
	req receive.Request
}

// SetReadDeadline implements [receive.Conn].
func (c *call) SetReadDeadline(t time.Time) error { return c.ctx.Conn().SetReadDeadline(t) }

// Gone implements [receive.Conn].
func (c *call) Gone() bool { return time.Since(c.ctx.Time()) > patience && left(c.ctx.Conn()) }

// method spares the copy of the usual one.
func method(b []byte) string {
	if string(b) == http.MethodPost {
		return http.MethodPost
	}
	return string(b)
}

// header copies the headers out of the connection's buffer.
func header(h *fasthttp.RequestHeader) http.Header {
	all := make(http.Header, 8)
	values := make([]string, 0, 8)
	for k, v := range h.All() {
		key := name(k)
		if old := all[key]; old != nil {
			all[key] = append(old, string(v))
			continue
		}
		values = append(values, string(v))
		all[key] = values[len(values)-1 : len(values) : len(values)]
	}
	return all
}

// name spares the copies of those that every caller sends.
func name(k []byte) string {
	for _, known := range [...]string{"Host", "Content-Type", "Content-Length", "User-Agent", "Accept-Encoding", "Connection"} {
		if string(k) == known {
			return known
		}
	}
	return string(k)
}

// wantsClose reports whether the caller waits for the end of the connection, in
// whatever words: the engine knows "close" alone.
func wantsClose(h http.Header) bool {
	for _, line := range h["Connection"] {
		for option := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(option), "close") {
				return true
			}
		}
	}
	return false
}

// answer writes in one piece, with its length.
func answer(ctx *fasthttp.RequestCtx, res dialect.Response) {
	h := &ctx.Response.Header
	for k, vs := range res.Header {
		for _, v := range vs {
			h.Add(k, v)
		}
	}
	if res.ContentType != "" {
		h.SetContentType(res.ContentType)
	}
	if res.Status != 0 {
		ctx.SetStatusCode(res.Status)
	}
	ctx.Response.SetBodyRaw(res.Body)
}

// unreadable answers what is no HTTP, or is too large or too slow to be a request.
func (s *Server) unreadable(ctx *fasthttp.RequestCtx, err error) {
	status, text := http.StatusBadRequest, "this is no HTTP request"
	var small *fasthttp.ErrSmallBuffer
	var timeout net.Error
	switch {
	case errors.As(err, &small):
		status, text = http.StatusRequestHeaderFieldsTooLarge, fmt.Sprintf("request line and headers are larger than %d bytes", maxHeader)
	case errors.As(err, &timeout) && timeout.Timeout():
		status, text = http.StatusRequestTimeout, "the request did not come in time"
	}
	s.cfg.Log.Debug("request could not be read", "peer", ctx.RemoteAddr(), "err", err)
	answer(ctx, dialect.Response{Status: status, ContentType: plainText, Body: []byte(text + "\n")})
}

// quiet passes on what the engine logs.
type quiet struct{ log *slog.Logger }

func (q quiet) Printf(format string, args ...any) {
	q.log.Debug("http engine", "says", fmt.Sprintf(format, args...))
}
