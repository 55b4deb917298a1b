package openim_test

import (
	"embed"
	"testing"

	"github.com/imhook/imhook/dialect/dialecttest"
	"github.com/imhook/imhook/dialect/openim"
)

//go:embed testdata/wire
var wire embed.FS

func subject() dialecttest.Subject {
	return dialecttest.Subject{Dialect: openim.New(), Wire: wire, Now: now}
}

func TestConformance(t *testing.T) { dialecttest.Exercise(t, subject()) }

func FuzzDecode(f *testing.F) { dialecttest.FuzzDecode(f, subject()) }
