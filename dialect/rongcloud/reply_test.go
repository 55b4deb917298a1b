package rongcloud_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/rongcloud"
	"github.com/imhook/imhook/event"
)

func TestAck_LetsUnknownQuestionsPass(t *testing.T) {
	t.Parallel()
	future := []*event.Event{{Type: event.VendorUnknown, Command: "thread_channel:pre_messaging"}}
	if res := rongcloud.New().Ack(&dialect.Request{}, future); string(res.Body) != `{"pass":1}` {
		t.Errorf("a question that nobody knows yet is answered %s", res.Body)
	}
	for path, want := range map[string]string{"/chatroom_status": "ok", "/message_callback": `{"pass":1}`, "/bot": "ok", "": "ok"} {
		if res := rongcloud.New().Ack(&dialect.Request{Path: path}, nil); res.Status != http.StatusOK || string(res.Body) != want {
			t.Errorf("%s: %d %s, want 200 %s", path, res.Status, res.Body, want)
		}
	}
}

func TestRefuse_KeepsStatusAndBoundsText(t *testing.T) {
	t.Parallel()
	res := rongcloud.New().Refuse(&dialect.Request{}, http.StatusForbidden, errors.New("signature does not fit"))
	if res.Status != http.StatusForbidden || string(res.Body) != "signature does not fit" {
		t.Errorf("%d %s", res.Status, res.Body)
	}
	long := rongcloud.New().Refuse(&dialect.Request{}, http.StatusBadRequest, errors.New(strings.Repeat("界", 2000)))
	if len(long.Body) > 1024 || len(long.Body)%len("界") != 0 {
		t.Errorf("text has %d bytes", len(long.Body))
	}
	if res := rongcloud.New().Refuse(&dialect.Request{}, http.StatusServiceUnavailable, nil); len(res.Body) == 0 {
		t.Error("no text without an error")
	}
}

func TestAnswer_SaysPassAndExtra(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		verdict event.Verdict
		want    string
	}{
		{event.Allowed(), `{"pass":1}`},
		{event.Verdict{Action: event.Deny, Code: 7, Reason: `not "here"`}, `{"pass":0,"extra":"not \"here\""}`},
		{event.Verdict{Action: event.Drop, Reason: "quiet"}, `{"pass":0}`},
		{event.Verdict{Action: event.Rewrite, Changes: &event.Changes{Message: &event.Message{Text: "x"}}}, `{"pass":0}`},
		{event.Verdict{}, `{"pass":0}`},
	} {
		if res := rongcloud.New().Answer(&event.Event{}, tt.verdict); string(res.Body) != tt.want || res.Status != http.StatusOK {
			t.Errorf("%+v: %d %s, want %s", tt.verdict, res.Status, res.Body, tt.want)
		}
	}
}

func TestVerdict_ReadsPass(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		status int
		body   string
		want   event.Verdict
		bad    bool
	}{
		{200, `{"pass":1}`, event.Allowed(), false},
		{200, `{"pass":2,"other":[]}`, event.Allowed(), false},
		{200, `{"pass":0,"extra":"no"}`, event.Verdict{Action: event.Deny, Reason: "no"}, false},
		{200, `{"pass":3}`, event.Verdict{}, true},
		{200, `{"pass":"1"}`, event.Verdict{}, true},
		{200, `{}`, event.Verdict{}, true},
		{200, ``, event.Verdict{}, true},
		{204, `{"pass":1}`, event.Verdict{}, true},
		{200, `{"pass":1,"replaceContent":7}`, event.Verdict{}, true},
		{200, `{"pass":1,"replaceContent":"plain"}`, event.Verdict{}, true},
	} {
		got, err := rongcloud.New().Verdict(&event.Event{Message: &event.Message{Kind: event.Text, Text: "x"}}, &dialect.Response{Status: tt.status, Body: []byte(tt.body)}, dialect.Target{})
		if bad := errors.Is(err, dialect.ErrBadReply); bad != tt.bad || (err != nil) != tt.bad {
			t.Errorf("%d %s: err = %v, want bad reply: %v", tt.status, tt.body, err, tt.bad)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%d %s (-want +got):\n%s", tt.status, tt.body, diff)
		}
	}
}

func TestJudge_SeesTheStatusAlone(t *testing.T) {
	t.Parallel()
	if err := rongcloud.New().Judge(&dialect.Response{Status: 200, Body: []byte(`{"code":500}`)}); err != nil {
		t.Errorf("err = %v", err)
	}
}
