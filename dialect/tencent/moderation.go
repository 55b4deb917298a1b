package tencent

import (
	"strings"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// The values of ContactItem.ContactType.
const (
	contactUser  = 1
	contactGroup = 2
)

// moderated are the words of ContentType.
var moderated = [...]struct {
	wire string
	kind event.ContentKind
}{
	{"Text", event.Text},
	{"Image", event.Image},
	{"Audio", event.Audio},
	{"Video", event.Video},
}

// decodeModeration reads a finding of the vendor's content moderation. Its body
// does not name the command.
func decodeModeration(in *input) (*event.Event, error) {
	o := &in.o
	ev := &event.Event{Type: event.ModerationResult}
	result, _ := o.int("CtxcbResult")
	mod := &event.Moderation{Label: o.text("CtxcbLabel"), Detail: o.text("CtxcbSubLabelDesc"), Words: in.texts("CtxcbKeywords")}
	switch result {
	case 0:
		mod.Verdict = "pass"
	case 1:
		mod.Verdict = "refuse"
	default:
		return strange()
	}
	ev.Moderation = mod
	o.drop("SdkAppId") // as in the query
	from := o.text("From_Account")
	ev.Actor = actor(from)
	in.contact(ev, from)
	if ev.Lane == "" {
		if from == "" {
			return nil, in.missing("From_Account")
		}
		ev.Lane = event.NewLane(event.KindUser, from)
	}

	m := &event.Message{ID: o.text("MsgID"), Extra: o.text("CloudCustomData")}
	ev.Message = m
	wire := text(o.peek("ContentType"))
	for _, k := range moderated {
		if k.wire == wire {
			o.drop("ContentType")
			m.Kind = k.kind
		}
	}
	in.moderatedText(m)
	if url := o.text("FileURL"); url != "" {
		m.Media = &event.Media{URL: url}
	}
	request := text(o.peek("CtxcbRequestId"))
	ev.Dedupe = in.dedupe(request, firstOf(m.ID, "-"))
	if m.ID != "" {
		ev.Links = []string{"msg:" + m.ID}
	}
	return ev, nil
}

// moderatedText takes TextContent, the texts of the message's elements. Several are
// lines of one text, and left over too.
func (in *input) moderatedText(m *event.Message) {
	v := in.o.peek("TextContent")
	if v == nil || v[0] == '"' {
		m.Text = in.o.text("TextContent")
		return
	}
	items, ok := dialect.Elements(v)
	lines := make([]string, len(items))
	for i, item := range items {
		ok = ok && item[0] == '"'
		lines[i] = text(item)
	}
	if !ok || len(items) == 0 {
		return
	}
	m.Text = strings.Join(lines, "\n")
	if len(items) == 1 {
		in.o.drop("TextContent")
	}
}

// contact places the event where the message was.
func (in *input) contact(ev *event.Event, from string) {
	v := in.o.peek("ContactItem")
	var c object
	if v == nil || c.parse(v) != nil {
		return
	}
	kind, _ := c.int("ContactType")
	to, group := c.text("To_Account"), c.text("ToGroupId")
	for i := range c.fields {
		if !c.fields[i].taken {
			in.o.put("ContactItem", v)
			break
		}
	}
	switch {
	case c.bad != "":
		in.o.mismatch("ContactItem."+c.bad, nil, "an account")
	case kind == contactUser && to != "" && from != "" && group == "":
		conv := event.Direct(from, to)
		ev.Conversation, ev.Lane = &conv, conv.Lane()
		in.o.drop("ContactItem")
	case kind == contactGroup && group != "" && to == "":
		place := event.KindGroup
		if text(in.o.peek("Type")) == liveGroup {
			in.o.drop("Type") // as we write it of other dialects' chatrooms
			place = event.KindChatroom
		}
		conv, lane := placed(place, group)
		ev.Conversation, ev.Lane = &conv, lane
		in.o.drop("ContactItem")
	}
}

func encodeModeration(out *output) error {
	ev := out.ev
	mod := event.Moderation{}
	if ev.Moderation != nil {
		mod = *ev.Moderation
	}
	m := event.Message{}
	if ev.Message != nil {
		m = *ev.Message
	}
	from := firstOf(actorID(ev), m.Sender)
	scene := "UserInfo"
	w := out.begin()
	contact := func(kind int64, to, group string) {
		if out.kept.peek("ContactItem") != nil {
			return
		}
		w.name("ContactItem")
		w.b = append(w.b, '{')
		w.int("ContactType", kind)
		w.textIf("To_Account", to)
		w.textIf("ToGroupId", group)
		w.endItem()
	}
	if c := ev.Conversation; c != nil {
		switch c.Kind {
		case event.KindDirect:
			to, ok := c.Peer(from)
			if !ok {
				return dialect.Untranslatable("it does not say who wrote the message")
			}
			scene = "C2C"
			contact(contactUser, to, "")
		case event.KindGroup, event.KindChatroom:
			scene = "Group"
			contact(contactGroup, "", c.ID)
			if c.Kind == event.KindChatroom {
				w.text("Type", liveGroup) // the vendor does not say; else it would be read as a group
			}
		default:
			return dialect.Untranslatable("Tencent moderates messages of users and groups, not in a conversation of kind %s", c.Kind)
		}
	}
	if from == "" {
		if id := ev.Lane.ID(); ev.Lane.Kind() == event.KindUser && id != "" {
			from = id
		} else if !out.own {
			return dialect.Untranslatable("it does not say whose content it is about")
		}
	}
	result := int64(0)
	if strings.TrimSpace(mod.Verdict) != "" && mod.Verdict != "pass" {
		result = 1
	}
	if !out.own {
		w.text("Scene", scene)
	}
	if id, ok := number32(out.to.Credentials.Get(appIDKey)); ok {
		w.int("SdkAppId", id)
	}
	w.text("From_Account", from)
	kind := ""
	for _, k := range moderated {
		if k.kind == m.Kind {
			kind = k.wire
		}
	}
	if kind == "" && !out.own {
		kind = "Text"
	}
	w.textIf("ContentType", kind)
	if m.Text != "" && out.kept.peek("TextContent") == nil {
		w.texts("TextContent", []string{m.Text})
	}
	if m.Media != nil {
		w.text("FileURL", m.Media.URL)
	}
	id := m.ID
	if scene == "C2C" && !out.own && id != "" {
		id = derive(id).key // a message between two users has no other name here
	}
	w.text("MsgID", id)
	w.int("CtxcbResult", result)
	if !out.own {
		w.text("CtxcbRequestId", event.DeriveID("moderation", ev.ID))
		suggestion := "Normal"
		if result == 1 {
			suggestion = "Block"
		}
		w.text("CtxcbSuggestion", suggestion)
	}
	w.texts("CtxcbKeywords", mod.Words)
	w.text("CtxcbLabel", mod.Label)
	w.text("CtxcbSubLabelDesc", mod.Detail)
	w.text("CloudCustomData", m.Extra)
	out.post()
	return nil
}
