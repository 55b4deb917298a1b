package tencent

import (
	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// unknown is the event for a command or a value that we do not know: it is kept
// whole, in the order of what it is about.
func (in *input) unknown() *event.Event {
	ev := &event.Event{Type: event.VendorUnknown, Lane: in.guess()}
	in.time()
	ev.Time = in.at
	if in.atText != "" {
		// A body that says when it happened is a retry when it comes again.
		ev.Dedupe = digest(in.body)
	}
	return ev
}

// guess finds an order from the ids that the vendor's bodies share, in the body or
// in the one item of its list.
func (in *input) guess() event.Lane {
	lane := in.o.guess()
	if lane == "" && in.command != nil && in.list != "" {
		if items, ok := dialect.Elements(in.o.peek(in.list)); ok && len(items) == 1 {
			var item object
			if item.parse(items[0]) == nil {
				lane = item.guess()
			}
		}
	}
	if lane == "" {
		return event.NewLane(event.KindSystem, "")
	}
	return lane
}

// guess looks at the body's own fields. Anything may stand there, so each is taken
// only where it is a text.
func (o *object) guess() event.Lane {
	for _, place := range []struct {
		name string
		kind event.Kind
	}{
		{"GroupId", event.KindGroup},
		{"GroupID", event.KindGroup},
		{"Official_Account", event.KindChannel},
		{"From_Account", event.KindUser},
		{"To_Account", event.KindUser},
		{"Operator_Account", event.KindUser},
		{"Requestor_Account", event.KindUser},
	} {
		id := text(o.peek(place.name))
		if id == "" {
			continue
		}
		if place.kind == event.KindGroup && text(o.peek("Type")) == liveGroup {
			return event.NewLane(event.KindChatroom, id)
		}
		return event.NewLane(place.kind, id)
	}
	return ""
}
