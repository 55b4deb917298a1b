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

// input is one request on its way in.
type input struct {
	command *command
	// m is the first reading of the body. Only the keys that tell families apart
	// are sure to be right in it, unless the command is read whole.
	m    message
	body []byte
	// wire is the family's own struct when the body was read into it at once; m is
	// empty then.
	wire any
}

// keep puts what is left of a wire struct under vendor.
func keep(ev *event.Event, rest any) error {
	var err error
	ev.Vendor, err = dialect.Vendor(rest)
	return err
}

// Decode reads the events of a body: one, or one for each message whose reactions
// it reports. What is of no command that is read gives vendor.unknown, as does a
// body that lacks what the event is about or that reports a failed operation; a
// value of the wrong type is a [*dialect.DecodeError].
func (d *Dialect) Decode(req *dialect.Request) ([]*event.Event, error) {
	if first := bytes.TrimLeft(req.Body, " \t\r\n"); len(first) == 0 || first[0] != '{' {
		return nil, &dialect.DecodeError{Dialect: Name, Err: errNotObject}
	}
	raw := event.Raw{
		Dialect: Name, Path: req.Path, Query: req.Query, ContentType: req.ContentType,
		Body: bytes.Clone(req.Body),
	}
	in := &input{body: raw.Body}
	var cause error
	if text := string(raw.Body); !quickMessage(text, &in.m) {
		if name, ms, wire := guess(req.Path, raw.Body, text); wire != nil {
			if c, ok := d.commands[name]; ok {
				ev := &event.Event{Phase: c.spec.Phase, Dialect: Name, Command: name, Time: milliTime(ms), Raw: raw}
				in.command, in.wire = c, wire
				if complete, err := c.decode(in, ev); complete && err == nil {
					return []*event.Event{ev}, nil
				}
				in.wire = nil
			}
		}
		var err error
		if cause, err = in.m.heading(raw.Body); err != nil {
			return nil, err
		}
	}
	name := in.m.command(req.Path)
	c, ok := d.commands[name]
	switch {
	case !ok:
		return []*event.Event{unknown(&in.m, name, raw)}, nil
	case cause != nil && c.whole:
		if de, ok := errors.AsType[*dialect.DecodeError](cause); ok {
			de.Command = name
		}
		return nil, cause
	}
	in.command = c
	if c.split == nil {
		ev, err := decodeOne(in, raw)
		if err != nil {
			return nil, err
		}
		return []*event.Event{ev}, nil
	}
	bodies, err := c.split(in)
	if err != nil {
		return nil, err
	}
	evs := make([]*event.Event, len(bodies))
	for i, body := range bodies {
		one, part := raw, &input{command: c, m: in.m, body: body}
		one.Body = body
		if evs[i], err = decodeOne(part, one); err != nil {
			return nil, err
		}
	}
	return evs, nil
}

// heading reads m out of a body. Where some value has not the type that messages
// give it, cause says so and m holds only the keys that tell families apart: in
// another family the key may mean something else.
func (m *message) heading(body []byte) (cause, err error) {
	if cause = parse("", body, m); cause == nil {
		return nil, nil
	}
	var top map[string]jsontext.Value
	if err := dialect.Unmarshal(Name, "", body, &top); err != nil {
		return nil, err
	}
	*m = *lenient(top)
	return cause, nil
}

func decodeOne(in *input, raw event.Raw) (*event.Event, error) {
	c := in.command
	name := c.spec.Name
	if late(in.m.Timestamp) {
		return nil, &dialect.DecodeError{Dialect: Name, Command: name, Field: "timestamp", Err: errTime}
	}
	ev := &event.Event{Phase: c.spec.Phase, Dialect: Name, Command: name, Time: milliTime(in.m.Timestamp), Raw: raw}
	complete, err := c.decode(in, ev)
	if err != nil {
		if _, ok := errors.AsType[*dialect.DecodeError](err); !ok {
			err = &dialect.DecodeError{Dialect: Name, Command: name, Err: err}
		}
		return nil, err
	}
	if complete {
		return ev, nil
	}
	var m message // decoding spent the first one
	if _, err := m.heading(raw.Body); err != nil {
		return nil, err
	}
	return unknown(&m, name, raw), nil
}

// lenient reads the keys that tell families and lanes, each only where it is text.
func lenient(top map[string]jsontext.Value) *message {
	str := func(in map[string]jsontext.Value, key string) string { return text(in[key]) }
	m := &message{
		envelope: envelope{
			CallID: str(top, "callId"), EventType: str(top, "eventType"), ChatType: str(top, "chat_type"),
			GroupID: str(top, "group_id"), From: str(top, "from"), To: str(top, "to"), MsgID: str(top, "msg_id"),
			AppKey: str(top, "appkey"), ContentType: str(top, "content_type"),
		},
		Event: str(top, "event"), Operation: str(top, "operation"), Step: str(top, "step"),
		Status: str(top, "status"), Reason: str(top, "reason"), User: str(top, "user"), ID: str(top, "id"),
		Type: str(top, "type"), Alert: str(top, "alertReason"), Moderation: str(top, "moderationResult"),
	}
	// A time that is no whole number is none here; whoever needs it reads it again.
	_ = parse("", top["timestamp"], &m.Timestamp)
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
		Lane: m.lane(raw.Body), Raw: raw,
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

// lane is that of what a body is about. Besides what messages have it looks at keys of
// other families, which an outcome that nobody knows has like those that are known.
func (m *message) lane(body []byte) event.Lane {
	top := object(string(body))
	group, from, to := bareID(m.AppKey, m.GroupID), bareID(m.AppKey, m.From), bareID(m.AppKey, m.To)
	switch text(top["targetType"]) {
	case chatGroup:
		group = or(group, to)
	case chatRoom:
		group, m.ChatType = or(group, to), chatRoom
	}
	kind := event.KindGroup
	if m.ChatType == chatRoom || m.inRoom() || string(object(string(top["payload"]))["is_chatroom"]) == "true" {
		kind = event.KindChatroom
	}
	switch {
	case m.Event == groupOpEvent && m.ID != "" && m.Type == typeRoom:
		return event.NewLane(event.KindChatroom, m.ID)
	case m.Event == groupOpEvent && m.ID != "":
		return event.NewLane(event.KindGroup, m.ID)
	case m.Step == stepPush:
		if target := bareID(m.AppKey, text(top["target"])); target != "" {
			return event.NewLane(event.KindUser, target)
		}
	case group != "":
		return event.NewLane(kind, group)
	case m.User != "":
		return event.NewLane(event.KindUser, bareID(m.AppKey, m.User))
	case from != "" && to != "" && m.ChatType != notify && m.ChatType != chatGroup:
		return event.Direct(from, to).Lane()
	}
	return event.NewLane(event.KindSystem, "")
}

// text is a JSON text; "" for anything else.
func text(v jsontext.Value) string {
	if v.Kind() != '"' {
		return ""
	}
	return plain(v)
}

// milliTime is Unix milliseconds as a time; 0 is the zero time, which is how the
// wire says nothing.
func milliTime(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// readMillis is milliTime for times inside a body. What no time can hold comes
// back as rest.
func readMillis(ms int64) (t time.Time, rest int64) {
	if ms <= 0 || ms > lastMilli {
		return time.Time{}, ms
	}
	return time.UnixMilli(ms).UTC(), 0
}

// writeMillis is the inverse of readMillis.
func writeMillis(t time.Time, rest int64) int64 {
	if rest != 0 || t.IsZero() {
		return rest
	}
	return t.UnixMilli()
}
