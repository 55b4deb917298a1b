package rongcloud

import (
	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// What status says, as text; the words are Presence.Reason of an offline.
const (
	statusOnline  = "0"
	statusOffline = "1"
	statusLogout  = "2"

	reasonDisconnect = "disconnect"
	reasonLogout     = "logout"
)

// userName is the field of the user, which has a small i in RongCloud's body and a
// capital one in Nexconn's.
func userName(c *command) string {
	if c.nexconn {
		return "userId"
	}
	return "userid"
}

// readOnline reads what became of one connection.
func readOnline(in *input) *event.Event {
	user, status := in.text(userName(in.command)), in.text("status")
	if user == "" {
		return nil
	}
	session := in.text("sessionId")
	p := &event.Presence{Platform: in.platform("os"), Address: in.text("clientIp"), Connection: session}
	ev := &event.Event{
		Type: event.UserOffline, Lane: userLane(user), Time: in.time("time"),
		Actor:   &event.Actor{ID: user, Platform: p.Platform, Client: session},
		Members: members([]string{user}), Presence: p,
	}
	switch status {
	case statusOnline:
		ev.Type = event.UserOnline
	case statusOffline:
		p.Reason = reasonDisconnect
	case statusLogout:
		p.Reason = reasonLogout
	default:
		return &event.Event{Type: event.VendorUnknown, Lane: ev.Lane}
	}
	if !ev.Time.IsZero() {
		ev.Dedupe = dedupe(user, session, status, digits(milli(ev.Time)))
	}
	return ev
}

func encodeOnline(out *output) error {
	ev := out.ev
	users := out.concerned()
	if len(users) == 0 {
		return dialect.Untranslatable("it names no user")
	}
	status := statusOffline
	p := event.Presence{Platform: actorPlatform(ev)}
	if ev.Presence != nil {
		p = *ev.Presence
	}
	switch {
	case ev.Type == event.UserOnline:
		status = statusOnline
	case ev.Type == event.UserOffline && p.Reason == reasonLogout:
		status = statusLogout
	}
	session := p.Connection
	if session == "" && !out.own {
		if session = p.Client; session == "" && ev.Actor != nil {
			session = ev.Actor.Client
		}
	}
	os := out.platform(p.Platform, "os")
	out.parts = len(users)
	for _, user := range users {
		var w writer
		w.text(userName(out.command), user)
		w.text("status", status)
		if out.command.nexconn {
			some(&w, "os", os)
		} else {
			w.text("os", os)
		}
		w.number("time", milli(out.time()))
		if out.command.nexconn {
			some(&w, "clientIp", p.Address)
			some(&w, "sessionId", session)
		} else {
			w.text("clientIp", p.Address)
			w.text("sessionId", session)
		}
		out.post(&w)
	}
	return nil
}
