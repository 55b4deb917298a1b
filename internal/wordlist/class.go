package wordlist

import "unicode"

// class is what a character is to the comparison.
type class uint8

const (
	// invisible characters do not count at all.
	invisible class = iota
	// letter is what words are made of.
	letter
	// sign separates: punctuation and symbols.
	sign
	// wide separates words: white space, and the apostrophe, which stands inside
	// words of other meaning ("he'll").
	wide
)

// classify says what a character is. extra are symbols that count as letters, since
// they stand in words of the list.
func classify(r rune, extra map[rune]struct{}) class {
	if r < 0x80 {
		c := asciiClass(r)
		if c == sign && len(extra) > 0 {
			if _, ok := extra[r]; ok {
				return letter
			}
		}
		return c
	}
	switch {
	case unicode.IsLetter(r):
		// Among them the Hangul fillers, which are as good as nothing.
		if unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r) {
			return invisible
		}
		if r == 0x02BC { // modifier apostrophe
			return wide
		}
		return letter
	case unicode.IsNumber(r):
		return letter
	case unicode.IsMark(r):
		// Marks of no script of their own sit on anything; those of a script are its
		// vowels.
		if unicode.In(r, unicode.Inherited, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point) {
			return invisible
		}
		return letter
	case unicode.IsSpace(r), unicode.Is(unicode.Z, r):
		return wide
	case r == '‘', r == '’', r == '‛':
		return wide
	case unicode.In(r, unicode.Cf, unicode.Cc, unicode.Other_Default_Ignorable_Code_Point):
		return invisible
	}
	if _, ok := extra[r]; ok {
		return letter
	}
	return sign
}

func asciiClass(r rune) class {
	switch {
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
		return letter
	case r == ' ', '\t' <= r && r <= '\r', r == '\'':
		return wide
	case r < ' ', r == 0x7f:
		return invisible
	}
	return sign
}

// isSymbol reports whether a character may be a letter of a list: an emoji, a
// currency sign. Punctuation may not, it is skipped.
func isSymbol(r rune) bool { return unicode.IsSymbol(r) }

// wordy reports whether a letter is of a script that separates words. A word that
// begins or ends with one begins or ends there in the text, too.
func wordy(r rune) bool {
	if r < 0x80 {
		return asciiClass(r) == letter
	}
	if isIdeograph(r) {
		return false
	}
	return unicode.IsDigit(r) || unicode.In(r, unicode.Latin, unicode.Cyrillic, unicode.Greek, unicode.Armenian, unicode.Georgian)
}
