package wildfirechat

import (
	"slices"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// command is one callback in both directions. Adding one is a file with its
// functions and a line in commands.
type command struct {
	spec dialect.Command
	// paths are further ones that it arrives on: those of the vendor's older pages.
	paths []string
	// keys are those of the server's configuration file that point here.
	keys []string
	// says are the types, its own and others', that are written as this command
	// when the event did not come from it.
	says []event.Type
	// decode reads a body; the caller adds what is the same for all commands.
	decode func(in input) (*event.Event, error)
	// encode writes the requests of an event of one of the types.
	encode func(out *output) error
	// sample draws a body of what the vendor would send, and the id in the path
	// where the path has one.
	sample func(d *draw) (body any, id string)
}

// commands lists all callbacks in the order of the vendor's configuration.
func commands() []*command {
	after := func(name, path, line string, types ...event.Type) dialect.Command {
		return dialect.Command{Name: name, Phase: event.After, Path: path, Types: types, Line: line}
	}
	return []*command{
		{
			spec: after("message", "/im_event/message",
				"a message was sent; before the word filter looks at it", event.MessageSend),
			paths:  []string{"/message/forward"},
			says:   []event.Type{event.MessageSend},
			keys:   []string{"message.forward.url"},
			decode: decodeMessage, encode: encodeMessage, sample: sampleMessage,
		},
		{
			spec: after("message_mention", "/im_event/message/mention",
				"a message that mentions somebody, whatever the forwarded types are", event.MessageSend),
			keys:   []string{"message.mentionmsg.forward.url"},
			decode: decodeMessage, encode: encodeMessage, sample: sampleMention,
		},
		{
			spec: after("message_sensitive", "/im_event/message/sensitive",
				"a message that hit the server's own word list", event.MessageIntercept),
			says:   []event.Type{event.MessageIntercept},
			keys:   []string{"message.sensitive.forward.url"},
			decode: decodeMessage, encode: encodeMessage, sample: sampleMessage,
		},
		{
			spec: after("recall_message", "/im_event/recall_message",
				"a message was taken back", event.MessageRecall),
			says:   []event.Type{event.MessageRecall},
			keys:   []string{"message.recallmsg.forward.url"},
			decode: decodeRecall, encode: encodeRecall, sample: sampleRecall,
		},
		{
			spec: after("message_read", "/im_event/message_read",
				"a user read a conversation up to a time (commercial)", event.MessageRead),
			says:   []event.Type{event.MessageRead},
			decode: decodeRead, encode: encodeRead, sample: sampleRead,
		},
		{
			spec: after("channel_message", "/channel/{channel}/message",
				"a subscriber wrote to a channel; posted to the channel's own URL", event.MessageSend),
			decode: decodeMessage, encode: encodeMessage, sample: sampleChannelMessage,
		},
		{
			spec: after("robot_message", "/robot/{robot}",
				"a message reached a robot; posted to the robot's own URL", event.BotMessageSend),
			says:   []event.Type{event.BotMessageSend},
			decode: decodeMessage, encode: encodeMessage, sample: sampleRobotMessage,
		},
		{
			spec: after("things_message", "/im_event/things/message",
				"a message from or to a device", event.MessageSend),
			keys:   []string{"things_message.forward.url"},
			decode: decodeThings, encode: encodeThings, sample: sampleThings,
		},
		{
			spec: after("user_online", "/im_event/user/online",
				"a device came, went or logged out", event.UserOnline, event.UserOffline),
			paths:  []string{"/user/online_event"},
			says:   []event.Type{event.UserOnline, event.UserOffline, event.UserKick},
			keys:   []string{"user.online_status_callback"},
			decode: decodeOnline, encode: encodeOnline, sample: sampleOnline,
		},
		{
			spec: after("user_relation", "/im_event/user/relation",
				"a friendship, alias, block or extra of two users changed",
				event.FriendAdd, event.FriendRemove, event.FriendRename, event.BlockAdd, event.BlockRemove, event.FriendUpdate),
			says: []event.Type{
				event.FriendAdd, event.FriendRemove, event.FriendRename, event.BlockAdd, event.BlockRemove,
				event.FriendUpdate, event.FriendAccept, event.FriendImport,
			},
			keys:   []string{"relation.relation_update_callback", "relation.update_callback"},
			paths:  []string{"/relation/updated"},
			decode: decodeRelation, encode: encodeRelation, sample: sampleRelation,
		},
		{
			spec: after("user_info", "/im_event/user/info",
				"a profile was made or changed", event.UserUpdate),
			says:   []event.Type{event.UserUpdate, event.UserRegister},
			keys:   []string{"user.user_info_update_callback", "user.info_update_callback"},
			paths:  []string{"/user/user_info_updated"},
			decode: decodeUser, encode: encodeUser, sample: sampleUser,
		},
		{
			spec: after("group_info", "/im_event/group/info",
				"a group was made, changed, transferred, muted, unmuted or dissolved",
				event.GroupCreate, event.GroupUpdate, event.GroupTransfer, event.GroupMute, event.GroupUnmute, event.GroupDestroy),
			paths: []string{"/group/group_info_updated"},
			says: []event.Type{
				event.GroupCreate, event.GroupUpdate, event.GroupTransfer, event.GroupMute, event.GroupUnmute,
				event.GroupDestroy, event.GroupAnnounce, event.GroupUnannounce,
			},
			keys:   []string{"group.group_info_update_callback"},
			decode: decodeGroup, encode: encodeGroup, sample: sampleGroup,
		},
		{
			spec: after("group_member", "/im_event/group/member",
				"members joined, left, were removed, or changed role, alias or extra",
				event.GroupMemberJoin, event.GroupMemberLeave, event.GroupMemberKick, event.GroupMemberDemote,
				event.GroupMemberPromote, event.GroupTransfer, event.GroupMemberMute, event.GroupMemberAllow, event.GroupMemberUpdate),
			says: []event.Type{
				event.GroupMemberJoin, event.GroupMemberLeave, event.GroupMemberKick, event.GroupMemberDemote,
				event.GroupMemberPromote, event.GroupMemberMute, event.GroupMemberAllow, event.GroupMemberUpdate,
				event.GroupMemberBan, event.GroupMemberUnmute, event.GroupMemberDisallow,
			},
			keys:   []string{"group.group_member_update_callback"},
			paths:  []string{"/group/group_member_updated"},
			decode: decodeGroupMember, encode: encodeGroupMember, sample: sampleGroupMember,
		},
		{
			spec: after("channel_info", "/im_event/channel/info",
				"a channel was made, changed, transferred or removed",
				event.ChannelCreate, event.ChannelUpdate, event.ChannelTransfer, event.ChannelDestroy),
			says:   []event.Type{event.ChannelCreate, event.ChannelUpdate, event.ChannelTransfer, event.ChannelDestroy},
			keys:   []string{"channel.channel_info_update_callback"},
			decode: decodeChannel, encode: encodeChannel, sample: sampleChannel,
		},
		{
			spec: after("channel_subscribe", "/im_event/channel/subscribe",
				"a user subscribed to a channel or left it", event.ChannelSubscribe, event.ChannelUnsubscribe),
			says:   []event.Type{event.ChannelSubscribe, event.ChannelUnsubscribe},
			decode: decodeSubscribe, encode: encodeSubscribe, sample: sampleSubscribe,
		},
		{
			spec: after("chatroom_info", "/im_event/chatroom/info",
				"a chatroom was made or closed", event.ChatroomCreate, event.ChatroomDestroy),
			says:   []event.Type{event.ChatroomCreate, event.ChatroomDestroy},
			keys:   []string{"chatroom.chatroom_info_update_callback"},
			decode: decodeChatroom, encode: encodeChatroom, sample: sampleChatroom,
		},
		{
			spec: after("chatroom_member", "/im_event/chatroom/member",
				"members entered, left, were put out, muted or unmuted",
				event.ChatroomMemberJoin, event.ChatroomMemberLeave, event.ChatroomMemberKick, event.ChatroomMemberMute, event.ChatroomMemberUnmute),
			says: []event.Type{
				event.ChatroomMemberJoin, event.ChatroomMemberLeave, event.ChatroomMemberKick, event.ChatroomMemberMute,
				event.ChatroomMemberUnmute, event.ChatroomMemberBan,
			},
			keys:   []string{"chatroom.chatroom_member_update_callback"},
			decode: decodeChatroom, encode: encodeChatroomMember, sample: sampleChatroomMember,
		},
		{
			spec: after("chatroom_status", "/im_event/chatroom/status",
				"a user entered or left a chatroom (old body)", event.ChatroomMemberLeave, event.ChatroomMemberJoin),
			decode: decodeChatroom, encode: encodeChatroomMember, sample: sampleChatroomStatus,
		},
		{
			spec: after("conference_create", "/im_event/conference/create",
				"a conference was opened (commercial)", event.ConferenceCreate),
			says:   []event.Type{event.ConferenceCreate},
			decode: decodeConferenceCreate, encode: encodeConferenceCreate, sample: sampleConferenceCreate,
		},
		{
			spec: after("conference_destroy", "/im_event/conference/destroy",
				"a conference was closed (commercial)", event.ConferenceDestroy),
			says:   []event.Type{event.ConferenceDestroy},
			decode: decodeConference, encode: encodeConference, sample: sampleConference,
		},
		{
			spec: after("conference_member_join", "/im_event/conference/member_join",
				"a participant came (commercial)", event.ConferenceJoin),
			says:   []event.Type{event.ConferenceJoin},
			decode: decodeConference, encode: encodeConference, sample: sampleConference,
		},
		{
			spec: after("conference_member_leave", "/im_event/conference/member_leave",
				"a participant went (commercial)", event.ConferenceLeave),
			says:   []event.Type{event.ConferenceLeave},
			decode: decodeConference, encode: encodeConference, sample: sampleConference,
		},
		{
			spec: after("conference_member_publish", "/im_event/conference/member_publish",
				"a participant began to send media (commercial)", event.ConferencePublish),
			says:   []event.Type{event.ConferencePublish},
			decode: decodeConference, encode: encodeConference, sample: sampleConference,
		},
		{
			spec: after("conference_member_unpublish", "/im_event/conference/member_unpublish",
				"a participant stopped to send media (commercial)", event.ConferenceUnpublish),
			says:   []event.Type{event.ConferenceUnpublish},
			decode: decodeConference, encode: encodeConference, sample: sampleConference,
		},
		{
			spec: after("moments_feed", "/im_event/moments_feed",
				"a post in the feed (commercial)", event.MomentCreate),
			says:   []event.Type{event.MomentCreate},
			decode: decodeFeed, encode: encodeFeed, sample: sampleFeed,
		},
		{
			spec: after("moments_feed_recall", "/im_event/moments_feed_recall",
				"a post was taken back (commercial)", event.MomentRecall),
			says:   []event.Type{event.MomentRecall},
			decode: decodeMomentRecall, encode: encodeMomentRecall, sample: sampleMomentRecall,
		},
		{
			spec: after("moments_comment", "/im_event/moments_comment",
				"a comment on a post (commercial)", event.MomentCommentCreate),
			says:   []event.Type{event.MomentCommentCreate},
			decode: decodeComment, encode: encodeComment, sample: sampleComment,
		},
		{
			spec: after("moments_comment_recall", "/im_event/moments_comment_recall",
				"a comment was taken back (commercial)", event.MomentCommentRecall),
			says:   []event.Type{event.MomentCommentRecall},
			decode: decodeMomentRecall, encode: encodeMomentRecall, sample: sampleMomentRecall,
		},
		{
			spec: after("exception", "/im_exception_event/",
				"the server reports an error of its own, or that it lives", event.SystemException, event.SystemHeartbeat),
			says:   []event.Type{event.SystemException, event.SystemHeartbeat},
			keys:   []string{"monitor.exception_event_address"},
			decode: decodeException, encode: encodeException, sample: sampleException,
		},
		{
			spec: dialect.Command{
				Name: "censor", Phase: event.Before, Path: "/message/censor", Types: []event.Type{event.MessageSend},
				Line: "the server asks whether it may send a message (sensitive.remote_server_url)",
			},
			keys:   []string{"sensitive.remote_server_url"},
			decode: decodeMessage, encode: encodeMessage, sample: sampleCensor,
		},
	}
}

// has reports whether the command decodes to t.
func (c *command) has(t event.Type) bool { return slices.Contains(c.spec.Types, t) }
