package cloudevents

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// Sample returns an event of the command's type with the bodies that apply.
func (d *Dialect) Sample(name string, r *rand.Rand, now time.Time) (dialect.Request, error) {
	c, ok := d.spec.Command(name)
	if !ok {
		return dialect.Request{}, dialect.ErrUnknownCommand
	}
	s := sampler{r: r, now: now.UTC().Truncate(time.Millisecond)}
	ev := &event.Event{
		ID: event.DeriveID(strconv.FormatUint(r.Uint64(), 36), strconv.FormatUint(r.Uint64(), 36)),
		// The source of an IM server that speaks CloudEvents itself.
		App: "example", Source: "im",
		Type: c.Types[0], Phase: c.Phase, Time: s.now,
		Actor: &event.Actor{ID: s.user(), Platform: "android"},
	}
	s.fill(ev)
	if ev.Lane = lane(ev); ev.Conversation == nil {
		if where := conversation(ev); where != nil {
			ev.Lane = where.Lane()
		}
	}
	reqs, err := d.Encode(ev, dialect.Target{Now: now})
	if err != nil {
		return dialect.Request{}, err
	}
	return reqs[0], nil
}

// sampler draws bodies.
type sampler struct {
	r   *rand.Rand
	now time.Time
}

func (s *sampler) user() string { return "user" + strconv.Itoa(1000+s.r.IntN(9000)) }

func (s *sampler) number(prefix string) string { return prefix + strconv.Itoa(100000+s.r.IntN(900000)) }

func (s *sampler) members(n int) []event.Member {
	ms := make([]event.Member, n)
	for i := range ms {
		ms[i].ID = s.user()
	}
	return ms
}

var sayings = [...]string{"hello", "see you at eight", "the parcel is here", "on my way", "thank you!"}

func (s *sampler) message() *event.Message {
	return &event.Message{
		ID:   strconv.FormatInt(1<<60+s.r.Int64N(1<<59), 10),
		Kind: event.Text, Text: sayings[s.r.IntN(len(sayings))],
	}
}

// fill puts in the bodies of ev's family.
func (s *sampler) fill(ev *event.Event) {
	words := strings.Split(string(ev.Type), ".")
	switch words[0] {
	case "message", "bot", "thread", "moderation", "push":
		s.chat(ev)
	case "group", "topic":
		s.group(ev)
	case "chatroom":
		s.chatroom(ev)
	case "channel":
		ev.Channel = &event.Channel{ID: s.number("ch"), Name: "News"}
		if strings.HasSuffix(string(ev.Type), "subscribe") {
			ev.Members = s.members(1)
		}
	case "conference":
		ev.Conference = &event.Conference{ID: s.number("cf"), MaxPublishers: 9}
	case "conversation":
		where := event.Direct(ev.Actor.ID, s.user())
		ev.Conversation = &where
	case "friend", "block", "follow":
		s.relation(ev)
	case "user":
		s.account(ev)
	case "moment":
		ev.Moment = &event.Moment{ID: s.number("mo"), Text: sayings[s.r.IntN(len(sayings))]}
		if words[1] == "comment" {
			ev.Moment.Comment = s.number("co")
		}
	case "vendor":
		ev.Vendor = jsontext.Value(`{"kind":"of no type"}`)
	default: // alarm, system
		ev.Actor = &event.Actor{System: true}
		ev.Report = &event.Report{Code: "E" + strconv.Itoa(s.r.IntN(100)), Text: "queue is long", Node: "im-1"}
	}
}

func (s *sampler) chat(ev *event.Event) {
	where := event.Direct(ev.Actor.ID, s.user())
	if s.r.IntN(2) == 0 || strings.HasPrefix(string(ev.Type), "bot.group") {
		where = event.Conversation{Kind: event.KindGroup, ID: s.number("g")}
	}
	ev.Conversation, ev.Message = &where, s.message()
	ev.Links = []string{"msg:" + ev.Message.ID}
	switch ev.Type {
	case event.MessageRead, event.BotMessageRead, event.MessageDeliver:
		ev.Receipt = &event.Receipt{UpTo: s.now, Messages: []string{ev.Message.ID}}
	case event.MessageReact:
		ev.Reaction = &event.Reaction{Message: ev.Message.ID, Items: []event.ReactionCount{
			{Name: "+1", Count: 1, Users: []string{ev.Actor.ID}, Change: "add"},
		}}
	case event.MessageIntercept, event.ModerationResult:
		ev.Moderation = &event.Moderation{Verdict: "refuse", Words: []string{"spam"}}
	case event.MessagePushOffline, event.MessagePushOnline, event.PushReport:
		ev.Members = s.members(2)
		if peer, ok := where.Peer(ev.Actor.ID); ok {
			ev.Members = []event.Member{{ID: peer}}
		}
		if ev.Type == event.PushReport {
			ev.Members = ev.Members[:1]
		}
		ev.Message.Push = &event.Push{Title: ev.Actor.ID, Content: ev.Message.Text}
	case event.ThreadUpdate:
		ev.Thread = &event.Thread{ID: s.number("t"), Parent: ev.Message.ID, Operation: "message", Count: 3}
	}
}

func (s *sampler) group(ev *event.Event) {
	id := s.number("g")
	ev.Conversation = &event.Conversation{Kind: event.KindGroup, ID: id}
	ev.Group = &event.Group{ID: id, Name: "Reading circle"}
	switch family := ev.Type.Family(); {
	case strings.HasPrefix(family, "group.member"), ev.Type == event.GroupCreate:
		ev.Members = s.members(1 + s.r.IntN(3))
	case ev.Type == event.GroupTransfer:
		ev.Members = s.members(1)
		ev.Group.Owner, ev.Group.PreviousOwner = ev.Members[0].ID, ev.Actor.ID
	case family == "group.attribute":
		ev.Group.Attributes = map[string]string{"colour": "blue", "level": "3"}
	case family == "group.file":
		ev.Group.Files = []string{s.number("f")}
	case family == "topic":
		ev.Conversation.Topic = s.number("tp")
	}
	if strings.HasSuffix(string(ev.Type), "announce") {
		ev.Group.Announcement = "Chapter four until Friday"
	}
}

func (s *sampler) chatroom(ev *event.Event) {
	id := s.number("r")
	ev.Chatroom = &event.Chatroom{ID: id, Name: "Match tonight"}
	if ev.Type.Family() != "chatroom.super" {
		ev.Conversation = &event.Conversation{Kind: event.KindChatroom, ID: id}
	} else {
		ev.Chatroom = nil // of the whole app, not of a room
		ev.Members = s.members(1)
	}
	switch ev.Type.Family() {
	case "chatroom.member":
		ev.Members = s.members(1 + s.r.IntN(3))
	case "chatroom.attribute":
		ev.Chatroom.Attributes = map[string]string{"score": strconv.Itoa(s.r.IntN(9))}
	}
}

func (s *sampler) relation(ev *event.Event) {
	ev.Members = s.members(1)
	switch ev.Type {
	case event.FriendRename:
		ev.Members[0].Alias = "Cousin"
		ev.Friend = &event.Friend{Owner: ev.Actor.ID, Alias: "Cousin"}
	case event.FriendRequest:
		ev.Friend = &event.Friend{Text: "we met yesterday"}
	case event.FriendRespond:
		ev.Friend = &event.Friend{Action: "accept"}
	}
}

func (s *sampler) account(ev *event.Event) {
	ev.User = &event.User{ID: ev.Actor.ID}
	switch ev.Type {
	case event.UserOnline:
		ev.Presence = &event.Presence{Platform: "android", Client: s.number("d")}
	case event.UserOffline, event.UserKick:
		ev.Presence = &event.Presence{Reason: "timeout", Platform: "android", Client: s.number("d")}
	case event.UserUpdate, event.UserRegister:
		ev.User.DisplayName = "Robin"
	}
}
