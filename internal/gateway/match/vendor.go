package match

import (
	"fmt"
	"slices"
	"strings"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// vendorPattern is one command of one dialect, or a family of them.
type vendorPattern struct {
	dialect string
	// command is a family when family is true: then it stands for every command of
	// it, also for those that the dialect does not know.
	command string
	family  bool
	// types are what the command stands for on events of other dialects.
	types []event.Type
}

func isVendorPattern(text string) bool { return strings.Contains(text, ":") }

// parseVendor reads "dialect:command" or "dialect:family". The command may hold
// further colons.
func parseVendor(text string, phase event.Phase, reg *dialect.Registry) (vendorPattern, error) {
	name, command, _ := strings.Cut(text, ":")
	d, err := reg.Get(name)
	if err != nil {
		return vendorPattern{}, fmt.Errorf("%w%s", err, suggestion(name, reg.Names()))
	}
	spec := d.Spec()
	p := vendorPattern{dialect: name, command: command}
	commands, ok := spec.Family(command)
	p.family = ok
	if c, one := spec.Command(command); one {
		commands, ok = append(commands, c), true
		if !p.family {
			p.command = c.Name // the word may be an alias
		}
	}
	if !ok {
		names := slices.Clone(spec.Families)
		for i := range spec.Commands {
			names = append(names, spec.Commands[i].Name)
		}
		return vendorPattern{}, fmt.Errorf("dialect %s has no command %q%s", name, command, suggestion(command, names))
	}
	other, found := event.Phase(""), false
	for _, c := range commands {
		if c.Phase != "" && c.Phase != phase {
			other = c.Phase
			continue
		}
		found = true
		for _, t := range c.Types {
			// What one vendor's unknown command is has nothing to do with another's.
			if t != event.VendorUnknown && !slices.Contains(p.types, t) {
				p.types = append(p.types, t)
			}
		}
	}
	if !found {
		return vendorPattern{}, fmt.Errorf("the command reports %s-events only, the rule takes %s-events", other, phase)
	}
	return p, nil
}

// names reports whether a command of the pattern's own dialect is meant.
func (p *vendorPattern) names(command string) bool {
	return command == p.command || (p.family && dialect.InFamily(command, p.command))
}
