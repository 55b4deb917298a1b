package cloudevents

import (
	"errors"
	"fmt"
	"strings"

	"github.com/imhook/imhook/event"
)

// known reports whether lanes and conversations of that kind exist.
func known(kind event.Kind) bool {
	switch kind {
	case event.KindDirect, event.KindGroup, event.KindChatroom, event.KindChannel,
		event.KindUser, event.KindConference, event.KindSystem:
		return true
	}
	return false
}

// complete puts in what can be told from the rest, for those who write events by
// hand. What it makes of its own result is that result. An event in a vendor's words
// was written by a gateway, and says what its vendor said: only what keeps it in
// order is put in.
func complete(ev *event.Event) error {
	if len(ev.Vendor) > 0 {
		switch kind := ev.Vendor.Kind(); {
		case kind == 'n', string(ev.Vendor) == "{}":
			ev.Vendor = nil
		case kind != '{':
			return refuse(ev.Command, "data.vendor", errors.New("must be an object"))
		}
	}
	if c := ev.Conversation; c != nil {
		if !known(c.Kind) {
			return refuse(ev.Command, "data.conversation.kind", fmt.Errorf("is %q, want direct, group, chatroom, channel, user, conference or system", c.Kind))
		}
		followed := ev.Lane == c.Lane()
		nameDirect(c, ev.Actor)
		if followed {
			ev.Lane = c.Lane()
		}
		if followed && ev.Dialect == Name && elsewhere(ev) {
			ev.Lane = lane(ev)
		}
	} else if ev.Dialect == Name {
		ev.Conversation = conversation(ev)
	}
	if ev.Dialect == Name {
		if ev.Conversation != nil {
			nameBody(ev, *ev.Conversation)
		}
		nameUser(ev)
	}
	if !known(ev.Lane.Kind()) {
		ev.Lane = lane(ev)
	}
	if ev.Message != nil && ev.Message.Kind == "" && ev.Message.Text != "" {
		ev.Message.Kind = event.Text
	}
	if len(ev.Links) == 0 && ev.Message != nil && ev.Message.ID != "" {
		ev.Links = []string{"msg:" + ev.Message.ID}
	}
	return nil
}

// nameDirect brings the two users of a direct conversation into their order. An
// id of one user alone is the actor's peer.
func nameDirect(c *event.Conversation, actor *event.Actor) {
	if c.Kind != event.KindDirect {
		return
	}
	if a, b, ok := c.Users(); ok {
		c.ID = event.Direct(a, b).ID
	} else if actor != nil && actor.ID != "" && c.ID != "" && !strings.Contains(c.ID, "|") {
		c.ID = event.Direct(actor.ID, c.ID).ID
	}
}

// conversation is where the body says that it happened.
func conversation(ev *event.Event) *event.Conversation {
	switch {
	case ev.Group != nil && ev.Group.ID != "":
		return &event.Conversation{Kind: event.KindGroup, ID: ev.Group.ID}
	case ev.Chatroom != nil && ev.Chatroom.ID != "":
		return &event.Conversation{Kind: event.KindChatroom, ID: ev.Chatroom.ID}
	case ev.Channel != nil && ev.Channel.ID != "":
		return &event.Conversation{Kind: event.KindChannel, ID: ev.Channel.ID}
	case ev.Conference != nil && ev.Conference.ID != "":
		return &event.Conversation{Kind: event.KindConference, ID: ev.Conference.ID}
	}
	return nil
}

// nameBody is the inverse: the body that the type is about gets the
// conversation's id.
func nameBody(ev *event.Event, c event.Conversation) {
	word, _, _ := strings.Cut(string(ev.Type), ".")
	switch {
	case word == "group" && c.Kind == event.KindGroup:
		if ev.Group == nil {
			ev.Group = &event.Group{}
		}
		ev.Group.ID = first(ev.Group.ID, c.ID)
	case word == "chatroom" && c.Kind == event.KindChatroom:
		if ev.Chatroom == nil {
			ev.Chatroom = &event.Chatroom{}
		}
		ev.Chatroom.ID = first(ev.Chatroom.ID, c.ID)
	case word == "channel" && c.Kind == event.KindChannel:
		if ev.Channel == nil {
			ev.Channel = &event.Channel{}
		}
		ev.Channel.ID = first(ev.Channel.ID, c.ID)
	case word == "conference" && c.Kind == event.KindConference:
		if ev.Conference == nil {
			ev.Conference = &event.Conference{}
		}
		ev.Conference.ID = first(ev.Conference.ID, c.ID)
	}
}

// nameUser says of an event about a user's device or account that it happened to
// that user, where nobody or somebody else is the actor. Who did it stays open where
// the event does not say.
func nameUser(ev *event.Event) {
	word, _, _ := strings.Cut(string(ev.Type), ".")
	if word != "user" || ev.User == nil || ev.User.ID == "" || len(ev.Members) > 0 {
		return
	}
	if ev.Actor == nil || ev.Actor.ID != ev.User.ID {
		ev.Members = []event.Member{{ID: ev.User.ID}}
	}
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// elsewhere reports whether an event concerns its one member wherever the message
// stood, or the whole app.
func elsewhere(ev *event.Event) bool {
	return (ev.Type == event.PushReport || ev.Type.Family() == "chatroom.super") && len(ev.Members) == 1 && ev.Members[0].ID != ""
}

// lane is the conversation, else the two whose relation it is, else whom it is
// about, else the system's.
func lane(ev *event.Event) event.Lane {
	word, _, _ := strings.Cut(string(ev.Type), ".")
	switch {
	case elsewhere(ev):
		return event.NewLane(event.KindUser, ev.Members[0].ID)
	case ev.Conversation != nil:
		return ev.Conversation.Lane()
	case (word == "friend" || word == "block" || word == "follow") && whose(ev) != "":
		// So that asking, accepting, removing and blocking stay in order.
		if len(ev.Members) == 1 && ev.Members[0].ID != "" {
			return event.Direct(whose(ev), ev.Members[0].ID).Lane()
		}
		return event.NewLane(event.KindUser, whose(ev))
	case ev.User != nil && ev.User.ID != "":
		return event.NewLane(event.KindUser, ev.User.ID)
	case ev.Actor != nil && ev.Actor.ID != "":
		return event.NewLane(event.KindUser, ev.Actor.ID)
	}
	return event.NewLane(event.KindSystem, "")
}

// whose is the user from whose side a relation is told: who acted, or on whose list
// it stands where the server did.
func whose(ev *event.Event) string {
	if ev.Actor != nil && ev.Actor.ID != "" && !ev.Actor.System {
		return ev.Actor.ID
	}
	if ev.Friend != nil && ev.Friend.Owner != "" {
		return ev.Friend.Owner
	}
	if ev.Actor != nil {
		return ev.Actor.ID
	}
	return ""
}
