package chronicle

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/internal/gateway"
)

// pageVersion is the first byte of a page. Append only.
const pageVersion = 1

// ErrPage is wrapped when a page or an entry cannot be read.
var ErrPage = errors.New("page cannot be read")

// maxHead is how much stands before the entries at most: version, number, two times.
const maxHead = 1 + 3*binary.MaxVarintLen64

// Batch is a page that is being filled. Its zero value is empty. Its memory is used
// for the next one.
type Batch struct {
	n           int
	first, last time.Time
	// buf has room for the head and then the entries.
	buf []byte
}

// Add adds an entry, as JSON, that happened at that time.
func (p *Batch) Add(at time.Time, entry []byte) {
	at = at.UTC()
	if p.n == 0 || at.Before(p.first) {
		p.first = at
	}
	if p.n == 0 || at.After(p.last) {
		p.last = at
	}
	if p.n == 0 {
		p.buf = append(p.buf[:0], make([]byte, maxHead)...)
	}
	p.n++
	p.buf = binary.AppendUvarint(p.buf, uint64(len(entry)))
	p.buf = append(p.buf, entry...)
}

// Page is what is kept, until the next entry is added; nil when there is none.
func (p *Batch) Page() []byte {
	if p.n == 0 {
		return nil
	}
	head := append(make([]byte, 0, maxHead), pageVersion)
	head = binary.AppendUvarint(head, uint64(p.n))
	head = binary.AppendVarint(head, p.first.UnixMilli())
	head = binary.AppendVarint(head, p.last.UnixMilli())
	page := p.buf[maxHead-len(head):]
	copy(page, head)
	return page
}

func (p *Batch) full() bool { return p.n >= PageCount || len(p.buf) >= PageBytes }

func (p *Batch) reset() { p.n = 0 }

// Opened is a page that was read, its entries as JSON, and when the first and the
// last of them happened.
type Opened struct {
	First, Last time.Time
	Entries     []jsontext.Value
}

// OpenPage reads a page. The entries are slices of b. The error wraps [ErrPage].
func OpenPage(b []byte) (Opened, error) {
	var p Opened
	if len(b) == 0 {
		return p, fmt.Errorf("%w: it is empty", ErrPage)
	}
	if b[0] != pageVersion {
		return p, fmt.Errorf("%w: it has version %d, this imhook knows %d", ErrPage, b[0], pageVersion)
	}
	b = b[1:]
	n, k := binary.Uvarint(b)
	if k <= 0 || n > uint64(len(b)) || n > gateway.MaxPageEvents {
		return p, fmt.Errorf("%w: number of entries", ErrPage)
	}
	b = b[k:]
	for _, to := range []*time.Time{&p.First, &p.Last} {
		ms, k := binary.Varint(b)
		if k <= 0 {
			return p, fmt.Errorf("%w: times", ErrPage)
		}
		*to, b = time.UnixMilli(ms).UTC(), b[k:]
	}
	for i := range n {
		size, k := binary.Uvarint(b)
		if k <= 0 || size > uint64(len(b)-k) {
			return p, fmt.Errorf("%w: entry %d of %d is cut short", ErrPage, i, n)
		}
		p.Entries = append(p.Entries, b[k:k+int(size)])
		b = b[k+int(size):]
	}
	if len(b) != 0 {
		return p, fmt.Errorf("%w: %d bytes after the last entry", ErrPage, len(b))
	}
	return p, nil
}
