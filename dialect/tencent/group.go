package tencent

import (
	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// decodeCreate reads a group that is to be made, which has no id yet, or was.
func decodeCreate(in *input) (*event.Event, error) {
	o := &in.o
	by := o.text("Operator_Account")
	var ev *event.Event
	if in.command.spec.Phase == event.Before {
		if by == "" {
			return nil, in.missing("Operator_Account")
		}
		ev = &event.Event{Type: event.GroupCreate, Lane: event.NewLane(event.KindUser, by)}
		in.profile(ev, o.text("Type"), "")
	} else {
		var err error
		if ev, err = in.group(event.GroupCreate); err != nil {
			return nil, err
		}
	}
	ev.Actor = actor(by)
	ev.Members = members(in.accounts(o, "MemberList", "Member_Account"))
	owner, name := o.text("Owner_Account"), o.text("Name")
	attributes := in.pairs("UserDefinedDataList", "Key", "Value")
	if g := ev.Group; g != nil {
		g.Owner, g.Name, g.Attributes = owner, name, attributes
	} else {
		ev.Chatroom.Owner, ev.Chatroom.Name, ev.Chatroom.Attributes = owner, name, attributes
	}
	if ev.Conversation != nil {
		ev.Dedupe = in.dedupe(ev.Conversation.ID)
	} else {
		ev.Dedupe = in.dedupe(by, name)
	}
	return ev, nil
}

// profileOf is what a group's or a chatroom's body says, in the group's words.
func profileOf(ev *event.Event) event.Group {
	if isRoom(ev) {
		if r := ev.Chatroom; r != nil {
			return event.Group{
				ID: r.ID, Name: r.Name, Owner: r.Owner, Introduction: r.Introduction, Announcement: r.Announcement,
				Attributes: r.Attributes,
			}
		}
		return event.Group{}
	}
	if ev.Group != nil {
		return *ev.Group
	}
	return event.Group{}
}

func encodeCreate(out *output) error {
	ev := out.ev
	g := profileOf(ev)
	w := out.begin()
	if out.command.spec.Phase == event.Before {
		out.kind(isRoom(ev))
	} else if _, err := out.groupHead(); err != nil {
		return err
	}
	out.operator("Operator_Account")
	owner := g.Owner
	if owner == "" && !out.own {
		owner = actorID(ev)
	}
	w.text("Owner_Account", owner)
	w.text("Name", g.Name)
	out.accounts("MemberList", "Member_Account", memberIDs(ev.Members))
	if g.Attributes != nil || out.kept.peek("UserDefinedDataList") != nil {
		out.pairs("UserDefinedDataList", "Key", "Value", g.Attributes)
	}
	out.post()
	return nil
}

// decodeDestroy: Owner_Account is the owner, not whoever dissolved the group.
func decodeDestroy(in *input) (*event.Event, error) {
	ev, err := in.group(event.GroupDestroy)
	if err != nil {
		return nil, err
	}
	owner, name := in.o.text("Owner_Account"), in.o.text("Name")
	if ev.Group != nil {
		ev.Group.Owner, ev.Group.Name = owner, name
	} else {
		ev.Chatroom.Owner, ev.Chatroom.Name = owner, name
	}
	ev.Members = members(in.accounts(&in.o, "MemberList", "Member_Account"))
	ev.Dedupe = in.dedupe(ev.Conversation.ID)
	return ev, nil
}

func encodeDestroy(out *output) error {
	g := profileOf(out.ev)
	w := out.begin()
	if _, err := out.groupHead(); err != nil {
		return err
	}
	if g.Owner == "" && !out.own {
		g.Owner = actorID(out.ev)
	}
	w.text("Owner_Account", g.Owner)
	w.text("Name", g.Name)
	out.accounts("MemberList", "Member_Account", memberIDs(out.ev.Members))
	out.post()
	return nil
}

// decodeInfo: the body has what changed alone. A field that was emptied is kept, as
// a profile cannot say that it is empty.
func decodeInfo(in *input) (*event.Event, error) {
	ev, err := in.group(event.GroupUpdate)
	if err != nil {
		return nil, err
	}
	o := &in.o
	ev.Actor = actor(o.text("Operator_Account"))
	fields := [...]string{"Name", "Introduction", "Notification", "FaceUrl", "UserDefinedDataList"}
	var values [len(fields)][]byte
	others := false
	for i, f := range fields {
		values[i] = o.peek(f)
		others = others || values[i] != nil && f != "Notification"
	}
	ev.Dedupe = in.dated(ev.Conversation.ID, digest(values[:]...))
	var g event.Group
	set := func(name string, to *string) {
		if v := o.peek(name); v == nil || string(v) != `""` {
			*to = o.text(name)
		}
	}
	notification := values[2]
	if notification != nil && !others {
		t := event.GroupAnnounce
		if g.Announcement = o.text("Notification"); g.Announcement == "" {
			t = event.GroupUnannounce
		}
		if ev.Chatroom != nil {
			t = rooms[t]
		}
		ev.Type = t
	} else {
		set("Name", &g.Name)
		set("Introduction", &g.Introduction)
		set("Notification", &g.Announcement)
		set("FaceUrl", &g.Avatar)
		g.Attributes = in.pairs("UserDefinedDataList", "Key", "Value")
	}
	if r := ev.Chatroom; r != nil {
		r.Name, r.Introduction, r.Announcement, r.Attributes = g.Name, g.Introduction, g.Announcement, g.Attributes
		if g.Avatar != "" {
			o.putText("FaceUrl", g.Avatar)
		}
		return ev, nil
	}
	id, kind := ev.Group.ID, ev.Group.Kind
	*ev.Group = g
	ev.Group.ID, ev.Group.Kind = id, kind
	return ev, nil
}

func encodeInfo(out *output) error {
	ev := out.ev
	g := profileOf(ev)
	w := out.begin()
	room, err := out.groupHead()
	if err != nil {
		return err
	}
	out.operator("Operator_Account")
	switch ev.Type {
	case event.GroupAnnounce, event.ChatroomAnnounce, event.GroupUnannounce, event.ChatroomUnannounce:
		if ev.Type == event.GroupUnannounce || ev.Type == event.ChatroomUnannounce {
			g.Announcement = ""
		} else if g.Announcement == "" && !out.own {
			return dialect.Untranslatable("it does not say what was announced")
		}
		w.text("Notification", g.Announcement)
		out.post()
		return nil
	}
	w.textIf("Name", g.Name)
	w.textIf("Introduction", g.Introduction)
	w.textIf("Notification", g.Announcement)
	if !room {
		w.textIf("FaceUrl", g.Avatar)
	}
	if g.Attributes != nil || out.kept.peek("UserDefinedDataList") != nil {
		out.pairs("UserDefinedDataList", "Key", "Value", g.Attributes)
	}
	out.post()
	return nil
}

func decodeTransfer(in *input) (*event.Event, error) {
	ev, err := in.group(event.GroupTransfer)
	if err != nil {
		return nil, err
	}
	o := &in.o
	was, now := o.text("OldOwner_Account"), o.text("NewOwner_Account")
	if now == "" {
		return nil, in.missing("NewOwner_Account")
	}
	ev.Actor = actor(o.text("Operator_Account"))
	ev.Members = members([]string{now})
	if ev.Group != nil {
		ev.Group.Owner, ev.Group.PreviousOwner = now, was
	} else {
		ev.Chatroom.Owner = now
		if was != "" {
			o.putText("OldOwner_Account", was)
		}
	}
	ev.Dedupe = in.dated(ev.Conversation.ID, firstOf(was, "-"), now)
	return ev, nil
}

func encodeTransfer(out *output) error {
	ev := out.ev
	g := profileOf(ev)
	now := g.Owner
	if len(ev.Members) > 0 {
		now = ev.Members[0].ID
	}
	if now == "" {
		return dialect.Untranslatable("it does not name the new owner")
	}
	w := out.begin()
	if _, err := out.groupHead(); err != nil {
		return err
	}
	out.operator("Operator_Account")
	if out.kept.peek("OldOwner_Account") == nil {
		was := g.PreviousOwner
		if was == "" && !out.own {
			was = actorID(ev)
		}
		w.text("OldOwner_Account", was)
	}
	w.text("NewOwner_Account", now)
	out.post()
	return nil
}

// attributes are the words of OptionType and their types.
var attributes = [...]struct {
	wire string
	t    event.Type
}{
	{"set", event.GroupAttributeSet},
	{"modify", event.GroupAttributeUpdate},
	{"delete", event.GroupAttributeDelete},
	{"clear", event.GroupAttributeClear},
}

func decodeAttributes(in *input) (*event.Event, error) {
	o := &in.o
	option := o.text("OptionType")
	t := event.VendorUnknown
	for _, a := range attributes {
		if a.wire == option {
			t = a.t
		}
	}
	if t == event.VendorUnknown {
		return strange()
	}
	values := o.peek("GroupAttr")
	ev, err := in.group(t)
	if err != nil {
		return nil, err
	}
	ev.Actor = actor(o.text("Operator_Account"))
	all := in.pairs("GroupAttr", "key", "value")
	if ev.Group != nil {
		ev.Group.Attributes = all
	} else {
		ev.Chatroom.Attributes = all
		if t == event.GroupAttributeUpdate {
			o.putText("OptionType", option) // a room has one type for both
		}
	}
	ev.Dedupe = in.dated(ev.Conversation.ID, option, digest(values))
	return ev, nil
}

func encodeAttributes(out *output) error {
	ev := out.ev
	w := out.begin()
	if _, err := out.groupHead(); err != nil {
		return err
	}
	out.operator("Operator_Account")
	if out.kept.peek("OptionType") == nil {
		for _, a := range attributes {
			if a.t == ev.Type || a.t != event.GroupAttributeUpdate && rooms[a.t] == ev.Type {
				w.text("OptionType", a.wire)
			}
		}
	}
	out.pairs("GroupAttr", "key", "value", profileOf(ev).Attributes)
	out.post()
	return nil
}

func decodeFull(in *input) (*event.Event, error) {
	ev, err := in.group(event.GroupFull)
	if err != nil {
		return nil, err
	}
	ev.Dedupe = in.dated(ev.Conversation.ID)
	return ev, nil
}

// encodeFull: the command does not say of what kind the group is.
func encodeFull(out *output) error {
	out.begin()
	if out.own {
		if _, err := out.groupHead(); err != nil {
			return err
		}
	} else {
		id, _, err := groupID(out.ev)
		if err != nil {
			return err
		}
		out.w.text("GroupId", id)
	}
	out.post()
	return nil
}
