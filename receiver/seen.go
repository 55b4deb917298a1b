package receiver

import (
	"context"
	"sync"
	"time"
)

// Seen remembers which events were handled, so that one that is sent again is not
// handled again. [NewMemory] is one for a single process; a store that several share
// is a few lines:
//
//	// Redis 7: SET key "" NX GET PX lease
//	func (s store) Claim(ctx context.Context, key string, lease time.Duration) ([]byte, bool, error) {
//		note, err := s.SetArgs(ctx, key, "", redis.SetArgs{Mode: "NX", TTL: lease, Get: true}).Bytes()
//		if errors.Is(err, redis.Nil) {
//			return nil, true, nil
//		}
//		return note, false, err
//	}
//	func (s store) Keep(ctx context.Context, key string, note []byte) error { return s.Set(ctx, key, note, s.keep).Err() }
//	func (s store) Release(ctx context.Context, key string) error           { return s.Del(ctx, key).Err() }
//
// Implementations are safe for concurrent use. Keys are short texts of letters and
// digits. When a method fails, events are handled as if they were new: twice is
// better than never.
type Seen interface {
	// Claim says that the caller is about to handle the event of key, for at most lease.
	// It returns what Keep kept of it; or claimed true, when nothing is known of it or
	// another's claim lapsed; or neither, when another has a claim that holds. Of
	// callers at the same time one gets the claim.
	Claim(ctx context.Context, key string, lease time.Duration) (note []byte, claimed bool, err error)
	// Keep says that the event was handled, and what to answer to it: a note that is
	// never empty. It is called by who holds the claim.
	Keep(ctx context.Context, key string, note []byte) error
	// Release gives the claim back: the event was not handled.
	Release(ctx context.Context, key string) error
}

// NewMemory returns a Seen of this process that remembers the last n events.
func NewMemory(n int) Seen { return &memory{entries: newWindow[entry](n)} }

type memory struct {
	mu sync.Mutex
	// mu guards the following.
	entries window[entry]
}

// entry is an event: handled when it has a note, claimed until then otherwise.
type entry struct {
	note  []byte
	until time.Time
}

func (m *memory) Claim(_ context.Context, key string, lease time.Duration) ([]byte, bool, error) {
	now := time.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	if e, ok := m.entries.get(key); ok && (e.note != nil || now.Before(e.until)) {
		return e.note, false, nil
	}
	m.entries.put(key, entry{until: now.Add(lease)})
	return nil, true, nil
}

func (m *memory) Keep(_ context.Context, key string, note []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.entries.put(key, entry{note: note})
	return nil
}

func (m *memory) Release(_ context.Context, key string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.entries.drop(key)
	return nil
}
