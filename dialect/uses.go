package dialect

import (
	"hash/maphash"
	"maps"
	"sync"
	"sync/atomic"
	"time"
)

// usesEvery is how exactly times of use are kept: what is noted sooner after the
// last writes nothing.
const usesEvery = time.Second

// SecretUses remembers when secrets were used last, to a second, so that one that
// is being replaced is removed when nobody uses it any more. It holds hashes with
// a seed of its own, never a secret. The zero value is ready, a nil one notes
// nothing. It is safe for concurrent use and must not be copied.
type SecretUses struct {
	table atomic.Pointer[usesTable]
	// adding is held while a table is replaced by one with another secret.
	adding sync.Mutex
}

// usesTable does not change but for the times, in nanoseconds of Unix time. Two
// secrets of one hash would share a time, which harms nobody.
type usesTable struct {
	seed maphash.Seed
	last map[uint64]*atomic.Int64
}

// Note remembers that s is used now. Times before the last one are ignored. It
// takes a lock and allocates only for a secret that it never saw.
func (u *SecretUses) Note(s Secret, now time.Time) {
	if u == nil {
		return
	}
	last := u.find(s)
	if last == nil {
		last = u.add(s)
	}
	at, before := now.UnixNano(), last.Load()
	for before == 0 || at-before >= int64(usesEvery) {
		if last.CompareAndSwap(before, at) {
			return
		}
		before = last.Load()
	}
}

// Last is when s was used last, the zero time when it was not.
func (u *SecretUses) Last(s Secret) time.Time {
	if u == nil {
		return time.Time{}
	}
	if last := u.find(s); last != nil {
		if at := last.Load(); at != 0 {
			return time.Unix(0, at).UTC()
		}
	}
	return time.Time{}
}

func (u *SecretUses) find(s Secret) *atomic.Int64 {
	t := u.table.Load()
	if t == nil {
		return nil
	}
	return t.last[maphash.String(t.seed, string(s))]
}

func (u *SecretUses) add(s Secret) *atomic.Int64 {
	u.adding.Lock()
	defer u.adding.Unlock()
	next := &usesTable{}
	if t := u.table.Load(); t != nil {
		next.seed, next.last = t.seed, maps.Clone(t.last)
	} else {
		next.seed, next.last = maphash.MakeSeed(), map[uint64]*atomic.Int64{}
	}
	key := maphash.String(next.seed, string(s))
	if last := next.last[key]; last != nil {
		return last // somebody was faster
	}
	last := &atomic.Int64{}
	next.last[key] = last
	u.table.Store(next)
	return last
}
