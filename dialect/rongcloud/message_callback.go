package rongcloud

import (
	"github.com/imhook/imhook/event"
)

// messageCallback is the path of the one before-command of generation v3.
const messageCallback = "/message_callback"

func callbackForm(c *command) *messageNames {
	if c.nexconn {
		return &preHookNames
	}
	return &callbackNames
}

// readCallback reads the question whether a message may be delivered. The app key
// in it is that of the source and says nothing about the message.
func readCallback(in *input) *event.Event {
	ev := in.readMessage(callbackForm(in.command), preMessagingWord(in.command.spec.Name))
	if ev == nil {
		return nil
	}
	m := ev.Message
	ev.Type = event.MessageSend
	if m.Edits != "" {
		ev.Type = event.MessageEdit
		linkOriginal(ev)
	}
	ev.Dedupe = m.ID
	in.text("appKey")
	push := event.Push{Content: in.text("pushContent"), Data: in.json("pushExt"), Disabled: in.flag("disablePush")}
	if push != (event.Push{}) {
		m.Push = &push
	}
	return ev
}

// encodeCallback writes the question.
func encodeCallback(out *output) error {
	ev := out.ev
	n := callbackForm(out.command)
	w, err := out.message(sender(ev), n)
	if err != nil {
		return err
	}
	s := out.fields()
	s.text("appKey", out.to.Credentials.Get("app_key"))
	w.write(s, n, out)
	os := out.platform(actorPlatform(ev), n.os)
	if n.numbers {
		s.number(n.time, milli(out.time()))
		some(s, n.os, os)
	} else {
		s.text(n.time, digits(milli(out.time())))
		s.text(n.os, os)
		if address := clientAddress(ev); !out.own || !out.kept.has("clientIp") && address != "" {
			s.text("clientIp", address)
		}
	}
	edits := ev.Message.Edits
	if edits == "" && ev.Type == event.MessageEdit {
		edits = ev.Message.ID
	}
	some(s, n.edits, edits)
	if p := ev.Message.Push; p != nil {
		some(s, "pushContent", p.Content)
		some(s, "pushExt", pushExt(p))
		if p.Disabled {
			s.boolean("disablePush", true)
		}
	}
	out.post(s)
	return nil
}

// pushExt is the push configuration as JSON text, which has a title as well.
func pushExt(p *event.Push) string {
	if p.Data != "" || p.Title == "" {
		return p.Data
	}
	var w writer
	w.text("title", p.Title)
	return string(w.end())
}

// clientAddress is the device's address where another dialect told it.
func clientAddress(ev *event.Event) string {
	if ev.Presence == nil {
		return ""
	}
	return ev.Presence.Address
}
