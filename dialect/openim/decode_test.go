package openim_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/openim"
	"github.com/imhook/imhook/event"
)

var now = time.Date(2026, 11, 21, 8, 30, 0, 123e6, time.UTC)

// want is what mapping section 3 says of a command: the fields by name.
type want struct {
	command    string // without callback and Command where it has both
	typ        event.Type
	lane       event.Lane
	actor      string
	system     bool
	members    []string
	dedupe     string
	links      []string
	echo       bool
	generation string
	at         int64
	more       func(ev *event.Event) bool
}

const common = `"sendID":"nora","serverMsgID":"s1","clientMsgID":"c1","operationID":"op","senderPlatformID":9,"senderNickname":"Nora",` +
	`"msgFrom":100,"contentType":101,"status":1,"sendTime":1795163400123,"createTime":1795163400123,"content":"{\"content\":\"hi\"}",` +
	`"seq":0,"atUserList":null,"faceURL":"f.png","ex":"x"`

const oldCommon = `"sendID":"nora","serverMsgID":"s1","clientMsgID":"c1","operationID":"op","senderPlatformID":1,"senderNickname":"Nora",` +
	`"contentType":101,"createTime":1640000000123,"content":"hi"`

var msgLinks = []string{"msg:s1", "msg:c1"}

const pushed = `"operationID":"op","platformID":1,"platform":"IOS","clientMsgID":"c1","sendID":"nora","contentType":101,"atUserIDList":null,"content":"{\"content\":\"hi\"}"`

const groupBody = `"groupID":"g1","groupName":"club","notification":"n","introduction":"i","faceURL":"g.png","ownerUserID":"nora","ex":"e","status":3,"creatorUserID":"ada","groupType":2,"createTime":5,"memberCount":2,` +
	`"initMemberList":[{"userID":"nora","roleLevel":100},{"userID":"bo","roleLevel":20}]`

func isText(ev *event.Event) bool {
	m := ev.Message
	return m != nil && m.ID == "s1" && m.ClientID == "c1" && m.Kind == event.Text && m.Text == "hi"
}

func isGroup(ev *event.Event) bool {
	g := ev.Group
	return g != nil && g.Name == "club" && g.Announcement == "n" && g.Introduction == "i" && g.Avatar == "g.png" && g.Owner == "nora" &&
		g.Extra == "e" && g.Kind == "working" && g.Muted != nil && *g.Muted && ev.Members[0].Role == "owner" && ev.Members[1].Role == "member"
}

func renames(ev *event.Event) bool { return ev.Friend.Owner == "nora" && ev.Friend.Alias == "A." }

var decodeCases = []struct {
	name, body string
	want       want
}{
	{"message to a user", `{` + common + `,"sessionType":1,"recvID":"ada"}`, want{command: "AfterSendSingleMsg", typ: event.MessageSend, lane: "direct:ada|nora", actor: "nora", dedupe: "s1", links: msgLinks, at: 1795163400123, more: func(ev *event.Event) bool {
		return isText(ev) && ev.Actor.Platform == "ipad" && ev.User.DisplayName == "Nora" && ev.User.Avatar == "f.png" && ev.Message.Extra == "x"
	}}},
	{"question about it", `{` + common + `,"sessionType":1,"recvID":"ada"}`, want{command: "BeforeSendSingleMsg", typ: event.MessageSend, lane: "direct:ada|nora", actor: "nora", dedupe: "s1", links: msgLinks, at: 1795163400123, more: isText}},
	{"message to a group", `{` + strings.Replace(common, "null", `["ada","AtAllTag"]`, 1) + `,"sessionType":3,"groupID":"g1"}`, want{command: "AfterSendGroupMsg", typ: event.MessageSend, lane: "group:g1", actor: "nora", dedupe: "s1", links: msgLinks, at: 1795163400123, more: func(ev *event.Event) bool {
		return isText(ev) && ev.Message.Mentions.All && slices.Equal(ev.Message.Mentions.Users, []string{"ada"})
	}}},
	{"question about it", `{` + strings.Replace(common, `"msgFrom":100`, `"msgFrom":200`, 1) + `,"sessionType":3,"groupID":"g1"}`, want{command: "BeforeSendGroupMsg", typ: event.MessageSend, lane: "group:g1", actor: "nora", system: true, dedupe: "s1", links: msgLinks, at: 1795163400123, more: isText}},
	{"how to change it", `{` + common + `,"sessionType":1}`, want{command: "BeforeMsgModify", typ: event.MessageModify, lane: "user:nora", actor: "nora", dedupe: "s1", links: msgLinks, at: 1795163400123, more: isText}},
	{"older name of it", `{` + common + `,"sessionType":1}`, want{command: "callbackMsgModifyCommand", typ: event.MessageModify, lane: "user:nora", actor: "nora", dedupe: "s1", links: msgLinks, at: 1795163400123, generation: "v3.5", more: isText}},
	{"word filter", `{"callbackCommand":"callbackWordFilterCommand",` + oldCommon + `,"sessionType":1}`, want{command: "callbackWordFilterCommand", typ: event.MessageModify, lane: "user:nora", actor: "nora", dedupe: "s1", links: msgLinks, at: 1640000000123, generation: "v2.0", more: isText}},
	{"stored message", `{` + strings.Replace(common, `"seq":0`, `"seq":7`, 1) + `,"sessionType":1,"recvID":"ada","groupID":""}`, want{command: "AfterMsgSaveDB", typ: event.MessageSend, lane: "direct:ada|nora", actor: "nora", dedupe: "s1", links: append(slices.Clone(msgLinks), "seq:si_ada_nora:7"), echo: true, at: 1795163400123, more: func(ev *event.Event) bool { return isText(ev) && ev.Message.Seq == "7" }}},
	{"stored in a group", `{` + strings.Replace(common, `"seq":0`, `"seq":8`, 1) + `,"sessionType":3,"recvID":"","groupID":"g1"}`, want{command: "AfterMsgSaveDB", typ: event.MessageSend, lane: "group:g1", actor: "nora", dedupe: "s1", links: append(slices.Clone(msgLinks), "seq:sg_g1:8"), echo: true, at: 1795163400123}},
	{"read", `{"conversationID":"si_ada_nora","userID":"ada","Seqs":[3,4],"contentType":1}`, want{command: "AfterSingleMsgRead", typ: event.MessageRead, lane: "direct:ada|nora", actor: "ada", links: []string{"seq:si_ada_nora:3", "seq:si_ada_nora:4"}, more: func(ev *event.Event) bool { return slices.Equal(ev.Receipt.Seqs, []string{"3", "4"}) }}},
	{"read in a group", `{"conversationID":"sg_g1","userID":"ada","Seqs":null,"contentType":3}`, want{command: "AfterSingleMsgRead", typ: event.MessageRead, lane: "group:g1", actor: "ada"}},
	{"read as v3.5 says it", `{"sendID":"ada","receiveID":"ada","contentType":1}`, want{command: "callbackSingleMsgRead", typ: event.MessageRead, lane: "user:ada", actor: "ada", generation: "v3.5"}},
	{"group read", `{"sendID":"ada","receiveID":"ada","unreadMsgNum":9,"contentType":3}`, want{command: "AfterGroupMsgRead", typ: event.MessageRead, lane: "user:ada", actor: "ada", more: func(ev *event.Event) bool { return slices.Equal(ev.Receipt.Seqs, []string{"9"}) }}},
	{"group read, older", `{"sendID":"ada","receiveID":"ada","unreadMsgNum":9,"contentType":3}`, want{command: "callbackGroupMsgReadCommand", typ: event.MessageRead, lane: "user:ada", actor: "ada", generation: "v3.5"}},
	{"recall", `{"conversationID":"sg_g1","seq":8,"userID":"nora"}`, want{command: "callbackBeforeAfterMsgCommand", typ: event.MessageRecall, lane: "group:g1", actor: "nora", dedupe: "sg_g1|8", links: []string{"seq:sg_g1:8"}, more: func(ev *event.Event) bool { return ev.Phase == event.After && ev.Message.Seq == "8" }}},
	{"recall, direct, ids with underscores", `{"conversationID":"si_a_b_c_d","seq":8,"userID":"c_d"}`, want{command: "callbackBeforeAfterMsgCommand", typ: event.MessageRecall, lane: "direct:a_b|c_d", actor: "c_d", dedupe: "si_a_b_c_d|8", links: []string{"seq:si_a_b_c_d:8"}}},
	{"recall by an administrator", `{"conversationID":"si_a_b","seq":8,"userID":"imAdmin"}`, want{command: "callbackBeforeAfterMsgCommand", typ: event.MessageRecall, lane: "direct:a|b", actor: "imAdmin", dedupe: "si_a_b|8", links: []string{"seq:si_a_b:8"}}},
	{"recall, nobody can tell the users", `{"conversationID":"si_a_b_c","seq":8,"userID":"imAdmin"}`, want{command: "callbackBeforeAfterMsgCommand", typ: event.MessageRecall, lane: "user:imAdmin", actor: "imAdmin", dedupe: "si_a_b_c|8", links: []string{"seq:si_a_b_c:8"}}},
	{"recall of a notification", `{"conversationID":"n_a_b","seq":8,"userID":"a"}`, want{command: "callbackBeforeAfterMsgCommand", typ: event.MessageRecall, lane: "user:a", actor: "a", dedupe: "n_a_b|8", links: []string{"seq:n_a_b:8"}}},
	{"online push", `{` + pushed + `,"userIDList":["ada"],"groupID":"","sessionType":1}`, want{command: "BeforeOnlinePush", typ: event.MessagePushOnline, lane: "direct:ada|nora", actor: "nora", members: []string{"ada"}, links: []string{"msg:c1"}}},
	{"online push, older", `{` + pushed + `,"userIDList":["ada"],"groupID":"","sessionType":1}`, want{command: "callbackOnlinePushCommand", typ: event.MessagePushOnline, lane: "direct:ada|nora", actor: "nora", members: []string{"ada"}, links: []string{"msg:c1"}, generation: "v3.5"}},
	{"group push", `{` + pushed + `,"groupID":"g1","sessionType":3,"seq":5}`, want{command: "BeforeGroupOnlinePush", typ: event.MessagePushOnline, lane: "group:g1", actor: "nora", links: []string{"msg:c1"}, more: func(ev *event.Event) bool { return ev.Message.Seq == "5" }}},
	{"group push, older", `{` + pushed + `,"groupID":"g1","sessionType":3,"seq":5}`, want{command: "callbackSuperGroupOnlinePushCommand", typ: event.MessagePushOnline, lane: "group:g1", actor: "nora", links: []string{"msg:c1"}, generation: "v3.5"}},
	{"offline push", `{` + pushed + `,"userIDList":["ada","bo"],"groupID":"g1","sessionType":3,"title":"T","desc":"D","ex":"E","iOSPushSound":"s","iOSBadgeCount":true,"signalInfo":""}`, want{command: "BeforeOfflinePush", typ: event.MessagePushOffline, lane: "group:g1", actor: "nora", members: []string{"ada", "bo"}, links: []string{"msg:c1"}, more: func(ev *event.Event) bool {
		return *ev.Message.Push == event.Push{Title: "T", Content: "D", Data: "E"}
	}}},
	{"offline push, older", `{` + pushed + `,"userIDList":["ada"],"groupID":"","sessionType":1}`, want{command: "callbackOfflinePushCommand", typ: event.MessagePushOffline, lane: "direct:ada|nora", actor: "nora", members: []string{"ada"}, links: []string{"msg:c1"}, generation: "v3.5"}},
	{"online", `{"operationID":"op","platformID":2,"platform":"Android","userID":"ada","seq":1795163400123,"isAppBackground":true,"connID":"c"}`, want{command: "AfterUserOnline", typ: event.UserOnline, lane: "user:ada", actor: "ada", members: []string{"ada"}, dedupe: "ada|2|c|1795163400123", at: 1795163400123, more: func(ev *event.Event) bool { return ev.Presence.Platform == "android" && ev.Presence.Connection == "c" }}},
	{"online, older", `{"platformID":2,"platform":"Android","userID":"ada","seq":1795163400123,"token":"t"}`, want{command: "callbackUserOnlineCommand", typ: event.UserOnline, lane: "user:ada", actor: "ada", members: []string{"ada"}, dedupe: "ada|2|-|1795163400123", at: 1795163400123, generation: "v3.5"}},
	{"offline", `{"platformID":2,"platform":"Android","userID":"ada","seq":1795163400123,"connID":"c"}`, want{command: "AfterUserOffline", typ: event.UserOffline, lane: "user:ada", actor: "ada", members: []string{"ada"}, dedupe: "ada|2|c|1795163400123", at: 1795163400123, more: func(ev *event.Event) bool { return ev.Presence.Reason == "disconnect" }}},
	{"offline, older", `{"platformID":2,"platform":"Android","userID":"ada","seq":1795163400123}`, want{command: "callbackUserOfflineCommand", typ: event.UserOffline, lane: "user:ada", actor: "ada", members: []string{"ada"}, dedupe: "ada|2|-|1795163400123", at: 1795163400123, generation: "v3.5"}},
	{"kicked", `{"platformID":2,"platform":"Android","userID":"ada","seq":1795163400123}`, want{command: "AfterUserKickOff", typ: event.UserKick, lane: "user:ada", actor: "ada", members: []string{"ada"}, dedupe: "ada|2|-|1795163400123", at: 1795163400123}},
	{"kicked, older", `{"platformID":2,"platform":"Android","userID":"ada","seq":1795163400123}`, want{command: "callbackUserKickOffCommand", typ: event.UserKick, lane: "user:ada", actor: "ada", members: []string{"ada"}, dedupe: "ada|2|-|1795163400123", at: 1795163400123, generation: "v3.5"}},
	{"registration asked", `{"users":[{"userID":"ada","nickname":"Ada"},{"userID":"bo"}]}`, want{command: "BeforeUserRegister", typ: event.UserRegister, lane: "user:ada", members: []string{"ada", "bo"}}},
	{"registration", `{"users":[{"userID":"ada","nickname":"Ada","faceURL":"a.png","ex":"e","appMangerLevel":18}]}`, want{command: "AfterUserRegister", typ: event.UserRegister, lane: "user:ada", members: []string{"ada"}, more: func(ev *event.Event) bool {
		return *ev.User == event.User{ID: "ada", DisplayName: "Ada", Avatar: "a.png", Extra: "e"}
	}}},
	{"profile asked", `{"userID":"ada","nickName":"Ada","faceURL":null,"ex":null}`, want{command: "BeforeUpdateUserInfo", typ: event.UserUpdate, lane: "user:ada", actor: "ada", members: []string{"ada"}, more: func(ev *event.Event) bool { return ev.User.DisplayName == "Ada" }}},
	{"profile", `{"userID":"ada","nickName":"Ada","faceURL":"","ex":""}`, want{command: "AfterUpdateUserInfo", typ: event.UserUpdate, lane: "user:ada", actor: "ada", members: []string{"ada"}, more: func(ev *event.Event) bool { return ev.Vendor == nil }}},
	{"profile asked, wrappers", `{"userID":"ada","nickName":null,"faceURL":"a.png","ex":null}`, want{command: "BeforeUpdateUserInfoEx", typ: event.UserUpdate, lane: "user:ada", actor: "ada", members: []string{"ada"}, more: func(ev *event.Event) bool { return ev.User.Avatar == "a.png" }}},
	{"profile, wrappers", `{"userID":"ada","nickName":null,"faceURL":"","ex":"e"}`, want{command: "AfterUpdateUserInfoEx", typ: event.UserUpdate, lane: "user:ada", actor: "ada", members: []string{"ada"}, more: func(ev *event.Event) bool { return ev.User.Extra == "e" && string(ev.Vendor) == `{"faceURL":""}` }}},
	{"friendship asked for, asked", `{"fromUserID":"ada","toUserID":"bo","reqMsg":"hi","ex":"e"}`, want{command: "BeforeAddFriend", typ: event.FriendRequest, lane: "direct:ada|bo", actor: "ada", members: []string{"bo"}, more: func(ev *event.Event) bool { return ev.Friend.Text == "hi" && ev.Friend.Extra == "e" }}},
	{"friendship asked for", `{"fromUserID":"ada","toUserID":"bo","reqMsg":"hi"}`, want{command: "AfterAddFriend", typ: event.FriendRequest, lane: "direct:ada|bo", actor: "ada", members: []string{"bo"}}},
	{"agreeing asked", `{"fromUserID":"ada","blackUserID":"bo","HandleResult":1,"HandleMsg":"ok"}`, want{command: "BeforeAddFriendAgree", typ: event.FriendRespond, lane: "direct:ada|bo", actor: "bo", members: []string{"ada"}, more: func(ev *event.Event) bool { return ev.Friend.Action == "accept" && ev.Friend.Text == "ok" }}},
	{"agreed", `{"fromUserID":"ada","blackUserID":"bo","HandleResult":1,"HandleMsg":"ok"}`, want{command: "AfterAddFriendAgree", typ: event.FriendAccept, lane: "direct:ada|bo", actor: "bo", members: []string{"ada"}}},
	{"refused", `{"fromUserID":"ada","blackUserID":"bo","HandleResult":-1,"HandleMsg":""}`, want{command: "AfterAddFriendAgree", typ: event.FriendDecline, lane: "direct:ada|bo", actor: "bo", members: []string{"ada"}}},
	{"friend removed", `{"ownerUserID":"nora","friendUserID":"bo"}`, want{command: "AfterDeleteFriend", typ: event.FriendRemove, lane: "direct:bo|nora", actor: "nora", members: []string{"bo"}}},
	{"remark asked", `{"ownerUserID":"nora","friendUserID":"bo","remark":"A."}`, want{command: "BeforeSetFriendRemark", typ: event.FriendRename, lane: "direct:bo|nora", actor: "nora", members: []string{"bo"}, more: renames}},
	{"remark", `{"ownerUserID":"nora","friendUserID":"bo","remark":"A."}`, want{command: "AfterSetFriendRemark", typ: event.FriendRename, lane: "direct:bo|nora", actor: "nora", members: []string{"bo"}, more: renames}},
	{"remark asked, older", `{"ownerUserID":"nora","friendUserID":"bo","remark":"A."}`, want{command: "callbackBeforeSetFriendRemark", typ: event.FriendRename, lane: "direct:bo|nora", actor: "nora", members: []string{"bo"}, generation: "v3.5", more: renames}},
	{"remark, older", `{"ownerUserID":"nora","friendUserID":"bo","remark":"A."}`, want{command: "callbackAfterSetFriendRemark", typ: event.FriendRename, lane: "direct:bo|nora", actor: "nora", members: []string{"bo"}, generation: "v3.5", more: renames}},
	{"import asked", `{"ownerUserID":"nora","friendUserIDs":["ada","bo"]}`, want{command: "BeforeImportFriends", typ: event.FriendImport, lane: "user:nora", members: []string{"ada", "bo"}, more: func(ev *event.Event) bool { return ev.Friend.Owner == "nora" }}},
	{"import", `{"ownerUserID":"nora","friendUserIDs":["bo"]}`, want{command: "AfterImportFriends", typ: event.FriendImport, lane: "direct:bo|nora", members: []string{"bo"}, more: func(ev *event.Event) bool { return ev.Friend.Owner == "nora" }}},
	{"block asked", `{"ownerUserID":"nora","blackUserID":"bo"}`, want{command: "BeforeAddBlack", typ: event.BlockAdd, lane: "direct:bo|nora", actor: "nora", members: []string{"bo"}}},
	{"unblocked", `{"ownerUserID":"nora","blackUserID":"bo"}`, want{command: "AfterRemoveBlack", typ: event.BlockRemove, lane: "direct:bo|nora", actor: "nora", members: []string{"bo"}}},
	{"group asked", `{"operationID":"op",` + groupBody + `}`, want{command: "BeforeCreateGroup", typ: event.GroupCreate, lane: "group:g1", actor: "ada", members: []string{"nora", "bo"}, more: isGroup}},
	{"group", `{` + groupBody + `}`, want{command: "AfterCreateGroup", typ: event.GroupCreate, lane: "group:g1", actor: "ada", members: []string{"nora", "bo"}, more: isGroup}},
	{"entry asked", `{"groupID":"g1","memberList":[{"userID":"ada","ex":"e"},{"userID":"bo","ex":""}],"groupEx":"ge"}`, want{command: "BeforeMembersJoinGroup", typ: event.GroupMemberJoin, lane: "group:g1", members: []string{"ada", "bo"}, more: func(ev *event.Event) bool { return ev.Members[0].Extra == "e" && ev.Group.Extra == "ge" }}},
	{"entry asked, older", `{"groupID":"g1","userID":"ada","ex":"e","groupEx":""}`, want{command: "BeforeMemberJoinGroup", typ: event.GroupMemberJoin, lane: "group:g1", members: []string{"ada"}, generation: "v3.5"}},
	{"invitation asked", `{"operationID":"op","groupID":"g1","reason":"why","invitedUserIDs":["ada","bo"]}`, want{command: "BeforeInviteJoinGroup", typ: event.GroupMemberInvite, lane: "group:g1", members: []string{"ada", "bo"}, more: func(ev *event.Event) bool { return ev.Members[1].Reason == "why" }}},
	{"application asked", `{"groupID":"g1","groupType":"\u0001","applyID":"ada","reqMessage":"why","ex":"e"}`, want{command: "BeforeJoinGroup", typ: event.GroupMemberApply, lane: "group:g1", actor: "ada", members: []string{"ada"}, more: func(ev *event.Event) bool {
		return ev.Group.Kind == "super" && ev.Members[0].Reason == "why" && ev.Members[0].Extra == "e"
	}}},
	{"joined", `{"operationID":"op","groupID":"g1","reqMessage":"why","joinSource":3,"inviterUserID":"ada"}`, want{command: "AfterJoinGroup", typ: event.GroupMemberJoin, lane: "group:g1", actor: "ada", members: []string{"ada"}, more: func(ev *event.Event) bool { return ev.Members[0].Source == "search" && ev.Members[0].Reason == "why" }}},
	{"left", `{"groupID":"g1","userID":"ada"}`, want{command: "AfterQuitGroup", typ: event.GroupMemberLeave, lane: "group:g1", actor: "ada", members: []string{"ada"}}},
	{"left, older", `{"groupID":"g1","userID":"ada"}`, want{command: "callbackQuitGroupCommand", typ: event.GroupMemberLeave, lane: "group:g1", actor: "ada", members: []string{"ada"}, generation: "v3.5"}},
	{"removed", `{"groupID":"g1","kickedUserIDs":["ada","bo"],"reason":"why"}`, want{command: "AfterKickGroup", typ: event.GroupMemberKick, lane: "group:g1", members: []string{"ada", "bo"}, more: func(ev *event.Event) bool { return ev.Members[0].Reason == "why" }}},
	{"removed, older", `{"groupID":"g1","kickedUserIDs":["ada"],"reason":""}`, want{command: "callbackKillGroupCommand", typ: event.GroupMemberKick, lane: "group:g1", members: []string{"ada"}, generation: "v3.5"}},
	{"dissolved", `{"groupID":"g1","ownerID":"nora","groupType":"\u0002","membersID":null}`, want{command: "AfterDisMissGroup", typ: event.GroupDestroy, lane: "group:g1", more: func(ev *event.Event) bool { return ev.Group.Owner == "nora" && ev.Group.Kind == "working" }}},
	{"dissolved, older", `{"groupID":"g1","ownerID":"nora","groupType":"2","membersID":["ada"]}`, want{command: "callbackDisMissGroupCommand", typ: event.GroupDestroy, lane: "group:g1", members: []string{"ada"}, generation: "v3.5", more: func(ev *event.Event) bool { return ev.Group.Kind == "working" }}},
	{"transferred", `{"groupID":"g1","oldOwnerUserID":"nora","newOwnerUserID":"ada"}`, want{command: "AfterTransferGroupOwner", typ: event.GroupTransfer, lane: "group:g1", members: []string{"ada"}, more: func(ev *event.Event) bool { return ev.Group.Owner == "ada" && ev.Group.PreviousOwner == "nora" }}},
	{"transferred, older", `{"groupID":"g1","oldOwnerUserID":"nora","newOwnerUserID":"ada"}`, want{command: "callbackTransferGroupOwnerAfter", typ: event.GroupTransfer, lane: "group:g1", members: []string{"ada"}, generation: "v3.5"}},
	{"transferred, as v3.6 says it", `{"groupID":"g1","oldOwnerUserID":"nora","newOwnerUserID":"ada"}`, want{command: "callbackAfterTransferGroupOwner", typ: event.GroupTransfer, lane: "group:g1", members: []string{"ada"}, generation: "v3.5"}},
	{"card asked", `{"groupID":"g1","userID":"ada","nickName":"A.","faceURL":null,"roleLevel":60,"ex":null}`, want{command: "BeforeSetGroupMemberInfo", typ: event.GroupMemberUpdate, lane: "group:g1", members: []string{"ada"}, more: func(ev *event.Event) bool { return ev.Members[0].Alias == "A." && ev.Members[0].Role == "admin" }}},
	{"card", `{"groupID":"g1","userID":"ada","nickName":"A.","faceURL":null,"roleLevel":60,"ex":"e"}`, want{command: "AfterSetGroupMemberInfo", typ: event.GroupMemberUpdate, lane: "group:g1", members: []string{"ada"}, more: func(ev *event.Event) bool { return ev.Members[0].Extra == "e" }}},
	{"promoted", `{"groupID":"g1","userID":"ada","nickName":null,"faceURL":null,"roleLevel":60,"ex":null}`, want{command: "AfterSetGroupMemberInfo", typ: event.GroupMemberPromote, lane: "group:g1", members: []string{"ada"}}},
	{"demoted", `{"groupID":"g1","userID":"ada","nickName":null,"faceURL":null,"roleLevel":20,"ex":null}`, want{command: "AfterSetGroupMemberInfo", typ: event.GroupMemberDemote, lane: "group:g1", members: []string{"ada"}}},
	{"settings asked", `{"operationID":"","groupID":"g1","groupName":"club","notification":"n","introduction":"","faceURL":"","ex":"","needVerification":2,"lookMemberInfo":0,"applyMemberFriend":0}`, want{command: "BeforeSetGroupInfo", typ: event.GroupUpdate, lane: "group:g1", more: func(ev *event.Event) bool {
		return ev.Group.Name == "club" && ev.Group.Announcement == "n" && string(ev.Vendor) == `{"needVerification":2}`
	}}},
	{"settings", `{"operationID":"","groupID":"g1","groupName":"","notification":"n","introduction":"","faceURL":"","ex":"e","needVerification":null,"lookMemberInfo":null,"applyMemberFriend":null}`, want{command: "AfterSetGroupInfo", typ: event.GroupUpdate, lane: "group:g1", more: func(ev *event.Event) bool {
		return ev.Group.Announcement == "n" && ev.Group.Extra == "e" && ev.Vendor == nil
	}}},
	{"settings asked, wrappers", `{"operationID":"op","groupID":"g1","groupName":null,"notification":"","introduction":"i"}`, want{command: "BeforeSetGroupInfoEx", typ: event.GroupUpdate, lane: "group:g1", more: func(ev *event.Event) bool { return ev.Group.Introduction == "i" }}},
	{"settings, wrappers", `{"operationID":"op","groupID":"g1","groupName":null,"notification":"","introduction":"i"}`, want{command: "AfterSetGroupInfoEx", typ: event.GroupUpdate, lane: "group:g1", more: func(ev *event.Event) bool { return string(ev.Vendor) == `{"operationID":"op","notification":""}` }}},
	{"conversation asked", `{"ownerUserId":"nora","conversationId":"si_ada_nora","conversationType":1,"userId":"ada"}`, want{command: "BeforeCreateSingleChatConversations", typ: event.ConversationCreate, lane: "direct:ada|nora", actor: "nora", members: []string{"nora"}}},
	{"conversation", `{"ownerUserId":"nora","conversationId":"si_ada_nora","conversationType":1,"userId":"ada"}`, want{command: "AfterCreateSingleChatConversations", typ: event.ConversationCreate, lane: "direct:ada|nora", actor: "nora", members: []string{"nora"}}},
	{"conversation by its id", `{"ownerUserId":"nora","conversationId":"si_ada_nora","conversationType":1}`, want{command: "AfterCreateSingleChatConversations", typ: event.ConversationCreate, lane: "direct:ada|nora", actor: "nora", members: []string{"nora"}}},
	{"group conversation asked", `{"ownerUserId":"nora","conversationId":"sg_g1","conversationType":3,"groupId":"g1"}`, want{command: "BeforeCreateGroupChatConversations", typ: event.ConversationCreate, lane: "group:g1", actor: "nora", members: []string{"nora"}}},
	{"group conversation asked, as the server does", `{"ownerUserId":"","conversationId":"sg_g1","conversationType":3,"groupId":"g1"}`, want{command: "BeforeCreateGroupChatConversations", typ: event.ConversationCreate, lane: "group:g1"}},
	{"group conversation, as the server says it", `{"ownerUserId":"","conversationId":"sg_g1","conversationType":3,"groupId":"g1"}`, want{command: "AfterCreateGroupChatConversations", typ: event.ConversationCreate, lane: "group:g1"}},
	{"group conversation", `{"ownerUserId":"nora","conversationId":"sg_g1","conversationType":3,"groupId":"g1"}`, want{command: "AfterCreateGroupChatConversations", typ: event.ConversationCreate, lane: "group:g1", actor: "nora", members: []string{"nora"}}},
}

func fullName(name string) string {
	if strings.HasPrefix(name, "callback") {
		return name
	}
	return "callback" + name + "Command"
}

func decodeOne(tb testing.TB, d dialect.Dialect, path, query, body string) *event.Event {
	tb.Helper()
	evs, err := d.Decode(&dialect.Request{Path: path, Query: query, Body: []byte(body)})
	if err != nil {
		tb.Fatalf("decoding %s %s: %v", path, body, err)
	}
	if len(evs) != 1 {
		tb.Fatalf("decoding %s gave %d events, want 1", path, len(evs))
	}
	return evs[0]
}

func TestDecode_CanonicalFieldsByName(t *testing.T) {
	t.Parallel()
	d := openim.New()
	seen := map[string]bool{}
	for _, c := range decodeCases {
		name := fullName(c.want.command)
		seen[name] = true
		path := "/" + name
		if name == "callbackWordFilterCommand" {
			path = ""
		}
		generation := c.want.generation
		if generation == "" {
			generation = "v3.7"
		}
		ev := decodeOne(t, d, path, "", c.body)
		got := want{
			command: ev.Command, typ: ev.Type, lane: ev.Lane, dedupe: ev.Dedupe, links: ev.Links, echo: ev.Echo, generation: ev.Generation,
		}
		if ev.Actor != nil {
			got.actor, got.system = ev.Actor.ID, ev.Actor.System
		}
		for _, m := range ev.Members {
			got.members = append(got.members, m.ID)
		}
		if !ev.Time.IsZero() {
			got.at = ev.Time.UnixMilli()
		}
		w := c.want
		w.command, w.generation, w.more = name, generation, nil
		if diff := cmp.Diff(w, got, cmp.AllowUnexported(want{}), cmpopts.EquateEmpty(), cmpopts.IgnoreFields(want{}, "more")); diff != "" {
			t.Errorf("%s %s (-want +got):\n%s", name, c.name, diff)
		}
		if c.want.more != nil && !c.want.more(ev) {
			t.Errorf("%s %s: %+v message %+v user %+v group %+v friend %+v members %+v vendor %s", name, c.name, ev, ev.Message, ev.User, ev.Group, ev.Friend, ev.Members, ev.Vendor)
		}
	}
	for _, c := range d.Spec().Commands {
		if !seen[c.Name] {
			t.Errorf("no case for %s", c.Name)
		}
	}
}

func TestDecode_WhereTheCommandStands(t *testing.T) {
	t.Parallel()
	d := openim.New()
	body := `{"callbackCommand":"callbackAfterSendSingleMsgCommand",` + oldCommon + `,"sessionType":1,"recvID":"ada"}`
	v38 := `{` + common + `,"sessionType":1,"recvID":"ada"}`
	for _, tt := range []struct{ name, path, query, body, command, generation string }{
		{"path", "/callbackAfterSendSingleMsgCommand", "", v38, "callbackAfterSendSingleMsgCommand", "v3.7"},
		{"path, slash, more in front", "/hook/callbackAfterSendSingleMsgCommand/", "", v38, "callbackAfterSendSingleMsgCommand", "v3.7"},
		{"the word of the configuration", "/afterSendSingleMsg", "", v38, "callbackAfterSendSingleMsgCommand", "v3.7"},
		{"the word of the seed's configuration", "/callbackafterSendSingleMsg", "", v38, "callbackAfterSendSingleMsgCommand", "v3.7"},
		{"revoke by the word of the configuration", "/afterRevokeMsg", "", `{"conversationID":"sg_g","seq":1,"userID":"a"}`, "callbackBeforeAfterMsgCommand", "v3.7"},
		{"members by the word of the configuration", "/beforeMemberJoinGroup", "", `{"groupID":"g","memberList":[]}`, "callbackBeforeMembersJoinGroupCommand", "v3.7"},
		{"capital C of v3.0", "", "callbackCommand=CallbackBeforeSetGroupMemberInfoCommand", `{"groupID":"g","userID":"a"}`, "callbackBeforeSetGroupMemberInfoCommand", "v3.0"},
		{"query", "", "callbackCommand=callbackAfterSendSingleMsgCommand", v38, "callbackAfterSendSingleMsgCommand", "v3.0"},
		{"query of older pages, another path", "/callbackExample", "contenttype=json&command=callbackAfterSendSingleMsgCommand", v38, "callbackAfterSendSingleMsgCommand", "v3.0"},
		{"query, a name of v3.7", "", "callbackCommand=callbackAfterUserOnlineCommand", `{"userID":"a","seq":1}`, "callbackAfterUserOnlineCommand", "v3.7"},
		{"query, an older name", "", "callbackCommand=callbackUserOnlineCommand", `{"userID":"a","seq":1}`, "callbackUserOnlineCommand", "v3.0"},
		{"body", "", "", body, "callbackAfterSendSingleMsgCommand", "v2.0"},
		{"body, another path", "/callback", "", body, "callbackAfterSendSingleMsgCommand", "v2.0"},
		{"body with mentions", "", "", strings.Replace(body, `"sessionType"`, `"atUserList":null,"sessionType"`, 1), "callbackAfterSendSingleMsgCommand", "v2.1"},
		{"body of v3.8", "", "", `{"callbackCommand":"callbackAfterSendSingleMsgCommand",` + v38[1:], "callbackAfterSendSingleMsgCommand", "v3.7"},
		{"body, v2.1", "", "", `{"callbackCommand":"callbackUserOnlineCommand","userID":"a","seq":1}`, "callbackUserOnlineCommand", "v2.1"},
		{"body, a command of v3", "", "", `{"callbackCommand":"callbackAfterQuitGroupCommand","userID":"a","groupID":"g"}`, "callbackAfterQuitGroupCommand", "v3.7"},
		{"the path before the query before the body", "/callbackAfterQuitGroupCommand", "callbackCommand=x", `{"callbackCommand":"callbackKillGroupCommand","userID":"a","groupID":"g"}`, "callbackAfterQuitGroupCommand", "v3.7"},
	} {
		ev := decodeOne(t, d, tt.path, tt.query, tt.body)
		if ev.Command != tt.command || ev.Generation != tt.generation {
			t.Errorf("%s: %s of %s, want %s of %s", tt.name, ev.Command, ev.Generation, tt.command, tt.generation)
		}
	}
}

func TestDecode_SeveralInOneBodyAreAsMany(t *testing.T) {
	t.Parallel()
	d := openim.New()
	for _, tt := range []struct {
		path, body string
		types      []event.Type
	}{
		{"/callbackAfterUserRegisterCommand", `{"users":[{"userID":"a"},7,{"userID":"b","ex":"e"},{}],"more":{"k":1}}`, []event.Type{event.UserRegister, event.VendorUnknown, event.UserRegister, event.VendorUnknown}},
		{"/callbackAfterImportFriendsCommand", `{"ownerUserID":"o","friendUserIDs":["a",null,"b"]}`, []event.Type{event.FriendImport, event.VendorUnknown, event.FriendImport}},
	} {
		evs, err := d.Decode(&dialect.Request{Path: tt.path, Body: []byte(tt.body)})
		if err != nil {
			t.Fatal(err)
		}
		var types []event.Type
		for i, ev := range evs {
			types = append(types, ev.Type)
			again := decodeOne(t, d, ev.Raw.Path, "", string(ev.Raw.Body))
			if diff := cmp.Diff(ev, again); diff != "" {
				t.Errorf("%s %d: its Raw is another event (-first +again):\n%s", tt.path, i, diff)
			}
		}
		if diff := cmp.Diff(tt.types, types); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.path, diff)
		}
	}
}

func TestDecode_MalformedIsADecodeErrorThatNamesTheField(t *testing.T) {
	t.Parallel()
	d := openim.New()
	for _, tt := range []struct{ path, body, field string }{
		{"/callbackAfterSendSingleMsgCommand", `{}`, "sendID"},
		{"/callbackAfterSendSingleMsgCommand", `{"sendID":"a"}`, "recvID"},
		{"/callbackAfterSendGroupMsgCommand", `{"sendID":"a"}`, "groupID"},
		{"/callbackAfterSendSingleMsgCommand", `{"sendID":1}`, "sendID"},
		{"/callbackAfterSendSingleMsgCommand", `{"sendID":"a","recvID":"b","contentType":"101"}`, "contentType"},
		{"/callbackAfterSendSingleMsgCommand", `{"sendID":"a","recvID":"b","atUserList":"c"}`, "atUserList"},
		{"/callbackAfterSendSingleMsgCommand", `{"sendID":"a","recvID":"b","sendTime":1e400}`, "sendTime"},
		{"/callbackBeforeAfterMsgCommand", `{"conversationID":"sg_g","seq":0}`, "seq"},
		{"/callbackAfterUserRegisterCommand", `{"users":[]}`, "users"},
		{"/callbackBeforeUserRegisterCommand", `{"users":[{}]}`, "users.userID"},
		{"/callbackBeforeAddFriendAgreeCommand", `{"fromUserID":"a","blackUserID":"b","HandleResult":5}`, "HandleResult"},
		{"/callbackBeforeCreateSingleChatConversationsCommand", `{"userId":"a","conversationId":"si_a_b"}`, "ownerUserId"},
		{"/callbackAfterUserRegisterCommand", `{"users":[0` + strings.Repeat(",0", 500_000) + `]}`, "users"},
		{"/callbackAfterUserRegisterCommand", `{"more":"` + strings.Repeat("m", 1<<19) + `","users":[{}` + strings.Repeat(",{}", 100) + `]}`, "users"},
		{"/callbackAfterImportFriendsCommand", `{"ownerUserID":"` + strings.Repeat("o", 1<<19) + `","friendUserIDs":["a"` + strings.Repeat(`,"a"`, 100) + `]}`, "friendUserIDs"},
		{"/callbackAfterQuitGroupCommand", `[]`, ""},
		{"/callbackAfterQuitGroupCommand", `"x"`, ""},
		{"/callbackAfterQuitGroupCommand", ``, ""},
		{"", `callbackCommand=x`, ""},
		{"/callbackAfterQuitGroupCommand", strings.Repeat(`{"a":`, 300) + "1" + strings.Repeat("}", 300), ""},
	} {
		evs, err := d.Decode(&dialect.Request{Path: tt.path, Body: []byte(tt.body)})
		de, ok := errors.AsType[*dialect.DecodeError](err)
		if !ok || de.Field != tt.field || len(evs) != 0 {
			t.Errorf("%s %.80s: %d events, %v; want an error about %q", tt.path, tt.body, len(evs), err, tt.field)
		}
	}
	// A key given twice keeps its last value, as encoding/json reads it.
	if ev := decodeOne(t, d, "/callbackAfterQuitGroupCommand", "", `{"groupID":"x","userID":"a","groupID":"g"}`); ev.Lane != "group:g" {
		t.Errorf("lane = %s, want that of the last groupID", ev.Lane)
	}
	// What is of no known command is kept in an order of its own.
	for body, lane := range map[string]event.Lane{
		`{"groupID":"g","userID":"u"}`:          "group:g",
		`{"sendID":"a","recvID":"b"}`:           "direct:a|b",
		`{"userID":"u"}`:                        "user:u",
		`{"conversationID":"sg_g"}`:             "group:g",
		`{"callbackCommand":7,"groupID":["g"]}`: "system:",
	} {
		if ev := decodeOne(t, d, "/callbackAfterTomorrowCommand", "", body); ev.Type != event.VendorUnknown || ev.Lane != lane || ev.Command != "callbackAfterTomorrowCommand" {
			t.Errorf("%s: %s %s in %s, want unknown in %s", body, ev.Type, ev.Command, ev.Lane, lane)
		}
	}
}

// A server reports all devices of a user within a millisecond, without a connection:
// each is an event of its own, and the same report again is not.
func TestDecode_TwoDevicesAtOnceAreTwoEvents(t *testing.T) {
	t.Parallel()
	d := openim.New()
	for _, command := range []string{"callbackAfterUserOnlineCommand", "callbackAfterUserOfflineCommand", "callbackAfterUserKickOffCommand"} {
		key := func(platform string) string {
			return decodeOne(t, d, "/"+command, "", `{"operationID":"p_7_1","platformID":`+platform+`,"userID":"ada","seq":1795163400123,"connID":""}`).Dedupe
		}
		first, second, again := key("1"), key("5"), key("1")
		if first == second || first == "" || first != again {
			t.Errorf("%s: keys are %q and %q, and %q once more", command, first, second, again)
		}
	}
}

func TestSample_ReadsBackAsTheSameEventInEveryGeneration(t *testing.T) {
	t.Parallel()
	d := openim.New()
	for _, c := range d.Spec().Commands {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			seen := map[event.Type]bool{}
			for seed := range uint64(100) {
				req, err := d.Sample(c.Name, rand.New(rand.NewPCG(seed, 1)), now)
				if err != nil {
					t.Fatal(err)
				}
				ev := decodeOne(t, d, req.Path, req.Query, string(req.Body))
				if ev.Command != c.Name || ev.Phase != c.Phase || !slices.Contains(c.Types, ev.Type) {
					t.Fatalf("sample %s reads as %s %s %s", req.Body, ev.Phase, ev.Command, ev.Type)
				}
				seen[ev.Type] = true
				if !ev.Time.IsZero() && (ev.Time.After(now) || ev.Time.Before(now.Add(-2*time.Minute))) {
					t.Fatalf("sample is of %v, want about %v", ev.Time, now)
				}
				for _, generation := range d.Spec().Generations {
					reqs, err := d.Encode(ev, dialect.Target{Generation: generation, Now: now})
					if errors.Is(err, dialect.ErrUntranslatable) && strings.HasPrefix(generation, "v2") {
						continue
					}
					if errors.Is(err, dialect.ErrUntranslatable) && c.Name == "callbackSingleMsgRead" && generation == "v3.7" {
						continue // v3.5 does not say what was read
					}
					if len(reqs) == len(ev.Members) && len(reqs) > 1 && generation != "v3.7" {
						continue // older servers asked about one member at a time
					}
					if err != nil || len(reqs) != 1 {
						t.Fatalf("%s in %s: %d requests, %v", c.Name, generation, len(reqs), err)
					}
					back := decodeOne(t, d, reqs[0].Path, reqs[0].Query, string(reqs[0].Body))
					same := cmpopts.IgnoreFields(event.Event{}, "Raw", "Generation", "Command", "Vendor", "Dedupe")
					w := *ev
					if w.Message != nil && generation != "v3.7" {
						// Older servers do not write when they took it.
						m := *w.Message
						w.Time, m.SentAt, w.Message = back.Time, back.Message.SentAt, &m
					}
					if strings.HasPrefix(generation, "v2") { // plainer: no extra, no mentions, no connection
						if back.Type != w.Type || back.Lane != w.Lane || back.Generation != generation && back.Generation != "v2.0" {
							t.Fatalf("%s in %s reads back as %s in %s of %s", c.Name, generation, back.Type, back.Lane, back.Generation)
						}
						continue
					}
					if diff := cmp.Diff(&w, back, same, cmpopts.EquateEmpty()); diff != "" {
						t.Fatalf("%s in %s (-was +is):\n%s\n%s", c.Name, generation, diff, reqs[0].Body)
					}
				}
			}
			for _, typ := range c.Types {
				if !seen[typ] {
					t.Errorf("no sample is a %s", typ)
				}
			}
		})
	}
	if _, err := d.Sample("no_such", rand.New(rand.NewPCG(1, 1)), now); !errors.Is(err, dialect.ErrUnknownCommand) {
		t.Errorf("%v, want ErrUnknownCommand", err)
	}
}

func TestSpec_TheWordsOfTheConfigurationAreAliases(t *testing.T) {
	t.Parallel()
	spec := openim.New().Spec()
	for alias, name := range map[string]string{
		"afterSendGroupMsg": "callbackAfterSendGroupMsgCommand", "afterRevokeMsg": "callbackBeforeAfterMsgCommand",
		"beforeInviteUserToGroup": "callbackBeforeInviteJoinGroupCommand", "afterKickGroupMember": "callbackAfterKickGroupCommand",
		"beforeApplyJoinGroup": "callbackBeforeJoinGroupCommand", "beforeMemberJoinGroup": "callbackBeforeMembersJoinGroupCommand",
	} {
		if c, ok := spec.Command(alias); !ok || c.Name != name {
			t.Errorf("%s is %q, want %q", alias, c.Name, name)
		}
	}
}
