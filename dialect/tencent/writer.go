package tencent

import (
	"math"
	"strconv"

	"github.com/imhook/imhook/dialect"
)

// writer writes a JSON object member by member, in the order of the calls. The
// zero value is an object without members.
type writer struct{ b []byte }

// name begins a member. The vendor's own names need no escaping; what is left over
// of a body may.
func (w *writer) name(s string) {
	w.comma()
	w.b = append(dialect.AppendString(w.b, s), ':')
}

// nameBytes is name for what is left over of a body, most often without
// anything to escape.
func (w *writer) nameBytes(s []byte) {
	if !plain(s) {
		w.name(string(s))
		return
	}
	w.comma()
	w.b = append(w.b, '"')
	w.b = append(w.b, s...)
	w.b = append(w.b, '"', ':')
}

func (w *writer) comma() {
	if len(w.b) == 0 {
		w.b = append(w.b, '{')
	} else if w.b[len(w.b)-1] != '{' {
		w.b = append(w.b, ',')
	}
}

func (w *writer) text(name, v string) {
	w.name(name)
	w.b = dialect.AppendString(w.b, v)
}

// textIf is text unless v is empty.
func (w *writer) textIf(name, v string) {
	if v != "" {
		w.text(name, v)
	}
}

func (w *writer) int(name string, n int64) {
	w.name(name)
	w.b = strconv.AppendInt(w.b, n, 10)
}

// float writes a number as short as it can be; one that JSON does not have is 0.
func (w *writer) float(name string, f float64) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		f = 0
	}
	w.name(name)
	w.b = strconv.AppendFloat(w.b, f, 'f', -1, 64)
}

// raw writes a value that is JSON already.
func (w *writer) raw(name string, v []byte) {
	w.name(name)
	w.b = append(w.b, v...)
}

// begin opens an array; elements are written with item and closed with close.
func (w *writer) begin(name string) {
	w.name(name)
	w.b = append(w.b, '[')
}

// next puts the comma before an element.
func (w *writer) next() {
	if w.b[len(w.b)-1] != '[' {
		w.b = append(w.b, ',')
	}
}

// item begins an object as an array's element.
func (w *writer) item() {
	w.next()
	w.b = append(w.b, '{')
}

// endItem closes it.
func (w *writer) endItem() { w.b = append(w.b, '}') }

// close closes an array.
func (w *writer) close() { w.b = append(w.b, ']') }

// accounts writes an array of objects with one key: [{"Member_Account":"ann"}].
func (w *writer) accounts(name, key string, ids []string) {
	w.begin(name)
	for _, id := range ids {
		w.item()
		w.text(key, id)
		w.endItem()
	}
	w.close()
}

// texts writes an array of strings.
func (w *writer) texts(name string, all []string) {
	w.begin(name)
	for _, s := range all {
		w.next()
		w.b = dialect.AppendString(w.b, s)
	}
	w.close()
}

// keep writes what is left over of o.
func (w *writer) keep(o *object) {
	for i := range o.fields {
		if f := &o.fields[i]; !f.taken {
			f.taken = true
			if f.name == nil {
				w.name(f.put)
			} else {
				w.nameBytes(f.name)
			}
			w.b = append(w.b, f.value...)
		}
	}
}

// end closes the object and returns it.
func (w *writer) end() []byte {
	if len(w.b) == 0 {
		return []byte("{}")
	}
	return append(w.b, '}')
}

// Of these three each writes what says something, and lets what was kept under the
// name, which then is no value of ours, speak otherwise.

func (w *writer) textOr(kept *object, name, v string) {
	if v == "" && kept.peek(name) != nil {
		return
	}
	kept.drop(name)
	w.text(name, v)
}

func (w *writer) size(kept *object, name string, n int64) {
	if n == 0 && kept.peek(name) != nil {
		return
	}
	kept.drop(name)
	w.int(name, max(n, 0))
}

// seconds writes whole ones, as the vendor counts; what has been begun is counted.
func (w *writer) seconds(kept *object, name string, f float64) {
	if was, ok := kept.peekFloat(name); kept.peek(name) != nil && (f == 0 || ok && was == f) {
		return
	}
	kept.drop(name)
	if f = math.Ceil(f); !(f > 0) {
		f = 0
	}
	w.int(name, int64(min(f, math.MaxUint32)))
}
