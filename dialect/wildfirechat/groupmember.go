package wildfirechat

import (
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// The changes of group members.
const (
	memberJoin  = 0
	memberLeave = 1
	memberKick  = 2
	memberRole  = 3
	memberAlias = 4
	memberExtra = 5
)

// groupMember is GroupMemberUpdateEvent. The old documents have one memberId.
type groupMember struct {
	OperatorID string   `json:"operatorId,omitzero"`
	GroupID    string   `json:"groupId"`
	MemberIDs  []string `json:"memberIds,omitzero"`
	Type       *int32   `json:"type"`
	Value      *string  `json:"value,omitzero"`
	groupMemberRest
}

// groupMemberRest is what has no canonical place; Type and Value stand here where
// the canonical type alone would be written otherwise. A new role is always kept,
// since the wire does not say the old one.
type groupMemberRest struct {
	MemberID string         `json:"memberId,omitzero"`
	Type     *int32         `json:"type,omitzero"`
	Value    *string        `json:"value,omitzero"`
	Unknown  jsontext.Value `json:",embed"`
}

// roles are what a new member type means, in the order of the numbers.
var roles = [...]struct {
	word string
	t    event.Type
}{
	{"member", event.GroupMemberDemote},
	{"admin", event.GroupMemberPromote},
	{"owner", event.GroupTransfer},
	{"muted", event.GroupMemberMute},
	{"removed", event.GroupMemberKick},
	{"allowed", event.GroupMemberAllow},
}

func decodeGroupMember(in input) (*event.Event, error) {
	var w groupMember
	if err := in.read(&w); err != nil {
		return nil, err
	}
	switch {
	case w.GroupID == "":
		return nil, in.missing("groupId")
	case w.Type == nil:
		return nil, in.missing("type")
	}
	place, lane := placed(event.KindGroup, w.GroupID)
	ev := &event.Event{
		Lane: lane, Conversation: &place, Group: &event.Group{ID: w.GroupID}, Actor: actor(w.OperatorID),
		Members: members(w.MemberIDs), Generation: current,
	}
	rest := &w.groupMemberRest
	if w.MemberIDs == nil && rest.MemberID != "" {
		ev.Members = members([]string{rest.MemberID})
		rest.MemberID, ev.Generation = "", legacy
	}
	value := or(w.Value, "")
	each := func(set func(m *event.Member)) {
		for i := range ev.Members {
			set(&ev.Members[i])
		}
	}
	switch *w.Type {
	case memberJoin:
		ev.Type = event.GroupMemberJoin
	case memberLeave:
		ev.Type = event.GroupMemberLeave
	case memberKick:
		ev.Type = event.GroupMemberKick
	case memberRole:
		ev.Type = event.GroupMemberUpdate
		if n, err := strconv.Atoi(value); err == nil && n >= 0 && n < len(roles) && strconv.Itoa(n) == value {
			ev.Type = roles[n].t
			each(func(m *event.Member) { m.Role = roles[n].word })
		}
		rest.Type = w.Type
	case memberAlias:
		ev.Type = event.GroupMemberUpdate
		each(func(m *event.Member) { m.Alias = value })
	case memberExtra:
		ev.Type = event.GroupMemberUpdate
		each(func(m *event.Member) { m.Extra = value })
		rest.Type = w.Type
	default:
		return in.unknown(lane), nil
	}
	if *w.Type != memberAlias && *w.Type != memberExtra {
		rest.Value = w.Value
	} else if len(ev.Members) == 0 && value != "" {
		rest.Value = w.Value
	}
	var err error
	ev.Vendor, err = vendor(in, rest)
	return ev, err
}

// memberChange is how a type is written: number, and value where it has one.
func memberChange(ev *event.Event) (n int32, value *string) {
	first := event.Member{}
	if len(ev.Members) > 0 {
		first = ev.Members[0]
	}
	switch ev.Type {
	case event.GroupMemberJoin:
		return memberJoin, nil
	case event.GroupMemberLeave:
		return memberLeave, nil
	case event.GroupMemberKick, event.GroupMemberBan:
		return memberKick, nil
	case event.GroupMemberPromote:
		return memberRole, new("1")
	case event.GroupTransfer:
		return memberRole, new("2")
	case event.GroupMemberMute:
		return memberRole, new("3")
	case event.GroupMemberAllow:
		return memberRole, new("5")
	case event.GroupMemberDemote, event.GroupMemberUnmute, event.GroupMemberDisallow:
		return memberRole, new("0")
	}
	if first.Alias == "" && first.Extra != "" {
		return memberExtra, &first.Extra
	}
	return memberAlias, &first.Alias
}

func encodeGroupMember(out *output) error {
	ev := out.ev
	var kept groupMemberRest
	if err := out.kept(&kept); err != nil {
		return err
	}
	body := ""
	if ev.Group != nil {
		body = ev.Group.ID
	}
	group, err := place(ev, event.KindGroup, body)
	if err != nil {
		return err
	}
	n, value := memberChange(ev)
	if kept.Type != nil {
		n = *kept.Type
		if n == memberExtra && len(ev.Members) > 0 {
			value = &ev.Members[0].Extra
		} else if n == memberRole {
			value = nil
		}
	}
	if kept.Value != nil {
		value = kept.Value
	}
	ids := out.concerned()
	if len(ids) == 0 && !out.own {
		return dialect.Untranslatable("it names no member")
	}
	w := groupMember{OperatorID: actorID(ev), GroupID: group, Type: &n, Value: value}
	if !out.legacy() {
		w.MemberIDs, w.groupMemberRest = ids, kept
		return out.post("", &w)
	}
	w.Unknown = kept.Unknown
	for _, w.MemberID = range ids {
		if err := out.post("", &w); err != nil {
			return err
		}
	}
	if len(ids) == 0 {
		return dialect.Untranslatable("the old body has no place for no member")
	}
	return nil
}
