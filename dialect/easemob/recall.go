package easemob

import (
	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

func recallCommands() []command {
	return []command{{
		spec:  after(recall, "a message was taken back", event.MessageRecall),
		whole: true, says: []event.Type{event.MessageRecall},
		decode: decodeRecall, encode: encodeRecall, sample: (*draw).recall,
	}}
}

// where tells the conversation of what is no message: a group's or chatroom's by
// group_id, else the two users'.
func (m *message) where(from, to string) (c event.Conversation, ok bool) {
	group := bareID(m.AppKey, m.GroupID)
	switch {
	case group != "" && isRoom(m.ContentType):
		return event.Conversation{Kind: event.KindChatroom, ID: group}, true
	case group != "":
		return event.Conversation{Kind: event.KindGroup, ID: group}, true
	case from != "" && to != "":
		return event.Direct(from, to), true
	}
	return event.Conversation{}, false
}

// settle drops from m what all reports say alike, and keeps the rest.
func (m *message) settle(ev *event.Event, place event.Conversation, to string) error {
	if isDefaultCallID(m.CallID, m.AppKey, m.MsgID) {
		m.CallID = ""
	}
	if m.EventType == typeChat {
		m.EventType = ""
	}
	m.ChatType, m.Timestamp, m.Security = "", 0, ""
	m.To = stripped(m.To, to)
	if place.Kind != event.KindDirect {
		m.GroupID = stripped(m.GroupID, place.ID)
	}
	return m.keep(ev)
}

// groupLike reports whether an id looks like one that the server gives to groups:
// all digits, and longer than people's numbers are.
func groupLike(id string) bool {
	if len(id) <= 12 {
		return false
	}
	for _, c := range id {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

func decodeRecall(in *input, ev *event.Event) (bool, error) {
	m := &in.m
	recalled := or(m.RecallID, m.Payload.AckID)
	from, to := bareID(m.AppKey, m.From), bareID(m.AppKey, m.To)
	if m.GroupID == "" && groupLike(to) {
		// The vendor's own example of a recall in a group has no group_id.
		m.GroupID = m.To
	}
	place, ok := m.where(from, to)
	if !ok || recalled == "" {
		return false, nil
	}
	ev.Type, ev.Dedupe = event.MessageRecall, m.dedupe()
	ev.Conversation, ev.Lane = &place, place.Lane()
	ev.Actor, m.From = actor(m.AppKey, m.From)
	ev.Message = &event.Message{ID: recalled}
	ev.Links = []string{"msg:" + recalled}
	if m.Payload.AckID == recalled {
		m.Payload.AckID = ""
	}
	m.RecallID = stripped(m.RecallID, recalled)
	if string(m.Payload.Ext) == "{}" {
		m.Payload.Ext = nil
	}
	if place.Kind != event.KindDirect {
		to = place.ID
	}
	return true, m.settle(ev, place, to)
}

func encodeRecall(out *output) error {
	ev := out.ev
	var m message
	if err := out.kept(&m); err != nil {
		return err
	}
	switch {
	case ev.Message == nil || ev.Message.ID == "":
		return dialect.Untranslatable("it names no message")
	case ev.Conversation == nil:
		return dialect.Untranslatable("it names no conversation")
	}
	m.ChatType = recall
	m.EventType = or(m.EventType, typeChat)
	m.From = or(m.From, actorID(ev.Actor, systemUser))
	if !out.own && m.From == "" {
		m.From = ev.Message.Sender
	}
	if err := m.toPlace(ev.Conversation, bareID(m.AppKey, m.From), out.own); err != nil {
		return err
	}
	m.RecallID = ev.Message.ID
	m.Payload.AckID = or(m.Payload.AckID, ev.Message.ID)
	if len(m.Payload.Ext) == 0 {
		m.Payload.Ext = emptyObject
	}
	out.fill(&m.envelope, 0, 1)
	return out.message(&m)
}

// emptyObject is what ext is where nobody put anything. It is never written to.
var emptyObject = []byte("{}")

// toPlace sets to and group_id of what is no message. What another dialect
// reports may come from somebody outside a direct conversation (an admin): then
// it goes to one of the two.
func (m *message) toPlace(place *event.Conversation, from string, own bool) error {
	switch place.Kind {
	case event.KindDirect:
		if m.To != "" {
			return nil
		}
		a, b, ok := place.Users()
		switch {
		case !ok:
			return dialect.Untranslatable("its direct conversation does not name two users")
		case from == a:
			m.To = b
		case from == b:
			m.To = a
		case own:
			m.To = b
		default:
			return dialect.Untranslatable("who did it is not in the direct conversation")
		}
	case event.KindGroup, event.KindChatroom:
		m.GroupID = or(m.GroupID, place.ID)
		m.To = or(m.To, place.ID)
		if place.Kind == event.KindChatroom && !isRoom(m.ContentType) {
			m.ContentType = roomContent + wireUnknown
		}
	default:
		return dialect.Untranslatable("there is no %s here", place.Kind)
	}
	return nil
}
