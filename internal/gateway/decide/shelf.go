package decide

import (
	"container/list"
	"sync"
	"time"

	"github.com/imhook/imhook/event"
)

// shelf keeps a bounded number of values of a bounded weight for a bounded time.
// What is full loses what was put first. It is safe for concurrent use.
type shelf[V any] struct {
	size int
	// room is what all values may weigh together; zero means that weight is not
	// looked at.
	room int

	// mu guards the following.
	mu     sync.Mutex
	places map[event.Key]*list.Element
	order  list.List // of shelved[V], put first is first
	weight int
}

type shelved[V any] struct {
	key    event.Key
	value  V
	weight int
	until  time.Time
}

func newShelf[V any](size, room int) *shelf[V] {
	return &shelf[V]{size: size, room: room, places: make(map[event.Key]*list.Element)}
}

// get returns what was put under key, while it holds.
func (s *shelf[V]) get(key event.Key, now time.Time) (V, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var none V
	e := s.places[key]
	if e == nil {
		return none, false
	}
	v := e.Value.(shelved[V])
	if !now.Before(v.until) {
		s.remove(e)
		return none, false
	}
	return v.value, true
}

// put keeps value under key until then. What is heavier than all the room is not
// kept.
func (s *shelf[V]) put(key event.Key, value V, weight int, now, until time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep(now)
	if e := s.places[key]; e != nil {
		s.remove(e)
	}
	if s.room > 0 && weight > s.room {
		return
	}
	for len(s.places) >= s.size || s.room > 0 && s.weight+weight > s.room {
		s.remove(s.order.Front())
	}
	s.weight += weight
	s.places[key] = s.order.PushBack(shelved[V]{key, value, weight, until})
}

// take removes what is under key.
func (s *shelf[V]) take(key event.Key) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.places[key]; e != nil {
		s.remove(e)
	}
}

// sweep drops the oldest ones that hold no longer, a few at a time: each put makes
// more room than it takes.
func (s *shelf[V]) sweep(now time.Time) {
	for range 2 {
		e := s.order.Front()
		if e == nil || now.Before(e.Value.(shelved[V]).until) {
			return
		}
		s.remove(e)
	}
}

func (s *shelf[V]) remove(e *list.Element) {
	v := e.Value.(shelved[V])
	s.weight -= v.weight
	delete(s.places, v.key)
	s.order.Remove(e)
}
