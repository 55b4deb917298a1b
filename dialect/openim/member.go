package openim

import (
	"strconv"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// The role levels.
const (
	roleOwner  = 100
	roleAdmin  = 60
	roleMember = 20
)

// roleWord is the canonical word of a role level; a level that the table does not
// have stays a number.
func roleWord(level int32) string {
	switch level {
	case 0:
		return ""
	case roleOwner:
		return "owner"
	case roleAdmin:
		return "admin"
	case roleMember:
		return "member"
	}
	return strconv.Itoa(int(level))
}

func roleLevel(word string) int32 {
	switch word {
	case "owner":
		return roleOwner
	case "admin":
		return roleAdmin
	}
	if n, err := strconv.ParseInt(word, 10, 32); err == nil {
		return int32(n)
	}
	return roleMember
}

// joinSources are how somebody came into a group, in the order of their numbers.
var joinSources = [...]string{"", "admin", "invite", "search", "qrcode"}

func joinSource(n int32) string {
	if n >= 0 && int(n) < len(joinSources) {
		return joinSources[n]
	}
	return strconv.Itoa(int(n))
}

func joinSourceCode(word string) int32 {
	for i, s := range joinSources {
		if s == word {
			return int32(i)
		}
	}
	if n, err := strconv.ParseInt(word, 10, 32); err == nil {
		return int32(n)
	}
	switch word {
	case "apply":
		return 3
	case "scan":
		return 4
	}
	return 0
}

// entry is CallbackBeforeMembersJoinGroupReq; until v3.7 the command was
// callbackBeforeMemberJoinGroupCommand, about one user.
type entry struct {
	CallbackCommand string        `json:"callbackCommand"`
	GroupID         string        `json:"groupID"`
	MemberList      []entryMember `json:"memberList"`
	UserID          string        `json:"userID,omitzero"`
	Ex              string        `json:"ex,omitzero"`
	GroupEx         string        `json:"groupEx"`
	entryRest
}

type entryRest struct {
	OperationID string `json:"operationID,omitzero"`
	rest
}

type entryMember struct {
	UserID string `json:"userID"`
	Ex     string `json:"ex"`
}

func decodeEntry(in *input) (*event.Event, error) {
	var w entry
	if err := in.read(&w); err != nil {
		return nil, err
	}
	if w.GroupID == "" {
		return nil, in.missing("groupID")
	}
	ev := &event.Event{Type: in.only(), Group: &event.Group{ID: w.GroupID, Extra: w.GroupEx}}
	ev.Conversation, ev.Lane = group(w.GroupID)
	for _, m := range w.MemberList {
		ev.Members = append(ev.Members, event.Member{ID: m.UserID, Extra: m.Ex})
	}
	if w.UserID != "" {
		ev.Members = append(ev.Members, event.Member{ID: w.UserID, Extra: w.Ex})
	}
	w.rest.CallbackCommand = in.other(w.CallbackCommand)
	return vendor(in, ev, &w.entryRest)
}

func encodeEntry(out *output) error {
	ev := out.ev
	var w entry
	if err := out.kept(&w.entryRest); err != nil {
		return err
	}
	var err error
	if w.GroupID, err = groupID(ev); err != nil {
		return err
	}
	if ev.Group != nil {
		w.GroupEx = ev.Group.Extra
	}
	w.CallbackCommand = out.said(w.rest.CallbackCommand)
	if out.name == out.v3 { // about one user
		if len(out.concerned()) == 0 && out.own {
			return out.post(&w)
		}
		return out.each(func(m *event.Member) error {
			return out.post(&struct {
				CallbackCommand string `json:"callbackCommand"`
				GroupID         string `json:"groupID"`
				UserID          string `json:"userID"`
				Ex              string `json:"ex"`
				GroupEx         string `json:"groupEx"`
				entryRest
			}{w.CallbackCommand, w.GroupID, m.ID, m.Extra, w.GroupEx, w.entryRest})
		})
	}
	for _, m := range out.concerned() {
		w.MemberList = append(w.MemberList, entryMember{m.ID, m.Extra})
	}
	if len(w.MemberList) == 0 && !out.own {
		return dialect.Untranslatable("it names no member")
	}
	return out.post(&w)
}

// invitation is CallbackBeforeInviteUserToGroupReq. Who invites is not on the wire.
type invitation struct {
	CallbackCommand string   `json:"callbackCommand"`
	OperationID     *string  `json:"operationID"`
	GroupID         string   `json:"groupID"`
	Reason          string   `json:"reason"`
	InvitedUserIDs  []string `json:"invitedUserIDs"`
	reasonRest
}

// reasonRest holds a reason where there is no member to have it.
type reasonRest struct {
	OperationID *string `json:"operationID,omitzero"`
	Reason      string  `json:"reason,omitzero"`
	rest
}

func (r *reasonRest) keep(in *input, said string, operation *string, reason string, ms []event.Member) {
	if len(ms) == 0 {
		r.Reason = reason
	}
	for i := range ms {
		ms[i].Reason = reason
	}
	r.OperationID = nil
	if operation != nil && *operation != "" {
		r.OperationID = operation
	}
	r.CallbackCommand = in.other(said)
}

// reason is that of the first member; all have the same here.
func reason(ms []event.Member, kept string) string {
	if len(ms) == 0 {
		return kept
	}
	return ms[0].Reason
}

func decodeInvitation(in *input) (*event.Event, error) {
	var w invitation
	if err := in.read(&w); err != nil {
		return nil, err
	}
	if w.GroupID == "" {
		return nil, in.missing("groupID")
	}
	ev := &event.Event{Type: in.only(), Members: members(w.InvitedUserIDs)}
	ev.Conversation, ev.Lane = group(w.GroupID)
	w.keep(in, w.CallbackCommand, w.OperationID, w.Reason, ev.Members)
	return vendor(in, ev, &w.reasonRest)
}

func encodeInvitation(out *output) error {
	ev := out.ev
	var w invitation
	if err := out.kept(&w.reasonRest); err != nil {
		return err
	}
	var err error
	if w.GroupID, err = groupID(ev); err != nil {
		return err
	}
	if w.InvitedUserIDs = memberIDs(ev.Members); w.InvitedUserIDs == nil && !out.own {
		return dialect.Untranslatable("it names nobody who is invited")
	}
	w.CallbackCommand, w.OperationID = out.said(w.rest.CallbackCommand), new(out.operation(w.reasonRest.OperationID))
	w.Reason = reason(ev.Members, w.reasonRest.Reason)
	return out.post(&w)
}

// application is CallbackJoinGroupReq, asked whether or not the group wants
// approval.
type application struct {
	CallbackCommand string `json:"callbackCommand"`
	GroupID         string `json:"groupID"`
	GroupType       string `json:"groupType"`
	ApplyID         string `json:"applyID"`
	ReqMessage      string `json:"reqMessage"`
	Ex              string `json:"ex"`
	rest
}

func decodeApplication(in *input) (*event.Event, error) {
	var w application
	if err := in.read(&w); err != nil {
		return nil, err
	}
	if err := in.need("groupID", w.GroupID, "applyID", w.ApplyID); err != nil {
		return nil, err
	}
	ev := &event.Event{
		Type: in.only(), Actor: actor(w.ApplyID),
		Members: []event.Member{{ID: w.ApplyID, Reason: w.ReqMessage, Extra: w.Ex}},
		Group:   &event.Group{ID: w.GroupID, Kind: readGroupTypeText(w.GroupType)},
	}
	ev.Conversation, ev.Lane = group(w.GroupID)
	w.rest.CallbackCommand = in.other(w.CallbackCommand)
	return vendor(in, ev, &w.rest)
}

func encodeApplication(out *output) error {
	ev := out.ev
	var w application
	if err := out.kept(&w.rest); err != nil {
		return err
	}
	var err error
	if w.GroupID, err = groupID(ev); err != nil {
		return err
	}
	kind := ""
	if ev.Group != nil {
		kind = ev.Group.Kind
	}
	w.CallbackCommand, w.GroupType = out.said(w.rest.CallbackCommand), writeGroupTypeText(kind, out.own)
	return out.each(func(m *event.Member) error {
		w.ApplyID, w.ReqMessage, w.Ex = m.ID, m.Reason, m.Extra
		return out.post(&w)
	})
}

// join is CallbackAfterJoinGroupReq. InviterUserID is the one who joined: only who
// needs no approval gets here.
type join struct {
	CallbackCommand string  `json:"callbackCommand"`
	OperationID     *string `json:"operationID"`
	GroupID         string  `json:"groupID"`
	ReqMessage      string  `json:"reqMessage"`
	JoinSource      int32   `json:"joinSource"`
	InviterUserID   string  `json:"inviterUserID"`
	reasonRest
}

func decodeJoin(in *input) (*event.Event, error) {
	var w join
	if err := in.read(&w); err != nil {
		return nil, err
	}
	if err := in.need("groupID", w.GroupID, "inviterUserID", w.InviterUserID); err != nil {
		return nil, err
	}
	ev := &event.Event{
		Type: in.only(), Actor: actor(w.InviterUserID),
		Members: []event.Member{{ID: w.InviterUserID, Source: joinSource(w.JoinSource)}},
	}
	ev.Conversation, ev.Lane = group(w.GroupID)
	w.keep(in, w.CallbackCommand, w.OperationID, w.ReqMessage, ev.Members)
	return vendor(in, ev, &w.reasonRest)
}

func encodeJoin(out *output) error {
	var w join
	if err := out.kept(&w.reasonRest); err != nil {
		return err
	}
	var err error
	if w.GroupID, err = groupID(out.ev); err != nil {
		return err
	}
	w.CallbackCommand, w.OperationID = out.said(w.rest.CallbackCommand), new(out.operation(w.reasonRest.OperationID))
	w.reasonRest.OperationID = nil
	return out.each(func(m *event.Member) error {
		w.InviterUserID, w.ReqMessage, w.JoinSource = m.ID, m.Reason, joinSourceCode(m.Source)
		return out.post(&w)
	})
}

// quit is CallbackQuitGroupReq.
type quit struct {
	CallbackCommand string `json:"callbackCommand"`
	GroupID         string `json:"groupID"`
	UserID          string `json:"userID"`
	rest
}

func decodeQuit(in *input) (*event.Event, error) {
	var w quit
	if err := in.read(&w); err != nil {
		return nil, err
	}
	if err := in.need("groupID", w.GroupID, "userID", w.UserID); err != nil {
		return nil, err
	}
	ev := &event.Event{Type: in.only(), Actor: actor(w.UserID), Members: one(w.UserID)}
	ev.Conversation, ev.Lane = group(w.GroupID)
	w.rest.CallbackCommand = in.other(w.CallbackCommand)
	return vendor(in, ev, &w.rest)
}

func encodeQuit(out *output) error {
	var w quit
	if err := out.kept(&w.rest); err != nil {
		return err
	}
	var err error
	if w.GroupID, err = groupID(out.ev); err != nil {
		return err
	}
	w.CallbackCommand = out.said(w.rest.CallbackCommand)
	return out.each(func(m *event.Member) error {
		w.UserID = m.ID
		return out.post(&w)
	})
}

// kick is CallbackKillGroupMemberReq. Who did it is not on the wire.
type kick struct {
	CallbackCommand string   `json:"callbackCommand"`
	GroupID         string   `json:"groupID"`
	KickedUserIDs   []string `json:"kickedUserIDs"`
	Reason          string   `json:"reason"`
	reasonRest
}

func decodeKick(in *input) (*event.Event, error) {
	var w kick
	if err := in.read(&w); err != nil {
		return nil, err
	}
	if w.GroupID == "" {
		return nil, in.missing("groupID")
	}
	ev := &event.Event{Type: in.only(), Members: members(w.KickedUserIDs)}
	ev.Conversation, ev.Lane = group(w.GroupID)
	w.keep(in, w.CallbackCommand, w.OperationID, w.Reason, ev.Members)
	return vendor(in, ev, &w.reasonRest)
}

func encodeKick(out *output) error {
	ev := out.ev
	var w kick
	if err := out.kept(&w.reasonRest); err != nil {
		return err
	}
	var err error
	if w.GroupID, err = groupID(ev); err != nil {
		return err
	}
	if w.KickedUserIDs = memberIDs(ev.Members); w.KickedUserIDs == nil && !out.own {
		return dialect.Untranslatable("it names no member")
	}
	w.CallbackCommand, w.Reason = out.said(w.rest.CallbackCommand), reason(ev.Members, w.reasonRest.Reason)
	return out.post(&w)
}

// card is CallbackBefore/AfterSetGroupMemberInfoReq; null is what does not change.
type card struct {
	CallbackCommand string  `json:"callbackCommand"`
	GroupID         string  `json:"groupID"`
	UserID          string  `json:"userID"`
	Nickname        *string `json:"nickName"`
	FaceURL         *string `json:"faceURL"`
	RoleLevel       *int32  `json:"roleLevel"`
	Ex              *string `json:"ex"`
	cardRest
}

// cardRest holds the avatar, which members do not have, and what is set to
// nothing.
type cardRest struct {
	OperationID string  `json:"operationID,omitzero"`
	Nickname    *string `json:"nickName,omitzero"`
	FaceURL     *string `json:"faceURL,omitzero"`
	RoleLevel   *int32  `json:"roleLevel,omitzero"`
	Ex          *string `json:"ex,omitzero"`
	rest
}

func decodeCard(in *input) (*event.Event, error) {
	var w card
	if err := in.read(&w); err != nil {
		return nil, err
	}
	if err := in.need("groupID", w.GroupID, "userID", w.UserID); err != nil {
		return nil, err
	}
	m := event.Member{ID: w.UserID}
	m.Alias, w.cardRest.Nickname = given(w.Nickname)
	m.Extra, w.cardRest.Ex = given(w.Ex)
	w.cardRest.FaceURL = w.FaceURL
	ev := &event.Event{Type: event.GroupMemberUpdate}
	if w.RoleLevel != nil {
		if m.Role = roleWord(*w.RoleLevel); m.Role == "" {
			w.cardRest.RoleLevel = w.RoleLevel
		}
		if in.phase == event.After && w.Nickname == nil && w.FaceURL == nil && w.Ex == nil {
			switch *w.RoleLevel {
			case roleAdmin:
				ev.Type = event.GroupMemberPromote
			case roleMember:
				ev.Type = event.GroupMemberDemote
			}
		}
	}
	ev.Members = []event.Member{m}
	ev.Conversation, ev.Lane = group(w.GroupID)
	w.rest.CallbackCommand = in.other(w.CallbackCommand)
	return vendor(in, ev, &w.cardRest)
}

func encodeCard(out *output) error {
	ev := out.ev
	var w card
	if err := out.kept(&w.cardRest); err != nil {
		return err
	}
	var err error
	if w.GroupID, err = groupID(ev); err != nil {
		return err
	}
	kept := w.cardRest
	w.CallbackCommand = out.said(kept.CallbackCommand)
	return out.each(func(m *event.Member) error {
		w.UserID = m.ID
		w.Nickname, w.Ex, w.FaceURL, w.RoleLevel = give(m.Alias, kept.Nickname), give(m.Extra, kept.Ex), kept.FaceURL, kept.RoleLevel
		switch {
		case ev.Type == event.GroupMemberPromote:
			w.Nickname, w.Ex, w.FaceURL, w.RoleLevel = nil, nil, nil, new(int32(roleAdmin))
		case ev.Type == event.GroupMemberDemote:
			w.Nickname, w.Ex, w.FaceURL, w.RoleLevel = nil, nil, nil, new(int32(roleMember))
		case m.Role != "":
			w.RoleLevel = new(roleLevel(m.Role))
		}
		return out.post(&w)
	})
}
