package easemob

import (
	"slices"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// command is one callback in both directions.
type command struct {
	spec dialect.Command
	// whole says that the first reading of a body, which tells what it is, reads
	// all of it; a value of the wrong type is then an error of the body.
	whole bool
	// says are the types, its own and others', that are written as this command
	// when the event did not come from it, in the generation or in both when that
	// is empty.
	says       []event.Type
	generation string
	// instead names another command for some events of those types; "" means this.
	instead func(ev *event.Event) string
	// decode fills ev, which has its raw form, phase, dialect, command and time.
	// It may spend in.m. False means that the body lacks what the event is about.
	decode func(in *input, ev *event.Event) (bool, error)
	// split cuts a body into one for each event; nil where a body is one event.
	split func(in *input) ([][]byte, error)
	// encode writes the requests of an event of one of the types.
	encode func(out *output) error
	// sample draws the event that the vendor would report.
	sample func(d *draw) *event.Event
}

// has reports whether the command decodes to t.
func (c *command) has(t event.Type) bool { return slices.Contains(c.spec.Types, t) }

// after is the spec of a command that reports a fact.
func after(name, line string, types ...event.Type) dialect.Command {
	return dialect.Command{Name: name, Phase: event.After, Types: types, Line: line}
}

// families are the vendor's filter names for several commands.
var families = []string{
	chatDirect, chatGroup, chatRoom, muc, groupOpFamily, roster, notify, "userStatus", "sensitiveWords", typeModeration, stepPush,
}

// commands are all that is read, in the order of the vendor's pages.
func commands() []command {
	var all []command
	for _, where := range []event.Kind{event.KindDirect, event.KindGroup, event.KindChatroom} {
		for i := range contents {
			all = append(all, messageCommand(&contents[i], where, false), messageCommand(&contents[i], where, true))
		}
	}
	return slices.Concat(all,
		recallCommands(), editCommands(), receiptCommands(),
		mucCommands(), groupOpCommands(), rosterCommands(),
		reactionCommands(), threadCommands(), statusCommands(),
		alertCommands(), moderationCommands(), pushCommands(), preSendCommands())
}
