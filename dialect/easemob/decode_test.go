package easemob_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/easemob"
	"github.com/imhook/imhook/event"
)

// body is a message-like body; more goes in front of the payload.
func body(chatType, payload, more string) string {
	return `{"callId":"acme#shop_5","eventType":"chat","timestamp":1795200000123,"chat_type":"` + chatType + `",` + more +
		`"msg_id":"5","payload":` + payload + `,"security":"0","appkey":"acme#shop","host":"n"}`
}

const annToBob = `"from":"ann","to":"bob",`

// element is a message with one element to a place.
func element(chatType, element, more string) string {
	return body(chatType, `{"ext":{"k":"v"},"bodies":[`+element+`]}`, more)
}

// mucBody is an older report of ann about dora.
func mucBody(op, payload string, room bool) string {
	return body("muc", `{"muc_id":"acme#shop_77@conference.easemob.com","is_chatroom":`+strconv.FormatBool(room)+`,"operation":"`+op+`"`+payload+`}`,
		`"group_id":"77","from":"acme#shop_ann@easemob.com/ios_1","to":"dora",`)
}

// opBody is a newer report.
func opBody(operation, payload string, room bool) string {
	word := "GROUP"
	if room {
		word = "CHATROOM"
	}
	if payload != "" {
		payload = `"payload":` + payload + `,`
	}
	return `{"callId":"acme#shop_u","timestamp":1795200000123,"event":"group_op_event","operation":"` + operation + `","type":"` + word +
		`","id":"77","operator":"ann",` + payload + `"security":"0","appkey":"acme#shop"}`
}

func rosterBody(op, more string) string {
	return body("roster", `{"operation":"`+op+`"`+more+`}`, `"from":"acme#shop_ann@easemob.com/ios_1","to":"bob",`)
}

// facts are values of an event's CloudEvents data, by path.
type facts map[string]string

type decodeCase struct {
	name, path, body string
	command          string
	typ              event.Type
	lane             event.Lane
	link             string
	echo             bool
	facts            facts
}

func decodeCases() []decodeCase {
	direct := facts{"actor.id": "ann", "conversation.kind": "direct", "conversation.id": "ann|bob"}
	cases := []decodeCase{
		{name: "text", body: element("chat", `{"msg":"hi","type":"txt"}`, annToBob), command: "chat:txt", typ: event.MessageSend, facts: facts{"message.kind": "text", "message.text": "hi", "message.extra": `{"k":"v"}`, "message.id": "5"}},
		{name: "picture", body: element("chat", `{"filename":"a.jpg","size":{"width":3,"height":4},"secret":"s","file_length":9,"type":"img","url":"u"}`, annToBob), command: "chat:img", typ: event.MessageSend, facts: facts{"message.kind": "image", "message.media.url": "u", "message.media.name": "a.jpg", "message.media.size": "9", "message.media.width": "3", "message.media.height": "4", "vendor.payload.bodies.0.secret": "s"}},
		{name: "voice", body: element("chat", `{"filename":"a","length":4,"secret":"s","file_length":9,"type":"audio","url":"u"}`, annToBob), command: "chat:audio", typ: event.MessageSend, facts: facts{"message.kind": "audio", "message.media.seconds": "4", "message.media.size": "9", "message.media.url": "u"}},
		{name: "video", body: element("chat", `{"thumb_secret":"t","filename":"v.mp4","size":{"width":3,"height":4},"thumb":"th","length":10,"secret":"s","file_length":9,"type":"video","url":"u"}`, annToBob), command: "chat:video", typ: event.MessageSend, facts: facts{"message.kind": "video", "message.media.seconds": "10", "message.media.thumbnail": "th", "message.media.width": "3", "message.media.url": "u", "vendor.payload.bodies.0.thumb_secret": "t"}},
		{name: "file", body: element("chat", `{"filename":"a.pdf","secret":"s","file_length":9,"type":"file","url":"u"}`, annToBob), command: "chat:file", typ: event.MessageSend, facts: facts{"message.kind": "file", "message.media.name": "a.pdf", "message.media.size": "9"}},
		{name: "place", body: element("chat", `{"lng":10.75,"type":"loc","addr":"Quay","lat":59.9}`, annToBob), command: "chat:loc", typ: event.MessageSend, facts: facts{"message.kind": "location", "message.location.longitude": "10.75", "message.location.latitude": "59.9", "message.location.address": "Quay"}},
		{name: "command", body: element("chat", `{"action":"ring","type":"cmd"}`, annToBob), command: "chat:cmd", typ: event.MessageSend, facts: facts{"message.kind": "command", "message.custom.name": "ring"}},
		{name: "custom", body: element("chat", `{"customExts":[{"a":1}],"v2:customExts":{"k":"v"},"customEvent":"order","type":"custom"}`, annToBob), command: "chat:custom", typ: event.MessageSend, facts: facts{"message.kind": "custom", "message.custom.name": "order", "message.custom.data": `{"k":"v"}`}},
		{name: "unknown", body: element("chat", `{"type":"unknown"}`, annToBob), command: "chat:unknown", typ: event.MessageSend, facts: facts{"message.kind": "unknown", "message.code": "unknown"}},
		{name: "unlisted", body: element("chat", `{"type":"sticker","n":1}`, annToBob), command: "chat:unknown", typ: event.MessageSend, facts: facts{"message.kind": "unknown", "message.code": "sticker", "vendor.payload.bodies.0.n": "1"}},
		{name: "mention", body: body("chat", `{"ext":{"em_at_list":["carl"]},"bodies":[{"msg":"@carl","type":"txt"}]}`, annToBob), command: "chat:txt", typ: event.MessageSend, facts: facts{"message.mentions.users.0": "carl", "message.mentions.all": "false"}},
		{name: "mention of all", body: body("chat", `{"ext":{"em_at_list":"ALL"},"bodies":[{"msg":"@all","type":"txt"}]}`, annToBob), command: "chat:txt", typ: event.MessageSend, facts: facts{"message.mentions.all": "true"}},
		{name: "recall", body: body("recall", `{"ext":{},"ack_message_id":"9","bodies":[]}`, annToBob+`"recall_id":"9",`), command: "recall", typ: event.MessageRecall, link: "msg:9", facts: facts{"actor.id": "ann", "message.id": "9"}},
		{name: "edit", body: body("edit", `{"edit_message_id":"9","bodies":[{"msg":"new","type":"txt"}],"type":"edit","from":"ann","to":"bob","meta":{"edit_msg":{"count":2,"operator":"ann","send_time":1795190000000,"sender":"ann","chat_type":"chat:user"}}}`, `"from":"x","to":"y",`), command: "edit", typ: event.MessageEdit, link: "msg:9", facts: facts{"actor.id": "ann", "message.id": "9", "message.edits": "9", "message.text": "new", "message.sender": "ann", "message.sentAt": "2026-11-20T15:53:20Z", "vendor.payload.meta.edit_msg.count": "2"}},
		{name: "read", body: body("read_ack", `{"ext":{},"ack_message_id":"9","bodies":[]}`, annToBob), command: "read_ack", typ: event.MessageRead, link: "msg:9", facts: facts{"actor.id": "ann", "receipt.messages.0": "9"}},
		{name: "read in a group", body: body("read_ack", `{"ack_message_id":"9","type":"read_ack","msg_config":{"allow_group_ack":true}}`, annToBob+`"channel_channel":"77","channel_user":"carl",`), command: "read_ack", typ: event.MessageRead, lane: "group:77", link: "msg:9", facts: facts{"actor.id": "carl", "receipt.messages.0": "9", "conversation.kind": "group"}},
		{name: "read all", body: body("channel_ack", `{"ack_message_id":"9","type":"channel_ack"}`, annToBob), command: "channel_ack", typ: event.MessageRead, link: "msg:9", facts: facts{"actor.id": "ann", "receipt.upTo": "2026-11-20T18:40:00.123Z"}},
		{name: "delivered", body: body("delivery_ack", `{"ext":{},"ack_message_id":"9","bodies":[]}`, annToBob), command: "delivery_ack", typ: event.MessageDeliver, link: "msg:9", facts: facts{"actor.id": "ann", "receipt.messages.0": "9"}},
		{name: "roster add", body: rosterBody("add", `,"reason":"hello"`), command: "roster:add", typ: event.FriendRequest, facts: facts{"friend.text": "hello"}},
		{name: "roster remove", body: rosterBody("remove", `,"roster_ver":"1"`), command: "roster:remove", typ: event.FriendRemove, facts: facts{"vendor.payload.roster_ver": "1"}},
		{name: "roster accept", body: rosterBody("accept", ``), command: "roster:accept", typ: event.FriendAccept},
		{name: "roster decline", body: rosterBody("decline", ``), command: "roster:decline", typ: event.FriendDecline},
		{name: "roster remote_accept", body: rosterBody("remote_accept", ``), command: "roster:remote_accept", typ: event.FriendAccept, echo: true},
		{name: "roster remote_decline", body: rosterBody("remote_decline", ``), command: "roster:remote_decline", typ: event.FriendDecline, echo: true},
		{name: "roster ban", body: rosterBody("ban", `,"status":{"error_code":"ok"}`), command: "roster:ban", typ: event.BlockAdd},
		{name: "roster allow", body: rosterBody("allow", `,"status":{"error_code":"ok"}`), command: "roster:allow", typ: event.BlockRemove},
		{name: "reaction", body: body("notify", `{"data":[{"messageId":"9","from":"bob","reactions":[{"reaction":"ok","userList":["carl"],"count":1},{"op":[{"reactionType":"create","operator":"bob"}],"reaction":"lol","userList":["bob","ann"],"count":2}],"to":"ann","channel_type":"chat","ts":1}],"num":2,"channel_type":"chat","type":"reaction"}`, annToBob), command: "notify:reaction", typ: event.MessageReact, link: "msg:9", facts: facts{"actor.id": "bob", "reaction.message": "9", "reaction.items.0.name": "ok", "reaction.items.0.users.0": "carl", "reaction.items.1.count": "2", "reaction.items.1.change": "add"}},
		{name: "reaction in a group", body: body("notify", `{"data":[{"messageId":"9","from":"bob","reactions":[{"op":[{"reactionType":"delete","operator":"bob"}],"reaction":"lol","userList":[],"count":0}],"to":"77","channel_type":"groupchat","ts":1}],"num":1,"channel_type":"groupchat","type":"reaction"}`, `"from":"ann","to":"77",`), command: "notify:reaction", typ: event.MessageReact, lane: "group:77", link: "msg:9", facts: facts{"reaction.items.0.change": "remove"}},
		{name: "thread", body: body("notify", `{"data":{"msg_parent_id":"8","name":"menu","from":"ann","last_message":{"payload":{"ext":{},"bodies":[{"msg":"hi","type":"txt"}]},"from":"acme#shop_bob","id":"9","to":"acme#shop_88","timestamp":1795190000000},"id":"88","message_count":3,"operation":"update_msg","muc_parent_id":"77","timestamp":2},"type":"thread"}`, `"from":"admin","to":"bob",`), command: "notify:thread", typ: event.ThreadUpdate, lane: "group:77", link: "msg:8", facts: facts{"actor.id": "ann", "conversation.topic": "88", "thread.id": "88", "thread.name": "menu", "thread.parent": "8", "thread.operation": "update_msg", "thread.count": "3", "message.id": "9", "message.sender": "bob", "message.text": "hi"}},
		{name: "alert", body: `{"callId":"c","eventType":"keyword_alert","timestamp":1,"chatType":"chat:group:image","alertReason":"intercepted","contentOwner":"a#b_ann@easemob.com","contentReceiver":"77","contentType":"message","contentUri":"msync:9","sensitiveWords":["x","y"],"status":"replace","appkey":"a#b"}`, command: "sensitiveWords:replaced", typ: event.MessageIntercept, lane: "group:77", link: "msg:9", facts: facts{"actor.id": "ann", "message.id": "9", "message.kind": "image", "moderation.verdict": "replace", "moderation.words.1": "y"}},
		{name: "alert let through", body: `{"callId":"c","eventType":"keyword_alert","timestamp":1,"chatType":"chat:user:text","alertReason":"through","contentOwner":"ann","contentReceiver":"bob","contentUri":"msync:9","sensitiveWords":["x"],"status":"pass"}`, command: "sensitiveWords:through", typ: event.MessageIntercept, link: "msg:9", facts: facts{"moderation.verdict": "pass"}},
		{name: "alert without status", body: `{"callId":"c","eventType":"keyword_alert","timestamp":1,"chatType":"chat:room:text","alertReason":"intercepted","contentOwner":"ann","contentReceiver":"88","contentUri":"msync:9","sensitiveWords":["x"]}`, command: "sensitiveWords:intercepted", typ: event.MessageIntercept, lane: "chatroom:88", link: "msg:9", facts: facts{"moderation.verdict": "refuse"}},
		{name: "super admin", body: strings.Replace(opBody("ROOM_SUPER_ADMIN", `{"type":"ADD","admin":["dora"]}`, true), `"id":"77"`, `"id":""`, 1), command: "group_op:ROOM_SUPER_ADMIN/ADD", typ: event.ChatroomSuperPromote, lane: "user:dora", facts: facts{"actor.id": "ann", "members.0.id": "dora"}},
		{name: "no super admin", body: strings.Replace(opBody("ROOM_SUPER_ADMIN", `{"type":"REMOVE","admin":["dora"]}`, true), `"id":"77"`, `"id":""`, 1), command: "group_op:ROOM_SUPER_ADMIN/REMOVE", typ: event.ChatroomSuperDemote, lane: "user:dora", facts: facts{"members.0.id": "dora"}},
		{name: "pre-send", path: "/pre_send", body: `{"callId":"c","timestamp":1,"chat_type":"chat","from":"ann","to":"bob","msg_id":"5","payload":{"msg":"hi","type":"txt"},"security":""}`, command: "pre_send", typ: event.MessageSend, link: "msg:5", facts: facts{"message.text": "hi", "message.id": "5", "imgeneration": "current"}},
		{name: "pre-send of a room", path: "/pre_send", body: `{"callId":"c","timestamp":1,"chat_type":"chatroom","group_id":"88","from":"ann","to":"88","msg_id":"5","payload":{"ext":{},"bodies":[{"msg":"hi","type":"txt"}]},"security":""}`, command: "pre_send", typ: event.MessageSend, link: "msg:5", facts: facts{"conversation.kind": "chatroom", "conversation.id": "88", "imgeneration": "legacy"}},
		{name: "pre-send of an edit", path: "/pre_send", body: `{"callId":"c","timestamp":1,"chat_type":"group","group_id":"77","from":"ann","to":"77","msg_id":"5","payload":{"msg":"hi","type":"txt","edit_message_id":"9"},"security":""}`, command: "pre_send", typ: event.MessageEdit, link: "msg:9", facts: facts{"conversation.kind": "group", "message.edits": "9", "message.text": "hi"}},
	}
	for _, c := range []struct{ result, target, to, verdict, lane string }{
		{"PASS", "chat", "bob", "pass", "direct:ann|bob"},
		{"REJECT", "groupchat", "77", "refuse", "group:77"},
		{"EXCHANGE", "chatroom", "88", "replace", "chatroom:88"},
		{"RECALL", "chat", "bob", "recall", "direct:ann|bob"},
	} {
		cases = append(cases, decodeCase{
			name: "moderation " + c.result, command: "moderation:" + c.result, typ: event.ModerationResult, lane: event.Lane(c.lane), link: "msg:9",
			body: `{"callId":"c","moderationResult":"` + c.result + `","providerResult":"REVIEWED","security":"","messageType":"img","messageId":"9","targetType":"` + c.target +
				`","appkey":"a#b","source":{},"riskType":"ad","eventType":"moderation","from":"ann","to":"` + c.to + `","url":"u","msg":"m","timestamp":1}`,
			facts: facts{"actor.id": "ann", "moderation.verdict": c.verdict, "moderation.label": "ad", "moderation.detail": "REVIEWED", "message.id": "9", "message.kind": "image", "message.text": "m", "message.media.url": "u"},
		})
	}
	for _, status := range []string{"success", "fail", "error"} {
		cases = append(cases, decodeCase{
			name: "push " + status, command: "push:" + status, typ: event.PushReport, lane: "user:bob", link: "msg:9",
			body:  `{"callId":"c","appkey":"a#b","chat_type":"chat","msg_id":"9","status":"` + status + `","step":"push","target":"bob","timestamp":1,"channel":"APNS","device_id":"d","detail":"why","device_token":"t"}`,
			facts: facts{"members.0.id": "bob", "report.code": status, "report.text": "why", "message.id": "9", "presence.connection": "APNS", "presence.client": "d", "vendor.device_token": "t"},
		})
	}
	for reason, typ := range map[string]event.Type{"login": event.UserOnline, "logout": event.UserOffline, "replaced": event.UserOffline} {
		status, said := "offline", reason
		if reason == "login" {
			status, said = "online", ""
		}
		cases = append(cases, decodeCase{
			name: reason, command: "userStatus:" + reason, typ: typ, lane: "user:ann_b",
			body:  `{"callId":"c","reason":"` + reason + `","security":"","os":"ios","ip":"1.2.3.4:5","host":"h","appkey":"a#b","user":"a#b_ann_b@easemob.com/ios_7","version":"4.1","timestamp":1,"status":"` + status + `"}`,
			facts: facts{"actor.id": "ann_b", "members.0.id": "ann_b", "presence.reason": said, "presence.platform": "ios", "presence.client": "ios_7", "presence.address": "1.2.3.4:5", "vendor.version": "4.1"},
		})
	}
	for _, place := range []struct{ chatType, word, more, lane string }{
		{"groupchat", "groupchat", `"group_id":"77","from":"ann","to":"77",`, "group:77"},
		{"groupchat", "chatroom", `"group_id":"77","content_type":"chat:room:text","from":"ann","to":"77",`, "chatroom:77"},
	} {
		for _, kind := range []string{"txt", "img", "audio", "loc", "video", "file", "cmd", "custom", "unknown"} {
			for _, offline := range []bool{false, true} {
				c := decodeCase{
					name: place.word + " " + kind, command: place.word + ":" + kind, typ: event.MessageSend, lane: event.Lane(place.lane),
					body: element(place.chatType, `{"type":"`+kind+`"}`, place.more), facts: facts{"actor.id": "ann", "message.code": kind},
				}
				if offline {
					c.name, c.command, c.typ = c.name+" offline", c.command+"/offline", event.MessagePushOffline
					c.body = strings.Replace(strings.Replace(c.body, `"eventType":"chat"`, `"eventType":"chat_offline"`, 1), `"to":"77"`, `"to":"carl"`, 1)
					c.facts["members.0.id"] = "carl"
				}
				cases = append(cases, c)
			}
		}
	}
	for _, kind := range []string{"txt", "img", "audio", "loc", "video", "file", "cmd", "custom", "unknown"} {
		cases = append(cases, decodeCase{
			name: "chat " + kind + " offline", command: "chat:" + kind + "/offline", typ: event.MessagePushOffline,
			body:  strings.Replace(element("chat", `{"type":"`+kind+`"}`, annToBob), `"eventType":"chat"`, `"eventType":"chat_offline"`, 1),
			facts: facts{"members.0.id": "bob"},
		})
	}

	// Of the operations: who is concerned, and what it means in a group and in a
	// chatroom.
	const told = "dora"
	for _, c := range []struct {
		op, payload string
		group, room event.Type
		member      string
		actor       string
		facts       facts
		echo        bool
	}{
		{"create", "", event.GroupCreate, "", "", "ann", nil, false},
		{"destroy", "", event.GroupDestroy, event.ChatroomDestroy, "", "ann", nil, false},
		{"apply", `,"reason":"let me in"`, event.GroupMemberApply, "", "ann", "ann", facts{"members.0.reason": "let me in"}, false},
		{"apply_accept", `,"status":{"description":""}`, event.GroupMemberApplyAccept, "", told, "ann", nil, false},
		{"invite", `,"reason":"come"`, event.GroupMemberInvite, "", told, "ann", facts{"members.0.reason": "come"}, false},
		{"invite_accept", "", event.GroupMemberInviteAccept, "", "ann", "ann", nil, false},
		{"invite_decline", "", event.GroupMemberInviteDecline, "", "ann", "ann", nil, false},
		{"kick", "", event.GroupMemberKick, event.ChatroomMemberKick, told, "ann", nil, false},
		{"ban", "", event.GroupMemberBan, "", told, "ann", nil, false},
		{"allow", "", event.GroupMemberUnban, "", told, "ann", nil, false},
		{"update", "", event.GroupUpdate, event.ChatroomUpdate, "", "ann", nil, false},
		{"block", "", event.GroupBlock, "", "ann", "ann", nil, false},
		{"unblock", "", event.GroupUnblock, "", "ann", "ann", nil, false},
		{"presence", "", event.GroupMemberJoin, event.ChatroomMemberJoin, "ann", "ann", nil, false},
		{"absence", "", event.GroupMemberLeave, event.ChatroomMemberLeave, "ann", "", nil, true},
		{"direct_joined", "", event.GroupMemberJoin, "", told, "ann", nil, false},
		{"leave", "", event.GroupMemberLeave, event.ChatroomMemberLeave, "ann", "ann", nil, false},
		{"assing_owner", "", event.GroupTransfer, "", told, "ann", facts{"group.owner": told, "group.previousOwner": "ann"}, false},
		{"add_admin", "", event.GroupMemberPromote, event.ChatroomMemberPromote, told, "ann", nil, false},
		{"remove_admin", "", event.GroupMemberDemote, event.ChatroomMemberDemote, told, "ann", nil, false},
		{"add_mute", "", event.GroupMemberMute, event.ChatroomMemberMute, told, "ann", nil, false},
		{"remove_mute", "", event.GroupMemberUnmute, event.ChatroomMemberUnmute, told, "ann", nil, false},
		{"update_announcement", `,"reason":"news"`, event.GroupAnnounce, event.ChatroomAnnounce, "", "ann", facts{"PLACE.announcement": "news"}, false},
		{"delete_announcement", `,"reason":""`, event.GroupUnannounce, event.ChatroomUnannounce, "", "ann", nil, false},
		{"upload_file", `,"reason":"{\"data\":{\"file_id\":\"f1\",\"file_name\":\"a.csv\",\"file_owner\":\"carl\",\"file_size\":7,\"created\":1795190000000}}"`, event.GroupFileUpload, "", "", "ann", facts{"group.files.0": "f1", "message.media.name": "a.csv", "message.media.size": "7", "message.sender": "carl"}, false},
		{"delete_file", `,"reason":"f1"`, event.GroupFileDelete, "", "", "ann", facts{"group.files.0": "f1"}, false},
		{"add_user_white_list", "", event.GroupMemberAllow, event.ChatroomMemberAllow, told, "ann", nil, false},
		{"remove_user_white_list", "", event.GroupMemberDisallow, event.ChatroomMemberDisallow, told, "ann", nil, false},
		{"ban_group", "", event.GroupMute, event.ChatroomMute, "", "ann", nil, false},
		{"remove_ban_group", "", event.GroupUnmute, event.ChatroomUnmute, "", "ann", nil, false},
		{"set_metadata", `,"event_info":{"ext":"{\"properties\":{\"k\":\"v\"},\"operator \":\"carl\"}","type":"event_none"}`, "", event.ChatroomAttributeSet, "", "ann", facts{"chatroom.attributes.k": "v"}, false},
		{"delete_metadata", `,"event_info":{"ext":"{\"properties\":{\"k\":\"v\"}}","type":"event_none"}`, "", event.ChatroomAttributeDelete, "", "ann", facts{"chatroom.attributes.k": "v"}, false},
		{"group_member_metadata_update", `,"event_info":{"ext":"{\"properties\":{\"k\":\"v\"}}","type":"event_none"}`, event.GroupMemberUpdate, "", told, "ann", facts{"members.0.extra": `{"k":"v"}`}, false},
	} {
		for _, room := range []bool{false, true} {
			typ, kind := c.group, "group"
			if room {
				typ, kind = c.room, "chatroom"
			}
			if typ == "" {
				continue
			}
			want := facts{"actor.id": c.actor, "members.0.id": c.member, kind + ".id": "77", "imgeneration": "legacy"}
			for path, value := range c.facts {
				want[strings.Replace(path, "PLACE", kind, 1)] = value
			}
			cases = append(cases, decodeCase{
				name: "muc " + c.op + " " + kind, body: mucBody(c.op, c.payload, room), command: "muc:" + c.op,
				typ: typ, lane: event.NewLane(event.Kind(kind), "77"), echo: c.echo, facts: want,
			})
		}
	}
	const info = `"info":{"owner":"acme#shop_ann","title":"Hikers","description":"d","custom":"c","avatar":"av","max_users":"200","mute":"true","public":"true"}`
	for _, c := range []struct {
		op, kind, payload string
		group, room       event.Type
		member            string
		facts             facts
		echo              bool
	}{
		{"CREATE", "", `{"role":{"ann":"owner","dora":"admin"},"member":["dora"],` + info + `}`, event.GroupCreate, event.ChatroomCreate, "dora", facts{"PLACE.name": "Hikers", "PLACE.owner": "ann", "PLACE.introduction": "d", "members.0.role": "admin"}, false},
		{"UPDATE", "INFO", `{"type":"INFO",` + info + `}`, event.GroupUpdate, "", "", facts{"group.name": "Hikers", "group.extra": "c", "group.avatar": "av", "group.maxMembers": "200", "group.muted": "true", "vendor.payload.info.public": "true"}, false},
		{"UPDATE", "INFO", `{"type":"INFO","info":{"max_users":5,"title":"T"}}`, "", event.ChatroomUpdate, "", facts{"chatroom.name": "T"}, false},
		{"UPDATE", "OWNER", `{"type":"OWNER","owner":"ann","new_owner":"dora"}`, event.GroupTransfer, event.ChatroomTransfer, "dora", facts{"PLACE.owner": "dora"}, false},
		{"UPDATE", "ANNOUNCEMENT", `{"type":"ANNOUNCEMENT","announcement":"news"}`, event.GroupAnnounce, event.ChatroomAnnounce, "", facts{"PLACE.announcement": "news"}, false},
		{"UPDATE", "ANNOUNCEMENT", `{"type":"ANNOUNCEMENT"}`, event.GroupUnannounce, event.ChatroomUnannounce, "", nil, false},
		{"UPDATE", "DISABLE", `{"type":"DISABLE","disable":true}`, event.GroupDisable, "", "", nil, false},
		{"UPDATE", "DISABLE", `{"type":"DISABLE","disable":false}`, event.GroupEnable, "", "", nil, false},
		{"UPDATE", "MUTE", `{"type":"MUTE","mute":true}`, event.GroupMute, event.ChatroomMute, "", nil, false},
		{"UPDATE", "MUTE", `{"type":"MUTE","mute":false}`, event.GroupUnmute, event.ChatroomUnmute, "", nil, false},
		{"DELETE", "", ``, event.GroupDestroy, event.ChatroomDestroy, "", nil, false},
		{"JOIN", "DIRECT", `{"type":"DIRECT","member":["dora","emil"],"options":{"ext":"x"}}`, event.GroupMemberJoin, event.ChatroomMemberJoin, "dora", facts{"members.1.id": "emil", "members.0.extra": "x"}, false},
		{"JOIN", "INVITE", `{"type":"INVITE","member":["dora"]}`, event.GroupMemberJoin, event.ChatroomMemberJoin, "dora", facts{"members.0.source": "invite"}, false},
		{"JOIN", "APPLY", `{"type":"APPLY","member":["dora"]}`, event.GroupMemberJoin, event.ChatroomMemberJoin, "dora", facts{"members.0.source": "apply"}, false},
		{"LEAVE", "QUIT", `{"type":"QUIT","member":["dora"]}`, event.GroupMemberLeave, event.ChatroomMemberLeave, "dora", nil, false},
		{"LEAVE", "KICK", `{"type":"KICK","member":["dora"]}`, event.GroupMemberKick, event.ChatroomMemberKick, "dora", nil, false},
		{"LEAVE", "BLOCK", `{"type":"BLOCK","member":["dora"]}`, event.GroupMemberKick, event.ChatroomMemberKick, "dora", nil, true},
		{"LEAVE", "DELETE", `{"type":"DELETE","member":["dora"]}`, event.GroupMemberLeave, event.ChatroomMemberLeave, "dora", facts{"members.0.reason": "destroy"}, true},
		{"ADMIN", "ADD", `{"type":"ADD","admin":["dora"]}`, event.GroupMemberPromote, event.ChatroomMemberPromote, "dora", nil, false},
		{"ADMIN", "REMOVE", `{"type":"REMOVE","admin":["dora"]}`, event.GroupMemberDemote, event.ChatroomMemberDemote, "dora", nil, false},
		{"MUTE", "ADD", `{"type":"ADD","member":["dora"],"expire_timestamp":1795190000000}`, event.GroupMemberMute, event.ChatroomMemberMute, "dora", facts{"members.0.until": "2026-11-20T15:53:20Z"}, false},
		{"MUTE", "REMOVE", `{"type":"REMOVE","member":["dora"]}`, event.GroupMemberUnmute, event.ChatroomMemberUnmute, "dora", nil, false},
		{"WHITE", "ADD", `{"type":"ADD","member":["dora"]}`, event.GroupMemberAllow, event.ChatroomMemberAllow, "dora", nil, false},
		{"WHITE", "REMOVE", `{"type":"REMOVE","member":["dora"]}`, event.GroupMemberDisallow, event.ChatroomMemberDisallow, "dora", nil, false},
		{"BLOCK", "ADD", `{"type":"ADD","member":["dora"],"expire_timestamp":4638873600000}`, event.GroupMemberBan, event.ChatroomMemberBan, "dora", facts{"members.0.until": ""}, false},
		{"BLOCK", "REMOVE", `{"type":"REMOVE","member":["dora"]}`, event.GroupMemberUnban, event.ChatroomMemberUnban, "dora", nil, false},
		{"SHIELD", "ADD", `{"type":"ADD"}`, event.GroupBlock, "", "ann", nil, false},
		{"SHIELD", "REMOVE", `{"type":"REMOVE"}`, event.GroupUnblock, "", "ann", nil, false},
		{"SHARE_FILE", "ADD", `{"type":"ADD","share_file":["f1","f2"]}`, event.GroupFileUpload, "", "", facts{"group.files.1": "f2"}, false},
		{"SHARE_FILE", "REMOVE", `{"type":"REMOVE","share_file":["f1"]}`, event.GroupFileDelete, "", "", facts{"group.files.0": "f1"}, false},
	} {
		for _, room := range []bool{false, true} {
			typ, kind := c.group, "group"
			if room {
				typ, kind = c.room, "chatroom"
			}
			if typ == "" {
				continue
			}
			want := facts{"actor.id": "ann", "members.0.id": c.member, kind + ".id": "77", "imgeneration": "current"}
			for path, value := range c.facts {
				want[strings.Replace(path, "PLACE", kind, 1)] = value
			}
			command := "group_op:" + c.op
			if c.kind != "" {
				command += "/" + c.kind
			}
			cases = append(cases, decodeCase{
				name: command + " " + kind + " " + string(typ), body: opBody(c.op, c.payload, room), command: command,
				typ: typ, lane: event.NewLane(event.Kind(kind), "77"), echo: c.echo, facts: want,
			})
		}
	}
	for i := range cases {
		c := &cases[i]
		if c.lane == "" && c.path == "" {
			c.lane = "direct:ann|bob"
		}
		if strings.HasPrefix(c.command, "roster:") {
			for path, value := range direct {
				if c.facts == nil {
					c.facts = facts{}
				}
				c.facts[path] = value
			}
			c.facts["members.0.id"] = "bob"
			c.facts["actor.client"] = "ios_1"
		}
		if strings.HasPrefix(c.command, "chat") && c.link == "" {
			c.link = "msg:5"
		}
		if strings.HasPrefix(c.command, "groupchat:") {
			c.link = "msg:5"
		}
	}
	return cases
}

// value finds what stands at a path of an event's data or envelope.
func value(t *testing.T, ev *event.Event, path string) string {
	t.Helper()
	text, err := json.Marshal(ev)
	if err != nil {
		t.Fatal(err)
	}
	var envelope map[string]any
	if err := json.Unmarshal(text, &envelope); err != nil {
		t.Fatal(err)
	}
	at := envelope["data"]
	if strings.HasPrefix(path, "im") {
		at = envelope
	}
	for step := range strings.SplitSeq(path, ".") {
		switch in := at.(type) {
		case map[string]any:
			at = in[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(in) {
				return ""
			}
			at = in[i]
		default:
			return ""
		}
	}
	if at == nil {
		return ""
	}
	return fmt.Sprint(at)
}

func TestDecode_CanonicalFieldsOfEveryCommand(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, tt := range decodeCases() {
		seen[tt.command] = true
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			evs, err := easemob.New().Decode(&dialect.Request{Path: tt.path, Body: []byte(tt.body)})
			if err != nil || len(evs) != 1 {
				t.Fatalf("%d events, %v for %s", len(evs), err, tt.body)
			}
			ev := evs[0]
			link := ""
			if len(ev.Links) > 0 {
				link = ev.Links[0]
			}
			if ev.Command != tt.command || ev.Type != tt.typ || ev.Lane != tt.lane || link != tt.link || ev.Echo != tt.echo || ev.Dedupe == "" {
				t.Errorf("%s %s in %q linked %q, echo %v, dedupe %q; want %s %s in %q linked %q, echo %v",
					ev.Command, ev.Type, ev.Lane, link, ev.Echo, ev.Dedupe, tt.command, tt.typ, tt.lane, tt.link, tt.echo)
			}
			ev.ID = "1"
			for path, want := range tt.facts {
				if got := value(t, ev, path); got != want {
					t.Errorf("%s = %q, want %q", path, got, want)
				}
			}
			if strings.Contains(string(ev.Vendor), `"security"`) {
				t.Errorf("the signature stands in vendor: %s", ev.Vendor)
			}
		})
	}
	for _, c := range easemob.New().Spec().Commands {
		if !seen[c.Name] {
			t.Errorf("no case of %s", c.Name)
		}
	}
}

func TestDecode_ReactionsOfTwoMessagesAreTwoEvents(t *testing.T) {
	t.Parallel()
	one := func(id string) string {
		return `{"messageId":"` + id + `","from":"bob","reactions":[],"to":"ann","channel_type":"chat","ts":1}`
	}
	text := body("notify", `{"data":[`+one("8")+`,`+one("9")+`],"num":2,"channel_type":"chat","type":"reaction"}`, annToBob)
	evs, err := easemob.New().Decode(&dialect.Request{Body: []byte(text)})
	if err != nil || len(evs) != 2 {
		t.Fatalf("%d events, %v", len(evs), err)
	}
	if evs[0].Links[0] != "msg:8" || evs[1].Links[0] != "msg:9" || evs[0].Dedupe == evs[1].Dedupe {
		t.Errorf("links %v %v, dedupe %q %q", evs[0].Links, evs[1].Links, evs[0].Dedupe, evs[1].Dedupe)
	}
	if strings.Contains(string(evs[0].Raw.Body), `"9"`) || !strings.Contains(string(evs[1].Raw.Body), `"9"`) {
		t.Errorf("raw %s\n%s", evs[0].Raw.Body, evs[1].Raw.Body)
	}
}

func TestDecode_MalformedBodies(t *testing.T) {
	t.Parallel()
	broken := map[string]string{
		"nothing":             ``,
		"an array":            `[]`,
		"cut":                 strings.TrimSuffix(directText, "}"),
		"two":                 directText + directText,
		"sender of no text":   strings.Replace(directText, `"ann"`, `5`, 1),
		"time of no number":   strings.Replace(directText, `1795200000123`, `"soon"`, 1),
		"time before 1970":    strings.Replace(directText, `1795200000123`, `-1`, 1),
		"time of no calendar": strings.Replace(directText, `1795200000123`, `999999999999999`, 1),
		"size of no number":   element("chat", `{"type":"img","file_length":"nine"}`, annToBob),
		"place of no number":  element("chat", `{"type":"loc","lat":"north"}`, annToBob),
		"place of no JSON":    element("chat", `{"type":"loc","lat":"NaN","lng":"1_0"}`, annToBob),
		"room or not":         body("muc", `{"is_chatroom":"no","operation":"kick"}`, `"group_id":"7","from":"ann","to":"bob",`),
		"status of no object": body("muc", `{"status":"ok","operation":"kick"}`, `"group_id":"7","from":"ann","to":"bob",`),
		"members of no array": opBody("LEAVE", `{"type":"KICK","member":"dora"}`, false),
		"operator of no text": strings.Replace(opBody("DELETE", ``, false), `"ann"`, `{}`, 1),
		"roster of no text":   body("roster", `{"operation":"remove","roster_ver":7}`, annToBob),
		"address of no text":  `{"callId":"c","reason":"login","status":"online","user":"u","ip":7}`,
		"words of no array":   `{"callId":"c","eventType":"keyword_alert","status":"pass","contentOwner":"a","contentReceiver":"b","sensitiveWords":"x"}`,
		"reactions":           body("notify", `{"type":"reaction","data":{}}`, annToBob),
		"thread":              body("notify", `{"type":"thread","data":[]}`, annToBob),
		"moderation":          `{"callId":"c","eventType":"moderation","moderationResult":"PASS","from":"a","to":"b","targetType":"chat","msg":7}`,
		"push":                `{"callId":"c","step":"push","status":"fail","target":"bob","detail":7}`,
		"deep":                `{"callId":` + strings.Repeat(`[`, 20000),
	}
	for name, text := range broken {
		evs, err := easemob.New().Decode(&dialect.Request{Body: []byte(text)})
		if _, ok := errors.AsType[*dialect.DecodeError](err); !ok || len(evs) > 0 {
			t.Errorf("%s: %d events, %v; want a *DecodeError", name, len(evs), err)
		}
	}
	if _, err := easemob.New().Decode(&dialect.Request{Path: "/pre_send", Body: []byte(`{"callId":"c","chat_type":"chat","from":"a","to":"b","payload":{"msg":5,"type":"txt"}}`)}); err == nil {
		t.Error("a proposal of no text was read")
	}
	huge := element("chat", `{"msg":"`+strings.Repeat("界", 1<<20)+`","type":"txt"}`, annToBob)
	if ev := decode(t, huge); len(ev.Message.Text) != 3<<20 {
		t.Errorf("%d bytes of text", len(ev.Message.Text))
	}
	twice := decode(t, opBody("LEAVE", `{"type":"QUIT","type":"KICK","member":["x"],"member":["dora"]}`, false))
	if twice.Command != "group_op:LEAVE/KICK" || len(twice.Members) != 1 || twice.Members[0].ID != "dora" {
		t.Errorf("of keys given twice the last counts: %s %v", twice.Command, twice.Members)
	}
}

// The pages call some numbers text, and what is measured need not be whole.
func TestDecode_NumbersThatPagesCallText(t *testing.T) {
	t.Parallel()
	ev := decode(t, `{"callId":"acme#shop_9","timestamp":"1795200000123","chat_type":"chat","msg_id":"9","step":"push","status":"success","target":"bob","appkey":"acme#shop"}`)
	if ev.Type != event.PushReport || ev.Time.UnixMilli() != 1795200000123 {
		t.Errorf("a push: %s at %v", ev.Type, ev.Time)
	}
	ev = decode(t, element("chat", `{"type":"video","filename":"a","file_length":"118179","length":"4","size":{"width":746.4,"height":" 1325 "},"url":"u","secret":"s"}`, annToBob))
	if m := ev.Message.Media; m.Size != 118179 || m.Seconds != 4 || m.Width != 746 || m.Height != 1325 {
		t.Errorf("a video: %+v", m)
	}
	ev = decode(t, opBody("MUTE", `{"type":"ADD","member":["dora"],"expire_timestamp":"1795200900000"}`, false))
	if until := ev.Members[0].Until.UnixMilli(); until != 1795200900000 {
		t.Errorf("muted until %d", until)
	}
	for _, number := range []string{`"x"`, `true`, `{}`, `1e300`, `"NaN"`, `"-Inf"`, `"0x1F"`, `"1_0"`, `"9223372036854775808"`} {
		text := element("chat", `{"type":"file","file_length":`+number+`}`, annToBob)
		if evs, err := easemob.New().Decode(&dialect.Request{Body: []byte(text)}); err == nil {
			t.Errorf("%s is read as %d", number, evs[0].Message.Media.Size)
		}
	}
}

// What every message is read as must have a CloudEvents form, or nobody can take it.
func TestDecode_NoNumberThatJSONCannotWrite(t *testing.T) {
	t.Parallel()
	for _, number := range []string{`"NaN"`, `"Inf"`, `"-infinity"`, `1e400`, `"1e400"`} {
		for _, text := range []string{
			element("chat", `{"type":"loc","lat":`+number+`,"lng":1,"addr":"x"}`, annToBob),
			element("chat", `{"type":"audio","length":`+number+`}`, annToBob),
		} {
			evs, err := easemob.New().Decode(&dialect.Request{Body: []byte(text)})
			if err == nil {
				_, err = evs[0].MarshalJSON()
				t.Errorf("%s was read, and is said again: %v", text, err)
			}
		}
	}
}
