package decide

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"sync"

	"github.com/imhook/imhook/event"
)

// questions names questions, word for word. What the vendor tells messages apart by
// is not enough: much of it is up to the sender's device, and what was allowed would
// vouch for anything sent under its id.
//
// The name is a tag of AES-GCM under a key of this process: of two questions that
// differ anywhere nobody who does not know the key can make the names equal, and no
// name leaves the process. It takes a tenth of the time of SHA-256 where the processor
// has no instructions for that.
type questions struct {
	// tags is nil where the build allows no nonce of our own (GODEBUG=fips140=only).
	tags  cipher.AEAD
	nonce [12]byte
	// rooms are where names are made: *[]byte.
	rooms sync.Pool
}

// maxRoom is the largest room that is used again: ids are as long as callers like.
const maxRoom = 4 << 10

func newQuestions() *questions {
	var key [16]byte
	_, _ = rand.Read(key[:]) // never fails
	q := &questions{rooms: sync.Pool{New: func() any { return new(make([]byte, 0, 256)) }}}
	if block, err := aes.NewCipher(key[:]); err == nil {
		q.tags, _ = cipher.NewGCM(block) // nil with an error
	}
	return q
}

// key is equal for what is the same question.
func (q *questions) key(ev *event.Event) event.Key {
	if q.tags == nil {
		sum := sha256.Sum256(ev.Raw.Body)
		return event.Hash(ev.Source, ev.Command, ev.ID, string(sum[:]))
	}
	room := q.rooms.Get().(*[]byte)
	defer q.rooms.Put(room)
	parts := (*room)[:0]
	for _, p := range [...]string{ev.Source, ev.Command, ev.ID} {
		parts = append(binary.AppendUvarint(parts, uint64(len(p))), p...)
	}
	// Always the same nonce: nothing is kept secret by this, and what is sealed is
	// thrown away.
	out := q.tags.Seal(parts[:0], q.nonce[:], parts, ev.Raw.Body)
	if cap(out) <= maxRoom {
		*room = out
	}
	return event.Key(out[len(parts):])
}
