package tencent

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

var (
	// errMissing: a field that says what or whom the event is about is not there.
	errMissing = errors.New("is missing")
	// errNotJSON: the body is cut, or was never JSON.
	errNotJSON = errors.New("is not valid JSON")
	// errDisagrees: query and body name different commands.
	errDisagrees = errors.New("differs from that of the query")
	// errTooMany: the items of one body would become more than they are worth.
	errTooMany = errors.New("has too many items for the rest of the body")
)

// maxSplit bounds what the raw forms of one body's items take together: each item
// is kept with all that stands around the list.
const maxSplit = 16 << 20

// input is one body on its way in, with one item of its list where it has one.
type input struct {
	command *command
	query   query
	// o is the body, item the one item of the command's list: an object, or text
	// where the list holds strings.
	o    object
	item object
	text string
	// list is the name of the array of items in this body, plain says that they are
	// texts.
	list  string
	plain bool
	// at is EventTime, atText its digits; zero and "" when there is none.
	at     time.Time
	atText string
	body   []byte
}

// Decode reads one request. Bodies with a list of independent items (PairList,
// Events …) are one event for each, all others one event.
func (d *Dialect) Decode(req *dialect.Request) ([]*event.Event, error) {
	in := d.inputs.Get().(*input)
	defer d.inputs.Put(in)
	in.query = parseQuery(req.Query)
	if err := in.read(req.Body); err != nil {
		return nil, &dialect.DecodeError{Dialect: Name, Command: in.query.command, Err: err}
	}
	name, err := in.name()
	if err != nil {
		return nil, err
	}
	raw := event.Raw{
		Dialect: Name, Path: req.Path, Query: without(req.Query, "Sign", "RequestTime"), ContentType: req.ContentType,
	}
	in.command = d.byName[name]
	if in.command == nil {
		ev := in.unknown()
		ev.Command = name
		return []*event.Event{in.seal(ev, raw, bytes.Clone(req.Body))}, nil
	}
	bodies, err := in.split(req.Body)
	if err != nil {
		return nil, err
	}
	if bodies == nil {
		ev, err := in.event()
		if err != nil {
			return nil, err
		}
		return []*event.Event{in.seal(ev, raw, bytes.Clone(req.Body))}, nil
	}
	evs := make([]*event.Event, 0, len(bodies))
	for _, body := range bodies {
		if err := in.read(body); err != nil {
			return nil, in.fail("", err)
		}
		if _, err := in.name(); err != nil {
			return nil, err
		}
		ev, err := in.event()
		if err != nil {
			return nil, err
		}
		evs = append(evs, in.seal(ev, raw, body))
	}
	return evs, nil
}

// read takes a body apart. Its memory is the request's: what an event keeps of it
// is copied.
func (in *input) read(body []byte) error {
	in.body, in.text, in.at, in.atText = body, "", time.Time{}, ""
	in.item = object{fields: in.item.fields[:0], scratch: in.item.scratch[:0]}
	return in.o.parse(body)
}

// name is the command, which stands in the query; old libraries and tests have it
// in the body alone.
func (in *input) name() (string, error) {
	name := in.o.text("CallbackCommand")
	err := in.o.why
	switch {
	case err != nil:
	case in.query.command == "":
		if name == "" {
			err = errMissing
		}
		return name, in.wrap(err, "CallbackCommand")
	case name != "" && name != in.query.command:
		err = errDisagrees
	}
	return in.query.command, in.wrap(err, "CallbackCommand")
}

func (in *input) wrap(err error, field string) error {
	if err == nil {
		return nil
	}
	return &dialect.DecodeError{Dialect: Name, Command: in.query.command, Field: field, Err: err}
}

// pick finds the array of items, which one command may name in two ways.
func (in *input) pick() {
	c := in.command
	in.list, in.plain = c.list, c.plainItems
	if c.other != "" && in.o.peek(c.list) == nil && in.o.peek(c.other) != nil {
		in.list, in.plain = c.other, !c.plainItems
	}
}

// split returns a body for each item of the command's list; nil when the body is of
// one item already.
func (in *input) split(body []byte) ([][]byte, error) {
	in.pick()
	list := in.list
	if list == "" {
		return nil, nil
	}
	v := in.o.peek(list)
	if v == nil {
		return nil, nil
	}
	items, ok := dialect.Elements(v)
	if !ok {
		return nil, in.fail(list, fmt.Errorf("unexpected %s, want an array", kindName(v)))
	}
	if len(items) < 2 {
		return nil, nil
	}
	around := len(body) - len(v)
	if around > maxSplit/len(items) {
		return nil, in.fail(list, errTooMany)
	}
	bodies := make([][]byte, len(items))
	for i, item := range items {
		w := writer{b: make([]byte, 0, around+len(item)+2)}
		w.b = append(w.b, '{')
		for k := range in.o.fields {
			f := &in.o.fields[k]
			switch {
			case string(f.name) != list:
				w.nameBytes(f.name)
				w.b = append(w.b, f.value...)
			case &f.value[0] == &v[0]: // the last of that name, which counts
				w.begin(list)
				w.b = append(w.b, item...)
				w.close()
			}
		}
		bodies[i] = w.end()
	}
	return bodies, nil
}

// event reads what is in o. An item that cannot be read is an event of its own, so
// that its siblings are not lost with it.
func (in *input) event() (*event.Event, error) {
	in.time()
	if in.command.list != "" {
		ok, err := in.openItem()
		if err != nil {
			return nil, err
		}
		if !ok {
			return in.again(), nil
		}
	}
	ev, err := in.command.decode(in)
	if in.o.bad != "" {
		return nil, in.fail(in.o.bad, in.o.why)
	}
	if in.item.bad != "" {
		return in.again(), nil
	}
	if err != nil {
		return nil, err
	}
	if ev.Type == event.VendorUnknown {
		return in.again(), nil
	}
	ev.Vendor, err = in.vendor(ev)
	if err != nil {
		return nil, in.fail("", err)
	}
	return ev, nil
}

// openItem takes the one item of the list; false when there is none, or none of the
// list's kind.
func (in *input) openItem() (bool, error) {
	items := in.o.list(in.list)
	if in.o.bad != "" {
		return false, in.fail(in.o.bad, in.o.why)
	}
	if len(items) != 1 {
		return false, nil
	}
	item := items[0]
	if in.plain {
		in.item.bad, in.item.why = "", nil
		if item[0] != '"' {
			return false, nil
		}
		in.text = unquote(item)
		return in.text != "", nil
	}
	return in.item.parse(item) == nil, nil
}

// again is the event for what the command does not know, read anew: the decoder
// has taken some of it already.
func (in *input) again() *event.Event {
	_ = in.o.parse(in.body) // it could be read before
	return in.unknown()
}

// seal puts in what is the same for all events.
func (in *input) seal(ev *event.Event, raw event.Raw, body []byte) *event.Event {
	ev.Dialect, ev.Phase = Name, event.After
	if in.command != nil {
		ev.Command = in.command.spec.Name
		if ev.Type != event.VendorUnknown {
			ev.Phase = in.command.spec.Phase
		}
	}
	if ev.Time.IsZero() {
		ev.Time = in.at
	}
	ev.Raw = raw
	ev.Raw.Body = body
	return ev
}

// time takes EventTime. A number that no time can hold is left over.
func (in *input) time() {
	v := in.o.peek("EventTime")
	if v == nil {
		in.o.drop("EventTime")
		return
	}
	ms, ok := number(v)
	if string(v) == `""` {
		in.o.drop("EventTime")
		return
	}
	if !ok {
		in.o.mismatch("EventTime", v, "a number of milliseconds")
		return
	}
	if t := fromMillis(ms); !t.IsZero() {
		in.o.drop("EventTime")
		in.at, in.atText = t, decimal(ms)
	}
}

// vendor is what is left over of body, item and query.
func (in *input) vendor(ev *event.Event) (jsontext.Value, error) {
	if list := in.list; list != "" && !in.plain {
		rest, err := in.item.rest()
		if err != nil {
			return nil, err
		}
		if rest != nil {
			in.o.put(list, append(append([]byte{'['}, rest...), ']'))
		}
	}
	in.origin(ev)
	return in.o.rest()
}

// origin places ClientIP and OptPlatform.
func (in *input) origin(ev *event.Event) {
	if in.query.hasIP && (ev.Presence == nil || ev.Presence.Address != in.query.clientIP) {
		in.o.putText("ClientIP", in.query.clientIP)
	}
	if !in.query.hasPlatform {
		return
	}
	word := platformWord(in.query.platform)
	if ev.Actor != nil && word != "" {
		ev.Actor.Platform = word
	}
	if ev.Presence != nil {
		ev.Presence.Platform = word
	}
	if ev.Actor == nil || word == "" || platformWire(word, true) != in.query.platform {
		in.o.putText("OptPlatform", in.query.platform)
	}
}

// fail is the error for a field of the body.
func (in *input) fail(field string, err error) error {
	return &dialect.DecodeError{Dialect: Name, Command: in.command.spec.Name, Field: field, Err: err}
}

// missing is the error for a body without a field that it cannot do without.
func (in *input) missing(field string) error { return in.fail(field, errMissing) }

// missingItem says the same of the item, whose siblings may be whole.
func (in *input) missingItem(field string) (*event.Event, error) {
	if in.item.bad == "" {
		in.item.bad, in.item.why = field, errMissing
	}
	return nil, in.missing(field)
}

// strange is the event for a value of the discriminator that the command does not
// know.
func strange() (*event.Event, error) { return &event.Event{Type: event.VendorUnknown}, nil }

// dedupe joins what a retry repeats with EventTime where that is known: without a
// part there is none.
func (in *input) dedupe(parts ...string) string {
	key := dialect.JoinKey(parts...)
	if key == "" || in.atText == "" {
		return key
	}
	return key + "|" + in.atText
}

// dated is dedupe for what happens to the same more than once: only its time tells.
func (in *input) dated(parts ...string) string {
	if in.atText == "" {
		return ""
	}
	return in.dedupe(parts...)
}

// digest is a short text for values of any length.
func digest(values ...[]byte) string {
	parts := make([]string, len(values))
	for i, v := range values {
		parts[i] = string(v)
	}
	sum := event.Hash(parts...)
	return hex.EncodeToString(sum[:8])
}

// admin is the account that the vendor's own examples and REST API act with.
const admin = "administrator"

func actor(id string) *event.Actor {
	if id == "" {
		return nil
	}
	return &event.Actor{ID: id, System: id == admin}
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

// accounts takes an array of objects with one id each. Where they hold more than
// that, the array is left over too.
func (in *input) accounts(o *object, name, key string) []string {
	v := o.peek(name)
	var ids []string
	more := false
	for _, e := range o.list(name) {
		var one object
		if err := one.parse(e); err != nil {
			o.mismatch(name, e, "an object")
			return nil
		}
		id := one.text(key)
		if one.bad != "" || id == "" {
			o.mismatch(name+"."+key, one.peek(key), "an account")
			return nil
		}
		ids = append(ids, id)
		for i := range one.fields {
			more = more || !one.fields[i].taken
		}
	}
	if more {
		o.put(name, v)
	}
	return ids
}

// joined is a list of ids as a part of a key: different lists are different texts.
func joined(ids []string) string {
	for _, id := range ids {
		if strings.ContainsAny(id, "\\,") {
			ids = slices.Clone(ids)
			for i := range ids {
				ids[i] = commas.Replace(ids[i])
			}
			break
		}
	}
	return strings.Join(ids, ",")
}

var commas = strings.NewReplacer(`\`, `\\`, ",", `\,`)

// maxMillis is the first millisecond that JSON dates cannot write.
const maxMillis = 253402300800000

// fromMillis is the zero time for what no canonical time can hold.
func fromMillis(ms int64) time.Time {
	if ms <= 0 || ms >= maxMillis {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

func fromSeconds(s int64) time.Time {
	if s <= 0 || s >= maxMillis/1000 {
		return time.Time{}
	}
	return time.Unix(s, 0).UTC()
}
