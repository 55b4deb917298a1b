package rongcloud

import (
	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// friendTypes are what eventType means.
var friendTypes = [...]event.Type{
	1: event.FriendRequest,
	2: event.FriendAccept,
	3: event.FriendDecline,
	4: event.FriendRemove,
	5: event.FriendAdd, // by the server
}

const addedByServer = 5

// readFriend reads a change between two users; userId is who acted, so of an
// answer who answered. source is the platform that it was done on.
func readFriend(in *input) *event.Event {
	user, other := in.text("userId"), in.text("toUserId")
	if user == "" || other == "" {
		return nil
	}
	kind, _ := in.number("eventType")
	conv := event.Direct(user, other)
	ev := &event.Event{Lane: conv.Lane(), Conversation: &conv, Actor: actor(user), Members: members([]string{other})}
	if kind < 1 || int(kind) >= len(friendTypes) {
		return &event.Event{Type: event.VendorUnknown, Lane: ev.Lane}
	}
	ev.Type, ev.Time = friendTypes[kind], in.time("time")
	ev.Actor.System = kind == addedByServer
	ev.Actor.Platform = in.platform("source")
	if extra := in.json("extra"); extra != "" {
		ev.Friend = &event.Friend{Extra: extra}
	}
	if !ev.Time.IsZero() {
		ev.Dedupe = dedupe(digits(kind), user, other, digits(milli(ev.Time)))
	}
	return ev
}

func encodeFriend(out *output) error {
	ev := out.ev
	kind := int64(addedByServer)
	for n, t := range friendTypes {
		if t == ev.Type {
			kind = int64(n)
		}
	}
	user, others := actorID(ev), memberIDs(ev.Members)
	if ev.Conversation != nil && !out.own {
		if a, b, ok := ev.Conversation.Users(); ok {
			switch {
			case user == "" && len(others) == 1:
				user, _ = ev.Conversation.Peer(others[0])
			case user == "":
				user, others = a, []string{b}
			case len(others) == 0:
				if peer, ok := ev.Conversation.Peer(user); ok {
					others = []string{peer}
				}
			}
		}
	}
	if ev.Friend != nil && ev.Friend.Owner != "" && (user == "" || ev.Actor != nil && ev.Actor.System) && !out.own {
		user = ev.Friend.Owner
	}
	if user == "" || len(others) == 0 {
		return dialect.Untranslatable("it does not name two users")
	}
	source := out.platform(actorPlatform(ev), "source")
	if source == "" && kind == addedByServer && !out.own {
		source = "Server"
	}
	extra := ""
	if f := ev.Friend; f != nil {
		if extra = f.Extra; extra == "" && !out.same {
			extra = f.Text
		}
	}
	for _, other := range others {
		var w writer
		w.number("eventType", kind)
		w.text("userId", user)
		w.text("toUserId", other)
		w.number("time", milli(out.time()))
		w.text("source", source)
		some(&w, "extra", extra)
		out.post(&w)
	}
	return nil
}
