package match

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The pages that say how conditions are written.
var pages = []string{"../../../docs/configuration.md", "../../../docs/configuration.zh-CN.md", "../../../README.md", "../../../README.zh-CN.md"}

// TestCheckCondition_TheDocumentations compiles every condition in the docs.
func TestCheckCondition_TheDocumentations(t *testing.T) {
	t.Parallel()
	written := regexp.MustCompile(`(?:when:|--when) '([^'\n]+)'`)
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		all := written.FindAllStringSubmatch(string(text), -1)
		if len(all) == 0 {
			t.Errorf("%s has no condition: the search is broken", page)
		}
		for _, m := range all {
			if err := CheckCondition(m[1]); err != nil {
				t.Errorf("%s: %s: %v", page, m[1], err)
			}
		}
	}
}

// TestSchema_TheDocumentationNamesAllFields compares the docs' table of fields
// with what conditions can ask.
func TestSchema_TheDocumentationNamesAllFields(t *testing.T) {
	t.Parallel()
	s, err := loadSchema()
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile("(?m)^\\| `(event[.a-z]*)`[^|]*\\| (.*) \\|$")
	name := regexp.MustCompile("`([a-zA-Z0-9]+)`")
	for _, page := range pages[:2] {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		documented := map[string]bool{}
		for _, m := range row.FindAllStringSubmatch(string(text), -1) {
			documented[m[1]] = true
			var got []string
			for _, n := range name.FindAllStringSubmatch(m[2], -1) {
				got = append(got, n[1])
			}
			if diff := cmp.Diff(s.below(m[1]), got); diff != "" {
				t.Errorf("%s, %s (-there are, +written):\n%s", page, m[1], diff)
			}
		}
		if !documented[variable] {
			t.Errorf("%s has no row for %s", page, variable)
		}
		for _, n := range s.root.names {
			if path := variable + "." + n; s.root.fields[n].record != nil && !documented[path] {
				t.Errorf("%s has no row for %s", page, path)
			}
		}
	}
}

// below returns the fields of what is at a path, or its words.
func (s *schema) below(path string) []string {
	r := s.root
	for n := range strings.SplitSeq(strings.TrimPrefix(strings.TrimPrefix(path, variable), "."), ".") {
		f := r.fields[n]
		switch {
		case n == "":
		case f == nil:
			return nil
		case f.words != nil:
			return slices.Clone(f.words.all)
		default:
			r = f.record
		}
	}
	if r == nil {
		return nil
	}
	return slices.Clone(r.names)
}
