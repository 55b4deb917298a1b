package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestManual_NamesEveryCommand holds the manual page to the commands that there are.
func TestManual_NamesEveryCommand(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../packaging/imhook.1")
	if err != nil {
		t.Fatal(err)
	}
	_, commands, ok := strings.Cut(string(text), "\n.SH COMMANDS\n")
	if !ok {
		t.Fatal("the page has no COMMANDS")
	}
	commands, _, _ = strings.Cut(commands, "\n.SH ")
	listed := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^\.BR? (.*)$`).FindAllStringSubmatch(commands, -1) {
		for _, name := range regexp.MustCompile(`[a-z]+`).FindAllString(m[1], -1) {
			listed[name] = true
		}
	}
	for _, c := range newRoot().Commands() {
		if c.Hidden || c.Name() == "help" || c.Name() == "completion" {
			continue
		}
		if !listed[c.Name()] {
			t.Errorf("imhook.1 does not name %s", c.Name())
		}
		delete(listed, c.Name())
	}
	for name := range listed {
		t.Errorf("imhook.1 names %s, which is no command", name)
	}
}
