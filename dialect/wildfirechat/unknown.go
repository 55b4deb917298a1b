package wildfirechat

import (
	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// guessLane finds an order for a body of a path that we do not know, from the
// ids that WildfireChat's bodies share. Anything may stand there, so that every
// field is read for itself.
func guessLane(body []byte) event.Lane {
	var ids struct {
		Sender       jsontext.Value `json:"sender"`
		Conv         jsontext.Value `json:"conv"`
		Conversation jsontext.Value `json:"conversation"`
		GroupID      jsontext.Value `json:"groupId"`
		ChatroomID   jsontext.Value `json:"chatroomId"`
		ChannelID    jsontext.Value `json:"channelId"`
		RoomID       jsontext.Value `json:"roomId"`
		UserID       jsontext.Value `json:"userId"`
		User         jsontext.Value `json:"user"`
	}
	if dialect.Unmarshal(Name, "", body, &ids) != nil {
		return systemLane()
	}
	sender := text(ids.Sender)
	for _, v := range []jsontext.Value{ids.Conv, ids.Conversation} {
		var c conv
		if len(v) == 0 || dialect.Unmarshal(Name, "", v, &c) != nil || c.Target == "" {
			continue
		}
		from := sender
		if from == "" {
			from = text(ids.User)
		}
		if from != "" || c.Type != convPrivate {
			_, lane := c.place(from)
			return lane
		}
	}
	for _, try := range []struct {
		kind event.Kind
		id   jsontext.Value
	}{
		{event.KindGroup, ids.GroupID},
		{event.KindChatroom, ids.ChatroomID},
		{event.KindChannel, ids.ChannelID},
		{event.KindConference, ids.RoomID},
		{event.KindUser, ids.UserID},
		{event.KindUser, ids.User},
		{event.KindUser, ids.Sender},
	} {
		if id := text(try.id); id != "" {
			return event.NewLane(try.kind, id)
		}
	}
	return systemLane()
}

// text is the string that v holds, or "".
func text(v jsontext.Value) string {
	var s string
	if v.Kind() != '"' || dialect.Unmarshal(Name, "", v, &s) != nil {
		return ""
	}
	return s
}
