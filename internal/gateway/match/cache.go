package match

import (
	"maps"
	"sync"
	"sync/atomic"
)

// Bounds of the cache. A gateway has some hundred keys per source; a source that
// invents commands must not fill memory.
const (
	maxEntries = 1 << 14
	maxPlaces  = 1 << 22
)

// cache remembers places by key. Reading takes no lock: what is known stands in a
// map that never changes, and is replaced by a larger one when enough is new.
type cache struct {
	known atomic.Pointer[map[key][]int]

	// mu guards the following.
	mu sync.Mutex
	// fresh is what is not in known yet; lookups that found it only here are
	// counted in missed.
	fresh  map[key][]int
	missed int
	places int
}

func (c *cache) clear() {
	c.known.Store(&map[key][]int{})
	c.fresh, c.missed, c.places = map[key][]int{}, 0, 0
}

func (c *cache) get(k key) ([]int, bool) {
	if places, ok := (*c.known.Load())[k]; ok {
		return places, true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	known := *c.known.Load()
	if places, ok := known[k]; ok {
		return places, true // promoted in between
	}
	places, ok := c.fresh[k]
	if ok {
		if c.missed++; c.missed > len(known)/4 {
			c.promote()
		}
	}
	return places, ok
}

func (c *cache) put(k key, places []int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(*c.known.Load())+len(c.fresh) >= maxEntries || c.places+len(places) > maxPlaces {
		c.clear() // simpler than knowing what is old, and as rare
	}
	if _, ok := c.fresh[k]; !ok {
		c.places += len(places)
	}
	c.fresh[k] = places
	if len(c.fresh) > len(*c.known.Load())/4 {
		c.promote()
	}
}

// promote moves fresh into a new known. Call with mu.
func (c *cache) promote() {
	known := maps.Clone(*c.known.Load())
	maps.Copy(known, c.fresh)
	c.known.Store(&known)
	c.fresh, c.missed = map[key][]int{}, 0
}
