package wordlist

import (
	"fmt"
	"slices"
	"sync"

	ahocorasick "github.com/petar-dambovaliev/aho-corasick"
)

// dfaBytes is up to how many bytes of words all transitions are written out, which is
// faster to walk and larger: some megabytes at this size.
const dfaBytes = 2048

// set is a list in its compiled form. It never changes.
type set struct {
	entries []entry
	// patterns are the entries that have the same letters, by pattern.
	patterns [][]int32
	letters  alphabet
	symbols  map[rune]struct{}
	// shortest is the number of letters of the shortest word.
	shortest int
	machine  ahocorasick.AhoCorasick
	scratch  sync.Pool
}

// scratch is what one search needs.
type scratch struct {
	points []point
	codes  []byte
	buf    []byte
}

// compile makes a set of entries, at least one.
func compile(all []entry) (*set, error) {
	s := &set{symbols: map[rune]struct{}{}, shortest: maxLetters}
	s.scratch.New = func() any { return new(scratch) }
	known := make(map[string]int, len(all))
	var words [][]byte
	total := 0
	for _, e := range all {
		s.shortest = min(s.shortest, len(e.letters))
		code := make([]byte, 0, 2*len(e.letters))
		for _, r := range e.letters {
			if isSymbol(r) {
				s.symbols[r] = struct{}{}
			}
			if !s.letters.learn(r) {
				return nil, fmt.Errorf("there are more than %d different letters in the list: make two hooks of it", maxAlphabet)
			}
			code = appendCode(code, s.letters.number(r))
		}
		e.letters = nil
		i, ok := known[string(code)]
		if !ok {
			i = len(words)
			known[string(code)] = i
			words, s.patterns = append(words, code), append(s.patterns, nil)
			total += len(code)
		}
		if !s.covered(i, e) {
			s.patterns[i] = append(s.patterns[i], int32(len(s.entries))) //nolint:gosec // a file has fewer
			s.entries = append(s.entries, e)
		}
	}
	builder := ahocorasick.NewAhoCorasickBuilder(ahocorasick.Opts{
		MatchKind: ahocorasick.StandardMatch, DFA: total <= dfaBytes,
	})
	s.machine = builder.BuildByte(words)
	return s, nil
}

// covered reports whether an entry with the same letters says the same. Of two that
// differ in their action only, the denial counts.
func (s *set) covered(pattern int, e entry) bool {
	for _, i := range s.patterns[pattern] {
		o := &s.entries[i]
		if o.openLeft == e.openLeft && o.openRight == e.openRight && slices.Equal(o.gaps, e.gaps) {
			if e.deny && !o.deny {
				*o = e
			}
			return true
		}
	}
	return false
}

// find calls hit for each word in a text, with its entry and where its letters are
// among points, which hold until find returns.
func (s *set) find(text string, hit func(entry int32, points []point, from, to int)) {
	w, _ := s.scratch.Get().(*scratch)
	defer s.put(w)
	w.points, _, w.buf = fold(w.points[:0], text, s.symbols, w.buf)
	if !s.encode(w) {
		return
	}
	for it := s.machine.IterOverlappingByte(w.codes); ; {
		m := it.Next()
		if m == nil {
			return
		}
		from, to := m.Start()/2, m.End()/2
		for _, i := range s.patterns[m.Pattern()] {
			if s.entries[i].hits(w.points, from, to) {
				hit(i, w.points, from, to)
			}
		}
	}
}

// encode writes the folded text as the automaton reads it. It reports whether any
// word can be in it: most texts have no run of the list's letters as long as its
// shortest word.
func (s *set) encode(w *scratch) bool {
	w.codes = w.codes[:0]
	run, longest := 0, 0
	for i := range w.points {
		n := s.letters.number(w.points[i].r)
		w.codes = appendCode(w.codes, n)
		if n == 0 {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	return longest >= s.shortest
}

// keepPoints bounds what is kept for the next search: a giant text's memory is not.
const keepPoints = 1 << 14

func (s *set) put(w *scratch) {
	if cap(w.points) <= keepPoints {
		s.scratch.Put(w)
	}
}
