package rongcloud_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/rongcloud"
	"github.com/imhook/imhook/event"
)

func decode(t *testing.T, path, body string) []*event.Event {
	t.Helper()
	evs, err := rongcloud.New().Decode(&dialect.Request{Path: path, ContentType: "application/json", Body: []byte(body)})
	if err != nil {
		t.Fatalf("decoding %s: %v", body, err)
	}
	return evs
}

func decodeRoom(t *testing.T, body string) *event.Event {
	t.Helper()
	evs := decode(t, "/chatroom_status", body)
	if len(evs) != 1 {
		t.Fatalf("decoding %s: %d events, want 1", body, len(evs))
	}
	return evs[0]
}

func TestDecode_ChatroomStatusByTypeAndStatus(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		pair    string
		users   string
		typ     event.Type
		actor   string
		members []event.Member
		room    *event.Chatroom
		vendor  string
	}{
		{name: "create", pair: `"type":0,"status":0`, users: `[]`, typ: event.ChatroomCreate, room: &event.Chatroom{ID: "lounge"}},
		{name: "create by somebody", pair: `"type":0,"status":0`, users: `["ann"]`, typ: event.ChatroomCreate, actor: "ann", room: &event.Chatroom{ID: "lounge"}, vendor: `{"userIds":["ann"]}`},
		{name: "join", pair: `"type":1,"status":0`, users: `["ann"]`, typ: event.ChatroomMemberJoin, actor: "ann", members: []event.Member{{ID: "ann"}}},
		{name: "join of two", pair: `"type":1,"status":0`, users: `["ann","bob"]`, typ: event.ChatroomMemberJoin, members: []event.Member{{ID: "ann"}, {ID: "bob"}}},
		{name: "join without status", pair: `"type":1`, users: `["ann"]`, typ: event.ChatroomMemberJoin, actor: "ann", members: []event.Member{{ID: "ann"}}},
		{name: "leave", pair: `"type":2,"status":0`, users: `["ann"]`, typ: event.ChatroomMemberLeave, actor: "ann", members: []event.Member{{ID: "ann"}}},
		{name: "timeout", pair: `"type":2,"status":1`, users: `["ann"]`, typ: event.ChatroomMemberLeave, members: []event.Member{{ID: "ann", Reason: "timeout"}}},
		{name: "ban", pair: `"type":2,"status":2`, users: `["ann"]`, typ: event.ChatroomMemberBan, members: []event.Member{{ID: "ann"}}},
		{name: "destroy", pair: `"type":3,"status":0`, users: `[]`, typ: event.ChatroomDestroy, room: &event.Chatroom{ID: "lounge"}},
		{name: "idle", pair: `"type":3,"status":3`, users: `[]`, typ: event.ChatroomDestroy, room: &event.Chatroom{ID: "lounge", Reason: "idle"}},
		{name: "join with an odd status", pair: `"type":1,"status":7`, users: `["ann"]`, typ: event.ChatroomMemberJoin, members: []event.Member{{ID: "ann"}}, vendor: `{"status":7}`},
		{name: "create with an odd status", pair: `"type":0,"status":3`, users: `["ann"]`, typ: event.ChatroomCreate, members: []event.Member{{ID: "ann"}}, room: &event.Chatroom{ID: "lounge"}, vendor: `{"status":3}`},
		{name: "timeout of nobody", pair: `"type":2,"status":1`, users: `[]`, typ: event.ChatroomMemberLeave, vendor: `{"status":1}`},
		{name: "unknown key", pair: `"type":3,"status":0,"zone":"eu"`, users: `null`, typ: event.ChatroomDestroy, room: &event.Chatroom{ID: "lounge"}, vendor: `{"zone":"eu"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			body := `[{"chatRoomId":"lounge",` + tt.pair + `,"userIds":` + tt.users + `,"time":1795200000123}]`
			ev := decodeRoom(t, body)
			if ev.Type != tt.typ || ev.Phase != event.After || ev.Command != "chatroom_status" || ev.Dialect != "rongcloud" {
				t.Errorf("type %q, phase %q, command %q, dialect %q", ev.Type, ev.Phase, ev.Command, ev.Dialect)
			}
			if ev.Lane != "chatroom:lounge" || ev.Conversation == nil || *ev.Conversation != (event.Conversation{Kind: event.KindChatroom, ID: "lounge"}) {
				t.Errorf("lane %q, conversation %+v", ev.Lane, ev.Conversation)
			}
			if want := time.UnixMilli(1795200000123).UTC(); !ev.Time.Equal(want) {
				t.Errorf("time = %v, want %v", ev.Time, want)
			}
			actor := ""
			if ev.Actor != nil {
				actor = ev.Actor.ID
			}
			if actor != tt.actor {
				t.Errorf("actor = %q, want %q", actor, tt.actor)
			}
			if diff := cmp.Diff(tt.members, ev.Members); diff != "" {
				t.Errorf("members (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.room, ev.Chatroom); diff != "" {
				t.Errorf("chatroom (-want +got):\n%s", diff)
			}
			if string(ev.Vendor) != tt.vendor {
				t.Errorf("vendor = %s, want %s", ev.Vendor, tt.vendor)
			}
			if ev.Dedupe == "" || len(ev.Links) != 0 || ev.Echo {
				t.Errorf("dedupe %q, links %v, echo %v", ev.Dedupe, ev.Links, ev.Echo)
			}
			if string(ev.Raw.Body) != body || ev.Raw.Dialect != "rongcloud" || ev.Raw.Path != "/chatroom_status" {
				t.Errorf("raw = %+v with body %s", ev.Raw, ev.Raw.Body)
			}
			again(t, ev)
		})
	}
}

// again checks that encoding and decoding ev gives ev.
func again(t *testing.T, ev *event.Event) {
	t.Helper()
	reqs, err := rongcloud.New().Encode(ev, dialect.Target{})
	if err != nil {
		t.Fatalf("encoding: %v", err)
	}
	if len(reqs) != 1 {
		t.Fatalf("%d requests, want 1", len(reqs))
	}
	evs, err := rongcloud.New().Decode(&reqs[0])
	if err != nil {
		t.Fatalf("decoding %s: %v", reqs[0].Body, err)
	}
	if diff := cmp.Diff([]*event.Event{ev}, evs, cmpopts.IgnoreFields(event.Event{}, "Raw")); diff != "" {
		t.Errorf("round trip through %s (-first +second):\n%s", reqs[0].Body, diff)
	}
}

func TestDecode_SplitsAnArrayWithEachItemsBytes(t *testing.T) {
	t.Parallel()
	first := "{\"chatRoomId\":\"a]\\\"\",\"userIds\":[\"ann\"],\n \"status\":0,\"type\":1,\"time\":1795200000001}"
	second := `{"chatRoomId":"b","userIds":[],"status":0,"type":0,"time":1795200000002,"deep":[{"x":[1,2]}]}`
	evs := decode(t, "/chatroom_status", " [ "+first+" ,\n"+second+"\t]\n")
	if len(evs) != 2 {
		t.Fatalf("%d events, want 2", len(evs))
	}
	for i, want := range []string{first, second} {
		if got := string(evs[i].Raw.Body); got != "["+want+"]" {
			t.Errorf("raw body %d = %s, want [%s]", i, got, want)
		}
		restored, err := dialect.NewRegistry(rongcloud.New()).Restore(evs[i])
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(evs[i], restored, cmpopts.IgnoreFields(event.Event{}, "Dedupe")); diff != "" {
			t.Errorf("restored %d (-want +got):\n%s", i, diff)
		}
	}
	if evs[0].Type != event.ChatroomMemberJoin || evs[1].Type != event.ChatroomCreate {
		t.Errorf("types %q and %q", evs[0].Type, evs[1].Type)
	}
}

func TestDecode_KeepsTheSiblingsOfAMalformedItem(t *testing.T) {
	t.Parallel()
	good := `{"chatRoomId":"a","userIds":["ann"],"status":0,"type":1,"time":1795200000001}`
	for _, bad := range []string{
		`{"chatRoomId":"a","userIds":["ann"],"status":0,"type":[1],"time":1795200000001}`,
		`{"chatRoomId":"a","userIds":"ann","status":0,"type":1,"time":1795200000001}`,
		`{"chatRoomId":"a","userIds":["ann"],"status":0,"time":1795200000001}`,
		`{"chatRoomId":"a","userIds":["ann"],"status":0,"type":1,"time":-1}`,
		`{"chatRoomId":"a","type":4,"time":1795200000001}`,
		`{"userIds":["ann"],"status":0,"type":1,"time":1795200000001}`,
		`{"chatRoomId":5}`, `null`, `7`, `"x"`, `[1]`,
	} {
		evs := decode(t, "/chatroom_status", "["+good+","+bad+","+good+"]")
		if len(evs) != 3 {
			t.Fatalf("%s: %d events, want 3", bad, len(evs))
		}
		if evs[0].Type != event.ChatroomMemberJoin || evs[2].Type != event.ChatroomMemberJoin {
			t.Errorf("%s: siblings are %q and %q", bad, evs[0].Type, evs[2].Type)
		}
		odd := evs[1]
		if odd.Type != event.VendorUnknown || odd.Command != "chatroom_status" || string(odd.Raw.Body) != "["+bad+"]" {
			t.Errorf("%s: became %q with body %s", bad, odd.Type, odd.Raw.Body)
		}
		want := event.Lane("system:")
		if strings.Contains(bad, `"a"`) {
			want = "chatroom:a"
		}
		if odd.Lane != want {
			t.Errorf("%s: lane %q, want %q", bad, odd.Lane, want)
		}
		if _, err := dialect.NewRegistry(rongcloud.New()).Restore(odd); err != nil {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func TestDecode_ReadsOneBareObject(t *testing.T) {
	t.Parallel()
	body := ` {"chatRoomId":"a","userIds":["ann"],"status":0,"type":2,"time":1795200000001} `
	ev := decodeRoom(t, body)
	if ev.Type != event.ChatroomMemberLeave || string(ev.Raw.Body) != body {
		t.Errorf("type %q, raw %s", ev.Type, ev.Raw.Body)
	}
	bad := `{"chatRoomId":"a","type":true}`
	if ev := decodeRoom(t, bad); ev.Type != event.VendorUnknown || ev.Lane != "chatroom:a" || string(ev.Raw.Body) != bad {
		t.Errorf("type %q, lane %q, raw %s", ev.Type, ev.Lane, ev.Raw.Body)
	}
}

func TestDecode_RefusesWhatIsNoListAndNoObject(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", "null", "5", `"x"`, "[", "[{]", "{", `[{"a":1}] x`, "<xml/>"} {
		evs, err := rongcloud.New().Decode(&dialect.Request{Path: "/chatroom_status", Body: []byte(body)})
		de, ok := errors.AsType[*dialect.DecodeError](err)
		if !ok || de.Dialect != "rongcloud" || de.Command != "chatroom_status" {
			t.Errorf("%q: err = %v, want a DecodeError of the command", body, err)
		}
		if evs != nil {
			t.Errorf("%q: %d events beside the error", body, len(evs))
		}
	}
	if evs := decode(t, "/chatroom_status", " [ ] "); len(evs) != 0 {
		t.Errorf("an empty array gave %d events", len(evs))
	}
}

func TestDecode_DedupeTellsItemsApart(t *testing.T) {
	t.Parallel()
	key := func(room, users, rest string) string {
		return decodeRoom(t, `[{"chatRoomId":"`+room+`","userIds":`+users+`,`+rest+`}]`).Dedupe
	}
	base := key("a", `["b","c"]`, `"status":0,"type":1,"time":1`)
	if again := decodeRoom(t, `{"time":1,"type":1,"status":0, "userIds":["b","c"],"chatRoomId":"a"}`).Dedupe; again != base {
		t.Errorf("the same item in other order: %q and %q", base, again)
	}
	for _, other := range []string{
		key("ab", `["c"]`, `"status":0,"type":1,"time":1`),
		key("a", `["b,1:c"]`, `"status":0,"type":1,"time":1`),
		key("a", `["c","b"]`, `"status":0,"type":1,"time":1`),
		key("a", `["b","c"]`, `"status":0,"type":2,"time":1`),
		key("a", `["b","c"]`, `"status":1,"type":1,"time":1`),
		key("a", `["b","c"]`, `"status":0,"type":1,"time":2`),
	} {
		if other == base {
			t.Errorf("two different items share the key %q", base)
		}
	}
}

func TestDecode_DoesNotShareTheRequestsMemory(t *testing.T) {
	t.Parallel()
	body := []byte(`[{"chatRoomId":"a","userIds":["ann"],"status":0,"type":1,"time":1,"k":"v"}]`)
	want := string(body)
	evs, err := rongcloud.New().Decode(&dialect.Request{Path: "/chatroom_status", Body: body})
	if err != nil {
		t.Fatal(err)
	}
	clear(body)
	if got := string(evs[0].Raw.Body); got != want {
		t.Errorf("raw body = %q", got)
	}
	if evs[0].Members[0].ID != "ann" || string(evs[0].Vendor) != `{"k":"v"}` {
		t.Errorf("members %+v, vendor %s", evs[0].Members, evs[0].Vendor)
	}
}

func TestDecode_KeepsWhatItDoesNotUnderstand(t *testing.T) {
	t.Parallel()
	body := "fromUserId=ann&content=%7B%22content%22%3A%22hi%22%7D"
	req := dialect.Request{
		Path: "/message_sync", Query: "x=1&appKey=k&timestamp=1&nonce=2&signature=3",
		ContentType: "application/x-www-form-urlencoded", Body: []byte(body),
	}
	evs, err := rongcloud.New().Decode(&req)
	if err != nil {
		t.Fatal(err)
	}
	want := &event.Event{
		Type: event.VendorUnknown, Phase: event.After, Dialect: "rongcloud", Command: "message_sync", Generation: "v3", Lane: "user:ann",
		Dedupe: evs[0].Dedupe,
		Raw:    event.Raw{Dialect: "rongcloud", Path: "/message_sync", Query: "x=1", ContentType: "application/x-www-form-urlencoded", Body: []byte(body)},
	}
	if diff := cmp.Diff([]*event.Event{want}, evs); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if evs[0].Dedupe == "" {
		t.Error("the vendor's retry of a known command would be delivered twice")
	}
	if got := rongcloud.New().Path(evs[0]); got != "/message_sync" {
		t.Errorf("path = %q", got)
	}
	if ev := decode(t, "/new_thing", `{}`)[0]; ev.Type != event.VendorUnknown || ev.Command != "new_thing" || ev.Dedupe != "" {
		t.Errorf("unknown path: %+v", ev)
	}
	if _, err := rongcloud.New().Encode(evs[0], dialect.Target{}); !errors.Is(err, dialect.ErrUntranslatable) {
		t.Errorf("encoding it: err = %v, want %v", err, dialect.ErrUntranslatable)
	}
}

func TestEncode_ChatroomStatusOfAForeignEvent(t *testing.T) {
	t.Parallel()
	room := &event.Conversation{Kind: event.KindChatroom, ID: `lou"nge`}
	const head = `[{"chatRoomId":"lou\"nge","userIds":`
	for _, tt := range []struct {
		name string
		ev   event.Event
		want string
	}{
		{"create", event.Event{Type: event.ChatroomCreate, Actor: &event.Actor{ID: "ann"}}, head + `[],"status":0,"type":0,"time":1795200000123}]`},
		{"join", event.Event{Type: event.ChatroomMemberJoin, Members: []event.Member{{ID: "ann"}, {ID: "bob"}}}, head + `["ann","bob"],"status":0,"type":1,"time":1795200000123}]`},
		{"join of the actor", event.Event{Type: event.ChatroomMemberJoin, Actor: &event.Actor{ID: "ann"}}, head + `["ann"],"status":0,"type":1,"time":1795200000123}]`},
		{"leave", event.Event{Type: event.ChatroomMemberLeave, Members: []event.Member{{ID: "ann"}}}, head + `["ann"],"status":0,"type":2,"time":1795200000123}]`},
		{"timeout", event.Event{Type: event.ChatroomMemberLeave, Members: []event.Member{{ID: "ann", Reason: "timeout"}}}, head + `["ann"],"status":1,"type":2,"time":1795200000123}]`},
		{"timeout of some", event.Event{Type: event.ChatroomMemberLeave, Members: []event.Member{{ID: "ann", Reason: "timeout"}, {ID: "bob"}}}, head + `["ann","bob"],"status":0,"type":2,"time":1795200000123}]`},
		{"ban", event.Event{Type: event.ChatroomMemberBan, Members: []event.Member{{ID: "ann"}}}, head + `["ann"],"status":2,"type":2,"time":1795200000123}]`},
		{"kick", event.Event{Type: event.ChatroomMemberKick, Actor: &event.Actor{ID: "boss"}, Members: []event.Member{{ID: "ann"}}}, head + `["ann"],"status":0,"type":2,"time":1795200000123}]`},
		{"destroy", event.Event{Type: event.ChatroomDestroy}, head + `[],"status":0,"type":3,"time":1795200000123}]`},
		{"idle", event.Event{Type: event.ChatroomDestroy, Chatroom: &event.Chatroom{ID: "lounge", Reason: "idle"}}, head + `[],"status":3,"type":3,"time":1795200000123}]`},
		{"another's vendor fields", event.Event{Type: event.ChatroomDestroy, Vendor: []byte(`{"status":9,"other":1}`)}, head + `[],"status":0,"type":3,"time":1795200000123}]`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ev := tt.ev
			ev.Phase, ev.Dialect, ev.Conversation, ev.Time = event.After, "tencent", room, time.UnixMilli(1795200000123)
			reqs, err := rongcloud.New().Encode(&ev, dialect.Target{})
			if err != nil {
				t.Fatal(err)
			}
			want := []dialect.Request{{Path: "/chatroom_status", ContentType: "application/json", Body: []byte(tt.want)}}
			if diff := cmp.Diff(want, reqs); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestEncode_RefusesWhatTheWireCannotSay(t *testing.T) {
	t.Parallel()
	for name, ev := range map[string]event.Event{
		"another type":     {Type: event.MessageSend, Phase: event.After, Conversation: &event.Conversation{Kind: event.KindGroup, ID: "g"}},
		"a before-event":   {Type: event.ChatroomCreate, Phase: event.Before, Conversation: &event.Conversation{Kind: event.KindChatroom, ID: "r"}},
		"no room":          {Type: event.ChatroomCreate, Phase: event.After},
		"a group's number": {Type: event.ChatroomMemberJoin, Phase: event.After, Conversation: &event.Conversation{Kind: event.KindGroup, ID: "g"}},
	} {
		if _, err := rongcloud.New().Encode(&ev, dialect.Target{}); !errors.Is(err, dialect.ErrUntranslatable) {
			t.Errorf("%s: err = %v, want %v", name, err, dialect.ErrUntranslatable)
		}
	}
}

func TestBatch_JoinsArraysAndObjects(t *testing.T) {
	t.Parallel()
	req := func(body string) dialect.Request {
		return dialect.Request{Path: "/chatroom_status", Query: "q=1", ContentType: "application/json", Body: []byte(body)}
	}
	got, err := rongcloud.New().Batch([]dialect.Request{req(`[{"a":1},{"b":2}]`), req(" {\"c\":3}\n"), req("[ ]"), req(" [ {\"d\":4} ] ")})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(req(`[{"a":1},{"b":2},{"c":3},{"d":4}]`), got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	form := dialect.Request{Path: "/message_sync", Body: []byte("a=1")}
	if _, err := rongcloud.New().Batch([]dialect.Request{form, form}); err == nil {
		t.Error("two forms were joined")
	}
	if got, err := rongcloud.New().Batch([]dialect.Request{form}); err != nil || string(got.Body) != "a=1" {
		t.Errorf("one form: %s, %v", got.Body, err)
	}
}
