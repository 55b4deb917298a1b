package deliver

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/imhook/imhook/internal/gateway"
)

// position is an endpoint's durable state.
type position struct {
	// Read: everything at or below it has been looked at.
	Read gateway.Pos
	// Live: the tail served the endpoint when this was saved; then everything up
	// to the tail's own saved position has been looked at as well.
	Live bool
	// Open are the events up to Read that are not finished, in order.
	Open []openEvent
	// Paused is why no attempt is made; empty when they are. Until is when that ends
	// by itself, zero when it does not.
	Paused string
	Until  time.Time
	// Lanes are the conversations that are held, each named.
	Lanes []Pause
	// Health is what a restart must know of how the endpoint was doing.
	Health durable
	// Removed is set while the endpoint is not configured; it is not Live then.
	Removed removal
	// Ahead are the events behind Read that were taken; those that are not Open are
	// finished.
	Ahead aheadPart
	// Vendor is when a vendor that is imitated sends nothing.
	Vendor vendorRecord
	// Left are the lanes of which events up to Read were left behind, by name.
	Left []leftRecord
}

// removal says when an endpoint was taken out of the configuration, and the
// bounds that its backlog had then. Its zero value is an endpoint that is there.
type removal struct {
	At    time.Time
	Age   time.Duration
	Bytes int64
}

// openEvent is an event that is not finished.
type openEvent struct {
	Pos gateway.Pos
	// Attempts that failed so far; the fields below are only set when > 0.
	Attempts int
	Sent     int
	FirstAt  time.Time
	DueAt    time.Time
}

// Versions are the first byte of the record. Append only. A record is written in
// the lowest that can say it, so that an older imhook goes on with it if it can.
const (
	positionPlain   = 1
	positionPaused  = 2 // may be paused or removed
	positionSteered = 3 // may have events that went ahead, be paused for a time or in part, or be failing
	positionVersion = 4 // has a second byte of flags: may have left events behind
)

// Flags are the second byte. Append only.
const (
	flagLive = 1 << iota
	flagPaused
	flagRemoved
	flagAhead
	flagUntil
	flagLanes
	flagHealth
	flagVendor
)

// moreLeft is a flag of the third byte, which those of the last version have. Append only.
const moreLeft = 1

// maxPaused is how many bytes of the reason for a pause are kept.
const maxPaused = 1 << 10

var errPosition = errors.New("position record is damaged")

// appendPosition encodes p: version, flags, read, count, then per open event the
// distance to the one before and its attempts; then why it is paused, with its
// length; then when it was removed and its bounds; then what went ahead: in which order,
// number of the first full chunk, how many there are, and the last chunk with its
// length; then until when it is paused; then the conversations that are, each with its
// name, its reason and its end; then its health; then the pauses of a vendor that is
// imitated; then the lanes of which events were left behind, each with its name, the
// first position, how far behind that the last one is, and how many.
func appendPosition(b []byte, p position) []byte {
	slices.SortFunc(p.Open, func(a, b openEvent) int {
		switch {
		case a.Pos < b.Pos:
			return -1
		case a.Pos > b.Pos:
			return 1
		}
		return 0
	})
	version, flags := byte(positionPlain), byte(0)
	if p.Live {
		flags |= flagLive
	}
	if p.Paused != "" {
		version, flags = positionPaused, flags|flagPaused
	}
	if !p.Removed.At.IsZero() {
		version, flags = positionPaused, flags|flagRemoved
	}
	if len(p.Ahead.Taken.Last) > 0 {
		version, flags = positionSteered, flags|flagAhead
	}
	if !p.Until.IsZero() {
		version, flags = positionSteered, flags|flagUntil
	}
	if len(p.Lanes) > 0 {
		version, flags = positionSteered, flags|flagLanes
	}
	if p.Health != (durable{}) {
		version, flags = positionSteered, flags|flagHealth
	}
	if len(p.Vendor.Pauses) > 0 {
		version, flags = positionSteered, flags|flagVendor
	}
	if b = append(b, version, flags); len(p.Left) > 0 {
		b[len(b)-2] = positionVersion
		b = append(b, moreLeft)
	}
	b = binary.AppendUvarint(b, uint64(p.Read))
	b = binary.AppendUvarint(b, uint64(len(p.Open)))
	last := gateway.Pos(0)
	for _, o := range p.Open {
		b = binary.AppendUvarint(b, uint64(o.Pos-last))
		last = o.Pos
		b = binary.AppendUvarint(b, uint64(o.Attempts))
		if o.Attempts > 0 {
			b = binary.AppendUvarint(b, uint64(o.Sent))
			b = binary.AppendVarint(b, o.FirstAt.UnixMilli())
			b = binary.AppendVarint(b, o.DueAt.UnixMilli())
		}
	}
	if flags&flagPaused != 0 {
		b = binary.AppendUvarint(b, uint64(len(p.Paused)))
		b = append(b, p.Paused...)
	}
	if flags&flagRemoved != 0 {
		b = binary.AppendVarint(b, p.Removed.At.UnixMilli())
		b = binary.AppendVarint(b, int64(p.Removed.Age))
		b = binary.AppendVarint(b, p.Removed.Bytes)
	}
	if flags&flagAhead != 0 {
		b = binary.AppendUvarint(b, uint64(p.Ahead.Order))
		b = binary.AppendUvarint(b, p.Ahead.Taken.First)
		b = binary.AppendUvarint(b, uint64(p.Ahead.Taken.Full))
		b = binary.AppendUvarint(b, uint64(len(p.Ahead.Taken.Last)))
		b = append(b, p.Ahead.Taken.Last...)
	}
	if flags&flagUntil != 0 {
		b = binary.AppendVarint(b, p.Until.UnixMilli())
	}
	if flags&flagLanes != 0 {
		b = appendLanes(b, p.Lanes)
	}
	if flags&flagHealth != 0 {
		b = binary.AppendUvarint(b, p.Health.bits())
	}
	if flags&flagVendor != 0 {
		b = appendVendor(b, p.Vendor)
	}
	if len(p.Left) > 0 {
		b = appendLeft(b, p.Left)
	}
	return b
}

// parsePosition is the inverse of appendPosition.
func parsePosition(b []byte) (position, error) {
	if len(b) < 2 {
		return position{}, fmt.Errorf("%w: %d bytes", errPosition, len(b))
	}
	if b[0] < positionPlain || b[0] > positionVersion {
		return position{}, fmt.Errorf("position record has version %d and this imhook knows versions up to %d: start the imhook that wrote it, or a newer one", b[0], positionVersion)
	}
	flags := b[1]
	p := position{Live: flags&flagLive != 0}
	r, more := reader{b: b[2:]}, byte(0)
	if b[0] >= positionVersion {
		more = r.octet()
	}
	p.Read = gateway.Pos(r.uvarint())
	n := r.uvarint()
	if n > uint64(len(b)) {
		return position{}, fmt.Errorf("%w: %d open events in %d bytes", errPosition, n, len(b))
	}
	last := gateway.Pos(0)
	for range n {
		var o openEvent
		d := r.uvarint()
		if d == 0 || uint64(last)+d < d {
			r.bad = true
		}
		o.Pos = last + gateway.Pos(d)
		last = o.Pos
		o.Attempts = r.small()
		if o.Attempts > 0 {
			o.Sent = r.small()
			o.FirstAt = time.UnixMilli(r.varint()).UTC()
			o.DueAt = time.UnixMilli(r.varint()).UTC()
		}
		p.Open = append(p.Open, o)
	}
	if b[0] >= positionPaused && flags&flagPaused != 0 {
		p.Paused = r.text(maxPaused)
	}
	if b[0] >= positionPaused && flags&flagRemoved != 0 {
		p.Removed = removal{At: time.UnixMilli(r.varint()).UTC(), Age: time.Duration(r.varint()), Bytes: r.varint()}
		r.bad = r.bad || p.Removed.At.IsZero()
	}
	if b[0] >= positionSteered && flags&flagAhead != 0 {
		p.Ahead.Order = aheadOrder(r.small())
		p.Ahead.Taken.First = r.uvarint()
		p.Ahead.Taken.Full = r.small()
		p.Ahead.Taken.Last = []byte(r.text(2 * chunkBytes))
		r.bad = r.bad || len(p.Ahead.Taken.Last) == 0 || p.Ahead.Taken.Full > maxTakenBytes/chunkBytes
	}
	if b[0] >= positionSteered {
		p.readSteering(flags, &r)
	}
	if more&moreLeft != 0 {
		p.Left = r.left()
	}
	if r.bad || len(r.b) != 0 {
		return position{}, errPosition
	}
	return p, nil
}

// reader takes varints off a slice and remembers the first failure.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

// octet takes one byte off.
func (r *reader) octet() byte {
	if len(r.b) == 0 {
		r.bad = true
		return 0
	}
	v := r.b[0]
	r.b = r.b[1:]
	return v
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) text(most uint64) string {
	n := r.uvarint()
	if n > most || n > uint64(len(r.b)) {
		r.bad, r.b = true, nil
		return ""
	}
	s := string(r.b[:n])
	r.b = r.b[n:]
	return s
}

func (r *reader) small() int {
	v := r.uvarint()
	if v > 1<<31 {
		r.bad = true
		return 0
	}
	return int(v)
}
