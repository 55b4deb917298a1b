package easemob

import (
	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// proposal is the body of a pre-send callback: a message-like envelope without
// eventType, appkey and host.
type proposal struct {
	envelope
	Payload jsontext.Value `json:"payload,omitzero"`
	Unknown jsontext.Value `json:",embed"`
}

// flat is the payload of the newer form: one element with ext beside its keys.
type flat struct {
	body
	Ext    jsontext.Value `json:"ext,omitzero"`
	EditID string         `json:"edit_message_id,omitzero"`
}

func preSendCommands() []command {
	return []command{{
		spec: dialect.Command{
			Name: preSend, Phase: event.Before, Path: preSendPath, Types: []event.Type{event.MessageSend, event.MessageEdit},
			Line: "the server asks whether it may deliver a message, or an edit, of a client",
		},
		decode: decodePreSend, encode: encodePreSend, sample: (*draw).preSend,
	}}
}

// shape is how a payload came: the whole of it, or one element alone.
type shape struct {
	whole *payload
	flat  *flat
}

// readShape reads a payload in either form.
func readShape(v jsontext.Value) (s shape, err error) {
	if v.Kind() != '{' {
		return s, nil
	}
	var p payload
	if err := parse(preSend, v, &p); err != nil {
		return s, err
	}
	if p.Bodies != nil {
		return shape{whole: &p}, nil
	}
	var f flat
	if err := parse(preSend, v, &f); err != nil {
		return s, err
	}
	return shape{flat: &f}, nil
}

// message moves the shape's content to msg and returns the id of the message that
// it edits, "" for a new one. False when there is no content.
func (s *shape) message(msg *event.Message, contentType string) (edits string, ok bool, err error) {
	p := s.whole
	if p == nil {
		if s.flat == nil || s.flat.isZero() {
			return "", false, nil
		}
		if s.flat.Type == "" && s.flat.SubType == "" && contentType == "" {
			return "", false, nil
		}
		p = &payload{Ext: s.flat.Ext, Bodies: []body{s.flat.body}, EditID: s.flat.EditID}
	}
	first := p.firstType()
	if first == "" && len(p.Bodies) > 0 && p.Bodies[0].SubType == subCombine {
		first = wireText // a combined message comes without its type
	}
	c := contentOf(contentName(first, contentType))
	if c == nil {
		return "", false, nil
	}
	edits, p.EditID = p.EditID, ""
	if err := readPayload(p, msg, c); err != nil {
		return "", false, err
	}
	if s.flat != nil {
		s.flat.Ext, s.flat.EditID, s.flat.body = p.Ext, "", body{}
		if len(p.Bodies) > 0 {
			s.flat.body = p.Bodies[0]
		}
	}
	return edits, true, nil
}

// rest is what message left, under the names of the payload; nil for nothing.
func (s *shape) rest() (jsontext.Value, error) {
	w := writer{rest: true}
	switch {
	case s.whole != nil && !s.whole.isZero():
		s.whole.write(&w)
	case s.flat != nil && (!s.flat.isZero() || len(s.flat.Ext) > 0):
		s.flat.write(&w)
	}
	return w.b, w.err
}

// write adds ext to what an element has.
func (f *flat) write(w *writer) {
	f.body.write(w)
	w.b = w.b[:len(w.b)-1]
	if w.b[len(w.b)-1] != '{' {
		w.b = append(w.b, ',')
	}
	if string(f.Ext) != "{}" || w.rest {
		w.value("ext", f.Ext)
	}
	w.text("edit_message_id", f.EditID, false)
	w.close('}')
}

func decodePreSend(in *input, ev *event.Event) (bool, error) {
	w, err := read[proposal](in)
	if err != nil {
		return false, err
	}
	from, to := bareID(w.AppKey, w.From), bareID(w.AppKey, w.To)
	group := bareID(w.AppKey, w.GroupID)
	var place event.Conversation
	switch w.ChatType {
	case chatDirect:
		place = event.Direct(from, to)
	case chatRoom:
		place = event.Conversation{Kind: event.KindChatroom, ID: or(group, to)}
	case chatGroup, "group":
		place = event.Conversation{Kind: event.KindGroup, ID: or(group, to)}
		if isRoom(w.ContentType) {
			place.Kind = event.KindChatroom
		}
	default:
		return false, nil
	}
	if from == "" || to == "" && group == "" || place.Kind == event.KindDirect && to == "" {
		return false, nil
	}
	s, err := readShape(w.Payload)
	if err != nil {
		return false, err
	}
	msg := &event.Message{ID: w.MsgID}
	edits, ok, err := s.message(msg, w.ContentType)
	if err != nil || !ok {
		return false, err
	}
	ev.Type, ev.Generation = event.MessageSend, current
	if s.whole != nil {
		ev.Generation = legacy
		if s.whole.Type == edit {
			s.whole.Type = ""
		}
	}
	ev.Conversation, ev.Message = &place, msg
	ev.Dedupe = w.MsgID
	if w.MsgID != "" {
		ev.Links = []string{"msg:" + w.MsgID}
	}
	if edits != "" {
		ev.Type, msg.Edits = event.MessageEdit, edits
		ev.Links = []string{"msg:" + edits}
	}
	ev.Actor, w.From = actor(w.AppKey, w.From)
	if ev.Actor.System {
		msg.Sender = from
	}
	if w.Payload, err = s.rest(); err != nil {
		return false, err
	}
	w.ChatType = stripped(w.ChatType, proposalType(place.Kind))
	w.GroupID, w.To = stripped(w.GroupID, place.ID), stripped(w.To, proposalTo(&place, from))
	w.MsgID, w.Timestamp, w.Security = "", 0, ""
	return true, keep(ev, w)
}

func proposalType(kind event.Kind) string {
	switch kind {
	case event.KindGroup:
		return chatGroup
	case event.KindChatroom:
		return chatRoom
	}
	return chatDirect
}

func proposalTo(place *event.Conversation, from string) string {
	if peer, ok := place.Peer(from); ok {
		return peer
	}
	return place.ID
}

func encodePreSend(out *output) error {
	ev := out.ev
	var w proposal
	if err := out.kept(&w); err != nil {
		return err
	}
	if ev.Message == nil || ev.Conversation == nil {
		return dialect.Untranslatable("it lacks the message or the conversation")
	}
	switch ev.Conversation.Kind {
	case event.KindDirect, event.KindGroup, event.KindChatroom:
	default:
		return dialect.Untranslatable("there are no messages to a %s here", ev.Conversation.Kind)
	}
	sender := or(actorID(ev.Actor, ""), ev.Message.Sender)
	if w.From = or(w.From, sender); w.From == "" {
		return dialect.Untranslatable("it names no sender")
	}
	from := bareID(w.AppKey, w.From)
	if _, ok := ev.Conversation.Peer(from); ev.Conversation.Kind == event.KindDirect && !ok {
		return dialect.Untranslatable("its sender is not in the direct conversation")
	}
	w.To = or(w.To, proposalTo(ev.Conversation, from))
	if ev.Conversation.Kind != event.KindDirect {
		w.GroupID = or(w.GroupID, ev.Conversation.ID)
	}
	w.ChatType = or(w.ChatType, proposalType(ev.Conversation.Kind))
	var err error
	if w.Payload, err = writeShape(w.Payload, ev.Message, ev.Type == event.MessageEdit, out.legacy(), out.own); err != nil {
		return err
	}
	w.MsgID, w.Timestamp, w.Security = ev.Message.ID, out.millis(), ""
	if !out.own {
		w.MsgID = or(w.MsgID, ev.ID)
		w.CallID = defaultCallID(out.appKey(), ev.ID)
	}
	return out.post(&w)
}

// writeShape is a payload in the older or the newer form; rest is what an own
// event keeps of it.
func writeShape(rest jsontext.Value, msg *event.Message, editing, old, own bool) (jsontext.Value, error) {
	edits := ""
	if editing {
		edits = or(msg.Edits, msg.ID)
	}
	var w writer
	if old {
		var p payload
		if err := dialect.FromVendor(rest, &p); err != nil {
			return nil, dialect.Untranslatable("%v", err)
		}
		if _, err := writePayload(&p, msg, own); err != nil {
			return nil, err
		}
		if p.EditID = edits; edits != "" {
			p.Type = or(p.Type, edit)
		}
		p.write(&w)
		return w.b, w.err
	}
	var f flat
	if err := dialect.FromVendor(rest, &f); err != nil {
		return nil, dialect.Untranslatable("%v", err)
	}
	p := payload{Ext: f.Ext, Bodies: []body{f.body}}
	if _, err := writePayload(&p, msg, own); err != nil {
		return nil, err
	}
	f = flat{body: p.Bodies[0], Ext: p.Ext, EditID: edits}
	f.write(&w)
	return w.b, w.err
}
