package openim_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/openim"
	"github.com/imhook/imhook/event"
)

// question is a before-event of a command as the server of a generation sends it.
func question(tb testing.TB, d dialect.Dialect, generation, command, body string) *event.Event {
	tb.Helper()
	ev := decodeOne(tb, d, "/"+fullName(command), "", body)
	ev.Generation = generation
	return ev
}

const plainBody = `{"sendID":"nora","serverMsgID":"s1","operationID":"op","contentType":101,"createTime":1,"content":"hi"}`

// stops is what the server of each version does with an answer, read from the
// source of v2.0.6, v2.3.3, v3.4.0, v3.6.0 and v3.8.3.
var stops = map[string]func(action, code, next int) bool{
	"v2.0": func(a, c, _ int) bool { return a == 1 && c == 0 },
	"v2.1": func(a, _, _ int) bool { return a != 0 },
	"v3.0": func(a, c, _ int) bool { return a != 0 || c != 0 },
	"v3.5": func(a, _, n int) bool { return a != 0 || n == 1 },
	"v3.7": func(a, _, n int) bool { return a == 0 && n == 1 },
}

func TestVerdict_ByTheRuleOfEachGeneration(t *testing.T) {
	t.Parallel()
	d := openim.New()
	for generation, rule := range stops {
		ev := question(t, d, generation, "BeforeSendSingleMsg", `{`+common+`,"sessionType":1,"recvID":"ada"}`)
		for _, action := range []int{0, 1} {
			for _, code := range []int{0, 5001} {
				for _, next := range []int{0, 1} {
					body := answerText(action, code, next)
					v, err := d.Verdict(ev, &dialect.Response{Status: 200, Body: []byte(body)}, dialect.Target{})
					if err != nil {
						t.Fatal(err)
					}
					if got := v.Action == event.Deny; got != rule(action, code, next) {
						t.Errorf("%s: %s denies: %v, want %v", generation, body, got, !got)
					}
				}
			}
		}
		// What Answer writes stops the server of the generation, and nothing else.
		for _, v := range []event.Verdict{{Action: event.Deny, Code: 7, Reason: "no"}, {Action: event.Drop}, event.Allowed()} {
			res := d.Answer(ev, v)
			var codes struct{ ActionCode, ErrCode, NextCode int }
			if err := dialect.Unmarshal("", "", []byte(lower(string(res.Body))), &codes); err != nil {
				t.Fatal(err)
			}
			if got := rule(codes.ActionCode, codes.ErrCode, codes.NextCode); got == (v.Action == event.Allow) {
				t.Errorf("%s: %s becomes %s, which stops: %v", generation, v.Action, res.Body, got)
			}
			if strings.HasPrefix(generation, "v3") {
				for _, other := range []string{"v3.0", "v3.5", "v3.7"} {
					if stops[other](codes.ActionCode, codes.ErrCode, codes.NextCode) == (v.Action == event.Allow) {
						t.Errorf("%s: %s becomes %s, which %s takes otherwise", generation, v.Action, res.Body, other)
					}
				}
			}
		}
	}
}

func answerText(action, code, next int) string {
	return `{"actionCode":` + digit(action) + `,"errCode":` + map[int]string{0: "0", 5001: "5001"}[code] + `,"errMsg":"no","nextCode":` + digit(next) + `}`
}

func digit(n int) string { return string(rune('0' + n)) }

func lower(s string) string {
	return strings.NewReplacer("actionCode", "ActionCode", "errCode", "ErrCode", "nextCode", "NextCode").Replace(s)
}

func TestAnswer_EachVerdictByCommand(t *testing.T) {
	t.Parallel()
	d := openim.New()
	const zeros = `{"actionCode":0,"errCode":0,"errMsg":"","errDlt":"","nextCode":0`
	const no = `{"actionCode":0,"errCode":5001,"errMsg":"","errDlt":"","nextCode":1}`
	refused := func(ids ...string) event.Verdict {
		v := event.Allowed()
		for _, id := range ids {
			v.Refused = append(v.Refused, event.Refusal{ID: id, Code: 77, Reason: "full"})
		}
		return v
	}
	rewrite := func(c event.Changes) event.Verdict { return event.Verdict{Action: event.Rewrite, Changes: &c} }
	ask := `{"operationID":"op","groupID":"g1","groupName":"club","notification":"n","introduction":"i","faceURL":"f","ex":"","needVerification":2,"lookMemberInfo":0,"applyMemberFriend":0}`
	ex := `{"operationID":"op","groupID":"g1","groupName":"club","notification":"n","introduction":"","faceURL":null,"ex":null,"needVerification":0,"lookMemberInfo":null,"applyMemberFriend":null}`
	for _, tt := range []struct {
		name, generation, command, body string
		v                               event.Verdict
		want                            string
	}{
		{"code kept", "v3.7", "BeforeSendSingleMsg", `{` + common + `,"recvID":"ada"}`, event.Verdict{Action: event.Deny, Code: 20005, Reason: "no\n<b>"}, `{"actionCode":0,"errCode":20005,"errMsg":"no\n<b>","errDlt":"no\n<b>","nextCode":1}`},
		{"illegal code", "v3.7", "BeforeSendSingleMsg", `{` + common + `,"recvID":"ada"}`, event.Verdict{Action: event.Deny, Code: -3}, no},
		{"code beyond 32 bits", "v3.7", "BeforeSendSingleMsg", `{` + common + `,"recvID":"ada"}`, event.Verdict{Action: event.Deny, Code: 1 << 40}, no},
		{"v2.0 has no code", "v2.0", "BeforeSendSingleMsg", `{` + common + `,"recvID":"ada"}`, event.Verdict{Action: event.Deny, Code: 20005, Reason: "no"}, `{"actionCode":1,"errCode":0,"errMsg":"no","operationID":"op"}`},
		{"v2.1", "v2.1", "BeforeSendSingleMsg", `{` + common + `,"recvID":"ada"}`, event.Verdict{Action: event.Deny, Code: 20005, Reason: "no"}, `{"actionCode":1,"errCode":20005,"errMsg":"no","operationID":"op"}`},
		{"send cannot rewrite", "v3.7", "BeforeSendSingleMsg", `{` + common + `,"recvID":"ada"}`, rewrite(event.Changes{Message: &event.Message{Text: "x"}}), no},
		{"modify", "v3.7", "BeforeMsgModify", `{` + common + `}`, rewrite(event.Changes{Message: &event.Message{Text: "a \"b\"", Extra: "y", Mentions: &event.Mentions{Users: []string{"bo"}}}}), zeros + `,"content":"{\"content\":\"a \\\"b\\\"\"}","atUserIDList":["bo"],"ex":"y"}`},
		{"modify to another kind", "v3.7", "BeforeMsgModify", `{` + common + `}`, rewrite(event.Changes{Message: &event.Message{Kind: event.Custom, Custom: &event.Payload{Data: "d"}}}), zeros + `,"content":"{\"data\":\"d\",\"description\":\"\",\"extension\":\"\"}","contentType":110}`},
		{"modify by the vendor's own words", "v3.7", "BeforeMsgModify", `{` + common + `}`, rewrite(event.Changes{Vendor: []byte(`{"options":{"history":false},"attachedInfo":"a"}`)}), zeros + `,"options":{"history":false},"attachedInfo":"a"}`},
		{"modify by the words of another command", "v3.7", "BeforeMsgModify", `{` + common + `}`, rewrite(event.Changes{Vendor: []byte(`{"attachedInfo":"a","groupName":"not here"}`)}), no},
		{"modify with a push that may crash the server", "v3.7", "BeforeMsgModify", `{` + common + `}`, rewrite(event.Changes{Push: &event.Push{Title: "t"}}), no},
		{"modify by nothing", "v3.7", "BeforeMsgModify", `{` + common + `}`, rewrite(event.Changes{}), no},
		{"word filter echoes", "v2.0", "callbackWordFilterCommand", plainBody, event.Allowed(), `{"actionCode":0,"errCode":0,"errMsg":"","operationID":"op","content":"hi"}`},
		{"word filter", "v2.0", "callbackWordFilterCommand", plainBody, rewrite(event.Changes{Message: &event.Message{Text: "**"}}), `{"actionCode":0,"errCode":0,"errMsg":"","operationID":"op","content":"**"}`},
		{"word filter does text only", "v2.1", "callbackWordFilterCommand", plainBody, rewrite(event.Changes{Message: &event.Message{Kind: event.Image, Media: &event.Media{URL: "u"}}}), `{"actionCode":1,"errCode":5001,"errMsg":"","operationID":"op"}`},
		{"remark echoes", "v3.7", "BeforeSetFriendRemark", `{"ownerUserID":"a","friendUserID":"b","remark":"R"}`, event.Allowed(), zeros + `,"remark":"R"}`},
		{"remark", "v3.7", "BeforeSetFriendRemark", `{"ownerUserID":"a","friendUserID":"b","remark":"R"}`, rewrite(event.Changes{Friend: &event.Friend{Alias: "S"}}), zeros + `,"remark":"S"}`},
		{"settings echo", "v3.7", "BeforeSetGroupInfo", ask, event.Allowed(), zeros + `,"groupID":"g1","groupName":"club","notification":"n","introduction":"i","faceURL":"f"}`},
		{"settings", "v3.7", "BeforeSetGroupInfo", ask, rewrite(event.Changes{Group: &event.Group{Name: "new", Announcement: "n", Introduction: "i", Avatar: "f"}, Vendor: []byte(`{"lookMemberInfo":1}`)}), zeros + `,"groupID":"g1","groupName":"new","notification":"n","introduction":"i","faceURL":"f","lookMemberInfo":1}`},
		{"wrappers echo", "v3.7", "BeforeSetGroupInfoEx", ex, event.Allowed(), zeros + `,"groupID":"g1","groupName":"club","introduction":"","needVerification":0}`},
		{"wrappers", "v3.7", "BeforeSetGroupInfoEx", ex, rewrite(event.Changes{Group: &event.Group{Name: "new", Announcement: "n"}}), zeros + `,"groupID":"g1","groupName":"new","introduction":"","needVerification":0}`},
		{"profile", "v3.7", "BeforeUpdateUserInfo", `{"userID":"a","nickName":"A","faceURL":null,"ex":null}`, rewrite(event.Changes{User: &event.User{ID: "a", DisplayName: "B", Avatar: "x"}}), zeros + `,"nickName":"B","faceURL":"x"}`},
		{"profile that is not asked for would crash the server", "v3.7", "BeforeUpdateUserInfoEx", `{"userID":"a","nickName":"A","faceURL":null,"ex":null}`, rewrite(event.Changes{User: &event.User{ID: "a", DisplayName: "A", Avatar: "x"}}), no},
		{"nor in the vendor's own words", "v3.7", "BeforeUpdateUserInfoEx", `{"userID":"a","nickName":"A","faceURL":null,"ex":null}`, rewrite(event.Changes{Vendor: []byte(`{"ex":"x"}`)}), no},
		{"modify to what is no JSON", "v3.7", "BeforeMsgModify", `{` + common + `}`, rewrite(event.Changes{Vendor: []byte(`{"content":"**"}`)}), no},
		{"modify to what is no object", "v3.7", "BeforeMsgModify", `{` + common + `}`, rewrite(event.Changes{Vendor: []byte(`{"content":"[1]"}`)}), no},
		{"profile has no phone", "v3.7", "BeforeUpdateUserInfo", `{"userID":"a","nickName":"A","faceURL":null,"ex":null}`, rewrite(event.Changes{User: &event.User{ID: "a", DisplayName: "B", Phone: "1"}}), no},
		{"registration", "v3.7", "BeforeUserRegister", `{"users":[{"userID":"a","nickname":"A","createTime":5}]}`, rewrite(event.Changes{User: &event.User{DisplayName: "B"}}), zeros + `,"users":[{"userID":"a","nickname":"B","faceURL":"","ex":"","createTime":5,"appMangerLevel":0,"globalRecvMsgOpt":0}]}`},
		{"creation", "v3.7", "BeforeCreateGroup", `{` + groupBody + `}`, rewrite(event.Changes{Group: &event.Group{ID: "g1", Name: "N", Announcement: "n", Introduction: "i", Avatar: "g.png", Owner: "bo", Extra: "e", Kind: "normal", Muted: new(false)}}), zeros + `,"groupName":"N","ownerUserID":"bo","status":0,"groupType":0}`},
		{"import without one", "v3.7", "BeforeImportFriends", `{"ownerUserID":"o","friendUserIDs":["a","b","c"]}`, refused("b"), zeros + `,"friendUserIDs":["a","c"]}`},
		{"import without any", "v3.7", "BeforeImportFriends", `{"ownerUserID":"o","friendUserIDs":["a"]}`, refused("a"), `{"actionCode":0,"errCode":77,"errMsg":"full","errDlt":"full","nextCode":1}`},
		{"push without one", "v3.7", "BeforeOfflinePush", `{` + pushed + `,"userIDList":["a","b"],"groupID":"g","sessionType":3}`, refused("a"), zeros + `,"userIDList":["b"]}`},
		{"push shown otherwise", "v3.7", "BeforeOfflinePush", `{` + pushed + `,"userIDList":["a"],"groupID":"g","sessionType":3,"title":"t","desc":"d","ex":"","iOSPushSound":"s","iOSBadgeCount":true,"signalInfo":""}`, rewrite(event.Changes{Push: &event.Push{Title: "T", Content: "D"}}), zeros + `,"offlinePushInfo":{"title":"T","desc":"D","ex":"","iOSPushSound":"s","iOSBadgeCount":true,"signalInfo":""}}`},
		{"invitation in part", "v3.7", "BeforeInviteJoinGroup", `{"groupID":"g","invitedUserIDs":["a","b"]}`, refused("b"), `{"actionCode":0,"errCode":77,"errMsg":"full","errDlt":"full","nextCode":1}`},
		{"entry", "v3.7", "BeforeMembersJoinGroup", `{"groupID":"g","memberList":[{"userID":"a"}]}`, rewrite(event.Changes{Vendor: []byte(`{"memberCallbackList":[{"userID":"a","muteEndTime":5}]}`)}), zeros + `,"memberCallbackList":[{"userID":"a","muteEndTime":5}]}`},
		{"entry without an id would crash the server", "v3.7", "BeforeMembersJoinGroup", `{"groupID":"g","memberList":[{"userID":"a"}]}`, rewrite(event.Changes{Vendor: []byte(`{"memberCallbackList":[{"muteEndTime":5}]}`)}), no},
		{"card", "v3.7", "BeforeSetGroupMemberInfo", `{"groupID":"g","userID":"a","roleLevel":60}`, rewrite(event.Changes{Vendor: []byte(`{"roleLevel":20}`)}), zeros + `,"roleLevel":20}`},
		{"conversation", "v3.7", "BeforeCreateSingleChatConversations", `{"ownerUserId":"a","userId":"b"}`, rewrite(event.Changes{Vendor: []byte(`{"isPinned":true,"recvMsgOpt":2}`)}), zeros + `,"recvMsgOpt":2,"isPinned":true}`},
		{"vendor words of the wrong type", "v3.7", "BeforeCreateSingleChatConversations", `{"ownerUserId":"a","userId":"b"}`, rewrite(event.Changes{Vendor: []byte(`{"isPinned":"yes"}`)}), no},
	} {
		ev := question(t, d, tt.generation, tt.command, tt.body)
		res := d.Answer(ev, tt.v)
		if got := string(res.Body); got != tt.want || res.Status != 200 {
			t.Errorf("%s: answer is\n%s\nwant\n%s", tt.name, got, tt.want)
		}
	}
}

func TestVerdict_WhatHooksChange(t *testing.T) {
	t.Parallel()
	d := openim.New()
	for _, tt := range []struct {
		name, generation, command, body, answer string
		want                                    event.Verdict
	}{
		{"empty object", "v3.7", "BeforeMsgModify", `{` + common + `}`, `{}`, event.Allowed()},
		{"other case of letters", "v3.7", "BeforeMsgModify", `{` + common + `}`, `{"ActionCode":0,"NEXTCODE":1,"errcode":9,"ErrMsg":"no"}`, event.Verdict{Action: event.Deny, Code: 9, Reason: "no"}},
		{"no code", "v3.7", "BeforeMsgModify", `{` + common + `}`, `{"nextCode":1,"errDlt":"why"}`, event.Verdict{Action: event.Deny, Code: 500, Reason: "why"}},
		{"v2 has its own", "v2.1", "callbackWordFilterCommand", plainBody, `{"actionCode":1}`, event.Verdict{Action: event.Deny, Code: 201}},
		{"same content", "v3.7", "BeforeMsgModify", `{` + common + `}`, `{"content":"{\"content\":\"hi\"}"}`, event.Allowed()},
		{"command without overrides", "v3.7", "BeforeAddFriend", `{"fromUserID":"a","toUserID":"b"}`, `{"content":7}`, event.Allowed()},
		{"filter, content nobody reads", "v2.1", "callbackWordFilterCommand", plainBody, `{"errCode":5,"content":"x"}`, event.Allowed()},
		{"remark", "v3.7", "BeforeSetFriendRemark", `{"ownerUserID":"a","friendUserID":"b","remark":"R"}`, `{"remark":"S"}`, event.Verdict{Action: event.Rewrite, Changes: &event.Changes{Friend: &event.Friend{Owner: "a", Alias: "S"}}}},
		{"remark that stays", "v3.7", "BeforeSetFriendRemark", `{"ownerUserID":"a","friendUserID":"b","remark":"R"}`, `{"remark":""}`, event.Allowed()},
		{"settings that stay", "v3.7", "BeforeSetGroupInfo", `{"groupID":"g","groupName":"n","notification":"","introduction":"","faceURL":"","ex":""}`, `{"groupID":"g","groupName":"n","notification":"","introduction":"","faceURL":""}`, event.Allowed()},
		{"settings", "v3.7", "BeforeSetGroupInfoEx", `{"groupID":"g","groupName":"n","needVerification":1}`, `{"groupID":"g","groupName":"m","needVerification":1,"lookMemberInfo":1}`, event.Verdict{Action: event.Rewrite, Changes: &event.Changes{Group: &event.Group{ID: "g", Name: "m"}, Vendor: []byte(`{"lookMemberInfo":1}`)}}},
		{"fewer friends", "v3.7", "BeforeImportFriends", `{"ownerUserID":"o","friendUserIDs":["a","b"]}`, `{"friendUserIDs":["b"]}`, event.Verdict{Action: event.Allow, Refused: []event.Refusal{{ID: "a"}}}},
		{"other friends", "v3.7", "BeforeImportFriends", `{"ownerUserID":"o","friendUserIDs":["a","b"]}`, `{"friendUserIDs":["c"]}`, event.Verdict{Action: event.Rewrite, Changes: &event.Changes{Vendor: []byte(`{"friendUserIDs":["c"]}`)}}},
		{"no friends named", "v3.7", "BeforeImportFriends", `{"ownerUserID":"o","friendUserIDs":["a","b"]}`, `{"friendUserIDs":[]}`, event.Allowed()},
		{"push", "v3.7", "BeforeOfflinePush", `{` + pushed + `,"userIDList":["a"],"groupID":"g","sessionType":3}`, `{"offlinePushInfo":{"title":"T","desc":"D"}}`, event.Verdict{Action: event.Rewrite, Changes: &event.Changes{Push: &event.Push{Title: "T", Content: "D"}}}},
		{"role", "v3.7", "BeforeSetGroupMemberInfo", `{"groupID":"g","userID":"a","roleLevel":60}`, `{"roleLevel":20}`, event.Verdict{Action: event.Rewrite, Changes: &event.Changes{Vendor: []byte(`{"roleLevel":20}`)}}},
	} {
		ev := question(t, d, tt.generation, tt.command, tt.body)
		v, err := d.Verdict(ev, &dialect.Response{Status: 200, Body: []byte(tt.answer)}, dialect.Target{})
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if diff := cmp.Diff(tt.want, v); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
	ev := question(t, d, "v3.7", "BeforeMsgModify", `{`+common+`}`)
	v, err := d.Verdict(ev, &dialect.Response{Status: 200, Body: []byte(`{"content":"{\"content\":\"**\"}","atUserIDList":["AtAllTag"],"ex":"z","attachedInfo":"a"}`)}, dialect.Target{})
	if err != nil || v.Action != event.Rewrite || v.Changes.Message.Text != "**" || !v.Changes.Message.Mentions.All || v.Changes.Message.Extra != "z" || string(v.Changes.Vendor) != `{"attachedInfo":"a"}` {
		t.Errorf("%+v %+v %s %v", v, v.Changes.Message, v.Changes.Vendor, err)
	}
	for _, tt := range []struct {
		status int
		body   string
	}{
		{200, ``},
		{200, `null`},
		{200, `[]`},
		{200, `"ok"`},
		{200, `{"nextCode":""}`},
		{200, `{"actionCode":1.5}`},
		{200, `{"errCode":99999999999}`},
		{200, `{"content":7}`},
		{502, `{"error":"bad gateway"}`},
		{500, `busy`},
	} {
		if v, err := d.Verdict(ev, &dialect.Response{Status: tt.status, Body: []byte(tt.body)}, dialect.Target{}); !errors.Is(err, dialect.ErrBadReply) {
			t.Errorf("%d %s: %+v, %v; want ErrBadReply", tt.status, tt.body, v, err)
		}
	}
	if v, err := d.Verdict(ev, &dialect.Response{Status: 403, Body: []byte(`{"errCode":9,"nextCode":1}`)}, dialect.Target{}); err != nil || v.Action != event.Deny {
		t.Errorf("%+v, %v; the server looks at no status", v, err)
	}
}

// A source whose proposal names who registers in the profile alone gets what a hook
// makes of the profile.
func TestVerdict_ProfileOfAnotherSourcesRegistration(t *testing.T) {
	t.Parallel()
	d := openim.New()
	ev := &event.Event{Dialect: "cloudevents", Type: event.UserRegister, Phase: event.Before, User: &event.User{ID: "ada", DisplayName: "bad"}}
	body := `{"actionCode":0,"errCode":0,"errMsg":"","errDlt":"","nextCode":0,"users":[{"userID":"ada","nickname":"***"}]}`
	v, err := d.Verdict(ev, &dialect.Response{Status: 200, Body: []byte(body)}, dialect.Target{})
	if err != nil || v.Action != event.Rewrite || v.Changes.User == nil || v.Changes.User.DisplayName != "***" {
		t.Errorf("Verdict = %+v, %v; want the new name", v, err)
	}
}

// The notification of a group stands in the server's structs, and nothing reads it.
func TestCarries_NotificationOfSettings(t *testing.T) {
	t.Parallel()
	d := openim.New()
	for _, command := range []string{"BeforeSetGroupInfo", "BeforeSetGroupInfoEx"} {
		ev := question(t, d, "v3.7", command, `{"operationID":"op","groupID":"g","groupName":"n","notification":"old"}`)
		for name, change := range map[string]func(*event.Group){
			"notification": func(g *event.Group) { g.Announcement = "new" },
			"both":         func(g *event.Group) { g.Announcement, g.Name = "new", "m" },
		} {
			g := *ev.Group
			change(&g)
			v := event.Verdict{Action: event.Rewrite, Changes: &event.Changes{Group: &g}}
			if err := d.Carries(ev, v); !errors.Is(err, dialect.ErrUncarried) {
				t.Errorf("%s, %s: Carries = %v, want ErrUncarried", command, name, err)
			}
			if body := string(d.Answer(ev, v).Body); !strings.Contains(body, `"nextCode":1`) {
				t.Errorf("%s, %s: answered %s, want a refusal", command, name, body)
			}
		}
	}
}

func TestRefuse_IsNoAnswerThatAServerTakes(t *testing.T) {
	t.Parallel()
	d := openim.New()
	res := d.Refuse(&dialect.Request{}, 403, errors.New("not from here:\n10.0.0.9"))
	if res.Status != 403 || string(res.Body) != "not from here: 10.0.0.9\n" {
		t.Errorf("%d %q", res.Status, res.Body)
	}
	ev := question(t, d, "v3.7", "BeforeMsgModify", `{`+common+`}`)
	if _, err := d.Verdict(ev, &res, dialect.Target{}); !errors.Is(err, dialect.ErrBadReply) {
		t.Errorf("%v, want ErrBadReply", err)
	}
}

func TestSign_NamesTheOperationInV3(t *testing.T) {
	t.Parallel()
	d := openim.New()
	for _, tt := range []struct {
		req  dialect.Request
		want string
	}{
		{dialect.Request{Path: "/callbackAfterQuitGroupCommand"}, "ev-1"},
		{dialect.Request{Query: "callbackCommand=x"}, "ev-1"},
		{dialect.Request{}, ""},
	} {
		if err := d.Sign(&tt.req, dialect.Credentials{}, "ev-1", now); err != nil || tt.req.Header.Get("operationID") != tt.want {
			t.Errorf("%+v: %v", tt.req, err)
		}
	}
}
