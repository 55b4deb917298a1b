package event_test

import (
	stdjson "encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/event"
)

// full is an event with every body and every attribute.
func full() *event.Event {
	at := time.Date(2026, 11, 20, 8, 0, 0, 123e6, time.UTC)
	yes := true
	return &event.Event{
		ID: "e-1", App: "shop", Source: "im/1", Type: event.MessageSend, Phase: event.Before, Time: at,
		Dialect: "tencent", Generation: "v2", Command: "C2C.CallbackBeforeSendMsg",
		Trace:      "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
		TraceState: "congo=t61rcWkgMzE",
		Lane:       "group:g:1", Links: []string{"m:1"}, Echo: true,
		Actor:        &event.Actor{ID: "ann", System: true, Admin: true, Platform: "ios", Client: "d1"},
		Conversation: &event.Conversation{Kind: event.KindGroup, ID: "g:1", Topic: "t"},
		Message: &event.Message{
			ID: "9223372036854775807", Kind: event.Text, Text: "5 < 6 & \"ü\u2028", SentAt: at,
			Media: &event.Media{Size: 1 << 40, Seconds: 1.5}, Location: &event.Place{Latitude: -0.5},
			Custom: &event.Payload{Base64: []byte{0, 255}}, Mentions: &event.Mentions{Users: []string{"bob"}},
			Push: &event.Push{Title: "t"}, Options: &event.MessageOptions{ExpiresIn: 60}, Parts: []event.Message{{Text: "p"}},
		},
		User: &event.User{ID: "ann", UpdatedAt: at}, Friend: &event.Friend{Alias: "a"},
		Group:   &event.Group{ID: "g:1", Muted: &yes, Attributes: map[string]string{"a": "1", "b": "2"}},
		Members: []event.Member{{ID: "bob", Until: at}}, Chatroom: &event.Chatroom{ID: "r"}, Channel: &event.Channel{ID: "c"},
		Conference: &event.Conference{ID: "k"}, Presence: &event.Presence{Sessions: []event.Session{{Online: true}}},
		Receipt: &event.Receipt{UpTo: at}, Reaction: &event.Reaction{Items: []event.ReactionCount{{Name: "+1", Count: 1}}},
		Thread: &event.Thread{ID: "t"}, Moderation: &event.Moderation{Words: []string{"w"}}, Moment: &event.Moment{ID: "m"},
		Report: &event.Report{Code: "1"}, Vendor: jsontext.Value(`{"big":12345678901234567890,"x":null}`),
	}
}

func TestEventJSON_ReadsBackAsItWas(t *testing.T) {
	t.Parallel()
	minimal := &event.Event{ID: "e", App: "a", Source: "s", Type: event.SystemHeartbeat, Phase: event.After}
	for name, want := range map[string]*event.Event{"full": full(), "minimal": minimal} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := json.Marshal(want)
			if err != nil {
				t.Fatal(err)
			}
			var got event.Event
			if err := json.Unmarshal(text, &got); err != nil {
				t.Fatalf("reading %s: %v", text, err)
			}
			if diff := cmp.Diff(want, &got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// A body that is added to Event and forgotten in the JSON form would be lost on
// its way to every endpoint: full must set all there are.
func TestEventJSON_FullEventLeavesNoFieldOut(t *testing.T) {
	t.Parallel()
	text, err := json.Marshal(full())
	if err != nil {
		t.Fatal(err)
	}
	var read struct {
		Data map[string]jsontext.Value `json:"data"`
	}
	if err := json.Unmarshal(text, &read); err != nil {
		t.Fatal(err)
	}
	for _, body := range []string{
		"actor", "conversation", "message", "user", "friend", "group", "members", "chatroom", "channel",
		"conference", "presence", "receipt", "reaction", "thread", "moderation", "moment", "report", "vendor",
	} {
		if _, ok := read.Data[body]; !ok {
			t.Errorf("data has no %s", body)
		}
	}
}

func TestEventJSON_WithTheStandardLibrary(t *testing.T) {
	t.Parallel()
	want := full()
	text, err := stdjson.Marshal(map[string]any{"events": []*event.Event{want}})
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Events []event.Event `json:"events"`
	}
	if err := stdjson.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]event.Event{*want}, got.Events); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestEventJSON_KeepsDedupeAndRawToItself(t *testing.T) {
	t.Parallel()
	ev := full()
	ev.Dedupe = "dedupe-value"
	ev.Raw = event.Raw{Dialect: "tencent", Query: "raw-query", Body: []byte("raw-body")}
	text, err := json.Marshal(ev)
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"dedupe-value", "raw-query", "raw-body", "cmF3LWJvZHk"} {
		if strings.Contains(string(text), word) {
			t.Errorf("%s stands in %s", word, text)
		}
	}
}

func TestEventUnmarshal_Defaults(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, more string
		want       event.Event
	}{
		{"nothing else", ``, event.Event{Phase: event.After}},
		{"attributes of other systems", `,"partitionkey":"p","sequence":3,"dataschema":"urn:x"`, event.Event{Phase: event.After}},
		{"foreign source", `,"source":"urn:im:1"`, event.Event{Phase: event.After}},
		{"own source", `,"source":"/apps/a/sources/s/t"`, event.Event{Phase: event.After, App: "a", Source: "s/t"}},
		{"lane from the conversation", `,"data":{"conversation":{"kind":"group","id":"g"}}`, event.Event{
			Phase: event.After, Lane: "group:g", Conversation: &event.Conversation{Kind: event.KindGroup, ID: "g"},
		}},
		{"subject before the conversation", `,"subject":"user:u","data":{"conversation":{"kind":"group","id":"g"}}`, event.Event{
			Phase: event.After, Lane: "user:u", Conversation: &event.Conversation{Kind: event.KindGroup, ID: "g"},
		}},
		{"time of another zone, finer than milliseconds", `,"time":"2026-11-20T09:00:00.1239999+01:00"`, event.Event{
			Phase: event.After, Time: time.Date(2026, 11, 20, 8, 0, 0, 123e6, time.UTC),
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got event.Event
			if err := json.Unmarshal([]byte(`{"specversion":"1.0","id":"1","type":"im.message.send"`+tt.more+`}`), &got); err != nil {
				t.Fatal(err)
			}
			tt.want.ID, tt.want.Type = "1", event.MessageSend
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if !got.Time.IsZero() && got.Time.Location() != time.UTC {
				t.Errorf("time is in %v", got.Time.Location())
			}
		})
	}
}

func TestEventUnmarshal_WhatIsNoEventLeavesZero(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, text string
		not        bool // wraps ErrNotCloudEvent
	}{
		{"no version", `{"id":"1","type":"im.message.send"}`, true},
		{"another version", `{"specversion":"0.3","id":"1","type":"im.message.send"}`, true},
		{"no id", `{"specversion":"1.0","type":"im.message.send"}`, true},
		{"no type", `{"specversion":"1.0","id":"1"}`, true},
		{"foreign type", `{"specversion":"1.0","id":"1","type":"com.example.paid"}`, true},
		{"prefix alone", `{"specversion":"1.0","id":"1","type":"im."}`, true},
		{"phase", `{"specversion":"1.0","id":"1","type":"im.message.send","imphase":"during"}`, true},
		{"empty object", `{}`, true},
		{"body misspelt", `{"specversion":"1.0","id":"1","type":"im.message.send","data":{"mesage":{"text":"x"}}}`, true},
		{"data of the wrong type", `{"specversion":"1.0","id":"1","type":"im.message.send","data":{"members":{}}}`, false},
		{"array", `[]`, false},
		{"cut", `{"specversion":"1.0","id":"1"`, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := *full()
			err := json.Unmarshal([]byte(tt.text), &got)
			if err == nil || errors.Is(err, event.ErrNotCloudEvent) != tt.not {
				t.Errorf("%v, want an error, wrapping ErrNotCloudEvent: %t", err, tt.not)
			}
			if diff := cmp.Diff(event.Event{}, got); diff != "" {
				t.Errorf("(-want zero +got):\n%s", diff)
			}
		})
	}
}

func TestVerdictJSON_ReadsBackAsItWas(t *testing.T) {
	t.Parallel()
	for _, want := range []event.Verdict{
		event.Allowed(),
		{Action: event.Deny, Code: 120001, Reason: "no"},
		{Action: event.Drop},
		{Action: event.Rewrite, Changes: &event.Changes{Message: &event.Message{Text: "***"}, Push: &event.Push{Disabled: true}, Vendor: jsontext.Value(`{"a":1}`)}},
		{Action: event.Allow, Refused: []event.Refusal{{ID: "u", Code: 1, Reason: "full"}}},
	} {
		text, err := json.Marshal(&want)
		if err != nil {
			t.Fatal(err)
		}
		var got event.Verdict
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
}

func ExampleEvent_MarshalJSON() {
	where := event.Direct("bob", "ann")
	ev := &event.Event{
		ID: "e-1", App: "shop", Source: "im", Type: event.MessageSend, Phase: event.After,
		Time: time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC), Lane: where.Lane(),
		Actor: &event.Actor{ID: "bob"}, Conversation: &where,
		Message: &event.Message{ID: "334455667788990011", Kind: event.Text, Text: "hello"},
	}
	text, _ := json.Marshal(ev, jsontext.Multiline(true))
	fmt.Println(string(text))
	// Output:
	// {
	// 	"specversion": "1.0",
	// 	"id": "e-1",
	// 	"source": "/apps/shop/sources/im",
	// 	"type": "im.message.send",
	// 	"time": "2026-11-20T08:00:00Z",
	// 	"subject": "direct:ann|bob",
	// 	"imphase": "after",
	// 	"datacontenttype": "application/json",
	// 	"data": {
	// 		"actor": {
	// 			"id": "bob"
	// 		},
	// 		"conversation": {
	// 			"kind": "direct",
	// 			"id": "ann|bob"
	// 		},
	// 		"message": {
	// 			"id": "334455667788990011",
	// 			"kind": "text",
	// 			"text": "hello"
	// 		}
	// 	}
	// }
}

func ExampleEvent_UnmarshalJSON() {
	var ev event.Event
	err := json.Unmarshal([]byte(`{"specversion":"1.0","id":"1","type":"im.group.mute","data":{"conversation":{"kind":"group","id":"g1"}}}`), &ev)
	fmt.Println(ev.Type, ev.Phase, ev.Lane, err)

	err = json.Unmarshal([]byte(`{"specversion":"1.0","id":"2","type":"com.example.paid"}`), &ev)
	fmt.Println(errors.Is(err, event.ErrNotCloudEvent))
	// Output:
	// group.mute after group:g1 <nil>
	// true
}

// TestEvent_BareKnowsEveryBody fails when a body is added that Bare does not look
// at: such an event would lose it on its way.
func TestEvent_BareKnowsEveryBody(t *testing.T) {
	t.Parallel()
	envelope := []string{
		"ID", "App", "Source", "Type", "Phase", "Time", "Dialect", "Generation", "Command", "Trace", "TraceState", "Lane", "Links", "Dedupe", "Echo", "Repeat", "Raw",
	}
	typ := reflect.TypeFor[event.Event]()
	for i := range typ.NumField() {
		name := typ.Field(i).Name
		if slices.Contains(envelope, name) {
			continue
		}
		ev := &event.Event{ID: "1"}
		f := reflect.ValueOf(ev).Elem().Field(i)
		switch f.Kind() {
		case reflect.Pointer:
			f.Set(reflect.New(f.Type().Elem()))
		case reflect.Slice:
			f.Set(reflect.MakeSlice(f.Type(), 1, 1))
		default:
			t.Fatalf("field %s is neither envelope nor a body that this test can fill", name)
		}
		if ev.Bare() {
			t.Errorf("an event with %s is taken for bare", name)
		}
	}
	if !(&event.Event{ID: "1", Raw: event.Raw{Dialect: "x"}}).Bare() {
		t.Error("an event with envelope and Raw alone is not bare")
	}
}
