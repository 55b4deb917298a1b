package rongcloud

import (
	"encoding/base32"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// Sample returns what RongCloud's server would send for a command.
func (d *Dialect) Sample(name string, r *rand.Rand, now time.Time) (dialect.Request, error) {
	c := d.byName[name]
	if c == nil {
		return dialect.Request{}, dialect.ErrUnknownCommand
	}
	draw := &draw{Rand: r, command: c, now: now.UTC().Truncate(time.Millisecond)}
	ev := c.sample(draw)
	ev.ID, ev.Dialect, ev.Command, ev.Phase = draw.uuid(), Name, name, c.spec.Phase
	if ev.Time.IsZero() && name != "audit_result" {
		ev.Time = draw.now.Add(-time.Duration(r.IntN(900)) * time.Millisecond)
	}
	to := dialect.Target{Now: now, Credentials: dialect.Credentials{Public: map[string]string{"app_key": sampleKey}}}
	if c.nexconn {
		to.Generation = nexconn
	}
	reqs, err := d.Encode(ev, to)
	if err != nil {
		return dialect.Request{}, fmt.Errorf("drawing a sample of %s: %w", name, err)
	}
	return reqs[0], nil
}

// draw makes the values of a sample.
type draw struct {
	*rand.Rand
	command *command
	now     time.Time
}

func pick[T any](d *draw, from ...T) T { return from[d.IntN(len(from))] }

func (d *draw) user() string { return "u" + strconv.Itoa(10000+d.IntN(90000)) }

func (d *draw) group() string { return "g" + strconv.Itoa(1000+d.IntN(9000)) }

func (d *draw) room() string { return "room" + strconv.Itoa(100+d.IntN(900)) }

// bytes draws from chance alone, so that one seed draws one sample.
func (d *draw) bytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(d.IntN(256))
	}
	return b
}

// messageID has the form of the vendor's: four groups of four.
func (d *draw) messageID() string {
	s := base32.StdEncoding.EncodeToString(d.bytes(10))
	return s[:4] + "-" + s[4:8] + "-" + s[8:12] + "-" + s[12:]
}

func (d *draw) uuid() string {
	b := d.bytes(16)
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func (d *draw) platform() string { return pick(d, "ios", "android", "harmony", "web", "miniprogram") }

func (d *draw) address() string {
	return fmt.Sprintf("203.0.113.%d:%d", 1+d.IntN(250), 1024+d.IntN(60000))
}

func (d *draw) words() string {
	return pick(d, "see you at the pier", "the early ferry is full", "三点在码头见", "bring the blue cups, please 🙂")
}

// conversation draws where a message from somebody goes.
func (d *draw) conversation(from string) *event.Conversation {
	c := event.Direct(from, d.user())
	switch d.IntN(4) {
	case 0:
		c = event.Conversation{Kind: event.KindGroup, ID: d.group()}
	case 1:
		c = event.Conversation{Kind: event.KindChatroom, ID: d.room()}
	case 2:
		c = event.Conversation{Kind: event.KindGroup, ID: d.group(), Topic: pick(d, "general", "planning")}
	}
	return &c
}

func (d *draw) message() *event.Message {
	m := &event.Message{ID: d.messageID(), Kind: event.Text, Text: d.words()}
	if d.IntN(4) == 0 {
		m.Kind, m.Text = event.Image, ""
		m.Media = &event.Media{URL: "https://media.example.com/" + strconv.Itoa(d.IntN(1_000_000)) + ".jpg"}
	}
	return m
}

// proposed draws a message event.
func (d *draw) proposed() *event.Event {
	from := d.user()
	ev := &event.Event{
		Type: event.MessageSend, Actor: &event.Actor{ID: from, Platform: d.platform()},
		Conversation: d.conversation(from), Message: d.message(),
	}
	if ev.Conversation.Topic != "" && d.IntN(3) == 0 {
		ev.Type, ev.Message.Edits = event.MessageEdit, d.messageID()
	}
	return ev
}

func sampleSync(d *draw) *event.Event {
	ev := d.proposed()
	if d.IntN(8) == 0 {
		ev.Type, ev.Moderation = event.MessageIntercept, &event.Moderation{Verdict: verdictRefuse}
	}
	return ev
}

func sampleCallback(d *draw) *event.Event {
	ev := d.proposed()
	switch preMessagingWord(d.command.spec.Name) {
	case "":
	case "PERSON":
		c := event.Direct(ev.Actor.ID, d.user())
		ev.Conversation = &c
	case "GROUP":
		ev.Conversation = &event.Conversation{Kind: event.KindGroup, ID: d.group()}
	case "TEMPGROUP":
		ev.Conversation = &event.Conversation{Kind: event.KindChatroom, ID: d.room()}
	case ultraGroup:
		ev.Conversation = &event.Conversation{Kind: event.KindGroup, ID: d.group(), Topic: "general"}
	}
	if ev.Conversation.Topic == "" {
		ev.Type, ev.Message.Edits = event.MessageSend, ""
	}
	ev.Message.Push = &event.Push{Content: pick(d, "a new message", "新消息")}
	ev.Vendor = jsontext.Value(`{"clientIp":"` + d.address() + `"}`)
	return ev
}

func sampleChatroomStatus(d *draw) *event.Event {
	ev := &event.Event{
		Type:         pick(d, d.command.spec.Types...),
		Conversation: &event.Conversation{Kind: event.KindChatroom, ID: d.room()},
	}
	if ev.Type != event.ChatroomCreate && ev.Type != event.ChatroomDestroy {
		ev.Members = members([]string{d.user()})
	}
	return ev
}

func sampleChatroomKV(d *draw) *event.Event {
	ev := &event.Event{
		Type: pick(d, d.command.spec.Types...), Actor: actor(d.user()),
		Chatroom: &event.Chatroom{ID: d.room(), Attributes: map[string]string{pick(d, "seat1", "topic", "mic"): pick(d, "taken", "free", "夜航")}},
	}
	if ev.Type == event.ChatroomAttributeClear {
		ev.Chatroom.Attributes = nil
	}
	ev.Vendor = jsontext.Value(`{"status":0,"version":` + digits(d.now.UnixMilli()) + `}`)
	return ev
}

func sampleOnline(d *draw) *event.Event {
	user := d.user()
	ev := &event.Event{
		Type: pick(d, event.UserOnline, event.UserOffline), Actor: actor(user), Members: members([]string{user}),
		Presence: &event.Presence{Platform: d.platform(), Address: d.address(), Connection: d.uuid()},
	}
	if ev.Type == event.UserOffline {
		ev.Presence.Reason = pick(d, reasonDisconnect, reasonLogout)
	}
	return ev
}

func sampleOperation(d *draw) *event.Event {
	from := d.user()
	ev := &event.Event{
		Type: pick(d, event.MessageRecall, event.MessageDelete), Actor: &event.Actor{ID: from, Platform: d.platform()},
		Conversation: d.conversation(from),
		Message:      &event.Message{ID: d.messageID(), SentAt: d.now.Add(-time.Duration(1+d.IntN(100)) * time.Second)},
	}
	if ev.Type == event.MessageDelete && d.IntN(3) == 0 {
		ev.Message, ev.Receipt = nil, &event.Receipt{UpTo: d.now.Add(-time.Hour)}
	}
	return ev
}

func sampleAudit(d *draw) *event.Event {
	ev := d.proposed()
	ev.Type, ev.Message.Edits = event.ModerationResult, ""
	ev.Message.SentAt = d.now.Add(-time.Duration(1+d.IntN(20)) * time.Second)
	ev.Moderation = &event.Moderation{
		Verdict: pick(d, verdictPass, verdictRefuse), Provider: pick(d, "shumei", "yidun"),
		Detail: pick(d, `{"riskLevel":"PASS"}`, `{"riskLevel":"REJECT","label":"ad"}`),
	}
	return ev
}

func sampleDeactivation(d *draw) *event.Event {
	user := d.user()
	return &event.Event{
		Type: pick(d, d.command.spec.Types...), Actor: actor("op" + strconv.Itoa(d.IntN(1000))),
		Members: members([]string{user}), User: &event.User{ID: user},
	}
}

func sampleGroupOperation(d *draw) *event.Event {
	ev := &event.Event{
		Type: pick(d, groupOperations[:]...), Actor: actor(d.user()), Group: &event.Group{ID: d.group()},
		Members: members([]string{d.user(), d.user()}),
	}
	switch ev.Type {
	case event.GroupDestroy:
		ev.Members = nil
	case event.GroupTransfer:
		ev.Members = ev.Members[:1]
	case event.GroupMemberLeave:
		ev.Members = members([]string{ev.Actor.ID})
	}
	return ev
}

func sampleGroupProfile(d *draw) *event.Event {
	return &event.Event{
		Type: event.GroupUpdate, Actor: actor(d.user()),
		Group: &event.Group{
			ID: d.group(), Name: pick(d, "Rowers", "夜航群"), Introduction: "who rows when",
			Announcement: d.words(), Avatar: "https://media.example.com/rowers.png",
		},
		Vendor: jsontext.Value(`{"permissions":{"joinPerm":` + strconv.Itoa(d.IntN(4)) + `}}`),
	}
}

func sampleUserProfile(d *draw) *event.Event {
	user := d.user()
	ev := &event.Event{Type: event.UserUpdate, Actor: actor(user), Members: members([]string{user}), User: &event.User{ID: user}}
	if d.IntN(6) == 0 {
		ev.Vendor = jsontext.Value(`{"type":0}`)
		return ev
	}
	ev.User = &event.User{
		ID: user, Name: "name" + user[1:], DisplayName: pick(d, "Mira", "小舟"), Gender: pick(d, "male", "female"),
		Avatar: "https://media.example.com/" + user + ".png", Extra: `{"team":"north"}`,
	}
	return ev
}

func sampleFriend(d *draw) *event.Event {
	a, b := d.user(), d.user()
	c := event.Direct(a, b)
	ev := &event.Event{
		Type: pick(d, d.command.spec.Types...), Actor: &event.Actor{ID: a, Platform: d.platform()}, Members: members([]string{b}),
		Conversation: &c,
	}
	switch ev.Type {
	case event.FriendRequest:
		ev.Friend = &event.Friend{Extra: "we met at the regatta"}
	case event.FriendAdd:
		ev.Actor.Platform = "server"
	}
	return ev
}

// sampleBot writes data itself, since what came from a bot is written as it was.
func sampleBot(d *draw) *event.Event {
	e := pick(d, botEvents[:]...)
	bot, from := "bot"+strconv.Itoa(d.IntN(100)), d.user()
	var data, info, vendor writer
	data.text("fromUserId", from)
	to, word := bot, "PERSON"
	if e.group {
		to, word = d.group(), "GROUP"
	}
	if e.t != event.BotMessageSend && e.group {
		data.text("groupId", to)
	}
	switch e.t {
	case event.BotMessageSend:
		code, content := writeContent(d.message(), &object{}, true)
		data.text("toUserId", to)
		data.text("messageUId", d.messageID())
		data.text("objectName", code)
		data.text("content", content)
		data.text("channelType", word)
	case event.BotMessageRecall, event.BotMessageRead:
		data.text("messageUId", d.messageID())
	case event.BotGroupMemberJoin, event.BotGroupMemberLeave:
		data.list("userIds", []string{d.user()})
	}
	info.text("userId", bot)
	info.text("name", pick(d, "Harbour bot", "小助手"))
	info.text("profileUrl", "https://media.example.com/bot.png")
	info.text("type", "custom")
	vendor.text("type", e.name)
	vendor.raw("bot", info.end())
	vendor.raw("data", data.end())
	return &event.Event{Type: e.t, Vendor: vendor.end()}
}
