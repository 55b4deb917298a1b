package easemob

import (
	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// host is what foreign events name as the server that saw them.
const host = "imhook"

// output is one event on its way out.
type output struct {
	command *command
	ev      *event.Event
	to      dialect.Target
	// own says that the event speaks this dialect's words: its vendor fields and
	// codes are ours.
	own  bool
	reqs []dialect.Request
}

// Encode says ev in Easemob's words, with security empty. An event that came from
// one of the commands goes out as that command, any other as the one that stands
// for its type in the target's generation; where that takes one member at a time,
// an event of several becomes a request for each.
func (d *Dialect) Encode(ev *event.Event, to dialect.Target) ([]dialect.Request, error) {
	c, err := d.choose(ev, to.Generation == legacy)
	if err != nil {
		return nil, err
	}
	return encodeAs(c, ev, to, ev.Dialect == Name && ev.Command == c.spec.Name)
}

func encodeAs(c *command, ev *event.Event, to dialect.Target, own bool) ([]dialect.Request, error) {
	out := output{command: c, ev: ev, to: to, own: own}
	if err := c.encode(&out); err != nil {
		return nil, err
	}
	if len(out.reqs) > 1 {
		for i := range out.reqs {
			out.reqs[i].ID = event.PartID(ev.ID, i)
		}
	}
	return out.reqs, nil
}

// choose finds the command that says ev.
func (d *Dialect) choose(ev *event.Event, old bool) (*command, error) {
	if ev.Dialect == Name {
		if c := d.commands[ev.Command]; c != nil && c.spec.Phase == ev.Phase && c.has(ev.Type) {
			return c, nil
		}
	}
	if ev.Phase == event.Before {
		switch ev.Type {
		case event.MessageSend, event.MessageModify, event.MessageEdit:
			return d.commands[preSend], nil
		}
		return nil, dialect.Untranslatable("Easemob asks before messages only, not before %s", ev.Type)
	}
	switch ev.Type {
	case event.MessageSend, event.MessagePushOffline:
		return d.chooseMessage(ev)
	case event.VendorUnknown:
		return nil, dialect.Untranslatable("nobody knows what it says")
	}
	says := d.current
	if old {
		says = d.legacy
	}
	c := says[ev.Type]
	if c == nil {
		if old && d.current[ev.Type] != nil {
			return nil, dialect.Untranslatable("Easemob's legacy generation has no callback for %s", ev.Type)
		}
		return nil, dialect.Untranslatable("Easemob has no callback for %s", ev.Type)
	}
	if c.instead != nil {
		if name := c.instead(ev); name != "" {
			c = d.commands[name]
		}
	}
	return c, nil
}

// chooseMessage finds the command by conversation and content.
func (d *Dialect) chooseMessage(ev *event.Event) (*command, error) {
	if ev.Message == nil || ev.Conversation == nil {
		return nil, dialect.Untranslatable("it lacks the message or the conversation")
	}
	where, ok := chatNames[ev.Conversation.Kind]
	if !ok {
		return nil, dialect.Untranslatable("there are no messages to a %s here", ev.Conversation.Kind)
	}
	content, err := contentFor(ev.Message, ev.Dialect == Name)
	if err != nil {
		return nil, err
	}
	name := where + ":" + content.wire
	if ev.Type == event.MessagePushOffline {
		name += offlineSuffix
	}
	return d.commands[name], nil
}

// legacy reports whether the older bodies are asked for.
func (out *output) legacy() bool { return out.to.Generation == legacy }

// kept reads the event's vendor fields back where they are ours.
func (out *output) kept(rest any) error {
	if !out.own {
		return nil
	}
	if err := dialect.FromVendor(out.ev.Vendor, rest); err != nil {
		return dialect.Untranslatable("%v", err)
	}
	return nil
}

// keptMessage is kept for messages.
func (out *output) keptMessage(m *message) error {
	if !out.own || len(out.ev.Vendor) == 0 || quickMessage(string(out.ev.Vendor), m) {
		return nil
	}
	return out.kept(m)
}

// keptGroupOp is kept for the newer reports about groups and chatrooms.
func (out *output) keptGroupOp(w *groupOp) error {
	if !out.own || len(out.ev.Vendor) == 0 || quickGroupOp(string(out.ev.Vendor), w) {
		return nil
	}
	return out.kept(w)
}

// appKey is the app that foreign events are said to belong to.
func (out *output) appKey() string {
	return or(out.to.Credentials.Get("app_key"), out.ev.App)
}

// wrap writes who acted as the reports of groups and contacts have it: with the app,
// and with the device where it is known.
func (out *output) wrap(id string) string {
	if id == "" || system(id) {
		return id
	}
	device := ""
	if a := out.ev.Actor; a != nil && a.ID == id {
		device = a.Client
	}
	return wrapDevice(out.appKey(), id, device)
}

// id is that of the k-th of n requests, as a message or call id.
func (out *output) id(k, n int) string {
	if n > 1 {
		return event.PartID(out.ev.ID, k)
	}
	return out.ev.ID
}

// fill sets what all message-like bodies have.
func (out *output) fill(e *envelope, k, n int) {
	e.Security = ""
	if at := out.millis(); at != 0 {
		e.Timestamp = at
	}
	if !out.own {
		if e.MsgID == "" {
			e.MsgID = out.id(k, n)
		}
		e.AppKey, e.Host = out.appKey(), host
	}
	if e.CallID == "" {
		e.CallID = defaultCallID(e.AppKey, e.MsgID)
	}
}

// callID is the call id of what no message causes: app key and an id of its own.
func (out *output) callID(kept, appKey string, k, n int) string {
	if kept != "" || out.own {
		return kept
	}
	return defaultCallID(appKey, out.id(k, n))
}

// millis is the event's time as the wire has it; now for an event of another wire
// that had none, since the signed time is what a receiver looks at. It is 0 for one
// of this wire: what it had is kept.
func (out *output) millis() int64 {
	at := out.ev.Time
	if at.IsZero() && !out.own {
		at = out.to.Now
	}
	if at.IsZero() {
		return 0
	}
	return at.UnixMilli()
}

// post adds a request with v as its body.
func (out *output) post(v any) error {
	b, err := dialect.Marshal(v)
	if err != nil {
		return dialect.Untranslatable("writing %s: %v", out.command.spec.Name, err)
	}
	out.add(b)
	return nil
}

// add adds a request.
func (out *output) add(body []byte) {
	out.reqs = append(out.reqs, dialect.Request{Path: out.command.spec.Path, ContentType: jsonType, Body: body})
}

// message is post for the struct that is written by hand.
func (out *output) message(m *message) error {
	b, err := m.json(false)
	if err != nil {
		return dialect.Untranslatable("writing %s: %v", out.command.spec.Name, err)
	}
	out.add(b)
	return nil
}

// concerned are those whom the event is about. Other dialects leave the members
// out where the actor is the one.
func (out *output) concerned() []event.Member {
	ev := out.ev
	if len(ev.Members) == 0 && !out.own && ev.Actor != nil && ev.Actor.ID != "" {
		return []event.Member{{ID: ev.Actor.ID}}
	}
	return ev.Members
}

// place is the id of the group or chatroom that the event is about: of its body,
// its conversation or its lane.
func place(ev *event.Event, kind event.Kind) (string, error) {
	switch {
	case kind == event.KindGroup && ev.Group != nil && ev.Group.ID != "":
		return ev.Group.ID, nil
	case kind == event.KindChatroom && ev.Chatroom != nil && ev.Chatroom.ID != "":
		return ev.Chatroom.ID, nil
	case ev.Conversation != nil && ev.Conversation.Kind == kind && ev.Conversation.ID != "":
		return ev.Conversation.ID, nil
	case ev.Lane.Kind() == kind && ev.Lane.ID() != "":
		return ev.Lane.ID(), nil
	}
	return "", dialect.Untranslatable("it names no %s", kind)
}
