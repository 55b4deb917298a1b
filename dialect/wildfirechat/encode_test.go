package wildfirechat_test

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/wildfirechat"
	"github.com/imhook/imhook/event"
)

// foreign is an event of another dialect, as its decoder would leave it.
func foreign(t event.Type, set func(ev *event.Event)) *event.Event {
	ev := &event.Event{
		ID: "e1", Dialect: "openim", Command: "theirs", Type: t, Phase: event.After, Time: time.UnixMilli(theMS).UTC(),
		Actor: &event.Actor{ID: "mira"},
	}
	if set != nil {
		set(ev)
	}
	return ev
}

func inGroup(ev *event.Event) {
	ev.Conversation = &event.Conversation{Kind: event.KindGroup, ID: "g1"}
	ev.Group = &event.Group{ID: "g1"}
	ev.Members = []event.Member{{ID: "ada"}}
}

func inChatroom(ev *event.Event) {
	ev.Lane = "chatroom:r1"
	ev.Members = []event.Member{{ID: "ada"}}
}

func withMember(ev *event.Event) { ev.Members = []event.Member{{ID: "ada"}} }

func withText(ev *event.Event) {
	ev.Conversation = new(event.Direct("mira", "ada"))
	ev.Message = &event.Message{ID: "m-1", Kind: event.Text, Code: "101", Text: "hi"}
}

var encodeCases = []struct {
	name       string
	ev         *event.Event
	generation string
	path       string
	body       []string // one for each request
}{
	{"text message with an id that is no number", foreign(event.MessageSend, withText), "", "/im_event/message", []string{
		`{"messageId":` + hashOf + `,"sender":"mira","conv":{"type":0,"target":"ada","line":0},"payload":{"type":1,"searchableContent":"hi","pushContent":"","pushData":"","content":"","mediaType":0,"remoteMediaUrl":"","persistFlag":3,"expireDuration":0,"mentionedType":0,"mentionedTarget":[],"extra":"{\"imhookMessageId\":\"m-1\"}"},"toUsers":[],"timestamp":1795163400123}`,
	}},
	{"the same in the old form", foreign(event.MessageSend, withText), "legacy", "/im_event/message", []string{
		`{"sender":"mira","conv":{"type":0,"target":"ada","line":0},"payload":{"type":1,"searchableContent":"hi","pushContent":"","pushData":"","content":"","mediaType":0,"remoteMediaUrl":"","expireDuration":0,"mentionedType":0,"mentionedTarget":[]},"messageId":` + hashOf + `,"timestamp":1795163400123}`,
	}},
	{"before", foreign(event.MessageSend, func(ev *event.Event) { withText(ev); ev.Phase, ev.Message.ID = event.Before, "12" }), "", "/message/censor", []string{
		`{"messageId":12,"sender":"mira","conv":{"type":0,"target":"ada","line":0},"payload":{"type":1,"searchableContent":"hi","pushContent":"","pushData":"","content":"","mediaType":0,"remoteMediaUrl":"","persistFlag":3,"expireDuration":0,"mentionedType":0,"mentionedTarget":[],"extra":""},"toUsers":[],"timestamp":1795163400123}`,
	}},
	{"kick of a user", foreign(event.UserKick, func(ev *event.Event) {
		withMember(ev)
		ev.Presence = &event.Presence{Platform: "web", Client: "c"}
	}), "", "/im_event/user/online", []string{
		`{"userId":"ada","clientId":"c","platform":5,"status":1,"timestamp":1795163400123,"customState":0}`,
	}},
	{"logout in the old form", foreign(event.UserOffline, func(ev *event.Event) {
		ev.Presence = &event.Presence{Reason: "logout", Client: "c"}
	}), "legacy", "/im_event/user/online", []string{
		`{"userId":"mira","clientId":"c","platform":0,"status":-1,"timestamp":1795163400123}`,
	}},
	{"friends in bulk", foreign(event.FriendImport, func(ev *event.Event) {
		ev.Actor = &event.Actor{ID: "root", System: true}
		ev.Friend = &event.Friend{Owner: "mira"}
		ev.Members = []event.Member{{ID: "ada"}, {ID: "bo"}}
	}), "", "/im_event/user/relation", []string{
		`{"userId":"mira","targetId":"ada","type":0,"value":"1"}`, `{"userId":"mira","targetId":"bo","type":0,"value":"1"}`,
	}},
	{"friend accept", foreign(event.FriendAccept, withMember), "", "/im_event/user/relation", []string{
		`{"userId":"mira","targetId":"ada","type":0,"value":"1"}`,
	}},
	{"remark", foreign(event.FriendRename, func(ev *event.Event) { withMember(ev); ev.Friend = &event.Friend{Alias: "A."} }), "", "/im_event/user/relation", []string{
		`{"userId":"mira","targetId":"ada","type":1,"value":"A."}`,
	}},
	{"block", foreign(event.BlockAdd, withMember), "", "/im_event/user/relation", []string{
		`{"userId":"mira","targetId":"ada","type":2,"value":"1"}`,
	}},
	{"register", foreign(event.UserRegister, func(ev *event.Event) {
		ev.User = &event.User{ID: "ada", DisplayName: "Ada"}
	}), "", "/im_event/user/info", []string{
		`{"userId":"ada","name":"","displayName":"Ada","gender":0,"type":0,"updateDt":1795163400123}`,
	}},
	{"announcement", foreign(event.GroupAnnounce, func(ev *event.Event) { inGroup(ev); ev.Group.Name = "G"; ev.Group.Announcement = "x" }), "", "/im_event/group/info", []string{
		`{"operatorId":"mira","groupId":"g1","type":1,"groupInfo":{"target_id":"g1","name":"G","owner":"","type":0,"mute":0,"max_member_count":0,"join_type":0,"private_chat":0,"searchable":0,"history_message":0,"super_group":false}}`,
	}},
	{"transfer in the old form", foreign(event.GroupTransfer, inGroup), "legacy", "/im_event/group/info", []string{
		`{"groupId":"g1","type":2,"userId":"mira"}`,
	}},
	{"transfer names the new owner", foreign(event.GroupTransfer, inGroup), "current", "/im_event/group/info", []string{
		`{"operatorId":"mira","groupId":"g1","type":2,"groupInfo":{"target_id":"g1","name":"","owner":"ada","type":0,"mute":0,"max_member_count":0,"join_type":0,"private_chat":0,"searchable":0,"history_message":0,"super_group":false}}`,
	}},
	{"ban from a group", foreign(event.GroupMemberBan, inGroup), "", "/im_event/group/member", []string{
		`{"operatorId":"mira","groupId":"g1","memberIds":["ada"],"type":2}`,
	}},
	{"unmute of a member", foreign(event.GroupMemberUnmute, inGroup), "", "/im_event/group/member", []string{
		`{"operatorId":"mira","groupId":"g1","memberIds":["ada"],"type":3,"value":"0"}`,
	}},
	{"mute of a member", foreign(event.GroupMemberMute, inGroup), "", "/im_event/group/member", []string{
		`{"operatorId":"mira","groupId":"g1","memberIds":["ada"],"type":3,"value":"3"}`,
	}},
	{"extra of a member", foreign(event.GroupMemberUpdate, func(ev *event.Event) { inGroup(ev); ev.Members[0].Extra = "x" }), "", "/im_event/group/member", []string{
		`{"operatorId":"mira","groupId":"g1","memberIds":["ada"],"type":5,"value":"x"}`,
	}},
	{"members in the old form", foreign(event.GroupMemberJoin, func(ev *event.Event) {
		inGroup(ev)
		ev.Members = append(ev.Members, event.Member{ID: "bo"})
	}), "legacy", "/im_event/group/member", []string{
		`{"operatorId":"mira","groupId":"g1","type":0,"memberId":"ada"}`, `{"operatorId":"mira","groupId":"g1","type":0,"memberId":"bo"}`,
	}},
	{"the one who left is the actor", foreign(event.GroupMemberLeave, func(ev *event.Event) { inGroup(ev); ev.Members = nil }), "", "/im_event/group/member", []string{
		`{"operatorId":"mira","groupId":"g1","memberIds":["mira"],"type":1}`,
	}},
	{"subscribers", foreign(event.ChannelSubscribe, func(ev *event.Event) {
		ev.Channel = &event.Channel{ID: "c1"}
		ev.Members = []event.Member{{ID: "ada"}, {ID: "bo"}}
	}), "", "/im_event/channel/subscribe", []string{
		`{"userId":"ada","channelId":"c1","status":1}`, `{"userId":"bo","channelId":"c1","status":1}`,
	}},
	{"ban from a chatroom", foreign(event.ChatroomMemberBan, inChatroom), "", "/im_event/chatroom/member", []string{
		`{"operatorId":"mira","chatroomId":"r1","memberIds":["ada"],"type":2}`,
	}},
	{"join of a chatroom: 0", foreign(event.ChatroomMemberJoin, inChatroom), "", "/im_event/chatroom/member", []string{
		`{"operatorId":"mira","chatroomId":"r1","memberIds":["ada"],"type":0}`,
	}},
	{"join of a chatroom in the old form: 1", foreign(event.ChatroomMemberJoin, inChatroom), "legacy", "/im_event/chatroom/status", []string{
		`{"userId":"ada","chatroomId":"r1","status":1}`,
	}},
	{"leave of a chatroom in the old form: 0", foreign(event.ChatroomMemberLeave, inChatroom), "legacy", "/im_event/chatroom/status", []string{
		`{"userId":"ada","chatroomId":"r1","status":0}`,
	}},
	{"closed chatroom", foreign(event.ChatroomDestroy, inChatroom), "", "/im_event/chatroom/info", []string{
		`{"chatroomId":"r1","type":1}`,
	}},
	{"robot message", foreign(event.BotMessageSend, func(ev *event.Event) {
		ev.Conversation = new(event.Direct("mira", "bot/1"))
		ev.Message = &event.Message{ID: "5", Kind: event.Text, Text: "hi"}
		ev.Members = []event.Member{{ID: "bot/1"}}
	}), "", "/robot/bot%2F1", []string{
		`{"messageId":5,"sender":"mira","conv":{"type":0,"target":"bot/1","line":0},"payload":{"type":1,"searchableContent":"hi","pushContent":"","pushData":"","content":"","mediaType":0,"remoteMediaUrl":"","persistFlag":3,"expireDuration":0,"mentionedType":0,"mentionedTarget":[],"extra":""},"toUsers":[],"timestamp":1795163400123,"toRobotId":"bot/1"}`,
	}},
	{"message with the sender's profile", foreign(event.MessageSend, func(ev *event.Event) {
		withText(ev)
		ev.Message.ID = "5"
		ev.User = &event.User{ID: "mira", DisplayName: "Mira", Avatar: "a", Gender: "female"}
	}), "", "/im_event/message", []string{
		`{"messageId":5,"sender":"mira","conv":{"type":0,"target":"ada","line":0},"payload":{"type":1,"searchableContent":"hi","pushContent":"","pushData":"","content":"","mediaType":0,"remoteMediaUrl":"","persistFlag":3,"expireDuration":0,"mentionedType":0,"mentionedTarget":[],"extra":""},"toUsers":[],"timestamp":1795163400123,"senderUserInfo":{"userId":"mira","name":"","displayName":"Mira","portrait":"a","gender":2,"type":0,"updateDt":0}}`,
	}},
	{"a profile of somebody else is not the sender's", foreign(event.MessageSend, func(ev *event.Event) {
		withText(ev)
		ev.Message.ID = "5"
		ev.User = &event.User{ID: "ada"}
	}), "", "/im_event/message", []string{
		`{"messageId":5,"sender":"mira","conv":{"type":0,"target":"ada","line":0},"payload":{"type":1,"searchableContent":"hi","pushContent":"","pushData":"","content":"","mediaType":0,"remoteMediaUrl":"","persistFlag":3,"expireDuration":0,"mentionedType":0,"mentionedTarget":[],"extra":""},"toUsers":[],"timestamp":1795163400123}`,
	}},
	{"a user who is named as the user alone", foreign(event.UserOnline, func(ev *event.Event) {
		ev.Actor, ev.User = nil, &event.User{ID: "ada"}
	}), "legacy", "/im_event/user/online", []string{
		`{"userId":"ada","clientId":"","platform":0,"status":0,"timestamp":1795163400123}`,
	}},
	{"an admin ended the session of a user", foreign(event.UserKick, func(ev *event.Event) {
		ev.Actor, ev.User = &event.Actor{ID: "root", Admin: true}, &event.User{ID: "ada"}
	}), "legacy", "/im_event/user/online", []string{
		`{"userId":"ada","clientId":"","platform":0,"status":1,"timestamp":1795163400123}`,
	}},
	{"a conference that the conversation names", foreign(event.ConferenceJoin, func(ev *event.Event) {
		ev.Conversation = &event.Conversation{Kind: event.KindConference, ID: "x1"}
		ev.Members = []event.Member{{ID: "ada"}, {ID: "bo"}}
	}), "", "/im_event/conference/member_join", []string{
		`{"userId":"ada","roomId":"x1","screenSharing":false,"timestamp":1795163400123}`,
		`{"userId":"bo","roomId":"x1","screenSharing":false,"timestamp":1795163400123}`,
	}},
	{"a post with a film", foreign(event.MomentCreate, func(ev *event.Event) {
		ev.Moment = &event.Moment{
			ID: "9", Text: "t", Mentioned: []string{"ada"},
			Media: []event.Media{{URL: "u", Seconds: 2.6, Thumbnail: "s"}, {URL: "p", Width: 3, Height: 4}},
		}
	}), "", "/im_event/moments_feed", []string{
		`{"feedId":9,"sender":"mira","timestamp":1795163400123,"text":"t","to":[],"mu":["ada"],"type":0,"medias":[{"url":"u","thumbnailUrl":"s","width":0,"height":0,"duration":3,"type":1},{"url":"p","width":3,"height":4,"duration":0,"type":0}]}`,
	}},
	{"receipt of single messages", foreign(event.MessageRead, func(ev *event.Event) {
		ev.Conversation = new(event.Direct("mira", "ada"))
		ev.Receipt = &event.Receipt{Messages: []string{"7"}}
	}), "", "/im_event/message_read", []string{
		`{"user":"mira","conversation":{"type":0,"target":"ada","line":0},"readTime":1795163400123}`,
	}},
	{"heartbeat", foreign(event.SystemHeartbeat, func(ev *event.Event) { ev.Actor = nil }), "", "/im_exception_event/", []string{
		`{"event_type":100,"count":0,"node_id":0}`,
	}},
}

// hashOf is what the id m-1 becomes, for ever: backends tell messages by it.
const hashOf = "1226903352478041546"

func TestEncode_SaysOthersEvents(t *testing.T) {
	t.Parallel()
	d := wildfirechat.New()
	for _, tt := range encodeCases {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			reqs, err := d.Encode(tt.ev, dialect.Target{Generation: tt.generation, Now: now})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for i, req := range reqs {
				if req.Path != tt.path {
					t.Errorf("path is %q, want %q", req.Path, tt.path)
				}
				if want := event.PartID("e1", i); len(reqs) > 1 && req.ID != want || len(reqs) == 1 && req.ID != "" {
					t.Errorf("request %d of %d has id %q", i, len(reqs), req.ID)
				}
				if req.ContentType != "application/json; charset=utf-8" {
					t.Errorf("content type is %q", req.ContentType)
				}
				got = append(got, string(req.Body))
				if _, err := d.Decode(&req); err != nil {
					t.Errorf("reading it back: %v", err)
				}
			}
			if diff := cmp.Diff(tt.body, got); diff != "" {
				t.Errorf("bodies (-want +got):\n%s", diff)
			}
		})
	}
}

// TestEncode_KnowsEveryTypeOfTheMapping holds the column of the mapping page.
func TestEncode_KnowsEveryTypeOfTheMapping(t *testing.T) {
	t.Parallel()
	d := wildfirechat.New()
	full := func(typ event.Type) *event.Event {
		return foreign(typ, func(ev *event.Event) {
			inGroup(ev)
			ev.Message = &event.Message{ID: "5", Kind: event.Text, Text: "hi"}
			ev.Channel, ev.Chatroom = &event.Channel{ID: "c1"}, &event.Chatroom{ID: "r1"}
			ev.Conference, ev.Moment = &event.Conference{ID: "x1"}, &event.Moment{ID: "1", Comment: "2"}
		})
	}
	path := map[event.Type]string{
		event.MessageSend: "/im_event/message", event.MessageRecall: "/im_event/recall_message", event.MessageRead: "/im_event/message_read",
		event.MessageIntercept: "/im_event/message/sensitive", event.BotMessageSend: "/robot/ada",
		event.MomentCreate: "/im_event/moments_feed", event.MomentRecall: "/im_event/moments_feed_recall",
		event.MomentCommentCreate: "/im_event/moments_comment", event.MomentCommentRecall: "/im_event/moments_comment_recall",
		event.SystemException: "/im_exception_event/", event.SystemHeartbeat: "/im_exception_event/",
		event.ConferenceCreate: "/im_event/conference/create", event.ConferenceDestroy: "/im_event/conference/destroy",
		event.ConferenceJoin: "/im_event/conference/member_join", event.ConferenceLeave: "/im_event/conference/member_leave",
		event.ConferencePublish: "/im_event/conference/member_publish", event.ConferenceUnpublish: "/im_event/conference/member_unpublish",
	}
	say := func(p string, types ...event.Type) {
		for _, typ := range types {
			path[typ] = p
		}
	}
	say("/im_event/user/online", event.UserOnline, event.UserOffline, event.UserKick)
	say("/im_event/user/info", event.UserUpdate, event.UserRegister)
	say("/im_event/user/relation", event.FriendAdd, event.FriendRemove, event.FriendRename, event.FriendUpdate,
		event.FriendAccept, event.FriendImport, event.BlockAdd, event.BlockRemove)
	say("/im_event/group/info", event.GroupCreate, event.GroupUpdate, event.GroupTransfer, event.GroupDestroy,
		event.GroupMute, event.GroupUnmute, event.GroupAnnounce, event.GroupUnannounce)
	say("/im_event/group/member", event.GroupMemberJoin, event.GroupMemberLeave, event.GroupMemberKick, event.GroupMemberBan,
		event.GroupMemberMute, event.GroupMemberUnmute, event.GroupMemberAllow, event.GroupMemberDisallow,
		event.GroupMemberPromote, event.GroupMemberDemote, event.GroupMemberUpdate)
	say("/im_event/chatroom/info", event.ChatroomCreate, event.ChatroomDestroy)
	say("/im_event/chatroom/member", event.ChatroomMemberJoin, event.ChatroomMemberLeave, event.ChatroomMemberKick,
		event.ChatroomMemberBan, event.ChatroomMemberMute, event.ChatroomMemberUnmute)
	say("/im_event/channel/info", event.ChannelCreate, event.ChannelUpdate, event.ChannelDestroy, event.ChannelTransfer)
	say("/im_event/channel/subscribe", event.ChannelSubscribe, event.ChannelUnsubscribe)
	before := map[event.Type]string{event.MessageSend: "/message/censor", event.MessageModify: "/message/censor"}

	for _, entry := range event.Catalogue() {
		for _, phase := range entry.Phases {
			want := path[entry.Type]
			if phase == event.Before {
				want = before[entry.Type]
			}
			ev := full(entry.Type)
			ev.Phase = phase
			reqs, err := d.Encode(ev, dialect.Target{Now: now})
			switch {
			case want == "" && !errors.Is(err, dialect.ErrUntranslatable):
				t.Errorf("%s %s: %v, want ErrUntranslatable", phase, entry.Type, err)
			case want != "" && err != nil:
				t.Errorf("%s %s: %v", phase, entry.Type, err)
			case want != "" && reqs[0].Path != want:
				t.Errorf("%s %s goes to %s, want %s", phase, entry.Type, reqs[0].Path, want)
			}
		}
	}
}

func TestEncode_SaysWhyNot(t *testing.T) {
	t.Parallel()
	d := wildfirechat.New()
	for _, tt := range []struct {
		name, generation, reason string
		ev                       *event.Event
	}{
		{"no sender", "", "nobody sent it", foreign(event.MessageSend, func(ev *event.Event) { withText(ev); ev.Actor = nil })},
		{"no conversation", "", "conversation", foreign(event.MessageSend, func(ev *event.Event) { withText(ev); ev.Conversation = nil })},
		{"not between these", "", "no peer", foreign(event.MessageSend, func(ev *event.Event) { withText(ev); ev.Actor.ID = "carl" })},
		{"no message", "", "no message", foreign(event.MessageRecall, nil)},
		{"receipt as a message", "", "receipt", foreign(event.MessageSend, func(ev *event.Event) { withText(ev); ev.Message.Kind = event.ReceiptMarker })},
		{"no group", "", "no group", foreign(event.GroupMute, nil)},
		{"no target", "", "no other user", foreign(event.FriendAdd, nil)},
		{"old chatroom kick", "legacy", "old body", foreign(event.ChatroomMemberKick, inChatroom)},
		{"not a type of ours", "", "no callback", foreign(event.MessageReact, nil)},
	} {
		reqs, err := d.Encode(tt.ev, dialect.Target{Generation: tt.generation, Now: now})
		if !errors.Is(err, dialect.ErrUntranslatable) || len(reqs) > 0 {
			t.Errorf("%s: %d requests, %v; want ErrUntranslatable", tt.name, len(reqs), err)
			continue
		}
		if !strings.Contains(err.Error(), tt.reason) {
			t.Errorf("%s: the reason is %q, want one with %q", tt.name, err, tt.reason)
		}
	}
}

func TestEncode_WritesContentsAsTheVendorsClients(t *testing.T) {
	t.Parallel()
	d := wildfirechat.New()
	for _, tt := range []struct {
		name    string
		message event.Message
		want    []string
	}{
		{
			"image",
			event.Message{Kind: event.Image, Media: &event.Media{URL: "u", Width: 3, Height: 4}},
			[]string{`"type":3,`, `"content":"{\"w\":3,\"h\":4}"`, `"mediaType":1,"remoteMediaUrl":"u"`},
		},
		{"audio", event.Message{Kind: event.Audio, Media: &event.Media{URL: "u", Seconds: 2.5}}, []string{`"type":2,`, `{\"duration\":2.5}`}},
		{"video", event.Message{Kind: event.Video, Media: &event.Media{URL: "u", Seconds: 9}}, []string{`"type":6,`, `{\"duration\":9,\"d\":9}`}},
		{
			"file",
			event.Message{Kind: event.File, Media: &event.Media{URL: "u", Name: "a.txt", Size: 12}},
			[]string{`"type":5,"searchableContent":"a.txt"`, `"content":"12"`, `"mediaType":4`},
		},
		{
			"location",
			event.Message{Kind: event.Location, Location: &event.Place{Latitude: 1.5, Longitude: -2, Title: "pier"}},
			[]string{`"type":4,"searchableContent":"pier"`, `{\"lat\":1.5,\"long\":-2}`},
		},
		{"quote becomes text", event.Message{Kind: event.Quote, Text: "yes"}, []string{`"type":1,"searchableContent":"yes"`, `{\"imhookKind\":\"quote\"}`}},
		{"command", event.Message{Kind: event.CommandKind, Custom: &event.Payload{Data: "x"}}, []string{`"type":1002,`, `"content":"x"`, `"persistFlag":4`}},
		{
			"custom",
			event.Message{Kind: event.Custom, Code: "110", Custom: &event.Payload{Data: "x", Base64: []byte{1}}},
			[]string{`"type":1001,`, `"content":"x"`, `"base64edData":"AQ=="`},
		},
		{"another vendor's code is not ours", event.Message{Kind: event.File, Code: "105"}, []string{`"type":5,`}},
		{"unknown kind", event.Message{Kind: event.UnknownKind, Code: "60"}, []string{`"type":1001,`, `imhookKind`}},
		{"notification", event.Message{Kind: event.Notification, Code: "1501"}, []string{`"type":90,`, `"persistFlag":1`}},
		{
			"notification's text stands where a tip's does",
			event.Message{Kind: event.Notification, Code: "RC:InfoNtf", Text: "closed", Custom: &event.Payload{Data: `{"a":1}`}},
			[]string{`"type":90,"searchableContent":"",`, `"content":"closed","base64edData":"` + base64Of(`{"a":1}`) + `"`},
		},
		{"notification of data alone", event.Message{Kind: event.Notification, Custom: &event.Payload{Data: "x"}}, []string{`"type":90,`, `"content":"x"`}},
		{
			"location without a title is found by its address",
			event.Message{Kind: event.Location, Location: &event.Place{Latitude: 1, Longitude: 2, Address: "Pier 4"}},
			[]string{`"type":4,"searchableContent":"Pier 4"`},
		},
		{
			"link",
			event.Message{Kind: event.LinkCard, Code: "RC:ImgTextMsg", Text: "digest", Media: &event.Media{URL: "u", Name: "title", Thumbnail: "t"}},
			[]string{`"type":8,"searchableContent":"title"`, `"base64edData":"` + base64Of(`{"d":"digest","u":"u","t":"t"}`) + `"`, `"remoteMediaUrl":""`},
		},
		{"link of text alone", event.Message{Kind: event.LinkCard, Text: "digest"}, []string{`"type":8,"searchableContent":"digest"`}},
		{
			"rich link written by hand",
			event.Message{Kind: event.LinkCard, Code: "12", Text: "approved", Media: &event.Media{URL: "u", Name: "desk"}},
			[]string{`"type":12,"searchableContent":""`, `"content":"approved","base64edData":"` + base64Of(`{"exName":"desk","exPortrait":"","exUrl":"u"}`) + `"`},
		},
		{
			"articles written by hand",
			event.Message{Kind: event.LinkCard, Code: "13", Text: "digest", Media: &event.Media{URL: "u", Name: "title", Thumbnail: "c"}},
			[]string{`"type":13,"searchableContent":"title"`, base64Of(`{"top":{"id":"","cover":"c","title":"title","digest":"digest","url":"u","rr":false},"subArticles":[]}`)},
		},
		{
			"card names whom it is of, and keeps the original",
			event.Message{Kind: event.Card, Code: "108", Text: "Ada", Custom: &event.Payload{Name: "u7", Data: `{"userID":"u7"}`}},
			[]string{`"type":10,"searchableContent":""`, `"content":"u7"`, base64Of(`{"t":0,"f":"","n":"","d":"Ada","p":"","imhookOrigin":"{\"userID\":\"u7\"}"}`)},
		},
		{
			"merged has its title and an empty list",
			event.Message{Kind: event.Merged, Code: "107", Text: "Chat of two", Custom: &event.Payload{Data: `{"title":"Chat of two"}`}},
			[]string{`"type":11,"searchableContent":"Chat of two"`, `"content":"Chat of two"`, base64Of(`{"ms":[],"imhookOrigin":"{\"title\":\"Chat of two\"}"}`)},
		},
		{
			"sticker",
			event.Message{Kind: event.Face, Media: &event.Media{URL: "u", Width: 3, Height: 4}},
			[]string{`"type":7,`, `"base64edData":"` + base64Of(`{"x":3,"y":4}`) + `"`, `"mediaType":7,"remoteMediaUrl":"u"`},
		},
		{
			"face of a table",
			event.Message{Kind: event.Face, Custom: &event.Payload{Name: "12", Data: "smile"}},
			[]string{`"type":7,`, `"content":"smile"`, `\"imhookName\":\"12\"`},
		},
		{
			"quote keeps what it quotes",
			event.Message{Kind: event.Quote, Text: "yes", Extra: `{"a":1}`, Custom: &event.Payload{Data: "q"}},
			[]string{`"type":1,"searchableContent":"yes"`, `"extra":"{\"imhookData\":\"q\",\"a\":1}"`},
		},
		{
			"the application's own type",
			event.Message{ID: "7", Kind: event.Custom, Code: "2001", Custom: &event.Payload{Data: "x"}},
			[]string{`"type":2001,`, `"content":"x"`, `"extra":""`},
		},
		{
			"name of a custom content",
			event.Message{ID: "7", Kind: event.Custom, Code: "app:order", Custom: &event.Payload{Name: "app:order", Data: "x"}},
			[]string{`"type":1001,`, `"content":"x"`, `"extra":"{\"imhookName\":\"app:order\"}"`},
		},
		{
			"first of several parts",
			event.Message{Parts: []event.Message{{Kind: event.Text, Text: "one"}, {Kind: event.Face}}},
			[]string{`"type":1,"searchableContent":"one"`},
		},
		{"mention of all", event.Message{Kind: event.Text, Mentions: &event.Mentions{All: true}}, []string{`"mentionedType":2,"mentionedTarget":[]`}},
		{"mention of some", event.Message{Kind: event.Text, Mentions: &event.Mentions{Users: []string{"ada"}}}, []string{`"mentionedType":1,"mentionedTarget":["ada"]`}},
		{
			"transient",
			event.Message{Kind: event.Text, Options: &event.MessageOptions{Transient: true, ExpiresIn: 1 << 40}},
			[]string{`"persistFlag":4,"expireDuration":2147483647`},
		},
		{"extra of the application", event.Message{ID: "m", Kind: event.Text, Extra: `{"a":1}`}, []string{`"extra":"{\"imhookMessageId\":\"m\",\"a\":1}"`}},
		{"extra that is no object", event.Message{ID: "m", Kind: event.Text, Extra: `a`}, []string{`"extra":"{\"imhookMessageId\":\"m\",\"extra\":\"a\"}"`}},
		{"extra beside a number", event.Message{ID: "7", Kind: event.Text, Extra: `a`}, []string{`"messageId":7,`, `"extra":"a"`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ev := foreign(event.MessageSend, func(ev *event.Event) { inGroup(ev); ev.Members = nil; ev.Message = &tt.message })
			reqs, err := d.Encode(ev, dialect.Target{Now: now})
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range tt.want {
				if !strings.Contains(string(reqs[0].Body), want) {
					t.Errorf("%s\nhas no %s", reqs[0].Body, want)
				}
			}
		})
	}
}

func base64Of(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

func TestPath_IsTheCanonicalOne(t *testing.T) {
	t.Parallel()
	d := wildfirechat.New()
	for _, tt := range []struct{ in, body, want string }{
		{"/message/forward", theGroup, "/im_event/message"},
		{"/im_event/message/", theGroup, "/im_event/message"},
		{"/channel/c1/message", theGroup, "/channel/c1/message"},
		{"/channel/a%2Fb/subscribe", `{"userId":"ada","channelId":"a/b","status":1}`, "/channel/a%2Fb/subscribe"},
		{"/im_event/channel/subscribe", `{"userId":"ada","channelId":"c1","status":1}`, "/im_event/channel/subscribe"},
		{"/robot/r1", theGroup, "/robot/r1"},
		{"/robot", theGroup, "/robot"},
		{"/im_event/chatroom/member", `{"userId":"ada","chatroomId":"r1","status":1}`, "/im_event/chatroom/member"},
		{"/im_event/chatroom/info", `{"operatorId":"ada","chatroomId":"r1","memberIds":["ada"],"type":1}`, "/im_event/chatroom/member"},
		{"/new/kind/", `{}`, "/new/kind/"},
	} {
		if got := d.Path(decodeOne(t, d, tt.in, tt.body)); got != tt.want {
			t.Errorf("Path of what came to %s is %s, want %s", tt.in, got, tt.want)
		}
	}
	if got := d.Path(foreign(event.GroupMute, inGroup)); got != "/im_event/group/info" {
		t.Errorf("Path of another dialect's event is %q", got)
	}
}
