package builtin_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/imhook/imhook/dialect/builtin"
)

// A dialect that has a folder and no line here would be missing from the program
// without a word.
func TestNew_NamesEveryDialectsFolder(t *testing.T) {
	t.Parallel()
	names := builtin.New().Names()
	entries, err := os.ReadDir("..")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		spec, err := os.ReadFile("../" + e.Name() + "/SKIPPED.md")
		if !e.IsDir() || err != nil || len(spec) == 0 {
			continue
		}
		if !slices.Contains(names, e.Name()) {
			t.Errorf("%s is not among %s", e.Name(), strings.Join(names, ", "))
		}
	}
	if len(names) == 0 {
		t.Error("no dialects")
	}
}
