package openim

import (
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// groupKinds are the words of the group types in the order of their numbers. In v3
// all groups are working ones.
var groupKinds = [...]string{"normal", "super", "working"}

const groupWorking = 2

// The states of a group.
const (
	groupDismissed = 2
	groupMuted     = 3
)

func groupKind(n int32) string {
	if n >= 0 && int(n) < len(groupKinds) {
		return groupKinds[n]
	}
	return strconv.Itoa(int(n))
}

func groupType(kind string) int32 {
	for i, k := range groupKinds {
		if k == kind {
			return int32(i)
		}
	}
	if n, err := strconv.ParseInt(kind, 10, 32); err == nil {
		return int32(n)
	}
	return groupWorking
}

// readGroupTypeText reads a group type that is a string on the wire: the server
// makes a character of the number (Go's string(int32)), so that 2 arrives as
// "\u0002". Digits are read too. Empty when there is none.
func readGroupTypeText(s string) string {
	if s == "" {
		return ""
	}
	if n, err := strconv.ParseInt(s, 10, 32); err == nil {
		return groupKind(int32(n))
	}
	if r, size := utf8.DecodeRuneInString(s); size == len(s) && r != utf8.RuneError {
		return groupKind(r)
	}
	return s
}

// writeGroupTypeText is the inverse, as the server writes it.
func writeGroupTypeText(kind string, own bool) string {
	if kind == "" && own {
		return ""
	}
	return string(groupType(kind))
}

// creation is CallbackBefore/AfterCreateGroupReq.
type creation struct {
	OperationID     *string `json:"operationID,omitzero"`
	CallbackCommand string  `json:"callbackCommand"`
	// The fields of sdkws.GroupInfo, flat. All of them are missing
	// when the server has none.
	GroupID        string       `json:"groupID"`
	GroupName      string       `json:"groupName"`
	Notification   string       `json:"notification"`
	Introduction   string       `json:"introduction"`
	FaceURL        string       `json:"faceURL"`
	OwnerUserID    string       `json:"ownerUserID"`
	CreateTime     int64        `json:"createTime"`
	MemberCount    int64        `json:"memberCount"`
	Ex             string       `json:"ex"`
	Status         int32        `json:"status"`
	CreatorUserID  string       `json:"creatorUserID"`
	GroupType      *int32       `json:"groupType,omitzero"`
	InitMemberList []initMember `json:"initMemberList"`
	creationRest
}

type creationRest struct {
	OperationID            *string `json:"operationID,omitzero"`
	CreateTime             int64   `json:"createTime,omitzero"`
	Status                 int32   `json:"status,omitzero"`
	NeedVerification       int32   `json:"needVerification"`
	LookMemberInfo         int32   `json:"lookMemberInfo"`
	ApplyMemberFriend      int32   `json:"applyMemberFriend"`
	NotificationUpdateTime int64   `json:"notificationUpdateTime"`
	NotificationUserID     string  `json:"notificationUserID"`
	rest
}

// initMember is apistruct.GroupAddMemberInfo.
type initMember struct {
	UserID    string `json:"userID"`
	RoleLevel int32  `json:"roleLevel"`
}

func decodeCreation(in *input) (*event.Event, error) {
	var w creation
	if err := in.read(&w); err != nil {
		return nil, err
	}
	ev := &event.Event{Type: in.only(), Actor: actor(w.CreatorUserID)}
	g := &event.Group{
		ID: w.GroupID, Name: w.GroupName, Announcement: w.Notification, Introduction: w.Introduction,
		Avatar: w.FaceURL, Owner: w.OwnerUserID, Extra: w.Ex, MemberCount: int(w.MemberCount),
	}
	if w.GroupType != nil {
		g.Kind = groupKind(*w.GroupType)
	}
	switch w.Status {
	case groupMuted:
		g.Muted = new(true)
	case groupDismissed:
		g.Deleted = true
	default:
		w.creationRest.Status = w.Status
	}
	ev.Group = g
	for _, m := range w.InitMemberList {
		ev.Members = append(ev.Members, event.Member{ID: m.UserID, Role: roleWord(m.RoleLevel)})
	}
	if w.GroupID != "" {
		ev.Conversation, ev.Lane = group(w.GroupID)
	} else {
		ev.Lane = userLane(firstOf(w.CreatorUserID, w.OwnerUserID))
	}
	w.creationRest.CreateTime = w.CreateTime
	if w.OperationID != nil && *w.OperationID != "" {
		w.creationRest.OperationID = w.OperationID
	}
	w.rest.CallbackCommand = in.other(w.CallbackCommand)
	return vendor(in, ev, &w.creationRest)
}

func encodeCreation(out *output) error {
	ev := out.ev
	var w creation
	if err := out.kept(&w.creationRest); err != nil {
		return err
	}
	g := event.Group{}
	if ev.Group != nil {
		g = *ev.Group
	}
	if g.ID == "" && (out.phase == event.After && !out.own || ev.Conversation != nil) {
		var err error
		if g.ID, err = groupID(ev); err != nil && out.phase == event.After {
			return err
		}
	}
	w.GroupID, w.GroupName, w.Notification, w.Introduction = g.ID, g.Name, g.Announcement, g.Introduction
	w.FaceURL, w.OwnerUserID, w.Ex, w.CreatorUserID = g.Avatar, g.Owner, g.Extra, actorID(ev)
	w.CreateTime, w.MemberCount, w.Status = w.creationRest.CreateTime, int64(g.MemberCount), w.creationRest.Status
	if w.MemberCount < 0 || w.MemberCount > math.MaxUint32 {
		w.MemberCount = 0 // the wire has 32 bits for it
	}
	switch {
	case g.Muted != nil && *g.Muted:
		w.Status = groupMuted
	case g.Deleted:
		w.Status = groupDismissed
	}
	if g.Kind != "" || !out.own {
		w.GroupType = new(groupType(g.Kind))
	}
	if !out.own {
		w.OwnerUserID = firstOf(g.Owner, actorID(ev))
		w.CreateTime = millis(ev.Time)
	}
	for _, m := range ev.Members {
		w.InitMemberList = append(w.InitMemberList, initMember{m.ID, roleLevel(m.Role)})
	}
	if !out.own && w.OwnerUserID != "" {
		w.InitMemberList = withOwner(w.InitMemberList, w.OwnerUserID)
	}
	w.CallbackCommand = out.said(w.rest.CallbackCommand)
	w.OperationID = w.creationRest.OperationID
	if out.phase == event.Before {
		w.OperationID = new(out.operation(w.creationRest.OperationID))
	}
	return out.post(&w)
}

// withOwner puts the owner in front of the first members, where the server has it.
func withOwner(list []initMember, owner string) []initMember {
	for i := range list {
		if list[i].UserID == owner {
			list[i].RoleLevel = roleOwner
			return list
		}
	}
	return append([]initMember{{owner, roleOwner}}, list...)
}

// settings is CallbackBefore/AfterSetGroupInfo(Ex)Req. In the Ex commands null is
// what does not change; the others write "" and, before, 0.
type settings struct {
	CallbackCommand   string  `json:"callbackCommand"`
	OperationID       *string `json:"operationID"`
	GroupID           string  `json:"groupID"`
	GroupName         *string `json:"groupName"`
	Notification      *string `json:"notification"`
	Introduction      *string `json:"introduction"`
	FaceURL           *string `json:"faceURL"`
	Ex                *string `json:"ex"`
	NeedVerification  *int32  `json:"needVerification"`
	LookMemberInfo    *int32  `json:"lookMemberInfo"`
	ApplyMemberFriend *int32  `json:"applyMemberFriend"`
	settingsRest
}

type settingsRest struct {
	OperationID       *string `json:"operationID,omitzero"`
	GroupName         *string `json:"groupName,omitzero"`
	Notification      *string `json:"notification,omitzero"`
	Introduction      *string `json:"introduction,omitzero"`
	FaceURL           *string `json:"faceURL,omitzero"`
	Ex                *string `json:"ex,omitzero"`
	NeedVerification  *int32  `json:"needVerification,omitzero"`
	LookMemberInfo    *int32  `json:"lookMemberInfo,omitzero"`
	ApplyMemberFriend *int32  `json:"applyMemberFriend,omitzero"`
	rest
}

func decodeSettings(in *input) (*event.Event, error) {
	var w settings
	if err := in.read(&w); err != nil {
		return nil, err
	}
	if w.GroupID == "" {
		return nil, in.missing("groupID")
	}
	g := &event.Group{ID: w.GroupID}
	kept := &w.settingsRest
	g.Name, kept.GroupName = given(w.GroupName)
	g.Announcement, kept.Notification = given(w.Notification)
	g.Introduction, kept.Introduction = given(w.Introduction)
	g.Avatar, kept.FaceURL = given(w.FaceURL)
	g.Extra, kept.Ex = given(w.Ex)
	kept.NeedVerification, kept.LookMemberInfo, kept.ApplyMemberFriend = w.NeedVerification, w.LookMemberInfo, w.ApplyMemberFriend
	switch in.key {
	case "beforeSetGroupInfo":
		for _, n := range []**int32{&kept.NeedVerification, &kept.LookMemberInfo, &kept.ApplyMemberFriend} {
			if *n != nil && **n == 0 {
				*n = nil
			}
		}
		kept.Ex = nil
		fallthrough
	case "afterSetGroupInfo":
		kept.GroupName, kept.Notification, kept.Introduction, kept.FaceURL = nil, nil, nil, nil
	}
	kept.OperationID = nil
	if w.OperationID != nil && *w.OperationID != "" {
		kept.OperationID = w.OperationID
	}
	ev := &event.Event{Type: in.only(), Group: g}
	ev.Conversation, ev.Lane = group(w.GroupID)
	w.rest.CallbackCommand = in.other(w.CallbackCommand)
	return vendor(in, ev, kept)
}

func encodeSettings(out *output) error {
	ev := out.ev
	var w settings
	if err := out.kept(&w.settingsRest); err != nil {
		return err
	}
	var err error
	if w.GroupID, err = groupID(ev); err != nil {
		return err
	}
	g := event.Group{}
	if ev.Group != nil {
		g = *ev.Group
	}
	kept := w.settingsRest
	if ev.Type == event.GroupUnannounce {
		kept.Notification = new("")
	}
	w.GroupName, w.Notification = give(g.Name, kept.GroupName), give(g.Announcement, kept.Notification)
	w.Introduction, w.FaceURL, w.Ex = give(g.Introduction, kept.Introduction), give(g.Avatar, kept.FaceURL), give(g.Extra, kept.Ex)
	w.NeedVerification, w.LookMemberInfo, w.ApplyMemberFriend = kept.NeedVerification, kept.LookMemberInfo, kept.ApplyMemberFriend
	switch out.key {
	case "beforeSetGroupInfo":
		w.Ex = new(or(w.Ex, ""))
		w.NeedVerification, w.LookMemberInfo = new(or(w.NeedVerification, 0)), new(or(w.LookMemberInfo, 0))
		w.ApplyMemberFriend = new(or(w.ApplyMemberFriend, 0))
		fallthrough
	case "afterSetGroupInfo":
		w.GroupName, w.Notification = new(or(w.GroupName, "")), new(or(w.Notification, ""))
		w.Introduction, w.FaceURL = new(or(w.Introduction, "")), new(or(w.FaceURL, ""))
	}
	w.CallbackCommand = out.said(kept.CallbackCommand)
	w.OperationID = new(out.operation(kept.OperationID))
	return out.post(&w)
}

// transfer is CallbackTransferGroupOwnerReq.
type transfer struct {
	CallbackCommand string `json:"callbackCommand"`
	GroupID         string `json:"groupID"`
	OldOwnerUserID  string `json:"oldOwnerUserID"`
	NewOwnerUserID  string `json:"newOwnerUserID"`
	rest
}

func decodeTransfer(in *input) (*event.Event, error) {
	var w transfer
	if err := in.read(&w); err != nil {
		return nil, err
	}
	if err := in.need("groupID", w.GroupID, "newOwnerUserID", w.NewOwnerUserID); err != nil {
		return nil, err
	}
	ev := &event.Event{
		Type: in.only(), Members: one(w.NewOwnerUserID),
		Group: &event.Group{ID: w.GroupID, Owner: w.NewOwnerUserID, PreviousOwner: w.OldOwnerUserID},
	}
	ev.Conversation, ev.Lane = group(w.GroupID)
	w.rest.CallbackCommand = in.other(w.CallbackCommand)
	return vendor(in, ev, &w.rest)
}

func encodeTransfer(out *output) error {
	ev := out.ev
	var w transfer
	if err := out.kept(&w.rest); err != nil {
		return err
	}
	var err error
	if w.GroupID, err = groupID(ev); err != nil {
		return err
	}
	w.NewOwnerUserID = memberID(ev)
	if ev.Group != nil {
		w.NewOwnerUserID = firstOf(w.NewOwnerUserID, ev.Group.Owner)
		w.OldOwnerUserID = ev.Group.PreviousOwner
	}
	if w.NewOwnerUserID == "" {
		return dialect.Untranslatable("it does not name the new owner")
	}
	if !out.own {
		// Only an owner gives a group away.
		w.OldOwnerUserID = firstOf(w.OldOwnerUserID, actorID(ev))
	}
	w.CallbackCommand = out.said(w.rest.CallbackCommand)
	return out.post(&w)
}

// dissolution is CallbackDisMissGroupReq.
type dissolution struct {
	CallbackCommand string   `json:"callbackCommand"`
	GroupID         string   `json:"groupID"`
	OwnerID         string   `json:"ownerID"`
	GroupType       string   `json:"groupType"`
	MembersID       []string `json:"membersID"`
	rest
}

func decodeDissolution(in *input) (*event.Event, error) {
	var w dissolution
	if err := in.read(&w); err != nil {
		return nil, err
	}
	if w.GroupID == "" {
		return nil, in.missing("groupID")
	}
	ev := &event.Event{
		Type: in.only(), Members: members(w.MembersID),
		Group: &event.Group{ID: w.GroupID, Owner: w.OwnerID, Kind: readGroupTypeText(w.GroupType)},
	}
	ev.Conversation, ev.Lane = group(w.GroupID)
	w.rest.CallbackCommand = in.other(w.CallbackCommand)
	return vendor(in, ev, &w.rest)
}

func encodeDissolution(out *output) error {
	ev := out.ev
	var w dissolution
	if err := out.kept(&w.rest); err != nil {
		return err
	}
	var err error
	if w.GroupID, err = groupID(ev); err != nil {
		return err
	}
	kind := ""
	if ev.Group != nil {
		w.OwnerID, kind = ev.Group.Owner, ev.Group.Kind
	}
	if !out.own {
		w.OwnerID = firstOf(w.OwnerID, actorID(ev))
	}
	w.CallbackCommand, w.MembersID = out.said(w.rest.CallbackCommand), memberIDs(ev.Members)
	w.GroupType = writeGroupTypeText(kind, out.own)
	return out.post(&w)
}
