package rongcloud

import (
	"bytes"
	"errors"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

const (
	jsonType = "application/json"
	textType = "text/plain; charset=utf-8"
)

var (
	errNotItems = errors.New("neither an array of items nor one object")
	errField    = errors.New("is missing or cannot be read")
)

// input is one item on its way in.
type input struct {
	command *command
	object
	// item is what the vendor's retry repeats.
	item []byte
	// room is where the fields of most bodies find place.
	room [16]pair
}

// input is for one request; release gives it back. What an event took from it is
// the event's own.
func (c *command) input(item []byte) *input {
	in, _ := c.inputs.Get().(*input)
	if in == nil {
		in = &input{command: c}
	}
	in.item, in.pairs = item, in.room[:0]
	return in
}

func (in *input) release() {
	clear(in.room[:])
	in.object, in.item = object{}, nil
	in.command.inputs.Put(in)
}

// Decode reads one request. The command is the path; without one it is Nexconn's
// envelope, which names it. A path that no command has, an item that cannot be
// read and a value that its command does not know are events of type
// vendor.unknown.
func (d *Dialect) Decode(req *dialect.Request) ([]*event.Event, error) {
	raw := event.Raw{Dialect: Name, Path: req.Path, Query: unsigned(req.Query), ContentType: req.ContentType}
	name := commandOf(req.Path)
	c := d.byPath[name]
	switch {
	case c != nil:
		return c.decode(req.Body, raw)
	case name == "":
		return d.decodeNexconn(req.Body, raw)
	}
	raw.Body = bytes.Clone(req.Body)
	return []*event.Event{unknown(name, raw)}, nil
}

// decode reads a body of a command that has a path.
func (c *command) decode(body []byte, raw event.Raw) ([]*event.Event, error) {
	in := c.input(body)
	defer in.release()
	first := bytes.TrimLeft(body, " \t\r\n")
	if c.form && (len(first) == 0 || first[0] != '{' && !strings.Contains(raw.ContentType, "json")) {
		if err := in.parseForm(body); err != nil {
			return nil, &dialect.DecodeError{Dialect: Name, Command: c.spec.Name, Err: err}
		}
		raw.Body = bytes.Clone(body)
		return in.alone(raw)
	}
	if c.array && strings.Contains(raw.ContentType, "urlencoded") && bytes.HasPrefix(first, []byte(profilesField)) {
		return in.formProfiles(body, raw)
	}
	if err := c.check(body); err != nil {
		return nil, err
	}
	switch {
	case first[0] == '{':
		in.scan(first)
		if c.array && in.has("profiles") {
			// The text of the group pages speaks of this field, their examples of an
			// array.
			if list := in.take("profiles").orNull(); len(list) > 0 && list[0] == '[' {
				return in.each(list, raw, body, in.around("profiles"))
			}
		}
		raw.Body = bytes.Clone(body)
		return in.alone(raw)
	case first[0] == '[' && !c.form && c.spec.Phase == event.After:
		return in.each(first, raw, body, bracketed)
	}
	return nil, &dialect.DecodeError{Dialect: Name, Command: c.spec.Name, Err: errNotItems}
}

// profilesField begins the body of a group page in older tables: a form with the
// array in one field.
const profilesField = "profiles="

// formProfiles reads such a form. Each item is kept as the array of one that the
// pages' examples show, so that it can be joined with others.
func (in *input) formProfiles(body []byte, raw event.Raw) ([]*event.Event, error) {
	if err := in.parseForm(body); err != nil {
		return nil, &dialect.DecodeError{Dialect: Name, Command: in.command.spec.Name, Err: err}
	}
	list := bytes.TrimSpace(in.take("profiles").orNull())
	if err := in.command.check(list); err != nil {
		return nil, err
	}
	if list[0] != '[' {
		return nil, &dialect.DecodeError{Dialect: Name, Command: in.command.spec.Name, Field: "profiles", Err: errNotItems}
	}
	raw.ContentType = jsonType
	return in.each(list, raw, list, bracketed)
}

// orNull is the value of a field that may be missing.
func (p *pair) orNull() []byte {
	if p == nil {
		return nil
	}
	return p.value
}

// check is nil when body is one JSON value.
func (c *command) check(body []byte) error {
	if valid(body) {
		return nil
	}
	var v jsontext.Value
	return dialect.Unmarshal(Name, c.spec.Name, body, &v)
}

// each reads the independent items of list, an array in body that is known to be
// valid: one that is bad does not take its siblings with it. alone is a body with
// one item, of several.
func (in *input) each(list []byte, raw event.Raw, body []byte, alone func([]byte) []byte) ([]*event.Event, error) {
	var evs []*event.Event
	for i := skip(list, 1); list[i] != ']'; {
		end := valueEnd(list, i)
		element := list[i:end:end]
		if i = skip(list, end); list[i] == ',' {
			i = skip(list, i+1)
		}
		if evs == nil && list[i] == ']' {
			raw.Body = bytes.Clone(body)
		} else {
			raw.Body = alone(element)
		}
		in.item, in.object = element, object{pairs: in.pairs[:0]}
		if element[0] != '{' {
			evs = append(evs, unknown(in.command.spec.Name, raw))
			continue
		}
		in.scan(element)
		ev, err := in.one(raw)
		if err != nil {
			return nil, err
		}
		evs = append(evs, ev)
	}
	return evs, nil
}

// bracketed is an array of one.
func bracketed(element []byte) []byte {
	b := make([]byte, 0, len(element)+2)
	return append(append(append(b, '['), element...), ']')
}

// one reads the item that was taken apart. A proposal that cannot be read is an
// error, so that the vendor goes on as it does without an answer; so is a form
// that names nobody, since any text is a form. Anything else is kept.
func (in *input) one(raw event.Raw) (*event.Event, error) {
	c := in.command
	ev := c.read(in)
	if ev == nil || in.bad != "" {
		lane := in.guessLane()
		if c.spec.Phase == event.Before || c.form && lane == systemLane() {
			return nil, &dialect.DecodeError{Dialect: Name, Command: c.spec.Name, Field: in.bad, Err: errField}
		}
		ev = unknown(c.spec.Name, raw)
		ev.Lane = lane
	}
	if ev.Type == event.VendorUnknown {
		// Every item holds a time or an id, so that equal bytes are a retry.
		ev.Dedupe = event.DeriveID(string(in.item))
	}
	ev.Phase, ev.Dialect, ev.Command, ev.Raw = c.spec.Phase, Name, c.spec.Name, raw
	ev.Generation = v3
	if c.nexconn {
		ev.Generation = nexconn
	}
	if ev.Type != event.VendorUnknown {
		ev.Vendor = in.rest()
	}
	return ev, nil
}

// alone is one for a body without siblings.
func (in *input) alone(raw event.Raw) ([]*event.Event, error) {
	ev, err := in.one(raw)
	if err != nil {
		return nil, err
	}
	return []*event.Event{ev}, nil
}

// unknown is the event for what cannot be read.
func unknown(command string, raw event.Raw) *event.Event {
	return &event.Event{
		Type: event.VendorUnknown, Phase: event.After, Dialect: Name, Command: command, Generation: v3,
		Lane: systemLane(), Raw: raw,
	}
}

func systemLane() event.Lane { return event.NewLane(event.KindSystem, "") }

func userLane(id string) event.Lane { return event.NewLane(event.KindUser, id) }

// owners are the fields that name whose an item is, the strongest first.
var owners = [...]struct {
	name string
	kind event.Kind
}{
	{"chatRoomId", event.KindChatroom},
	{"chatroomId", event.KindChatroom},
	{"groupId", event.KindGroup},
	{"userId", event.KindUser},
	{"userid", event.KindUser},
	{"fromUserId", event.KindUser},
}

// guessLane finds an order for an item that may turn out not to be understood.
// It takes nothing.
func (o *object) guessLane() event.Lane {
	for _, owner := range owners {
		for i := range o.pairs {
			if p := &o.pairs[i]; p.is(owner.name) && (p.plain || p.value[0] == '"') {
				if id, _ := p.text(); id != "" {
					return event.NewLane(owner.kind, id)
				}
			}
		}
	}
	return systemLane()
}

func actor(id string) *event.Actor {
	if id == "" {
		return nil
	}
	return &event.Actor{ID: id}
}

func members(ids []string) []event.Member {
	if len(ids) == 0 {
		return nil
	}
	ms := make([]event.Member, len(ids))
	for i, id := range ids {
		ms[i].ID = id
	}
	return ms
}

// dedupe joins what a retry repeats; lengths stand before the parts so that no two
// lists read alike.
func dedupe(parts ...string) string {
	var stack [256]byte
	b := stack[:0]
	for i, p := range parts {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendSized(b, p)
	}
	return string(b)
}

func appendSized(b []byte, s string) []byte {
	b = strconv.AppendInt(b, int64(len(s)), 10)
	return append(append(b, ':'), s...)
}

func digits(n int64) string { return strconv.FormatInt(n, 10) }
