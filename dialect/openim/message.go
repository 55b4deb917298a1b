package openim

import (
	"encoding/base64"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// The origins of a message.
const (
	fromUser   = 100
	fromSystem = 200
)

// statusSending is the status of a message when the server asks about it and when
// it reports it: what becomes of it is written later.
const statusSending = 1

// atAll stands among the mentioned users for everybody.
const atAll = "AtAllTag"

// message is CommonCallbackReq with the receivers of the commands that have one.
type message struct {
	SendID           string   `json:"sendID"`
	CallbackCommand  string   `json:"callbackCommand"`
	ServerMsgID      string   `json:"serverMsgID"`
	ClientMsgID      string   `json:"clientMsgID"`
	OperationID      string   `json:"operationID"`
	SenderPlatformID int32    `json:"senderPlatformID"`
	SenderNickname   string   `json:"senderNickname"`
	SessionType      int32    `json:"sessionType"`
	MsgFrom          int32    `json:"msgFrom"`
	ContentType      int32    `json:"contentType"`
	Status           int32    `json:"status"`
	SendTime         int64    `json:"sendTime"`
	CreateTime       int64    `json:"createTime"`
	Content          string   `json:"content"`
	Seq              int64    `json:"seq"`
	AtUserList       []string `json:"atUserList"`
	FaceURL          string   `json:"faceURL"`
	Ex               string   `json:"ex"`
	RecvID           string   `json:"recvID"`
	GroupID          string   `json:"groupID"`
	messageRest
	// scratch is where scan unquotes and keyQuery works.
	scratch []byte
}

// messageRest is what of a message has no canonical place, or is not what is
// usual.
type messageRest struct {
	OperationID string `json:"operationID,omitzero"`
	SessionType *int32 `json:"sessionType,omitzero"`
	MsgFrom     *int32 `json:"msgFrom,omitzero"`
	Status      *int32 `json:"status,omitzero"`
	// SendTime and CreateTime where no canonical time says them.
	SendTime   *int64 `json:"sendTime,omitzero"`
	CreateTime *int64 `json:"createTime,omitzero"`
	// Content stands here where the canonical message does not give it again byte
	// for byte.
	Content string `json:"content,omitzero"`
	RecvID  string `json:"recvID,omitzero"`
	GroupID string `json:"groupID,omitzero"`
	rest
}

// usual reports whether there is nothing but the operation, as in nearly all
// messages.
func (r *messageRest) usual() bool {
	return r.SessionType == nil && r.MsgFrom == nil && r.Status == nil && r.SendTime == nil &&
		r.CreateTime == nil && r.Content == "" && r.RecvID == "" && r.GroupID == "" && r.CallbackCommand == "" && r.Unknown == nil
}

// where is the place of a command's messages.
type where int

const (
	toUser     where = iota // recvID
	toGroup                 // groupID
	toEither                // both keys; sessionType tells
	toSomebody              // neither key
)

func (c *command) where() where {
	switch c.key {
	case "beforeSendSingleMsg", "afterSendSingleMsg":
		return toUser
	case "beforeSendGroupMsg", "afterSendGroupMsg":
		return toGroup
	case "afterMsgSaveDB":
		return toEither
	}
	return toSomebody
}

// carrier is a message event with its bodies in one piece of memory.
type carrier struct {
	event   event.Event
	actor   event.Actor
	conv    event.Conversation
	message event.Message
	sender  event.User
	links   [3]string
}

// messages are the structs that messages are read into and written from. What an
// event took from one is not used again.
var messages = sync.Pool{New: func() any { return new(message) }}

func (w *message) reset() { *w = message{scratch: w.scratch[:0]} }

// decodeMessage reads the commands whose body is a message.
func decodeMessage(in *input) (*event.Event, error) {
	w := messages.Get().(*message)
	defer messages.Put(w)
	w.reset()
	if !w.scan(in.body) {
		w.reset()
		if err := in.read(w); err != nil {
			return nil, err
		}
	}
	if w.SendID == "" {
		return nil, in.missing("sendID")
	}
	c := new(carrier)
	ev, m := &c.event, &c.message
	ev.Type, ev.Actor, ev.Message = in.only(), &c.actor, m

	if err := w.place(in, c); err != nil {
		return nil, err
	}
	w.sender(c)
	w.times(in, ev)
	m.ID, m.ClientID, m.Extra = w.ServerMsgID, w.ClientMsgID, w.Ex
	if w.Seq != 0 {
		m.Seq = strconv.FormatInt(w.Seq, 10)
	}
	m.Mentions = mentions(w.AtUserList)
	if !readContent(w.ContentType, w.Content, second(in.generation), m) {
		w.messageRest.Content = w.Content
	}
	ev.Dedupe = m.ID
	ev.Links = c.links[:0]
	both := "msg:" + m.ID + "msg:" + m.ClientID // one piece of memory
	if m.ID != "" {
		ev.Links = append(ev.Links, both[:len("msg:")+len(m.ID)])
	}
	if m.ClientID != "" && m.ClientID != m.ID {
		ev.Links = append(ev.Links, both[len("msg:")+len(m.ID):])
	}
	if in.where() == toEither {
		ev.Echo = true
		if m.Seq != "" && c.conv.Kind != "" {
			ev.Links = append(ev.Links, seqLink(w.conversationID(), m.Seq))
		}
	}

	w.messageRest.OperationID = w.OperationID
	w.messageRest.Status = unless(w.Status, statusSending)
	w.rest.CallbackCommand = in.other(w.CallbackCommand)
	switch {
	case !w.usual():
	case w.OperationID == "":
		return ev, nil
	default:
		b := append(make([]byte, 0, len(operationBegin)+len(w.OperationID)+len(`"}`)), operationBegin...)
		ev.Vendor = append(dialect.AppendString(b[:len(b)-1], w.OperationID), '}')
		return ev, nil
	}
	return vendor(in, ev, &w.messageRest)
}

// place reads where the message went.
func (w *message) place(in *input, c *carrier) error {
	ev := &c.event
	to := in.where()
	if to == toEither {
		to = toGroup
		if w.SessionType == sessionSingle {
			to = toUser
		}
		if to == toUser && w.RecvID == "" || to == toGroup && w.GroupID == "" {
			to = toSomebody // a notification
		}
	}
	var usual int32
	switch to {
	case toUser:
		if w.RecvID == "" {
			return in.missing("recvID")
		}
		c.conv = event.Direct(w.SendID, w.RecvID)
		usual, w.messageRest.GroupID = sessionSingle, w.GroupID
	case toGroup:
		if w.GroupID == "" {
			return in.missing("groupID")
		}
		c.conv = event.Conversation{Kind: event.KindGroup, ID: w.GroupID}
		usual, w.messageRest.RecvID = groupSession(in.generation), w.RecvID
	default:
		ev.Lane = userLane(w.SendID)
		w.messageRest.RecvID, w.messageRest.GroupID = w.RecvID, w.GroupID
		w.messageRest.SessionType = &w.SessionType
		return nil
	}
	ev.Conversation, ev.Lane = &c.conv, c.conv.Lane()
	w.messageRest.SessionType = unless(w.SessionType, usual)
	return nil
}

// groupSession is the session type of groups.
func groupSession(generation string) int32 {
	if second(generation) {
		return sessionWrite
	}
	return sessionRead
}

// conversationID is what the server calls the conversation: GetConversationIDByMsg.
func (w *message) conversationID() string {
	switch w.SessionType {
	case sessionSingle:
		return conversationID(new(event.Direct(w.SendID, w.RecvID)))
	case sessionWrite:
		return "g_" + w.GroupID
	}
	return "sg_" + w.GroupID
}

// sender reads who sent it, with the profile that rides on the message.
func (w *message) sender(c *carrier) {
	c.actor.ID, c.actor.Platform = w.SendID, platformWord(w.SenderPlatformID)
	c.actor.System = w.MsgFrom == fromSystem
	if w.MsgFrom != fromSystem {
		w.messageRest.MsgFrom = unless(w.MsgFrom, fromUser)
	}
	if w.SenderNickname != "" || w.FaceURL != "" {
		c.sender = event.User{ID: w.SendID, DisplayName: w.SenderNickname, Avatar: w.FaceURL}
		c.event.User = &c.sender
	}
}

// operationBegin is how the vendor fields of nearly all messages begin.
const operationBegin = `{"operationID":"`

// fromVendor reads the vendor fields; most hold the operation alone.
func (r *messageRest) fromVendor(v jsontext.Value) error {
	if rest, ok := strings.CutPrefix(string(v), operationBegin); ok {
		if id, rest, _ := strings.Cut(rest, `"`); rest == "}" && strings.IndexByte(id, '\\') < 0 {
			r.OperationID = id
			return nil
		}
	}
	return dialect.FromVendor(v, r)
}

// times picks the event's time: when the server took the message, else when the
// client made it. The client's own is that of the message where the two differ.
func (w *message) times(in *input, ev *event.Event) {
	first := w.SendTime
	if first == 0 {
		first = w.CreateTime
	}
	ev.Time = fromWire(first)
	at := millis(ev.Time)
	if made := fromWire(w.CreateTime); w.CreateTime != at && millis(made) == w.CreateTime && w.CreateTime != 0 {
		ev.Message.SentAt = made
	} else {
		w.messageRest.CreateTime = unless(w.CreateTime, at)
	}
	if w.SendTime != 0 {
		w.messageRest.SendTime = unless(w.SendTime, at)
	}
}

// mentions reads atUserList.
func mentions(ids []string) *event.Mentions {
	if len(ids) == 0 {
		return nil
	}
	if !slices.Contains(ids, atAll) {
		return &event.Mentions{Users: ids}
	}
	m := &event.Mentions{Users: make([]string, 0, len(ids))}
	for _, id := range ids {
		if id == atAll {
			m.All = true
		} else {
			m.Users = append(m.Users, id)
		}
	}
	return m
}

// writeMentions is the inverse; nil, which is null, for none.
func writeMentions(m *event.Mentions) []string {
	if m == nil || !m.All && len(m.Users) == 0 {
		return nil
	}
	if !m.All {
		return m.Users
	}
	ids := append(make([]string, 0, len(m.Users)+1), m.Users...)
	return append(ids, atAll)
}

// encodeMessage writes the commands whose body is a message.
func encodeMessage(out *output) error {
	ev := out.ev
	m := ev.Message
	if m == nil {
		return dialect.Untranslatable("it has no message")
	}
	w := messages.Get().(*message)
	defer messages.Put(w)
	w.reset()
	if out.own && len(ev.Vendor) > 0 {
		if err := w.fromVendor(ev.Vendor); err != nil {
			return dialect.Untranslatable("%v", err)
		}
	}
	if w.SendID = firstOf(actorID(ev), m.Sender); w.SendID == "" {
		return dialect.Untranslatable("nobody sent it")
	}
	if err := out.placeOf(w); err != nil {
		return err
	}
	if !out.own && len(m.Parts) > 0 {
		m = firstPart(m)
	}
	content, code, err := writeContent(m, out.own, second(out.generation), w.messageRest.Content)
	if err != nil {
		return err
	}
	if out.name == wordFilter && code != codeText {
		return dialect.Untranslatable("the word filter of v2 sees text only")
	}
	w.Content, w.ContentType = content, code

	w.CallbackCommand = out.said(w.rest.CallbackCommand)
	w.OperationID = w.messageRest.OperationID
	if !out.own {
		w.OperationID = ev.ID
	}
	w.ServerMsgID, w.ClientMsgID = m.ID, m.ClientID
	if !out.own {
		w.ServerMsgID = firstOf(m.ID, ev.ID)
		w.ClientMsgID = firstOf(m.ClientID, w.ServerMsgID)
	}
	w.MsgFrom, w.Status = fromUser, or(w.messageRest.Status, statusSending)
	if ev.Actor != nil {
		w.SenderPlatformID = platformCode(ev.Actor.Platform)
		if ev.Actor.System {
			w.MsgFrom = fromSystem
		}
	}
	w.MsgFrom = or(w.messageRest.MsgFrom, w.MsgFrom)
	if ev.User != nil {
		w.SenderNickname, w.FaceURL = firstOf(ev.User.DisplayName, ev.User.Name), ev.User.Avatar
	}
	at := millis(ev.Time)
	w.SendTime, w.CreateTime = or(w.messageRest.SendTime, at), or(w.messageRest.CreateTime, at)
	if !m.SentAt.IsZero() && w.messageRest.CreateTime == nil {
		w.CreateTime = millis(m.SentAt)
	}
	w.Seq, _ = seqNumber(m.Seq)
	switch {
	case out.own && w.Seq == 0:
		w.Seq, _ = strconv.ParseInt(m.Seq, 10, 64)
	case !out.own && w.Seq > math.MaxUint32:
		w.Seq = 0 // the wire has 32 bits for it
	}
	w.AtUserList, w.Ex = writeMentions(m.Mentions), m.Extra
	body, err := w.append(make([]byte, 0, 640+len(w.Content)+len(w.Ex)), out)
	if err != nil {
		return dialect.Untranslatable("writing %s: %v", out.name, err)
	}
	out.postBody(body)
	if out.generation == v37 {
		out.reqs[len(out.reqs)-1].Query = w.keyQuery(out.command)
	}
	return nil
}

// keyQuery is the query that servers from v3.8.4 on add to the three messages that
// a bot listens to, whose receiver cannot do without: who speaks to whom, as JSON in
// base64. Empty for other commands.
func (w *message) keyQuery(c *command) string {
	switch c.key {
	case "afterSendSingleMsg", "afterSendGroupMsg", "afterMsgSaveDB":
	default:
		return ""
	}
	// JSON, base64 and query stand one behind the other in scratch.
	b := dialect.AppendString(append(w.scratch[:0], `{"sendID":`...), w.SendID)
	b = dialect.AppendString(append(b, `,"recvID":`...), w.RecvID)
	b = append(dialect.AppendString(append(b, `,"groupID":`...), w.GroupID), '}')
	plain := len(b)
	b = base64.StdEncoding.AppendEncode(b, b)
	encoded := len(b)
	b = append(b, "key="...)
	for _, c := range b[plain:encoded] {
		switch c {
		case '+':
			b = append(b, "%2B"...)
		case '/':
			b = append(b, "%2F"...)
		case '=':
			b = append(b, "%3D"...)
		default:
			b = append(b, c)
		}
	}
	w.scratch = b[:0]
	return string(b[encoded:])
}

// placeOf writes where the message goes.
func (out *output) placeOf(w *message) error {
	c := out.ev.Conversation
	w.RecvID, w.GroupID = w.messageRest.RecvID, w.messageRest.GroupID
	switch {
	case c == nil && (out.where() == toUser || out.where() == toGroup):
		return dialect.Untranslatable("it has no conversation")
	case c == nil:
		w.SessionType = or(w.messageRest.SessionType, sessionSingle)
		return nil
	}
	switch c.Kind {
	case event.KindDirect:
		peer, ok := c.Peer(w.SendID)
		if !ok {
			return dialect.Untranslatable("the sender is not in the direct conversation")
		}
		w.SessionType, w.RecvID = sessionSingle, peer
	case event.KindGroup, event.KindChatroom:
		w.SessionType, w.GroupID = groupSession(out.generation), c.ID
	default:
		return dialect.Untranslatable("OpenIM has no messages to a %s", c.Kind)
	}
	w.SessionType = or(w.messageRest.SessionType, w.SessionType)
	return nil
}

// append writes the body with the keys of the generation: v2.0 knows neither seq
// nor mentions, sendTime came with v3.8.
func (w *message) append(b []byte, out *output) ([]byte, error) {
	text := func(key, value string) {
		b = append(b, ',', '"')
		b = append(b, key...)
		b = append(b, '"', ':')
		b = dialect.AppendString(b, value)
	}
	number := func(key string, value int64) {
		b = append(b, ',', '"')
		b = append(b, key...)
		b = append(b, '"', ':')
		b = strconv.AppendInt(b, value, 10)
	}
	b = append(b, `{"sendID":`...)
	b = dialect.AppendString(b, w.SendID)
	text("callbackCommand", w.CallbackCommand)
	text("serverMsgID", w.ServerMsgID)
	text("clientMsgID", w.ClientMsgID)
	text("operationID", w.OperationID)
	number("senderPlatformID", int64(w.SenderPlatformID))
	text("senderNickname", w.SenderNickname)
	number("sessionType", int64(w.SessionType))
	number("msgFrom", int64(w.MsgFrom))
	number("contentType", int64(w.ContentType))
	number("status", int64(w.Status))
	if out.generation == v37 {
		number("sendTime", w.SendTime)
	}
	number("createTime", w.CreateTime)
	text("content", w.Content)
	if out.generation != v20 {
		number("seq", w.Seq)
		b = append(b, `,"atUserList":`...)
		if len(w.AtUserList) == 0 {
			b = append(b, "null"...)
		}
		for i, id := range w.AtUserList {
			b = append(b, "[,"[min(i, 1)])
			b = dialect.AppendString(b, id)
			if i == len(w.AtUserList)-1 {
				b = append(b, ']')
			}
		}
		text("faceURL", w.FaceURL)
		text("ex", w.Ex)
	}
	to := out.where()
	if to == toUser || to == toEither || w.messageRest.RecvID != "" {
		text("recvID", w.RecvID)
	}
	if to == toGroup || to == toEither || w.messageRest.GroupID != "" {
		text("groupID", w.GroupID)
	}
	if len(w.Unknown) > len("{}") {
		more, err := dialect.Tidy(w.Unknown)
		if err != nil {
			return nil, err
		}
		b = append(append(b, ','), more[1:len(more)-1]...)
	}
	return append(b, '}'), nil
}

// firstPart is the message with the content of its first part alone.
func firstPart(m *event.Message) *event.Message {
	p := m.Parts[0]
	p.ID, p.ClientID, p.Seq, p.Sender, p.Mentions, p.Push, p.Extra, p.Options =
		m.ID, m.ClientID, m.Seq, m.Sender, m.Mentions, m.Push, m.Extra, m.Options
	return &p
}
