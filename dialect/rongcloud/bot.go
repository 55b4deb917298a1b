package rongcloud

import (
	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// botEvents are what a bot is told, in the order of the vendor's list. An echo
// repeats to the bot what another command reports of the same fact.
var botEvents = [...]struct {
	name  string
	t     event.Type
	group bool
	echo  bool
}{
	{"message:private", event.BotMessageSend, false, true},
	{"message:group_mentioned", event.BotMessageSend, true, true},
	{"message:private_recall", event.BotMessageRecall, false, true},
	{"message:group_mentioned_recall", event.BotMessageRecall, true, true},
	{"message:private_read", event.BotMessageRead, false, false},
	{"message:group_read", event.BotMessageRead, true, false},
	{"group:bot_join", event.BotGroupJoin, true, false},
	{"group:bot_left", event.BotGroupLeave, true, false},
	{"group:dismiss", event.BotGroupDestroy, true, true},
	{"group:user_join", event.BotGroupMemberJoin, true, true},
	{"group:user_left", event.BotGroupMemberLeave, true, true},
}

func botTypes() []event.Type {
	return []event.Type{
		event.BotMessageSend, event.BotMessageRecall, event.BotMessageRead, event.BotGroupJoin, event.BotGroupLeave,
		event.BotGroupDestroy, event.BotGroupMemberJoin, event.BotGroupMemberLeave,
	}
}

// Of the fields of data we could read those of a message up to channelType:
// fromUserId, toUserId, objectName, content. The others are the names that the
// vendor's other callbacks give to such things, the likeliest first. data is kept
// whole besides.
var (
	botSenders   = []string{"fromUserId", "senderUserId", "senderId", "operatorId", "operatorUserId", "optUserId", "readerId", "userId"}
	botGroups    = []string{"groupId", "targetId", "toUserId", "channelId"}
	botMessages  = []string{"messageUId", "messageUID", "msgUID", "messageId"}
	botCodes     = []string{"objectName", "messageType", "msgType"}
	botTimes     = []string{"sentTime", "msgTimestamp", "messageTime"}
	botUserLists = []string{"userIds", "members", "users"}
)

// any takes the text of the first of names that has one.
func (o *object) any(names []string) string {
	for _, name := range names {
		if s, ok := o.pick(name); ok && s != "" && s != "null" {
			return s
		}
	}
	return ""
}

// readBot reads a bot's own copy of what happened.
func readBot(in *input) *event.Event {
	name := in.text("type")
	bot := in.inner("bot")
	id := bot.text("userId")
	var data object
	whole := in.take("data").orNull()
	if id == "" || !data.parse(whole) {
		return nil
	}
	ev := &event.Event{Time: in.time("timestamp")}
	kind := -1
	for i := range botEvents {
		if botEvents[i].name == name {
			kind = i
		}
	}
	from, group := data.any(botSenders), data.any(botGroups)
	if kind < 0 {
		return &event.Event{Type: event.VendorUnknown, Lane: userLane(id)}
	}
	e := &botEvents[kind]
	ev.Type, ev.Echo = e.t, e.echo
	ev.Actor, ev.Lane = actor(from), userLane(id)
	conv, lane, ok := place("PERSON", from, id, "")
	if e.group {
		conv, lane, ok = place("GROUP", "", group, "")
	}
	if ok {
		ev.Conversation, ev.Lane = &conv, lane
	}
	switch e.t {
	case event.BotMessageSend, event.BotMessageRecall, event.BotMessageRead:
		ev.Members = members([]string{id})
		readBotMessage(in, ev, &data)
	case event.BotGroupMemberJoin, event.BotGroupMemberLeave:
		// The bot itself is not concerned; it stays under bot.
		bot.keep("userId", id)
		for _, list := range botUserLists {
			if users := data.peekList(list); len(users) > 0 {
				ev.Members = members(users)
				break
			}
		}
		if user, _ := data.pick("userId"); ev.Members == nil && user != "" {
			ev.Members = members([]string{user})
		}
	default:
		ev.Members = members([]string{id})
	}
	if ok && e.group {
		ev.Group = &event.Group{ID: group}
	}
	in.keep("type", name)
	in.nested("bot", &bot)
	in.keepJSON("data", whole)
	ev.Dedupe = dedupe(name, id, digits(milli(ev.Time)), event.DeriveID(string(whole)))
	return ev
}

// peekList reads a list without taking it.
func (o *object) peekList(name string) []string {
	c := object{}
	for _, p := range o.pairs {
		if p.is(name) {
			c.pairs = append(c.pairs, p)
		}
	}
	if ids := c.list(name); c.bad == "" {
		return ids
	}
	return nil
}

func readBotMessage(in *input, ev *event.Event, data *object) {
	m := &event.Message{ID: data.any(botMessages)}
	if m.ID != "" {
		ev.Links = []string{linkPrefix + m.ID}
	}
	if n, ok := data.peekFloat("timestamp"); ok {
		m.SentAt, _ = moment(int64(n))
	}
	for _, name := range botTimes {
		if n, ok := data.peekFloat(name); ok {
			m.SentAt, _ = moment(int64(n))
			break
		}
	}
	if ev.Type == event.BotMessageRead {
		ev.Receipt = &event.Receipt{UpTo: m.SentAt}
		if m.ID != "" {
			ev.Receipt.Messages = []string{m.ID}
		}
		return
	}
	if m.Code = data.any(botCodes); m.Code != "" {
		var ignored object // data is kept whole
		ignored.readContent(m, data.peekJSON("content"))
	}
	if m.Code != "" || m.ID != "" {
		ev.Message = m
	}
}

// peekJSON is json without taking.
func (o *object) peekJSON(name string) string {
	c := object{}
	for _, p := range o.pairs {
		if p.is(name) {
			c.pairs = append(c.pairs, p)
		}
	}
	return c.json(name)
}

func encodeBot(out *output) error {
	ev := out.ev
	var w, bot writer
	if out.own {
		name := out.kept.text("type")
		kept := out.kept.inner("bot")
		if !kept.has("userId") && len(ev.Members) > 0 {
			bot.text("userId", ev.Members[0].ID)
		}
		leftover(&bot, &kept)
		w.text("type", name)
		w.number("timestamp", milli(ev.Time))
		w.raw("bot", bot.end())
		out.post(&w)
		return nil
	}
	c := ev.Conversation
	if c == nil || c.Kind != event.KindDirect && c.Kind != event.KindGroup {
		return dialect.Untranslatable("RongCloud's bots are told of direct and group conversations only")
	}
	name := ""
	for i := range botEvents {
		if botEvents[i].t == ev.Type && botEvents[i].group == (c.Kind == event.KindGroup) {
			name = botEvents[i].name
		}
	}
	if name == "" {
		return dialect.Untranslatable("RongCloud tells a bot of %s in groups only", ev.Type)
	}
	id := ""
	switch {
	case ev.Type == event.BotGroupMemberJoin, ev.Type == event.BotGroupMemberLeave:
		// Its members are those who came or went, beside the bot.
	case len(ev.Members) > 0:
		id = ev.Members[0].ID
	default:
		id, _ = c.Peer(actorID(ev))
	}
	if id == "" {
		return dialect.Untranslatable("it does not name the bot, which RongCloud's copy is for")
	}
	bot.text("userId", id)
	data := botData(ev, c, id)
	if c.Kind == event.KindGroup {
		data.text(botGroups[0], c.ID)
	}
	w.text("type", name)
	w.number("timestamp", milli(out.time()))
	w.raw("bot", bot.end())
	w.raw("data", data.end())
	out.post(&w)
	return nil
}

// botData is what data says to a bot, in the likeliest names where the vendor's are
// not known.
func botData(ev *event.Event, c *event.Conversation, bot string) *writer {
	data := &writer{}
	some(data, botSenders[0], actorID(ev))
	m := ev.Message
	if ev.Receipt != nil {
		if len(ev.Receipt.Messages) > 0 {
			data.text(botMessages[0], ev.Receipt.Messages[0])
		}
		if !ev.Receipt.UpTo.IsZero() {
			data.number(botTimes[0], milli(ev.Receipt.UpTo))
		}
		return data
	}
	if m == nil {
		return data
	}
	some(data, botMessages[0], m.ID)
	if ev.Type == event.BotMessageSend {
		if len(m.Parts) > 0 {
			m = firstPart(m)
		}
		code, content := writeContent(m, &object{}, false)
		to := bot
		if c.Kind == event.KindGroup {
			to = c.ID
		}
		data.text("toUserId", to)
		data.text(botCodes[0], code)
		data.text("content", content)
		data.text("channelType", usualWord(&event.Conversation{Kind: c.Kind}))
	}
	if !m.SentAt.IsZero() {
		data.number(botTimes[0], milli(m.SentAt))
	}
	return data
}
