package rongcloud

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

var errNoArray = errors.New("command takes one item per request")

// output is one event on its way out.
type output struct {
	command *command
	ev      *event.Event
	to      dialect.Target
	// own says that the event came from this very command, same that it came in
	// this dialect at all.
	own, same bool
	// kept are the event's vendor fields where it is own, and of its message's content
	// where it is the same: taken when written.
	kept object
	// parts is how many requests there will be, where one event may take several.
	parts int
	reqs  []dialect.Request
	// first is room for the one request that most events are.
	first [1]dialect.Request
}

// Encode says ev in RongCloud's words: an event that came from one of the
// generation's commands as that command, any other as the one that stands for its
// type.
func (d *Dialect) Encode(ev *event.Event, to dialect.Target) ([]dialect.Request, error) {
	c, err := d.choose(ev, to.Generation == nexconn)
	if err != nil {
		return nil, err
	}
	out := &output{command: c, ev: ev, to: to, same: ev.Dialect == Name}
	out.reqs = out.first[:0]
	out.own = out.same && ev.Command == c.spec.Name
	if out.same && len(ev.Vendor) > 0 && !out.kept.parse(ev.Vendor) {
		return nil, dialect.Untranslatable("its vendor fields are no JSON object")
	}
	if out.same && !out.own {
		// The generations name all but the content in words of their own.
		out.kept.only("content")
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

// choose finds the command that says ev in a generation.
func (d *Dialect) choose(ev *event.Event, hooks bool) (*command, error) {
	if ev.Dialect == Name {
		if c := d.byName[ev.Command]; c != nil && c.nexconn == hooks && c.has(ev.Type) && c.spec.Phase == ev.Phase {
			return c, nil
		}
	}
	if hooks && ev.Phase == event.Before && ev.Conversation != nil {
		for _, channel := range preMessaging {
			if c := d.byName[channel.command]; channel.fits(ev.Conversation) && c.saysType(ev.Type) {
				return c, nil
			}
		}
	} else if c := d.byType[saying{hooks, ev.Phase, ev.Type}]; c != nil {
		return c, nil
	}
	switch {
	case hooks && d.byType[saying{true, ev.Phase, ev.Type}] == nil && d.byType[saying{false, ev.Phase, ev.Type}] != nil:
		return nil, dialect.Untranslatable("Nexconn has no documented webhook for it; generation v3 has a callback")
	case hooks && ev.Phase == event.Before && d.byType[saying{true, ev.Phase, ev.Type}] != nil:
		return nil, dialect.Untranslatable("Nexconn asks before messages of users, groups, open and community channels only")
	case ev.Phase == event.Before:
		return nil, dialect.Untranslatable("RongCloud asks before messages only, not before %s", ev.Type)
	}
	return nil, dialect.Untranslatable("RongCloud has no callback for %s", ev.Type)
}

func (c *command) saysType(t event.Type) bool { return slices.Contains(c.says, t) }

// fields is what the body of the command is written into.
func (out *output) fields() sink {
	if out.command.form {
		return &formWriter{b: make([]byte, 0, 512)}
	}
	return &writer{}
}

// post adds the request whose fields were written.
func (out *output) post(w sink) {
	if !out.own {
		out.kept = object{}
	}
	env := out.kept.inner("envelope")
	leftover(w, &out.kept)
	req := dialect.Request{Path: out.command.spec.Path, ContentType: jsonType}
	switch w := w.(type) {
	case *formWriter:
		req.ContentType, req.Body = formType, w.b
	case *writer:
		req.Body = w.end()
		switch {
		case out.command.nexconn:
			req.Body = out.wrap(&env, req.Body)
		case out.command.array:
			b := append(req.Body, "]]"...)
			copy(b[1:], req.Body)
			b[0] = '['
			req.Body = b
		}
	}
	out.reqs = append(out.reqs, req)
}

// time is when it happened; an event of another dialect that does not say happens
// now, since backends take a time of zero for a mistake.
func (out *output) time() time.Time {
	if out.ev.Time.IsZero() && !out.own {
		return out.to.Now
	}
	return out.ev.Time
}

// actorID is who did it; empty when nobody is named.
func actorID(ev *event.Event) string {
	if ev.Actor == nil {
		return ""
	}
	return ev.Actor.ID
}

func actorPlatform(ev *event.Event) string {
	if ev.Actor == nil {
		return ""
	}
	return ev.Actor.Platform
}

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

// concerned are the ids of those whom the event is about. Other dialects leave the
// members out where the actor is the one, which a server never is.
func (out *output) concerned() []string {
	if len(out.ev.Members) == 0 {
		if id := actorID(out.ev); id != "" && !out.ev.Actor.System {
			return []string{id}
		}
	}
	return memberIDs(out.ev.Members)
}

// Batch joins the items of reqs into one array. Only commands whose body is an
// array can be joined; for another the error says so.
func (d *Dialect) Batch(reqs []dialect.Request) (dialect.Request, error) {
	if len(reqs) == 1 {
		return reqs[0], nil
	}
	if len(reqs) == 0 {
		return dialect.Request{}, errors.New("batching no requests")
	}
	if c := d.byPath[commandOf(reqs[0].Path)]; c == nil || !c.array {
		return dialect.Request{}, fmt.Errorf("batching %s: %w", reqs[0].Path, errNoArray)
	}
	size := len("[]")
	for i := range reqs {
		size += len(reqs[i].Body) + 1
	}
	body := append(make([]byte, 0, size), '[')
	for i := range reqs {
		items := bytes.TrimSpace(reqs[i].Body)
		if len(items) > 1 && items[0] == '[' {
			items = bytes.TrimSpace(items[1 : len(items)-1])
		} else if elements, ok := profiles(items); ok {
			items = bytes.Join(elements, []byte{','})
		}
		if len(items) == 0 {
			continue
		}
		if len(body) > 1 {
			body = append(body, ',')
		}
		body = append(body, items...)
	}
	first := reqs[0]
	return dialect.Request{
		Path: first.Path, Query: first.Query, ContentType: first.ContentType, Header: first.Header,
		Body: append(body, ']'),
	}, nil
}

// profiles are the items of the object that the text of the group pages speaks of.
func profiles(body []byte) ([][]byte, bool) {
	var o object
	if !bytes.Contains(body, []byte(`"profiles"`)) || !o.parse(body) {
		return nil, false
	}
	return dialect.Elements(o.take("profiles").orNull())
}
