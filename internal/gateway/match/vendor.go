package match

import (
	"fmt"
	"strings"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// vendorPattern is one command of one dialect.
type vendorPattern struct {
	dialect string
	command string
	// types are what the command stands for on events of other dialects.
	types []event.Type
}

func isVendorPattern(text string) bool { return strings.Contains(text, ":") }

// parseVendor reads "dialect:command". The command may hold further colons.
func parseVendor(text string, phase event.Phase, reg *dialect.Registry) (vendorPattern, error) {
	name, command, _ := strings.Cut(text, ":")
	d, err := reg.Get(name)
	if err != nil {
		return vendorPattern{}, fmt.Errorf("%w%s", err, suggestion(name, reg.Names()))
	}
	spec := d.Spec()
	c, ok := spec.Command(command)
	if !ok {
		names := make([]string, len(spec.Commands))
		for i := range spec.Commands {
			names[i] = spec.Commands[i].Name
		}
		return vendorPattern{}, fmt.Errorf("dialect %s has no command %q%s", name, command, suggestion(command, names))
	}
	if c.Phase != "" && c.Phase != phase {
		return vendorPattern{}, fmt.Errorf("the command reports %s-events only, the rule takes %s-events", c.Phase, phase)
	}
	p := vendorPattern{dialect: name, command: c.Name}
	for _, t := range c.Types {
		// What one vendor's unknown command is has nothing to do with another's.
		if t != event.VendorUnknown {
			p.types = append(p.types, t)
		}
	}
	return p, nil
}
