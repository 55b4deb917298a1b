//go:build unix

package send

import (
	"errors"

	"golang.org/x/sys/unix"
)

// readable reports whether a read would return at once: with bytes, the end or an
// error.
func readable(fd uintptr) bool {
	var b [1]byte
	for {
		_, _, err := unix.Recvfrom(int(fd), b[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		return !errors.Is(err, unix.EAGAIN)
	}
}
