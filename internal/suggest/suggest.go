// Package suggest finds the word that somebody probably meant.
package suggest

import "github.com/agext/levenshtein"

// Nearest returns the word of from that is closest to word, or "" when none is
// close enough to be a slip of the finger. The first of equally close words wins.
func Nearest(word string, from []string) string {
	best, limit := "", min(max(2, len(word)/3)+1, len(word))
	for _, w := range from {
		if d := levenshtein.Distance(word, w, nil); d < limit {
			best, limit = w, d
		}
	}
	return best
}

// DidYouMean returns "; did you mean X?" for the nearest word, or "".
func DidYouMean(word string, from []string) string {
	if w := Nearest(word, from); w != "" {
		return "; did you mean " + w + "?"
	}
	return ""
}
