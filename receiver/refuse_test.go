package receiver_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/cloudevents"
	"github.com/imhook/imhook/dialect/rongcloud"
	"github.com/imhook/imhook/dialect/tencent"
	"github.com/imhook/imhook/dialect/wildfirechat"
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/receiver"
)

// failing breaks in the middle.
type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("connection reset: 10.0.0.7") }

func TestReceiver_RefusesInTheVendorsForm(t *testing.T) {
	t.Parallel()
	body := func(req dialect.Request, b string) *http.Request {
		req.Body = []byte(b)
		return httpRequest(req)
	}
	for name, tt := range map[string]struct {
		d      dialect.Dialect
		build  func(r *rig) *http.Request
		status int
		result receiver.Result
		say    string
	}{
		"method": {tencent.New(), func(*rig) *http.Request { return httptest.NewRequest(http.MethodGet, "/", nil) }, 405, receiver.RefusedMethod, `"ActionStatus":"FAIL"`},
		"gzip": {cloudevents.New(), func(r *rig) *http.Request {
			hr := httpRequest(r.sample("message.send", 1))
			hr.Header.Set("Content-Encoding", "gzip")
			return hr
		}, 415, receiver.RefusedEncoding, `"error":`},
		"too large": {wildfirechat.New(), func(r *rig) *http.Request {
			return body(r.sample("message", 1), strings.Repeat(" ", 2000))
		}, 413, receiver.RefusedTooLarge, "larger than 1500 bytes"},
		"too large, unannounced": {wildfirechat.New(), func(r *rig) *http.Request {
			hr := httpRequest(r.sample("message", 1))
			hr.Body, hr.ContentLength = io.NopCloser(bytes.NewReader(make([]byte, 2000))), -1
			return hr
		}, 413, receiver.RefusedTooLarge, "larger than 1500 bytes"},
		"broken off": {wildfirechat.New(), func(r *rig) *http.Request {
			hr := httpRequest(r.sample("message", 1))
			hr.Body = io.NopCloser(failing{})
			return hr
		}, 400, receiver.RefusedUnread, "did not arrive whole"},
		"deep": {wildfirechat.New(), func(r *rig) *http.Request {
			return body(r.sample("message", 1), strings.Repeat("[", 100))
		}, 400, receiver.RefusedDepth, "64 levels"},
		"no JSON": {wildfirechat.New(), func(r *rig) *http.Request { return body(r.sample("message", 1), "hello") }, 400, receiver.RefusedDecode, "wildfirechat"},
		"prefix":  {wildfirechat.New(), func(r *rig) *http.Request { return prefixed(r.sample("message", 1), "/im/wfc") }, 404, receiver.RefusedPath, "must be mounted"},
		"unsigned": {cloudevents.New(), func(r *rig) *http.Request {
			hr := httpRequest(r.sample("message.send", 1))
			hr.Header.Del("Webhook-Signature")
			return hr
		}, 401, receiver.RefusedSignature, `"status":401`},
		"another app": {rongcloud.New(), func(r *rig) *http.Request {
			cred := credentials(r.d)
			cred.Public = map[string]string{"app_key": "another"}
			return httpRequest(signed(r.t, r.d, "message_sync", 1, cred))
		}, 401, receiver.RefusedWrongApp, "app"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, tt.d, func(c *receiver.Config) { c.MaxBody = 1500 })
			r.On("**", func(context.Context, *event.Event) error {
				t.Error("a handler was called")
				return nil
			})
			w := r.serve(tt.build(r))
			if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.say) {
				t.Errorf("%d %s, want %d with %q", w.Code, w.Body, tt.status, tt.say)
			}
			if strings.Contains(w.Body.String(), "10.0.0.7") {
				t.Errorf("the answer says too much: %s", w.Body)
			}
			if diff := cmp.Diff([]receiver.Result{tt.result}, r.results()); diff != "" {
				t.Error(diff)
			}
			if !strings.Contains(r.log.String(), "reason="+string(tt.result)) {
				t.Errorf("the log is %s", r.log)
			}
		})
	}
}

func prefixed(req dialect.Request, prefix string) *http.Request {
	req.Path = prefix + req.Path
	return httpRequest(req)
}

func TestReceiver_StaleIsRefusedUnlessNotChecked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for maxAge, want := range map[time.Duration]int{0: 401, -1: 200, time.Hour: 200} {
			r := newRig(t, tencent.New(), func(c *receiver.Config) { c.MaxAge = maxAge })
			req := r.sample("State.StateChange", 1)
			<-time.After(6 * time.Minute)
			if w := r.post(req); w.Code != want {
				t.Errorf("MaxAge %s: %d %s, want %d", maxAge, w.Code, w.Body, want)
			}
		}
	})
}

// RongCloud signs nonce and timestamp and not the body: who saw one request could
// write another.
func TestReceiver_SignatureUsedAgainWithAnotherBodyIsRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t, rongcloud.New(), nil)
	var got recorder
	r.On("**", func(_ context.Context, ev *event.Event) error { got.note(ev); return nil })
	first, other := r.sample("message_sync", 1), r.sample("message_sync", 2)
	if w := r.post(first); w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	other.Query = first.Query
	if w := r.post(other); w.Code != 401 {
		t.Errorf("another body: %d %s", w.Code, w.Body)
	}
	forged := httpRequest(first)
	forged.Header.Set("Imhook-Event-Id", "made-up")
	if w := r.serve(forged); w.Code != 200 {
		t.Errorf("the same body: %d %s", w.Code, w.Body)
	}
	if n := len(got.seen()); n != 1 {
		t.Errorf("handled %d times", n)
	}
	if diff := cmp.Diff([]receiver.Result{receiver.Handled, receiver.RefusedReplayed, receiver.Duplicate}, r.results()); diff != "" {
		t.Error(diff)
	}
}

// broken panics where no handler is involved.
type broken struct {
	dialect.Dialect
	refuses bool
}

func (broken) Decode(*dialect.Request) ([]*event.Event, error) { panic("a defect of ours") }

func (b broken) Refuse(req *dialect.Request, status int, err error) dialect.Response {
	if !b.refuses {
		panic("and another one")
	}
	return b.Dialect.Refuse(req, status, err)
}

func TestReceiver_DefectIsAnswered(t *testing.T) {
	t.Parallel()
	for _, refuses := range []bool{true, false} {
		r := newRig(t, broken{tencent.New(), refuses}, nil)
		w := r.post(signed(t, tencent.New(), "State.StateChange", 1, credentials(r.d)))
		if w.Code != 500 || !strings.Contains(w.Body.String(), "internal error ") || strings.Contains(w.Body.String(), "defect") {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		if strings.Contains(w.Body.String(), "ActionStatus") != refuses {
			t.Errorf("refuses = %v: %s", refuses, w.Body)
		}
		if r.Stats().Results[receiver.RefusedPanic] != 1 || !strings.Contains(r.log.String(), "a defect of ours") {
			t.Errorf("stats %v, log %s", r.Stats(), r.log)
		}
	}
}
