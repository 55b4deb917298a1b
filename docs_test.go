package imhook_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
)

// markdownLink is a link to a page or a heading of the tree.
var markdownLink = regexp.MustCompile(`\]\(([^)\s]+)\)`)

// TestRepo_LinksInDocsLeadSomewhere follows every link of the docs to its file and
// its heading.
func TestRepo_LinksInDocsLeadSomewhere(t *testing.T) {
	t.Parallel()
	pages := map[string]map[string]bool{} // headings by page
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/*/*.md"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			pages[f] = headings(string(text))
		}
	}
	found := 0
	for page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range markdownLink.FindAllStringSubmatch(string(text), -1) {
			path, heading, anchored := strings.Cut(m[1], "#")
			if strings.Contains(path, "://") {
				continue
			}
			found++
			to := page
			if path != "" {
				to = filepath.Join(filepath.Dir(page), path)
			}
			if _, err := os.Stat(to); err != nil {
				t.Errorf("%s links to %s, which is not there", page, m[1])
				continue
			}
			if anchored && !pages[to][heading] {
				t.Errorf("%s links to %s: %s has no such heading", page, m[1], to)
			}
		}
	}
	if found < 20 {
		t.Errorf("found %d links in the docs: the pattern is broken", found)
	}
}

// headings returns the anchors of a page, as code hosts make them of headings:
// small letters, hyphens for spaces, no other signs.
func headings(text string) map[string]bool {
	all := map[string]bool{}
	inCode := false
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "```") {
			inCode = !inCode
		}
		title, ok := strings.CutPrefix(strings.TrimLeft(line, "#"), " ")
		if inCode || !ok || !strings.HasPrefix(line, "#") {
			continue
		}
		all[strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
				return unicode.ToLower(r)
			}
			return -1
		}, strings.TrimSpace(title))] = true
	}
	return all
}
