package wordlist

import (
	"strings"
	"unicode/utf8"
)

// masked returns a text with mask in place of the letters of all words in it, as many
// characters as it had. Separators and what is invisible stay.
func (s *set) masked(text string, mask rune) string {
	var ends []int // of what begins at each byte and is masked
	s.find(text, func(_ int32, points []point, from, to int) {
		if ends == nil {
			ends = make([]int, len(text))
		}
		for _, p := range points[from:to] {
			ends[p.start] = p.end
		}
	})
	if ends == nil {
		return text
	}
	var b strings.Builder
	b.Grow(len(text))
	for i, end := 0, 0; i < len(text); {
		end = max(end, ends[i])
		r, size := utf8.DecodeRuneInString(text[i:])
		if i < end && classify(r, s.symbols) != invisible {
			b.WriteRune(mask)
		} else {
			b.WriteString(text[i : i+size])
		}
		i += size
	}
	return b.String()
}
