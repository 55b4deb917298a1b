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

func TestAck_DeliversWhatIsNotUnderstood(t *testing.T) {
	t.Parallel()
	d := easemob.New()
	if res := d.Ack(&dialect.Request{}, []*event.Event{decode(t, directText)}); res.Status != http.StatusOK || string(res.Body) != "ok" {
		t.Errorf("post-send: %d %s", res.Status, res.Body)
	}
	if res := d.Ack(&dialect.Request{Path: "/pre_send"}, nil); res.Status != http.StatusOK || string(res.Body) != `{"valid":true}` {
		t.Errorf("pre-send: %d %s", res.Status, res.Body)
	}
	astray := decode(t, `{"callId":"c","chat_type":"chat","from":"ann","to":"bob","msg_id":"1","payload":{}}`)
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
		if v, err := d.Verdict(&event.Event{}, &denied, dialect.Target{}); err != nil || v.Action != event.Deny {
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
		{200, `{"valid":true,"payload":{"msg":"y","type":"txt"}}`, event.Verdict{Action: event.Rewrite, Changes: &event.Changes{Message: &event.Message{Kind: event.Text, Text: "y"}}}, false},
		{200, `{"valid":true,"payload":{"bodies":[{"msg":"y","type":"txt"}]}}`, event.Verdict{Action: event.Rewrite, Changes: &event.Changes{Message: &event.Message{Kind: event.Text, Text: "y"}}}, false},
		{200, `{"valid":true,"payload":{}}`, event.Verdict{}, true},
		{200, `{"valid":true,"payload":[1]}`, event.Verdict{}, true},
		{200, `{"valid":true,"payload":{"msg":1,"type":"txt"}}`, event.Verdict{}, true},
		{200, `{"valid":true,"x":"` + strings.Repeat("y", 1000) + `"}`, event.Verdict{}, true},
	} {
		got, err := easemob.New().Verdict(&event.Event{}, &dialect.Response{Status: tt.status, Body: []byte(tt.body)}, dialect.Target{})
		if bad := errors.Is(err, dialect.ErrBadReply); bad != tt.bad || (err != nil) != tt.bad {
			t.Errorf("%d %s: err = %v, want bad reply: %v", tt.status, tt.body, err, tt.bad)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%d %s (-want +got):\n%s", tt.status, tt.body, diff)
		}
	}
}

const flatProposal = `{"callId":"acme#shop_5","timestamp":1795200000123,"chat_type":"chatroom","group_id":"7","from":"ann","to":"7","msg_id":"5",` +
	`"payload":{"msg":"buy pills","type":"txt","ext":{"lang":"en"},"new":1},"security":"0"}`

const wholeProposal = `{"callId":"acme#shop_6","timestamp":1795200000123,"chat_type":"groupchat","group_id":"7","from":"ann","to":"7","msg_id":"6",` +
	`"payload":{"ext":{"lang":"en"},"bodies":[{"msg":"buy pills","type":"txt"}]},"security":"0"}`

const pictureProposal = `{"callId":"acme#shop_7","timestamp":1795200000123,"chat_type":"chat","from":"ann","to":"bob","msg_id":"7",` +
	`"payload":{"filename":"a.jpg","secret":"s","file_length":9,"type":"img","url":"https://f.example/1"},"security":"0"}`

func TestAnswer_RewritesInTheFormThatCame(t *testing.T) {
	t.Parallel()
	d := easemob.New()
	text := func(s string) *event.Changes { return &event.Changes{Message: &event.Message{Text: s}} }
	for _, tt := range []struct {
		name, body string
		changes    *event.Changes
		want       string
	}{
		{"one element", flatProposal, text("buy ***"), `{"valid":true,"payload":{"msg":"buy ***","type":"txt","new":1,"ext":{"lang":"en"}}}`},
		{"whole payload", wholeProposal, text("buy ***"), `{"valid":true,"payload":{"ext":{"lang":"en"},"bodies":[{"msg":"buy ***","type":"txt"}]}}`},
		{
			"a picture", pictureProposal, &event.Changes{Message: &event.Message{Kind: event.Image, Media: &event.Media{URL: "https://f.example/2", Name: "b.jpg", Size: 8}}},
			`{"valid":true,"payload":{"filename":"b.jpg","size":{"width":0,"height":0},"secret":"s","file_length":8,"type":"img","url":"https://f.example/2"}}`,
		},
		{"nothing", flatProposal, nil, `{"valid":true}`},
		{"the level alone", flatProposal, &event.Changes{Vendor: []byte(`{"chatroom_msg_level":"low"}`)}, `{"valid":true,"chatroom_msg_level":"low"}`},
		{"another kind", flatProposal, &event.Changes{Message: &event.Message{Kind: event.Image}}, `{"valid":false}`},
		{"the group", flatProposal, &event.Changes{Group: &event.Group{Name: "x"}}, `{"valid":false}`},
		{"the push", flatProposal, &event.Changes{Push: &event.Push{Content: "x"}}, `{"valid":false}`},
		{"a command", change(t, flatProposal, `"msg":"buy pills","type":"txt"`, `"action":"ring","type":"cmd"`), &event.Changes{Message: &event.Message{Custom: &event.Payload{Name: "x"}}}, `{"valid":false}`},
		{"too long", flatProposal, text(strings.Repeat("界", 990)), `{"valid":false}`},
	} {
		evs, err := d.Decode(&dialect.Request{Path: "/pre_send", Body: []byte(tt.body)})
		if err != nil || len(evs) != 1 {
			t.Fatalf("%s: %v", tt.name, err)
		}
		res := d.Answer(evs[0], event.Verdict{Action: event.Rewrite, Changes: tt.changes})
		if string(res.Body) != tt.want {
			t.Errorf("%s: %s\nwant %s", tt.name, res.Body, tt.want)
		}
	}
	if res := d.Answer(&event.Event{}, event.Verdict{Action: event.Allow, Refused: []event.Refusal{{ID: "bob"}}}); string(res.Body) != `{"valid":false}` {
		t.Errorf("a refused member: %s", res.Body)
	}
}

// What an Easemob hook answers reaches an Easemob server as it was.
func TestVerdict_ReachesTheServerUnchanged(t *testing.T) {
	t.Parallel()
	d := easemob.New()
	for _, tt := range []struct{ name, body, answer string }{
		{"one element", flatProposal, `{"valid":true,"payload":{"msg":"buy ***","type":"txt","brand":"x"},"chatroom_msg_level":"high"}`},
		{"whole payload", wholeProposal, `{"valid":true,"payload":{"ext":{"a":1},"bodies":[{"msg":"***","type":"txt"}]}}`},
		{"level", flatProposal, `{"valid":true,"chatroom_msg_level":"high"}`},
		{"block", flatProposal, `{"valid":false,"code":"no"}`},
		{"deliver", flatProposal, `{"valid":true}`},
	} {
		evs, err := d.Decode(&dialect.Request{Path: "/pre_send", Body: []byte(tt.body)})
		if err != nil {
			t.Fatal(err)
		}
		v, err := d.Verdict(evs[0], &dialect.Response{Status: http.StatusOK, Body: []byte(tt.answer)}, dialect.Target{})
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		if res := d.Answer(evs[0], v); string(res.Body) != tt.answer {
			t.Errorf("%s: %s\nwant %s", tt.name, res.Body, tt.answer)
		}
	}
	evs, err := d.Decode(&dialect.Request{Path: "/pre_send", Body: []byte(flatProposal)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Verdict(evs[0], &dialect.Response{Status: http.StatusOK, Body: []byte(`{"valid":true,"payload":{"bodies":[{"msg":"x","type":"txt"}]}}`)}, dialect.Target{}); !errors.Is(err, dialect.ErrBadReply) {
		t.Errorf("a payload in the other form: %v, want %v", err, dialect.ErrBadReply)
	}
}
