package openim

import (
	"slices"

	"github.com/imhook/imhook/event"
)

// wordFilter is the name in v2 of what v3 calls beforeMsgModify.
const wordFilter = "callbackWordFilterCommand"

// command is one webhook in both directions. Adding one is a row in commands and
// its functions.
type command struct {
	// name is the value of callbackCommand in v3.7 and newer, and the last element
	// of the path. v3 is what it was called in v3.0 to v3.6 where that is another
	// word, v2 what it was called in v2, if v2 has it.
	name, v3, v2 string
	// v36 is what only v3.6 called it, where v3 is the word of v3.5.
	v36 string
	// since is the first generation of v2 that has it, "" when none has.
	since string
	// key is its word in the server's configuration, which is taken for a command
	// too.
	key   string
	phase event.Phase
	types []event.Type
	line  string
	// says are the types, of its own phase, that are written as this command when
	// the event did not come from it. forGroups is the command that says them
	// instead when the conversation is a group.
	says      []event.Type
	forGroups string
	// elder is the command that says them to generations before this one.
	elder string
	// decode reads a body that is one event, split one that is several; the caller
	// adds what is the same for all commands.
	decode func(in *input) (*event.Event, error)
	split  func(in *input) ([]*event.Event, error)
	// encode writes the requests of an event of one of the types.
	encode func(out *output) error
	// sample draws a body of what the server would send.
	sample func(d *draw) any
	// answer is what the answer to it may change; nil when nothing.
	answer *override
}

// has reports whether the command decodes to t.
func (c *command) has(t event.Type) bool { return slices.Contains(c.types, t) }

// nameIn is the command's name in a generation; empty when that does not have it.
func (c *command) nameIn(generation string) string {
	switch {
	case generation == v37:
		return c.name
	case second(generation):
		if c.v2 == "" || generation == v20 && c.since != v20 {
			return ""
		}
		return c.v2
	case c.v3 != "":
		return c.v3
	}
	return c.name
}

func before(name, key, line string, t ...event.Type) *command {
	return &command{name: name, key: key, phase: event.Before, line: line, types: t, says: t}
}

func after(name, key, line string, t ...event.Type) *command {
	return &command{name: name, key: key, phase: event.After, line: line, types: t, says: t}
}

// wire sets the functions of a row.
func (c *command) wire(decode func(*input) (*event.Event, error), encode func(*output) error, sample func(*draw) any) *command {
	c.decode, c.encode, c.sample = decode, encode, sample
	return c
}

// was sets the names of older generations.
func (c *command) was(since, v3, v2 string) *command {
	c.since, c.v3, c.v2 = since, v3, v2
	return c
}

// called36 sets the name that only v3.6 had.
func (c *command) called36(name string) *command {
	c.v36 = name
	return c
}

// saying sets the types that it stands for, where those are not its own.
func (c *command) saying(types ...event.Type) *command {
	c.says = types
	return c
}

// insteadForGroups sets the command that says the same of groups.
func (c *command) insteadForGroups(name string) *command {
	c.forGroups = name
	return c
}

// insteadBefore sets the command that older generations have in its place.
func (c *command) insteadBefore(name string) *command {
	c.elder = name
	return c
}

// changing sets what the answer may change.
func (c *command) changing(o *override) *command {
	c.answer = o
	return c
}

// commands lists all webhooks in the order of the vendor's page.
func commands() []*command {
	register := after("callbackAfterUserRegisterCommand", "afterUserRegister",
		"accounts were made; one event for each", event.UserRegister).wire(nil, encodeRegister, sampleRegister)
	register.split = splitRegister
	imported := after("callbackAfterImportFriendsCommand", "afterImportFriends",
		"an administrator made friends of a user and others; one event for each pair", event.FriendImport).
		saying(event.FriendImport, event.FriendAdd).wire(nil, encodeImport, sampleImport)
	imported.split = splitImport

	return []*command{
		before("callbackBeforeUserRegisterCommand", "beforeUserRegister",
			"the server asks whether it may make accounts", event.UserRegister).
			wire(decodeRegister, encodeRegister, sampleRegister).changing(&changeRegister),
		register,
		before("callbackBeforeUpdateUserInfoCommand", "beforeUpdateUserInfo",
			"the server asks whether a user may change the profile", event.UserUpdate).saying().
			wire(decodeProfile, encodeProfile, sampleProfile).changing(&changeProfile),
		after("callbackAfterUpdateUserInfoCommand", "afterUpdateUserInfo",
			"a profile changed", event.UserUpdate).saying().
			wire(decodeProfile, encodeProfile, sampleProfile),
		before("callbackBeforeUpdateUserInfoExCommand", "beforeUpdateUserInfoEx",
			"the server asks whether a user may change the profile; null does not change", event.UserUpdate).
			wire(decodeProfile, encodeProfile, sampleProfile).changing(&changeProfile),
		after("callbackAfterUpdateUserInfoExCommand", "afterUpdateUserInfoEx",
			"a profile changed; null did not", event.UserUpdate).
			wire(decodeProfile, encodeProfile, sampleProfile),
		before("callbackBeforeAddFriendCommand", "beforeAddFriend",
			"the server asks whether somebody may ask for friendship", event.FriendRequest).
			wire(decodeFriendRequest, encodeFriendRequest, sampleFriendRequest),
		after("callbackAfterAddFriendCommand", "afterAddFriend",
			"somebody asked for friendship; they are no friends yet", event.FriendRequest).
			wire(decodeFriendRequest, encodeFriendRequest, sampleFriendRequest),
		before("callbackBeforeAddFriendAgreeCommand", "beforeAddFriendAgree",
			"the server asks whether somebody may agree to a friendship", event.FriendRespond).
			wire(decodeFriendAnswer, encodeFriendAnswer, sampleFriendAnswer),
		after("callbackAfterAddFriendAgreeCommand", "afterAddFriendAgree",
			"somebody agreed to a friendship, or refused", event.FriendAccept, event.FriendDecline).
			wire(decodeFriendAnswer, encodeFriendAnswer, sampleFriendAnswer),
		after("callbackAfterDeleteFriendCommand", "afterDeleteFriend",
			"a user took another off the list of friends", event.FriendRemove).
			wire(decodeFriendRemoval, encodeFriendRemoval, sampleFriendRemoval),
		before("callbackBeforeSetFriendRemarkCommand", "beforeSetFriendRemark",
			"the server asks whether a user may rename a friend", event.FriendRename).was("", "callbackBeforeSetFriendRemark", "").
			wire(decodeFriendRemark, encodeFriendRemark, sampleFriendRemark).changing(&changeRemark),
		after("callbackAfterSetFriendRemarkCommand", "afterSetFriendRemark",
			"a user renamed a friend", event.FriendRename).was("", "callbackAfterSetFriendRemark", "").
			wire(decodeFriendRemark, encodeFriendRemark, sampleFriendRemark),
		before("callbackBeforeImportFriendsCommand", "beforeImportFriends",
			"the server asks whether an administrator may make friends of a user and others", event.FriendImport).
			wire(decodeImport, encodeImport, sampleImport).changing(&changeImport),
		imported,
		before("callbackBeforeAddBlackCommand", "beforeAddBlack",
			"the server asks whether a user may block another", event.BlockAdd).
			wire(decodeBlack, encodeBlack, sampleBlack),
		after("callbackAfterRemoveBlackCommand", "afterRemoveBlack",
			"a user blocks another no more", event.BlockRemove).
			wire(decodeBlack, encodeBlack, sampleBlack),

		before("callbackBeforeCreateGroupCommand", "beforeCreateGroup",
			"the server asks whether it may make a group", event.GroupCreate).
			wire(decodeCreation, encodeCreation, sampleCreation).changing(&changeCreation),
		after("callbackAfterCreateGroupCommand", "afterCreateGroup",
			"a group was made", event.GroupCreate).
			wire(decodeCreation, encodeCreation, sampleCreation),
		before("callbackBeforeMembersJoinGroupCommand", "beforeMemberJoinGroup",
			"the server asks about members who are about to be in a group, however they come", event.GroupMemberJoin).
			was("", "callbackBeforeMemberJoinGroupCommand", "").
			wire(decodeEntry, encodeEntry, sampleEntry).changing(&changeEntry),
		before("callbackBeforeInviteJoinGroupCommand", "beforeInviteUserToGroup",
			"the server asks whether users may be invited to a group", event.GroupMemberInvite).
			wire(decodeInvitation, encodeInvitation, sampleInvitation),
		before("callbackBeforeJoinGroupCommand", "beforeApplyJoinGroup",
			"the server asks whether a user may ask to join a group", event.GroupMemberApply).
			wire(decodeApplication, encodeApplication, sampleApplication),
		after("callbackAfterJoinGroupCommand", "afterJoinGroup",
			"a user joined a group that needs no approval", event.GroupMemberJoin).
			wire(decodeJoin, encodeJoin, sampleJoin),
		after("callbackAfterQuitGroupCommand", "afterQuitGroup",
			"a member left", event.GroupMemberLeave).was("", "callbackQuitGroupCommand", "").
			wire(decodeQuit, encodeQuit, sampleQuit),
		after("callbackAfterKickGroupCommand", "afterKickGroupMember",
			"members were removed", event.GroupMemberKick).was("", "callbackKillGroupCommand", "").
			saying(event.GroupMemberKick, event.GroupMemberBan).
			wire(decodeKick, encodeKick, sampleKick),
		after("callbackAfterDisMissGroupCommand", "afterDismissGroup",
			"a group was dissolved", event.GroupDestroy).was("", "callbackDisMissGroupCommand", "").
			wire(decodeDissolution, encodeDissolution, sampleDissolution),
		after("callbackAfterTransferGroupOwnerCommand", "afterTransferGroupOwner",
			"a group has a new owner", event.GroupTransfer).was("", "callbackTransferGroupOwnerAfter", "").called36("callbackAfterTransferGroupOwner").
			wire(decodeTransfer, encodeTransfer, sampleTransfer),
		before("callbackBeforeSetGroupMemberInfoCommand", "beforeSetGroupMemberInfo",
			"the server asks whether a member's card or role may change", event.GroupMemberUpdate).
			wire(decodeCard, encodeCard, sampleCard).changing(&changeCard),
		after("callbackAfterSetGroupMemberInfoCommand", "afterSetGroupMemberInfo",
			"a member's card or role changed", event.GroupMemberUpdate, event.GroupMemberPromote, event.GroupMemberDemote).
			wire(decodeCard, encodeCard, sampleCard),
		before("callbackBeforeSetGroupInfoCommand", "beforeSetGroupInfo",
			"the server asks whether a group's profile may change", event.GroupUpdate).saying().
			wire(decodeSettings, encodeSettings, sampleSettings).changing(&changeSettings),
		after("callbackAfterSetGroupInfoCommand", "afterSetGroupInfo",
			"a group's profile changed", event.GroupUpdate).saying().
			wire(decodeSettings, encodeSettings, sampleSettings),
		before("callbackBeforeSetGroupInfoExCommand", "beforeSetGroupInfoEx",
			"the server asks whether a group's profile may change; null does not change", event.GroupUpdate).
			insteadBefore("callbackBeforeSetGroupInfoCommand").wire(decodeSettings, encodeSettings, sampleSettings).changing(&changeSettingsEx),
		after("callbackAfterSetGroupInfoExCommand", "afterSetGroupInfoEx",
			"a group's profile changed; null did not", event.GroupUpdate).
			saying(event.GroupUpdate, event.GroupMute, event.GroupUnmute, event.GroupAnnounce, event.GroupUnannounce).
			insteadBefore("callbackAfterSetGroupInfoCommand").wire(decodeSettings, encodeSettings, sampleSettings),

		before("callbackBeforeSendSingleMsgCommand", "beforeSendSingleMsg",
			"the server asks whether it may send a message to a user", event.MessageSend).
			was(v20, "", "callbackBeforeSendSingleMsgCommand").insteadForGroups("callbackBeforeSendGroupMsgCommand").
			wire(decodeMessage, encodeMessage, sampleMessage),
		after("callbackAfterSendSingleMsgCommand", "afterSendSingleMsg",
			"a message to a user was sent", event.MessageSend).
			was(v20, "", "callbackAfterSendSingleMsgCommand").insteadForGroups("callbackAfterSendGroupMsgCommand").
			wire(decodeMessage, encodeMessage, sampleMessage),
		before("callbackBeforeSendGroupMsgCommand", "beforeSendGroupMsg",
			"the server asks whether it may send a message to a group", event.MessageSend).saying().
			was(v20, "", "callbackBeforeSendGroupMsgCommand").
			wire(decodeMessage, encodeMessage, sampleMessage),
		after("callbackAfterSendGroupMsgCommand", "afterSendGroupMsg",
			"a message to a group was sent", event.MessageSend).saying().
			was(v20, "", "callbackAfterSendGroupMsgCommand").
			wire(decodeMessage, encodeMessage, sampleMessage),
		before("callbackBeforeMsgModifyCommand", "beforeMsgModify",
			"the server asks how to change a text that it is about to send", event.MessageModify).
			was(v20, "callbackMsgModifyCommand", wordFilter).
			wire(decodeMessage, encodeMessage, sampleMessage).changing(&changeMessage),
		after("callbackAfterMsgSaveDBCommand", "afterMsgSaveDB",
			"a message was stored and has its seq (v3.8.4)", event.MessageSend).saying().
			wire(decodeMessage, encodeMessage, sampleMessage),
		after("callbackAfterSingleMsgReadCommand", "afterSingleMsgRead",
			"somebody read messages of a conversation", event.MessageRead).was("", "callbackSingleMsgRead", "").
			insteadForGroups("callbackAfterGroupMsgReadCommand").
			wire(decodeSingleRead, encodeSingleRead, sampleSingleRead),
		after("callbackAfterGroupMsgReadCommand", "afterGroupMsgRead",
			"somebody read a group up to a seq; which group is not said", event.MessageRead).saying().
			was("", "callbackGroupMsgReadCommand", "").
			wire(decodeGroupRead, encodeGroupRead, sampleGroupRead),
		after("callbackBeforeAfterMsgCommand", "afterRevokeMsg",
			"a message was taken back; the name says before and after, it is after", event.MessageRecall).
			wire(decodeRevoke, encodeRevoke, sampleRevoke),
		before("callbackBeforeOnlinePushCommand", "beforeOnlinePush",
			"the server asks whether it may push a message to users who are online", event.MessagePushOnline).
			was(v21, "callbackOnlinePushCommand", "callbackOnlinePushCommand").insteadForGroups("callbackBeforeGroupOnlinePushCommand").
			wire(decodePush, encodePush, samplePush), // the server throws what the answer changes away
		before("callbackBeforeGroupOnlinePushCommand", "beforeGroupOnlinePush",
			"the server asks whether it may push a message to a group's members who are online", event.MessagePushOnline).saying().
			was(v21, "callbackSuperGroupOnlinePushCommand", "callbackSuperGroupOnlinePushCommand").
			wire(decodePush, encodePush, samplePush).changing(&changeGroupPush),
		before("callbackBeforeOfflinePushCommand", "beforeOfflinePush",
			"the server asks whether it may push a message to users who are offline", event.MessagePushOffline).
			was(v21, "callbackOfflinePushCommand", "callbackOfflinePushCommand").
			wire(decodePush, encodePush, samplePush).changing(&changePush),
		after("callbackAfterUserOnlineCommand", "afterUserOnline",
			"a device came", event.UserOnline).was(v21, "callbackUserOnlineCommand", "callbackUserOnlineCommand").
			wire(decodeUserStatus, encodeUserStatus, sampleUserStatus),
		after("callbackAfterUserOfflineCommand", "afterUserOffline",
			"a device went", event.UserOffline).was(v21, "callbackUserOfflineCommand", "callbackUserOfflineCommand").
			wire(decodeUserStatus, encodeUserStatus, sampleUserStatus),
		after("callbackAfterUserKickOffCommand", "afterUserKickOff",
			"a session was ended by another login; v3.7 and newer never send it", event.UserKick).
			was(v21, "callbackUserKickOffCommand", "callbackUserKickOffCommand").
			wire(decodeUserStatus, encodeUserStatus, sampleUserStatus),

		before("callbackBeforeCreateSingleChatConversationsCommand", "beforeCreateSingleChatConversations",
			"the server asks about a user's new conversation with another", event.ConversationCreate).
			insteadForGroups("callbackBeforeCreateGroupChatConversationsCommand").
			wire(decodeConversation, encodeConversation, sampleConversation).changing(&changeConversation),
		after("callbackAfterCreateSingleChatConversationsCommand", "afterCreateSingleChatConversations",
			"a user has a new conversation with another", event.ConversationCreate).
			insteadForGroups("callbackAfterCreateGroupChatConversationsCommand").
			wire(decodeConversation, encodeConversation, sampleConversation),
		before("callbackBeforeCreateGroupChatConversationsCommand", "beforeCreateGroupChatConversations",
			"the server asks about a user's new conversation with a group", event.ConversationCreate).saying().
			wire(decodeConversation, encodeConversation, sampleConversation).changing(&changeConversation),
		after("callbackAfterCreateGroupChatConversationsCommand", "afterCreateGroupChatConversations",
			"a user has a new conversation with a group", event.ConversationCreate).saying().
			wire(decodeConversation, encodeConversation, sampleConversation),
	}
}
