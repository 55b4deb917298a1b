package event

import (
	"slices"
	"strings"
)

// Entry is one row of the catalogue.
type Entry struct {
	Type Type
	// Phases that exist in some dialect.
	Phases []Phase
	// Line says in one line what the type means.
	Line string
}

// In reports whether the type exists in phase p in some dialect.
func (e Entry) In(p Phase) bool { return slices.Contains(e.Phases, p) }

// Lookup finds a type in the catalogue.
func Lookup(t Type) (Entry, bool) {
	i, ok := slices.BinarySearchFunc(catalogue, t, func(e Entry, t Type) int {
		return strings.Compare(string(e.Type), string(t))
	})
	if !ok {
		return Entry{}, false
	}
	return catalogue[i], true
}

// Catalogue returns all types, sorted.
func Catalogue() []Entry { return slices.Clone(catalogue) }

var (
	before = []Phase{Before}
	after  = []Phase{After}
	both   = []Phase{Before, After}
)

// The types. Append only: they reach wire and disk.
const (
	AlarmQuota               Type = "alarm.quota"
	AlarmRate                Type = "alarm.rate"
	BlockAdd                 Type = "block.add"
	BlockRemove              Type = "block.remove"
	BotGroupDestroy          Type = "bot.group.destroy"
	BotGroupJoin             Type = "bot.group.join"
	BotGroupLeave            Type = "bot.group.leave"
	BotGroupMemberJoin       Type = "bot.group.member.join"
	BotGroupMemberLeave      Type = "bot.group.member.leave"
	BotMessageRead           Type = "bot.message.read"
	BotMessageRecall         Type = "bot.message.recall"
	BotMessageSend           Type = "bot.message.send"
	BotMessageSignal         Type = "bot.message.signal"
	ChannelCreate            Type = "channel.create"
	ChannelDestroy           Type = "channel.destroy"
	ChannelFull              Type = "channel.full"
	ChannelSubscribe         Type = "channel.subscribe"
	ChannelTransfer          Type = "channel.transfer"
	ChannelUnsubscribe       Type = "channel.unsubscribe"
	ChannelUpdate            Type = "channel.update"
	ChatroomAnnounce         Type = "chatroom.announce"
	ChatroomAttributeClear   Type = "chatroom.attribute.clear"
	ChatroomAttributeDelete  Type = "chatroom.attribute.delete"
	ChatroomAttributeSet     Type = "chatroom.attribute.set"
	ChatroomCreate           Type = "chatroom.create"
	ChatroomDestroy          Type = "chatroom.destroy"
	ChatroomFull             Type = "chatroom.full"
	ChatroomMemberAllow      Type = "chatroom.member.allow"
	ChatroomMemberApply      Type = "chatroom.member.apply"
	ChatroomMemberBan        Type = "chatroom.member.ban"
	ChatroomMemberDemote     Type = "chatroom.member.demote"
	ChatroomMemberDisallow   Type = "chatroom.member.disallow"
	ChatroomMemberInvite     Type = "chatroom.member.invite"
	ChatroomMemberJoin       Type = "chatroom.member.join"
	ChatroomMemberKick       Type = "chatroom.member.kick"
	ChatroomMemberLeave      Type = "chatroom.member.leave"
	ChatroomMemberMute       Type = "chatroom.member.mute"
	ChatroomMemberOffline    Type = "chatroom.member.offline"
	ChatroomMemberOnline     Type = "chatroom.member.online"
	ChatroomMemberPromote    Type = "chatroom.member.promote"
	ChatroomMemberUnban      Type = "chatroom.member.unban"
	ChatroomMemberUnmute     Type = "chatroom.member.unmute"
	ChatroomMemberUpdate     Type = "chatroom.member.update"
	ChatroomMute             Type = "chatroom.mute"
	ChatroomSuperDemote      Type = "chatroom.super.demote"
	ChatroomSuperPromote     Type = "chatroom.super.promote"
	ChatroomTransfer         Type = "chatroom.transfer"
	ChatroomUnannounce       Type = "chatroom.unannounce"
	ChatroomUnmute           Type = "chatroom.unmute"
	ChatroomUpdate           Type = "chatroom.update"
	ConferenceCreate         Type = "conference.create"
	ConferenceDestroy        Type = "conference.destroy"
	ConferenceJoin           Type = "conference.join"
	ConferenceLeave          Type = "conference.leave"
	ConferencePublish        Type = "conference.publish"
	ConferenceUnpublish      Type = "conference.unpublish"
	ConversationCreate       Type = "conversation.create"
	FollowAdd                Type = "follow.add"
	FollowRemove             Type = "follow.remove"
	FriendAccept             Type = "friend.accept"
	FriendAdd                Type = "friend.add"
	FriendDecline            Type = "friend.decline"
	FriendImport             Type = "friend.import"
	FriendRemove             Type = "friend.remove"
	FriendRename             Type = "friend.rename"
	FriendRequest            Type = "friend.request"
	FriendRespond            Type = "friend.respond"
	FriendUpdate             Type = "friend.update"
	GroupAnnounce            Type = "group.announce"
	GroupAttributeClear      Type = "group.attribute.clear"
	GroupAttributeDelete     Type = "group.attribute.delete"
	GroupAttributeSet        Type = "group.attribute.set"
	GroupAttributeUpdate     Type = "group.attribute.update"
	GroupBlock               Type = "group.block"
	GroupCreate              Type = "group.create"
	GroupDestroy             Type = "group.destroy"
	GroupDisable             Type = "group.disable"
	GroupEnable              Type = "group.enable"
	GroupFileDelete          Type = "group.file.delete"
	GroupFileUpload          Type = "group.file.upload"
	GroupFull                Type = "group.full"
	GroupMemberAllow         Type = "group.member.allow"
	GroupMemberApply         Type = "group.member.apply"
	GroupMemberApplyAccept   Type = "group.member.apply.accept"
	GroupMemberBan           Type = "group.member.ban"
	GroupMemberDemote        Type = "group.member.demote"
	GroupMemberDisallow      Type = "group.member.disallow"
	GroupMemberInvite        Type = "group.member.invite"
	GroupMemberInviteAccept  Type = "group.member.invite.accept"
	GroupMemberInviteDecline Type = "group.member.invite.decline"
	GroupMemberJoin          Type = "group.member.join"
	GroupMemberKick          Type = "group.member.kick"
	GroupMemberLeave         Type = "group.member.leave"
	GroupMemberMute          Type = "group.member.mute"
	GroupMemberPromote       Type = "group.member.promote"
	GroupMemberUnban         Type = "group.member.unban"
	GroupMemberUnmute        Type = "group.member.unmute"
	GroupMemberUpdate        Type = "group.member.update"
	GroupMute                Type = "group.mute"
	GroupTransfer            Type = "group.transfer"
	GroupUnannounce          Type = "group.unannounce"
	GroupUnblock             Type = "group.unblock"
	GroupUnmute              Type = "group.unmute"
	GroupUpdate              Type = "group.update"
	MessageDelete            Type = "message.delete"
	MessageDeliver           Type = "message.deliver"
	MessageEdit              Type = "message.edit"
	MessageExtensionClear    Type = "message.extension.clear"
	MessageExtensionDelete   Type = "message.extension.delete"
	MessageExtensionSet      Type = "message.extension.set"
	MessageFail              Type = "message.fail"
	MessageIntercept         Type = "message.intercept"
	MessageModify            Type = "message.modify"
	MessagePushOffline       Type = "message.push.offline"
	MessagePushOnline        Type = "message.push.online"
	MessageReact             Type = "message.react"
	MessageRead              Type = "message.read"
	MessageRecall            Type = "message.recall"
	MessageSend              Type = "message.send"
	ModerationResult         Type = "moderation.result"
	MomentCommentCreate      Type = "moment.comment.create"
	MomentCommentRecall      Type = "moment.comment.recall"
	MomentCreate             Type = "moment.create"
	MomentRecall             Type = "moment.recall"
	PushReport               Type = "push.report"
	SystemException          Type = "system.exception"
	SystemHeartbeat          Type = "system.heartbeat"
	ThreadUpdate             Type = "thread.update"
	TopicCreate              Type = "topic.create"
	TopicDestroy             Type = "topic.destroy"
	TopicUpdate              Type = "topic.update"
	UserActivate             Type = "user.activate"
	UserDeactivate           Type = "user.deactivate"
	UserKick                 Type = "user.kick"
	UserOffline              Type = "user.offline"
	UserOnline               Type = "user.online"
	UserRegister             Type = "user.register"
	UserUpdate               Type = "user.update"
	VendorUnknown            Type = "vendor.unknown"
)

// catalogue is the one table of all types, sorted by name. The few types
// without a verb are reports, not acts.
var catalogue = []Entry{
	{AlarmQuota, after, "a daily or total quota is nearly or fully used"},
	{AlarmRate, after, "calls to the IM server exceeded a rate limit"},
	{BlockAdd, both, "actor put member on the personal block list"},
	{BlockRemove, after, "actor took member off it"},
	{BotGroupDestroy, after, "a group a bot sits in was dissolved"},
	{BotGroupJoin, after, "a bot was put into a group"},
	{BotGroupLeave, after, "a bot left or was taken out of a group"},
	{BotGroupMemberJoin, after, "somebody joined a bot's group (bot copy)"},
	{BotGroupMemberLeave, after, "somebody left a bot's group (bot copy)"},
	{BotMessageRead, after, "a message of/to a bot was read (bot copy)"},
	{BotMessageRecall, after, "a message to a bot was recalled (bot copy)"},
	{BotMessageSend, after, "a message reached a bot: written to it, or mentioning it (bot copy)"},
	{BotMessageSignal, after, "a control signal to a bot (stop, feedback), not a chat message"},
	{ChannelCreate, both, "a channel / official account was made"},
	{ChannelDestroy, after, "it was removed"},
	{ChannelFull, after, "it reached its subscriber limit"},
	{ChannelSubscribe, both, "members subscribed"},
	{ChannelTransfer, after, "it got a new owner"},
	{ChannelUnsubscribe, after, "members unsubscribed"},
	{ChannelUpdate, after, "its profile changed"},
	{ChatroomAnnounce, after, "room announcement set"},
	{ChatroomAttributeClear, after, "all room attributes removed"},
	{ChatroomAttributeDelete, after, "room attributes removed"},
	{ChatroomAttributeSet, after, "room attributes set"},
	{ChatroomCreate, both, "a room was made"},
	{ChatroomDestroy, after, "a room was closed (by somebody, or idle)"},
	{ChatroomFull, after, "a room reached its limit"},
	{ChatroomMemberAllow, after, "members were put on the room's white list (they may speak while muted)"},
	{ChatroomMemberApply, before, "somebody asks to enter"},
	{ChatroomMemberBan, after, "members were put on the room's ban list and thereby out of the room"},
	{ChatroomMemberDemote, after, "members are no longer admins"},
	{ChatroomMemberDisallow, after, "members were taken off the room's white list"},
	{ChatroomMemberInvite, before, "somebody is to be brought in"},
	{ChatroomMemberJoin, after, "members entered"},
	{ChatroomMemberKick, after, "members were put out"},
	{ChatroomMemberLeave, after, "members left, by will or by timeout (member.reason)"},
	{ChatroomMemberMute, after, "members may no longer speak"},
	{ChatroomMemberOffline, after, "a member's connection went; membership unchanged"},
	{ChatroomMemberOnline, after, "a member's connection came back; membership unchanged"},
	{ChatroomMemberPromote, after, "members became admins"},
	{ChatroomMemberUnban, after, "members were taken off the room's ban list"},
	{ChatroomMemberUnmute, after, "members may speak again"},
	{ChatroomMemberUpdate, after, "a member's card or role in the room changed"},
	{ChatroomMute, after, "everybody in the room was muted"},
	{ChatroomSuperDemote, after, "an app-wide room super admin was unmade (no room id)"},
	{ChatroomSuperPromote, after, "an app-wide room super admin was made (no room id)"},
	{ChatroomTransfer, after, "new owner"},
	{ChatroomUnannounce, after, "announcement removed"},
	{ChatroomUnmute, after, "everybody in the room may speak again"},
	{ChatroomUpdate, after, "profile changed"},
	{ConferenceCreate, after, "a conference was opened"},
	{ConferenceDestroy, after, "a conference was closed"},
	{ConferenceJoin, after, "a participant came"},
	{ConferenceLeave, after, "a participant went"},
	{ConferencePublish, after, "a participant began to send media"},
	{ConferenceUnpublish, after, "a participant stopped sending media"},
	{ConversationCreate, both, "a user's conversation entry was made"},
	{FollowAdd, after, "the actor follows the member"},
	{FollowRemove, after, "the actor no longer follows the member"},
	{FriendAccept, after, "actor accepted member's request"},
	{FriendAdd, after, "the two are friends now (or: member is on actor's list)"},
	{FriendDecline, after, "actor declined member's request"},
	{FriendImport, both, "the server made actor and members friends in bulk"},
	{FriendRemove, after, "member is off actor's list"},
	{FriendRename, both, "actor changed the remark (alias) for member"},
	{FriendRequest, both, "actor asks members for friendship"},
	{FriendRespond, before, "actor is about to answer a request (friend.action accept/acceptAndAdd/decline); the fact is friend.accept or .decline"},
	{FriendUpdate, after, "other data of the relation changed (extra)"},
	{GroupAnnounce, after, "an announcement was set"},
	{GroupAttributeClear, after, "all custom attributes were removed"},
	{GroupAttributeDelete, after, "some custom attributes were removed"},
	{GroupAttributeSet, after, "the custom attributes were replaced"},
	{GroupAttributeUpdate, after, "custom attributes were changed"},
	{GroupBlock, after, "the actor shields himself from the group's messages"},
	{GroupCreate, both, "a group was made; members = first members where the wire has them"},
	{GroupDestroy, after, "dissolved"},
	{GroupDisable, after, "the app forbids use of the group"},
	{GroupEnable, after, "the app allows use of the group again"},
	{GroupFileDelete, after, "a shared file was removed"},
	{GroupFileUpload, after, "a shared file was added"},
	{GroupFull, after, "member limit reached"},
	{GroupMemberAllow, after, "members were put on the group's white list"},
	{GroupMemberApply, both, "actor asks to join"},
	{GroupMemberApplyAccept, after, "actor let member in"},
	{GroupMemberBan, after, "members were put on the group's ban list and thereby out of it"},
	{GroupMemberDemote, after, "members are no longer admins"},
	{GroupMemberDisallow, after, "members were taken off the group's white list"},
	{GroupMemberInvite, both, "actor invites members"},
	{GroupMemberInviteAccept, after, "the invited actor agreed"},
	{GroupMemberInviteDecline, after, "the invited actor refused"},
	{GroupMemberJoin, both, "members are in"},
	{GroupMemberKick, after, "members were removed by actor"},
	{GroupMemberLeave, after, "members left by themselves, or with a dissolved group (member.reason)"},
	{GroupMemberMute, after, "members may no longer speak"},
	{GroupMemberPromote, after, "members became admins"},
	{GroupMemberUnban, after, "members were taken off the group's ban list"},
	{GroupMemberUnmute, after, "members may speak again"},
	{GroupMemberUpdate, both, "card, alias, extra or (unknown) role of members changed"},
	{GroupMute, after, "everybody in the group was muted"},
	{GroupTransfer, after, "actor gave the group to members[0]"},
	{GroupUnannounce, after, "the announcement was removed"},
	{GroupUnblock, after, "the actor takes the group's messages again"},
	{GroupUnmute, after, "everybody in the group may speak again"},
	{GroupUpdate, both, "the group's profile changed"},
	{MessageDelete, after, "messages removed from a user's or everybody's history"},
	{MessageDeliver, after, "a message reached a device (delivery receipt)"},
	{MessageEdit, both, "the content of a sent message changed"},
	{MessageExtensionClear, after, "all key-values hung on a message were removed"},
	{MessageExtensionDelete, after, "key-values hung on a message were removed"},
	{MessageExtensionSet, after, "key-values were hung on a message"},
	{MessageFail, after, "a message was accepted, then not delivered"},
	{MessageIntercept, after, "a word list hit a message (verdict pass, refuse, replace)"},
	{MessageModify, before, "the server asks whether to rewrite a message it is about to send (second question beside message.send)"},
	{MessagePushOffline, both, "a message is about to be pushed to / was kept for members who are offline"},
	{MessagePushOnline, before, "a message is about to be pushed to members who are online"},
	{MessageReact, after, "reactions of a message changed"},
	{MessageRead, after, "actor read messages, or a conversation up to a point"},
	{MessageRecall, after, "a message was taken back for all"},
	{MessageSend, both, "a message"},
	{ModerationResult, after, "a content moderator's finding about a message or a profile"},
	{MomentCommentCreate, after, "a comment in the feed"},
	{MomentCommentRecall, after, "a comment in the feed was taken back"},
	{MomentCreate, after, "a post in the feed"},
	{MomentRecall, after, "a post in the feed was taken back"},
	{PushReport, after, "what became of an offline push (sent, reached, clicked, failed)"},
	{SystemException, after, "the IM server reports its own error"},
	{SystemHeartbeat, after, "the IM server says that it lives"},
	{ThreadUpdate, after, "a message thread changed (message sent, edited or recalled in it)"},
	{TopicCreate, both, "a topic in a community group"},
	{TopicDestroy, after, "topics were removed"},
	{TopicUpdate, after, "a topic's profile changed"},
	{UserActivate, after, "an account was brought back"},
	{UserDeactivate, after, "an account was closed"},
	{UserKick, after, "a session was ended by the server or another login, reported on its own"},
	{UserOffline, after, "a device went; presence.reason: disconnect, timeout, logout, replaced"},
	{UserOnline, after, "a device came"},
	{UserRegister, both, "account made"},
	{UserUpdate, both, "profile changed"},
	{VendorUnknown, after, "nothing above"},
}
