package gateway_test

import (
	"strings"
	"testing"

	"github.com/imhook/imhook/internal/gateway"
)

func TestIsTraceparent(t *testing.T) {
	t.Parallel()
	const good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	for s, want := range map[string]bool{
		good: true, good[:54] + "0": true, "": false, good + "0": false, good[:54]: false,
		strings.ToUpper(good):                                     false,
		strings.Replace(good, "-", "0", 1):                        false,
		strings.Replace(good, "0", "-", 1):                        false,
		strings.Replace(good, "0af7", "zaf7", 1):                  false,
		"00-00000000000000000000000000000000-b7ad6b7169203331-01": false,
		"00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01": false,
	} {
		if got := gateway.IsTraceparent(s); got != want {
			t.Errorf("IsTraceparent(%q) = %v, want %v", s, got, want)
		}
	}
}
