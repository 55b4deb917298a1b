package matrix_test

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/dialect/builtin"
	"github.com/imhook/imhook/dialect/cloudevents"
	"github.com/imhook/imhook/internal/matrix"
)

var update = flag.Bool("update", false, "write docs/dialects/matrix.md and verdicts.md")

const page = "../../docs/dialects/matrix.md"

func TestMarkdown_IsWhatTheDocsHave(t *testing.T) {
	t.Parallel()
	rows, err := matrix.Of(builtin.New())
	if err != nil {
		t.Fatal(err)
	}
	got := string(matrix.Markdown(rows))
	if *update {
		if err := os.WriteFile(page, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); d != "" {
		t.Errorf("%s is not current (-file +dialects): go test ./internal/matrix -update\n%s", page, d)
	}
}

// TestOf_NothingIsMissingWithoutAReason: a cell is empty only where a dialect was
// asked and said why.
func TestOf_NothingIsMissingWithoutAReason(t *testing.T) {
	t.Parallel()
	r := builtin.New()
	rows, err := matrix.Of(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		for name, c := range row.Cells {
			if name != cloudevents.Name && len(c.Commands) == 0 && len(c.Said) == 0 && len(c.Reasons) == 0 {
				t.Errorf("%s %s: %s has nothing and says no reason", row.Phase, row.Type, name)
			}
			for _, why := range c.Reasons {
				if len(why) < 8 || strings.Contains(why, "\n") {
					t.Errorf("%s %s: %s says %q, which explains nothing", row.Phase, row.Type, name, why)
				}
			}
		}
	}
}
