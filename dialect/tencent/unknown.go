package tencent

import "github.com/imhook/imhook/event"

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

// guess finds an order from the ids that the vendor's bodies share. Anything may
// stand there, so each is taken only where it is a text.
func (in *input) guess() event.Lane {
	for _, place := range []struct {
		name string
		kind event.Kind
	}{
		{"GroupId", event.KindGroup},
		{"Official_Account", event.KindChannel},
		{"From_Account", event.KindUser},
		{"To_Account", event.KindUser},
		{"Operator_Account", event.KindUser},
		{"Requestor_Account", event.KindUser},
	} {
		v := in.o.peek(place.name)
		if v == nil || v[0] != '"' {
			continue
		}
		id := unquote(v)
		if id == "" {
			continue
		}
		if place.kind == event.KindGroup && string(in.o.peek("Type")) == `"`+liveGroup+`"` {
			return event.NewLane(event.KindChatroom, id)
		}
		return event.NewLane(place.kind, id)
	}
	return event.NewLane(event.KindSystem, "")
}
