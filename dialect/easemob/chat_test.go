package easemob_test

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
	"github.com/imhook/imhook/dialect/easemob"
	"github.com/imhook/imhook/event"
)

// A one-to-one text as old servers write it.
const directText = `{"callId":"acme#shop_901","eventType":"chat","timestamp":1795200000123,"chat_type":"chat",` +
	`"from":"ann","to":"bob","msg_id":"901","payload":{"ext":{},"bodies":[{"msg":"hello","type":"txt"}]},` +
	`"securityVersion":"1.0.0","security":"0","appkey":"acme#shop","host":"node-3"}`

// A group's text as new servers write it.
const groupText = `{"callId":"acme#shop_902","eventType":"chat","timestamp":1795200000456,"chat_type":"groupchat",` +
	`"group_id":"7001","from":"ann","to":"7001","msg_id":"902","payload":{"ext":{"lang":"de"},` +
	`"bodies":[{"msg":"hi all","type":"txt"}],"from":"ann","to":"7001","type":"groupchat"},` +
	`"security":"0","appkey":"acme#shop","host":"node-3","content_type":"chat:group:text"}`

func decode(t *testing.T, body string) *event.Event {
	t.Helper()
	evs, err := easemob.New().Decode(&dialect.Request{ContentType: "application/json", Body: []byte(body)})
	if err != nil {
		t.Fatalf("decoding %s: %v", body, err)
	}
	if len(evs) != 1 {
		t.Fatalf("decoding %s: %d events, want 1", body, len(evs))
	}
	return evs[0]
}

// change replaces the one place of old in body.
func change(t *testing.T, body string, pairs ...string) string {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if strings.Count(body, pairs[i]) != 1 {
			t.Fatalf("%s stands %d times in %s", pairs[i], strings.Count(body, pairs[i]), body)
		}
		body = strings.Replace(body, pairs[i], pairs[i+1], 1)
	}
	return body
}

func TestDecode_DirectText(t *testing.T) {
	t.Parallel()
	want := &event.Event{
		Type: event.MessageSend, Phase: event.After, Time: time.UnixMilli(1795200000123).UTC(),
		Dialect: "easemob", Command: "chat:txt", Lane: "direct:ann|bob", Links: []string{"msg:901"},
		Dedupe:       "13:acme#shop_901bob",
		Actor:        &event.Actor{ID: "ann"},
		Conversation: &event.Conversation{Kind: event.KindDirect, ID: "ann|bob"},
		Message:      &event.Message{ID: "901", Kind: event.Text, Code: "txt", Text: "hello"},
		Vendor:       []byte(`{"securityVersion":"1.0.0","appkey":"acme#shop","host":"node-3"}`),
		Raw:          event.Raw{Dialect: "easemob", ContentType: "application/json", Body: []byte(directText)},
	}
	if diff := cmp.Diff(want, decode(t, directText)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestDecode_GroupText(t *testing.T) {
	t.Parallel()
	want := &event.Event{
		Type: event.MessageSend, Phase: event.After, Time: time.UnixMilli(1795200000456).UTC(),
		Dialect: "easemob", Command: "groupchat:txt", Lane: "group:7001", Links: []string{"msg:902"},
		Dedupe:       "13:acme#shop_9027001",
		Actor:        &event.Actor{ID: "ann"},
		Conversation: &event.Conversation{Kind: event.KindGroup, ID: "7001"},
		Message:      &event.Message{ID: "902", Kind: event.Text, Code: "txt", Text: "hi all", Extra: `{"lang":"de"}`},
		Vendor:       []byte(`{"payload":{"from":"ann","to":"7001","type":"groupchat"},"appkey":"acme#shop","host":"node-3","content_type":"chat:group:text"}`),
		Raw:          event.Raw{Dialect: "easemob", ContentType: "application/json", Body: []byte(groupText)},
	}
	if diff := cmp.Diff(want, decode(t, groupText)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// again checks that encoding and decoding ev gives ev.
func again(t *testing.T, ev *event.Event) {
	t.Helper()
	reqs, err := easemob.New().Encode(ev, dialect.Target{Generation: ev.Generation})
	if err != nil {
		t.Fatalf("encoding: %v", err)
	}
	if len(reqs) != 1 {
		t.Fatalf("%d requests, want 1", len(reqs))
	}
	evs, err := easemob.New().Decode(&reqs[0])
	if err != nil {
		t.Fatalf("decoding %s: %v", reqs[0].Body, err)
	}
	if diff := cmp.Diff([]*event.Event{ev}, evs, cmpopts.IgnoreFields(event.Event{}, "Raw")); diff != "" {
		t.Errorf("round trip through %s (-first +second):\n%s", reqs[0].Body, diff)
	}
}

func TestDecode_VariantsKeepTheirMeaningThroughEncode(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		body  string
		check func(t *testing.T, ev *event.Event)
	}{
		{"direct", directText, func(t *testing.T, _ *event.Event) { t.Helper() }},
		{"group", groupText, func(t *testing.T, _ *event.Event) { t.Helper() }},
		{
			"chatroom", change(t, groupText, "chat:group:text", "chat:room:text"),
			func(t *testing.T, ev *event.Event) {
				t.Helper()
				if ev.Command != "chatroom:txt" || ev.Lane != "chatroom:7001" || ev.Conversation.Kind != event.KindChatroom {
					t.Errorf("command %q, lane %q", ev.Command, ev.Lane)
				}
			},
		},
		{
			"kept for an offline user", change(t, directText, `"eventType":"chat"`, `"eventType":"chat_offline"`),
			func(t *testing.T, ev *event.Event) {
				t.Helper()
				if ev.Command != "chat:txt/offline" || ev.Type != event.MessagePushOffline || ev.Lane != "direct:ann|bob" {
					t.Errorf("command %q, type %q, lane %q", ev.Command, ev.Type, ev.Lane)
				}
				if diff := cmp.Diff([]event.Member{{ID: "bob"}}, ev.Members); diff != "" {
					t.Errorf("members (-want +got):\n%s", diff)
				}
			},
		},
		{
			"kept for an offline member", change(t, groupText, `"eventType":"chat"`, `"eventType":"chat_offline"`, `"to":"7001","msg_id"`, `"to":"carl","msg_id"`),
			func(t *testing.T, ev *event.Event) {
				t.Helper()
				if ev.Command != "groupchat:txt/offline" || ev.Type != event.MessagePushOffline || ev.Lane != "group:7001" {
					t.Errorf("command %q, type %q, lane %q", ev.Command, ev.Type, ev.Lane)
				}
				if diff := cmp.Diff([]event.Member{{ID: "carl"}}, ev.Members); diff != "" {
					t.Errorf("members (-want +got):\n%s", diff)
				}
				if want := "13:acme#shop_902carl"; ev.Dedupe != want {
					t.Errorf("dedupe = %q, want %q", ev.Dedupe, want)
				}
			},
		},
		{
			"wrapped ids", change(t, directText, `"from":"ann"`, `"from":"acme#shop_ann_b@easemob.com/android_4f"`, `"to":"bob"`, `"to":"acme#shop_bob@easemob.com"`),
			func(t *testing.T, ev *event.Event) {
				t.Helper()
				if diff := cmp.Diff(&event.Actor{ID: "ann_b", Client: "android_4f", Platform: "android"}, ev.Actor); diff != "" {
					t.Errorf("actor (-want +got):\n%s", diff)
				}
				if ev.Lane != "direct:ann_b|bob" {
					t.Errorf("lane = %q", ev.Lane)
				}
				if !strings.Contains(string(ev.Vendor), `"from":"acme#shop_ann_b@easemob.com/android_4f"`) {
					t.Errorf("vendor = %s", ev.Vendor)
				}
			},
		},
		{
			"an id that holds an underscore is not cut without the app key", change(t, directText, `"from":"ann"`, `"from":"acme_ann"`),
			func(t *testing.T, ev *event.Event) {
				t.Helper()
				if ev.Actor.ID != "acme_ann" {
					t.Errorf("actor = %q", ev.Actor.ID)
				}
			},
		},
		{
			"wrapped group", change(t, groupText, `"group_id":"7001"`, `"group_id":"acme#shop_7001@conference.easemob.com"`),
			func(t *testing.T, ev *event.Event) {
				t.Helper()
				if ev.Lane != "group:7001" {
					t.Errorf("lane = %q", ev.Lane)
				}
			},
		},
		{
			"group named by to alone", change(t, groupText, `"group_id":"7001",`, ``),
			func(t *testing.T, ev *event.Event) {
				t.Helper()
				if ev.Lane != "group:7001" {
					t.Errorf("lane = %q", ev.Lane)
				}
			},
		},
		{
			"sent by the server", change(t, directText, `"from":"ann"`, `"from":"admin"`),
			func(t *testing.T, ev *event.Event) {
				t.Helper()
				if diff := cmp.Diff(&event.Actor{System: true}, ev.Actor); diff != "" {
					t.Errorf("actor (-want +got):\n%s", diff)
				}
				if ev.Message.Sender != "admin" || ev.Lane != "direct:admin|bob" {
					t.Errorf("sender %q, lane %q", ev.Message.Sender, ev.Lane)
				}
			},
		},
		{
			"call id of its own", change(t, directText, `"callId":"acme#shop_901"`, `"callId":"acme#shop_6ba7b810"`),
			func(t *testing.T, ev *event.Event) {
				t.Helper()
				if ev.Dedupe != "18:acme#shop_6ba7b810bob" || !strings.Contains(string(ev.Vendor), `"callId":"acme#shop_6ba7b810"`) {
					t.Errorf("dedupe %q, vendor %s", ev.Dedupe, ev.Vendor)
				}
			},
		},
		{
			"no message id and no time", change(t, directText, `"msg_id":"901",`, ``, `"timestamp":1795200000123,`, ``),
			func(t *testing.T, ev *event.Event) {
				t.Helper()
				if len(ev.Links) != 0 || !ev.Time.IsZero() {
					t.Errorf("links %v, time %v", ev.Links, ev.Time)
				}
			},
		},
		{
			"combined", change(t, directText, `{"msg":"hello","type":"txt"}`,
				`{"msg":"3 messages","type":"txt","subType":"sub_combine","title":"Chat of ann","summary":"a: b","combineLevel":2,"filename":"17","file_length":512,"url":"https://files.example/17","secret":"zq"}`),
			func(t *testing.T, ev *event.Event) {
				t.Helper()
				want := &event.Message{
					ID: "901", Kind: event.Merged, Code: "txt", Text: "3 messages",
					Media: &event.Media{URL: "https://files.example/17", Name: "17", Size: 512},
				}
				if diff := cmp.Diff(want, ev.Message); diff != "" {
					t.Errorf("message (-want +got):\n%s", diff)
				}
				if want := `"bodies":[{"title":"Chat of ann","summary":"a: b","combineLevel":2,"secret":"zq"}]`; !strings.Contains(string(ev.Vendor), want) {
					t.Errorf("vendor = %s, want %s in it", ev.Vendor, want)
				}
			},
		},
		{
			"two elements", change(t, directText, `{"msg":"hello","type":"txt"}`, `{"msg":"hello","type":"txt"},{"type":"loc","lat":1.5,"lng":2,"addr":"x"},{"msg":"bye","type":"txt"}`),
			func(t *testing.T, ev *event.Event) {
				t.Helper()
				want := []event.Message{
					{Kind: event.Text, Code: "txt", Text: "hello"},
					{Kind: event.Location, Code: "loc", Location: &event.Place{Latitude: 1.5, Longitude: 2, Address: "x"}},
					{Kind: event.Text, Code: "txt", Text: "bye"},
				}
				if diff := cmp.Diff(want, ev.Message.Parts); diff != "" {
					t.Errorf("parts (-want +got):\n%s", diff)
				}
				if ev.Message.Text != "hello" {
					t.Errorf("text = %q", ev.Message.Text)
				}
			},
		},
		{
			"odd ext", change(t, directText, `"ext":{}`, `"ext":["x"]`),
			func(t *testing.T, ev *event.Event) {
				t.Helper()
				if ev.Message.Extra != "" || !strings.Contains(string(ev.Vendor), `"ext":["x"]`) {
					t.Errorf("extra %q, vendor %s", ev.Message.Extra, ev.Vendor)
				}
			},
		},
		{
			"keys given twice", change(t, directText, `"ext":{}`, `"ext":{"a":1,"a":{"b":2,"b":3}}`, `"host":"node-3"`, `"new":1,"new":[2],"host":"node-3"`),
			func(t *testing.T, ev *event.Event) {
				t.Helper()
				if want := `{"a":{"b":3}}`; ev.Message.Extra != want {
					t.Errorf("extra = %s, want %s", ev.Message.Extra, want)
				}
				if !strings.Contains(string(ev.Vendor), `"new":[2]`) {
					t.Errorf("vendor = %s", ev.Vendor)
				}
				if _, err := ev.MarshalJSON(); err != nil {
					t.Errorf("writing the CloudEvent: %v", err)
				}
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ev := decode(t, tt.body)
			if string(ev.Raw.Body) != tt.body {
				t.Errorf("raw body = %s", ev.Raw.Body)
			}
			if strings.Contains(string(ev.Vendor), `"security"`) {
				t.Errorf("the signature stands in vendor: %s", ev.Vendor)
			}
			tt.check(t, ev)
			again(t, ev)
		})
	}
}

func TestDecode_OneCallIDForEachOfflineMemberIsManyEvents(t *testing.T) {
	t.Parallel()
	offline := change(t, groupText, `"eventType":"chat"`, `"eventType":"chat_offline"`, `"to":"7001","msg_id"`, `"to":"MEMBER","msg_id"`)
	seen := map[string]bool{}
	for _, body := range []string{groupText, change(t, offline, "MEMBER", "bob"), change(t, offline, "MEMBER", "carl")} {
		ev := decode(t, body)
		seen[ev.Command+" "+ev.Dedupe] = true
	}
	if len(seen) != 3 {
		t.Errorf("%d different events, want 3: %v", len(seen), seen)
	}
}

func TestDecode_KeepsWholeWhatNobodyKnows(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, path, body, command, lane string }{
		{"an operation of tomorrow", "", `{"callId":"c","eventType":"chat","chat_type":"muc","group_id":"7","from":"ann","to":"bob","payload":{"operation":"rename"}}`, "muc:rename", "group:7"},
		{"an operation that failed", "", `{"callId":"c","eventType":"chat","chat_type":"muc","group_id":"7","from":"ann","to":"bob","payload":{"operation":"kick","status":{"error_code":"forbidden"}}}`, "muc:kick", "group:7"},
		{"an operation on no group", "", `{"callId":"c","eventType":"chat","chat_type":"muc","from":"ann","to":"bob","payload":{"operation":"kick"}}`, "muc:kick", "direct:ann|bob"},
		{"an operation that chatrooms lack", "", `{"callId":"c","eventType":"chat","chat_type":"muc","group_id":"7","from":"ann","to":"bob","payload":{"operation":"apply","is_chatroom":true}}`, "muc:apply", "chatroom:7"},
		{"a fact of tomorrow", "", `{"callId":"c","event":"group_op_event","operation":"PIN","type":"GROUP","id":"7","operator":"ann","payload":{"type":"ADD"}}`, "group_op:PIN/ADD", "group:7"},
		{"a place of tomorrow", "", `{"callId":"c","event":"group_op_event","operation":"DELETE","type":"CIRCLE","id":"7","operator":"ann"}`, "group_op:DELETE", "group:7"},
		{"a chatroom that is disabled", "", `{"callId":"c","event":"group_op_event","operation":"UPDATE","type":"CHATROOM","id":"7","operator":"ann","payload":{"type":"DISABLE","disable":true}}`, "group_op:UPDATE/DISABLE", "chatroom:7"},
		{"muted or not", "", `{"callId":"c","event":"group_op_event","operation":"UPDATE","type":"GROUP","id":"7","operator":"ann","payload":{"type":"MUTE"}}`, "group_op:UPDATE/MUTE", "group:7"},
		{"a super admin without a name", "", `{"callId":"c","event":"group_op_event","operation":"ROOM_SUPER_ADMIN","type":"CHATROOM","id":"","operator":"ann","payload":{"type":"ADD"}}`, "group_op:ROOM_SUPER_ADMIN/ADD", "system:"},
		{"a contact of nobody", "", `{"callId":"c","eventType":"chat","chat_type":"roster","from":"ann","to":"","payload":{"operation":"add"}}`, "roster:add", "system:"},
		{"reactions to nothing", "", `{"chat_type":"notify","from":"ann","to":"bob","payload":{"type":"reaction","data":[]}}`, "notify:reaction", "system:"},
		{"a thread nowhere", "", `{"chat_type":"notify","from":"ann","to":"bob","payload":{"type":"thread","data":{"id":"1"}}}`, "notify:thread", "system:"},
		{"another status", "", `{"callId":"c","reason":"sleep","status":"offline","appkey":"a#b","user":"a#b_ann@easemob.com/ios_1"}`, "userStatus:sleep", "user:ann"},
		{"a login that is offline", "", `{"callId":"c","reason":"login","status":"offline","appkey":"a#b","user":"a#b_ann@easemob.com/ios_1"}`, "userStatus:login", "user:ann"},
		{"keyword", "", `{"callId":"c","eventType":"keyword_alert","status":"refuse"}`, "sensitiveWords:intercepted", "system:"},
		{"moderation of something", "", `{"callId":"c","eventType":"moderation","moderationResult":"PASS","targetType":"profile","from":"ann","to":"bob"}`, "moderation:PASS", "direct:ann|bob"},
		{"another result", "", `{"callId":"c","eventType":"moderation","moderationResult":"BLUR","targetType":"chatroom","from":"ann","to":"7"}`, "moderation:BLUR", "chatroom:7"},
		{"another result in a group", "", `{"callId":"c","eventType":"moderation","moderationResult":"BLUR","targetType":"groupchat","from":"ann","to":"7"}`, "moderation:BLUR", "group:7"},
		{"a push of tomorrow", "", `{"callId":"c","step":"push","status":"late","chat_type":"groupchat","group_id":"7","target":"bob"}`, "push:late", "user:bob"},
		{"a chatroom's words", "", `{"callId":"c","eventType":"chat","chat_type":"chatroom","group_id":"7","from":"ann","to":"7","payload":{"ext":{},"bodies":[{"msg":"x","type":"txt"}]}}`, "chatroom", "chatroom:7"},
		{"push report", "", `{"callId":"c","step":"push","status":"success","chat_type":"chat"}`, "push:success", "system:"},
		{"recall of nothing", "", `{"callId":"c","eventType":"chat","chat_type":"recall","from":"ann","to":"bob"}`, "recall", "direct:ann|bob"},
		{"edit of nothing", "", `{"callId":"c","eventType":"chat","chat_type":"edit","from":"ann","to":"bob"}`, "edit", "direct:ann|bob"},
		{"read nothing", "", `{"callId":"c","eventType":"chat","chat_type":"read_ack","from":"ann","to":"bob"}`, "read_ack", "direct:ann|bob"},
		{"message without elements", "", `{"callId":"c","eventType":"chat","chat_type":"chat","from":"ann","to":"bob","payload":{"bodies":[]}}`, "chat", "direct:ann|bob"},
		{"pre-send of nothing", "/pre_send", `{"callId":"c","chat_type":"chat","from":"ann","to":"bob","msg_id":"1","payload":{}}`, "pre_send", "direct:ann|bob"},
		{"pre-send of another kind", "/pre_send", `{"callId":"c","chat_type":"circle","from":"ann","to":"bob","msg_id":"1","payload":{"msg":"x","type":"txt"}}`, "pre_send", "direct:ann|bob"},
		{"types of its own", "", `{"callId":"c","chat_type":"new","status":{"a":1},"from":5,"group_id":"7"}`, "new", "group:7"},
		{"an unknown kind of report", "", `{"callId":"c","eventType":"chat_echo","chat_type":"chat","from":"ann","to":"bob","payload":{"bodies":[{"type":"txt"}]}}`, "chat:txt/chat_echo", "direct:ann|bob"},
		{"text from nobody", "", `{"callId":"c","eventType":"chat","chat_type":"chat","to":"bob","payload":{"bodies":[{"type":"txt"}]}}`, "chat:txt", "system:"},
		{"nothing", "", `{}`, "unknown", "system:"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			evs, err := easemob.New().Decode(&dialect.Request{Path: tt.path, Body: []byte(tt.body)})
			if err != nil || len(evs) != 1 {
				t.Fatalf("%d events, %v", len(evs), err)
			}
			ev := evs[0]
			if ev.Type != event.VendorUnknown || ev.Phase != event.After || ev.Command != tt.command || ev.Lane != event.Lane(tt.lane) || string(ev.Raw.Body) != tt.body {
				t.Errorf("type %q, command %q, lane %q, raw %s", ev.Type, ev.Command, ev.Lane, ev.Raw.Body)
			}
			if hasCall := strings.Contains(tt.body, "callId"); (ev.Dedupe != "") != hasCall {
				t.Errorf("dedupe = %q, call id on the wire: %v", ev.Dedupe, hasCall)
			}
			if got := easemob.New().Path(ev); got != tt.path && tt.command != "pre_send" {
				t.Errorf("path = %q, want %q", got, tt.path)
			}
			if _, err := easemob.New().Encode(ev, dialect.Target{}); !errors.Is(err, dialect.ErrUntranslatable) {
				t.Errorf("encoding it: err = %v, want %v", err, dialect.ErrUntranslatable)
			}
			if _, err := dialect.NewRegistry(easemob.New()).Restore(ev); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestDecode_NamesTheFieldOfAWrongType(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, body, command, field string }{
		{"timestamp", change(t, directText, `"timestamp":1795200000123`, `"timestamp":"soon"`), "chat:txt", "timestamp"},
		{"time before 1970", change(t, directText, `"timestamp":1795200000123`, `"timestamp":-5`), "chat:txt", "timestamp"},
		{"time after 9999", change(t, directText, `"timestamp":1795200000123`, `"timestamp":253402300800000`), "chat:txt", "timestamp"},
		{"from", change(t, directText, `"from":"ann"`, `"from":["ann"]`), "chat:txt", "from"},
		{"group", change(t, groupText, `"group_id":"7001"`, `"group_id":7001`), "groupchat:txt", "group_id"},
		{"text", change(t, directText, `"msg":"hello"`, `"msg":5`), "chat:txt", "payload.bodies.0.msg"},
		{"level", change(t, directText, `"msg":"hello"`, `"combineLevel":"two"`), "chat:txt", "payload.bodies.0.combineLevel"},
	} {
		evs, err := easemob.New().Decode(&dialect.Request{Body: []byte(tt.body)})
		de, ok := errors.AsType[*dialect.DecodeError](err)
		if !ok || de.Field != tt.field || de.Command != tt.command || de.Dialect != "easemob" || evs != nil {
			t.Errorf("%s: err = %v with %d events, want a DecodeError of %s in %s", tt.name, err, len(evs), tt.field, tt.command)
		}
	}
	for _, body := range []string{"", "null", "[]", `"x"`, "{", `{"a":1}{`, `{"chat_type":}`} {
		evs, err := easemob.New().Decode(&dialect.Request{Body: []byte(body)})
		if _, ok := errors.AsType[*dialect.DecodeError](err); !ok || evs != nil {
			t.Errorf("%q: err = %v with %d events, want a DecodeError", body, err, len(evs))
		}
	}
}

func TestEncode_TextOfAForeignEvent(t *testing.T) {
	t.Parallel()
	base := event.Event{
		ID: "ev1", App: "shop", Dialect: "tencent", Phase: event.After, Type: event.MessageSend,
		Time:         time.UnixMilli(1795200000123),
		Actor:        &event.Actor{ID: "bob"},
		Conversation: &event.Conversation{Kind: event.KindDirect, ID: "ann|bob"},
		Message:      &event.Message{ID: "m1", Kind: event.Text, Text: `say "hi"`},
		Vendor:       []byte(`{"host":"theirs"}`),
	}
	key := dialect.Target{Credentials: dialect.Credentials{Public: map[string]string{"app_key": "acme#shop"}}}
	old := key
	old.Generation = "legacy"
	for _, tt := range []struct {
		name   string
		change func(*event.Event)
		target dialect.Target
		want   string
	}{
		{
			"direct", func(*event.Event) {}, key,
			`{"callId":"acme#shop_m1","eventType":"chat","timestamp":1795200000123,"chat_type":"chat","from":"bob","to":"ann","msg_id":"m1",` +
				`"payload":{"ext":{},"bodies":[{"msg":"say \"hi\"","type":"txt"}]},"security":"","appkey":"acme#shop","host":"imhook","content_type":"chat:user:text"}`,
		},
		{
			"group", func(ev *event.Event) { ev.Conversation = &event.Conversation{Kind: event.KindGroup, ID: "g1"} }, key,
			`{"callId":"acme#shop_m1","eventType":"chat","timestamp":1795200000123,"chat_type":"groupchat","group_id":"g1","from":"bob","to":"g1","msg_id":"m1",` +
				`"payload":{"ext":{},"bodies":[{"msg":"say \"hi\"","type":"txt"}]},"security":"","appkey":"acme#shop","host":"imhook","content_type":"chat:group:text"}`,
		},
		{
			"chatroom", func(ev *event.Event) {
				ev.Conversation = &event.Conversation{Kind: event.KindChatroom, ID: "r1"}
				ev.Message.Extra = `{ "k": "v" }`
			}, key,
			`{"callId":"acme#shop_m1","eventType":"chat","timestamp":1795200000123,"chat_type":"groupchat","group_id":"r1","from":"bob","to":"r1","msg_id":"m1",` +
				`"payload":{"ext":{"k":"v"},"bodies":[{"msg":"say \"hi\"","type":"txt"}]},"security":"","appkey":"acme#shop","host":"imhook","content_type":"chat:room:text"}`,
		},
		{
			"legacy, extra that is no object", func(ev *event.Event) { ev.Message.Extra = `v=1` }, old,
			`{"callId":"acme#shop_m1","eventType":"chat","timestamp":1795200000123,"chat_type":"chat","from":"bob","to":"ann","msg_id":"m1",` +
				`"payload":{"ext":{"extra":"v=1"},"bodies":[{"msg":"say \"hi\"","type":"txt"}]},"security":"","appkey":"acme#shop","host":"imhook"}`,
		},
		{
			"no app key and no message id", func(ev *event.Event) { ev.Message.ID = "" },
			dialect.Target{Generation: "legacy"},
			`{"callId":"shop_ev1","eventType":"chat","timestamp":1795200000123,"chat_type":"chat","from":"bob","to":"ann","msg_id":"ev1",` +
				`"payload":{"ext":{},"bodies":[{"msg":"say \"hi\"","type":"txt"}]},"security":"","appkey":"shop","host":"imhook"}`,
		},
		{
			"combined", func(ev *event.Event) {
				ev.Message.Kind, ev.Message.Text = event.Merged, "two"
				ev.Message.Media = &event.Media{URL: "https://f.example/1", Name: "1", Size: 9}
			}, key,
			`{"callId":"acme#shop_m1","eventType":"chat","timestamp":1795200000123,"chat_type":"chat","from":"bob","to":"ann","msg_id":"m1",` +
				`"payload":{"ext":{},"bodies":[{"msg":"two","subType":"sub_combine","filename":"1","file_length":9,"type":"txt","url":"https://f.example/1"}]},"security":"","appkey":"acme#shop","host":"imhook","content_type":"chat:user:txt"}`,
		},
		{
			"system with a sender", func(ev *event.Event) {
				ev.Actor = &event.Actor{System: true}
				ev.Message.Sender = "ann"
			}, old,
			`{"callId":"acme#shop_m1","eventType":"chat","timestamp":1795200000123,"chat_type":"chat","from":"ann","to":"bob","msg_id":"m1",` +
				`"payload":{"ext":{},"bodies":[{"msg":"say \"hi\"","type":"txt"}]},"security":"","appkey":"acme#shop","host":"imhook"}`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ev, msg := base, *base.Message
			ev.Message = &msg
			tt.change(&ev)
			reqs, err := easemob.New().Encode(&ev, tt.target)
			if err != nil {
				t.Fatal(err)
			}
			want := []dialect.Request{{ContentType: "application/json", Body: []byte(tt.want)}}
			if diff := cmp.Diff(want, reqs); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			back := decode(t, string(reqs[0].Body))
			if diff := cmp.Diff(ev.Conversation, back.Conversation); diff != "" {
				t.Errorf("conversation after the way back (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEncode_OneRequestForEachOfflineMember(t *testing.T) {
	t.Parallel()
	ev := &event.Event{
		ID: "ev1", App: "a", Dialect: "openim", Phase: event.After, Type: event.MessagePushOffline,
		Actor: &event.Actor{ID: "ann"}, Conversation: &event.Conversation{Kind: event.KindGroup, ID: "g"},
		Message: &event.Message{ID: "m", Kind: event.Text, Text: "x"},
		Members: []event.Member{{ID: "bob"}, {ID: "carl"}},
	}
	reqs, err := easemob.New().Encode(ev, dialect.Target{})
	if err != nil {
		t.Fatal(err)
	}
	if len(reqs) != 2 || reqs[0].ID != "ev1.0" || reqs[1].ID != "ev1.1" {
		t.Fatalf("requests: %+v", reqs)
	}
	for i, want := range []string{"bob", "carl"} {
		if back := decode(t, string(reqs[i].Body)); back.Command != "groupchat:txt/offline" || back.Members[0].ID != want {
			t.Errorf("%d: command %q, members %v", i, back.Command, back.Members)
		}
	}
}

func TestEncode_RefusesWhatTheWireCannotSay(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*event.Event){
		"a group without a name": func(ev *event.Event) { ev.Type = event.GroupCreate },
		"a recall as a message":  func(ev *event.Event) { ev.Message = &event.Message{Kind: event.RecallMarker} },
		"no message":             func(ev *event.Event) { ev.Message = nil },
		"no conversation":        func(ev *event.Event) { ev.Conversation = nil },
		"a channel":              func(ev *event.Event) { ev.Conversation = &event.Conversation{Kind: event.KindChannel, ID: "c"} },
		"nobody":                 func(ev *event.Event) { ev.Actor = nil },
		"a stranger":             func(ev *event.Event) { ev.Actor = &event.Actor{ID: "eve"} },
		"nobody offline":         func(ev *event.Event) { ev.Type = event.MessagePushOffline },
	} {
		ev := &event.Event{
			Phase: event.After, Type: event.MessageSend, Actor: &event.Actor{ID: "bob"},
			Conversation: &event.Conversation{Kind: event.KindDirect, ID: "ann|bob"},
			Message:      &event.Message{ID: "m1", Kind: event.Text, Text: "x"},
		}
		change(ev)
		if _, err := easemob.New().Encode(ev, dialect.Target{}); !errors.Is(err, dialect.ErrUntranslatable) {
			t.Errorf("%s: err = %v, want %v", name, err, dialect.ErrUntranslatable)
		}
	}
}

func TestSample_DecodesToItsCommand(t *testing.T) {
	t.Parallel()
	d, r := easemob.New(), rand.New(rand.NewPCG(1, 2))
	now := time.UnixMilli(1795200000123).UTC()
	for _, c := range d.Spec().Commands {
		req, err := d.Sample(c.Name, r, now)
		if err != nil {
			t.Fatal(err)
		}
		evs, err := d.Decode(&req)
		if err != nil || len(evs) != 1 {
			t.Fatalf("%s: %d events, %v", c.Name, len(evs), err)
		}
		ev := evs[0]
		if ev.Command != c.Name || !slices.Contains(c.Types, ev.Type) || now.Sub(ev.Time).Abs() > time.Second {
			t.Errorf("%s: command %q, type %q, time %v", c.Name, ev.Command, ev.Type, ev.Time)
		}
		again(t, ev)
	}
	if _, err := d.Sample("nope", r, now); !errors.Is(err, dialect.ErrUnknownCommand) {
		t.Errorf("err = %v, want %v", err, dialect.ErrUnknownCommand)
	}
}
