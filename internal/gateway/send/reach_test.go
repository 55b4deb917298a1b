package send

import (
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/imhook/imhook/internal/egress"
	"github.com/imhook/imhook/internal/gateway"
)

// TestReach: what an attempt would fail with before its first byte is told without one.
func TestReach(t *testing.T) {
	t.Parallel()
	b := newBackend(t, nil)
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	// Connections are taken by the system, and nobody begins TLS on them.
	mute, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = mute.Close() })
	for _, tt := range []struct {
		name, url string
		change    func(*Config)
		kind      gateway.OutcomeKind
		reason    gateway.Reason
	}{
		{"there", b.URL, nil, gateway.Delivered, gateway.ReasonNone},
		{"nobody listens", gone.URL, nil, gateway.Retry, gateway.ReasonConnect},
		{"no TLS there", "https" + b.URL[len("http"):], nil, gateway.Retry, gateway.ReasonTLS},
		{"not permitted", byName(t, b.URL), func(c *Config) { c.Egress = egress.ForAPI(nil) }, gateway.Misconfigured, gateway.ReasonEgress},
		{"silent", "https://" + mute.Addr().String(), func(c *Config) { c.Timeout = 50 * time.Millisecond }, gateway.Retry, gateway.ReasonTimeout},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cfg := config(tt.url)
			if tt.change != nil {
				tt.change(&cfg)
			}
			out := newSender(t, cfg).Reach(t.Context())
			if out.Kind != tt.kind || out.Reason != tt.reason {
				t.Errorf("Reach = %+v, want %s, %s", out, tt.kind, tt.reason)
			}
			if (out.Detail == "") != (tt.kind == gateway.Delivered) || out.Took <= 0 {
				t.Errorf("Reach = %+v, want a detail when it fails, and how long it took", out)
			}
		})
	}
	t.Cleanup(func() {
		if n := len(b.requests()); n != 0 {
			t.Errorf("the backend got %d requests, want none", n)
		}
	})
}
