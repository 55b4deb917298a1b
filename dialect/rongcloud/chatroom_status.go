package rongcloud

import (
	"strconv"
	"time"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// What an item's type and status say.
const (
	roomCreate  = 0
	roomJoin    = 1
	roomLeave   = 2
	roomDestroy = 3

	byCall    = 0 // by a call of the client or the server API
	byTimeout = 1 // the server took an offline member out
	byBan     = 2
	byIdle    = 3 // the server closed a room that nobody used
)

// Reasons of a member's leaving and of a room's end.
const (
	reasonTimeout = "timeout"
	reasonIdle    = "idle"
)

// roomEvent is an event with the bodies that most items have, so that one
// allocation holds them.
type roomEvent struct {
	event.Event
	conversation event.Conversation
	actor        event.Actor
	member       [1]event.Member
}

// readChatroomStatus reads one item; without room, type or a possible time it
// cannot be read. Status is missing in old bodies, which means 0. What has no
// canonical place stays as it is: a status that does not follow from type and
// reason, and the users of a created or closed room.
func readChatroomStatus(in *input) *event.Event {
	room, lane, named := in.lane(event.KindChatroom, "chatRoomId")
	kind, ok := in.number("type")
	at := in.time("time")
	status, _ := in.number("status")
	users := in.list("userIds")
	if !named || !ok || in.bad != "" {
		return nil
	}
	r := &roomEvent{}
	ev := &r.Event
	r.conversation, ev.Lane = event.Conversation{Kind: event.KindChatroom, ID: room}, lane
	if kind < roomCreate || kind > roomDestroy {
		ev.Type = event.VendorUnknown
		return ev
	}
	ev.Time, ev.Conversation, ev.Type = at, &r.conversation, roomTypes[kind]
	ev.Dedupe = roomDedupe(kind, status, at, room, users)
	said := status // what the canonical form says of it
	switch {
	case kind == roomCreate || kind == roomDestroy:
		ev.Chatroom = &event.Chatroom{ID: room}
		switch {
		case kind == roomDestroy && status == byIdle:
			ev.Chatroom.Reason = reasonIdle
		case status != byCall:
			said = byCall
		case kind == roomCreate && len(users) > 0:
			r.act(users[0])
		}
		if said != status {
			r.include(users, "")
		} else if len(users) > 0 {
			var w writer
			w.list("", users)
			in.keepJSON("userIds", w.b[len(`{"":`):])
		}
	case status == byCall:
		r.include(users, "")
		if len(users) == 1 {
			r.act(users[0])
		}
	case kind == roomLeave && status == byTimeout:
		r.include(users, reasonTimeout)
		if len(users) == 0 {
			said = byCall // there is no member to say it
		}
	case kind == roomLeave && status == byBan:
		ev.Type = event.ChatroomMemberBan
		r.include(users, "")
	default:
		said = byCall
		r.include(users, "")
	}
	if said != status {
		in.keepJSON("status", []byte(digits(status)))
	}
	return ev
}

// roomTypes are what the item types mean whatever the status.
var roomTypes = [...]event.Type{
	roomCreate:  event.ChatroomCreate,
	roomJoin:    event.ChatroomMemberJoin,
	roomLeave:   event.ChatroomMemberLeave,
	roomDestroy: event.ChatroomDestroy,
}

func (r *roomEvent) act(user string) {
	if user != "" {
		r.actor.ID = user
		r.Actor = &r.actor
	}
}

func (r *roomEvent) include(users []string, reason string) {
	if len(users) == 0 {
		return
	}
	r.Members = r.member[:0:1]
	for _, u := range users {
		r.Members = append(r.Members, event.Member{ID: u, Reason: reason})
	}
}

// roomDedupe is all that an item says, which the server's retry repeats. Lengths
// stand before the ids so that no two lists read alike.
func roomDedupe(kind, status int64, at time.Time, room string, users []string) string {
	var stack [256]byte
	b := strconv.AppendInt(stack[:0], kind, 10)
	b = strconv.AppendInt(append(b, '/'), status, 10)
	b = strconv.AppendInt(append(b, '/'), milli(at), 10)
	b = append(b, '/')
	b = appendSized(b, room)
	for _, u := range users {
		b = appendSized(append(b, ','), u)
	}
	return string(b)
}

func encodeChatroomStatus(out *output) error {
	ev, own := out.ev, out.own
	room := ""
	switch {
	case ev.Conversation != nil && ev.Conversation.Kind == event.KindChatroom:
		room = ev.Conversation.ID
	case ev.Conversation == nil && ev.Chatroom != nil:
		room = ev.Chatroom.ID
	}
	if room == "" {
		return dialect.Untranslatable("it names no chatroom")
	}

	kind, status := int64(roomCreate), int64(byCall)
	members := ev.Members
	switch ev.Type {
	case event.ChatroomCreate, event.ChatroomDestroy:
		// The vendor leaves the list empty here; only its own odd bodies fill it.
		if !own {
			members = nil
		}
		if ev.Type == event.ChatroomDestroy {
			kind = roomDestroy
			if ev.Chatroom != nil && ev.Chatroom.Reason == reasonIdle {
				status = byIdle
			}
		}
	default:
		// Whoever puts somebody out stays in.
		itself := ev.Type == event.ChatroomMemberJoin || ev.Type == event.ChatroomMemberLeave
		if len(members) == 0 && itself && ev.Actor != nil && ev.Actor.ID != "" && !ev.Actor.System {
			members = []event.Member{{ID: ev.Actor.ID}}
		}
		if len(members) == 0 && !own {
			return dialect.Untranslatable("it names no member")
		}
		kind = roomLeave
		switch ev.Type {
		case event.ChatroomMemberJoin:
			kind = roomJoin
		case event.ChatroomMemberBan:
			status = byBan
		case event.ChatroomMemberLeave:
			if timedOut(members) {
				status = byTimeout
			}
		}
	}
	if kept, ok := out.kept.number("status"); ok {
		status = kept
	}
	users := out.kept.list("userIds")
	var few [8]string
	if len(users) == 0 {
		users = few[:0]
		for i := range members {
			users = append(users, members[i].ID)
		}
	}
	// The most frequent of all: written in one piece.
	b := make([]byte, 0, 128+len(room)+24*len(users))
	b = append(b, `[{"chatRoomId":`...)
	b = dialect.AppendString(b, room)
	b = append(b, `,"userIds":[`...)
	for i, user := range users {
		if i > 0 {
			b = append(b, ',')
		}
		b = dialect.AppendString(b, user)
	}
	b = append(b, `],"status":`...)
	b = strconv.AppendInt(b, status, 10)
	b = append(b, `,"type":`...)
	b = strconv.AppendInt(b, kind, 10)
	b = append(b, `,"time":`...)
	b = strconv.AppendInt(b, milli(out.time()), 10)
	if out.own && len(out.kept.pairs) > 0 {
		w := writer{b: b}
		leftover(&w, &out.kept)
		b = w.b
	}
	out.reqs = append(out.reqs, dialect.Request{Path: out.command.spec.Path, ContentType: jsonType, Body: append(b, "}]"...)})
	return nil
}

// timedOut reports whether the server took all of the members out. A mixed lot
// left by themselves as far as the wire can say.
func timedOut(members []event.Member) bool {
	for i := range members {
		if members[i].Reason != reasonTimeout {
			return false
		}
	}
	return len(members) > 0
}
