package history

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// Ending is how an event came to its end at an endpoint.
type Ending struct {
	Endpoint string
	// Kind is delivered, untranslatable, echo, expired or coalesced.
	Kind gateway.OutcomeKind
	// Attempt is which one it was, from 1.
	Attempt int
	At      time.Time
	Took    time.Duration
	Repeat  event.Repeat
}

// ended is an ending with its event.
type ended struct {
	pos gateway.Pos
	Ending
}

// maxEnded bounds the endings that wait to be written; with more, the newest are not
// noted and counted.
const maxEnded = 1 << 16

// endings are those that wait to be written. Deliveries add to them, and never wait.
type endings struct {
	mu   sync.Mutex
	all  []ended
	lost uint64
}

// Record takes how an event ended; attempts that others follow are in their own log. It
// does not wait. See [deliver.Attempts].
func (h *History) Record(a gateway.Attempt) {
	switch a.Outcome.Kind {
	case gateway.Delivered, gateway.Untranslatable, gateway.Echoed, gateway.Expired, gateway.Coalesced:
	default:
		return
	}
	if a.Pos == 0 {
		return
	}
	e := ended{a.Pos, Ending{Endpoint: a.Endpoint, Kind: a.Outcome.Kind, Attempt: a.N, At: a.At, Took: a.Outcome.Took, Repeat: a.Repeat}}
	q := &h.endings
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.all) >= maxEnded {
		q.lost++
		return
	}
	q.all = append(q.all, e)
}

// take takes what waits; back is a slice that may be used again.
func (q *endings) take(back []ended) (all []ended, lost uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	all, q.all = q.all, back[:0]
	lost, q.lost = q.lost, 0
	return all, lost
}

// giveBack puts endings back that could not be written, as far as there is room.
func (q *endings) giveBack(all []ended) {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := min(len(all), maxEnded-len(q.all))
	q.lost += uint64(len(all) - n)
	q.all = append(q.all, all[:n]...)
}

// Kinds of endings on disk. Append only.
var endingKinds = []gateway.OutcomeKind{gateway.Delivered, gateway.Untranslatable, gateway.Echoed, gateway.Expired, gateway.Coalesced}

// repeats on disk. Append only.
var repeats = []event.Repeat{"", event.Requeued, event.Replayed}

// endingRows packs endings: one row for each page and endpoint, so that one of them
// costs some bytes. Numbers are random: gateways that share a history write to the same
// pages.
func endingRows(all []ended) (rows [][]any, s span) {
	type where struct {
		page     uint64
		endpoint string
	}
	packed := map[where][]byte{}
	base := map[where]time.Time{}
	for _, e := range all {
		w := where{e.pos.Seq(), e.Endpoint}
		b, ok := packed[w]
		if !ok {
			base[w] = e.At
			b = binary.AppendVarint(nil, e.At.UnixMilli())
		}
		packed[w] = appendEnding(b, e, e.At.Sub(base[w]))
	}
	for w, b := range packed {
		rows = append(rows, []any{int64(w.page), rand.Int64(), clean(w.endpoint), b})
		s = s.with(int64(w.page))
	}
	return rows, s
}

func appendEnding(b []byte, e ended, since time.Duration) []byte {
	kind, again := byte(0), byte(0)
	for i, k := range endingKinds {
		if k == e.Kind {
			kind = byte(i)
		}
	}
	for i, r := range repeats {
		if r == e.Repeat {
			again = byte(i)
		}
	}
	b = binary.AppendUvarint(b, uint64(e.pos.Index()))
	b = append(b, kind|again<<4)
	b = binary.AppendUvarint(b, uint64(max(0, e.Attempt)))
	b = binary.AppendVarint(b, since.Milliseconds())
	return binary.AppendUvarint(b, uint64(max(0, e.Took.Microseconds())))
}

var errEnding = errors.New("how events ended cannot be read")

// parseEndings returns the endings of one event of a packed page.
func parseEndings(b []byte, endpoint string, index int) (all []Ending, err error) {
	base, n := binary.Varint(b)
	if n <= 0 {
		return nil, errEnding
	}
	b = b[n:]
	for len(b) > 0 {
		x, n := binary.Uvarint(b)
		if n <= 0 || len(b) < n+1 {
			return nil, errEnding
		}
		flags := b[n]
		b = b[n+1:]
		attempt, n := binary.Uvarint(b)
		if n <= 0 {
			return nil, errEnding
		}
		b = b[n:]
		since, n := binary.Varint(b)
		if n <= 0 {
			return nil, errEnding
		}
		b = b[n:]
		took, n := binary.Uvarint(b)
		if n <= 0 {
			return nil, errEnding
		}
		b = b[n:]
		if int(x) != index {
			continue
		}
		e := Ending{
			Endpoint: endpoint, Attempt: int(min(attempt, 1<<30)), At: time.UnixMilli(base + since).UTC(),
			Took: time.Duration(min(took, 1<<40)) * time.Microsecond,
		}
		if k := int(flags & 15); k < len(endingKinds) {
			e.Kind = endingKinds[k]
		}
		if r := int(flags >> 4); r < len(repeats) {
			e.Repeat = repeats[r]
		}
		all = append(all, e)
	}
	return all, nil
}
