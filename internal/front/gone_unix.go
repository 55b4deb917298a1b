//go:build unix

package front

import (
	"errors"

	"golang.org/x/sys/unix"
)

// atEnd reports whether a read would find the end or an error.
func atEnd(fd uintptr) bool {
	var b [1]byte
	for {
		n, _, err := unix.Recvfrom(int(fd), b[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
		switch {
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EAGAIN):
			return false
		default:
			return n <= 0
		}
	}
}
