package history

import (
	"encoding/binary"
	"errors"
	"slices"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// place is where an event stands in the history: its position in the journal, or, for
// one that was decided about, in the trail of decisions. Places of the same phase are
// in the order in which the events were kept.
type place int64

// decided is what is added to positions in the trail of decisions.
const decided place = -1 << 62

func placeOf(phase event.Phase, pos gateway.Pos) place {
	if phase == event.Before {
		return decided + place(pos)
	}
	return place(pos)
}

func (p place) phase() event.Phase {
	if p < 0 {
		return event.Before
	}
	return event.After
}

func (p place) pos() gateway.Pos {
	if p < 0 {
		return gateway.Pos(p - decided)
	}
	return gateway.Pos(p)
}

// errPlaces says that the places of a term cannot be read.
var errPlaces = errors.New("the places of a term are damaged")

// appendPlaces encodes places of one phase, which ascend.
func appendPlaces(b []byte, all []place) []byte {
	var seq, index uint64
	for i, p := range all {
		s, x := p.pos().Seq(), uint64(p.pos().Index())
		b = binary.AppendUvarint(b, s-seq)
		if i > 0 && s == seq {
			x -= index
		}
		b = binary.AppendUvarint(b, x)
		seq, index = s, uint64(p.pos().Index())
	}
	return b
}

// parsePlaces is the inverse of appendPlaces.
func parsePlaces(b []byte, phase event.Phase) ([]place, error) {
	all := make([]place, 0, 1+len(b)/3)
	var seq, index uint64
	for len(b) > 0 {
		d, n := binary.Uvarint(b)
		if n <= 0 {
			return nil, errPlaces
		}
		x, m := binary.Uvarint(b[n:])
		if m <= 0 {
			return nil, errPlaces
		}
		b = b[n+m:]
		if d > 0 || len(all) == 0 {
			seq, index = seq+d, x
		} else {
			index += x
		}
		if index >= gateway.MaxPageEvents || seq >= 1<<46 {
			return nil, errPlaces
		}
		p := placeOf(phase, gateway.NewPos(seq, int(index)))
		if len(all) > 0 && p <= all[len(all)-1] {
			return nil, errPlaces
		}
		all = append(all, p)
	}
	return all, nil
}

// intersect returns what is in both; both ascend.
func intersect(a, b []place) []place {
	if len(b) < len(a) {
		a, b = b, a
	}
	out := make([]place, 0, len(a))
	if len(b) > 16*len(a) {
		for _, p := range a {
			if i, ok := slices.BinarySearch(b, p); ok {
				out, b = append(out, p), b[i:]
			}
		}
		return out
	}
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0] < b[0]:
			a = a[1:]
		case a[0] > b[0]:
			b = b[1:]
		default:
			out, a, b = append(out, a[0]), a[1:], b[1:]
		}
	}
	return out
}

// union returns what is in any, ascending.
func union(sets [][]place) []place {
	switch len(sets) {
	case 0:
		return nil
	case 1:
		return sets[0]
	}
	out := slices.Concat(sets...)
	slices.Sort(out)
	return slices.Compact(out)
}
