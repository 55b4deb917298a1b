package easemob

import (
	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

func editCommands() []command {
	return []command{{
		spec:  after(edit, "the content of a sent message was changed", event.MessageEdit),
		whole: true, says: []event.Type{event.MessageEdit},
		decode: decodeEdit, encode: encodeEdit, sample: (*draw).edit,
	}}
}

// decodeEdit reads the message as it is now. Who wrote it and where stands in the
// payload; the outer from and to are the server's own.
func decodeEdit(in *input, ev *event.Event) (bool, error) {
	m := &in.m
	p := &m.Payload
	if p.EditID == "" {
		return false, nil
	}
	c := contentOf(contentName(p.firstType(), ""))
	if c == nil {
		c = contentOf(wireUnknown)
	}
	var e editMeta
	if p.Meta != nil {
		e = p.Meta.Edit
	}
	from, to := bareID(m.AppKey, or(p.From, m.From)), bareID(m.AppKey, or(p.To, m.GroupID, m.To))
	var place event.Conversation
	switch {
	case to == "":
		return false, nil
	case isRoomWord(e.ChatType) || isRoom(m.ContentType):
		place = event.Conversation{Kind: event.KindChatroom, ID: to}
	case isGroupWord(e.ChatType) || m.GroupID != "":
		place = event.Conversation{Kind: event.KindGroup, ID: to}
	case from == "":
		return false, nil
	default:
		place = event.Direct(from, to)
	}
	ev.Type, ev.Dedupe = event.MessageEdit, m.dedupe()
	ev.Conversation, ev.Lane = &place, place.Lane()
	ev.Links = []string{"msg:" + p.EditID}
	msg := &event.Message{ID: p.EditID, Edits: p.EditID}
	ev.Message = msg
	p.EditID = ""
	if p.Type == edit {
		p.Type = ""
	}
	if err := readPayload(p, msg, c); err != nil {
		return false, err
	}

	operator := or(e.Operator, p.From, m.From)
	who, kept := actor(m.AppKey, operator)
	ev.Actor = who
	msg.Sender = bareID(m.AppKey, or(e.Sender, p.From))
	if p.Meta != nil {
		rest := p.Meta
		rest.Edit.Operator = kept
		rest.Edit.Sender = stripped(rest.Edit.Sender, msg.Sender)
		rest.Edit.ChatType = stripped(rest.Edit.ChatType, placeWord(place.Kind))
		msg.SentAt, rest.Edit.SendTime = readMillis(e.SendTime)
		if e.EditTime == m.Timestamp {
			rest.Edit.EditTime = 0
		}
		if rest.Edit.isZero() && len(rest.Unknown) == 0 {
			p.Meta = nil
		}
	}
	p.From = stripped(p.From, msg.Sender)
	p.To = stripped(p.To, to)
	// The outer pair is kept whole.
	if isDefaultCallID(m.CallID, m.AppKey, m.MsgID) {
		m.CallID = ""
	}
	if m.EventType == typeChat {
		m.EventType = ""
	}
	m.ChatType, m.Timestamp, m.Security = "", 0, ""
	return true, m.keep(ev)
}

func encodeEdit(out *output) error {
	ev := out.ev
	var m message
	if err := out.kept(&m); err != nil {
		return err
	}
	if ev.Message == nil || ev.Conversation == nil {
		return dialect.Untranslatable("it lacks the message or the conversation")
	}
	p := &m.Payload
	word, err := writePayload(p, ev.Message, out.own)
	if err != nil {
		return err
	}
	if p.EditID = or(ev.Message.Edits, ev.Message.ID); p.EditID == "" {
		return dialect.Untranslatable("it names no message")
	}
	p.Type = edit
	operator := actorID(ev.Actor, systemUser)
	sender := or(ev.Message.Sender, operator)
	if !out.own {
		p.From = sender
	} else if p.From == "" {
		p.From = ev.Message.Sender
	}
	to := ev.Conversation.ID
	switch ev.Conversation.Kind {
	case event.KindDirect:
		peer, ok := ev.Conversation.Peer(bareID(m.AppKey, or(p.From, m.From)))
		if !ok && !out.own {
			return dialect.Untranslatable("its sender is not in the direct conversation")
		}
		to = peer
	case event.KindGroup, event.KindChatroom:
	default:
		return dialect.Untranslatable("there are no messages to a %s here", ev.Conversation.Kind)
	}
	p.To = or(p.To, to)
	if p.Meta == nil {
		p.Meta = &meta{}
		if !out.own {
			p.Meta.Edit.Count = 1
		}
	}
	e := &p.Meta.Edit
	e.Operator = or(e.Operator, operator)
	if out.own {
		sender = ev.Message.Sender
	}
	e.Sender = or(e.Sender, sender)
	e.ChatType = or(e.ChatType, placeWord(ev.Conversation.Kind))
	e.SendTime = writeMillis(ev.Message.SentAt, e.SendTime)
	if e.EditTime == 0 {
		e.EditTime = out.millis()
	}
	m.ChatType = edit
	m.EventType = or(m.EventType, typeChat)
	if !out.own {
		m.From, m.To = systemUser, p.To
		if ev.Conversation.Kind != event.KindDirect {
			m.GroupID = to
		}
		m.ContentType = roomOf(ev.Conversation.Kind) + word
	}
	out.fill(&m.envelope, 0, 1)
	return out.message(&m)
}

// placeWord is the content type of a conversation without its last word: what an
// edit calls chat_type.
func placeWord(kind event.Kind) string {
	word := roomOf(kind)
	return word[:len(word)-1]
}
