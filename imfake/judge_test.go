package imfake_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/imfake"
)

// What servers ask, cut to what judges look at.
const (
	wildfirechatAsks = `{"messageId":1,"payload":{"type":1,"searchableContent":"hi","persistFlag":3,"expireDuration":0,"mentionedTarget":[]}}`
	easemobAsks      = `{"callId":"c","payload":{"type":"txt","msg":"hi"}}`
	easemobAsksWhole = `{"callId":"c","payload":{"ext":{"a":1},"bodies":[{"type":"txt","msg":"hi"}]}}`
	easemobAsksCmd   = `{"callId":"c","payload":{"type":"cmd","action":"go"}}`
	rongcloudAsks    = `fromUserId=u&msgType=RC%3ATxtMsg&content=%7B%22content%22%3A%22hi%22%7D&pushContent=ping`
	nexconnAsks      = `{"type":"direct_channel:pre_messaging","data":[{"messageType":"RC:TxtMsg","content":"{\"content\":\"hi\"}"}]}`
	openimAsks       = `{"callbackCommand":"callbackBeforeSendSingleMsgCommand","contentType":101,"content":"{\"content\":\"hi\"}"}`
	openimModifies   = `{"callbackCommand":"callbackBeforeMsgModifyCommand","contentType":101,"content":"{\"content\":\"hi\"}","ex":"e"}`
	openimFilters    = `{"callbackCommand":"callbackWordFilterCommand","contentType":101,"content":"hi"}`
	openimSets       = `{"callbackCommand":"callbackBeforeSetGroupInfoCommand","groupID":"g","groupName":"n","notification":"t","introduction":"","faceURL":"","ex":""}`
	openimSetsEx     = `{"callbackCommand":"callbackBeforeSetGroupInfoExCommand","groupID":"g","groupName":"n","notification":null,"introduction":null,"faceURL":null,"ex":null,"needVerification":null,"lookMemberInfo":1,"applyMemberFriend":null}`
	openimRemarks    = `{"callbackCommand":"callbackBeforeSetFriendRemarkCommand","remark":"r"}`
	openimImports    = `{"callbackCommand":"callbackBeforeImportFriendsCommand","friendUserIDs":["a","b"]}`
	openimProfiles   = `{"callbackCommand":"callbackBeforeUpdateUserInfoExCommand","userID":"u","nickName":"n","faceURL":null,"ex":null}`
	openimJoins      = `{"callbackCommand":"callbackBeforeMembersJoinGroupCommand","memberList":[{"userID":"a","ex":""}]}`
	openimPushes     = `{"callbackCommand":"callbackBeforeOfflinePushCommand","userIDList":["a","b"],"title":"t","desc":"","ex":"","iOSPushSound":"","iOSBadgeCount":false,"signalInfo":""}`
	openimShows      = `{"callbackCommand":"callbackBeforeOnlinePushCommand","userIDList":["a","b"]}`
	tencentSends     = `{"From_Account":"u","MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"hi"}}],"CloudCustomData":""}`
	tencentInvites   = `{"DestinationMembers":[{"Member_Account":"a"},{"Member_Account":"b"}]}`
	tencentBefriends = `{"FriendItem":[{"To_Account":"a"},{"To_Account":"b"}]}`
	cloudeventsAsks  = `{"type":"im.message.send","data":{"message":{"text":"hi"},"members":[{"id":"a"},{"id":"b"}]}}`
)

const (
	c2c     = "CallbackCommand=C2C.CallbackBeforeSendMsg"
	group   = "CallbackCommand=Group.CallbackBeforeSendMsg"
	invite  = "CallbackCommand=Group.CallbackBeforeInviteJoinGroup"
	befrend = "CallbackCommand=Sns.CallbackPrevFriendAdd"
)

func TestJudge_TreatsAnswersAsTheVendorsDocumentsSay(t *testing.T) {
	t.Parallel()
	const failed = "failed"
	passed := imfake.Judgement{Effect: imfake.Passed}
	unanswered := imfake.Judgement{Effect: imfake.Passed, Failed: failed}
	stopped := imfake.Judgement{Effect: imfake.Refused, Failed: failed}
	refused := func(code int, text string) imfake.Judgement {
		return imfake.Judgement{Effect: imfake.Refused, Code: code, Text: text}
	}
	changed := func(fields ...string) imfake.Judgement {
		j := imfake.Judgement{Effect: imfake.Changed, Fields: map[string]string{}}
		for i := 0; i < len(fields); i += 2 {
			j.Fields[fields[i]] = fields[i+1]
		}
		return j
	}
	dropped := imfake.Judgement{Effect: imfake.Dropped}
	without := func(r ...event.Refusal) imfake.Judgement {
		return imfake.Judgement{Effect: imfake.Passed, Members: r}
	}
	type question struct{ dialect, generation, query, body string }
	tests := []struct {
		question
		status int
		body   string
		want   imfake.Judgement
	}{
		{question{"wildfirechat", "", "", wildfirechatAsks}, 200, ``, passed},
		{question{"wildfirechat", "", "", wildfirechatAsks}, 403, `{"type":1}`, refused(0, "")},
		{question{"wildfirechat", "", "", wildfirechatAsks}, 200, `{"type":1,"searchableContent":"**","persistFlag":3}`, changed("searchableContent", "**")},
		{question{"wildfirechat", "", "", wildfirechatAsks}, 200, `{"type":1,"searchableContent":"hi"}`, changed("persistFlag", "0")},
		{question{"wildfirechat", "", "", wildfirechatAsks}, 200, `{"type":1,"searchableContent":"hi","persistFlag":3,"mentionedTarget":[],"extra":""}`, passed},
		{question{"wildfirechat", "", "", wildfirechatAsks}, 200, `{"type":0}`, unanswered},
		{question{"wildfirechat", "", "", wildfirechatAsks}, 200, `ok`, unanswered},
		{question{"wildfirechat", "", "", wildfirechatAsks}, 500, ``, unanswered},

		{question{"openim", "", "", openimAsks}, 200, `{"actionCode":0,"errCode":0,"errMsg":"","errDlt":"","nextCode":0}`, passed},
		{question{"openim", "", "", openimAsks}, 500, `{}`, passed},
		{question{"openim", "", "", openimAsks}, 200, `{"actionCode":0,"errCode":5001,"errMsg":"no","nextCode":1}`, refused(5001, "no")},
		{question{"openim", "", "", openimAsks}, 200, `{"actionCode":0,"errCode":0,"nextCode":1}`, refused(500, "")},
		{question{"openim", "", "", openimAsks}, 200, `{"actionCode":1,"errCode":5001,"nextCode":1}`, passed},
		{question{"openim", "", "", openimAsks}, 200, `{"actionCode":0,"nextCode":""}`, stopped},
		{question{"openim", "", "", openimAsks}, 200, `ok`, stopped},
		{question{"openim", "v3.5", "", openimAsks}, 200, `{"actionCode":0,"errCode":5001,"nextCode":0}`, passed},
		{question{"openim", "v3.5", "", openimAsks}, 200, `{"actionCode":1,"errCode":7}`, refused(7, "")},
		{question{"openim", "v3.5", "", openimAsks}, 200, `ok`, unanswered},
		{question{"openim", "v3.0", "", openimAsks}, 200, `{"actionCode":0,"errCode":5001,"nextCode":0}`, refused(5001, "")},
		{question{"openim", "v3.0", "", openimAsks}, 200, `{"nextCode":1}`, passed},
		{question{"openim", "v2.1", "", openimAsks}, 200, `{"actionCode":1,"errCode":0,"errMsg":"no"}`, refused(201, "no")},
		{question{"openim", "v2.1", "", openimAsks}, 200, `{"actionCode":0,"errCode":5}`, passed},
		{question{"openim", "v2.0", "", openimAsks}, 200, `{"actionCode":1,"errCode":0}`, refused(201, "")},
		{question{"openim", "v2.0", "", openimAsks}, 200, `{"actionCode":1,"errCode":5001}`, passed},
		{question{"openim", "", "", openimModifies}, 200, `{"content":"{\"content\":\"**\"}"}`, changed("content", `{"content":"**"}`)},
		{question{"openim", "", "", openimModifies}, 200, `{"content":"{ \"content\":\"hi\"}","ex":"e"}`, passed},
		{question{"openim", "", "", openimModifies}, 200, `{"CONTENT":"**"}`, stopped},
		{question{"openim", "v2.1", "", openimFilters}, 200, `{"content":"**"}`, changed("content", "**")},
		{question{"openim", "v2.1", "", openimFilters}, 200, `{"content":""}`, passed},
		{question{"openim", "v2.0", "", openimFilters}, 200, `{"content":""}`, changed("content", "")},
		{question{"openim", "v2.1", "", openimFilters}, 200, `{"errCode":1,"content":"**"}`, passed},
		{question{"openim", "", "", openimSets}, 200, `{}`, changed("groupID", "", "groupName", "")},
		{question{"openim", "", "", openimSets}, 200, `{"groupID":"g","groupName":"n","notification":"other"}`, passed},
		{question{"openim", "", "", openimSetsEx}, 200, `{"groupID":"g","groupName":"m","lookMemberInfo":1}`, changed("groupName", "m")},
		{question{"openim", "", "", openimSetsEx}, 200, `{}`, changed("groupID", "", "groupName", "", "lookMemberInfo", "")},
		{question{"openim", "", "", openimRemarks}, 200, `{}`, passed},
		{question{"openim", "v3.5", "", openimRemarks}, 200, `{}`, changed("remark", "")},
		{question{"openim", "", "", openimImports}, 200, `{"friendUserIDs":["b"]}`, without(event.Refusal{ID: "a"})},
		{question{"openim", "", "", openimImports}, 200, `{"friendUserIDs":[]}`, passed},
		{question{"openim", "", "", openimProfiles}, 200, `{"nickName":"m"}`, changed("nickName", "m")},
		{question{"openim", "", "", openimProfiles}, 200, `{"ex":"m"}`, stopped},
		{question{"openim", "", "", openimJoins}, 200, `{"memberCallbackList":[{"userID":"a","roleLevel":60},{"userID":"z","roleLevel":60}]}`, changed("a.roleLevel", "60")},
		{question{"openim", "", "", openimJoins}, 200, `{"memberCallbackList":[{}]}`, stopped},
		{question{"openim", "", "", openimPushes}, 200, `{"userIDList":["a"],"offlinePushInfo":{"title":"s"}}`, imfake.Judgement{
			Effect: imfake.Changed, Fields: map[string]string{"title": "s"}, Members: []event.Refusal{{ID: "b"}},
		}},
		{question{"openim", "", "", openimShows}, 200, `{"userIDList":["a"]}`, passed}, // never looked at

		{question{"rongcloud", "", "", rongcloudAsks}, 200, `{"pass":1}`, passed},
		{question{"rongcloud", "", "", rongcloudAsks}, 200, `{"pass":2}`, passed},
		{question{"rongcloud", "", "", rongcloudAsks}, 200, `{"pass":0,"extra":"no"}`, refused(0, "no")},
		{question{"rongcloud", "", "", rongcloudAsks}, 200, `{"pass":1,"replaceContent":"{\"content\":\"**\"}","replaceDisablePush":true}`, changed("content", `{"content":"**"}`, "disablePush", "true")},
		{question{"rongcloud", "", "", rongcloudAsks}, 200, `{"pass":1,"replacePushContent":"ping"}`, passed},
		{question{"rongcloud", "", "", rongcloudAsks}, 200, `{"pass":1,"replaceContent":"**"}`, unanswered},
		{question{"rongcloud", "", "", rongcloudAsks}, 200, `{"pass":"1"}`, unanswered},
		{question{"rongcloud", "", "", rongcloudAsks}, 200, `{"pass":3}`, unanswered},
		{question{"rongcloud", "", "", rongcloudAsks}, 200, `{"pass":0,"extra":"` + strings.Repeat("x", 1025) + `"}`, unanswered},
		{question{"rongcloud", "", "", rongcloudAsks}, 503, `{"pass":0}`, unanswered},
		{question{"rongcloud", "nexconn", "", nexconnAsks}, 503, `{"pass":1}`, stopped},
		{question{"rongcloud", "nexconn", "", nexconnAsks}, 200, `{"pass":1,"replaceContent":"{\"content\":\"**\"}"}`, changed("content", `{"content":"**"}`)},

		{question{"tencent", "", c2c, tencentSends}, 200, `{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":""}`, passed},
		{question{"tencent", "", c2c, tencentSends}, 200, `{"ActionStatus":"OK","ErrorCode":1}`, refused(20006, "")},
		{question{"tencent", "", group, tencentSends}, 200, `{"ActionStatus":"OK","ErrorCode":1}`, refused(10016, "")},
		{question{"tencent", "", c2c, tencentSends}, 200, `{"ActionStatus":"OK","ErrorCode":2}`, dropped},
		{question{"tencent", "", c2c, tencentSends}, 200, `{"ActionStatus":"OK","ErrorCode":120007,"ErrorInfo":"no"}`, refused(120007, "no")},
		{question{"tencent", "", group, tencentSends}, 200, `{"ActionStatus":"OK","ErrorCode":120007}`, unanswered},
		{question{"tencent", "", c2c, tencentSends}, 200, `{"ActionStatus":"OK","ErrorCode":"0"}`, unanswered},
		{question{"tencent", "", c2c, tencentSends}, 200, `{"ActionStatus":"FAIL","ErrorCode":0}`, unanswered},
		{question{"tencent", "", c2c, tencentSends}, 200, ``, unanswered},
		{question{"tencent", "", c2c, tencentSends}, 201, `{"ActionStatus":"OK","ErrorCode":0}`, unanswered},
		{question{"tencent", "", c2c, tencentSends}, 200, `{"ActionStatus":"OK","ErrorCode":0,"MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"**"}}]}`, changed("MsgBody", `[{"MsgContent":{"Text":"**"},"MsgType":"TIMTextElem"}]`)},
		{question{"tencent", "", c2c, tencentSends}, 200, `{"ActionStatus":"OK","ErrorCode":0,"MsgBody":[{"MsgContent":{"Text":"hi"},"MsgType":"TIMTextElem"}],"CloudCustomData":""}`, passed},
		{question{"tencent", "", c2c, tencentSends}, 200, `{"ActionStatus":"OK","ErrorCode":0,"MsgBody":[]}`, unanswered},
		{question{"tencent", "", invite, tencentInvites}, 200, `{"ActionStatus":"OK","ErrorCode":0,"RefusedMembers_Account":["b","z"]}`, without(event.Refusal{ID: "b"})},
		{question{"tencent", "", invite, tencentInvites}, 200, `{"ActionStatus":"OK","ErrorCode":0,"RefusedMembers_Account":["b","a"]}`, refused(0, "")},
		{question{"tencent", "", invite, tencentInvites}, 200, `{"ActionStatus":"OK","ErrorCode":2}`, unanswered},
		{question{"tencent", "", befrend, tencentBefriends}, 200, `{"ActionStatus":"OK","ErrorCode":0,"ResultItem":[{"To_Account":"a","ResultCode":38001,"ResultInfo":"no"},{"To_Account":"b","ResultCode":0}]}`, without(event.Refusal{ID: "a", Code: 38001, Reason: "no"})},
		{question{"tencent", "", befrend, tencentBefriends}, 200, `{"ActionStatus":"OK","ErrorCode":0,"ResultItem":[{"To_Account":"a","ResultCode":0}]}`, unanswered},
		{question{"tencent", "", befrend, tencentBefriends}, 200, `{"ActionStatus":"OK","ErrorCode":38001}`, unanswered},

		{question{"easemob", "", "", easemobAsks}, 200, `{"valid":true}`, passed},
		{question{"easemob", "", "", easemobAsks}, 200, `{"valid":false}`, refused(0, "custom logic denied")},
		{question{"easemob", "", "", easemobAsks}, 200, `{"valid":false,"code":""}`, refused(0, "Message blocked by external logic")},
		{question{"easemob", "", "", easemobAsks}, 200, `{"valid":false,"code":"no"}`, refused(0, "no")},
		{question{"easemob", "", "", easemobAsks}, 200, `{"valid":"true"}`, unanswered},
		{question{"easemob", "", "", easemobAsks}, 200, `{"code":"no"}`, unanswered},
		{question{"easemob", "", "", easemobAsks}, 200, `{"valid":false,"code":"` + strings.Repeat("词", 1000) + `"}`, unanswered},
		{question{"easemob", "", "", easemobAsks}, 200, `{"valid":true,"payload":{"type":"txt","msg":"**"}}`, changed("payload", `{"msg":"**","type":"txt"}`)},
		{question{"easemob", "", "", easemobAsks}, 200, `{"valid":true,"payload":{"type":"txt","msg":"` + strings.Repeat("词", 400) + `"}}`, unanswered},
		{question{"easemob", "", "", easemobAsks}, 200, `{"valid":true,"payload":{"bodies":[{"type":"txt","msg":"**"}]}}`, unanswered},
		{question{"easemob", "legacy", "", easemobAsksWhole}, 200, `{"valid":true,"payload":{"ext":{"a":1},"bodies":[{"type":"txt","msg":"hi"}]}}`, passed},
		{question{"easemob", "", "", easemobAsksCmd}, 200, `{"valid":true,"payload":{"type":"cmd","action":"stop"}}`, unanswered},
		{question{"easemob", "", "", easemobAsks}, 200, `{"valid":true,"chatroom_msg_level":"low"}`, changed("chatroom_msg_level", "low")},

		{question{"cloudevents", "", "", cloudeventsAsks}, 202, ``, passed},
		{question{"cloudevents", "", "", cloudeventsAsks}, 200, `{"verdict":"deny","code":7,"reason":"no"}`, refused(7, "no")},
		{question{"cloudevents", "", "", cloudeventsAsks}, 200, `{"verdict":"drop"}`, dropped},
		{question{"cloudevents", "", "", cloudeventsAsks}, 200, `{"verdict":"rewrite","rewrite":{"message":{"text":"**"}}}`, changed("message", `{"text":"**"}`)},
		{question{"cloudevents", "", "", cloudeventsAsks}, 200, `{"verdict":"allow","refused":[{"id":"b","code":3}]}`, without(event.Refusal{ID: "b", Code: 3})},
		{question{"cloudevents", "", "", cloudeventsAsks}, 200, `{"verdict":"maybe"}`, unanswered},
		{question{"cloudevents", "", "", cloudeventsAsks}, 200, `{"verdict":"allow","more":1}`, unanswered},
		{question{"cloudevents", "", "", cloudeventsAsks}, 500, `{"verdict":"deny"}`, unanswered},
	}
	for _, tt := range tests {
		q := imfake.Question{Dialect: tt.dialect, Generation: tt.generation, Request: &dialect.Request{Query: tt.query, Body: []byte(tt.question.body)}}
		j := imfake.Judge(q, answered(tt.status, tt.body))
		if j.Failed != "" {
			j.Failed = failed
		}
		if d := cmp.Diff(tt.want, j); d != "" {
			t.Errorf("%s %s %.60s, answered %d %.100s (-want +got):\n%s", tt.dialect, tt.generation, tt.question.body, tt.status, tt.body, d)
		}
	}
}

func answered(status int, body string) *dialect.Response {
	return &dialect.Response{Status: status, Header: http.Header{"Content-Length": {strconv.Itoa(len(body))}}, Body: []byte(body)}
}

func TestJudge_WildfireChatWantsTheLengthOfAnAnswer(t *testing.T) {
	t.Parallel()
	body := `{"type":1,"searchableContent":"**","persistFlag":3}`
	q := imfake.Question{Dialect: "wildfirechat", Request: &dialect.Request{Body: []byte(wildfirechatAsks)}}
	chunked, zipped := answered(200, body), answered(200, body)
	chunked.Header = nil
	zipped.Header.Set("Content-Encoding", "gzip")
	for _, res := range []*dialect.Response{chunked, zipped} {
		if j := imfake.Judge(q, res); j.Effect != imfake.Passed || j.Failed == "" {
			t.Errorf("%v is judged %s (%s), want that the original is sent", res.Header, j.Effect, j.Failed)
		}
	}
}

func TestJudge_TheOperatorsSettings(t *testing.T) {
	t.Parallel()
	ask := func(d, generation, query, body string, s imfake.Settings) imfake.Question {
		return imfake.Question{Dialect: d, Generation: generation, Request: &dialect.Request{Query: query, Body: []byte(body)}, Settings: s}
	}
	untold, closed := imfake.Settings{Untold: true}, imfake.Settings{FailClosed: true}
	tests := []struct {
		q   imfake.Question
		res *dialect.Response
		// want is the effect, text what is shown.
		want imfake.Effect
		text string
	}{
		{ask("wildfirechat", "", "", wildfirechatAsks, untold), answered(403, ""), imfake.Dropped, ""},
		{ask("rongcloud", "", "", rongcloudAsks, untold), answered(200, `{"pass":0,"extra":"no"}`), imfake.Dropped, ""},
		{ask("easemob", "", "", easemobAsks, untold), answered(200, `{"valid":false}`), imfake.Dropped, ""},
		{ask("openim", "", "", openimAsks, untold), answered(200, `{"nextCode":1}`), imfake.Refused, ""},
		{ask("wildfirechat", "", "", wildfirechatAsks, closed), nil, imfake.Passed, ""},
		{ask("rongcloud", "", "", rongcloudAsks, closed), nil, imfake.Passed, ""},
		{ask("easemob", "", "", easemobAsks, closed), nil, imfake.Refused, "custom internal error"},
		{ask("tencent", "", c2c, tencentSends, closed), nil, imfake.Refused, ""},
		{ask("openim", "v3.5", "", openimAsks, closed), nil, imfake.Refused, ""},
		{ask("openim", "v3.5", "", openimAsks, imfake.Settings{}), nil, imfake.Passed, ""},
		{ask("openim", "", "", openimAsks, imfake.Settings{}), nil, imfake.Refused, ""},
		{ask("rongcloud", "nexconn", "", nexconnAsks, imfake.Settings{}), nil, imfake.Refused, ""},
	}
	for _, tt := range tests {
		j := imfake.Judge(tt.q, tt.res)
		if j.Effect != tt.want || j.Text != tt.text || (tt.res == nil) != (j.Failed != "") {
			t.Errorf("%s %s %+v: %s %q (failed: %q), want %s %q", tt.q.Dialect, tt.q.Generation, tt.q.Settings, j.Effect, j.Text, j.Failed, tt.want, tt.text)
		}
	}
}
