package tencent

import (
	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// decodeTopic reads the commands about one topic of a community, except its end.
// The topic is the thread of the event: its id is that of conversation.topic too.
func decodeTopic(in *input) (*event.Event, error) {
	o := &in.o
	by := o.text("Operator_Account")
	t := in.command.spec.Types[0]
	var ev *event.Event
	if o.peek("GroupId") == nil && in.command.spec.Phase == event.Before {
		if by == "" {
			return nil, in.missing("Operator_Account")
		}
		o.drop("GroupId")
		ev = &event.Event{Type: t, Lane: event.NewLane(event.KindUser, by), Group: &event.Group{Kind: o.text("Type")}}
	} else {
		var err error
		if ev, err = in.group(t); err != nil {
			return nil, err
		}
	}
	ev.Actor = actor(by)
	ev.Thread = &event.Thread{}
	group := ""
	if c := ev.Conversation; c != nil {
		group, ev.Thread.ID, ev.Thread.Parent = c.ID, c.Topic, c.ID
	}
	switch t {
	case event.TopicCreate:
		ev.Thread.Name = o.text("Name")
		if in.command.spec.Phase == event.Before {
			ev.Dedupe = in.dedupe(firstOf(group, "-"), firstOf(by, "-"), ev.Thread.Name)
		} else {
			ev.Dedupe = in.dedupe(group, ev.Thread.ID)
		}
	default:
		fields := [...][]byte{o.peek("Name"), o.peek("Introduction"), o.peek("Notification"), o.peek("FaceUrl")}
		if string(fields[0]) != `""` {
			ev.Thread.Name = o.text("Name")
		}
		ev.Dedupe = in.dated(group, firstOf(ev.Thread.ID, "-"), digest(fields[:]...))
	}
	return ev, nil
}

func encodeTopic(out *output) error {
	ev := out.ev
	thread := event.Thread{}
	if ev.Thread != nil {
		thread = *ev.Thread
	}
	w := out.begin()
	id, room, err := groupID(ev)
	switch {
	case err == nil:
		w.text("GroupId", id)
	case out.command.spec.Phase == event.After:
		return err
	}
	out.community(room)
	topic := thread.ID
	if ev.Conversation != nil && ev.Conversation.Topic != "" {
		topic = ev.Conversation.Topic
	}
	if topic == "" && !out.own && out.command.spec.Phase == event.After {
		return dialect.Untranslatable("it names no topic")
	}
	if out.own || out.command.spec.Phase == event.After {
		w.textIf("TopicId", topic) // the vendor's own does not exist before
	}
	out.operator("Operator_Account")
	if !out.own && ev.Type == event.TopicCreate && out.command.spec.Phase == event.After {
		w.text("Owner_Account", actorID(ev))
	}
	if ev.Type == event.TopicCreate || thread.Name != "" {
		w.text("Name", thread.Name)
	}
	out.post()
	return nil
}

// community writes Type: only communities have topics.
func (out *output) community(room bool) {
	if out.own || room {
		out.kind(room)
		return
	}
	out.w.text("Type", topicGroup)
}

// decodeTopicEnd reads one topic that was removed; there may be several.
func decodeTopicEnd(in *input) (*event.Event, error) {
	ev, err := in.group(event.TopicDestroy)
	if err != nil {
		return nil, err
	}
	ev.Conversation.Topic = in.text
	ev.Thread = &event.Thread{ID: in.text, Parent: ev.Conversation.ID}
	ev.Actor = actor(in.o.text("Operator_Account"))
	ev.Dedupe = in.dedupe(ev.Conversation.ID, in.text)
	return ev, nil
}

func encodeTopicEnd(out *output) error {
	ev := out.ev
	id, room, err := groupID(ev)
	if err != nil {
		return err
	}
	topic := ""
	if ev.Conversation != nil {
		topic = ev.Conversation.Topic
	}
	if topic == "" && ev.Thread != nil {
		topic = ev.Thread.ID
	}
	if topic == "" {
		return dialect.Untranslatable("it names no topic")
	}
	w := out.begin()
	w.text("GroupId", id)
	out.community(room)
	if out.own {
		w.textIf("Operator_Account", actorID(ev))
	}
	w.texts("TopicIdList", []string{topic})
	out.post()
	return nil
}
