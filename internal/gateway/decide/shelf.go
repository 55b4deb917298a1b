package decide

import (
	"container/list"
	"sync"
	"time"
)

// shelf keeps a bounded number of values for a bounded time. What is full loses what
// was put first. It is safe for concurrent use.
type shelf[V any] struct {
	size int

	// mu guards the following.
	mu     sync.Mutex
	places map[string]*list.Element
	order  list.List // of shelved[V], put first is first
}

type shelved[V any] struct {
	key   string
	value V
	until time.Time
}

func newShelf[V any](size int) *shelf[V] {
	return &shelf[V]{size: size, places: make(map[string]*list.Element)}
}

// get returns what was put under key, while it holds.
func (s *shelf[V]) get(key string, now time.Time) (V, bool) {
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

// put keeps value under key until then.
func (s *shelf[V]) put(key string, value V, now, until time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep(now)
	if e := s.places[key]; e != nil {
		s.remove(e)
	}
	for len(s.places) >= s.size {
		s.remove(s.order.Front())
	}
	s.places[key] = s.order.PushBack(shelved[V]{key, value, until})
}

// take removes what is under key.
func (s *shelf[V]) take(key string) {
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
	delete(s.places, e.Value.(shelved[V]).key)
	s.order.Remove(e)
}
