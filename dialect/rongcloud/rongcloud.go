package rongcloud

import (
	"strings"
	"time"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// Name is the dialect's word in configuration.
const Name = "rongcloud"

// The generations of the wire: one path for each callback, or Nexconn's one
// envelope. The first is written unless the other is asked for: it has a callback
// for everything.
const (
	v3      = "v3"
	nexconn = "nexconn"
)

// sampleKey stands in samples for the app key.
const sampleKey = "n19jmcy59zsample"

// Dialect is RongCloud's wire language. It does not change and is safe for
// concurrent use; make it with [New].
type Dialect struct {
	spec   dialect.Spec
	byName map[string]*command
	byPath map[string]*command
	byType map[saying]*command
}

var (
	_ dialect.Dialect = (*Dialect)(nil)
	_ dialect.Batcher = (*Dialect)(nil)
)

// New returns the dialect.
func New() *Dialect {
	d := &Dialect{
		spec: dialect.Spec{
			Name: Name,
			Credentials: []dialect.CredentialKey{
				{
					Name: "app_key", Required: true, Sample: sampleKey,
					Line: "the App Key of the console; a request that names another is refused",
				},
				{Name: "app_secret", Secret: true, Required: true, Line: "the App Secret that signs"},
			},
			Generations:     []string{v3, nexconn},
			MaxAge:          5 * time.Minute,
			Deadline:        3 * time.Second,
			Delivery:        delivery(),
			SignatureExempt: []string{"rc-signature", "signature", "Signature", "RC-Signature"},
		},
		byName: map[string]*command{},
		byPath: map[string]*command{},
		byType: map[saying]*command{},
	}
	for _, c := range commands() {
		d.spec.Commands = append(d.spec.Commands, c.spec)
		d.byName[c.spec.Name] = c
		if c.spec.Path != "" {
			d.byPath[commandOf(c.spec.Path)] = c
		}
		for _, t := range c.says {
			d.byType[saying{c.nexconn, c.spec.Phase, t}] = c
		}
	}
	return d
}

// Spec describes the dialect.
func (d *Dialect) Spec() *dialect.Spec { return &d.spec }

// Path returns the path that ev came in on.
func (d *Dialect) Path(ev *event.Event) string {
	if ev.Raw.Dialect == Name {
		return ev.Raw.Path
	}
	if c := d.byName[ev.Command]; c != nil && ev.Dialect == Name {
		return c.spec.Path
	}
	return ""
}

// commandOf is the command that a path names. It stands in the event's JSON form,
// which takes UTF-8 alone.
func commandOf(path string) string { return strings.ToValidUTF8(strings.Trim(path, "/"), "\uFFFD") }
