package front

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// tracked is a listener that knows its open connections, so that those can be cut
// which do not end by themselves.
type tracked struct {
	net.Listener
	log   *slog.Logger
	close func() error
	// lingering counts the connections whose last answer may not be read yet.
	lingering sync.WaitGroup
	mu        sync.Mutex
	conns     map[*trackedConn]struct{}
}

func track(l net.Listener, log *slog.Logger) *tracked {
	return &tracked{Listener: l, log: log, close: sync.OnceValue(l.Close), conns: map[*trackedConn]struct{}{}}
}

// Close ends Accept. It may be called more than once: the engine takes the failure
// of a second time for one of its own to end what is under way.
func (t *tracked) Close() error { return t.close() }

// How long accepting rests after a failure that passes, at first and at most.
const (
	firstRest = 5 * time.Millisecond
	maxRest   = time.Second
)

// Accept waits for the next connection. It tries again when the system has no
// room for one: fasthttp takes that for the listener's end.
func (t *tracked) Accept() (net.Conn, error) {
	for wait := firstRest; ; wait = min(2*wait, maxRest) {
		c, err := t.Listener.Accept()
		if err == nil {
			return t.add(c), nil
		}
		passing, ok := errors.AsType[interface {
			error
			Temporary() bool
		}](err)
		if !ok || !passing.Temporary() {
			return nil, err
		}
		if wait == firstRest {
			t.log.Warn("a connection could not be accepted, trying again", "err", err)
		}
		<-time.After(wait)
	}
}

func (t *tracked) add(c net.Conn) *trackedConn {
	tc := &trackedConn{Conn: c, in: t}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.conns[tc] = struct{}{}
	return tc
}

// cut closes every connection that is open.
func (t *tracked) cut() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for c := range t.conns {
		_ = c.Conn.Close()
	}
}

// cutSilent closes the connections on which nothing was said yet.
func (t *tracked) cutSilent() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for c := range t.conns {
		if !c.heard.Load() {
			_ = c.Conn.Close()
		}
	}
}

type trackedConn struct {
	net.Conn
	in *tracked
	// heard is set once something was read.
	heard atomic.Bool
	// first is when the first byte of a request was read; zero between two requests,
	// and where one came together with the one before. Ends of lines in front of it
	// are not of it: some clients end a body with one, and rest then. It belongs to who
	// reads.
	first time.Time
	// peer is the other side's address in words, once somebody asked.
	peer string
	// ended is set once the other side's end was read.
	ended bool
	// linger is set when the other side may still be sending what nobody reads.
	linger atomic.Bool
}

// lingers makes the connection's end wait for its last answer to be read. Who cuts
// the others waits for it too: the engine counts a connection as gone before it is
// closed.
func (c *trackedConn) lingers() {
	if c.linger.CompareAndSwap(false, true) {
		c.in.lingering.Add(1)
	}
}

// rested returns once no connection lingers any more, or ctx is done.
func (t *tracked) rested(ctx context.Context) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		t.lingering.Wait()
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
}

func (c *trackedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 {
		if !c.heard.Load() {
			c.heard.Store(true)
		}
		if c.first.IsZero() && len(bytes.Trim(p[:n], "\r\n")) > 0 {
			c.first = time.Now()
		}
	}
	if !errors.Is(err, io.EOF) {
		return n, err
	}
	if n > 0 {
		return n, nil // TLS tells both at once; whether more is wanted is not known yet
	}
	c.ended = true
	return 0, err
}

// name is the other side's address. It belongs to who reads.
func (c *trackedConn) name() string {
	if c.peer == "" {
		c.peer = c.RemoteAddr().String()
	}
	return c.peer
}

// lingerTime bounds how long a connection is read from after its last answer.
const lingerTime = 2 * time.Second

// Close closes the connection. Where the other side still sends, closing at once
// would reset the connection, and the answer with it, before it was read.
func (c *trackedConn) Close() error {
	if c.linger.CompareAndSwap(true, false) {
		defer c.in.lingering.Done()
		if w, ok := c.Conn.(interface{ CloseWrite() error }); ok && w.CloseWrite() == nil {
			_ = c.SetReadDeadline(time.Now().Add(lingerTime))
			_, _ = io.Copy(io.Discard, c.Conn)
		}
	}
	c.in.mu.Lock()
	delete(c.in.conns, c)
	c.in.mu.Unlock()
	return c.Conn.Close()
}
