package rongcloud

import (
	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// auditResult is the path of the one callback that is signed in headers.
const auditResult = "/audit_result"

// What result says.
const (
	auditPassed  = 10000
	auditRefused = 10001
)

// readAudit reads a moderator's finding. The message stands as JSON in a string;
// the actor is its author, not the moderator.
func readAudit(in *input) *event.Event {
	result, _ := in.number("result")
	id := in.text("msgUID")
	content := in.inner("content")
	content.text("appKey")
	ev := content.readMessage(&auditNames, "")
	if ev == nil {
		return nil
	}
	ev.Moderation = &event.Moderation{Provider: in.text("serviceProvider"), Detail: in.json("resultDetail")}
	switch result {
	case auditPassed:
		ev.Moderation.Verdict = verdictPass
	case auditRefused:
		ev.Moderation.Verdict = verdictRefuse
	default:
		return &event.Event{Type: event.VendorUnknown, Lane: userLane(ev.Actor.ID)}
	}
	if ev.Conversation == nil {
		return &event.Event{Type: event.VendorUnknown, Lane: userLane(ev.Actor.ID)}
	}
	ev.Type = event.ModerationResult
	m := ev.Message
	// The wire says when the message was sent, not when it was looked at.
	m.SentAt, ev.Time = ev.Time, event.Event{}.Time
	if id == "" {
		id = m.ID
	} else if m.ID != id && m.ID != "" {
		content.keep("messageId", m.ID)
	}
	if m.ID = id; id != "" {
		ev.Links = []string{linkPrefix + id}
		// Several moderators may pass the same message.
		ev.Dedupe = dedupe(id, digits(result), ev.Moderation.Provider, event.DeriveID(ev.Moderation.Detail))
	}
	in.nested("message", &content)
	return ev
}

func encodeAudit(out *output) error {
	ev := out.ev
	result := int64(auditRefused)
	switch verdict := verdictOf(ev); verdict {
	case verdictPass:
		result = auditPassed
	case verdictRefuse, verdictRecall:
	case "":
		return dialect.Untranslatable("the finding has no verdict")
	default:
		return dialect.Untranslatable("RongCloud's moderators pass or refuse, they do not %s", verdict)
	}
	if c := ev.Conversation; c != nil && !out.own {
		switch c.Kind {
		case event.KindDirect, event.KindGroup, event.KindChatroom:
		default:
			return dialect.Untranslatable("RongCloud moderates messages of users, groups and chatrooms only")
		}
	}
	inner := *out
	inner.kept = out.kept.inner("message")
	if ev.Message == nil {
		return dialect.Untranslatable("RongCloud moderates messages only")
	}
	from := sender(ev)
	w, err := inner.message(from, &auditNames)
	if err != nil {
		return err
	}
	id := w.id
	if first := inner.kept.text("messageId"); first != "" {
		w.id = first
	}
	var c, s writer
	c.text("appKey", out.to.Credentials.Get("app_key"))
	w.write(&c, &auditNames, &inner)
	c.text(auditNames.os, inner.platform(actorPlatform(ev), auditNames.os))
	c.number(auditNames.time, milli(ev.Message.SentAt))
	leftover(&c, &inner.kept)

	s.number("result", result)
	s.text("content", string(c.end()))
	s.text("msgUID", id)
	s.text("serviceProvider", ev.Moderation.Provider)
	s.text("resultDetail", resultDetail(ev.Moderation, out.same))
	out.post(&s)
	return nil
}

// resultDetail is a moderator's own finding, which is a JSON object in a text:
// what another dialect tells stands in one.
func resultDetail(m *event.Moderation, same bool) string {
	var o object
	if same || o.parse([]byte(m.Detail)) {
		return m.Detail
	}
	var w writer
	some(&w, "detail", m.Detail)
	some(&w, "label", m.Label)
	if len(m.Words) > 0 {
		w.list("words", m.Words)
	}
	return string(w.end())
}
