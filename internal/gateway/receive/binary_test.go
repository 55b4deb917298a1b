package receive

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/cloudevents"
)

// TestServeHTTP_BinaryModeIsNotReplayedAsAnotherEvent: what kind of event it is
// stands in headers there, which the signature does not cover.
func TestServeHTTP_BinaryModeIsNotReplayedAsAnotherEvent(t *testing.T) {
	t.Parallel()
	d := cloudevents.New()
	src := builtinSource(d)
	r := newRig(t, func(c *Config) { c.Sources = []Source{src} })
	req := dialect.Request{ContentType: "application/json", Body: []byte(`{"actor":{"id":"u1"},"group":{"id":"g1"}}`)}
	if err := d.Sign(&req, src.Credentials, "call-1", now); err != nil {
		t.Fatal(err)
	}
	send := func(id, kind string) int {
		hr := httptest.NewRequest(http.MethodPost, "/in/src", bytes.NewReader(req.Body))
		hr.Header = req.Header.Clone()
		for k, v := range map[string]string{
			"Content-Type": req.ContentType, "Ce-Specversion": "1.0", "Ce-Source": "/shop", "Ce-Id": id, "Ce-Type": kind,
		} {
			hr.Header.Set(k, v)
		}
		w := httptest.NewRecorder()
		r.ServeHTTP(w, hr)
		return w.Code
	}
	if code := send("1", "im.group.mute"); code != http.StatusOK {
		t.Fatalf("first = %d, want 200", code)
	}
	if code := send("1", "im.group.mute"); code != http.StatusOK {
		t.Errorf("the sender's retry = %d, want 200", code)
	}
	if code := send("2", "im.group.destroy"); code != http.StatusUnauthorized {
		t.Errorf("the same signature for another event = %d, want 401", code)
	}
}
