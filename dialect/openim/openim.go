package openim

import (
	"net/http"
	"time"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// Name is the dialect's word in configuration.
const Name = "openim"

const (
	jsonType = "application/json; charset=utf-8"
	textType = "text/plain; charset=utf-8"
)

// operationHeader is the header in which v3 names the operation. It is a trace, no
// credential.
const operationHeader = "operationID"

// Dialect is OpenIM's wire language. It does not change and is safe for concurrent
// use; make it with [New].
type Dialect struct {
	spec dialect.Spec
	// names are all names of the wire, of every generation.
	names map[string]naming
	// aliases are the names of the server's configuration and the commands without
	// their ends, in lower case.
	aliases map[string]naming
	// says are the commands that stand for the types of other dialects.
	says map[occasion]*command
}

// occasion is what a command is chosen by.
type occasion struct {
	phase event.Phase
	typ   event.Type
}

var _ dialect.Dialect = (*Dialect)(nil)

// New returns the dialect.
func New() *Dialect {
	d := &Dialect{
		spec: dialect.Spec{
			Name:        Name,
			Generations: generations(),
			Deadline:    5 * time.Second,
			Delivery:    delivery(),
		},
		names:   map[string]naming{},
		aliases: map[string]naming{},
		says:    map[occasion]*command{},
	}
	all := commands()
	for _, c := range all {
		d.add(c, c.name)
		for _, t := range c.says {
			d.says[occasion{c.phase, t}] = c
		}
	}
	for _, c := range all {
		for _, old := range []string{c.v3, c.v36, c.v2} {
			if _, known := d.names[old]; old != "" && !known {
				d.add(c, old)
			}
		}
	}
	for _, c := range all {
		d.aliases[short(c.key)] = d.names[c.name]
	}
	for name, n := range d.names {
		if _, taken := d.aliases[short(name)]; !taken {
			d.aliases[short(name)] = n
		}
	}
	return d
}

func (d *Dialect) add(c *command, name string) {
	n := naming{c, name, "/" + name}
	d.names[name] = n
	spec := dialect.Command{Name: name, Phase: c.phase, Types: c.types, Line: c.line}
	if name == c.name {
		spec.Path = "/" + name
		spec.Aliases = []string{c.key}
	} else {
		spec.Line += " (" + n.era() + ")"
		if c.v3 == name || c.v36 == name {
			spec.Path = "/" + name
		}
	}
	d.spec.Commands = append(d.spec.Commands, spec)
}

// Spec describes the dialect.
func (d *Dialect) Spec() *dialect.Spec { return &d.spec }

// Verify proves nothing: the open-source server signs no callback. What the
// commercial edition signs covers a nonce only, in an encoding that its documents
// do not say.
func (d *Dialect) Verify(*dialect.Request, dialect.Credentials, dialect.Verification) (dialect.Proof, error) {
	return dialect.Proof{Secret: -1}, nil
}

// Sign authenticates nothing. It names the operation in the header that v3 has for
// it, so that a backend can follow an event through its logs.
func (d *Dialect) Sign(req *dialect.Request, _ dialect.Credentials, id string, _ time.Time) error {
	if id == "" || req.Path == "" && req.Query == "" || req.Header.Get(operationHeader) != "" {
		return nil
	}
	if req.Header == nil {
		req.Header = http.Header{}
	}
	req.Header.Set(operationHeader, id)
	return nil
}
