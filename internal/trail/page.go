package trail

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/internal/gateway"
)

// pageVersion is the first byte of a page. Append only.
const pageVersion = 1

// errPage is wrapped when a page cannot be read.
var errPage = errors.New("page of the trail cannot be read")

// maxHead is how much stands before the entries at most: version, number, two times.
const maxHead = 1 + 3*binary.MaxVarintLen64

// batch is a page that is being filled. Its memory is used for the next one.
type batch struct {
	n           int
	first, last time.Time
	// buf has room for the head and then the entries.
	buf []byte
	one []byte
}

// add adds a decision.
func (p *batch) add(d gateway.Decision) error {
	one, err := appendEntry(p.one[:0], d)
	if err != nil {
		return err
	}
	p.one = one
	at := d.Begin.UTC()
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
	p.buf = binary.AppendUvarint(p.buf, uint64(len(one)))
	p.buf = append(p.buf, one...)
	return nil
}

// page is what is kept, until the next entry is added.
func (p *batch) page() []byte {
	head := append(make([]byte, 0, maxHead), pageVersion)
	head = binary.AppendUvarint(head, uint64(p.n))
	head = binary.AppendVarint(head, p.first.UnixMilli())
	head = binary.AppendVarint(head, p.last.UnixMilli())
	page := p.buf[maxHead-len(head):]
	copy(page, head)
	return page
}

func (p *batch) full() bool { return p.n >= pageCount || len(p.buf) >= pageBytes }

func (p *batch) reset() { p.n = 0 }

// opened is a page that was read, its entries as JSON.
type opened struct {
	first, last time.Time
	entries     []jsontext.Value
}

// openPage reads a page. The entries are slices of b.
func openPage(b []byte) (opened, error) {
	var p opened
	if len(b) == 0 {
		return p, fmt.Errorf("%w: it is empty", errPage)
	}
	if b[0] != pageVersion {
		return p, fmt.Errorf("%w: it has version %d, this imhook knows %d", errPage, b[0], pageVersion)
	}
	b = b[1:]
	n, k := binary.Uvarint(b)
	if k <= 0 || n > uint64(len(b)) || n > gateway.MaxPageEvents {
		return p, fmt.Errorf("%w: number of entries", errPage)
	}
	b = b[k:]
	for _, to := range []*time.Time{&p.first, &p.last} {
		ms, k := binary.Varint(b)
		if k <= 0 {
			return p, fmt.Errorf("%w: times", errPage)
		}
		*to, b = time.UnixMilli(ms).UTC(), b[k:]
	}
	for i := range n {
		size, k := binary.Uvarint(b)
		if k <= 0 || size > uint64(len(b)-k) {
			return p, fmt.Errorf("%w: entry %d of %d is cut short", errPage, i, n)
		}
		p.entries = append(p.entries, b[k:k+int(size)])
		b = b[k+int(size):]
	}
	if len(b) != 0 {
		return p, fmt.Errorf("%w: %d bytes after the last entry", errPage, len(b))
	}
	return p, nil
}

// parseEntry reads an entry.
func parseEntry(v jsontext.Value) (*Entry, error) {
	var e Entry
	if err := json.Unmarshal(v, &e, encoding); err != nil {
		return nil, fmt.Errorf("%w: %w", errPage, err)
	}
	if e.Event == nil {
		return nil, fmt.Errorf("%w: an entry without its event", errPage)
	}
	e.Event.Links = e.Links
	return &e, nil
}
