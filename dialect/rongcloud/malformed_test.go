package rongcloud_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/rongcloud"
	"github.com/imhook/imhook/event"
)

func TestDecode_RefusesWhatIsNotTheVendorsForm(t *testing.T) {
	t.Parallel()
	const form = "application/x-www-form-urlencoded"
	for _, tt := range []struct{ path, contentType, body string }{
		{"/chatroom_kv", "application/json", `{"chatroomId":"r"`},
		{"/chatroom_kv", "application/json", `"text"`},
		{"/chatroom_kv", "application/json", ``},
		{"/online_status", "application/json", `[{}`},
		{"/online_status", "application/json", `7`},
		{"/message_sync", form, ``},
		{"/message_sync", form, `<html>busy</html>`},
		{"/message_sync", form, `fromUserId=ann&content=%7`},
		{"/message_sync", form, `fromUserId=ann&content=%zz`},
		{"/message_sync", "application/json", `[{"fromUserId":"ann"}]`},
		{"/message_callback", form, `targetId=bob`},
		{"/message_callback", form, `fromUserId=ann&msgTimeStamp=noon`},
		{"/message_callback", "application/json", `{"fromUserId":{}}`},
		{"", "application/json", `{"type":"message:send"`},
		{"", "application/json", `{"type":"direct_channel:pre_messaging","id":"1","time":1,"data":[]}`},
		{"", "application/json", `{"type":"direct_channel:pre_messaging","id":"1","time":1,"data":[{"userId":"a"},{"userId":"b"}]}`},
		{"", "application/json", `{"type":"direct_channel:pre_messaging","id":"1","time":1,"data":[{"userId":[]}]}`},
		{"/bot", "application/json", strings.Repeat("[", 50_000)},
	} {
		evs, err := rongcloud.New().Decode(&dialect.Request{Path: tt.path, ContentType: tt.contentType, Body: []byte(tt.body)})
		if _, ok := errors.AsType[*dialect.DecodeError](err); !ok || len(evs) > 0 {
			t.Errorf("%s %.60q: %d events, err = %v, want a DecodeError", tt.path, tt.body, len(evs), err)
		}
	}
}

func TestDecode_KeepsMalformedItems(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		path, body string
		lane       event.Lane
	}{
		{"/chatroom_kv", `{"chatroomId":"r","optType":{}}`, "chatroom:r"},
		{"/chatroom_kv", `{"chatroomId":"r","optType":1,"key":""}`, "chatroom:r"},
		{"/chatroom_kv", `{"key":"k","optType":1}`, "system:"},
		{"/online_status", `[{"userid":"ann","status":"0","time":-5}]`, "user:ann"},
		{"/online_status", `[{"userid":"ann","status":"0","time":"noon"}]`, "user:ann"},
		{"/online_status", `[{"userid":"ann","status":"0","time":999999999999999999999}]`, "user:ann"},
		{"/message_operation", `{"eventType":1,"fromUserId":"ann","conversationInfo":{"conversationType":99,"targetId":"x"}}`, "user:ann"},
		{"/message_operation", `{"eventType":1,"fromUserId":"ann","conversationInfo":"x"}`, "user:ann"},
		{"/message_operation", `{"eventType":2,"fromUserId":"ann","conversationInfo":{"conversationType":3,"targetId":"x"},"deleteMsgInfo":{"deleteType":[]}}`, "user:ann"},
		{"/audit_result", `{"result":10000,"content":"not JSON","msgUID":"1"}`, "system:"},
		{"/group_operation", `[{"groupId":"g","eventType":2,"userIds":[{"id":"a"}]}]`, "group:g"},
		{"/group_operation", `[null]`, "system:"},
		{"/group_profile", `[{"groupId":"g","time":[]}]`, "group:g"},
		{"/friend_relation", `{"eventType":1,"userId":"ann"}`, "user:ann"},
		{"/bot", `{"type":"message:private","bot":{"userId":"b"},"data":[]}`, "system:"},
		{"", `{"type":"message:send","data":[{"userId":"ann","channelId":"x"}]}`, "user:ann"},
		{"", `{"type":"message:send","data":"x"}`, "system:"},
		{"", `{"type":"thread:new","id":"1","data":[{"userId":"ann"}]}`, "user:ann"},
		{"", `[1,2]`, "system:"},
	} {
		ev := read(t, tt.path, tt.body)
		if ev.Type != event.VendorUnknown || ev.Lane != tt.lane || string(ev.Raw.Body) != tt.body {
			t.Errorf("%s %s: %s in %s, want vendor.unknown in %s", tt.path, tt.body, ev.Type, ev.Lane, tt.lane)
		}
	}
}

// One bad item leaves its siblings alone, and each raw is a request of its own.
func TestDecode_SiblingsOfABadItem(t *testing.T) {
	t.Parallel()
	evs := decode(t, "/online_status", ` [ {"userid":"ann","status":"0","time":1795200000123} , 7,{"userid":"bob","status":"0","time":1795200000123, "k" : [1 ] } ] `)
	if len(evs) != 3 {
		t.Fatalf("%d events, want 3", len(evs))
	}
	for i, want := range []string{`[{"userid":"ann","status":"0","time":1795200000123}]`, `[7]`, `[{"userid":"bob","status":"0","time":1795200000123, "k" : [1 ] }]`} {
		if got := string(evs[i].Raw.Body); got != want {
			t.Errorf("raw %d = %s, want %s", i, got, want)
		}
	}
	if evs[1].Type != event.VendorUnknown || evs[2].Members[0].ID != "bob" || string(evs[2].Vendor) != `{"k":[1]}` {
		t.Errorf("%+v %+v", evs[1], evs[2])
	}
	evs = decode(t, "/group_operation", `{"profiles":[{"groupId":"a","eventType":5,"time":1795200000123},{"groupId":"b","eventType":5,"time":1795200000123}],"n":2}`)
	if got := string(evs[1].Raw.Body); len(evs) != 2 || got != `{"n":2,"profiles":[{"groupId":"b","eventType":5,"time":1795200000123}]}` {
		t.Errorf("%d events, the second raw is %s", len(evs), got)
	}
}

func TestDecode_DuplicateKeysKeepTheLastOfJSONAndTheFirstOfAForm(t *testing.T) {
	t.Parallel()
	ev := read(t, "/friend_relation", `{"eventType":1,"userId":"eve","userId":"ann","toUserId":"bob","x":1,"x":2}`)
	if ev.Actor.ID != "ann" || string(ev.Vendor) != `{"x":2}` {
		t.Errorf("actor %+v, vendor %s", ev.Actor, ev.Vendor)
	}
	ev = read(t, "/user_deactivation", form("userId", "ann", "userId", "eve", "type", "0", "x", "1", "x", "2"))
	if ev.User.ID != "ann" || !strings.Contains(string(ev.Vendor), `"x":["1","2"]`) {
		t.Errorf("user %+v, vendor %s", ev.User, ev.Vendor)
	}
}

func TestVerify_TheAppOfAQuestionStandsInItsBody(t *testing.T) {
	t.Parallel()
	req := dialect.Request{
		Path:  "/message_callback",
		Query: "timestamp=1408710653491&nonce=14314&signature=" + vectorCallback,
		Body:  []byte("appKey=otherApp&fromUserId=ann"),
	}
	if _, err := rongcloud.New().Verify(&req, vectorCredentials(), dialect.Verification{Now: vectorTime}); !errors.Is(err, dialect.ErrWrongApp) {
		t.Errorf("err = %v, want %v", err, dialect.ErrWrongApp)
	}
	req.Body = []byte("appKey=someappKey&fromUserId=ann")
	if _, err := rongcloud.New().Verify(&req, vectorCredentials(), dialect.Verification{Now: vectorTime}); err != nil {
		t.Error(err)
	}
}

// What stands around many items is said again with each of them, and must not
// make a body of a megabyte into gigabytes; nor may many names cost the square of
// their number.
func TestDecode_HostileBodiesStayCheap(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 400_000)
	items := strings.Repeat(`{"userId":"a","groupId":"a"},`, 10_000) + `{"userId":"a","groupId":"a"}`
	var names, keys strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&names, "&n%d=1", i)
		fmt.Fprintf(&keys, `,"n%d":"1"`, i)
	}
	for _, tt := range []struct{ path, contentType, body string }{
		{"", "application/json", `{"type":"message:send","id":"` + long + `","data":[` + items + `]}`},
		{"/group_operation", "application/json", `{"x":"` + long + `","profiles":[` + items + `]}`},
		{"/user_deactivation", "application/x-www-form-urlencoded", "userId=a&type=0" + names.String()},
		{"/group_profile", "application/json", `[{"groupId":"g","groupExtProfile":{"a":"1"` + keys.String() + `}}]`},
		{"/friend_relation", "application/json", `{"userId":"a","toUserId":"b","eventType":1` + keys.String() + `}`},
		{"/message_sync", "application/x-www-form-urlencoded", "fromUserId=a&toUserId=b&channelType=PERSON&objectName=RC:TxtMsg&content=" +
			strings.Repeat(`{"a":`, 9_900) + `{"a":"` + long + `","a":0}` + strings.Repeat("}", 9_900)},
	} {
		begun := time.Now()
		evs, err := rongcloud.New().Decode(&dialect.Request{Path: tt.path, ContentType: tt.contentType, Body: []byte(tt.body)})
		if err != nil {
			t.Errorf("%s: %v", tt.path, err)
		}
		size := 0
		for _, ev := range evs {
			size += len(ev.Raw.Body) + len(ev.Vendor)
		}
		if size > 8*len(tt.body) {
			t.Errorf("%q: %d bytes became %d", tt.path, len(tt.body), size)
		}
		if took := time.Since(begun); took > 20*time.Second {
			t.Errorf("%q took %v", tt.path, took)
		}
	}
}
