package rongcloud_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/rongcloud"
	"github.com/imhook/imhook/event"
)

// read decodes one request, as a form where the body is url.Values.
func read(t *testing.T, path string, body any) *event.Event {
	t.Helper()
	req := dialect.Request{Path: path, ContentType: "application/json"}
	switch b := body.(type) {
	case string:
		req.Body = []byte(b)
	case url.Values:
		req.ContentType, req.Body = "application/x-www-form-urlencoded", []byte(b.Encode())
	}
	evs, err := rongcloud.New().Decode(&req)
	if err != nil {
		t.Fatalf("decoding %s: %v", req.Body, err)
	}
	if len(evs) != 1 {
		t.Fatalf("decoding %s: %d events, want 1", req.Body, len(evs))
	}
	return evs[0]
}

func form(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	return v
}

var (
	at     = time.UnixMilli(1795200000123).UTC()
	group  = &event.Conversation{Kind: event.KindGroup, ID: "g1"}
	room   = &event.Conversation{Kind: event.KindChatroom, ID: "r1"}
	direct = &event.Conversation{Kind: event.KindDirect, ID: "ann|bob"}
	ann    = &event.Actor{ID: "ann"}
	onIOS  = &event.Actor{ID: "ann", Platform: "ios"}
	bobs   = []event.Member{{ID: "bob"}}
)

// Every command and discriminator, by canonical field.
func TestDecode_CanonicalFields(t *testing.T) {
	t.Parallel()
	hello := func(id string) *event.Message {
		return &event.Message{ID: id, Kind: event.Text, Code: "RC:TxtMsg", Text: "hi"}
	}
	sync := func(more ...string) url.Values {
		v := form(append([]string{
			"fromUserId", "ann", "toUserId", "g1", "objectName", "RC:TxtMsg", "content", `{"content":"hi"}`, "channelType", "GROUP",
			"msgTimestamp", "1795200000123", "msgUID", "M1", "sensitiveType", "0", "source", "iOS",
		}, more...)...)
		return v
	}
	with := func(v url.Values, name, value string) url.Values { v.Set(name, value); return v }
	question := func() url.Values {
		return form("appKey", "k", "fromUserId", "ann", "targetId", "bob", "msgType", "RC:TxtMsg", "content", `{"content":"hi"}`,
			"channelType", "PERSON", "msgTimeStamp", "1795200000123", "messageId", "M1", "os", "iOS", "clientIp", "203.0.113.9:1",
			"pushContent", "p", "disablePush", "true", "pushExt", `{"title":"t"}`)
	}
	operation := func(number, users string) string {
		return `[{"groupId":"g1","eventType":` + number + `,"time":1795200000123,"optUserId":"ann"` + users + `}]`
	}
	message := func(kind, tail string) string {
		return `{"eventType":` + kind + `,"fromUserId":"ann","optTime":1795200000123,"source":"iOS","conversationInfo":{"conversationType":3,"targetId":"g1"},` +
			`"originalMsgInfo":{"messageId":"M1","messageTime":1795199999000}` + tail + `}`
	}
	audit := func(result string) string {
		return `{"result":` + result + `,"content":"{\"fromUserId\":\"ann\",\"targetId\":\"bob\",\"toUserIds\":\"bob\",\"conversationType\":\"PERSON\",\"objectName\":\"RC:TxtMsg\",\"message\":\"{\\\"content\\\":\\\"hi\\\"}\",\"clientOs\":\"iOS\",\"messageTime\":1795200000123,\"messageId\":\"M1\"}","msgUID":"M1","serviceProvider":"p","resultDetail":"d"}`
	}
	relation := func(number string) string {
		return `{"eventType":` + number + `,"userId":"ann","toUserId":"bob","time":1795200000123,"source":"iOS","extra":"x"}`
	}
	bot := func(kind, data string) string {
		return `{"type":"` + kind + `","timestamp":1795200000123,"bot":{"userId":"bob"},"data":{` + data + `}}`
	}
	hook := func(kind, data string) string {
		return `{"type":"` + kind + `","id":"e1","time":1795200000999,"data":[{` + data + `}]}`
	}
	status := func(number string) string {
		return `[{"userid":"ann","status":"` + number + `","os":"iOS","time":1795200000123,"clientIp":"203.0.113.9:1","sessionId":"s1"}]`
	}
	online := func(reason string) *event.Presence {
		return &event.Presence{Reason: reason, Platform: "ios", Address: "203.0.113.9:1", Connection: "s1"}
	}
	device := &event.Actor{ID: "ann", Platform: "ios", Client: "s1"}
	self := []event.Member{{ID: "ann"}}
	link := []string{"msg:M1"}
	sent := &event.Message{ID: "M1", SentAt: time.UnixMilli(1795199999000).UTC()}
	audited := hello("M1")
	audited.SentAt = at
	pushed := hello("M1")
	pushed.Push = &event.Push{Content: "p", Data: `{"title":"t"}`, Disabled: true}
	edited := hello("M1")
	edited.Edits = "M0"
	bots := func(m *event.Message) *event.Message { m.SentAt = at; return m }
	const said = `"fromUserId":"ann","messageUId":"M1","objectName":"RC:TxtMsg","content":"{\"content\":\"hi\"}","sentTime":1795200000123`

	for _, tt := range []struct {
		name string
		path string
		body any
		want event.Event
	}{
		{"kv set", "/chatroom_kv", `{"chatroomId":"r1","key":"k","value":"v","optType":1,"userId":"ann","timestamp":1795200000123}`, event.Event{Type: event.ChatroomAttributeSet, Lane: "chatroom:r1", Actor: ann, Conversation: room, Chatroom: &event.Chatroom{ID: "r1", Attributes: map[string]string{"k": "v"}}}},
		{"kv delete", "/chatroom_kv", `{"chatroomId":"r1","key":"k","optType":2,"userId":"ann","timestamp":1795200000123}`, event.Event{Type: event.ChatroomAttributeDelete, Lane: "chatroom:r1", Actor: ann, Conversation: room, Chatroom: &event.Chatroom{ID: "r1", Attributes: map[string]string{"k": ""}}}},
		{"kv clear", "/chatroom_kv", `{"chatroomId":"r1","optType":3,"userId":"ann","timestamp":1795200000}`, event.Event{Type: event.ChatroomAttributeClear, Lane: "chatroom:r1", Actor: ann, Conversation: room, Chatroom: &event.Chatroom{ID: "r1"}, Time: at.Truncate(time.Second)}},
		{"online", "/online_status", status("0"), event.Event{Type: event.UserOnline, Lane: "user:ann", Actor: device, Members: self, Presence: online("")}},
		{"offline", "/online_status", status("1"), event.Event{Type: event.UserOffline, Lane: "user:ann", Actor: device, Members: self, Presence: online("disconnect")}},
		{"logout", "/online_status", status("2"), event.Event{Type: event.UserOffline, Lane: "user:ann", Actor: device, Members: self, Presence: online("logout")}},
		{"message", "/message_sync", sync(), event.Event{Type: event.MessageSend, Lane: "group:g1", Links: link, Actor: onIOS, Conversation: group, Message: hello("M1")}},
		{"directed message", "/message_sync", sync("groupUserIds", "bob", "groupUserIds", "carl"), event.Event{Type: event.MessageSend, Lane: "group:g1", Links: link, Actor: onIOS, Conversation: group, Message: hello("M1"), Members: []event.Member{{ID: "bob"}, {ID: "carl"}}}},
		{"edited message", "/message_sync", sync("originalMsgUID", "M0"), event.Event{Type: event.MessageEdit, Lane: "group:g1", Links: []string{"msg:M0"}, Actor: onIOS, Conversation: group, Message: edited}},
		{"blocked message", "/message_sync", with(sync(), "sensitiveType", "1"), event.Event{Type: event.MessageIntercept, Lane: "group:g1", Links: link, Actor: onIOS, Conversation: group, Message: hello("M1"), Moderation: &event.Moderation{Verdict: "refuse"}}},
		{"replaced message", "/message_sync", with(sync(), "sensitiveType", "2"), event.Event{Type: event.MessageSend, Lane: "group:g1", Links: link, Actor: onIOS, Conversation: group, Message: hello("M1"), Moderation: &event.Moderation{Verdict: "replace"}}},
		{"message in a room", "/message_sync", with(with(sync(), "channelType", "TEMPGROUP"), "toUserId", "r1"), event.Event{Type: event.MessageSend, Lane: "chatroom:r1", Links: link, Actor: onIOS, Conversation: room, Message: hello("M1")}},
		{"message in a topic", "/message_sync", with(sync("busChannel", "t"), "channelType", "ULTRAGROUP"), event.Event{Type: event.MessageSend, Lane: "group:g1", Links: link, Actor: onIOS, Conversation: &event.Conversation{Kind: event.KindGroup, ID: "g1", Topic: "t"}, Message: hello("M1")}},
		{"message to a user", "/message_sync", with(with(sync(), "channelType", "PERSON"), "toUserId", "bob"), event.Event{Type: event.MessageSend, Lane: "direct:ann|bob", Links: link, Actor: onIOS, Conversation: direct, Message: hello("M1")}},
		{"question", "/message_callback", question(), event.Event{Type: event.MessageSend, Phase: event.Before, Lane: "direct:ann|bob", Links: link, Actor: onIOS, Conversation: direct, Message: pushed}},
		{"question about an edit", "/message_callback", form("fromUserId", "ann", "targetId", "g1", "toUserIds", "bob, carl", "msgType", "RC:TxtMsg", "content", `{"content":"hi"}`, "channelType", "ULTRAGROUP", "busChannel", "t", "msgTimeStamp", "1795200000123", "messageId", "M1", "originalMsgUID", "M0", "os", "iOS"), event.Event{Type: event.MessageEdit, Phase: event.Before, Lane: "group:g1", Links: []string{"msg:M0"}, Actor: onIOS, Conversation: &event.Conversation{Kind: event.KindGroup, ID: "g1", Topic: "t"}, Message: edited, Members: []event.Member{{ID: "bob"}, {ID: "carl"}}}},
		{"recall", "/message_operation", message("1", `,"recallMsgInfo":{"isDelete":0,"isAdmin":1}`), event.Event{Type: event.MessageRecall, Lane: "group:g1", Links: link, Actor: &event.Actor{ID: "ann", Platform: "ios", Admin: true}, Conversation: group, Message: sent}},
		{"delete", "/message_operation", message("2", `,"deleteMsgInfo":{"deleteType":1}`), event.Event{Type: event.MessageDelete, Lane: "group:g1", Links: link, Actor: onIOS, Conversation: group, Message: sent}},
		{"delete up to", "/message_operation", message("2", `,"deleteMsgInfo":{"deleteType":2,"msgTimestamp":1795200000123}`), event.Event{Type: event.MessageDelete, Lane: "group:g1", Links: link, Actor: onIOS, Conversation: group, Message: sent, Receipt: &event.Receipt{UpTo: at}}},
		{"audit passed", "/audit_result", audit("10000"), event.Event{Type: event.ModerationResult, Lane: "direct:ann|bob", Links: link, Actor: onIOS, Conversation: direct, Members: bobs, Message: audited, Moderation: &event.Moderation{Verdict: "pass", Provider: "p", Detail: "d"}, Time: time.Time{}.Add(1)}},
		{"audit refused", "/audit_result", audit("10001"), event.Event{Type: event.ModerationResult, Lane: "direct:ann|bob", Links: link, Actor: onIOS, Conversation: direct, Members: bobs, Message: audited, Moderation: &event.Moderation{Verdict: "refuse", Provider: "p", Detail: "d"}, Time: time.Time{}.Add(1)}},
		{"deactivated", "/user_deactivation", form("userId", "bob", "operateId", "ann", "type", "0", "code", "0", "time", "1795200000123"), event.Event{Type: event.UserDeactivate, Lane: "user:bob", Actor: ann, Members: bobs, User: &event.User{ID: "bob"}}},
		{"activated", "/user_deactivation", form("userId", "bob", "operateId", "ann", "type", "1", "code", "0", "time", "1795200000123"), event.Event{Type: event.UserActivate, Lane: "user:bob", Actor: ann, Members: bobs, User: &event.User{ID: "bob"}}},
		{"group created", "/group_operation", operation("1", `,"userIds":["bob"]`), event.Event{Type: event.GroupCreate, Lane: "group:g1", Actor: ann, Conversation: group, Group: &event.Group{ID: "g1"}, Members: bobs}},
		{"group joined", "/group_operation", operation("2", `,"userIds":["bob"]`), event.Event{Type: event.GroupMemberJoin, Lane: "group:g1", Actor: ann, Conversation: group, Group: &event.Group{ID: "g1"}, Members: bobs}},
		{"group kicked", "/group_operation", operation("3", `,"userIds":["bob"]`), event.Event{Type: event.GroupMemberKick, Lane: "group:g1", Actor: ann, Conversation: group, Group: &event.Group{ID: "g1"}, Members: bobs}},
		{"group left", "/group_operation", operation("4", ``), event.Event{Type: event.GroupMemberLeave, Lane: "group:g1", Actor: ann, Conversation: group, Group: &event.Group{ID: "g1"}, Members: self}},
		{"group dissolved", "/group_operation", operation("5", ``), event.Event{Type: event.GroupDestroy, Lane: "group:g1", Actor: ann, Conversation: group, Group: &event.Group{ID: "g1"}}},
		{"group promoted", "/group_operation", operation("6", `,"userIds":["bob"]`), event.Event{Type: event.GroupMemberPromote, Lane: "group:g1", Actor: ann, Conversation: group, Group: &event.Group{ID: "g1"}, Members: bobs}},
		{"group demoted", "/group_operation", operation("7", `,"userIds":["bob"]`), event.Event{Type: event.GroupMemberDemote, Lane: "group:g1", Actor: ann, Conversation: group, Group: &event.Group{ID: "g1"}, Members: bobs}},
		{"group transferred", "/group_operation", operation("8", `,"userIds":["bob"]`), event.Event{Type: event.GroupTransfer, Lane: "group:g1", Actor: ann, Conversation: group, Group: &event.Group{ID: "g1", Owner: "bob"}, Members: bobs}},
		{"group profile", "/group_profile", `[{"groupId":"g1","groupName":"n","time":1795200000123,"optUserId":"ann","groupProfile":{"introduction":"i","announcement":"a","portraitUrl":"p"},"groupExtProfile":{"k":"v"}}]`, event.Event{Type: event.GroupUpdate, Lane: "group:g1", Actor: ann, Conversation: group, Group: &event.Group{ID: "g1", Name: "n", Introduction: "i", Announcement: "a", Avatar: "p", Attributes: map[string]string{"k": "v"}}}},
		{"user profile", "/user_profile", form("userId", "ann", "type", "1", "time", "1795200000123", "userProfile", `{"name":"n","uniqueId":"u","portraitUri":"p","email":"e","gender":1,"location":"l"}`, "userExtProfile", `{"k":"v"}`), event.Event{Type: event.UserUpdate, Lane: "user:ann", Actor: ann, Members: self, User: &event.User{ID: "ann", Name: "u", DisplayName: "n", Avatar: "p", Email: "e", Gender: "male", Address: "l", Extra: `{"k":"v"}`}}},
		{"user profile cleared", "/user_profile", form("userId", "ann", "type", "0", "time", "1795200000123"), event.Event{Type: event.UserUpdate, Lane: "user:ann", Actor: ann, Members: self, User: &event.User{ID: "ann"}}},
		{"friend asked", "/friend_relation", relation("1"), event.Event{Type: event.FriendRequest, Lane: "direct:ann|bob", Actor: onIOS, Conversation: direct, Members: bobs, Friend: &event.Friend{Extra: "x"}}},
		{"friend accepted", "/friend_relation", relation("2"), event.Event{Type: event.FriendAccept, Lane: "direct:ann|bob", Actor: onIOS, Conversation: direct, Members: bobs, Friend: &event.Friend{Extra: "x"}}},
		{"friend declined", "/friend_relation", relation("3"), event.Event{Type: event.FriendDecline, Lane: "direct:ann|bob", Actor: onIOS, Conversation: direct, Members: bobs, Friend: &event.Friend{Extra: "x"}}},
		{"friend removed", "/friend_relation", relation("4"), event.Event{Type: event.FriendRemove, Lane: "direct:ann|bob", Actor: onIOS, Conversation: direct, Members: bobs, Friend: &event.Friend{Extra: "x"}}},
		{"friend added", "/friend_relation", relation("5"), event.Event{Type: event.FriendAdd, Lane: "direct:ann|bob", Actor: &event.Actor{ID: "ann", System: true, Platform: "ios"}, Conversation: direct, Members: bobs, Friend: &event.Friend{Extra: "x"}}},
		{"bot message", "/bot", bot("message:private", said), event.Event{Type: event.BotMessageSend, Lane: "direct:ann|bob", Links: link, Echo: true, Actor: ann, Conversation: direct, Members: bobs, Message: bots(hello("M1"))}},
		{"bot group message", "/bot", bot("message:group_mentioned", said+`,"groupId":"g1"`), event.Event{Type: event.BotMessageSend, Lane: "group:g1", Links: link, Echo: true, Actor: ann, Conversation: group, Group: &event.Group{ID: "g1"}, Members: bobs, Message: bots(hello("M1"))}},
		{"bot recall", "/bot", bot("message:private_recall", `"fromUserId":"ann","messageUId":"M1"`), event.Event{Type: event.BotMessageRecall, Lane: "direct:ann|bob", Links: link, Echo: true, Actor: ann, Conversation: direct, Members: bobs, Message: &event.Message{ID: "M1"}}},
		{"bot group recall", "/bot", bot("message:group_mentioned_recall", `"operatorId":"ann","groupId":"g1","messageUId":"M1"`), event.Event{Type: event.BotMessageRecall, Lane: "group:g1", Links: link, Echo: true, Actor: ann, Conversation: group, Group: &event.Group{ID: "g1"}, Members: bobs, Message: &event.Message{ID: "M1"}}},
		{"bot read", "/bot", bot("message:private_read", `"userId":"ann","messageUId":"M1"`), event.Event{Type: event.BotMessageRead, Lane: "direct:ann|bob", Links: link, Actor: ann, Conversation: direct, Members: bobs, Receipt: &event.Receipt{Messages: []string{"M1"}}}},
		{"bot group read", "/bot", bot("message:group_read", `"userId":"ann","groupId":"g1","messageUId":"M1"`), event.Event{Type: event.BotMessageRead, Lane: "group:g1", Links: link, Actor: ann, Conversation: group, Group: &event.Group{ID: "g1"}, Members: bobs, Receipt: &event.Receipt{Messages: []string{"M1"}}}},
		{"bot joined", "/bot", bot("group:bot_join", `"operatorId":"ann","groupId":"g1"`), event.Event{Type: event.BotGroupJoin, Lane: "group:g1", Actor: ann, Conversation: group, Group: &event.Group{ID: "g1"}, Members: bobs}},
		{"bot left", "/bot", bot("group:bot_left", `"operatorId":"ann","groupId":"g1"`), event.Event{Type: event.BotGroupLeave, Lane: "group:g1", Actor: ann, Conversation: group, Group: &event.Group{ID: "g1"}, Members: bobs}},
		{"bot's group dissolved", "/bot", bot("group:dismiss", `"operatorId":"ann","groupId":"g1"`), event.Event{Type: event.BotGroupDestroy, Lane: "group:g1", Echo: true, Actor: ann, Conversation: group, Group: &event.Group{ID: "g1"}, Members: bobs}},
		{"bot saw a join", "/bot", bot("group:user_join", `"operatorId":"ann","groupId":"g1","userIds":["carl"]`), event.Event{Type: event.BotGroupMemberJoin, Lane: "group:g1", Echo: true, Actor: ann, Conversation: group, Group: &event.Group{ID: "g1"}, Members: []event.Member{{ID: "carl"}}}},
		{"bot saw a leave", "/bot", bot("group:user_left", `"userId":"ann","groupId":"g1"`), event.Event{Type: event.BotGroupMemberLeave, Lane: "group:g1", Echo: true, Actor: ann, Conversation: group, Group: &event.Group{ID: "g1"}, Members: self}},
		{"nexconn message", "", hook("message:send", `"userId":"ann","channelId":"g1","messageType":"RC:TxtMsg","content":"{\"content\":\"hi\"}","channelType":3,"time":1795200000123,"messageId":"M1","os":"iOS"`), event.Event{Type: event.MessageSend, Generation: "nexconn", Lane: "group:g1", Links: link, Actor: onIOS, Conversation: group, Message: hello("M1")}},
		{"nexconn online", "", hook("user:connection_status", `"userId":"ann","status":"0","os":"iOS","time":1795200000123,"clientIp":"203.0.113.9:1","sessionId":"s1"`), event.Event{Type: event.UserOnline, Generation: "nexconn", Lane: "user:ann", Actor: device, Members: self, Presence: online("")}},
		{"nexconn deactivated", "", hook("user:activation_state", `"userId":"bob","operateId":"ann","operationType":0,"code":"0","time":1795200000123`), event.Event{Type: event.UserDeactivate, Generation: "nexconn", Lane: "user:bob", Actor: ann, Members: bobs, User: &event.User{ID: "bob"}}},
		{"nexconn question", "", hook("direct_channel:pre_messaging", `"appKey":"k","userId":"ann","channelId":"bob","messageType":"RC:TxtMsg","content":"{\"content\":\"hi\"}","time":1795200000123,"messageId":"M1","os":"iOS"`), event.Event{Type: event.MessageSend, Phase: event.Before, Generation: "nexconn", Lane: "direct:ann|bob", Links: link, Actor: onIOS, Conversation: direct, Message: hello("M1")}},
		{"nexconn group question", "", hook("group_channel:pre_messaging", `"userId":"ann","channelId":"g1","messageType":"RC:TxtMsg","content":"{\"content\":\"hi\"}","time":1795200000123,"messageId":"M1","os":"iOS"`), event.Event{Type: event.MessageSend, Phase: event.Before, Generation: "nexconn", Lane: "group:g1", Links: link, Actor: onIOS, Conversation: group, Message: hello("M1")}},
		{"nexconn open question", "", hook("open_channel:pre_messaging", `"userId":"ann","channelId":"r1","messageType":"RC:TxtMsg","content":"{\"content\":\"hi\"}","time":1795200000123,"messageId":"M1","os":"iOS"`), event.Event{Type: event.MessageSend, Phase: event.Before, Generation: "nexconn", Lane: "chatroom:r1", Links: link, Actor: onIOS, Conversation: room, Message: hello("M1")}},
		{"nexconn community question", "", hook("community_channel:pre_messaging", `"userId":"ann","channelId":"g1","messageType":"RC:TxtMsg","content":"{\"content\":\"hi\"}","time":1795200000123,"messageId":"M1","os":"iOS"`), event.Event{Type: event.MessageSend, Phase: event.Before, Generation: "nexconn", Lane: "group:g1", Links: link, Actor: onIOS, Conversation: group, Message: hello("M1")}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			want := tt.want
			want.Dialect = "rongcloud"
			if want.Phase == "" {
				want.Phase = event.After
			}
			if want.Generation == "" {
				want.Generation = "v3"
			}
			switch {
			case want.Time.IsZero():
				want.Time = at
			case want.Time.Year() == 1: // the wire does not say
				want.Time = time.Time{}
			}
			got := read(t, tt.path, tt.body)
			if got.Dedupe == "" {
				t.Error("nothing tells a retry")
			}
			if diff := cmp.Diff(&want, got, cmpopts.IgnoreFields(event.Event{}, "Raw", "Vendor", "Dedupe", "Command")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
