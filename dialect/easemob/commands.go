package easemob

import (
	"math/rand/v2"
	"time"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// command is one callback that has a canonical meaning; all others are kept
// whole as vendor.unknown.
type command struct {
	spec dialect.Command
	// decode fills ev, which has its raw form, phase, dialect, command and time.
	// It may spend m. False means that the body lacks what the event is about.
	decode func(m *message, ev *event.Event) (bool, error)
	// sample draws the event that the vendor would report.
	sample func(r *rand.Rand, now time.Time) *event.Event
}

// contents are the kinds of a message's body that can be read and written.
// Adding one is a file and a line here; each gives the commands of messages in
// direct chats, groups and chatrooms.
var contents = [...]content{text}

// commands are all that is read, in the order of the vendor's page.
func commands() []command {
	var all []command
	for _, c := range contents {
		for _, where := range []event.Kind{event.KindDirect, event.KindGroup, event.KindChatroom} {
			all = append(all, messageCommand(c, where, false), messageCommand(c, where, true))
		}
	}
	return all
}
