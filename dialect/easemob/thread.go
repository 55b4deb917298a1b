package easemob

import (
	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

type threadPayload struct {
	Data    *threadData    `json:"data,omitzero"`
	Type    string         `json:"type"`
	Unknown jsontext.Value `json:",embed"`
}

type threadData struct {
	ID           string         `json:"id"`
	Name         string         `json:"name"`
	From         string         `json:"from"`
	Operation    string         `json:"operation"`
	MsgParentID  string         `json:"msg_parent_id,omitzero"`
	MucParentID  string         `json:"muc_parent_id"`
	MessageCount int            `json:"message_count"`
	Timestamp    int64          `json:"timestamp"`
	LastMessage  *lastMessage   `json:"last_message,omitzero"`
	Unknown      jsontext.Value `json:",embed"`
}

// lastMessage is the newest message of a thread; its payload is a message's.
type lastMessage struct {
	ID        string         `json:"id"`
	From      string         `json:"from"`
	To        string         `json:"to"`
	Timestamp int64          `json:"timestamp"`
	Payload   jsontext.Value `json:"payload,omitzero"`
	Unknown   jsontext.Value `json:",embed"`
}

func threadCommands() []command {
	return []command{{
		spec:   after(notify+":thread", "a message thread changed (unsigned)", event.ThreadUpdate),
		says:   []event.Type{event.ThreadUpdate},
		decode: decodeThread, encode: encodeThread, sample: (*draw).thread,
	}}
}

func decodeThread(in *input, ev *event.Event) (bool, error) {
	w, err := read[report[threadPayload]](in)
	if err != nil {
		return false, err
	}
	d := w.Payload.Data
	if d == nil || d.MucParentID == "" {
		return false, nil
	}
	group := bareID(w.AppKey, d.MucParentID)
	if group == "" {
		return false, nil
	}
	ev.Type, ev.Dedupe = event.ThreadUpdate, w.MsgID
	ev.Conversation = &event.Conversation{Kind: event.KindGroup, ID: group, Topic: d.ID}
	ev.Lane = ev.Conversation.Lane()
	ev.Actor, d.From = actor(w.AppKey, d.From)
	ev.Thread = &event.Thread{ID: d.ID, Name: d.Name, Parent: d.MsgParentID, Operation: d.Operation, Count: d.MessageCount}
	if d.MsgParentID != "" {
		ev.Links = append(ev.Links, "msg:"+d.MsgParentID)
	}
	if last := d.LastMessage; last != nil {
		if last.ID != "" {
			ev.Links = append(ev.Links, "msg:"+last.ID)
		}
		if err := last.read(ev, w.AppKey, d.ID); err != nil {
			return false, err
		}
	}
	if d.Timestamp == w.Timestamp {
		d.Timestamp = 0
	}
	d.MucParentID = stripped(d.MucParentID, group)
	d.ID, d.Name, d.Operation, d.MsgParentID, d.MessageCount = "", "", "", "", 0
	w.Payload.Type = ""
	return true, w.keep(ev)
}

// read moves the newest message to the event.
func (l *lastMessage) read(ev *event.Event, appKey, thread string) error {
	msg := &event.Message{ID: l.ID, Sender: bareID(appKey, l.From)}
	var odd int64
	msg.SentAt, odd = readMillis(l.Timestamp)
	ev.Message = msg
	l.ID, l.Timestamp = "", odd
	l.From = stripped(l.From, msg.Sender)
	l.To = stripped(l.To, thread)
	var p payload
	if len(l.Payload) == 0 {
		return nil
	}
	if err := parse(notify+":thread", l.Payload, &p); err != nil {
		return err
	}
	c := contentOf(contentName(p.firstType(), ""))
	if c == nil {
		return nil
	}
	if err := readPayload(&p, msg, c); err != nil {
		return err
	}
	l.Payload = nil
	if p.isZero() {
		return nil
	}
	rest := writer{rest: true}
	p.write(&rest)
	l.Payload = rest.b
	return rest.err
}

func encodeThread(out *output) error {
	ev := out.ev
	var w report[threadPayload]
	if err := out.kept(&w); err != nil {
		return err
	}
	if ev.Thread == nil {
		return dialect.Untranslatable("it names no thread")
	}
	group, err := place(ev, event.KindGroup)
	if err != nil {
		return err
	}
	if w.Payload.Data == nil {
		w.Payload.Data = &threadData{}
	}
	d := w.Payload.Data
	t := ev.Thread
	d.ID, d.Name, d.Operation, d.MsgParentID, d.MessageCount = t.ID, t.Name, t.Operation, t.Parent, t.Count
	d.From = or(d.From, actorID(ev.Actor, systemUser))
	d.MucParentID = or(d.MucParentID, group)
	if d.Timestamp == 0 {
		d.Timestamp = out.millis()
	}
	if !out.own {
		w.From, w.To = systemUser, group
	}
	if msg := ev.Message; msg != nil {
		if d.LastMessage == nil {
			d.LastMessage = &lastMessage{}
		}
		if err := d.LastMessage.write(msg, t.ID, out.own); err != nil {
			return err
		}
	}
	w.Payload.Type = "thread"
	w.ChatType = notify
	w.EventType = or(w.EventType, typeChat)
	out.fill(&w.envelope, 0, 1)
	return out.post(&w)
}

func (l *lastMessage) write(msg *event.Message, thread string, own bool) error {
	l.ID, l.Timestamp = msg.ID, writeMillis(msg.SentAt, l.Timestamp)
	l.From, l.To = or(l.From, msg.Sender), or(l.To, thread)
	var p payload
	if err := dialect.FromVendor(l.Payload, &p); err != nil {
		return dialect.Untranslatable("%v", err)
	}
	if msg.Kind == "" && own {
		return nil
	}
	if _, err := writePayload(&p, msg, own); err != nil {
		return err
	}
	if !own {
		p.From, p.To, p.Type = l.From, l.To, chatGroup
	}
	var w writer
	p.write(&w)
	l.Payload = w.b
	return w.err
}
