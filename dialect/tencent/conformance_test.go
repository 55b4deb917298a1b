package tencent_test

import (
	"embed"
	"testing"
	"time"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/dialecttest"
	"github.com/imhook/imhook/dialect/tencent"
)

//go:embed testdata/wire
var wire embed.FS // embed, not Glob: a pattern that matches nothing does not compile

// now is when the golden requests arrive.
var now = time.UnixMilli(1795200001000)

func subject() dialecttest.Subject {
	return dialecttest.Subject{
		Dialect: tencent.New(),
		Wire:    wire,
		Credentials: dialect.Credentials{
			Public:  map[string]string{"sdk_app_id": "1400555123"},
			Secrets: []dialect.DatedSecret{{Value: "boathouse-token-9"}},
		},
		Now: now,
	}
}

func TestConformance(t *testing.T) { dialecttest.Exercise(t, subject()) }

func FuzzDecode(f *testing.F) { dialecttest.FuzzDecode(f, subject()) }
