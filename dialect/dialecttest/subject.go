package dialecttest

import (
	"io/fs"
	"time"

	"github.com/imhook/imhook/dialect"
)

// Subject is a dialect with what the suite needs to examine it.
type Subject struct {
	Dialect dialect.Dialect
	// Wire holds one folder for each golden case, at its root or in its
	// testdata/wire, so that an embed.FS can be given as it is.
	Wire fs.FS
	// Credentials are what the golden requests are signed with. Without secrets
	// the checks of signatures are left out; a dialect with a required secret
	// must have one.
	Credentials dialect.Credentials
	// Now is when the golden requests arrive.
	Now time.Time
	// Waivers say which check is excused and why. One that is no longer true
	// fails.
	Waivers map[string]string
}
