package dialect

import (
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
		if se.Err != nil && se.Err != json.ErrUnknownName {
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
// fallback for unknown keys.
func Vendor(rest any) (jsontext.Value, error) {
	v, err := json.Marshal(rest, json.OmitZeroStructFields(true), jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))
	if err != nil {
		return nil, fmt.Errorf("keeping vendor fields: %w", err)
	}
	if string(v) == "{}" {
		return nil, nil
	}
	return v, nil
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
	depth, inString := 0, false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case inString:
			if c == '\\' {
				i++
			} else if c == '"' {
				inString = false
			}
		case c == '"':
			inString = true
		case c == '{' || c == '[':
			if depth++; depth > limit {
				return fmt.Errorf("%w: more than %d levels", ErrTooDeep, limit)
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return nil
}

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
