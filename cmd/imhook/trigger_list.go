package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// listCommands prints the commands of dialects.
func listCommands(w io.Writer, dialects []dialect.Dialect, asJSON bool) error {
	if asJSON {
		for _, d := range dialects {
			for _, c := range d.Spec().Commands {
				if err := writeLine(w, listedCommand{d.Spec().Name, c.Name, c.Phase, c.Path, c.Types, c.Line}); err != nil {
					return err
				}
			}
		}
		return nil
	}
	for i, d := range dialects {
		if err := listDialect(w, d.Spec(), i, len(dialects)); err != nil {
			return err
		}
	}
	return nil
}

// listDialect prints the i-th of n dialects, under its name when there are others.
func listDialect(w io.Writer, spec *dialect.Spec, i, n int) error {
	if n > 1 {
		if _, err := fmt.Fprintf(w, "%s%s\n", strings.Repeat("\n", min(i, 1)), spec.Name); err != nil {
			return err
		}
	}
	wide := 0
	for _, c := range spec.Commands {
		wide = max(wide, len(c.Name))
	}
	for _, c := range spec.Commands {
		if _, err := fmt.Fprintf(w, "%s%-*s  %-6s  %s\n", strings.Repeat("  ", min(n-1, 1)), wide, c.Name, c.Phase, c.Line); err != nil {
			return err
		}
	}
	return nil
}

// listedCommand is a command as JSON.
type listedCommand struct {
	Dialect string       `json:"dialect"`
	Name    string       `json:"name"`
	Phase   event.Phase  `json:"phase"`
	Path    string       `json:"path,omitzero"`
	Types   []event.Type `json:"types"`
	Line    string       `json:"line"`
}
