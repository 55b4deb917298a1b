package spool

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"time"
)

// Whatever a segment holds, it is read to its end without an error, every byte is
// in a frame or counted as damaged, and a frame that was read is the one that would
// be written.
func FuzzReadFrame(f *testing.F) {
	one, err := appendFrame(nil, time.Unix(0, 0), texts("one", "", "three"))
	if err != nil {
		f.Fatal(err)
	}
	two, err := appendFrame(bytes.Clone(one), time.Unix(1, 0), texts("two"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(two, int64(0))
	f.Add(two[:len(two)-1], int64(0))
	f.Add(two, int64(len(one)))
	f.Add(append(append([]byte("junk"), two...), magic...), int64(3))
	f.Fuzz(func(t *testing.T, content []byte, off int64) {
		end := int64(len(content))
		off = min(max(off, 0), end)
		seen := int64(0)
		for at := off; ; {
			fr, err := readFrame(bytes.NewReader(content), at, end)
			seen += fr.skipped
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if fr.off != at+fr.skipped || fr.end <= fr.off || fr.end > end {
				t.Fatalf("read from %d, the frame is from %d to %d of %d, %d skipped", at, fr.off, fr.end, end, fr.skipped)
			}
			again, err := appendFrame(nil, fr.at, fr.items)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(again, content[fr.off:fr.end]) {
				t.Fatalf("%x was read, and would be written %x", content[fr.off:fr.end], again)
			}
			seen += fr.end - fr.off
			at = fr.end
		}
		if seen != end-off {
			t.Errorf("%d of %d bytes are accounted for", seen, end-off)
		}
	})
}
