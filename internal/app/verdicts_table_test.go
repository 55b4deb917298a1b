package app_test

import (
	"math"
	"slices"

	"github.com/imhook/imhook/event"
)

// The tables that the cells of the matrix are made of: written from the vendors' answer
// contracts, not from the dialects.

// part is what a rewrite of a proposal changes.
type part string

const (
	aMessage part = "message"
	aGroup   part = "group"
	aUser    part = "user"
	aFriend  part = "friend"
	aPush    part = "push"
)

// partOf is what is changed of a proposal of a type; a message where the type has
// nothing of its own, which no vendor's answer can carry then.
func partOf(t event.Type) part {
	switch t {
	case event.GroupCreate, event.GroupUpdate:
		return aGroup
	case event.UserRegister, event.UserUpdate:
		return aUser
	case event.FriendRename:
		return aFriend
	case event.MessagePushOnline, event.MessagePushOffline:
		return aPush
	}
	return aMessage
}

// span is a range of codes, both ends included.
type span struct{ from, to int }

// answer is what the answer to a before-command can tell.
type answer struct {
	// codes are those that a denial may carry. Of one with another code the client
	// sees usual, and a backend that answers so is understood as reads.
	codes        []span
	usual, reads int
	// text: there is a place for words. wordless is shown where there are none.
	text     bool
	wordless string
	drop     bool
	// rewrites are the vendor's fields that are not as proposed after a rewrite.
	rewrites map[part]string
	// members: some can be refused while the others are not; bare: without words.
	members, bare bool
	// short: a text of more than a kilobyte is too long.
	short bool
	// all: every verdict is told as it is.
	all bool
}

func (a answer) knows(code int) bool {
	return slices.ContainsFunc(a.codes, func(s span) bool { return code >= s.from && code <= s.to })
}

// carries reports whether a rewrite gets through.
func (a answer) carries(r ruling) bool {
	return a.all || a.rewrites[r.part] != "" && (!a.short || !r.long)
}

func openimAnswer(rewrites map[part]string, members bool) answer {
	return answer{codes: []span{{1, math.MaxInt32}}, usual: 5001, reads: 5001, text: true, rewrites: rewrites, members: members}
}

var (
	openimPlain   = openimAnswer(nil, false)
	openimContent = openimAnswer(map[part]string{aMessage: "content"}, false)
	openimOffline = openimAnswer(map[part]string{aPush: "title"}, true)
	rongcloudSays = answer{text: true, rewrites: map[part]string{aMessage: "content"}}
	own           = []span{{10100, 10200}}
	wide          = []span{{120001, 130000}}
	friends       = []span{{38000, 39000}}
)

// answers are those of all before-commands but cloudevents', which tell everything.
var answers = map[string]answer{
	"wildfirechat censor": {rewrites: map[part]string{aMessage: "searchableContent"}},

	"openim callbackBeforeUserRegisterCommand":                  openimAnswer(map[part]string{aUser: "users"}, false),
	"openim callbackBeforeUpdateUserInfoCommand":                openimAnswer(map[part]string{aUser: "nickName"}, false),
	"openim callbackBeforeUpdateUserInfoExCommand":              openimAnswer(map[part]string{aUser: "nickName"}, false),
	"openim callbackBeforeAddFriendCommand":                     openimPlain,
	"openim callbackBeforeAddFriendAgreeCommand":                openimPlain,
	"openim callbackBeforeSetFriendRemarkCommand":               openimAnswer(map[part]string{aFriend: "remark"}, false),
	"openim callbackBeforeSetFriendRemark":                      openimAnswer(map[part]string{aFriend: "remark"}, false),
	"openim callbackBeforeImportFriendsCommand":                 openimAnswer(nil, true),
	"openim callbackBeforeAddBlackCommand":                      openimPlain,
	"openim callbackBeforeCreateGroupCommand":                   openimAnswer(map[part]string{aGroup: "groupName"}, false),
	"openim callbackBeforeMembersJoinGroupCommand":              openimPlain,
	"openim callbackBeforeMemberJoinGroupCommand":               openimPlain,
	"openim callbackBeforeInviteJoinGroupCommand":               openimPlain,
	"openim callbackBeforeJoinGroupCommand":                     openimPlain,
	"openim callbackBeforeSetGroupMemberInfoCommand":            openimPlain,
	"openim callbackBeforeSetGroupInfoCommand":                  openimAnswer(map[part]string{aGroup: "groupName"}, false),
	"openim callbackBeforeSetGroupInfoExCommand":                openimAnswer(map[part]string{aGroup: "groupName"}, false),
	"openim callbackBeforeSendSingleMsgCommand":                 openimPlain,
	"openim callbackBeforeSendGroupMsgCommand":                  openimPlain,
	"openim callbackBeforeMsgModifyCommand":                     openimContent,
	"openim callbackMsgModifyCommand":                           openimContent,
	"openim callbackWordFilterCommand":                          openimContent,
	"openim callbackBeforeOnlinePushCommand":                    openimPlain,
	"openim callbackOnlinePushCommand":                          openimPlain,
	"openim callbackBeforeGroupOnlinePushCommand":               openimPlain,
	"openim callbackSuperGroupOnlinePushCommand":                openimPlain,
	"openim callbackBeforeOfflinePushCommand":                   openimOffline,
	"openim callbackOfflinePushCommand":                         openimOffline,
	"openim callbackBeforeCreateSingleChatConversationsCommand": openimPlain,
	"openim callbackBeforeCreateGroupChatConversationsCommand":  openimPlain,

	"rongcloud message_callback":                rongcloudSays,
	"rongcloud direct_channel:pre_messaging":    rongcloudSays,
	"rongcloud group_channel:pre_messaging":     rongcloudSays,
	"rongcloud open_channel:pre_messaging":      rongcloudSays,
	"rongcloud community_channel:pre_messaging": rongcloudSays,

	"tencent C2C.CallbackBeforeSendMsg":                           {codes: wide, usual: 20006, text: true, drop: true, rewrites: map[part]string{aMessage: "MsgBody"}},
	"tencent Group.CallbackBeforeSendMsg":                         {codes: own, usual: 10016, text: true, drop: true, rewrites: map[part]string{aMessage: "MsgBody"}},
	"tencent OfficialAccount.CallbackBeforeSendMsg":               {codes: []span{own[0], wide[0]}, usual: 10016, text: true, drop: true, rewrites: map[part]string{aMessage: "MsgBody"}},
	"tencent Group.CallbackBeforeCreateGroup":                     {codes: own, usual: 10016, text: true},
	"tencent Group.CallbackBeforeApplyJoinGroup":                  {codes: own, usual: 10016, text: true},
	"tencent Group.CallbackBeforeCreateTopic":                     {codes: own, usual: 10016, text: true},
	"tencent Group.CallbackBeforeInviteJoinGroup":                 {usual: 10016, text: true, members: true, bare: true},
	"tencent OfficialAccount.CallbackBeforeCreateOfficialAccount": {codes: wide, usual: 1, text: true},
	"tencent OfficialAccount.CallbackBeforeAddSubscriber":         {text: true, members: true, bare: true},
	"tencent Sns.CallbackPrevFriendAdd":                           {codes: friends, usual: 38000, reads: 38000, text: true, members: true},
	"tencent Sns.CallbackPrevFriendResponse":                      {codes: friends, usual: 38000, reads: 38000, text: true, members: true},

	"easemob pre_send": {text: true, wordless: "custom logic denied", short: true, rewrites: map[part]string{aMessage: "payload"}},
}

// answerOf is what the answer to a command of a release can tell.
func answerOf(dialect, generation, command string) (answer, bool) {
	if dialect == "cloudevents" {
		return answer{codes: []span{{math.MinInt, math.MaxInt}}, text: true, drop: true, members: true, all: true}, true
	}
	a, ok := answers[dialect+" "+command]
	if dialect == "openim" && generation == "v2.0" {
		a.codes, a.usual, a.reads = nil, 201, 201 // whatever the answer says
	}
	return a, ok
}

// said is the command that a hook of a dialect is asked with about an event of another
// one: "" where it cannot be said. A hook of the event's own dialect hears what came.
func said(ev *event.Event, hook string) string {
	direct := ev.Conversation != nil && ev.Conversation.Kind == event.KindDirect
	group := ev.Conversation != nil && ev.Conversation.Kind == event.KindGroup
	room := ev.Conversation != nil && ev.Conversation.Kind == event.KindChatroom
	channel := ev.Conversation != nil && ev.Conversation.Kind == event.KindChannel
	pick := func(ok bool, command string) string {
		if ok {
			return command
		}
		return ""
	}
	switch hook {
	case "cloudevents":
		return string(ev.Type) + "/before"
	case "wildfirechat":
		return pick(ev.Type == event.MessageSend || ev.Type == event.MessageModify && (direct || group), "censor")
	case "rongcloud":
		return pick(ev.Type == event.MessageSend || ev.Type == event.MessageEdit || ev.Type == event.MessageModify && (direct || group), "message_callback")
	case "easemob":
		return pick((ev.Type == event.MessageSend || ev.Type == event.MessageEdit || ev.Type == event.MessageModify) && (direct || group || room), "pre_send")
	case "tencent":
		switch ev.Type {
		case event.MessageSend, event.MessageModify:
			switch {
			case direct:
				return "C2C.CallbackBeforeSendMsg"
			case group, room:
				return "Group.CallbackBeforeSendMsg"
			case channel && ev.Type == event.MessageSend && ev.Actor != nil && ev.Actor.ID == ev.Conversation.ID:
				return "OfficialAccount.CallbackBeforeSendMsg"
			}
		case event.FriendRequest:
			return "Sns.CallbackPrevFriendAdd"
		case event.FriendRespond:
			return "Sns.CallbackPrevFriendResponse"
		case event.GroupCreate, event.ChatroomCreate:
			return "Group.CallbackBeforeCreateGroup"
		case event.GroupMemberApply, event.ChatroomMemberApply:
			return pick(len(ev.Members) < 2, "Group.CallbackBeforeApplyJoinGroup") // one user at a time
		case event.GroupMemberInvite, event.ChatroomMemberInvite:
			return "Group.CallbackBeforeInviteJoinGroup"
		case event.GroupMemberJoin:
			return pick(ev.Actor != nil && len(ev.Members) > 0 && ev.Actor.ID != ev.Members[0].ID, "Group.CallbackBeforeInviteJoinGroup")
		case event.TopicCreate:
			return "Group.CallbackBeforeCreateTopic"
		case event.ChannelCreate:
			return "OfficialAccount.CallbackBeforeCreateOfficialAccount"
		case event.ChannelSubscribe:
			return "OfficialAccount.CallbackBeforeAddSubscriber"
		}
	case "openim":
		switch ev.Type {
		case event.MessageSend:
			switch {
			case direct:
				return "callbackBeforeSendSingleMsgCommand"
			case group, room:
				return "callbackBeforeSendGroupMsgCommand"
			}
		case event.FriendRespond:
			return pick(ev.Friend != nil && ev.Friend.Action == "accept", "callbackBeforeAddFriendAgreeCommand")
		case event.MessagePushOnline:
			return pick(len(ev.Members) > 0, "callbackBeforeOnlinePushCommand") // and see below
		case event.ConversationCreate:
			if group {
				return "callbackBeforeCreateGroupChatConversationsCommand"
			}
			return "callbackBeforeCreateSingleChatConversationsCommand"
		}
		return openimTypes[ev.Type]
	}
	return ""
}

// openimTypes are the types that OpenIM has one command for.
var openimTypes = map[event.Type]string{
	event.MessageModify:      "callbackBeforeMsgModifyCommand",
	event.MessagePushOffline: "callbackBeforeOfflinePushCommand",
	event.UserRegister:       "callbackBeforeUserRegisterCommand",
	event.UserUpdate:         "callbackBeforeUpdateUserInfoExCommand",
	event.FriendRequest:      "callbackBeforeAddFriendCommand",
	event.FriendImport:       "callbackBeforeImportFriendsCommand",
	event.FriendRename:       "callbackBeforeSetFriendRemarkCommand",
	event.BlockAdd:           "callbackBeforeAddBlackCommand",
	event.GroupCreate:        "callbackBeforeCreateGroupCommand",
	event.GroupUpdate:        "callbackBeforeSetGroupInfoExCommand",
	event.GroupMemberApply:   "callbackBeforeJoinGroupCommand",
	event.GroupMemberInvite:  "callbackBeforeInviteJoinGroupCommand",
	event.GroupMemberJoin:    "callbackBeforeMembersJoinGroupCommand",
	event.GroupMemberUpdate:  "callbackBeforeSetGroupMemberInfoCommand",
}

// oneByOne are the commands that are asked for each member alone.
var oneByOne = map[string]bool{
	"callbackBeforeAddFriendCommand":          true,
	"callbackBeforeAddFriendAgreeCommand":     true,
	"callbackBeforeAddBlackCommand":           true,
	"callbackBeforeSetFriendRemarkCommand":    true,
	"callbackBeforeJoinGroupCommand":          true,
	"callbackBeforeSetGroupMemberInfoCommand": true,
}
