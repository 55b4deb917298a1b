package rongcloud

import (
	"bytes"
	"errors"
	"time"
)

var errNotItems = errors.New("neither an array of items nor one object")

// elementsOf returns the n elements of an array as they stand in body, which is
// known to be valid JSON.
func elementsOf(body []byte, n int) [][]byte {
	elements := make([][]byte, 0, n)
	depth, start, quoted := 0, 0, false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case quoted:
			switch c {
			case '\\':
				i++
			case '"':
				quoted = false
			}
		case c == '"':
			quoted = true
		case c == '{' || c == '[':
			if depth++; depth == 1 {
				start = i + 1
			}
		case c == '}' || c == ']':
			if depth--; depth == 0 && len(elements) < n {
				elements = append(elements, bytes.TrimSpace(body[start:i]))
			}
		case c == ',' && depth == 1:
			elements = append(elements, bytes.TrimSpace(body[start:i]))
			start = i + 1
		}
	}
	return elements
}

// envelope is a body that carries one element of n alone: body itself when it is
// the only one. The result shares no memory with its arguments.
func envelope(body, element []byte, n int) []byte {
	if n == 1 {
		return bytes.Clone(body)
	}
	b := make([]byte, 0, len(element)+2)
	b = append(b, '[')
	b = append(b, element...)
	return append(b, ']')
}

// milli is t in Unix milliseconds; the zero time is 0, as the wire has no null.
func milli(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}
