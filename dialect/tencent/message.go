package tencent

import (
	"strings"
	"time"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// carrier is a message event with its bodies in one piece of memory.
type carrier struct {
	event   event.Event
	actor   event.Actor
	conv    event.Conversation
	message event.Message
	links   [2]string
}

// start makes the event of a message from sender.
func (c *carrier) start(t event.Type, sender string) (*event.Event, *event.Message) {
	ev, m := &c.event, &c.message
	ev.Type, ev.Message = t, m
	if sender != "" {
		c.actor = event.Actor{ID: sender, System: sender == admin}
		ev.Actor = &c.actor
	}
	return ev, m
}

// sendTime takes MsgTime, in seconds: the event's time where the body has no other.
// A number that no time can hold is left over.
func (in *input) sendTime(ev *event.Event) {
	seconds, ok := in.o.int("MsgTime")
	if !ok {
		return
	}
	t := fromSeconds(seconds)
	switch {
	case t.IsZero():
		in.o.putInt("MsgTime", seconds)
	case in.at.IsZero():
		ev.Time = t
	case !in.at.Equal(t):
		ev.Message.SentAt = t
	}
}

// options takes what all messages have beside sender and place.
func (in *input) options(m *event.Message) error {
	if n, ok := in.o.int("OnlineOnlyFlag"); ok && n == 1 {
		m.Options = &event.MessageOptions{Transient: true}
	} else if ok && n != 0 {
		in.o.putInt("OnlineOnlyFlag", n)
	}
	m.Extra = in.o.text("CloudCustomData")
	return in.readBody(m)
}

// c2cSent is ErrorInfo of a message that was sent.
const c2cSent = "send msg succeed"

// decodeC2C reads the commands about a message between two users.
func decodeC2C(in *input) (*event.Event, error) {
	o := &in.o
	from, to, key := o.text("From_Account"), o.text("To_Account"), o.text("MsgKey")
	switch {
	case from == "":
		return nil, in.missing("From_Account")
	case to == "":
		return nil, in.missing("To_Account")
	}
	c := new(carrier)
	ev, m := c.start(in.command.spec.Types[0], from)
	c.conv = event.Direct(from, to)
	ev.Conversation, ev.Lane = &c.conv, c.conv.Lane()
	m.Seq, m.ClientID = o.digits("MsgSeq"), o.digits("MsgRandom")
	if key == "" {
		key = c2cKey(m, o)
	}
	m.ID = key
	in.sendTime(ev)
	result := ""
	switch in.command.spec.Name {
	case "C2C.CallbackAfterSendMsg":
		n, _ := o.int("SendMsgResult")
		if text := o.text("ErrorInfo"); n != 0 {
			ev.Type, result = event.MessageFail, decimal(n)
			ev.Report = &event.Report{Code: result, Text: text}
		} else if text != c2cSent && text != "" {
			o.putText("ErrorInfo", text)
		}
	case "C2C.CallbackAfterSendMsgException":
		ev.Report = &event.Report{Code: o.digits("ErrorCode"), Text: o.text("ErrorInfo")}
	case "Bot.OnC2CMessage":
		ev.Members, ev.Echo = []event.Member{{ID: to}}, true
	}
	if key != "" {
		c.links[0] = "msg:" + key
		ev.Links = c.links[:1]
		ev.Dedupe = in.messageKey(c.links[0][len("msg:"):], result)
	} else if m.ClientID != "" {
		c.links[0] = "c2c:" + dialect.JoinKey(from, to, m.ClientID)
		ev.Links = c.links[:1]
		ev.Dedupe = in.messageKey(c.links[0][len("c2c:"):], result)
	}
	return ev, in.options(m)
}

// c2cKey builds MsgKey, which older servers do not send, from its parts.
func c2cKey(m *event.Message, o *object) string {
	at := o.peek("MsgTime")
	n, ok := number(at)
	if m.Seq == "" || m.ClientID == "" || at == nil || !ok {
		return ""
	}
	return m.Seq + "_" + m.ClientID + "_" + decimal(n)
}

// messageKey is what tells a retry of what happened to one message: its name, which
// is a key already, with what distinguishes several such events, and EventTime where
// that is known. Empty without a name.
func (in *input) messageKey(name string, more ...string) string {
	if name == "" {
		return ""
	}
	for _, m := range more {
		if m != "" {
			name += "|" + m
		}
	}
	if in.atText != "" {
		name += "|" + in.atText
	}
	return name
}

// sender is who wrote a message.
func sender(ev *event.Event) string {
	if id := actorID(ev); id != "" {
		return id
	}
	if ev.Message != nil {
		return ev.Message.Sender
	}
	return ""
}

// sentAt is MsgTime.
func sentAt(ev *event.Event) time.Time {
	if ev.Message != nil && !ev.Message.SentAt.IsZero() {
		return ev.Message.SentAt
	}
	return ev.Time
}

// sendTime is the inverse of the input's.
func (out *output) sendTime() {
	m := out.ev.Message
	if out.kept.peek("MsgTime") != nil || out.own && m.ID == "" && m.SentAt.IsZero() {
		return // with a time it would have a key
	}
	if t := sentAt(out.ev); !t.IsZero() {
		out.w.int("MsgTime", t.Unix())
	} else if !out.own {
		out.w.int("MsgTime", 0)
	}
}

// options is the inverse of the input's.
func (out *output) options(m *event.Message) error {
	if out.kept.peek("OnlineOnlyFlag") == nil {
		flag := int64(0)
		if m.Options != nil && m.Options.Transient || !out.own && (m.Kind == event.CommandKind || m.Kind == event.Typing) {
			flag = 1
		}
		out.w.int("OnlineOnlyFlag", flag)
	}
	if err := out.writeBody(m); err != nil {
		return err
	}
	extra := m.Extra
	if extra == "" && !out.own && m.Kind == event.Quote && m.Custom != nil {
		extra = m.Custom.Data // the quoted message: its text alone is an element here
	}
	out.w.text("CloudCustomData", extra)
	return nil
}

// message is the event's message, which must be there.
func (out *output) message() (*event.Message, error) {
	if out.ev.Message == nil {
		return nil, dialect.Untranslatable("it has no message")
	}
	return out.ev.Message, nil
}

// c2cNumbers writes MsgSeq, MsgRandom, MsgTime and MsgKey.
func (out *output) c2cNumbers(m *event.Message, withTime bool) {
	var i identity
	if out.own {
		i.seq, _ = number32(m.Seq)
		i.random, _ = number32(m.ClientID)
		i.key = m.ID
	} else {
		i = derive(firstOf(m.ID, m.ClientID, out.ev.ID))
	}
	if !out.own || m.Seq != "" {
		out.w.int("MsgSeq", i.seq)
	}
	if !out.own || m.ClientID != "" {
		out.w.int("MsgRandom", i.random)
	}
	if withTime {
		out.sendTime()
	}
	out.w.textIf("MsgKey", i.key)
}

func encodeC2C(out *output) error {
	ev := out.ev
	m, err := out.message()
	if err != nil {
		return err
	}
	from := sender(ev)
	if from == "" {
		return dialect.Untranslatable("nobody sent it")
	}
	to, err := out.peer(from)
	if err != nil {
		return err
	}
	w := out.begin()
	w.text("From_Account", from)
	w.text("To_Account", to)
	out.c2cNumbers(m, true)
	switch out.command.spec.Name {
	case "C2C.CallbackAfterSendMsg":
		out.sendResult()
	case "C2C.CallbackAfterSendMsgException":
		if r := ev.Report; r != nil {
			if n, ok := number([]byte(r.Code)); ok {
				w.int("ErrorCode", n)
			}
			w.text("ErrorInfo", r.Text)
		}
	}
	if err := out.options(m); err != nil {
		return err
	}
	out.post()
	return nil
}

// sendResult writes what became of a message between two users. The total of
// unread messages is not in foreign events.
func (out *output) sendResult() {
	w, ev := &out.w, out.ev
	if ev.Type == event.MessageFail {
		r := report(ev)
		code, ok := number([]byte(r.Code))
		if !ok || code == 0 {
			code = c2cFailed
		}
		w.int("SendMsgResult", code)
		w.text("ErrorInfo", r.Text)
		if out.kept.peek("UnreadMsgNum") == nil && !out.own {
			w.int("UnreadMsgNum", -1)
		}
		return
	}
	w.int("SendMsgResult", 0)
	if out.kept.peek("ErrorInfo") == nil {
		w.text("ErrorInfo", c2cSent)
	}
	if !out.own {
		w.int("UnreadMsgNum", 0)
	}
}

// c2cFailed is written for a failure whose code is no number: the server's own
// "refused by the message-before webhook" (page 1671).
const c2cFailed = 20006

func report(ev *event.Event) event.Report {
	if ev.Report == nil {
		return event.Report{}
	}
	return *ev.Report
}

func firstOf(all ...string) string {
	for _, s := range all {
		if s != "" {
			return s
		}
	}
	return ""
}

// decodeGroupMessage reads the commands about a message in a group.
func decodeGroupMessage(in *input) (*event.Event, error) {
	o := &in.o
	from := o.text("From_Account")
	if from == "" {
		return nil, in.missing("From_Account")
	}
	c := new(carrier)
	ev, m := c.start(in.command.spec.Types[0], from)
	var ok bool
	if ev.Lane, ok = in.chat(&c.conv); !ok {
		return nil, in.missing("GroupId")
	}
	ev.Conversation = &c.conv
	if v := o.peek("Operator_Account"); v != nil && v[0] == '"' && string(v[1:len(v)-1]) == from {
		o.drop("Operator_Account")
	}
	random, dated := in.groupKeys(c, from, o.rawDigits("Random"), o.rawDigits("MsgSeq"))
	m.ID = firstOf(o.text("MsgId"), m.Seq)
	in.sendTime(ev)
	in.mentions(m)

	links := c.links[:]
	switch {
	case random == "" && dated == "":
		links = nil
	case random == "":
		links = c.links[1:]
	case dated == "":
		links = c.links[:1]
	}
	switch in.command.spec.Name {
	case "Group.CallbackSendMsgException":
		ev.Report = &event.Report{Code: o.digits("ErrorCode"), Text: o.text("ErrorInfo")}
		ev.Dedupe = in.messageKey(random)
	case "Bot.OnGroupMessage":
		ev.Members, ev.Echo = members(in.texts("AtRobots_Account")), true
		if len(links) == 2 {
			links[0], links[1] = links[1], links[0]
		}
		ev.Dedupe = dated
	case "Group.CallbackBeforeSendMsg":
		ev.Dedupe = random
	default:
		if ev.Dedupe = dated; dated == "" {
			ev.Dedupe = in.messageKey(random)
		}
	}
	ev.Links = links
	return ev, in.options(m)
}

// groupKeys names a message of a group by what its sender drew and by its number,
// makes a link of each and says what tells a retry. All of it is cut out of one
// string, since messages are most of the traffic.
func (in *input) groupKeys(c *carrier, from string, random, seq []byte) (randomKey, dated string) {
	m, group, topic := &c.message, c.conv.ID, c.conv.Topic
	if strings.ContainsAny(group, "%|") || strings.ContainsAny(from, "%|") || strings.ContainsAny(topic, "%|") || len(random) == 0 {
		m.ClientID, m.Seq = string(random), string(seq)
		randomKey, dated = dialect.JoinKey(group, from, m.ClientID), seqKey(&c.conv, m.Seq)
		c.links[0], c.links[1] = "grp:"+randomKey, "seq:"+dated
		return randomKey, in.messageKey(dated)
	}
	var b strings.Builder
	b.Grow(2*len(group) + len(from) + len(topic) + len(random) + len(seq) + len(in.atText) + len("grp:||seq:|||"))
	b.WriteString("grp:")
	b.WriteString(group)
	b.WriteByte('|')
	b.WriteString(from)
	b.WriteByte('|')
	b.Write(random)
	cut := b.Len()
	if len(seq) == 0 {
		all := b.String()
		c.links[0], c.links[1], m.ClientID = all, "seq:", all[cut-len(random):]
		return all[len("grp:"):], ""
	}
	b.WriteString("seq:")
	b.WriteString(group)
	b.WriteByte('|')
	if topic != "" {
		b.WriteString(topic)
		b.WriteByte('|')
	}
	b.Write(seq)
	end := b.Len()
	if in.atText != "" {
		b.WriteByte('|')
		b.WriteString(in.atText)
	}
	all := b.String()
	c.links[0], c.links[1] = all[:cut], all[cut:end]
	m.ClientID, m.Seq = all[cut-len(random):cut], all[end-len(seq):end]
	return all[len("grp:"):cut], all[cut+len("seq:"):]
}

// seqKey names a message of a group by its number; empty without one.
func seqKey(c *event.Conversation, seq string) string {
	if c.Topic != "" {
		return dialect.JoinKey(c.ID, c.Topic, seq)
	}
	return dialect.JoinKey(c.ID, seq)
}

// mentions takes GroupAtInfo. An entry that is of another form leaves it all.
func (in *input) mentions(m *event.Message) {
	v := in.o.peek("GroupAtInfo")
	if v == nil {
		in.o.drop("GroupAtInfo")
		return
	}
	items, ok := dialect.Elements(v)
	if !ok {
		return
	}
	ms := &event.Mentions{}
	for _, item := range items {
		var o object
		if o.parse(item) != nil {
			return
		}
		all, _ := o.int("GroupAtAllFlag")
		id := o.string("GroupAt_Account")
		for i := range o.fields {
			if !o.fields[i].taken {
				return
			}
		}
		switch {
		case all == 1 && id == "":
			ms.All = true
		case all == 0 && id != "":
			ms.Users = append(ms.Users, id)
		default:
			return
		}
	}
	in.o.drop("GroupAtInfo")
	if ms.All || ms.Users != nil {
		m.Mentions = ms
	}
}

// texts takes an array of strings.
func (in *input) texts(name string) []string {
	var all []string
	for _, e := range in.o.list(name) {
		if e[0] != '"' {
			in.o.mismatch(name, e, "a string")
			return nil
		}
		all = append(all, unquote(e))
	}
	return all
}

func encodeGroupMessage(out *output) error {
	ev := out.ev
	m, err := out.message()
	if err != nil {
		return err
	}
	from := sender(ev)
	if from == "" {
		return dialect.Untranslatable("nobody sent it")
	}
	w := out.begin()
	if err := out.chatHead(); err != nil {
		return err
	}
	w.text("From_Account", from)
	if out.kept.peek("Operator_Account") == nil {
		w.text("Operator_Account", from)
	}
	i := identify(ev)
	if !out.own || m.ClientID != "" {
		w.int("Random", i.random)
	}
	name := out.command.spec.Name
	numbered := name == "Group.CallbackAfterSendMsg" || name == "Bot.OnGroupMessage"
	if numbered && !out.own || m.Seq != "" && out.own {
		w.int("MsgSeq", i.seq)
	}
	if numbered || out.own && (!m.SentAt.IsZero() || out.kept.peek("MsgTime") != nil) {
		out.sendTime()
	}
	if m.ID != "" && m.ID != m.Seq && (out.own || name == "Group.CallbackAfterSendMsg") {
		w.text("MsgId", m.ID)
	}
	switch name {
	case "Group.CallbackSendMsgException":
		r := report(ev)
		if n, ok := number([]byte(r.Code)); ok {
			w.int("ErrorCode", n)
		} else if !out.own {
			w.int("ErrorCode", groupFailed)
		}
		w.text("ErrorInfo", r.Text)
	case "Bot.OnGroupMessage":
		w.texts("AtRobots_Account", memberIDs(ev.Members))
	}
	if err := out.options(m); err != nil {
		return err
	}
	out.mentions(m)
	out.post()
	return nil
}

// groupFailed is c2cFailed of a group.
const groupFailed = 10016

func (out *output) mentions(m *event.Message) {
	if m.Mentions == nil || out.kept.peek("GroupAtInfo") != nil {
		return
	}
	w := &out.w
	w.begin("GroupAtInfo")
	at := func(flag int64, id string) {
		w.item()
		w.int("GroupAtAllFlag", flag)
		w.textIf("GroupAt_Account", id)
		w.endItem()
	}
	if m.Mentions.All {
		at(1, "")
	}
	for _, id := range m.Mentions.Users {
		at(0, id)
	}
	w.close()
}

// decodeAccountMessage reads a message of an official account, which is its sender.
func decodeAccountMessage(in *input) (*event.Event, error) {
	o := &in.o
	id := o.text("Official_Account")
	if id == "" {
		return nil, in.missing("Official_Account")
	}
	c := new(carrier)
	ev, m := c.start(event.MessageSend, id)
	c.conv, ev.Lane = placed(event.KindChannel, id)
	ev.Conversation = &c.conv
	body := o.peek("MsgBody")
	m.ID = o.text("MsgKey")
	in.sendTime(ev)
	if m.ID != "" {
		c.links[0] = "msg:" + m.ID
		ev.Links = c.links[:1]
		ev.Dedupe = in.messageKey(m.ID)
	} else {
		ev.Dedupe = in.dedupe(id, digest(body))
	}
	return ev, in.options(m)
}

func encodeAccountMessage(out *output) error {
	ev := out.ev
	m, err := out.message()
	if err != nil {
		return err
	}
	id := channelID(ev)
	if id == "" {
		return dialect.Untranslatable("it names no channel")
	}
	if from := sender(ev); !out.own && from != "" && from != id && (ev.Channel == nil || from != ev.Channel.Owner) {
		return dialect.Untranslatable("in a channel Tencent reports what the official account itself sends, and somebody else sent it")
	}
	w := out.begin()
	w.text("Official_Account", id)
	if out.command.spec.Phase == event.After {
		out.sendTime()
		key := m.ID
		if !out.own {
			key = derive(firstOf(m.ID, m.ClientID, ev.ID)).key
		}
		w.textIf("MsgKey", key)
	} else if out.own {
		w.textIf("MsgKey", m.ID)
		if !m.SentAt.IsZero() {
			out.sendTime()
		}
	}
	if err := out.options(m); err != nil {
		return err
	}
	out.post()
	return nil
}

// channelID is the channel that ev is about.
func channelID(ev *event.Event) string {
	switch {
	case ev.Conversation != nil && ev.Conversation.Kind == event.KindChannel && ev.Conversation.ID != "":
		return ev.Conversation.ID
	case ev.Channel != nil && ev.Channel.ID != "":
		return ev.Channel.ID
	case ev.Lane.Kind() == event.KindChannel:
		return ev.Lane.ID()
	}
	return ""
}

// decodeSignal reads a control signal to a chatbot.
func decodeSignal(in *input) (*event.Event, error) {
	o := &in.o
	from, to, key := o.text("From_Account"), o.text("To_Account"), o.text("MsgKey")
	switch {
	case from == "":
		return nil, in.missing("From_Account")
	case to == "":
		return nil, in.missing("To_Account")
	}
	c := new(carrier)
	ev, m := c.start(event.BotMessageSignal, from)
	c.conv = event.Direct(from, to)
	ev.Conversation, ev.Lane = &c.conv, c.conv.Lane()
	ev.Members = []event.Member{{ID: to}}
	m.ID, m.Seq, m.ClientID, m.Kind = key, o.digits("MsgSeq"), o.digits("MsgRandom"), event.CommandKind
	m.Custom = &event.Payload{Data: o.text("Data")}
	if key != "" {
		c.links[0] = "msg:" + key
		ev.Links, ev.Dedupe = c.links[:1], in.messageKey(key)
	}
	return ev, nil
}

func encodeSignal(out *output) error {
	ev := out.ev
	m, err := out.message()
	if err != nil {
		return err
	}
	from := sender(ev)
	if from == "" {
		return dialect.Untranslatable("nobody sent it")
	}
	to, err := out.peer(from)
	if err != nil {
		if len(ev.Members) != 1 {
			return err
		}
		to = ev.Members[0].ID
	}
	w := out.begin()
	w.text("From_Account", from)
	w.text("To_Account", to)
	out.c2cNumbers(m, false)
	w.text("Data", firstOf(payload(m).Data, m.Text))
	out.post()
	return nil
}
