package wildfirechat

import (
	"math"
	"strings"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// output is one event on its way out.
type output struct {
	d       *Dialect
	command *command
	ev      *event.Event
	to      dialect.Target
	// own says that the event speaks this dialect's words: its vendor fields and
	// codes are ours.
	own  bool
	reqs []dialect.Request
}

// Encode says ev in WildfireChat's words. An event that came from one of our
// commands goes out as that command, any other as the one that stands for its
// type.
func (d *Dialect) Encode(ev *event.Event, to dialect.Target) ([]dialect.Request, error) {
	c := d.choose(ev)
	switch {
	case c == nil && ev.Phase == event.Before:
		return nil, dialect.Untranslatable("WildfireChat asks before messages only, not before %s", ev.Type)
	case c == nil:
		return nil, dialect.Untranslatable("WildfireChat has no callback for %s", ev.Type)
	}
	out := output{d: d, command: c, ev: ev, to: to, own: ev.Dialect == Name && ev.Command == c.spec.Name}
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

// choose finds the command that says ev; nil when there is none.
func (d *Dialect) choose(ev *event.Event) *command {
	if ev.Dialect == Name {
		if c := d.byName[ev.Command]; c != nil && c.has(ev.Type) && c.spec.Phase == ev.Phase {
			return c
		}
	}
	if ev.Phase == event.Before {
		if ev.Type == event.MessageSend || ev.Type == event.MessageModify {
			return d.byName["censor"]
		}
		return nil
	}
	return d.byType[ev.Type]
}

// legacy reports whether the bodies of the old documents are asked for.
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

// post adds a request with v as its body; id stands in the path where it has one.
func (out *output) post(id string, v any) error { return out.postAs(out.command, id, v) }

// postAs is post with the path of another command.
func (out *output) postAs(c *command, id string, v any) error {
	body, err := dialect.Marshal(v)
	if err != nil {
		return dialect.Untranslatable("writing %s: %v", c.spec.Name, err)
	}
	out.reqs = append(out.reqs, dialect.Request{Path: fillPath(c, id, false), ContentType: jsonType, Body: body})
	return nil
}

// actorID is who did it; empty when nobody is named.
func actorID(ev *event.Event) string {
	if ev.Actor == nil {
		return ""
	}
	return ev.Actor.ID
}

// memberIDs never returns nil, so that an array is written.
func memberIDs(ms []event.Member) []string {
	ids := make([]string, len(ms))
	for i := range ms {
		ids[i] = ms[i].ID
	}
	return ids
}

// concerned are the ids of those whom the event is about. Other dialects leave
// the members out where the actor is the one, and name a user whose device or
// profile it is by itself.
func (out *output) concerned() []string {
	ev := out.ev
	if len(ev.Members) > 0 || out.own {
		return memberIDs(ev.Members)
	}
	id := actorID(ev)
	if strings.HasPrefix(string(ev.Type), "user.") && ev.User != nil && ev.User.ID != "" {
		id = ev.User.ID
	}
	if id == "" {
		return []string{}
	}
	return []string{id}
}

// place is the id of the conversation of a kind that the event is about: of its
// body if that has one, else of its conversation, else of its lane.
func place(ev *event.Event, kind event.Kind, body string) (string, error) {
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

func channelID(ev *event.Event) string {
	body := ""
	if ev.Channel != nil {
		body = ev.Channel.ID
	}
	id, _ := place(ev, event.KindChannel, body)
	return id
}

// narrow fits a number into the Java int that the wire has.
func narrow(n int) int32 { return int32(max(math.MinInt32, min(math.MaxInt32, n))) }
