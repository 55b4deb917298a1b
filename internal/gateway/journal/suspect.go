package journal

import (
	"context"
	"sync"
)

// suspects are ranges of numbers at which a reader found no page. The engine
// leaves out a page that it cannot read and still counts it.
type suspects struct {
	mu   sync.Mutex
	new  []hole
	fine []hole // were looked at: nothing is missing there
}

// maxSuspects bounds what is looked at in one go, and what is remembered.
const maxSuspects = 64

// suspect makes keepHouse look at the numbers from first to last.
func (j *Journal) suspect(first, last uint64) {
	had := j.water.get()
	s := &j.suspects
	s.mu.Lock()
	defer s.mu.Unlock()
	gone := []hole{{First: max(first, had.First), Last: last}}
	if gone[0].First > last {
		return // history that was purged
	}
	for _, known := range [][]hole{had.Holes, s.fine, s.new} {
		gone = without(gone, known)
	}
	if len(s.new) < maxSuspects && len(gone) > 0 {
		s.new = append(s.new, gone...)
		j.wakeHouse()
	}
}

// absent returns which of the suspected numbers from first on the engine has no
// message for: one that was passed over has.
func (j *Journal) absent(ctx context.Context, e *engine, first uint64) (gone []hole, err error) {
	s := &j.suspects
	s.mu.Lock()
	todo := s.new
	s.new = nil
	s.mu.Unlock()
	for n, h := range todo {
		from := max(h.First, first)
		for seq := from; seq <= h.Last; seq++ {
			_, ok, err := e.head(ctx, seq)
			if err != nil {
				s.mu.Lock()
				s.new = append(s.new, todo[n:]...)
				s.mu.Unlock()
				return nil, err
			}
			if ok {
				continue
			}
			if k := len(gone); k > 0 && gone[k-1].Last+1 == seq {
				gone[k-1].Last = seq
			} else {
				gone = append(gone, hole{First: seq, Last: seq})
			}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fine = append(s.fine, todo...); len(s.fine) > maxSuspects {
		s.fine = s.fine[len(s.fine)-maxSuspects:]
	}
	return gone, nil
}
