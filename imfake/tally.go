package imfake

import (
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"sync"
)

// maxExamples bounds what a [Tally] keeps and a report prints of each complaint.
const maxExamples = 10

// Tally counts the marks that arrived. It keeps one bit per message and the last
// position of each lane, so that millions cost little. The zero value is ready.
type Tally struct {
	shards [16]tallyShard
}

type tallyShard struct {
	mu sync.Mutex
	// mu guards the following.
	lanes     map[uint32]*tallyLane
	arrivals  int
	distinct  int
	disorders int
	examples  []Disorder
}

type tallyLane struct {
	seen []uint64
	last uint64
}

// Disorder is a message that arrived for the first time after a later one of its
// lane.
type Disorder struct {
	Mark  Mark
	After uint64
}

// Note counts an arrival and reports whether it was the first of its mark.
func (t *Tally) Note(m Mark) (first bool) {
	s := &t.shards[m.Lane%uint32(len(t.shards))]
	s.mu.Lock()
	defer s.mu.Unlock()

	s.arrivals++
	l := s.lanes[m.Lane]
	if l == nil {
		if s.lanes == nil {
			s.lanes = make(map[uint32]*tallyLane)
		}
		l = new(tallyLane)
		s.lanes[m.Lane] = l
	}
	if !setBit(&l.seen, m.Seq) {
		return false
	}
	s.distinct++
	if m.Seq < l.last {
		s.disorders++
		if len(s.examples) < maxExamples {
			s.examples = append(s.examples, Disorder{Mark: m, After: l.last})
		}
		return true
	}
	l.last = m.Seq
	return true
}

// Arrivals counts all marks that arrived, also those that came before.
func (t *Tally) Arrivals() int { return t.sum(func(s *tallyShard) int { return s.arrivals }) }

// Distinct counts the marks that arrived at least once.
func (t *Tally) Distinct() int { return t.sum(func(s *tallyShard) int { return s.distinct }) }

// Duplicates counts the arrivals of marks that had arrived before.
func (t *Tally) Duplicates() int {
	return t.sum(func(s *tallyShard) int { return s.arrivals - s.distinct })
}

// Disorders counts the marks whose first arrival came after the first arrival of
// a later one of their lane, and returns some of them.
func (t *Tally) Disorders() (n int, examples []Disorder) {
	for i := range t.shards {
		s := &t.shards[i]
		s.mu.Lock()
		n += s.disorders
		examples = append(examples, s.examples...)
		s.mu.Unlock()
	}
	return n, examples
}

// Has reports whether the mark arrived.
func (t *Tally) Has(m Mark) bool {
	s := &t.shards[m.Lane%uint32(len(t.shards))]
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.lanes[m.Lane]
	return l != nil && hasBit(l.seen, m.Seq)
}

// Missing returns those of want that did not arrive, in the order of want.
func (t *Tally) Missing(want []Mark) []Mark {
	var missing []Mark
	for _, m := range want {
		if !t.Has(m) {
			missing = append(missing, m)
		}
	}
	return missing
}

// Check says what is wrong: one of want is missing, or a lane came out of order.
// Nil means neither.
func (t *Tally) Check(want []Mark) error {
	var errs []error
	if missing := t.Missing(want); len(missing) > 0 {
		errs = append(errs, fmt.Errorf("%d of %d accepted messages never arrived, such as %v",
			len(missing), len(want), missing[:min(len(missing), maxExamples)]))
	}
	if n, examples := t.Disorders(); n > 0 {
		examples = slices.Clip(examples[:min(len(examples), maxExamples)])
		errs = append(errs, fmt.Errorf("%d messages arrived out of order, such as (message, after which) %v", n, examples))
	}
	return errors.Join(errs...)
}

func (t *Tally) sum(of func(*tallyShard) int) int {
	n := 0
	for i := range t.shards {
		s := &t.shards[i]
		s.mu.Lock()
		n += of(s)
		s.mu.Unlock()
	}
	return n
}

// setBit sets bit i and reports whether it was clear.
func setBit(set *[]uint64, i uint64) bool {
	word := int(i / 64)
	if word >= len(*set) {
		*set = append(*set, make([]uint64, word+1-len(*set))...)
	}
	mask := uint64(1) << (i % 64)
	if (*set)[word]&mask != 0 {
		return false
	}
	(*set)[word] |= mask
	return true
}

func hasBit(set []uint64, i uint64) bool {
	word := int(i / 64)
	return word < len(set) && set[word]&(1<<(i%64)) != 0
}

// eachBit calls f with every set bit, in order.
func eachBit(set []uint64, f func(i uint64)) {
	for word, w := range set {
		for w != 0 {
			f(uint64(word)*64 + uint64(bits.TrailingZeros64(w)))
			w &= w - 1
		}
	}
}
