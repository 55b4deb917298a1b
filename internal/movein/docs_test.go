package movein_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/imhook/imhook/dialect/builtin"
	"github.com/imhook/imhook/internal/movein"
)

// TestDocs_ShowWhatIsWritten imports the files that docs/migrate.md shows, and
// looks for what it says is written in what is.
func TestDocs_ShowWhatIsWritten(t *testing.T) {
	t.Parallel()
	fence := regexp.MustCompile("(?ms)^```([a-z]*)\n(.*?)^```$")
	for _, doc := range []string{"../../docs/migrate.md", "../../docs/migrate.zh-CN.md"} {
		text, err := os.ReadFile(doc)
		if err != nil {
			t.Fatal(err)
		}
		reg := builtin.New()
		var p *movein.Plan
		shown := 0
		for _, m := range fence.FindAllStringSubmatch(string(text), -1) {
			vendor, file := "", ""
			switch {
			case strings.HasPrefix(m[2], "url: "):
				vendor, file = "openim", "webhooks.yml"
			case strings.HasPrefix(m[2], "user.online_status_callback "):
				vendor, file = "wildfirechat", "wildfirechat.conf"
			}
			if vendor != "" {
				found, err := read(t, reg, vendor, file, []byte(m[2]))
				if err != nil {
					t.Fatalf("%s: %v", doc, err)
				}
				o := options(t, "http://imhook:8420")
				o.App, o.Source, o.AllowFrom = "app", vendor, []string{"10.0.0.5"}
				p = movein.NewPlan(found, o)
				continue
			}
			if p == nil {
				continue
			}
			written := p.Paste()
			_, piece, pasted := strings.Cut(m[2], "# Into ")
			if piece = "# Into " + piece; !pasted {
				if piece = m[2]; m[1] != "yaml" {
					continue
				}
				written = p.Config()
				// A piece leaves out what stands above and between.
				if _, below, ok := strings.Cut(piece, "    hooks:\n"); ok && !strings.HasPrefix(piece, "listen:") {
					piece = below
				}
			}
			shown++
			if !strings.Contains(written, piece) {
				t.Errorf("%s shows\n%s\nwhich is not in\n%s", doc, piece, written)
			}
		}
		if shown != 4 {
			t.Errorf("%s shows %d pieces of what is written, want 4: the search is broken", doc, shown)
		}
	}
}
