package wildfirechat

import (
	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// The conversation types of the wire.
const (
	convPrivate  = 0
	convGroup    = 1
	convChatroom = 2
	convChannel  = 3
	convThings   = 4
	convSecret   = 5
)

// conv is a conversation on the wire.
type conv struct {
	Type   int32  `json:"type"`
	Target string `json:"target"`
	convRest
}

// convRest is what of a conversation has no canonical place. Type and Target
// stand here only where the canonical conversation does not tell them.
type convRest struct {
	Type   *int32 `json:"type,omitzero"`
	Target string `json:"target,omitzero"`
	// Line is another conversation with the same target; it keeps the lane.
	Line    int32          `json:"line"`
	Unknown jsontext.Value `json:",embed"`
}

// place returns the conversation and its lane, for a message from sender. Nil
// and the sender's lane for a type that has no canonical kind.
func (c *conv) place(sender string) (event.Conversation, event.Lane) {
	switch c.Type {
	case convPrivate:
		k := event.Direct(sender, c.Target)
		return k, k.Lane()
	case convGroup:
		return placed(event.KindGroup, c.Target)
	case convChatroom:
		return placed(event.KindChatroom, c.Target)
	case convChannel:
		return placed(event.KindChannel, c.Target)
	case convThings:
		return placed(event.KindUser, c.Target)
	case convSecret:
		// The target names the secret chat; its two users are not on the wire.
		c.convRest.Type = new(c.Type)
		return event.Conversation{Kind: event.KindDirect, ID: c.Target}, userLane(sender)
	}
	c.convRest.Type, c.convRest.Target = new(c.Type), c.Target
	return event.Conversation{}, userLane(sender)
}

// placed cuts the conversation's id out of its lane, to have both in one string.
func placed(kind event.Kind, id string) (event.Conversation, event.Lane) {
	lane := event.NewLane(kind, id)
	return event.Conversation{Kind: kind, ID: string(lane[len(kind)+1:])}, lane
}

// placeAs is place for a command that says the kind itself, whatever the body's
// type is.
func (c *conv) placeAs(kind event.Kind, normal int32) (event.Conversation, event.Lane) {
	c.convRest.Type = pointer(c.Type, normal)
	return placed(kind, c.Target)
}

// writeConv is the inverse of place: from is the user on whose side the wire
// stands, rest what the event kept.
func writeConv(c *event.Conversation, from string, rest convRest) (conv, error) {
	w := conv{convRest: rest}
	if rest.Type != nil {
		w.Type, w.Target = *rest.Type, rest.Target
		if c != nil {
			w.Target = c.ID
		}
		return w, nil
	}
	if c == nil {
		return w, dialect.Untranslatable("it has no conversation")
	}
	w.Target = c.ID
	switch c.Kind {
	case event.KindDirect:
		peer, ok := c.Peer(from)
		if !ok {
			return w, dialect.Untranslatable("the user is none of the two of the direct conversation, so that there is no peer")
		}
		w.Type, w.Target = convPrivate, peer
	case event.KindGroup:
		w.Type = convGroup
	case event.KindChatroom:
		w.Type = convChatroom
	case event.KindChannel:
		w.Type = convChannel
	case event.KindUser:
		w.Type = convThings
	default:
		return w, dialect.Untranslatable("there is no conversation type for %s", c.Kind)
	}
	return w, nil
}
