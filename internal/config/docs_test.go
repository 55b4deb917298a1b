package config_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/imhook/imhook/dialect/builtin"
	"github.com/imhook/imhook/internal/config"
	"github.com/imhook/imhook/internal/gateway/match"
)

// TestParse_TheDocumentationsFiles reads every whole configuration in the docs:
// what is there can be copied.
func TestParse_TheDocumentationsFiles(t *testing.T) {
	t.Parallel()
	var docs []string
	for _, pattern := range []string{"../../*.md", "../../docs/*.md"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		docs = append(docs, files...)
	}
	fence := regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$")
	found := 0
	for _, doc := range docs {
		text, err := os.ReadFile(doc)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range fence.FindAllStringSubmatchIndex(string(text), -1) {
			file := string(text[m[2]:m[3]])
			if !strings.HasPrefix(file, "apps:") && !strings.Contains(file, "\napps:") {
				continue // a piece of one
			}
			found++
			o := options()
			o.Registry, o.Condition = builtin.New(), match.CheckCondition
			o.LookupEnv = func(string) (string, bool) { return "c2VjcmV0LXNlY3JldC1zZWNyZXRz", true }
			o.ReadFile = func(name string) ([]byte, error) {
				base := strings.NewReplacer("tls", "server", "cert", "server").Replace(filepath.Base(name))
				if b, ok := testFiles()[base]; ok {
					return b, nil
				}
				return []byte("c2VjcmV0LXNlY3JldC1zZWNyZXRz"), nil
			}
			if _, err := config.Parse(filepath.Base(doc), []byte(file), o); err != nil {
				t.Errorf("line %d of %s: %v", strings.Count(string(text[:m[2]]), "\n")+1, doc, err)
			}
		}
	}
	if found < 2 {
		t.Errorf("found %d configurations in the docs: the search is broken", found)
	}
}
