package rongcloud

import (
	"bytes"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

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

// roomStatus is one item.
type roomStatus struct {
	ChatRoomID string   `json:"chatRoomId"`
	UserIDs    []string `json:"userIds"`
	// Status is missing in old bodies, which means 0.
	Status  int            `json:"status"`
	Type    *int           `json:"type"`
	Time    int64          `json:"time"`
	Unknown jsontext.Value `json:",embed"`
}

// roomVendor is what an item says beyond the canonical fields.
type roomVendor struct {
	// UserIDs of a created or closed room, of which the canonical form keeps the
	// first at most.
	UserIDs []string `json:"userIds,omitzero"`
	// Status where it does not follow from type and reason.
	Status  int            `json:"status,omitzero"`
	Unknown jsontext.Value `json:",embed"`
}

// decodeChatroomStatus reads an array of independent items, or one bare object.
func decodeChatroomStatus(_ *command, body []byte, raw event.Raw) ([]*event.Event, error) {
	const name = "chatroom_status"
	if first := bytes.TrimLeft(body, " \t\r\n"); len(first) > 0 && first[0] == '{' {
		raw.Body = bytes.Clone(body)
		var item roomStatus
		if dialect.Unmarshal(Name, name, body, &item) == nil {
			return []*event.Event{item.event(raw)}, nil
		}
		var object jsontext.Value
		if err := dialect.Unmarshal(Name, name, body, &object); err != nil {
			return nil, err
		}
		return []*event.Event{malformedRoom(object, raw)}, nil
	}

	var items []roomStatus
	if dialect.Unmarshal(Name, name, body, &items) == nil && items != nil {
		if len(items) == 1 {
			raw.Body = bytes.Clone(body)
			return []*event.Event{items[0].event(raw)}, nil
		}
		evs := make([]*event.Event, 0, len(items))
		elements, ok := dialect.Elements(body)
		if !ok || len(elements) != len(items) { // cannot be: it was read as an array
			return nil, &dialect.DecodeError{Dialect: Name, Command: name, Err: errNotItems}
		}
		for i := range items {
			raw.Body = envelope(body, elements[i], len(items))
			evs = append(evs, items[i].event(raw))
		}
		return evs, nil
	}

	// One bad item must not take its siblings with it.
	var elements []jsontext.Value
	if err := dialect.Unmarshal(Name, name, body, &elements); err != nil {
		return nil, err
	}
	if elements == nil {
		return nil, &dialect.DecodeError{Dialect: Name, Command: name, Err: errNotItems}
	}
	evs := make([]*event.Event, 0, len(elements))
	for _, element := range elements {
		raw.Body = envelope(body, element, len(elements))
		var item roomStatus
		if dialect.Unmarshal(Name, name, element, &item) != nil {
			evs = append(evs, malformedRoom(element, raw))
			continue
		}
		evs = append(evs, item.event(raw))
	}
	return evs, nil
}

// envelope is a body that carries one element of n alone: body itself when it is
// the only one. The result shares no memory with its arguments.
func envelope(body, element []byte, n int) []byte {
	if n == 1 {
		return bytes.Clone(body)
	}
	b := make([]byte, 0, len(element)+2)
	b = append(b, '[')
	b = append(b, element...)
	return append(b, ']')
}

// malformedRoom keeps an item that cannot be read, in its room's lane where that
// much can be told.
func malformedRoom(item jsontext.Value, raw event.Raw) *event.Event {
	ev := unknown("chatroom_status", raw)
	var room struct {
		ID string `json:"chatRoomId"`
	}
	if dialect.Unmarshal(Name, ev.Command, item, &room) == nil && room.ID != "" {
		ev.Lane = event.NewLane(event.KindChatroom, room.ID)
	}
	return ev
}

// roomEvent is an event with the bodies that most items have, so that one
// allocation holds them.
type roomEvent struct {
	event.Event
	conversation event.Conversation
	actor        event.Actor
	member       [1]event.Member
}

// event is the canonical form of the item. An item without room, type or a
// possible time is vendor.unknown.
func (s *roomStatus) event(raw event.Raw) *event.Event {
	if s.ChatRoomID == "" || s.Type == nil || s.Time < 0 || s.Time > lastMilli {
		ev := unknown("chatroom_status", raw)
		if s.ChatRoomID != "" {
			ev.Lane = event.NewLane(event.KindChatroom, s.ChatRoomID)
		}
		return ev
	}

	r := &roomEvent{conversation: event.Conversation{Kind: event.KindChatroom, ID: s.ChatRoomID}}
	ev := &r.Event
	*ev = event.Event{
		Phase: event.After, Dialect: Name, Command: "chatroom_status", Generation: v3,
		Lane: r.conversation.Lane(), Dedupe: s.dedupe(), Raw: raw,
	}
	ev.Time, _ = moment(s.Time)
	if *s.Type < roomCreate || *s.Type > roomDestroy {
		ev.Type = event.VendorUnknown
		return ev
	}
	ev.Conversation = &r.conversation

	rest := roomVendor{Status: s.Status, Unknown: s.Unknown}
	reason := ""
	switch pair := [2]int{*s.Type, s.Status}; pair {
	case [2]int{roomCreate, byCall}:
		ev.Type, rest.Status, rest.UserIDs = event.ChatroomCreate, 0, s.UserIDs
		if len(s.UserIDs) > 0 {
			r.act(s.UserIDs[0])
		}
	case [2]int{roomDestroy, byCall}, [2]int{roomDestroy, byIdle}:
		ev.Type, rest.Status, rest.UserIDs = event.ChatroomDestroy, 0, s.UserIDs
		if s.Status == byIdle {
			reason = reasonIdle
		}
	case [2]int{roomJoin, byCall}, [2]int{roomLeave, byCall}:
		ev.Type, rest.Status = event.ChatroomMemberJoin, 0
		if *s.Type == roomLeave {
			ev.Type = event.ChatroomMemberLeave
		}
		r.include(s.UserIDs, "")
		if len(s.UserIDs) == 1 {
			r.act(s.UserIDs[0])
		}
	case [2]int{roomLeave, byTimeout}:
		ev.Type = event.ChatroomMemberLeave
		r.include(s.UserIDs, reasonTimeout)
		if len(s.UserIDs) > 0 {
			rest.Status = 0 // the members say it
		}
	case [2]int{roomLeave, byBan}:
		ev.Type, rest.Status = event.ChatroomMemberBan, 0
		r.include(s.UserIDs, "")
	default:
		ev.Type = roomTypes[*s.Type]
		r.include(s.UserIDs, "")
	}
	if *s.Type == roomCreate || *s.Type == roomDestroy {
		ev.Chatroom = &event.Chatroom{ID: s.ChatRoomID, Reason: reason}
	}
	if len(rest.UserIDs) == 0 {
		rest.UserIDs = nil
	}
	if rest.Status != 0 || rest.UserIDs != nil || rest.Unknown != nil {
		vendor, err := dialect.Vendor(&rest)
		if err != nil { // cannot be: the item was read from JSON
			return unknown("chatroom_status", raw)
		}
		ev.Vendor = vendor
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

// dedupe is all that an item says, which the server's retry repeats. Lengths
// stand before the ids so that no two lists read alike.
func (s *roomStatus) dedupe() string {
	var stack [256]byte
	b := strconv.AppendInt(stack[:0], int64(*s.Type), 10)
	b = strconv.AppendInt(append(b, '/'), int64(s.Status), 10)
	b = strconv.AppendInt(append(b, '/'), s.Time, 10)
	b = append(b, '/')
	b = appendSized(b, s.ChatRoomID)
	for _, u := range s.UserIDs {
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

	var rest roomVendor
	if own {
		if err := dialect.FromVendor(ev.Vendor, &rest); err != nil {
			return dialect.Untranslatable("%v", err)
		}
	}
	kind, status := roomCreate, byCall
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
		if len(members) == 0 && ev.Actor != nil && ev.Actor.ID != "" {
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
	if rest.Status != 0 {
		status = rest.Status
	}

	b := make([]byte, 0, 128+len(room)+24*(len(members)+len(rest.UserIDs))+len(rest.Unknown))
	b = append(b, `[{"chatRoomId":`...)
	b = dialect.AppendString(b, room)
	b = append(b, `,"userIds":[`...)
	for i, u := range rest.UserIDs {
		if i > 0 {
			b = append(b, ',')
		}
		b = dialect.AppendString(b, u)
	}
	if len(rest.UserIDs) == 0 {
		for i := range members {
			if i > 0 {
				b = append(b, ',')
			}
			b = dialect.AppendString(b, members[i].ID)
		}
	}
	b = append(b, `],"status":`...)
	b = strconv.AppendInt(b, int64(status), 10)
	b = append(b, `,"type":`...)
	b = strconv.AppendInt(b, int64(kind), 10)
	b = append(b, `,"time":`...)
	b = strconv.AppendInt(b, milli(out.time()), 10)
	if members := bytes.TrimSpace(rest.Unknown); len(members) > len("{}") {
		b = append(b, ',')
		b = append(b, members[1:len(members)-1]...)
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
