package main

import (
	"strings"
	"testing"

	"github.com/imhook/imhook/dialect/builtin"
)

// Where commands without a path come, the URL for them stands first: whoever pastes
// it gets what is told from the body.
func TestPathHint_NamesTheURLForMostCommands(t *testing.T) {
	t.Parallel()
	for _, d := range builtin.New().All() {
		spec := d.Spec()
		hint := pathHint(spec)
		bare, paths := false, false
		for _, c := range spec.Commands {
			bare, paths = bare || c.Path == "", paths || c.Path != ""
		}
		switch {
		case !paths && hint != "", bare && strings.HasPrefix(hint, "/"), !bare && paths && !strings.HasPrefix(hint, "/"):
			t.Errorf("%s: %q", spec.Name, hint)
		}
	}
	easemob, err := builtin.New().Get("easemob")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := pathHint(easemob.Spec()), "  (and with /pre_send: docs/dialects/easemob.md)"; got != want {
		t.Errorf("easemob: %q, want %q", got, want)
	}
}
