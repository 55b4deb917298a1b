package send

import (
	"bufio"
	"io"
	"net"
	"testing"
)

// TestPool_AfterAnUpgradeTheConnectionIsNotUsedAgain: it speaks another protocol
// from then on.
func TestPool_AfterAnUpgradeTheConnectionIsNotUsedAgain(t *testing.T) {
	t.Parallel()
	u := rawServer(t, func(n int, c net.Conn) {
		br := bufio.NewReader(c)
		if _, err := readRequest(br); err != nil {
			return
		}
		if n > 0 {
			_, _ = io.WriteString(c, "HTTP/1.1 204 No Content\r\n\r\n")
			return
		}
		_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n")
		if _, err := readRequest(br); err == nil {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		}
	})
	p := poolTo(t, u, 1)
	if status, _, err := post(t.Context(), p, u, "x"); status != 101 || err != nil {
		t.Fatalf("first: %d %v", status, err)
	}
	if status, _, err := post(t.Context(), p, u, "y"); status != 204 || err != nil {
		t.Errorf("second: %d %v, want 204 of a new connection", status, err)
	}
}
