package openim

import (
	"bytes"
	"errors"
	"reflect"
	"sync"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// errMissing: a field that says what or whom the event is about is not there.
var errMissing = errors.New("is missing")

// errUnknownValue: a question holds a value that the command does not have.
var errUnknownValue = errors.New("has a value that is not known")

// errTooMany: the items of one body would become more than they are worth.
var errTooMany = errors.New("has too many items for the rest of the body")

// maxSplit bounds what the raw forms of one body's items take together: each item
// is kept with all that stands around the list.
const maxSplit = 16 << 20

// maxDepth is how deep a body may nest. What the server sends has five levels.
const maxDepth = 200

// input is one request on its way in.
type input struct {
	naming
	generation string
	req        *dialect.Request
	body       []byte
}

// inputs and outputs are used again: nothing keeps them.
var (
	inputs  = sync.Pool{New: func() any { return new(input) }}
	outputs = sync.Pool{New: func() any { return new(output) }}
)

// Decode reads one request: one event, but for the two commands that report
// several users at once. A command that nobody knows, or a value that it does not
// have, is one event of type vendor.unknown.
func (d *Dialect) Decode(req *dialect.Request) ([]*event.Event, error) {
	if err := dialect.CheckDepth(req.Body, maxDepth); err != nil {
		return nil, &dialect.DecodeError{Dialect: Name, Err: err}
	}
	n, generation, called, err := d.route(req)
	if err != nil {
		return nil, err
	}
	in := inputs.Get().(*input)
	defer inputs.Put(in)
	*in = input{naming: n, generation: generation, req: req, body: req.Body}
	if n.command == nil {
		ev := &event.Event{Type: event.VendorUnknown, Phase: event.After, Lane: guessLane(req.Body), Command: called}
		ev.Dialect, ev.Raw = Name, in.rawOf(req.Body)
		return []*event.Event{ev}, nil
	}
	if n.split != nil {
		return n.split(in)
	}
	ev, err := n.decode(in)
	if err != nil {
		return nil, err
	}
	in.complete(ev, req.Body)
	return []*event.Event{ev}, nil
}

// complete sets what is the same for all commands.
func (in *input) complete(ev *event.Event, body []byte) {
	ev.Dialect, ev.Command, ev.Phase = Name, in.name, in.phase
	if ev.Type != event.VendorUnknown {
		ev.Generation = in.generation
	} else {
		ev.Phase = event.After
	}
	ev.Raw = in.rawOf(body)
}

func (in *input) rawOf(body []byte) event.Raw {
	return event.Raw{
		Dialect: Name, Path: in.req.Path, Query: in.req.Query, ContentType: in.req.ContentType, Body: bytes.Clone(body),
	}
}

// read parses the body into a wire struct.
func (in *input) read(v any) error { return dialect.Unmarshal(Name, in.name, in.body, v) }

// missing is the error for a body without a field that it cannot do without.
func (in *input) missing(field string) error {
	return &dialect.DecodeError{Dialect: Name, Command: in.name, Field: field, Err: errMissing}
}

// splits checks that the body can be kept once for each item of its list.
func (in *input) splits(field string, items []jsontext.Value) error {
	around := len(in.body)
	for _, item := range items {
		around -= len(item)
	}
	if len(items) > 1 && around > maxSplit/len(items) {
		return &dialect.DecodeError{Dialect: Name, Command: in.name, Field: field, Err: errTooMany}
	}
	return nil
}

// need returns an error when a field is empty: pairs of name and value.
func (in *input) need(pairs ...string) error {
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			return in.missing(pairs[i])
		}
	}
	return nil
}

// unknown is the event for a value that the command does not have.
func (in *input) unknown(lane event.Lane) *event.Event {
	return &event.Event{Type: event.VendorUnknown, Lane: lane}
}

// only is the command's one type.
func (in *input) only() event.Type { return in.types[0] }

// rest is what every body may have beside its fields. CallbackCommand stands here
// only where it is not the command that the request is routed by.
type rest struct {
	CallbackCommand string         `json:"callbackCommand,omitzero"`
	Unknown         jsontext.Value `json:",embed"`
}

// other is the body's own word for the command where that says something else.
func (in *input) other(said string) string {
	if said == in.name {
		return ""
	}
	return said
}

// vendor sets Event.Vendor to the fields in rest. Most events have none, and
// marshalling costs more than looking.
func vendor[T any](in *input, ev *event.Event, rest *T) (*event.Event, error) {
	if reflect.ValueOf(rest).Elem().IsZero() {
		return ev, nil
	}
	v, err := dialect.Vendor(rest)
	if err != nil {
		return nil, &dialect.DecodeError{Dialect: Name, Command: in.name, Err: err}
	}
	ev.Vendor = v
	return ev, nil
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

func one(id string) []event.Member {
	if id == "" {
		return nil
	}
	return []event.Member{{ID: id}}
}

func systemLane() event.Lane { return event.NewLane(event.KindSystem, "") }

func userLane(id string) event.Lane {
	if id == "" {
		return systemLane()
	}
	return event.NewLane(event.KindUser, id)
}

func group(id string) (*event.Conversation, event.Lane) {
	c := &event.Conversation{Kind: event.KindGroup, ID: id}
	return c, c.Lane()
}

func direct(a, b string) (*event.Conversation, event.Lane) {
	c := event.Direct(a, b)
	return &c, c.Lane()
}

const (
	// maxMillis is the first millisecond that JSON dates cannot write.
	maxMillis = 253402300800000
	// minMillis tells milliseconds from the seconds of the earliest v2: as seconds
	// it is the year 5138, as milliseconds 1973.
	minMillis = 100_000_000_000
)

// fromWire reads a time of either unit; zero for what no time can hold.
func fromWire(n int64) time.Time {
	switch {
	case n <= 0 || n >= maxMillis:
		return time.Time{}
	case n < minMillis:
		n *= 1000
	}
	return time.UnixMilli(n).UTC()
}

// millis is the inverse for milliseconds.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// unless is nil for the value that is usual, so that only what is not is kept.
func unless[T comparable](v, usual T) *T {
	if v == usual {
		return nil
	}
	kept := v // so that v itself, which is usual, stays off the heap
	return &kept
}

func or[T any](p *T, usual T) T {
	if p == nil {
		return usual
	}
	return *p
}

// given splits an optional text: its value, and whether an empty one was written,
// which sets something to nothing where null leaves it alone.
func given(p *string) (value string, empty *string) {
	if p == nil {
		return "", nil
	}
	if *p == "" {
		return "", p
	}
	return *p, nil
}

// give is the inverse of given.
func give(value string, empty *string) *string {
	if value == "" {
		return empty
	}
	return &value
}

// guessLane finds an order for a body of a command that nobody knows, from the ids
// that OpenIM's bodies share.
func guessLane(body []byte) event.Lane {
	var ids struct {
		ConversationID jsontext.Value `json:"conversationID"`
		GroupID        jsontext.Value `json:"groupID"`
		SendID         jsontext.Value `json:"sendID"`
		RecvID         jsontext.Value `json:"recvID"`
		UserID         jsontext.Value `json:"userID"`
		OwnerUserID    jsontext.Value `json:"ownerUserID"`
		FromUserID     jsontext.Value `json:"fromUserID"`
	}
	if dialect.Unmarshal(Name, "", body, &ids) != nil {
		return systemLane()
	}
	if id := text(ids.GroupID); id != "" {
		return event.NewLane(event.KindGroup, id)
	}
	if from, to := text(ids.SendID), text(ids.RecvID); from != "" && to != "" {
		return event.Direct(from, to).Lane()
	}
	user := ""
	for _, v := range []jsontext.Value{ids.UserID, ids.SendID, ids.OwnerUserID, ids.FromUserID} {
		if user = text(v); user != "" {
			break
		}
	}
	if id := text(ids.ConversationID); id != "" {
		_, lane, _ := readConversation(id, user)
		return lane
	}
	return userLane(user)
}
