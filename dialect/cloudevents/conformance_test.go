package cloudevents_test

import (
	"embed"
	"testing"
	"time"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/cloudevents"
	"github.com/imhook/imhook/dialect/dialecttest"
)

//go:embed testdata/wire
var wire embed.FS

// secret signs the golden requests.
const secret = "whsec_YSBzaWduaW5nIGtleSBvZiB0aGlydHktdHdvIGJ5dGU="

var arrival = time.Date(2026, 11, 20, 8, 0, 10, 0, time.UTC)

func credentials(secrets ...string) dialect.Credentials {
	var c dialect.Credentials
	for _, s := range secrets {
		c.Secrets = append(c.Secrets, dialect.DatedSecret{Value: dialect.Secret(s)})
	}
	return c
}

func subject() dialecttest.Subject {
	return dialecttest.Subject{
		Dialect:     cloudevents.New(),
		Wire:        wire,
		Credentials: credentials(secret),
		Now:         arrival,
	}
}

func TestConformance(t *testing.T) { dialecttest.Exercise(t, subject()) }

func FuzzDecode(f *testing.F) { dialecttest.FuzzDecode(f, subject()) }
