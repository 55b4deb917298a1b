package rongcloud

import (
	"time"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// What eventType and deleteType say.
const (
	operationRecall = 1
	operationDelete = 2

	deleteListed = 1
	deleteUpTo   = 2
)

// readOperation reads a recall, or what a user deleted from his history. The
// operator is fromUserId, which in a recall by a manager is not the author.
func readOperation(in *input) *event.Event {
	kind, ok := in.number("eventType")
	from := in.text("fromUserId")
	ev := &event.Event{Actor: actor(from), Message: &event.Message{}, Time: in.time("optTime")}
	place := in.inner("conversationInfo")
	original := in.inner("originalMsgInfo")
	if !ok || from == "" {
		return nil
	}
	ev.Actor.Platform = in.platform("source")
	number, _ := place.number("conversationType")
	conv, lane, ok := placeOf(&place, number, from)
	if !ok {
		return nil
	}
	ev.Conversation, ev.Lane = &conv, lane
	if word := channelWord(number); word != usualWord(&conv) {
		place.keepJSON("conversationType", []byte(digits(number)))
	}
	m := ev.Message
	m.ID, m.SentAt = original.text("messageId"), original.time("messageTime")
	if m.ID != "" {
		ev.Links = []string{linkPrefix + m.ID}
	}

	switch kind {
	case operationRecall:
		ev.Type = event.MessageRecall
		recall := in.inner("recallMsgInfo")
		ev.Actor.Admin = recall.flag("isAdmin")
		if recall.flag("isDelete") {
			recall.keepJSON("isDelete", []byte("1"))
		}
		in.nested("recallMsgInfo", &recall)
		ev.Dedupe = dedupe("1", m.ID, digits(milli(ev.Time)))
	case operationDelete:
		ev.Type = event.MessageDelete
		deletion := in.inner("deleteMsgInfo")
		which, _ := deletion.number("deleteType")
		upTo := deletion.time("msgTimestamp")
		if which == deleteUpTo {
			ev.Receipt = &event.Receipt{UpTo: upTo}
		} else if !upTo.IsZero() {
			deletion.keepJSON("msgTimestamp", []byte(digits(milli(upTo))))
		}
		if which != deleteListed && which != deleteUpTo && which != 0 {
			deletion.keepJSON("deleteType", []byte(digits(which)))
		}
		in.nested("deleteMsgInfo", &deletion)
		ev.Dedupe = dedupe("2", string(lane), from, digits(milli(ev.Time)), m.ID)
	default:
		return &event.Event{Type: event.VendorUnknown, Lane: lane}
	}
	if m.ID == "" && m.SentAt.IsZero() {
		ev.Message = nil
	}
	in.nested("conversationInfo", &place)
	in.nested("originalMsgInfo", &original)
	return ev
}

func placeOf(o *object, number int64, from string) (event.Conversation, event.Lane, bool) {
	return place(channelWord(number), from, o.text("targetId"), o.text("busChannel"))
}

// nested keeps what is left over of an object inside, and hands on what could not
// be read.
func (o *object) nested(name string, inner *object) {
	if inner.bad != "" {
		o.fail(name + "." + inner.bad)
	}
	if rest := inner.rest(); rest != nil {
		o.keepJSON(name, rest)
	}
}

func encodeOperation(out *output) error {
	ev := out.ev
	from := actorID(ev)
	admin := ev.Actor != nil && (ev.Actor.Admin || ev.Actor.System && !out.same)
	if c := ev.Conversation; c != nil && c.Kind == event.KindDirect && !out.own {
		if _, ok := c.Peer(from); !ok && ev.Message != nil && ev.Message.Sender != "" {
			// A manager who is not one of the two: the wire sees it from the author.
			from, admin = ev.Message.Sender, from != ""
		}
	}
	if from == "" && ev.Message != nil {
		from = ev.Message.Sender
	}
	if c := ev.Conversation; from == "" && c != nil && c.Kind == event.KindChannel && !out.own {
		from = c.ID // a channel's messages are its own
	}
	if from == "" {
		return dialect.Untranslatable("nobody is named who did it")
	}
	place, first := out.kept.inner("conversationInfo"), out.kept.inner("originalMsgInfo")
	number, _ := place.number("conversationType")
	word, target, err := out.target(ev.Conversation, from, channelWord(number))
	if err != nil {
		return err
	}
	var id string
	var sentAt time.Time
	if m := ev.Message; m != nil {
		id, sentAt = m.ID, m.SentAt
	}
	recall := ev.Type == event.MessageRecall
	upTo := ev.Receipt != nil && !ev.Receipt.UpTo.IsZero()
	if !out.own && id == "" && (recall || !upTo) {
		return dialect.Untranslatable("it does not name the message")
	}

	var w, conv, original, detail writer
	conv.number("conversationType", channelNumber(word))
	conv.text("targetId", target)
	some(&conv, "busChannel", ev.Conversation.Topic)
	leftover(&conv, &place)
	original.text("messageId", id)
	original.number("messageTime", milli(sentAt))
	leftover(&original, &first)

	kind := int64(operationDelete)
	if recall {
		kind = operationRecall
	}
	w.number("eventType", kind)
	w.text("fromUserId", from)
	w.number("optTime", milli(out.time()))
	w.text("source", out.platform(actorPlatform(ev), "source"))
	w.raw("conversationInfo", conv.end())
	w.raw("originalMsgInfo", original.end())
	if recall {
		kept := out.kept.inner("recallMsgInfo")
		deleted, _ := kept.number("isDelete")
		detail.number("isDelete", deleted)
		detail.number("isAdmin", bit(admin))
		leftover(&detail, &kept)
		w.raw("recallMsgInfo", detail.end())
	} else {
		kept := out.kept.inner("deleteMsgInfo")
		which, ok := kept.number("deleteType")
		at, _ := kept.number("msgTimestamp")
		switch {
		case ok:
		case ev.Receipt != nil:
			which = deleteUpTo
		default:
			which = deleteListed
		}
		if ev.Receipt != nil {
			at = milli(ev.Receipt.UpTo)
		}
		detail.number("deleteType", which)
		if at != 0 {
			detail.number("msgTimestamp", at)
		}
		leftover(&detail, &kept)
		w.raw("deleteMsgInfo", detail.end())
	}
	out.post(&w)
	return nil
}

func bit(v bool) int64 {
	if v {
		return 1
	}
	return 0
}
