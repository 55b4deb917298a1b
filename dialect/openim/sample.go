package openim

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// draw gives the values of one sample.
type draw struct {
	*rand.Rand
	naming
	now time.Time
	// query is what the server adds to the URL.
	query string
}

// Sample returns what an OpenIM server would send for a command: one of the
// generation that has the command by this name. A word of the server's
// configuration is taken too.
func (d *Dialect) Sample(name string, r *rand.Rand, now time.Time) (dialect.Request, error) {
	n, ok := d.find(name)
	if !ok {
		return dialect.Request{}, fmt.Errorf("%w: %s has no %q", dialect.ErrUnknownCommand, Name, name)
	}
	drawn := &draw{Rand: r, naming: n, now: now}
	v := n.sample(drawn)
	body, ok := v.([]byte)
	if !ok {
		var err error
		if body, err = marshal(v); err != nil {
			return dialect.Request{}, fmt.Errorf("writing a sample of %s: %w", n.name, err)
		}
	}
	req := dialect.Request{ContentType: jsonType, Body: body}
	switch {
	case n.v2 == n.name && n.command.name != n.name:
	case n.v3 == n.name && r.IntN(2) == 0:
		req.Query = "callbackCommand=" + url.QueryEscape(n.name)
	default:
		req.Path, req.Query = "/"+n.name, drawn.query
	}
	return req, nil
}

func pick[T any](d *draw, of ...T) T { return of[d.IntN(len(of))] }

func (d *draw) tail(alphabet string, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[d.IntN(len(alphabet))]
	}
	return string(b)
}

const (
	digits = "0123456789"
	hexes  = "0123456789abcdef"
)

// user is an id as the demonstration's registration makes them: ten digits.
func (d *draw) user() string { return "5" + d.tail(digits, 9) }

func (d *draw) group() string { return d.tail(digits, 10) }

func (d *draw) messageID() string { return d.tail(hexes, 32) }

func (d *draw) operation() *string { return new("op-" + d.tail(hexes, 20)) }

// millis is a moment in the last half second.
func (d *draw) millis() int64 { return d.now.UnixMilli() - d.Int64N(500) }

func (d *draw) words() string {
	return pick(d, "the ferry leaves at nine", "谁带帐篷?", "receipt attached, please check", "on my way 🚲", "下午三点开会")
}

func (d *draw) nickname() string { return pick(d, "Nora Lind", "王小北", "Tomás", "Ola") }

func (d *draw) picture() string { return "https://cdn.example.com/" + d.tail(hexes, 12) + ".png" }

func (d *draw) some() []string {
	ids := make([]string, 1+d.IntN(3))
	for i := range ids {
		ids[i] = d.user()
	}
	return ids
}

func maybe[T any](d *draw, v T) *T {
	if d.IntN(2) == 0 {
		return nil
	}
	return &v
}

// message is the content of one of some kinds, as JSON text or plain.
func (d *draw) content(plain bool) (code int32, content string) {
	m := &event.Message{Kind: event.Text, Text: d.words()}
	if !plain {
		switch d.IntN(6) {
		case 0:
			m = &event.Message{Kind: event.Image, Media: &event.Media{
				URL: d.picture(), Size: 1000 + d.Int64N(1<<20), Width: 320 + d.IntN(800), Height: 240 + d.IntN(800), MIME: "image/png",
			}}
		case 1:
			m = &event.Message{Kind: event.Audio, Media: &event.Media{
				URL: "https://cdn.example.com/" + d.tail(hexes, 12) + ".m4a", Size: 900 + d.Int64N(1<<16), Seconds: float64(1 + d.IntN(59)), MIME: "m4a",
			}}
		case 2:
			m = &event.Message{Kind: event.Custom, Custom: &event.Payload{Data: fmt.Sprintf(`{"order":"%s"}`, d.tail(digits, 6))}}
		}
	}
	content, code, _ = writeContent(m, true, plain, "")
	return code, content
}

func sampleMessage(d *draw) any {
	plain := d.name == wordFilter
	w := message{
		SendID: d.user(), CallbackCommand: d.name, ServerMsgID: d.messageID(), ClientMsgID: d.messageID(), OperationID: *d.operation(),
		SenderPlatformID: 1 + d.Int32N(9), SenderNickname: d.nickname(), SessionType: sessionSingle, MsgFrom: fromUser,
		Status: statusSending, SendTime: d.millis(), FaceURL: d.picture(),
	}
	w.CreateTime = w.SendTime - d.Int64N(300)
	w.ContentType, w.Content = d.content(plain || d.key == "beforeMsgModify")
	if d.key == "beforeMsgModify" && !plain {
		w.Content = textBegin + string(dialect.AppendString(nil, w.Content)) + textEnd
	}
	out := &output{command: d.command, name: d.name, generation: d.generation()}
	switch d.where() {
	case toUser:
		w.RecvID = d.user()
	case toGroup:
		w.SessionType, w.GroupID = sessionRead, d.group()
		if w.ContentType == codeText && d.IntN(3) == 0 {
			w.AtUserList = []string{pick(d, atAll, d.user())}
		}
	case toEither:
		w.Seq = 1 + d.Int64N(5000)
		if d.IntN(2) == 0 {
			w.RecvID = d.user()
		} else {
			w.SessionType, w.GroupID = sessionRead, d.group()
		}
	}
	if plain {
		out.generation = v20
		if d.IntN(2) == 0 {
			w.SessionType = sessionWrite
		}
	}
	body, _ := w.append(nil, out)
	d.query = w.keyQuery(d.command)
	return body
}

func samplePush(d *draw) any {
	code, content := d.content(d.v2 == d.name)
	platform := 1 + d.Int32N(9)
	head := pushHead{d.name, *d.operation(), platform, platformName(platform)}
	body := pushMessage{ClientMsgID: d.messageID(), SendID: d.user(), SessionType: sessionSingle, ContentType: code, Content: content}
	users := pushUsers{[]string{d.user()}}
	if d.key == "beforeGroupOnlinePush" || d.IntN(2) == 0 {
		body.SessionType, body.GroupID = sessionRead, d.group()
		users.UserIDList = d.some()
	}
	if d.v2 == d.name && body.GroupID != "" {
		body.SessionType = sessionWrite
	}
	switch d.key {
	case "beforeGroupOnlinePush":
		return &struct {
			pushHead
			pushMessage
			pushSeq
		}{head, body, pushSeq{1 + d.Int64N(5000)}}
	case "beforeOfflinePush":
		return &struct {
			pushHead
			pushUsers
			pushInfo
			pushMessage
		}{head, users, pushInfo{Title: d.nickname(), Desc: d.words(), IOSPushSound: "+1", IOSBadgeCount: true}, body}
	}
	return &struct {
		pushHead
		pushUsers
		pushMessage
	}{head, users, body}
}

func sampleSingleRead(d *draw) any {
	reader := d.user()
	if d.name != d.command.name {
		return &struct {
			CallbackCommand string `json:"callbackCommand"`
			SendID          string `json:"sendID"`
			ReceiveID       string `json:"receiveID"`
			ContentType     int64  `json:"contentType"`
		}{d.name, reader, reader, sessionSingle}
	}
	first := 1 + d.Int64N(900)
	w := &singleRead{CallbackCommand: d.name, UserID: reader, Seqs: []int64{first, first + 1}, ContentType: sessionSingle}
	w.ConversationID = conversationID(new(event.Direct(reader, d.user())))
	if d.IntN(3) == 0 {
		w.ConversationID, w.ContentType = "sg_"+d.group(), sessionRead
	}
	return w
}

func sampleGroupRead(d *draw) any {
	reader := d.user()
	return &groupRead{CallbackCommand: d.name, SendID: reader, ReceiveID: reader, UnreadMsgNum: 1 + d.Int64N(5000), ContentType: sessionRead}
}

func sampleRevoke(d *draw) any {
	w := &revoke{CallbackCommand: d.name, UserID: d.user(), Seq: 1 + d.Int64N(5000)}
	w.ConversationID = pick(d, "sg_"+d.group(), conversationID(new(event.Direct(w.UserID, d.user()))))
	return w
}

func sampleUserStatus(d *draw) any {
	platform := 1 + d.Int32N(9)
	head := statusHead{d.name, *d.operation(), platform, platformName(platform), d.user()}
	conn := d.tail(hexes, 32)
	switch {
	case d.key == "afterUserOnline" && d.name != d.command.name:
		return &struct {
			statusHead
			Token string `json:"token"`
			Seq   int64  `json:"seq"`
		}{head, "", d.millis()}
	case d.key == "afterUserOnline":
		return &struct {
			statusHead
			Seq             int64  `json:"seq"`
			IsAppBackground bool   `json:"isAppBackground"`
			ConnID          string `json:"connID"`
		}{head, d.millis(), d.IntN(4) == 0, conn}
	case d.key == "afterUserOffline" && d.name == d.command.name:
		return &struct {
			statusHead
			Seq    int64  `json:"seq"`
			ConnID string `json:"connID"`
		}{head, d.millis(), conn}
	}
	return &struct {
		statusHead
		Seq int64 `json:"seq"`
	}{head, d.millis()}
}

func sampleRegister(d *draw) any {
	w := &registration{CallbackCommand: d.name}
	n := 1
	if d.phase == event.Before && d.IntN(3) == 0 {
		n = 2
	}
	for range n {
		u := userInfo{UserID: d.user(), Nickname: d.nickname(), FaceURL: d.picture()}
		u.CreateTime = d.millis()
		v, _ := marshal(&u)
		w.Users = append(w.Users, jsontext.Value(v))
	}
	return w
}

func sampleProfile(d *draw) any {
	w := &profile{CallbackCommand: d.name, UserID: d.user(), Nickname: new(d.nickname()), FaceURL: maybe(d, d.picture()), Ex: maybe(d, `{"badge":"gold"}`)}
	if d.plainTexts() {
		w.FaceURL, w.Ex = new(or(w.FaceURL, "")), new(or(w.Ex, ""))
	}
	return w
}

func sampleFriendRequest(d *draw) any {
	w := &friendRequest{CallbackCommand: d.name, FromUserID: d.user(), ToUserID: d.user(), ReqMsg: pick(d, "we met at the lake", "我是三楼的邻居", "")}
	if d.phase == event.Before {
		w.Ex = new("")
	}
	return w
}

func sampleFriendAnswer(d *draw) any {
	w := &friendAnswer{CallbackCommand: d.name, FromUserID: d.user(), BlackUserID: d.user(), HandleResult: accepted, HandleMsg: pick(d, "hello!", "")}
	if d.phase == event.After && d.IntN(3) == 0 {
		w.HandleResult = declined
	}
	return w
}

func sampleFriendRemoval(d *draw) any {
	return &friendRemoval{CallbackCommand: d.name, OwnerUserID: d.user(), FriendUserID: d.user()}
}

func sampleFriendRemark(d *draw) any {
	return &friendRemark{CallbackCommand: d.name, OwnerUserID: d.user(), FriendUserID: d.user(), Remark: pick(d, "the neighbour", "小张", "")}
}

func sampleBlack(d *draw) any {
	return &black{CallbackCommand: d.name, OwnerUserID: d.user(), BlackUserID: d.user()}
}

func sampleImport(d *draw) any {
	w := &friendImport{CallbackCommand: d.name, OwnerUserID: d.user(), FriendUserIDs: d.some()}
	if d.phase == event.After {
		w.FriendUserIDs = w.FriendUserIDs[:1]
	}
	return w
}

func (d *draw) groupName() string { return pick(d, "rowing club", "三楼邻居", "release crew") }

func sampleCreation(d *draw) any {
	w := &creation{
		CallbackCommand: d.name, GroupID: d.group(), GroupName: d.groupName(), Introduction: pick(d, "", "Sundays at ten"),
		FaceURL: d.picture(), OwnerUserID: d.user(), GroupType: new(int32(groupWorking)),
	}
	w.CreatorUserID = w.OwnerUserID
	w.InitMemberList = []initMember{{w.OwnerUserID, roleOwner}, {d.user(), roleMember}}
	if d.IntN(2) == 0 {
		w.InitMemberList = slices.Insert(w.InitMemberList, 1, initMember{d.user(), roleAdmin})
	}
	if d.phase == event.Before {
		w.OperationID = d.operation()
	}
	return w
}

func sampleEntry(d *draw) any {
	if d.name != d.command.name {
		return &struct {
			CallbackCommand string `json:"callbackCommand"`
			GroupID         string `json:"groupID"`
			UserID          string `json:"userID"`
			Ex              string `json:"ex"`
			GroupEx         string `json:"groupEx"`
		}{d.name, d.group(), d.user(), "", ""}
	}
	w := &entry{CallbackCommand: d.name, GroupID: d.group()}
	for _, id := range d.some() {
		w.MemberList = append(w.MemberList, entryMember{UserID: id})
	}
	return w
}

func sampleInvitation(d *draw) any {
	return &invitation{CallbackCommand: d.name, OperationID: d.operation(), GroupID: d.group(), Reason: pick(d, "", "help with the boats"), InvitedUserIDs: d.some()}
}

func sampleApplication(d *draw) any {
	return &application{CallbackCommand: d.name, GroupID: d.group(), GroupType: string(rune(groupWorking)), ApplyID: d.user(), ReqMessage: pick(d, "may I?", "想加入")}
}

func sampleJoin(d *draw) any {
	return &join{CallbackCommand: d.name, OperationID: d.operation(), GroupID: d.group(), ReqMessage: "", JoinSource: 3 + d.Int32N(2), InviterUserID: d.user()}
}

func sampleQuit(d *draw) any {
	return &quit{CallbackCommand: d.name, GroupID: d.group(), UserID: d.user()}
}

func sampleKick(d *draw) any {
	return &kick{CallbackCommand: d.name, GroupID: d.group(), KickedUserIDs: d.some(), Reason: pick(d, "spam", "")}
}

func sampleDissolution(d *draw) any {
	return &dissolution{CallbackCommand: d.name, GroupID: d.group(), OwnerID: d.user(), GroupType: string(rune(groupWorking)), MembersID: d.some()}
}

func sampleTransfer(d *draw) any {
	return &transfer{CallbackCommand: d.name, GroupID: d.group(), OldOwnerUserID: d.user(), NewOwnerUserID: d.user()}
}

func sampleCard(d *draw) any {
	w := &card{CallbackCommand: d.name, GroupID: d.group(), UserID: d.user()}
	if d.IntN(3) == 0 {
		w.Nickname = new(pick(d, "cox", "队长"))
		return w
	}
	w.RoleLevel = new(pick[int32](d, roleAdmin, roleMember))
	return w
}

func sampleSettings(d *draw) any {
	w := &settings{
		CallbackCommand: d.name, OperationID: d.operation(), GroupID: d.group(), GroupName: new(d.groupName()),
		Notification: maybe(d, "training moved to Friday"), NeedVerification: maybe(d, d.Int32N(3)),
	}
	switch d.key {
	case "beforeSetGroupInfo":
		w.Ex, w.LookMemberInfo, w.ApplyMemberFriend = new(""), new(int32(0)), new(int32(0))
		w.NeedVerification = new(or(w.NeedVerification, 0))
		fallthrough
	case "afterSetGroupInfo":
		w.Notification, w.Introduction, w.FaceURL = new(or(w.Notification, "")), new(""), new("")
	}
	return w
}

func sampleConversation(d *draw) any {
	w := &conversation{CallbackCommand: d.name, OwnerUserID: d.user(), ConversationType: sessionSingle, UserID: d.user()}
	w.ConversationID = conversationID(new(event.Direct(w.OwnerUserID, w.UserID)))
	if d.forGroups == "" && (d.key == "beforeCreateGroupChatConversations" || d.key == "afterCreateGroupChatConversations") {
		w.OwnerUserID, w.UserID, w.GroupID, w.ConversationType = "", "", d.group(), sessionRead
		w.ConversationID = "sg_" + w.GroupID
	}
	return w
}
