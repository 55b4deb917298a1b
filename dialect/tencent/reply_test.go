package tencent_test

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/tencent"
	"github.com/imhook/imhook/event"
)

var questions = map[string]string{
	"C2C.CallbackBeforeSendMsg":                           `{` + theC2C + `}`,
	"Group.CallbackBeforeSendMsg":                         `{` + theGroup + theSend + `}`,
	"OfficialAccount.CallbackBeforeSendMsg":               `{` + theOA + `,` + theText + `}`,
	"Group.CallbackBeforeCreateGroup":                     `{"Operator_Account":"mira","Owner_Account":"mira","Type":"Work","Name":"N"}`,
	"Group.CallbackBeforeApplyJoinGroup":                  `{` + theGroup + `,"Requestor_Account":"ada"}`,
	"Group.CallbackBeforeCreateTopic":                     `{"Type":"Community","Operator_Account":"mira","Name":"N"}`,
	"Group.CallbackBeforeInviteJoinGroup":                 `{` + theGroup + `,"Operator_Account":"mira","DestinationMembers":[{"Member_Account":"ada"},{"Member_Account":"bo"}]}`,
	"OfficialAccount.CallbackBeforeCreateOfficialAccount": `{"Operator_Account":"mira","Owner_Account":"mira","Name":"N"}`,
	"OfficialAccount.CallbackBeforeAddSubscriber":         `{` + theOA + `,"Operator_Account":"mira","SubscribeAccountList":[{"Subscriber_Account":"ada"},{"Subscriber_Account":"bo"}]}`,
	"Sns.CallbackPrevFriendAdd":                           `{"From_Account":"mira","FriendItem":[{"To_Account":"ada"},{"To_Account":"bo"}]}`,
	"Sns.CallbackPrevFriendResponse":                      `{"From_Account":"mira","ResponseFriendItem":[{"To_Account":"ada"},{"To_Account":"bo"}]}`,
}

const answerOK = `{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":""}`

func TestAnswer_StaysWithinTheCommandsCodes(t *testing.T) {
	t.Parallel()
	d := tencent.New()
	deny := func(code int) event.Verdict { return event.Verdict{Action: event.Deny, Code: code, Reason: "no"} }
	some := event.Verdict{Action: event.Allow, Refused: []event.Refusal{{ID: "bo", Code: 38005, Reason: "not bo"}}}
	everybody := event.Verdict{Action: event.Allow, Refused: []event.Refusal{{ID: "bo"}, {ID: "ada"}}}
	for _, tt := range []struct {
		command string
		verdict event.Verdict
		want    string
	}{
		{"C2C.CallbackBeforeSendMsg", event.Allowed(), answerOK},
		{"C2C.CallbackBeforeSendMsg", deny(120001), `{"ActionStatus":"OK","ErrorCode":120001,"ErrorInfo":"no"}`},
		{"C2C.CallbackBeforeSendMsg", deny(130000), `{"ActionStatus":"OK","ErrorCode":130000,"ErrorInfo":"no"}`},
		{"C2C.CallbackBeforeSendMsg", deny(130001), `{"ActionStatus":"OK","ErrorCode":1,"ErrorInfo":"no"}`},
		{"C2C.CallbackBeforeSendMsg", deny(10100), `{"ActionStatus":"OK","ErrorCode":1,"ErrorInfo":"no"}`},
		{"C2C.CallbackBeforeSendMsg", deny(2), `{"ActionStatus":"OK","ErrorCode":1,"ErrorInfo":"no"}`},
		{"C2C.CallbackBeforeSendMsg", event.Verdict{Action: event.Drop}, `{"ActionStatus":"OK","ErrorCode":2,"ErrorInfo":""}`},
		{"Group.CallbackBeforeSendMsg", deny(10100), `{"ActionStatus":"OK","ErrorCode":10100,"ErrorInfo":"no"}`},
		{"Group.CallbackBeforeSendMsg", deny(10200), `{"ActionStatus":"OK","ErrorCode":10200,"ErrorInfo":"no"}`},
		{"Group.CallbackBeforeSendMsg", deny(120001), `{"ActionStatus":"OK","ErrorCode":1,"ErrorInfo":"no"}`},
		{"Group.CallbackBeforeCreateGroup", deny(10150), `{"ActionStatus":"OK","ErrorCode":10150,"ErrorInfo":"no"}`},
		{"Group.CallbackBeforeCreateGroup", event.Verdict{Action: event.Drop}, `{"ActionStatus":"OK","ErrorCode":1,"ErrorInfo":""}`},
		{"Group.CallbackBeforeApplyJoinGroup", deny(10201), `{"ActionStatus":"OK","ErrorCode":1,"ErrorInfo":"no"}`},
		{"Group.CallbackBeforeCreateTopic", deny(10199), `{"ActionStatus":"OK","ErrorCode":10199,"ErrorInfo":"no"}`},
		{"Group.CallbackBeforeInviteJoinGroup", deny(10150), `{"ActionStatus":"OK","ErrorCode":1,"ErrorInfo":"no"}`},
		{"Group.CallbackBeforeInviteJoinGroup", some, `{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":"","RefusedMembers_Account":["bo"]}`},
		{"Group.CallbackBeforeInviteJoinGroup", everybody, `{"ActionStatus":"OK","ErrorCode":1,"ErrorInfo":""}`},
		{"Group.CallbackBeforeApplyJoinGroup", some, `{"ActionStatus":"OK","ErrorCode":1,"ErrorInfo":"not bo"}`},
		{"OfficialAccount.CallbackBeforeCreateOfficialAccount", deny(120002), `{"ActionStatus":"OK","ErrorCode":120002,"ErrorInfo":"no"}`},
		{"OfficialAccount.CallbackBeforeSendMsg", deny(130000), `{"ActionStatus":"OK","ErrorCode":130000,"ErrorInfo":"no"}`},
		{"OfficialAccount.CallbackBeforeSendMsg", deny(130001), `{"ActionStatus":"OK","ErrorCode":1,"ErrorInfo":"no"}`},
		{"OfficialAccount.CallbackBeforeSendMsg", deny(10101), `{"ActionStatus":"OK","ErrorCode":10101,"ErrorInfo":"no"}`},
		{"OfficialAccount.CallbackBeforeAddSubscriber", some, `{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":"","RefusedSubscribers_Account":["bo"]}`},
		{"OfficialAccount.CallbackBeforeAddSubscriber", deny(0), `{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":"no","RefusedSubscribers_Account":["ada","bo"]}`},
		{"Sns.CallbackPrevFriendAdd", event.Allowed(), `{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":"","ResultItem":[{"To_Account":"ada","ResultCode":0,"ResultInfo":""},{"To_Account":"bo","ResultCode":0,"ResultInfo":""}]}`},
		{"Sns.CallbackPrevFriendAdd", deny(1), `{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":"","ResultItem":[{"To_Account":"ada","ResultCode":38000,"ResultInfo":"no"},{"To_Account":"bo","ResultCode":38000,"ResultInfo":"no"}]}`},
		{"Sns.CallbackPrevFriendResponse", some, `{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":"","ResultItem":[{"To_Account":"ada","ResultCode":0,"ResultInfo":""},{"To_Account":"bo","ResultCode":38005,"ResultInfo":"not bo"}]}`},
		{"Sns.CallbackPrevFriendResponse", deny(39000), `{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":"","ResultItem":[{"To_Account":"ada","ResultCode":39000,"ResultInfo":"no"},{"To_Account":"bo","ResultCode":39000,"ResultInfo":"no"}]}`},
	} {
		ev := decode(t, tt.command, questions[tt.command])[0]
		res := d.Answer(ev, tt.verdict)
		if string(res.Body) != tt.want || res.Status != http.StatusOK {
			t.Errorf("%s, %+v: %d %s\nwant %s", tt.command, tt.verdict, res.Status, res.Body, tt.want)
		}
	}
}

func TestVerdict_ReadsAHooksAnswer(t *testing.T) {
	t.Parallel()
	d := tencent.New()
	for _, tt := range []struct {
		command, body string
		want          event.Verdict
	}{
		{"C2C.CallbackBeforeSendMsg", `{"ErrorCode":0}`, event.Allowed()},
		{"C2C.CallbackBeforeSendMsg", `{"ActionStatus":"OK"}`, event.Allowed()},
		{"C2C.CallbackBeforeSendMsg", `{"ActionStatus":"OK","ErrorCode":"1","ErrorInfo":"no"}`, event.Verdict{Action: event.Deny, Reason: "no"}},
		{"C2C.CallbackBeforeSendMsg", `{"ActionStatus":"FAIL","ErrorCode":120007,"ErrorInfo":"no"}`, event.Verdict{Action: event.Deny, Code: 120007, Reason: "no"}},
		{"C2C.CallbackBeforeSendMsg", `{"ErrorCode":2}`, event.Verdict{Action: event.Drop}},
		{"Group.CallbackBeforeSendMsg", `{"ErrorCode":10150}`, event.Verdict{Action: event.Deny, Code: 10150}},
		{"Group.CallbackBeforeInviteJoinGroup", `{"ErrorCode":0,"RefusedMembers_Account":["bo"]}`, event.Verdict{Action: event.Allow, Refused: []event.Refusal{{ID: "bo"}}}},
		{"Group.CallbackBeforeInviteJoinGroup", `{"ErrorCode":0,"RefusedMembers_Account":["bo","ada"]}`, event.Verdict{Action: event.Deny}},
		// A list of all whom it ever refuses.
		{"Group.CallbackBeforeInviteJoinGroup", `{"ErrorCode":0,"RefusedMembers_Account":["bo","zoe"]}`, event.Verdict{Action: event.Allow, Refused: []event.Refusal{{ID: "bo"}}}},
		{"Group.CallbackBeforeInviteJoinGroup", `{"ErrorCode":0,"RefusedMembers_Account":["yan","zoe"]}`, event.Allowed()},
		{"Group.CallbackBeforeInviteJoinGroup", `{"ErrorCode":0,"RefusedMembers_Account":["zoe","ada","bo"]}`, event.Verdict{Action: event.Deny}},
		{"Sns.CallbackPrevFriendAdd", `{"ErrorCode":0,"ResultItem":[{"To_Account":"zoe","ResultCode":38001}]}`, event.Allowed()},
		{"OfficialAccount.CallbackBeforeAddSubscriber", `{"ErrorCode":0,"RefusedSubscribers_Account":["ada"]}`, event.Verdict{Action: event.Allow, Refused: []event.Refusal{{ID: "ada"}}}},
		{
			"Sns.CallbackPrevFriendAdd", `{"ErrorCode":0,"ResultItem":[{"To_Account":"ada","ResultCode":0},{"To_Account":"bo","ResultCode":38001,"ResultInfo":"no"}]}`,
			event.Verdict{Action: event.Allow, Refused: []event.Refusal{{ID: "bo", Code: 38001, Reason: "no"}}},
		},
	} {
		ev := decode(t, tt.command, questions[tt.command])[0]
		got, err := d.Verdict(ev, &dialect.Response{Status: 200, Body: []byte(tt.body)}, dialect.Target{})
		if diff := cmp.Diff(tt.want, got, cmpopts.EquateEmpty()); err != nil || diff != "" {
			t.Errorf("%s %s: %v (-want +got):\n%s", tt.command, tt.body, err, diff)
		}
	}
	for _, tt := range []struct {
		command, body string
		status        int
	}{
		{"C2C.CallbackBeforeSendMsg", `{}`, 200},
		{"C2C.CallbackBeforeSendMsg", `{"ErrorCode":0}`, 500},
		{"C2C.CallbackBeforeSendMsg", `[]`, 200},
		{"C2C.CallbackBeforeSendMsg", `{"ErrorCode":10150}`, 200}, // of another command's range
		{"C2C.CallbackBeforeSendMsg", `{"ErrorCode":[]}`, 200},
		{"C2C.CallbackBeforeSendMsg", `{"ErrorCode":0,"MsgBody":"x"}`, 200},
		{"C2C.CallbackBeforeSendMsg", `{"ActionStatus":"FAIL","ErrorCode":0}`, 200},
		{"Group.CallbackBeforeCreateGroup", `{"ErrorCode":2}`, 200},
		{"Sns.CallbackPrevFriendAdd", `{"ErrorCode":1}`, 200}, // a failed call, which lets all through
		{"Sns.CallbackPrevFriendAdd", `{"ErrorCode":0,"ResultItem":[1]}`, 200},
		{"Group.CallbackBeforeInviteJoinGroup", `{"ErrorCode":0,"RefusedMembers_Account":[1]}`, 200},
	} {
		ev := decode(t, tt.command, questions[tt.command])[0]
		if got, err := d.Verdict(ev, &dialect.Response{Status: tt.status, Body: []byte(tt.body)}, dialect.Target{}); !errors.Is(err, dialect.ErrBadReply) {
			t.Errorf("%s %d %s: %+v, %v; want ErrBadReply", tt.command, tt.status, tt.body, got, err)
		}
	}
}

// Some backends always answer with a message: the one that they were asked about, or
// an empty one. Where a source takes no new message that would be a refusal.
func TestVerdict_WhatChangesNothingIsAllowed(t *testing.T) {
	t.Parallel()
	d := tencent.New()
	own := decode(t, "C2C.CallbackBeforeSendMsg", `{"From_Account":"a","To_Account":"b","CloudCustomData":"x","MsgBody":[`+
		`{"MsgType":"TIMLocationElem","MsgContent":{"Desc":"d","Latitude":1.50,"Longitude":2}},{"MsgType":"TIMNewElem","MsgContent":{"z":1,"a":"ä"}}]}`)[0]
	quote := func(ev *event.Event) {
		ev.Message = &event.Message{ID: "m-1", Kind: event.Quote, Text: "hi", Custom: &event.Payload{Data: "d"}}
	}
	for _, tt := range []struct {
		ev    *event.Event
		body  string
		allow bool
	}{
		{own, `"MsgBody":[{"MsgContent":{"Longitude":2.0,"Desc":"d","Latitude":1.5},"MsgType":"TIMLocationElem"},{"MsgType":"TIMNewElem","MsgContent":{"a":"\u00e4","z":1}}],"CloudCustomData":"x"`, true},
		{own, `"MsgBody":[],"CloudCustomData":"x"`, true},
		{own, `"MsgBody":null,"CloudCustomData":null`, true},
		{own, `"CloudCustomData":""`, true},
		{own, `"CloudCustomData":"y"`, false},
		{own, `"MsgBody":[{"MsgType":"TIMLocationElem","MsgContent":{"Desc":"d","Latitude":1.5,"Longitude":2}}]`, false},
		{foreign(event.MessageSend, asked, direct, hello), `"MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"hi"}}],"CloudCustomData":""`, true},
		{foreign(event.MessageSend, asked, inGroup, hello), `"MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"ho"}}],"CloudCustomData":""`, false},
		{foreign(event.MessageSend, asked, inRoom, quote), `"MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"hi"}}],"CloudCustomData":"d"`, true},
	} {
		v, err := d.Verdict(tt.ev, &dialect.Response{Status: 200, Body: []byte(`{"ErrorCode":0,` + tt.body + `}`)}, dialect.Target{})
		if err != nil || (v.Action == event.Allow) != tt.allow {
			t.Errorf("%s: %s, %v", tt.body, v.Action, err)
		}
	}
}

// What a hook puts in place of a message comes out of the answer as it went in.
func TestVerdict_RewritesKeepTheElementsWhole(t *testing.T) {
	t.Parallel()
	d := tencent.New()
	for _, body := range []string{
		`[{"MsgType":"TIMTextElem","MsgContent":{"Text":"***"}}]`,
		`[{"MsgType":"TIMTextElem","MsgContent":{"Text":"***"}},{"MsgType":"TIMFaceElem","MsgContent":{"Index":3,"Data":"f"}}]`,
		`[{"MsgType":"TIMCustomElem","MsgContent":{"Data":"d","Desc":"","Ext":"","Sound":"s"}}]`,
		`[{"MsgType":"TIMNewElem","MsgContent":{"Deep":[1]}}]`,
	} {
		answer := `{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":"","MsgBody":` + body + `,"CloudCustomData":"c"}`
		ev := decode(t, "C2C.CallbackBeforeSendMsg", questions["C2C.CallbackBeforeSendMsg"])[0]
		v, err := d.Verdict(ev, &dialect.Response{Status: 200, Body: []byte(answer)}, dialect.Target{})
		if err != nil || v.Action != event.Rewrite {
			t.Fatalf("%s: %+v, %v", body, v, err)
		}
		if got := d.Answer(ev, v); string(got.Body) != answer {
			t.Errorf("answer is %s\nwant      %s", got.Body, answer)
		}
	}
}

// The text that a hook masks must not stand in a part that it does not know.
func TestAnswer_AMaskedTextIsGoneFromAllParts(t *testing.T) {
	t.Parallel()
	ev := decode(t, "C2C.CallbackBeforeSendMsg", `{"From_Account":"a","To_Account":"b","MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"secret"}},{"MsgType":"TIMTextElem","MsgContent":{"Text":"a secret indeed"}}]}`)[0]
	v := event.Verdict{Action: event.Rewrite, Changes: &event.Changes{Message: &event.Message{Text: "***"}}}
	want := `{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":"","MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"***"}},{"MsgType":"TIMTextElem","MsgContent":{"Text":"a *** indeed"}}]}`
	if got := tencent.New().Answer(ev, v); string(got.Body) != want {
		t.Errorf("answer is %s\nwant      %s", got.Body, want)
	}
}

func TestAnswer_ARewriteOfWhatCannotBeRewrittenIsARefusal(t *testing.T) {
	t.Parallel()
	d := tencent.New()
	for command, changes := range map[string]*event.Changes{
		"C2C.CallbackBeforeSendMsg":       {Group: &event.Group{Name: "x"}},
		"Group.CallbackBeforeCreateGroup": {Group: &event.Group{Name: "x"}},
	} {
		ev := decode(t, command, questions[command])[0]
		res := d.Answer(ev, event.Verdict{Action: event.Rewrite, Changes: changes})
		if v, err := d.Verdict(ev, &res, dialect.Target{}); err != nil || v.Action != event.Deny {
			t.Errorf("%s: %s reads as %+v, %v", command, res.Body, v, err)
		}
	}
}

// FuzzVerdict: whatever a hook answers, and whoever asked, there is an answer for the
// vendor that it can read, and what is not of the form is a bad reply.
func FuzzVerdict(f *testing.F) {
	d := tencent.New()
	var asks []*event.Event
	for _, command := range slices.Sorted(maps.Keys(questions)) {
		evs, err := d.Decode(request(command, questions[command]))
		if err != nil {
			f.Fatal(err)
		}
		asks = append(asks, evs...)
	}
	asks = append(asks, foreign(event.MessageSend, asked, direct, hello), foreign(event.FriendRequest, asked, withTwo))
	for _, body := range []string{
		answerOK, `{"ErrorCode":2}`, `{"ErrorCode":"120007","ErrorInfo":"no"}`, `{"ErrorCode":0,"RefusedMembers_Account":["bo"]}`,
		`{"ErrorCode":0,"ResultItem":[{"To_Account":"ada","ResultCode":38001,"ResultInfo":"no"}]}`,
		`{"ErrorCode":0,"MsgBody":[{"MsgType":"TIMImageElem","MsgContent":{"ImageInfoArray":[{"Type":3,"URL":"u"}]}},7],"CloudCustomData":"\xff"}`,
		`{"ErrorCode":0,"MsgBody":[{"MsgType":"TIMSoundElem","MsgContent":{"Second":1.5,"Second":"x"}}]}`,
	} {
		f.Add([]byte(body), 200)
	}
	f.Fuzz(func(t *testing.T, body []byte, status int) {
		for _, ev := range asks {
			v, err := d.Verdict(ev, &dialect.Response{Status: status, Body: body}, dialect.Target{})
			if err != nil {
				if !errors.Is(err, dialect.ErrBadReply) {
					t.Fatalf("%s: %v is no bad reply", ev.Command, err)
				}
				continue
			}
			if ev.Dialect != tencent.Name {
				continue
			}
			res := d.Answer(ev, v)
			if res.Status != 200 || !json.Valid(res.Body) {
				t.Fatalf("%s, %+v: %d %s", ev.Command, v, res.Status, res.Body)
			}
			again, err := d.Verdict(ev, &res, dialect.Target{})
			if err != nil || v.Action != event.Allow && v.Action != event.Rewrite && again.Action == event.Allow {
				t.Fatalf("%s: %+v is answered with %s, which reads %+v, %v", ev.Command, v, res.Body, again, err)
			}
		}
	})
}

func TestJudge_FindsTheBackendsRefusal(t *testing.T) {
	t.Parallel()
	d := tencent.New()
	for body, refused := range map[string]bool{
		answerOK: false, ``: false, `ok`: false, `{}`: false, `{"ErrorCode":0}`: false,
		`{"ActionStatus":"FAIL","ErrorCode":0}`: true, `{"ErrorCode":7,"ErrorInfo":"disk full"}`: true,
	} {
		if err := d.Judge(&dialect.Response{Status: 200, Body: []byte(body)}); errors.Is(err, dialect.ErrRefused) != refused {
			t.Errorf("Judge(%s) = %v", body, err)
		}
	}
}
