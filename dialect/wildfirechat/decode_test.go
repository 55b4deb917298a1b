package wildfirechat_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/wildfirechat"
	"github.com/imhook/imhook/event"
)

// want is what mapping section 2 says of a command: the fields by name.
type want struct {
	command    string
	typ        event.Type
	lane       event.Lane
	actor      string
	system     bool
	members    []string
	dedupe     string
	link       string
	echo       bool
	generation string
	at         int64
}

const (
	theID   = "554879120433545217"
	theText = `"payload":{"type":1,"searchableContent":"hi","pushContent":"","pushData":"","content":"","mediaType":0,` +
		`"remoteMediaUrl":"","persistFlag":3,"expireDuration":0,"mentionedType":0,"mentionedTarget":[],"extra":""}`
	theGroup = `{"messageId":` + theID + `,"sender":"mira","conv":{"type":1,"target":"g1","line":0},` + theText + `,"toUsers":[],"timestamp":1795163400123}`
	theMS    = 1795163400123
)

func oneMessage(conv, tail string) string {
	return `{"messageId":` + theID + `,"sender":"mira","conv":` + conv + `,` + theText + tail + `}`
}

var decodeCases = []struct {
	name, path, body string
	want             want
}{
	{"group message", "/im_event/message", theGroup, want{
		command: "message", typ: event.MessageSend, lane: "group:g1", actor: "mira", dedupe: theID, link: "msg:" + theID, generation: "current", at: theMS,
	}},
	{"old default path, trailing slash", "/message/forward/", theGroup, want{
		command: "message", typ: event.MessageSend, lane: "group:g1", actor: "mira", dedupe: theID, link: "msg:" + theID, generation: "current", at: theMS,
	}},
	{"private message", "/im_event/message", oneMessage(`{"type":0,"target":"ada"}`, `,"toUsers":[],"timestamp":1`), want{
		command: "message", typ: event.MessageSend, lane: "direct:ada|mira", actor: "mira", dedupe: theID, link: "msg:" + theID, generation: "current", at: 1,
	}},
	{"chatroom message", "/im_event/message", oneMessage(`{"type":2,"target":"r1"}`, `,"toUsers":[]`), want{
		command: "message", typ: event.MessageSend, lane: "chatroom:r1", actor: "mira", dedupe: theID, link: "msg:" + theID, generation: "current",
	}},
	{"channel conversation", "/im_event/message", oneMessage(`{"type":3,"target":"c1"}`, `,"toUsers":[]`), want{
		command: "message", typ: event.MessageSend, lane: "channel:c1", actor: "mira", dedupe: theID, link: "msg:" + theID, generation: "current",
	}},
	{"things conversation", "/im_event/message", oneMessage(`{"type":4,"target":"d1"}`, `,"toUsers":[]`), want{
		command: "message", typ: event.MessageSend, lane: "user:d1", actor: "mira", dedupe: theID, link: "msg:" + theID, generation: "current",
	}},
	{"secret chat", "/im_event/message", oneMessage(`{"type":5,"target":"s1"}`, `,"toUsers":[]`), want{
		command: "message", typ: event.MessageSend, lane: "user:mira", actor: "mira", dedupe: theID, link: "msg:" + theID, generation: "current",
	}},
	{"directed message", "/im_event/message", oneMessage(`{"type":1,"target":"g1"}`, `,"toUsers":["ada","bo"]`), want{
		command: "message", typ: event.MessageSend, lane: "group:g1", actor: "mira", members: []string{"ada", "bo"}, dedupe: theID, link: "msg:" + theID, generation: "current",
	}},
	{"old message", "/im_event/message", `{"sender":"mira","conv":{"type":0,"target":"ada"},"payload":{"type":1,"searchableContent":"hi"},"messageId":7,"timestamp":5}`, want{
		command: "message", typ: event.MessageSend, lane: "direct:ada|mira", actor: "mira", dedupe: "7", link: "msg:7", generation: "legacy", at: 5,
	}},
	{"no message id", "/im_event/message", `{"sender":"mira","conv":{"type":1,"target":"g1"},"payload":{"type":1}}`, want{
		command: "message", typ: event.MessageSend, lane: "group:g1", actor: "mira", generation: "legacy",
	}},
	{"mention", "/im_event/message/mention", strings.Replace(theGroup, `"mentionedType":0,"mentionedTarget":[]`, `"mentionedType":1,"mentionedTarget":["ada"]`, 1), want{
		command: "message_mention", typ: event.MessageSend, lane: "group:g1", actor: "mira", dedupe: theID, link: "msg:" + theID, echo: true, generation: "current", at: theMS,
	}},
	{"sensitive", "/im_event/message/sensitive", theGroup, want{
		command: "message_sensitive", typ: event.MessageIntercept, lane: "group:g1", actor: "mira", dedupe: theID, link: "msg:" + theID, generation: "current", at: theMS,
	}},
	{"recall", "/im_event/recall_message", `{"message":` + theGroup + `,"userId":"bo","timestamp":9,"isAdmin":false}`, want{
		command: "recall_message", typ: event.MessageRecall, lane: "group:g1", actor: "bo", dedupe: theID, link: "msg:" + theID, generation: "current", at: 9,
	}},
	{"recall by admin", "/im_event/recall_message", `{"message":` + theGroup + `,"userId":"admin","timestamp":9,"isAdmin":true}`, want{
		command: "recall_message", typ: event.MessageRecall, lane: "group:g1", actor: "admin", system: true, dedupe: theID, link: "msg:" + theID, generation: "current", at: 9,
	}},
	{"read private", "/im_event/message_read", `{"user":"mira","conversation":{"type":0,"target":"ada","line":0},"readTime":9}`, want{
		command: "message_read", typ: event.MessageRead, lane: "direct:ada|mira", actor: "mira", dedupe: "mira|0|ada|0|9", generation: "current",
	}},
	{"read group", "/im_event/message_read", `{"user":"mira","conversation":{"type":1,"target":"g1","line":0},"readTime":9}`, want{
		command: "message_read", typ: event.MessageRead, lane: "group:g1", actor: "mira", dedupe: "mira|1|g1|0|9", generation: "current",
	}},
	{"channel's own URL", "/channel/c1/message", oneMessage(`{"type":3,"target":"c1"}`, `,"toUsers":[]`), want{
		command: "channel_message", typ: event.MessageSend, lane: "channel:c1", actor: "mira", dedupe: theID, link: "msg:" + theID, echo: true, generation: "current",
	}},
	{"robot private", "/robot/", oneMessage(`{"type":0,"target":"bot"}`, `,"toUsers":[]`), want{
		command: "robot_message", typ: event.BotMessageSend, lane: "direct:bot|mira", actor: "mira", members: []string{"bot"}, dedupe: theID + "|bot", link: "msg:" + theID, echo: true, generation: "current",
	}},
	{"robot by field", "/robot/x", oneMessage(`{"type":1,"target":"g1"}`, `,"toUsers":[],"toRobotId":"bot"`), want{
		command: "robot_message", typ: event.BotMessageSend, lane: "group:g1", actor: "mira", members: []string{"bot"}, dedupe: theID + "|bot", link: "msg:" + theID, echo: true, generation: "current",
	}},
	{"robot by path", "/robot/b%6Ft", oneMessage(`{"type":1,"target":"g1"}`, `,"toUsers":[]`), want{
		command: "robot_message", typ: event.BotMessageSend, lane: "group:g1", actor: "mira", members: []string{"bot"}, dedupe: theID + "|bot", link: "msg:" + theID, echo: true, generation: "current",
	}},
	{"things message", "/im_event/things/message", oneMessage(`{"type":4,"target":"d1"}`, `,"toUsers":[]`), want{
		command: "things_message", typ: event.MessageSend, lane: "user:d1", actor: "mira", dedupe: theID, link: "msg:" + theID, generation: "current",
	}},
	{"device bytes", "/im_event/things/message", `{"deviceId":"d1","type":2,"data":[-1,0,1]}`, want{
		command: "things_message", typ: event.MessageSend, lane: "user:d1", actor: "d1",
	}},
	{"online", "/user/online_event", `{"userId":"mira","clientId":"c","platform":1,"status":0,"timestamp":9,"packageName":"p"}`, want{
		command: "user_online", typ: event.UserOnline, lane: "user:mira", actor: "mira", members: []string{"mira"}, dedupe: "mira|c|0|9", generation: "legacy", at: 9,
	}},
	{"offline", "/im_event/user/online", `{"userId":"mira","clientId":"c","platform":1,"status":1,"timestamp":9,"customState":0}`, want{
		command: "user_online", typ: event.UserOffline, lane: "user:mira", actor: "mira", members: []string{"mira"}, dedupe: "mira|c|1|9", generation: "current", at: 9,
	}},
	{"logout", "/im_event/user/online", `{"userId":"mira","clientId":"c","platform":1,"status":-1,"timestamp":9,"customState":0}`, want{
		command: "user_online", typ: event.UserOffline, lane: "user:mira", actor: "mira", members: []string{"mira"}, dedupe: "mira|c|-1|9", generation: "current", at: 9,
	}},
	{"friend add", "/im_event/user/relation", `{"userId":"mira","targetId":"ada","type":0,"value":"1"}`, want{
		command: "user_relation", typ: event.FriendAdd, lane: "direct:ada|mira", actor: "mira", members: []string{"ada"},
	}},
	{"friend remove", "/im_event/user/relation", `{"userId":"mira","targetId":"ada","type":0,"value":"0"}`, want{
		command: "user_relation", typ: event.FriendRemove, lane: "direct:ada|mira", actor: "mira", members: []string{"ada"},
	}},
	{"friend rename", "/im_event/user/relation", `{"userId":"mira","targetId":"ada","type":1,"value":"A."}`, want{
		command: "user_relation", typ: event.FriendRename, lane: "direct:ada|mira", actor: "mira", members: []string{"ada"},
	}},
	{"block", "/im_event/user/relation", `{"userId":"mira","targetId":"ada","type":2,"value":"1"}`, want{
		command: "user_relation", typ: event.BlockAdd, lane: "direct:ada|mira", actor: "mira", members: []string{"ada"},
	}},
	{"unblock", "/im_event/user/relation", `{"userId":"mira","targetId":"ada","type":2,"value":"0"}`, want{
		command: "user_relation", typ: event.BlockRemove, lane: "direct:ada|mira", actor: "mira", members: []string{"ada"},
	}},
	{"friend extra", "/im_event/user/relation", `{"userId":"mira","targetId":"ada","type":3,"value":"x"}`, want{
		command: "user_relation", typ: event.FriendUpdate, lane: "direct:ada|mira", actor: "mira", members: []string{"ada"}, generation: "current",
	}},
	{"user info", "/im_event/user/info", `{"userId":"mira","name":"m","gender":0,"type":0,"updateDt":9}`, want{
		command: "user_info", typ: event.UserUpdate, lane: "user:mira", actor: "mira", members: []string{"mira"}, dedupe: "mira|9", generation: "current", at: 9,
	}},
	{"old user info", "/im_event/user/info", `{"userId":"mira","name":"m"}`, want{
		command: "user_info", typ: event.UserUpdate, lane: "user:mira", actor: "mira", members: []string{"mira"}, generation: "legacy",
	}},
	{"group create", "/group/group_info_updated", `{"operatorId":"mira","groupId":"g1","type":0,"groupInfo":{"target_id":"g1","update_dt":9}}`, want{
		command: "group_info", typ: event.GroupCreate, lane: "group:g1", actor: "mira", dedupe: "g1|0|9", generation: "current", at: 9,
	}},
	{"old group update", "/im_event/group/info", `{"userId":"mira","groupId":"g1","type":1}`, want{
		command: "group_info", typ: event.GroupUpdate, lane: "group:g1", actor: "mira", generation: "legacy",
	}},
	{"group transfer", "/im_event/group/info", `{"operatorId":"mira","groupId":"g1","type":2,"groupInfo":{"target_id":"g1","owner":"ada"}}`, want{
		command: "group_info", typ: event.GroupTransfer, lane: "group:g1", actor: "mira", members: []string{"ada"}, generation: "current",
	}},
	{"group mute", "/im_event/group/info", `{"operatorId":"mira","groupId":"g1","type":3}`, want{
		command: "group_info", typ: event.GroupMute, lane: "group:g1", actor: "mira", generation: "current",
	}},
	{"group unmute", "/im_event/group/info", `{"operatorId":"mira","groupId":"g1","type":4}`, want{
		command: "group_info", typ: event.GroupUnmute, lane: "group:g1", actor: "mira", generation: "current",
	}},
	{"group destroy", "/im_event/group/info", `{"operatorId":"mira","groupId":"g1","type":5}`, want{
		command: "group_info", typ: event.GroupDestroy, lane: "group:g1", actor: "mira", generation: "current",
	}},
	{"member join", "/im_event/group/member", `{"operatorId":"mira","groupId":"g1","memberIds":["ada","bo"],"type":0}`, want{
		command: "group_member", typ: event.GroupMemberJoin, lane: "group:g1", actor: "mira", members: []string{"ada", "bo"}, generation: "current",
	}},
	{"old member leave", "/im_event/group/member", `{"operatorId":"ada","groupId":"g1","memberId":"ada","type":1}`, want{
		command: "group_member", typ: event.GroupMemberLeave, lane: "group:g1", actor: "ada", members: []string{"ada"}, generation: "legacy",
	}},
	{"member kick", "/im_event/group/member", `{"operatorId":"mira","groupId":"g1","memberIds":["ada"],"type":2}`, want{
		command: "group_member", typ: event.GroupMemberKick, lane: "group:g1", actor: "mira", members: []string{"ada"}, generation: "current",
	}},
	{"member demote", "/im_event/group/member", `{"operatorId":"mira","groupId":"g1","memberIds":["ada"],"type":3,"value":"0"}`, want{
		command: "group_member", typ: event.GroupMemberDemote, lane: "group:g1", actor: "mira", members: []string{"ada"}, generation: "current",
	}},
	{"member promote", "/im_event/group/member", `{"operatorId":"mira","groupId":"g1","memberIds":["ada"],"type":3,"value":"1"}`, want{
		command: "group_member", typ: event.GroupMemberPromote, lane: "group:g1", actor: "mira", members: []string{"ada"}, generation: "current",
	}},
	{"member owner", "/im_event/group/member", `{"operatorId":"mira","groupId":"g1","memberIds":["ada"],"type":3,"value":"2"}`, want{
		command: "group_member", typ: event.GroupTransfer, lane: "group:g1", actor: "mira", members: []string{"ada"}, generation: "current",
	}},
	{"member mute", "/im_event/group/member", `{"operatorId":"mira","groupId":"g1","memberIds":["ada"],"type":3,"value":"3"}`, want{
		command: "group_member", typ: event.GroupMemberMute, lane: "group:g1", actor: "mira", members: []string{"ada"}, generation: "current",
	}},
	{"member removed", "/im_event/group/member", `{"operatorId":"mira","groupId":"g1","memberIds":["ada"],"type":3,"value":"4"}`, want{
		command: "group_member", typ: event.GroupMemberKick, lane: "group:g1", actor: "mira", members: []string{"ada"}, generation: "current",
	}},
	{"member allowed", "/im_event/group/member", `{"operatorId":"mira","groupId":"g1","memberIds":["ada"],"type":3,"value":"5"}`, want{
		command: "group_member", typ: event.GroupMemberAllow, lane: "group:g1", actor: "mira", members: []string{"ada"}, generation: "current",
	}},
	{"member of no role", "/im_event/group/member", `{"operatorId":"mira","groupId":"g1","memberIds":["ada"],"type":3,"value":"06"}`, want{
		command: "group_member", typ: event.GroupMemberUpdate, lane: "group:g1", actor: "mira", members: []string{"ada"}, generation: "current",
	}},
	{"member alias", "/im_event/group/member", `{"operatorId":"mira","groupId":"g1","memberIds":["ada"],"type":4,"value":"A."}`, want{
		command: "group_member", typ: event.GroupMemberUpdate, lane: "group:g1", actor: "mira", members: []string{"ada"}, generation: "current",
	}},
	{"member extra", "/im_event/group/member", `{"operatorId":"mira","groupId":"g1","memberIds":["ada"],"type":5,"value":"x"}`, want{
		command: "group_member", typ: event.GroupMemberUpdate, lane: "group:g1", actor: "mira", members: []string{"ada"}, generation: "current",
	}},
	{"channel create", "/im_event/channel/info", `{"operatorId":"mira","channelId":"c1","type":0}`, want{
		command: "channel_info", typ: event.ChannelCreate, lane: "channel:c1", actor: "mira",
	}},
	{"channel update", "/im_event/channel/info", `{"operatorId":"mira","channelId":"c1","type":1}`, want{
		command: "channel_info", typ: event.ChannelUpdate, lane: "channel:c1", actor: "mira",
	}},
	{"channel transfer", "/im_event/channel/info", `{"operatorId":"mira","channelId":"c1","type":2}`, want{
		command: "channel_info", typ: event.ChannelTransfer, lane: "channel:c1", actor: "mira",
	}},
	{"channel destroy", "/im_event/channel/info", `{"operatorId":"mira","channelId":"c1","type":3}`, want{
		command: "channel_info", typ: event.ChannelDestroy, lane: "channel:c1", actor: "mira",
	}},
	{"subscribe", "/im_event/channel/subscribe", `{"userId":"ada","channelId":"c1","status":1}`, want{
		command: "channel_subscribe", typ: event.ChannelSubscribe, lane: "channel:c1", actor: "ada", members: []string{"ada"},
	}},
	{"unsubscribe", "/channel/c1/subscribe", `{"userId":"ada","channelId":"c1","status":0}`, want{
		command: "channel_subscribe", typ: event.ChannelUnsubscribe, lane: "channel:c1", actor: "ada", members: []string{"ada"},
	}},
	{"chatroom create", "/im_event/chatroom/info", `{"chatroomId":"r1","type":0}`, want{
		command: "chatroom_info", typ: event.ChatroomCreate, lane: "chatroom:r1", generation: "current",
	}},
	{"chatroom destroy", "/im_event/chatroom/info", `{"chatroomId":"r1","type":1}`, want{
		command: "chatroom_info", typ: event.ChatroomDestroy, lane: "chatroom:r1", generation: "current",
	}},
	{"chatroom join, type 0", "/im_event/chatroom/member", `{"operatorId":"ada","chatroomId":"r1","memberIds":["ada"],"type":0}`, want{
		command: "chatroom_member", typ: event.ChatroomMemberJoin, lane: "chatroom:r1", actor: "ada", members: []string{"ada"}, generation: "current",
	}},
	{"chatroom leave, type 1", "/im_event/chatroom/member", `{"operatorId":"ada","chatroomId":"r1","memberIds":["ada"],"type":1}`, want{
		command: "chatroom_member", typ: event.ChatroomMemberLeave, lane: "chatroom:r1", actor: "ada", members: []string{"ada"}, generation: "current",
	}},
	{"chatroom kick", "/im_event/chatroom/member", `{"operatorId":"mira","chatroomId":"r1","memberIds":["ada"],"type":2}`, want{
		command: "chatroom_member", typ: event.ChatroomMemberKick, lane: "chatroom:r1", actor: "mira", members: []string{"ada"}, generation: "current",
	}},
	{"chatroom mute", "/im_event/chatroom/member", `{"operatorId":"mira","chatroomId":"r1","memberIds":["ada"],"type":3}`, want{
		command: "chatroom_member", typ: event.ChatroomMemberMute, lane: "chatroom:r1", actor: "mira", members: []string{"ada"}, generation: "current",
	}},
	{"chatroom unmute", "/im_event/chatroom/member", `{"operatorId":"mira","chatroomId":"r1","memberIds":["ada"],"type":4}`, want{
		command: "chatroom_member", typ: event.ChatroomMemberUnmute, lane: "chatroom:r1", actor: "mira", members: []string{"ada"}, generation: "current",
	}},
	{"chatroom members on the other path", "/im_event/chatroom/info", `{"operatorId":"ada","chatroomId":"r1","memberIds":["ada"],"type":1}`, want{
		command: "chatroom_member", typ: event.ChatroomMemberLeave, lane: "chatroom:r1", actor: "ada", members: []string{"ada"}, generation: "current",
	}},
	{"chatroom quit, status 0", "/im_event/chatroom/member", `{"userId":"ada","chatroomId":"r1","status":0}`, want{
		command: "chatroom_status", typ: event.ChatroomMemberLeave, lane: "chatroom:r1", actor: "ada", members: []string{"ada"}, generation: "legacy",
	}},
	{"chatroom join, status 1", "/im_event/chatroom/info", `{"userId":"ada","chatroomId":"r1","status":1}`, want{
		command: "chatroom_status", typ: event.ChatroomMemberJoin, lane: "chatroom:r1", actor: "ada", members: []string{"ada"}, generation: "legacy",
	}},
	{"conference create", "/im_event/conference/create", `{"userId":"mira","roomId":"x1","description":"d","pin":"1","timestamp":9}`, want{
		command: "conference_create", typ: event.ConferenceCreate, lane: "conference:x1", actor: "mira", dedupe: "x1|9", generation: "current", at: 9,
	}},
	{"conference create by API", "/im_event/conference/create", `{"roomId":"x1","description":"d","pin":"1"}`, want{
		command: "conference_create", typ: event.ConferenceCreate, lane: "conference:x1", system: true, generation: "legacy",
	}},
	{"super conference", "/im_event/conference/create", `{"userId":"mira","roomId":"","serverId":"s1","advance":true}`, want{
		command: "conference_create", typ: event.ConferenceCreate, lane: "conference:s1", actor: "mira", generation: "legacy",
	}},
	{"conference destroy", "/im_event/conference/destroy", `{"userId":"","roomId":"x1","timestamp":9}`, want{
		command: "conference_destroy", typ: event.ConferenceDestroy, lane: "conference:x1", system: true, dedupe: "x1|9", generation: "current", at: 9,
	}},
	{"conference join", "/im_event/conference/member_join", `{"userId":"ada","roomId":"x1","screenSharing":false,"timestamp":9}`, want{
		command: "conference_member_join", typ: event.ConferenceJoin, lane: "conference:x1", actor: "ada", members: []string{"ada"}, dedupe: "x1|ada|9", generation: "current", at: 9,
	}},
	{"old conference join", "/im_event/conference/member_join", `{"userId":"ada"}`, want{
		command: "conference_member_join", typ: event.ConferenceJoin, lane: "user:ada", actor: "ada", members: []string{"ada"}, generation: "legacy",
	}},
	{"old conference leave", "/im_event/conference/member_leave", `{"userId":"ada"}`, want{
		command: "conference_member_leave", typ: event.ConferenceLeave, lane: "user:ada", actor: "ada", members: []string{"ada"}, generation: "legacy",
	}},
	{"conference publish", "/im_event/conference/member_publish", `{"userId":"ada","video":true,"roomId":"x1","screenSharing":false,"timestamp":9}`, want{
		command: "conference_member_publish", typ: event.ConferencePublish, lane: "conference:x1", actor: "ada", members: []string{"ada"}, dedupe: "x1|ada|9", generation: "current", at: 9,
	}},
	{"old conference unpublish", "/im_event/conference/member_unpublish", `{"userId":"ada"}`, want{
		command: "conference_member_unpublish", typ: event.ConferenceUnpublish, lane: "user:ada", actor: "ada", members: []string{"ada"}, generation: "legacy",
	}},
	{"feed", "/im_event/moments_feed", `{"feedId":9007199254740993,"sender":"mira","timestamp":9,"type":1,"text":"t","to":["ada"],"ex":["bo"]}`, want{
		command: "moments_feed", typ: event.MomentCreate, lane: "user:mira", actor: "mira", members: []string{"ada"}, dedupe: "9007199254740993", generation: "current", at: 9,
	}},
	{"feed recall", "/im_event/moments_feed_recall", `{"id":9007199254740993,"id2":0}`, want{
		command: "moments_feed_recall", typ: event.MomentRecall, lane: "system:", dedupe: "9007199254740993", generation: "current",
	}},
	{"comment", "/im_event/moments_comment", `{"commentId":4,"replyId":3,"sender":"ada","timestamp":9,"feedId":2,"type":0,"text":"t","replyTo":"mira"}`, want{
		command: "moments_comment", typ: event.MomentCommentCreate, lane: "user:ada", actor: "ada", members: []string{"mira"}, dedupe: "4", generation: "current", at: 9,
	}},
	{"comment recall", "/im_event/moments_comment_recall", `{"id":4,"id2":2}`, want{
		command: "moments_comment_recall", typ: event.MomentCommentRecall, lane: "system:", dedupe: "4|2", generation: "current",
	}},
	{"exception", "/im_exception_event", `{"event_type":10,"msg":"m","call_stack":"s","count":2,"node_id":1}`, want{
		command: "exception", typ: event.SystemException, lane: "system:", generation: "current",
	}},
	{"heartbeat as sent", "/im_exception_event/", `{"event_type":0,"count":100,"node_id":1}`, want{
		command: "exception", typ: event.SystemHeartbeat, lane: "system:", generation: "current",
	}},
	{"heartbeat as documented", "/im_exception_event/", `{"event_type":100,"count":1,"node_id":1}`, want{
		command: "exception", typ: event.SystemHeartbeat, lane: "system:", generation: "current",
	}},
	{"censor", "/message/censor", theGroup, want{
		command: "censor", typ: event.MessageSend, lane: "group:g1", actor: "mira", dedupe: theID, link: "msg:" + theID, generation: "current", at: theMS,
	}},

	{"unknown group type", "/im_event/group/info", `{"operatorId":"mira","groupId":"g1","type":6}`, want{
		command: "group_info", typ: event.VendorUnknown, lane: "group:g1",
	}},
	{"unknown relation value", "/im_event/user/relation", `{"userId":"mira","targetId":"ada","type":2,"value":""}`, want{
		command: "user_relation", typ: event.VendorUnknown, lane: "direct:ada|mira",
	}},
	{"unknown chatroom status", "/im_event/chatroom/info", `{"userId":"ada","chatroomId":"r1","status":2}`, want{
		command: "chatroom_status", typ: event.VendorUnknown, lane: "chatroom:r1",
	}},
	{"unknown exception", "/im_exception_event", `{"event_type":0,"count":99}`, want{
		command: "exception", typ: event.VendorUnknown, lane: "system:",
	}},
	{"unknown path with a group", "/im_event/new/thing", `{"groupId":"g1","userId":"mira"}`, want{
		command: "im_event/new/thing", typ: event.VendorUnknown, lane: "group:g1",
	}},
	{"unknown path with a conversation", "/x", `{"sender":"mira","conv":{"type":0,"target":"ada"}}`, want{
		command: "x", typ: event.VendorUnknown, lane: "direct:ada|mira",
	}},
	{"unknown path with ids of other types", "/x", `{"groupId":7,"userId":"mira"}`, want{
		command: "x", typ: event.VendorUnknown, lane: "user:mira",
	}},
	{"unknown path without JSON", "/channel/c1/else", `pong`, want{
		command: "channel/c1/else", typ: event.VendorUnknown, lane: "system:",
	}},
}

func TestDecode_FindsTheFieldsOfEveryCommand(t *testing.T) {
	t.Parallel()
	d := wildfirechat.New()
	covered := map[string]bool{}
	for _, tt := range decodeCases {
		covered[tt.want.command] = true
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ev := decodeOne(t, d, tt.path, tt.body)
			got := want{
				command: ev.Command, typ: ev.Type, lane: ev.Lane, dedupe: ev.Dedupe, echo: ev.Echo, generation: ev.Generation,
			}
			if ev.Actor != nil {
				got.actor, got.system = ev.Actor.ID, ev.Actor.System
			}
			for _, m := range ev.Members {
				got.members = append(got.members, m.ID)
			}
			if len(ev.Links) == 1 {
				got.link = ev.Links[0]
			}
			if !ev.Time.IsZero() {
				got.at = ev.Time.UnixMilli()
			}
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(want{})); diff != "" {
				t.Errorf("Decode %s (-want +got):\n%s", tt.body, diff)
			}
			phase := event.After
			if ev.Command == "censor" {
				phase = event.Before
			}
			if ev.Phase != phase || ev.Dialect != wildfirechat.Name || ev.ID != "" || ev.App != "" || ev.Source != "" {
				t.Errorf("envelope is %s %s %q %q %q", ev.Phase, ev.Dialect, ev.ID, ev.App, ev.Source)
			}
			raw := event.Raw{Dialect: wildfirechat.Name, Path: tt.path, Body: []byte(tt.body)}
			if diff := cmp.Diff(raw, ev.Raw); diff != "" {
				t.Errorf("Raw (-want +got):\n%s", diff)
			}
		})
	}
	for _, c := range d.Spec().Commands {
		if !covered[c.Name] {
			t.Errorf("no case for %s", c.Name)
		}
	}
}

// TestDecode_PutsBodiesWhereTheyBelong looks at the fields that are not in want.
func TestDecode_PutsBodiesWhereTheyBelong(t *testing.T) {
	t.Parallel()
	d := wildfirechat.New()
	for _, tt := range []struct {
		name, path, body string
		get              func(ev *event.Event) any
		want             any
	}{
		{"ids above 2^53", "/im_event/message", theGroup, func(ev *event.Event) any { return ev.Message.ID }, theID},
		{
			"client of the actor", "/im_event/message", oneMessage(`{"type":1,"target":"g"}`, `,"client":{"platform":9,"clientId":"c"}`),
			func(ev *event.Event) any { return *ev.Actor },
			event.Actor{ID: "mira", Platform: "android-pad", Client: "c"},
		},
		{
			"a platform that the table lacks", "/im_event/message", oneMessage(`{"type":1,"target":"g"}`, `,"client":{"platform":77,"clientId":"c"}`),
			func(ev *event.Event) any { return ev.Actor.Platform }, "77",
		},
		{
			"mentions", "/im_event/message", strings.Replace(theGroup, `"mentionedType":0,"mentionedTarget":[]`, `"mentionedType":1,"mentionedTarget":["ada"]`, 1),
			func(ev *event.Event) any { return *ev.Message.Mentions },
			event.Mentions{Users: []string{"ada"}},
		},
		{
			"line", "/im_event/message", oneMessage(`{"type":1,"target":"g","line":3}`, ``),
			func(ev *event.Event) any { return string(ev.Vendor) }, `{"conv":{"line":3}}`,
		},
		{
			"author and moment of a recalled message", "/im_event/recall_message", `{"message":` + theGroup + `,"userId":"bo","timestamp":9,"isAdmin":false}`,
			func(ev *event.Event) any { return []any{ev.Message.Sender, ev.Message.SentAt} },
			[]any{"mira", time.UnixMilli(theMS).UTC()},
		},
		{
			"read up to", "/im_event/message_read", `{"user":"mira","conversation":{"type":1,"target":"g"},"readTime":9}`,
			func(ev *event.Event) any { return ev.Receipt.UpTo }, time.UnixMilli(9).UTC(),
		},
		{
			"device bytes", "/im_event/things/message", `{"deviceId":"d1","type":2,"data":[-128,-1,0,127]}`,
			func(ev *event.Event) any { return ev.Message.Custom.Base64 },
			[]byte{0x80, 0xff, 0, 0x7f},
		},
		{
			"presence", "/im_event/user/online", `{"userId":"mira","clientId":"c","platform":12,"status":-1,"timestamp":9,"packageName":"p","customState":2,"customText":"busy"}`,
			func(ev *event.Event) any { return *ev.Presence },
			event.Presence{Reason: "logout", Platform: "harmony-pc", Client: "c", Package: "p", State: 2, StateText: "busy"},
		},
		{
			"sessions with swapped ids", "/im_event/user/online", `{"userId":"mira","clientId":"c","platform":1,"status":0,"timestamp":9,"sessions":[{"clientId":"mira","userId":"c","platform":1,"status":1,"lastSeen":8}]}`,
			func(ev *event.Event) any { return ev.Presence.Sessions },
			[]event.Session{{Client: "c", User: "mira", Platform: "ios", SeenAt: time.UnixMilli(8).UTC()}},
		},
		{
			"new role", "/im_event/group/member", `{"operatorId":"mira","groupId":"g1","memberIds":["ada"],"type":3,"value":"0"}`,
			func(ev *event.Event) any { return []any{ev.Members[0].Role, string(ev.Vendor)} },
			[]any{"member", `{"type":3,"value":"0"}`},
		},
		{
			"alias", "/im_event/group/member", `{"operatorId":"mira","groupId":"g1","memberIds":["ada"],"type":4,"value":"A."}`,
			func(ev *event.Event) any { return ev.Members[0].Alias }, "A.",
		},
		{
			"group kind", "/im_event/group/info", `{"operatorId":"mira","groupId":"g1","type":1,"groupInfo":{"target_id":"g1","type":3,"mute":1}}`,
			func(ev *event.Event) any { return []any{ev.Group.Kind, *ev.Group.Muted} },
			[]any{"organization", true},
		},
		{
			"gender", "/im_event/user/info", `{"userId":"mira","gender":2}`,
			func(ev *event.Event) any { return []any{ev.User.Gender, len(ev.Vendor)} },
			[]any{"female", 0},
		},
		{
			"a gender that the table lacks", "/im_event/user/info", `{"userId":"mira","gender":3}`,
			func(ev *event.Event) any { return []any{ev.User.Gender, string(ev.Vendor)} },
			[]any{"", `{"gender":3}`},
		},
		{
			"profiles of sender and group", "/im_event/message", oneMessage(`{"type":1,"target":"g"}`,
				`,"senderUserInfo":{"userId":"mira","displayName":"M","nick":"x"},"targetGroupInfo":{"target_id":"g","name":"G","join_type":1},"targetUserInfo":{"userId":"z"}`),
			func(ev *event.Event) any { return []any{*ev.User, *ev.Group, string(ev.Vendor)} },
			[]any{
				event.User{ID: "mira", DisplayName: "M"},
				event.Group{ID: "g", Name: "G", Kind: "normal", Muted: new(false)},
				`{"senderUserInfo":{"nick":"x"},"targetUserInfo":{"userId":"z"},"targetGroupInfo":{"join_type":1}}`,
			},
		},
		{
			"profiles of another form", "/im_event/message", oneMessage(`{"type":1,"target":"g"}`, `,"senderUserInfo":{"userId":7},"targetGroupInfo":[]`),
			func(ev *event.Event) any { return []any{ev.User == nil, ev.Group == nil, string(ev.Vendor)} },
			[]any{true, true, `{"senderUserInfo":{"userId":7},"targetGroupInfo":[]}`},
		},
		{
			"media of a post", "/im_event/moments_feed", `{"feedId":1,"sender":"mira","medias":[{"type":1,"url":"u","thumbnailUrl":"t","width":3,"height":4,"duration":5,"x":6}]}`,
			func(ev *event.Event) any { return []any{ev.Moment.Media, string(ev.Vendor)} },
			[]any{[]event.Media{{URL: "u", Thumbnail: "t", Width: 3, Height: 4, Seconds: 5}}, `{"medias":[{"type":1,"x":6}]}`},
		},
		{
			"kicked from a conference", "/im_event/conference/member_leave", `{"userId":"ada","roomId":"x","kicked":true,"rejoin":true,"timestamp":9}`,
			func(ev *event.Event) any { return []any{ev.Members[0].Reason, ev.Conference.Rejoin} },
			[]any{"kick", true},
		},
		{
			"hidden from", "/im_event/moments_feed", `{"feedId":1,"sender":"mira","ex":["bo"],"mu":["ada"]}`,
			func(ev *event.Event) any { return []any{ev.Moment.Hidden, ev.Moment.Mentioned} },
			[]any{[]string{"bo"}, []string{"ada"}},
		},
		{
			"both ids of a comment's recall", "/im_event/moments_comment_recall", `{"id":4,"id2":2}`,
			func(ev *event.Event) any { return string(ev.Vendor) }, `{"id":4,"id2":2}`,
		},
		{
			"a time that no date can write", "/im_event/message", oneMessage(`{"type":1,"target":"g"}`, `,"timestamp":9223372036854775807`),
			func(ev *event.Event) any { return []any{ev.Time.IsZero(), string(ev.Vendor)} },
			[]any{true, `{"timestamp":9223372036854775807}`},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, tt.get(decodeOne(t, d, tt.path, tt.body))); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestDecode_SaysWhichFieldIsWrong(t *testing.T) {
	t.Parallel()
	d := wildfirechat.New()
	for _, tt := range []struct{ path, body, field string }{
		{"/im_event/message", `{"messageId":"7"}`, "messageId"},
		{"/im_event/message", `{"messageId":7.5}`, "messageId"},
		{"/im_event/message", `{"messageId":9223372036854775808}`, "messageId"},
		{"/im_event/message", `{"conv":{"type":"1"}}`, "conv.type"},
		{"/im_event/message", `{"conv":[]}`, "conv"},
		{"/im_event/message", `{"payload":{"mentionedTarget":"ada"}}`, "payload.mentionedTarget"},
		{"/im_event/message", `{"payload":{"mentionedTarget":[7]}}`, "payload.mentionedTarget.0"},
		{"/im_event/message", `{}`, "sender"},
		{"/im_event/message", `{"sender":"a"}`, "conv.type"},
		{"/im_event/message", `{"sender":"a","conv":{"type":1}}`, "conv.target"},
		{"/im_event/message", `{"sender":"a","conv":{"type":1,"target":"g"}}`, "payload.type"},
		{"/im_event/message", `[]`, ""},
		{"/im_event/recall_message", `{"userId":"a"}`, "message.sender"},
		{"/im_event/message_read", `{"user":"a"}`, "conversation.type"},
		{"/im_event/things/message", `{"deviceId":"d","type":1,"data":[200]}`, "data"},
		{"/im_event/things/message", `{"deviceId":"d","type":1,"data":"AAE="}`, "data"},
		{"/im_event/user/online", `{"userId":"a"}`, "status"},
		{"/im_event/user/relation", `{"userId":"a","type":0}`, "targetId"},
		{"/im_event/user/info", `{"userId":7}`, "userId"},
		{"/im_event/group/info", `{"type":0}`, "groupId"},
		{"/im_event/group/info", `{"groupId":"g"}`, "type"},
		{"/im_event/group/info", `{"groupId":"g","type":0,"groupInfo":{"mute":true}}`, "groupInfo.mute"},
		{"/im_event/group/member", `{"groupId":"g","type":0,"memberIds":"ada"}`, "memberIds"},
		{"/im_event/channel/info", `{"channelId":"c"}`, "type"},
		{"/im_event/channel/subscribe", `{"channelId":"c","status":1}`, "userId"},
		{"/im_event/chatroom/info", `{"chatroomId":"r"}`, "type"},
		{"/im_event/chatroom/status", `{"chatroomId":"r"}`, "status"},
		{"/im_event/conference/create", `{"userId":"a"}`, "roomId"},
		{"/im_event/conference/destroy", `{"userId":"a"}`, "roomId"},
		{"/im_event/conference/member_join", `{"roomId":"x"}`, "userId"},
		{"/im_event/moments_feed", `{"sender":"a"}`, "feedId"},
		{"/im_event/moments_comment", `{"commentId":1}`, "sender"},
		{"/im_event/moments_feed_recall", `{"id2":1}`, "id"},
		{"/im_exception_event", `{"count":1}`, "event_type"},
		{"/message/censor", `{"payload":[]}`, "payload"},
	} {
		evs, err := d.Decode(&dialect.Request{Path: tt.path, Body: []byte(tt.body)})
		var de *dialect.DecodeError
		if !errors.As(err, &de) || len(evs) > 0 {
			t.Errorf("Decode %s %s = %d events, %v; want a DecodeError", tt.path, tt.body, len(evs), err)
			continue
		}
		if de.Field != tt.field || de.Dialect != wildfirechat.Name || de.Command == "" {
			t.Errorf("Decode %s %s: %v; want field %q", tt.path, tt.body, err, tt.field)
		}
	}
}

// TestSpec_TakesTheWordsOfTheServersConfiguration holds the keys of
// wildfirechat.conf, and the paths of the older page about it.
func TestSpec_TakesTheWordsOfTheServersConfiguration(t *testing.T) {
	t.Parallel()
	d := wildfirechat.New()
	for _, tt := range []struct{ key, command, oldPath string }{
		{"message.forward.url", "message", "/message/forward"},
		{"message.mentionmsg.forward.url", "message_mention", ""},
		{"message.sensitive.forward.url", "message_sensitive", ""},
		{"message.recallmsg.forward.url", "recall_message", ""},
		{"things_message.forward.url", "things_message", ""},
		{"user.online_status_callback", "user_online", "/user/online_event"},
		{"relation.relation_update_callback", "user_relation", "/relation/updated"},
		{"relation.update_callback", "user_relation", ""},
		{"user.user_info_update_callback", "user_info", "/user/user_info_updated"},
		{"user.info_update_callback", "user_info", ""},
		{"group.group_info_update_callback", "group_info", "/group/group_info_updated"},
		{"group.group_member_update_callback", "group_member", "/group/group_member_updated"},
		{"channel.channel_info_update_callback", "channel_info", ""},
		{"chatroom.chatroom_info_update_callback", "chatroom_info", ""},
		{"chatroom.chatroom_member_update_callback", "chatroom_member", ""},
		{"monitor.exception_event_address", "exception", ""},
		{"sensitive.remote_server_url", "censor", ""},
	} {
		if c, ok := d.Spec().Command(tt.key); !ok || c.Name != tt.command {
			t.Errorf("%s is command %q, want %q", tt.key, c.Name, tt.command)
		}
		req, err := d.Sample(tt.key, rand.New(rand.NewPCG(1, 1)), now)
		if err != nil {
			t.Errorf("a sample of %s: %v", tt.key, err)
		} else if ev := decodeOne(t, d, req.Path, string(req.Body)); ev.Command != tt.command {
			t.Errorf("a sample of %s is a %s, want %s", tt.key, ev.Command, tt.command)
		}
		if tt.oldPath == "" {
			continue
		}
		_, err = d.Decode(&dialect.Request{Path: tt.oldPath, Body: []byte(`{}`)})
		if de, ok := errors.AsType[*dialect.DecodeError](err); !ok || de.Command != tt.command {
			t.Errorf("an empty body on %s: %v, want one of %s to be wanted", tt.oldPath, err, tt.command)
		}
	}
}

func TestSpec_EveryCommandIsReachedByItsPath(t *testing.T) {
	t.Parallel()
	d := wildfirechat.New()
	if len(d.Spec().Commands) != 30 {
		t.Errorf("there are %d commands, want 30", len(d.Spec().Commands))
	}
	for _, c := range d.Spec().Commands {
		for _, typ := range c.Types {
			if entry, ok := event.Lookup(typ); !ok || !entry.In(c.Phase) {
				t.Errorf("%s: %s %s is not in the catalogue", c.Name, c.Phase, typ)
			}
		}
		if c.Line == "" || !strings.HasPrefix(c.Path, "/") {
			t.Errorf("%s: path %q, line %q", c.Name, c.Path, c.Line)
		}
	}
	if !slices.Equal(d.Spec().Generations, []string{"current", "legacy"}) || d.Spec().Deadline != 10*time.Second {
		t.Errorf("generations %v, deadline %v", d.Spec().Generations, d.Spec().Deadline)
	}
}
