package match

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"
)

// Bounds of the cache. A gateway has some hundred keys per source; a source that
// invents commands must not fill memory.
const (
	maxEntries = 1 << 14
	maxPlaces  = 1 << 22
)

// cache remembers answers by key. Reading takes no lock: what is known stands in a
// map that never changes, and is replaced by a larger one when enough is new.
// Keys with the same places share one answer.
type cache struct {
	known atomic.Pointer[map[key]*answer]

	// mu guards the following.
	mu sync.Mutex
	// fresh is what is not in known yet; lookups that found it only here are
	// counted in missed.
	fresh  map[key]*answer
	missed int
	// answers are those in known and fresh by the hash of their places; places
	// counts what they hold.
	answers map[uint64][]*answer
	places  int
}

func (c *cache) clear() {
	c.known.Store(&map[key]*answer{})
	c.fresh, c.missed = map[key]*answer{}, 0
	c.answers, c.places = map[uint64][]*answer{}, 0
}

func (c *cache) get(k key) (*answer, bool) {
	if a, ok := (*c.known.Load())[k]; ok {
		return a, true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	known := *c.known.Load()
	if a, ok := known[k]; ok {
		return a, true // promoted in between
	}
	a, ok := c.fresh[k]
	if ok {
		if c.missed++; c.missed > len(known)/4 {
			c.promote()
		}
	}
	return a, ok
}

// put remembers the answer for a key; build makes it from places when there is no
// such answer yet.
func (c *cache) put(k key, places []int, build func([]int) *answer) *answer {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(*c.known.Load())+len(c.fresh) >= maxEntries {
		c.clear() // simpler than knowing what is old, and as rare
	}
	a := c.answer(places, build)
	c.fresh[k] = a
	if len(c.fresh) > len(*c.known.Load())/4 {
		c.promote()
	}
	return a
}

// answer finds the one with these places, or makes it. Call with mu.
func (c *cache) answer(places []int, build func([]int) *answer) *answer {
	sum := fingerprint(places)
	for _, a := range c.answers[sum] {
		if slices.Equal(a.all, places) {
			return a
		}
	}
	a := build(places)
	if c.places+a.weight() > maxPlaces {
		c.clear()
	}
	c.places += a.weight()
	c.answers[sum] = append(c.answers[sum], a)
	return a
}

// fingerprint is equal for equal places, and seldom for others.
func fingerprint(places []int) uint64 {
	h := uint64(len(places))
	for _, p := range places {
		h = h*0x9e3779b97f4a7c15 + uint64(p)
	}
	return h
}

// promote moves fresh into a new known. Call with mu.
func (c *cache) promote() {
	known := maps.Clone(*c.known.Load())
	maps.Copy(known, c.fresh)
	c.known.Store(&known)
	c.fresh, c.missed = map[key]*answer{}, 0
}
