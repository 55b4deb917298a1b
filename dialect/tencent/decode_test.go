package tencent_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/tencent"
	"github.com/imhook/imhook/event"
)

// request is a callback without what authenticates.
func request(command, body string) *dialect.Request {
	return &dialect.Request{
		Query:       "SdkAppid=1400555123&CallbackCommand=" + command + "&contenttype=json&ClientIP=203.0.113.7&OptPlatform=Android",
		ContentType: "application/json", Body: []byte(body),
	}
}

func decode(t *testing.T, command, body string) []*event.Event {
	t.Helper()
	evs, err := tencent.New().Decode(request(command, body))
	if err != nil {
		t.Fatalf("Decode: %v", err)
	}
	return evs
}

// said is what the tests look at: the canonical fields by name.
func said(ev *event.Event) string {
	var b strings.Builder
	add := func(name string, v any) {
		if s := fmt.Sprint(v); s != "" && s != "0" && s != "[]" && s != "false" {
			fmt.Fprintf(&b, " %s=%s", name, s)
		}
	}
	fmt.Fprintf(&b, "%s %s", ev.Type, ev.Lane)
	if ev.Actor != nil {
		add("actor", ev.Actor.ID)
		add("system", ev.Actor.System)
		if ev.Actor.Platform != "android" {
			add("platform", ev.Actor.Platform)
		}
	}
	var ids []string
	for _, m := range ev.Members {
		ids = append(ids, strings.TrimRight(m.ID+":"+m.Role+":"+m.Alias+":"+m.Source, ":"))
	}
	add("members", strings.Join(ids, ","))
	if c := ev.Conversation; c != nil {
		add("topic", c.Topic)
	}
	if m := ev.Message; m != nil {
		add("message", m.ID)
		add("seq", m.Seq)
		add("client", m.ClientID)
		add("sender", m.Sender)
		add("kind", m.Kind)
		add("text", m.Text)
		add("extra", m.Extra)
		if m.Extension != nil {
			add("extension", m.Extension)
		}
		if m.Mentions != nil {
			add("mentions", m.Mentions.Users)
		}
	}
	if f := ev.Friend; f != nil {
		add("owner", f.Owner)
		add("asks", f.Text)
		add("action", f.Action)
	}
	if g := ev.Group; g != nil {
		add("kind", g.Kind)
		add("name", g.Name)
		add("groupOwner", g.Owner)
		add("was", g.PreviousOwner)
		add("intro", g.Introduction)
		add("notice", g.Announcement)
		add("avatar", g.Avatar)
		if g.Attributes != nil {
			add("attributes", g.Attributes)
		}
	}
	if r := ev.Chatroom; r != nil {
		add("room", r.ID)
		add("name", r.Name)
		add("roomOwner", r.Owner)
	}
	if c := ev.Channel; c != nil {
		add("channel", c.ID)
		add("name", c.Name)
		add("owner", c.Owner)
	}
	if u := ev.User; u != nil {
		add("user", u.ID)
		add("name", u.DisplayName)
		add("gender", u.Gender)
	}
	if p := ev.Presence; p != nil {
		add("reason", p.Reason)
		add("address", p.Address)
		add("stage", p.StateText)
		add("through", p.Connection)
		add("kicked", len(p.Kicked))
	}
	if r := ev.Receipt; r != nil {
		if !r.UpTo.IsZero() {
			add("upTo", r.UpTo.Unix())
		}
		add("seqs", r.Seqs)
		add("read", r.Read)
		add("unread", r.Unread)
	}
	if r := ev.Report; r != nil {
		add("code", r.Code)
		add("report", r.Text)
		add("task", r.Trace)
		add("count", r.Count)
	}
	if m := ev.Moderation; m != nil {
		add("verdict", m.Verdict)
		add("words", m.Words)
		add("label", m.Label)
	}
	if th := ev.Thread; th != nil {
		add("thread", th.ID)
		add("name", th.Name)
	}
	add("echo", ev.Echo)
	return b.String()
}

const (
	theText  = `"MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"hi"}}]`
	theC2C   = `"From_Account":"mira","To_Account":"ada","MsgSeq":5,"MsgRandom":6,"MsgTime":7,"MsgKey":"5_6_7","OnlineOnlyFlag":0,` + theText
	theGroup = `"GroupId":"g1","Type":"Public"`
	theRoom  = `"GroupId":"r1","Type":"AVChatRoom"`
	theSend  = `,"From_Account":"mira","Operator_Account":"mira","Random":6,"OnlineOnlyFlag":0,` + theText
	theOA    = `"Official_Account":"oa"`
)

var decodeCases = []struct {
	command, body string
	want          []string
}{
	{
		"State.StateChange", `"Info":{"To_Account":"mira","Action":"Login","Reason":"Register"},"KickedDevice":[{"Platform":"Web"}]`,
		[]string{"user.online user:mira actor=mira members=mira address=203.0.113.7 kicked=1"},
	},
	{
		"State.StateChange", `"Info":{"To_Account":"mira","Action":"Logout","Reason":"Unregister"}`,
		[]string{"user.offline user:mira actor=mira members=mira reason=logout address=203.0.113.7"},
	},
	{
		"State.StateChange", `"Info":{"To_Account":"mira","Action":"Disconnect","Reason":"TimeOut"}`,
		[]string{"user.offline user:mira actor=mira members=mira reason=timeout address=203.0.113.7"},
	},
	{
		"Profile.CallbackPortraitSet", `"Operator_Account":"administrator","From_Account":"mira","ProfileItem":[{"Tag":"Tag_Profile_IM_Nick","Value":"Mira"},{"Tag":"Tag_Profile_IM_Gender","Value":"Gender_Type_Male"}]`,
		[]string{"user.update user:mira actor=administrator system=true members=mira user=mira name=Mira gender=male"},
	},
	{
		"Sns.CallbackPrevFriendAdd", `"Requester_Account":"mira","From_Account":"mira","FriendItem":[{"To_Account":"ada","Remark":"A","AddSource":"S","AddWording":"hello"}]`,
		[]string{"friend.request direct:ada|mira actor=mira members=ada::A:S owner=mira asks=hello"},
	},
	{
		"Sns.CallbackPrevFriendAdd", `"From_Account":"mira","FriendItem":[{"To_Account":"ada"},{"To_Account":"bo"}]`,
		[]string{"friend.request user:mira actor=mira members=ada,bo owner=mira"},
	},
	{
		"Sns.CallbackPrevFriendResponse", `"From_Account":"mira","ResponseFriendItem":[{"To_Account":"ada","ResponseAction":"Response_Action_Reject"}]`,
		[]string{"friend.respond direct:ada|mira actor=mira members=ada owner=mira action=decline"},
	},
	{
		"Sns.CallbackFriendAdd", `"PairList":[{"From_Account":"ada","To_Account":"mira","Initiator_Account":"mira"},{"From_Account":"bo","To_Account":"mira","Initiator_Account":""}],"Admin_Account":"boss"`,
		[]string{"friend.add direct:ada|mira actor=ada members=mira owner=ada", "friend.add direct:bo|mira actor=boss system=true members=mira owner=bo"},
	},
	{
		"Sns.CallbackFriendDelete", `"PairList":[{"From_Account":"ada","To_Account":"mira"}]`,
		[]string{"friend.remove direct:ada|mira actor=ada members=mira owner=ada"},
	},
	{
		"Sns.CallbackBlackListAdd", `"PairList":[{"From_Account":"ada","To_Account":"mira"}]`,
		[]string{"block.add direct:ada|mira actor=ada members=mira owner=ada"},
	},
	{
		"Sns.CallbackBlackListDelete", `"PairList":[{"From_Account":"ada","To_Account":"mira"}]`,
		[]string{"block.remove direct:ada|mira actor=ada members=mira owner=ada"},
	},
	{
		"Follow.CallbackAfterFollowAdd", `"From_Account":"mira","To_Account":["ada","bo"]`,
		[]string{"follow.add direct:ada|mira actor=mira members=ada", "follow.add direct:bo|mira actor=mira members=bo"},
	},
	{
		"Follow.CallbackAfterFollowDelete", `"From_Account":"mira","To_Account":["ada"]`,
		[]string{"follow.remove direct:ada|mira actor=mira members=ada"},
	},
	{
		"C2C.CallbackBeforeSendMsg", theC2C + `,"CloudCustomData":"x"`,
		[]string{"message.send direct:ada|mira actor=mira message=5_6_7 seq=5 client=6 kind=text text=hi extra=x"},
	},
	{
		"C2C.CallbackAfterSendMsg", theC2C + `,"SendMsgResult":0,"ErrorInfo":"send msg succeed"`,
		[]string{"message.send direct:ada|mira actor=mira message=5_6_7 seq=5 client=6 kind=text text=hi"},
	},
	{
		"C2C.CallbackAfterSendMsg", theC2C + `,"SendMsgResult":20006,"ErrorInfo":"no"`,
		[]string{"message.fail direct:ada|mira actor=mira message=5_6_7 seq=5 client=6 kind=text text=hi code=20006 report=no"},
	},
	{
		"C2C.CallbackAfterMsgReport", `"Report_Account":"mira","Peer_Account":"ada","LastReadTime":1795200000,"UnreadMsgNum":0`,
		[]string{"message.read direct:ada|mira actor=mira upTo=1795200000"},
	},
	{
		"C2C.CallbackAfterMsgWithDraw", `"From_Account":"mira","To_Account":"ada","MsgKey":"5_6_7"`,
		[]string{"message.recall direct:ada|mira message=5_6_7 sender=mira"},
	},
	{
		"C2C.CallbackAfterC2CMsgExtension", `"From_Account":"mira","To_Account":"ada","MsgKey":"5_6_7","OperateType":2,"ExtensionList":[{"Key":"k","Value":"v"}]`,
		[]string{"message.extension.delete direct:ada|mira actor=mira message=5_6_7 extension=map[k:v]"},
	},
	{
		"C2C.CallbackAfterSendMsgException", theC2C + `,"ErrorCode":9`,
		[]string{"message.fail direct:ada|mira actor=mira message=5_6_7 seq=5 client=6 kind=text text=hi code=9"},
	},
	{
		"Bot.OnC2CMessage", theC2C,
		[]string{"bot.message.send direct:ada|mira actor=mira members=ada message=5_6_7 seq=5 client=6 kind=text text=hi echo=true"},
	},
	{
		"Chatbot.OnC2CSignalMessage", `"From_Account":"mira","To_Account":"ada","MsgSeq":5,"MsgRandom":6,"MsgKey":"5_6_7","Data":"stop"`,
		[]string{"bot.message.signal direct:ada|mira actor=mira members=ada message=5_6_7 seq=5 client=6 kind=command"},
	},
	{
		"Group.CallbackBeforeCreateGroup", `"Operator_Account":"mira","Owner_Account":"bo","Type":"Work","Name":"N","MemberList":[{"Member_Account":"ada"}]`,
		[]string{"group.create user:mira actor=mira members=ada kind=Work name=N groupOwner=bo"},
	},
	{
		"Group.CallbackAfterCreateGroup", theRoom + `,"Operator_Account":"mira","Owner_Account":"bo","Name":"N","MemberList":[]`,
		[]string{"chatroom.create chatroom:r1 actor=mira room=r1 name=N roomOwner=bo"},
	},
	{
		"Group.CallbackAfterCreateGroup", theGroup + `,"Operator_Account":"mira","Owner_Account":"bo","Name":"N","MemberList":[],"UserDefinedDataList":[{"Key":"k","Value":"v"}]`,
		[]string{"group.create group:g1 actor=mira kind=Public name=N groupOwner=bo attributes=map[k:v]"},
	},
	{
		"Group.CallbackBeforeApplyJoinGroup", theGroup + `,"Requestor_Account":"ada"`,
		[]string{"group.member.apply group:g1 actor=ada members=ada kind=Public"},
	},
	{
		"Group.CallbackBeforeInviteJoinGroup", theRoom + `,"Operator_Account":"mira","DestinationMembers":[{"Member_Account":"ada"}]`,
		[]string{"chatroom.member.invite chatroom:r1 actor=mira members=ada room=r1"},
	},
	{
		"Group.CallbackAfterNewMemberJoin", theGroup + `,"JoinType":"Invited","Operator_Account":"mira","NewMemberList":[{"Member_Account":"ada"},{"Member_Account":"bo"}]`,
		[]string{"group.member.join group:g1 actor=mira members=ada:::invite,bo:::invite kind=Public"},
	},
	{
		"Group.CallbackAfterMemberExit", theGroup + `,"ExitType":"Kicked","Operator_Account":"mira","ExitMemberList":[{"Member_Account":"ada"}]`,
		[]string{"group.member.kick group:g1 actor=mira members=ada kind=Public"},
	},
	{
		"Group.CallbackAfterMemberExit", theRoom + `,"ExitType":"Quit","Operator_Account":"ada","ExitMemberList":[{"Member_Account":"ada"}]`,
		[]string{"chatroom.member.leave chatroom:r1 actor=ada members=ada room=r1"},
	},
	{
		"Group.CallbackBeforeSendMsg", theGroup + theSend,
		[]string{"message.send group:g1 actor=mira client=6 kind=text text=hi"},
	},
	{
		"Group.CallbackAfterSendMsg", `"TopicId":"t","MsgSeq":9,"MsgTime":7,"MsgId":"m","GroupAtInfo":[{"GroupAtAllFlag":0,"GroupAt_Account":"ada"}],` + theGroup + theSend,
		[]string{"message.send group:g1 actor=mira topic=t message=m seq=9 client=6 kind=text text=hi mentions=[ada]"},
	},
	{
		"Group.CallbackAfterSendMsg", `"MsgSeq":9,` + theRoom + theSend,
		[]string{"message.send chatroom:r1 actor=mira message=9 seq=9 client=6 kind=text text=hi"},
	},
	{
		"Group.CallbackSendMsgException", `"ErrorCode":10016,"ErrorInfo":"no",` + theGroup + theSend,
		[]string{"message.fail group:g1 actor=mira client=6 kind=text text=hi code=10016 report=no"},
	},
	{
		"Group.CallbackAfterRecallMsg", theGroup + `,"Operator_Account":"mira","MsgSeqList":[{"MsgSeq":1},{"MsgSeq":2}]`,
		[]string{"message.recall group:g1 actor=mira message=1 seq=1", "message.recall group:g1 actor=mira message=2 seq=2"},
	},
	{
		"Group.CallbackAfterReadReceipt", theGroup + `,"GroupMsgReceiptList":[{"MsgSeq":1,"ReadNum":2,"UnreadNum":3,"ReadReceiptMembers":[{"Member_Account":"ada"}]}]`,
		[]string{"message.read group:g1 actor=ada members=ada message=1 seq=1 seqs=[1] read=2 unread=3"},
	},
	{"Group.CallbackAfterGroupFull", `"GroupId":"g1"`, []string{"group.full group:g1"}},
	{
		"Group.CallbackAfterGroupDestroyed", theGroup + `,"Owner_Account":"mira","Name":"N","MemberList":[{"Member_Account":"ada"}]`,
		[]string{"group.destroy group:g1 members=ada kind=Public name=N groupOwner=mira"},
	},
	{
		"Group.CallbackAfterGroupInfoChanged", theGroup + `,"Operator_Account":"mira","Notification":"n"`,
		[]string{"group.announce group:g1 actor=mira kind=Public notice=n"},
	},
	{
		"Group.CallbackAfterGroupInfoChanged", theGroup + `,"Operator_Account":"mira","Notification":""`,
		[]string{"group.unannounce group:g1 actor=mira kind=Public"},
	},
	{
		"Group.CallbackAfterGroupInfoChanged", theGroup + `,"Operator_Account":"mira","Notification":"n","Name":"N","Introduction":"i","FaceUrl":"u"`,
		[]string{"group.update group:g1 actor=mira kind=Public name=N intro=i notice=n avatar=u"},
	},
	{
		"Group.CallbackAfterMemberFieldChanged", theGroup + `,"Operator_Account":"mira","Member_Account":"ada","Role":"Admin"`,
		[]string{"group.member.promote group:g1 actor=mira members=ada:admin kind=Public"},
	},
	{
		"Group.CallbackAfterMemberFieldChanged", theGroup + `,"Operator_Account":"mira","Modified_Account":"ada","Role":"Member"`,
		[]string{"group.member.demote group:g1 actor=mira members=ada:member kind=Public"},
	},
	{
		"Group.CallbackAfterMemberFieldChanged", theGroup + `,"Operator_Account":"mira","Member_Account":"ada","NameCard":"A","Role":"Admin"`,
		[]string{"group.member.update group:g1 actor=mira members=ada:admin:A kind=Public"},
	},
	{
		"Group.CallbackAfterGroupAttrChanged", theGroup + `,"Operator_Account":"mira","OptionType":"modify","GroupAttr":[{"key":"k","value":"v"}]`,
		[]string{"group.attribute.update group:g1 actor=mira kind=Public attributes=map[k:v]"},
	},
	{
		"Group.CallbackAfterGroupAttrChanged", theRoom + `,"Operator_Account":"mira","OptionType":"clear"`,
		[]string{"chatroom.attribute.clear chatroom:r1 actor=mira room=r1"},
	},
	{
		"Group.CallbackAfterChangeGroupOwner", theGroup + `,"Operator_Account":"boss","OldOwner_Account":"mira","NewOwner_Account":"ada"`,
		[]string{"group.transfer group:g1 actor=boss members=ada kind=Public groupOwner=ada was=mira"},
	},
	{
		"Group.CallbackOnMemberStateChange", `"GroupId":"r1","EventType":"Offline","EventCause":"HeartbeatInterrupt","MemberList":[{"Member_Account":"ada"}]`,
		[]string{"chatroom.member.offline chatroom:r1 actor=ada members=ada room=r1"},
	},
	{
		"Group.CallbackAfterGroupMsgExtension", `"GroupId":"g1","MsgSeq":9,"OperateType":1,"ExtensionList":[{"Key":"k","Value":"v","Seq":1}]`,
		[]string{"message.extension.set group:g1 message=9 seq=9 extension=map[k:v]"},
	},
	{
		"Group.CallbackBeforeCreateTopic", `"Type":"Community","Operator_Account":"mira","Name":"N"`,
		[]string{"topic.create user:mira actor=mira kind=Community name=N"},
	},
	{
		"Group.CallbackAfterCreateTopic", `"GroupId":"g1","TopicId":"t","Type":"Community","Operator_Account":"mira","Owner_Account":"mira","Name":"N"`,
		[]string{"topic.create group:g1 actor=mira topic=t kind=Community thread=t name=N"},
	},
	{
		"Group.CallbackAfterTopicDestroyed", `"GroupId":"g1","Type":"Community","TopicIdList":["t","u"]`,
		[]string{"topic.destroy group:g1 topic=t kind=Community thread=t", "topic.destroy group:g1 topic=u kind=Community thread=u"},
	},
	{
		"Group.CallbackAfterTopicInfoChanged", `"GroupId":"g1","TopicId":"t","Type":"Community","Operator_Account":"mira","Name":"N"`,
		[]string{"topic.update group:g1 actor=mira topic=t kind=Community thread=t name=N"},
	},
	{"Group.CallbackOnDailyGroupQuotaAlarm", `"QuotaUsed":9,"Quota":10`, []string{"alarm.quota system: count=9"}},
	{
		"Bot.OnGroupMessage", `"MsgSeq":9,"AtRobots_Account":["r"],` + theGroup + theSend,
		[]string{"bot.message.send group:g1 actor=mira members=r message=9 seq=9 client=6 kind=text text=hi echo=true"},
	},
	{
		"OfficialAccount.CallbackBeforeCreateOfficialAccount", `"Operator_Account":"mira","Owner_Account":"bo","Name":"N"`,
		[]string{"channel.create user:mira actor=mira name=N owner=bo"},
	},
	{
		"OfficialAccount.CallbackAfterCreateOfficialAccount", theOA + `,"Operator_Account":"mira","Owner_Account":"bo","Name":"N"`,
		[]string{"channel.create channel:oa actor=mira channel=oa name=N owner=bo"},
	},
	{
		"OfficialAccount.CallbackAfterOfficialAccountInfoChanged", theOA + `,"Operator_Account":"mira","Name":"N"`,
		[]string{"channel.update channel:oa actor=mira channel=oa name=N"},
	},
	{
		"OfficialAccount.CallbackAfterOfficialAccountDestroyed", theOA + `,"Owner_Account":"bo","Name":"N"`,
		[]string{"channel.destroy channel:oa channel=oa name=N owner=bo"},
	},
	{"OfficialAccount.CallbackAfterOfficialAccountFull", theOA, []string{"channel.full channel:oa channel=oa"}},
	{
		"OfficialAccount.CallbackBeforeAddSubscriber", theOA + `,"Operator_Account":"mira","SubscribeAccountList":[{"Subscriber_Account":"ada"}]`,
		[]string{"channel.subscribe channel:oa actor=mira members=ada channel=oa"},
	},
	{
		"OfficialAccount.CallbackAfterAddSubscriber", theOA + `,"Operator_Account":"mira","SubscribeAccountList":[{"Subscriber_Account":"ada"}]`,
		[]string{"channel.subscribe channel:oa actor=mira members=ada channel=oa"},
	},
	{
		"OfficialAccount.CallbackAfterDeleteSubscriber", theOA + `,"Operator_Account":"mira","SubscribeAccountList":[{"Subscriber_Account":"ada"}]`,
		[]string{"channel.unsubscribe channel:oa actor=mira members=ada channel=oa"},
	},
	{"OfficialAccount.CallbackBeforeSendMsg", theOA + `,` + theText, []string{"message.send channel:oa actor=oa kind=text text=hi"}},
	{
		"OfficialAccount.CallbackAfterSendMsg", theOA + `,"MsgKey":"5_6_7","MsgTime":7,` + theText,
		[]string{"message.send channel:oa actor=oa message=5_6_7 kind=text text=hi"},
	},
	{
		"OfficialAccount.CallbackAfterMsgWithDraw", theOA + `,"WithdrawMsgList":[{"MsgKey":"5_6_7"},{"MsgKey":"8_6_7"}]`,
		[]string{"message.recall channel:oa message=5_6_7", "message.recall channel:oa message=8_6_7"},
	},
	{
		"ContentCallback.ResultNotify", `"From_Account":"mira","ContactItem":{"ContactType":1,"To_Account":"ada"},"ContentType":"Text","TextContent":["bad"],"MsgID":"m","CtxcbResult":1,"CtxcbKeywords":["bad"],"CtxcbLabel":"Abuse"`,
		[]string{"moderation.result direct:ada|mira actor=mira message=m kind=text text=bad verdict=refuse words=[bad] label=Abuse"},
	},
	{
		"Push.OfflinePush", `"Events":[{"EventType":1,"EventTime":1795200000,"From_Account":"mira","To_Account":"ada","PushPlatform":3,"PushStage":2,"MsgKey":"5_6_7"},{"EventType":2,"EventTime":1795200000,"From_Account":"mira","To_Account":"ada","GroupID":"g1","MsgSeq":9,"ErrCode":7,"ErrInfo":"no"}]`,
		[]string{
			"push.report direct:ada|mira actor=mira members=ada message=5_6_7 stage=reached through=huawei",
			"push.report group:g1 actor=mira members=ada message=9 seq=9 code=7 report=no",
		},
	},
	{
		"Push.AllMemberPush", `"Events":[{"EventType":3,"TaskId":"t","EventTime":1795200000,"To_Account":"ada","PushStage":3}]`,
		[]string{"push.report user:ada members=ada stage=clicked task=t"},
	},
	{"Alert.RequestOverLimit", `"ServiceName":"s","Command":"c","Request":9,"Limit":3`, []string{"alarm.rate system: code=c report=s count=9"}},
}

func TestDecode_GivesTheCanonicalFieldsOfEveryCommand(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, tt := range decodeCases {
		seen[tt.command] = true
		evs := decode(t, tt.command, "{"+tt.body+`,"EventTime":"1795200000123"}`)
		var got []string
		for _, ev := range evs {
			got = append(got, said(ev))
			if ev.Time.IsZero() {
				t.Errorf("%s has no time", tt.command)
			}
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.command, diff)
		}
	}
	for _, c := range tencent.New().Spec().Commands {
		if !seen[c.Name] {
			t.Errorf("%s is not in the table", c.Name)
		}
	}
}

func TestDecode_ReadsEventTimeAsNumberAndAsText(t *testing.T) {
	t.Parallel()
	want := time.UnixMilli(1795200000123).UTC()
	for _, v := range []string{`1795200000123`, `"1795200000123"`, `1.795200000123e12`} {
		if got := decode(t, "Group.CallbackAfterGroupFull", `{"GroupId":"g","EventTime":`+v+`}`)[0].Time; !got.Equal(want) {
			t.Errorf("EventTime %s is read as %v, want %v", v, got, want)
		}
	}
	for _, v := range []string{`null`, `""`, `0`} {
		if ev := decode(t, "Group.CallbackAfterGroupFull", `{"GroupId":"g","EventTime":`+v+`}`)[0]; !ev.Time.IsZero() || ev.Dedupe != "" {
			t.Errorf("EventTime %s: time %v, dedupe %q; want none", v, ev.Time, ev.Dedupe)
		}
	}
}

// A message is joined from the question before it to its recall.
func TestDecode_LinksWhatBelongsToOneMessage(t *testing.T) {
	t.Parallel()
	links := func(command, body string) []string { return decode(t, command, "{"+body+"}")[0].Links }
	asked := links("Group.CallbackBeforeSendMsg", theGroup+theSend)
	sent := links("Group.CallbackAfterSendMsg", `"MsgSeq":9,`+theGroup+theSend)
	recalled := links("Group.CallbackAfterRecallMsg", theGroup+`,"MsgSeqList":[{"MsgSeq":9}]`)
	read := links("Group.CallbackAfterReadReceipt", theGroup+`,"GroupMsgReceiptList":[{"MsgSeq":9}]`)
	if len(sent) != 2 || sent[0] != asked[0] || sent[1] != recalled[0] || sent[1] != read[0] {
		t.Errorf("group: asked %q, sent %q, recalled %q, read %q", asked, sent, recalled, read)
	}
	c2c := []string{"C2C.CallbackBeforeSendMsg", "C2C.CallbackAfterSendMsg", "C2C.CallbackAfterMsgWithDraw", "Bot.OnC2CMessage"}
	for _, command := range c2c {
		if got := links(command, theC2C); !slices.Equal(got, []string{"msg:5_6_7"}) {
			t.Errorf("%s is linked %q", command, got)
		}
	}
	// A key in the old bodies, which have none, is built from its parts.
	old := strings.Replace(theC2C, `"MsgKey":"5_6_7",`, "", 1)
	if got := links("C2C.CallbackBeforeSendMsg", old); !slices.Equal(got, []string{"msg:5_6_7"}) {
		t.Errorf("without MsgKey it is linked %q", got)
	}
	// Ids with what keys are joined with do not run together.
	a := links("Group.CallbackBeforeSendMsg", `"GroupId":"a|b","From_Account":"c","Random":1,`+theText)
	b := links("Group.CallbackBeforeSendMsg", `"GroupId":"a","From_Account":"b|c","Random":1,`+theText)
	if a[0] == b[0] {
		t.Errorf("different messages share the link %q", a[0])
	}
}

func TestDecode_AnItemThatCannotBeReadLosesNoSibling(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{`7`, `null`, `"x"`, `{}`, `{"From_Account":"a"}`, `{"From_Account":[],"To_Account":"b"}`} {
		evs := decode(t, "Sns.CallbackBlackListAdd", `{"PairList":[{"From_Account":"mira","To_Account":"ada"},`+bad+`],"EventTime":5}`)
		if len(evs) != 2 || evs[0].Type != event.BlockAdd || evs[1].Type != event.VendorUnknown {
			t.Fatalf("%s: got %v", bad, evs)
		}
		if want := `{"PairList":[` + bad + `],"EventTime":5}`; string(evs[1].Raw.Body) != want {
			t.Errorf("%s: its own wire form is %s", bad, evs[1].Raw.Body)
		}
	}
}

func TestDecode_RefusesWhatIsNotTheVendorsForm(t *testing.T) {
	t.Parallel()
	d := tencent.New()
	for name, tt := range map[string]struct{ command, body, field string }{
		"no JSON":                  {"C2C.CallbackBeforeSendMsg", `<xml/>`, ""},
		"cut":                      {"C2C.CallbackBeforeSendMsg", `{"From_Account":"mi`, ""},
		"array":                    {"C2C.CallbackBeforeSendMsg", `[]`, ""},
		"nothing":                  {"C2C.CallbackBeforeSendMsg", ``, ""},
		"null":                     {"C2C.CallbackBeforeSendMsg", `null`, ""},
		"no sender":                {"C2C.CallbackBeforeSendMsg", `{"To_Account":"ada"}`, "From_Account"},
		"sender is an object":      {"C2C.CallbackBeforeSendMsg", `{"From_Account":{},"To_Account":"ada"}`, "From_Account"},
		"number is an array":       {"C2C.CallbackBeforeSendMsg", `{"From_Account":"a","To_Account":"b","MsgSeq":[]}`, "MsgSeq"},
		"body is no array":         {"C2C.CallbackBeforeSendMsg", `{"From_Account":"a","To_Account":"b","MsgBody":"x"}`, "MsgBody"},
		"list is an object":        {"Sns.CallbackFriendDelete", `{"PairList":{}}`, "PairList"},
		"time is a word":           {"Group.CallbackAfterGroupFull", `{"GroupId":"g","EventTime":"noon"}`, "EventTime"},
		"members are numbers":      {"Group.CallbackAfterMemberExit", `{"GroupId":"g","ExitType":"Quit","ExitMemberList":[1]}`, "ExitMemberList"},
		"another command":          {"C2C.CallbackBeforeSendMsg", `{"CallbackCommand":"C2C.CallbackAfterSendMsg"}`, "CallbackCommand"},
		"command is a number":      {"C2C.CallbackBeforeSendMsg", `{"CallbackCommand":{}}`, "CallbackCommand"},
		"no command at all":        {"", `{"GroupId":"g"}`, "CallbackCommand"},
		"state without a user":     {"State.StateChange", `{"Info":{"Action":"Login"}}`, "Info.To_Account"},
		"question without targets": {"Sns.CallbackPrevFriendAdd", `{"From_Account":"a","FriendItem":[]}`, "FriendItem"},
	} {
		evs, err := d.Decode(request(tt.command, tt.body))
		de, ok := errors.AsType[*dialect.DecodeError](err)
		if !ok || len(evs) > 0 {
			t.Errorf("%s: %d events, %v", name, len(evs), err)
		} else if de.Field != tt.field {
			t.Errorf("%s: field %q, want %q (%v)", name, de.Field, tt.field, err)
		}
	}
}

// Readers are used again: what was wrong with one body's item once made the next
// body, of a command without items, an unknown one instead of an error.
func TestDecode_RemembersNothingOfTheLastBody(t *testing.T) {
	t.Parallel()
	d := tencent.New()
	for range 100 {
		if _, err := d.Decode(request("Sns.CallbackFriendAdd", `{"PairList":[{}]}`)); err != nil {
			t.Fatal(err)
		}
		evs, err := d.Decode(request("C2C.CallbackAfterMsgWithDraw", `{"To_Account":"ada"}`))
		if err == nil {
			t.Fatalf("a recall of nobody's message is %s", evs[0].Type)
		}
	}
}

func TestDecode_AKeyGivenTwiceCountsLast(t *testing.T) {
	t.Parallel()
	ev := decode(t, "Group.CallbackAfterGroupFull", `{"GroupId":"a","x":1,"GroupId":"b","x":{"y":1,"y":2}}`)[0]
	if ev.Lane != "group:b" || !bytes.Contains(ev.Vendor, []byte(`"x":{"y":2}`)) || !ev.Vendor.IsValid() {
		t.Errorf("lane %s, vendor %s", ev.Lane, ev.Vendor)
	}
}

// Each item is kept with all that stands around the list, so the two multiply.
func TestDecode_BoundsWhatItemsTakeTogether(t *testing.T) {
	t.Parallel()
	body := `{"PairList":[` + strings.Repeat(`0,`, 100_000) + `0],"x":"` + strings.Repeat("x", 500_000) + `"}`
	if _, err := tencent.New().Decode(request("Sns.CallbackFriendDelete", body)); err == nil {
		t.Error("100,001 items of half a megabyte each are taken")
	}
}

// One follows, or does not any more, in either of the two forms; what is neither is
// kept.
func TestDecode_ReadsBothListsOfFollows(t *testing.T) {
	t.Parallel()
	for command, want := range map[string]event.Type{
		"Follow.CallbackAfterFollowAdd": event.FollowAdd, "Follow.CallbackAfterFollowDelete": event.FollowRemove,
	} {
		for _, list := range []string{
			`"FollowList":[{"To_Account":"ada"},{"To_Account":"bo"}]`, `"To_Account":["ada","bo"]`,
			`"To_Account":null,"FollowList":[{"To_Account":"ada"},{"To_Account":"bo"}]`,
		} {
			evs := decode(t, command, `{"From_Account":"mira",`+list+`,"EventTime":5}`)
			if len(evs) != 2 || evs[0].Type != want || evs[0].Members[0].ID != "ada" || evs[1].Members[0].ID != "bo" || evs[0].Dedupe == evs[1].Dedupe {
				t.Errorf("%s %s: %+v", command, list, evs)
			}
		}
		for _, list := range []string{`"FollowList":["ada"]`, `"FollowList":[{"x":"ada"}]`, `"To_Account":[{}]`, `"x":1`} {
			evs := decode(t, command, `{"From_Account":"mira",`+list+`,"EventTime":5}`)
			if len(evs) != 1 || evs[0].Type != event.VendorUnknown || evs[0].Lane != "user:mira" {
				t.Errorf("%s %s: %+v", command, list, evs[0])
			}
		}
	}
}

// A user has several devices, and what is shown may be clicked again: those are
// reports of their own, and each is one report when it comes again.
func TestDecode_TellsReportsOfOnePushApart(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, more := range []string{
		``, `,"PushID":"p1"`, `,"PushID":"p2"`, `,"EventTime":1795200000`, `,"EventTime":1795200009`, `,"PushStage":3`, `,"PushPlatform":2`,
	} {
		for command, item := range map[string]string{
			"Push.OfflinePush":   `{"EventType":1,"From_Account":"mira","To_Account":"ada","MsgKey":"1_2_3"` + more + `}`,
			"Push.AllMemberPush": `{"EventType":2,"TaskId":"t","To_Account":"ada"` + more + `}`,
		} {
			body := `{"Events":[` + item + `]}`
			key := decode(t, command, body)[0].Dedupe
			if key == "" || key != decode(t, command, body)[0].Dedupe {
				t.Errorf("%s %s: key %q is not that of its retry", command, more, key)
			}
			if was, twice := seen[command+key]; twice {
				t.Errorf("%s: %q and %q share the key %q", command, was, more, key)
			}
			seen[command+key] = more
		}
	}
	a := decode(t, "Push.AllMemberPush", `{"Events":[{"EventType":1,"TaskId":"t","To_Account":"ada"}]}`)[0].Dedupe
	if b := decode(t, "Push.AllMemberPush", `{"Events":[{"EventType":2,"TaskId":"t","To_Account":"ada"}]}`)[0].Dedupe; a == b {
		t.Errorf("a push to a device that is online shares the key %q of one that is not", a)
	}
}

func TestDecode_TellsListsOfMembersApart(t *testing.T) {
	t.Parallel()
	key := func(members string) string {
		return decode(t, "Group.CallbackAfterNewMemberJoin", `{`+theGroup+`,"JoinType":"Apply","EventTime":5,"NewMemberList":[`+members+`]}`)[0].Dedupe
	}
	if one, two := key(`{"Member_Account":"a,b"}`), key(`{"Member_Account":"a"},{"Member_Account":"b"}`); one == two {
		t.Errorf("one member and two share the key %q", one)
	}
}

// The one word that stands for all answers must not be said of an answer that is
// another.
func TestDecode_AnswersThatDifferAreNotTheFirst(t *testing.T) {
	t.Parallel()
	ev := decode(t, "Sns.CallbackPrevFriendResponse", `{"From_Account":"mira","ResponseFriendItem":[`+
		`{"To_Account":"ada","ResponseAction":"Response_Action_Reject"},{"To_Account":"bo","ResponseAction":"Response_Action_Agree"}]}`)[0]
	if ev.Friend.Action != "" || strings.Count(string(ev.Vendor), "Response_Action_") != 2 {
		t.Errorf("action %q, vendor %s", ev.Friend.Action, ev.Vendor)
	}
}

// The newer wire names a recalled message as the message itself does.
func TestDecode_ARecalledMessageHasItsID(t *testing.T) {
	t.Parallel()
	sent := decode(t, "Group.CallbackAfterSendMsg", `{"MsgSeq":9,"MsgId":"144-1-2",`+theGroup+theSend+`}`)[0]
	recalled := decode(t, "Group.CallbackAfterRecallMsg", `{`+theGroup+`,"MsgSeqList":[{"MsgSeq":9,"MsgId":"144-1-2"}]}`)[0]
	if sent.Message.ID != recalled.Message.ID || sent.Message.Seq != recalled.Message.Seq || sent.Links[1] != recalled.Links[0] {
		t.Errorf("sent %+v %q, recalled %+v %q", sent.Message, sent.Links, recalled.Message, recalled.Links)
	}
}

func TestDecode_OfAHundredPushesEachIsItsOwn(t *testing.T) {
	t.Parallel()
	var items []string
	for i := range 100 {
		items = append(items, fmt.Sprintf(`{"EventType":1,"EventTime":1795200000,"From_Account":"mira","To_Account":"u%d","MsgKey":"1_2_3","PushStage":1}`, i))
	}
	evs := decode(t, "Push.OfflinePush", `{"Events":[`+strings.Join(items, ",")+`]}`)
	keys := map[string]bool{}
	for _, ev := range evs {
		keys[ev.Dedupe] = true
	}
	if len(evs) != 100 || len(keys) != 100 {
		t.Errorf("%d events, %d keys", len(evs), len(keys))
	}
}
