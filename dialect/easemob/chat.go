package easemob

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// content is one kind of message body in both directions.
type content struct {
	// wire is bodies[].type.
	wire string
	line string
	// kinds are the canonical kinds that it says.
	kinds []event.ContentKind
	// read moves what is canonical from b to m and leaves the rest.
	read func(b *body, m *event.Message)
	// write puts m into b and returns the last word of content_type. own says
	// that b holds what read left.
	write func(m *event.Message, b *body, own bool) (word string, err error)
	// sample draws a message without its id.
	sample func(r *rand.Rand) event.Message
}

// chatNames are the first words of commands.
var chatNames = map[event.Kind]string{
	event.KindDirect: "chat", event.KindGroup: "groupchat", event.KindChatroom: "chatroom",
}

func messageCommand(c content, where event.Kind, offline bool) command {
	cmd := command{
		spec: dialect.Command{
			Name: chatNames[where] + ":" + c.wire, Phase: event.After,
			Types: []event.Type{event.MessageSend},
			Line:  c.line + " was sent (" + string(where) + ")",
		},
		decode: func(m *message, ev *event.Event) (bool, error) {
			return decodeMessage(m, ev, c, where, offline)
		},
		sample: func(r *rand.Rand, now time.Time) *event.Event {
			return sampleMessage(r, now, c, where, offline)
		},
	}
	if offline {
		cmd.spec.Name += offlineSuffix
		cmd.spec.Types = []event.Type{event.MessagePushOffline}
		cmd.spec.Line = c.line + " is kept for a receiver who is offline (" + string(where) + ")"
	}
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

func decodeMessage(m *message, ev *event.Event, c content, where event.Kind, offline bool) (bool, error) {
	from, device := bare(m.AppKey, m.From)
	to, _ := bare(m.AppKey, m.To)
	group, _ := bare(m.AppKey, m.GroupID)
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
	ev.Dedupe = dedupe(m)
	if offline {
		ev.Type = event.MessagePushOffline
		if to != "" {
			ev.Members = []event.Member{{ID: to}}
		}
	}

	ev.Actor = &parts.actor
	parts.message = event.Message{ID: m.MsgID, Code: c.wire}
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
	if m.CallID == defaultCallID(m.AppKey, m.MsgID) {
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
	return true, readPayload(&m.Payload, &parts.message, c)
}

// readPayload moves the elements and the application's own object into msg.
func readPayload(p *payload, msg *event.Message, c content) error {
	if len(p.Ext) > 0 && p.Ext.Kind() == '{' && string(p.Ext) != "{}" {
		ext, err := dialect.Tidy(p.Ext)
		if err != nil {
			return err
		}
		if string(ext) != "{}" {
			msg.Extra = string(ext)
		}
		p.Ext = nil
	} else if k := p.Ext.Kind(); k == '{' || k == 'n' {
		p.Ext = nil
	}

	if len(p.Bodies) > 1 {
		msg.Parts = make([]event.Message, len(p.Bodies))
		for i := range p.Bodies {
			b := p.Bodies[i]
			part := &msg.Parts[i]
			part.Code = b.Type
			if b.Type == c.wire {
				c.read(&b, part)
			} else {
				part.Kind = event.UnknownKind
			}
		}
	}
	first := &p.Bodies[0]
	c.read(first, msg)
	first.Type = ""
	if len(p.Bodies) == 1 && first.isZero() {
		p.Bodies = nil
	}
	return nil
}

func (b *body) isZero() bool {
	return b.Msg == "" && b.Type == "" && b.SubType == "" && b.Title == "" && b.Summary == "" && b.CombineLevel == 0 &&
		b.Filename == "" && b.FileLength == 0 && b.URL == "" && b.Secret == "" && len(b.Unknown) == 0
}

// dedupe is what the server's retry repeats and the copies for other receivers
// do not. The length keeps two pairs from reading alike.
func dedupe(m *message) string {
	callID := m.CallID
	if callID == "" {
		callID = defaultCallID(m.AppKey, m.MsgID)
	}
	if callID == "" {
		return ""
	}
	return strconv.Itoa(len(callID)) + ":" + callID + m.To
}

func sampleMessage(r *rand.Rand, now time.Time, c content, where event.Kind, offline bool) *event.Event {
	user := func() string { return "user" + strconv.Itoa(1000+r.IntN(9000)) }
	from, to := user(), user()
	msg := c.sample(r)
	msg.ID = strconv.FormatInt(1_400_000_000_000_000_000+r.Int64N(100_000_000_000_000_000), 10)
	ev := &event.Event{
		App: sampleApp, Type: event.MessageSend, Phase: event.After, Time: now,
		Actor: &event.Actor{ID: from}, Message: &msg,
		Conversation: &event.Conversation{Kind: where, ID: strconv.FormatInt(180_000_000_000_000+r.Int64N(1_000_000_000), 10)},
	}
	if where == event.KindDirect {
		*ev.Conversation = event.Direct(from, to)
	}
	if offline {
		ev.Type = event.MessagePushOffline
		ev.Members = []event.Member{{ID: to}}
	}
	return ev
}

// roomOf is the word for a conversation in content_type.
func roomOf(kind event.Kind) string {
	switch kind {
	case event.KindGroup:
		return "chat:group:"
	case event.KindChatroom:
		return roomContent
	}
	return "chat:user:"
}

// isRoom reports whether a kept content type says chatroom.
func isRoom(contentType string) bool { return strings.HasPrefix(contentType, roomContent) }
