package rongcloud

import (
	"strconv"

	"github.com/imhook/imhook/dialect"
)

// sink is what fields of a body are written into: a JSON object or a form.
type sink interface {
	text(name, value string)
	number(name string, n int64)
	boolean(name string, v bool)
	list(name string, values []string)
	// raw writes a JSON value.
	raw(name string, value []byte)
}

var (
	_ sink = (*writer)(nil)
	_ sink = (*formWriter)(nil)
)

// writer writes a JSON object. It is empty until the first field; end closes it.
type writer struct{ b []byte }

func (w *writer) key(name string) {
	switch {
	case w.b == nil:
		w.b = append(make([]byte, 0, 256), '{')
	case len(w.b) == 0:
		w.b = append(w.b, '{')
	default:
		w.b = append(w.b, ',')
	}
	w.b = append(dialect.AppendString(w.b, name), ':')
}

func (w *writer) text(name, value string) {
	w.key(name)
	w.b = dialect.AppendString(w.b, value)
}

func (w *writer) number(name string, n int64) {
	w.key(name)
	w.b = strconv.AppendInt(w.b, n, 10)
}

func (w *writer) float(name string, f float64) {
	w.key(name)
	w.b = strconv.AppendFloat(w.b, f, 'f', -1, 64)
}

func (w *writer) boolean(name string, v bool) {
	w.key(name)
	w.b = strconv.AppendBool(w.b, v)
}

// list never writes null.
func (w *writer) list(name string, values []string) {
	w.key(name)
	w.b = append(w.b, '[')
	for i, v := range values {
		if i > 0 {
			w.b = append(w.b, ',')
		}
		w.b = dialect.AppendString(w.b, v)
	}
	w.b = append(w.b, ']')
}

func (w *writer) raw(name string, value []byte) {
	w.key(name)
	w.b = append(w.b, value...)
}

// end closes the object and returns it.
func (w *writer) end() []byte {
	if len(w.b) == 0 {
		return append(w.b, "{}"...)
	}
	return append(w.b, '}')
}

// some writes a text that is not empty.
func some(w sink, name, value string) {
	if value != "" {
		w.text(name, value)
	}
}

// leftover writes the fields of o that nobody took.
func leftover(w sink, o *object) {
	for i := range o.pairs {
		if p := &o.pairs[i]; !p.taken {
			w.raw(string(p.name), p.value)
		}
	}
}
