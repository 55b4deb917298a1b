package rongcloud_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/rongcloud"
	"github.com/imhook/imhook/event"
)

func asked(t *testing.T, msgType, content string) *event.Event {
	t.Helper()
	return read(t, "/message_callback", form("appKey", "k", "fromUserId", "ann", "targetId", "bob", "msgType", msgType,
		"content", content, "channelType", "PERSON", "msgTimeStamp", "1795200000123", "messageId", "M1", "os", "iOS",
		"pushContent", "p", "extraContent", `{"a":"1"}`))
}

func TestAnswer_Rewrites(t *testing.T) {
	t.Parallel()
	const text = `{"content":"bad word","user":{"id":"ann"},"mentionedInfo":{"type":2,"userIdList":["bob"],"mentionedContent":"m"},"extra":"e"}`
	message := func(m event.Message) *event.Changes { return &event.Changes{Message: &m} }
	for _, tt := range []struct {
		name    string
		content string
		msgType string
		changes *event.Changes
		want    string
	}{
		{"text, and what a hook has no words for stays", text, "RC:TxtMsg", message(event.Message{Kind: event.Text, Text: "*** word"}), `{"pass":1,"replaceContent":"{\"content\":\"*** word\",\"mentionedInfo\":{\"type\":2,\"userIdList\":[\"bob\"],\"mentionedContent\":\"m\"},\"extra\":\"e\",\"user\":{\"id\":\"ann\"}}"}`},
		{"nothing", text, "RC:TxtMsg", nil, `{"pass":1}`},
		{"the same text", text, "RC:TxtMsg", message(event.Message{Kind: event.Text, Text: "bad word"}), `{"pass":1}`},
		{"push alone", text, "RC:TxtMsg", &event.Changes{Push: &event.Push{Content: "q", Data: `{"title":"t"}`, Disabled: true}}, `{"pass":1,"replacePushContent":"q","replaceDisablePush":true,"replacePushExt":"{\"title\":\"t\"}"}`},
		{"push taken away", text, "RC:TxtMsg", &event.Changes{Push: &event.Push{}}, `{"pass":1,"replacePushContent":""}`},
		{"another kind", text, "RC:TxtMsg", message(event.Message{Kind: event.Image, Media: &event.Media{URL: "u"}}), `{"pass":0}`},
		{"text of a picture", `{"imageUri":"u"}`, "RC:ImgMsg", message(event.Message{Kind: event.Image, Text: "***"}), `{"pass":0}`},
		{"another picture", `{"imageUri":"u","content":"thumb"}`, "RC:ImgMsg", message(event.Message{Kind: event.Image, Media: &event.Media{URL: "v"}}), `{"pass":1,"replaceContent":"{\"imageUri\":\"v\",\"content\":\"thumb\"}"}`},
		{"custom payload", `{"seat":1}`, "app:seat", message(event.Message{Kind: event.Custom, Custom: &event.Payload{Name: "app:seat", Data: `{"seat":2}`}}), `{"pass":1,"replaceContent":"{\"seat\":2}"}`},
		{"a group", text, "RC:TxtMsg", &event.Changes{Group: &event.Group{Name: "n"}}, `{"pass":0}`},
		{"expansion and later checks", text, "RC:TxtMsg", &event.Changes{Vendor: []byte(`{"extraContent":"{}","pass":2}`)}, `{"pass":2,"replaceExtraContent":"{}"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			res := rongcloud.New().Answer(asked(t, tt.msgType, tt.content), event.Verdict{Action: event.Rewrite, Changes: tt.changes})
			if res.Status != http.StatusOK || string(res.Body) != tt.want {
				t.Errorf("%d %s\nwant %s", res.Status, res.Body, tt.want)
			}
		})
	}
}

// What a hook of this dialect answers goes back to a source of this dialect as it
// was, whatever it replaced.
func TestVerdict_OwnAnswersGoBackAsTheyWere(t *testing.T) {
	t.Parallel()
	d := rongcloud.New()
	for _, answer := range []string{
		`{"pass":1}`, `{"pass":2}`, `{"pass":0,"extra":"no"}`,
		`{"pass":1,"replaceContent":"{\"content\":\"ok\"}"}`,
		`{"pass":2,"replaceContent":"{\"content\":\"ok\",\"new\":[1]}"}`,
		`{"pass":1,"replacePushContent":"q","replaceDisablePush":true,"replacePushExt":"{}"}`,
		`{"pass":1,"replaceContent":"{\"content\":\"ok\"}","replacePushContent":"q","replaceExtraContent":"{\"b\":\"2\"}"}`,
		`{"pass":1,"replaceExtraContent":"{}"}`,
	} {
		ev := asked(t, "RC:TxtMsg", `{"content":"bad","user":{"id":"ann"}}`)
		v, err := d.Verdict(ev, &dialect.Response{Status: 200, Body: []byte(answer)}, dialect.Target{})
		if err != nil {
			t.Errorf("%s: %v", answer, err)
			continue
		}
		if res := d.Answer(ev, v); string(res.Body) != answer {
			t.Errorf("%s goes back as %s", answer, res.Body)
		}
	}
}

// A hook of this dialect that is asked about another's message.
func TestVerdict_ForAnotherDialectsMessage(t *testing.T) {
	t.Parallel()
	ev := &event.Event{
		Type: event.MessageSend, Phase: event.Before, Dialect: "tencent", Actor: ann, Conversation: direct,
		Message: &event.Message{ID: "M1", Kind: event.Text, Code: "TIMTextElem", Text: "bad"},
	}
	v, err := rongcloud.New().Verdict(ev, &dialect.Response{Status: 200, Body: []byte(`{"pass":2,"replaceContent":"{\"content\":\"ok\"}"}`)}, dialect.Target{})
	if err != nil {
		t.Fatal(err)
	}
	want := event.Verdict{Action: event.Rewrite, Changes: &event.Changes{Message: &event.Message{ID: "M1", Kind: event.Text, Code: "TIMTextElem", Text: "ok"}}}
	if diff := cmp.Diff(want, v); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
