package rongcloud

import (
	"strconv"
	"strings"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// messageNames are the names of a message's fields, which no two callbacks share.
type messageNames struct {
	from, target, code, content, channel, time, id, edits, os, topic, members string
	// commas says that the members stand in one text.
	commas bool
	// numbers says that the conversation type is a number.
	numbers bool
}

var (
	syncNames = messageNames{
		from: "fromUserId", target: "toUserId", code: "objectName", content: "content", channel: "channelType",
		time: "msgTimestamp", id: "msgUID", edits: "originalMsgUID", os: "source", topic: "busChannel", members: "groupUserIds",
	}
	// msgTimeStamp has a capital S, and only here.
	callbackNames = messageNames{
		from: "fromUserId", target: "targetId", code: "msgType", content: "content", channel: "channelType",
		time: "msgTimeStamp", id: "messageId", edits: "originalMsgUID", os: "os", topic: "busChannel", members: "toUserIds",
		commas: true,
	}
	auditNames = messageNames{
		from: "fromUserId", target: "targetId", code: "objectName", content: "message", channel: "conversationType",
		time: "messageTime", id: "messageId", os: "clientOs", topic: "busChannel", members: "toUserIds",
		commas: true,
	}
	hookNames = messageNames{
		from: "userId", target: "channelId", code: "messageType", content: "content", channel: "channelType",
		time: "time", id: "messageId", edits: "originalMessageId", os: "os", topic: "busChannelId", members: "groupUserIds",
		numbers: true,
	}
	// The page of the questions is cut off in all copies behind channelId: the
	// names of message:send, and toUserIds as in message_callback.
	preHookNames = messageNames{
		from: "userId", target: "channelId", code: "messageType", content: "content", channel: "channelType",
		time: "time", id: "messageId", edits: "originalMessageId", os: "os", topic: "busChannelId", members: "toUserIds",
		commas: true, numbers: true,
	}
)

const linkPrefix = "msg:"

// carrier is a message event with its bodies in one piece of memory.
type carrier struct {
	event   event.Event
	actor   event.Actor
	conv    event.Conversation
	message event.Message
	link    [1]string
}

// readMessage reads what all messages have. Nil when it names nobody, and without
// a conversation where the wire has one that is not known.
func (o *object) readMessage(n *messageNames, usual string) *event.Event {
	c := new(carrier)
	ev, m := &c.event, &c.message
	c.actor.ID = o.text(n.from)
	c.actor.Platform = o.platform(n.os)
	ev.Actor, ev.Message = &c.actor, m
	ev.Time = o.time(n.time)
	m.ID = o.text(n.id)
	if n.edits != "" {
		m.Edits = o.text(n.edits)
	}
	if c.actor.ID == "" {
		return nil
	}

	word := usual
	if n.numbers {
		if number, ok := o.number(n.channel); ok {
			if word = channelWord(number); word == "" {
				o.keepJSON(n.channel, []byte(digits(number)))
			}
		}
	} else if w := o.text(n.channel); w != "" {
		word = w
	}
	target, topic := o.text(n.target), o.text(n.topic)
	var ok bool
	if c.conv, ev.Lane, ok = place(word, c.actor.ID, target, topic); ok {
		ev.Conversation = &c.conv
		if word != usualWord(&c.conv) && (usual == "" || word != usual) {
			if n.numbers {
				o.keepJSON(n.channel, []byte(digits(channelNumber(word))))
			} else {
				o.keep(n.channel, word)
			}
		}
	} else {
		keepSome(o, n.target, target)
		keepSome(o, n.topic, topic)
		if !n.numbers {
			keepSome(o, n.channel, word)
		}
	}

	m.Code = o.text(n.code)
	o.readContent(m, o.json(n.content))
	if m.ID != "" {
		c.link[0] = linkPrefix + m.ID
		ev.Links = c.link[:]
	}
	if n.commas {
		ev.Members = members(o.commas(n.members))
	} else {
		ev.Members = members(o.list(n.members))
	}
	return ev
}

func keepSome(o *object, name, text string) {
	if text != "" {
		o.keep(name, text)
	}
}

// linkOriginal makes an edit belong to the message that it changes.
func linkOriginal(ev *event.Event) {
	if ev.Message.Edits != "" {
		ev.Links = []string{linkPrefix + ev.Message.Edits}
	}
}

// wireMessage is a message in the words of the wire.
type wireMessage struct {
	from, target, word, topic string
	code, content             string
	id                        string
	members                   []string
}

// message says the event's message in the words of the wire, for a sender.
func (out *output) message(from string, n *messageNames) (w wireMessage, err error) {
	ev := out.ev
	m := ev.Message
	if m == nil {
		return w, dialect.Untranslatable("it has no message")
	}
	if from == "" {
		return w, dialect.Untranslatable("nobody sent the message")
	}
	w.from = from
	if ev.Conversation != nil || !out.own {
		kept := out.kept.text(n.channel)
		if n.numbers {
			number, _ := strconv.ParseInt(kept, 10, 64)
			kept = channelWord(number)
		}
		if kept == "" {
			kept = preMessagingWord(out.command.spec.Name)
		}
		w.word, w.target, err = out.target(ev.Conversation, from, kept)
		if err != nil {
			return w, err
		}
		w.topic = ev.Conversation.Topic
	}
	if !out.same && len(m.Parts) > 0 {
		m = firstPart(m)
	}
	leftovers := out.kept.inner("content")
	w.code, w.content = writeContent(m, &leftovers, out.same)
	if w.id = m.ID; w.id == "" && !out.own {
		w.id = ev.ID
	}
	w.members = memberIDs(ev.Members)
	if !out.own && (ev.Conversation.Kind == event.KindDirect || ev.Conversation.Kind == event.KindUser) {
		w.members = nil // the other one is the target
	}
	return w, nil
}

// write puts the message's fields into s. What was not understood in an event of
// the same command is among the kept fields and needs no second writing.
func (w *wireMessage) write(s sink, n *messageNames, out *output) {
	s.text(n.from, w.from)
	if w.word != "" || !out.own {
		s.text(n.target, w.target)
		switch {
		case !n.numbers:
			s.text(n.channel, w.word)
		case w.word != preMessagingWord(out.command.spec.Name):
			s.number(n.channel, channelNumber(w.word))
		}
	}
	s.text(n.code, w.code)
	s.text(n.content, w.content)
	s.text(n.id, w.id)
	if w.topic != "" || w.word == ultraGroup && n.topic == syncNames.topic {
		s.text(n.topic, w.topic)
	}
	if len(w.members) > 0 {
		if n.commas {
			s.text(n.members, strings.Join(w.members, ","))
		} else {
			s.list(n.members, w.members)
		}
	}
}

// firstPart is the message with the content of its first part alone.
func firstPart(m *event.Message) *event.Message {
	p := m.Parts[0]
	p.ID, p.Sender, p.Mentions, p.Push, p.Extra, p.Options, p.Edits = m.ID, m.Sender, m.Mentions, m.Push, m.Extra, m.Options, m.Edits
	return &p
}

// sender is who wrote the message: the actor, unless the message says otherwise.
func sender(ev *event.Event) string {
	if id := actorID(ev); id != "" {
		return id
	}
	if ev.Message != nil {
		return ev.Message.Sender
	}
	return ""
}
