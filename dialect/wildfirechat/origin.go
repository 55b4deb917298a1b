package wildfirechat

import (
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/event"
)

// origin is what the wire has no place for of another dialect's message: its id
// where that is no number, its content kind where that becomes another, the
// application's name of a custom content, and the quoted message of a quote. It
// goes into the payload's extra. Decode never takes it back out: extra is written
// by clients, who could give their message another's id with it.
type origin struct {
	ID   string            `json:"imhookMessageId,omitzero"`
	Kind event.ContentKind `json:"imhookKind,omitzero"`
	Name string            `json:"imhookName,omitzero"`
	Data string            `json:"imhookData,omitzero"`
}

// originOf is what the wire has no place for of m.
func originOf(m *event.Message, own bool) origin {
	var note origin
	if _, exact := idNumber(m.ID); !exact {
		note.ID = m.ID
	}
	if !own {
		note.content(m)
	}
	return note
}

// content notes what of m's content is not written. An extra of the application's
// own is not changed for the kind alone.
func (o *origin) content(m *event.Message) {
	if m.Extra == "" && !kindPreserved(m.Kind) {
		o.Kind = m.Kind
	}
	switch p := m.Custom; {
	case p == nil:
	case m.Kind == event.Quote:
		o.Name, o.Data = p.Name, p.Data
	case m.Kind == event.Custom || m.Kind == event.CommandKind || m.Kind == event.Face:
		o.Name = p.Name
	}
}

// into joins the note with the extra of the application, which stays beside it: as
// it was if it is a JSON object, else under its own name.
func (o *origin) into(extra string) string {
	note := struct {
		*origin
		Extra string `json:"extra,omitzero"`
	}{origin: o}

	object, inside := strings.TrimSpace(extra), isObject(extra)
	if !inside {
		note.Extra = extra
	}
	b, err := json.Marshal(note, jsontext.AllowInvalidUTF8(true))
	if err != nil {
		return extra
	}
	if !inside {
		return string(b)
	}
	tail := strings.TrimSpace(object[1:])
	if tail == "}" {
		return string(b)
	}
	joined := string(b[:len(b)-1]) + "," + tail
	if !jsontext.Value(joined).IsValid() {
		return extra // the application uses the same keys
	}
	return joined
}

// outOf is the inverse of into: what is left of an extra that a hook gives back, which
// may have changed the part of the application; that was was before.
func (o *origin) outOf(extra, was string) string {
	if *o == (origin{}) || !isObject(extra) {
		return extra
	}
	dec := jsontext.NewDecoder(strings.NewReader(extra))
	_, _ = dec.ReadToken() // it is valid
	var left []string
	var alone *string
	for dec.PeekKind() == '"' {
		name, _ := dec.ReadToken()
		key := name.String()
		value, _ := dec.ReadValue()
		switch {
		case key == "imhookMessageId" && o.ID != "", key == "imhookKind" && o.Kind != "",
			key == "imhookName" && o.Name != "", key == "imhookData" && o.Data != "":
			continue
		case key == "extra" && value.Kind() == '"' && !isObject(was):
			alone = new(string)
			_ = json.Unmarshal(value, alone, jsontext.AllowInvalidUTF8(true))
		}
		quoted, _ := jsontext.AppendQuote(nil, key)
		left = append(left, string(quoted)+":"+string(value))
	}
	switch {
	case len(left) == 0:
		return ""
	case len(left) == 1 && alone != nil:
		return *alone
	}
	return "{" + strings.Join(left, ",") + "}"
}

// isObject reports whether an extra is a JSON object.
func isObject(extra string) bool {
	object := jsontext.Value(strings.TrimSpace(extra))
	return object.Kind() == '{' && object.IsValid()
}
