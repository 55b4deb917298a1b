package suggest_test

import (
	"testing"

	"github.com/imhook/imhook/internal/suggest"
)

func TestNearest(t *testing.T) {
	t.Parallel()
	words := []string{"sources", "hooks", "endpoints", "name"}
	for word, want := range map[string]string{
		"source":    "sources",
		"enpdoints": "endpoints",
		"nam":       "name",
		"Name":      "name",
		"banana":    "",
		"":          "",
	} {
		if got := suggest.Nearest(word, words); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", word, got, want)
		}
	}
	if got, want := suggest.DidYouMean("hook", words), "; did you mean hooks?"; got != want {
		t.Errorf("DidYouMean = %q, want %q", got, want)
	}
	if got := suggest.DidYouMean("banana", words); got != "" {
		t.Errorf("DidYouMean = %q, want nothing", got)
	}
}
