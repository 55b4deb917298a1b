package wordlist

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// point is one letter of a folded text.
type point struct {
	r rune
	// start and end are the bytes of the original that it was made of. Letters made
	// of one character share them.
	start, end int
	// gap is what separates it from the letter before: [invisible] for nothing,
	// [sign] or [wide].
	gap class
	// wordy and digit say which rules of words are for it.
	wordy, digit bool
}

// fold appends the letters of a text: compatible forms and cases are one, separators
// are noted and left out. rest is what separates the last letter from the end. buf is
// for its own use and may be nil.
func fold(dst []point, text string, extra map[rune]struct{}, buf []byte) (points []point, rest class, scratch []byte) {
	gap := invisible
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		if plain, ok := alone(r); ok && begins(text[i+size:]) {
			dst, gap = add(dst, lower(plain), i, i+size, gap, extra)
			i += size
			continue
		}
		n := max(size, norm.NFKC.NextBoundaryInString(text[i:], true))
		buf = norm.NFKC.AppendString(buf[:0], text[i:i+n])
		for b := buf; len(b) > 0; {
			r, size := utf8.DecodeRune(b)
			dst, gap = add(dst, lower(r), i, i+n, gap, extra)
			b = b[size:]
		}
		i += n
	}
	return dst, gap, buf
}

// add appends one character, if it is a letter. It returns the gap before the next.
func add(dst []point, r rune, start, end int, gap class, extra map[rune]struct{}) ([]point, class) {
	c := letter
	if !isIdeograph(r) {
		c = classify(r, extra)
	}
	switch c {
	case letter:
		p := point{r: r, start: start, end: end, gap: gap}
		if p.wordy = wordy(r); p.wordy {
			p.digit = unicode.IsDigit(r)
		}
		return append(dst, p), invisible
	case invisible:
		return dst, gap
	}
	return dst, max(gap, c)
}

// alone returns the compatible form of a frequent character that joins neither the one
// before nor, unless that is a mark, the one behind: the work of package norm in short.
// A test compares the two.
func alone(r rune) (rune, bool) {
	switch {
	case r < 0x80, isIdeograph(r):
		return r, true
	case 0xff01 <= r && r <= 0xff5e: // ASCII in full width
		return r - 0xff01 + '!', true
	case 0x3001 <= r && r <= 0x3020, // punctuation of ideographs
		0x3041 <= r && r <= 0x3096, 0x30a1 <= r && r <= 0x30fa, // kana
		0xac00 <= r && r <= 0xd7a3,   // Hangul
		0x1f300 <= r && r <= 0x1faff: // emoji
		return r, true
	}
	return r, false
}

// begins reports whether a text surely begins with a character that does not join what
// stands before it.
func begins(text string) bool {
	if text == "" || text[0] < 0xcc { // U+0300
		return true
	}
	r, _ := utf8.DecodeRuneInString(text)
	_, ok := alone(r)
	return ok
}

// isIdeograph reports whether a character is one of the common ideographs: a letter
// without case in a script without spaces.
func isIdeograph(r rune) bool { return 0x4e00 <= r && r <= 0x9fff }

// lower maps all cases of a letter to one.
func lower(r rune) rune {
	if r < 0x80 {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}
	if isIdeograph(r) {
		return r
	}
	return unicode.ToLower(unicode.ToUpper(r))
}
