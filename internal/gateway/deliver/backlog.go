package deliver

import (
	"hash/maphash"
	"math"

	"github.com/imhook/imhook/event"
)

// backlog knows of every lane the last page in which an event of it waits between an
// endpoint's reader and the tail. It may take a lane for one that waits when it does
// not, never the other way: a lane's page stands in several places, which it shares
// with others, and each place has the greatest of all. Its size is fixed.
//
// With n lanes waiting another one is mistaken for one of them in about
// (1-e^(-4n/262144))^4 of all cases: 1 in 200,000 for 3,000 of them, 1 in 300 for
// 20,000, half of all for 250,000.
type backlog struct {
	seed maphash.Seed
	// base is the first page that can be noted. Places hold how far behind it the
	// page is, from 1 on; zero is none.
	base  uint64
	pages []uint32
}

const (
	backlogPlaces = 1 << 18 // 1 MiB
	backlogTries  = 4
)

func newBacklog(base uint64) *backlog {
	return &backlog{seed: maphash.MakeSeed(), base: base, pages: make([]uint32, backlogPlaces)}
}

// restart forgets everything; base is the first page that can be noted from now on.
func (b *backlog) restart(base uint64) {
	b.base = base
	clear(b.pages)
}

// places calls fn for each place of the lane until it returns false.
func (b *backlog) places(l event.Lane, fn func(*uint32) bool) {
	h := maphash.String(b.seed, string(l))
	step := h>>32 | 1
	for range backlogTries {
		if !fn(&b.pages[h%backlogPlaces]) {
			return
		}
		h += step
	}
}

// note says that an event of the lane waits in page seq.
func (b *backlog) note(l event.Lane, seq uint64) {
	v := b.distance(seq)
	b.places(l, func(p *uint32) bool {
		*p = max(*p, v)
		return true
	})
}

// waits reports whether an event of the lane may wait in page next or behind it.
func (b *backlog) waits(l event.Lane, next uint64) bool {
	v, waits := b.distance(next), true
	b.places(l, func(p *uint32) bool {
		waits = *p >= v
		return waits
	})
	return waits
}

// distance is how far a page is behind base. Those that are too far for a place are
// all equally far: a lane that waits there is believed to wait until the backlog is
// begun anew.
func (b *backlog) distance(seq uint64) uint32 {
	if seq < b.base {
		return 1
	}
	return uint32(min(seq-b.base+1, math.MaxUint32))
}
