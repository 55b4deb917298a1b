package dialect

import (
	"reflect"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/event"
)

// Lost compares the content of a message that a rewrite asks for with what an
// answer to it reads as. It returns the first field that did not come through, by
// its name in the event's JSON form, "" when all did. What names the message plays
// no part, and neither does the vendor's content code; of media, place and payload
// what the rewrite leaves out is not asked for.
func Lost(want, got *event.Message) string {
	switch {
	case want.Kind != got.Kind:
		return "kind"
	case want.Text != got.Text:
		return "text"
	case !says(want.Media, got.Media):
		return "media"
	case !says(want.Location, got.Location):
		return "location"
	case !saysPayload(want.Custom, got.Custom):
		return "custom"
	case !sameMentions(want.Mentions, got.Mentions):
		return "mentions"
	case value(want.Push) != value(got.Push):
		return "push"
	case value(want.Options) != value(got.Options):
		return "options"
	case !sameText(want.Extra, got.Extra):
		return "extra"
	}
	if len(want.Parts) == 0 {
		return "" // the fields above are those of the first part
	}
	if len(want.Parts) != len(got.Parts) {
		return "parts"
	}
	for i := range want.Parts {
		if Lost(&want.Parts[i], &got.Parts[i]) != "" {
			return "parts"
		}
	}
	return ""
}

// Misses returns the field in which got is not what want asks for, by its JSON
// name; "" when it is. A field that is zero in want is not asked for. T is a flat
// struct of package event.
func Misses[T any](want, got *T) string {
	w, g := reflect.ValueOf(*want), reflect.ValueOf(value(got))
	for i := range w.NumField() {
		if f := w.Field(i); !f.IsZero() && !reflect.DeepEqual(f.Interface(), g.Field(i).Interface()) {
			name, _, _ := strings.Cut(w.Type().Field(i).Tag.Get("json"), ",")
			return name
		}
	}
	return ""
}

func says[T any](want, got *T) bool { return want == nil || Misses(want, got) == "" }

func saysPayload(want, got *event.Payload) bool {
	if want == nil {
		return true
	}
	g := value(got)
	return (want.Name == "" || want.Name == g.Name) && (want.Data == "" || sameText(want.Data, g.Data)) &&
		(len(want.Base64) == 0 || string(want.Base64) == string(g.Base64))
}

func sameMentions(a, b *event.Mentions) bool {
	x, y := value(a), value(b)
	return x.All == y.All && slices.Equal(x.Users, y.Users)
}

// sameText reports whether two texts are equal, or the same JSON.
func sameText(a, b string) bool {
	if a == b {
		return true
	}
	if a == "" || b == "" {
		return false
	}
	v, err := jsontext.AppendFormat(nil, []byte(a), jsontext.ReorderRawObjects(true), jsontext.PreserveRawStrings(false))
	if err != nil {
		return false
	}
	w, err := jsontext.AppendFormat(nil, []byte(b), jsontext.ReorderRawObjects(true), jsontext.PreserveRawStrings(false))
	return err == nil && string(v) == string(w)
}

func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
