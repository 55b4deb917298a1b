package journal

import (
	"time"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// window recognises what arrived lately. It has two generations: a key is looked
// for in both and remembered in the younger; when the younger is old or large
// enough it becomes the elder and the elder is forgotten. So a key is remembered
// for at least one span of time, unless there are too many. Guarded by
// committer.mu.
type window struct {
	span  time.Duration
	limit int
	since time.Time
	young generation
	old   generation
	// pending are keys whose page is not committed yet, marking guards.
	pending map[event.Key]*group
	marking map[event.Key]marking
}

// marking is a guard whose page is not committed yet.
type marking struct {
	sum event.Key
	in  *group
}

type generation struct {
	keys   map[event.Key]struct{}
	guards map[event.Key]event.Key
}

// newGeneration makes one with room for that many keys.
func newGeneration(keys int) generation {
	return generation{keys: make(map[event.Key]struct{}, keys), guards: map[event.Key]event.Key{}}
}

func (w *window) init(span time.Duration, limit int, now time.Time) {
	*w = window{
		span: span, limit: max(2, limit), since: now, young: newGeneration(0), old: newGeneration(0),
		pending: map[event.Key]*group{}, marking: map[event.Key]marking{},
	}
}

// forget remembers nothing any more but what is being committed.
func (w *window) forget(now time.Time) {
	w.young, w.old, w.since = newGeneration(0), newGeneration(0), now
}

// turn forgets the elder generation when it is time.
func (w *window) turn(now time.Time) {
	if now.Sub(w.since) < w.span && !w.crowded() {
		return
	}
	w.old, w.young, w.since = w.young, newGeneration(0), now
}

// refill remembers what segments hold, the oldest first, as if it had come just
// now: how long ago it came is not known of each.
func (w *window) refill(segs []segment) {
	total := 0
	for i := range segs {
		total += len(segs[i].keys)
	}
	w.young = newGeneration(min(total, w.limit/2))
	for i := range segs {
		for n, k := range segs[i].keys {
			if n%1024 == 0 && w.crowded() {
				w.old, w.young = w.young, newGeneration(min(total, w.limit/2))
			}
			w.young.keys[k] = struct{}{}
			total--
		}
		for _, g := range segs[i].guards {
			w.young.guards[g.Key] = g.Sum
		}
	}
}

// crowded says that the younger generation holds its half of the limit.
func (w *window) crowded() bool { return len(w.young.keys)+len(w.young.guards) >= w.limit/2 }

// key reports whether k was seen; pending is the group it is being committed in,
// nil when that is done.
func (w *window) key(k event.Key) (pending *group, known bool) {
	if g, ok := w.pending[k]; ok {
		return g, true
	}
	if _, ok := w.young.keys[k]; ok {
		return nil, true
	}
	_, ok := w.old.keys[k]
	return nil, ok
}

func (w *window) addKey(k event.Key, g *group) {
	if g != nil {
		w.pending[k] = g
		return
	}
	w.young.keys[k] = struct{}{}
}

// guard reports whether k was seen and with which body; pending is the group it is
// being committed in, nil when that is done.
func (w *window) guard(k event.Key) (sum event.Key, pending *group, seen bool) {
	if m, ok := w.marking[k]; ok {
		return m.sum, m.in, true
	}
	if sum, seen = w.young.guards[k]; !seen {
		sum, seen = w.old.guards[k]
	}
	return sum, nil, seen
}

func (w *window) addGuard(g gateway.Guard, in *group) {
	if in != nil {
		w.marking[g.Key] = marking{g.Sum, in}
		return
	}
	w.young.guards[g.Key] = g.Sum
}

// settle remembers the keys of a committed group, or forgets those of one that
// failed: their events come again and must be kept then.
func (w *window) settle(g *group, ok bool) {
	for _, k := range g.keys {
		delete(w.pending, k)
		if ok {
			w.young.keys[k] = struct{}{}
		}
	}
	for _, guard := range g.guards {
		delete(w.marking, guard.Key)
		if ok {
			w.young.guards[guard.Key] = guard.Sum
		}
	}
}

// size is how many keys and guards are remembered.
func (w *window) size() int {
	return len(w.young.keys) + len(w.young.guards) + len(w.old.keys) + len(w.old.guards) + len(w.pending) + len(w.marking)
}
