package rongcloud_test

import (
	"embed"
	"testing"
	"time"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/dialecttest"
	"github.com/imhook/imhook/dialect/rongcloud"
)

//go:embed testdata/wire
var wire embed.FS // embed, not Glob: a pattern that matches nothing does not compile

func subject() dialecttest.Subject {
	return dialecttest.Subject{
		Dialect: rongcloud.New(),
		Wire:    wire,
		Credentials: dialect.Credentials{
			Public:  map[string]string{"app_key": "k3yofshop"},
			Secrets: []dialect.DatedSecret{{Value: "lounge-secret-5"}},
		},
		Now: time.UnixMilli(1795200001000),
	}
}

func TestConformance(t *testing.T) { dialecttest.Exercise(t, subject()) }

func FuzzDecode(f *testing.F) { dialecttest.FuzzDecode(f, subject()) }
