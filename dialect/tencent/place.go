package tencent

import (
	"strconv"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// liveGroup is the Type of groups without a lasting membership: chatrooms here.
// ChatRoom, in spite of its name, is the old word for Meeting, a group.
const liveGroup = "AVChatRoom"

// usualGroup is written for groups of other dialects, topicGroup where something
// happens in a topic: no other groups have them.
const (
	usualGroup = "Public"
	topicGroup = "Community"
)

// rooms are the types that a group's fact has when the group is a chatroom.
var rooms = map[event.Type]event.Type{
	event.GroupCreate:          event.ChatroomCreate,
	event.GroupDestroy:         event.ChatroomDestroy,
	event.GroupUpdate:          event.ChatroomUpdate,
	event.GroupAnnounce:        event.ChatroomAnnounce,
	event.GroupUnannounce:      event.ChatroomUnannounce,
	event.GroupTransfer:        event.ChatroomTransfer,
	event.GroupFull:            event.ChatroomFull,
	event.GroupAttributeSet:    event.ChatroomAttributeSet,
	event.GroupAttributeUpdate: event.ChatroomAttributeSet,
	event.GroupAttributeDelete: event.ChatroomAttributeDelete,
	event.GroupAttributeClear:  event.ChatroomAttributeClear,
	event.GroupMemberApply:     event.ChatroomMemberApply,
	event.GroupMemberInvite:    event.ChatroomMemberInvite,
	event.GroupMemberJoin:      event.ChatroomMemberJoin,
	event.GroupMemberLeave:     event.ChatroomMemberLeave,
	event.GroupMemberKick:      event.ChatroomMemberKick,
	event.GroupMemberPromote:   event.ChatroomMemberPromote,
	event.GroupMemberDemote:    event.ChatroomMemberDemote,
	event.GroupMemberUpdate:    event.ChatroomMemberUpdate,
}

// withRooms are the types and those that they have in a chatroom.
func withRooms(types ...event.Type) []event.Type {
	all := types
	for _, t := range types {
		if r, ok := rooms[t]; ok && r != all[len(all)-1] {
			all = append(all, r)
		}
	}
	return all
}

// placed cuts the conversation's id out of its lane, to have both in one string.
func placed(kind event.Kind, id string) (event.Conversation, event.Lane) {
	lane := event.NewLane(kind, id)
	return event.Conversation{Kind: kind, ID: string(lane[len(kind)+1:])}, lane
}

// group takes GroupId, Type and TopicId and starts an event of a group or, by
// Type, of a chatroom. t is the group's type.
func (in *input) group(t event.Type) (*event.Event, error) {
	id := in.o.text("GroupId")
	if id == "" {
		return nil, in.missing("GroupId")
	}
	ev := &event.Event{Type: t}
	kind := in.o.text("Type")
	in.profile(ev, kind, id)
	where := event.KindGroup
	if ev.Chatroom != nil {
		where = event.KindChatroom
	}
	c, lane := placed(where, id)
	c.Topic = in.o.text("TopicId")
	ev.Conversation, ev.Lane = &c, lane
	return ev, nil
}

// profile gives ev the body of a group or chatroom.
func (in *input) profile(ev *event.Event, kind, id string) {
	if kind == liveGroup {
		if r, ok := rooms[ev.Type]; ok {
			ev.Type, ev.Chatroom = r, &event.Chatroom{ID: id}
			return
		}
	}
	ev.Group = &event.Group{ID: id, Kind: kind}
}

// chat takes GroupId, Type and TopicId of what happens to a message: the place is
// all that the event says of the group, so that Type is left over, but for the
// chatrooms' which the place tells.
func (in *input) chat(c *event.Conversation) (event.Lane, bool) {
	kind := event.KindGroup
	if string(in.o.peek("Type")) == `"`+liveGroup+`"` {
		in.o.drop("Type")
		kind = event.KindChatroom
	}
	var lane event.Lane
	if v := in.o.peek("GroupId"); v != nil && v[0] == '"' && plain(v[1:len(v)-1]) {
		// The id is cut out of its lane: one string for both.
		in.o.drop("GroupId")
		lane = event.Lane(string(kind) + ":" + string(v[1:len(v)-1]))
		*c = event.Conversation{Kind: kind, ID: string(lane[len(kind)+1:])}
	} else {
		*c, lane = placed(kind, in.o.text("GroupId"))
	}
	c.Topic = in.o.text("TopicId")
	return lane, c.ID != ""
}

// groupID finds the group or chatroom that ev is about: in its body, else in its
// conversation, else in its lane.
func groupID(ev *event.Event) (id string, room bool, err error) {
	room = isRoom(ev)
	kind := event.KindGroup
	if room {
		kind = event.KindChatroom
	}
	switch {
	case ev.Conversation != nil && ev.Conversation.Kind == kind && ev.Conversation.ID != "":
		return ev.Conversation.ID, room, nil
	case !room && ev.Group != nil && ev.Group.ID != "":
		return ev.Group.ID, room, nil
	case room && ev.Chatroom != nil && ev.Chatroom.ID != "":
		return ev.Chatroom.ID, room, nil
	case ev.Lane.Kind() == kind && ev.Lane.ID() != "":
		return ev.Lane.ID(), room, nil
	}
	return "", room, dialect.Untranslatable("it names no %s", kind)
}

func isRoom(ev *event.Event) bool {
	if ev.Conversation != nil {
		return ev.Conversation.Kind == event.KindChatroom
	}
	return ev.Chatroom != nil || ev.Lane.Kind() == event.KindChatroom
}

// groupHead writes GroupId and Type, and reports whether it is a chatroom.
func (out *output) groupHead() (room bool, err error) {
	id, room, err := groupID(out.ev)
	if err != nil {
		return room, err
	}
	out.w.text("GroupId", id)
	out.kind(room)
	return room, nil
}

// kind writes Type: the group's own, else the usual one. What an event of ours
// came without stays away.
func (out *output) kind(room bool) {
	switch {
	case room:
		out.w.text("Type", liveGroup)
	case out.own:
		if out.ev.Group != nil {
			out.w.textIf("Type", out.ev.Group.Kind)
		}
	case !out.command.typeless:
		out.w.text("Type", usualGroup)
	}
}

// chatHead is groupHead for what happens to a message: Type is among what is kept.
func (out *output) chatHead() error {
	id, room, err := groupID(out.ev)
	if err != nil {
		return err
	}
	out.w.text("GroupId", id)
	switch {
	case room:
		out.w.text("Type", liveGroup) // else it would be read as a group
	case out.command.typeless:
	case !out.own && out.ev.Conversation != nil && out.ev.Conversation.Topic != "":
		out.w.text("Type", topicGroup)
	case !out.own:
		out.w.text("Type", usualGroup)
	}
	if c := out.ev.Conversation; c != nil {
		out.w.textIf("TopicId", c.Topic)
	}
	return nil
}

// peer is the other user of a direct conversation.
func (out *output) peer(user string) (string, error) {
	ev := out.ev
	if ev.Conversation != nil {
		if p, ok := ev.Conversation.Peer(user); ok {
			return p, nil
		}
	}
	if ev.Lane.Kind() == event.KindDirect {
		if p, ok := (event.Conversation{Kind: event.KindDirect, ID: ev.Lane.ID()}).Peer(user); ok {
			return p, nil
		}
	}
	return "", dialect.Untranslatable("it does not say who the two of the conversation are")
}

func decimal(n int64) string { return strconv.FormatInt(n, 10) }
