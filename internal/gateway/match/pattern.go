package match

import (
	"errors"
	"fmt"
	"strings"

	"github.com/imhook/imhook/event"
)

const (
	anyWord  = "*"
	anyWords = "**"
)

// pattern is a parsed type pattern. Its zero value matches nothing.
type pattern struct {
	// words are literals, "*" (one word) and "**" (any number, also none). A "**"
	// that ended the text is here as "*", "**".
	words []string
}

// parsePattern reads a type pattern. The error says what is wrong, not where: the
// caller names the pattern.
func parsePattern(text string) (pattern, error) {
	if text == "" {
		return pattern{}, errors.New("it is empty")
	}
	if rest, ok := strings.CutPrefix(text, event.CloudEventsPrefix); ok {
		return pattern{}, fmt.Errorf("types are written without %q here: %q", event.CloudEventsPrefix, rest)
	}
	var words []string
	for word := range strings.SplitSeq(text, ".") {
		if err := checkWord(word); err != nil {
			return pattern{}, err
		}
		if word == anyWords && len(words) > 0 && words[len(words)-1] == anyWords {
			continue // two in a row say what one says
		}
		words = append(words, word)
	}
	if n := len(words) - 1; words[n] == anyWords {
		words = append(words[:n], anyWord, anyWords)
	}
	return pattern{words: words}, nil
}

func checkWord(word string) error {
	switch {
	case word == "":
		return errors.New("a word between the dots is empty")
	case word == anyWord, word == anyWords:
		return nil
	case strings.Contains(word, "*"):
		return fmt.Errorf("in %q, * stands for whole words only", word)
	}
	for i := range len(word) {
		if c := word[i]; c < 'a' || c > 'z' {
			return fmt.Errorf("%q is no word of a type: they have lower-case letters only", word)
		}
	}
	return nil
}

// match reports whether words are of the pattern's form. It takes at most
// len(pattern) × len(words) steps.
func (p pattern) match(words []string) bool {
	i, j := 0, 0        // in p.words, in words
	star, mark := -1, 0 // the last "**" and how far it reaches
	for j < len(words) {
		switch {
		case i < len(p.words) && p.words[i] == anyWords:
			star, mark = i, j
			i++
		case i < len(p.words) && (p.words[i] == anyWord || p.words[i] == words[j]):
			i++
			j++
		case star >= 0:
			mark++
			i, j = star+1, mark
		default:
			return false
		}
	}
	for i < len(p.words) && p.words[i] == anyWords {
		i++
	}
	return i == len(p.words) && len(p.words) > 0
}
