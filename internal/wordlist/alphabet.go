package wordlist

import "unicode"

// A letter of the list is written in two bytes to the automaton, the first below
// alphabetBase, the second not: so no hit begins in the middle of a letter, an
// ideograph costs two states and not three, and where a letter stands is half of
// where its bytes do.
const (
	alphabetBase = 128
	maxAlphabet  = alphabetBase*alphabetBase - 1
)

// alphabet numbers the letters that occur in a list, from 1; zero is none of them.
type alphabet struct {
	pages [unicode.MaxRune>>8 + 1]*[256]uint16
	size  int
}

// number returns the number of a letter, zero when it does not occur.
func (a *alphabet) number(r rune) uint16 {
	page := a.pages[r>>8]
	if page == nil {
		return 0
	}
	return page[r&0xff]
}

// learn numbers a letter; false when there are too many.
func (a *alphabet) learn(r rune) bool {
	page := a.pages[r>>8]
	if page == nil {
		page = new([256]uint16)
		a.pages[r>>8] = page
	}
	if page[r&0xff] == 0 {
		if a.size == maxAlphabet {
			return false
		}
		a.size++
		page[r&0xff] = uint16(a.size) //nolint:gosec // at most maxAlphabet
	}
	return true
}

// appendCode appends the two bytes of a number.
func appendCode(dst []byte, number uint16) []byte {
	return append(dst, byte(number/alphabetBase), byte(alphabetBase+number%alphabetBase))
}
