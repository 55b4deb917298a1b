package imhook_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// shownBy finds tests and scripts in the table of pains.
var shownBy = regexp.MustCompile("`(Test[A-Za-z0-9_]+|[a-z_]+\\.txtar)`")

// TestRepo_PainsAreShownByTestsThatExist holds docs/pains.md to what it says: each row
// names a test, each test is there, and both languages name the same.
func TestRepo_PainsAreShownByTestsThatExist(t *testing.T) {
	t.Parallel()
	var tests strings.Builder
	for _, f := range goFiles(t) {
		if f.test {
			tests.WriteString(f.text)
		}
	}
	pains := func(name string) (all []string) {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
			if !strings.HasPrefix(line, "| ") || strings.Contains(cells[0], "pain") && len(cells[0]) < 8 || strings.TrimSpace(cells[0]) == "痛处" {
				continue
			}
			found := shownBy.FindAllStringSubmatch(cells[len(cells)-1], -1)
			if len(cells) != 4 || len(found) == 0 {
				t.Errorf("%s: no test shows %s", name, cells[0])
			}
			for _, m := range found {
				all = append(all, m[1])
			}
		}
		return all
	}
	en, zh := pains("docs/pains.md"), pains("docs/pains.zh-CN.md")
	if len(en) < 60 {
		t.Fatalf("found %d tests of pains: the pattern is broken", len(en))
	}
	if !slices.Equal(en, zh) {
		t.Errorf("the languages name different tests:\n%v\n%v", en, zh)
	}
	for _, name := range en {
		if strings.HasPrefix(name, "Test") {
			if !strings.Contains(tests.String(), "func "+name+"(") {
				t.Errorf("docs/pains.md names %s, which is not there", name)
			}
			continue
		}
		if _, err := os.Stat(filepath.Join("cmd/imhook/testdata/script", name)); err != nil {
			t.Errorf("docs/pains.md names %s: %v", name, err)
		}
	}
}
