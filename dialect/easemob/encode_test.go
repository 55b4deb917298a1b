package easemob_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/easemob"
	"github.com/imhook/imhook/event"
)

// foreign is an event of another vendor that has everything, so that only its type
// and place decide what is written.
func foreign(t event.Type, kind event.Kind) *event.Event {
	ev := &event.Event{
		ID: "e1", App: "shop", Dialect: "openim", Command: "x", Phase: event.After, Type: t, Time: time.UnixMilli(1795200000123).UTC(),
		Actor: &event.Actor{ID: "ann"}, Conversation: &event.Conversation{Kind: kind, ID: "77"},
		Message:    &event.Message{ID: "5", Kind: event.Text, Text: "hi"},
		Members:    []event.Member{{ID: "bob"}},
		Receipt:    &event.Receipt{Messages: []string{"5"}},
		Reaction:   &event.Reaction{Message: "5", Items: []event.ReactionCount{{Name: "ok", Count: 1, Users: []string{"ann"}, Change: "add"}}},
		Thread:     &event.Thread{ID: "88", Name: "menu", Operation: "update_msg"},
		Moderation: &event.Moderation{Verdict: "refuse", Words: []string{"x"}},
		Presence:   &event.Presence{Platform: "ios", Client: "d1", Address: "1.2.3.4:5"},
		Report:     &event.Report{Code: "fail", Text: "no token"},
		Friend:     &event.Friend{Text: "hello"},
	}
	switch kind {
	case event.KindDirect:
		ev.Conversation = new(event.Direct("ann", "bob"))
	case event.KindGroup:
		ev.Group = &event.Group{ID: "77", Name: "Hikers", Owner: "ann", Announcement: "news", Files: []string{"f1"}}
	case event.KindChatroom:
		ev.Chatroom = &event.Chatroom{ID: "77", Name: "Stage", Announcement: "news", Attributes: map[string]string{"b": "2", "a": "1"}}
	case event.KindChannel, event.KindConference, event.KindUser, event.KindSystem:
	}
	ev.Lane = ev.Conversation.Lane()
	return ev
}

// kindOf is where a type happens.
func kindOf(t event.Type) event.Kind {
	switch {
	case strings.HasPrefix(string(t), "group."), t == event.ThreadUpdate, t == event.MessagePushOffline:
		return event.KindGroup
	case strings.HasPrefix(string(t), "chatroom."):
		return event.KindChatroom
	}
	return event.KindDirect
}

// says are the commands that a type is written as, in either generation where they
// differ; what is not here cannot be expressed.
var says = map[event.Type][2]string{
	event.MessageSend: {"chat:txt"}, event.MessagePushOffline: {"groupchat:txt/offline"}, event.MessageEdit: {"edit"},
	event.MessageRecall: {"recall"}, event.MessageRead: {"read_ack"}, event.MessageDeliver: {"delivery_ack"},
	event.MessageReact: {"notify:reaction"}, event.MessageIntercept: {"sensitiveWords:intercepted"},
	event.ThreadUpdate: {"notify:thread"}, event.ModerationResult: {"moderation:REJECT"}, event.PushReport: {"push:fail"},
	event.UserOnline: {"userStatus:login"}, event.UserOffline: {"userStatus:logout"}, event.UserKick: {"userStatus:replaced"},
	event.FriendRequest: {"roster:add"}, event.FriendAccept: {"roster:accept"}, event.FriendDecline: {"roster:decline"},
	event.FriendAdd: {"roster:accept"}, event.FriendImport: {"roster:accept"}, event.FriendRemove: {"roster:remove"},
	event.BlockAdd: {"roster:ban"}, event.BlockRemove: {"roster:allow"},

	event.GroupCreate: {"group_op:CREATE", "muc:create"}, event.GroupUpdate: {"group_op:UPDATE/INFO", "muc:update"},
	event.GroupTransfer: {"group_op:UPDATE/OWNER", "muc:assing_owner"}, event.GroupDestroy: {"group_op:DELETE", "muc:destroy"},
	event.GroupMute: {"group_op:UPDATE/MUTE", "muc:ban_group"}, event.GroupUnmute: {"group_op:UPDATE/MUTE", "muc:remove_ban_group"},
	event.GroupDisable: {"group_op:UPDATE/DISABLE", "-"}, event.GroupEnable: {"group_op:UPDATE/DISABLE", "-"},
	event.GroupAnnounce:   {"group_op:UPDATE/ANNOUNCEMENT", "muc:update_announcement"},
	event.GroupUnannounce: {"group_op:UPDATE/ANNOUNCEMENT", "muc:delete_announcement"},
	event.GroupFileUpload: {"group_op:SHARE_FILE/ADD", "muc:upload_file"}, event.GroupFileDelete: {"group_op:SHARE_FILE/REMOVE", "muc:delete_file"},
	event.GroupBlock: {"group_op:SHIELD/ADD", "muc:block"}, event.GroupUnblock: {"group_op:SHIELD/REMOVE", "muc:unblock"},
	event.GroupMemberApply: {"muc:apply"}, event.GroupMemberApplyAccept: {"muc:apply_accept"}, event.GroupMemberInvite: {"muc:invite"},
	event.GroupMemberInviteAccept: {"muc:invite_accept"}, event.GroupMemberInviteDecline: {"muc:invite_decline"},
	event.GroupMemberJoin: {"group_op:JOIN/DIRECT", "muc:presence"}, event.GroupMemberLeave: {"group_op:LEAVE/QUIT", "muc:leave"},
	event.GroupMemberKick: {"group_op:LEAVE/KICK", "muc:kick"}, event.GroupMemberBan: {"group_op:BLOCK/ADD", "muc:ban"},
	event.GroupMemberUnban: {"group_op:BLOCK/REMOVE", "muc:allow"}, event.GroupMemberMute: {"group_op:MUTE/ADD", "muc:add_mute"},
	event.GroupMemberUnmute: {"group_op:MUTE/REMOVE", "muc:remove_mute"}, event.GroupMemberAllow: {"group_op:WHITE/ADD", "muc:add_user_white_list"},
	event.GroupMemberDisallow: {"group_op:WHITE/REMOVE", "muc:remove_user_white_list"}, event.GroupMemberPromote: {"group_op:ADMIN/ADD", "muc:add_admin"},
	event.GroupMemberDemote: {"group_op:ADMIN/REMOVE", "muc:remove_admin"}, event.GroupMemberUpdate: {"muc:group_member_metadata_update"},

	event.ChatroomCreate: {"group_op:CREATE", "-"}, event.ChatroomUpdate: {"group_op:UPDATE/INFO", "muc:update"},
	event.ChatroomTransfer: {"group_op:UPDATE/OWNER", "-"}, event.ChatroomDestroy: {"group_op:DELETE", "muc:destroy"},
	event.ChatroomMute: {"group_op:UPDATE/MUTE", "muc:ban_group"}, event.ChatroomUnmute: {"group_op:UPDATE/MUTE", "muc:remove_ban_group"},
	event.ChatroomAnnounce:     {"group_op:UPDATE/ANNOUNCEMENT", "muc:update_announcement"},
	event.ChatroomUnannounce:   {"group_op:UPDATE/ANNOUNCEMENT", "muc:delete_announcement"},
	event.ChatroomAttributeSet: {"muc:set_metadata"}, event.ChatroomAttributeDelete: {"muc:delete_metadata"},
	event.ChatroomMemberJoin: {"group_op:JOIN/APPLY", "muc:presence"}, event.ChatroomMemberLeave: {"group_op:LEAVE/QUIT", "muc:leave"},
	event.ChatroomMemberKick: {"group_op:LEAVE/KICK", "muc:kick"}, event.ChatroomMemberBan: {"group_op:BLOCK/ADD", "-"},
	event.ChatroomMemberUnban: {"group_op:BLOCK/REMOVE", "-"}, event.ChatroomMemberMute: {"group_op:MUTE/ADD", "muc:add_mute"},
	event.ChatroomMemberUnmute: {"group_op:MUTE/REMOVE", "muc:remove_mute"}, event.ChatroomMemberAllow: {"group_op:WHITE/ADD", "muc:add_user_white_list"},
	event.ChatroomMemberDisallow: {"group_op:WHITE/REMOVE", "muc:remove_user_white_list"}, event.ChatroomMemberPromote: {"group_op:ADMIN/ADD", "muc:add_admin"},
	event.ChatroomMemberDemote: {"group_op:ADMIN/REMOVE", "muc:remove_admin"},
	event.ChatroomSuperPromote: {"group_op:ROOM_SUPER_ADMIN/ADD", "-"}, event.ChatroomSuperDemote: {"group_op:ROOM_SUPER_ADMIN/REMOVE", "-"},
}

// lossy are the types that read back as another.
var lossy = []event.Type{event.UserKick, event.FriendAdd, event.FriendImport}

func TestEncode_EveryTypeOfTheCatalogueIsSaidOrRefusedForAReason(t *testing.T) {
	t.Parallel()
	d := easemob.New()
	for i, generation := range []string{"current", "legacy"} {
		for _, entry := range event.Catalogue() {
			if !entry.In(event.After) {
				continue
			}
			ev := foreign(entry.Type, kindOf(entry.Type))
			reqs, err := d.Encode(ev, dialect.Target{Generation: generation})
			want := says[entry.Type][i]
			if want == "" {
				want = says[entry.Type][0]
			}
			if want == "" || want == "-" {
				if !errors.Is(err, dialect.ErrUntranslatable) || len(err.Error()) < 40 {
					t.Errorf("%s %s: %v, want a reason why it cannot be expressed", generation, entry.Type, err)
				}
				continue
			}
			if err != nil || len(reqs) != 1 {
				t.Errorf("%s %s: %d requests, %v", generation, entry.Type, len(reqs), err)
				continue
			}
			evs, err := d.Decode(&reqs[0])
			if err != nil || len(evs) != 1 {
				t.Errorf("%s %s: %d events, %v of %s", generation, entry.Type, len(evs), err, reqs[0].Body)
				continue
			}
			back := evs[0]
			if back.Command != want {
				t.Errorf("%s %s is written as %s, want %s", generation, entry.Type, back.Command, want)
			}
			if back.Type != entry.Type && !slices.Contains(lossy, entry.Type) {
				t.Errorf("%s %s reads back as %s from %s", generation, entry.Type, back.Type, reqs[0].Body)
			}
			if back.Lane.Kind() != event.KindUser && back.Lane != ev.Lane {
				t.Errorf("%s %s is in lane %s, was in %s", generation, entry.Type, back.Lane, ev.Lane)
			}
			if back.Actor != nil && back.Actor.ID != "" && back.Actor.ID != "ann" && entry.Type != event.GroupMemberInviteAccept && back.Actor.ID != "bob" {
				t.Errorf("%s %s: actor %s", generation, entry.Type, back.Actor.ID)
			}
		}
	}
}

func TestEncode_BeforeEvents(t *testing.T) {
	t.Parallel()
	d := easemob.New()
	for _, entry := range event.Catalogue() {
		if !entry.In(event.Before) {
			continue
		}
		ev := foreign(entry.Type, kindOf(entry.Type))
		ev.Phase = event.Before
		reqs, err := d.Encode(ev, dialect.Target{})
		switch entry.Type {
		case event.MessageSend, event.MessageModify, event.MessageEdit:
			if err != nil || len(reqs) != 1 || reqs[0].Path != "/pre_send" {
				t.Errorf("%s: %v, %v", entry.Type, reqs, err)
			}
		default:
			if !errors.Is(err, dialect.ErrUntranslatable) {
				t.Errorf("%s: %v, want %v", entry.Type, err, dialect.ErrUntranslatable)
			}
		}
	}
}

// encodeBody is the one body that a foreign event is written as.
func encodeBody(t *testing.T, ev *event.Event, generation string) string {
	t.Helper()
	target := dialect.Target{Generation: generation, Credentials: dialect.Credentials{Public: map[string]string{"app_key": "acme#shop"}}}
	reqs, err := easemob.New().Encode(ev, target)
	if err != nil || len(reqs) != 1 {
		t.Fatalf("%d requests, %v", len(reqs), err)
	}
	return string(reqs[0].Body)
}

func TestEncode_BodiesAreThePages(t *testing.T) {
	t.Parallel()
	const head = `{"callId":"acme#shop_e1","eventType":"chat","timestamp":1795200000123,"chat_type":`
	const tail = `"msg_id":"e1","security":"","appkey":"acme#shop","host":"imhook","payload":`
	const op = `{"callId":"acme#shop_e1","timestamp":1795200000123,"event":"group_op_event","operation":`
	with := func(t event.Type, kind event.Kind, change func(ev *event.Event)) *event.Event {
		ev := foreign(t, kind)
		if change != nil {
			change(ev)
		}
		return ev
	}
	for _, tt := range []struct {
		name, generation string
		ev               *event.Event
		want             string
	}{
		{"recall", "", foreign(event.MessageRecall, event.KindDirect), head + `"recall","from":"ann","to":"bob","recall_id":"5","msg_id":"e1","payload":{"ext":{},"ack_message_id":"5","bodies":[]},"security":"","appkey":"acme#shop","host":"imhook"}`},
		{"recall in a chatroom", "", foreign(event.MessageRecall, event.KindChatroom), head + `"recall","group_id":"77","from":"ann","to":"77","recall_id":"5","msg_id":"e1","payload":{"ext":{},"ack_message_id":"5","bodies":[]},"security":"","appkey":"acme#shop","host":"imhook","content_type":"chat:room:unknown"}`},
		{"read", "", foreign(event.MessageRead, event.KindDirect), head + `"read_ack","from":"ann","to":"bob","msg_id":"e1","payload":{"ext":{},"ack_message_id":"5","bodies":[]},"security":"","appkey":"acme#shop","host":"imhook"}`},
		{"read in a group", "", foreign(event.MessageRead, event.KindGroup), head + `"read_ack","from":"ann","to":"77","channel_channel":"acme#shop_77@conference.easemob.com","channel_user":"acme#shop_ann@easemob.com","msg_id":"e1","payload":{"ext":{},"ack_message_id":"5","type":"read_ack","msg_config":{"allow_group_ack":true}},"security":"","appkey":"acme#shop","host":"imhook","content_type":"chat:ack:read","writed_channel":false}`},
		{"read all", "", with(event.MessageRead, event.KindDirect, func(ev *event.Event) { ev.Receipt = &event.Receipt{UpTo: ev.Time} }), head + `"channel_ack","from":"ann","to":"bob","msg_id":"e1","payload":{"ack_message_id":"","type":"channel_ack"},"security":"","appkey":"acme#shop","host":"imhook"}`},
		{"delivered", "", foreign(event.MessageDeliver, event.KindDirect), head + `"delivery_ack","from":"ann","to":"bob","msg_id":"e1","payload":{"ext":{},"ack_message_id":"5","bodies":[]},"security":"","appkey":"acme#shop","host":"imhook"}`},
		{"edit", "", foreign(event.MessageEdit, event.KindDirect), head + `"edit","from":"admin","to":"bob","msg_id":"e1","payload":{"ext":{},"edit_message_id":"5","bodies":[{"msg":"hi","type":"txt"}],"from":"ann","to":"bob","type":"edit","meta":{"edit_msg":{"count":1,"edit_time":1795200000123,"operator":"ann","sender":"ann","chat_type":"chat:user"}}},"security":"","appkey":"acme#shop","host":"imhook","content_type":"chat:user:text"}`},
		{"request", "", foreign(event.FriendRequest, event.KindDirect), head + `"roster","from":"acme#shop_ann@easemob.com","to":"bob",` + tail + `{"reason":"hello","operation":"add"}}`},
		{"remove", "", foreign(event.FriendRemove, event.KindDirect), head + `"roster","from":"acme#shop_ann@easemob.com","to":"bob",` + tail + `{"roster_ver":"","operation":"remove"}}`},
		{"block", "", foreign(event.BlockAdd, event.KindDirect), head + `"roster","from":"acme#shop_ann@easemob.com","to":"bob",` + tail + `{"operation":"ban","status":{"error_code":"ok"}}}`},
		{"kick", "legacy", foreign(event.GroupMemberKick, event.KindGroup), head + `"muc","group_id":"77","from":"acme#shop_ann@easemob.com","to":"bob",` + tail + `{"muc_id":"acme#shop_77@conference.easemob.com","is_chatroom":false,"operation":"kick","status":{"description":"","error_code":"ok"}}}`},
		{"enter", "legacy", foreign(event.ChatroomMemberJoin, event.KindChatroom), head + `"muc","group_id":"77","from":"acme#shop_bob@easemob.com","to":"77",` + tail + `{"muc_id":"acme#shop_77@conference.easemob.com","is_chatroom":true,"operation":"presence"}}`},
		{"announce", "legacy", foreign(event.GroupAnnounce, event.KindGroup), head + `"muc","group_id":"77","from":"acme#shop_ann@easemob.com","to":"77",` + tail + `{"muc_id":"acme#shop_77@conference.easemob.com","reason":"news","is_chatroom":false,"operation":"update_announcement","status":{"description":"","error_code":"ok"}}}`},
		{"upload", "legacy", with(event.GroupFileUpload, event.KindGroup, func(ev *event.Event) { ev.Message = nil }), head + `"muc","group_id":"77","from":"acme#shop_ann@easemob.com","to":"77",` + tail + `{"muc_id":"acme#shop_77@conference.easemob.com","reason":"{\"data\":{\"file_id\":\"f1\",\"file_name\":\"\",\"file_owner\":\"ann\",\"file_size\":0,\"created\":0}}","is_chatroom":false,"operation":"upload_file","status":{"description":"","error_code":"ok"}}}`},
		{"attributes", "", foreign(event.ChatroomAttributeSet, event.KindChatroom), head + `"muc","group_id":"77","from":"77","to":"ann",` + tail + `{"muc_id":"acme#shop_77@conference.easemob.com","is_chatroom":true,"operation":"set_metadata","event_info":{"ext":"{\"result\":{\"successKeys\":[\"a\",\"b\"],\"errorKeys\":{}},\"identify\":\"\",\"is_forced\":false,\"muc_name\":\"Stage\",\"need_notify\":true,\"properties\":{\"a\":\"1\",\"b\":\"2\"},\"operator\":\"ann\"}","type":"event_none"},"status":{"description":"","error_code":"ok"}}}`},
		{"create", "", with(event.GroupCreate, event.KindGroup, func(ev *event.Event) {
			ev.Group.MaxMembers, ev.Group.Muted = 50, new(false)
		}), op + `"CREATE","type":"GROUP","id":"77","operator":"ann","payload":{"role":{"ann":"owner"},"member":["bob"],"info":{"title":"Hikers","owner":"acme#shop_ann","max_users":"50","mute":"false"}},"security":"","appkey":"acme#shop"}`},
		{"owner", "", foreign(event.GroupTransfer, event.KindGroup), op + `"UPDATE","type":"GROUP","id":"77","operator":"ann","payload":{"type":"OWNER","owner":"ann","new_owner":"bob"},"security":"","appkey":"acme#shop"}`},
		{"no announcement", "", foreign(event.GroupUnannounce, event.KindGroup), op + `"UPDATE","type":"GROUP","id":"77","operator":"ann","payload":{"type":"ANNOUNCEMENT"},"security":"","appkey":"acme#shop"}`},
		{"destroy", "", foreign(event.ChatroomDestroy, event.KindChatroom), op + `"DELETE","type":"CHATROOM","id":"77","operator":"ann","security":"","appkey":"acme#shop"}`},
		{"invited", "", with(event.GroupMemberJoin, event.KindGroup, func(ev *event.Event) {
			ev.Members = []event.Member{{ID: "bob", Source: "invite"}, {ID: "carl", Source: "invite"}}
			ev.Group.MemberCount = 9
		}), op + `"JOIN","type":"GROUP","id":"77","operator":"ann","payload":{"type":"INVITE","member":["bob","carl"]},"member_count":9,"security":"","appkey":"acme#shop"}`},
		{"mute for good", "", foreign(event.GroupMemberMute, event.KindGroup), op + `"MUTE","type":"GROUP","id":"77","operator":"ann","payload":{"type":"ADD","member":["bob"],"expire_timestamp":4638873600000},"security":"","appkey":"acme#shop"}`},
		{"ban for a while", "", with(event.ChatroomMemberBan, event.KindChatroom, func(ev *event.Event) { ev.Members[0].Until = ev.Time.Add(time.Second) }), op + `"BLOCK","type":"CHATROOM","id":"77","operator":"ann","payload":{"type":"ADD","member":["bob"],"expire_timestamp":1795200001123},"security":"","appkey":"acme#shop"}`},
		{"server", "", with(event.GroupMute, event.KindGroup, func(ev *event.Event) { ev.Actor = &event.Actor{System: true} }), op + `"UPDATE","type":"GROUP","id":"77","operator":"@ppAdmin","payload":{"type":"MUTE","mute":true},"security":"","appkey":"acme#shop"}`},
		{"super admin", "", foreign(event.ChatroomSuperPromote, event.KindChatroom), op + `"ROOM_SUPER_ADMIN","type":"CHATROOM","id":"","operator":"ann","payload":{"type":"ADD","admin":["bob"]},"security":"","appkey":"acme#shop"}`},
		{"login", "", with(event.UserOnline, event.KindDirect, func(ev *event.Event) { ev.Members = nil }), `{"callId":"acme#shop_e1","reason":"login","security":"","os":"ios","ip":"1.2.3.4:5","host":"imhook","appkey":"acme#shop","user":"acme#shop_ann@easemob.com/d1","version":"","timestamp":1795200000123,"status":"online"}`},
		{"word", "", foreign(event.MessageIntercept, event.KindDirect), `{"callId":"acme#shop_e1","eventType":"keyword_alert","timestamp":1795200000123,"chatType":"chat:user:text","alertReason":"intercepted","contentOwner":"acme#shop_ann@easemob.com","contentReceiver":"acme#shop_bob@easemob.com","contentType":"message","contentUri":"msync:5","sensitiveWords":["x"],"status":"refuse","security":"","appkey":"acme#shop","host":"imhook"}`},
		{"moderation", "", foreign(event.ModerationResult, event.KindGroup), `{"callId":"acme#shop_e1","eventType":"moderation","timestamp":1795200000123,"moderationResult":"REJECT","providerResult":"REJECT","messageId":"5","messageType":"txt","targetType":"groupchat","from":"ann","to":"77","riskType":"","msg":"hi","url":"","source":{},"security":"","appkey":"acme#shop"}`},
		{"push", "", with(event.PushReport, event.KindDirect, func(ev *event.Event) { ev.Presence = nil }), `{"callId":"acme#shop_5","timestamp":1795200000123,"chat_type":"chat","msg_id":"5","step":"push","status":"fail","from":"ann","target":"bob","detail":"no token","security":"","appkey":"acme#shop"}`},
		{"push of a group's message", "", with(event.PushReport, event.KindGroup, func(ev *event.Event) { ev.Presence = nil }), `{"callId":"acme#shop_5","timestamp":1795200000123,"chat_type":"groupchat","msg_id":"5","step":"push","status":"fail","group_id":"77","from":"ann","target":"bob","detail":"no token","security":"","appkey":"acme#shop"}`},
		{"reaction", "", foreign(event.MessageReact, event.KindDirect), head + `"notify","from":"ann","to":"bob",` + tail + `{"data":[{"messageId":"5","from":"ann","reactions":[{"reaction":"ok","op":[{"reactionType":"create","operator":"ann"}],"userList":["ann"],"count":1}],"to":"bob","channel_type":"chat","ts":1795200000123}],"num":1,"channel_type":"chat","type":"reaction"}}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, encodeBody(t, tt.ev, tt.generation)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	t.Run("pre-send", func(t *testing.T) {
		t.Parallel()
		ev := foreign(event.MessageSend, event.KindGroup)
		ev.Phase = event.Before
		const head = `{"callId":"acme#shop_e1","timestamp":1795200000123,"chat_type":"groupchat","group_id":"77","from":"ann","to":"77","msg_id":"5","security":"","payload":`
		if diff := cmp.Diff(head+`{"msg":"hi","type":"txt"}}`, encodeBody(t, ev, "")); diff != "" {
			t.Errorf("current (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(head+`{"ext":{},"bodies":[{"msg":"hi","type":"txt"}]}}`, encodeBody(t, ev, "legacy")); diff != "" {
			t.Errorf("legacy (-want +got):\n%s", diff)
		}
	})
}

func TestEncode_MembersFanOutWhereTheCommandTakesOne(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		typ        event.Type
		kind       event.Kind
		generation string
		parts      int
	}{
		{event.GroupMemberKick, event.KindGroup, "legacy", 2},
		{event.GroupMemberKick, event.KindGroup, "current", 1},
		{event.GroupMemberJoin, event.KindGroup, "legacy", 2},
		{event.GroupMemberInvite, event.KindGroup, "current", 2},
		{event.FriendRequest, event.KindDirect, "current", 2},
		{event.BlockAdd, event.KindDirect, "legacy", 2},
		{event.PushReport, event.KindDirect, "current", 2},
		{event.UserOnline, event.KindDirect, "current", 2},
		{event.GroupMute, event.KindGroup, "legacy", 1},
	} {
		ev := foreign(tt.typ, tt.kind)
		ev.Message = nil
		ev.Members = []event.Member{{ID: "bob"}, {ID: "carl"}}
		reqs, err := easemob.New().Encode(ev, dialect.Target{Generation: tt.generation})
		if err != nil || len(reqs) != tt.parts {
			t.Errorf("%s %s: %d requests, %v; want %d", tt.generation, tt.typ, len(reqs), err, tt.parts)
			continue
		}
		ids, calls := map[string]bool{}, map[string]bool{}
		for i := range reqs {
			back := decode(t, string(reqs[i].Body))
			calls[back.Dedupe] = true
			ids[reqs[i].ID] = true
			if tt.parts == 2 && (reqs[i].ID != event.PartID("e1", i) || back.Members[0].ID != ev.Members[i].ID) {
				t.Errorf("%s %s: part %q is about %v, want %s", tt.generation, tt.typ, reqs[i].ID, back.Members, ev.Members[i].ID)
			}
		}
		if len(ids) != tt.parts || len(calls) != tt.parts {
			t.Errorf("%s %s: parts share an id or a call id", tt.generation, tt.typ)
		}
	}
	ev := foreign(event.GroupFileDelete, event.KindGroup)
	ev.Group.Files = []string{"f1", "f2"}
	if reqs, err := easemob.New().Encode(ev, dialect.Target{Generation: "legacy"}); err != nil || len(reqs) != 2 {
		t.Errorf("two files: %d requests, %v", len(reqs), err)
	}
}

func TestEncode_EveryContentKind(t *testing.T) {
	t.Parallel()
	custom := &event.Payload{Name: "my event!", Data: `{"a":1,"b":"x"}`}
	for _, tt := range []struct {
		msg  event.Message
		want string // the element; empty for what is no message
	}{
		{event.Message{Kind: event.Text, Text: "hi"}, `{"msg":"hi","type":"txt"}`},
		{event.Message{Kind: event.Image, Media: &event.Media{URL: "u", Name: "n", Size: 1, Width: 2, Height: 3}}, `{"filename":"n","size":{"width":2,"height":3},"secret":"","file_length":1,"type":"img","url":"u"}`},
		{event.Message{Kind: event.Audio, Media: &event.Media{URL: "u", Seconds: 2.6}}, `{"filename":"","length":3,"secret":"","file_length":0,"type":"audio","url":"u"}`},
		{event.Message{Kind: event.Video, Media: &event.Media{URL: "u", Seconds: 9, Thumbnail: "t"}}, `{"thumb_secret":"","filename":"","size":{"width":0,"height":0},"thumb":"t","length":9,"secret":"","file_length":0,"type":"video","url":"u"}`},
		{event.Message{Kind: event.File, Media: &event.Media{URL: "u", Name: "n"}}, `{"filename":"n","secret":"","file_length":0,"type":"file","url":"u"}`},
		{event.Message{Kind: event.Location, Location: &event.Place{Latitude: 1.5, Longitude: -2, Title: "Quay"}}, `{"lng":-2,"type":"loc","addr":"Quay","lat":1.5}`},
		{event.Message{Kind: event.Face, Custom: &event.Payload{Name: "smile", Data: "7"}}, `{"type":"custom","customExts":[{"data":"7"},{"name":"smile"}],"v2:customExts":{"data":"7","name":"smile"},"customEvent":"face"}`},
		{event.Message{Kind: event.LinkCard, Text: "t", Media: &event.Media{URL: "u"}}, `{"type":"custom","customExts":[{"text":"t"},{"url":"u"}],"v2:customExts":{"text":"t","url":"u"},"customEvent":"link"}`},
		{event.Message{Kind: event.Card, Custom: &event.Payload{Data: `{"uid":"carl"}`}}, `{"type":"custom","customExts":[{"uid":"carl"}],"v2:customExts":{"uid":"carl"},"customEvent":"userCard"}`},
		{event.Message{Kind: event.Merged, Text: "2", Media: &event.Media{URL: "u"}}, `{"msg":"2","subType":"sub_combine","type":"txt","url":"u"}`},
		{event.Message{Kind: event.Merged, Custom: &event.Payload{Data: "[1]"}}, `{"type":"custom","customExts":[{"data":"[1]"}],"v2:customExts":{"data":"[1]"},"customEvent":"merged"}`},
		{event.Message{Kind: event.Quote, Text: "re"}, `{"msg":"re","type":"txt"}`},
		{event.Message{Kind: event.CommandKind, Custom: &event.Payload{Name: "ring", Data: "x"}}, `{"msg":"x","action":"ring","type":"cmd"}`},
		{event.Message{Kind: event.CommandKind, Custom: &event.Payload{Data: "x"}}, `{"action":"x","type":"cmd"}`},
		{event.Message{Kind: event.Custom, Custom: custom}, `{"type":"custom","customExts":[{"a":"1"},{"b":"x"}],"v2:customExts":{"a":"1","b":"x"},"customEvent":"my-event-"}`},
		{event.Message{Kind: event.Custom, Custom: &event.Payload{Base64: []byte{0}}}, `{"type":"custom","customExts":[{"base64":"AA=="}],"v2:customExts":{"base64":"AA=="},"customEvent":"custom"}`},
		{event.Message{Kind: event.Notification, Text: "joined"}, `{"msg":"joined","action":"notification","type":"cmd"}`},
		{event.Message{Kind: event.Typing}, `{"action":"typing","type":"cmd"}`},
		{event.Message{Kind: event.Call, Custom: &event.Payload{Data: "{}"}}, `{"msg":"{}","action":"call","type":"cmd"}`},
		{event.Message{Kind: event.UnknownKind, Text: "?"}, `{"type":"custom","customExts":[{"text":"?"}],"v2:customExts":{"text":"?"},"customEvent":"unknown"}`},
		{event.Message{Kind: event.UnknownKind}, `{"type":"unknown"}`},
		{event.Message{Kind: event.RecallMarker}, ``},
		{event.Message{Kind: event.ReceiptMarker}, ``},
	} {
		ev := foreign(event.MessageSend, event.KindDirect)
		tt.msg.ID = "5"
		ev.Message = &tt.msg
		reqs, err := easemob.New().Encode(ev, dialect.Target{})
		if tt.want == "" {
			if !errors.Is(err, dialect.ErrUntranslatable) {
				t.Errorf("%s: %v", tt.msg.Kind, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tt.msg.Kind, err)
			continue
		}
		_, got, _ := strings.Cut(string(reqs[0].Body), `"bodies":[`)
		got, _, _ = strings.Cut(got, `]},"security"`)
		if got != tt.want {
			t.Errorf("%s is %s\nwant %s", tt.msg.Kind, got, tt.want)
		}
	}
	for _, kind := range event.ContentKinds() {
		ev := foreign(event.MessageSend, event.KindDirect)
		ev.Message.Kind = kind
		if _, err := easemob.New().Encode(ev, dialect.Target{}); err != nil && kind != event.RecallMarker && kind != event.ReceiptMarker {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

func TestEncode_MentionsAndQuotesStandInExt(t *testing.T) {
	t.Parallel()
	ev := foreign(event.MessageSend, event.KindGroup)
	ev.Message.Mentions = &event.Mentions{Users: []string{"bob"}}
	ev.Message.Extra = `{"a":1}`
	if got := encodeBody(t, ev, ""); !strings.Contains(got, `"ext":{"a":1,"em_at_list":["bob"]}`) {
		t.Errorf("mention: %s", got)
	}
	ev.Message.Mentions = &event.Mentions{All: true}
	ev.Message.Extra = ""
	if got := encodeBody(t, ev, ""); !strings.Contains(got, `"ext":{"em_at_list":"ALL"}`) {
		t.Errorf("mention of all: %s", got)
	}
	ev.Message.Mentions, ev.Message.Kind, ev.Message.Custom = nil, event.Quote, &event.Payload{Data: "what"}
	if got := encodeBody(t, ev, ""); !strings.Contains(got, `"ext":{"quote":"what"}`) {
		t.Errorf("quote: %s", got)
	}
}
