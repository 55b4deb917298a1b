package decide

import (
	"sync"
	"time"

	"github.com/imhook/imhook/event"
)

// shelf keeps a bounded number of values of a bounded weight for a bounded time.
// What is full loses what was put first. It is safe for concurrent use.
//
// Its values stand in one piece of memory and are found by number: under load it is
// always full, and the collector would walk each of its parts again and again.
type shelf[V any] struct {
	size int
	// room is what all values may weigh together; zero means that weight is not
	// looked at.
	room int
	// begin is what moments are counted from.
	begin time.Time

	// mu guards the following.
	mu     sync.Mutex
	places map[event.Key]int32
	slots  []slot[V]
	// first and last are the ends of the order in which they were put, free is the
	// first slot without a value; none of each is nowhere.
	first, last, free int32
	weight            int
}

type slot[V any] struct {
	key        event.Key
	value      V
	weight     int
	until      time.Duration
	prev, next int32
}

// nowhere is no slot.
const nowhere = -1

func newShelf[V any](size, room int) *shelf[V] {
	return &shelf[V]{
		size: size, room: room, begin: time.Now(), places: make(map[event.Key]int32),
		first: nowhere, last: nowhere, free: nowhere,
	}
}

// get returns what was put under key, while it holds.
func (s *shelf[V]) get(key event.Key, now time.Time) (V, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, ok := s.places[key]
	if ok && now.Sub(s.begin) >= s.slots[i].until {
		s.remove(i)
		ok = false
	}
	if !ok {
		var none V
		return none, false
	}
	return s.slots[i].value, true
}

// meet returns what was put under key, while it holds; otherwise it puts value there
// until then, and returns false.
func (s *shelf[V]) meet(key event.Key, value V, now, until time.Time) (V, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i, ok := s.places[key]; ok && now.Sub(s.begin) < s.slots[i].until {
		return s.slots[i].value, true
	}
	s.putLocked(key, value, 0, now, until)
	return value, false
}

// put keeps value under key until then. What is heavier than all the room is not
// kept.
func (s *shelf[V]) put(key event.Key, value V, weight int, now, until time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.putLocked(key, value, weight, now, until)
}

func (s *shelf[V]) putLocked(key event.Key, value V, weight int, now, until time.Time) {
	s.sweep(now)
	if i, ok := s.places[key]; ok {
		s.remove(i)
	}
	if s.room > 0 && weight > s.room {
		return
	}
	for len(s.places) >= s.size || s.room > 0 && s.weight+weight > s.room {
		s.remove(s.first)
	}
	s.weight += weight
	i := s.free
	if i == nowhere {
		i = int32(len(s.slots))
		s.slots = append(s.slots, slot[V]{})
	} else {
		s.free = s.slots[i].next
	}
	s.slots[i] = slot[V]{key: key, value: value, weight: weight, until: until.Sub(s.begin), prev: s.last, next: nowhere}
	if s.last == nowhere {
		s.first = i
	} else {
		s.slots[s.last].next = i
	}
	s.last = i
	s.places[key] = i
}

// change replaces the value under key by one that weighs no more; it holds as long.
func (s *shelf[V]) change(key event.Key, value V) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i, ok := s.places[key]; ok {
		s.slots[i].value = value
	}
}

// take removes what is under key.
func (s *shelf[V]) take(key event.Key) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i, ok := s.places[key]; ok {
		s.remove(i)
	}
}

// sweep drops the oldest ones that hold no longer, a few at a time: each put makes
// more room than it takes.
func (s *shelf[V]) sweep(now time.Time) {
	for range 2 {
		if s.first == nowhere || now.Sub(s.begin) < s.slots[s.first].until {
			return
		}
		s.remove(s.first)
	}
}

func (s *shelf[V]) remove(i int32) {
	gone := s.slots[i]
	s.weight -= gone.weight
	delete(s.places, gone.key)
	if gone.prev == nowhere {
		s.first = gone.next
	} else {
		s.slots[gone.prev].next = gone.next
	}
	if gone.next == nowhere {
		s.last = gone.prev
	} else {
		s.slots[gone.next].prev = gone.prev
	}
	s.slots[i] = slot[V]{next: s.free}
	s.free = i
}

// shelves are one shelf in parts that are locked by themselves: every question comes
// by, and who is interrupted while holding a lock holds up all others.
type shelves[V any] [shelfParts]*shelf[V]

// shelfParts divides 256.
const shelfParts = 16

func newShelves[V any](size, room int) *shelves[V] {
	var all shelves[V]
	for i := range all {
		all[i] = newShelf[V](size/shelfParts, room/shelfParts)
	}
	return &all
}

// of returns the part for a key.
func (s *shelves[V]) of(key event.Key) *shelf[V] { return s[key[0]%shelfParts] }
