package cloudevents_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/cloudevents"
	"github.com/imhook/imhook/event"
)

func TestVerdict_ReadsAnswers(t *testing.T) {
	t.Parallel()
	text := "x"
	for _, tt := range []struct {
		name   string
		status int
		body   string
		want   event.Verdict
	}{
		{"empty success", 200, "", event.Allowed()},
		{"no content", 204, "", event.Allowed()},
		{"white space", 200, " \n", event.Allowed()},
		{"allow", 200, `{"verdict":"allow"}`, event.Allowed()},
		{"deny", 200, `{"verdict":"deny","code":7,"reason":"no","later":"field"}`, event.Verdict{Action: event.Deny, Code: 7, Reason: "no"}},
		{"drop", 201, `{"verdict":"drop"}`, event.Verdict{Action: event.Drop}},
		{"rewrite", 200, `{"verdict":"rewrite","rewrite":{"message":{"text":"x"}}}`, event.Verdict{Action: event.Rewrite, Changes: &event.Changes{Message: &event.Message{Text: text}}}},
		{"members", 200, `{"verdict":"allow","refused":[{"id":"u2","code":3,"reason":"full"}]}`, event.Verdict{Action: event.Allow, Refused: []event.Refusal{{ID: "u2", Code: 3, Reason: "full"}}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := cloudevents.New().Verdict(&event.Event{}, &dialect.Response{Status: tt.status, Body: []byte(tt.body)}, dialect.Target{})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	for _, tt := range []struct {
		status int
		body   string
	}{
		{200, `{"verdict":"maybe"}`},
		{200, `{"verdict":"Allow"}`},
		{200, `{}`},
		{200, `{"verdict":"rewrite"}`},
		{200, `{"verdict":1}`},
		{200, `[]`},
		{200, `{"errCode":0}`},
		{500, ``},
		{302, `{"verdict":"allow"}`},
	} {
		v, err := cloudevents.New().Verdict(&event.Event{}, &dialect.Response{Status: tt.status, Body: []byte(tt.body)}, dialect.Target{})
		if !errors.Is(err, dialect.ErrBadReply) || v.Action != "" {
			t.Errorf("%d %s: %+v, %v; want ErrBadReply", tt.status, tt.body, v, err)
		}
	}
}

func TestAnswer_NeverAllowsWhatItCannotWrite(t *testing.T) {
	t.Parallel()
	d := cloudevents.New()
	v := event.Verdict{Action: event.Rewrite, Changes: &event.Changes{Vendor: jsontext.Value("{broken")}}
	res := d.Answer(&event.Event{}, v)
	if got, err := d.Verdict(&event.Event{}, &res, dialect.Target{}); err != nil || got.Action != event.Deny {
		t.Errorf("answered %s, read as %+v, %v", res.Body, got, err)
	}
}

func TestJudge_OwnFormOfRefusalOnly(t *testing.T) {
	t.Parallel()
	d := cloudevents.New()
	for body, refused := range map[string]bool{
		`{"error":{"status":409,"message":"closed"}}`: true,
		`{"error":{"message":""}}`:                    false,
		`{"error":null,"data":1}`:                     false,
		`{"error":"none"}`:                            false,
		`{"accepted":1}`:                              false,
		`"error"`:                                     false,
		`not JSON "error"`:                            false,
	} {
		err := d.Judge(&dialect.Response{Status: 200, Body: []byte(body)})
		if errors.Is(err, dialect.ErrRefused) != refused {
			t.Errorf("%s: %v, want refused %t", body, err, refused)
		}
		if refused && !strings.Contains(err.Error(), "closed") {
			t.Errorf("%v lacks the backend's words", err)
		}
	}
}

func TestRefuse_NamesTheField(t *testing.T) {
	t.Parallel()
	d := cloudevents.New()
	_, err := d.Decode(&dialect.Request{Body: []byte(written("message.send", `,"data":{"message":{"text":5}}`))})
	res := d.Refuse(&dialect.Request{}, 400, err)
	want := `{"error":{"status":400,"message":"cloudevents: field data.message.text (byte 81): unexpected number","field":"data.message.text"}}`
	if res.Status != 400 || string(res.Body) != want {
		t.Errorf("got %d %s, want 400 %s", res.Status, res.Body, want)
	}
	if res := d.Refuse(&dialect.Request{}, 503, nil); string(res.Body) != `{"error":{"status":503,"message":"Service Unavailable"}}` {
		t.Errorf("without an error: %s", res.Body)
	}
}
