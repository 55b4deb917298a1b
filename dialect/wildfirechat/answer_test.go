package wildfirechat_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/wildfirechat"
	"github.com/imhook/imhook/event"
)

const proposal = `{"messageId":9,"sender":"mira","conv":{"type":1,"target":"g1","line":0},"payload":{"type":1,` +
	`"searchableContent":"bad word","pushContent":"Mira: bad word","pushData":"","content":"","base64edData":"AQI=","mediaType":0,` +
	`"remoteMediaUrl":"","persistFlag":1,"expireDuration":30,"mentionedType":1,"mentionedTarget":["ada"],"extra":"x"},"toUsers":[],"timestamp":1}`

func rewrite(m *event.Message) event.Verdict {
	return event.Verdict{Action: event.Rewrite, Changes: &event.Changes{Message: m}}
}

func TestAnswer_IsWhatTheServerReads(t *testing.T) {
	t.Parallel()
	d := wildfirechat.New()
	ev := decodeOne(t, d, "/message/censor", proposal)
	for _, tt := range []struct {
		name    string
		verdict event.Verdict
		status  int
		body    string
	}{
		{"allow", event.Allowed(), 200, ""},
		{"deny", event.Verdict{Action: event.Deny, Code: 7, Reason: "no"}, 403, ""},
		{"drop", event.Verdict{Action: event.Drop}, 403, ""},
		{"refusal of some", event.Verdict{Action: event.Allow, Refused: []event.Refusal{{ID: "ada"}}}, 403, ""},
		{"rewrite of nothing", event.Verdict{Action: event.Rewrite, Changes: &event.Changes{}}, 200, ""},
		{"rewrite of what a censor cannot change", event.Verdict{Action: event.Rewrite, Changes: &event.Changes{Group: &event.Group{}}}, 403, ""},
		{"rewrite into what the server would not take", rewrite(&event.Message{Kind: event.UnknownKind, Code: "0"}), 403, ""},
		{
			"masked text keeps the rest and leaves no copy in the push", rewrite(&event.Message{Kind: event.Text, Text: "*** word"}), 200,
			`{"type":1,"searchableContent":"*** word","pushContent":"Mira: *** word","pushData":"","content":"","base64edData":"AQI=","mediaType":0,"remoteMediaUrl":"","persistFlag":1,"expireDuration":30,"mentionedType":1,"mentionedTarget":["ada"],"extra":"x"}`,
		},
		{
			"another dialect's code is not ours", rewrite(&event.Message{Kind: event.Text, Code: "101", Text: "ok"}), 200,
			`{"type":1,"searchableContent":"ok","pushContent":"Mira: ok","pushData":"","content":"","base64edData":"AQI=","mediaType":0,"remoteMediaUrl":"","persistFlag":1,"expireDuration":30,"mentionedType":1,"mentionedTarget":["ada"],"extra":"x"}`,
		},
		{
			"another kind takes nothing along", rewrite(&event.Message{Kind: event.Image, Media: &event.Media{URL: "u"}, Push: &event.Push{}}), 200,
			`{"type":3,"searchableContent":"","pushContent":"","pushData":"","content":"","mediaType":1,"remoteMediaUrl":"u","persistFlag":3,"expireDuration":30,"mentionedType":1,"mentionedTarget":["ada"],"extra":"x"}`,
		},
		{
			"push alone",
			event.Verdict{Action: event.Rewrite, Changes: &event.Changes{Push: &event.Push{Content: "new"}}},
			200,
			`{"type":1,"searchableContent":"bad word","pushContent":"new","pushData":"","content":"","base64edData":"AQI=","mediaType":0,"remoteMediaUrl":"","persistFlag":1,"expireDuration":30,"mentionedType":1,"mentionedTarget":["ada"],"extra":"x"}`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			res := d.Answer(ev, tt.verdict)
			if diff := cmp.Diff(tt.body, string(res.Body)); diff != "" || res.Status != tt.status {
				t.Errorf("status %d, want %d; body (-want +got):\n%s", res.Status, tt.status, diff)
			}
		})
	}
}

// TestAnswer_LeavesNoSecondCopyOfWhatWasChanged: contents say the same thing in
// several places, and all of them go to the receivers.
func TestAnswer_LeavesNoSecondCopyOfWhatWasChanged(t *testing.T) {
	t.Parallel()
	d := wildfirechat.New()
	for _, tt := range []struct {
		name, code, fields string
		now                event.Message
		want, gone         string
	}{
		{
			"link", "8", `"searchableContent":"title","base64edData":"` + base64Of(`{"t":"t","u":"u","d":"bad"}`) + `"`,
			event.Message{Kind: event.LinkCard, Text: "***"},
			base64Of(`{"d":"***","u":"u","t":"t"}`), "bad",
		},
		{
			"link to elsewhere", "8", `"searchableContent":"title","base64edData":"` + base64Of(`{"t":"t","u":"bad","d":"d"}`) + `"`,
			event.Message{Kind: event.LinkCard, Media: &event.Media{URL: "good", Name: "title"}},
			base64Of(`{"d":"d","u":"good","t":""}`), "bad",
		},
		{
			"card", "10", `"content":"u7","base64edData":"` + base64Of(`{"d":"bad","n":"bad"}`) + `"`,
			event.Message{Kind: event.Card, Text: "***"},
			`"content":"u7","base64edData":"` + base64Of(`{"t":0,"f":"","n":"","d":"***","p":""}`), base64Of(`{"d":"bad","n":"bad"}`),
		},
		{
			"rich notification", "12", `"content":"bad","base64edData":"` + base64Of(`{"remark":"bad","exUrl":"u"}`) + `"`,
			event.Message{Kind: event.LinkCard, Text: "***"},
			`"content":"***","base64edData":"` + base64Of(`{"exName":"","exPortrait":"","exUrl":"u"}`), base64Of(`{"remark":"bad","exUrl":"u"}`),
		},
		{
			"merged", "11", `"searchableContent":"bad","content":"bad"`,
			event.Message{Kind: event.Merged, Text: "***"},
			`"searchableContent":"***"`, "bad",
		},
		{
			"tip", "90", `"content":"bad"`,
			event.Message{Kind: event.Notification, Text: "***"},
			`"content":"***"`, "bad",
		},
		{
			"sticker keeps its size", "7", `"base64edData":"` + base64Of(`{"y":4,"x":3}`) + `","remoteMediaUrl":"u"`,
			event.Message{Kind: event.Face, Extra: "e"},
			base64Of(`{"y":4,"x":3}`), "bad",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ev := decodeOne(t, d, "/message/censor", payloadOf(tt.code, tt.fields))
			res := d.Answer(ev, rewrite(&tt.now))
			if body := string(res.Body); res.Status != 200 || !strings.Contains(body, tt.want) || strings.Contains(body, tt.gone) {
				t.Errorf("status %d, %s\nwant %s in it and no %s", res.Status, body, tt.want, tt.gone)
			}
		})
	}
}

func TestVerdict_ReadsAsTheServerDoes(t *testing.T) {
	t.Parallel()
	d := wildfirechat.New()
	ev := decodeOne(t, d, "/message/censor", proposal)
	for _, tt := range []struct {
		status int
		body   string
		want   event.Action
	}{
		{200, "", event.Allow},
		{403, "", event.Deny},
		{403, "no such words here", event.Deny},
		{200, `{"type":1,"searchableContent":"ok"}`, event.Rewrite},
		{200, `{"type":0}`, ""},
		{200, `{}`, ""},
		{200, `ok`, ""},
		{200, `{"type":"1"}`, ""},
		{204, "", ""},
		{401, "", ""},
		{500, "", ""},
	} {
		v, err := d.Verdict(ev, &dialect.Response{Status: tt.status, Body: []byte(tt.body)}, dialect.Target{})
		if v.Action != tt.want || (err == nil) != (tt.want != "") || err != nil && !errors.Is(err, dialect.ErrBadReply) {
			t.Errorf("%d %q reads as %q, %v; want %q", tt.status, tt.body, v.Action, err, tt.want)
		}
	}
}

// TestVerdict_AnswersTheSamePayload: what a hook in this dialect answers reaches
// the server as the hook wrote it, also where it leaves something empty.
func TestVerdict_AnswersTheSamePayload(t *testing.T) {
	t.Parallel()
	d := wildfirechat.New()
	ev := decodeOne(t, d, "/message/censor", proposal)
	for _, body := range []string{
		`{"type":1,"searchableContent":"fine","pushContent":"","pushData":"","content":"","mediaType":0,"remoteMediaUrl":"","persistFlag":3,"expireDuration":0,"mentionedType":0,"mentionedTarget":[],"extra":""}`,
		`{"type":3,"searchableContent":"[p]","pushContent":"p","pushData":"d","content":"{\"w\":1,\"h\":2,\"tp\":\"x\"}","base64edData":"AAAA","mediaType":8,"remoteMediaUrl":"u","persistFlag":0,"expireDuration":5,"mentionedType":2,"mentionedTarget":[],"extra":"e"}`,
		`{"type":2002,"searchableContent":"","pushContent":"","pushData":"","content":"c","base64edData":"!","mediaType":0,"remoteMediaUrl":"","persistFlag":4,"expireDuration":0,"mentionedType":1,"mentionedTarget":["bo"],"extra":""}`,
	} {
		v, err := d.Verdict(ev, &dialect.Response{Status: 200, Body: []byte(body)}, dialect.Target{})
		if err != nil {
			t.Fatal(err)
		}
		res := d.Answer(ev, v)
		if diff := cmp.Diff(body, string(res.Body)); diff != "" || res.Status != 200 {
			t.Errorf("status %d; body (-hook +server):\n%s", res.Status, diff)
		}
	}
}

func TestVerdict_GivesAnotherSourceNoneOfOurWords(t *testing.T) {
	t.Parallel()
	d := wildfirechat.New()
	ev := foreign(event.MessageSend, withText)
	v, err := d.Verdict(ev, &dialect.Response{Status: 200, Body: []byte(`{"type":1,"searchableContent":"ok","mediaType":9}`)}, dialect.Target{})
	if err != nil {
		t.Fatal(err)
	}
	if m := v.Changes.Message; m.Code != "" || m.Text != "ok" || m.Kind != event.Text || v.Changes.Vendor != nil {
		t.Errorf("changes are %+v, vendor %s", m, v.Changes.Vendor)
	}
}

// What a hook was told in extra, because the wire has no place for it, is not the
// message's: a hook that gives it back with a new text changes the text alone.
func TestVerdict_KeepsWhatAHookWasToldFromAnotherSource(t *testing.T) {
	t.Parallel()
	d := wildfirechat.New()
	for extra, change := range map[string][2]string{
		``:                {"", ""},
		`plain`:           {"", ""},
		`{"a":1, "b":[]}`: {`"a":1`, `"a":2`}, // the hook's own change comes through
		`{"extra":"x"}`:   {"", ""},
	} {
		ev := &event.Event{
			ID: "e", Dialect: "tencent", Type: event.MessageSend, Phase: event.Before,
			Actor: &event.Actor{ID: "ada"}, Conversation: &event.Conversation{Kind: event.KindGroup, ID: "g1"},
			Message: &event.Message{ID: "4_5_6", Sender: "ada", Kind: event.Text, Text: "bad", Extra: extra},
		}
		reqs, err := d.Encode(ev, dialect.Target{})
		if err != nil {
			t.Fatal(err)
		}
		asked := string(reqs[0].Body)
		if !strings.Contains(asked, "4_5_6") {
			t.Fatalf("the hook is not told the id: %s", asked)
		}
		_, payload, _ := strings.Cut(asked, `"payload":`)
		payload, _, _ = strings.Cut(payload, `,"toUsers"`)
		payload = strings.Replace(payload, `"bad"`, `"***"`, 1)
		quote := strings.NewReplacer(`"`, `\"`)
		payload = strings.Replace(payload, quote.Replace(change[0]), quote.Replace(change[1]), 1)
		v, err := d.Verdict(ev, &dialect.Response{Status: http.StatusOK, Body: []byte(payload)}, dialect.Target{})
		if err != nil {
			t.Fatalf("%v: %s", err, payload)
		}
		want := strings.ReplaceAll(strings.Replace(extra, change[0], change[1], 1), ", ", ",")
		if m := v.Changes.Message; m.Text != "***" || strings.ReplaceAll(m.Extra, ", ", ",") != want {
			t.Errorf("extra %q: the message becomes %q with extra %q, want %q", extra, m.Text, m.Extra, want)
		}
	}
}

func TestRefuse_NeverRefusesTheMessageItself(t *testing.T) {
	t.Parallel()
	d := wildfirechat.New()
	for _, tt := range []struct {
		path         string
		status, want int
	}{
		{"/im_event/message", 403, 403},
		{"/im_event/message", 503, 503},
		{"/message/censor", 403, 401},
		{"/message/censor", 413, 413},
	} {
		res := d.Refuse(&dialect.Request{Path: tt.path}, tt.status, errors.New("address is\nnot allowed"))
		if res.Status != tt.want || strings.Count(string(res.Body), "\n") != 1 || !strings.HasPrefix(res.ContentType, "text/plain") {
			t.Errorf("Refuse(%s, %d) = %d %q", tt.path, tt.status, res.Status, res.Body)
		}
	}
	if res := d.Refuse(nil, http.StatusServiceUnavailable, nil); string(res.Body) != http.StatusText(http.StatusServiceUnavailable)+"\n" {
		t.Errorf("Refuse without an error says %q", res.Body)
	}
}
