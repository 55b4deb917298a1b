package cloudevents

import (
	"bytes"
	"errors"
	"fmt"
	"mime"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// Decode reads one event, a batch, lines, or binary mode. Which of them it is the
// body tells: an array is a batch whatever its media type.
func (d *Dialect) Decode(req *dialect.Request) ([]*event.Event, error) {
	media, _, err := mime.ParseMediaType(req.ContentType)
	if err != nil {
		media = ""
	}
	body := bytes.TrimLeft(req.Body, " \t\r\n")
	switch {
	case binary(req, media):
		structured, err := fromBinary(req)
		if err != nil {
			return nil, refuse("", "", err)
		}
		return decodeSingle(structured, singleType)
	case isLines(media):
		return decodeLines(req.Body)
	case len(body) > 0 && body[0] == '[':
		return decodeBatch(req.Body)
	}
	return decodeSingle(req.Body, req.ContentType)
}

func decodeSingle(body []byte, contentType string) ([]*event.Event, error) {
	ev, err := decodeItem(body)
	if err != nil {
		if first, _, more := bytes.Cut(bytes.TrimSpace(body), []byte("\n")); more && isValid(first) {
			return nil, refuse("", "", fmt.Errorf("these are lines: send them as Content-Type: %s", linesType))
		}
		return nil, err
	}
	ev.Raw = event.Raw{Dialect: Name, ContentType: contentType, Body: bytes.Clone(body)}
	return []*event.Event{ev}, nil
}

func decodeBatch(body []byte) ([]*event.Event, error) {
	items, err := cut(body)
	if err != nil {
		return nil, err
	}
	evs := make([]*event.Event, len(items))
	for i, item := range items {
		if evs[i] = decodeOne(item); evs[i] == nil {
			if _, err := cutReading(body); err != nil {
				return nil, err
			}
			return nil, notJSON(item)
		}
	}
	return evs, nil
}

func decodeLines(body []byte) ([]*event.Event, error) {
	var evs []*event.Event
	n := 0
	for line := range bytes.Lines(body) {
		n++
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			continue
		}
		if !isValid(line) {
			return nil, refuse("", "", fmt.Errorf("line %d is not JSON", n))
		}
		evs = append(evs, decodeOne(line))
	}
	if len(evs) == 0 {
		return nil, refuse("", "", errors.New("there are no lines"))
	}
	return evs, nil
}

// decodeOne reads an item among others. One that cannot be read is kept; nil when
// it is not even JSON.
func decodeOne(item []byte) *event.Event {
	ev, err := decodeItem(item)
	if err == nil && ev.Phase == event.After {
		ev.Raw = event.Raw{Dialect: Name, ContentType: singleType, Body: bytes.Clone(item)}
		return ev
	}
	if err != nil && !isValid(item) {
		return nil
	}
	return unreadable(item)
}

// head is what every CloudEvent says about itself, whatever its type.
type head struct {
	SpecVersion string    `json:"specversion"`
	ID          string    `json:"id"`
	Source      string    `json:"source"`
	Type        string    `json:"type"`
	Subject     string    `json:"subject"`
	Time        time.Time `json:"time"`
}

// decodeItem reads one event without its Raw.
func decodeItem(item []byte) (*event.Event, error) {
	ev := new(event.Event)
	err := json.Unmarshal(item, ev)
	if errors.Is(err, event.ErrNotCloudEvent) {
		var h head
		if dialect.Unmarshal(Name, "", item, &h) == nil && h.SpecVersion == event.SpecVersion &&
			h.ID != "" && h.Type != "" && !strings.HasPrefix(h.Type, event.CloudEventsPrefix) && checkID(h.ID) == nil {
			return unknown(item), nil // another system's CloudEvent
		}
	}
	if err != nil {
		return nil, broken(err)
	}
	if err := checkID(ev.ID); err != nil {
		return nil, refuse(string(ev.Type), "id", err)
	}
	if y := ev.Time.Year(); !ev.Time.IsZero() && (y < 0 || y > 9999) {
		return nil, refuse(string(ev.Type), "time", errors.New("lies outside the years that can be written"))
	}
	entry, ok := event.Lookup(ev.Type)
	if !ok {
		return unknown(item), nil
	}
	if !entry.In(ev.Phase) {
		return nil, refuse(string(ev.Type), "imphase", fmt.Errorf("is %q, and %s is never that", ev.Phase, ev.Type))
	}

	ev.Dedupe = dedupe(ev, item)
	ev.App, ev.Source = "", ""
	if ev.Dialect == "" || ev.Dialect == Name {
		ev.Dialect = Name
		if ev.Type != event.VendorUnknown || ev.Command == "" {
			ev.Command = commandOf(ev.Type, ev.Phase)
		}
	}
	if err := complete(ev); err != nil {
		return nil, err
	}
	return ev, nil
}

// dedupe is source and id. The common form of a source is spared a second look at
// the item.
func dedupe(ev *event.Event, item []byte) string {
	source := event.SourcePath(ev.App, ev.Source)
	if ev.App == "" {
		source = sourceOf(item)
	}
	return source + "\n" + ev.ID
}

// sourceOf is the source as an event that was read writes it; empty without one.
func sourceOf(item []byte) string {
	dec := jsontext.NewDecoder(bytes.NewBuffer(item))
	if _, err := dec.ReadToken(); err != nil {
		return ""
	}
	for dec.PeekKind() == '"' {
		name, err := dec.ReadToken()
		if err != nil {
			return ""
		}
		if name.String() != "source" {
			if dec.SkipValue() != nil {
				return ""
			}
			continue
		}
		value, err := dec.ReadToken()
		if err != nil || value.Kind() != '"' {
			return ""
		}
		return value.String()
	}
	return ""
}

// unknown keeps an item that is no event of the catalogue, with as much of its
// head as can be read.
func unknown(item []byte) *event.Event {
	ev := &event.Event{
		Type: event.VendorUnknown, Phase: event.After, Dialect: Name, Command: string(event.VendorUnknown),
		Lane: event.NewLane(event.KindSystem, ""), Vendor: verbatim(item),
	}
	var h head
	if dialect.Unmarshal(Name, "", item, &h) != nil {
		return ev
	}
	if h.ID != "" && checkID(h.ID) == nil {
		ev.ID = h.ID
		ev.Dedupe = h.Source + "\n" + h.ID
	}
	if h.Type != "" {
		ev.Command = strings.TrimPrefix(h.Type, event.CloudEventsPrefix)
	}
	if lane := event.Lane(h.Subject); known(lane.Kind()) {
		ev.Lane = lane
	}
	if t := h.Time.UTC().Truncate(time.Millisecond); t.Year() >= 0 && t.Year() <= 9999 && !t.IsZero() {
		ev.Time = t
	}
	return ev
}

// verbatim is a body as Event.Vendor holds it: an object as it is, anything else
// under a key.
func verbatim(body []byte) jsontext.Value {
	if object, err := dialect.Tidy(body); err == nil && object.Kind() == '{' {
		return object
	}
	wrapped := struct {
		Body   string `json:"body,omitzero"`
		Base64 []byte `json:"base64,omitzero"`
	}{}
	if utf8.Valid(body) {
		wrapped.Body = string(body)
	} else {
		wrapped.Base64 = body
	}
	object, err := dialect.Marshal(&wrapped)
	if err != nil { // text and bytes always marshal
		return nil
	}
	return object
}

// maxID is the longest id in bytes: ids are header values and keys further on.
const maxID = 512

// checkID refuses what CloudEvents forbids in a string and headers cannot hold.
func checkID(id string) error {
	if len(id) > maxID {
		return fmt.Errorf("is longer than %d bytes", maxID)
	}
	if strings.ContainsFunc(id, unicode.IsControl) {
		return errors.New("holds control characters")
	}
	return nil
}

func refuse(command, field string, err error) error {
	return &dialect.DecodeError{Dialect: Name, Command: command, Field: field, Err: err}
}

// broken says where the JSON does not fit, without the wrappings of the library.
func broken(err error) error {
	de := &dialect.DecodeError{Dialect: Name, Err: err}
	if se, ok := errors.AsType[*json.SemanticError](err); ok {
		de.Field = strings.ReplaceAll(strings.TrimPrefix(string(se.JSONPointer), "/"), "/", ".")
		de.Offset = se.ByteOffset
		if errors.Is(err, event.ErrNotCloudEvent) {
			de.Field, de.Offset = "", 0
		}
		switch {
		case se.Err != nil:
			de.Err = se.Err
		case se.GoType != nil:
			de.Err = fmt.Errorf("unexpected %s", strings.NewReplacer("{", "object", "[", "array").Replace(se.JSONKind.String()))
		}
		if inner, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
			de.Err = inner.Err
		}
	} else if se, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		de.Field = strings.ReplaceAll(strings.TrimPrefix(string(se.JSONPointer), "/"), "/", ".")
		de.Offset, de.Err = se.ByteOffset, se.Err
	}
	return de
}
