package wildfirechat

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// errMissing: a field that says what or whom the event is about is not there.
var errMissing = errors.New("is missing")

// input is one request on its way in.
type input struct {
	d *Dialect
	// command is found by the path. A decoder that knows better from the body
	// names another in the event.
	command *command
	// id is that of the channel or robot in the path.
	id   string
	body []byte
}

// Decode reads one request: always one event. The command is the path; a path
// that no command has, or a value that the command does not know, is one event of
// type vendor.unknown.
func (d *Dialect) Decode(req *dialect.Request) ([]*event.Event, error) {
	in := input{d: d, body: req.Body}
	in.command, in.id = d.route(req.Path)

	var ev *event.Event
	if in.command == nil {
		ev = &event.Event{
			Type: event.VendorUnknown, Phase: event.After, Lane: guessLane(req.Body),
			Command: strings.ToValidUTF8(strings.TrimPrefix(req.Path, "/"), "\uFFFD"),
		}
	} else {
		var err error
		if ev, err = in.command.decode(in); err != nil {
			return nil, err
		}
		if ev.Command == "" {
			ev.Command = in.command.spec.Name
		}
		ev.Phase = in.command.spec.Phase
	}
	ev.Dialect = Name
	ev.Raw = event.Raw{
		Dialect: Name, Path: req.Path, Query: req.Query, ContentType: req.ContentType,
		Body: bytes.Clone(req.Body),
	}
	return []*event.Event{ev}, nil
}

// read parses the body into a wire struct.
func (in input) read(v any) error {
	return dialect.Unmarshal(Name, in.command.spec.Name, in.body, v)
}

// missing is the error for a body without a field that it cannot do without.
func (in input) missing(field string) error {
	return &dialect.DecodeError{Dialect: Name, Command: in.command.spec.Name, Field: field, Err: errMissing}
}

// unknown is the event for a value of the discriminator that the command does
// not know.
func (in input) unknown(lane event.Lane) *event.Event {
	return &event.Event{Type: event.VendorUnknown, Lane: lane}
}

// vendor is what goes into Event.Vendor for the fields in rest. Most events have
// none, and marshalling costs more than looking.
func vendor[T any](in input, rest *T) (jsontext.Value, error) {
	if isZero(rest) {
		return nil, nil
	}
	v, err := dialect.Vendor(rest)
	if err != nil {
		return nil, &dialect.DecodeError{Dialect: Name, Command: in.command.spec.Name, Err: err}
	}
	return v, nil
}

func isZero[T any](v *T) bool { return reflect.ValueOf(v).Elem().IsZero() }

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

func systemLane() event.Lane { return event.NewLane(event.KindSystem, "") }

func userLane(id string) event.Lane { return event.NewLane(event.KindUser, id) }

// maxMillis is the first millisecond that JSON dates cannot write.
const maxMillis = 253402300800000

// fromMillis reads a timestamp. What no canonical time can hold, other than the
// zero that means unset, comes back as rest.
func fromMillis(ms int64) (t time.Time, rest int64) {
	if ms <= 0 || ms >= maxMillis {
		return time.Time{}, ms
	}
	return time.UnixMilli(ms).UTC(), 0
}

// toMillis is the inverse of fromMillis.
func toMillis(t time.Time, rest int64) int64 {
	if rest != 0 || t.IsZero() {
		return rest
	}
	return t.UnixMilli()
}

// dedupe joins what a retry repeats; empty when a part is.
func dedupe(parts ...string) string { return dialect.JoinKey(parts...) }

// pointer returns a pointer to v when it says more than the default does.
func pointer[T comparable](v, byDefault T) *T {
	if v == byDefault {
		return nil
	}
	kept := v // a copy, so that only what is kept is allocated
	return &kept
}

// or returns what p points to, or the default.
func or[T any](p *T, byDefault T) T {
	if p == nil {
		return byDefault
	}
	return *p
}
