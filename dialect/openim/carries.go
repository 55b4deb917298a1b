package openim

import (
	"slices"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// cameThrough compares what a verdict asks for with what the answer to it is read
// as; an error names what is lost.
func (p *proposal) cameThrough(asked, read *event.Verdict) error {
	lost := func(what, field string) error {
		return dialect.Uncarried("openim %s cannot set the %s's %s to this", p.ev.Command, what, field)
	}
	if !slices.Equal(refusedIDs(asked.Refused), refusedIDs(read.Refused)) {
		return dialect.Uncarried("openim %s cannot refuse these members", p.ev.Command)
	}
	if asked.Action != event.Rewrite {
		return nil
	}
	ev, now := p.ev, read.Changes
	if now == nil {
		now = &event.Changes{}
	}
	c := asked.Changes
	if c.Message != nil && ev.Message != nil && p.answer == &changeMessage {
		want, got := p.wanted(c.Message), or(now.Message, *ev.Message)
		if field := dialect.Lost(&want, &got); field != "" {
			return lost("message", field)
		}
	}
	if c.Group != nil {
		got := or(now.Group, groupOf(ev))
		if field := dialect.Misses(c.Group, &got); field != "" {
			return lost("group", field)
		}
	}
	if c.User != nil {
		was := event.User{ID: actorID(ev)}
		if ev.User != nil {
			was = *ev.User
		}
		got := or(now.User, was)
		if field := dialect.Misses(c.User, &got); field != "" {
			return lost("user", field)
		}
	}
	if c.Friend != nil {
		got := or(now.Friend, or(ev.Friend, event.Friend{}))
		if got.Alias != c.Friend.Alias {
			return lost("friend", "alias")
		}
		if field := dialect.Misses(c.Friend, &got); field != "" {
			return lost("friend", field)
		}
	}
	push := c.Push
	if push == nil && c.Message != nil && p.answer == &changePush {
		push = c.Message.Push
	}
	if push != nil {
		if got := or(now.Push, pushOf(ev)); got != *push {
			return lost("message", "push")
		}
	}
	return nil
}

// wanted is the message that a rewrite comes to.
func (p *proposal) wanted(now *event.Message) event.Message {
	was := p.ev.Message
	m := mergeMessage(was, now)
	if m.Push == nil {
		m.Push = was.Push
	}
	if m.Options == nil {
		m.Options = was.Options
	}
	if m.Extra == "" {
		m.Extra = was.Extra
	}
	return m
}

// pushOf is what the proposal shows.
func pushOf(ev *event.Event) event.Push {
	if ev.Message == nil {
		return event.Push{}
	}
	return or(ev.Message.Push, event.Push{})
}

// refusedIDs are the ids of who is refused, in order.
func refusedIDs(refused []event.Refusal) []string {
	ids := make([]string, len(refused))
	for i := range refused {
		ids[i] = refused[i].ID
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}
