package tencent

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/imhook/imhook/dialect"
)

// draw gives the values of one sample and takes its body.
type draw struct {
	*rand.Rand
	writer
	now     time.Time
	command string
	// platform is OptPlatform.
	platform string
}

// Sample returns what Tencent's server would send for command.
func (d *Dialect) Sample(name string, r *rand.Rand, now time.Time) (dialect.Request, error) {
	c := d.byName[name]
	if c == nil {
		return dialect.Request{}, fmt.Errorf("%w: %s has no %q", dialect.ErrUnknownCommand, Name, name)
	}
	s := &draw{Rand: r, now: now, command: name}
	s.platform = pick(s, "iOS", "Android", "Web", "Windows", "Mac", "RESTAPI")
	if !c.bare {
		s.text("CallbackCommand", name)
	}
	c.sample(s)
	if !c.timeless && !c.bare {
		s.int("EventTime", s.millis())
	}
	var q []byte
	q = appendQuery(q, "SdkAppid", sampleAppID)
	q = appendQuery(q, "CallbackCommand", name)
	q = appendQuery(q, "contenttype", "json")
	if !c.originless {
		q = appendQuery(q, "ClientIP", fmt.Sprintf("198.51.100.%d", 1+r.IntN(250)))
		q = appendQuery(q, "OptPlatform", s.platform)
	}
	return dialect.Request{Query: string(q), ContentType: jsonType, Body: s.end()}, nil
}

func pick[T any](d *draw, of ...T) T { return of[d.IntN(len(of))] }

// user is a UserID as an app chooses them.
func (d *draw) user() string {
	return pick(d, "mira", "tomas", "ada", "chen", "joon", "lea") + "_" + fmt.Sprintf("%04d", d.IntN(10_000))
}

// users are some different ones.
func (d *draw) users(most int) []string {
	ids := make([]string, 1+d.IntN(most))
	for i := range ids {
		ids[i] = fmt.Sprintf("%s%d", d.user(), i)
	}
	return ids
}

// groupID is one as the server makes them.
func (d *draw) groupID() string {
	return "@TGS#" + pick(d, "1", "2", "3") + d.letters(9)
}

func (d *draw) letters(n int) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	b := make([]byte, n)
	for i := range b {
		b[i] = letters[d.IntN(len(letters))]
	}
	return string(b)
}

// millis is a moment in the last half second.
func (d *draw) millis() int64 { return d.now.UnixMilli() - d.Int64N(500) }

// number has fewer digits than an SDKAppID.
func (d *draw) number() int64 { return 1 + d.Int64N(99_999_999) }

func (d *draw) words() string {
	return pick(d, "see you at the ferry", "the parcel is at the door", "明天下午三点开会", "who brings the tent? 🏕️", "on my way")
}

func (d *draw) kind() string { return pick(d, "Public", "Work", "Meeting", "Community", liveGroup) }

func (d *draw) group() {
	d.text("GroupId", d.groupID())
	d.text("Type", d.kind())
}

func (d *draw) members(name, key string, most int) []string {
	ids := d.users(most)
	d.accounts(name, key, ids)
	return ids
}

func sampleState(d *draw) {
	s := states[d.IntN(len(states))]
	d.name("Info")
	d.b = append(d.b, '{')
	d.text("Action", s.action)
	d.text("To_Account", d.user())
	d.text("Reason", s.wire)
	d.endItem()
	d.platform = pick(d, "iOS", "Android", "Web", "Windows", "Mac", "iPad", "Linux")
	if s.action == "Login" && d.IntN(2) == 0 {
		d.accounts("KickedDevice", "Platform", []string{pick(d, "Windows", "Android", "iPad")})
	}
}

func sampleProfile(d *draw) {
	user := d.user()
	d.text("Operator_Account", pick(d, user, admin))
	d.text("From_Account", user)
	d.begin("ProfileItem")
	item := func(tag string) {
		d.item()
		d.text("Tag", tag)
	}
	item("Tag_Profile_IM_Nick")
	d.text("Value", pick(d, "Mira Holm", "陈一", "Tomás"))
	d.endItem()
	if d.IntN(2) == 0 {
		item(tagGender)
		d.text("Value", pick(d, "Gender_Type_Male", "Gender_Type_Female"))
		d.endItem()
	}
	if d.IntN(2) == 0 {
		item("Tag_Profile_IM_BirthDay")
		d.int("Value", 19_700_101+d.Int64N(300_000))
		d.endItem()
	}
	d.close()
}

func samplePrevFriendAdd(d *draw) {
	user := d.user()
	d.text("Requester_Account", user)
	d.text("From_Account", user)
	d.text("AddType", pick(d, "Add_Type_Single", "Add_Type_Both"))
	d.int("ForceAddFlags", 0)
	d.begin("FriendItem")
	for _, id := range d.users(2) {
		d.item()
		d.text("To_Account", id)
		d.text("Remark", pick(d, "", "the neighbour", "小张"))
		d.text("GroupName", pick(d, "", "rowing"))
		d.text("AddSource", pick(d, "AddSource_Type_Android", "AddSource_Type_Web"))
		d.text("AddWording", "we met at the regatta")
		d.endItem()
	}
	d.close()
}

func samplePrevFriendResponse(d *draw) {
	user := d.user()
	d.text("Requester_Account", user)
	d.text("From_Account", user)
	action := responses[d.IntN(len(responses))].wire
	d.begin("ResponseFriendItem")
	for _, id := range d.users(2) {
		d.item()
		d.text("To_Account", id)
		d.text("Remark", pick(d, "", "小张"))
		d.text("TagName", "")
		d.text("ResponseAction", action)
		d.endItem()
	}
	d.close()
}

func samplePairs(d *draw) {
	a, b := d.user()+"a", d.user()+"b"
	add := d.command == "Sns.CallbackFriendAdd"
	pairs := [][2]string{{a, b}}
	if add && d.IntN(2) == 0 {
		pairs = append(pairs, [2]string{b, a})
	}
	d.begin("PairList")
	for _, p := range pairs {
		d.item()
		d.text("From_Account", p[0])
		d.text("To_Account", p[1])
		if add {
			d.text("Initiator_Account", a)
		}
		d.endItem()
	}
	d.close()
	if add {
		d.text("ClientCmd", pick(d, "friend_add", "friend_response"))
		d.text("Admin_Account", "")
		d.int("ForceFlag", 0)
	}
}

func sampleFollow(d *draw) {
	d.text("From_Account", d.user())
	if d.command == "Follow.CallbackAfterFollowAdd" {
		d.accounts("FollowList", "To_Account", d.users(2))
	} else {
		d.texts("To_Account", d.users(2))
	}
}

// numbers writes what names a message between two users.
func (d *draw) numbers(withTime bool) {
	seq, random, at := d.number(), d.number(), d.now.Unix()
	d.int("MsgSeq", seq)
	d.int("MsgRandom", random)
	if withTime {
		d.int("MsgTime", at)
	}
	d.text("MsgKey", fmt.Sprintf("%d_%d_%d", seq, random, at))
}

func (d *draw) pair() {
	d.text("From_Account", d.user()+"a")
	d.text("To_Account", d.user()+"b")
}

func sampleC2C(d *draw) {
	d.pair()
	d.numbers(true)
	d.int("OnlineOnlyFlag", 0)
	switch d.command {
	case "C2C.CallbackAfterSendMsg":
		if d.IntN(4) == 0 {
			d.int("SendMsgResult", 20006)
			d.text("ErrorInfo", "refused by the app's backend")
			d.int("UnreadMsgNum", -1)
		} else {
			d.int("SendMsgResult", 0)
			d.text("ErrorInfo", c2cSent)
			d.int("UnreadMsgNum", d.Int64N(40))
		}
	case "C2C.CallbackAfterSendMsgException":
		d.int("ErrorCode", 20009)
		d.text("ErrorInfo", "not friends of each other")
	}
	d.msgBody()
}

// msgBody writes a message and what rides on it.
func (d *draw) msgBody() {
	d.begin("MsgBody")
	element := func(kind string, content func()) {
		d.item()
		d.text("MsgType", kind)
		d.name("MsgContent")
		d.b = append(d.b, '{')
		content()
		d.endItem()
		d.endItem()
	}
	words := func() { element(textElem, func() { d.text("Text", d.words()) }) }
	switch d.IntN(6) {
	case 0:
		element("TIMImageElem", func() {
			d.text("UUID", d.letters(12))
			d.int("ImageFormat", 1)
			d.begin("ImageInfoArray")
			for kind := int64(1); kind <= 3; kind++ {
				d.item()
				d.int("Type", kind)
				d.int("Size", 1_000+d.Int64N(900_000))
				d.int("Width", 1200/kind)
				d.int("Height", 900/kind)
				d.text("URL", "https://media.example.com/"+d.letters(10)+".jpg")
				d.endItem()
			}
			d.close()
		})
	case 1:
		element("TIMSoundElem", func() {
			d.text("Url", "https://media.example.com/"+d.letters(10)+".m4a")
			d.text("UUID", d.letters(12))
			d.int("Size", 1_000+d.Int64N(90_000))
			d.int("Second", 1+d.Int64N(59))
			d.int("Download_Flag", downloadURL)
		})
	case 2:
		element(customElem, func() {
			d.text("Data", `{"order":"`+d.letters(6)+`"}`)
			d.text("Desc", "an order was paid")
			d.text("Ext", "order")
			d.text("Sound", "")
		})
	case 3:
		words()
		element("TIMFaceElem", func() {
			d.int("Index", 1+d.Int64N(30))
			d.text("Data", "rower")
		})
	default:
		words()
	}
	d.close()
	d.text("CloudCustomData", pick(d, "", "", `{"trip":7}`))
}

func sampleC2CRead(d *draw) {
	d.text("Report_Account", d.user()+"a")
	d.text("Peer_Account", d.user()+"b")
	d.int("LastReadTime", d.now.Unix())
	d.int("UnreadMsgNum", d.Int64N(9))
}

func sampleC2CRecall(d *draw) {
	d.pair()
	d.text("MsgKey", fmt.Sprintf("%d_%d_%d", d.number(), d.number(), d.now.Unix()-30))
	d.int("UnreadMsgNum", d.Int64N(9))
}

// extensions writes an operation and its key-values.
func (d *draw) extensions() {
	operation := 1 + d.Int64N(3)
	d.int("OperateType", operation)
	d.begin("ExtensionList")
	if operation < 3 {
		d.item()
		d.text("Key", pick(d, "vote", "pinned"))
		d.text("Value", pick(d, "yes", "no"))
		d.int("Seq", d.Int64N(9))
		d.endItem()
	}
	d.close()
	d.int("Seq", d.Int64N(9))
}

func sampleC2CExtension(d *draw) {
	d.pair()
	d.text("MsgKey", fmt.Sprintf("%d_%d_%d", d.number(), d.number(), d.now.Unix()-30))
	d.extensions()
}

func sampleGroupExtension(d *draw) {
	d.text("GroupId", d.groupID())
	d.int("MsgSeq", d.number())
	d.extensions()
}

func sampleSignal(d *draw) {
	d.pair()
	d.numbers(false)
	d.text("Data", pick(d, `{"cmd":"stop"}`, `{"cmd":"feedback","like":true}`))
}

func sampleCreate(d *draw) {
	if d.command == "Group.CallbackAfterCreateGroup" {
		d.text("GroupId", d.groupID())
	}
	user := d.user()
	d.text("Operator_Account", user)
	d.text("Owner_Account", user)
	d.text("Type", d.kind())
	d.text("Name", d.title())
	if d.command == "Group.CallbackBeforeCreateGroup" {
		d.int("CreateGroupNum", d.Int64N(20))
	}
	d.members("MemberList", "Member_Account", 3)
	if d.command == "Group.CallbackAfterCreateGroup" && d.IntN(2) == 0 {
		d.begin("UserDefinedDataList")
		d.item()
		d.text("Key", "boat")
		d.text("Value", pick(d, "eight", "four"))
		d.endItem()
		d.close()
	}
}

func (d *draw) title() string { return pick(d, "rowing club", "三楼邻居", "release crew") }

func sampleApply(d *draw) {
	d.group()
	d.text("Requestor_Account", d.user())
}

func sampleInvite(d *draw) {
	d.group()
	d.text("Operator_Account", d.user())
	d.members("DestinationMembers", "Member_Account", 3)
}

func sampleJoin(d *draw) {
	d.group()
	how := pick(d, "Apply", "Invited")
	d.text("JoinType", how)
	ids := d.users(2)
	by := d.user()
	if how == "Apply" {
		ids = ids[:1]
		by = ids[0]
	}
	d.text("Operator_Account", by)
	d.accounts("NewMemberList", "Member_Account", ids)
}

func sampleExit(d *draw) {
	d.group()
	how := pick(d, "Kicked", "Quit")
	d.text("ExitType", how)
	ids := d.users(2)
	by := d.user()
	if how == "Quit" {
		ids = ids[:1]
		by = ids[0]
	}
	d.text("Operator_Account", by)
	d.accounts("ExitMemberList", "Member_Account", ids)
}

func sampleGroupMessage(d *draw) {
	d.group()
	user := d.user()
	d.text("From_Account", user)
	d.text("Operator_Account", pick(d, user, user, user, admin))
	d.int("Random", d.number())
	d.int("OnlineOnlyFlag", 0)
	switch d.command {
	case "Group.CallbackAfterSendMsg":
		d.int("MsgSeq", d.number())
		d.int("MsgTime", d.now.Unix())
		if d.IntN(3) == 0 {
			d.begin("GroupAtInfo")
			d.item()
			d.int("GroupAtAllFlag", 0)
			d.text("GroupAt_Account", d.user())
			d.endItem()
			d.close()
		}
	case "Bot.OnGroupMessage":
		d.int("MsgSeq", d.number())
		d.int("MsgTime", d.now.Unix())
		d.texts("AtRobots_Account", []string{"@RBT#" + d.letters(5)})
	case "Group.CallbackSendMsgException":
		d.int("ErrorCode", groupFailed)
		d.text("ErrorInfo", "refused by the app's backend")
	}
	d.msgBody()
}

func sampleGroupRecall(d *draw) {
	d.group()
	d.text("Operator_Account", d.user())
	d.begin("MsgSeqList")
	first := d.number()
	for i := range 1 + d.Int64N(2) {
		d.item()
		d.int("MsgSeq", first+i)
		d.text("MsgId", fmt.Sprintf("14411519%d-%d-%d", d.number(), d.now.Unix()-30, d.number()))
		d.endItem()
	}
	d.close()
}

func sampleGroupRead(d *draw) {
	d.text("GroupId", d.groupID())
	d.text("Type", pick(d, "Public", "Work", "Meeting"))
	d.begin("GroupMsgReceiptList")
	first := d.number()
	for i := range 1 + d.Int64N(2) {
		d.item()
		d.int("MsgSeq", first+i)
		ids := d.users(2)
		d.int("ReadNum", int64(len(ids))+d.Int64N(9))
		d.int("UnreadNum", d.Int64N(9))
		d.accounts("ReadReceiptMembers", "Member_Account", ids)
		d.endItem()
	}
	d.close()
}

func sampleFull(d *draw) { d.text("GroupId", d.groupID()) }

func sampleDestroy(d *draw) {
	d.group()
	d.text("Owner_Account", d.user())
	d.text("Name", d.title())
	d.members("MemberList", "Member_Account", 3)
}

func sampleInfo(d *draw) {
	d.group()
	d.text("Operator_Account", d.user())
	switch d.IntN(4) {
	case 0:
		d.text("Notification", pick(d, "training is at six", ""))
	case 1:
		d.text("Introduction", "boats and cake")
	case 2:
		d.text("FaceUrl", "https://media.example.com/"+d.letters(10)+".png")
	default:
		d.text("Name", d.title())
		d.text("Notification", "we have a new name")
	}
}

func sampleMemberField(d *draw) {
	d.group()
	d.text("Operator_Account", d.user())
	d.text("Member_Account", d.user())
	switch d.IntN(3) {
	case 0:
		d.text("NameCard", pick(d, "cox", "队长"))
	case 1:
		d.text("Role", pick(d, "Admin", "Member"))
	default:
		d.text("Role", "Admin")
		d.text("NameCard", "cox")
	}
}

func sampleAttributes(d *draw) {
	d.group()
	d.text("Operator_Account", d.user())
	a := attributes[d.IntN(len(attributes))]
	d.text("OptionType", a.wire)
	d.begin("GroupAttr")
	if a.wire != "clear" {
		d.item()
		d.text("key", pick(d, "topic", "seat"))
		d.text("value", pick(d, "regatta", "4"))
		d.endItem()
	}
	d.close()
}

func sampleTransfer(d *draw) {
	d.group()
	was := d.user() + "a"
	d.text("Operator_Account", pick(d, was, admin))
	d.text("OldOwner_Account", was)
	d.text("NewOwner_Account", d.user()+"b")
}

func sampleMemberState(d *draw) {
	d.text("GroupId", d.groupID())
	p := presences[d.IntN(len(presences))]
	d.text("EventType", p.wire)
	d.text("EventCause", p.cause)
	d.members("MemberList", "Member_Account", 1)
}

func sampleTopic(d *draw) {
	id := "@TGS#_" + d.letters(9)
	d.text("GroupId", id)
	d.text("Type", "Community")
	if d.command != "Group.CallbackBeforeCreateTopic" {
		d.text("TopicId", id+"@TOPIC#_"+d.letters(9))
	}
	user := d.user()
	d.text("Operator_Account", user)
	if d.command == "Group.CallbackAfterCreateTopic" {
		d.text("Owner_Account", user)
	}
	d.text("Name", pick(d, "boats", "cake", "路线"))
	if d.command == "Group.CallbackAfterTopicInfoChanged" {
		d.text("Introduction", "everything about it")
	}
}

func sampleTopicEnd(d *draw) {
	id := "@TGS#_" + d.letters(9)
	d.text("GroupId", id)
	d.text("Type", "Community")
	d.texts("TopicIdList", []string{id + "@TOPIC#_" + d.letters(9)})
}

func sampleQuota(d *draw) {
	d.int("QuotaUsed", 80_000+d.Int64N(20_000))
	d.int("Quota", 100_000)
}

func sampleAccount(d *draw) {
	user := d.user()
	if d.command != "OfficialAccount.CallbackBeforeCreateOfficialAccount" {
		d.text("Official_Account", "@TOA#_"+d.letters(8))
	}
	switch d.command {
	case "OfficialAccount.CallbackAfterOfficialAccountFull":
		return
	case "OfficialAccount.CallbackAfterOfficialAccountDestroyed":
		d.text("Owner_Account", user)
	case "OfficialAccount.CallbackAfterOfficialAccountInfoChanged":
		d.text("Operator_Account", user)
		d.text("Introduction", "news of the harbour")
	default:
		d.text("Operator_Account", user)
		d.text("Owner_Account", user)
	}
	d.text("Name", pick(d, "harbour news", "码头快讯"))
}

func sampleSubscribe(d *draw) {
	d.text("Official_Account", "@TOA#_"+d.letters(8))
	ids := d.users(3)
	d.text("Operator_Account", pick(d, ids[0], admin))
	d.accounts("SubscribeAccountList", "Subscriber_Account", ids)
}

func sampleAccountMessage(d *draw) {
	d.text("Official_Account", "@TOA#_"+d.letters(8))
	if d.command == "OfficialAccount.CallbackAfterSendMsg" {
		d.text("MsgKey", fmt.Sprintf("%d_%d_%d", d.number(), d.number(), d.now.Unix()))
		d.int("MsgTime", d.now.Unix())
	}
	d.int("OnlineOnlyFlag", 0)
	d.msgBody()
}

func sampleAccountRecall(d *draw) {
	d.text("Official_Account", "@TOA#_"+d.letters(8))
	d.begin("WithdrawMsgList")
	for range 1 + d.IntN(2) {
		d.item()
		d.text("MsgKey", fmt.Sprintf("%d_%d_%d", d.number(), d.number(), d.now.Unix()-60))
		d.endItem()
	}
	d.close()
}

func sampleModeration(d *draw) {
	from := d.user() + "a"
	scene := pick(d, "C2C", "Group", "UserInfo")
	d.text("Scene", scene)
	d.raw("SdkAppId", []byte(sampleAppID))
	d.text("From_Account", from)
	switch scene {
	case "C2C":
		d.raw("ContactItem", []byte(`{"ContactType":1,"To_Account":"`+d.user()+`b"}`))
	case "Group":
		d.raw("ContactItem", []byte(`{"ContactType":2,"ToGroupId":"`+d.groupID()+`"}`))
	}
	d.text("ContentType", "Text")
	d.texts("TextContent", []string{d.words()})
	d.text("MsgID", fmt.Sprintf("%d_%d_%d", d.number(), d.number(), d.now.Unix()))
	blocked := d.IntN(2) == 0
	result, suggestion, label := int64(0), "Normal", "Normal"
	if blocked {
		result, suggestion, label = 1, "Block", pick(d, "Ad", "Abuse")
	}
	d.int("CtxcbResult", result)
	d.text("CtxcbRequestId", d.letters(24))
	var words []string
	if blocked {
		words = []string{"parcel"}
	}
	d.texts("CtxcbKeywords", words)
	d.text("CtxcbSuggestion", suggestion)
	d.text("CtxcbLabel", label)
	d.text("CtxcbSubLabel", "")
	d.text("CtxcbSubLabelDesc", "")
	d.text("CtxcbLibName", "")
	d.text("CloudCustomData", "")
	d.int("EventTime", d.millis())
}

func sampleOfflinePush(d *draw) {
	d.begin("Events")
	for range 1 + d.IntN(2) {
		d.item()
		d.text("CallbackCommand", d.command)
		direct := d.IntN(2) == 0
		kind := int64(contactGroup)
		if direct {
			kind = contactUser
		}
		d.int("EventType", kind)
		d.int("EventTime", d.now.Unix())
		d.pair()
		d.outcome()
		seq, random, at := d.number(), d.number(), d.now.Unix()-2
		if direct {
			d.text("MsgKey", fmt.Sprintf("%d_%d_%d", seq, random, at))
		} else {
			d.text("GroupID", d.groupID())
		}
		d.int("MsgSeq", seq)
		d.int("MsgRandom", random)
		d.int("MsgTime", at)
		d.text("PushID", d.letters(24))
		d.endItem()
	}
	d.close()
}

// outcome writes how far a push came.
func (d *draw) outcome() {
	d.int("PushPlatform", 1+d.Int64N(8))
	d.int("PushStage", 1+d.Int64N(3))
	if d.IntN(4) == 0 {
		d.int("ErrCode", 400)
		d.text("ErrInfo", "BadDeviceToken")
		return
	}
	d.int("ErrCode", 0)
	d.text("ErrInfo", "")
}

func sampleAllPush(d *draw) {
	d.begin("Events")
	for range 1 + d.IntN(2) {
		d.item()
		d.text("CallbackCommand", d.command)
		d.int("EventType", 1+d.Int64N(2))
		d.text("TaskId", "task_"+d.letters(10))
		d.int("TaskTime", d.now.Unix()-5)
		d.int("EventTime", d.now.Unix())
		d.text("To_Account", d.user())
		d.outcome()
		d.endItem()
	}
	d.close()
}

func sampleOverLimit(d *draw) {
	d.text("ServiceName", pick(d, "group_open_http_svc", "openim"))
	d.text("Command", pick(d, "create_group", "sendmsg"))
	d.int("Request", 201+d.Int64N(200))
	d.int("Limit", 200)
}
