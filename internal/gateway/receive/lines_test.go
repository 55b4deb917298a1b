package receive

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// cutAll reads all lines of in and writes each as "n:text", or "n!" where it was
// too long.
func cutAll(tb testing.TB, in io.Reader, longest int) (lines []string, err error) {
	tb.Helper()
	r := newLineReader(in, longest)
	for {
		l, err := r.next()
		if len(r.buf) > longest+2 {
			tb.Fatalf("the buffer holds %d bytes for lines of %d", len(r.buf), longest)
		}
		switch {
		case err != nil:
			return lines, err
		case l.long:
			lines = append(lines, fmt.Sprintf("%d!", l.n))
		default:
			lines = append(lines, fmt.Sprintf("%d:%s", l.n, l.text))
		}
	}
}

func TestLineReader_Cuts(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, in string
		want     []string
	}{
		{"nothing", "", nil},
		{"one", "a\n", []string{"1:a"}},
		{"no end", "a\nb", []string{"1:a", "2:b"}},
		{"white space around", " \ta b\t \n", []string{"1:a b"}},
		{"CRLF", "a\r\nb\r\n", []string{"1:a", "2:b"}},
		{"CRLF without LF at the end", "a\r\nb\r", []string{"1:a", "2:b"}},
		{"CR alone ends nothing", "a\rb\n", []string{"1:a\rb"}},
		{"blank lines count", "\n\r\na\n \t\nb\n\n", []string{"3:a", "5:b"}},
		{"blank only", "\n\n \r\n", nil},
		{"byte order mark", "\xef\xbb\xbfa\nb\n", []string{"1:a", "2:b"}},
		{"byte order mark alone", "\xef\xbb\xbf", nil},
		{"byte order mark later", "a\n\xef\xbb\xbfb\n", []string{"1:a", "2:\xef\xbb\xbfb"}},
		{"as long as may be", "12345678\n12345678\r\n12345678", []string{"1:12345678", "2:12345678", "3:12345678"}},
		{"too long", "123456789\na\n123456789\r\n" + strings.Repeat("x", 1000) + "\nb\n123456789", []string{"1!", "2:a", "3!", "4!", "5:b", "6!"}},
		{"too long and blank", strings.Repeat(" ", 100) + "\na", []string{"1!", "2:a"}},
		{"invalid UTF-8", "\xff\xfe\n", []string{"1:\xff\xfe"}},
		{"zero bytes", "\x00\n", []string{"1:\x00"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for name, in := range map[string]io.Reader{
				"whole": strings.NewReader(tt.in), "bytes": iotest.OneByteReader(strings.NewReader(tt.in)),
				"end with data": iotest.DataErrReader(strings.NewReader(tt.in)),
			} {
				got, err := cutAll(t, in, 8)
				if err != io.EOF { //nolint:errorlint // that very error
					t.Errorf("%s: ended with %v", name, err)
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", name, diff)
				}
			}
		})
	}
}

func TestLineReader_LineWhoseEndDidNotComeIsNone(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for _, cause := range []error{broken, io.ErrUnexpectedEOF, fmt.Errorf("cannot read chunk size: %w", io.EOF)} {
		for _, in := range []string{"1\n2\n34", "1\n2\n" + strings.Repeat("x", 100)} {
			got, err := cutAll(t, io.MultiReader(strings.NewReader(in), iotest.ErrReader(cause)), 8)
			if err != cause || cmp.Diff([]string{"1:1", "2:2"}, got) != "" { //nolint:errorlint // that very error
				t.Errorf("%q and then %v: %q, %v", in, cause, got, err)
			}
		}
	}
}

type idle struct{}

func (idle) Read([]byte) (int, error) { return 0, nil }

func TestLineReader_ReaderThatGivesNothing(t *testing.T) {
	t.Parallel()
	if _, err := cutAll(t, idle{}, 8); !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("err = %v", err)
	}
}

// pieces reads in pieces of the given sizes, over and over; zero is a read of
// nothing.
type pieces struct {
	in    []byte
	sizes []byte
	i     int
	err   error
}

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.in) == 0 {
		return 0, p.err
	}
	size := len(p.in)
	if len(p.sizes) > 0 {
		size = int(p.sizes[p.i%len(p.sizes)])
		if p.i++; p.i%7 == 0 {
			size++ // there is progress whatever the sizes are
		}
	}
	n := copy(b, p.in[:min(size, len(p.in))])
	p.in = p.in[n:]
	return n, nil
}

// FuzzLines: however a stream comes in pieces, its lines are those that splitting
// it at once gives, and of a stream that breaks off all but the last.
func FuzzLines(f *testing.F) {
	for _, in := range []string{"", "a\nb", "\xef\xbb\xbf{}\r\n\n 1 \n", strings.Repeat("x", 40) + "\ny", "\r\n\r", "\n", "123456\r\n1234567\n"} {
		f.Add([]byte(in), []byte{1, 0, 3}, uint16(6))
		f.Add([]byte(in), []byte{}, uint16(100))
	}
	f.Fuzz(func(t *testing.T, in, sizes []byte, bound uint16) {
		longest := int(bound) + 1
		parts := bytes.Split(in, []byte("\n"))
		var want []string
		broken := 0 // lines of a stream that breaks off
		for i, part := range parts {
			part = bytes.TrimSuffix(part, []byte("\r"))
			text := bytes.Trim(bytes.TrimPrefix(part, byteOrderMark), " \t\r")
			if i > 0 {
				text = bytes.Trim(part, " \t\r")
			}
			switch {
			case len(part) > longest:
				want = append(want, fmt.Sprintf("%d!", i+1))
			case len(text) > 0:
				want = append(want, fmt.Sprintf("%d:%s", i+1, text))
			}
			if i < len(parts)-1 {
				broken = len(want)
			}
		}
		got, err := cutAll(t, &pieces{in: in, sizes: sizes, err: io.EOF}, longest)
		if err != io.EOF { //nolint:errorlint // that very error
			t.Fatalf("ended with %v", err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		got, err = cutAll(t, &pieces{in: in, sizes: sizes, err: io.ErrUnexpectedEOF}, longest)
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatalf("ended with %v", err)
		}
		if diff := cmp.Diff(want[:broken], got); broken+len(got) > 0 && diff != "" {
			t.Errorf("broken off (-want +got):\n%s", diff)
		}
	})
}
