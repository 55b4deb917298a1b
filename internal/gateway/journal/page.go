package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// pageVersion is the first byte of a page. Append only: a page of a newer version
// is refused, never guessed at. Pages of version 1 do not say how many events came
// before them.
const pageVersion = 2

var (
	// ErrPage is wrapped when a page cannot be read.
	ErrPage = errors.New("page cannot be read")
	// ErrNewer is wrapped when a page was written by a newer imhook.
	ErrNewer = errors.New("written by a newer imhook")
)

// record is one event as a page holds it, with the key that recognises a second
// arrival (zero when nothing does); or a mark, which has no event: the guard of a
// request.
type record struct {
	ev    *event.Event
	key   event.Key
	guard gateway.Guard
}

// flags of a record. Append only: a record with another one is refused. Bit 2 was
// never released.
const (
	flagEcho   = 1 << 0
	flagKey    = 1 << 1
	flagBefore = 1 << 3
	flagMark   = 1 << 4
	flagsKnown = flagEcho | flagKey | flagBefore
)

// markSize is the size of a mark.
const markSize = 1 + 2*16

// appendMark encodes a mark: flags and guard, nothing else.
func appendMark(b []byte, g gateway.Guard) []byte {
	b = append(b, flagMark)
	b = append(b, g.Key[:]...)
	return append(b, g.Sum[:]...)
}

// appendRecord encodes one event.
//
//	flags, [key 16], time (varint ms), then strings, each with its
//	length: id app source type dialect generation command trace lane dedupe,
//	links (count first), raw dialect path query content-type body
func appendRecord(b []byte, r record) []byte {
	ev := r.ev
	var flags byte
	if ev.Echo {
		flags |= flagEcho
	}
	if r.key != (event.Key{}) {
		flags |= flagKey
	}
	if ev.Phase == event.Before {
		flags |= flagBefore
	}
	b = append(b, flags)
	if flags&flagKey != 0 {
		b = append(b, r.key[:]...)
	}
	b = binary.AppendVarint(b, ev.Time.UnixMilli())
	for _, s := range [...]string{
		ev.ID, ev.App, ev.Source, string(ev.Type), ev.Dialect, ev.Generation, ev.Command, joinTrace(ev), string(ev.Lane), ev.Dedupe,
	} {
		b = appendString(b, s)
	}
	b = binary.AppendUvarint(b, uint64(len(ev.Links)))
	for _, l := range ev.Links {
		b = appendString(b, l)
	}
	b = appendString(b, ev.Raw.Dialect)
	b = appendString(b, ev.Raw.Path)
	b = appendString(b, ev.Raw.Query)
	b = appendString(b, ev.Raw.ContentType)
	b = binary.AppendUvarint(b, uint64(len(ev.Raw.Body)))
	return append(b, ev.Raw.Body...)
}

// joinTrace writes traceparent and tracestate into one field, with a space between: no
// traceparent has one, and pages without a tracestate stay as they were.
func joinTrace(ev *event.Event) string {
	if ev.TraceState == "" {
		return ev.Trace
	}
	return ev.Trace + " " + ev.TraceState
}

func appendString(b []byte, s string) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

// pageHead is the version byte, the number of records, and how many events were
// committed before this page since the journal was made, all big-endian. The last
// is missing in version 1.
const (
	pageHead1 = 5
	pageHead  = pageHead1 + 8
)

// newPage appends the head of a page that is to be filled.
func newPage(b []byte) []byte {
	return append(b, pageVersion, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
}

// sealPage completes the head of a page: how many records are in it, and how many
// events came before.
func sealPage(b []byte, records int, before uint64) []byte {
	binary.BigEndian.PutUint32(b[1:], uint32(records))
	binary.BigEndian.PutUint64(b[pageHead1:], before)
	return b
}

// openPage reads a page's head: how many records follow, and their bytes.
func openPage(b []byte) (n int, c cutter, err error) {
	if len(b) < 1 {
		return 0, c, fmt.Errorf("%w: %d bytes", ErrPage, len(b))
	}
	size := pageHead
	switch {
	case b[0] > pageVersion:
		return 0, c, fmt.Errorf("%w: %w: it has version %d, this imhook knows versions up to %d", ErrPage, ErrNewer, b[0], pageVersion)
	case b[0] == 1:
		size = pageHead1
	case b[0] != pageVersion:
		return 0, c, fmt.Errorf("%w: version %d", ErrPage, b[0])
	}
	if len(b) < size {
		return 0, c, fmt.Errorf("%w: %d bytes", ErrPage, len(b))
	}
	records := binary.BigEndian.Uint32(b[1:])
	if records > gateway.MaxPageEvents || int(records) > len(b) {
		return 0, c, fmt.Errorf("%w: %d records in %d bytes", ErrPage, records, len(b))
	}
	return int(records), cutter{b: b[size:]}, nil
}

// countPage sets events to the number of events in a page and returns how many
// came before it; counted is false when the page does not say.
func countPage(b []byte, events *int) (before uint64, counted bool, err error) {
	n, c, err := openPage(b)
	if err != nil {
		return 0, false, err
	}
	if b[0] > 1 {
		before, counted = binary.BigEndian.Uint64(b[pageHead1:]), true
	}
	*events = n
	if n > 0 && len(c.b) > 0 {
		// Marks are no events, and there are few: one a request that was signed.
		marks := 0
		if err := skimPage(b, func(event.Key) {}, func(gateway.Guard) { marks++ }); err != nil {
			return before, counted, err
		}
		*events -= marks
	}
	return before, counted, nil
}

// parsePage reads a page. Bodies are slices of b, which must not change any more.
func parsePage(b []byte, in *interner) ([]record, error) {
	n, c, err := openPage(b)
	if err != nil {
		return nil, err
	}
	events := make([]event.Event, n)
	records := make([]record, n)
	for i := range records {
		records[i].ev = &events[i]
		c.record(&records[i], in)
		if c.bad {
			return nil, fmt.Errorf("%w: record %d of %d is cut short", ErrPage, i, n)
		}
	}
	if len(c.b) != 0 {
		return nil, fmt.Errorf("%w: %d bytes after the last record", ErrPage, len(c.b))
	}
	return records, nil
}

// skimPage calls key for the key of each event that has one, and mark for each
// guard, without making events of them. It finds the same faults as parsePage.
func skimPage(b []byte, key func(event.Key), mark func(gateway.Guard)) error {
	n, c, err := openPage(b)
	if err != nil {
		return err
	}
	for i := range n {
		flags := c.bytes(1)
		if c.bad {
			return fmt.Errorf("%w: record %d of %d is cut short", ErrPage, i, n)
		}
		f := flags[0]
		switch {
		case f == flagMark:
			var g gateway.Guard
			copy(g.Key[:], c.bytes(len(g.Key)))
			copy(g.Sum[:], c.bytes(len(g.Sum)))
			if !c.bad {
				mark(g)
			}
		case f&^flagsKnown != 0:
			c.bad = true
		default:
			var k event.Key
			if f&flagKey != 0 {
				copy(k[:], c.bytes(len(k)))
			}
			c.varint()
			for range stringsBeforeLinks {
				c.field()
			}
			for links := c.uvarint(); links > 0 && !c.bad; links-- {
				c.field()
			}
			for range fieldsAfterLinks {
				c.field()
			}
			if f&flagKey != 0 && !c.bad {
				key(k)
			}
		}
		if c.bad {
			return fmt.Errorf("%w: record %d of %d is cut short", ErrPage, i, n)
		}
	}
	if len(c.b) != 0 {
		return fmt.Errorf("%w: %d bytes after the last record", ErrPage, len(c.b))
	}
	return nil
}

// How many fields with a length appendRecord writes before and after the links.
const (
	stringsBeforeLinks = 10
	fieldsAfterLinks   = 5
)

// cutter takes fields off a slice and remembers the first failure.
type cutter struct {
	b   []byte
	bad bool
}

func (c *cutter) record(r *record, in *interner) {
	flags := c.bytes(1)
	if c.bad {
		return
	}
	f := flags[0]
	if f == flagMark {
		r.ev = nil
		copy(r.guard.Key[:], c.bytes(len(r.guard.Key)))
		copy(r.guard.Sum[:], c.bytes(len(r.guard.Sum)))
		return
	}
	if f&^flagsKnown != 0 {
		c.bad = true
		return
	}
	if f&flagKey != 0 {
		copy(r.key[:], c.bytes(len(r.key)))
	}
	ev := r.ev
	ev.Echo = f&flagEcho != 0
	ev.Phase = event.After
	if f&flagBefore != 0 {
		ev.Phase = event.Before
	}
	ev.Time = time.UnixMilli(c.varint()).UTC()
	ev.ID = string(c.field())
	ev.App = in.get(c.field())
	ev.Source = in.get(c.field())
	ev.Type = event.Type(in.get(c.field()))
	ev.Dialect = in.get(c.field())
	ev.Generation = in.get(c.field())
	ev.Command = in.get(c.field())
	ev.Trace, ev.TraceState, _ = strings.Cut(string(c.field()), " ")
	ev.Lane = event.Lane(c.field())
	ev.Dedupe = string(c.field())
	links := c.uvarint()
	if links > uint64(len(c.b)) {
		c.bad = true
		return
	}
	if links > 0 {
		ev.Links = make([]string, links)
		for i := range ev.Links {
			ev.Links[i] = string(c.field())
		}
	}
	ev.Raw.Dialect = in.get(c.field())
	ev.Raw.Path = in.get(c.field())
	ev.Raw.Query = string(c.field())
	ev.Raw.ContentType = in.get(c.field())
	if body := c.field(); len(body) > 0 {
		ev.Raw.Body = slices.Clip(body)
	}
}

func (c *cutter) bytes(n int) []byte {
	if n > len(c.b) {
		c.bad, c.b = true, nil
		return nil
	}
	p := c.b[:n]
	c.b = c.b[n:]
	return p
}

func (c *cutter) field() []byte {
	n := c.uvarint()
	if n > uint64(len(c.b)) {
		c.bad, c.b = true, nil
		return nil
	}
	return c.bytes(int(n))
}

func (c *cutter) uvarint() uint64 {
	v, n := binary.Uvarint(c.b)
	if n <= 0 {
		c.bad, c.b = true, nil
		return 0
	}
	c.b = c.b[n:]
	return v
}

func (c *cutter) varint() int64 {
	v, n := binary.Varint(c.b)
	if n <= 0 {
		c.bad, c.b = true, nil
		return 0
	}
	c.b = c.b[n:]
	return v
}
