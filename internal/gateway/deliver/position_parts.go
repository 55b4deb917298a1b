package deliver

import (
	"encoding/binary"
	"time"

	"github.com/imhook/imhook/event"
)

// readSteering reads how the endpoint is steered and how it was doing.
func (p *position) readSteering(flags byte, r *reader) {
	if flags&flagUntil != 0 {
		p.Until = r.moment()
		r.bad = r.bad || p.Until.IsZero()
	}
	if flags&flagLanes != 0 {
		n := r.uvarint()
		r.bad = r.bad || n == 0 || n > maxPausedLanes
		for range n {
			if r.bad {
				return
			}
			l := Pause{Lane: event.Lane(r.text(maxLaneName)), Why: r.text(maxPaused)}
			if r.uvarint() != 0 {
				l.Until = r.moment()
				r.bad = r.bad || l.Until.IsZero()
			}
			r.bad = r.bad || l.Lane == ""
			p.Lanes = append(p.Lanes, l)
		}
	}
	if flags&flagHealth != 0 {
		p.Health = durableOf(r.uvarint())
		r.bad = r.bad || p.Health == durable{} || p.Health.plain() != p.Health
	}
	if flags&flagVendor != 0 {
		p.Vendor = r.vendor()
	}
}

func appendLanes(b []byte, all []Pause) []byte {
	b = binary.AppendUvarint(b, uint64(len(all)))
	for _, l := range all {
		b = appendText(b, string(l.Lane))
		b = appendText(b, l.Why)
		if l.Until.IsZero() {
			b = append(b, 0)
			continue
		}
		b = append(b, 1)
		b = binary.AppendVarint(b, l.Until.UnixMilli())
	}
	return b
}

func appendText(b []byte, s string) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

// moment takes a time off, in milliseconds.
func (r *reader) moment() time.Time { return time.UnixMilli(r.varint()).UTC() }

// Bits of the health in the record; what is above them is trips. Append only: there
// is room for two more.
const (
	bitOpen = 1 << iota
	bitRamping
	bitTrips = 4
)

func (d durable) bits() uint64 {
	v := uint64(max(0, d.Trips)) << bitTrips
	if d.Open {
		v |= bitOpen
	}
	if d.Ramping {
		v |= bitRamping
	}
	return v
}

func durableOf(v uint64) durable {
	return durable{Open: v&bitOpen != 0, Ramping: v&bitRamping != 0, Trips: int(min(v>>bitTrips, maxTrips))}
}

// maxTrips bounds what is believed of a record: no delay grows any more long before.
const maxTrips = 1 << 16
