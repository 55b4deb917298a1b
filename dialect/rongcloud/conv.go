package rongcloud

import (
	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// channels are the conversation types, as words (channelType) and numbers
// (conversationType, Nexconn's channelType). Of several of one kind the first is
// written.
var channels = [...]struct {
	word   string
	number int64
	kind   event.Kind
}{
	{"PERSON", 1, event.KindDirect},
	{"GROUP", 3, event.KindGroup},
	{"PERSONS", 2, event.KindGroup}, // a discussion
	{ultraGroup, 10, event.KindGroup},
	{"TEMPGROUP", 4, event.KindChatroom}, // in spite of the word
	{"MP", 8, event.KindChannel},
	{"MC", 7, event.KindChannel},
	{"CUSTOMERSERVICE", 5, event.KindChannel},
	{"NOTIFY", 6, event.KindUser},
}

// ultraGroup alone has channels inside it (busChannel).
const ultraGroup = "ULTRAGROUP"

func channelNumber(word string) int64 {
	for i := range channels {
		if channels[i].word == word {
			return channels[i].number
		}
	}
	return 0
}

func channelWord(number int64) string {
	for i := range channels {
		if channels[i].number == number {
			return channels[i].word
		}
	}
	return ""
}

func channelKind(word string) event.Kind {
	for i := range channels {
		if channels[i].word == word {
			return channels[i].kind
		}
	}
	return ""
}

// usualWord is the word that goes with a conversation.
func usualWord(c *event.Conversation) string {
	if c.Kind == event.KindGroup && c.Topic != "" {
		return ultraGroup
	}
	for i := range channels {
		if channels[i].kind == c.Kind {
			return channels[i].word
		}
	}
	return ""
}

// place is the conversation of a type, seen from a user, with its lane; false
// where the type is not known or the target is missing.
func place(word, from, target, topic string) (event.Conversation, event.Lane, bool) {
	kind := channelKind(word)
	switch {
	case kind == "" || target == "" || kind == event.KindDirect && from == "":
		return event.Conversation{}, "", false
	case kind == event.KindDirect:
		c := event.Direct(from, target)
		c.Topic = topic
		return c, c.Lane(), true
	}
	lane := event.NewLane(kind, target)
	return event.Conversation{Kind: kind, ID: string(lane[len(kind)+1:]), Topic: topic}, lane, true
}

// target is the inverse of place: the type's word and the target as from sees it.
// kept is the word that came in.
func (out *output) target(c *event.Conversation, from, kept string) (word, target string, err error) {
	if c == nil || c.ID == "" {
		return "", "", dialect.Untranslatable("it has no conversation")
	}
	word = kept
	if channelKind(word) != c.Kind || word == "" {
		word = usualWord(c)
	}
	switch {
	case word == "":
		return "", "", dialect.Untranslatable("RongCloud has no conversation of kind %s", c.Kind)
	case c.Kind == event.KindDirect:
		peer, ok := c.Peer(from)
		if !ok || peer == "" {
			return "", "", dialect.Untranslatable("user %q has no peer in the direct conversation", from)
		}
		return word, peer, nil
	}
	return word, c.ID, nil
}

// whose finds the id of what an event of a kind is about: of its body if that has
// one, else of its conversation, else of its lane.
func whose(ev *event.Event, kind event.Kind, body string) (string, error) {
	switch {
	case body != "":
		return body, nil
	case ev.Conversation != nil && ev.Conversation.Kind == kind && ev.Conversation.ID != "":
		return ev.Conversation.ID, nil
	case ev.Lane.Kind() == kind && ev.Lane.ID() != "":
		return ev.Lane.ID(), nil
	}
	return "", dialect.Untranslatable("it names no %s", kind)
}
