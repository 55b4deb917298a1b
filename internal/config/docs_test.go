package config_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/imhook/imhook/dialect/builtin"
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/config"
	"github.com/imhook/imhook/internal/gateway/match"
)

// minimalApps makes a piece of a configuration a whole one.
const minimalApps = "apps: [{name: shop}]\n"

// TestParse_TheDocumentationsFiles reads every configuration in the docs, and the
// pieces that stand at its top: what is there can be copied.
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
	top := regexp.MustCompile(`(?m)^(listen|tls|admin|journal|history|apps):`)
	whole, pieces := 0, 0
	for _, doc := range docs {
		text, err := os.ReadFile(doc)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range fence.FindAllStringSubmatchIndex(string(text), -1) {
			file := string(text[m[2]:m[3]])
			switch keys := top.FindAllString(file, -1); {
			case len(keys) == 0:
				continue // a piece of an endpoint, or not ours
			case keys[len(keys)-1] == "apps:":
				whole++
			default:
				pieces++
				file += minimalApps
			}
			if _, err := config.Parse(filepath.Base(doc), []byte(file), docsOptions()); err != nil {
				t.Errorf("line %d of %s: %v", strings.Count(string(text[:m[2]]), "\n")+1, doc, err)
			}
		}
	}
	if whole < 2 || pieces < 2 {
		t.Errorf("found %d configurations and %d pieces in the docs: the search is broken", whole, pieces)
	}
}

// docsOptions has the dialects, patterns and conditions that there are, and finds every
// variable and file that the docs name.
func docsOptions() config.Options {
	o := options()
	o.Registry, o.Condition = builtin.New(), match.CheckCondition
	o.Pattern = func(pattern string, phase event.Phase) error {
		_, err := match.Compile(match.Rule{App: "shop", Phase: phase, Events: []string{pattern}}, o.Registry)
		return err
	}
	const secret = "c2VjcmV0LXNlY3JldC1zZWNyZXRz" // may stand in a path, too
	o.LookupEnv = func(string) (string, bool) { return secret, true }
	o.ReadFile = func(name string) ([]byte, error) {
		base := filepath.Base(name)
		switch filepath.Ext(base) {
		case ".creds":
			return testFiles()["user.creds"], nil
		case ".pem":
			if strings.Contains(base, "key") {
				return testFiles()["server.key"], nil
			}
			return testFiles()["server.crt"], nil
		}
		if base == "history-url" {
			return []byte("postgres://imhook:secret@db/history"), nil
		}
		return []byte(secret), nil
	}
	return o
}
