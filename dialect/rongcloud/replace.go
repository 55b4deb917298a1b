package rongcloud

import (
	"bytes"
	"fmt"
	"reflect"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// passOf is what an allowing answer says: skip the later checks where a hook of
// this dialect asked for it, and the question can carry it.
func passOf(ev *event.Event, c *event.Changes) int {
	if c != nil && ev != nil && ev.Dialect == Name {
		var o object
		if o.parse(c.Vendor) {
			if n, ok := o.number("pass"); ok && n == passSkip {
				return passSkip
			}
		}
	}
	return passDeliver
}

// beyond is what an answer says that has no canonical form, nil when nothing.
func (v *verdict) beyond(ev *event.Event) *event.Changes {
	if *v.Pass != passSkip || ev == nil || ev.Dialect != Name {
		return nil
	}
	return &event.Changes{Vendor: []byte(`{"pass":2}`)}
}

// repeats reports whether the new content is the one that was asked about, as some
// backends always answer: where a source takes no new message, that would be a refusal.
func (v *verdict) repeats(ev *event.Event) bool {
	if v.Content == nil || ev == nil || ev.Message == nil || ev.Dialect == Name {
		return false
	}
	was := ev.Message
	if len(was.Parts) > 0 {
		was = firstPart(was)
	}
	_, asked := writeContent(was, &object{}, false)
	a, b := jsontext.Value(asked), jsontext.Value(*v.Content)
	return asked == *v.Content || a.Canonicalize() == nil && b.Canonicalize() == nil && bytes.Equal(a, b)
}

// changes are what an answer puts in place of the proposal's.
func (v *verdict) changes(ev *event.Event) (*event.Changes, error) {
	own := ev == nil || ev.Dialect == Name
	var was event.Message
	if ev != nil && ev.Message != nil {
		was = *ev.Message
	}
	m := was
	c := &event.Changes{Message: &m}
	var rest object
	if v.Content != nil {
		if !own && len(was.Parts) > 0 {
			was = *firstPart(&was)
		}
		m = event.Message{
			ID: was.ID, ClientID: was.ClientID, Seq: was.Seq, Sender: was.Sender, SentAt: was.SentAt, Push: was.Push,
			Options: was.Options, Edits: was.Edits, Code: codeOf(&was, own),
		}
		s := shapeOf(m.Code)
		var inner object
		if !s.opaque() && !inner.parse([]byte(*v.Content)) {
			return nil, fmt.Errorf("%w: replaceContent is no JSON object, as %s has it", dialect.ErrBadReply, m.Code)
		}
		rest.readContent(&m, *v.Content)
		if !rest.has("content") {
			// It says that the message is whole: what it leaves out is not there.
			rest.keepJSON("content", []byte("{}"))
		}
		if !own {
			m.Code = was.Code
		}
	}
	if v.PushContent != nil || v.DisablePush != nil || v.PushExt != nil {
		push := event.Push{}
		if was.Push != nil {
			push = *was.Push
		}
		if v.PushContent != nil {
			push.Content = *v.PushContent
		}
		if v.PushExt != nil {
			push.Data = *v.PushExt
		}
		if v.DisablePush != nil {
			push.Disabled = *v.DisablePush
		}
		m.Push, c.Push = &push, &push
	}
	if v.Content == nil && c.Push != nil {
		c.Message = nil
	}
	if !own {
		if v.ExtraContent != nil {
			return nil, fmt.Errorf("%w: replaceExtraContent has no place in the %s dialect", dialect.ErrBadReply, ev.Dialect)
		}
		return c, nil
	}
	if v.ExtraContent != nil {
		rest.keep("extraContent", *v.ExtraContent)
		if v.Content == nil {
			c.Message = nil
		}
	}
	if *v.Pass == passSkip {
		rest.keepJSON("pass", []byte("2"))
	}
	c.Vendor = rest.rest()
	return c, nil
}

// replacement is the answer that says a rewrite.
func replacement(ev *event.Event, c *event.Changes) (*verdict, error) {
	r := &verdict{Pass: new(passOf(ev, c))}
	if c == nil {
		return r, nil
	}
	if c.Group != nil || c.User != nil || c.Friend != nil || ev == nil || ev.Message == nil {
		return nil, dialect.Uncarried("rongcloud takes a new message, push and expansion and nothing else")
	}
	if err := dialect.OnlyWords(Name, c.Vendor, "pass", "content", "extraContent"); err != nil {
		return nil, err
	}
	var kept, vendor object
	if ev.Dialect == Name {
		kept.parse(ev.Vendor)
		vendor.parse(c.Vendor)
	}
	was, push := ev.Message, c.Push
	if now := c.Message; now != nil {
		if err := r.replaceContent(was, now, &kept, &vendor); err != nil {
			return nil, err
		}
		if o := now.Options; o != nil && (was.Options == nil || *o != *was.Options) && *o != (event.MessageOptions{}) {
			return nil, dialect.Uncarried("rongcloud cannot replace a message's options")
		}
		if push == nil {
			push = now.Push
		}
	} else if vendor.has("content") {
		return nil, dialect.Uncarried("rongcloud's vendor field content stands beside a message, and there is none")
	}
	if push != nil {
		if push.Title != "" && push.Data != "" && (was.Push == nil || *push != *was.Push) {
			return nil, dialect.Uncarried("rongcloud's push has its title in its data")
		}
		r.replacePush(was.Push, push)
	}
	if vendor.has("extraContent") {
		r.ExtraContent = new(vendor.json("extraContent"))
	}
	return r, nil
}

// replaceContent writes the content of the changed message: of the type that it had,
// with what the type has names for.
func (v *verdict) replaceContent(was, now *event.Message, kept, vendor *object) error {
	whole := vendor.has("content")
	before := kept.inner("content")
	after := vendor.inner("content")
	m := *now
	if !whole {
		m, after = merge(was, now), before
	}
	if m.Kind == "" {
		m.Kind = was.Kind
	}
	m.Code = was.Code
	switch {
	case len(m.Parts) > 0:
		return dialect.Uncarried("a rongcloud message has one part")
	case m.Kind != was.Kind:
		return dialect.Uncarried("rongcloud cannot turn %s into %s", was.Kind, m.Kind)
	}
	code, old := writeContent(was, &before, true)
	before.reset()
	if !whole {
		after = before
	}
	_, content := writeContent(&m, &after, true)
	if code != was.Code {
		return dialect.Uncarried("rongcloud has no content of %s for this", was.Code)
	}
	// Read it again: what did not come through cannot be said here.
	again := event.Message{Code: code}
	var rest object
	rest.readContent(&again, content)
	if !sameContent(&m, &again) {
		return dialect.Uncarried("rongcloud's %s has no names for all of this content", code)
	}
	if content != old {
		if len(content) > contentBytes {
			return dialect.Oversize(Name, "content", "bytes", len(content), contentBytes)
		}
		v.Content = &content
	}
	return nil
}

// reset lets all fields be taken once more.
func (o *object) reset() {
	for i := range o.pairs {
		o.pairs[i].taken = false
	}
}

func sameContent(a, b *event.Message) bool {
	return a.Text == b.Text && a.Extra == b.Extra && reflect.DeepEqual(a.Media, b.Media) && reflect.DeepEqual(a.Location, b.Location) &&
		reflect.DeepEqual(a.Custom, b.Custom) && sameMentions(a.Mentions, b.Mentions)
}

func sameMentions(a, b *event.Mentions) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.All == b.All && bytes.Equal([]byte(dedupe(a.Users...)), []byte(dedupe(b.Users...)))
}

// merge lays the changed message over the original: what a hook leaves out, since
// its dialect has no word for it, stays.
func merge(was, now *event.Message) event.Message {
	m := *now
	if m.Kind != "" && m.Kind != was.Kind {
		return m
	}
	m.Kind = was.Kind
	if m.Media == nil {
		m.Media = was.Media
	}
	if m.Location == nil {
		m.Location = was.Location
	}
	if m.Custom == nil {
		m.Custom = was.Custom
	}
	if m.Text == "" && m.Kind != event.Text {
		m.Text = was.Text
	}
	if m.Mentions == nil {
		m.Mentions = was.Mentions
	}
	if m.Extra == "" {
		m.Extra = was.Extra
	}
	return m
}

// replacePush writes what changed of the push.
func (v *verdict) replacePush(was, now *event.Push) {
	before := event.Push{}
	if was != nil {
		before = *was
	}
	if now.Content != before.Content {
		v.PushContent = &now.Content
	}
	if ext := pushExt(now); ext != pushExt(&before) {
		v.PushExt = &ext
	}
	if now.Disabled != before.Disabled {
		v.DisablePush = &now.Disabled
	}
}
