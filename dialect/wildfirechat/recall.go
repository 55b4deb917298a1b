package wildfirechat

import (
	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// recall is OutputRecallMessageData: a message that was taken back.
type recall struct {
	Message   outputMessage `json:"message"`
	UserID    string        `json:"userId"`
	Timestamp int64         `json:"timestamp"`
	IsAdmin   bool          `json:"isAdmin"`
	recallRest
}

type recallRest struct {
	Timestamp int64          `json:"timestamp,omitzero"`
	Unknown   jsontext.Value `json:",embed"`
}

type recallVendor struct {
	Message messageVendor `json:"message"`
	recallRest
}

func decodeRecall(in input) (*event.Event, error) {
	var w recall
	w.Message.reset()
	if err := in.read(&w); err != nil {
		return nil, err
	}
	inner := &w.Message
	if field := inner.check(); field != "" {
		return nil, in.missing("message." + field)
	}
	// The old documents have no recall: there is one form of it.
	ev := &event.Event{Type: event.MessageRecall, Generation: current, Message: &event.Message{}}
	ev.Time, w.recallRest.Timestamp = fromMillis(w.Timestamp)
	if w.UserID != "" || w.IsAdmin {
		ev.Actor = &event.Actor{ID: w.UserID, System: w.IsAdmin}
	}
	m := ev.Message
	inner.Payload.message(m)
	m.Sender = inner.Sender
	m.SentAt, inner.messageRest.Timestamp = fromMillis(inner.Timestamp)
	var link string
	if link, m.ID = linkText(inner.MessageID); m.ID != "" {
		ev.Links, ev.Dedupe = []string{link}, m.ID
	}
	var place event.Conversation
	if place, ev.Lane = inner.Conv.place(inner.Sender); place.Kind != "" {
		ev.Conversation = &place
	}
	// The recall is not directed at those whom the message was sent to.
	inner.messageRest.ToUsers = nonEmpty(inner.ToUsers)
	inner.messageRest.Client, inner.messageRest.ToRobotID = inner.Client, inner.ToRobotID

	v := recallVendor{Message: inner.vendor(), recallRest: w.recallRest}
	var err error
	ev.Vendor, err = vendor(in, &v)
	return ev, err
}

func encodeRecall(out *output) error {
	ev := out.ev
	var kept recallVendor
	if err := out.kept(&kept); err != nil {
		return err
	}
	if ev.Message == nil {
		return dialect.Untranslatable("it has no message")
	}
	sender := ev.Message.Sender
	if sender == "" {
		sender = actorID(ev)
	}
	w := recall{recallRest: kept.recallRest}
	inner := &w.Message
	if err := out.message(inner, ev.Message, sender, ev.Conversation, &kept.Message); err != nil {
		return err
	}
	inner.Timestamp = toMillis(ev.Message.SentAt, kept.Message.Timestamp)
	inner.ToUsers = kept.Message.ToUsers
	inner.Client, inner.ToRobotID = kept.Message.Client, kept.Message.ToRobotID
	w.UserID, w.IsAdmin = actorID(ev), ev.Actor != nil && ev.Actor.System
	w.Timestamp = toMillis(ev.Time, kept.Timestamp)
	return out.post("", &w)
}
