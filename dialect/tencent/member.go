package tencent

import (
	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

func decodeApply(in *input) (*event.Event, error) {
	ev, err := in.group(event.GroupMemberApply)
	if err != nil {
		return nil, err
	}
	who := in.o.text("Requestor_Account")
	if who == "" {
		return nil, in.missing("Requestor_Account")
	}
	ev.Actor, ev.Members = actor(who), members([]string{who})
	ev.Dedupe = in.dedupe(ev.Conversation.ID, who)
	return ev, nil
}

func encodeApply(out *output) error {
	who := out.concerned()
	if len(who) != 1 {
		return dialect.Untranslatable("Tencent asks for one user at a time")
	}
	w := out.begin()
	if _, err := out.groupHead(); err != nil {
		return err
	}
	w.text("Requestor_Account", who[0])
	out.post()
	return nil
}

func decodeInvite(in *input) (*event.Event, error) {
	ev, err := in.group(event.GroupMemberInvite)
	if err != nil {
		return nil, err
	}
	ev.Actor = actor(in.o.text("Operator_Account"))
	ids := in.accounts(&in.o, "DestinationMembers", "Member_Account")
	ev.Members = members(ids)
	if ev.Actor != nil {
		ev.Dedupe = in.dedupe(ev.Conversation.ID, ev.Actor.ID)
	}
	return ev, nil
}

// encodeInvite also asks about a joining, where somebody else brings the members
// in.
func encodeInvite(out *output) error {
	ev := out.ev
	if len(ev.Members) == 0 && !out.own {
		return dialect.Untranslatable("it names no member")
	}
	if ev.Type == event.GroupMemberJoin {
		by := actorID(ev)
		if by == "" {
			return dialect.Untranslatable("it does not say who brings the members in")
		}
		for _, m := range ev.Members {
			if m.ID == by {
				return dialect.Untranslatable("Tencent asks about joining only when somebody else brings the members in")
			}
		}
	}
	out.begin()
	if _, err := out.groupHead(); err != nil {
		return err
	}
	out.operator("Operator_Account")
	out.accounts("DestinationMembers", "Member_Account", memberIDs(ev.Members))
	out.post()
	return nil
}

// sources are the words of JoinType.
var sources = [...]struct{ word, wire string }{
	{"apply", "Apply"},
	{"invite", "Invited"},
}

// decodeJoin: with Apply the wire names the joiner or whoever let him in.
func decodeJoin(in *input) (*event.Event, error) {
	ev, err := in.group(event.GroupMemberJoin)
	if err != nil {
		return nil, err
	}
	ev.Actor = actor(in.o.text("Operator_Account"))
	wire := in.o.text("JoinType")
	source := ""
	for _, s := range sources {
		if s.wire == wire {
			source = s.word
		}
	}
	if source == "" && wire != "" {
		in.o.putText("JoinType", wire)
	}
	ids := in.accounts(&in.o, "NewMemberList", "Member_Account")
	ev.Members = members(ids)
	for i := range ev.Members {
		ev.Members[i].Source = source
	}
	ev.Dedupe = in.dated(ev.Conversation.ID, firstOf(wire, "-"), joined(ids))
	return ev, nil
}

func encodeJoin(out *output) error {
	ev := out.ev
	ids := out.concerned()
	if len(ids) == 0 && !out.own {
		return dialect.Untranslatable("it names no member")
	}
	w := out.begin()
	if _, err := out.groupHead(); err != nil {
		return err
	}
	if out.kept.peek("JoinType") == nil {
		wire := ""
		for _, s := range sources {
			if len(ev.Members) > 0 && ev.Members[0].Source == s.word {
				wire = s.wire
			}
		}
		if wire == "" && !out.own {
			wire = sources[0].wire
			if by := actorID(ev); by != "" && by != ids[0] {
				wire = sources[1].wire
			}
		}
		w.textIf("JoinType", wire)
	}
	if actorID(ev) == "" && !out.own {
		w.text("Operator_Account", ids[0])
	} else {
		out.operator("Operator_Account")
	}
	out.accounts("NewMemberList", "Member_Account", ids)
	out.post()
	return nil
}

func decodeExit(in *input) (*event.Event, error) {
	wire := in.o.text("ExitType")
	t := event.GroupMemberKick
	switch wire {
	case "Kicked":
	case "Quit":
		t = event.GroupMemberLeave
	default:
		return strange()
	}
	ev, err := in.group(t)
	if err != nil {
		return nil, err
	}
	ev.Actor = actor(in.o.text("Operator_Account"))
	ids := in.accounts(&in.o, "ExitMemberList", "Member_Account")
	ev.Members = members(ids)
	ev.Dedupe = in.dated(ev.Conversation.ID, wire, joined(ids))
	return ev, nil
}

func encodeExit(out *output) error {
	ev := out.ev
	ids := out.concerned()
	if len(ids) == 0 && !out.own {
		return dialect.Untranslatable("it names no member")
	}
	w := out.begin()
	if _, err := out.groupHead(); err != nil {
		return err
	}
	wire := "Kicked"
	if ev.Type == event.GroupMemberLeave || ev.Type == event.ChatroomMemberLeave {
		wire = "Quit"
	}
	w.text("ExitType", wire)
	if wire == "Quit" && actorID(ev) == "" && !out.own {
		w.text("Operator_Account", ids[0])
	} else {
		out.operator("Operator_Account")
	}
	out.accounts("ExitMemberList", "Member_Account", ids)
	out.post()
	return nil
}

// decodeMemberField: the documents say Member_Account, a library that was written
// from the wire Modified_Account.
func decodeMemberField(in *input) (*event.Event, error) {
	ev, err := in.group(event.GroupMemberUpdate)
	if err != nil {
		return nil, err
	}
	o := &in.o
	m := event.Member{ID: o.text("Member_Account")}
	if m.ID == "" {
		if m.ID = o.text("Modified_Account"); m.ID == "" {
			return nil, in.missing("Member_Account")
		}
		o.putText("Modified_Account", m.ID)
	}
	ev.Actor = actor(o.text("Operator_Account"))
	hasCard := o.peek("NameCard") != nil
	role := o.text("Role")
	m.Alias = o.text("NameCard")
	t := event.GroupMemberUpdate
	switch role {
	case "":
	case "Admin":
		m.Role = "admin"
		if !hasCard {
			t = event.GroupMemberPromote
		}
	case "Member":
		m.Role = "member"
		if !hasCard {
			t = event.GroupMemberDemote
		}
	default:
		o.putText("Role", role)
	}
	if ev.Chatroom != nil {
		t = rooms[t]
	}
	ev.Type = t
	ev.Members = []event.Member{m}
	ev.Dedupe = in.dated(ev.Conversation.ID, m.ID, firstOf(role, "-"), firstOf(m.Alias, "-"))
	return ev, nil
}

func encodeMemberField(out *output) error {
	ev := out.ev
	if len(ev.Members) == 0 {
		return dialect.Untranslatable("it names no member")
	}
	role := ""
	switch ev.Type {
	case event.GroupMemberPromote, event.ChatroomMemberPromote:
		role = "Admin"
	case event.GroupMemberDemote, event.ChatroomMemberDemote:
		role = "Member"
	}
	for _, m := range ev.Members {
		out.again()
		w := out.begin()
		if _, err := out.groupHead(); err != nil {
			return err
		}
		out.operator("Operator_Account")
		if text(out.kept.peek("Modified_Account")) != m.ID {
			out.kept.drop("Modified_Account")
			w.text("Member_Account", m.ID)
		}
		own := role
		if own == "" {
			switch m.Role {
			case "admin":
				own = "Admin"
			case "member":
				own = "Member"
			}
		}
		if out.kept.peek("Role") == nil {
			w.textIf("Role", own)
		}
		switch {
		case role != "":
		case out.own:
			w.text("NameCard", m.Alias)
		default:
			// Other dialects' cards without an alias may not be about it: an empty one
			// would take it away.
			w.textIf("NameCard", m.Alias)
		}
		out.post()
	}
	return nil
}

// presences are what EventType and EventCause mean: a member of a live group whose
// connection comes and goes stays a member.
var presences = [...]struct {
	wire, cause string
	t           event.Type
}{
	{"Online", "HeartbeatRecover", event.ChatroomMemberOnline},
	{"Offline", "HeartbeatInterrupt", event.ChatroomMemberOffline},
	{"Online", "Join", event.ChatroomMemberJoin},
	{"Offline", "Quit", event.ChatroomMemberLeave},
}

// decodeMemberState is only about live groups, whether Type says so or not.
func decodeMemberState(in *input) (*event.Event, error) {
	o := &in.o
	id, wire, cause := o.text("GroupId"), o.text("EventType"), o.text("EventCause")
	if id == "" {
		return nil, in.missing("GroupId")
	}
	c, lane := placed(event.KindChatroom, id)
	ev := &event.Event{Conversation: &c, Lane: lane, Chatroom: &event.Chatroom{ID: id}}
	for _, p := range presences {
		if p.wire == wire && p.cause == cause {
			ev.Type = p.t
		}
	}
	if ev.Type == "" {
		return strange()
	}
	ids := in.accounts(o, "MemberList", "Member_Account")
	ev.Members = members(ids)
	if len(ids) == 1 {
		ev.Actor = actor(ids[0])
	}
	ev.Dedupe = in.dated(id, wire, cause, joined(ids))
	return ev, nil
}

func encodeMemberState(out *output) error {
	ev := out.ev
	ids := out.concerned()
	if len(ids) == 0 && !out.own {
		return dialect.Untranslatable("it names no member")
	}
	id, room, err := groupID(ev)
	if err != nil {
		return err
	}
	if !room {
		return dialect.Untranslatable("it is of live groups only")
	}
	w := out.begin()
	w.text("GroupId", id)
	for _, p := range presences {
		if p.t == ev.Type {
			w.text("EventType", p.wire)
			w.text("EventCause", p.cause)
		}
	}
	out.accounts("MemberList", "Member_Account", ids)
	out.post()
	return nil
}
