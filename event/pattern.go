package event

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

const (
	anyWord  = "*"
	anyWords = "**"
	// maxType is the longest type that is cut into words: longer ones come from no
	// vendor and would only cost time.
	maxType = 256
)

// Pattern stands for several types: words with dots between, as types have them.
//
//	message.send     exactly this type
//	message.*        * is one word: message.send, not message.extension.set
//	group.**         ** at the end is one word or more: group.create and
//	                 group.member.join, but never a type that is only "group"
//	**.join          ** elsewhere is any number of words, also none
//	**               every type, also those that no catalogue knows
//
// Its zero value matches nothing. It does not change and is safe for concurrent use.
type Pattern struct {
	// words are literals, "*" (one word) and "**" (any number, also none). A "**"
	// that ended the text is here as "*", "**".
	words []string
}

// ParsePattern reads a pattern. The error says what is wrong, not where: the caller
// names the pattern.
func ParsePattern(text string) (Pattern, error) {
	if text == "" {
		return Pattern{}, errors.New("it is empty")
	}
	if rest, ok := strings.CutPrefix(text, CloudEventsPrefix); ok {
		return Pattern{}, fmt.Errorf("types are written without %q here: %q", CloudEventsPrefix, rest)
	}
	var words []string
	for word := range strings.SplitSeq(text, ".") {
		if err := checkWord(word); err != nil {
			return Pattern{}, err
		}
		if word == anyWords && len(words) > 0 && words[len(words)-1] == anyWords {
			continue // two in a row say what one says
		}
		words = append(words, word)
	}
	if n := len(words) - 1; words[n] == anyWords {
		words = append(words[:n], anyWord, anyWords)
	}
	return Pattern{words: words}, nil
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

// String writes the pattern; two of one text match the same types.
func (p Pattern) String() string { return strings.Join(p.written(), ".") }

// written is the words as they are written.
func (p Pattern) written() []string {
	n := len(p.words)
	if n >= 2 && p.words[n-1] == anyWords && p.words[n-2] == anyWord {
		return append(slices.Clone(p.words[:n-2]), anyWords)
	}
	return p.words
}

// Match reports whether t is of the pattern's form. It takes at most as many steps
// as the pattern and t have words, multiplied.
func (p Pattern) Match(t Type) bool {
	if len(t) > maxType {
		return p.match([]string{string(t)})
	}
	return p.match(strings.Split(string(t), "."))
}

func (p Pattern) match(words []string) bool {
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

// Compare orders patterns by how much they narrow: negative when p comes before q.
// They are compared word by word from the left: a literal comes before *, and *
// before **; what goes on comes before what has ended. Of patterns that match the
// same type the first one says most about it.
func (p Pattern) Compare(q Pattern) int {
	a, b := p.written(), q.written()
	for i := range min(len(a), len(b)) {
		if c := rank(a[i]) - rank(b[i]); c != 0 {
			return c
		}
		if c := strings.Compare(a[i], b[i]); c != 0 {
			return c
		}
	}
	return len(b) - len(a)
}

func rank(word string) int {
	switch word {
	case anyWord:
		return 1
	case anyWords:
		return 2
	}
	return 0
}
