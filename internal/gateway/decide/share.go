package decide

import (
	"hash/fnv"
	"math"

	"github.com/imhook/imhook/event"
)

// picks reports whether the hook is asked about the event's conversation: always
// the same conversations, and other ones for each hook, so that two canaries do not
// sit on the same people.
func (h *Hook) picks(ev *event.Event) bool {
	if h.Share >= 1 {
		return true
	}
	sum := fnv.New64a()
	for _, s := range []string{h.App, h.Name, subject(ev)} {
		_, _ = sum.Write([]byte(s))
		_, _ = sum.Write([]byte{0})
	}
	return float64(mixed(sum.Sum64())) < h.Share*math.MaxUint64
}

// mixed spreads what FNV leaves close together: texts that differ in their last
// letter have sums that share their high bits. (The finalizer of MurmurHash3.)
func mixed(x uint64) uint64 {
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}

// subject is what an event is about, as far as conversations go: its lane, or who
// did it.
func subject(ev *event.Event) string {
	switch {
	case ev.Lane != "":
		return string(ev.Lane)
	case ev.Actor != nil:
		return ev.Actor.ID
	}
	return ev.ID
}
