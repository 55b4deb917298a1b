package builtin_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/builtin"
	"github.com/imhook/imhook/event"
)

// proposal reads a before-request.
func proposal(t *testing.T, name string, req dialect.Request) (dialect.Dialect, *event.Event) {
	t.Helper()
	d, err := builtin.New().Get(name)
	if err != nil {
		t.Fatal(err)
	}
	evs, err := d.Decode(&req)
	if err != nil || len(evs) != 1 || evs[0].Phase != event.Before {
		t.Fatalf("%s: %d events, %v", name, len(evs), err)
	}
	return d, evs[0]
}

const (
	openimBody    = `{"sendID":"nora","recvID":"ada","callbackCommand":"callbackBeforeSendSingleMsgCommand","serverMsgID":"s","clientMsgID":"c","operationID":"o","senderPlatformID":1,"sessionType":1,"msgFrom":100,"contentType":101,"sendTime":1,"content":"{\"content\":\"hi\"}"}`
	easemobBody   = `{"callId":"a#b_1","timestamp":1795200000123,"chat_type":"chat","from":"ann","to":"bob","msg_id":"1","payload":{"msg":"hi","type":"txt"},"security":"0"}`
	tencentBody   = `{"CallbackCommand":"Group.CallbackBeforeSendMsg","GroupId":"g","Type":"Public","From_Account":"ann","Operator_Account":"ann","Random":1,"MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"hi"}}]}`
	wildfireBody  = `{"messageId":9,"sender":"mira","conv":{"type":1,"target":"g1","line":0},"payload":{"type":1,"searchableContent":"hi","mediaType":0,"persistFlag":3},"timestamp":1}`
	rongcloudBody = `appKey=k&fromUserId=ann&targetId=bob&msgType=RC%3ATxtMsg&content=%7B%22content%22%3A%22hi%22%7D&channelType=PERSON&msgTimeStamp=1795200000123&messageId=M1&os=iOS`
)

// TestCarries_SaysWhyInWordsForAPerson: these lines stand in the trail of a decision.
func TestCarries_SaysWhyInWordsForAPerson(t *testing.T) {
	t.Parallel()
	text := func(s string) event.Verdict {
		return event.Verdict{Action: event.Rewrite, Changes: &event.Changes{Message: &event.Message{Kind: event.Text, Text: s}}}
	}
	drop := event.Verdict{Action: event.Drop}
	picture := event.Verdict{Action: event.Rewrite, Changes: &event.Changes{Message: &event.Message{Kind: event.Image, Media: &event.Media{URL: "u"}}}}
	two := event.Verdict{Action: event.Rewrite, Changes: &event.Changes{Message: &event.Message{Kind: event.Text, Text: "a", Parts: []event.Message{
		{Kind: event.Text, Text: "a"}, {Kind: event.Text, Text: "b"},
	}}}}
	vendor := func(action event.Action, words string) event.Verdict {
		return event.Verdict{Action: action, Changes: &event.Changes{Vendor: []byte(words)}}
	}
	for _, tt := range []struct {
		dialect string
		req     dialect.Request
		v       event.Verdict
		want    string // "" when it is carried
	}{
		{"openim", dialect.Request{Path: "/callbackBeforeSendSingleMsgCommand", Body: []byte(openimBody)}, text("x"), "openim callbackBeforeSendSingleMsgCommand takes no rewrite"},
		{"openim", dialect.Request{Path: "/callbackBeforeSendSingleMsgCommand", Body: []byte(openimBody)}, drop, "openim callbackBeforeSendSingleMsgCommand always tells"},
		{"openim", dialect.Request{Path: "/callbackBeforeMsgModifyCommand", Body: []byte(openimBody)}, text("x"), ""},
		{"openim", dialect.Request{Path: "/callbackBeforeMsgModifyCommand", Body: []byte(openimBody)}, two, "takes no rewrite of this"},
		{"easemob", dialect.Request{Path: "/pre_send", Body: []byte(easemobBody)}, text("x"), ""},
		{"easemob", dialect.Request{Path: "/pre_send", Body: []byte(easemobBody)}, text(strings.Repeat("abcd", 301)), "text of 1,204 bytes is over easemob's 1,024"},
		{"easemob", dialect.Request{Path: "/pre_send", Body: []byte(easemobBody)}, text(strings.Repeat("\x01", 170)), "an answer of 1,068 characters is over easemob's 1,000"},
		{"easemob", dialect.Request{Path: "/pre_send", Body: []byte(easemobBody)}, picture, "easemob cannot turn text into image"},
		{"easemob", dialect.Request{Path: "/pre_send", Body: []byte(easemobBody)}, vendor(event.Rewrite, `{"chatroom_msg_level":"low"}`), ""},
		{"easemob", dialect.Request{Path: "/pre_send", Body: []byte(easemobBody)}, vendor(event.Rewrite, `{"level":"low"}`), `easemob has no vendor field "level" in this answer`},
		{"tencent", dialect.Request{Query: "CallbackCommand=Group.CallbackBeforeSendMsg", Body: []byte(tencentBody)}, drop, ""},
		{"tencent", dialect.Request{Query: "CallbackCommand=Group.CallbackBeforeSendMsg", Body: []byte(tencentBody)}, picture, ""},
		{"tencent", dialect.Request{Query: "CallbackCommand=Group.CallbackBeforeSendMsg", Body: []byte(tencentBody)}, two, ""},
		{"tencent", dialect.Request{Query: "CallbackCommand=Group.CallbackBeforeSendMsg", Body: []byte(tencentBody)}, text(strings.Repeat("x", 12_300)), "is over tencent's 12,288"},
		{"tencent", dialect.Request{Query: "CallbackCommand=Group.CallbackBeforeSendMsg", Body: []byte(tencentBody)}, event.Verdict{Action: event.Rewrite, Changes: &event.Changes{Message: &event.Message{Kind: event.Card, Custom: &event.Payload{Name: "u"}}}}, "tencent cannot replace a message's kind"},
		{"tencent", dialect.Request{Query: "CallbackCommand=Group.CallbackBeforeSendMsg", Body: []byte(tencentBody)}, vendor(event.Allow, `{"MsgBody":[]}`), "no vendor fields in an allow"},
		{"wildfirechat", dialect.Request{Path: "/message/censor", Body: []byte(wildfireBody)}, text("x"), ""},
		{"wildfirechat", dialect.Request{Path: "/message/censor", Body: []byte(wildfireBody)}, drop, "sensitive.remote_fail_when_matched"},
		{"wildfirechat", dialect.Request{Path: "/message/censor", Body: []byte(wildfireBody)}, two, "one part"},
		{"rongcloud", dialect.Request{Path: "/message_callback", ContentType: "application/x-www-form-urlencoded", Body: []byte(rongcloudBody)}, vendor(event.Allow, `{"pass":2}`), ""},
		{"rongcloud", dialect.Request{Path: "/message_callback", ContentType: "application/x-www-form-urlencoded", Body: []byte(rongcloudBody)}, vendor(event.Allow, `{"extraContent":"{}"}`), "extraContent"},
		{"rongcloud", dialect.Request{Path: "/message_callback", ContentType: "application/x-www-form-urlencoded", Body: []byte(rongcloudBody)}, event.Verdict{Action: event.Deny, Reason: strings.Repeat("x", 5000)}, ""},
		{"rongcloud", dialect.Request{Path: "/message_callback", ContentType: "application/x-www-form-urlencoded", Body: []byte(rongcloudBody)}, text(strings.Repeat("x", 131_072)), "is over rongcloud's 131,072"},
	} {
		d, ev := proposal(t, tt.dialect, tt.req)
		err := d.Carries(ev, tt.v)
		switch {
		case tt.want == "" && err != nil:
			t.Errorf("%s %s: %v", tt.dialect, tt.v.Action, err)
		case tt.want != "" && (!errors.Is(err, dialect.ErrUncarried) || !strings.Contains(err.Error(), tt.want)):
			t.Errorf("%s %s: %v, want %q", tt.dialect, tt.v.Action, err, tt.want)
		}
	}
}

// TestVerdict_OldBackendsOfOpenIM: what lets a message through in one generation stops
// it in another. A backend that was written for v2.0 says so by the rule of v2.0, also
// when it is asked about the message of another vendor.
func TestVerdict_OldBackendsOfOpenIM(t *testing.T) {
	t.Parallel()
	openim, err := builtin.New().Get("openim")
	if err != nil {
		t.Fatal(err)
	}
	_, ev := proposal(t, "tencent", dialect.Request{Query: "CallbackCommand=Group.CallbackBeforeSendMsg", Body: []byte(tencentBody)})
	for _, tt := range []struct {
		generation, answer string
		want               event.Action
	}{
		{"v2.0", `{"actionCode":1,"errCode":0,"errMsg":"no"}`, event.Deny},
		{"v2.0", `{"actionCode":1,"errCode":5001}`, event.Allow},
		{"v2.1", `{"actionCode":1,"errCode":5001}`, event.Deny},
		{"v3.0", `{"actionCode":0,"errCode":5001}`, event.Deny},
		{"v3.5", `{"actionCode":0,"errCode":5001}`, event.Allow},
		{"v3.5", `{"actionCode":1,"errCode":5001,"nextCode":1}`, event.Deny},
		{"v3.7", `{"actionCode":1,"errCode":5001,"nextCode":1}`, event.Allow},
		{"v3.7", `{"actionCode":0,"errCode":5001,"nextCode":1}`, event.Deny},
		{"", `{"actionCode":0,"errCode":5001,"nextCode":1}`, event.Deny},
		{"auto", `{"actionCode":1,"errCode":0}`, event.Allow},
	} {
		v, err := openim.Verdict(ev, &dialect.Response{Status: 200, Body: []byte(tt.answer)}, dialect.Target{Generation: tt.generation})
		if err != nil || v.Action != tt.want {
			t.Errorf("%q says %s, which reads as %s (%v), want %s", tt.generation, tt.answer, v.Action, err, tt.want)
		}
	}
}
