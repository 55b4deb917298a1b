package tencent

import (
	"bytes"
	"fmt"
	"math"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
)

// lenient is how the vendor's JSON is read, as by [dialect.Unmarshal].
var lenient = json.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))

// field is one member of an object: both share the memory of the body.
type field struct {
	name  []byte
	value []byte
	// put is the name of what a decoder put back; name is nil then.
	put   string
	taken bool
}

// is reports whether the field has a name.
func (f *field) is(name string) bool {
	if f.name == nil {
		return f.put == name
	}
	return string(f.name) == name
}

// object is a body, or an object inside one, that is taken apart field by field.
// What nobody takes is left over and kept under the vendor's names, so that no
// decoder has to list what it does not know. Of a name given twice the last value
// counts.
type object struct {
	fields []field
	// bad is the first field whose value has a type that cannot be read, why says
	// what stood there.
	bad string
	why error
	// scratch holds the values that were put back.
	scratch []byte
}

// parse reads a JSON object whose fields share the memory of body.
func (o *object) parse(body []byte) error {
	body = bytes.TrimSpace(body)
	o.fields, o.scratch, o.bad, o.why = o.fields[:0], o.scratch[:0], "", nil
	if len(body) == 0 || body[0] != '{' {
		return fmt.Errorf("unexpected %s, want an object", kindName(body))
	}
	if !jsontext.Value(body).IsValid(lenient) {
		return errNotJSON
	}
	o.scan(body)
	return nil
}

// scan cuts an object that is known to be valid JSON.
func (o *object) scan(body []byte) {
	for i := space(body, 1); body[i] != '}'; {
		end := stringEnd(body, i)
		name := body[i+1 : end-1]
		if !plain(name) {
			name = []byte(unquote(body[i:end]))
		}
		i = space(body, space(body, end)+1) // behind the colon
		end = valueEnd(body, i)
		o.fields = append(o.fields, field{name: name, value: body[i:end:end]})
		if i = space(body, end); body[i] == ',' {
			i = space(body, i+1)
		}
	}
}

// space is the place of the first byte from i on that is no white space.
func space(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t' || b[i] == '\r' || b[i] == '\n') {
		i++
	}
	return i
}

// stringEnd is the place behind the string that begins at i.
func stringEnd(b []byte, i int) int {
	for i++; b[i] != '"'; i++ {
		if b[i] == '\\' {
			i++
		}
	}
	return i + 1
}

// valueEnd is the place behind the value that begins at i.
func valueEnd(b []byte, i int) int {
	for depth := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			i = stringEnd(b, i) - 1
			if depth == 0 {
				return i + 1
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
	return i
}

// plain reports whether the inside of a string stands for itself.
func plain(inner []byte) bool {
	for _, c := range inner {
		if c == '\\' || c == '"' || c >= 0x80 || c < ' ' {
			return false
		}
	}
	return true
}

// unquote is the text of a JSON string that is known to be valid but for its
// UTF-8, which is mended.
func unquote(v []byte) string {
	if inner := v[1 : len(v)-1]; plain(inner) {
		return string(inner)
	}
	var s string
	if json.Unmarshal(v, &s, lenient) != nil {
		return ""
	}
	return s
}

// isNull reports whether there is nothing: no value, or null.
func isNull(v []byte) bool { return len(v) == 0 || v[0] == 'n' }

// take returns the last value of a name, without the others of that name; nil when
// there is none. A null is taken and returned as nil.
func (o *object) take(name string) []byte {
	var v []byte
	for i := range o.fields {
		if f := &o.fields[i]; !f.taken && f.is(name) {
			f.taken, v = true, f.value
		}
	}
	if isNull(v) {
		return nil
	}
	return v
}

// peek is take that leaves the value.
func (o *object) peek(name string) []byte {
	var v []byte
	for i := range o.fields {
		if f := &o.fields[i]; !f.taken && f.is(name) {
			v = f.value
		}
	}
	if isNull(v) {
		return nil
	}
	return v
}

// drop leaves a value out of what is left over.
func (o *object) drop(name string) { o.take(name) }

// put is the inverse of take: value, valid JSON, is left over under name.
func (o *object) put(name string, value []byte) {
	o.fields = append(o.fields, field{put: name, value: value})
}

// putText is put for a text.
func (o *object) putText(name, text string) {
	from := len(o.scratch)
	o.scratch = dialect.AppendString(o.scratch, text)
	o.put(name, o.scratch[from:len(o.scratch):len(o.scratch)])
}

// putInt is put for a number.
func (o *object) putInt(name string, n int64) { o.put(name, strconv.AppendInt(nil, n, 10)) }

// mismatch notes that a field cannot be read.
func (o *object) mismatch(name string, v []byte, want string) {
	if o.bad == "" {
		o.bad, o.why = name, fmt.Errorf("unexpected %s, want %s", kindName(v), want)
	}
}

// text takes a string. An id that some library writes as a number is its digits.
func (o *object) text(name string) string {
	v := o.take(name)
	if v == nil {
		return ""
	}
	switch c := v[0]; {
	case c == '"':
		return unquote(v)
	case c == '-' || c >= '0' && c <= '9':
		return string(v)
	}
	o.mismatch(name, v, "a string")
	return ""
}

// int takes a whole number, which may stand in a string, as EventTime does in the
// vendor's own group examples. False when there is none.
func (o *object) int(name string) (n int64, ok bool) {
	v := o.take(name)
	if v == nil {
		return 0, false
	}
	n, ok = number(v)
	if !ok && string(v) != `""` {
		o.mismatch(name, v, "a whole number")
	}
	return n, ok
}

// number reads a whole number, or a string that holds one. A float that is whole
// is one: some of the vendor's languages know no other.
func number(v []byte) (n int64, ok bool) {
	if len(v) > 2 && v[0] == '"' && plain(v[1:len(v)-1]) {
		v = bytes.TrimSpace(v[1 : len(v)-1])
	}
	if len(v) > 0 && len(v) <= 18 {
		for i, c := range v {
			if c < '0' || c > '9' {
				break
			}
			if n = n*10 + int64(c-'0'); i == len(v)-1 {
				return n, true
			}
		}
	}
	n, err := strconv.ParseInt(string(v), 10, 64)
	if err == nil {
		return n, true
	}
	f, err := strconv.ParseFloat(string(v), 64)
	if err != nil || f != math.Trunc(f) || math.Abs(f) >= 1<<53 {
		return 0, false
	}
	return int64(f), true
}

// digits takes a number as text, "" when there is none: ids that are numbers on
// the wire.
func (o *object) digits(name string) string {
	if v := o.peek(name); isDigits(v) {
		o.drop(name)
		return string(v)
	}
	n, ok := o.int(name)
	if !ok {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

// rawDigits is digits without making a text of them.
func (o *object) rawDigits(name string) []byte {
	if v := o.peek(name); isDigits(v) {
		o.drop(name)
		return v
	}
	return []byte(o.digits(name))
}

// isDigits reports whether v is a number above 0 as everybody writes it.
func isDigits(v []byte) bool {
	if len(v) == 0 || len(v) > 18 || v[0] == '0' {
		return false
	}
	for _, c := range v {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// list takes an array and returns its elements; nil when there is none.
func (o *object) list(name string) [][]byte {
	v := o.take(name)
	if v == nil {
		return nil
	}
	all, ok := dialect.Elements(v)
	if !ok {
		o.mismatch(name, v, "an array")
	}
	return all
}

// rest is what is left over as a JSON object as a strict reader takes it, or nil.
func (o *object) rest() (jsontext.Value, error) {
	size, strict := 0, true
	for i := range o.fields {
		f := &o.fields[i]
		if f.taken {
			continue
		}
		size += len(f.name) + len(f.put) + len(f.value) + 4
		strict = strict && strictly(f.value) && (f.name == nil || plain(f.name))
		// Of what is there twice the last counts, which only reading sorts out; so
		// does it where looking would take long.
		strict = strict && i < 32
		for k := 0; strict && k < i; k++ {
			strict = o.fields[k].taken || !f.is(o.fields[k].key())
		}
	}
	if size == 0 {
		return nil, nil
	}
	w := writer{b: make([]byte, 0, size+1)}
	for i := range o.fields {
		if f := &o.fields[i]; !f.taken {
			if f.name == nil {
				w.name(f.put)
			} else {
				w.nameBytes(f.name)
			}
			w.b = append(w.b, f.value...)
		}
	}
	if strict {
		return w.end(), nil
	}
	return dialect.Tidy(w.end())
}

// key is the field's name.
func (f *field) key() string {
	if f.name == nil {
		return f.put
	}
	return string(f.name)
}

// strictly reports whether a value is as a strict reader takes it, without looking
// far.
func strictly(v []byte) bool {
	switch v[0] {
	case '{', '[':
		return len(v) == 2
	case '"':
		return plain(v[1 : len(v)-1])
	}
	return true
}

func kindName(v []byte) string {
	if len(v) == 0 {
		return "nothing"
	}
	switch v[0] {
	case '{':
		return "object"
	case '[':
		return "array"
	case '"':
		return "string"
	case 't', 'f':
		return "boolean"
	case 'n':
		return "null"
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		return "number"
	}
	return fmt.Sprintf("%q", v[0])
}

// string takes a string; what is something else stays.
func (o *object) string(name string) string {
	v := o.peek(name)
	if v != nil && v[0] != '"' {
		return ""
	}
	o.drop(name)
	if v == nil {
		return ""
	}
	return unquote(v)
}

// size takes a number that is not negative and written as digits; what is
// something else stays.
func (o *object) size(name string) int64 {
	v := o.peek(name)
	if v == nil {
		o.drop(name)
		return 0
	}
	n, ok := number(v)
	if v[0] == '"' || !ok || n < 0 || n > math.MaxInt32<<20 || strconv.FormatInt(n, 10) != string(v) {
		return 0
	}
	o.drop(name)
	return n
}

// seconds takes a number that is not negative; what is something else stays, and
// so does, beside being taken, what the vendor would not count.
func (o *object) seconds(name string) float64 {
	f, ok := o.peekFloat(name)
	if o.peek(name) != nil && (!ok || f < 0) {
		return 0
	}
	if f <= math.MaxUint32 && f == math.Trunc(f) {
		o.drop(name)
	}
	return f
}

func (o *object) peekFloat(name string) (float64, bool) {
	v := o.peek(name)
	if v == nil || v[0] == '"' {
		return 0, false
	}
	f, err := strconv.ParseFloat(string(v), 64)
	return f, err == nil
}
