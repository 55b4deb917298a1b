package easemob

import (
	"errors"
	"math"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
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
	f, err := number(string(l))
	*d = decimal(f)
	return err
}

// errNumber: a value should be a number and is none, or one that nothing holds.
var errNumber = errors.New("not a number")

// number reads a text as JSON reads a number: there are words and signs that Go takes
// for numbers and JSON cannot write. No text is zero.
func number(text string) (float64, error) {
	v := jsontext.Value(strings.TrimSpace(text))
	if len(v) == 0 {
		return 0, nil
	}
	if v.Kind() != '0' || !v.IsValid() {
		return 0, errNumber
	}
	f, err := strconv.ParseFloat(string(v), 64)
	if err != nil {
		return 0, errNumber // too large
	}
	return f, nil
}

// parse reads a body, or a part of one, into v. Where a number is not as the examples
// have it, it is read once more: the pages call some of the numbers text, and sizes
// need not be whole.
func parse[T any](command string, body []byte, v *T) error {
	err := dialect.Unmarshal(Name, command, body, v)
	if err == nil {
		return nil
	}
	var again T
	if json.Unmarshal(body, &again, looseNumbers) != nil {
		return err
	}
	*v = again
	return nil
}

// looseNumbers are the options of the second reading; the first has those of
// [dialect.Unmarshal].
var looseNumbers = json.JoinOptions(
	jsontext.AllowDuplicateNames(true),
	jsontext.AllowInvalidUTF8(true),
	json.WithUnmarshalers(json.JoinUnmarshalers(json.UnmarshalFromFunc(looseNumber[int]), json.UnmarshalFromFunc(looseNumber[int64]))),
)

// looseNumber reads a number, or a text that holds one, and rounds it.
func looseNumber[T int | int64](dec *jsontext.Decoder, n *T) error {
	var l loose
	if err := l.UnmarshalJSONFrom(dec); err != nil {
		return err
	}
	// Digits alone may be more than a float can hold.
	if whole, err := strconv.ParseInt(strings.TrimSpace(string(l)), 10, 64); err == nil {
		*n = T(whole)
		return nil
	}
	f, err := number(string(l))
	if err == nil && math.Abs(f) > 1<<53 {
		err = errNumber
	}
	*n = T(math.Round(f))
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
