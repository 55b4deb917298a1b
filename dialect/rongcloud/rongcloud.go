package rongcloud

import (
	"math/rand/v2"
	"strings"
	"time"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// Name is the dialect's word in configuration.
const Name = "rongcloud"

// Dialect is RongCloud's wire language. It has no state; use [New].
type Dialect struct{ spec dialect.Spec }

var (
	_ dialect.Dialect = (*Dialect)(nil)
	_ dialect.Batcher = (*Dialect)(nil)
)

// New returns the dialect.
func New() *Dialect {
	spec := dialect.Spec{
		Name: Name,
		Credentials: []dialect.CredentialKey{
			{Name: "app_key", Required: true, Line: "the App Key of the console; a request that names another is refused"},
			{Name: "app_secret", Secret: true, Required: true, Line: "the App Secret that signs"},
		},
		MaxAge:          5 * time.Minute,
		Deadline:        3 * time.Second,
		SignatureExempt: []string{"rc-signature", "signature", "Signature"},
	}
	for i := range commands {
		spec.Commands = append(spec.Commands, commands[i].spec)
	}
	return &Dialect{spec: spec}
}

// Spec describes the dialect.
func (d *Dialect) Spec() *dialect.Spec { return &d.spec }

// Sample returns what RongCloud's server would send for a command.
func (d *Dialect) Sample(name string, r *rand.Rand, now time.Time) (dialect.Request, error) {
	for i := range commands {
		if c := &commands[i]; c.spec.Name == name {
			body, err := c.sample(r, now)
			return dialect.Request{Path: c.spec.Path, ContentType: jsonType, Body: body}, err
		}
	}
	return dialect.Request{}, dialect.ErrUnknownCommand
}

// Path returns the path that ev came in on.
func (d *Dialect) Path(ev *event.Event) string {
	if ev.Raw.Dialect == Name {
		return ev.Raw.Path
	}
	if c, ok := d.spec.Command(ev.Command); ok && ev.Dialect == Name {
		return c.Path
	}
	return ""
}

// commandOf is the command that a path names. It stands in the event's JSON form,
// which takes UTF-8 alone.
func commandOf(path string) string { return strings.ToValidUTF8(strings.Trim(path, "/"), "\uFFFD") }
