package easemob

import (
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// host is what foreign messages name as the server that saw them.
const host = "imhook"

// Encode says ev with security empty. An event with several offline receivers
// becomes a request for each.
func (d *Dialect) Encode(ev *event.Event, to dialect.Target) ([]dialect.Request, error) {
	if ev.Phase != event.After || (ev.Type != event.MessageSend && ev.Type != event.MessagePushOffline) {
		return nil, dialect.Untranslatable("%s %s", ev.Phase, ev.Type)
	}
	if ev.Type == event.MessageSend || len(ev.Members) < 2 {
		req, err := encodeMessage(ev, to, 0)
		if err != nil {
			return nil, err
		}
		return []dialect.Request{req}, nil
	}
	reqs := make([]dialect.Request, len(ev.Members))
	for i := range ev.Members {
		req, err := encodeMessage(ev, to, i)
		if err != nil {
			return nil, err
		}
		req.ID = event.PartID(ev.ID, i)
		reqs[i] = req
	}
	return reqs, nil
}

// encodeMessage writes the request for ev's k-th member, or the only one.
func encodeMessage(ev *event.Event, target dialect.Target, k int) (dialect.Request, error) {
	if ev.Message == nil || ev.Conversation == nil {
		return dialect.Request{}, dialect.Untranslatable("%s without message or conversation", ev.Type)
	}
	own := ev.Dialect == Name
	var m message
	if own {
		if err := dialect.FromVendor(ev.Vendor, &m); err != nil {
			return dialect.Request{}, err
		}
	}
	word, err := writePayload(&m.Payload, ev.Message, own)
	if err != nil {
		return dialect.Request{}, err
	}
	if err := address(&m, ev, k, own); err != nil {
		return dialect.Request{}, err
	}

	m.Security = ""
	m.MsgID = ev.Message.ID
	if !ev.Time.IsZero() {
		m.Timestamp = ev.Time.UnixMilli()
	}
	if !own {
		if m.MsgID == "" {
			m.MsgID = ev.ID
		}
		if m.AppKey = target.Credentials.Get("app_key"); m.AppKey == "" {
			m.AppKey = ev.App
		}
		m.Host = host
		if target.Generation != legacy {
			m.ContentType = roomOf(ev.Conversation.Kind) + word
		}
	}
	if m.CallID == "" {
		m.CallID = defaultCallID(m.AppKey, m.MsgID)
	}
	b, err := m.json(false)
	if err != nil {
		return dialect.Request{}, err
	}
	return dialect.Request{ContentType: jsonType, Body: b}, nil
}

// address sets who sends where to whom, in the wrapped form where that was kept.
func address(m *message, ev *event.Event, k int, own bool) error {
	var sender string
	switch {
	case own && m.From != "":
		sender, _ = bare(m.AppKey, m.From)
	case ev.Actor != nil && ev.Actor.ID != "":
		sender = ev.Actor.ID
	default:
		sender = ev.Message.Sender
	}
	if sender == "" {
		return dialect.Untranslatable("%s without a sender", ev.Type)
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
			return dialect.Untranslatable("%s without the offline member", ev.Type)
		}
	}
	switch ev.Conversation.Kind {
	case event.KindDirect:
		peer, ok := ev.Conversation.Peer(sender)
		if !ok {
			return dialect.Untranslatable("direct message whose sender is not in the conversation")
		}
		m.ChatType = chatDirect
		if m.To == "" {
			m.To = peer
		}
	case event.KindGroup, event.KindChatroom:
		m.ChatType = chatGroup
		if m.GroupID == "" {
			m.GroupID = ev.Conversation.ID
		}
		if m.To == "" && m.EventType == typeOffline {
			m.To = receiver
		} else if m.To == "" {
			m.To = ev.Conversation.ID
		}
	default:
		return dialect.Untranslatable("message to a %s", ev.Conversation.Kind)
	}
	return nil
}

// writePayload puts the message behind what p keeps of its vendor's form. It
// returns the last word of content_type.
func writePayload(p *payload, msg *event.Message, own bool) (string, error) {
	for i := range contents {
		c := &contents[i]
		if !slices.Contains(c.kinds, msg.Kind) {
			continue
		}
		if len(p.Bodies) == 0 {
			p.Bodies = make([]body, 1)
		}
		first := &p.Bodies[0]
		first.Type = c.wire
		word, err := c.write(msg, first, own)
		if err != nil {
			return "", err
		}
		if len(p.Ext) == 0 {
			if p.Ext, err = writeExt(msg.Extra); err != nil {
				return "", err
			}
		}
		return word, nil
	}
	return "", dialect.Untranslatable("message of kind %s", msg.Kind)
}

// writeExt says the application's own text as the object that ext must be: as it
// is when it is an object already, else under one name.
func writeExt(extra string) (jsontext.Value, error) {
	if extra == "" {
		return jsontext.Value("{}"), nil
	}
	if object, err := dialect.Tidy(jsontext.Value(extra)); err == nil && object.Kind() == '{' {
		return object, nil
	}
	return dialect.Marshal(struct {
		Extra string `json:"extra"`
	}{extra})
}
