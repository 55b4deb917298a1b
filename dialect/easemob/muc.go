package easemob

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// whom says where the one stands whom an operation is about.
type whom int

const (
	// nobody: only the group is concerned; to is whom the server told.
	nobody whom = iota
	// himself: the actor is the one.
	himself
	// other: it is to.
	other
	// otherOrHimself: it is to, or from where to names nobody but the group.
	otherOrHimself
	// gone: it is from, and who did it is not on the wire.
	gone
	// attributes: from is the group itself; who did it stands in event_info.
	attributes
)

// mucOp is one operation of the older group and chatroom reports.
type mucOp struct {
	name string
	line string
	// group and room are what it means in either; empty where there is none.
	group, room event.Type
	whom        whom
	// reason and status say that the vendor's examples have these keys.
	reason, status bool
	// only says that the newer reports have no such fact, so that it is written in
	// both generations.
	only bool
	// echo says that another operation reports the same fact.
	echo bool
}

// mucOps are all operations, in the order of the vendor's page.
var mucOps = []mucOp{
	{name: "create", line: "a group was made", group: event.GroupCreate, reason: true, status: true},
	{name: "destroy", line: "a group or chatroom was dissolved", group: event.GroupDestroy, room: event.ChatroomDestroy, reason: true, status: true},
	{name: "apply", line: "somebody asks to join a group", group: event.GroupMemberApply, whom: himself, reason: true, status: true, only: true},
	{name: "apply_accept", line: "a request to join was granted", group: event.GroupMemberApplyAccept, whom: other, reason: true, status: true, only: true},
	{name: "invite", line: "somebody was invited into a group", group: event.GroupMemberInvite, whom: other, reason: true, status: true, only: true},
	{name: "invite_accept", line: "an invited user agreed", group: event.GroupMemberInviteAccept, whom: himself, reason: true, status: true, only: true},
	{name: "invite_decline", line: "an invited user refused", group: event.GroupMemberInviteDecline, whom: himself, reason: true, status: true, only: true},
	{name: "kick", line: "a member was put out", group: event.GroupMemberKick, room: event.ChatroomMemberKick, whom: other, status: true},
	{name: "ban", line: "a member was put on the group's block list", group: event.GroupMemberBan, whom: other, reason: true, status: true},
	{name: "allow", line: "a member was taken off the group's block list", group: event.GroupMemberUnban, whom: other, reason: true, status: true},
	{name: "update", line: "the profile of a group or chatroom was changed", group: event.GroupUpdate, room: event.ChatroomUpdate, status: true},
	{name: "block", line: "a user shields himself from a group's messages", group: event.GroupBlock, whom: himself, reason: true, status: true},
	{name: "unblock", line: "a user takes a group's messages again", group: event.GroupUnblock, whom: himself, reason: true, status: true},
	{name: "presence", line: "a member came in", group: event.GroupMemberJoin, room: event.ChatroomMemberJoin, whom: himself},
	{name: "absence", line: "a member is gone, after leave, kick or ban", group: event.GroupMemberLeave, room: event.ChatroomMemberLeave, whom: gone, echo: true},
	{name: "direct_joined", line: "a member joined without approval", group: event.GroupMemberJoin, whom: otherOrHimself, status: true},
	{name: "leave", line: "a member left", group: event.GroupMemberLeave, room: event.ChatroomMemberLeave, whom: himself, status: true},
	{name: "assing_owner", line: "a group got a new owner (the wire's own spelling)", group: event.GroupTransfer, whom: other, status: true},
	{name: "add_admin", line: "a member became admin", group: event.GroupMemberPromote, room: event.ChatroomMemberPromote, whom: other, status: true},
	{name: "remove_admin", line: "a member is admin no more", group: event.GroupMemberDemote, room: event.ChatroomMemberDemote, whom: other, status: true},
	{name: "add_mute", line: "a member was muted", group: event.GroupMemberMute, room: event.ChatroomMemberMute, whom: other, status: true},
	{name: "remove_mute", line: "a member may speak again", group: event.GroupMemberUnmute, room: event.ChatroomMemberUnmute, whom: other, status: true},
	{name: "update_announcement", line: "an announcement was set", group: event.GroupAnnounce, room: event.ChatroomAnnounce, reason: true, status: true},
	{name: "delete_announcement", line: "an announcement was removed", group: event.GroupUnannounce, room: event.ChatroomUnannounce, reason: true, status: true},
	{name: "upload_file", line: "a shared file was added", group: event.GroupFileUpload, reason: true, status: true},
	{name: "delete_file", line: "a shared file was removed", group: event.GroupFileDelete, reason: true, status: true},
	{name: "add_user_white_list", line: "a member was put on the allow list", group: event.GroupMemberAllow, room: event.ChatroomMemberAllow, whom: other, status: true},
	{name: "remove_user_white_list", line: "a member was taken off the allow list", group: event.GroupMemberDisallow, room: event.ChatroomMemberDisallow, whom: other, status: true},
	{name: "ban_group", line: "everybody was muted", group: event.GroupMute, room: event.ChatroomMute, status: true},
	{name: "remove_ban_group", line: "everybody may speak again", group: event.GroupUnmute, room: event.ChatroomUnmute, status: true},
	{name: "set_metadata", line: "attributes of a chatroom were set", room: event.ChatroomAttributeSet, whom: attributes, status: true, only: true},
	{name: "delete_metadata", line: "attributes of a chatroom were removed", room: event.ChatroomAttributeDelete, whom: attributes, status: true, only: true},
	{name: "group_member_metadata_update", line: "attributes of a group's member were changed", group: event.GroupMemberUpdate, whom: attributes, status: true, only: true},
}

// mucPayload is what the older reports of groups and chatrooms hold.
type mucPayload struct {
	MucID string `json:"muc_id,omitzero"`
	// Reason is text for people, an announcement, a file or its id.
	Reason     *loose         `json:"reason,omitzero"`
	IsChatroom bool           `json:"is_chatroom"`
	Operation  string         `json:"operation"`
	EventInfo  *eventInfo     `json:"event_info,omitzero"`
	Status     *mucStatus     `json:"status,omitzero"`
	Unknown    jsontext.Value `json:",embed"`
}

type mucStatus struct {
	Description string         `json:"description"`
	ErrorCode   string         `json:"error_code,omitzero"`
	Unknown     jsontext.Value `json:",embed"`
}

// eventInfo holds attributes.
type eventInfo struct {
	Ext     loose          `json:"ext"`
	Type    string         `json:"type"`
	Unknown jsontext.Value `json:",embed"`
}

// failed reports whether the operation did not take place.
func (s *mucStatus) failed() bool { return s != nil && s.ErrorCode != "" && s.ErrorCode != "ok" }

// rest is what the status says beyond success.
func (s *mucStatus) rest() *mucStatus {
	if s == nil || (s.Description == "" && len(s.Unknown) == 0) {
		return nil
	}
	return s
}

func mucCommands() []command {
	all := make([]command, len(mucOps))
	for i := range mucOps {
		op := &mucOps[i]
		var types []event.Type
		for _, t := range []event.Type{op.group, op.room} {
			if t != "" {
				types = append(types, t)
			}
		}
		all[i] = command{
			spec:       after(muc+":"+op.name, op.line, types...),
			generation: legacy,
			decode:     func(in *input, ev *event.Event) (bool, error) { return decodeMuc(in, ev, op) },
			encode:     func(out *output) error { return encodeMuc(out, op) },
			sample:     func(d *draw) *event.Event { return d.muc(op) },
		}
		if op.only {
			all[i].generation = ""
		}
		if op.name != "absence" && op.name != "direct_joined" {
			all[i].says = types
		}
	}
	return all
}

func decodeMuc(in *input, ev *event.Event, op *mucOp) (bool, error) {
	w, err := read[report[mucPayload]](in)
	if err != nil {
		return false, err
	}
	p := &w.Payload
	kind, t := event.KindGroup, op.group
	if p.IsChatroom {
		kind, t = event.KindChatroom, op.room
	}
	id := bareID(w.AppKey, or(w.GroupID, p.MucID))
	if id == "" || t == "" || p.Status.failed() {
		return false, nil
	}
	ev.Type, ev.Dedupe, ev.Generation, ev.Echo = t, w.dedupe(), legacy, op.echo
	setPlace(ev, kind, id)

	from, to := bareID(w.AppKey, w.From), bareID(w.AppKey, w.To)
	toUser := to != "" && to != id
	who := ""
	switch op.whom {
	case himself:
		who = from
	case other:
		if to != from || op.name != "ban" { // the vendor's ban names the operator twice
			who = to
		}
	case otherOrHimself:
		if who = from; toUser {
			who = to
		}
	case gone:
		who = from
	case attributes, nobody:
	}
	reason := ""
	if p.Reason != nil {
		reason = string(*p.Reason)
		p.Reason = nil
	}
	switch {
	case op.whom == gone:
		w.From = stripped(w.From, from)
	case op.whom == attributes && from == id:
		w.From = stripped(w.From, from)
		if o := attributeFacts(p.EventInfo).operator; o != "" {
			ev.Actor, _ = actor(w.AppKey, o)
		}
	default:
		ev.Actor, w.From = actor(w.AppKey, w.From)
	}
	if op.whom == attributes {
		facts := attributeFacts(p.EventInfo)
		if kind == event.KindChatroom {
			ev.Chatroom.Attributes = facts.attributes
		} else {
			if who = from; toUser {
				who = to
			}
			if facts.user != "" {
				who = facts.user
			}
			if who != "" && who != id {
				ev.Members = []event.Member{{ID: who, Extra: facts.text}}
			}
		}
	} else if who != "" && !system(who) {
		ev.Members = []event.Member{{ID: who}}
		if t == event.GroupTransfer {
			ev.Group.Owner, ev.Group.PreviousOwner = who, from
		}
	}
	if op.name == "kick" && kind == event.KindChatroom && reason == "" && len(ev.Members) == 1 && (from == "" || from == to) {
		// The server does so itself when a member is offline for two minutes.
		reason = "timeout"
	}
	if reason = readReason(ev, op, reason); reason != "" {
		p.Reason = new(loose(reason))
	}

	w.To = stripped(w.To, mucTo(op, id, from, who))
	if p.MucID == wrapGroup(w.AppKey, id) {
		p.MucID = ""
	}
	w.GroupID = stripped(w.GroupID, id)
	p.Operation, p.IsChatroom, p.Status = "", false, p.Status.rest()
	return true, w.keep(ev)
}

// mucTo is what to holds where nothing else was kept: whom the operation is about,
// or whom the vendor's examples name.
func mucTo(op *mucOp, id, from, who string) string {
	switch op.whom {
	case other, otherOrHimself:
		return who
	case himself:
		if op.name == "presence" {
			return id
		}
		return from
	case gone:
		return id
	case attributes:
		return who
	case nobody:
		switch op.name {
		case "create", "destroy", "update":
			return from
		}
	}
	return id
}

// setPlace puts ev into a group or chatroom, in one allocation.
func setPlace(ev *event.Event, kind event.Kind, id string) {
	place := event.Conversation{Kind: kind, ID: id}
	ev.Lane = place.Lane()
	if kind == event.KindChatroom {
		bodies := &struct {
			conversation event.Conversation
			chatroom     event.Chatroom
		}{place, event.Chatroom{ID: id}}
		ev.Conversation, ev.Chatroom = &bodies.conversation, &bodies.chatroom
		return
	}
	bodies := &struct {
		conversation event.Conversation
		group        event.Group
	}{place, event.Group{ID: id}}
	ev.Conversation, ev.Group = &bodies.conversation, &bodies.group
}

// readReason moves the text to what it is about, and returns what no field holds.
func readReason(ev *event.Event, op *mucOp, reason string) (rest string) {
	switch op.name {
	case "update_announcement", "delete_announcement":
		if ev.Group != nil {
			ev.Group.Announcement = reason
		} else {
			ev.Chatroom.Announcement = reason
		}
		return ""
	case "delete_file":
		if reason != "" {
			ev.Group.Files = []string{reason}
		}
		return ""
	case "upload_file":
		return readFileReason(ev, reason)
	}
	if len(ev.Members) == 1 {
		ev.Members[0].Reason = reason
		return ""
	}
	return reason
}

// sharedFile is the text in reason of an upload.
type sharedFile struct {
	Data struct {
		FileID    string         `json:"file_id"`
		FileName  string         `json:"file_name"`
		FileOwner string         `json:"file_owner"`
		FileSize  int64          `json:"file_size"`
		Created   int64          `json:"created"`
		Unknown   jsontext.Value `json:",embed"`
	} `json:"data"`
	Unknown jsontext.Value `json:",embed"`
}

// readFileReason reads the file that was uploaded as a message of kind file
// without an id. Text that is not of the vendor's form stays as it is.
func readFileReason(ev *event.Event, reason string) (rest string) {
	var f sharedFile
	if object(reason) == nil || parse("", []byte(reason), &f) != nil || f.Data.FileID == "" {
		return reason
	}
	ev.Group.Files = []string{f.Data.FileID}
	at, odd := readMillis(f.Data.Created)
	ev.Message = &event.Message{
		Kind: event.File, Sender: f.Data.FileOwner, SentAt: at,
		Media: &event.Media{Name: f.Data.FileName, Size: f.Data.FileSize},
	}
	if odd != 0 || len(f.Unknown) > 0 || len(f.Data.Unknown) > 0 {
		return reason
	}
	return ""
}

// writeReason is the inverse of readReason for the k-th file.
func writeReason(ev *event.Event, op *mucOp, m *event.Member, k int) (string, error) {
	switch op.name {
	case "update_announcement", "delete_announcement":
		if ev.Group != nil {
			return ev.Group.Announcement, nil
		} else if ev.Chatroom != nil {
			return ev.Chatroom.Announcement, nil
		}
		return "", nil
	case "delete_file", "upload_file":
		id := ""
		if ev.Group != nil && k < len(ev.Group.Files) {
			id = ev.Group.Files[k]
		}
		if op.name == "delete_file" || id == "" {
			return id, nil
		}
		var f sharedFile
		f.Data.FileID, f.Data.FileOwner = id, actorID(ev.Actor, appAdmin)
		if m := ev.Message; m != nil && k == 0 {
			f.Data.FileOwner = or(m.Sender, f.Data.FileOwner)
			f.Data.Created = writeMillis(m.SentAt, 0)
			if m.Media != nil {
				f.Data.FileName, f.Data.FileSize = m.Media.Name, m.Media.Size
			}
		}
		b, err := dialect.Marshal(&f)
		return string(b), err
	}
	return m.Reason, nil
}

// facts are what event_info says.
type facts struct {
	attributes map[string]string
	// text is the attributes as JSON.
	text     string
	operator string
	user     string
}

// attributeFacts reads the text in event_info. The vendor's examples have one key
// with a blank behind it.
func attributeFacts(info *eventInfo) facts {
	var f facts
	if info == nil {
		return f
	}
	for key, v := range object(string(info.Ext)) {
		switch strings.TrimSpace(key) {
		case "operator":
			f.operator = plain(v)
		case "username":
			f.user = plain(v)
		case "properties":
			if v.Kind() != '{' {
				continue
			}
			if tidy, err := dialect.Tidy(v); err == nil {
				f.text = string(tidy)
			}
			for name, value := range object(string(v)) {
				if f.attributes == nil {
					f.attributes = map[string]string{}
				}
				f.attributes[name] = plain(value)
			}
		}
	}
	return f
}

// attributeText is the text in event_info, in the form of the vendor's examples.
type attributeText struct {
	Result struct {
		SuccessKeys []string `json:"successKeys"`
		ErrorKeys   struct{} `json:"errorKeys"`
	} `json:"result"`
	Identify   string         `json:"identify"`
	IsForced   bool           `json:"is_forced"`
	MucName    string         `json:"muc_name"`
	NeedNotify bool           `json:"need_notify"`
	Properties jsontext.Value `json:"properties"`
	Operator   string         `json:"operator"`
	UserName   string         `json:"username,omitzero"`
}
