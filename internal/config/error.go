package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing that is wrong with a file.
type Problem struct {
	// Line and Column count from 1; zero means the file as a whole.
	Line, Column int
	// Path is the key, "apps[0].sources[1].dialect"; empty for the file's syntax.
	Path string
	// Text is what is wrong; and what to do. It holds no secret.
	Text string
}

// Error holds all problems of a file.
type Error struct {
	File     string
	Problems []Problem
}

// Error is one line per problem: "file:line:column: path: text".
func (e *Error) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		var b strings.Builder
		b.WriteString(e.File)
		if p.Line > 0 {
			fmt.Fprintf(&b, ":%d:%d", p.Line, p.Column)
		}
		if p.Path != "" {
			b.WriteString(": " + p.Path)
		}
		b.WriteString(": " + p.Text)
		lines[i] = b.String()
	}
	return strings.Join(lines, "\n")
}

// sorted puts the problems into the order of the file.
func sorted(ps []Problem) []Problem {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return ps
}
