package easemob

import (
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
)

// loose is a value that the vendor's pages call text, number and object in turn:
// a text is read as it is, anything else as its JSON.
type loose string

// UnmarshalJSONFrom reads any JSON value.
func (l *loose) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	v, err := dec.ReadValue()
	if err != nil {
		return err
	}
	switch v.Kind() {
	case '"':
		plain, err := jsontext.AppendUnquote(nil, v)
		*l = loose(plain)
		return err
	case 'n':
		*l = ""
		return nil
	}
	v, err = dialect.Tidy(v)
	*l = loose(v)
	return err
}

// decimal is a number that some pages write as text: latitudes, and lengths in
// seconds. Zero is not written where it may be missing.
type decimal float64

// UnmarshalJSONFrom reads a number, or a text that holds one.
func (d *decimal) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	var l loose
	if err := l.UnmarshalJSONFrom(dec); err != nil {
		return err
	}
	text := strings.TrimSpace(string(l))
	if text == "" {
		*d = 0
		return nil
	}
	f, err := strconv.ParseFloat(text, 64)
	*d = decimal(f)
	return err
}

// object reads a JSON object out of text; nil when it is none.
func object(text string) map[string]jsontext.Value {
	if first := strings.TrimLeft(text, " \t\r\n"); first == "" || first[0] != '{' {
		return nil
	}
	var all map[string]jsontext.Value
	if dialect.Unmarshal(Name, "", []byte(text), &all) != nil {
		return nil
	}
	return all
}

// plain is a JSON value as text: a string without its quotes, anything else as it
// is written.
func plain(v jsontext.Value) string {
	var l loose
	if dialect.Unmarshal(Name, "", v, &l) != nil {
		return ""
	}
	return string(l)
}
