package openim

import (
	"net/url"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// output is one event on its way out.
type output struct {
	d *Dialect
	*command
	// name is the command's in the generation.
	name       string
	generation string
	ev         *event.Event
	to         dialect.Target
	// own says that the event speaks this dialect's words: its vendor fields and
	// codes are ours.
	own  bool
	reqs []dialect.Request
}

// Encode says ev in OpenIM's words, with the names of the target's generation. An
// event that came from one of our commands goes out as that command, any other as
// the one that stands for its type.
func (d *Dialect) Encode(ev *event.Event, to dialect.Target) ([]dialect.Request, error) {
	c := d.choose(ev)
	if c == nil {
		return nil, dialect.Untranslatable("%s", d.why(ev))
	}
	out := outputs.Get().(*output)
	defer func() {
		*out = output{}
		outputs.Put(out)
	}()
	*out = output{d: d, command: c, ev: ev, to: to, generation: written(to.Generation)}
	out.own = ev.Dialect == Name && d.names[ev.Command].command == c
	if c.elder != "" && !out.own && out.generation != v37 {
		c = d.names[c.elder].command
		out.command = c
	}
	if out.name = c.nameIn(out.generation); out.own && ev.Command == c.v36 && out.generation == v35 {
		out.name = c.v36
	}
	if out.name == "" {
		return nil, dialect.Untranslatable("OpenIM %s has no callback for %s %s", out.generation, ev.Phase, ev.Type)
	}
	if err := c.encode(out); err != nil {
		return nil, err
	}
	if len(out.reqs) > 1 {
		for i := range out.reqs {
			out.reqs[i].ID = event.PartID(ev.ID, i)
		}
	}
	return out.reqs, nil
}

// choose finds the command that says ev; nil when there is none.
func (d *Dialect) choose(ev *event.Event) *command {
	if ev.Dialect == Name {
		if n, ok := d.names[ev.Command]; ok && n.phase == ev.Phase && n.has(ev.Type) {
			return n.command
		}
	}
	c := d.says[occasion{ev.Phase, ev.Type}]
	// Some types have a command for each kind of conversation.
	if c != nil && c.forGroups != "" && ev.Conversation != nil &&
		(ev.Conversation.Kind == event.KindGroup || ev.Conversation.Kind == event.KindChatroom) {
		if ev.Type != event.MessagePushOnline || len(ev.Members) == 0 {
			return d.names[c.forGroups].command
		}
	}
	return c
}

// why says what is missing for a type that no command says.
func (d *Dialect) why(ev *event.Event) string {
	other := event.Before
	if ev.Phase == event.Before {
		other = event.After
	}
	if d.says[occasion{other, ev.Type}] != nil {
		return "OpenIM has a callback " + string(other) + " " + string(ev.Type) + " only"
	}
	switch ev.Type.Family() {
	case "chatroom", "chatroom.member", "chatroom.attribute", "chatroom.super":
		return "OpenIM has no chatrooms"
	case "channel":
		return "OpenIM has no channels"
	case "conference":
		return "OpenIM has no callbacks of conferences"
	}
	return "OpenIM has no callback for " + string(ev.Type)
}

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

// said is what callbackCommand holds: the command, unless the body that came in
// said something else.
func (out *output) said(kept string) string {
	if kept != "" {
		return kept
	}
	return out.name
}

// operation is the body's operationID: the one that came in, else the event's own
// id, which leads to it just as well.
func (out *output) operation(kept *string) string {
	if kept != nil {
		return *kept
	}
	if out.own {
		return ""
	}
	return out.ev.ID
}

// marshal writes JSON as OpenIM does: what is nil is null, arrays too.
func marshal(v any) ([]byte, error) {
	return json.Marshal(v, jsontext.AllowInvalidUTF8(true), json.FormatNilSliceAsNull(true))
}

// post adds a request with v as its body.
func (out *output) post(v any) error {
	body, err := marshal(v)
	if err != nil {
		return dialect.Untranslatable("writing %s: %v", out.name, err)
	}
	out.postBody(body)
	return nil
}

func (out *output) postBody(body []byte) {
	req := dialect.Request{ContentType: jsonType, Body: body}
	switch out.generation {
	case v20, v21:
	case v30:
		req.Query = "callbackCommand=" + url.QueryEscape(out.name)
	default:
		req.Path = out.d.path(out.name)
	}
	out.reqs = append(out.reqs, req)
}

// each calls f for each member, the actor standing in for members that other
// dialects leave out.
func (out *output) each(f func(m *event.Member) error) error {
	ms := out.concerned()
	if len(ms) == 0 {
		return dialect.Untranslatable("it names no member")
	}
	for i := range ms {
		if ms[i].ID == "" {
			return dialect.Untranslatable("a member has no id")
		}
		if err := f(&ms[i]); err != nil {
			return err
		}
	}
	return nil
}

func (out *output) concerned() []event.Member {
	if len(out.ev.Members) == 0 && !out.own {
		return one(actorID(out.ev))
	}
	return out.ev.Members
}

// actorID is who did it; empty when nobody is named.
func actorID(ev *event.Event) string {
	if ev.Actor == nil {
		return ""
	}
	return ev.Actor.ID
}

// memberID is the first of those whom it concerns; empty when there are none.
func memberID(ev *event.Event) string {
	if len(ev.Members) == 0 {
		return ""
	}
	return ev.Members[0].ID
}

func firstOf(ids ...string) string {
	for _, id := range ids {
		if id != "" {
			return id
		}
	}
	return ""
}

// memberIDs is nil for nobody, which is null on the wire.
func memberIDs(ms []event.Member) []string {
	if len(ms) == 0 {
		return nil
	}
	ids := make([]string, len(ms))
	for i := range ms {
		ids[i] = ms[i].ID
	}
	return ids
}

// groupID is the group that an event is about.
func groupID(ev *event.Event) (string, error) {
	switch {
	case ev.Group != nil && ev.Group.ID != "":
		return ev.Group.ID, nil
	case ev.Conversation != nil && ev.Conversation.Kind == event.KindGroup && ev.Conversation.ID != "":
		return ev.Conversation.ID, nil
	case ev.Lane.Kind() == event.KindGroup && ev.Lane.ID() != "":
		return ev.Lane.ID(), nil
	}
	return "", dialect.Untranslatable("it names no group")
}
