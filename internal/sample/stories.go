package sample

import "github.com/imhook/imhook/event"

func login(s *story) {
	alice, bob, device := s.user(), s.user(), s.number("d")
	where := event.Direct(alice, bob)
	s.happen(event.UserOnline, alice, event.Event{
		User: &event.User{ID: alice}, Presence: &event.Presence{Platform: "android", Client: device},
	})
	s.write(where, alice, "hello, are you there?")
	id := s.write(where, alice, "wrong window")
	s.happen(event.MessageRecall, alice, event.Event{
		Conversation: &where, Links: []string{"msg:" + id}, Message: &event.Message{ID: id, Sender: alice, SentAt: s.now},
	})
	s.write(where, bob, "now I am")
	s.happen(event.UserOffline, alice, event.Event{
		User: &event.User{ID: alice}, Presence: &event.Presence{Reason: "logout", Platform: "android", Client: device},
	})
}

func group(s *story) {
	owner, first, second := s.user(), s.user(), s.user()
	id := s.number("g")
	where := event.Conversation{Kind: event.KindGroup, ID: id}
	about := func(t event.Type, actor string, members ...string) {
		s.happen(t, actor, event.Event{Conversation: &where, Group: &event.Group{ID: id}, Members: list(members)})
	}
	s.happen(event.GroupCreate, owner, event.Event{
		Conversation: &where, Group: &event.Group{ID: id, Name: "Reading circle", Owner: owner}, Members: list([]string{owner, first}),
	})
	about(event.GroupMemberJoin, owner, second)
	s.write(where, owner, "welcome")
	s.write(where, second, "thank you!")
	s.happen(event.GroupUpdate, owner, event.Event{
		Conversation: &where, Group: &event.Group{ID: id, Name: "Reading circle, Fridays"},
	})
	about(event.GroupMemberMute, owner, second)
	about(event.GroupMemberUnmute, owner, second)
	about(event.GroupMemberPromote, owner, first)
	about(event.GroupMemberKick, owner, second)
	s.happen(event.GroupTransfer, owner, event.Event{
		Conversation: &where, Members: list([]string{first}), Group: &event.Group{ID: id, Owner: first, PreviousOwner: owner},
	})
	about(event.GroupMemberLeave, owner, owner)
	about(event.GroupDestroy, first)
}

func chatroom(s *story) {
	host, guest, pest := s.user(), s.user(), s.user()
	id := s.number("r")
	where := event.Conversation{Kind: event.KindChatroom, ID: id}
	about := func(t event.Type, actor string, members ...string) {
		s.happen(t, actor, event.Event{Conversation: &where, Chatroom: &event.Chatroom{ID: id}, Members: list(members)})
	}
	s.happen(event.ChatroomCreate, host, event.Event{
		Conversation: &where, Chatroom: &event.Chatroom{ID: id, Name: "Match tonight", Owner: host},
	})
	about(event.ChatroomMemberJoin, guest, guest)
	about(event.ChatroomMemberJoin, pest, pest)
	s.write(where, host, "good evening")
	s.write(where, pest, "buy cheap watches")
	about(event.ChatroomMemberKick, host, pest)
	about(event.ChatroomMemberLeave, guest, guest)
	about(event.ChatroomDestroy, host)
}

func conference(s *story) {
	host, guest := s.user(), s.user()
	id := s.number("cf")
	where := event.Conversation{Kind: event.KindConference, ID: id}
	about := func(t event.Type, actor string) {
		s.happen(t, actor, event.Event{
			Conversation: &where, Members: list([]string{actor}), Conference: &event.Conference{ID: id, Video: true, MaxPublishers: 9},
		})
	}
	about(event.ConferenceCreate, host)
	about(event.ConferenceJoin, host)
	about(event.ConferenceJoin, guest)
	about(event.ConferencePublish, host)
	about(event.ConferenceUnpublish, host)
	about(event.ConferenceLeave, guest)
	about(event.ConferenceLeave, host)
	about(event.ConferenceDestroy, host)
}

func list(ids []string) []event.Member {
	var ms []event.Member
	for _, id := range ids {
		ms = append(ms, event.Member{ID: id})
	}
	return ms
}
