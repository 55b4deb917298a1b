package tencent

import (
	"strconv"
	"strings"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// pushPlatforms are the words of PushPlatform in the order of the numbers: whose
// channel a push went through.
var pushPlatforms = [...]string{"", "apns", "xiaomi", "huawei", "fcm", "meizu", "oppo", "vivo", "honor"}

// pushedOffline is EventType of a push to all that went through a vendor's channel;
// 2 is one to devices that were online.
const pushedOffline = 1

// pushStages are the words of PushStage in the order of the numbers, for
// presence.stateText.
var pushStages = [...]string{"", "sent", "reached", "clicked"}

// pushed reads what both push reports have in common: to whom, through whose
// channel, how far, and what went wrong. how tells one report of a push to one user
// from the others: a user has several devices, and clicks more than once.
func (in *input) pushed() (ev *event.Event, how string) {
	o := &in.item
	at := string(o.peek("EventTime"))
	p := &event.Presence{}
	ev = &event.Event{Type: event.PushReport, Presence: p, Report: &event.Report{}}
	if v := o.peek("EventTime"); v != nil {
		if n, ok := number(v); ok && !fromSeconds(n).IsZero() {
			o.drop("EventTime")
			ev.Time = fromSeconds(n)
		}
	}
	platform, stage := string(o.peek("PushPlatform")), string(o.peek("PushStage"))
	p.Connection = word(o, "PushPlatform", pushPlatforms[:])
	p.StateText = word(o, "PushStage", pushStages[:])
	if code := o.digits("ErrCode"); code != "0" {
		ev.Report.Code = code
	}
	if text(o.peek("CallbackCommand")) == in.command.spec.Name {
		o.drop("CallbackCommand") // each item says it again
	}
	ev.Report.Text = o.text("ErrInfo")
	if *ev.Report == (event.Report{}) {
		ev.Report = nil
	}
	if to := o.text("To_Account"); to != "" {
		ev.Members = members([]string{to})
	}
	// The same digits, whether they stand in quotes or not.
	at = strings.Trim(at, `"`)
	return ev, dialect.JoinKey(
		firstOf(platform, "-"), firstOf(stage, "-"), firstOf(at, "-"), firstOf(string(o.peek("EventType")), "-"),
		firstOf(text(o.peek("PushID")), "-"))
}

// word takes a number that a table has a word for.
func word(o *object, name string, table []string) string {
	v := o.peek(name)
	for i := 1; i < len(table); i++ {
		if string(v) == strconv.Itoa(i) {
			o.drop(name)
			return table[i]
		}
	}
	return ""
}

// decodeOfflinePush reads what became of the push of one message.
func decodeOfflinePush(in *input) (*event.Event, error) {
	ev, how := in.pushed()
	o := &in.item
	if len(ev.Members) == 0 {
		return in.missingItem("To_Account")
	}
	to := ev.Members[0].ID
	kind, _ := o.int("EventType")
	from := o.text("From_Account")
	m := &event.Message{}
	ev.Message = m
	switch kind {
	case contactUser:
		if from == "" {
			return in.missingItem("From_Account")
		}
		c := event.Direct(from, to)
		ev.Conversation, ev.Lane = &c, c.Lane()
		m.ID, m.Seq = o.text("MsgKey"), o.digits("MsgSeq")
	case contactGroup:
		group := o.text("GroupID")
		if group == "" {
			return in.missingItem("GroupID")
		}
		c, lane := placed(event.KindGroup, group)
		ev.Conversation, ev.Lane = &c, lane
		m.Seq = o.digits("MsgSeq")
		m.ID = m.Seq
	default:
		return strange()
	}
	ev.Actor = actor(from)
	m.ClientID = o.digits("MsgRandom")
	if n, ok := o.int("MsgTime"); ok {
		if m.SentAt = fromSeconds(n); m.SentAt.IsZero() {
			o.putInt("MsgTime", n)
		}
	}
	key := m.ID
	if kind == contactGroup {
		key = seqKey(ev.Conversation, m.Seq)
		if key != "" {
			ev.Links = []string{"seq:" + key}
		}
	} else if key != "" {
		ev.Links = []string{"msg:" + key}
	}
	if key != "" {
		ev.Dedupe = key + "|" + dialect.JoinKey(to) + "|" + how
	}
	return ev, nil
}

// decodeAllPush reads what became of a push to all, for one user. The task stands
// for the message.
func decodeAllPush(in *input) (*event.Event, error) {
	ev, how := in.pushed()
	if len(ev.Members) == 0 {
		return in.missingItem("To_Account")
	}
	to := ev.Members[0].ID
	ev.Lane = event.NewLane(event.KindUser, to)
	task := in.item.text("TaskId")
	if ev.Report == nil {
		ev.Report = &event.Report{}
	}
	ev.Report.Trace = task
	if task != "" {
		ev.Dedupe = dialect.JoinKey(task, to) + "|" + how
	}
	return ev, nil
}

// encodePush writes one Events item. A foreign report without a task or a
// conversation is about a push to users of their own.
func encodePush(out *output) error {
	ev := out.ev
	if len(ev.Members) == 0 {
		return dialect.Untranslatable("it does not say to whom the push went")
	}
	all := out.command.spec.Name == "Push.AllMemberPush"
	w := out.begin()
	w.begin("Events")
	for _, member := range ev.Members {
		kept := out.keptItem()
		w.item()
		w.text("CallbackCommand", out.command.spec.Name)
		if all {
			if !out.own {
				w.int("EventType", pushedOffline)
			}
			w.textOr(kept, "TaskId", firstOf(report(ev).Trace, foreignTask(out)))
		} else if err := out.pushedMessage(member.ID, kept); err != nil {
			return err
		}
		w.text("To_Account", member.ID)
		out.pushed(kept)
		w.keep(kept)
		w.endItem()
	}
	w.close()
	out.post()
	return nil
}

func foreignTask(out *output) string {
	switch ev := out.ev; {
	case out.own:
		return ""
	case ev.Message != nil && ev.Message.ID != "":
		return ev.Message.ID
	default:
		return ev.ID
	}
}

// pushedMessage writes which message was pushed.
func (out *output) pushedMessage(to string, kept *object) error {
	ev, w := out.ev, &out.w
	m := event.Message{}
	if ev.Message != nil {
		m = *ev.Message
	}
	c := ev.Conversation
	from := sender(ev)
	i := derive(firstOf(m.ID, m.ClientID, ev.ID))
	if c != nil && c.Kind != event.KindDirect && c.Kind != event.KindGroup {
		return dialect.Untranslatable("Tencent pushes messages of users and groups, not in a conversation of kind %s", c.Kind)
	}
	if c != nil && c.Kind == event.KindGroup {
		i = identify(ev)
		w.int("EventType", contactGroup)
		w.textIf("From_Account", from)
		w.text("GroupID", c.ID)
	} else {
		if from == "" && c != nil {
			from, _ = c.Peer(to)
		}
		if from == "" {
			return dialect.Untranslatable("it does not say whose message was pushed")
		}
		if c != nil && event.Direct(from, to).ID != c.ID {
			return dialect.Untranslatable("the user to whom the push went is not one of the conversation")
		}
		w.int("EventType", contactUser)
		w.text("From_Account", from)
		key := m.ID
		if !out.own {
			key = i.key
		}
		w.text("MsgKey", key)
	}
	if out.own {
		if n, ok := number32(m.Seq); ok {
			w.int("MsgSeq", n)
		}
		if n, ok := number32(m.ClientID); ok {
			w.int("MsgRandom", n)
		}
	} else {
		w.int("MsgSeq", i.seq)
		w.int("MsgRandom", i.random)
	}
	if !m.SentAt.IsZero() && kept.peek("MsgTime") == nil {
		w.int("MsgTime", m.SentAt.Unix())
	}
	return nil
}

// pushed writes how far a push came.
func (out *output) pushed(kept *object) {
	ev, w := out.ev, &out.w
	p := event.Presence{}
	if ev.Presence != nil {
		p = *ev.Presence
	}
	r := report(ev)
	code, ok := number([]byte(r.Code))
	if !ok && !out.own && (r.Code == "fail" || r.Code == "error") {
		code, ok = 1, true
	}
	number := func(name, word string, table []string, usual int64) {
		if kept.peek(name) != nil {
			return
		}
		n := usual
		for i := 1; i < len(table); i++ {
			if table[i] == word {
				n = int64(i)
			}
		}
		w.int(name, n)
	}
	number("PushPlatform", p.Connection, pushPlatforms[:], 0)
	if out.own {
		if p.StateText != "" {
			number("PushStage", p.StateText, pushStages[:], 0)
		}
	} else {
		number("PushStage", p.StateText, pushStages[:], 1)
	}
	if !ev.Time.IsZero() && kept.peek("EventTime") == nil {
		w.int("EventTime", ev.Time.Unix())
	}
	if !ok {
		code = 0
	}
	w.int("ErrCode", code)
	w.text("ErrInfo", r.Text)
}
