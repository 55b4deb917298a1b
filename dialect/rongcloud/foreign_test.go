package rongcloud_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/rongcloud"
	"github.com/imhook/imhook/event"
)

func toTarget(generation string) dialect.Target {
	return dialect.Target{Generation: generation, Now: at, Credentials: dialect.Credentials{Public: map[string]string{"app_key": "k1"}}}
}

// What another dialect reports, in RongCloud's words: exact names, types and
// presence of keys.
func TestEncode_ForeignEvents(t *testing.T) {
	t.Parallel()
	text := &event.Message{ID: "M1", Kind: event.Text, Code: "1", Text: `a "b" & c`}
	two := []event.Member{{ID: "bob"}, {ID: "carl"}}
	for _, tt := range []struct {
		name       string
		generation string
		ev         event.Event
		path       string
		want       []string
	}{
		{"message", "", event.Event{Type: event.MessageSend, Actor: &event.Actor{ID: "ann", Platform: "mac"}, Conversation: direct, Message: text}, "/message_sync", []string{"fromUserId=ann&toUserId=bob&channelType=PERSON&objectName=RC:TxtMsg&content={\"content\":\"a \\\"b\\\" & c\"}&msgUID=M1&msgTimestamp=1795200000123&source=PC&sensitiveType=0"}},
		{"directed group message in a topic", "", event.Event{Type: event.MessageSend, Actor: ann, Conversation: &event.Conversation{Kind: event.KindGroup, ID: "g1", Topic: "t"}, Members: two, Message: text}, "/message_sync", []string{"fromUserId=ann&toUserId=g1&channelType=ULTRAGROUP&objectName=RC:TxtMsg&content={\"content\":\"a \\\"b\\\" & c\"}&msgUID=M1&busChannel=t&groupUserIds=bob&groupUserIds=carl&msgTimestamp=1795200000123&source=&sensitiveType=0"}},
		{"channel message without an id", "", event.Event{Type: event.MessageSend, Actor: ann, Conversation: &event.Conversation{Kind: event.KindChannel, ID: "c1"}, Message: &event.Message{Kind: event.Text, Text: "x"}}, "/message_sync", []string{"fromUserId=ann&toUserId=c1&channelType=MP&objectName=RC:TxtMsg&content={\"content\":\"x\"}&msgUID=ev1&msgTimestamp=1795200000123&source=&sensitiveType=0"}},
		{"intercepted message", "", event.Event{Type: event.MessageIntercept, Actor: ann, Conversation: group, Message: text, Moderation: &event.Moderation{Verdict: "replace"}}, "/message_sync", []string{"fromUserId=ann&toUserId=g1&channelType=GROUP&objectName=RC:TxtMsg&content={\"content\":\"a \\\"b\\\" & c\"}&msgUID=M1&msgTimestamp=1795200000123&source=&sensitiveType=2"}},
		{"edit that names the message itself", "", event.Event{Type: event.MessageEdit, Actor: ann, Conversation: group, Message: text}, "/message_sync", []string{"fromUserId=ann&toUserId=g1&channelType=GROUP&objectName=RC:TxtMsg&content={\"content\":\"a \\\"b\\\" & c\"}&msgUID=M1&msgTimestamp=1795200000123&source=&sensitiveType=0&originalMsgUID=M1"}},
		{"question", "", event.Event{Type: event.MessageSend, Phase: event.Before, Actor: onIOS, Conversation: group, Members: two, Message: &event.Message{ID: "M1", Kind: event.Text, Text: "x", Push: &event.Push{Title: "t", Content: "c", Disabled: true}}, Presence: &event.Presence{Address: "203.0.113.9:1"}}, "/message_callback", []string{"appKey=k1&fromUserId=ann&targetId=g1&channelType=GROUP&msgType=RC:TxtMsg&content={\"content\":\"x\"}&messageId=M1&toUserIds=bob,carl&msgTimeStamp=1795200000123&os=iOS&clientIp=203.0.113.9:1&pushContent=c&pushExt={\"title\":\"t\"}&disablePush=true"}},
		{"question whether to rewrite", "", event.Event{Type: event.MessageModify, Phase: event.Before, Actor: onIOS, Conversation: direct, Message: text}, "/message_callback", []string{"appKey=k1&fromUserId=ann&targetId=bob&channelType=PERSON&msgType=RC:TxtMsg&content={\"content\":\"a \\\"b\\\" & c\"}&messageId=M1&msgTimeStamp=1795200000123&os=iOS&clientIp="}},
		{"recall by an admin outside", "", event.Event{Type: event.MessageRecall, Actor: &event.Actor{ID: "root", System: true}, Conversation: direct, Message: &event.Message{ID: "M1", Sender: "bob"}}, "/message_operation", []string{`{"eventType":1,"fromUserId":"bob","optTime":1795200000123,"source":"","conversationInfo":{"conversationType":1,"targetId":"ann"},"originalMsgInfo":{"messageId":"M1","messageTime":0},"recallMsgInfo":{"isDelete":0,"isAdmin":1}}`}},
		{"moderation", "", event.Event{Type: event.ModerationResult, Actor: ann, Conversation: room, Message: text, Moderation: &event.Moderation{Verdict: "recall", Provider: "p"}}, "/audit_result", []string{`{"result":10001,"content":"{\"appKey\":\"k1\",\"fromUserId\":\"ann\",\"targetId\":\"r1\",\"conversationType\":\"TEMPGROUP\",\"objectName\":\"RC:TxtMsg\",\"message\":\"{\\\"content\\\":\\\"a \\\\\\\"b\\\\\\\" & c\\\"}\",\"messageId\":\"M1\",\"clientOs\":\"\",\"messageTime\":0}","msgUID":"M1","serviceProvider":"p","resultDetail":"{}"}`}},
		{"moderation with a label", "", event.Event{Type: event.ModerationResult, Actor: ann, Conversation: room, Message: &event.Message{ID: "M1", Kind: event.Text, Text: "x", SentAt: at.Add(-time.Second)}, Moderation: &event.Moderation{Verdict: "refuse", Label: "ad", Words: []string{"w"}, Detail: "REJECT"}}, "/audit_result", []string{`{"result":10001,"content":"{\"appKey\":\"k1\",\"fromUserId\":\"ann\",\"targetId\":\"r1\",\"conversationType\":\"TEMPGROUP\",\"objectName\":\"RC:TxtMsg\",\"message\":\"{\\\"content\\\":\\\"x\\\"}\",\"messageId\":\"M1\",\"clientOs\":\"\",\"messageTime\":1795199999123}","msgUID":"M1","serviceProvider":"","resultDetail":"{\"detail\":\"REJECT\",\"label\":\"ad\",\"words\":[\"w\"]}"}`}},
		{"moderation with a finding in JSON", "", event.Event{Type: event.ModerationResult, Actor: ann, Conversation: room, Message: text, Moderation: &event.Moderation{Verdict: "pass", Label: "ad", Detail: `{"risk":0}`}}, "/audit_result", []string{`{"result":10000,"content":"{\"appKey\":\"k1\",\"fromUserId\":\"ann\",\"targetId\":\"r1\",\"conversationType\":\"TEMPGROUP\",\"objectName\":\"RC:TxtMsg\",\"message\":\"{\\\"content\\\":\\\"a \\\\\\\"b\\\\\\\" & c\\\"}\",\"messageId\":\"M1\",\"clientOs\":\"\",\"messageTime\":0}","msgUID":"M1","serviceProvider":"","resultDetail":"{\"risk\":0}"}`}},
		{"recall by nobody in particular", "", event.Event{Type: event.MessageRecall, Conversation: direct, Message: &event.Message{ID: "M1", Sender: "bob"}}, "/message_operation", []string{`{"eventType":1,"fromUserId":"bob","optTime":1795200000123,"source":"","conversationInfo":{"conversationType":1,"targetId":"ann"},"originalMsgInfo":{"messageId":"M1","messageTime":0},"recallMsgInfo":{"isDelete":0,"isAdmin":0}}`}},
		{"recall in a channel", "", event.Event{Type: event.MessageRecall, Conversation: &event.Conversation{Kind: event.KindChannel, ID: "c1"}, Message: &event.Message{ID: "M1"}}, "/message_operation", []string{`{"eventType":1,"fromUserId":"c1","optTime":1795200000123,"source":"","conversationInfo":{"conversationType":8,"targetId":"c1"},"originalMsgInfo":{"messageId":"M1","messageTime":0},"recallMsgInfo":{"isDelete":0,"isAdmin":0}}`}},
		{"sound of a second and a bit", "", event.Event{Type: event.MessageSend, Actor: ann, Conversation: group, Message: &event.Message{ID: "M1", Kind: event.Audio, Media: &event.Media{URL: "u", Seconds: 1.25}}}, "/message_sync", []string{"fromUserId=ann&toUserId=g1&channelType=GROUP&objectName=RC:HQVCMsg&content={\"remoteUrl\":\"u\",\"duration\":2}&msgUID=M1&msgTimestamp=1795200000123&source=&sensitiveType=0"}},
		{"two users online", "", event.Event{Type: event.UserOnline, Members: two, Presence: &event.Presence{Platform: "android-pad", Client: "c9"}}, "/online_status", []string{`[{"userid":"bob","status":"0","os":"Android","time":1795200000123,"clientIp":"","sessionId":"c9"}]`, `[{"userid":"carl","status":"0","os":"Android","time":1795200000123,"clientIp":"","sessionId":"c9"}]`}},
		{"kicked user", "", event.Event{Type: event.UserKick, Actor: ann}, "/online_status", []string{`[{"userid":"ann","status":"1","os":"","time":1795200000123,"clientIp":"","sessionId":""}]`}},
		{"two attributes", "", event.Event{Type: event.ChatroomAttributeSet, Actor: ann, Conversation: room, Chatroom: &event.Chatroom{Attributes: map[string]string{"b": "2", "a": "1"}}}, "/chatroom_kv", []string{
			`{"chatroomId":"r1","key":"a","value":"1","optType":1,"userId":"ann","status":0,"timestamp":1795200000123,"version":1795200000123}`,
			`{"chatroomId":"r1","key":"b","value":"2","optType":1,"userId":"ann","status":0,"timestamp":1795200000123,"version":1795200000123}`,
		}},
		{"attributes cleared", "", event.Event{Type: event.ChatroomAttributeClear, Conversation: room}, "/chatroom_kv", []string{`{"chatroomId":"r1","key":"","value":"","optType":3,"userId":"","status":0,"timestamp":1795200000123,"version":1795200000123}`}},
		{"deactivated", "", event.Event{Type: event.UserDeactivate, User: &event.User{ID: "bob"}}, "/user_deactivation", []string{"userId=bob&operateId=&type=0&code=0&time=1795200000123"}},
		{"banned", "", event.Event{Type: event.GroupMemberBan, Actor: ann, Conversation: group, Members: two}, "/group_operation", []string{`[{"groupId":"g1","eventType":3,"time":1795200000123,"optUserId":"ann","userIds":["bob","carl"]}]`}},
		{"left without members", "", event.Event{Type: event.GroupMemberLeave, Actor: ann, Conversation: group}, "/group_operation", []string{`[{"groupId":"g1","eventType":4,"time":1795200000123,"optUserId":"ann","userIds":["ann"]}]`}},
		{"transferred", "", event.Event{Type: event.GroupTransfer, Actor: ann, Group: &event.Group{ID: "g1", Owner: "bob"}}, "/group_operation", []string{`[{"groupId":"g1","eventType":8,"time":1795200000123,"optUserId":"ann","userIds":["bob"]}]`}},
		{"dissolved", "", event.Event{Type: event.GroupDestroy, Conversation: group, Members: two}, "/group_operation", []string{`[{"groupId":"g1","eventType":5,"time":1795200000123}]`}},
		{"announced", "", event.Event{Type: event.GroupAnnounce, Actor: ann, Conversation: group, Group: &event.Group{Announcement: "a"}}, "/group_profile", []string{`[{"groupId":"g1","time":1795200000123,"optUserId":"ann","groupProfile":{"announcement":"a"}}]`}},
		{"announcement removed", "", event.Event{Type: event.GroupUnannounce, Conversation: group}, "/group_profile", []string{`[{"groupId":"g1","time":1795200000123,"groupProfile":{"announcement":""}}]`}},
		{"announcement removed, and which", "", event.Event{Type: event.GroupUnannounce, Conversation: group, Group: &event.Group{Announcement: "a"}}, "/group_profile", []string{`[{"groupId":"g1","time":1795200000123,"groupProfile":{"announcement":""}}]`}},
		{"profile", "", event.Event{Type: event.UserUpdate, Actor: ann, User: &event.User{DisplayName: "Ann", Extra: "plain"}}, "/user_profile", []string{`userId=ann&type=1&time=1795200000123&userProfile={"name":"Ann"}&userExtProfile={"extra":"plain"}`}},
		{"friends imported", "", event.Event{Type: event.FriendImport, Actor: ann, Members: two}, "/friend_relation", []string{`{"eventType":5,"userId":"ann","toUserId":"bob","time":1795200000123,"source":"Server"}`, `{"eventType":5,"userId":"ann","toUserId":"carl","time":1795200000123,"source":"Server"}`}},
		{"friend request", "", event.Event{Type: event.FriendRequest, Actor: onIOS, Conversation: direct, Friend: &event.Friend{Text: "hi"}}, "/friend_relation", []string{`{"eventType":1,"userId":"ann","toUserId":"bob","time":1795200000123,"source":"iOS","extra":"hi"}`}},
		{"bot message", "", event.Event{Type: event.BotMessageSend, Actor: ann, Conversation: direct, Members: bobs, Message: text}, "/bot", []string{`{"type":"message:private","timestamp":1795200000123,"bot":{"userId":"bob"},"data":{"fromUserId":"ann","messageUId":"M1","toUserId":"bob","objectName":"RC:TxtMsg","content":"{\"content\":\"a \\\"b\\\" & c\"}","channelType":"PERSON"}}`}},
		{"bot mentioned", "", event.Event{Type: event.BotMessageSend, Actor: ann, Conversation: group, Members: bobs, Message: &event.Message{ID: "M1", Kind: event.Text, Text: "x"}}, "/bot", []string{`{"type":"message:group_mentioned","timestamp":1795200000123,"bot":{"userId":"bob"},"data":{"fromUserId":"ann","messageUId":"M1","toUserId":"g1","objectName":"RC:TxtMsg","content":"{\"content\":\"x\"}","channelType":"GROUP","groupId":"g1"}}`}},

		{"nexconn message", "nexconn", event.Event{Type: event.MessageSend, Actor: ann, Conversation: group, Members: two, Message: text}, "", []string{`{"type":"message:send","id":"ev1","time":1795200000123,"data":[{"userId":"ann","channelId":"g1","channelType":3,"messageType":"RC:TxtMsg","content":"{\"content\":\"a \\\"b\\\" & c\"}","messageId":"M1","groupUserIds":["bob","carl"],"time":1795200000123}]}`}},
		{"nexconn question", "nexconn", event.Event{Type: event.MessageSend, Phase: event.Before, Actor: onIOS, Conversation: room, Message: text}, "", []string{`{"type":"open_channel:pre_messaging","id":"ev1","time":1795200000123,"data":[{"appKey":"k1","userId":"ann","channelId":"r1","messageType":"RC:TxtMsg","content":"{\"content\":\"a \\\"b\\\" & c\"}","messageId":"M1","time":1795200000123,"os":"iOS"}]}`}},
		{"nexconn offline", "nexconn", event.Event{Type: event.UserOffline, Actor: ann, Presence: &event.Presence{Reason: "logout"}}, "", []string{`{"type":"user:connection_status","id":"ev1","time":1795200000123,"data":[{"userId":"ann","status":"2","time":1795200000123}]}`}},
		{"nexconn online twice", "nexconn", event.Event{Type: event.UserOnline, Members: two}, "", []string{
			`{"type":"user:connection_status","id":"ev1.0","time":1795200000123,"data":[{"userId":"bob","status":"0","time":1795200000123}]}`,
			`{"type":"user:connection_status","id":"ev1.1","time":1795200000123,"data":[{"userId":"carl","status":"0","time":1795200000123}]}`,
		}},
		{"nexconn activated twice", "nexconn", event.Event{Type: event.UserActivate, Members: two}, "", []string{
			`{"type":"user:activation_state","id":"ev1.0","time":1795200000123,"data":[{"userId":"bob","operateId":"","operationType":1,"code":"0","time":1795200000123}]}`,
			`{"type":"user:activation_state","id":"ev1.1","time":1795200000123,"data":[{"userId":"carl","operateId":"","operationType":1,"code":"0","time":1795200000123}]}`,
		}},
		{"nexconn activated", "nexconn", event.Event{Type: event.UserActivate, Members: bobs}, "", []string{`{"type":"user:activation_state","id":"ev1","time":1795200000123,"data":[{"userId":"bob","operateId":"","operationType":1,"code":"0","time":1795200000123}]}`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ev := tt.ev
			ev.ID, ev.Dialect, ev.Vendor = "ev1", "tencent", []byte(`{"status":5,"content":{"x":1},"os":"Amiga"}`)
			if ev.Phase == "" {
				ev.Phase = event.After
			}
			reqs, err := rongcloud.New().Encode(&ev, toTarget(tt.generation))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for k, r := range reqs {
				body := string(r.Body)
				if r.ContentType == "application/x-www-form-urlencoded" {
					if body, err = url.QueryUnescape(body); err != nil {
						t.Fatal(err)
					}
				}
				got = append(got, body)
				if r.Path != tt.path {
					t.Errorf("path = %q, want %q", r.Path, tt.path)
				}
				if len(reqs) > 1 && r.ID != event.PartID("ev1", k) {
					t.Errorf("request %d has the id %q", k, r.ID)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestEncode_SaysWhyNot(t *testing.T) {
	t.Parallel()
	text := &event.Message{ID: "M1", Kind: event.Text, Text: "x"}
	for _, tt := range []struct {
		name       string
		generation string
		ev         event.Event
		want       string
	}{
		{"no callback", "", event.Event{Type: event.GroupMute}, "no callback for group.mute"},
		{"no question", "", event.Event{Type: event.GroupCreate, Phase: event.Before}, "before messages only"},
		{"no message", "", event.Event{Type: event.MessageSend, Actor: ann, Conversation: group}, "no message"},
		{"no sender", "", event.Event{Type: event.MessageSend, Conversation: group, Message: text}, "nobody sent"},
		{"no conversation", "", event.Event{Type: event.MessageSend, Actor: ann, Message: text}, "no conversation"},
		{"a stranger's message", "", event.Event{Type: event.MessageSend, Actor: &event.Actor{ID: "eve"}, Conversation: direct, Message: text}, "no peer"},
		{"a conference", "", event.Event{Type: event.MessageSend, Actor: ann, Conversation: &event.Conversation{Kind: event.KindConference, ID: "x"}, Message: text}, "conversation of kind conference"},
		{"passed by the word list", "", event.Event{Type: event.MessageIntercept, Actor: ann, Conversation: group, Message: text, Moderation: &event.Moderation{Verdict: "pass"}}, "let pass"},
		{"recall of nothing", "", event.Event{Type: event.MessageRecall, Actor: ann, Conversation: group}, "does not name the message"},
		{"a profile's moderation", "", event.Event{Type: event.ModerationResult, Actor: ann, Conversation: direct, Moderation: &event.Moderation{Verdict: "pass"}}, "messages only"},
		{"replaced by a moderator", "", event.Event{Type: event.ModerationResult, Actor: ann, Conversation: direct, Message: text, Moderation: &event.Moderation{Verdict: "replace"}}, "do not replace"},
		{"one friend", "", event.Event{Type: event.FriendRemove, Actor: ann}, "two users"},
		{"no attribute", "", event.Event{Type: event.ChatroomAttributeSet, Conversation: room}, "names no attribute"},
		{"no group", "", event.Event{Type: event.GroupUpdate}, "names no group"},
		{"nobody kicked", "", event.Event{Type: event.GroupMemberKick, Actor: ann, Conversation: group}, "names no member"},
		{"nobody kicked out of a room", "", event.Event{Type: event.ChatroomMemberKick, Actor: ann, Conversation: room}, "names no member"},
		{"nobody banned from a room", "", event.Event{Type: event.ChatroomMemberBan, Actor: ann, Conversation: room}, "names no member"},
		{"a server that enters", "", event.Event{Type: event.ChatroomMemberJoin, Actor: &event.Actor{ID: "root", System: true}, Conversation: room}, "names no member"},
		{"a server's account", "", event.Event{Type: event.UserDeactivate, Actor: &event.Actor{ID: "root", System: true}}, "names no user"},
		{"a bot in a room", "", event.Event{Type: event.BotMessageSend, Actor: ann, Conversation: room, Members: bobs, Message: text}, "direct and group"},
		{"not a webhook", "nexconn", event.Event{Type: event.GroupCreate, Conversation: group}, "no documented webhook"},
		{"a channel's question", "nexconn", event.Event{Type: event.MessageSend, Phase: event.Before, Actor: ann, Conversation: &event.Conversation{Kind: event.KindChannel, ID: "c"}, Message: text}, "Nexconn asks before messages of"},
	} {
		ev := tt.ev
		ev.Dialect = "openim"
		if ev.Phase == "" {
			ev.Phase = event.After
		}
		_, err := rongcloud.New().Encode(&ev, toTarget(tt.generation))
		if !errors.Is(err, dialect.ErrUntranslatable) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: err = %v, want one that says %q", tt.name, err, tt.want)
		}
	}
}

// Every type of the catalogue that the dialect says it can write is written, and
// reads back as the same type or as the documented other one.
func TestEncode_ContentKinds(t *testing.T) {
	t.Parallel()
	back := map[event.ContentKind]event.ContentKind{event.UnknownKind: event.Custom}
	for _, kind := range event.ContentKinds() {
		m := &event.Message{
			ID: "M1", Kind: kind, Code: "TIMElem", Text: "words", Extra: "x",
			Media:    &event.Media{URL: "https://x.example/f", Name: "f", Size: 5, Seconds: 1.5, Width: 3, Height: 4, Thumbnail: "https://x.example/t"},
			Location: &event.Place{Latitude: 1.5, Longitude: -2.25, Title: "here"},
			Custom:   &event.Payload{Name: "RC:forged", Data: `{"a":1}`},
			Mentions: &event.Mentions{All: true},
		}
		ev := event.Event{ID: "ev1", Type: event.MessageSend, Phase: event.After, Dialect: "tencent", Actor: ann, Conversation: group, Message: m}
		reqs, err := rongcloud.New().Encode(&ev, toTarget(""))
		if err != nil {
			t.Errorf("%s: %v", kind, err)
			continue
		}
		evs, err := rongcloud.New().Decode(&reqs[0])
		if err != nil {
			t.Fatal(err)
		}
		got := evs[0].Message
		want := kind
		if other, ok := back[kind]; ok {
			want = other
		}
		if got.Kind != want {
			t.Errorf("%s reads back as %s (%s)", kind, got.Kind, reqs[0].Body)
		}
		switch kind {
		case event.Text, event.Quote, event.Notification, event.LinkCard:
			if got.Text != m.Text || got.Extra != m.Extra || got.Mentions == nil || !got.Mentions.All {
				t.Errorf("%s: text, extra or mentions are lost: %+v", kind, got)
			}
		case event.Image, event.Video, event.File, event.Audio:
			if got.Media == nil || got.Media.URL != m.Media.URL {
				t.Errorf("%s: media are lost: %+v", kind, got.Media)
			}
		case event.Location:
			if diff := cmp.Diff(&event.Place{Latitude: 1.5, Longitude: -2.25, Address: "here"}, got.Location); diff != "" {
				t.Errorf("%s (-want +got):\n%s", kind, diff)
			}
		default:
			if got.Custom == nil || !strings.Contains(got.Custom.Data, `a`) {
				t.Errorf("%s: the payload is lost: %+v", kind, got.Custom)
			}
		}
		if kind == event.UnknownKind && got.Code == "RC:forged" {
			t.Error("another dialect's payload chose a type of the vendor's")
		}
	}
}
