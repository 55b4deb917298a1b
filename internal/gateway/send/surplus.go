package send

import (
	"crypto/tls"
	"net"
	"syscall"
	"time"
)

// surplus looks for bytes that came to a connection between two exchanges.
// Servers write to idle connections (the 408 of a proxy), and a broken or hostile
// one answers twice: what is there before a request went out is not the answer to
// it, and a stale 200 would lose the event.
type surplus struct {
	encrypted bool
	// raw is the socket, nil where it cannot be looked at.
	raw syscall.RawConn
	// look is lookInto bound to this, made once; found is what it found.
	look  func(fd uintptr) bool
	found bool
}

func (s *surplus) init(nc net.Conn) {
	if tc, ok := nc.(*tls.Conn); ok {
		s.encrypted, nc = true, tc.NetConn()
	}
	if sc, ok := nc.(syscall.Conn); ok {
		if raw, err := sc.SyscallConn(); err == nil {
			s.raw, s.look = raw, s.lookInto
		}
	}
}

func (s *surplus) lookInto(fd uintptr) bool {
	s.found = readable(fd)
	return true
}

// quiet reports whether an idle connection can take a request, and sets its
// deadline: nothing came to it and the other side did not close it, as far as
// this machine knows.
func (c *conn) quiet(deadline time.Time) bool {
	if c.surplus.encrypted {
		// A record that came together with the answer's last one is in the TLS
		// layer's buffer. With the deadline past, only what is there is read.
		if c.SetReadDeadline(past) != nil {
			return false
		}
		if _, err := c.br.Peek(1); err == nil || !isTimeout(err) {
			return false
		}
	}
	if c.SetDeadline(deadline) != nil {
		return false
	}
	if c.surplus.raw == nil {
		return true
	}
	return c.surplus.raw.Read(c.surplus.look) == nil && !c.surplus.found
}
