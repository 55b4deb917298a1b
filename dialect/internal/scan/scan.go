// Package scan reads the JSON of the bodies that come most often, whose keys and
// types are those that the vendor's server writes, in one pass. Whatever it meets
// besides, from a value of another type to text that is no UTF-8, makes it give up:
// the dialect's general reader then reads the body from its beginning and is the one
// that judges it. So what it does read is what the general reader would have read;
// each dialect that uses it tests that.
package scan

import (
	"math"
	"math/bits"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// Reader walks through one text. What it returns shares the text's memory, unless
// it holds escapes.
type Reader struct {
	text string
	at   int
	// failed says that it gave up.
	failed bool
	// Scratch is where escapes are read; it may be given, and taken back to be used
	// again.
	Scratch []byte
}

// Over returns a reader of text, which is used by its address.
func Over(text string) Reader { return Reader{text: text} }

// GiveUp leaves the body to the general reader.
func (r *Reader) GiveUp() { r.failed = true }

// Whole reports whether all of the text was read.
func (r *Reader) Whole() bool {
	r.space()
	return !r.failed && r.at == len(r.text)
}

// Names are the keys of an object that are no texts and were met.
type Names uint32

// Add gives up when i was added before: of a key that is given twice the general
// reader knows what it means.
func (n *Names) Add(r *Reader, i int) {
	if bit := Names(1) << i; *n&bit != 0 {
		r.failed = true
	} else {
		*n |= bit
	}
}

func (r *Reader) space() {
	for r.at < len(r.text) {
		switch r.text[r.at] {
		case ' ', '\t', '\r', '\n':
			r.at++
		default:
			return
		}
	}
}

// is reports whether c comes next.
func (r *Reader) is(c byte) bool {
	r.space()
	return !r.failed && r.at < len(r.text) && r.text[r.at] == c
}

// take steps over one sign of punctuation.
func (r *Reader) take(c byte) bool {
	if !r.is(c) {
		r.failed = true
		return false
	}
	r.at++
	return true
}

// Open begins an object and returns its first key; "" when there is none, or when
// it gave up.
func (r *Reader) Open() string {
	if !r.take('{') {
		return ""
	}
	if r.is('}') {
		r.at++
		return ""
	}
	return r.key()
}

// Next returns the key after a value; "" at the end of the object.
func (r *Reader) Next() string {
	if r.is('}') {
		r.at++
		return ""
	}
	if !r.take(',') {
		return ""
	}
	return r.key()
}

// key reads a key; one that holds an escape is none that anybody here knows.
func (r *Reader) key() string {
	if !r.take('"') {
		return ""
	}
	n := strings.IndexByte(r.text[r.at:], '"')
	if n <= 0 { // a key of no letters would read as the end
		r.failed = true
		return ""
	}
	key := r.text[r.at : r.at+n]
	r.at += n + 1
	if !r.take(':') {
		return ""
	}
	return key
}

// String reads a text into to, which is nil for a key that is not known, and empty
// unless the key is given twice. A second time after an empty text does no harm:
// the last one counts.
func (r *Reader) String(to *string) {
	if to == nil || *to != "" {
		r.failed = true
	}
	if !r.take('"') {
		return
	}
	begin := r.at
	ascii := true
	for r.at < len(r.text) {
		r.at += plain(r.text[r.at:])
		if r.at == len(r.text) {
			break
		}
		switch c := r.text[r.at]; {
		case c == '"':
			v := r.text[begin:r.at]
			r.at++
			if !ascii && !utf8.ValidString(v) {
				r.failed = true
			}
			*to = v
			return
		case c == '\\':
			r.escaped(begin-1, to)
			return
		case c < ' ':
			r.failed = true
			return
		}
		ascii = false
		for r.at < len(r.text) && r.text[r.at] >= utf8.RuneSelf {
			r.at++
		}
	}
	r.failed = true
}

// plain is how many bytes at the beginning of s are ASCII that stands for itself in
// a JSON text. It looks at eight at a time: in each of ends the highest bit of the
// lowest byte that is meant is set, and none below it.
func plain(s string) int {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	i := 0
	for ; i+8 <= len(s); i += 8 {
		t := s[i : i+8]
		x := uint64(t[0]) | uint64(t[1])<<8 | uint64(t[2])<<16 | uint64(t[3])<<24 |
			uint64(t[4])<<32 | uint64(t[5])<<40 | uint64(t[6])<<48 | uint64(t[7])<<56
		quote, backslash := x^ones*'"', x^ones*'\\'
		ends := x | (x-ones*' ')&^x | (quote-ones)&^quote | (backslash-ones)&^backslash
		if ends &= highs; ends != 0 {
			return i + bits.TrailingZeros64(ends)/8
		}
	}
	for ; i < len(s); i++ {
		if c := s[i]; c < ' ' || c >= utf8.RuneSelf || c == '"' || c == '\\' {
			break
		}
	}
	return i
}

// escaped reads a text that begins at a quote and has a backslash where it stands.
func (r *Reader) escaped(begin int, to *string) {
	for ; r.at < len(r.text); r.at++ {
		switch r.text[r.at] {
		case '\\':
			r.at++
		case '"':
			r.at++
			v, err := jsontext.AppendUnquote(r.Scratch[:0], r.text[begin:r.at])
			r.Scratch = v
			if *to = string(v); err != nil {
				r.failed = true
			}
			return
		}
	}
	r.failed = true
}

// Strings reads an array of texts.
func (r *Reader) Strings() []string {
	if !r.take('[') {
		return nil
	}
	if r.is(']') {
		r.at++
		return []string{}
	}
	all := make([]string, 0, 4)
	for {
		var one string
		r.String(&one)
		all = append(all, one)
		if r.is(']') {
			r.at++
			return all
		}
		if !r.take(',') {
			return nil
		}
	}
}

// Begin steps over the bracket that begins an array; false when none comes.
func (r *Reader) Begin() bool { return r.take('[') }

// End steps over the bracket that ends an array.
func (r *Reader) End() { r.take(']') }

// Null reads null; when something else comes next it does nothing and returns false.
func (r *Reader) Null() bool {
	r.space()
	if r.failed || !strings.HasPrefix(r.text[r.at:], "null") {
		return false
	}
	r.at += len("null") // what follows without punctuation is seen by who goes on
	return true
}

// Number reads a whole number that is not negative.
func (r *Reader) Number() (n int64) {
	r.space()
	begin := r.at
	for r.at < len(r.text) && r.text[r.at] >= '0' && r.text[r.at] <= '9' {
		n = n*10 + int64(r.text[r.at]-'0')
		r.at++
	}
	digits := r.at - begin
	if digits == 0 || digits > 1 && r.text[begin] == '0' {
		r.failed = true
	}
	if digits > 18 {
		var err error
		if n, err = strconv.ParseInt(r.text[begin:r.at], 10, 64); err != nil {
			r.failed = true
		}
	}
	return n // what follows, a point or an exponent, is no punctuation
}

// Small is Number for what has 32 bits.
func (r *Reader) Small() int32 {
	n := r.Number()
	if n > math.MaxInt32 {
		r.failed = true
	}
	return int32(n)
}

// Object reads an object as it is written. One that is empty is "{}".
func (r *Reader) Object() jsontext.Value {
	r.space()
	begin, depth := r.at, 0
	for quoted := false; r.at < len(r.text); r.at++ {
		switch c := r.text[r.at]; {
		case c == '"':
			quoted = !quoted
		case quoted && c == '\\':
			r.at++
		case quoted:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		}
		if depth == 0 {
			break
		}
		if depth > 32 {
			r.failed = true
			return nil
		}
	}
	if r.at >= len(r.text) || r.text[begin] != '{' {
		r.failed = true
		return nil
	}
	r.at++
	v := jsontext.Value(r.text[begin:r.at])
	if !v.IsValid(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)) {
		r.failed = true
	}
	return v
}
