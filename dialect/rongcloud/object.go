package rongcloud

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// pair is one field of a body: a JSON value, or the plain text of a form.
type pair struct {
	name  []byte
	value []byte
	plain bool
	taken bool
}

// object is a body, or an object inside one, that is taken apart field by field:
// what nobody took is left over and kept under the vendor's names. Of a name given
// twice the last JSON value counts, as the vendors' parsers have it.
type object struct {
	pairs []pair
	// bad is the first field that has a type which cannot be read.
	bad string
}

// parse reads a JSON object whose values share the memory of body. It is false
// for anything else.
func (o *object) parse(body []byte) bool {
	*o = object{pairs: o.pairs[:0]}
	body = bytes.TrimSpace(body)
	if len(body) < 2 || body[0] != '{' || !valid(body) {
		return false
	}
	o.scan(body)
	return true
}

// scan cuts an object that is known to be valid JSON, without reading it a second
// time.
func (o *object) scan(body []byte) {
	for i := skip(body, 1); body[i] != '}'; {
		end := quoteEnd(body, i)
		name := body[i+1 : end-1]
		if !ascii(name) {
			name = []byte(unquote(body[i:end]))
		}
		i = skip(body, skip(body, end)+1) // behind the colon
		end = valueEnd(body, i)
		o.pairs = append(o.pairs, pair{name: name, value: body[i:end:end]})
		if i = skip(body, end); body[i] == ',' {
			i = skip(body, i+1)
		}
	}
}

// valid reports whether b is JSON as vendors write it.
func valid(b []byte) bool {
	return jsontext.Value(b).IsValid(lenient)
}

// lenient is how vendors' JSON is read, as by [dialect.Unmarshal].
var lenient = json.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))

// is reports whether the field has a name.
func (p *pair) is(name string) bool { return string(p.name) == name }

// ascii reports whether the inside of a string stands for itself.
func ascii(inner []byte) bool {
	for _, c := range inner {
		if c == '\\' || c >= 0x80 {
			return false
		}
	}
	return true
}

func skip(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t' || b[i] == '\r' || b[i] == '\n') {
		i++
	}
	return i
}

// quoteEnd is the place behind the string that begins at i.
func quoteEnd(b []byte, i int) int {
	for i++; b[i] != '"'; i++ {
		if b[i] == '\\' {
			i++
		}
	}
	return i + 1
}

// valueEnd is the place behind the value that begins at i.
func valueEnd(b []byte, i int) int {
	depth := 0
	for ; i < len(b); i++ {
		switch b[i] {
		case '"':
			i = quoteEnd(b, i) - 1
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

// unquote is the text of a JSON string that is known to be valid but for its
// UTF-8.
func unquote(v []byte) string {
	inner := v[1 : len(v)-1]
	if ascii(inner) {
		return string(inner)
	}
	var s string
	if dialect.Unmarshal(Name, "", v, &s) != nil {
		return strings.ToValidUTF8(string(inner), "\uFFFD")
	}
	return s
}

// take returns the last value of a name and marks all of them as read; nil when
// there is none or it is null.
func (o *object) take(name string) *pair {
	var last *pair
	for i := range o.pairs {
		p := &o.pairs[i]
		if !p.is(name) || p.taken {
			continue
		}
		p.taken = true
		last = p
		if p.plain {
			break // a form's readers use the first, and keep the others for list
		}
	}
	if last == nil || !last.plain && last.value[0] == 'n' {
		return nil
	}
	return last
}

func (o *object) fail(name string) {
	if o.bad == "" {
		o.bad = name
	}
}

// has reports whether a name is there and not yet taken.
func (o *object) has(name string) bool {
	for i := range o.pairs {
		if o.pairs[i].is(name) && !o.pairs[i].taken {
			return true
		}
	}
	return false
}

// text takes a string; a number or boolean is its digits or word.
func (o *object) text(name string) string {
	p := o.take(name)
	if p == nil {
		return ""
	}
	s, ok := p.text()
	if !ok {
		o.fail(name)
	}
	return s
}

// lane takes an id together with the lane that it makes, in one string; false
// without an id.
func (o *object) lane(kind event.Kind, name string) (id string, lane event.Lane, ok bool) {
	p := o.take(name)
	if p == nil {
		return "", "", false
	}
	if !p.plain && p.value[0] == '"' && ascii(p.value) {
		lane = event.Lane(string(kind) + ":" + string(p.value[1:len(p.value)-1]))
	} else {
		s, ok := p.text()
		if !ok {
			o.fail(name)
		}
		lane = event.NewLane(kind, s)
	}
	id = string(lane[len(kind)+1:])
	return id, lane, id != ""
}

func (p *pair) text() (string, bool) {
	switch {
	case p.plain:
		return string(p.value), true
	case p.value[0] == '"':
		return unquote(p.value), true
	case p.value[0] == '{' || p.value[0] == '[':
		return "", false
	}
	return string(p.value), true
}

// json takes a value as text: a string as it is, anything else as its JSON.
func (o *object) json(name string) string {
	p := o.take(name)
	if p == nil {
		return ""
	}
	if s, ok := p.text(); ok {
		return s
	}
	if tidy, err := dialect.Tidy(p.value); err == nil {
		return string(tidy)
	}
	return string(p.value)
}

// number takes a whole number, which may stand in a string. False when there is
// none.
func (o *object) number(name string) (int64, bool) {
	p := o.take(name)
	if p == nil {
		return 0, false
	}
	if n, ok := small(p.value); ok {
		return n, true
	}
	s, ok := p.text()
	if s = strings.TrimSpace(s); ok && s == "" {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if !ok || err != nil {
		o.fail(name)
		return 0, false
	}
	return n, true
}

// small reads digits alone, as nearly all numbers are, up to those that fit
// anyhow.
func small(b []byte) (n int64, ok bool) {
	if len(b) == 0 || len(b) > 18 {
		return 0, false
	}
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}

// flag takes a boolean, which may stand in a string or be 0 or 1.
func (o *object) flag(name string) bool {
	s := o.text(name)
	return s == "1" || strings.EqualFold(s, "true")
}

// list takes an array of strings; in a form a name once for each.
func (o *object) list(name string) []string {
	var ids []string
	for i := range o.pairs {
		p := &o.pairs[i]
		if !p.is(name) || p.taken {
			continue
		}
		p.taken = true
		if p.plain {
			if len(p.value) > 0 {
				ids = append(ids, string(p.value))
			}
			continue
		}
		ids = nil
		if p.value[0] == 'n' {
			continue
		}
		if p.value[0] != '[' {
			o.fail(name)
			continue
		}
		for at := skip(p.value, 1); p.value[at] != ']'; {
			end := valueEnd(p.value, at)
			e := pair{value: p.value[at:end]}
			if id, ok := e.text(); ok && e.value[0] != 'n' {
				ids = append(ids, id)
			} else {
				o.fail(name)
			}
			if at = skip(p.value, end); p.value[at] == ',' {
				at = skip(p.value, at+1)
			}
		}
	}
	return ids
}

// commas takes ids that stand in one string with commas between them, or an array
// of them.
func (o *object) commas(name string) []string {
	for i := range o.pairs {
		if p := &o.pairs[i]; p.is(name) && !p.taken && !p.plain && p.value[0] == '[' {
			return o.list(name)
		}
	}
	s := o.text(name)
	if s == "" {
		return nil
	}
	var ids []string
	for id := range strings.SplitSeq(s, ",") {
		if id = strings.TrimSpace(id); id != "" {
			ids = append(ids, id)
		}
	}
	return ids
}

// first takes a string, or the first one where an array stands by mistake.
func (o *object) first(name string) string {
	for i := range o.pairs {
		if p := &o.pairs[i]; p.is(name) && !p.taken && !p.plain && p.value[0] == '[' {
			if ids := o.list(name); len(ids) > 0 {
				return ids[0]
			}
			return ""
		}
	}
	return o.text(name)
}

// inner takes an object, which may stand in a string. It is empty when there is
// none; what else stands there stays for rest.
func (o *object) inner(name string) object {
	var found object
	for i := range o.pairs {
		p := &o.pairs[i]
		if !p.is(name) || p.taken {
			continue
		}
		value := p.value
		if s, ok := p.text(); ok {
			value = []byte(s)
		}
		if found.parse(value) {
			p.taken = true
		}
	}
	return found
}

// bytesOf are the fields of some names as they stand there, as one text: what tells
// two changes of a profile apart. It takes nothing.
func (o *object) bytesOf(names ...string) string {
	var said []byte
	for i := range o.pairs {
		if p := &o.pairs[i]; slices.Contains(names, string(p.name)) {
			said = append(append(said, p.name...), p.value...)
		}
	}
	return string(said)
}

// only leaves nothing but the fields of a name.
func (o *object) only(name string) {
	o.pairs = slices.DeleteFunc(o.pairs, func(p pair) bool { return !p.is(name) })
}

// keep puts a value that was taken back among those that are left over.
func (o *object) keep(name, text string) {
	o.pairs = append(o.pairs, pair{name: []byte(name), value: []byte(text), plain: true})
}

// keepJSON is keep for JSON.
func (o *object) keepJSON(name string, value []byte) {
	o.pairs = append(o.pairs, pair{name: []byte(name), value: value})
}

// rest is what is left over as a JSON object, or nil: plain texts are strings, and
// arrays of them where a form has a name several times.
func (o *object) rest() jsontext.Value {
	var w writer
	strict := true
	// values are the plain texts of the names that a form has several times.
	values := map[string][]string(nil)
	for i := range o.pairs {
		p := &o.pairs[i]
		switch {
		case p.taken:
		case p.plain:
			if values == nil {
				values = map[string][]string{}
			}
			values[string(p.name)] = append(values[string(p.name)], string(p.value))
		default:
			p.taken, strict = true, false
			w.raw(string(p.name), p.value)
		}
	}
	for i := range o.pairs {
		p := &o.pairs[i]
		if p.taken {
			continue
		}
		p.taken = true
		switch all := values[string(p.name)]; len(all) {
		case 0: // written where the name stood first
		case 1:
			w.text(string(p.name), all[0])
		default:
			w.list(string(p.name), all)
		}
		delete(values, string(p.name))
	}
	if w.b == nil {
		return nil
	}
	out := jsontext.Value(w.end())
	if !strict {
		// Values of the wire may hold a key twice, and so may we.
		tidy, err := dialect.Tidy(out)
		if err != nil {
			return nil
		}
		out = tidy
	}
	return out
}
