package movein_test

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/builtin"
	"github.com/imhook/imhook/event"
)

// files are one of each generation in which everything that could be is enabled.
// The words are those of the versions' own files.
func openimFiles() []struct {
	name, head string
	query      bool
	keys       map[string]string
} {
	today := map[string]string{}
	for key := range strings.FieldsSeq(`beforeUserRegister afterUserRegister beforeUpdateUserInfo afterUpdateUserInfo beforeUpdateUserInfoEx
		afterUpdateUserInfoEx beforeAddFriend afterAddFriend beforeAddFriendAgree afterAddFriendAgree afterDeleteFriend beforeSetFriendRemark
		afterSetFriendRemark beforeImportFriends afterImportFriends beforeAddBlack afterRemoveBlack beforeCreateGroup afterCreateGroup
		afterJoinGroup beforeSetGroupMemberInfo afterSetGroupMemberInfo beforeSetGroupInfo afterSetGroupInfo beforeSetGroupInfoEx
		afterSetGroupInfoEx beforeSendSingleMsg afterSendSingleMsg beforeSendGroupMsg afterSendGroupMsg beforeMsgModify afterMsgSaveDB
		afterSingleMsgRead afterGroupMsgRead beforeOnlinePush beforeGroupOnlinePush beforeOfflinePush afterUserOnline afterUserOffline
		afterUserKickOff beforeCreateSingleChatConversations afterCreateSingleChatConversations beforeCreateGroupChatConversations
		afterCreateGroupChatConversations afterQuitGroup afterTransferGroupOwner`) {
		today[key] = "callback" + strings.ToUpper(key[:1]) + key[1:] + "Command"
	}
	today["beforeMemberJoinGroup"] = "callbackBeforeMembersJoinGroupCommand"
	today["beforeInviteUserToGroup"] = "callbackBeforeInviteJoinGroupCommand"
	today["beforeApplyJoinGroup"] = "callbackBeforeJoinGroupCommand"
	today["afterKickGroupMember"] = "callbackAfterKickGroupCommand"
	today["afterDismissGroup"] = "callbackAfterDisMissGroupCommand"
	today["afterRevokeMsg"] = "callbackBeforeAfterMsgCommand"
	return []struct {
		name, head string
		query      bool
		keys       map[string]string
	}{
		{"v3.7", "url: http://backend/cb\n", false, today},
		{"v3.6", "callback:\n  url: http://backend/cb\n", false, map[string]string{
			"beforeSendSingleMsg": "callbackBeforeSendSingleMsgCommand", "afterSendSingleMsg": "callbackAfterSendSingleMsgCommand",
			"beforeSendGroupMsg": "callbackBeforeSendGroupMsgCommand", "afterSendGroupMsg": "callbackAfterSendGroupMsgCommand",
			"msgModify": "callbackMsgModifyCommand", "singleMsgRead": "callbackSingleMsgRead", "groupMsgRead": "callbackGroupMsgReadCommand",
			"userOnline": "callbackUserOnlineCommand", "userOffline": "callbackUserOfflineCommand", "userKickOff": "callbackUserKickOffCommand",
			"offlinePush": "callbackOfflinePushCommand", "onlinePush": "callbackOnlinePushCommand",
			"superGroupOnlinePush": "callbackSuperGroupOnlinePushCommand", "beforeAddFriend": "callbackBeforeAddFriendCommand",
			"callbackBeforeSetFriendRemark": "callbackBeforeSetFriendRemark", "callbackAfterSetFriendRemark": "callbackAfterSetFriendRemark",
			"beforeUpdateUserInfo": "callbackBeforeUpdateUserInfoCommand", "beforeUpdateUserInfoEx": "callbackBeforeUpdateUserInfoExCommand",
			"afterUpdateUserInfoEx": "callbackAfterUpdateUserInfoExCommand", "beforeUserRegister": "callbackBeforeUserRegisterCommand",
			"updateUserInfo": "callbackAfterUpdateUserInfoCommand", "afterUserRegister": "callbackAfterUserRegisterCommand",
			"beforeCreateGroup": "callbackBeforeCreateGroupCommand", "afterCreateGroup": "callbackAfterCreateGroupCommand",
			"beforeMemberJoinGroup": "callbackBeforeMemberJoinGroupCommand", "beforeSetGroupMemberInfo": "callbackBeforeSetGroupMemberInfoCommand",
			"afterSetGroupMemberInfo": "callbackAfterSetGroupMemberInfoCommand", "quitGroup": "callbackQuitGroupCommand",
			"killGroupMember": "callbackKillGroupCommand", "dismissGroup": "callbackDisMissGroupCommand", "joinGroup": "callbackBeforeJoinGroupCommand",
			// v3.6 writes it otherwise than v3.5.
			"transferGroupOwner": "callbackAfterTransferGroupOwner", "beforeInviteUserToGroup": "callbackBeforeInviteJoinGroupCommand",
			"joinGroupAfter": "callbackAfterJoinGroupCommand", "setGroupInfoAfter": "callbackAfterSetGroupInfoCommand",
			"setGroupInfoBefore": "callbackBeforeSetGroupInfoCommand", "revokeMsgAfter": "callbackBeforeAfterMsgCommand",
			"addBlackBefore": "callbackBeforeAddBlackCommand", "addFriendAfter": "callbackAfterAddFriendCommand",
			"addFriendAgreeBefore": "callbackBeforeAddFriendAgreeCommand", "deleteFriendAfter": "callbackAfterDeleteFriendCommand",
			"importFriendsBefore": "callbackBeforeImportFriendsCommand", "importFriendsAfter": "callbackAfterImportFriendsCommand",
			"removeBlackAfter": "callbackAfterRemoveBlackCommand",
		}},
		{"v3.2", "callback:\n  url: http://backend/cb\n", true, map[string]string{
			"beforeSendSingleMsg": "callbackBeforeSendSingleMsgCommand", "afterSendSingleMsg": "callbackAfterSendSingleMsgCommand",
			"beforeSendGroupMsg": "callbackBeforeSendGroupMsgCommand", "afterSendGroupMsg": "callbackAfterSendGroupMsgCommand",
			"msgModify": "callbackMsgModifyCommand", "userOnline": "callbackUserOnlineCommand", "userOffline": "callbackUserOfflineCommand",
			"userKickOff": "callbackUserKickOffCommand", "offlinePush": "callbackOfflinePushCommand", "onlinePush": "callbackOnlinePushCommand",
			"superGroupOnlinePush": "callbackSuperGroupOnlinePushCommand", "beforeAddFriend": "callbackBeforeAddFriendCommand",
			"beforeCreateGroup": "callbackBeforeCreateGroupCommand", "beforeMemberJoinGroup": "callbackBeforeMemberJoinGroupCommand",
			"beforeSetGroupMemberInfo": "callbackBeforeSetGroupMemberInfoCommand",
		}},
		{"v2.3", "callback:\n  callbackUrl: http://backend/cb\n", false, map[string]string{
			"callbackBeforeSendSingleMsg": "callbackBeforeSendSingleMsgCommand", "callbackAfterSendSingleMsg": "callbackAfterSendSingleMsgCommand",
			"callbackBeforeSendGroupMsg": "callbackBeforeSendGroupMsgCommand", "callbackAfterSendGroupMsg": "callbackAfterSendGroupMsgCommand",
			"callbackWordFilter": "callbackWordFilterCommand", "callbackUserOnline": "callbackUserOnlineCommand",
			"callbackUserOffline": "callbackUserOfflineCommand", "callbackUserKickOff": "callbackUserKickOffCommand",
			"callbackOfflinePush": "callbackOfflinePushCommand", "callbackOnlinePush": "callbackOnlinePushCommand",
			"callbackSuperGroupOnlinePush": "callbackSuperGroupOnlinePushCommand",
		}},
	}
}

// sampleOf is a request as the server of the file would post it.
func sampleOf(tb testing.TB, d dialect.Dialect, command string, query, body bool) *dialect.Request {
	tb.Helper()
	req, err := d.Sample(command, rand.New(rand.NewPCG(1, 2)), time.Now())
	if err != nil {
		tb.Fatalf("sample of %s: %v", command, err)
	}
	req.Path, req.Query = "/"+command, ""
	switch {
	case query:
		req.Path, req.Query = "", "callbackCommand="+url.QueryEscape(command)
	case body:
		req.Path = ""
	}
	return &req
}

// TestOpenIM_EachWebhookIsPickedWhereItIsEnabled enables one key of a file after
// the other, and asks the rule that is written about every callback that the
// server of that file can post.
func TestOpenIM_EachWebhookIsPickedWhereItIsEnabled(t *testing.T) {
	t.Parallel()
	reg := builtin.New()
	d, err := reg.Get("openim")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range openimFiles() {
		t.Run(file.name, func(t *testing.T) {
			t.Parallel()
			indent := ""
			if strings.HasPrefix(file.head, "callback") {
				indent = "  "
			}
			posted := map[string][]*event.Event{}
			for key, command := range file.keys {
				posted[key] = decoded(t, d, sampleOf(t, d, command, file.query, file.name == "v2.3"))
			}
			for key := range file.keys {
				text := file.head
				// The others are there, and off.
				for other := range file.keys {
					text += fmt.Sprintf("%s%s: {enable: %t, timeout: 5, callbackTimeOut: 5, failedContinue: true}\n", indent, other, other == key)
				}
				p := plan(t, reg, "openim", text)
				before := posted[key][0].Phase == event.Before
				if len(p.Before())+len(p.After()) != 1 || len(p.Before()) == 1 != before {
					t.Fatalf("%s: %d before and %d after", key, len(p.Before()), len(p.After()))
				}
				targets, phase := p.Endpoints, event.After
				if before {
					targets, phase = p.Hooks, event.Before
				}
				m := matcher(t, reg, &targets[0], phase)
				for other, evs := range posted {
					if got := picked(t, m, evs); got != (other == key) {
						t.Errorf("%s alone is enabled: the event of %s (%s, %s) is picked: %t", key, other, evs[0].Command, evs[0].Phase, got)
					}
				}
				if _, err := parse(reg, p.Config()); err != nil {
					t.Errorf("%s: %v", key, err)
				}
			}
		})
	}
}

// passes is what the server says about a message, in words of this test: what is
// listed is read as the server reads it.
func passes(contentType int, allowed, denied []string) bool {
	in := func(list []string) bool {
		for _, item := range list {
			var low, high int
			if n, _ := fmt.Sscanf(item, "%d-%d", &low, &high); n == 2 {
				if low <= contentType && contentType <= high {
					return true
				}
			} else if item == fmt.Sprint(contentType) {
				return true
			}
		}
		return false
	}
	return (len(allowed) == 0 || in(allowed)) && (len(denied) == 0 || !in(denied))
}

// TestOpenIM_TypeFiltersPickWhatTheServerPicks compares the condition with the
// server's own filter for every type that there can be.
func TestOpenIM_TypeFiltersPickWhatTheServerPicks(t *testing.T) {
	t.Parallel()
	reg := builtin.New()
	d, err := reg.Get("openim")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ allowed, denied []string }{
		{[]string{"101", "102"}, nil},
		{nil, []string{"113", "1000-5000"}},
		{[]string{"101-120", "200-500"}, []string{"110", "300-450", "300"}},
		{[]string{"no"}, nil},                 // nothing is a type: the server reports none
		{nil, []string{"500-101", "-5", "x"}}, // nothing is denied
		{[]string{"100-101", "119-122"}, []string{"101"}},
	} {
		text := fmt.Sprintf("url: http://b\nafterSendGroupMsg: {enable: true, allowedTypes: [%s], deniedTypes: [%s]}\nafterSendSingleMsg: {enable: true}\n",
			strings.Join(quoteAll(tt.allowed), ","), strings.Join(quoteAll(tt.denied), ","))
		m := matcher(t, reg, &plan(t, reg, "openim", text).Endpoints[0], event.After)
		for contentType := range 700 {
			for _, command := range []string{"callbackAfterSendGroupMsgCommand", "callbackAfterSendSingleMsgCommand"} {
				req := sampleOf(t, d, command, false, false)
				req.Body = withNumber(t, req.Body, "contentType", contentType)
				want := command == "callbackAfterSendSingleMsgCommand" || passes(contentType, tt.allowed, tt.denied)
				if got := picked(t, m, decoded(t, d, req)); got != want {
					t.Errorf("allowed %q denied %q: %s of type %d is picked: %t", tt.allowed, tt.denied, command, contentType, got)
				}
			}
		}
	}
}

func quoteAll(all []string) []string {
	q := slices.Clone(all)
	for i := range q {
		q[i] = fmt.Sprintf("%q", q[i])
	}
	return q
}

// withNumber sets a number of a body.
func withNumber(tb testing.TB, body []byte, key string, n int) []byte {
	tb.Helper()
	before, rest, ok := strings.Cut(string(body), `"`+key+`":`)
	end := strings.IndexAny(rest, ",}")
	if !ok || end < 0 {
		tb.Fatalf("%s is not in %s", key, body)
	}
	return fmt.Appendf(nil, `%s"%s":%d%s`, before, key, n, rest[end:])
}

// withText sets a text of a body.
func withText(tb testing.TB, body []byte, key, value string) []byte {
	tb.Helper()
	before, rest, ok := strings.Cut(string(body), `"`+key+`":"`)
	end := strings.IndexByte(rest, '"')
	if !ok || end < 0 {
		tb.Fatalf("%s is not in %s", key, body)
	}
	return fmt.Appendf(nil, `%s"%s":%q%s`, before, key, value, rest[end+1:])
}

// TestOpenIM_AttentionHoldsBackNothingThatAServerSends: versions differ in whom
// they look for.
func TestOpenIM_AttentionHoldsBackNothingThatAServerSends(t *testing.T) {
	t.Parallel()
	reg := builtin.New()
	d, err := reg.Get("openim")
	if err != nil {
		t.Fatal(err)
	}
	p := plan(t, reg, "openim", "url: http://b\nafterSendSingleMsg: {enable: true, attentionIds: [alice, 'b|o%b']}\n"+
		"afterSendGroupMsg: {enable: true, attentionIds: [g1, 7]}\nafterMsgSaveDB: {enable: true, attentionIds: [alice]}\n")
	m := matcher(t, reg, &p.Endpoints[0], event.After)
	for _, tt := range []struct {
		command, from, key, to string
		want                   bool
	}{
		{"callbackAfterSendSingleMsgCommand", "alice", "recvID", "zoe", true},
		{"callbackAfterSendSingleMsgCommand", "zoe", "recvID", "alice", true},
		{"callbackAfterSendSingleMsgCommand", "zoe", "recvID", "b|o%b", true},
		{"callbackAfterSendSingleMsgCommand", "alic", "recvID", "zoe", false},
		{"callbackAfterSendSingleMsgCommand", "zoe", "recvID", "b", false},
		{"callbackAfterSendGroupMsgCommand", "zoe", "groupID", "g1", true},
		{"callbackAfterSendGroupMsgCommand", "7", "groupID", "g2", true},
		{"callbackAfterSendGroupMsgCommand", "zoe", "groupID", "g2", false},
		{"callbackAfterMsgSaveDBCommand", "zoe", "recvID", "tim", true},
	} {
		req := sampleOf(t, d, tt.command, false, false)
		req.Body = withText(t, withText(t, req.Body, "sendID", tt.from), tt.key, tt.to)
		if got := picked(t, m, decoded(t, d, req)); got != tt.want {
			t.Errorf("%s from %s to %s is picked: %t", tt.command, tt.from, tt.to, got)
		}
	}
	for _, want := range []string{"conf:3:35: warning: afterSendGroupMsg.attentionIds: names groups", "afterMsgSaveDB.attentionIds: the server does not look at it"} {
		if !strings.Contains(warnings(p), want) {
			t.Errorf("the warnings lack %q:\n%s", want, warnings(p))
		}
	}
}

// A condition has a length; a list that is too long is left to the server.
func TestOpenIM_FilterThatIsTooLongIsLeftToTheServer(t *testing.T) {
	t.Parallel()
	reg := builtin.New()
	var ids []string
	for i := range 900 {
		ids = append(ids, fmt.Sprintf("user-%d", i))
	}
	p := plan(t, reg, "openim", "url: http://b\nafterSendSingleMsg: {enable: true, attentionIds: ["+strings.Join(ids, ",")+"]}\nafterSendGroupMsg: {enable: true, deniedTypes: [110]}\n")
	if len(p.Endpoints[0].When) != 1 || !strings.Contains(p.Endpoints[0].When[0], "SendGroupMsg") {
		t.Errorf("the conditions are %.200q, want that of groups alone", p.Endpoints[0].When)
	}
	if !strings.Contains(warnings(p), "conf:2:1: warning: afterSendSingleMsg: the filters cannot be a condition") {
		t.Errorf("the warnings are\n%s", warnings(p))
	}
	if strings.Contains(p.Config(), "user-1") {
		t.Error("the list is written all the same")
	}
	if _, err := parse(reg, p.Config()); err != nil {
		t.Error(err)
	}
}

func TestOpenIM_ProblemsNameLineAndRemedy(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, text, want string }{
		{"no YAML", "url: http://b\nafterUserOnline: {enable: true\n", "conf:3:1: this is no YAML: "},
		{"empty", "", "conf: the file is empty"},
		{"other", "mysql: {}\nredis: {}\n", "conf: neither url nor a webhook stands in it; name OpenIM's config/webhooks.yml"},
		{"list", "- url: b\n", "conf:1:1: this is no mapping"},
		{"no url", "afterUserOnline: {enable: true}\n", "conf: url: is missing"},
		{"empty url", "url:\nafterUserOnline: {enable: true}\n", "conf:1:5: url: is empty: the server posts nowhere"},
		{"scheme", "url: webhook://h/x\nafterUserOnline: {enable: true}\n", "conf:1:6: url: is not an http or https URL"},
		{"port", "url: http://h:99999/x\nafterUserOnline: {enable: true}\n", "conf:1:6: url: "},
		{"variable", "url: ${URL}\nafterUserOnline: {enable: true}\n", "conf:1:6: url: holds a variable that something else fills in; import the file that the server reads"},
		{"variable switch", "url: http://h\nafterUserOnline:\n  enable: ${ON}\n", "conf:3:11: afterUserOnline.enable: holds a variable"},
		{"switch", "url: http://h\nafterUserOnline: {enable: maybe}\n", "conf:2:27: afterUserOnline.enable: is neither true nor false"},
		{"timeout", "url: http://h\nafterUserOnline: {enable: true, timeout: 5s}\n", "conf:2:42: afterUserOnline.timeout: is no number of seconds"},
		{"scalar", "url: http://h\nafterUserOnline: true\n", "conf:2:18: afterUserOnline: must be a mapping with enable"},
		{"list of types", "url: http://h\nafterSendGroupMsg: {enable: true, deniedTypes: 1}\n", "conf:2:48: afterSendGroupMsg.deniedTypes: must be a list"},
		{"twice", "url: http://h\nafterUserOnline: {enable: true}\nafteruseronline: {enable: true}\n", "conf:3:1: afteruseronline: is given twice; the first is on line 2"},
		{"nothing on", "url: http://h\nafterUserOnline: {enable: false}\n", "conf: no webhook is enabled"},
		{"two documents", "url: http://h\n---\nurl: http://h\n", "conf:2:1: a second document begins here"},
		{"callback", "callback: yes\n", "conf:1:11: callback: must be a mapping"},
	} {
		got := problems(t, "openim", tt.text)
		if !strings.HasPrefix(got, tt.want) || strings.Contains(got, "\n") {
			t.Errorf("%s: said %q, want one line beginning %q", tt.name, got, tt.want)
		}
	}
	all := problems(t, "openim", "url: ftp://secret-host\nafterUserOnline: {enable: 7}\nafterUserOffline: {timeout: x}\n")
	if n := strings.Count(all, "\n"); n != 2 || strings.Contains(all, "secret-host") {
		t.Errorf("%d lines, want all three problems at once and nothing of the URL:\n%s", n+1, all)
	}
}

func TestOpenIM_WarningsSayWhatIsNotTakenOver(t *testing.T) {
	t.Parallel()
	reg := builtin.New()
	for _, tt := range []struct{ name, text, want string }{
		{"unknown", "url: http://b\nafterUserOnlin: {enable: true}\nafterUserOnline: {enable: true}\n", "conf:2:1: warning: afterUserOnlin: is no webhook of OpenIM and is left out; did you mean afterUserOnline?"},
		{"setting", "url: http://b\nafterUserOnline: {enable: true, timout: 5}\n", "conf:2:33: warning: afterUserOnline.timout: is no setting of a webhook and is left out; did you mean timeout?"},
		{"password", "url: http://u:pw@b\nafterUserOnline: {enable: true}\n", "conf:1:6: warning: url: holds a user or password; imhook sends none"},
		{"query", "url: http://b/x?token=t\nafterUserOnline: {enable: true}\n", "conf:1:6: warning: url: holds a query"},
		{"slash", "url: http://b/x/\nafterUserOnline: {enable: true}\n", "conf:1:6: warning: url: ends with a slash"},
		{"timeouts", "url: http://b\nafterUserOnline: {enable: true, timeout: 3}\nafterUserOffline: {enable: true, timeout: 9}\n", "conf:2:1: warning: less is waited today for afterUserOnline; the endpoint has one timeout for all, the longest: 9s"},
		{"no time", "url: http://b\nafterUserOnline: {enable: true, timeout: 0}\n", "conf:2:42: warning: afterUserOnline.timeout: leaves no time at all; 5s is taken"},
		{"silent", "url: http://b\nafterGroupMsgRevoke: {enable: true}\nafterUserOnline: {enable: true}\n", "conf:2:1: warning: afterGroupMsgRevoke: no version of the server sends anything for it"},
		{"continue", "url: http://b\nbeforeAddFriend: {enable: true, failedContinue: true}\n", "conf:2:1: warning: beforeAddFriend: failedContinue is not looked at by servers since v3.7"},
		{"types elsewhere", "url: http://b\nafterUserOnline: {enable: true, deniedTypes: [1]}\n", "conf:2:33: warning: afterUserOnline.deniedTypes: the server does not look at it"},
	} {
		p := plan(t, reg, "openim", tt.text)
		if got := warnings(p); !strings.Contains(got, tt.want) {
			t.Errorf("%s: warned\n%swant %s", tt.name, got, tt.want)
		}
		if strings.Contains(p.Config()+p.Paste()+warnings(p), "pw") {
			t.Errorf("%s: the password is repeated", tt.name)
		}
	}
}

// TestOpenIM_FailuresOfHooks: what a missing word means is the server's default.
func TestOpenIM_FailuresOfHooks(t *testing.T) {
	t.Parallel()
	reg := builtin.New()
	p := plan(t, reg, "openim", "url: http://b\nbeforeAddFriend: {enable: true, failedContinue: true}\nbeforeAddBlack: {enable: true, failedContinue: }\nbeforeImportFriends: {enable: true, failedContinue: false}\n")
	got := map[string]bool{}
	for _, h := range p.Hooks {
		for _, c := range h.Callbacks {
			got[c.Key] = h.Stops
		}
	}
	if diff := cmp.Diff(map[string]bool{"beforeAddFriend": false, "beforeAddBlack": true, "beforeImportFriends": true}, got); diff != "" {
		t.Errorf("who stops the operation (-want +got):\n%s", diff)
	}
	if len(p.Endpoints) != 0 {
		t.Errorf("%d endpoints for before-callbacks alone", len(p.Endpoints))
	}
	if _, err := parse(reg, p.Config()); err != nil {
		t.Error(err)
	}
}

func TestOpenIM_MergesThatMultiplyAreRefused(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("url: http://b\na0: &a0 {enable: true}\n")
	for i := 1; i < 9; i++ {
		fmt.Fprintf(&b, "a%d: &a%d {<<: [%s]}\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 40), ", "))
	}
	b.WriteString("afterUserOnline: *a8\n")
	if got := problems(t, "openim", b.String()); !strings.Contains(got, "merges too much with <<") {
		t.Errorf("said %s", got)
	}
}

// TestOpenIM_KnowsEveryCommand: what the dialect gets to know must be imported too.
func TestOpenIM_KnowsEveryCommand(t *testing.T) {
	t.Parallel()
	reg := builtin.New()
	covered := map[string]bool{}
	for _, file := range openimFiles() {
		for _, command := range file.keys {
			covered[command] = true
		}
	}
	for _, c := range spec(t, reg, "openim").Commands {
		if !covered[c.Name] && c.Name != "callbackTransferGroupOwnerAfter" {
			t.Errorf("no file of the tests enables %s", c.Name)
		}
	}
}
