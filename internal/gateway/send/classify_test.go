package send

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/imhook/imhook/internal/egress"
	"github.com/imhook/imhook/internal/gateway"
)

func TestSend_ClassifiesStatus(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		status int
		kind   gateway.OutcomeKind
		reason gateway.Reason
		pause  bool
	}{
		{200, gateway.Delivered, gateway.ReasonNone, false},
		{204, gateway.Delivered, gateway.ReasonNone, false},
		{299, gateway.Delivered, gateway.ReasonNone, false},
		{300, gateway.Refused, gateway.ReasonRedirect, false},
		{304, gateway.Refused, gateway.ReasonRedirect, false},
		{400, gateway.Refused, gateway.ReasonStatus4xx, false},
		{401, gateway.Refused, gateway.ReasonStatus4xx, false},
		{404, gateway.Refused, gateway.ReasonStatus4xx, false},
		{408, gateway.Retry, gateway.ReasonStatus4xx, false},
		{410, gateway.Retry, gateway.ReasonGone, true},
		{425, gateway.Retry, gateway.ReasonStatus4xx, false},
		{429, gateway.Retry, gateway.ReasonThrottled, false},
		{499, gateway.Refused, gateway.ReasonStatus4xx, false},
		{500, gateway.Retry, gateway.ReasonStatus5xx, false},
		{503, gateway.Retry, gateway.ReasonStatus5xx, false},
		{599, gateway.Retry, gateway.ReasonStatus5xx, false},
	} {
		b := newBackend(t, status(tt.status))
		out := newSender(t, config(b.URL)).Send(t.Context(), raw("ours", `{}`), 0)
		if out.Kind != tt.kind || out.Reason != tt.reason || out.Pause != tt.pause || out.Status != tt.status {
			t.Errorf("%d: outcome = %+v, want %s/%s pause %v", tt.status, out, tt.kind, tt.reason, tt.pause)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		header string
		want   time.Duration
	}{
		{"", 0},
		{"0", 0},
		{"-5", 0},
		{"7", 7 * time.Second},
		{"99999999999999", time.Hour},
		{"99999999999999999999999999", time.Hour},
		{"-9223372037", 0},
		{"-9223372036854775808", 0},
		{"-99999999999999999999999999", 0},
		{"Fri, 20 Nov 2026 08:00:30 GMT", 30 * time.Second},
		{"Fri, 20 Nov 2026 07:00:00 GMT", 0},
		{"Fri, 20 Nov 2027 08:00:00 GMT", time.Hour},
		{"soon", 0},
	} {
		if got := retryAfter(tt.header, now); got != tt.want {
			t.Errorf("retryAfter(%q) = %v, want %v", tt.header, got, tt.want)
		}
	}
}

func TestSend_HonoursRetryAfter(t *testing.T) {
	t.Parallel()
	for code, want := range map[int]time.Duration{429: 7 * time.Second, 503: 7 * time.Second, 410: 0, 400: 0} {
		b := newBackend(t, func(_ int, w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(code)
		})
		out := newSender(t, config(b.URL)).Send(t.Context(), raw("ours", `{}`), 0)
		if out.RetryAfter != want {
			t.Errorf("%d: RetryAfter = %v, want %v", code, out.RetryAfter, want)
		}
	}
}

// raw TCP servers that break in different ways.
func tcpServer(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { _ = l.Close(); <-done })
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			serve(c)
			_ = c.Close()
		}
	}()
	return l.Addr().String()
}

func TestSend_ClassifiesTheNetwork(t *testing.T) {
	t.Parallel()
	closed := tcpServer(t, func(net.Conn) {})
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refusing := nobody.Addr().String()
	_ = nobody.Close()
	garbage := tcpServer(t, func(c net.Conn) {
		_, _ = c.Read(make([]byte, 1024))
		_, _ = io.WriteString(c, "SSH-2.0-OpenSSH\r\n")
	})
	halfAnswer := tcpServer(t, func(c net.Conn) {
		_, _ = c.Read(make([]byte, 4096))
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
	})
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	secure.Config.ErrorLog = nil
	t.Cleanup(secure.Close)

	for _, tt := range []struct {
		name   string
		url    string
		change func(*Config)
		kind   gateway.OutcomeKind
		reason gateway.Reason
	}{
		{"nobody listens", "http://" + refusing, nil, gateway.Retry, gateway.ReasonConnect},
		{"closed without an answer", "http://" + closed, nil, gateway.Retry, gateway.ReasonReset},
		{"not HTTP", "http://" + garbage, nil, gateway.Retry, gateway.ReasonReset},
		{"half an answer that is judged", "http://" + halfAnswer, func(c *Config) { c.OnRefusal = RefusalPark }, gateway.Retry, gateway.ReasonReset},
		{"half an answer that is not", "http://" + halfAnswer, nil, gateway.Delivered, gateway.ReasonReset},
		{"HTTP on an https URL", strings.Replace(plain.URL, "http:", "https:", 1), nil, gateway.Retry, gateway.ReasonTLS},
		{"unknown authority", secure.URL, nil, gateway.Retry, gateway.ReasonTLS},
		{"known authority", secure.URL, func(c *Config) {
			c.TLS = fixed(&tls.Config{RootCAs: secure.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs})
		}, gateway.Refused, gateway.ReasonStatus4xx},
		{"no such name", "http://no-such-host.invalid", func(c *Config) { c.Timeout = 20 * time.Second }, gateway.Retry, gateway.ReasonDNS},
		{"metadata", "http://169.254.169.254/latest", nil, gateway.Misconfigured, gateway.ReasonEgress},
		{"loopback where private is not allowed", plain.URL, func(c *Config) { c.Egress = egress.Policy{} }, gateway.Misconfigured, gateway.ReasonEgress},
		{"loopback by name", strings.Replace(plain.URL, "127.0.0.1", "localhost", 1), func(c *Config) { c.Egress = egress.Policy{} }, gateway.Misconfigured, gateway.ReasonEgress},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cfg := config(tt.url)
			if tt.change != nil {
				tt.change(&cfg)
			}
			out := newSender(t, cfg).Send(t.Context(), raw("ours", `{}`), 0)
			if out.Kind != tt.kind || out.Reason != tt.reason {
				t.Errorf("outcome = %+v, want %s/%s", out, tt.kind, tt.reason)
			}
			if tt.kind != gateway.Delivered && (out.Exchange == nil || out.Detail == "") {
				t.Errorf("outcome = %+v, want detail and exchange", out)
			}
		})
	}
}

func TestClassifyError_BlockedWinsOverCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if c := classifyError(ctx, egress.ErrBlocked); c.kind != gateway.Misconfigured {
		t.Errorf("class = %+v, want misconfigured", c)
	}
}

// fixed is a TLS configuration that does not change.
func fixed(c *tls.Config) func() (*tls.Config, error) {
	return func() (*tls.Config, error) { return c, nil }
}
