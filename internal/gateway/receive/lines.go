package receive

import (
	"bytes"
	"io"
)

// firstLine is how much room a reader of lines begins with, in bytes.
const firstLine = 32 << 10

// line is one line of a stream.
type line struct {
	// n counts from 1, blank lines included.
	n int
	// text is without the white space around it. It is valid until the next one is
	// read; nil when the line was too long.
	text []byte
	// long is set when there was more than the bound; it was thrown away.
	long bool
}

// lineReader cuts a stream into lines. However the stream comes in pieces, the
// lines are the same. It holds at most one line and what came with it.
type lineReader struct {
	in io.Reader
	// max is the longest line in bytes, without what ends it.
	max int
	buf []byte
	// What is read and not handed out is buf[begin:end], of which everything before
	// looked has no line's end.
	begin, looked, end int
	n                  int
	// tooLong is set inside a line of which the beginning was thrown away.
	tooLong bool
	err     error
}

func newLineReader(in io.Reader, longest int) *lineReader {
	// A line that is within the bound fits with what ends it, one that is not does
	// not.
	return &lineReader{in: in, max: longest, buf: make([]byte, min(firstLine, longest+2))}
}

// next returns the next line that is not blank. Its error is io.EOF at the end of
// the stream, and otherwise what the stream failed with: then a line of which the
// end did not come is none, whatever it looks like.
func (r *lineReader) next() (line, error) {
	for {
		if i := bytes.IndexByte(r.buf[r.looked:r.end], '\n'); i >= 0 {
			l, blank := r.cut(r.looked + i)
			r.begin = r.looked + i + 1
			r.looked = r.begin
			if !blank {
				return l, nil
			}
			continue
		}
		r.looked = r.end
		switch {
		case r.err == io.EOF && (r.end > r.begin || r.tooLong): //nolint:errorlint // only the plain one is the end: an engine wraps it when the caller left in the middle
			l, blank := r.cut(r.end)
			r.begin = r.end
			if !blank {
				return l, nil
			}
		case r.err != nil:
			return line{}, r.err
		default:
			r.fill()
		}
	}
}

// cut takes the line that ends before end.
func (r *lineReader) cut(end int) (l line, blank bool) {
	r.n++
	text := r.buf[r.begin:end]
	if n := len(text); n > 0 && text[n-1] == '\r' {
		text = text[:n-1]
	}
	if r.tooLong || len(text) > r.max {
		r.tooLong = false
		return line{n: r.n, long: true}, false
	}
	if r.n == 1 {
		text = bytes.TrimPrefix(text, byteOrderMark)
	}
	text = bytes.Trim(text, " \t\r")
	return line{n: r.n, text: text}, len(text) == 0
}

// byteOrderMark begins what some editors call UTF-8.
var byteOrderMark = []byte("\xef\xbb\xbf")

// maxIdleReads is how often in a row a reader may return nothing.
const maxIdleReads = 100

// fill reads more, and makes room for it: by moving, by growing, and where the
// line is too long by throwing it away.
func (r *lineReader) fill() {
	switch {
	case r.end < len(r.buf):
	case r.begin > 0:
		r.end = copy(r.buf, r.buf[r.begin:r.end])
		r.begin, r.looked = 0, r.end
	case len(r.buf) < r.max+2:
		grown := make([]byte, min(2*len(r.buf), r.max+2))
		copy(grown, r.buf)
		r.buf = grown
	default:
		r.begin, r.looked, r.end, r.tooLong = 0, 0, 0, true
	}
	for range maxIdleReads {
		n, err := r.in.Read(r.buf[r.end:])
		r.end += n
		if r.err = err; n > 0 || err != nil {
			return
		}
	}
	r.err = io.ErrNoProgress
}
