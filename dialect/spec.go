package dialect

import (
	"slices"
	"strings"
	"time"

	"github.com/imhook/imhook/event"
)

// Spec describes a dialect to configuration, CLI, docs and tests.
type Spec struct {
	// Name is the word in configuration: "wildfirechat".
	Name string
	// Commands are all that the dialect knows, in the order of the vendor's page.
	Commands []Command
	// Families are names that stand in rules for several commands, as the vendor's
	// own filters have them: "chat" for "chat:txt", "chat:img" and whatever else
	// begins with "chat:". Most dialects have none.
	Families []string
	// CommandKey is the key of the query that names the command; empty when the
	// query does not.
	CommandKey string
	// Credentials are the keys that a source or endpoint of it takes.
	Credentials []CredentialKey
	// Generations of the wire that can be written; the newest first. Empty when
	// there is only one.
	Generations []string
	// MaxAge is the default window for the signed timestamp. Zero when nothing
	// is signed.
	MaxAge time.Duration
	// Deadline is how long the vendor's server waits for the answer to a
	// before-event. Zero when it says nothing.
	Deadline time.Duration
	// Delivery is how the vendor's own server delivers after-events; nil where there
	// is no vendor.
	Delivery *Delivery
	// SignatureExempt are query keys and header names that carry the signature;
	// they are not logged.
	SignatureExempt []string
}

// Command is one vendor command.
type Command struct {
	// Name is the command in imcommand and for trigger.
	Name string
	// Aliases are further words for it that a person may write: that of the
	// vendor's own configuration. They are never on the wire.
	Aliases []string
	Phase   event.Phase
	// Path is where it goes below a source's URL; empty when the command is not
	// told from the path.
	Path string
	// Types are what it can decode to.
	Types []event.Type
	// Line says in one line when the vendor sends it.
	Line string
}

// CredentialKey is one key below credentials: in the configuration.
type CredentialKey struct {
	Name string
	// Secret keys are redacted everywhere, have _env and _file forms, and may be
	// given several at a time (secrets:).
	Secret bool
	// Required keys must be present on a source and on an endpoint.
	Required bool
	Line     string
	// Sample is the value that Sample writes where a real request holds this key,
	// a text that occurs in samples for nothing else; whoever sends a sample puts
	// the real key in its place. Empty when samples do not hold the key.
	Sample string
}

// Command finds a command by name, or by an alias that is no command's name.
func (s *Spec) Command(name string) (Command, bool) {
	for _, c := range s.Commands {
		if c.Name == name {
			return c, true
		}
	}
	for _, c := range s.Commands {
		if slices.Contains(c.Aliases, name) {
			return c, true
		}
	}
	return Command{}, false
}

// InFamily reports whether a command, known or not, belongs to a family.
func InFamily(command, family string) bool {
	rest, ok := strings.CutPrefix(command, family)
	return ok && strings.HasPrefix(rest, ":")
}

// Family returns the commands of a family, in the order of Commands. False when
// there is no such family.
func (s *Spec) Family(name string) ([]Command, bool) {
	if !slices.Contains(s.Families, name) {
		return nil, false
	}
	var all []Command
	for _, c := range s.Commands {
		if InFamily(c.Name, name) {
			all = append(all, c)
		}
	}
	return all, true
}

// PathCommand finds a command by its canonical path.
func (s *Spec) PathCommand(path string) (Command, bool) {
	for _, c := range s.Commands {
		if c.Path == path && path != "" {
			return c, true
		}
	}
	return Command{}, false
}
