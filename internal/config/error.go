package config

import (
	"cmp"
	"fmt"
	"log/slog"
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
	// Inputs are the files that were read, or could not be: when one of them
	// changes, reading again may go better.
	Inputs []Input
}

// Error is one line per problem: "file:line:column: path: text".
func (e *Error) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.In(e.File)
	}
	return strings.Join(lines, "\n")
}

// In is the problem of a file on one line: "file:line:column: path: text".
func (p Problem) In(file string) string { return p.line(file, "") }

// Warning is [Problem.In] for what is none: "file:line:column: warning: path:
// text".
func (p Problem) Warning(file string) string { return p.line(file, ": warning") }

func (p Problem) line(file, severity string) string {
	var b strings.Builder
	b.WriteString(file)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", p.Line, p.Column)
	}
	b.WriteString(severity)
	if p.Path != "" {
		b.WriteString(": " + p.Path)
	}
	b.WriteString(": " + p.Text)
	return b.String()
}

// Warnings are what is allowed in the file c was read from and probably not
// meant, or will soon be wrong, in the order of the file.
func (c *Config) Warnings() []Problem { return c.read.warnings }

// LogWarnings writes one line for each warning.
func (c *Config) LogWarnings(log *slog.Logger) {
	for _, w := range c.read.warnings {
		log.Warn("the configuration has something to look at", "key", w.Path, "line", w.Line, "warning", w.Text)
	}
}

// sorted puts the problems into the order of the file.
func sorted(ps []Problem) []Problem {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return ps
}
