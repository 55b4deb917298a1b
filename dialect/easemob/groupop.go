package easemob

import (
	"maps"
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// The values of type in the newer group and chatroom reports.
const (
	typeGroup = "GROUP"
	typeRoom  = "CHATROOM"
)

// forEver is the expire_timestamp of what has no end: the first of January 2117.
const forEver = 4638873600000

// groupOp is the body of a newer report about a group or chatroom.
type groupOp struct {
	CallID      string        `json:"callId"`
	Timestamp   int64         `json:"timestamp"`
	Event       string        `json:"event"`
	Operation   string        `json:"operation"`
	Type        string        `json:"type"`
	ID          string        `json:"id"`
	Operator    string        `json:"operator"`
	Payload     *groupPayload `json:"payload,omitzero"`
	MemberCount int           `json:"member_count,omitzero"`
	Security    string        `json:"security"`
	AppKey      string        `json:"appkey"`

	Unknown jsontext.Value `json:",embed"`
}

type groupPayload struct {
	Type         string     `json:"type,omitzero"`
	Role         roles      `json:"role,omitzero"`
	Member       []string   `json:"member,omitzero"`
	Admin        []string   `json:"admin,omitzero"`
	Info         *groupInfo `json:"info,omitzero"`
	Owner        string     `json:"owner,omitzero"`
	NewOwner     string     `json:"new_owner,omitzero"`
	Announcement *string    `json:"announcement,omitzero"`
	Disable      *bool      `json:"disable,omitzero"`
	Mute         *bool      `json:"mute,omitzero"`
	// Expire is in Unix milliseconds.
	Expire    int64          `json:"expire_timestamp,omitzero"`
	ShareFile []string       `json:"share_file,omitzero"`
	Options   *groupOptions  `json:"options,omitzero"`
	Unknown   jsontext.Value `json:",embed"`
}

// roles are the words for some users, by id.
type roles map[string]string

// MarshalJSONTo writes the users in one order, so that one event always gives one
// body.
func (r roles) MarshalJSONTo(enc *jsontext.Encoder) error {
	if err := enc.WriteToken(jsontext.BeginObject); err != nil {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(r)) {
		if err := enc.WriteToken(jsontext.String(id)); err != nil {
			return err
		}
		if err := enc.WriteToken(jsontext.String(r[id])); err != nil {
			return err
		}
	}
	return enc.WriteToken(jsontext.EndObject)
}

// groupOptions is what an application's client says when it enters a chatroom.
type groupOptions struct {
	Ext     loose          `json:"ext,omitzero"`
	Unknown jsontext.Value `json:",embed"`
}

// groupInfo is a profile. The newer reports write nearly everything as text, older
// ones wrote numbers.
type groupInfo struct {
	Title       *loose         `json:"title,omitzero"`
	Description *loose         `json:"description,omitzero"`
	Owner       *loose         `json:"owner,omitzero"`
	Avatar      *loose         `json:"avatar,omitzero"`
	Custom      *loose         `json:"custom,omitzero"`
	MaxUsers    *loose         `json:"max_users,omitzero"`
	Mute        *loose         `json:"mute,omitzero"`
	Modified    *loose         `json:"last_modified,omitzero"`
	Unknown     jsontext.Value `json:",embed"`
}

// opFact is one fact of the newer reports.
type opFact struct {
	operation string
	// kind is payload.type; empty where the payload has none.
	kind  string
	line  string
	types [2]event.Type // of a group, of a chatroom
	// off are the types when the payload's one value says the opposite.
	off  [2]event.Type
	whom opWhom
	// ends says that what began has an end, expire_timestamp.
	ends bool
	// source and reason go with the members.
	source, reason string
	echo           bool
	// reads alone says that foreign events are not written so.
	reads bool
}

// opWhom says which key of the payload names those concerned.
type opWhom int

const (
	opNobody opWhom = iota
	opMember
	opAdmin
	opNewOwner
	// opHimself: the operator.
	opHimself
	opFiles
	// opInfo: nobody, and info says what the place is now.
	opInfo
)

// opFacts are all, in the order of the vendor's page.
var opFacts = []opFact{
	{operation: "CREATE", line: "a group or chatroom was made", types: [2]event.Type{event.GroupCreate, event.ChatroomCreate}, whom: opMember},
	{operation: "UPDATE", kind: "INFO", line: "a profile was changed", types: [2]event.Type{event.GroupUpdate, event.ChatroomUpdate}, whom: opInfo},
	{operation: "UPDATE", kind: "OWNER", line: "a new owner", types: [2]event.Type{event.GroupTransfer, event.ChatroomTransfer}, whom: opNewOwner},
	{
		operation: "UPDATE", kind: "ANNOUNCEMENT", line: "an announcement was set or removed",
		types: [2]event.Type{event.GroupAnnounce, event.ChatroomAnnounce}, off: [2]event.Type{event.GroupUnannounce, event.ChatroomUnannounce},
	},
	{
		operation: "UPDATE", kind: "DISABLE", line: "use of a group was forbidden or allowed",
		types: [2]event.Type{event.GroupDisable, ""}, off: [2]event.Type{event.GroupEnable, ""},
	},
	{
		operation: "UPDATE", kind: "MUTE", line: "everybody was muted, or may speak again",
		types: [2]event.Type{event.GroupMute, event.ChatroomMute}, off: [2]event.Type{event.GroupUnmute, event.ChatroomUnmute},
	},
	{operation: "DELETE", line: "a group or chatroom was dissolved", types: [2]event.Type{event.GroupDestroy, event.ChatroomDestroy}},
	{operation: "JOIN", kind: "DIRECT", line: "members came in", types: [2]event.Type{event.GroupMemberJoin, event.ChatroomMemberJoin}, whom: opMember},
	{operation: "JOIN", kind: "INVITE", line: "members came in by invitation", types: [2]event.Type{event.GroupMemberJoin, event.ChatroomMemberJoin}, whom: opMember, source: "invite", reads: true},
	{operation: "JOIN", kind: "APPLY", line: "members came in on request", types: [2]event.Type{event.GroupMemberJoin, event.ChatroomMemberJoin}, whom: opMember, source: "apply", reads: true},
	{operation: "LEAVE", kind: "QUIT", line: "members left, in chatrooms also by being offline for two minutes", types: [2]event.Type{event.GroupMemberLeave, event.ChatroomMemberLeave}, whom: opMember},
	{operation: "LEAVE", kind: "KICK", line: "members were put out", types: [2]event.Type{event.GroupMemberKick, event.ChatroomMemberKick}, whom: opMember},
	{operation: "LEAVE", kind: "BLOCK", line: "members are out because they were blocked", types: [2]event.Type{event.GroupMemberKick, event.ChatroomMemberKick}, whom: opMember, reason: "block", echo: true, reads: true},
	{operation: "LEAVE", kind: "DELETE", line: "members are out because the place was dissolved", types: [2]event.Type{event.GroupMemberLeave, event.ChatroomMemberLeave}, whom: opMember, reason: "destroy", echo: true, reads: true},
	{operation: "ADMIN", kind: "ADD", line: "members became admins", types: [2]event.Type{event.GroupMemberPromote, event.ChatroomMemberPromote}, whom: opAdmin},
	{operation: "ADMIN", kind: "REMOVE", line: "members are admins no more", types: [2]event.Type{event.GroupMemberDemote, event.ChatroomMemberDemote}, whom: opAdmin},
	{operation: "MUTE", kind: "ADD", line: "members were muted", types: [2]event.Type{event.GroupMemberMute, event.ChatroomMemberMute}, whom: opMember, ends: true},
	{operation: "MUTE", kind: "REMOVE", line: "members may speak again", types: [2]event.Type{event.GroupMemberUnmute, event.ChatroomMemberUnmute}, whom: opMember},
	{operation: "WHITE", kind: "ADD", line: "members were put on the allow list", types: [2]event.Type{event.GroupMemberAllow, event.ChatroomMemberAllow}, whom: opMember},
	{operation: "WHITE", kind: "REMOVE", line: "members were taken off the allow list", types: [2]event.Type{event.GroupMemberDisallow, event.ChatroomMemberDisallow}, whom: opMember},
	{operation: "BLOCK", kind: "ADD", line: "members were put on the block list", types: [2]event.Type{event.GroupMemberBan, event.ChatroomMemberBan}, whom: opMember, ends: true},
	{operation: "BLOCK", kind: "REMOVE", line: "members were taken off the block list", types: [2]event.Type{event.GroupMemberUnban, event.ChatroomMemberUnban}, whom: opMember},
	{operation: "SHIELD", kind: "ADD", line: "a user shields himself from a group's messages", types: [2]event.Type{event.GroupBlock, ""}, whom: opHimself},
	{operation: "SHIELD", kind: "REMOVE", line: "a user takes a group's messages again", types: [2]event.Type{event.GroupUnblock, ""}, whom: opHimself},
	{operation: "SHARE_FILE", kind: "ADD", line: "shared files were added", types: [2]event.Type{event.GroupFileUpload, ""}, whom: opFiles},
	{operation: "SHARE_FILE", kind: "REMOVE", line: "shared files were removed", types: [2]event.Type{event.GroupFileDelete, ""}, whom: opFiles},
	{operation: "ROOM_SUPER_ADMIN", kind: "ADD", line: "users became super admins of all chatrooms", types: [2]event.Type{"", event.ChatroomSuperPromote}, whom: opAdmin},
	{operation: "ROOM_SUPER_ADMIN", kind: "REMOVE", line: "users are super admins no more", types: [2]event.Type{"", event.ChatroomSuperDemote}, whom: opAdmin},
}

// everywhere reports whether the fact is about no one place.
func (f *opFact) everywhere() bool { return f.operation == "ROOM_SUPER_ADMIN" }

func groupOpCommands() []command {
	all := make([]command, len(opFacts))
	for i := range opFacts {
		f := &opFacts[i]
		var types []event.Type
		for _, t := range []event.Type{f.types[0], f.types[1], f.off[0], f.off[1]} {
			if t != "" {
				types = append(types, t)
			}
		}
		all[i] = command{
			spec:       after(join(groupOpPrefix+f.operation, "/", f.kind), f.line, types...),
			generation: current,
			decode:     func(in *input, ev *event.Event) (bool, error) { return decodeGroupOp(in, ev, f) },
			encode:     func(out *output) error { return encodeGroupOp(out, f) },
			sample:     func(d *draw) *event.Event { return d.groupOp(f) },
			instead:    insteadOf,
		}
		if !f.reads {
			all[i].says = types
		}
	}
	return all
}

// insteadOf names the command for members who came or went in a special way.
func insteadOf(ev *event.Event) string {
	if len(ev.Members) == 0 {
		return ""
	}
	m := &ev.Members[0]
	switch ev.Type {
	case event.GroupMemberJoin, event.ChatroomMemberJoin:
		switch {
		case m.Source == "invite":
			return groupOpPrefix + "JOIN/INVITE"
		case m.Source == "apply" || ev.Type == event.ChatroomMemberJoin:
			return groupOpPrefix + "JOIN/APPLY"
		}
	case event.GroupMemberLeave, event.ChatroomMemberLeave:
		if m.Reason == "destroy" {
			return groupOpPrefix + "LEAVE/DELETE"
		}
	}
	return ""
}

func decodeGroupOp(in *input, ev *event.Event, f *opFact) (bool, error) {
	w, err := read[groupOp](in)
	if err != nil {
		return false, err
	}
	at, kind := 0, event.KindGroup
	switch w.Type {
	case typeGroup:
	case typeRoom:
		at, kind = 1, event.KindChatroom
	default:
		return false, nil
	}
	p := w.Payload
	if p == nil {
		p = &groupPayload{}
	}
	t, ok := f.types[at], true
	if f.off != [2]event.Type{} {
		var on bool
		if on, ok = p.says(f.kind); !on {
			t = f.off[at]
		}
	}
	id := bareID(w.AppKey, w.ID)
	if !ok || t == "" || (id == "" && !f.everywhere()) {
		return false, nil
	}
	ev.Type, ev.Echo, ev.Generation = t, f.echo, current
	if w.CallID != "" {
		ev.Dedupe = w.CallID
	}
	if !f.everywhere() {
		setPlace(ev, kind, id)
		w.ID = stripped(w.ID, id)
	}
	ev.Actor, w.Operator = actor(w.AppKey, w.Operator)
	if !p.read(ev, f, w.AppKey) {
		return false, nil
	}
	if f.everywhere() {
		if len(ev.Members) == 0 {
			return false, nil
		}
		ev.Lane = event.NewLane(event.KindUser, ev.Members[0].ID)
	}
	if w.MemberCount > 0 && !f.everywhere() {
		if kind == event.KindGroup {
			ev.Group.MemberCount = w.MemberCount
		} else {
			ev.Chatroom.MemberCount = w.MemberCount
		}
		w.MemberCount = 0
	}
	p.Type = ""
	if w.Payload = p; p.isZero() {
		w.Payload = nil
	}
	w.Timestamp, w.Event, w.Operation, w.Type, w.Security = 0, "", "", "", ""
	rest, err := w.json(true)
	if err == nil && string(rest) != "{}" {
		ev.Vendor = rest
	}
	return true, err
}

// says reads the one value of an update that may say either of two things. False
// for ok when it is not there.
func (p *groupPayload) says(kind string) (on, ok bool) {
	switch kind {
	case "ANNOUNCEMENT":
		return p.Announcement != nil, true
	case "DISABLE":
		if p.Disable != nil {
			return *p.Disable, true
		}
	case "MUTE":
		if p.Mute != nil {
			return *p.Mute, true
		}
	}
	return false, false
}

func (p *groupPayload) isZero() bool {
	return p.Type == "" && len(p.Role) == 0 && len(p.Member) == 0 && len(p.Admin) == 0 && p.Info == nil &&
		p.Owner == "" && p.NewOwner == "" && p.Announcement == nil && p.Disable == nil && p.Mute == nil &&
		p.Expire == 0 && len(p.ShareFile) == 0 && p.Options == nil && len(p.Unknown) == 0
}

// read moves what is canonical to ev. False when those whom it is about are not
// named.
func (p *groupPayload) read(ev *event.Event, f *opFact, appKey string) bool {
	switch f.kind {
	case "ANNOUNCEMENT":
		if p.Announcement != nil {
			if ev.Group != nil {
				ev.Group.Announcement = *p.Announcement
			} else {
				ev.Chatroom.Announcement = *p.Announcement
			}
		}
		p.Announcement = nil
	case "DISABLE":
		p.Disable = nil
	}
	if f.operation == "UPDATE" && f.kind == "MUTE" {
		p.Mute = nil
	}
	switch f.whom {
	case opMember:
		ev.Members, p.Member = bareIDs(appKey, p.Member), nil
	case opAdmin:
		ev.Members, p.Admin = bareIDs(appKey, p.Admin), nil
	case opNewOwner:
		owner := bareID(appKey, p.NewOwner)
		if owner == "" {
			return false
		}
		ev.Members, p.NewOwner = []event.Member{{ID: owner}}, ""
		before := bareID(appKey, p.Owner)
		p.Owner = ""
		if ev.Group != nil {
			ev.Group.Owner, ev.Group.PreviousOwner = owner, before
		} else {
			ev.Chatroom.Owner = owner
			p.Owner = before
		}
	case opHimself:
		if ev.Actor != nil && ev.Actor.ID != "" {
			ev.Members = []event.Member{{ID: ev.Actor.ID}}
		}
	case opFiles:
		ev.Group.Files, p.ShareFile = p.ShareFile, nil
	case opNobody, opInfo:
	}
	for i := range ev.Members {
		m := &ev.Members[i]
		m.Source, m.Reason = f.source, f.reason
		if f.ends && p.Expire != forEver {
			m.Until, _ = readMillis(p.Expire)
		}
		if p.Options != nil {
			m.Extra = string(p.Options.Ext)
		}
		if role := p.Role[m.ID]; role != "" {
			m.Role = role
			delete(p.Role, m.ID)
		}
	}
	if f.ends && len(ev.Members) > 0 {
		if _, odd := readMillis(p.Expire); odd == 0 {
			p.Expire = 0
		}
	}
	if p.Options != nil && len(ev.Members) > 0 && len(p.Options.Unknown) == 0 {
		p.Options = nil
	}
	p.Info = p.Info.read(ev, appKey)
	if ev.Group != nil && ev.Group.Owner != "" && p.Role[ev.Group.Owner] == "owner" {
		delete(p.Role, ev.Group.Owner)
	}
	if ev.Chatroom != nil && ev.Chatroom.Owner != "" && p.Role[ev.Chatroom.Owner] == "owner" {
		delete(p.Role, ev.Chatroom.Owner)
	}
	if len(p.Role) == 0 {
		p.Role = nil
	}
	return true
}

func encodeGroupOp(out *output, f *opFact) error {
	ev := out.ev
	var w groupOp
	if err := out.keptGroupOp(&w); err != nil {
		return err
	}
	at, kind := 0, event.KindGroup
	if ev.Type == f.types[1] || ev.Type == f.off[1] {
		at, kind = 1, event.KindChatroom
	}
	if !f.everywhere() {
		id, err := place(ev, kind)
		if err != nil {
			return err
		}
		w.ID = or(w.ID, id)
	}
	w.Event, w.Operation, w.Type, w.Security = groupOpEvent, f.operation, [2]string{typeGroup, typeRoom}[at], ""
	w.Operator = or(w.Operator, actorID(ev.Actor, appAdmin))
	if at := out.millis(); at != 0 {
		w.Timestamp = at
	}
	if !out.own {
		w.AppKey = out.appKey()
	}
	w.CallID = out.callID(w.CallID, w.AppKey, 0, 1)
	if w.MemberCount == 0 {
		w.MemberCount = memberCount(ev)
	}
	if w.Payload == nil {
		w.Payload = &groupPayload{}
	}
	if err := w.Payload.write(out, f, at, w.AppKey); err != nil {
		return err
	}
	if f.operation == "DELETE" && w.Payload.isZero() {
		w.Payload = nil
	}
	b, err := w.json(false)
	if err != nil {
		return dialect.Untranslatable("writing %s: %v", out.command.spec.Name, err)
	}
	out.add(b)
	return nil
}

func memberCount(ev *event.Event) int {
	switch {
	case ev.Type == event.GroupMemberJoin && ev.Group != nil:
		return ev.Group.MemberCount
	case ev.Type == event.ChatroomMemberJoin && ev.Chatroom != nil:
		return ev.Chatroom.MemberCount
	}
	return 0
}

// write is the inverse of read.
func (p *groupPayload) write(out *output, f *opFact, at int, appKey string) error {
	ev := out.ev
	p.Type = f.kind
	if f.off != [2]event.Type{} {
		on := ev.Type == f.types[at]
		switch f.kind {
		case "ANNOUNCEMENT":
			p.Announcement = nil
			if on {
				p.Announcement = new(announcement(ev))
			}
		case "DISABLE":
			p.Disable = &on
		case "MUTE":
			p.Mute = &on
		}
	}
	members := ev.Members
	if f.whom == opMember && f.operation != "CREATE" || f.whom == opAdmin {
		if members = out.concerned(); len(members) == 0 && !out.own {
			return dialect.Untranslatable("it names no member")
		}
	}
	ids := make([]string, len(members))
	for i := range members {
		ids[i] = members[i].ID
	}
	switch f.whom {
	case opMember:
		p.Member = ids
	case opAdmin:
		p.Admin = ids
	case opNewOwner:
		switch {
		case len(ids) > 0:
			p.NewOwner = ids[0]
		case ev.Group != nil && ev.Group.Owner != "":
			p.NewOwner = ev.Group.Owner
		case ev.Chatroom != nil && ev.Chatroom.Owner != "":
			p.NewOwner = ev.Chatroom.Owner
		default:
			return dialect.Untranslatable("it does not name the new owner")
		}
		if ev.Group != nil && ev.Group.PreviousOwner != "" {
			p.Owner = ev.Group.PreviousOwner
		} else if !out.own {
			p.Owner = actorID(ev.Actor, "")
		}
	case opFiles:
		if ev.Group == nil || (len(ev.Group.Files) == 0 && !out.own) {
			return dialect.Untranslatable("it names no file")
		}
		p.ShareFile = ev.Group.Files
	case opNobody, opHimself, opInfo:
	}
	if len(members) > 0 {
		if f.ends && p.Expire == 0 {
			if p.Expire = forEver; !members[0].Until.IsZero() {
				p.Expire = members[0].Until.UnixMilli()
			}
		}
		if f.operation == "JOIN" && p.Options == nil && members[0].Extra != "" {
			p.Options = &groupOptions{Ext: loose(members[0].Extra)}
		}
	}
	if f.operation == "CREATE" {
		p.writeRoles(ev)
	}
	if f.operation == "CREATE" || f.whom == opInfo {
		p.Info = p.Info.write(ev, appKey)
	}
	return nil
}

func announcement(ev *event.Event) string {
	switch {
	case ev.Group != nil:
		return ev.Group.Announcement
	case ev.Chatroom != nil:
		return ev.Chatroom.Announcement
	}
	return ""
}

// writeRoles names the owner and the admins of a new place.
func (p *groupPayload) writeRoles(ev *event.Event) {
	all := maps.Clone(p.Role)
	set := func(id, role string) {
		if all == nil {
			all = roles{}
		}
		if id != "" && role != "" {
			all[id] = role
		}
	}
	for _, m := range ev.Members {
		set(m.ID, m.Role)
	}
	if ev.Group != nil {
		set(ev.Group.Owner, "owner")
	} else if ev.Chatroom != nil {
		set(ev.Chatroom.Owner, "owner")
	}
	p.Role = all
}

// end is when what a sample reports is over.
func end(now time.Time, after time.Duration) time.Time {
	return now.Add(after).UTC().Truncate(time.Millisecond)
}
