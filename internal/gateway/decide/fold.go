package decide

import (
	"cmp"
	"reflect"
	"slices"

	"github.com/imhook/imhook/event"
)

// fold is what the hooks asked so far say together. Its zero value allows. It is a
// value: adding to it leaves the old one as it was.
type fold struct {
	changes   *event.Changes
	rewritten bool
	refused   []event.Refusal
	// end is the deny or drop that ended the chain.
	end *event.Verdict
}

// add returns the fold with one more verdict.
func (f fold) add(v event.Verdict) fold {
	if v.Action == event.Deny || v.Action == event.Drop {
		// Who is refused, and what was changed, is beside the point now.
		f.end = &event.Verdict{Action: v.Action, Code: v.Code, Reason: v.Reason}
		return f
	}
	f.rewritten = f.rewritten || v.Action == event.Rewrite
	f.changes = overlay(f.changes, v.Changes)
	if len(v.Refused) > 0 {
		// A member that two hooks refuse is refused with the first one's words.
		f.refused = slices.Clone(f.refused)
		for _, r := range v.Refused {
			if !slices.ContainsFunc(f.refused, func(o event.Refusal) bool { return o.ID == r.ID }) {
				f.refused = append(f.refused, r)
			}
		}
	}
	return f
}

// verdict is what is answered.
func (f fold) verdict() event.Verdict {
	switch {
	case f.end != nil:
		return *f.end
	case f.rewritten:
		return event.Verdict{Action: event.Rewrite, Changes: f.changes, Refused: f.refused}
	}
	// Some dialects say something with an allow as well (RongCloud: skip the
	// moderation that would follow).
	return event.Verdict{Action: event.Allow, Changes: f.changes, Refused: f.refused}
}

// over reports whether there is nothing left to ask: it is decided, or nobody is
// left.
func (f fold) over(ev *event.Event) bool {
	if f.end != nil {
		return true
	}
	return len(ev.Members) > 0 && len(f.refused) > 0 && len(remaining(ev.Members, f.refused)) == 0
}

// seen is the event as the next hook sees it, and whether that is still what came
// in.
func (f fold) seen(ev *event.Event) (next *event.Event, changed bool) {
	if f.changes == nil && len(f.refused) == 0 {
		return ev, false
	}
	e := *ev
	e.Raw = event.Raw{}
	if c := f.changes; c != nil {
		e.Message = named(e.Message, c.Message)
		e.Group = merge(e.Group, c.Group)
		e.User = merge(e.User, c.User)
		e.Friend = merge(e.Friend, c.Friend)
		if c.Push != nil && e.Message != nil {
			m := *e.Message
			m.Push = c.Push
			e.Message = &m
		}
	}
	e.Members = remaining(e.Members, f.refused)
	return &e, true
}

// overlay puts later changes over earlier ones. Of a profile what the later one
// leaves out stays as it is, and so does how a message is shown and stored: who wrote
// the later one saw the earlier one's and did not take it back.
func overlay(before, after *event.Changes) *event.Changes {
	if before == nil || after == nil {
		return cover(before, after)
	}
	c := *before
	c.Message = kept(c.Message, after.Message)
	c.Group = merge(c.Group, after.Group)
	c.User = merge(c.User, after.User)
	c.Friend = merge(c.Friend, after.Friend)
	c.Push = cover(c.Push, after.Push)
	if after.Push == nil && after.Message != nil && after.Message.Push != nil {
		c.Push = nil // the message brings a later one
	}
	switch {
	case after.Vendor != nil:
		c.Vendor = after.Vendor
	case after.Message != nil && before.Message != nil:
		// It belongs to the message that is gone.
		c.Vendor = nil
	}
	return &c
}

// touch reports whether two changes are of the same thing. A push is part of its
// message.
func touch(a, b *event.Changes) bool {
	if a == nil || b == nil {
		return false
	}
	message := func(c *event.Changes) bool { return c.Message != nil || c.Push != nil }
	return message(a) && message(b) || a.Group != nil && b.Group != nil || a.User != nil && b.User != nil ||
		a.Friend != nil && b.Friend != nil || len(a.Vendor) > 0 && len(b.Vendor) > 0
}

// cover returns over, or under where there is none.
func cover[T any](under, over *T) *T {
	if over != nil {
		return over
	}
	return under
}

// merge returns under with the fields that over sets. T is a flat struct of package
// event.
func merge[T any](under, over *T) *T {
	if under == nil || over == nil {
		return cover(under, over)
	}
	both := *under
	to, from := reflect.ValueOf(&both).Elem(), reflect.ValueOf(over).Elem()
	for i := range from.NumField() {
		if f := from.Field(i); !f.IsZero() {
			to.Field(i).Set(f)
		}
	}
	return &both
}

// kept is the message that a rewrite puts in place of an earlier one's, with what it
// does not mention of how it is shown and stored.
func kept(under, over *event.Message) *event.Message {
	if under == nil || over == nil {
		return cover(under, over)
	}
	m := *over
	m.Push = cover(under.Push, m.Push)
	m.Options = cover(under.Options, m.Options)
	return &m
}

// named is the message that a rewrite puts in place of under, as the same message: a
// rewrite need not repeat what names it.
func named(under, over *event.Message) *event.Message {
	m := kept(under, over)
	if under == nil || over == nil {
		return m
	}
	m.ID, m.ClientID = cmp.Or(m.ID, under.ID), cmp.Or(m.ClientID, under.ClientID)
	m.Seq, m.Sender = cmp.Or(m.Seq, under.Seq), cmp.Or(m.Sender, under.Sender)
	m.Edits = cmp.Or(m.Edits, under.Edits)
	if m.SentAt.IsZero() {
		m.SentAt = under.SentAt
	}
	return m
}

// remaining are the members who are not refused.
func remaining(all []event.Member, refused []event.Refusal) []event.Member {
	if len(refused) == 0 {
		return all
	}
	var left []event.Member
	for _, m := range all {
		if !slices.ContainsFunc(refused, func(r event.Refusal) bool { return r.ID == m.ID }) {
			left = append(left, m)
		}
	}
	return left
}
