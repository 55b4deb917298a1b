package rongcloud

import (
	"bytes"
	"errors"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

var errNotOne = errors.New("a question needs exactly one element in data")

// preMessagingSuffix ends the types of all questions, also of those that are not
// known yet.
const preMessagingSuffix = ":pre_messaging"

// preMessagingChannel is one of Nexconn's questions.
type preMessagingChannel struct {
	command string
	// word is the conversation type that goes without saying.
	word string
	line string
}

// preMessaging are the questions that Nexconn asks, one for each kind of channel.
var preMessaging = [...]preMessagingChannel{
	{"direct_channel:pre_messaging", "PERSON", "two users"},
	{"group_channel:pre_messaging", "GROUP", "a group"},
	{"open_channel:pre_messaging", "TEMPGROUP", "an open channel, which RongCloud calls chatroom"},
	{"community_channel:pre_messaging", ultraGroup, "a community channel, which RongCloud calls ultra group"},
}

// fits reports whether the question is asked about messages of c.
func (p *preMessagingChannel) fits(c *event.Conversation) bool { return usualWord(c) == p.word }

// preMessagingWord is the conversation type of a question, "" for another command.
func preMessagingWord(command string) string {
	for i := range preMessaging {
		if preMessaging[i].command == command {
			return preMessaging[i].word
		}
	}
	return ""
}

// decodeNexconn reads the envelope {type, id, time, data[]}: one event for each
// element of data. Without a known type, or with several elements in an envelope
// that is larger than any real one, all of it is one unknown event.
func (d *Dialect) decodeNexconn(body []byte, raw event.Raw) ([]*event.Event, error) {
	if !valid(body) {
		var v jsontext.Value
		return nil, dialect.Unmarshal(Name, "", body, &v)
	}
	var env object
	if !env.parse(body) {
		raw.Body = bytes.Clone(body)
		return []*event.Event{unknown("", raw)}, nil
	}
	name := strings.ToValidUTF8(env.text("type"), "\uFFFD")
	data := env.take("data")
	elements, ok := dialect.Elements(data.orNull())
	c := d.byName[name]
	if c != nil && c.spec.Phase == event.Before && len(elements) != 1 {
		return nil, &dialect.DecodeError{Dialect: Name, Command: name, Field: "data", Err: errNotOne}
	}
	id, _ := env.pick("id")
	around := len(body) - len(data.orNull())
	if c == nil || !c.nexconn || !ok || len(elements) == 0 || env.bad != "" || len(elements) > 1 && around > maxAround {
		raw.Body = bytes.Clone(body)
		ev := unknown(name, raw)
		if name != "" {
			ev.Generation = nexconn
		}
		var first object
		if len(elements) > 0 && first.parse(elements[0]) {
			ev.Lane = first.guessLane()
		}
		if id != "" {
			ev.Dedupe = event.DeriveID(id, string(body))
		}
		return []*event.Event{ev}, nil
	}
	alone := env.around("data")
	rest := env.rest()
	evs := make([]*event.Event, 0, len(elements))
	for _, element := range elements {
		raw.Body = bytes.Clone(body)
		if len(elements) > 1 {
			raw.Body = alone(element)
		}
		if element[0] != '{' {
			ev := unknown(name, raw)
			ev.Generation = nexconn
			evs = append(evs, ev)
			continue
		}
		in := c.input(element)
		in.scan(element)
		if rest != nil {
			in.keepJSON("envelope", rest)
		}
		ev, err := in.one(raw)
		in.release()
		if err != nil {
			return nil, err
		}
		// The index of an element would change when it travels alone.
		ev.Dedupe = ""
		if id != "" {
			ev.Dedupe = event.DeriveID(id, string(element))
		}
		evs = append(evs, ev)
	}
	return evs, nil
}

// pick returns a text without taking it.
func (o *object) pick(name string) (string, bool) {
	for i := range o.pairs {
		if p := &o.pairs[i]; p.is(name) && !p.taken {
			return p.text()
		}
	}
	return "", false
}

// maxAround is how much may stand around an array of several items: it is said
// again with each of them.
const maxAround = 4096

// around returns what puts one item alone into an object whose other fields, all
// but the array of a name that was taken, are as they were; they are left out
// where they are too long.
func (o *object) around(name string) func(element []byte) []byte {
	var w writer
	for i := range o.pairs {
		if p := &o.pairs[i]; !p.is(name) {
			w.raw(string(p.name), p.value)
		}
	}
	if len(w.b) > maxAround {
		w.b = nil
	}
	w.key(name)
	head := w.b
	return func(element []byte) []byte {
		b := make([]byte, 0, len(head)+len(element)+3)
		b = append(append(b, head...), '[')
		return append(append(b, element...), "]}"...)
	}
}

// wrap is the inverse: an element in its envelope, whose id receivers tell envelopes
// apart by.
func (out *output) wrap(env *object, element []byte) []byte {
	var w writer
	w.text("type", out.command.spec.Name)
	id := env.text("id")
	if id == "" {
		id = out.ev.ID
	}
	if out.parts > 1 {
		id = event.PartID(id, len(out.reqs))
	}
	w.text("id", id)
	if n, ok := env.number("time"); ok {
		w.number("time", n)
	} else {
		w.number("time", milli(out.time()))
	}
	leftover(&w, env)
	w.raw("data", append(append([]byte{'['}, element...), ']'))
	return w.end()
}
