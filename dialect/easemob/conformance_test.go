package easemob_test

import (
	"embed"
	"testing"
	"time"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/dialecttest"
	"github.com/imhook/imhook/dialect/easemob"
)

//go:embed testdata/wire
var wire embed.FS // embed, not Glob: a pattern that matches nothing does not compile

func subject() dialecttest.Subject {
	return dialecttest.Subject{
		Dialect: easemob.New(),
		Wire:    wire,
		Credentials: dialect.Credentials{
			// The app key of samples, which the suite verifies as they are.
			Public:  map[string]string{"app_key": "org#sample"},
			Secrets: []dialect.DatedSecret{{Value: "drawer-secret-6"}},
		},
		Now:     time.UnixMilli(1795200001000),
		Waivers: waivers(),
	}
}

// waivers excuse the cases that the vendor does not sign from what is asked of a
// signature. Each command of theirs has a signed case besides.
func waivers() map[string]string {
	all := map[string]string{}
	for _, check := range []string{"verify", "signature", "stale", "flip"} {
		for _, unsigned := range []string{"notify_reaction", "notify_thread", "push_success"} {
			all[check+"/"+unsigned] = "the vendor's example has no security; accepted only where accept_unsigned says so (TestVerify_UnsignedOnlyWhereTheKindIsNamed)"
		}
	}
	return all
}

func TestConformance(t *testing.T) { dialecttest.Exercise(t, subject()) }

func FuzzDecode(f *testing.F) { dialecttest.FuzzDecode(f, subject()) }
