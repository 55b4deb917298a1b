package receiver_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/imhook/imhook/dialect/openim"
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/receiver"
)

// The id of a message is up to the sender's device: what was allowed under it must
// not vouch for another text, and a retry must not be asked about twice.
func TestReceiver_SameIDWithOtherWordsIsAnotherQuestion(t *testing.T) {
	t.Parallel()
	r := newRig(t, openim.New(), nil)
	var asked int
	r.BeforeMessage(func(_ context.Context, _ *event.Event, m *event.Message) event.Verdict {
		asked++
		if m.Text == "bad" {
			return event.Verdict{Action: event.Deny, Reason: "no"}
		}
		return event.Allowed()
	})
	say := func(text string) bool {
		body := `{"callbackCommand":"callbackBeforeSendSingleMsgCommand","sendID":"u1","recvID":"u2","clientMsgID":"m1","serverMsgID":"s1","sessionType":1,"msgFrom":100,"contentType":101,"sendTime":1795200000123,"content":"{\"content\":\"` + text + `\"}"}`
		req := httptest.NewRequest(http.MethodPost, "/callbackBeforeSendSingleMsgCommand", bytes.NewReader([]byte(body)))
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Imhook-Event-Id", "m1")
		w := httptest.NewRecorder()
		r.ServeHTTP(w, req)
		if w.Code != 200 {
			t.Fatalf("answer = %d %s", w.Code, w.Body)
		}
		return bytes.Contains(w.Body.Bytes(), []byte(`"nextCode":0`))
	}
	if !say("good") || say("bad") || !say("good") {
		t.Error("the verdict is not the text's")
	}
	if asked != 2 {
		t.Errorf("asked %d times, want once for each text", asked)
	}
	r.want(receiver.Handled, receiver.Handled, receiver.Duplicate)
}
