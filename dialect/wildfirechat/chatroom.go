package wildfirechat

import (
	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// chatroom is what the three bodies about chatrooms hold together:
// ChatroomUpdateEvent (chatroomId, type), ChatroomMemberUpdateEvent (operatorId,
// memberIds, type) and the body of the old documents (userId, status). Operators
// may give them one URL, so the keys tell them apart.
type chatroom struct {
	OperatorID *string   `json:"operatorId,omitzero"`
	UserID     string    `json:"userId,omitzero"`
	ChatroomID string    `json:"chatroomId"`
	MemberIDs  *[]string `json:"memberIds,omitzero"`
	Type       *int32    `json:"type,omitzero"`
	Status     *int32    `json:"status,omitzero"`
	chatroomRest
}

// chatroomRest keeps what another of the three bodies would have read.
type chatroomRest struct {
	OperatorID string         `json:"operatorId,omitzero"`
	UserID     string         `json:"userId,omitzero"`
	MemberIDs  []string       `json:"memberIds,omitzero"`
	Status     *int32         `json:"status,omitzero"`
	Unknown    jsontext.Value `json:",embed"`
}

// chatroomMemberTypes are the event types in the order of the numbers of type:
// 0 is to join. In status of the old body 0 is to quit.
var chatroomMemberTypes = [...]event.Type{
	event.ChatroomMemberJoin, event.ChatroomMemberLeave, event.ChatroomMemberKick, event.ChatroomMemberMute, event.ChatroomMemberUnmute,
}

func decodeChatroom(in input) (*event.Event, error) {
	var w chatroom
	if err := in.read(&w); err != nil {
		return nil, err
	}
	if w.ChatroomID == "" {
		return nil, in.missing("chatroomId")
	}
	place, lane := placed(event.KindChatroom, w.ChatroomID)
	ev := &event.Event{
		Lane: lane, Conversation: &place, Chatroom: &event.Chatroom{ID: w.ChatroomID}, Generation: current,
	}
	name := in.command.spec.Name
	var known bool
	switch {
	case w.Type == nil && w.Status == nil:
		if name == "chatroom_status" {
			return nil, in.missing("status")
		}
		return nil, in.missing("type")
	case w.Type == nil:
		ev.Command = "chatroom_status"
		known = w.readStatus(ev)
		if known && w.UserID == "" {
			return nil, in.missing("userId")
		}
	case w.MemberIDs != nil || w.OperatorID != nil || name == "chatroom_member":
		ev.Command = "chatroom_member"
		ev.Type, known = numbered(chatroomMemberTypes[:], *w.Type)
		ev.Actor, ev.Members = actor(or(w.OperatorID, "")), members(or(w.MemberIDs, nil))
		w.chatroomRest.UserID, w.chatroomRest.Status = w.UserID, w.Status
	default:
		ev.Command = "chatroom_info"
		ev.Type, known = numbered([]event.Type{event.ChatroomCreate, event.ChatroomDestroy}, *w.Type)
		w.chatroomRest.UserID, w.chatroomRest.Status = w.UserID, w.Status
	}
	if !known {
		unknown := in.unknown(lane)
		unknown.Command = ev.Command
		return unknown, nil
	}
	var err error
	ev.Vendor, err = vendor(in, &w.chatroomRest)
	return ev, err
}

// readStatus reads the old body; false for a status that it does not have.
func (w *chatroom) readStatus(ev *event.Event) bool {
	ev.Generation = legacy
	ev.Actor = actor(w.UserID)
	ev.Members = members([]string{w.UserID})
	w.chatroomRest.OperatorID, w.chatroomRest.MemberIDs = or(w.OperatorID, ""), nonEmpty(or(w.MemberIDs, nil))
	switch *w.Status {
	case 0:
		ev.Type = event.ChatroomMemberLeave
	case 1:
		ev.Type = event.ChatroomMemberJoin
	default:
		return false
	}
	return true
}

func chatroomID(ev *event.Event) (string, error) {
	body := ""
	if ev.Chatroom != nil {
		body = ev.Chatroom.ID
	}
	return place(ev, event.KindChatroom, body)
}

// encodeChatroom writes that a room was made or closed.
func encodeChatroom(out *output) error {
	id, err := chatroomID(out.ev)
	if err != nil {
		return err
	}
	w := chatroom{ChatroomID: id, Type: new(int32(0))}
	if err := w.keep(out); err != nil {
		return err
	}
	if out.ev.Type == event.ChatroomDestroy {
		*w.Type = 1
	}
	return out.post("", &w)
}

// keep puts back what the event kept; the fields of the other bodies stand above
// those of the rest and have to be set there.
func (w *chatroom) keep(out *output) error {
	if err := out.kept(&w.chatroomRest); err != nil {
		return err
	}
	w.UserID, w.Status = w.chatroomRest.UserID, w.chatroomRest.Status
	if w.chatroomRest.OperatorID != "" {
		w.OperatorID = &w.chatroomRest.OperatorID
	}
	if w.chatroomRest.MemberIDs != nil {
		w.MemberIDs = &w.chatroomRest.MemberIDs
	}
	return nil
}

// encodeChatroomMember writes what members did: one body for all of them, or the
// old one for each.
func encodeChatroomMember(out *output) error {
	ev := out.ev
	id, err := chatroomID(ev)
	if err != nil {
		return err
	}
	w := chatroom{ChatroomID: id}
	if err := w.keep(out); err != nil {
		return err
	}
	ids := out.concerned()
	old := out.command.spec.Name == "chatroom_status"
	if len(ids) == 0 && (!out.own || old) {
		return dialect.Untranslatable("it names no member")
	}
	if out.to.Generation == legacy || old {
		return out.chatroomStatus(&w, ids)
	}
	n := int32(memberKick) // a ban puts out, too
	if ev.Type != event.ChatroomMemberBan {
		n = number(chatroomMemberTypes[:], ev.Type, n)
	}
	w.Type, w.MemberIDs = &n, &ids
	if operator := actorID(ev); operator != "" {
		w.OperatorID = &operator
	}
	return out.post("", &w)
}

// chatroomStatus writes the old body, which knows two states and one user.
func (out *output) chatroomStatus(w *chatroom, ids []string) error {
	switch out.ev.Type {
	case event.ChatroomMemberJoin:
		w.Status = new(int32(1))
	case event.ChatroomMemberLeave:
		w.Status = new(int32(0))
	default:
		return dialect.Untranslatable("the old body only says who joined and who left")
	}
	c := out.d.byName["chatroom_status"]
	for _, w.UserID = range ids {
		if err := out.postAs(c, "", w); err != nil {
			return err
		}
	}
	return nil
}
