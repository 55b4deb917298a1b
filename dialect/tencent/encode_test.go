package tencent_test

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/tencent"
	"github.com/imhook/imhook/event"
)

// foreign is an event of another dialect, as its decoder would leave it.
func foreign(t event.Type, set ...func(ev *event.Event)) *event.Event {
	ev := &event.Event{
		ID: "e1", Dialect: "wildfirechat", Command: "theirs", Type: t, Phase: event.After,
		Time: time.UnixMilli(1795200000123).UTC(), Actor: &event.Actor{ID: "mira", Platform: "ios"},
	}
	for _, f := range set {
		f(ev)
	}
	return ev
}

func direct(ev *event.Event) {
	c := event.Direct("mira", "ada")
	ev.Conversation, ev.Lane = &c, c.Lane()
}

func inGroup(ev *event.Event) {
	c := event.Conversation{Kind: event.KindGroup, ID: "g1"}
	ev.Conversation, ev.Lane = &c, c.Lane()
}

func inRoom(ev *event.Event) {
	c := event.Conversation{Kind: event.KindChatroom, ID: "r1"}
	ev.Conversation, ev.Lane = &c, c.Lane()
}

func inChannel(ev *event.Event) {
	c := event.Conversation{Kind: event.KindChannel, ID: "oa"}
	ev.Conversation, ev.Lane = &c, c.Lane()
}

func asked(ev *event.Event)    { ev.Phase = event.Before }
func unnamed(ev *event.Event)  { ev.Actor = nil }
func hello(ev *event.Event)    { ev.Message = &event.Message{ID: "m-1", Kind: event.Text, Text: "hi"} }
func ofM1(ev *event.Event)     { ev.Message = &event.Message{ID: "m-1"} }
func withAda(ev *event.Event)  { ev.Members = []event.Member{{ID: "ada"}} }
func withTwo(ev *event.Event)  { ev.Members = []event.Member{{ID: "ada"}, {ID: "bo"}} }
func inTopic(ev *event.Event)  { inGroup(ev); ev.Conversation.Topic = "t" }
func noticed(ev *event.Event)  { inGroup(ev); ev.Group = &event.Group{ID: "g1", Announcement: "n"} }
func readM1(ev *event.Event)   { ev.Receipt = &event.Receipt{Messages: []string{"m-1"}} }
func upToNow(ev *event.Event)  { ev.Receipt = &event.Receipt{UpTo: ev.Time} }
func reported(ev *event.Event) { ev.Report = &event.Report{Code: "7", Text: "why", Count: 3} }

// What the derived numbers of message m-1 are, once and for all: backends store them.
// Worked out apart from this code, from the hash of event.Hash.
const (
	m1Seq    = "660463144"
	m1Random = "2941858653"
	m1Key    = m1Seq + "_" + m1Random + "_1309082664"
)

const at = `,"EventTime":1795200000123}`

var encodeCases = []struct {
	name    string
	ev      *event.Event
	command string
	body    string // "" means that any will do
}{
	{
		"text to a user", foreign(event.MessageSend, direct, hello), "C2C.CallbackAfterSendMsg",
		`{"CallbackCommand":"C2C.CallbackAfterSendMsg","From_Account":"mira","To_Account":"ada","MsgSeq":` + m1Seq + `,"MsgRandom":` + m1Random + `,"MsgTime":1795200000,"MsgKey":"` + m1Key + `","SendMsgResult":0,"ErrorInfo":"send msg succeed","UnreadMsgNum":0,"OnlineOnlyFlag":0,"MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"hi"}}],"CloudCustomData":""` + at,
	},
	{
		"question about it", foreign(event.MessageSend, asked, direct, hello), "C2C.CallbackBeforeSendMsg",
		`{"CallbackCommand":"C2C.CallbackBeforeSendMsg","From_Account":"mira","To_Account":"ada","MsgSeq":` + m1Seq + `,"MsgRandom":` + m1Random + `,"MsgTime":1795200000,"MsgKey":"` + m1Key + `","OnlineOnlyFlag":0,"MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"hi"}}],"CloudCustomData":""` + at,
	},
	{
		"its recall has the same key", foreign(event.MessageRecall, direct, ofM1), "C2C.CallbackAfterMsgWithDraw",
		`{"CallbackCommand":"C2C.CallbackAfterMsgWithDraw","From_Account":"mira","To_Account":"ada","MsgKey":"` + m1Key + `","UnreadMsgNum":0` + at,
	},
	{
		"text to a group", foreign(event.MessageSend, inGroup, hello), "Group.CallbackAfterSendMsg",
		`{"CallbackCommand":"Group.CallbackAfterSendMsg","GroupId":"g1","Type":"Public","From_Account":"mira","Operator_Account":"mira","Random":` + m1Random + `,"MsgSeq":` + m1Seq + `,"MsgTime":1795200000,"MsgId":"m-1","OnlineOnlyFlag":0,"MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"hi"}}],"CloudCustomData":""` + at,
	},
	{
		"question about it", foreign(event.MessageSend, asked, inRoom, hello), "Group.CallbackBeforeSendMsg",
		`{"CallbackCommand":"Group.CallbackBeforeSendMsg","GroupId":"r1","Type":"AVChatRoom","From_Account":"mira","Operator_Account":"mira","Random":` + m1Random + `,"OnlineOnlyFlag":0,"MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"hi"}}],"CloudCustomData":""` + at,
	},
	{
		"its recall has the same number", foreign(event.MessageRecall, inGroup, ofM1), "Group.CallbackAfterRecallMsg",
		`{"CallbackCommand":"Group.CallbackAfterRecallMsg","GroupId":"g1","Type":"Public","Operator_Account":"mira","MsgSeqList":[{"MsgSeq":` + m1Seq + `,"MsgId":"m-1"}]` + at,
	},
	{
		"its receipt too", foreign(event.MessageRead, inGroup, readM1), "Group.CallbackAfterReadReceipt",
		`{"CallbackCommand":"Group.CallbackAfterReadReceipt","GroupId":"g1","Type":"Public","GroupMsgReceiptList":[{"MsgSeq":` + m1Seq + `,"ReadNum":1,"UnreadNum":0,"ReadReceiptMembers":[{"Member_Account":"mira"}]}]` + at,
	},
	{
		"of a channel", foreign(event.MessageSend, inChannel, hello, unnamed), "OfficialAccount.CallbackAfterSendMsg",
		`{"CallbackCommand":"OfficialAccount.CallbackAfterSendMsg","Official_Account":"oa","MsgTime":1795200000,"MsgKey":"` + m1Key + `","OnlineOnlyFlag":0,"MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"hi"}}],"CloudCustomData":""` + at,
	},
	{
		"read up to a time", foreign(event.MessageRead, direct, upToNow), "C2C.CallbackAfterMsgReport",
		`{"CallbackCommand":"C2C.CallbackAfterMsgReport","Report_Account":"mira","Peer_Account":"ada","LastReadTime":1795200000,"UnreadMsgNum":0` + at,
	},
	{"failed", foreign(event.MessageFail, direct, hello, reported), "C2C.CallbackAfterSendMsg", ""},
	{"failed in a group", foreign(event.MessageFail, inGroup, hello, reported), "Group.CallbackSendMsgException", ""},
	{"modify", foreign(event.MessageModify, asked, inGroup, hello), "Group.CallbackBeforeSendMsg", ""},
	{
		"extension", foreign(event.MessageExtensionSet, direct, func(ev *event.Event) {
			ev.Message = &event.Message{ID: "m-1", Extension: map[string]string{"b": "2", "a": "1"}}
		}), "C2C.CallbackAfterC2CMsgExtension",
		`{"CallbackCommand":"C2C.CallbackAfterC2CMsgExtension","From_Account":"mira","To_Account":"ada","MsgKey":"` + m1Key + `","OperateType":1,"ExtensionList":[{"Key":"a","Value":"1"},{"Key":"b","Value":"2"}],"Seq":0` + at,
	},
	{"extension in a group", foreign(event.MessageExtensionClear, inGroup, ofM1), "Group.CallbackAfterGroupMsgExtension", ""},
	{"to a bot", foreign(event.BotMessageSend, direct, hello, withAda), "Bot.OnC2CMessage", ""},
	{"to a bot of a group", foreign(event.BotMessageSend, inGroup, hello, withAda), "Bot.OnGroupMessage", ""},
	{"signal", foreign(event.BotMessageSignal, direct, hello, withAda), "Chatbot.OnC2CSignalMessage", ""},
	{
		"moderation", foreign(event.ModerationResult, direct, hello, func(ev *event.Event) { ev.Moderation = &event.Moderation{Verdict: "recall", Words: []string{"hi"}} }),
		"ContentCallback.ResultNotify", "",
	},
	{
		"push", foreign(event.PushReport, direct, ofM1, withAda, reported), "Push.OfflinePush",
		`{"CallbackCommand":"Push.OfflinePush","Events":[{"CallbackCommand":"Push.OfflinePush","EventType":1,"From_Account":"mira","MsgKey":"` + m1Key + `","MsgSeq":` + m1Seq + `,"MsgRandom":` + m1Random + `,"To_Account":"ada","PushPlatform":0,"PushStage":1,"EventTime":1795200000,"ErrCode":7,"ErrInfo":"why"}]}`,
	},
	{
		"push of nobody's message", foreign(event.PushReport, unnamed, withTwo), "Push.AllMemberPush",
		`{"CallbackCommand":"Push.AllMemberPush","Events":[{"CallbackCommand":"Push.AllMemberPush","EventType":1,"TaskId":"e1","To_Account":"ada","PushPlatform":0,"PushStage":1,"EventTime":1795200000,"ErrCode":0,"ErrInfo":""},{"CallbackCommand":"Push.AllMemberPush","EventType":1,"TaskId":"e1","To_Account":"bo","PushPlatform":0,"PushStage":1,"EventTime":1795200000,"ErrCode":0,"ErrInfo":""}]}`,
	},
	{
		"online", foreign(event.UserOnline), "State.StateChange",
		`{"CallbackCommand":"State.StateChange","Info":{"Action":"Login","To_Account":"mira","Reason":"Register"}` + at,
	},
	{
		"offline", foreign(event.UserOffline, func(ev *event.Event) { ev.Presence = &event.Presence{Reason: "logout"} }), "State.StateChange",
		`{"CallbackCommand":"State.StateChange","Info":{"Action":"Logout","To_Account":"mira","Reason":"Unregister"}` + at,
	},
	{
		"kicked", foreign(event.UserKick, withAda), "State.StateChange",
		`{"CallbackCommand":"State.StateChange","Info":{"Action":"Disconnect","To_Account":"ada","Reason":"LinkClose"}` + at,
	},
	{
		"profile", foreign(event.UserUpdate, func(ev *event.Event) { ev.User = &event.User{ID: "ada", DisplayName: "Ada", Gender: "female"} }), "Profile.CallbackPortraitSet",
		`{"CallbackCommand":"Profile.CallbackPortraitSet","Operator_Account":"mira","From_Account":"ada","ProfileItem":[{"Tag":"Tag_Profile_IM_Nick","Value":"Ada"},{"Tag":"Tag_Profile_IM_Gender","Value":"Gender_Type_Female"}]` + at,
	},
	{
		"friend request", foreign(event.FriendRequest, asked, withTwo, func(ev *event.Event) { ev.Friend = &event.Friend{Text: "hello"} }), "Sns.CallbackPrevFriendAdd",
		`{"CallbackCommand":"Sns.CallbackPrevFriendAdd","Requester_Account":"mira","From_Account":"mira","AddType":"Add_Type_Both","ForceAddFlags":0,"FriendItem":[{"To_Account":"ada","Remark":"","GroupName":"","AddSource":"AddSource_Type_Unknown","AddWording":"hello"},{"To_Account":"bo","Remark":"","GroupName":"","AddSource":"AddSource_Type_Unknown","AddWording":"hello"}]` + at,
	},
	{
		"friend response", foreign(event.FriendRespond, asked, withAda, func(ev *event.Event) { ev.Friend = &event.Friend{Action: "decline"} }), "Sns.CallbackPrevFriendResponse",
		`{"CallbackCommand":"Sns.CallbackPrevFriendResponse","Requester_Account":"mira","From_Account":"mira","ResponseFriendItem":[{"To_Account":"ada","Remark":"","TagName":"","ResponseAction":"Response_Action_Reject"}]` + at,
	},
	{
		"friends", foreign(event.FriendAdd, withAda, func(ev *event.Event) { ev.Friend = &event.Friend{Owner: "mira"} }), "Sns.CallbackFriendAdd",
		`{"CallbackCommand":"Sns.CallbackFriendAdd","PairList":[{"From_Account":"mira","To_Account":"ada","Initiator_Account":"mira"}],"ClientCmd":"friend_add","Admin_Account":"","ForceFlag":0` + at,
	},
	{
		"accepted", foreign(event.FriendAccept, withAda, func(ev *event.Event) { ev.Friend = &event.Friend{Owner: "mira"} }), "Sns.CallbackFriendAdd",
		`{"CallbackCommand":"Sns.CallbackFriendAdd","PairList":[{"From_Account":"mira","To_Account":"ada","Initiator_Account":"ada"}],"ClientCmd":"friend_response","Admin_Account":"","ForceFlag":0` + at,
	},
	{
		"imported", foreign(event.FriendImport, withTwo, func(ev *event.Event) {
			ev.Actor, ev.Friend = &event.Actor{ID: "root", System: true}, &event.Friend{Owner: "mira"}
		}), "Sns.CallbackFriendAdd",
		`{"CallbackCommand":"Sns.CallbackFriendAdd","PairList":[{"From_Account":"mira","To_Account":"ada","Initiator_Account":"mira"},{"From_Account":"mira","To_Account":"bo","Initiator_Account":"mira"}],"ClientCmd":"friend_add","Admin_Account":"root","ForceFlag":1` + at,
	},
	{"unfriended", foreign(event.FriendRemove, withAda, func(ev *event.Event) { ev.Friend = &event.Friend{Owner: "mira"} }), "Sns.CallbackFriendDelete", ""},
	{
		"blocked", foreign(event.BlockAdd, withAda, func(ev *event.Event) { ev.Friend = &event.Friend{Owner: "mira"} }), "Sns.CallbackBlackListAdd",
		`{"CallbackCommand":"Sns.CallbackBlackListAdd","PairList":[{"From_Account":"mira","To_Account":"ada"}]` + at,
	},
	{"unblocked", foreign(event.BlockRemove, withAda), "Sns.CallbackBlackListDelete", ""},
	{
		"follows", foreign(event.FollowAdd, withTwo), "Follow.CallbackAfterFollowAdd",
		`{"CallbackCommand":"Follow.CallbackAfterFollowAdd","From_Account":"mira","FollowList":[{"To_Account":"ada"},{"To_Account":"bo"}]` + at,
	},
	{"follows no more", foreign(event.FollowRemove, withAda), "Follow.CallbackAfterFollowDelete", ""},
	{
		"group to be made", foreign(event.GroupCreate, asked, withAda, func(ev *event.Event) { ev.Group = &event.Group{Name: "N", Kind: "restricted"} }), "Group.CallbackBeforeCreateGroup",
		`{"CallbackCommand":"Group.CallbackBeforeCreateGroup","Type":"Public","Operator_Account":"mira","Owner_Account":"mira","Name":"N","MemberList":[{"Member_Account":"ada"}]` + at,
	},
	{
		"group made", foreign(event.GroupCreate, inGroup, withTwo), "Group.CallbackAfterCreateGroup",
		`{"CallbackCommand":"Group.CallbackAfterCreateGroup","GroupId":"g1","Type":"Public","Operator_Account":"mira","Owner_Account":"mira","Name":"","MemberList":[{"Member_Account":"ada"},{"Member_Account":"bo"}]` + at,
	},
	{
		"room made", foreign(event.ChatroomCreate, inRoom, unnamed), "Group.CallbackAfterCreateGroup",
		`{"CallbackCommand":"Group.CallbackAfterCreateGroup","GroupId":"r1","Type":"AVChatRoom","Operator_Account":"administrator","Owner_Account":"","Name":"","MemberList":[]` + at,
	},
	{
		"group update", foreign(event.GroupUpdate, inGroup, func(ev *event.Event) { ev.Group = &event.Group{Name: "N"} }), "Group.CallbackAfterGroupInfoChanged",
		`{"CallbackCommand":"Group.CallbackAfterGroupInfoChanged","GroupId":"g1","Type":"Public","Operator_Account":"mira","Name":"N"` + at,
	},
	{
		"announced", foreign(event.GroupAnnounce, noticed), "Group.CallbackAfterGroupInfoChanged",
		`{"CallbackCommand":"Group.CallbackAfterGroupInfoChanged","GroupId":"g1","Type":"Public","Operator_Account":"mira","Notification":"n"` + at,
	},
	{
		"unannounced", foreign(event.GroupUnannounce, noticed), "Group.CallbackAfterGroupInfoChanged",
		`{"CallbackCommand":"Group.CallbackAfterGroupInfoChanged","GroupId":"g1","Type":"Public","Operator_Account":"mira","Notification":""` + at,
	},
	{
		"transferred", foreign(event.GroupTransfer, inGroup, withAda), "Group.CallbackAfterChangeGroupOwner",
		`{"CallbackCommand":"Group.CallbackAfterChangeGroupOwner","GroupId":"g1","Type":"Public","Operator_Account":"mira","OldOwner_Account":"mira","NewOwner_Account":"ada"` + at,
	},
	{"room transferred", foreign(event.ChatroomTransfer, inRoom, withAda), "Group.CallbackAfterChangeGroupOwner", ""},
	{
		"dissolved", foreign(event.GroupDestroy, inGroup), "Group.CallbackAfterGroupDestroyed",
		`{"CallbackCommand":"Group.CallbackAfterGroupDestroyed","GroupId":"g1","Type":"Public","Owner_Account":"mira","Name":"","MemberList":[]` + at,
	},
	{"room closed", foreign(event.ChatroomDestroy, inRoom), "Group.CallbackAfterGroupDestroyed", ""},
	{"full", foreign(event.GroupFull, inGroup), "Group.CallbackAfterGroupFull", `{"CallbackCommand":"Group.CallbackAfterGroupFull","GroupId":"g1"` + at},
	{"room full", foreign(event.ChatroomFull, inRoom), "Group.CallbackAfterGroupFull", `{"CallbackCommand":"Group.CallbackAfterGroupFull","GroupId":"r1"` + at},
	{
		"attributes", foreign(event.GroupAttributeUpdate, inGroup, func(ev *event.Event) { ev.Group = &event.Group{Attributes: map[string]string{"k": "v"}} }), "Group.CallbackAfterGroupAttrChanged",
		`{"CallbackCommand":"Group.CallbackAfterGroupAttrChanged","GroupId":"g1","Type":"Public","Operator_Account":"mira","OptionType":"modify","GroupAttr":[{"key":"k","value":"v"}]` + at,
	},
	{
		"room attributes", foreign(event.ChatroomAttributeSet, inRoom, func(ev *event.Event) { ev.Chatroom = &event.Chatroom{Attributes: map[string]string{"k": "v"}} }), "Group.CallbackAfterGroupAttrChanged",
		`{"CallbackCommand":"Group.CallbackAfterGroupAttrChanged","GroupId":"r1","Type":"AVChatRoom","Operator_Account":"mira","OptionType":"set","GroupAttr":[{"key":"k","value":"v"}]` + at,
	},
	{
		"applies", foreign(event.GroupMemberApply, asked, inGroup), "Group.CallbackBeforeApplyJoinGroup",
		`{"CallbackCommand":"Group.CallbackBeforeApplyJoinGroup","GroupId":"g1","Type":"Public","Requestor_Account":"mira"` + at,
	},
	{
		"invites", foreign(event.GroupMemberInvite, asked, inGroup, withTwo), "Group.CallbackBeforeInviteJoinGroup",
		`{"CallbackCommand":"Group.CallbackBeforeInviteJoinGroup","GroupId":"g1","Type":"Public","Operator_Account":"mira","DestinationMembers":[{"Member_Account":"ada"},{"Member_Account":"bo"}]` + at,
	},
	{"brought in", foreign(event.GroupMemberJoin, asked, inGroup, withAda), "Group.CallbackBeforeInviteJoinGroup", ""},
	{
		"joined", foreign(event.GroupMemberJoin, inGroup, withTwo), "Group.CallbackAfterNewMemberJoin",
		`{"CallbackCommand":"Group.CallbackAfterNewMemberJoin","GroupId":"g1","Type":"Public","JoinType":"Invited","Operator_Account":"mira","NewMemberList":[{"Member_Account":"ada"},{"Member_Account":"bo"}]` + at,
	},
	{
		"entered", foreign(event.ChatroomMemberJoin, inRoom), "Group.CallbackAfterNewMemberJoin",
		`{"CallbackCommand":"Group.CallbackAfterNewMemberJoin","GroupId":"r1","Type":"AVChatRoom","JoinType":"Apply","Operator_Account":"mira","NewMemberList":[{"Member_Account":"mira"}]` + at,
	},
	{
		"left", foreign(event.GroupMemberLeave, inGroup), "Group.CallbackAfterMemberExit",
		`{"CallbackCommand":"Group.CallbackAfterMemberExit","GroupId":"g1","Type":"Public","ExitType":"Quit","Operator_Account":"mira","ExitMemberList":[{"Member_Account":"mira"}]` + at,
	},
	{
		"removed", foreign(event.GroupMemberKick, inGroup, withTwo), "Group.CallbackAfterMemberExit",
		`{"CallbackCommand":"Group.CallbackAfterMemberExit","GroupId":"g1","Type":"Public","ExitType":"Kicked","Operator_Account":"mira","ExitMemberList":[{"Member_Account":"ada"},{"Member_Account":"bo"}]` + at,
	},
	{"banned", foreign(event.GroupMemberBan, inGroup, withAda), "Group.CallbackAfterMemberExit", ""},
	{"banned from a room", foreign(event.ChatroomMemberBan, inRoom, withAda), "Group.CallbackAfterMemberExit", ""},
	{
		"promoted", foreign(event.GroupMemberPromote, inGroup, withAda), "Group.CallbackAfterMemberFieldChanged",
		`{"CallbackCommand":"Group.CallbackAfterMemberFieldChanged","GroupId":"g1","Type":"Public","Operator_Account":"mira","Member_Account":"ada","Role":"Admin"` + at,
	},
	{
		"card", foreign(event.GroupMemberUpdate, inGroup, func(ev *event.Event) { ev.Members = []event.Member{{ID: "ada", Alias: "A"}} }), "Group.CallbackAfterMemberFieldChanged",
		`{"CallbackCommand":"Group.CallbackAfterMemberFieldChanged","GroupId":"g1","Type":"Public","Operator_Account":"mira","Member_Account":"ada","NameCard":"A"` + at,
	},
	{
		// An empty card would take away the one that the member has.
		"what is no card", foreign(event.GroupMemberUpdate, inGroup, func(ev *event.Event) { ev.Members = []event.Member{{ID: "ada", Extra: "x"}} }), "Group.CallbackAfterMemberFieldChanged",
		`{"CallbackCommand":"Group.CallbackAfterMemberFieldChanged","GroupId":"g1","Type":"Public","Operator_Account":"mira","Member_Account":"ada"` + at,
	},
	{
		"profile of an announcement", foreign(event.GroupUpdate, noticed), "Group.CallbackAfterGroupInfoChanged",
		`{"CallbackCommand":"Group.CallbackAfterGroupInfoChanged","GroupId":"g1","Type":"Public","Operator_Account":"mira","Notification":"n"` + at,
	},
	{
		"text in a topic", foreign(event.MessageSend, asked, inTopic, hello), "Group.CallbackBeforeSendMsg",
		`{"CallbackCommand":"Group.CallbackBeforeSendMsg","GroupId":"g1","Type":"Community","TopicId":"t","From_Account":"mira","Operator_Account":"mira","Random":` + m1Random + `,"OnlineOnlyFlag":0,"MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"hi"}}],"CloudCustomData":""` + at,
	},
	{
		"finding about it", foreign(event.ModerationResult, direct, hello, func(ev *event.Event) { ev.Moderation = &event.Moderation{Verdict: "refuse"} }), "ContentCallback.ResultNotify",
		`{"ContactItem":{"ContactType":1,"To_Account":"ada"},"Scene":"C2C","SdkAppId":1400555123,"From_Account":"mira","ContentType":"Text","TextContent":["hi"],"MsgID":"` + m1Key + `","CtxcbResult":1,"CtxcbRequestId":"` + event.DeriveID("moderation", "e1") + `","CtxcbSuggestion":"Block","CtxcbKeywords":[],"CtxcbLabel":"","CtxcbSubLabelDesc":"","CloudCustomData":""` + at,
	},
	{
		"several parts", foreign(event.MessageSend, asked, inRoom, func(ev *event.Event) {
			photo := event.Message{Kind: event.Image, Media: &event.Media{URL: "https://f.example/a.PNG?x=1.jpg", Width: 4, Height: 3, Size: 9}}
			film := event.Message{Kind: event.Video, Media: &event.Media{URL: "https://f.example/b", MIME: "video/webm", Seconds: 1.2}}
			ev.Message = &event.Message{ID: "m-1", Kind: event.Text, Text: "look", Parts: []event.Message{{Kind: event.Text, Text: "look"}, photo, film}}
		}), "Group.CallbackBeforeSendMsg",
		`{"CallbackCommand":"Group.CallbackBeforeSendMsg","GroupId":"r1","Type":"AVChatRoom","From_Account":"mira","Operator_Account":"mira","Random":` + m1Random + `,"OnlineOnlyFlag":0,"MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"look"}},` +
			`{"MsgType":"TIMImageElem","MsgContent":{"UUID":"","ImageFormat":3,"ImageInfoArray":[{"Type":1,"Size":9,"Width":4,"Height":3,"URL":"https://f.example/a.PNG?x=1.jpg"},{"Type":2,"Size":9,"Width":4,"Height":3,"URL":"https://f.example/a.PNG?x=1.jpg"},{"Type":3,"Size":9,"Width":4,"Height":3,"URL":"https://f.example/a.PNG?x=1.jpg"}]}},` +
			`{"MsgType":"TIMVideoFileElem","MsgContent":{"VideoUrl":"https://f.example/b","VideoUUID":"","VideoSize":0,"VideoSecond":2,"VideoFormat":"webm","VideoDownloadFlag":2,"ThumbUrl":"","ThumbUUID":"","ThumbSize":0,"ThumbWidth":0,"ThumbHeight":0,"ThumbFormat":"jpg","ThumbDownloadFlag":2}}],"CloudCustomData":""` + at,
	},
	{"room's card", foreign(event.ChatroomMemberUpdate, inRoom, withAda), "Group.CallbackAfterMemberFieldChanged", ""},
	{
		"reconnected", foreign(event.ChatroomMemberOnline, inRoom, withAda), "Group.CallbackOnMemberStateChange",
		`{"CallbackCommand":"Group.CallbackOnMemberStateChange","GroupId":"r1","EventType":"Online","EventCause":"HeartbeatRecover","MemberList":[{"Member_Account":"ada"}]` + at,
	},
	{"topic to be made", foreign(event.TopicCreate, asked, inGroup, func(ev *event.Event) { ev.Thread = &event.Thread{Name: "N"} }), "Group.CallbackBeforeCreateTopic", ""},
	{
		"topic made", foreign(event.TopicCreate, inTopic), "Group.CallbackAfterCreateTopic",
		`{"CallbackCommand":"Group.CallbackAfterCreateTopic","GroupId":"g1","Type":"Community","TopicId":"t","Operator_Account":"mira","Owner_Account":"mira","Name":""` + at,
	},
	{"topic changed", foreign(event.TopicUpdate, inTopic), "Group.CallbackAfterTopicInfoChanged", ""},
	{
		"topic removed", foreign(event.TopicDestroy, inTopic), "Group.CallbackAfterTopicDestroyed",
		`{"CallbackCommand":"Group.CallbackAfterTopicDestroyed","GroupId":"g1","Type":"Community","TopicIdList":["t"]` + at,
	},
	{"channel to be made", foreign(event.ChannelCreate, asked), "OfficialAccount.CallbackBeforeCreateOfficialAccount", ""},
	{
		"channel made", foreign(event.ChannelCreate, inChannel), "OfficialAccount.CallbackAfterCreateOfficialAccount",
		`{"CallbackCommand":"OfficialAccount.CallbackAfterCreateOfficialAccount","Official_Account":"oa","Operator_Account":"mira","Owner_Account":"mira","Name":""` + at,
	},
	{"channel changed", foreign(event.ChannelUpdate, inChannel), "OfficialAccount.CallbackAfterOfficialAccountInfoChanged", ""},
	{"channel removed", foreign(event.ChannelDestroy, inChannel), "OfficialAccount.CallbackAfterOfficialAccountDestroyed", ""},
	{"channel full", foreign(event.ChannelFull, inChannel), "OfficialAccount.CallbackAfterOfficialAccountFull", ""},
	{"to subscribe", foreign(event.ChannelSubscribe, asked, inChannel, withTwo), "OfficialAccount.CallbackBeforeAddSubscriber", ""},
	{
		"subscribed", foreign(event.ChannelSubscribe, inChannel), "OfficialAccount.CallbackAfterAddSubscriber",
		`{"CallbackCommand":"OfficialAccount.CallbackAfterAddSubscriber","Official_Account":"oa","Operator_Account":"mira","SubscribeAccountList":[{"Subscriber_Account":"mira"}]` + at,
	},
	{"unsubscribed", foreign(event.ChannelUnsubscribe, inChannel), "OfficialAccount.CallbackAfterDeleteSubscriber", ""},
	{"channel recall", foreign(event.MessageRecall, inChannel, ofM1), "OfficialAccount.CallbackAfterMsgWithDraw", ""},
	{"quota", foreign(event.AlarmQuota, unnamed, reported), "Group.CallbackOnDailyGroupQuotaAlarm", ""},
	{
		"rate", foreign(event.AlarmRate, unnamed, reported), "Alert.RequestOverLimit",
		`{"CallbackCommand":"Alert.RequestOverLimit","ServiceName":"why","Command":"7","Request":3,"Limit":3` + at,
	},
}

func TestEncode_SaysOtherDialectsEvents(t *testing.T) {
	t.Parallel()
	d := tencent.New()
	to := dialect.Target{Credentials: dialect.Credentials{Public: map[string]string{"sdk_app_id": "1400555123"}}}
	for _, tt := range encodeCases {
		reqs, err := d.Encode(tt.ev, to)
		if err != nil || len(reqs) != 1 {
			t.Errorf("%s: %d requests, %v", tt.name, len(reqs), err)
			continue
		}
		want := "SdkAppid=1400555123&CallbackCommand=" + tt.command + "&contenttype=json"
		if !strings.HasPrefix(reqs[0].Query+"&", want+"&") {
			t.Errorf("%s: query %s, want %s", tt.name, reqs[0].Query, want)
		}
		if tt.body != "" && string(reqs[0].Body) != tt.body {
			t.Errorf("%s: body\n%s\nwant\n%s", tt.name, reqs[0].Body, tt.body)
		}
		if !json.Valid(reqs[0].Body) {
			t.Errorf("%s: not JSON: %s", tt.name, reqs[0].Body)
		}
		again, err := d.Decode(&reqs[0])
		if err != nil || len(again) == 0 || again[0].Type == event.VendorUnknown {
			t.Errorf("%s: it cannot be read again: %v\n%s", tt.name, err, reqs[0].Body)
		}
	}
}

// What the command takes one member of goes out as several requests.
func TestEncode_OneRequestForEachMember(t *testing.T) {
	t.Parallel()
	for _, ev := range []*event.Event{
		foreign(event.GroupMemberPromote, inGroup, withTwo), foreign(event.UserOffline, withTwo),
	} {
		reqs, err := tencent.New().Encode(ev, dialect.Target{})
		if err != nil || len(reqs) != 2 || reqs[0].ID != "e1.0" || reqs[1].ID != "e1.1" ||
			!strings.Contains(string(reqs[0].Body), `"ada"`) || !strings.Contains(string(reqs[1].Body), `"bo"`) {
			t.Errorf("%s: %v, %v", ev.Type, reqs, err)
		}
	}
}

func TestEncode_SaysWhyItCannot(t *testing.T) {
	t.Parallel()
	d := tencent.New()
	for reason, ev := range map[string]*event.Event{
		"no webhook for after group.mute":             foreign(event.GroupMute, inGroup),
		"no webhook for before user.update":           foreign(event.UserUpdate, asked),
		"no webhook for after message.delete":         foreign(event.MessageDelete, inGroup, ofM1),
		"message.send in a conversation of kind user": foreign(event.MessageSend, hello, func(ev *event.Event) { ev.Lane = "user:d1" }),
		"it has no message":                           foreign(event.MessageSend, direct),
		"nobody sent it":                              foreign(event.MessageSend, direct, hello, unnamed),
		"a receipt is no message":                     foreign(event.MessageSend, direct, func(ev *event.Event) { ev.Message = &event.Message{Kind: event.ReceiptMarker} }),
		"it does not name the message":                foreign(event.MessageRecall, inGroup, func(ev *event.Event) { ev.Message = &event.Message{} }),
		"it says only up to when":                     foreign(event.MessageRead, inGroup, upToNow),
		"what the official account itself sends":      foreign(event.MessageSend, inChannel, hello),
		"it names no group":                           foreign(event.GroupDestroy),
		"it names no channel":                         foreign(event.ChannelFull),
		"it names no topic":                           foreign(event.TopicCreate, inGroup),
		"it names no member":                          foreign(event.GroupMemberJoin, inGroup, unnamed),
		"when somebody else brings the members in":    foreign(event.GroupMemberJoin, asked, inGroup, func(ev *event.Event) { ev.Members = []event.Member{{ID: "mira"}} }),
		"it names no user":                            foreign(event.UserOnline, unnamed),
		"it names no other user":                      foreign(event.FollowAdd, func(ev *event.Event) { ev.Type, ev.Friend = event.FriendAdd, &event.Friend{Owner: "mira"} }),
		"it does not name the new owner":              foreign(event.GroupTransfer, inGroup),
		"it does not say what was announced":          foreign(event.GroupAnnounce, inGroup),
		"it does not say to whom the push went":       foreign(event.PushReport, unnamed),
		"Tencent asks for one user at a time":         foreign(event.GroupMemberApply, asked, inGroup, withTwo),
		"nobody knows what it says":                   foreign(event.VendorUnknown),
		"who the two of the conversation are":         foreign(event.MessageRead, func(ev *event.Event) { ev.Lane = "direct:x|y" }),
	} {
		_, err := d.Encode(ev, dialect.Target{})
		if !errors.Is(err, dialect.ErrUntranslatable) || !strings.Contains(err.Error(), reason) {
			t.Errorf("%s %s: %v, want %q", ev.Phase, ev.Type, err, reason)
		}
	}
}

// Every kind of content has an element, and where it reads back as another kind the
// wire says which it was.
func TestEncode_WritesEveryKindOfContent(t *testing.T) {
	t.Parallel()
	d := tencent.New()
	for _, kind := range event.ContentKinds() {
		if kind == event.ReceiptMarker {
			continue
		}
		m := &event.Message{
			ID: "m", Kind: kind, Code: "7", Text: "words", Media: &event.Media{URL: "https://m.example.com/x", Name: "x", Size: 3, Seconds: 1.5, Width: 4, Height: 5},
			Location: &event.Place{Latitude: 1.25, Longitude: -2.5, Title: "there"}, Custom: &event.Payload{Name: "n", Data: "d"},
		}
		ev := foreign(event.MessageSend, direct, func(ev *event.Event) { ev.Message = m })
		reqs, err := d.Encode(ev, dialect.Target{})
		if err != nil {
			t.Errorf("%s: %v", kind, err)
			continue
		}
		evs, err := d.Decode(&reqs[0])
		if err != nil {
			t.Errorf("%s: %v", kind, err)
			continue
		}
		got := evs[0].Message
		switch {
		case got.Kind == kind:
		case kind == event.Quote && got.Kind == event.Text && got.Text == "words" && got.Extra == "d":
		case got.Kind == event.Custom && got.Custom.Data == "d" && got.Text == "words" && (got.Custom.Name == string(kind) || kind == event.UnknownKind):
		default:
			t.Errorf("%s reads back as %+v, %+v", kind, got, got.Custom)
		}
		transient := got.Options != nil && got.Options.Transient
		if transient != (kind == event.CommandKind || kind == event.Typing) {
			t.Errorf("%s: online only is %v", kind, transient)
		}
	}
}

// Samples of every command, read and said again, are what they were.
func TestEncode_SaysEverySampleAgain(t *testing.T) {
	t.Parallel()
	d := tencent.New()
	for _, c := range d.Spec().Commands {
		for seed := range uint64(30) {
			req, err := d.Sample(c.Name, rand.New(rand.NewPCG(seed, 1)), now)
			if err != nil {
				t.Fatal(err)
			}
			evs, err := d.Decode(&req)
			if err != nil {
				t.Fatalf("%s: %v", c.Name, err)
			}
			for _, ev := range evs {
				reqs, err := d.Encode(ev, dialect.Target{})
				if err != nil || len(reqs) != 1 {
					t.Fatalf("%s: %d requests, %v", c.Name, len(reqs), err)
				}
				again, err := d.Decode(&reqs[0])
				if err != nil || len(again) != 1 || said(again[0]) != said(ev) || string(again[0].Vendor) == "" != (string(ev.Vendor) == "") {
					t.Errorf("%s: %v\n%s\n%s", c.Name, err, req.Body, reqs[0].Body)
				}
			}
		}
	}
}
