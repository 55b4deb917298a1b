package wildfirechat

import (
	"sync"
	"time"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// Name is the dialect's word in configuration.
const Name = "wildfirechat"

// The generations of the wire.
const (
	current = "current"
	legacy  = "legacy"
)

const (
	jsonType = "application/json; charset=utf-8"
	textType = "text/plain; charset=utf-8"
)

// Dialect is WildfireChat's wire language. It does not change and is safe for
// concurrent use; make it with [New].
type Dialect struct {
	spec   dialect.Spec
	byName map[string]*command
	routes map[string]*command
	byType map[event.Type]*command

	// outputs are the structs that messages, by far the most frequent events, are
	// read into and written from. What an event took from one is not used again.
	outputs sync.Pool
	// nothing is what most messages keep; it is never written to.
	nothing messageVendor
}

var _ dialect.Dialect = (*Dialect)(nil)

// New returns the dialect.
func New() *Dialect {
	d := &Dialect{
		spec: dialect.Spec{
			Name:        Name,
			Generations: []string{current, legacy},
			Deadline:    10 * time.Second,
			Delivery:    delivery(),
		},
		outputs: sync.Pool{New: func() any { return new(outputMessage) }},

		byName: map[string]*command{},
		routes: map[string]*command{},
		byType: map[event.Type]*command{},
	}
	for _, c := range commands() {
		c.spec.Aliases = c.keys
		d.spec.Commands = append(d.spec.Commands, c.spec)
		d.byName[c.spec.Name] = c
		for _, p := range append([]string{c.spec.Path}, c.paths...) {
			d.routes[trimSlash(p)] = c
		}
		for _, t := range c.says {
			d.byType[t] = c
		}
	}
	return d
}

// Spec describes the dialect.
func (d *Dialect) Spec() *dialect.Spec { return &d.spec }

// Verify proves nothing: WildfireChat authenticates no callback.
func (d *Dialect) Verify(*dialect.Request, dialect.Credentials, dialect.Verification) (dialect.Proof, error) {
	return dialect.Proof{Secret: -1}, nil
}

// Sign leaves req as it is: WildfireChat signs no callback.
func (d *Dialect) Sign(*dialect.Request, dialect.Credentials, string, time.Time) error { return nil }

// Judge finds no refusal: WildfireChat never looks at the answer of an
// after-event.
func (d *Dialect) Judge(*dialect.Response) error { return nil }
