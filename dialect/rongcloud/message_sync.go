package rongcloud

import (
	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// What sensitiveType says (Nexconn: profanityType).
const (
	cleanMessage    = 0
	blockedMessage  = 1
	replacedMessage = 2
)

// Verdicts of a word list or a moderator.
const (
	verdictPass    = "pass"
	verdictRefuse  = "refuse"
	verdictReplace = "replace"
	verdictRecall  = "recall"
)

// syncForm is what differs between message_sync and message:send.
func syncForm(c *command) (n *messageNames, sensitive string) {
	if c.nexconn {
		return &hookNames, "profanityType"
	}
	return &syncNames, "sensitiveType"
}

// readSync reads a message of the full message route.
func readSync(in *input) *event.Event {
	n, sensitive := syncForm(in.command)
	ev := in.readMessage(n, "")
	if ev == nil {
		return nil
	}
	if ev.Conversation == nil {
		return &event.Event{Type: event.VendorUnknown, Lane: userLane(ev.Actor.ID)}
	}
	m := ev.Message
	ev.Type = event.MessageSend
	ev.Dedupe = m.ID
	if m.Edits != "" {
		ev.Type = event.MessageEdit
		ev.Dedupe = dedupe(m.ID, m.Edits, digits(milli(ev.Time)))
		linkOriginal(ev)
	}
	switch found, _ := in.number(sensitive); found {
	case cleanMessage:
	case blockedMessage:
		ev.Type = event.MessageIntercept
		ev.Moderation = &event.Moderation{Verdict: verdictRefuse}
	case replacedMessage:
		ev.Moderation = &event.Moderation{Verdict: verdictReplace}
	default:
		in.keepJSON(sensitive, []byte(digits(found)))
	}
	return ev
}

// encodeSync writes a message of the full message route.
func encodeSync(out *output) error {
	ev := out.ev
	n, sensitive := syncForm(out.command)
	found, kept := out.kept.number(sensitive)
	if !kept {
		found = cleanMessage
		switch verdict := verdictOf(ev); {
		case ev.Type == event.MessageIntercept && verdict == verdictPass:
			return dialect.Untranslatable("RongCloud reports messages that a word list refused or replaced, not those that it let pass")
		case verdict == verdictReplace:
			found = replacedMessage
		case ev.Type == event.MessageIntercept:
			found = blockedMessage
		}
	}
	if ev.Type == event.MessageEdit && (ev.Message == nil || ev.Message.Edits == "" && ev.Message.ID == "") {
		return dialect.Untranslatable("it does not name the edited message")
	}
	w, err := out.message(sender(ev), n)
	if err != nil {
		return err
	}
	s := out.fields()
	w.write(s, n, out)
	os := out.platform(actorPlatform(ev), n.os)
	if n.numbers {
		s.number(n.time, milli(out.time()))
		some(s, n.os, os)
		if found != cleanMessage {
			s.number(sensitive, found)
		}
	} else {
		s.text(n.time, digits(milli(out.time())))
		s.text(n.os, os)
		s.number(sensitive, found)
	}
	edits := ev.Message.Edits
	if edits == "" && ev.Type == event.MessageEdit {
		edits = ev.Message.ID
	}
	some(s, n.edits, edits)
	out.post(s)
	return nil
}

func verdictOf(ev *event.Event) string {
	if ev.Moderation == nil {
		return ""
	}
	return ev.Moderation.Verdict
}
