package wordlist

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxErrors bounds how many lines are complained about at once.
const maxErrors = 5

// CheckFile is [Check] for a file.
func CheckFile(name string) error {
	content, _, err := readFile(name)
	if err != nil {
		return err
	}
	return Check(name, content)
}

// Check says what is wrong with the content of a word file: the lines, at most five
// of them, each with its remedy. name is how errors call the file.
func Check(name string, content []byte) error {
	_, err := read(name, content, Mask)
	return err
}

// CheckWord says what is wrong with a word that stands in a configuration.
func CheckWord(line string) error {
	_, err := readLine(strings.TrimSpace(line), Mask)
	return err
}

// read reads the content of a word file. standard is the action of words that do not
// say their own.
func read(name string, content []byte, standard Action) ([]entry, error) {
	content = bytes.TrimPrefix(content, []byte("\xef\xbb\xbf"))
	if bytes.HasPrefix(content, []byte("\xff\xfe")) || bytes.HasPrefix(content, []byte("\xfe\xff")) {
		return nil, fmt.Errorf("%s: it is UTF-16: save it as UTF-8", name)
	}
	all := make([]entry, 0, bytes.Count(content, []byte("\n"))+1)
	var errs []error
	number := 0
	for line := range strings.Lines(string(content)) {
		number++
		line = strings.TrimSpace(withoutComment(line))
		if line == "" {
			continue
		}
		e, err := readLine(line, standard)
		if err == nil {
			all = append(all, e)
			continue
		}
		if len(errs) == maxErrors {
			errs = append(errs, fmt.Errorf("%s: and more after line %d", name, number-1))
			break
		}
		errs = append(errs, fmt.Errorf("%s:%d: %w", name, number, err))
	}
	if len(errs) == 0 && len(all) == 0 {
		return nil, fmt.Errorf("%s: there is no word in it: write one a line, or remove the hook", name)
	}
	return all, errors.Join(errs...)
}

func readLine(line string, standard Action) (entry, error) {
	if !utf8.ValidString(line) {
		return entry{}, errors.New("it is not UTF-8: save the file as UTF-8")
	}
	e, err := parseEntry(line, standard)
	if err != nil {
		return e, fmt.Errorf("%q: %w", e.shown(), err)
	}
	return e, nil
}

// withoutComment cuts a line at the # that stands at its beginning or behind white
// space.
func withoutComment(line string) string {
	for i := range len(line) {
		if line[i] == '#' && (i == 0 || line[i-1] == ' ' || line[i-1] == '\t') {
			return line[:i]
		}
	}
	return line
}

// inline reads words that stand in a configuration.
func inline(words []string, standard Action) ([]entry, error) {
	var all []entry
	var errs []error
	for i, w := range words {
		e, err := readLine(strings.TrimSpace(w), standard)
		if err != nil {
			errs = append(errs, fmt.Errorf("word %d: %w", i+1, err))
			continue
		}
		all = append(all, e)
	}
	return all, errors.Join(errs...)
}
