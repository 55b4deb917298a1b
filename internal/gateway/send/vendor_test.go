package send

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/internal/gateway"
)

// What is success is the vendor's to say.
func TestSend_AnswersAreTakenAsTheVendorDoes(t *testing.T) {
	t.Parallel()
	picky := &dialect.Delivery{Vendor: "Picky", OnlyOK: true, JSON: true, MaxAnswer: 12}
	blind := &dialect.Delivery{Vendor: "Blind"}
	answer := func(status int, body string) func(int, http.ResponseWriter, *http.Request) {
		return func(_ int, w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "60")
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		}
	}
	for name, test := range map[string]struct {
		vendor *dialect.Delivery
		hand   func(int, http.ResponseWriter, *http.Request)
		kind   gateway.OutcomeKind
		reason gateway.Reason
		says   string
	}{
		"200 with JSON":       {picky, answer(200, `{"a":1}`), gateway.Delivered, "", ""},
		"201":                 {picky, answer(201, `{}`), gateway.Refused, gateway.ReasonVendor, "answered 201 Created, and Picky takes 200 alone for success"},
		"no JSON":             {picky, answer(200, "ok"), gateway.Refused, gateway.ReasonVendor, "the answer is not JSON"},
		"nothing":             {picky, answer(200, ""), gateway.Refused, gateway.ReasonVendor, "the answer is not JSON"},
		"as many as may be":   {picky, answer(200, `"长长长长长长长长长长"`), gateway.Delivered, "", ""},
		"too long":            {picky, answer(200, `"0123456789!"`), gateway.Delivered, gateway.ReasonTooLarge, "longer than 12 characters"},
		"gone pauses nothing": {picky, answer(410, ""), gateway.Retry, gateway.ReasonGone, "answered 410"},
		"throttled":           {picky, answer(429, ""), gateway.Retry, gateway.ReasonThrottled, "answered 429"},
		"broken off": {picky, func(_ int, w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte("{"))
		}, gateway.Retry, gateway.ReasonReset, "reading the answer"},
		"blind: 204":        {blind, answer(204, ""), gateway.Delivered, "", ""},
		"blind: no JSON":    {blind, answer(200, "whatever, at whatever length"), gateway.Delivered, "", ""},
		"blind: a refusal":  {blind, answer(200, "no, never"), gateway.Delivered, gateway.ReasonRefused, "no, never"},
		"blind: 500":        {blind, answer(500, ""), gateway.Retry, gateway.ReasonStatus5xx, "answered 500"},
		"blind: broken off": {blind, func(_ int, w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "9") }, gateway.Delivered, gateway.ReasonReset, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBackend(t, test.hand)
			cfg := config(b.URL)
			cfg.Vendor = test.vendor
			out := newSender(t, cfg).Send(t.Context(), raw("ours", `{"text":"hi"}`), 0)
			if out.Kind != test.kind || out.Reason != test.reason || !strings.Contains(out.Detail, test.says) {
				t.Errorf("outcome = %+v, want %s %q: %s", out, test.kind, test.reason, test.says)
			}
			if out.Pause || out.RetryAfter != 0 {
				t.Errorf("outcome = %+v: no vendor is asked to wait", out)
			}
			if (out.Kind == gateway.Delivered) != (out.Exchange == nil) {
				t.Errorf("exchange = %+v", out.Exchange)
			}
		})
	}
}

// A time-out is the vendor's.
func TestSend_VendorsTimeout(t *testing.T) {
	t.Parallel()
	done := make(chan struct{})
	b := newBackend(t, func(_ int, w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		<-done
	})
	t.Cleanup(func() { close(done) })
	cfg := config(b.URL)
	cfg.Vendor, cfg.Timeout = &dialect.Delivery{Vendor: "Picky", OnlyOK: true}, 50*time.Millisecond
	out := newSender(t, cfg).Send(t.Context(), raw("ours", `{"text":"hi"}`), 0)
	if out.Kind != gateway.Retry || out.Reason != gateway.ReasonTimeout {
		t.Errorf("outcome = %+v, want a time-out: the answer never ends", out)
	}
}
