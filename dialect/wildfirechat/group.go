package wildfirechat

import (
	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/event"
)

// groupEvent is GroupUpdateEvent. The old documents name the operator userId.
type groupEvent struct {
	OperatorID string     `json:"operatorId,omitzero"`
	GroupID    string     `json:"groupId"`
	Type       *int32     `json:"type"`
	GroupInfo  *groupInfo `json:"groupInfo,omitzero"`
	groupRest
}

type groupRest struct {
	UserID  string         `json:"userId,omitzero"`
	Unknown jsontext.Value `json:",embed"`
}

// groupInfo is PojoGroupInfo; alone among the vendor's classes it writes snake
// case.
type groupInfo struct {
	TargetID       string `json:"target_id"`
	Name           string `json:"name"`
	Portrait       string `json:"portrait,omitzero"`
	Owner          string `json:"owner"`
	Type           int32  `json:"type"`
	Extra          string `json:"extra,omitzero"`
	Mute           int32  `json:"mute"`
	MaxMemberCount int32  `json:"max_member_count"`
	MemberCount    int32  `json:"member_count,omitzero"`
	Deleted        bool   `json:"deleted,omitzero"`
	UpdateDt       int64  `json:"update_dt,omitzero"`
	groupInfoRest
}

// groupInfoRest is what has no canonical place, or no canonical value.
type groupInfoRest struct {
	TargetID string `json:"target_id,omitzero"`
	Type     int32  `json:"type,omitzero"`
	Mute     int32  `json:"mute,omitzero"`
	UpdateDt int64  `json:"update_dt,omitzero"`

	JoinType       int32          `json:"join_type"`
	PrivateChat    int32          `json:"private_chat"`
	Searchable     int32          `json:"searchable"`
	HistoryMessage int32          `json:"history_message"`
	SuperGroup     bool           `json:"super_group"`
	MemberUpdateDt int64          `json:"member_update_dt,omitzero"`
	Unknown        jsontext.Value `json:",embed"`
}

type groupVendor struct {
	GroupInfo groupInfoRest `json:"groupInfo"`
	groupRest
}

// groupTypes are the event types in the order of their numbers.
var groupTypes = [...]event.Type{
	event.GroupCreate, event.GroupUpdate, event.GroupTransfer, event.GroupMute, event.GroupUnmute, event.GroupDestroy,
}

// groupKinds are the words of the group types in the order of their numbers.
var groupKinds = [...]string{"normal", "free", "restricted", "organization"}

// numbered finds what a discriminator means; false when the table lacks it.
func numbered[T any](table []T, n int32) (v T, ok bool) {
	if n < 0 || int(n) >= len(table) {
		return v, false
	}
	return table[n], true
}

// number is the inverse of numbered; byDefault when the table lacks v.
func number[T comparable](table []T, v T, byDefault int32) int32 {
	for i := range table {
		if table[i] == v {
			return int32(i)
		}
	}
	return byDefault
}

// operator is who acted, under the current or the old name. A body that has both
// keeps the old one in rest.
func operator(id string, rest *string) (*event.Actor, string) {
	if id != "" {
		return actor(id), current
	}
	if *rest == "" {
		return nil, ""
	}
	a := actor(*rest)
	*rest = ""
	return a, legacy
}

func decodeGroup(in input) (*event.Event, error) {
	var w groupEvent
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
	t, ok := numbered(groupTypes[:], *w.Type)
	if !ok {
		return in.unknown(lane), nil
	}
	ev := &event.Event{Type: t, Lane: lane, Conversation: &place, Group: &event.Group{ID: w.GroupID}}
	ev.Actor, ev.Generation = operator(w.OperatorID, &w.UserID)
	var kept groupInfoRest
	if w.GroupInfo != nil {
		ev.Generation = current
		w.GroupInfo.read(ev.Group)
		kept = w.GroupInfo.groupInfoRest
		if at := w.GroupInfo.UpdateDt; at != 0 {
			ev.Dedupe = dedupe(w.GroupID, codeText(*w.Type), idText(at))
			ev.Time = ev.Group.UpdatedAt
		}
		if t == event.GroupTransfer && w.GroupInfo.Owner != "" {
			ev.Members = members([]string{w.GroupInfo.Owner})
		}
	}
	var err error
	ev.Vendor, err = vendor(in, &groupVendor{GroupInfo: kept, groupRest: w.groupRest})
	return ev, err
}

func (i *groupInfo) read(g *event.Group) {
	g.Name, g.Avatar, g.Owner, g.Extra = i.Name, i.Portrait, i.Owner, i.Extra
	g.MemberCount, g.MaxMembers, g.Deleted = int(i.MemberCount), int(i.MaxMemberCount), i.Deleted
	g.Muted = new(i.Mute != 0)
	rest := &i.groupInfoRest
	if i.Mute != 0 && i.Mute != 1 {
		rest.Mute = i.Mute
	}
	var known bool
	if g.Kind, known = numbered(groupKinds[:], i.Type); !known {
		rest.Type = i.Type
	}
	g.UpdatedAt, rest.UpdateDt = fromMillis(i.UpdateDt)
	if i.TargetID != g.ID {
		rest.TargetID = i.TargetID
	}
}

// writeGroupInfo is the inverse of read; nil when no more is known than the id.
func writeGroupInfo(g *event.Group, rest groupInfoRest) *groupInfo {
	if g.Name == "" && g.Avatar == "" && g.Owner == "" && g.Extra == "" && g.Kind == "" && g.MemberCount == 0 &&
		g.MaxMembers == 0 && g.Muted == nil && !g.Deleted && g.UpdatedAt.IsZero() {
		return nil
	}
	i := &groupInfo{
		TargetID: g.ID, Name: g.Name, Portrait: g.Avatar, Owner: g.Owner, Extra: g.Extra,
		Type: number(groupKinds[:], g.Kind, 0), MaxMemberCount: narrow(g.MaxMembers), MemberCount: narrow(g.MemberCount),
		Deleted: g.Deleted, UpdateDt: toMillis(g.UpdatedAt, rest.UpdateDt), groupInfoRest: rest,
	}
	if rest.TargetID != "" {
		i.TargetID = rest.TargetID
	}
	if rest.Type != 0 {
		i.Type = rest.Type
	}
	if g.Muted != nil && *g.Muted {
		i.Mute = 1
	}
	if rest.Mute != 0 {
		i.Mute = rest.Mute
	}
	return i
}

func encodeGroup(out *output) error {
	ev := out.ev
	var kept groupVendor
	if err := out.kept(&kept); err != nil {
		return err
	}
	g := event.Group{}
	if ev.Group != nil {
		g = *ev.Group
	}
	var err error
	if g.ID, err = place(ev, event.KindGroup, g.ID); err != nil {
		return err
	}
	if ev.Type == event.GroupTransfer && g.Owner == "" && len(ev.Members) > 0 {
		g.Owner = ev.Members[0].ID
	}
	// Announcements and whatever else of a profile changed are an update here.
	w := groupEvent{GroupID: g.ID, Type: new(number(groupTypes[:], ev.Type, 1))}
	if out.legacy() {
		w.UserID, w.Unknown = actorID(ev), kept.Unknown
		return out.post("", &w)
	}
	w.OperatorID, w.groupRest = actorID(ev), kept.groupRest
	w.GroupInfo = writeGroupInfo(&g, kept.GroupInfo)
	return out.post("", &w)
}
