package rongcloud

import (
	"slices"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// groupOperations are what eventType means, in the order of its numbers, which
// begin at 1.
var groupOperations = [...]event.Type{
	event.GroupCreate, event.GroupMemberJoin, event.GroupMemberKick, event.GroupMemberLeave,
	event.GroupDestroy, event.GroupMemberPromote, event.GroupMemberDemote, event.GroupTransfer,
}

// readGroupOperation reads an operation on a hosted group. One of the vendor's
// examples has an array where the operator is a string: the first is taken.
func readGroupOperation(in *input) *event.Event {
	group := in.text("groupId")
	if group == "" {
		return nil
	}
	operation, ok := in.number("eventType")
	operator, users := in.first("optUserId"), in.list("userIds")
	conv, lane, _ := place("GROUP", "", group, "")
	if !ok || operation < 1 || int(operation) > len(groupOperations) {
		return &event.Event{Type: event.VendorUnknown, Lane: lane}
	}
	ev := &event.Event{
		Type: groupOperations[operation-1], Lane: lane, Conversation: &conv, Group: &event.Group{ID: group},
		Actor: actor(operator), Members: members(users), Time: in.time("time"),
	}
	switch ev.Type {
	case event.GroupMemberLeave:
		if len(users) == 0 && operator != "" {
			ev.Members = members([]string{operator})
		}
	case event.GroupTransfer:
		if len(users) > 0 {
			ev.Group.Owner = users[0]
		}
	}
	if !ev.Time.IsZero() {
		ev.Dedupe = dedupe(append([]string{group, digits(operation), digits(milli(ev.Time)), operator}, users...)...)
	}
	return ev
}

func encodeGroupOperation(out *output) error {
	ev := out.ev
	body := ""
	if ev.Group != nil {
		body = ev.Group.ID
	}
	group, err := whose(ev, event.KindGroup, body)
	if err != nil {
		return err
	}
	t := ev.Type
	if t == event.GroupMemberBan {
		t = event.GroupMemberKick
	}
	users := memberIDs(ev.Members)
	switch t {
	case event.GroupCreate:
	case event.GroupDestroy:
		if !out.own {
			users = nil
		}
	case event.GroupTransfer:
		if len(users) == 0 && ev.Group != nil && ev.Group.Owner != "" {
			users = []string{ev.Group.Owner}
		}
	case event.GroupMemberJoin, event.GroupMemberLeave:
		users = out.concerned()
	}
	if len(users) == 0 && t != event.GroupCreate && t != event.GroupDestroy && !out.own {
		return dialect.Untranslatable("it names no member")
	}
	var w writer
	w.text("groupId", group)
	w.number("eventType", int64(slices.Index(groupOperations[:], t)+1))
	w.number("time", milli(out.time()))
	some(&w, "optUserId", actorID(ev))
	if len(users) > 0 {
		w.list("userIds", users)
	}
	out.post(&w)
	return nil
}
