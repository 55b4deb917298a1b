package easemob

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/imhook/imhook/event"
)

// draw gives the values of one sample.
type draw struct {
	*rand.Rand
	now time.Time
}

func pick[T any](d *rand.Rand, of ...T) T { return of[d.IntN(len(of))] }

func (d *draw) user() string {
	return pick(d.Rand, "lena", "marco", "yuki", "tomas", "aisha", "wei") + strconv.Itoa(1000+d.IntN(9000))
}

// messageID is of the size of the server's.
func (d *draw) messageID() string {
	return strconv.FormatInt(1_400_000_000_000_000_000+d.Int64N(100_000_000_000_000_000), 10)
}

func (d *draw) placeID() string {
	return strconv.FormatInt(180_000_000_000_000+d.Int64N(1_000_000_000), 10)
}

// at is a moment in the last half second.
func (d *draw) at() time.Time {
	return d.now.Add(-time.Duration(d.Int64N(500)) * time.Millisecond).UTC().Truncate(time.Millisecond)
}

func fileURL(r *rand.Rand) string {
	return fmt.Sprintf("https://files.example.com/org/sample/chatfiles/%08x-%04x-11f0-8000-%012x", r.Uint32(), r.IntN(1<<16), r.Int64N(1<<48))
}

// base is an event at a time, with an id that becomes its call id.
func (d *draw) base(t event.Type) *event.Event {
	return &event.Event{
		ID:  fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", d.Uint32(), d.IntN(1<<16), d.IntN(1<<12), d.IntN(1<<12), d.Int64N(1<<48)),
		App: sampleApp, Type: t, Phase: event.After, Time: d.at(), Actor: &event.Actor{ID: d.user()},
	}
}

// caused is an event that a message of the server's own causes.
func (d *draw) caused(t event.Type) *event.Event {
	ev := d.base(t)
	ev.ID = d.messageID()
	return ev
}

func (d *draw) direct(ev *event.Event) string {
	peer := d.user()
	ev.Conversation = new(event.Direct(ev.Actor.ID, peer))
	return peer
}

// anywhere puts ev into a direct chat or a group.
func (d *draw) anywhere(ev *event.Event) {
	if d.IntN(2) == 0 {
		d.direct(ev)
		return
	}
	ev.Conversation = &event.Conversation{Kind: event.KindGroup, ID: d.placeID()}
}

func (d *draw) message(c *content, where event.Kind, offline bool) *event.Event {
	ev := d.base(event.MessageSend)
	peer := d.direct(ev)
	if where != event.KindDirect {
		ev.Conversation = &event.Conversation{Kind: where, ID: d.placeID()}
	}
	msg := c.sample(d.Rand)
	msg.ID = d.messageID()
	ev.Message = &msg
	if offline {
		ev.Type, ev.Members = event.MessagePushOffline, []event.Member{{ID: peer}}
	}
	return ev
}

func (d *draw) preSend() *event.Event {
	c := &contents[d.IntN(len(contents)-1)]
	ev := d.message(c, pick(d.Rand, event.KindDirect, event.KindGroup, event.KindChatroom), false)
	ev.Phase = event.Before
	return ev
}

func (d *draw) recall() *event.Event {
	ev := d.caused(event.MessageRecall)
	d.anywhere(ev)
	ev.Message = &event.Message{ID: d.messageID()}
	return ev
}

func (d *draw) edit() *event.Event {
	ev := d.caused(event.MessageEdit)
	d.anywhere(ev)
	msg := sampleText(d.Rand)
	msg.ID, msg.SentAt = d.messageID(), ev.Time.Add(-time.Duration(1+d.IntN(600))*time.Second)
	ev.Message = &msg
	return ev
}

func (d *draw) receipt() *event.Event {
	ev := d.caused(event.MessageRead)
	d.direct(ev)
	ev.Receipt = &event.Receipt{Messages: []string{d.messageID()}}
	return ev
}

// inPlace puts ev into a group, or into a chatroom where it has no such type.
func (d *draw) inPlace(ev *event.Event, group, room event.Type) {
	kind := event.KindGroup
	ev.Type = group
	if group == "" || (room != "" && d.IntN(3) == 0) {
		kind, ev.Type = event.KindChatroom, room
	}
	ev.Conversation = &event.Conversation{Kind: kind, ID: d.placeID()}
	name := pick(d.Rand, "Sunday hikers", "读书会", "Release 9", "Flat 12b")
	if kind == event.KindChatroom {
		ev.Chatroom = &event.Chatroom{ID: ev.Conversation.ID, Name: name, Announcement: "Doors open at seven.", Owner: ev.Actor.ID}
	} else {
		ev.Group = &event.Group{
			ID: ev.Conversation.ID, Name: name, Owner: ev.Actor.ID, MaxMembers: 200, Muted: new(false),
			Introduction: "Who comes along?", Announcement: "We meet at the north gate.",
			Files: []string{fmt.Sprintf("%08x-8e2f-11ec-bec3-%012x", d.Uint32(), d.Int64N(1<<48))},
		}
	}
}

func (d *draw) muc(op *mucOp) *event.Event {
	ev := d.caused(op.group)
	d.inPlace(ev, op.group, op.room)
	switch op.whom {
	case himself, gone:
		ev.Members = []event.Member{{ID: ev.Actor.ID}}
	case other, otherOrHimself, attributes:
		ev.Members = []event.Member{{ID: d.user()}}
	case nobody:
	}
	switch op.name {
	case "apply", "invite":
		ev.Members[0].Reason = pick(d.Rand, "I know Marco from work", "一起来吧", "see you there")
	case "upload_file":
		ev.Message = &event.Message{SentAt: ev.Time, Media: &event.Media{Name: "plan.csv", Size: int64(1000 + d.IntN(100000))}}
	case "delete_announcement":
		if ev.Group != nil {
			ev.Group.Announcement = ""
		} else {
			ev.Chatroom.Announcement = ""
		}
	case "set_metadata", "delete_metadata":
		ev.Chatroom.Attributes = map[string]string{"seat" + strconv.Itoa(1+d.IntN(8)): ev.Actor.ID}
	case "group_member_metadata_update":
		ev.Members[0].Extra = `{"nickname":"` + pick(d.Rand, "Captain", "阿梅") + `"}`
	}
	return ev
}

func (d *draw) groupOp(f *opFact) *event.Event {
	ev := d.base("")
	d.inPlace(ev, f.types[0], f.types[1])
	if f.off != [2]event.Type{} && d.IntN(2) == 0 {
		at := 0
		if ev.Chatroom != nil {
			at = 1
		}
		ev.Type = f.off[at]
	}
	switch f.whom {
	case opMember, opAdmin, opNewOwner:
		ev.Members = []event.Member{{ID: d.user()}}
		if f.ends && d.IntN(2) == 0 {
			ev.Members[0].Until = end(ev.Time, time.Duration(1+d.IntN(72))*time.Hour)
		}
	case opNobody, opHimself, opFiles, opInfo:
	}
	switch {
	case f.kind == "OWNER":
		if ev.Group != nil {
			ev.Group.PreviousOwner = ev.Actor.ID
		}
	case f.operation == "LEAVE" && f.kind == "QUIT", f.operation == "JOIN" && f.kind == "INVITE":
		// They do it themselves: of an invitation the vendor reports the acceptance.
		ev.Members[0].ID = ev.Actor.ID
	}
	switch {
	case f.operation == "JOIN":
		if ev.Group != nil {
			ev.Group.MemberCount = 2 + d.IntN(198)
		} else {
			ev.Chatroom.MemberCount = 2 + d.IntN(4998)
		}
	case f.everywhere():
		ev.Conversation, ev.Actor = nil, &event.Actor{System: true}
	}
	return ev
}

func (d *draw) roster(op *rosterOp) *event.Event {
	ev := d.caused(op.t)
	ev.Members = []event.Member{{ID: d.direct(ev)}}
	if op.reason {
		ev.Friend = &event.Friend{Text: pick(d.Rand, "we met at the ferry", "我是小李", "")}
	}
	return ev
}

func (d *draw) status(reason string) *event.Event {
	ev := d.base(event.UserOffline)
	os := pick(d.Rand, "ios", "android", "web")
	ev.Presence = &event.Presence{
		Reason: reason, Platform: os, Client: fmt.Sprintf("%s_%08x-db3a-d2b5-da18-%012x", os, d.Uint32(), d.Int64N(1<<48)),
		Address: fmt.Sprintf("203.0.113.%d:%d", 1+d.IntN(254), 20000+d.IntN(40000)),
	}
	return ev
}

func (d *draw) alert(kind *alertKind) *event.Event {
	ev := d.base(event.MessageIntercept)
	d.anywhere(ev)
	ev.Message = &event.Message{ID: d.messageID(), Kind: event.Text}
	ev.Moderation = &event.Moderation{Verdict: kind.verdict, Words: []string{pick(d.Rand, "casino", "彩票", "pills")}}
	return ev
}

func (d *draw) moderation(kind *moderationKind) *event.Event {
	ev := d.base(event.ModerationResult)
	d.anywhere(ev)
	msg := pick(d.Rand, sampleText, sampleImage)(d.Rand)
	msg.ID = d.messageID()
	ev.Message = &msg
	ev.Moderation = &event.Moderation{Verdict: kind.verdict}
	if kind.verdict != "pass" {
		ev.Moderation.Label = pick(d.Rand, "ad", "porn", "abuse")
	}
	return ev
}

func (d *draw) push(status string) *event.Event {
	ev := d.base(event.PushReport)
	ev.Members = []event.Member{{ID: d.user()}}
	ev.Message = &event.Message{ID: d.messageID()}
	ev.Report = &event.Report{Code: status}
	ev.Presence = &event.Presence{Connection: pick(d.Rand, "APNS", "FCM", "VIVOPUSH"), Client: fmt.Sprintf("%016x", d.Uint64())}
	if status != "success" {
		ev.Report.Text = pick(d.Rand, "no push binding", "get push token fail")
	}
	return ev
}

func (d *draw) reaction() *event.Event {
	ev := d.caused(event.MessageReact)
	d.anywhere(ev)
	id, other := d.messageID(), d.user()
	ev.Message = &event.Message{ID: id}
	changed := event.ReactionCount{Name: pick(d.Rand, "👍", "heart", "lol"), Change: pick(d.Rand, "add", "add", "remove")}
	if changed.Change == "add" {
		changed.Count, changed.Users = 1, []string{ev.Actor.ID}
	}
	ev.Reaction = &event.Reaction{Message: id, Items: []event.ReactionCount{changed, {Name: "ok", Count: 1, Users: []string{other}}}}
	return ev
}

func (d *draw) thread() *event.Event {
	ev := d.caused(event.ThreadUpdate)
	ev.Conversation = &event.Conversation{Kind: event.KindGroup, ID: d.placeID(), Topic: d.placeID()}
	ev.Thread = &event.Thread{
		ID: ev.Conversation.Topic, Name: pick(d.Rand, "who drives", "菜单"), Parent: d.messageID(),
		Operation: "update_msg", Count: 1 + d.IntN(60),
	}
	msg := sampleText(d.Rand)
	msg.ID, msg.Sender, msg.SentAt = d.messageID(), ev.Actor.ID, ev.Time
	ev.Message = &msg
	return ev
}

func sampleText(r *rand.Rand) event.Message {
	return event.Message{Kind: event.Text, Text: pick(r, "see you at eight", "早上好", "on my way 🚲", `is the "blue" one still there?`)}
}

func sampleImage(r *rand.Rand) event.Message {
	return event.Message{Kind: event.Image, Media: &event.Media{
		URL: fileURL(r), Name: "harbour.jpg", Size: 10_000 + r.Int64N(900_000), Width: 640 + r.IntN(1000), Height: 480 + r.IntN(1000),
	}}
}

func sampleAudio(r *rand.Rand) event.Message {
	return event.Message{Kind: event.Audio, Media: &event.Media{URL: fileURL(r), Name: "audio", Size: 2_000 + r.Int64N(60_000), Seconds: float64(1 + r.IntN(59))}}
}

func sampleVideo(r *rand.Rand) event.Message {
	return event.Message{Kind: event.Video, Media: &event.Media{
		URL: fileURL(r), Name: "waves.mp4", Size: 100_000 + r.Int64N(9_000_000), Seconds: float64(1 + r.IntN(119)),
		Width: 360, Height: 480, Thumbnail: fileURL(r),
	}}
}

func sampleFile(r *rand.Rand) event.Message {
	return event.Message{Kind: event.File, Media: &event.Media{URL: fileURL(r), Name: "timetable.pdf", Size: 10_000 + r.Int64N(900_000)}}
}

func samplePlace(r *rand.Rand) event.Message {
	return event.Message{Kind: event.Location, Location: &event.Place{
		Latitude: float64(47_000_000+r.IntN(6_000_000)) / 1e6, Longitude: float64(6_000_000+r.IntN(9_000_000)) / 1e6,
		Address: pick(r, "North Quay 3", "人民路 12 号"),
	}}
}

func sampleCommand(r *rand.Rand) event.Message {
	return event.Message{Kind: event.CommandKind, Custom: &event.Payload{Name: pick(r, "refresh-cart", "ring", "typing")}}
}

func sampleCustom(r *rand.Rand) event.Message {
	return event.Message{Kind: event.Custom, Custom: &event.Payload{
		Name: "order", Data: fmt.Sprintf(`{"number":"A-%d","state":"%s"}`, 1000+r.IntN(9000), pick(r, "paid", "shipped")),
	}}
}

func sampleUnknown(*rand.Rand) event.Message { return event.Message{Kind: event.UnknownKind} }
