package tencent

import (
	"slices"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// command is one callback command in both directions. Adding one is a row here and
// its functions in the file of its subject.
type command struct {
	spec dialect.Command
	// says are the types, its own and others', that are written as this command
	// when the event did not come from it.
	says []says
	// list is the array of independent items in the body: each is an event.
	// plainItems says that they are texts. other is read where list is not there:
	// the name that a sibling has for the same, of the other kind of items.
	list, other string
	plainItems  bool
	// bare: the body does not name the command. typeless: it has no Type of the
	// group. timeless: its own list says when, not the body. originless: the query
	// has neither ClientIP nor OptPlatform.
	bare, typeless, timeless, originless bool

	// decode reads a body, or one item of it; the caller adds what is the same for
	// all commands and keeps what decode did not take.
	decode func(in *input) (*event.Event, error)
	// encode writes the requests of an event of one of the types.
	encode func(out *output) error
	// sample writes a body of what the vendor would send.
	sample func(d *draw)
}

// says is a type in conversations of a kind, "" for any.
type says struct {
	t    event.Type
	kind event.Kind
}

// has reports whether the command decodes to t.
func (c *command) has(t event.Type) bool { return slices.Contains(c.spec.Types, t) }

func after(name, line string, types ...event.Type) *command {
	return &command{spec: dialect.Command{Name: name, Phase: event.After, Types: types, Line: line}}
}

func before(name, line string, types ...event.Type) *command {
	c := after(name, line, types...)
	c.spec.Phase = event.Before
	return c
}

func (c *command) does(decode func(*input) (*event.Event, error), encode func(*output) error, sample func(*draw)) *command {
	c.decode, c.encode, c.sample = decode, encode, sample
	return c
}

// of are the types that it says, whatever the conversation.
func (c *command) of(types ...event.Type) *command {
	for _, t := range types {
		c.says = append(c.says, says{t: t})
	}
	return c
}

// in are the types that it says in a conversation of one of the kinds.
func (c *command) in(t event.Type, kinds ...event.Kind) *command {
	for _, k := range kinds {
		c.says = append(c.says, says{t, k})
	}
	return c
}

func (c *command) each(list string) *command {
	c.list = list
	return c
}

func (c *command) or(list string) *command {
	c.other = list
	return c
}

// commands lists all callbacks in the order of the vendor's page 34355.
func commands() []*command {
	groups := []event.Kind{event.KindGroup, event.KindChatroom}
	all := []*command{
		after("State.StateChange", "a device came, went or logged out", event.UserOnline, event.UserOffline).
			of(event.UserOnline, event.UserOffline, event.UserKick).
			does(decodeState, encodeState, sampleState),
		after("Profile.CallbackPortraitSet", "a profile was changed", event.UserUpdate).
			of(event.UserUpdate).
			does(decodeProfile, encodeProfile, sampleProfile),

		before("Sns.CallbackPrevFriendAdd", "the server asks whether a user may ask others for friendship", event.FriendRequest).
			of(event.FriendRequest).
			does(decodePrevFriendAdd, encodePrevFriendAdd, samplePrevFriendAdd),
		before("Sns.CallbackPrevFriendResponse", "the server asks whether a user may answer requests for friendship", event.FriendRespond).
			of(event.FriendRespond).
			does(decodePrevFriendResponse, encodePrevFriendResponse, samplePrevFriendResponse),
		after("Sns.CallbackFriendAdd", "users came onto lists of friends; one event for each pair", event.FriendAdd).
			of(event.FriendAdd, event.FriendAccept, event.FriendImport).each("PairList").
			does(decodePair, encodePair, samplePairs),
		after("Sns.CallbackFriendDelete", "users went off lists of friends; one event for each pair", event.FriendRemove).
			of(event.FriendRemove).each("PairList").
			does(decodePair, encodePair, samplePairs),
		after("Sns.CallbackBlackListAdd", "users came onto block lists; one event for each pair", event.BlockAdd).
			of(event.BlockAdd).each("PairList").
			does(decodePair, encodePair, samplePairs),
		after("Sns.CallbackBlackListDelete", "users went off block lists; one event for each pair", event.BlockRemove).
			of(event.BlockRemove).each("PairList").
			does(decodePair, encodePair, samplePairs),
		after("Follow.CallbackAfterFollowAdd", "a user follows others; one event for each", event.FollowAdd).
			of(event.FollowAdd).each("FollowList").or("To_Account").
			does(decodeFollow, encodeFollow, sampleFollow),
		after("Follow.CallbackAfterFollowDelete", "a user no longer follows others; one event for each", event.FollowRemove).
			of(event.FollowRemove).each("To_Account").or("FollowList").
			does(decodeFollow, encodeFollow, sampleFollow),

		before("C2C.CallbackBeforeSendMsg", "the server asks whether a user may send a message to another", event.MessageSend).
			in(event.MessageSend, event.KindDirect).in(event.MessageModify, event.KindDirect).
			does(decodeC2C, encodeC2C, sampleC2C),
		after("C2C.CallbackAfterSendMsg", "a message was sent to a user, or could not be", event.MessageSend, event.MessageFail).
			in(event.MessageSend, event.KindDirect).in(event.MessageFail, event.KindDirect).
			does(decodeC2C, encodeC2C, sampleC2C),
		after("C2C.CallbackAfterMsgReport", "a user read a conversation up to a time", event.MessageRead).
			in(event.MessageRead, event.KindDirect).
			does(decodeC2CRead, encodeC2CRead, sampleC2CRead),
		after("C2C.CallbackAfterMsgWithDraw", "a message between two users was taken back", event.MessageRecall).
			in(event.MessageRecall, event.KindDirect).
			does(decodeC2CRecall, encodeC2CRecall, sampleC2CRecall),
		after("C2C.CallbackAfterC2CMsgExtension", "key-values were hung on a message between two users, or taken off", extensionTypes[:]...).
			in(event.MessageExtensionSet, event.KindDirect).in(event.MessageExtensionDelete, event.KindDirect).
			in(event.MessageExtensionClear, event.KindDirect).
			does(decodeC2CExtension, encodeExtension, sampleC2CExtension),
		after("C2C.CallbackAfterSendMsgException", "a message to a user was not delivered (undocumented)", event.MessageFail).
			does(decodeC2C, encodeC2C, sampleC2C),
		after("Bot.OnC2CMessage", "a message was sent to a bot", event.BotMessageSend).
			in(event.BotMessageSend, event.KindDirect).
			does(decodeC2C, encodeC2C, sampleC2C),
		after("Chatbot.OnC2CSignalMessage", "a user signalled something to a chatbot", event.BotMessageSignal).
			of(event.BotMessageSignal).
			does(decodeSignal, encodeSignal, sampleSignal),

		before("Group.CallbackBeforeCreateGroup", "the server asks whether a group may be made", withRooms(event.GroupCreate)...).
			of(event.GroupCreate, event.ChatroomCreate).
			does(decodeCreate, encodeCreate, sampleCreate),
		after("Group.CallbackAfterCreateGroup", "a group was made", withRooms(event.GroupCreate)...).
			of(event.GroupCreate, event.ChatroomCreate).
			does(decodeCreate, encodeCreate, sampleCreate),
		before("Group.CallbackBeforeApplyJoinGroup", "the server asks whether a user may ask to join", withRooms(event.GroupMemberApply)...).
			of(event.GroupMemberApply, event.ChatroomMemberApply).
			does(decodeApply, encodeApply, sampleApply),
		before("Group.CallbackBeforeInviteJoinGroup", "the server asks whether users may be brought into a group", withRooms(event.GroupMemberInvite)...).
			of(event.GroupMemberInvite, event.ChatroomMemberInvite, event.GroupMemberJoin).
			does(decodeInvite, encodeInvite, sampleInvite),
		after("Group.CallbackAfterNewMemberJoin", "members are in", withRooms(event.GroupMemberJoin)...).
			of(event.GroupMemberJoin, event.ChatroomMemberJoin).
			does(decodeJoin, encodeJoin, sampleJoin),
		after("Group.CallbackAfterMemberExit", "members left or were removed", withRooms(event.GroupMemberKick, event.GroupMemberLeave)...).
			of(event.GroupMemberKick, event.GroupMemberLeave, event.ChatroomMemberKick, event.ChatroomMemberLeave,
				event.GroupMemberBan, event.ChatroomMemberBan).
			does(decodeExit, encodeExit, sampleExit),
		before("Group.CallbackBeforeSendMsg", "the server asks whether a member may send a message", event.MessageSend).
			in(event.MessageSend, groups...).in(event.MessageModify, groups...).
			does(decodeGroupMessage, encodeGroupMessage, sampleGroupMessage),
		after("Group.CallbackAfterSendMsg", "a message was sent in a group", event.MessageSend).
			in(event.MessageSend, groups...).
			does(decodeGroupMessage, encodeGroupMessage, sampleGroupMessage),
		after("Group.CallbackSendMsgException", "a message to a group was not delivered", event.MessageFail).
			in(event.MessageFail, groups...).
			does(decodeGroupMessage, encodeGroupMessage, sampleGroupMessage),
		after("Group.CallbackAfterRecallMsg", "messages of a group were taken back; one event for each", event.MessageRecall).
			in(event.MessageRecall, groups...).each("MsgSeqList").
			does(decodeGroupRecall, encodeGroupRecall, sampleGroupRecall),
		after("Group.CallbackAfterReadReceipt", "members read messages of a group; one event for each message", event.MessageRead).
			in(event.MessageRead, groups...).each("GroupMsgReceiptList").
			does(decodeGroupRead, encodeGroupRead, sampleGroupRead),
		after("Group.CallbackAfterGroupFull", "a group reached its limit of members", withRooms(event.GroupFull)...).
			of(event.GroupFull, event.ChatroomFull).
			does(decodeFull, encodeFull, sampleFull),
		after("Group.CallbackAfterGroupDestroyed", "a group was dissolved", withRooms(event.GroupDestroy)...).
			of(event.GroupDestroy, event.ChatroomDestroy).
			does(decodeDestroy, encodeDestroy, sampleDestroy),
		after("Group.CallbackAfterGroupInfoChanged", "a group's profile or announcement changed",
			withRooms(event.GroupUpdate, event.GroupAnnounce, event.GroupUnannounce)...).
			of(withRooms(event.GroupUpdate, event.GroupAnnounce, event.GroupUnannounce)...).
			does(decodeInfo, encodeInfo, sampleInfo),
		after("Group.CallbackAfterMemberFieldChanged", "a member's role or card changed",
			withRooms(event.GroupMemberUpdate, event.GroupMemberPromote, event.GroupMemberDemote)...).
			of(withRooms(event.GroupMemberUpdate, event.GroupMemberPromote, event.GroupMemberDemote)...).
			does(decodeMemberField, encodeMemberField, sampleMemberField),
		after("Group.CallbackAfterGroupAttrChanged", "a group's attributes changed",
			withRooms(event.GroupAttributeSet, event.GroupAttributeUpdate, event.GroupAttributeDelete, event.GroupAttributeClear)...).
			of(withRooms(event.GroupAttributeSet, event.GroupAttributeUpdate, event.GroupAttributeDelete, event.GroupAttributeClear)...).
			does(decodeAttributes, encodeAttributes, sampleAttributes),
		after("Group.CallbackAfterChangeGroupOwner", "a group got a new owner", withRooms(event.GroupTransfer)...).
			of(event.GroupTransfer, event.ChatroomTransfer).
			does(decodeTransfer, encodeTransfer, sampleTransfer),
		after("Group.CallbackOnMemberStateChange", "a member of a live group came, went, or lost or regained the connection",
			event.ChatroomMemberOnline, event.ChatroomMemberOffline, event.ChatroomMemberJoin, event.ChatroomMemberLeave).
			of(event.ChatroomMemberOnline, event.ChatroomMemberOffline).
			does(decodeMemberState, encodeMemberState, sampleMemberState),
		after("Group.CallbackAfterGroupMsgExtension", "key-values were hung on a message of a group, or taken off", extensionTypes[:]...).
			in(event.MessageExtensionSet, groups...).in(event.MessageExtensionDelete, groups...).
			in(event.MessageExtensionClear, groups...).
			does(decodeGroupExtension, encodeExtension, sampleGroupExtension),
		before("Group.CallbackBeforeCreateTopic", "the server asks whether a topic may be made in a community", event.TopicCreate).
			of(event.TopicCreate).
			does(decodeTopic, encodeTopic, sampleTopic),
		after("Group.CallbackAfterCreateTopic", "a topic was made in a community", event.TopicCreate).
			of(event.TopicCreate).
			does(decodeTopic, encodeTopic, sampleTopic),
		after("Group.CallbackAfterTopicDestroyed", "topics were removed; one event for each", event.TopicDestroy).
			of(event.TopicDestroy).each("TopicIdList").
			does(decodeTopicEnd, encodeTopicEnd, sampleTopicEnd),
		after("Group.CallbackAfterTopicInfoChanged", "a topic's profile changed", event.TopicUpdate).
			of(event.TopicUpdate).
			does(decodeTopic, encodeTopic, sampleTopic),
		after("Group.CallbackOnDailyGroupQuotaAlarm", "the groups that may be made in a day are nearly used up", event.AlarmQuota).
			of(event.AlarmQuota).
			does(decodeQuota, encodeQuota, sampleQuota),
		after("Bot.OnGroupMessage", "a message of a group mentions bots", event.BotMessageSend).
			in(event.BotMessageSend, groups...).
			does(decodeGroupMessage, encodeGroupMessage, sampleGroupMessage),

		before("OfficialAccount.CallbackBeforeCreateOfficialAccount", "the server asks whether an official account may be made", event.ChannelCreate).
			of(event.ChannelCreate).
			does(decodeAccount, encodeAccount, sampleAccount),
		after("OfficialAccount.CallbackAfterCreateOfficialAccount", "an official account was made", event.ChannelCreate).
			of(event.ChannelCreate).
			does(decodeAccount, encodeAccount, sampleAccount),
		after("OfficialAccount.CallbackAfterOfficialAccountInfoChanged", "an official account's profile changed", event.ChannelUpdate).
			of(event.ChannelUpdate).
			does(decodeAccount, encodeAccount, sampleAccount),
		after("OfficialAccount.CallbackAfterOfficialAccountDestroyed", "an official account was removed", event.ChannelDestroy).
			of(event.ChannelDestroy).
			does(decodeAccount, encodeAccount, sampleAccount),
		after("OfficialAccount.CallbackAfterOfficialAccountFull", "an official account reached its limit of subscribers", event.ChannelFull).
			of(event.ChannelFull).
			does(decodeAccount, encodeAccount, sampleAccount),
		before("OfficialAccount.CallbackBeforeAddSubscriber", "the server asks whether users may subscribe", event.ChannelSubscribe).
			of(event.ChannelSubscribe).
			does(decodeSubscribe, encodeSubscribe, sampleSubscribe),
		after("OfficialAccount.CallbackAfterAddSubscriber", "users subscribed to an official account", event.ChannelSubscribe).
			of(event.ChannelSubscribe).
			does(decodeSubscribe, encodeSubscribe, sampleSubscribe),
		after("OfficialAccount.CallbackAfterDeleteSubscriber", "users unsubscribed from an official account", event.ChannelUnsubscribe).
			of(event.ChannelUnsubscribe).
			does(decodeSubscribe, encodeSubscribe, sampleSubscribe),
		before("OfficialAccount.CallbackBeforeSendMsg", "the server asks whether an official account may send a message", event.MessageSend).
			in(event.MessageSend, event.KindChannel).in(event.MessageModify, event.KindChannel).
			does(decodeAccountMessage, encodeAccountMessage, sampleAccountMessage),
		after("OfficialAccount.CallbackAfterSendMsg", "an official account sent a message", event.MessageSend).
			in(event.MessageSend, event.KindChannel).
			does(decodeAccountMessage, encodeAccountMessage, sampleAccountMessage),
		after("OfficialAccount.CallbackAfterMsgWithDraw", "an official account took messages back; one event for each", event.MessageRecall).
			in(event.MessageRecall, event.KindChannel).each("WithdrawMsgList").
			does(decodeAccountRecall, encodeAccountRecall, sampleAccountRecall),

		after(moderationCommand, "content moderation looked at a message or a profile", event.ModerationResult).
			of(event.ModerationResult).
			does(decodeModeration, encodeModeration, sampleModeration),
		after("Push.OfflinePush", "what became of offline pushes of messages; one event for each", event.PushReport).
			of(event.PushReport).each("Events").
			does(decodeOfflinePush, encodePush, sampleOfflinePush),
		after("Push.AllMemberPush", "what became of a push to all or to tags; one event for each user", event.PushReport).
			each("Events").
			does(decodeAllPush, encodePush, sampleAllPush),
		after("Alert.RequestOverLimit", "calls to the server came faster than allowed", event.AlarmRate).
			of(event.AlarmRate).
			does(decodeOverLimit, encodeOverLimit, sampleOverLimit),
	}
	for _, c := range all {
		switch c.spec.Name {
		case "Follow.CallbackAfterFollowDelete", "Group.CallbackAfterTopicDestroyed":
			c.plainItems = true
		case moderationCommand:
			c.bare = true
		case "Push.OfflinePush", "Push.AllMemberPush":
			c.originless, c.timeless = true, true
		case "Group.CallbackOnMemberStateChange":
			c.originless, c.typeless = true, true
		case "Group.CallbackAfterGroupFull", "Group.CallbackAfterGroupMsgExtension":
			c.typeless = true
		}
	}
	return all
}

// moderationCommand is the one command that stands in the query alone.
const moderationCommand = "ContentCallback.ResultNotify"
