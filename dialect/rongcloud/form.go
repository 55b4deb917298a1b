package rongcloud

import (
	"bytes"
	"errors"
	"net/url"
	"strconv"
	"strings"

	"github.com/imhook/imhook/dialect"
)

const formType = "application/x-www-form-urlencoded"

var errEscape = errors.New("a percent escape is broken")

// parseForm reads a form. A semicolon is text, as for the vendor's own parsers.
func (o *object) parseForm(body []byte) error {
	*o = object{pairs: o.pairs[:0]}
	for len(body) > 0 {
		part, rest, _ := bytes.Cut(body, []byte{'&'})
		body = rest
		if len(part) == 0 {
			continue
		}
		rawName, rawValue, _ := bytes.Cut(part, []byte{'='})
		name, err := unescape(rawName)
		if err != nil {
			return err
		}
		value, err := unescape(rawValue)
		if err != nil {
			return err
		}
		o.pairs = append(o.pairs, pair{name: name, value: value, plain: true})
	}
	return nil
}

// unescape returns the text of a part, which may share its memory. What is no
// UTF-8 is replaced.
func unescape(b []byte) ([]byte, error) {
	plain := true
	for _, c := range b {
		if c == '%' || c == '+' || c >= 0x80 {
			plain = false
			break
		}
	}
	if plain {
		return b, nil
	}
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '+':
			out = append(out, ' ')
		case '%':
			if i+2 >= len(b) {
				return nil, errEscape
			}
			hi, lo := unhex(b[i+1]), unhex(b[i+2])
			if hi < 0 || lo < 0 {
				return nil, errEscape
			}
			out = append(out, byte(hi<<4|lo))
			i += 2
		default:
			out = append(out, b[i])
		}
	}
	return bytes.ToValidUTF8(out, []byte("\uFFFD")), nil
}

func unhex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// formWriter writes a form.
type formWriter struct{ b []byte }

func (w *formWriter) text(name, value string) {
	if len(w.b) > 0 {
		w.b = append(w.b, '&')
	}
	w.b = appendEscaped(w.b, name)
	w.b = append(w.b, '=')
	w.b = appendEscaped(w.b, value)
}

func (w *formWriter) number(name string, n int64) { w.text(name, strconv.FormatInt(n, 10)) }

func (w *formWriter) boolean(name string, v bool) { w.text(name, strconv.FormatBool(v)) }

func (w *formWriter) list(name string, values []string) {
	for _, v := range values {
		w.text(name, v)
	}
}

// raw writes a JSON value: a string as its text, an array of strings as several
// fields, anything else as its JSON.
func (w *formWriter) raw(name string, value []byte) {
	p := pair{value: value}
	if s, ok := p.text(); ok {
		w.text(name, s)
		return
	}
	o := object{pairs: []pair{{name: []byte(name), value: value}}}
	if elements, ok := dialect.Elements(value); ok && len(elements) > 0 {
		if values := o.list(name); o.bad == "" {
			w.list(name, values)
			return
		}
	}
	w.text(name, string(value))
}

const upperHex = "0123456789ABCDEF"

// appendEscaped escapes as Java's URLEncoder does, which the vendor's server and
// its examples use.
func appendEscaped(b []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_', c == '.', c == '*':
			b = append(b, c)
		case c == ' ':
			b = append(b, '+')
		default:
			b = append(b, '%', upperHex[c>>4], upperHex[c&15])
		}
	}
	return b
}

// appKeyOf is the app key that a form names, or "".
func appKeyOf(body []byte) string {
	for part := range bytes.SplitSeq(body, []byte{'&'}) {
		if value, ok := bytes.CutPrefix(part, []byte("appKey=")); ok {
			if key, err := url.QueryUnescape(string(value)); err == nil {
				return strings.ToValidUTF8(key, "\uFFFD")
			}
		}
	}
	return ""
}
