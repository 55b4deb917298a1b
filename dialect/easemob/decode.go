package easemob

import (
	"bytes"
	"errors"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

var (
	errNotObject = errors.New("not a JSON object")
	errTime      = errors.New("outside the years 1970 to 9999")
)

// lastMilli is the end of the year 9999, the last that a CloudEvents time can
// name.
const lastMilli = 253402300799999

// Decode reads the one event of a body. What is of no command that is read (yet)
// gives vendor.unknown; a body of one that is read with a value of the wrong type
// is a [*dialect.DecodeError].
func (d *Dialect) Decode(req *dialect.Request) ([]*event.Event, error) {
	if first := bytes.TrimLeft(req.Body, " \t\r\n"); len(first) == 0 || first[0] != '{' {
		return nil, &dialect.DecodeError{Dialect: Name, Err: errNotObject}
	}
	raw := event.Raw{
		Dialect: Name, Path: req.Path, Query: req.Query, ContentType: req.ContentType,
		Body: bytes.Clone(req.Body),
	}
	var m message
	if err := dialect.Unmarshal(Name, "", req.Body, &m); err != nil {
		return d.decodeOdd(req, raw, err)
	}
	name := m.command(req.Path)
	c, ok := d.commands[name]
	if !ok {
		return []*event.Event{unknown(&m, name, raw)}, nil
	}
	if m.Timestamp < 0 || m.Timestamp > lastMilli {
		return nil, &dialect.DecodeError{Dialect: Name, Command: name, Field: "timestamp", Err: errTime}
	}
	ev := &event.Event{Phase: c.spec.Phase, Dialect: Name, Command: name, Time: milliTime(m.Timestamp), Raw: raw}
	complete, err := c.decode(&m, ev)
	if err != nil {
		return nil, &dialect.DecodeError{Dialect: Name, Command: name, Err: err}
	}
	if !complete {
		return []*event.Event{unknown(&m, name, raw)}, nil
	}
	rest, err := m.json(true)
	if err != nil {
		return nil, &dialect.DecodeError{Dialect: Name, Command: name, Err: err}
	}
	if string(rest) != "{}" {
		ev.Vendor = rest
	}
	return []*event.Event{ev}, nil
}

// decodeOdd looks at a body in which some value has not the type that messages
// give it. That is an error in a message; in the body of another family the key
// may mean something else.
func (d *Dialect) decodeOdd(req *dialect.Request, raw event.Raw, cause error) ([]*event.Event, error) {
	var top map[string]jsontext.Value
	if err := dialect.Unmarshal(Name, "", req.Body, &top); err != nil {
		return nil, err
	}
	m := lenient(top)
	name := m.command(req.Path)
	if _, ok := d.commands[name]; ok {
		if de, ok := errors.AsType[*dialect.DecodeError](cause); ok {
			de.Command = name
		}
		return nil, cause
	}
	return []*event.Event{unknown(m, name, raw)}, nil
}

// lenient reads the keys that tell families and lanes, each only where it is text.
func lenient(top map[string]jsontext.Value) *message {
	str := func(in map[string]jsontext.Value, key string) (s string) {
		if v := in[key]; v.Kind() == '"' {
			if plain, err := jsontext.AppendUnquote(nil, v); err == nil {
				s = string(plain)
			}
		}
		return s
	}
	m := &message{
		CallID: str(top, "callId"), EventType: str(top, "eventType"), ChatType: str(top, "chat_type"),
		GroupID: str(top, "group_id"), From: str(top, "from"), To: str(top, "to"), MsgID: str(top, "msg_id"),
		AppKey: str(top, "appkey"), ContentType: str(top, "content_type"), Event: str(top, "event"),
		Operation: str(top, "operation"), Step: str(top, "step"), Status: str(top, "status"),
		Reason: str(top, "reason"), User: str(top, "user"), ID: str(top, "id"), Type: str(top, "type"),
	}
	var p map[string]jsontext.Value
	if dialect.Unmarshal(Name, "", top["payload"], &p) == nil {
		m.Payload.Type, m.Payload.Operation = str(p, "type"), str(p, "operation")
	}
	var bodies []map[string]jsontext.Value
	if dialect.Unmarshal(Name, "", p["bodies"], &bodies) == nil && len(bodies) > 0 {
		m.Payload.Bodies = []body{{Type: str(bodies[0], "type")}}
	}
	return m
}

// unknown keeps a body whole, in the lane of what it is about where that much
// can be told, so that it stays in order with what is read.
func unknown(m *message, name string, raw event.Raw) *event.Event {
	ev := &event.Event{
		Type: event.VendorUnknown, Phase: event.After, Dialect: Name, Command: name,
		Lane: lane(m), Raw: raw,
	}
	if m.Timestamp > 0 && m.Timestamp <= lastMilli {
		ev.Time = milliTime(m.Timestamp)
	}
	// The call id alone is shared by copies for several receivers; a retry
	// repeats the whole body.
	if m.CallID != "" {
		ev.Dedupe = event.DeriveID(m.CallID, string(raw.Body))
	}
	return ev
}

func lane(m *message) event.Lane {
	id := func(wrapped string) string { plain, _ := bare(m.AppKey, wrapped); return plain }
	group, from, to := id(m.GroupID), id(m.From), id(m.To)
	switch {
	case m.Event == groupOpEvent && m.ID != "" && m.Type == "CHATROOM", group != "" && isRoom(m.ContentType):
		if group == "" {
			group = m.ID
		}
		return event.NewLane(event.KindChatroom, group)
	case m.Event == groupOpEvent && m.ID != "":
		return event.NewLane(event.KindGroup, m.ID)
	case group != "":
		return event.NewLane(event.KindGroup, group)
	case m.User != "":
		return event.NewLane(event.KindUser, id(m.User))
	case from != "" && to != "" && m.ChatType != "notify" && m.ChatType != chatGroup:
		return event.Direct(from, to).Lane()
	}
	return event.NewLane(event.KindSystem, "")
}

// milliTime is Unix milliseconds as a time; 0 is the zero time, which is how the
// wire says nothing.
func milliTime(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
