package wildfirechat

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
)

// draw gives the values of one sample.
type draw struct {
	*rand.Rand
	now time.Time
	// command is the one that is sampled; several share a function.
	command string
}

// Sample returns what a WildfireChat server would send for command, which may be a
// key of the server's configuration.
func (d *Dialect) Sample(name string, r *rand.Rand, now time.Time) (dialect.Request, error) {
	known, ok := d.spec.Command(name)
	if !ok {
		return dialect.Request{}, fmt.Errorf("%w: %s has no %q", dialect.ErrUnknownCommand, Name, name)
	}
	name = known.Name
	c := d.byName[name]
	v, id := c.sample(&draw{Rand: r, now: now, command: name})
	body, err := dialect.Marshal(v)
	if err != nil {
		return dialect.Request{}, fmt.Errorf("writing a sample of %s: %w", name, err)
	}
	return dialect.Request{Path: fillPath(c, id, false), ContentType: jsonType, Body: body}, nil
}

func pick[T any](d *draw, of ...T) T { return of[d.IntN(len(of))] }

// id is an id as the server makes them: a prefix letter or none, and a random tail.
func (d *draw) id(prefix string) string {
	const letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZabcdefghjkmnpqrstvwxyz"
	b := []byte(prefix)
	for range 10 {
		b = append(b, letters[d.IntN(len(letters))])
	}
	return string(b)
}

func (d *draw) user() string { return d.id("u") }

// millis is a moment in the last half second.
func (d *draw) millis() int64 { return d.now.UnixMilli() - d.Int64N(500) }

// messageID is above 2^53, as the server's are.
func (d *draw) messageID() int64 {
	return d.now.UnixMilli()<<20 | d.Int64N(1<<20)
}

func (d *draw) words() string {
	return pick(d, "see you at the ferry", "the parcel is at the door", "明天下午三点开会", "who brings the tent? 🏕️", "on my way")
}

// output is a message of anybody to a user or a group.
func (d *draw) output() *outputMessage {
	w := &outputMessage{
		MessageID: d.messageID(), Sender: d.user(), ToUsers: []string{}, Timestamp: d.millis(),
		Conv: conv{Type: pick[int32](d, convPrivate, convGroup, convGroup, convChatroom), Target: d.id("t")},
	}
	w.Payload = d.payload()
	w.Payload.MentionedTarget = []string{}
	return w
}

// payload is a content as the vendor's clients write it; most are texts.
func (d *draw) payload() payload {
	return pick(d,
		d.textPayload, d.textPayload, d.textPayload, d.textPayload, d.quotePayload, d.imagePayload, d.voicePayload, d.videoPayload,
		d.filePayload, d.locationPayload, d.stickerPayload, d.linkPayload, d.cardPayload, d.mergedPayload, d.tipPayload, d.customPayload,
	)()
}

func (d *draw) textPayload() payload {
	return payload{Type: 1, SearchableContent: d.words(), PersistFlag: storedAndCounted}
}

func (d *draw) quotePayload() payload {
	p := d.textPayload()
	p.Base64 = base64.StdEncoding.EncodeToString(fmt.Appendf(nil, `{"quote":{"u":%d,"i":"%s","n":"%s","d":"%s"}}`,
		d.messageID()-1<<30, d.user(), pick(d, "Mira Holm", "陈一"), d.words()))
	return p
}

// thumbnail stands for the first bytes of a small picture.
func (d *draw) thumbnail() string {
	b := []byte{0xFF, 0xD8, 0xFF, 0xE0}
	for range 12 {
		b = append(b, byte(d.IntN(256)))
	}
	return base64.StdEncoding.EncodeToString(b)
}

func (d *draw) imagePayload() payload {
	return payload{
		Type: 3, SearchableContent: "[图片]", MediaType: 1, PersistFlag: storedAndCounted,
		Content:        fmt.Sprintf(`{"w":%d,"h":%d}`, 200+d.IntN(800), 200+d.IntN(800)),
		Base64:         d.thumbnail(),
		RemoteMediaURL: "https://media.example.com/" + d.id("img-") + ".jpg",
	}
}

func (d *draw) videoPayload() payload {
	seconds := 2 + d.IntN(58)
	return payload{
		Type: 6, SearchableContent: "[视频]", MediaType: 3, PersistFlag: storedAndCounted,
		Content:        fmt.Sprintf(`{"duration":%d,"d":%[1]d}`, seconds),
		Base64:         d.thumbnail(),
		RemoteMediaURL: "https://media.example.com/" + d.id("film-") + ".mp4",
	}
}

func (d *draw) locationPayload() payload {
	return payload{
		Type: 4, SearchableContent: pick(d, "Pier 4", "外滩 18 号", "Boathouse, north door"), PersistFlag: storedAndCounted,
		Content: fmt.Sprintf(`{"lat":%.6f,"long":%.6f}`, 20+40*d.Float64(), 100+20*d.Float64()), Base64: d.thumbnail(),
	}
}

func (d *draw) stickerPayload() payload {
	side := 120 + 60*d.IntN(5)
	return payload{
		Type: 7, SearchableContent: "[动态表情]", MediaType: 7, PersistFlag: storedAndCounted,
		Base64:         text64(&stickerSize{side, side}),
		RemoteMediaURL: "https://media.example.com/" + d.id("wave-") + ".gif",
	}
}

func (d *draw) linkPayload() payload {
	return payload{
		Type: linkCode, SearchableContent: pick(d, "Tide tables for the week", "船坞开放时间"), PersistFlag: storedAndCounted,
		Base64: text64(&linkData{d.words(), "https://example.com/" + d.id("p-"), "https://media.example.com/" + d.id("t-") + ".png"}),
	}
}

func (d *draw) cardPayload() payload {
	return payload{
		Type: 10, Content: d.user(), PersistFlag: storedAndCounted,
		Base64: text64(&cardData{
			From: d.user(), Name: d.id("n"), DisplayName: pick(d, "Ines", "陈一"), Portrait: "https://media.example.com/" + d.id("face-") + ".png",
		}),
	}
}

func (d *draw) mergedPayload() payload {
	one := fmt.Sprintf(`{"uid":%d,"type":0,"target":"%s","line":0,"from":"%s","direction":0,"status":1,"serverTime":%d,"csc":"Hello","ctype":1}`,
		d.messageID()-1<<30, d.user(), d.user(), d.millis()-60_000)
	return payload{
		Type: 11, SearchableContent: "Hello", Content: "Mira Holm 和 Ines 的聊天记录", PersistFlag: storedAndCounted,
		Base64: text64(&mergedData{Messages: []jsontext.Value{jsontext.Value(one)}}),
	}
}

func (d *draw) tipPayload() payload {
	return payload{Type: tipCode, Content: pick(d, "The crossing is closed tonight.", "请注意防范诈骗。"), PersistFlag: stored}
}

func (d *draw) voicePayload() payload {
	return payload{
		Type: 2, SearchableContent: "[声音]", MediaType: 2, PersistFlag: storedAndCounted,
		Content:        fmt.Sprintf(`{"duration":%d}`, 1+d.IntN(59)),
		RemoteMediaURL: "https://media.example.com/" + d.id("voice-") + ".amr",
	}
}

func (d *draw) filePayload() payload {
	return payload{
		Type: 5, SearchableContent: d.id("report-") + ".pdf", MediaType: 4, PersistFlag: storedAndCounted,
		Content:        fmt.Sprint(1000 + d.IntN(1_000_000)),
		RemoteMediaURL: "https://media.example.com/" + d.id("file-") + ".pdf",
	}
}

func (d *draw) customPayload() payload {
	return payload{
		Type: 2001, SearchableContent: "[order]", PersistFlag: storedAndCounted,
		Content: fmt.Sprintf(`{"order":"%s","state":"%s"}`, d.id("o-"), pick(d, "paid", "shipped")),
	}
}

func sampleMessage(d *draw) (any, string) {
	w := d.output()
	if d.IntN(2) == 0 {
		w.Client = &client{Platform: 1 + d.Int32N(12), ClientID: d.id("c-")}
	}
	if w.Conv.Type == convGroup && d.IntN(4) == 0 {
		w.ToUsers = []string{d.user()}
	}
	if d.IntN(4) == 0 { // as the newest servers do
		w.SenderUserInfo, _ = dialect.Marshal(d.profile(w.Sender))
		if w.Conv.Type == convGroup {
			w.TargetGroupInfo, _ = dialect.Marshal(d.groupProfile(w.Conv.Target))
		}
	}
	return w, ""
}

func sampleMention(d *draw) (any, string) {
	w := d.output()
	w.Conv.Type = convGroup
	w.Payload = d.textPayload()
	if d.IntN(2) == 0 {
		w.Payload.MentionedType, w.Payload.MentionedTarget = 2, []string{}
		return w, ""
	}
	w.Payload.MentionedType, w.Payload.MentionedTarget = 1, []string{d.user()}
	return w, ""
}

func sampleCensor(d *draw) (any, string) {
	w := d.output()
	w.Payload = d.textPayload()
	return w, ""
}

func sampleChannelMessage(d *draw) (any, string) {
	w := d.output()
	w.Conv.Type, w.Conv.Target = convChannel, d.id("ch")
	return w, w.Conv.Target
}

func sampleRobotMessage(d *draw) (any, string) {
	w := d.output()
	w.Payload = d.textPayload()
	w.ToRobotID = d.id("r")
	if w.Conv.Type == convPrivate {
		w.Conv.Target = w.ToRobotID
	} else {
		w.Conv.Type = convGroup
		w.Payload.MentionedType, w.Payload.MentionedTarget = 1, []string{w.ToRobotID}
	}
	return w, w.ToRobotID
}

func sampleThings(d *draw) (any, string) {
	if d.IntN(2) == 0 {
		return &deviceMessage{DeviceID: d.id("d"), Type: 1 + d.Int32N(9), Data: signedBytes{7, byte(d.IntN(256)), 0xFE}}, ""
	}
	w := d.output()
	w.Conv.Type, w.Conv.Target = convThings, d.id("d")
	return w, ""
}

func sampleRecall(d *draw) (any, string) {
	w := &recall{Message: *d.output(), Timestamp: d.millis()}
	w.UserID = w.Message.Sender
	if w.IsAdmin = d.IntN(4) == 0; w.IsAdmin {
		w.UserID = "admin"
	}
	w.Message.Timestamp -= 30_000 + d.Int64N(30_000)
	return w, ""
}

func sampleRead(d *draw) (any, string) {
	return &read{
		User: d.user(), Conversation: conv{Type: pick[int32](d, convPrivate, convGroup), Target: d.id("t")}, ReadTime: d.millis(),
	}, ""
}

func sampleOnline(d *draw) (any, string) {
	w := &online{
		UserID: d.user(), ClientID: d.id("c-"), Platform: 1 + d.Int32N(12), Timestamp: d.millis(),
		Status: new(pick[int32](d, stateOnline, stateOffline, stateLogout)), PackageName: "com.example.chat", CustomState: new(int32(0)),
	}
	state := int32(stateOffline)
	if *w.Status == stateOnline {
		state = stateOnline
	}
	w.Sessions = []session{{
		ClientID: w.ClientID, UserID: w.UserID, Platform: w.Platform, Status: state, LastSeen: w.Timestamp, PackageName: w.PackageName,
	}}
	return w, ""
}

func sampleRelation(d *draw) (any, string) {
	w := &relation{UserID: d.user(), TargetID: d.user(), Type: new(d.Int32N(4))}
	switch *w.Type {
	case relationAlias:
		w.Value = pick(d, "the neighbour", "小张", "")
	case relationExtra:
		w.Value = `{"star":true}`
	default:
		w.Value = pick(d, "0", "1")
	}
	return w, ""
}

func (d *draw) profile(id string) *userInfo {
	name := d.id("n")
	return &userInfo{
		UserID: id, Name: name, DisplayName: pick(d, "Mira Holm", "陈一", "Tomás"), Gender: new(d.Int32N(3)),
		Portrait: "https://media.example.com/" + d.id("face-") + ".png", Mobile: fmt.Sprintf("1390000%04d", d.IntN(10_000)),
		Email: name + "@example.com", Company: pick(d, "", "Boatyard", "渡口航运"), Extra: pick(d, "", `{"shirt":"M"}`),
		Type: new(int32(0)), UpdateDt: new(d.millis()),
	}
}

func sampleUser(d *draw) (any, string) { return d.profile(d.user()), "" }

func (d *draw) groupProfile(id string) *groupInfo {
	return &groupInfo{
		TargetID: id, Name: pick(d, "rowing club", "三楼邻居", "release crew"), Owner: d.user(),
		Portrait: "https://media.example.com/" + d.id("group-") + ".png", Type: d.Int32N(4),
		MaxMemberCount: 200, MemberCount: 2 + d.Int32N(198), UpdateDt: d.millis(),
	}
}

func sampleGroup(d *draw) (any, string) {
	w := &groupEvent{OperatorID: d.user(), GroupID: d.id("g"), Type: new(d.Int32N(int32(len(groupTypes))))}
	w.GroupInfo = d.groupProfile(w.GroupID)
	w.GroupInfo.Owner = w.OperatorID
	switch *w.Type {
	case 2:
		w.GroupInfo.Owner = d.user()
	case 3:
		w.GroupInfo.Mute = 1
	}
	return w, ""
}

func sampleGroupMember(d *draw) (any, string) {
	w := &groupMember{OperatorID: d.user(), GroupID: d.id("g"), MemberIDs: []string{d.user()}, Type: new(d.Int32N(6))}
	switch *w.Type {
	case memberJoin:
		w.MemberIDs = append(w.MemberIDs, d.user())
	case memberLeave:
		w.MemberIDs[0] = w.OperatorID
	case memberRole:
		w.Value = new(strconv.Itoa(d.IntN(len(roles))))
	case memberAlias:
		w.Value = new(pick(d, "cox", "队长"))
	case memberExtra:
		w.Value = new(`{"seat":4}`)
	}
	return w, ""
}

func sampleChannel(d *draw) (any, string) {
	return &channelEvent{OperatorID: d.user(), ChannelID: d.id("ch"), Type: new(d.Int32N(int32(len(channelTypes))))}, ""
}

func sampleSubscribe(d *draw) (any, string) {
	return &subscription{UserID: d.user(), ChannelID: d.id("ch"), Status: new(d.Int32N(2))}, ""
}

func sampleChatroom(d *draw) (any, string) {
	return &chatroom{ChatroomID: d.id("cr"), Type: new(d.Int32N(2))}, ""
}

func sampleChatroomMember(d *draw) (any, string) {
	user := d.user()
	return &chatroom{OperatorID: &user, ChatroomID: d.id("cr"), MemberIDs: &[]string{user}, Type: new(d.Int32N(5))}, ""
}

func sampleChatroomStatus(d *draw) (any, string) {
	return &chatroom{UserID: d.user(), ChatroomID: d.id("cr"), Status: new(d.Int32N(2))}, ""
}

func sampleConferenceCreate(d *draw) (any, string) {
	return &conferenceCreate{
		UserID: d.user(), RoomID: d.id("x"), Description: d.words(), PIN: fmt.Sprintf("%04d", d.IntN(10_000)),
		MaxPublishers: 4 + d.Int32N(12), Bitrate: 300 * (1 + d.Int32N(8)), Recording: d.IntN(2) == 0, Timestamp: new(d.millis()),
	}, ""
}

func sampleConference(d *draw) (any, string) {
	w := &conference{UserID: d.user(), RoomID: d.id("x"), Timestamp: new(d.millis())}
	if d.command != "conference_destroy" {
		w.ScreenSharing = new(d.IntN(4) == 0)
	}
	switch d.command {
	case "conference_member_publish":
		w.Video = new(d.IntN(2) == 0)
	case "conference_member_leave":
		w.Rejoin, w.Kicked = new(false), new(d.IntN(4) == 0)
	}
	return w, ""
}

func sampleFeed(d *draw) (any, string) {
	w := &feed{
		FeedID: d.messageID(), Sender: d.user(), Timestamp: d.millis(), Text: d.words(),
		To: []string{d.user(), d.user()}, Ex: []string{d.user()},
	}
	if d.IntN(2) == 0 {
		w.Mu = w.To[:1]
		w.Medias, _ = dialect.Marshal([]feedMedia{{
			URL: "https://media.example.com/" + d.id("frost-") + ".jpg", ThumbnailURL: "https://media.example.com/" + d.id("small-") + ".jpg",
			Width: 1920, Height: 1080,
		}})
	}
	return w, ""
}

func sampleComment(d *draw) (any, string) {
	return &comment{
		CommentID: d.messageID(), FeedID: d.messageID() - 7, Sender: d.user(), Timestamp: d.millis(), Text: d.words(), ReplyTo: d.user(),
	}, ""
}

func sampleMomentRecall(d *draw) (any, string) {
	w := &momentRecall{ID: new(d.messageID())}
	if d.command == "moments_comment_recall" {
		w.ID2 = d.messageID() - 7
	}
	return w, ""
}

func sampleException(d *draw) (any, string) {
	w := &exception{EventType: new(d.Int32N(11)), NodeID: 1 + d.Int32N(3)}
	if *w.EventType == 0 { // as heartbeats really arrive
		w.Count = heartbeat
		return w, ""
	}
	w.Count = 1 + d.Int32N(20)
	w.Msg = pick(d, "pool exhausted", "connect timed out", "unexpected end of stream")
	w.CallStack = "java.io.IOException: " + w.Msg + "\n\tat com.example.Server.run(Server.java:42)"
	return w, ""
}
