package config

import (
	"errors"
	"strconv"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v4"
)

// condition reads when. What is wrong with it is reported where it is written,
// inside the text.
func (l *loader) condition(o *object, to *string) {
	v, ok := o.get("when")
	if !ok {
		return
	}
	s, ok := v.text()
	switch {
	case !ok:
		return
	case strings.TrimSpace(s) == "":
		v.wrong("is empty; write a condition, or remove it")
		return
	}
	*to = s
	if l.Condition == nil {
		return
	}
	err := l.Condition(s)
	if err == nil {
		return
	}
	var placed interface{ Position() (line, column int) }
	if errors.As(err, &placed) {
		line, column := placed.Position()
		v.w.report(Problem{Path: v.path, Text: err.Error()}, l.place(v.node, line, column))
		return
	}
	v.wrong("%v", err)
}

// mark is a place in the file; both count from 1.
type mark struct{ line, column int }

// place finds a character of a scalar in the file: line and column count from 1
// inside its value, columns are characters. YAML folds, indents and escapes, but
// what is no white space stands in the file in the order in which it stands in
// the value: so these are counted. White space and the end are the place after
// the last character before them.
func (l *loader) place(n *yaml.Node, line, column int) mark {
	nth, exact := ink(n.Value, line, column)
	at := mark{n.Line, n.Column}
	s := scan{lines: l.lines, mark: at}
	s.begin(n.Style)
	after := s.mark
	for i := 0; ; i++ {
		next, ok := s.next(n.Style)
		if !ok {
			return at // the file is not as the value says
		}
		if exact && i == nth {
			return next
		}
		if !exact && i == nth-1 {
			return s.mark
		}
		if !exact && nth == 0 {
			return after
		}
	}
}

// ink counts the characters before a place in a text that are no white space;
// exact is true when at the place itself is one.
func ink(text string, line, column int) (n int, exact bool) {
	at := mark{1, 1}
	for _, r := range text {
		space := unicode.IsSpace(r)
		if at.line > line || at.line == line && at.column >= column {
			return n, !space && at == mark{line, column}
		}
		if !space {
			n++
		}
		at.column++
		if r == '\n' {
			at = mark{at.line + 1, 1}
		}
	}
	return n, false
}

// scan walks over a scalar in the file.
type scan struct {
	lines [][]rune
	mark
}

// rune is the character here; a line ends with '\n', and the file with 0.
func (s *scan) rune() rune {
	switch {
	case s.line < 1 || s.line > len(s.lines) || s.column < 1:
		return 0
	case s.column > len(s.lines[s.line-1]):
		return '\n'
	}
	return s.lines[s.line-1][s.column-1]
}

func (s *scan) step() {
	if s.rune() == '\n' {
		s.line, s.column = s.line+1, 1
		return
	}
	s.column++
}

// spaces skips white space.
func (s *scan) spaces() {
	for r := s.rune(); r != 0 && unicode.IsSpace(r); r = s.rune() {
		s.step()
	}
}

// begin goes past what comes before a scalar's text: tag and anchor, the quote,
// the line of a block's header.
func (s *scan) begin(style yaml.Style) {
	for s.rune() == '!' || s.rune() == '&' {
		for r := s.rune(); r != 0 && !unicode.IsSpace(r); r = s.rune() {
			s.step()
		}
		s.spaces()
	}
	switch {
	case style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0:
		s.step()
	case style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		s.line, s.column = s.line+1, 1
	}
}

// next returns the place of the next character that is no white space in the
// value, and goes past it; false at the end of the file.
func (s *scan) next(style yaml.Style) (mark, bool) {
	for {
		s.spaces()
		at, r := s.mark, s.rune()
		switch {
		case r == 0:
			return at, false
		case r == '\'' && style&yaml.SingleQuotedStyle != 0:
			s.step() // it is written twice
		case r == '\\' && style&yaml.DoubleQuotedStyle != 0:
			s.step()
			if s.escaped() {
				continue // white space
			}
			return at, true
		}
		s.step()
		return at, true
	}
}

// escaped goes past what follows a backslash; true when it stands for white
// space.
func (s *scan) escaped() (space bool) {
	r := s.rune()
	s.step()
	digits := map[rune]int{'x': 2, 'u': 4, 'U': 8}[r]
	if digits == 0 {
		return strings.ContainsRune("\n\t tnrvfN_LP", r)
	}
	var hex strings.Builder
	for range digits {
		hex.WriteRune(s.rune())
		s.step()
	}
	n, err := strconv.ParseUint(hex.String(), 16, 32)
	return err == nil && unicode.IsSpace(rune(n))
}
