// Package builtin lists the dialects that imhook speaks: one line for each, so
// that what runs can be read in one place.
package builtin

import (
	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/cloudevents"
	"github.com/imhook/imhook/dialect/easemob"
	"github.com/imhook/imhook/dialect/openim"
	"github.com/imhook/imhook/dialect/rongcloud"
	"github.com/imhook/imhook/dialect/tencent"
	"github.com/imhook/imhook/dialect/wildfirechat"
)

// New returns the registry of all dialects of this tree.
func New() *dialect.Registry {
	return dialect.NewRegistry(
		wildfirechat.New(),
		openim.New(),
		rongcloud.New(),
		tencent.New(),
		easemob.New(),
		cloudevents.New(),
	)
}
