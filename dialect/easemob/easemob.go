package easemob

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// Name is the dialect's word in configuration.
const Name = "easemob"

// The generations that can be written. The current one says groups and chatrooms
// as group_op_event and tells chatrooms' messages by content_type; the legacy one
// says groups and chatrooms as muc, and its messages have no content_type, so that
// a chatroom's then reads like a group's. Of pre-send callbacks the current payload
// is one element, the legacy one a whole payload.
const (
	current = "current"
	legacy  = "legacy"
)

const (
	jsonType = "application/json"
	textType = "text/plain; charset=utf-8"

	// sampleApp is the app key of samples.
	sampleApp = "org#sample"

	// preSendPath is where before-callbacks go.
	preSendPath = "/pre_send"
)

// Dialect is Easemob's wire language. It has no state; use [New].
type Dialect struct {
	spec     dialect.Spec
	commands map[string]*command
	// current and legacy are the commands that say each type in either generation.
	current, legacy map[event.Type]*command
}

var _ dialect.Dialect = (*Dialect)(nil)

// New returns the dialect.
func New() *Dialect {
	d := &Dialect{
		spec: dialect.Spec{
			Name: Name,
			Credentials: []dialect.CredentialKey{
				{Name: "app_key", Sample: sampleApp, Line: "org#app; a body that names another is refused, and what is written names this one"},
				{Name: "secret", Secret: true, Required: true, Line: "the callback rule's secret that signs"},
			},
			Families:    slices.Clone(families),
			Generations: []string{current, legacy},
			MaxAge:      72 * time.Hour,
			Deadline:    200 * time.Millisecond,
			Delivery:    delivery(),
		},
		commands: map[string]*command{},
		current:  map[event.Type]*command{},
		legacy:   map[event.Type]*command{},
	}
	all := commands()
	for i := range all {
		c := &all[i]
		d.spec.Commands = append(d.spec.Commands, c.spec)
		d.commands[c.spec.Name] = c
		for _, t := range c.says {
			if c.generation != legacy {
				d.current[t] = c
			}
			if c.generation != current {
				d.legacy[t] = c
			}
		}
	}
	return d
}

// Spec describes the dialect.
func (d *Dialect) Spec() *dialect.Spec { return &d.spec }

// Sample returns what Easemob's server would send for a command. Reactions,
// threads and pushes have a signature, which the server may leave out.
func (d *Dialect) Sample(name string, r *rand.Rand, now time.Time) (dialect.Request, error) {
	c, ok := d.commands[name]
	if !ok {
		return dialect.Request{}, dialect.ErrUnknownCommand
	}
	ev := c.sample(&draw{Rand: r, now: now})
	to := dialect.Target{}
	if ev.Generation != "" {
		to.Generation = ev.Generation
	}
	reqs, err := encodeAs(c, ev, to, false)
	if err != nil {
		return dialect.Request{}, err
	}
	return reqs[0], nil
}

// Path is "" but for pre-send callbacks.
func (d *Dialect) Path(ev *event.Event) string {
	if ev.Dialect == Name && ev.Command == preSend {
		return preSendPath
	}
	return ""
}
