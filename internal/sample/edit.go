package sample

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
)

// Edit puts a value into a request. Path and value are as written on a command
// line:
//
//	message.text=hello      a key below a key of a JSON body
//	userIds.0=u1            an item of an array; one past the end appends
//	ext.a\.b=1              a key that holds a dot
//	count=3, on=true, x=null, list=[1,2], o={"a":1}, s="3"   JSON where it is JSON, else text
//	fromUserId=u1           a key of a form body: always text
//	query.CallbackCommand=x a key of the query: always text
type Edit struct {
	Path  string
	Value string
}

// ParseEdit reads "path=value".
func ParseEdit(s string) (Edit, error) {
	path, v, ok := strings.Cut(s, "=")
	if !ok || path == "" {
		return Edit{}, fmt.Errorf("%q is not path=value", s)
	}
	return Edit{Path: path, Value: v}, nil
}

// queryPrefix begins a path that goes into the query.
const queryPrefix = "query."

// Apply changes req in place. Its body is replaced, never written to.
func (e Edit) Apply(req *dialect.Request) error {
	if e.Path == "" || !utf8.ValidString(e.Path) {
		return errors.New("the path is empty or not UTF-8")
	}
	if key, ok := strings.CutPrefix(e.Path, queryPrefix); ok {
		req.Query = setPair(req.Query, key, e.Value)
		return nil
	}
	if IsForm(req) {
		req.Body = []byte(setPair(string(req.Body), e.Path, e.Value))
		return nil
	}
	body, err := set(jsontext.Value(bytes.TrimSpace(req.Body)), splitPath(e.Path), literal(e.Value))
	if err != nil {
		return err
	}
	req.Body = body
	return nil
}

// splitPath cuts at the dots that no backslash precedes.
func splitPath(path string) []string {
	var parts []string
	var b strings.Builder
	for i := 0; i < len(path); i++ {
		switch c := path[i]; {
		case c == '\\' && i+1 < len(path) && (path[i+1] == '.' || path[i+1] == '\\'):
			i++
			b.WriteByte(path[i])
		case c == '.':
			parts = append(parts, b.String())
			b.Reset()
		default:
			b.WriteByte(c)
		}
	}
	return append(parts, b.String())
}

// literal is s as JSON where it is JSON, else the string s.
func literal(s string) jsontext.Value {
	if v := jsontext.Value(strings.TrimSpace(s)); v.IsValid() {
		return v
	}
	return append(append([]byte{'"'}, quoted(s)...), '"')
}

// member is one key of an object, or one item of an array without name.
type member struct {
	name  string
	value jsontext.Value
}

// set returns v with to at path. What is missing on the way becomes an object.
func set(v jsontext.Value, path []string, to jsontext.Value) (jsontext.Value, error) {
	if len(path) == 0 {
		return to, nil
	}
	if len(v) == 0 {
		v = jsontext.Value("{}")
	}
	var members []member
	var err error
	place := -1
	kind := v.Kind()
	switch kind {
	case '{':
		if members, err = read(v); err != nil {
			return nil, err
		}
		for i, m := range members {
			if m.name == path[0] {
				place = i // the last one counts, as when it is read
			}
		}
		if place < 0 {
			place = len(members)
			members = append(members, member{name: path[0]})
		}
	case '[':
		if members, err = read(v); err != nil {
			return nil, err
		}
		n, err := strconv.Atoi(path[0])
		if err != nil || n < 0 || n > len(members) {
			return nil, fmt.Errorf("%q is no place in an array of %d; write 0 to %d", path[0], len(members), len(members))
		}
		if place = n; n == len(members) {
			members = append(members, member{})
		}
	case jsontext.KindInvalid:
		return nil, errors.New("the body is not JSON")
	default:
		return nil, fmt.Errorf("%q is below a value that holds no keys", path[0])
	}
	if members[place].value, err = set(members[place].value, path[1:], to); err != nil {
		return nil, err
	}
	return write(kind, members), nil
}

// read returns the members of an object or array.
func read(v jsontext.Value) ([]member, error) {
	dec := jsontext.NewDecoder(bytes.NewReader(v), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	open, err := dec.ReadToken()
	if err != nil {
		return nil, fmt.Errorf("reading the body: %w", err)
	}
	object := open.Kind() == '{'
	var members []member
	for k := dec.PeekKind(); k != '}' && k != ']'; k = dec.PeekKind() {
		var m member
		if object {
			name, err := dec.ReadToken()
			if err != nil {
				return nil, fmt.Errorf("reading the body: %w", err)
			}
			m.name = name.String()
		}
		value, err := dec.ReadValue()
		if err != nil {
			return nil, fmt.Errorf("reading the body: %w", err)
		}
		m.value = value.Clone()
		members = append(members, m)
	}
	return members, nil
}

// write joins members again.
func write(kind jsontext.Kind, members []member) jsontext.Value {
	out := []byte{byte(kind)}
	for i, m := range members {
		if i > 0 {
			out = append(out, ',')
		}
		if kind == '{' {
			out = append(append(append(append(out, '"'), quoted(m.name)...), '"'), ':')
		}
		out = append(out, m.value...)
	}
	return append(out, byte(kind)+2) // '{' and '}', '[' and ']' lie two apart
}

// setPair puts key=value into a raw query or form in place of the first pair of
// that key; further ones go.
func setPair(raw, key, value string) string {
	pair := url.QueryEscape(key) + "=" + url.QueryEscape(value)
	var out []string
	done := false
	for p := range strings.SplitSeq(raw, "&") {
		name, _, _ := strings.Cut(p, "=")
		if plain, err := url.QueryUnescape(name); err == nil && plain == key {
			if !done {
				out, done = append(out, pair), true
			}
			continue
		}
		if p != "" {
			out = append(out, p)
		}
	}
	if !done {
		out = append(out, pair)
	}
	return strings.Join(out, "&")
}
