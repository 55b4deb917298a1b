package receiver

import (
	"bytes"
	"crypto/sha256"
	"sync"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// replays remembers what signatures were used for, by what they cover that is used
// for one body only.
type replays struct {
	mu sync.Mutex
	// mu guards the following.
	uses window[use]
}

// use is the first request with a signature.
type use struct {
	sum event.Key
	// id is the event's by a header, which no signature covers.
	id string
}

// check returns the id that the first request with this signature had, and false
// when that had another body. The path counts with the body: in some dialects it is
// the command, and no signature covers it. So does what was read from headers, which
// stands in the one event's own body then.
func (r *replays) check(proof dialect.Proof, req *dialect.Request, evs []*event.Event, id string) (first string, ok bool) {
	if proof.Once == "" {
		return id, true
	}
	body := sha256.Sum256(req.Body)
	parts := []string{req.Path, string(body[:])}
	if len(evs) == 1 && !bytes.Equal(evs[0].Raw.Body, req.Body) {
		own := sha256.Sum256(evs[0].Raw.Body)
		parts = append(parts, string(own[:]))
	}
	once := []string{proof.Once}
	if len(evs) == 1 && evs[0].ID != "" {
		// Signed by the event's own id, which a proposal and its fact may share.
		once = append(once, string(evs[0].Phase))
	}
	key, sum := event.DeriveID(once...), event.Hash(parts...)

	r.mu.Lock()
	defer r.mu.Unlock()
	if before, ok := r.uses.get(key); ok {
		return before.id, before.sum == sum
	}
	r.uses.put(key, use{sum, id})
	return id, true
}
