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
		// With the command and the time in it: what is drawn again from the same numbers
		// is another event, not the same one with another body, which is a replay.
		ID: event.DeriveID(strconv.FormatUint(r.Uint64(), 36), strconv.FormatUint(r.Uint64(), 36), name, s.now.Format(time.RFC3339Nano)),
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

func (s *sampler) saying() string { return sayings[s.r.IntN(len(sayings))] }

// message is a text, or in one of four cases something else that people send.
func (s *sampler) message() *event.Message {
	m := &event.Message{ID: strconv.FormatInt(1<<60+s.r.Int64N(1<<59), 10), Kind: event.Text, Text: s.saying()}
	file := func(kind event.ContentKind, name string) {
		m.Kind, m.Text = kind, ""
		m.Media = &event.Media{URL: "https://media.example.com/" + s.number("m") + "/" + name, Size: 20_000 + s.r.Int64N(900_000)}
	}
	switch s.r.IntN(16) {
	case 0:
		file(event.Image, "pier.jpg")
		m.Media.Width, m.Media.Height = 1280, 720
	case 1:
		file(event.Audio, "note.amr")
		m.Media.Seconds = float64(1 + s.r.IntN(59))
	case 2:
		file(event.File, "plan.pdf")
		m.Media.Name, m.Media.MIME = "plan.pdf", "application/pdf"
	case 3:
		m.Kind, m.Text = event.Location, ""
		m.Location = &event.Place{Latitude: 59.3293, Longitude: 18.0686, Title: "Pier 4"}
	case 4:
		m.Mentions = &event.Mentions{Users: []string{s.user()}}
	}
	return m
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
		s.channel(ev)
	case "conference":
		s.conference(ev)
	case "conversation":
		where := event.Direct(ev.Actor.ID, s.user())
		ev.Conversation = &where
	case "friend", "block", "follow":
		s.relation(ev)
	case "user":
		s.account(ev)
	case "moment":
		s.moment(ev)
	case "vendor":
		ev.Vendor = jsontext.Value(`{"kind":"of no type"}`)
	default: // alarm, system
		ev.Actor = &event.Actor{System: true}
		ev.Report = &event.Report{Code: "E" + strconv.Itoa(s.r.IntN(100)), Text: "queue is long", Count: 1 + s.r.IntN(20), Node: "im-1"}
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
	s.change(ev)
	switch ev.Type {
	case event.GroupAnnounce:
		ev.Group.Announcement = "Chapter four until Friday"
	case event.GroupMute, event.GroupUnmute:
		ev.Group.Muted = new(ev.Type == event.GroupMute)
	case event.GroupCreate, event.GroupUpdate:
		ev.Group.Owner, ev.Group.Introduction = ev.Actor.ID, "One book a month"
	}
}

// change says what became of the members.
func (s *sampler) change(ev *event.Event) {
	for i := range ev.Members {
		switch m := &ev.Members[i]; ev.Type {
		case event.GroupMemberPromote, event.ChatroomMemberPromote:
			m.Role = "admin"
		case event.GroupMemberDemote, event.ChatroomMemberDemote:
			m.Role = "member"
		case event.GroupMemberMute, event.ChatroomMemberMute:
			m.Until = s.now.Add(time.Duration(1+s.r.IntN(24)) * time.Hour)
		case event.GroupMemberUpdate, event.ChatroomMemberUpdate:
			m.Alias = "Cox"
		case event.ChatroomMemberLeave:
			m.Reason = "timeout"
		}
	}
}

func (s *sampler) channel(ev *event.Event) {
	ev.Channel = &event.Channel{ID: s.number("ch"), Name: "News", Owner: ev.Actor.ID}
	switch {
	case strings.HasSuffix(string(ev.Type), "subscribe"):
		ev.Members = s.members(1)
	case ev.Type == event.ChannelTransfer:
		ev.Members = s.members(1)
		ev.Channel.Owner = ev.Members[0].ID
	}
}

func (s *sampler) conference(ev *event.Event) {
	ev.Conference = &event.Conference{ID: s.number("cf")}
	switch ev.Type {
	case event.ConferenceCreate:
		ev.Conference.Description, ev.Conference.MaxPublishers = s.saying(), 9
	case event.ConferenceDestroy:
	default:
		ev.Members = []event.Member{{ID: ev.Actor.ID}}
		ev.Conference.Video = ev.Type == event.ConferencePublish
	}
}

func (s *sampler) moment(ev *event.Event) {
	ev.Moment = &event.Moment{ID: s.number("mo")}
	if strings.HasSuffix(string(ev.Type), "create") {
		ev.Moment.Text = s.saying()
	}
	if ev.Type.Family() == "moment.comment" {
		ev.Moment.Comment = s.number("co")
	} else if ev.Type == event.MomentCreate {
		ev.Moment.Media = []event.Media{{URL: "https://media.example.com/" + s.number("m") + "/frost.jpg", Width: 1920, Height: 1080}}
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
	switch ev.Type {
	case event.ChatroomAnnounce:
		ev.Chatroom.Announcement = "We begin at eight"
	case event.ChatroomTransfer:
		ev.Members = s.members(1)
		ev.Chatroom.Owner = ev.Members[0].ID
	case event.ChatroomFull:
		ev.Chatroom.MemberCount = 5000
	}
	s.change(ev)
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
		ev.User.Name, ev.User.DisplayName = "robin"+ev.User.ID, "Robin"
		ev.User.Avatar = "https://media.example.com/" + ev.User.ID + ".png"
	}
}
