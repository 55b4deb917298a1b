package easemob_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/easemob"
	"github.com/imhook/imhook/event"
)

func TestAck_DeliversWhatIsNotReadYet(t *testing.T) {
	t.Parallel()
	d := easemob.New()
	if res := d.Ack(&dialect.Request{}, []*event.Event{decode(t, directText)}); res.Status != http.StatusOK || string(res.Body) != "ok" {
		t.Errorf("post-send: %d %s", res.Status, res.Body)
	}
	if res := d.Ack(&dialect.Request{Path: "/pre_send"}, nil); res.Status != http.StatusOK || string(res.Body) != `{"valid":true}` {
		t.Errorf("pre-send: %d %s", res.Status, res.Body)
	}
	astray := decode(t, `{"callId":"c","chat_type":"chat","from":"ann","to":"bob","msg_id":"1","payload":{"msg":"x","type":"txt"}}`)
	if res := d.Ack(&dialect.Request{}, []*event.Event{astray}); string(res.Body) != `{"valid":true}` {
		t.Errorf("pre-send on the wrong path: %d %s", res.Status, res.Body)
	}
}

func TestAnswers_StayUnderThousandCharacters(t *testing.T) {
	t.Parallel()
	d := easemob.New()
	for name, reason := range map[string]string{
		"plain": strings.Repeat("x", 5000), "wide": strings.Repeat("界", 5000), "escaped": strings.Repeat("\x01", 5000),
	} {
		refused := d.Refuse(&dialect.Request{}, http.StatusForbidden, errors.New(reason))
		if n := utf8.RuneCount(refused.Body); refused.Status != http.StatusForbidden || n > 1000 || n < 900 {
			t.Errorf("%s: refused with %d and %d characters", name, refused.Status, n)
		}
		denied := d.Answer(&event.Event{}, event.Verdict{Action: event.Deny, Reason: reason})
		if n := utf8.RuneCount(denied.Body); n > 1000 || n < 900 {
			t.Errorf("%s: denied with %d characters", name, n)
		}
		if v, err := d.Verdict(&event.Event{}, &denied); err != nil || v.Action != event.Deny {
			t.Errorf("%s: the answer reads as %+v, %v", name, v, err)
		}
	}
	if res := d.Refuse(&dialect.Request{}, http.StatusServiceUnavailable, nil); len(res.Body) == 0 {
		t.Error("no text without an error")
	}
}

func TestAnswer_SaysValidAndCode(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		verdict event.Verdict
		want    string
	}{
		{event.Allowed(), `{"valid":true}`},
		{event.Verdict{Action: event.Deny, Code: 7, Reason: `not "here"`}, `{"valid":false,"code":"not \"here\""}`},
		{event.Verdict{Action: event.Deny}, `{"valid":false}`},
		{event.Verdict{Action: event.Drop, Reason: "quiet"}, `{"valid":false}`},
		{event.Verdict{Action: event.Rewrite, Changes: &event.Changes{Message: &event.Message{Text: "x"}}}, `{"valid":false}`},
		{event.Verdict{}, `{"valid":false}`},
	} {
		if res := easemob.New().Answer(&event.Event{}, tt.verdict); string(res.Body) != tt.want || res.Status != http.StatusOK {
			t.Errorf("%+v: %d %s, want %s", tt.verdict, res.Status, res.Body, tt.want)
		}
	}
}

func TestVerdict_ReadsValid(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		status int
		body   string
		want   event.Verdict
		bad    bool
	}{
		{200, `{"valid":true}`, event.Allowed(), false},
		{200, `{"valid":true,"code":"x","payload":null,"chatroom_msg_level":"low"}`, event.Allowed(), false},
		{200, `{"valid":false,"code":"no"}`, event.Verdict{Action: event.Deny, Reason: "no"}, false},
		{200, `{"valid":"true"}`, event.Verdict{}, true},
		{200, `{}`, event.Verdict{}, true},
		{200, ``, event.Verdict{}, true},
		{500, `{"valid":true}`, event.Verdict{}, true},
		{200, `{"valid":true,"payload":{"msg":"y","type":"txt"}}`, event.Verdict{}, true},
		{200, `{"valid":true,"x":"` + strings.Repeat("y", 1000) + `"}`, event.Verdict{}, true},
	} {
		got, err := easemob.New().Verdict(&event.Event{}, &dialect.Response{Status: tt.status, Body: []byte(tt.body)})
		if bad := errors.Is(err, dialect.ErrBadReply); bad != tt.bad || (err != nil) != tt.bad {
			t.Errorf("%d %s: err = %v, want bad reply: %v", tt.status, tt.body, err, tt.bad)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%d %s (-want +got):\n%s", tt.status, tt.body, diff)
		}
	}
}
