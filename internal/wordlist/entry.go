package wordlist

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxLetters bounds a word.
const maxLetters = 255

// entry is one word of a list.
type entry struct {
	// text is the word as it is written in the list.
	text string
	// deny is true when a proposal with it is refused.
	deny bool
	// openLeft and openRight let it begin and end inside a word.
	openLeft, openRight bool
	// gaps are the letters before which it has a separator itself.
	gaps []uint8
	// letters is the folded word. It is empty once the word is in a set.
	letters []rune
}

// parseEntry reads one word, or line without comment, of a list.
func parseEntry(line string, standard Action) (entry, error) {
	e := entry{text: line}
	action := standard
	if word, said, ok := strings.Cut(line, "=>"); ok {
		e.text = strings.TrimSpace(word)
		action = Action(strings.TrimSpace(said))
		if !action.valid() {
			return e, fmt.Errorf("after => stands %q, want mask or deny", string(action))
		}
	}
	e.deny = action == Deny
	word := e.text
	word, e.openLeft = strings.CutPrefix(word, "*")
	word, e.openRight = strings.CutSuffix(word, "*")
	if strings.Contains(word, "*") {
		return e, errors.New("* stands for the rest of a word, at the beginning or the end only")
	}
	return e, e.fold(word)
}

// fold fills in letters and gaps.
func (e *entry) fold(word string) error {
	symbols := map[rune]struct{}{}
	for _, r := range word {
		if isSymbol(r) {
			symbols[r] = struct{}{}
		}
	}
	points, rest, _ := fold(nil, word, symbols, nil)
	switch {
	case len(points) == 0 && (e.openLeft || e.openRight):
		return errors.New("* alone would hit everything: write a word beside it, or remove the line")
	case len(points) == 0:
		return errors.New("there is no letter in it: remove the line")
	case len(points) > maxLetters:
		return fmt.Errorf("it has %d letters, want at most %d: keep the part that tells it from others", len(points), maxLetters)
	case points[0].gap != invisible && points[0].wordy, rest != invisible && points[len(points)-1].wordy:
		return errors.New("it begins or ends with punctuation, which is skipped in texts: write the letters alone")
	}
	e.letters = make([]rune, len(points))
	for i, p := range points {
		e.letters[i] = p.r
		if i > 0 && p.gap != invisible {
			e.gaps = append(e.gaps, uint8(i)) //nolint:gosec // at most maxLetters
		}
	}
	return nil
}

// hits reports whether the word really stands at points[from:to], whose letters are
// its own.
func (e *entry) hits(points []point, from, to int) bool {
	if p := points[from]; p.wordy && !e.openLeft && from > 0 && p.gap == invisible && points[from-1].wordy {
		return false
	}
	if to < len(points) && !e.openRight && points[to].gap == invisible && points[to].wordy && points[to-1].wordy {
		return false
	}
	// Between letters of words, white space counts as nothing only where each letter
	// stands alone ("b a d", but not "as set"), and so does all that separates
	// digits ("89.64").
	apart, alone := false, true
	for i := from + 1; i < to; i++ {
		a, b := &points[i-1], &points[i]
		if !a.wordy || !b.wordy || len(e.gaps) > 0 && slices.Contains(e.gaps, uint8(i-from)) { //nolint:gosec // at most maxLetters
			continue
		}
		alone = alone && b.gap != invisible
		apart = apart || b.gap == wide || b.gap != invisible && a.digit && b.digit
	}
	return alone || !apart
}

// maxShown bounds a word in a message, in characters.
const maxShown = 32

// shown is the word for a person.
func (e *entry) shown() string {
	if utf8.RuneCountInString(e.text) <= maxShown {
		return e.text
	}
	return string([]rune(e.text)[:maxShown-1]) + "…"
}
