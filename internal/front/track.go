package front

import (
	"net"
	"sync"
)

// tracked is a listener that knows its open connections, so that those can be cut
// which do not end by themselves.
type tracked struct {
	net.Listener
	mu    sync.Mutex
	conns map[*trackedConn]struct{}
}

func track(l net.Listener) *tracked {
	return &tracked{Listener: l, conns: map[*trackedConn]struct{}{}}
}

// Accept waits for the next connection.
func (t *tracked) Accept() (net.Conn, error) {
	c, err := t.Listener.Accept()
	if err != nil {
		return nil, err
	}
	tc := &trackedConn{Conn: c, in: t}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.conns[tc] = struct{}{}
	return tc, nil
}

// cut closes every connection that is open.
func (t *tracked) cut() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for c := range t.conns {
		_ = c.Conn.Close()
	}
}

type trackedConn struct {
	net.Conn
	in *tracked
}

// Close closes the connection.
func (c *trackedConn) Close() error {
	c.in.mu.Lock()
	delete(c.in.conns, c)
	c.in.mu.Unlock()
	return c.Conn.Close()
}
