package imfake

import (
	"encoding/json" // what OpenIM itself reads answers with

	"github.com/go-json-experiment/json/jsontext"
)

// The structs of OpenIM's answers, and what the server's source does with each (v2.0.6,
// v2.1.0, v2.3.3, v3.0.0, v3.4.0, v3.6.0, v3.7.0, v3.8.3 were read): a field that is
// there but that the server never looks at changes nothing.

type openimMessage struct {
	openimCodes
	Content          *string            `json:"content"`
	RecvID           *string            `json:"recvID"`
	GroupID          *string            `json:"groupID"`
	ClientMsgID      *string            `json:"clientMsgID"`
	ServerMsgID      *string            `json:"serverMsgID"`
	SenderPlatformID *int32             `json:"senderPlatformID"`
	SenderNickname   *string            `json:"senderNickname"`
	SenderFaceURL    *string            `json:"senderFaceURL"`
	SessionType      *int32             `json:"sessionType"`
	MsgFrom          *int32             `json:"msgFrom"`
	ContentType      *int32             `json:"contentType"`
	Status           *int32             `json:"status"`
	Options          *map[string]bool   `json:"options"`
	OfflinePushInfo  *openimOfflineInfo `json:"offlinePushInfo"`
	AtUserIDList     *[]string          `json:"atUserIDList"`
	MsgDataList      *[]byte            `json:"msgDataList"`
	AttachedInfo     *string            `json:"attachedInfo"`
	Ex               *string            `json:"ex"`
}

type openimOfflineInfo struct {
	Title         string `json:"title"`
	Desc          string `json:"desc"`
	Ex            string `json:"ex"`
	IOSPushSound  string `json:"iOSPushSound"`
	IOSBadgeCount bool   `json:"iOSBadgeCount"`
	SignalInfo    string `json:"signalInfo"`
}

func (a *openimMessage) apply(b *bench, asked map[string]jsontext.Value) {
	if a.Content != nil {
		if object([]byte(*a.Content)) == nil {
			b.failed("content is not the JSON of a message, which clients cannot show")
			return
		}
		b.set("content", jsonOrText(say(asked["content"])), jsonOrText(*a.Content))
	}
	if a.OfflinePushInfo != nil {
		b.failed("offlinePushInfo is put into what need not be there: the server crashes")
		return
	}
	replace(b, "recvID", nil, a.RecvID)
	replace(b, "groupID", nil, a.GroupID)
	replace(b, "clientMsgID", asked["clientMsgID"], a.ClientMsgID)
	replace(b, "serverMsgID", asked["serverMsgID"], a.ServerMsgID)
	replace(b, "senderPlatformID", asked["senderPlatformID"], a.SenderPlatformID)
	replace(b, "senderNickname", asked["senderNickname"], a.SenderNickname)
	replace(b, "senderFaceURL", asked["faceURL"], a.SenderFaceURL)
	replace(b, "sessionType", asked["sessionType"], a.SessionType)
	replace(b, "msgFrom", asked["msgFrom"], a.MsgFrom)
	replace(b, "contentType", asked["contentType"], a.ContentType)
	replace(b, "status", asked["status"], a.Status)
	replace(b, "options", nil, a.Options)
	replace(b, "atUserIDList", asked["atUserList"], a.AtUserIDList)
	replace(b, "attachedInfo", nil, a.AttachedInfo)
	replace(b, "ex", asked["ex"], a.Ex)
}

// openimWords is v2's word filter, of texts. In v2.0 what is put in place may be empty.
type openimWords struct {
	openimCodes
	Content string `json:"content"`
}

func (a *openimWords) apply(b *bench, asked map[string]jsontext.Value) {
	if (a.Content != "" || b.openimRelease() == openimV20) && say(asked["contentType"]) == "101" {
		b.set("content", asked["content"], a.Content)
	}
}

type openimUsers struct {
	openimCodes
	Users []openimUser `json:"users"`
}

type openimUser struct {
	UserID           string `json:"userID"`
	Nickname         string `json:"nickname"`
	FaceURL          string `json:"faceURL"`
	Ex               string `json:"ex"`
	CreateTime       int64  `json:"createTime"`
	AppMangerLevel   int32  `json:"appMangerLevel"`
	GlobalRecvMsgOpt int32  `json:"globalRecvMsgOpt"`
}

func (a *openimUsers) apply(b *bench, asked map[string]jsontext.Value) {
	if len(a.Users) == 0 {
		return
	}
	// Read as the answer was, so that an equal list is equal.
	var was []openimUser
	if json.Unmarshal(asked["users"], &was) != nil {
		was = nil
	}
	b.set("users", plain(was), plain(a.Users))
}

type openimProfile struct {
	openimCodes
	Nickname *string `json:"nickName"`
	FaceURL  *string `json:"faceURL"`
	Ex       *string `json:"ex"`
}

func (a *openimProfile) apply(b *bench, asked map[string]jsontext.Value) {
	replace(b, "nickName", asked["nickName"], a.Nickname)
	replace(b, "faceURL", asked["faceURL"], a.FaceURL)
	replace(b, "ex", asked["ex"], a.Ex)
}

// openimProfileEx writes through a pointer that is nil for what was not asked about.
type openimProfileEx struct{ openimProfile }

func (a *openimProfileEx) apply(b *bench, asked map[string]jsontext.Value) {
	for field, now := range map[string]*string{"nickName": a.Nickname, "faceURL": a.FaceURL, "ex": a.Ex} {
		if now != nil && asked[field].Kind() != '"' {
			b.failed("%s is put into what is not there: the server crashes", field)
			return
		}
	}
	a.openimProfile.apply(b, asked)
}

type openimRemark struct {
	openimCodes
	Remark string `json:"remark"`
}

func (a *openimRemark) apply(b *bench, asked map[string]jsontext.Value) {
	// Up to v3.6 a remark that is missing empties the one that was asked for.
	if a.Remark != "" || b.openimRelease() != openimV37 {
		b.set("remark", asked["remark"], a.Remark)
	}
}

type openimImport struct {
	openimCodes
	FriendUserIDs []string `json:"friendUserIDs"`
}

func (a *openimImport) apply(b *bench, asked map[string]jsontext.Value) {
	keep(b, "friendUserIDs", texts(asked["friendUserIDs"], ""), a.FriendUserIDs)
}

type openimCreation struct {
	openimCodes
	GroupID           *string `json:"groupID"`
	GroupName         *string `json:"groupName"`
	Notification      *string `json:"notification"`
	Introduction      *string `json:"introduction"`
	FaceURL           *string `json:"faceURL"`
	OwnerUserID       *string `json:"ownerUserID"`
	Ex                *string `json:"ex"`
	Status            *int32  `json:"status"`
	CreatorUserID     *string `json:"creatorUserID"`
	GroupType         *int32  `json:"groupType"`
	NeedVerification  *int32  `json:"needVerification"`
	LookMemberInfo    *int32  `json:"lookMemberInfo"`
	ApplyMemberFriend *int32  `json:"applyMemberFriend"` // never looked at
}

func (a *openimCreation) apply(b *bench, asked map[string]jsontext.Value) {
	replace(b, "groupID", asked["groupID"], a.GroupID)
	replace(b, "groupName", asked["groupName"], a.GroupName)
	replace(b, "notification", asked["notification"], a.Notification)
	replace(b, "introduction", asked["introduction"], a.Introduction)
	replace(b, "faceURL", asked["faceURL"], a.FaceURL)
	replace(b, "ownerUserID", asked["ownerUserID"], a.OwnerUserID)
	replace(b, "ex", asked["ex"], a.Ex)
	replace(b, "status", asked["status"], a.Status)
	replace(b, "creatorUserID", asked["creatorUserID"], a.CreatorUserID)
	replace(b, "groupType", asked["groupType"], a.GroupType)
	replace(b, "needVerification", asked["needVerification"], a.NeedVerification)
	replace(b, "lookMemberInfo", asked["lookMemberInfo"], a.LookMemberInfo)
}

type openimEntryFields struct {
	UserID      *string `json:"userID"`
	Nickname    *string `json:"nickname"`
	FaceURL     *string `json:"faceURL"`
	RoleLevel   *int32  `json:"roleLevel"`
	MuteEndTime *int64  `json:"muteEndTime"`
	Ex          *string `json:"ex"`
}

type openimEntries struct {
	openimCodes
	Members []*openimEntryFields `json:"memberCallbackList"`
}

func (a *openimEntries) apply(b *bench, asked map[string]jsontext.Value) {
	joining := map[string]jsontext.Value{}
	var list []jsontext.Value
	_ = json.Unmarshal(asked["memberList"], &list)
	for _, m := range list {
		joining[say(object(m)["userID"])] = m
	}
	for _, m := range a.Members {
		if m == nil || m.UserID == nil {
			b.failed("a member of memberCallbackList has no userID: the server crashes")
			return
		}
		if was, ok := joining[*m.UserID]; ok {
			m.apply(b, *m.UserID+".", object(was))
		}
	}
}

func (a *openimEntryFields) apply(b *bench, prefix string, asked map[string]jsontext.Value) {
	replace(b, prefix+"nickname", nil, a.Nickname)
	replace(b, prefix+"faceURL", nil, a.FaceURL)
	replace(b, prefix+"roleLevel", nil, a.RoleLevel)
	replace(b, prefix+"muteEndTime", nil, a.MuteEndTime)
	replace(b, prefix+"ex", asked["ex"], a.Ex)
}

// openimEntry is the question of v3.0 to v3.6, about one member.
type openimEntry struct {
	openimCodes
	openimEntryFields
}

func (a *openimEntry) apply(b *bench, asked map[string]jsontext.Value) {
	a.openimEntryFields.apply(b, "", asked)
}

type openimInvitation struct {
	openimCodes
	RefusedMembersAccount []string `json:"refusedMembersAccount"` // never looked at
}

// openimSettings puts four texts in place also where there are none; the notification
// it never looks at.
type openimSettings struct {
	openimCodes
	GroupID           string  `json:"groupID"`
	GroupName         string  `json:"groupName"`
	Notification      string  `json:"notification"`
	Introduction      string  `json:"introduction"`
	FaceURL           string  `json:"faceURL"`
	Ex                *string `json:"ex"`
	NeedVerification  *int32  `json:"needVerification"`
	LookMemberInfo    *int32  `json:"lookMemberInfo"`
	ApplyMemberFriend *int32  `json:"applyMemberFriend"`
}

func (a *openimSettings) apply(b *bench, asked map[string]jsontext.Value) {
	overwrite(b, "groupID", asked["groupID"], &a.GroupID)
	overwrite(b, "groupName", asked["groupName"], &a.GroupName)
	overwrite(b, "introduction", asked["introduction"], &a.Introduction)
	overwrite(b, "faceURL", asked["faceURL"], &a.FaceURL)
	replace(b, "ex", asked["ex"], a.Ex)
	replace(b, "needVerification", asked["needVerification"], a.NeedVerification)
	replace(b, "lookMemberInfo", asked["lookMemberInfo"], a.LookMemberInfo)
	replace(b, "applyMemberFriend", asked["applyMemberFriend"], a.ApplyMemberFriend)
}

// openimSettingsEx puts all in place also where there is nothing, but the notification,
// which it never looks at.
type openimSettingsEx struct {
	openimCodes
	GroupID           string  `json:"groupID"`
	GroupName         *string `json:"groupName"`
	Notification      *string `json:"notification"`
	Introduction      *string `json:"introduction"`
	FaceURL           *string `json:"faceURL"`
	Ex                *string `json:"ex"`
	NeedVerification  *int32  `json:"needVerification"`
	LookMemberInfo    *int32  `json:"lookMemberInfo"`
	ApplyMemberFriend *int32  `json:"applyMemberFriend"`
}

func (a *openimSettingsEx) apply(b *bench, asked map[string]jsontext.Value) {
	overwrite(b, "groupID", asked["groupID"], &a.GroupID)
	overwrite(b, "groupName", asked["groupName"], a.GroupName)
	overwrite(b, "introduction", asked["introduction"], a.Introduction)
	overwrite(b, "faceURL", asked["faceURL"], a.FaceURL)
	overwrite(b, "ex", asked["ex"], a.Ex)
	overwrite(b, "needVerification", asked["needVerification"], a.NeedVerification)
	overwrite(b, "lookMemberInfo", asked["lookMemberInfo"], a.LookMemberInfo)
	overwrite(b, "applyMemberFriend", asked["applyMemberFriend"], a.ApplyMemberFriend)
}

type openimCard struct {
	openimCodes
	Ex        *string `json:"ex"`
	Nickname  *string `json:"nickName"`
	FaceURL   *string `json:"faceURL"`
	RoleLevel *int32  `json:"roleLevel"`
}

func (a *openimCard) apply(b *bench, asked map[string]jsontext.Value) {
	replace(b, "nickName", asked["nickName"], a.Nickname)
	replace(b, "faceURL", asked["faceURL"], a.FaceURL)
	replace(b, "roleLevel", asked["roleLevel"], a.RoleLevel)
	replace(b, "ex", asked["ex"], a.Ex)
}

// openimPush is the answer to all three push commands; what the server does with it
// differs.
type openimPush struct {
	openimCodes
	UserIDs         []string           `json:"userIDList"`
	OfflinePushInfo *openimOfflineInfo `json:"offlinePushInfo"`
}

// openimOnlinePush looks at the codes alone.
type openimOnlinePush struct{ openimPush }

func (*openimOnlinePush) apply(*bench, map[string]jsontext.Value) {}

// openimGroupPush names the members who are pushed to; the request names none.
type openimGroupPush struct{ openimPush }

func (a *openimGroupPush) apply(b *bench, _ map[string]jsontext.Value) {
	keep(b, "userIDList", nil, a.UserIDs)
}

type openimOfflinePush struct{ openimPush }

func (a *openimOfflinePush) apply(b *bench, asked map[string]jsontext.Value) {
	keep(b, "userIDList", texts(asked["userIDList"], ""), a.UserIDs)
	if p := a.OfflinePushInfo; p != nil {
		b.set("title", asked["title"], p.Title)
		b.set("desc", asked["desc"], p.Desc)
		b.set("ex", asked["ex"], p.Ex)
		b.set("iOSPushSound", asked["iOSPushSound"], p.IOSPushSound)
		if !p.IOSBadgeCount && !zero(asked["iOSBadgeCount"]) || p.IOSBadgeCount {
			b.set("iOSBadgeCount", asked["iOSBadgeCount"], p.IOSBadgeCount)
		}
		b.set("signalInfo", asked["signalInfo"], p.SignalInfo)
	}
}

type openimConversation struct {
	openimCodes
	RecvMsgOpt    *int32  `json:"recvMsgOpt"`
	IsPinned      *bool   `json:"isPinned"`
	IsPrivateChat *bool   `json:"isPrivateChat"`
	BurnDuration  *int32  `json:"burnDuration"`
	GroupAtType   *int32  `json:"groupAtType"`
	AttachedInfo  *string `json:"attachedInfo"`
	Ex            *string `json:"ex"`
}

func (a *openimConversation) apply(b *bench, asked map[string]jsontext.Value) {
	replace(b, "recvMsgOpt", asked["recvMsgOpt"], a.RecvMsgOpt)
	replace(b, "isPinned", asked["isPinned"], a.IsPinned)
	replace(b, "isPrivateChat", asked["isPrivateChat"], a.IsPrivateChat)
	replace(b, "burnDuration", asked["burnDuration"], a.BurnDuration)
	replace(b, "groupAtType", asked["groupAtType"], a.GroupAtType)
	replace(b, "attachedInfo", asked["attachedInfo"], a.AttachedInfo)
	replace(b, "ex", asked["ex"], a.Ex)
}
