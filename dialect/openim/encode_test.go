package openim_test

import (
	"encoding/base64"
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/openim"
	"github.com/imhook/imhook/event"
)

// foreign is an event of another dialect.
func foreign(typ event.Type, phase event.Phase, c *event.Conversation, more func(ev *event.Event)) *event.Event {
	ev := &event.Event{
		ID: "ev-1", App: "shop", Source: "src", Type: typ, Phase: phase, Time: now, Dialect: "tencent", Command: "x",
		Conversation: c, Actor: &event.Actor{ID: "ada", Platform: "harmony-pad"},
	}
	if c != nil {
		ev.Lane = c.Lane()
	}
	if more != nil {
		more(ev)
	}
	return ev
}

func inGroup() *event.Conversation { return &event.Conversation{Kind: event.KindGroup, ID: "g1"} }

func inRoom() *event.Conversation { return &event.Conversation{Kind: event.KindChatroom, ID: "r1"} }

func betweenUsers() *event.Conversation { return new(event.Direct("ada", "bo")) }

func withMembers(ids ...string) func(*event.Event) {
	return func(ev *event.Event) {
		for _, id := range ids {
			ev.Members = append(ev.Members, event.Member{ID: id})
		}
	}
}

func withText(ev *event.Event) {
	ev.Message = &event.Message{ID: "77", Kind: event.Text, Code: "TIMTextElem", Text: "hi", Mentions: &event.Mentions{All: true, Users: []string{}}}
}

// keyOf is the query that v3.8.4 and newer add to messages.
func keyOf(json string) string {
	return url.Values{"key": {base64.StdEncoding.EncodeToString([]byte(json))}}.Encode()
}

// The rows of mapping section 8: what stands for each type, and every body of it.
var sayings = []struct {
	ev         *event.Event
	generation string
	command    string // empty: cannot be said
	bodies     []string
	reason     string
	query      string
}{
	{ev: foreign(event.MessageSend, event.After, betweenUsers(), func(ev *event.Event) {
		ev.Message = &event.Message{ID: "77", Kind: event.Text, Text: "hi"}
	}), command: "callbackAfterSendSingleMsgCommand", query: keyOf(`{"sendID":"ada","recvID":"bo","groupID":""}`), bodies: []string{
		`{"sendID":"ada","callbackCommand":"callbackAfterSendSingleMsgCommand","serverMsgID":"77","clientMsgID":"77","operationID":"ev-1","senderPlatformID":11,"senderNickname":"","sessionType":1,"msgFrom":100,"contentType":101,"status":1,"sendTime":1795249800123,"createTime":1795249800123,"content":"{\"content\":\"hi\"}","seq":0,"atUserList":null,"faceURL":"","ex":"","recvID":"bo"}`,
	}},
	{ev: foreign(event.MessageSend, event.Before, inGroup(), withText), command: "callbackBeforeSendGroupMsgCommand", bodies: []string{
		`{"sendID":"ada","callbackCommand":"callbackBeforeSendGroupMsgCommand","serverMsgID":"77","clientMsgID":"77","operationID":"ev-1","senderPlatformID":11,"senderNickname":"","sessionType":3,"msgFrom":100,"contentType":106,"status":1,"sendTime":1795249800123,"createTime":1795249800123,"content":"{\"text\":\"hi\",\"atUserList\":[\"AtAllTag\"],\"atUsersInfo\":[{\"atUserID\":\"AtAllTag\",\"groupNickname\":\"AtAllTag\"}],\"quoteMessage\":null,\"isAtSelf\":false}","seq":0,"atUserList":["AtAllTag"],"faceURL":"","ex":"","groupID":"g1"}`,
	}},
	{ev: foreign(event.MessageSend, event.After, inRoom(), withText), command: "callbackAfterSendGroupMsgCommand", query: keyOf(`{"sendID":"ada","recvID":"","groupID":"r1"}`)},
	{ev: foreign(event.MessageSend, event.After, new(event.Direct("ada", "\u00ff\u00ef~~??>>\"")), withText), command: "callbackAfterSendSingleMsgCommand", query: keyOf(`{"sendID":"ada","recvID":"ÿï~~??>>\"","groupID":""}`)},
	{ev: foreign(event.MessageSend, event.After, inRoom(), withText), generation: "v3.5", command: "callbackAfterSendGroupMsgCommand"},
	{ev: foreign(event.MessageSend, event.After, inRoom(), withText), generation: "v2.0", command: "callbackAfterSendGroupMsgCommand", bodies: []string{
		`{"sendID":"ada","callbackCommand":"callbackAfterSendGroupMsgCommand","serverMsgID":"77","clientMsgID":"77","operationID":"ev-1","senderPlatformID":11,"senderNickname":"","sessionType":2,"msgFrom":100,"contentType":106,"status":1,"createTime":1795249800123,"content":"{\"text\":\"hi\",\"atUserList\":[\"AtAllTag\"],\"atUsersInfo\":[{\"atUserID\":\"AtAllTag\",\"groupNickname\":\"AtAllTag\"}],\"quoteMessage\":null,\"isAtSelf\":false}","groupID":"r1"}`,
	}},
	{ev: foreign(event.MessageSend, event.After, &event.Conversation{Kind: event.KindChannel, ID: "c"}, withText), reason: "no messages to a channel"},
	{ev: foreign(event.MessageModify, event.Before, nil, withText), command: "callbackBeforeMsgModifyCommand"},
	{ev: foreign(event.MessageModify, event.Before, nil, withText), generation: "v3.5", command: "callbackMsgModifyCommand"},
	{ev: foreign(event.MessageModify, event.Before, nil, func(ev *event.Event) { ev.Message = &event.Message{ID: "7", Kind: event.Text, Text: "hi"} }), generation: "v2.1", command: "callbackWordFilterCommand"},
	{ev: foreign(event.MessageModify, event.Before, nil, func(ev *event.Event) { ev.Message = &event.Message{ID: "7", Kind: event.Image} }), generation: "v2.1", reason: "text only"},
	{ev: foreign(event.MessageRecall, event.After, betweenUsers(), func(ev *event.Event) { ev.Message = &event.Message{ID: "77", Seq: "12"} }), command: "callbackBeforeAfterMsgCommand", bodies: []string{`{"callbackCommand":"callbackBeforeAfterMsgCommand","conversationID":"si_ada_bo","seq":12,"userID":"ada"}`}},
	{ev: foreign(event.MessageRecall, event.After, inGroup(), func(ev *event.Event) { ev.Message = &event.Message{ID: "77"} }), reason: "by seq"},
	{ev: foreign(event.MessageRead, event.After, betweenUsers(), func(ev *event.Event) { ev.Receipt = &event.Receipt{Seqs: []string{"3"}} }), command: "callbackAfterSingleMsgReadCommand", bodies: []string{`{"callbackCommand":"callbackAfterSingleMsgReadCommand","conversationID":"si_ada_bo","userID":"ada","Seqs":[3],"contentType":1}`}},
	{ev: foreign(event.MessageRead, event.After, inGroup(), func(ev *event.Event) { ev.Receipt = &event.Receipt{Seqs: []string{"3", "9"}} }), command: "callbackAfterGroupMsgReadCommand", bodies: []string{`{"callbackCommand":"callbackAfterGroupMsgReadCommand","sendID":"ada","receiveID":"ada","unreadMsgNum":9,"contentType":3}`}},
	{ev: foreign(event.MessageRead, event.After, betweenUsers(), func(ev *event.Event) { ev.Receipt = &event.Receipt{UpTo: now} }), reason: "by seq"},
	{ev: foreign(event.MessagePushOnline, event.Before, betweenUsers(), withText), command: "callbackBeforeOnlinePushCommand"},
	{ev: foreign(event.MessagePushOnline, event.Before, inGroup(), withText), command: "callbackBeforeGroupOnlinePushCommand"},
	{ev: foreign(event.MessagePushOffline, event.Before, inGroup(), withText), command: "callbackBeforeOfflinePushCommand"},
	{ev: foreign(event.MessagePushOffline, event.Before, inGroup(), withText), generation: "v3.0", command: "callbackOfflinePushCommand"},
	{ev: foreign(event.MessagePushOffline, event.After, inGroup(), withText), reason: "before message.push.offline only"},
	{ev: foreign(event.UserOnline, event.After, nil, func(ev *event.Event) { ev.Presence = &event.Presence{Platform: "ios", Client: "d1"} }), command: "callbackAfterUserOnlineCommand", bodies: []string{`{"callbackCommand":"callbackAfterUserOnlineCommand","operationID":"ev-1","platformID":1,"platform":"IOS","userID":"ada","seq":1795249800123,"isAppBackground":false,"connID":"d1"}`}},
	{ev: foreign(event.UserOnline, event.After, nil, nil), generation: "v2.1", command: "callbackUserOnlineCommand", bodies: []string{`{"callbackCommand":"callbackUserOnlineCommand","operationID":"ev-1","platformID":11,"platform":"HarmonyOS","userID":"ada","token":"","seq":1795249800123}`}},
	{ev: foreign(event.UserOnline, event.After, nil, nil), generation: "v2.0", reason: "v2.0 has no callback"},
	{ev: foreign(event.UserOffline, event.After, nil, nil), command: "callbackAfterUserOfflineCommand"},
	{ev: foreign(event.UserKick, event.After, nil, withMembers("bo")), command: "callbackAfterUserKickOffCommand", bodies: []string{`{"callbackCommand":"callbackAfterUserKickOffCommand","operationID":"ev-1","platformID":11,"platform":"HarmonyOS","userID":"bo","seq":1795249800123}`}},
	{ev: foreign(event.UserRegister, event.After, nil, func(ev *event.Event) { ev.User = &event.User{ID: "bo", Name: "Bo"} }), command: "callbackAfterUserRegisterCommand"},
	{ev: foreign(event.UserRegister, event.Before, nil, withMembers("bo", "cy")), command: "callbackBeforeUserRegisterCommand"},
	{ev: foreign(event.UserUpdate, event.After, nil, func(ev *event.Event) { ev.User = &event.User{ID: "ada", DisplayName: "A"} }), command: "callbackAfterUpdateUserInfoExCommand", bodies: []string{`{"callbackCommand":"callbackAfterUpdateUserInfoExCommand","userID":"ada","nickName":"A","faceURL":null,"ex":null}`}},
	{ev: foreign(event.UserUpdate, event.Before, nil, nil), command: "callbackBeforeUpdateUserInfoExCommand"},
	{ev: foreign(event.UserDeactivate, event.After, nil, nil), reason: "no callback for user.deactivate"},
	{ev: foreign(event.FriendRequest, event.Before, nil, withMembers("bo", "cy")), command: "callbackBeforeAddFriendCommand", bodies: []string{
		`{"callbackCommand":"callbackBeforeAddFriendCommand","fromUserID":"ada","toUserID":"bo","reqMsg":"","ex":""}`,
		`{"callbackCommand":"callbackBeforeAddFriendCommand","fromUserID":"ada","toUserID":"cy","reqMsg":"","ex":""}`,
	}},
	{ev: foreign(event.FriendRequest, event.After, nil, withMembers("bo")), command: "callbackAfterAddFriendCommand", bodies: []string{`{"callbackCommand":"callbackAfterAddFriendCommand","fromUserID":"ada","toUserID":"bo","reqMsg":""}`}},
	{ev: foreign(event.FriendRespond, event.Before, nil, withMembers("bo")), command: "callbackBeforeAddFriendAgreeCommand"},
	{ev: foreign(event.FriendRespond, event.Before, nil, func(ev *event.Event) {
		withMembers("bo")(ev)
		ev.Friend = &event.Friend{Action: "decline"}
	}), reason: "before somebody accepts"},
	{ev: foreign(event.FriendAccept, event.After, nil, withMembers("bo")), command: "callbackAfterAddFriendAgreeCommand", bodies: []string{`{"callbackCommand":"callbackAfterAddFriendAgreeCommand","fromUserID":"bo","blackUserID":"ada","HandleResult":1,"HandleMsg":""}`}},
	{ev: foreign(event.FriendDecline, event.After, nil, withMembers("bo")), command: "callbackAfterAddFriendAgreeCommand", bodies: []string{`{"callbackCommand":"callbackAfterAddFriendAgreeCommand","fromUserID":"bo","blackUserID":"ada","HandleResult":-1,"HandleMsg":""}`}},
	{ev: foreign(event.FriendAdd, event.After, nil, withMembers("bo")), command: "callbackAfterImportFriendsCommand", bodies: []string{`{"callbackCommand":"callbackAfterImportFriendsCommand","ownerUserID":"ada","friendUserIDs":["bo"]}`}},
	{ev: foreign(event.FriendImport, event.Before, nil, withMembers("bo", "cy")), command: "callbackBeforeImportFriendsCommand", bodies: []string{`{"callbackCommand":"callbackBeforeImportFriendsCommand","ownerUserID":"ada","friendUserIDs":["bo","cy"]}`}},
	{ev: foreign(event.FriendRemove, event.After, nil, withMembers("bo")), command: "callbackAfterDeleteFriendCommand"},
	{ev: foreign(event.FriendRename, event.After, nil, withMembers("bo")), command: "callbackAfterSetFriendRemarkCommand", bodies: []string{`{"callbackCommand":"callbackAfterSetFriendRemarkCommand","ownerUserID":"ada","friendUserID":"bo","remark":""}`}},
	{ev: foreign(event.FriendUpdate, event.After, nil, withMembers("bo")), reason: "no callback for friend.update"},
	{ev: foreign(event.BlockAdd, event.Before, nil, withMembers("bo")), command: "callbackBeforeAddBlackCommand"},
	{ev: foreign(event.BlockAdd, event.After, nil, withMembers("bo")), reason: "before block.add only"},
	{ev: foreign(event.BlockRemove, event.After, nil, withMembers("bo")), command: "callbackAfterRemoveBlackCommand"},
	{ev: foreign(event.GroupCreate, event.After, inGroup(), withMembers("bo")), command: "callbackAfterCreateGroupCommand", bodies: []string{
		`{"callbackCommand":"callbackAfterCreateGroupCommand","groupID":"g1","groupName":"","notification":"","introduction":"","faceURL":"","ownerUserID":"ada","createTime":1795249800123,"memberCount":0,"ex":"","status":0,"creatorUserID":"ada","groupType":2,"initMemberList":[{"userID":"ada","roleLevel":100},{"userID":"bo","roleLevel":20}],"needVerification":0,"lookMemberInfo":0,"applyMemberFriend":0,"notificationUpdateTime":0,"notificationUserID":""}`,
	}},
	{ev: foreign(event.GroupUpdate, event.After, inGroup(), func(ev *event.Event) { ev.Group = &event.Group{Name: "n"} }), command: "callbackAfterSetGroupInfoExCommand", bodies: []string{
		`{"callbackCommand":"callbackAfterSetGroupInfoExCommand","operationID":"ev-1","groupID":"g1","groupName":"n","notification":null,"introduction":null,"faceURL":null,"ex":null,"needVerification":null,"lookMemberInfo":null,"applyMemberFriend":null}`,
	}},
	{ev: foreign(event.GroupUpdate, event.After, inGroup(), func(ev *event.Event) { ev.Group = &event.Group{Name: "n"} }), generation: "v3.5", command: "callbackAfterSetGroupInfoCommand"},
	{ev: foreign(event.GroupUnannounce, event.After, inGroup(), nil), command: "callbackAfterSetGroupInfoExCommand", bodies: []string{
		`{"callbackCommand":"callbackAfterSetGroupInfoExCommand","operationID":"ev-1","groupID":"g1","groupName":null,"notification":"","introduction":null,"faceURL":null,"ex":null,"needVerification":null,"lookMemberInfo":null,"applyMemberFriend":null}`,
	}},
	{ev: foreign(event.GroupMute, event.After, inGroup(), nil), command: "callbackAfterSetGroupInfoExCommand"},
	{ev: foreign(event.GroupTransfer, event.After, inGroup(), withMembers("bo")), command: "callbackAfterTransferGroupOwnerCommand", bodies: []string{`{"callbackCommand":"callbackAfterTransferGroupOwnerCommand","groupID":"g1","oldOwnerUserID":"ada","newOwnerUserID":"bo"}`}},
	{ev: foreign(event.GroupTransfer, event.After, inGroup(), nil), reason: "new owner"},
	{ev: foreign(event.GroupDestroy, event.After, inGroup(), nil), command: "callbackAfterDisMissGroupCommand", bodies: []string{`{"callbackCommand":"callbackAfterDisMissGroupCommand","groupID":"g1","ownerID":"ada","groupType":"\u0002","membersID":null}`}},
	{ev: foreign(event.GroupMemberApply, event.Before, inGroup(), nil), command: "callbackBeforeJoinGroupCommand", bodies: []string{`{"callbackCommand":"callbackBeforeJoinGroupCommand","groupID":"g1","groupType":"\u0002","applyID":"ada","reqMessage":"","ex":""}`}},
	{ev: foreign(event.GroupMemberApply, event.After, inGroup(), nil), reason: "before group.member.apply only"},
	{ev: foreign(event.GroupMemberInvite, event.Before, inGroup(), withMembers("bo", "cy")), command: "callbackBeforeInviteJoinGroupCommand"},
	{ev: foreign(event.GroupMemberJoin, event.Before, inGroup(), withMembers("bo", "cy")), command: "callbackBeforeMembersJoinGroupCommand"},
	{ev: foreign(event.GroupMemberJoin, event.Before, inGroup(), withMembers("bo", "cy")), generation: "v3.0", command: "callbackBeforeMemberJoinGroupCommand", bodies: []string{
		`{"callbackCommand":"callbackBeforeMemberJoinGroupCommand","groupID":"g1","userID":"bo","ex":"","groupEx":""}`,
		`{"callbackCommand":"callbackBeforeMemberJoinGroupCommand","groupID":"g1","userID":"cy","ex":"","groupEx":""}`,
	}},
	{ev: foreign(event.GroupMemberJoin, event.After, inGroup(), withMembers("bo", "cy")), command: "callbackAfterJoinGroupCommand", bodies: []string{
		`{"callbackCommand":"callbackAfterJoinGroupCommand","operationID":"ev-1","groupID":"g1","reqMessage":"","joinSource":0,"inviterUserID":"bo"}`,
		`{"callbackCommand":"callbackAfterJoinGroupCommand","operationID":"ev-1","groupID":"g1","reqMessage":"","joinSource":0,"inviterUserID":"cy"}`,
	}},
	{ev: foreign(event.GroupMemberLeave, event.After, inGroup(), withMembers("bo")), command: "callbackAfterQuitGroupCommand", bodies: []string{`{"callbackCommand":"callbackAfterQuitGroupCommand","groupID":"g1","userID":"bo"}`}},
	{ev: foreign(event.GroupMemberLeave, event.After, inGroup(), nil), generation: "v3.5", command: "callbackQuitGroupCommand", bodies: []string{`{"callbackCommand":"callbackQuitGroupCommand","groupID":"g1","userID":"ada"}`}},
	{ev: foreign(event.GroupMemberKick, event.After, inGroup(), withMembers("bo", "cy")), command: "callbackAfterKickGroupCommand", bodies: []string{`{"callbackCommand":"callbackAfterKickGroupCommand","groupID":"g1","kickedUserIDs":["bo","cy"],"reason":""}`}},
	{ev: foreign(event.GroupMemberBan, event.After, inGroup(), withMembers("bo")), command: "callbackAfterKickGroupCommand"},
	{ev: foreign(event.GroupMemberPromote, event.After, inGroup(), withMembers("bo")), command: "callbackAfterSetGroupMemberInfoCommand", bodies: []string{`{"callbackCommand":"callbackAfterSetGroupMemberInfoCommand","groupID":"g1","userID":"bo","nickName":null,"faceURL":null,"roleLevel":60,"ex":null}`}},
	{ev: foreign(event.GroupMemberDemote, event.After, inGroup(), withMembers("bo", "cy")), command: "callbackAfterSetGroupMemberInfoCommand"},
	{ev: foreign(event.GroupMemberUpdate, event.Before, inGroup(), withMembers("bo")), command: "callbackBeforeSetGroupMemberInfoCommand"},
	{ev: foreign(event.GroupMemberMute, event.After, inGroup(), withMembers("bo")), reason: "no callback for group.member.mute"},
	{ev: foreign(event.ConversationCreate, event.After, betweenUsers(), nil), command: "callbackAfterCreateSingleChatConversationsCommand"},
	{ev: foreign(event.ConversationCreate, event.Before, inGroup(), nil), command: "callbackBeforeCreateGroupChatConversationsCommand"},
	{ev: foreign(event.ChatroomMemberJoin, event.After, inRoom(), nil), reason: "no chatrooms"},
	{ev: foreign(event.ConferenceJoin, event.After, nil, nil), reason: "conferences"},
	{ev: foreign(event.ChannelCreate, event.After, nil, nil), reason: "no channels"},
	{ev: foreign(event.VendorUnknown, event.After, nil, nil), reason: "no callback for vendor.unknown"},
}

func TestEncode_WhatStandsForEachType(t *testing.T) {
	t.Parallel()
	d := openim.New()
	said := map[event.Type]bool{}
	for _, tt := range sayings {
		name := string(tt.ev.Phase) + " " + string(tt.ev.Type) + " " + tt.generation
		reqs, err := d.Encode(tt.ev, dialect.Target{Generation: tt.generation, Now: now})
		if tt.command == "" {
			if !errors.Is(err, dialect.ErrUntranslatable) || !strings.Contains(err.Error(), tt.reason) {
				t.Errorf("%s: %v, want a reason with %q", name, err, tt.reason)
			}
			continue
		}
		said[tt.ev.Type] = true
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if tt.bodies != nil && len(reqs) != len(tt.bodies) {
			t.Errorf("%s: %d requests, want %d", name, len(reqs), len(tt.bodies))
			continue
		}
		for i := range reqs {
			var body struct {
				CallbackCommand string `json:"callbackCommand"`
			}
			if err := json.Unmarshal(reqs[i].Body, &body); err != nil || body.CallbackCommand != tt.command {
				t.Errorf("%s: request %d says %q, want %q (%v)", name, i, body.CallbackCommand, tt.command, err)
			}
			path, query := "/"+tt.command, ""
			switch tt.generation {
			case "v2.0", "v2.1":
				path = ""
			case "v3.0":
				path, query = "", "callbackCommand="+tt.command
			case "":
				query = tt.query
			}
			if reqs[i].Path != path || reqs[i].Query != query {
				t.Errorf("%s: goes to %q ? %q", name, reqs[i].Path, reqs[i].Query)
			}
			if len(reqs) > 1 && reqs[i].ID != event.PartID("ev-1", i) {
				t.Errorf("%s: request %d has the id %q", name, i, reqs[i].ID)
			}
			if tt.bodies != nil && string(reqs[i].Body) != tt.bodies[i] {
				t.Errorf("%s: request %d is\n%s\nwant\n%s", name, i, reqs[i].Body, tt.bodies[i])
			}
			if evs, err := d.Decode(&reqs[i]); err != nil || len(evs) == 0 || evs[0].Type == event.VendorUnknown {
				t.Errorf("%s: request %d reads as %d events, %v", name, i, len(evs), err)
			}
		}
	}
	// Every type that a command has is among the rows.
	for _, c := range d.Spec().Commands {
		for _, typ := range c.Types {
			if !said[typ] {
				t.Errorf("no row for %s", typ)
			}
		}
	}
}

// What is no key of the command, or no number of the wire, is not written, whatever
// the event holds.
func TestEncode_NoKeyThatTheServerDoesNotHave(t *testing.T) {
	t.Parallel()
	d := openim.New()
	for _, tt := range []struct {
		name       string
		ev         *event.Event
		generation string
		without    string
	}{
		{"receiver of a text to be changed", foreign(event.MessageModify, event.Before, betweenUsers(), withText), "", `"recvID"`},
		{"group of a text to be changed", foreign(event.MessageModify, event.Before, inGroup(), withText), "", `"groupID"`},
		{"connection of who is thrown out", foreign(event.UserKick, event.After, nil, func(ev *event.Event) {
			ev.Members = []event.Member{{ID: "bo"}}
			ev.Presence = &event.Presence{Connection: "c1"}
		}), "", `"connID"`},
		{"seq of a push in v2", foreign(event.MessagePushOnline, event.Before, inGroup(), withText), "v2.1", `"seq"`},
		{"push of a group's message", foreign(event.MessagePushOnline, event.Before, inGroup(), func(ev *event.Event) {
			withText(ev)
			ev.Message.Push = &event.Push{Title: "T"}
		}), "", `"title"`},
		{"seq beyond 32 bits", foreign(event.MessageSend, event.After, inGroup(), func(ev *event.Event) {
			withText(ev)
			ev.Message.Seq = "4294967296"
		}), "", `4294967296`},
		{"count beyond 32 bits", foreign(event.GroupCreate, event.After, inGroup(), func(ev *event.Event) {
			ev.Group = &event.Group{ID: "g1", MemberCount: -1}
		}), "", `"memberCount":-1`},
	} {
		reqs, err := d.Encode(tt.ev, dialect.Target{Generation: tt.generation, Now: now})
		if err != nil || len(reqs) != 1 {
			t.Errorf("%s: %d requests, %v", tt.name, len(reqs), err)
			continue
		}
		if body := string(reqs[0].Body); strings.Contains(body, tt.without) {
			t.Errorf("%s: %s is in %s", tt.name, tt.without, body)
		}
	}
	// A user's token is for v2 backends alone.
	online := decodeOne(t, d, "", "", `{"callbackCommand":"callbackUserOnlineCommand","operationID":"op","platformID":1,"platform":"IOS","userID":"ada","token":"t0ken","seq":1795163400123}`)
	for generation, has := range map[string]bool{"v2.1": true, "v3.0": false, "v3.7": false} {
		reqs, err := d.Encode(online, dialect.Target{Generation: generation, Now: now})
		if err != nil || len(reqs) != 1 || strings.Contains(string(reqs[0].Body), "t0ken") != has {
			t.Errorf("%s: %v, %s", generation, err, reqs)
		}
	}
	// v3.5 says who read and not what, which newer receipts cannot do without.
	read := decodeOne(t, d, "/callbackSingleMsgRead", "", `{"callbackCommand":"callbackSingleMsgRead","sendID":"ada","receiveID":"ada","contentType":1}`)
	if reqs, err := d.Encode(read, dialect.Target{Now: now}); !errors.Is(err, dialect.ErrUntranslatable) {
		t.Errorf("%v, %s", err, reqs)
	}
}

// Every content kind goes out as a type that comes back as the same kind, or as the
// stated best equivalent.
func TestEncode_EveryContentKind(t *testing.T) {
	t.Parallel()
	d := openim.New()
	equivalent := map[event.ContentKind]event.ContentKind{
		event.LinkCard: event.Custom, event.Call: event.Custom, event.UnknownKind: event.Custom,
	}
	for _, kind := range event.ContentKinds() {
		ev := foreign(event.MessageSend, event.After, betweenUsers(), func(ev *event.Event) {
			ev.Message = &event.Message{
				ID: "7", Kind: kind, Code: "117", Text: "words", Media: &event.Media{URL: "https://x/y", Name: "n", Size: 5, Seconds: 3, Width: 4, Height: 2},
				Location: &event.Place{Latitude: 1.5, Longitude: -2.5, Title: "here"}, Custom: &event.Payload{Data: "data"},
			}
		})
		reqs, err := d.Encode(ev, dialect.Target{Now: now})
		if kind == event.ReceiptMarker {
			if !errors.Is(err, dialect.ErrUntranslatable) {
				t.Errorf("%s: %v", kind, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", kind, err)
			continue
		}
		evs, err := d.Decode(&reqs[0])
		if err != nil {
			t.Fatal(err)
		}
		want, ok := equivalent[kind]
		if !ok {
			want = kind
		}
		m := evs[0].Message
		if m.Kind != want {
			t.Errorf("%s comes back as %s: %s", kind, m.Kind, reqs[0].Body)
		}
		switch kind {
		case event.Text, event.Quote, event.Merged, event.Card:
			if m.Text != "words" {
				t.Errorf("%s: text is %q", kind, m.Text)
			}
		case event.Image, event.Audio, event.Video, event.File:
			if m.Media == nil || m.Media.URL != "https://x/y" || m.Media.Size != 5 {
				t.Errorf("%s: media is %+v", kind, m.Media)
			}
		case event.Location:
			if *m.Location != (event.Place{Latitude: 1.5, Longitude: -2.5, Address: "here"}) {
				t.Errorf("location is %+v", m.Location)
			}
		case event.LinkCard, event.Call:
			if !strings.Contains(string(reqs[0].Body), `imhookKind\\\":\\\"`+string(kind)) {
				t.Errorf("%s does not say what it was: %s", kind, reqs[0].Body)
			}
		}
	}
}
