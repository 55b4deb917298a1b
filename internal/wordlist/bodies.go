package wordlist

import (
	"slices"

	"github.com/imhook/imhook/event"
)

// texts shows what an event proposes to say and a rewrite can change: only what the
// event is about. The group of a message, say, is not what the message proposes.
func texts(ev *event.Event, show func(*string)) {
	switch ev.Type {
	case event.MessageSend, event.MessageModify, event.MessageEdit:
		messageTexts(ev.Message, show)
	case event.MessagePushOffline, event.MessagePushOnline:
		// The message is under way already.
		if ev.Message != nil {
			pushTexts(ev.Message.Push, show)
		}
	case event.GroupCreate, event.GroupUpdate:
		groupTexts(ev.Group, show)
	case event.UserRegister, event.UserUpdate:
		userTexts(ev.User, show)
	case event.FriendRequest, event.FriendRespond, event.FriendRename:
		friendTexts(ev.Friend, show)
	}
}

// fixed shows what an event proposes to say and no rewrite has a place for.
func fixed(ev *event.Event, show func(*string)) {
	switch ev.Type {
	case event.ChannelCreate:
		if ev.Channel != nil {
			show(&ev.Channel.Name)
		}
	case event.ChatroomCreate:
		if c := ev.Chatroom; c != nil {
			show(&c.Name)
			show(&c.Introduction)
			show(&c.Announcement)
		}
	case event.TopicCreate:
		if ev.Thread != nil {
			show(&ev.Thread.Name)
		}
	case event.GroupMemberUpdate:
		for i := range ev.Members {
			show(&ev.Members[i].Alias)
		}
	case event.GroupMemberApply, event.ChatroomMemberApply:
		for i := range ev.Members {
			show(&ev.Members[i].Reason)
		}
	}
}

// changed returns copies of the bodies in which change changes a text.
func changed(ev *event.Event, change func(*string)) *event.Changes {
	differs := false
	track := func(text *string) {
		was := *text
		change(text)
		differs = differs || *text != was
	}
	next := &event.Event{
		Type: ev.Type, Message: copyMessage(ev.Message), Group: clone(ev.Group), User: clone(ev.User), Friend: clone(ev.Friend),
	}
	c := &event.Changes{}
	texts(next, track)
	if !differs {
		return c
	}
	switch ev.Type.Family() {
	case "message", "message.push":
		repeat(ev.Message, next.Message)
		c.Message = next.Message
	case "group":
		c.Group = next.Group
	case "user":
		c.User = next.User
	case "friend":
		c.Friend = next.Friend
	}
	return c
}

func messageTexts(m *event.Message, show func(*string)) {
	if m == nil {
		return
	}
	show(&m.Text)
	if m.Media != nil {
		show(&m.Media.Name)
	}
	if m.Location != nil {
		show(&m.Location.Title)
		show(&m.Location.Address)
	}
	pushTexts(m.Push, show)
	for i := range m.Parts {
		messageTexts(&m.Parts[i], show)
	}
}

func pushTexts(p *event.Push, show func(*string)) {
	if p != nil {
		show(&p.Title)
		show(&p.Content)
	}
}

func groupTexts(g *event.Group, show func(*string)) {
	if g != nil {
		show(&g.Name)
		show(&g.Introduction)
		show(&g.Announcement)
	}
}

func userTexts(u *event.User, show func(*string)) {
	if u != nil {
		show(&u.Name)
		show(&u.DisplayName)
	}
}

func friendTexts(f *event.Friend, show func(*string)) {
	if f != nil {
		show(&f.Alias)
		show(&f.Text)
	}
}

// copyMessage copies a message with all that texts and payloads stand in.
func copyMessage(m *event.Message) *event.Message {
	if m == nil {
		return nil
	}
	c := *m
	c.Media, c.Location, c.Push, c.Custom = clone(m.Media), clone(m.Location), clone(m.Push), clone(m.Custom)
	c.Parts = slices.Clone(m.Parts)
	for i := range c.Parts {
		c.Parts[i] = *copyMessage(&m.Parts[i])
	}
	return &c
}

func clone[T any](p *T) *T {
	if p == nil {
		return nil
	}
	c := *p
	return &c
}

// repeat changes the payloads that say a text again that was changed.
func repeat(was, now *event.Message) {
	if now.Custom != nil {
		now.Custom.Data = again(now.Custom.Data, was.Text, now.Text)
	}
	for i := range now.Parts {
		repeat(&was.Parts[i], &now.Parts[i])
	}
}
