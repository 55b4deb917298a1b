package dialect

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// ErrTooDeep is the cause when JSON is nested deeper than the bound.
var ErrTooDeep = errors.New("nested too deep")

// decodeOptions are how vendors' JSON is read: a key given twice keeps its last
// value and broken UTF-8 is replaced, as the vendors' own parsers do.
var decodeOptions = json.JoinOptions(
	jsontext.AllowDuplicateNames(true),
	jsontext.AllowInvalidUTF8(true),
)

// Unmarshal reads a JSON body of a command into v. The error is a [*DecodeError]
// that names the field.
func Unmarshal(dialect, command string, body []byte, v any) error {
	err := json.Unmarshal(body, v, decodeOptions)
	if err == nil {
		return nil
	}
	de := &DecodeError{Dialect: dialect, Command: command, Err: err}
	if se, ok := errors.AsType[*json.SemanticError](err); ok {
		de.Field, de.Offset = dotted(se.JSONPointer), se.ByteOffset
		de.Err = fmt.Errorf("unexpected %s", kindName(se.JSONKind))
		if se.Err != nil && !errors.Is(se.Err, json.ErrUnknownName) {
			de.Err = fmt.Errorf("%w: %w", de.Err, se.Err)
		}
	} else if se, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		de.Field, de.Offset = dotted(se.JSONPointer), se.ByteOffset
		de.Err = se.Err
	}
	return de
}

// Marshal writes v as vendors write JSON: no HTML escaping, keys in the order of
// the struct.
func Marshal(v any) ([]byte, error) { return json.Marshal(v, jsontext.AllowInvalidUTF8(true)) }

// Vendor returns the JSON object of the fields of rest that are not zero, or nil
// when all are: what goes into Event.Vendor. rest is a struct that holds those
// wire fields of a command that have no canonical place, with an embedded
// fallback for unknown keys. A key that the wire gave twice keeps its last value,
// as [Unmarshal] reads it: strict readers of the event would refuse it otherwise.
func Vendor(rest any) (jsontext.Value, error) {
	v, err := json.Marshal(rest, json.OmitZeroStructFields(true), jsontext.AllowInvalidUTF8(true))
	if errors.Is(err, jsontext.ErrDuplicateName) {
		v, err = json.Marshal(rest, json.OmitZeroStructFields(true), decodeOptions)
		if err == nil {
			v, err = Tidy(v)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("keeping vendor fields: %w", err)
	}
	if string(v) == "{}" {
		return nil, nil
	}
	return v, nil
}

// AppendString appends s to dst as a JSON string, escaped as little as JSON
// allows. Bytes that are no UTF-8 are replaced.
func AppendString(dst []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < ' ' || c >= 0x80 || c == '"' || c == '\\' {
			dst, _ = jsontext.AppendQuote(dst, s)
			return dst
		}
	}
	dst = append(dst, '"')
	dst = append(dst, s...)
	return append(dst, '"')
}

// FromVendor reads Event.Vendor back into rest; nil leaves rest as it is.
func FromVendor(vendor jsontext.Value, rest any) error {
	if len(vendor) == 0 {
		return nil
	}
	if err := json.Unmarshal(vendor, rest, decodeOptions); err != nil {
		return fmt.Errorf("reading vendor fields: %w", err)
	}
	return nil
}

// CheckDepth returns [ErrTooDeep] when the JSON text nests deeper than limit. It
// looks at brackets outside strings only and says nothing about validity.
func CheckDepth(body []byte, limit int) error {
	// Counting is many times faster than walking, and nearly all bodies have fewer
	// brackets than they may have levels.
	if bytes.Count(body, openBrace)+bytes.Count(body, openBracket) <= limit {
		return nil
	}
	depth := 0
	for i := 0; i < len(body); i++ {
		switch body[i] {
		case '"':
			i = closing(body, i)
		case '{', '[':
			if depth++; depth > limit {
				return fmt.Errorf("%w: more than %d levels", ErrTooDeep, limit)
			}
		case '}', ']':
			depth--
		}
	}
	return nil
}

// Elements cuts a JSON array into its elements, which share its memory, by brackets
// and quotes alone: many times faster than reading it. It says nothing about
// whether an element is JSON. It is false when body as a whole is not one array, or
// when only reading can tell.
func Elements(body []byte) (elements [][]byte, ok bool) {
	i := space(body, 0)
	if i == len(body) || body[i] != '[' {
		return nil, false
	}
	if i = space(body, i+1); i < len(body) && body[i] == ']' {
		return nil, space(body, i+1) == len(body)
	}
	for {
		begin := i
		i = element(body, i)
		if i == begin {
			return nil, false
		}
		elements = append(elements, body[begin:i:i])
		if i = space(body, i); i == len(body) {
			return nil, false
		}
		switch body[i] {
		case ',':
			i = space(body, i+1)
		case ']':
			return elements, space(body, i+1) == len(body)
		default:
			return nil, false
		}
	}
}

// space returns the place of the first byte from i on that is no white space.
func space(body []byte, i int) int {
	for i < len(body) && (body[i] == ' ' || body[i] == '\t' || body[i] == '\r' || body[i] == '\n') {
		i++
	}
	return i
}

// element returns where the value that begins at i ends.
func element(body []byte, i int) int {
	for depth := 0; i < len(body); i++ {
		switch body[i] {
		case '"':
			i = closing(body, i)
			if depth == 0 {
				return min(i+1, len(body))
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return i
			}
			if depth--; depth == 0 {
				return i + 1
			}
		case ',', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return i
			}
		}
	}
	return len(body)
}

// closing returns the place of the quote that closes the string opened at open,
// or the end of body. Most of a body is text, and most text holds no quote.
func closing(body []byte, open int) int {
	for i := open + 1; ; i++ {
		n := bytes.IndexByte(body[i:], '"')
		if n < 0 {
			return len(body)
		}
		i += n
		// It closes unless an odd number of backslashes stands before it.
		before := i
		for body[before-1] == '\\' {
			before--
		}
		if (i-before)%2 == 0 {
			return i
		}
	}
}

var (
	openBrace   = []byte{'{'}
	openBracket = []byte{'['}
)

func dotted(p jsontext.Pointer) string {
	var parts []string
	for t := range p.Tokens() {
		parts = append(parts, t)
	}
	return strings.Join(parts, ".")
}

func kindName(k jsontext.Kind) string {
	switch k {
	case 'n':
		return "null"
	case 't', 'f':
		return "boolean"
	case '"':
		return "string"
	case '0':
		return "number"
	case '{':
		return "object"
	case '[':
		return "array"
	}
	return "value"
}
