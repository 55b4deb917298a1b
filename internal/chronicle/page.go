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

// Batch is a page that is being filled. Its zero value is empty.
type Batch struct {
	n           int
	first, last time.Time
	entries     []byte
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
	p.n++
	p.entries = binary.AppendUvarint(p.entries, uint64(len(entry)))
	p.entries = append(p.entries, entry...)
}

// Page is what is kept.
func (p *Batch) Page() []byte {
	b := []byte{pageVersion}
	b = binary.AppendUvarint(b, uint64(p.n))
	b = binary.AppendVarint(b, p.first.UnixMilli())
	b = binary.AppendVarint(b, p.last.UnixMilli())
	return append(b, p.entries...)
}

func (p *Batch) reset() { p.n, p.entries = 0, p.entries[:0] }

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
