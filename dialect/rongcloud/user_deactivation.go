package rongcloud

import (
	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// codeSuccess is the code of an operation that was done.
const codeSuccess = "0"

// typeName is the field of what was done to the account.
func typeName(c *command) string {
	if c.nexconn {
		return "operationType"
	}
	return "type"
}

// readDeactivation reads that an account was closed or brought back. One that
// failed changed nothing, and is unknown.
func readDeactivation(in *input) *event.Event {
	user := in.text("userId")
	if user == "" {
		return nil
	}
	operation, ok := in.number(typeName(in.command))
	code := in.text("code")
	ev := &event.Event{
		Lane: userLane(user), Actor: actor(in.text("operateId")), Members: members([]string{user}),
		User: &event.User{ID: user}, Time: in.time("time"),
	}
	switch {
	case !ok || code != "" && code != codeSuccess:
		return &event.Event{Type: event.VendorUnknown, Lane: ev.Lane}
	case operation == 0:
		ev.Type = event.UserDeactivate
	case operation == 1:
		ev.Type = event.UserActivate
	default:
		return &event.Event{Type: event.VendorUnknown, Lane: ev.Lane}
	}
	if !ev.Time.IsZero() {
		ev.Dedupe = dedupe(user, digits(operation), digits(milli(ev.Time)))
	}
	return ev
}

func encodeDeactivation(out *output) error {
	ev := out.ev
	users := memberIDs(ev.Members)
	if len(users) == 0 && ev.User != nil && ev.User.ID != "" {
		users = []string{ev.User.ID}
	}
	if len(users) == 0 {
		users = out.concerned()
	}
	if len(users) == 0 {
		return dialect.Untranslatable("it names no user")
	}
	out.parts = len(users)
	for _, user := range users {
		s := out.fields()
		s.text("userId", user)
		s.text("operateId", actorID(ev))
		s.number(typeName(out.command), bit(ev.Type == event.UserActivate))
		s.text("code", codeSuccess)
		s.number("time", milli(out.time()))
		out.post(s)
	}
	return nil
}
