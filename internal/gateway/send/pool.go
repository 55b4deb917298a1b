package send

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

// pool is the HTTP/1.1 connections of one endpoint. It does what net/http's
// Transport does for the one thing that is needed here, a POST with a known
// length to one host, in the caller's goroutine: Transport hands every request
// and every answer to two goroutines of the connection, which costs about twice
// what the exchange itself costs (BenchmarkRoundTrip). Heads and bodies of
// answers are read by net/http.
//
// It is safe for concurrent use.
type pool struct {
	// dial opens a connection, TLS included.
	dial func(ctx context.Context) (net.Conn, error)
	// slots bounds the connections.
	slots chan struct{}

	// mu guards the following.
	mu     sync.Mutex
	idle   []*conn // used last is used first
	reaper *time.Timer
	closed bool // nothing is kept any more
}

// Buffer sizes of a connection: a usual answer fits, a usual request as well.
const (
	readBuffer = 4 << 10
	// maxKeptBuffer is the largest request whose buffer is kept.
	maxKeptBuffer = 64 << 10
	// maxOneWrite is the largest body that goes out with its head in one write; a
	// larger one, which takes several packets anyway, is not copied behind it.
	maxOneWrite = 16 << 10
	// lastLook is for reading what has come already when the request could not be
	// written in time.
	lastLook = 250 * time.Millisecond
)

// conn is one connection. It belongs to one exchange at a time.
type conn struct {
	net.Conn
	br *bufio.Reader
	// head bounds what the head of an answer may take.
	head    *io.LimitedReader
	in      *remembering
	buf     []byte
	since   time.Time // idle since
	surplus surplus
}

func newPool(size int, dial func(context.Context) (net.Conn, error)) *pool {
	return &pool{dial: dial, slots: make(chan struct{}, size)}
}

// until is when an exchange ends.
type until struct {
	time.Time
	// strict makes it end then whatever happens: somebody waits for what comes of it.
	// Otherwise what was said already to a request that could not be written is still
	// looked at.
	strict bool
}

// past makes every read and write under way return.
var past = time.Unix(1, 0)

// RoundTrip makes one exchange until the deadline, or until the request's context
// ends, which covers reading the answer's body as well. The body must be closed;
// when it was read to its end before, the connection is used again.
//
// The deadline is the connection's own and not the context's: a timer and a
// context for each exchange cost more than the rest of the bookkeeping.
func (p *pool) RoundTrip(req *http.Request, deadline until) (*http.Response, error) {
	ctx := req.Context()
	if err := p.enter(ctx, deadline.Time); err != nil {
		return nil, err
	}
	var wire []byte // the request as it goes out
	for {
		c, reused := p.take()
		if reused && !c.quiet(deadline.Time) {
			_ = c.Close()
			continue
		}
		if c == nil {
			var err error
			if c, err = p.open(ctx, deadline.Time); err != nil {
				<-p.slots
				return nil, err
			}
		}
		if wire == nil {
			var err error
			if wire, err = appendRequest(c.buf[:0], req); err != nil {
				_ = c.Close()
				<-p.slots
				return nil, err
			}
		}
		res, silent, err := p.exchange(ctx, deadline, c, req, wire)
		if cap(wire) <= maxKeptBuffer {
			c.buf = wire
		}
		if err == nil {
			return res, nil
		}
		_ = c.Close()
		if !reused || !silent || ctx.Err() != nil {
			<-p.slots
			return nil, err
		}
		// The other side closed an idle connection. The other idle ones are likely
		// closed as well, but each try takes one off the list, so this ends at a
		// new one.
	}
}

// enter takes a slot.
func (p *pool) enter(ctx context.Context, deadline time.Time) error {
	select {
	case p.slots <- struct{}{}:
		return nil
	default:
	}
	waiting, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	select {
	case p.slots <- struct{}{}:
		return nil
	case <-waiting.Done():
		return context.Cause(waiting)
	}
}

func (p *pool) open(ctx context.Context, deadline time.Time) (*conn, error) {
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	nc, err := p.dial(ctx)
	if err != nil {
		return nil, err
	}
	in := &remembering{Reader: nc}
	head := &io.LimitedReader{R: in}
	c := &conn{Conn: nc, head: head, in: in, br: bufio.NewReaderSize(head, readBuffer)}
	c.surplus.init(nc)
	return c, nil
}

// exchange writes the request and reads the head of the answer. silent is true
// when the connection ended without a byte of an answer.
func (p *pool) exchange(ctx context.Context, deadline until, c *conn, req *http.Request, wire []byte) (res *http.Response, silent bool, err error) {
	if err := c.SetDeadline(deadline.Time); err != nil {
		return nil, true, err
	}
	stop := onTime
	if ctx.Done() != nil {
		stop = context.AfterFunc(ctx, func() { _ = c.SetDeadline(past) })
	}
	defer func() {
		if err != nil {
			stop()
			if ctx.Err() != nil {
				err = context.Cause(ctx)
			}
		}
	}()
	_, werr := c.Write(wire)
	if werr == nil && req.ContentLength > maxOneWrite {
		werr = c.writeBody(req)
	}
	// An endpoint may answer before it has read everything (413), and close or read
	// no further: what it said counts more than that the rest could not be written.
	if werr != nil && isTimeout(werr) && ctx.Err() == nil && !deadline.strict {
		if err := c.SetReadDeadline(time.Now().Add(lastLook)); err != nil {
			return nil, false, errors.Join(werr, err)
		}
	}
	c.head.N, c.in.err = maxResponseHeader, nil
	if _, err := c.br.Peek(1); err != nil {
		return nil, !isTimeout(err), errors.Join(werr, err)
	}
	if res, err = readHead(c, req); err != nil {
		return nil, false, err
	}
	c.head.N = math.MaxInt64 // the body is bounded by who reads it
	// After 101 the connection speaks another protocol.
	reuse := !res.Close && werr == nil && res.StatusCode != http.StatusSwitchingProtocols
	res.Body = &answerBody{ReadCloser: res.Body, ctx: ctx, p: p, c: c, stop: stop, reuse: reuse}
	return res, false, nil
}

// onTime is the stop of a context that never ends.
func onTime() bool { return true }

// writeBody writes a body that did not go with the head.
func (c *conn) writeBody(req *http.Request) error {
	body, err := req.GetBody()
	if err != nil {
		return fmt.Errorf("reading the request's body: %w", err)
	}
	_, err = io.Copy(c.Conn, body)
	return err
}

// remembering remembers why reading failed last.
type remembering struct {
	io.Reader
	err error
}

// Read reads.
func (r *remembering) Read(b []byte) (int, error) {
	n, err := r.Reader.Read(b)
	if err != nil {
		r.err = err
	}
	return n, err
}

// readHead reads the head of the final answer; interim answers are skipped.
func readHead(c *conn, req *http.Request) (*http.Response, error) {
	for {
		res, err := http.ReadResponse(c.br, req)
		if err != nil {
			switch {
			case c.head.N <= 0:
				err = errors.New("head of the answer is too large")
			case c.in.err != nil && isTimeout(c.in.err):
				// Of a head that drips the library says that what there is so far is malformed.
				err = c.in.err
			}
			return nil, err
		}
		if res.StatusCode >= 200 || res.StatusCode == http.StatusSwitchingProtocols {
			return res, nil
		}
	}
}

// appendRequest writes the request line, the headers and, unless it is large, the
// body. The headers' values were checked when the request was built.
func appendRequest(b []byte, req *http.Request) ([]byte, error) {
	b = append(b, "POST "...)
	if req.RequestURI != "" {
		b = append(b, req.RequestURI...)
	} else {
		b = append(b, req.URL.RequestURI()...)
	}
	b = append(b, " HTTP/1.1\r\nHost: "...)
	b = append(b, req.Host...)
	b = append(b, "\r\n"...)
	for k, vs := range req.Header {
		for _, v := range vs {
			b = append(b, k...)
			b = append(b, ": "...)
			b = append(b, v...)
			b = append(b, "\r\n"...)
		}
	}
	b = append(b, "Content-Length: "...)
	b = strconv.AppendInt(b, req.ContentLength, 10)
	b = append(b, "\r\n\r\n"...)
	if req.ContentLength > maxOneWrite {
		return b, nil
	}
	n, length := len(b), int(req.ContentLength)
	b = slices.Grow(b, length)[:n+length]
	if _, err := io.ReadFull(req.Body, b[n:]); err != nil {
		return nil, fmt.Errorf("reading the request's body: %w", err)
	}
	return b, nil
}

// answerBody gives the connection back when it is closed.
type answerBody struct {
	io.ReadCloser
	ctx   context.Context //nolint:containedctx // the exchange lasts until the body is closed
	p     *pool
	c     *conn
	stop  func() bool
	reuse bool
	ended bool
	done  bool
}

// Read reads the answer's body.
func (b *answerBody) Read(buf []byte) (int, error) {
	n, err := b.ReadCloser.Read(buf)
	switch {
	case errors.Is(err, io.EOF):
		b.ended = true
	case err != nil && b.ctx.Err() != nil:
		err = context.Cause(b.ctx)
	}
	return n, err
}

// Close ends the exchange.
func (b *answerBody) Close() error {
	if b.done {
		return nil
	}
	b.done = true
	// When the deadline has struck already, the connection is spoiled.
	whole := b.stop() && b.reuse && (b.ended || b.ReadCloser == http.NoBody)
	if whole && b.c.br.Buffered() == 0 {
		b.p.put(b.c)
	} else {
		_ = b.c.Close()
	}
	<-b.p.slots
	return nil
}

// take returns the connection that was used last, or nil.
func (p *pool) take() (c *conn, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.idle)
	if n == 0 {
		return nil, false
	}
	c = p.idle[n-1]
	p.idle[n-1] = nil
	p.idle = p.idle[:n-1]
	return c, true
}

// put keeps a connection for the next exchange.
func (p *pool) put(c *conn) {
	c.since = time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		_ = c.Close()
		return
	}
	p.idle = append(p.idle, c)
	if p.reaper == nil {
		p.reaper = time.AfterFunc(idleTimeout, p.reap)
	}
}

// reap closes connections that were idle for too long. It comes again while
// there are any.
func (p *pool) reap() {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	n := 0
	for n < len(p.idle) && now.Sub(p.idle[n].since) >= idleTimeout {
		_ = p.idle[n].Close()
		n++
	}
	p.idle = append(p.idle[:0], p.idle[n:]...)
	if len(p.idle) == 0 {
		p.reaper = nil
		return
	}
	p.reaper.Reset(idleTimeout - now.Sub(p.idle[0].since))
}

// close closes what is idle, and what becomes idle from now on as soon as its
// exchange ends.
func (p *pool) close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.CloseIdleConnections()
}

// CloseIdleConnections closes what is idle; exchanges under way are not
// disturbed.
func (p *pool) CloseIdleConnections() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.idle {
		_ = c.Close()
	}
	p.idle = nil
	if p.reaper != nil {
		p.reaper.Stop()
		p.reaper = nil
	}
}
