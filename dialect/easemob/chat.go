package easemob

import (
	"strconv"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// chatNames are the first words of commands.
var chatNames = map[event.Kind]string{
	event.KindDirect: chatDirect, event.KindGroup: chatGroup, event.KindChatroom: chatRoom,
}

func messageCommand(c *content, where event.Kind, offline bool) command {
	cmd := command{
		spec: dialect.Command{
			Name: chatNames[where] + ":" + c.wire, Phase: event.After,
			Types: []event.Type{event.MessageSend},
			Line:  c.line + " was sent (" + string(where) + ")",
		},
		decode: func(in *input, ev *event.Event) (bool, error) { return decodeMessage(&in.m, ev, c, where, offline) },
		encode: encodeMessages,
	}
	if offline {
		cmd.spec.Name += offlineSuffix
		cmd.spec.Types = []event.Type{event.MessagePushOffline}
		cmd.spec.Line = c.line + " is kept for a receiver who is offline (" + string(where) + ")"
	}
	cmd.whole = true
	cmd.sample = func(d *draw) *event.Event { return d.message(c, where, offline) }
	return cmd
}

// messageBodies are the bodies that every message has, so that one allocation
// holds them.
type messageBodies struct {
	conversation event.Conversation
	actor        event.Actor
	message      event.Message
	link         [1]string
}

func decodeMessage(m *message, ev *event.Event, c *content, where event.Kind, offline bool) (bool, error) {
	from, device := bare(m.AppKey, m.From)
	to := bareID(m.AppKey, m.To)
	group := bareID(m.AppKey, m.GroupID)
	if where != event.KindDirect && group == "" && !offline {
		m.GroupID, group = m.To, to
	}
	if from == "" || (where == event.KindDirect && to == "") || (where != event.KindDirect && group == "") {
		return false, nil
	}
	if to == "" && !offline {
		m.To, to = m.GroupID, group
	}

	parts := new(messageBodies)
	parts.conversation = event.Conversation{Kind: where, ID: group}
	if where == event.KindDirect {
		parts.conversation = event.Direct(from, to)
	}
	ev.Type = event.MessageSend
	ev.Conversation = &parts.conversation
	ev.Lane = parts.conversation.Lane()
	ev.Dedupe = m.dedupe()
	if offline {
		ev.Type = event.MessagePushOffline
		if to != "" {
			ev.Members = []event.Member{{ID: to}}
		}
	}

	ev.Actor = &parts.actor
	parts.message = event.Message{ID: m.MsgID}
	if system(from) {
		parts.actor.System = true
		parts.message.Sender = from
	} else {
		parts.actor.ID = from
		if device != "" {
			parts.actor.Client, parts.actor.Platform = device, platform(device)
		}
		if from == m.From {
			m.From = ""
		}
	}
	if m.MsgID != "" {
		parts.link[0] = "msg:" + m.MsgID
		ev.Links = parts.link[:]
	}
	ev.Message = &parts.message

	// What follows is what the canonical fields do not say.
	if isDefaultCallID(m.CallID, m.AppKey, m.MsgID) {
		m.CallID = ""
	}
	switch {
	case where == event.KindDirect, offline:
		if m.To == to {
			m.To = ""
		}
	default:
		if m.To == group {
			m.To = ""
		}
	}
	if m.GroupID == group && where != event.KindDirect {
		m.GroupID = ""
	}
	m.EventType, m.ChatType, m.MsgID, m.Timestamp, m.Security = "", "", "", 0, ""
	if err := readPayload(&m.Payload, &parts.message, c); err != nil {
		return false, err
	}
	return true, m.keep(ev)
}

// keep puts what is left of m under vendor.
func (m *message) keep(ev *event.Event) error {
	rest, err := m.json(true)
	if err != nil {
		return err
	}
	if string(rest) != "{}" {
		ev.Vendor = rest
	}
	return nil
}

// readPayload moves the elements and the application's own object into msg; c is
// what the first element is.
func readPayload(p *payload, msg *event.Message, c *content) error {
	if err := readExt(p, msg); err != nil {
		return err
	}
	if len(p.Bodies) == 0 { // content_type alone told what it is
		msg.Code = c.wire
		c.read(&body{}, msg)
		return nil
	}
	if len(p.Bodies) > 1 {
		msg.Parts = make([]event.Message, len(p.Bodies))
		for i := range p.Bodies {
			b := p.Bodies[i]
			msg.Parts[i].Code = b.Type
			one := contentOf(b.Type)
			if one == nil {
				one = contentOf(wireUnknown)
			}
			one.read(&b, &msg.Parts[i])
		}
	}
	first := &p.Bodies[0]
	msg.Code = or(first.Type, c.wire)
	c.read(first, msg)
	first.Type = ""
	if len(p.Bodies) == 1 && first.isZero() {
		p.Bodies = nil
	}
	return nil
}

// dedupe is what the server's retry repeats and the copies for other receivers
// do not. The length keeps two pairs from reading alike.
func (e *envelope) dedupe() string {
	callID := e.CallID
	if callID == "" {
		callID = defaultCallID(e.AppKey, e.MsgID)
	}
	if callID == "" {
		return ""
	}
	return strconv.Itoa(len(callID)) + ":" + callID + e.To
}

// encodeMessages writes a request for each offline receiver, or the only one.
func encodeMessages(out *output) error {
	ev := out.ev
	n := 1
	if ev.Type == event.MessagePushOffline {
		n = max(n, len(ev.Members))
	}
	for k := range n {
		if err := encodeMessage(out, k, n); err != nil {
			return err
		}
	}
	return nil
}

func encodeMessage(out *output, k, n int) error {
	ev := out.ev
	if ev.Message == nil || ev.Conversation == nil {
		return dialect.Untranslatable("it lacks the message or the conversation")
	}
	var m message
	if err := out.keptMessage(&m); err != nil {
		return err
	}
	word, err := writePayload(&m.Payload, ev.Message, out.own)
	if err != nil {
		return err
	}
	if err := address(&m, ev, k, out.own); err != nil {
		return err
	}
	m.MsgID = ev.Message.ID
	if !out.own {
		if m.MsgID == "" {
			m.MsgID = out.id(k, n)
		}
		if !out.legacy() {
			m.ContentType = roomOf(ev.Conversation.Kind) + word
		}
	}
	out.fill(&m.envelope, k, n)
	return out.message(&m)
}

// address sets who sends where to whom, in the wrapped form where that was kept.
func address(m *message, ev *event.Event, k int, own bool) error {
	var sender string
	switch {
	case own && m.From != "":
		sender = bareID(m.AppKey, m.From)
	case ev.Actor != nil && ev.Actor.ID != "":
		sender = ev.Actor.ID
	default:
		sender = ev.Message.Sender
	}
	if sender == "" {
		return dialect.Untranslatable("it names no sender")
	}
	if m.From == "" {
		m.From = sender
	}

	m.EventType = typeChat
	receiver := ""
	if ev.Type == event.MessagePushOffline {
		m.EventType = typeOffline
		switch {
		case k < len(ev.Members):
			receiver = ev.Members[k].ID
		case !own:
			return dialect.Untranslatable("it does not name the member who is offline")
		}
	}
	return m.direct(ev.Conversation, sender, receiver)
}

// direct sets chat_type, group_id and to.
func (m *message) direct(place *event.Conversation, sender, receiver string) error {
	switch place.Kind {
	case event.KindDirect:
		peer, ok := place.Peer(sender)
		if !ok {
			return dialect.Untranslatable("its sender is not in the direct conversation")
		}
		m.ChatType = chatDirect
		if m.To == "" {
			m.To = peer
		}
	case event.KindGroup, event.KindChatroom:
		m.ChatType = chatGroup
		if m.GroupID == "" {
			m.GroupID = place.ID
		}
		if m.To == "" && m.EventType == typeOffline {
			m.To = receiver
		} else if m.To == "" {
			m.To = place.ID
		}
	default:
		return dialect.Untranslatable("there are no messages to a %s here", place.Kind)
	}
	return nil
}

// writePayload puts the message behind what p keeps of its vendor's form. It
// returns the last word of content_type.
func writePayload(p *payload, msg *event.Message, own bool) (string, error) {
	c, err := contentFor(msg, own)
	if err != nil {
		return "", err
	}
	if len(p.Bodies) == 0 {
		p.Bodies = make([]body, 1)
	}
	first := &p.Bodies[0]
	first.Type = c.wire
	c.write(msg, first, own)
	if len(p.Ext) == 0 {
		if p.Ext, err = writeExt(msg, own); err != nil {
			return "", err
		}
	}
	return c.typeWord(msg.Kind), nil
}

// roomOf is the word for a conversation in content_type.
func roomOf(kind event.Kind) string {
	switch kind {
	case event.KindGroup:
		return groupContent
	case event.KindChatroom:
		return roomContent
	}
	return directContent
}
