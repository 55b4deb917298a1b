package tencent

import (
	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// output is one event on its way out.
type output struct {
	command *command
	ev      *event.Event
	to      dialect.Target
	// own says that the event came from this very command: its vendor fields are
	// ours.
	own bool
	// kept are the vendor fields of an event of ours: what is not taken is written
	// as it was.
	kept object
	w    writer
	reqs []dialect.Request
}

// Encode says ev in Tencent's words. An event that came from one of our commands
// goes out as that command, any other as the one that stands for its type.
func (d *Dialect) Encode(ev *event.Event, to dialect.Target) ([]dialect.Request, error) {
	c := d.choose(ev)
	if c == nil {
		return nil, dialect.Untranslatable("%s", d.reason(ev))
	}
	out := d.outputs.Get().(*output)
	defer d.outputs.Put(out)
	fields, scratch := out.kept.fields[:0], out.kept.scratch[:0]
	*out = output{command: c, ev: ev, to: to, own: ev.Dialect == Name && ev.Command == c.spec.Name}
	out.kept.fields, out.kept.scratch = fields, scratch
	if out.own && len(ev.Vendor) > 0 {
		if err := out.kept.parse(ev.Vendor); err != nil {
			return nil, dialect.Untranslatable("reading vendor fields: %v", err)
		}
	}
	if err := c.encode(out); err != nil {
		return nil, err
	}
	reqs := out.reqs
	if len(reqs) > 1 {
		for i := range reqs {
			reqs[i].ID = event.PartID(ev.ID, i)
		}
	}
	return reqs, nil
}

// choose finds the command that says ev; nil when there is none.
func (d *Dialect) choose(ev *event.Event) *command {
	if ev.Dialect == Name {
		if c := d.byName[ev.Command]; c != nil && c.has(ev.Type) && c.spec.Phase == ev.Phase {
			return c
		}
	}
	if ev.Type == event.PushReport && ev.Conversation == nil {
		return d.byName["Push.AllMemberPush"] // of which message it was is not known
	}
	if c := d.byType[saying{ev.Type, ev.Phase, kindOf(ev)}]; c != nil {
		return c
	}
	return d.byType[saying{ev.Type, ev.Phase, ""}]
}

func kindOf(ev *event.Event) event.Kind {
	if ev.Conversation != nil {
		return ev.Conversation.Kind
	}
	return ev.Lane.Kind()
}

// reason says why no command fits, in words for the operator.
func (d *Dialect) reason(ev *event.Event) string {
	if ev.Type == event.VendorUnknown {
		return "nobody knows what it says"
	}
	text := "Tencent has no webhook for " + string(ev.Phase) + " " + string(ev.Type)
	for _, kind := range event.Kinds() {
		if d.byType[saying{ev.Type, ev.Phase, kind}] != nil {
			return text + " in a conversation of kind " + string(kindOf(ev))
		}
	}
	return text
}

// begin starts a body.
func (out *output) begin() *writer {
	out.w = writer{b: make([]byte, 0, 512)}
	if !out.command.bare {
		out.w.text("CallbackCommand", out.command.spec.Name)
	}
	return &out.w
}

// post ends the body and adds its request: EventTime and what was kept come last.
func (out *output) post() {
	q := out.query()
	if !out.ev.Time.IsZero() && !out.command.timeless {
		out.w.int("EventTime", out.ev.Time.UnixMilli())
	}
	out.w.keep(&out.kept)
	out.reqs = append(out.reqs, dialect.Request{Query: q, ContentType: jsonType, Body: out.w.end()})
}

// again puts back what post took, for the next part of an event.
func (out *output) again() {
	for i := range out.kept.fields {
		out.kept.fields[i].taken = false
	}
}

// query names app, command and origin. The origin of a foreign event is not known;
// its keys stand there, as they do on the vendor's wire.
func (out *output) query() string {
	b := make([]byte, 0, 160)
	if id := out.to.Credentials.Get(appIDKey); id != "" {
		b = appendQuery(b, "SdkAppid", id)
	}
	b = appendQuery(b, "CallbackCommand", out.command.spec.Name)
	b = appendQuery(b, "contenttype", "json")
	ev := out.ev
	platform := ""
	switch {
	case ev.Actor != nil && ev.Actor.Platform != "":
		platform = ev.Actor.Platform
	case ev.Presence != nil:
		platform = ev.Presence.Platform
	}
	if !out.own {
		if out.command.originless {
			return string(b)
		}
		address := ""
		if ev.Presence != nil {
			address = ev.Presence.Address
		}
		if platform == "" && ev.Actor != nil && ev.Actor.System {
			platform = "server"
		}
		b = appendQuery(b, "ClientIP", address)
		return string(appendQuery(b, "OptPlatform", platformWire(platform, false)))
	}
	if v := out.kept.take("ClientIP"); v != nil && v[0] == '"' {
		b = appendQuery(b, "ClientIP", unquote(v))
	} else if ev.Presence != nil && ev.Presence.Address != "" {
		b = appendQuery(b, "ClientIP", ev.Presence.Address)
	}
	if v := out.kept.take("OptPlatform"); v != nil && v[0] == '"' {
		b = appendQuery(b, "OptPlatform", unquote(v))
	} else if platform != "" {
		b = appendQuery(b, "OptPlatform", platformWire(platform, true))
	}
	return string(b)
}

// keptItem is what was kept of the one item of the command's list.
func (out *output) keptItem() *object {
	o := new(object)
	if items := out.kept.list(out.command.list); len(items) == 1 {
		_ = o.parse(items[0]) // what is none is left out
	}
	return o
}

// actorID is who did it; empty when nobody is named.
func actorID(ev *event.Event) string {
	if ev.Actor == nil {
		return ""
	}
	return ev.Actor.ID
}

// operator writes who acted. The wire always names somebody: what nobody in
// particular did, an administrator did.
func (out *output) operator(key string) {
	id := actorID(out.ev)
	if id == "" && out.own {
		return
	}
	if id == "" {
		id = admin
	}
	out.w.text(key, id)
}

// memberIDs never returns nil, so that an array is written.
func memberIDs(ms []event.Member) []string {
	ids := make([]string, len(ms))
	for i := range ms {
		ids[i] = ms[i].ID
	}
	return ids
}

// concerned are the ids of those whom the event is about. Other dialects leave the
// members out where the actor is the one.
func (out *output) concerned() []string {
	if len(out.ev.Members) == 0 && !out.own {
		if id := actorID(out.ev); id != "" {
			return []string{id}
		}
	}
	return memberIDs(out.ev.Members)
}

// accounts writes an array of objects with one id each, or the one that was kept
// because it says more of the same accounts.
func (out *output) accounts(name, key string, ids []string) {
	if v := out.kept.peek(name); v != nil {
		o := object{fields: []field{{put: name, value: v}}}
		if same := new(input).accounts(&o, name, key); joined(same) == joined(ids) {
			out.kept.drop(name)
			out.w.raw(name, v)
			return
		}
		out.kept.drop(name)
	}
	out.w.accounts(name, key, ids)
}

// number32 is a text as the wire's unsigned 32 bits; false for any other.
func number32(s string) (int64, bool) {
	if s == "" || len(s) > 10 || s[0] == '0' && len(s) > 1 {
		return 0, false
	}
	var n int64
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + int64(s[i]-'0')
	}
	return n, n <= 1<<32-1
}
