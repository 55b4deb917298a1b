package deliver

import (
	"encoding/binary"
	"slices"

	"github.com/imhook/imhook/internal/gateway"
)

// taken are the positions that an endpoint took from the tail while its reader was
// still before them, ascending: the tail adds at the end, and the reader, which passes
// over them when it comes by, takes from the beginning. So it is a queue of distances,
// one to three bytes each. The zero value is empty.
//
// It is kept in chunks. Those that are full never change and have a record of their
// own each; the last one is a part of the endpoint's record. So a save writes what is
// new, and what the record says is there is there.
type taken struct {
	chunks []*chunk
	// first is the number of chunks[0]. Numbers are not used again.
	first uint64
	// n counts the positions that the reader has not passed, bytes is the size of all
	// chunks.
	n, bytes int
	// last is the position that was added last.
	last gateway.Pos
	// head is the first position, when n is not zero, and off where the one behind it
	// begins in chunks[0].
	head gateway.Pos
	off  int
	// Full chunks below savedTo have a record, those below droppedTo none any more.
	savedTo, droppedTo uint64
}

// chunk is a part of the queue: its first position, then the distances of the others.
type chunk struct{ b []byte }

const (
	// chunkBytes is when a chunk is full.
	chunkBytes = 16 << 10
	// maxTakenBytes bounds the whole queue: past it nothing is taken any more before
	// the reader has come on.
	maxTakenBytes = 4 << 20
)

// full reports whether nothing more can be added for now.
func (t *taken) full() bool { return t.bytes >= maxTakenBytes }

// add appends a position behind all others.
func (t *taken) add(pos gateway.Pos) {
	if n := len(t.chunks); n == 0 || len(t.chunks[n-1].b) >= chunkBytes {
		t.chunks = append(t.chunks, &chunk{})
		t.last = 0
	}
	c := t.chunks[len(t.chunks)-1]
	was := len(c.b)
	c.b = binary.AppendUvarint(c.b, uint64(pos-t.last))
	t.bytes += len(c.b) - was
	t.last = pos
	if t.n++; t.n == 1 {
		t.next()
	}
}

// next makes head the next position that was not passed.
func (t *taken) next() {
	for t.off == len(t.chunks[0].b) {
		t.bytes -= len(t.chunks[0].b)
		t.chunks[0] = nil
		t.chunks = t.chunks[1:]
		t.first++
		t.head, t.off = 0, 0
	}
	d, n := binary.Uvarint(t.chunks[0].b[t.off:])
	t.head += gateway.Pos(d)
	t.off += n
}

// pass forgets all positions before pos, and pos itself, and reports whether pos was
// among them.
func (t *taken) pass(pos gateway.Pos) (was bool) {
	for t.n > 0 && t.head <= pos {
		was = t.head == pos
		if t.n--; t.n > 0 {
			t.next()
		} else {
			t.clear()
		}
	}
	return was
}

// clear forgets everything.
func (t *taken) clear() {
	*t = taken{first: t.first + uint64(len(t.chunks)), savedTo: t.savedTo, droppedTo: t.droppedTo}
}

// walk goes through the positions that are there now, also while others are added and
// passed.
func (t *taken) walk() *walk {
	if t.n == 0 {
		return &walk{}
	}
	w := &walk{at: t.head, more: true, rest: make([][]byte, len(t.chunks))}
	for i, c := range t.chunks {
		w.rest[i] = c.b
	}
	w.rest[0] = w.rest[0][t.off:]
	return w
}

// walk is a place among taken positions. It belongs to whoever made it.
type walk struct {
	at   gateway.Pos
	more bool
	rest [][]byte
}

// has reports whether pos is one of them; it must be asked in ascending order.
func (w *walk) has(pos gateway.Pos) bool {
	for w.more && w.at < pos {
		for len(w.rest) > 0 && len(w.rest[0]) == 0 {
			w.rest, w.at = w.rest[1:], 0
		}
		if w.more = len(w.rest) > 0; w.more {
			d, n := binary.Uvarint(w.rest[0])
			w.at += gateway.Pos(d)
			w.rest[0] = w.rest[0][n:]
		}
	}
	return w.more && w.at == pos
}

// clone returns a copy that can be changed while t is kept as it is, as long as
// nothing is added to both.
func (t *taken) clone() taken {
	c := *t
	c.chunks = slices.Clone(t.chunks)
	return c
}

// takenRecord is what an endpoint's record says of the queue: the numbers of the full
// chunks, and the last chunk.
type takenRecord struct {
	First uint64
	Full  int
	Last  []byte
}

// record is how the queue stands in the endpoint's record.
func (t *taken) record() takenRecord {
	if t.n == 0 {
		return takenRecord{}
	}
	full := len(t.chunks) - 1
	return takenRecord{First: t.first, Full: full, Last: slices.Clone(t.chunks[full].b)}
}

// unsaved returns the full chunks that have no record yet, by number.
func (t *taken) unsaved() map[uint64][]byte {
	var all map[uint64][]byte
	for i := 0; i < len(t.chunks)-1; i++ {
		if n := t.first + uint64(i); n >= t.savedTo {
			if all == nil {
				all = map[uint64][]byte{}
			}
			all[n] = t.chunks[i].b
		}
	}
	return all
}

// restoreTaken is the inverse of record; full returns a full chunk. It is errPosition
// when one is missing or damaged.
func restoreTaken(rec takenRecord, full func(n uint64) []byte) (taken, error) {
	t := taken{first: rec.First, savedTo: rec.First + uint64(rec.Full), droppedTo: rec.First}
	for i := range rec.Full {
		t.chunks = append(t.chunks, &chunk{b: full(rec.First + uint64(i))})
	}
	t.chunks = append(t.chunks, &chunk{b: slices.Clone(rec.Last)})
	before := gateway.Pos(0)
	for _, c := range t.chunks {
		r := reader{b: c.b}
		for t.last = 0; len(r.b) > 0; t.n++ {
			t.last += gateway.Pos(r.uvarint())
			if r.bad || t.last <= before {
				return taken{}, errPosition
			}
			before = t.last
		}
		if len(c.b) == 0 {
			return taken{}, errPosition
		}
		t.bytes += len(c.b)
	}
	t.next()
	return t, nil
}

// cut forgets the positions behind end.
func (t *taken) cut(end gateway.Pos) {
	if t.n == 0 || t.last <= end {
		return
	}
	all := t.walk()
	kept := taken{first: t.first + uint64(len(t.chunks)), savedTo: t.savedTo, droppedTo: t.droppedTo}
	for pos := t.head; all.more && pos <= end; pos = all.at {
		kept.add(pos)
		all.has(pos + 1)
	}
	*t = kept
}
