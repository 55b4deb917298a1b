package tencent

import (
	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// account takes Official_Account and starts an event of that channel.
func (in *input) account(t event.Type) (*event.Event, error) {
	id := in.o.text("Official_Account")
	if id == "" {
		return nil, in.missing("Official_Account")
	}
	c, lane := placed(event.KindChannel, id)
	return &event.Event{Type: t, Conversation: &c, Lane: lane, Channel: &event.Channel{ID: id}}, nil
}

// decodeAccount reads the commands about an official account itself.
func decodeAccount(in *input) (*event.Event, error) {
	o := &in.o
	by := o.text("Operator_Account")
	t := in.command.spec.Types[0]
	var ev *event.Event
	if in.command.spec.Phase == event.Before {
		if by == "" {
			return nil, in.missing("Operator_Account")
		}
		ev = &event.Event{Type: t, Lane: event.NewLane(event.KindUser, by), Channel: &event.Channel{}}
	} else {
		var err error
		if ev, err = in.account(t); err != nil {
			return nil, err
		}
	}
	id := ev.Channel.ID
	changes := digest(o.peek("Name"), o.peek("Introduction"), o.peek("FaceUrl"), o.peek("Organization"))
	ev.Actor = actor(by)
	ev.Channel.Owner = o.text("Owner_Account")
	if string(o.peek("Name")) != `""` {
		ev.Channel.Name = o.text("Name")
	}
	switch {
	case in.command.spec.Phase == event.Before:
		ev.Dedupe = in.dedupe(by, ev.Channel.Name)
	case t == event.ChannelUpdate:
		ev.Dedupe = in.dated(id, changes)
	case t == event.ChannelFull:
		ev.Dedupe = in.dated(id)
	default:
		ev.Dedupe = in.dedupe(id)
	}
	return ev, nil
}

func encodeAccount(out *output) error {
	ev := out.ev
	ch := event.Channel{}
	if ev.Channel != nil {
		ch = *ev.Channel
	}
	w := out.begin()
	if out.command.spec.Phase == event.After {
		id := channelID(ev)
		if id == "" {
			return dialect.Untranslatable("it names no channel")
		}
		w.text("Official_Account", id)
	}
	if ev.Type == event.ChannelFull {
		out.post()
		return nil
	}
	if ev.Type != event.ChannelDestroy || out.own && actorID(ev) != "" {
		out.operator("Operator_Account")
	}
	if ev.Type != event.ChannelUpdate || ch.Owner != "" && out.own {
		if ch.Owner == "" && !out.own {
			ch.Owner = actorID(ev)
		}
		w.text("Owner_Account", ch.Owner)
	}
	if ch.Name != "" || ev.Type != event.ChannelUpdate && out.kept.peek("Name") == nil {
		w.text("Name", ch.Name)
	}
	out.post()
	return nil
}

// decodeSubscribe reads who subscribed, is to, or does not any more.
func decodeSubscribe(in *input) (*event.Event, error) {
	ev, err := in.account(in.command.spec.Types[0])
	if err != nil {
		return nil, err
	}
	ev.Actor = actor(in.o.text("Operator_Account"))
	ids := in.accounts(&in.o, "SubscribeAccountList", "Subscriber_Account")
	ev.Members = members(ids)
	ev.Dedupe = in.dedupe(ev.Channel.ID, joined(ids))
	if in.command.spec.Phase == event.After {
		ev.Dedupe = in.dated(ev.Channel.ID, joined(ids))
	}
	return ev, nil
}

func encodeSubscribe(out *output) error {
	ids := out.concerned()
	if len(ids) == 0 && !out.own {
		return dialect.Untranslatable("it names no subscriber")
	}
	id := channelID(out.ev)
	if id == "" {
		return dialect.Untranslatable("it names no channel")
	}
	w := out.begin()
	w.text("Official_Account", id)
	if actorID(out.ev) == "" && !out.own {
		w.text("Operator_Account", ids[0])
	} else {
		out.operator("Operator_Account")
	}
	out.accounts("SubscribeAccountList", "Subscriber_Account", ids)
	out.post()
	return nil
}
