package send

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/imhook/imhook/internal/gateway"
)

// TestSend_AnswerBeforeTheBodyIsReadCounts: an endpoint that does not take a body of
// this length says so at once and reads no further, but closes nothing either.
func TestSend_AnswerBeforeTheBodyIsReadCounts(t *testing.T) {
	t.Parallel()
	over := make(chan struct{})
	defer close(over)
	addr := tcpServer(t, func(c net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReader(c)); err != nil {
			t.Error(err)
		}
		_, _ = io.WriteString(c, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 5\r\n\r\nlarge")
		<-over
	})
	cfg := config("http://" + addr)
	cfg.Timeout = time.Second
	ev := raw("ours", "{}")
	ev.Raw.Body = bytes.Repeat([]byte("x"), 32<<20)
	out := newSender(t, cfg).Send(t.Context(), ev, 0)
	if out.Kind != gateway.Refused || out.Status != http.StatusRequestEntityTooLarge {
		t.Fatalf("outcome = %+v, want refused with 413", out)
	}
	if out.Exchange == nil || !strings.Contains(out.Exchange.Response, "large") {
		t.Errorf("exchange = %+v, want the answer in it", out.Exchange)
	}
}
