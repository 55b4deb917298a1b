package imfake

import (
	"bytes"
	"iter"
	"strconv"
)

// markPrefix opens a mark. It holds nothing that JSON, a form or a vendor's
// escaping would change.
const markPrefix = "imfake-"

// Mark is the place of a message in a load: the lane, and the position in it
// from 1 on. It travels in the text as "imfake-<lane>-<seq>-".
type Mark struct {
	Lane uint32
	Seq  uint64
}

// String returns the mark as it stands in a text.
func (m Mark) String() string { return string(m.AppendText(nil)) }

// AppendText appends the mark as it stands in a text.
func (m Mark) AppendText(b []byte) []byte {
	b = append(b, markPrefix...)
	b = strconv.AppendUint(b, uint64(m.Lane), 10)
	b = append(b, '-')
	b = strconv.AppendUint(b, m.Seq, 10)
	return append(b, '-')
}

// Marks yields the marks in a body, in the order in which they stand. What only
// looks like a mark is passed over.
func Marks(body []byte) iter.Seq[Mark] {
	return func(yield func(Mark) bool) {
		for {
			i := bytes.Index(body, []byte(markPrefix))
			if i < 0 {
				return
			}
			body = body[i+len(markPrefix):]
			lane, rest, ok := number(body)
			if !ok || lane > 1<<32-1 {
				continue
			}
			seq, rest, ok := number(rest)
			if !ok || seq == 0 {
				continue
			}
			body = rest
			if !yield(Mark{Lane: uint32(lane), Seq: seq}) {
				return
			}
		}
	}
}

// number reads digits that end with '-'.
func number(b []byte) (n uint64, rest []byte, ok bool) {
	for i, c := range b {
		switch {
		case c >= '0' && c <= '9' && i < 18:
			n = n*10 + uint64(c-'0')
		case c == '-' && i > 0:
			return n, b[i+1:], true
		default:
			return 0, b, false
		}
	}
	return 0, b, false
}
