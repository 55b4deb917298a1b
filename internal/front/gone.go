package front

import (
	"crypto/tls"
	"net"
	"syscall"
	"time"
)

// patience is how long the shortest-tempered vendor's server waits; before that no
// caller leaves, and looking costs a system call.
const patience = 150 * time.Millisecond

// left reports whether the other side closed the connection; false where that
// cannot be seen.
func left(c net.Conn) bool {
	if tc, ok := c.(*trackedConn); ok {
		c = tc.Conn
	}
	if tc, ok := c.(*tls.Conn); ok {
		c = tc.NetConn()
	}
	sc, ok := c.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return false
	}
	gone := false
	err = raw.Read(func(fd uintptr) bool {
		gone = atEnd(fd)
		return true
	})
	return err != nil || gone
}
