package rongcloud

import (
	"maps"
	"slices"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// kvTypes are what optType means.
var kvTypes = [...]event.Type{
	1: event.ChatroomAttributeSet,
	2: event.ChatroomAttributeDelete,
	3: event.ChatroomAttributeClear,
}

// readChatroomKV reads one attribute. It is version that orders changes, not the
// time; status is not to be used.
func readChatroomKV(in *input) *event.Event {
	room, key, value := in.text("chatroomId"), in.text("key"), in.text("value")
	if room == "" {
		return nil
	}
	operation, _ := in.number("optType")
	conv, lane, _ := place("TEMPGROUP", "", room, "")
	ev := &event.Event{
		Lane: lane, Conversation: &conv, Actor: actor(in.text("userId")), Time: in.time("timestamp"),
		Chatroom: &event.Chatroom{ID: room},
	}
	if operation < 1 || int(operation) >= len(kvTypes) {
		return &event.Event{Type: event.VendorUnknown, Lane: lane}
	}
	ev.Type = kvTypes[operation]
	switch {
	case operation != 3 && key != "":
		ev.Chatroom.Attributes = map[string]string{key: value}
	case operation != 3:
		return nil
	default:
		keepSome(&in.object, "key", key)
		keepSome(&in.object, "value", value)
	}
	version, versioned := in.number("version")
	if versioned {
		in.keepJSON("version", []byte(digits(version)))
	}
	if versioned || !ev.Time.IsZero() {
		// A room that is made anew counts its versions anew, and a retry repeats the
		// time and the value as well.
		ev.Dedupe = dedupe(room, key, digits(operation), digits(version), digits(milli(ev.Time)), value)
	}
	return ev
}

func encodeChatroomKV(out *output) error {
	ev := out.ev
	body := ""
	var attributes map[string]string
	if ev.Chatroom != nil {
		body, attributes = ev.Chatroom.ID, ev.Chatroom.Attributes
	}
	room, err := whose(ev, event.KindChatroom, body)
	if err != nil {
		return err
	}
	keys := slices.Sorted(maps.Keys(attributes))
	if ev.Type == event.ChatroomAttributeClear {
		keys = []string{""}
	}
	if len(keys) == 0 {
		return dialect.Untranslatable("it names no attribute")
	}
	version, ok := out.kept.number("version")
	if !ok && !out.own {
		// It only has to grow; other dialects do not number changes.
		version, ok = milli(out.time()), true
	}
	status, _ := out.kept.number("status")
	kept := out.kept
	for _, key := range keys {
		out.kept = object{pairs: slices.Clone(kept.pairs)}
		var w writer
		w.text("chatroomId", room)
		if key != "" || !out.kept.has("key") {
			w.text("key", key)
		}
		if value := attributes[key]; value != "" || !out.kept.has("value") {
			w.text("value", value)
		}
		w.number("optType", int64(slices.Index(kvTypes[:], ev.Type)))
		w.text("userId", actorID(ev))
		w.number("status", status)
		w.number("timestamp", milli(out.time()))
		if ok {
			w.number("version", version)
		}
		out.post(&w)
	}
	return nil
}
