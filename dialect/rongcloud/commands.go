package rongcloud

import (
	"slices"
	"sync"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// command is one callback in both directions. Adding one is a file with its
// functions and a line in commands.
type command struct {
	spec dialect.Command
	// form says that the body is a form; else it is JSON.
	form bool
	// array says that the body is an array of independent items, so that several
	// may be joined into one.
	array bool
	// nexconn says that the command is Nexconn's: its envelope, on the one URL.
	nexconn bool
	// says are the types, its own and others', that are written as this command
	// when the event did not come from it.
	says []event.Type
	// read takes one item apart; the caller adds what is the same for all. Nil
	// means that it cannot be read.
	read func(in *input) *event.Event
	// encode writes the requests of an event of one of the types.
	encode func(out *output) error
	// sample draws an event as the vendor would report it.
	sample func(d *draw) *event.Event

	// inputs are used again: what a body is taken apart in is larger than what
	// comes of it.
	inputs sync.Pool
}

// commands lists all callbacks in the order of the vendor's pages.
func commands() []*command {
	after := func(name, line string, types ...event.Type) dialect.Command {
		return dialect.Command{Name: name, Phase: event.After, Path: "/" + name, Types: types, Line: line}
	}
	hook := func(name string, phase event.Phase, line string, types ...event.Type) dialect.Command {
		return dialect.Command{Name: name, Phase: phase, Types: types, Line: line}
	}
	chatroomStatus := []event.Type{
		event.ChatroomCreate, event.ChatroomMemberJoin, event.ChatroomMemberLeave,
		event.ChatroomMemberBan, event.ChatroomDestroy,
	}
	chatroomKV := []event.Type{event.ChatroomAttributeSet, event.ChatroomAttributeDelete, event.ChatroomAttributeClear}
	online := []event.Type{event.UserOnline, event.UserOffline}
	messageSync := []event.Type{event.MessageSend, event.MessageEdit, event.MessageIntercept}
	account := []event.Type{event.UserDeactivate, event.UserActivate}
	proposals := []event.Type{event.MessageSend, event.MessageEdit}
	friends := []event.Type{event.FriendRequest, event.FriendAccept, event.FriendDecline, event.FriendRemove, event.FriendAdd}

	list := []*command{
		{
			spec:  after("chatroom_status", "a chatroom was made or closed, or members entered or left it", chatroomStatus...),
			array: true,
			// Being put out of a room is a way of leaving it; there is no word for it.
			says: append(slices.Clone(chatroomStatus), event.ChatroomMemberKick),
			read: readChatroomStatus, encode: encodeChatroomStatus, sample: sampleChatroomStatus,
		},
		{
			spec: after("chatroom_kv", "attributes of a chatroom were set or removed", chatroomKV...),
			says: chatroomKV, read: readChatroomKV, encode: encodeChatroomKV, sample: sampleChatroomKV,
		},
		{
			spec:  after("online_status", "a user's connection came, went or logged out", online...),
			array: true,
			says:  []event.Type{event.UserOnline, event.UserOffline, event.UserKick},
			read:  readOnline, encode: encodeOnline, sample: sampleOnline,
		},
		{
			spec: after("message_sync", "a message was sent or edited, or refused for a blocked word (full message routing)", messageSync...),
			form: true, says: messageSync,
			read: readSync, encode: encodeSync, sample: sampleSync,
		},
		{
			spec: dialect.Command{
				Name: "message_callback", Phase: event.Before, Path: messageCallback, Types: proposals,
				Line: "the server asks whether it may deliver a message (pre-messaging)",
			},
			form: true, says: []event.Type{event.MessageSend, event.MessageEdit, event.MessageModify},
			read: readCallback, encode: encodeCallback, sample: sampleCallback,
		},
		{
			spec: after("message_operation", "a message was recalled, or messages were deleted", event.MessageRecall, event.MessageDelete),
			says: []event.Type{event.MessageRecall, event.MessageDelete},
			read: readOperation, encode: encodeOperation, sample: sampleOperation,
		},
		{
			spec: after("audit_result", "a moderator passed or refused a message", event.ModerationResult),
			says: []event.Type{event.ModerationResult},
			read: readAudit, encode: encodeAudit, sample: sampleAudit,
		},
		{
			spec: after("user_deactivation", "an account was closed or brought back", account...),
			form: true, says: account,
			read: readDeactivation, encode: encodeDeactivation, sample: sampleDeactivation,
		},
		{
			spec: after("group_operation", "a hosted group was made, dissolved or transferred, or its members or managers changed",
				groupOperations[:]...),
			array: true,
			// Being banned puts a member out; there is no word for the ban itself.
			says: append(slices.Clone(groupOperations[:]), event.GroupMemberBan),
			read: readGroupOperation, encode: encodeGroupOperation, sample: sampleGroupOperation,
		},
		{
			spec:  after("group_profile", "a hosted group's profile changed", event.GroupUpdate),
			array: true,
			says:  []event.Type{event.GroupUpdate, event.GroupAnnounce, event.GroupUnannounce},
			read:  readGroupProfile, encode: encodeGroupProfile, sample: sampleGroupProfile,
		},
		{
			spec: after("user_profile", "a hosted user profile changed or was cleared", event.UserUpdate),
			form: true, says: []event.Type{event.UserUpdate},
			read: readUserProfile, encode: encodeUserProfile, sample: sampleUserProfile,
		},
		{
			spec: after("friend_relation", "a friendship was asked for, accepted, refused, made or ended", friends...),
			says: append(slices.Clone(friends), event.FriendImport),
			read: readFriend, encode: encodeFriend, sample: sampleFriend,
		},
		{
			spec: after("bot", "a bot's own report: a message to it was sent, recalled or read, or its group changed", botTypes()...),
			says: botTypes(),
			read: readBot, encode: encodeBot, sample: sampleBot,
		},
		{
			spec:    hook("message:send", event.After, "Nexconn: a message was sent or edited, or refused for a blocked word", messageSync...),
			nexconn: true, says: messageSync,
			read: readSync, encode: encodeSync, sample: sampleSync,
		},
		{
			spec:    hook("user:connection_status", event.After, "Nexconn: a user's connection came, went or logged out", online...),
			nexconn: true, says: []event.Type{event.UserOnline, event.UserOffline, event.UserKick},
			read: readOnline, encode: encodeOnline, sample: sampleOnline,
		},
		{
			spec:    hook("user:activation_state", event.After, "Nexconn: an account was closed or brought back", account...),
			nexconn: true, says: account,
			read: readDeactivation, encode: encodeDeactivation, sample: sampleDeactivation,
		},
	}
	for _, channel := range preMessaging {
		list = append(list, &command{
			spec: hook(channel.command, event.Before, "Nexconn asks whether it may deliver a message of "+channel.line, proposals...),
			// Which of the four it is follows from the conversation.
			nexconn: true, says: []event.Type{event.MessageSend, event.MessageEdit, event.MessageModify},
			read: readCallback, encode: encodeCallback, sample: sampleCallback,
		})
	}
	return list
}

// has reports whether the command decodes to t.
func (c *command) has(t event.Type) bool { return slices.Contains(c.spec.Types, t) }

// saying is what a command is found by for an event of another.
type saying struct {
	nexconn bool
	phase   event.Phase
	t       event.Type
}
