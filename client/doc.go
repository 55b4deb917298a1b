// Package client is for IM servers written in Go: it tells an imhook gateway what
// happened and asks it what may happen.
//
//	im, err := client.New(client.Config{
//		URL:    "http://gateway:8420/in/my-im", // a source of dialect cloudevents
//		Secret: "whsec_…",
//		Spool:  client.Spool{Dir: "/var/lib/my-im/imhook"},
//	})
//	…
//	defer im.Close(ctx)
//
//	ev := &event.Event{
//		Type:         event.MessageSend,
//		Actor:        &event.Actor{ID: "alice"},
//		Conversation: new(event.Direct("alice", "bob")), // or &event.Conversation{Kind: event.KindGroup, ID: "g1"}
//		Message:      &event.Message{Text: "hello"},
//	}
//	verdict, err := im.Decide(ctx, ev) // it is about to happen: may it?
//	…
//	ev.Message.ID = "1001"
//	err = im.Tell(ctx, ev) // it happened
//
// Only what a type is about must be set: [github.com/imhook/imhook/event.Catalogue]
// says what each means, and an event that cannot be read or placed is refused
// before it is sent. ID, Time and Phase are put in; the lane, the unit of order, is
// the conversation.
//
// # What Tell promises
//
// When [Client.Tell] returns nil, the gateway has kept the events, durably, or they
// are in the spool: files of this machine, fsynced, that survive a crash of the
// process and are sent until they arrive. While the spool holds something, new
// events go behind it, so what follows one another in a conversation arrives in
// that order. An event may be sent twice, when an answer is lost; its ID tells the
// gateway, which delivers it once. Without a spool, Tell returns an error while the
// gateway cannot be reached, and keeping the events is the caller's.
//
// The spool is bounded. When it is full, Tell keeps nothing of the call and says
// [ErrSpoolFull].
//
// # What is never dropped in silence
//
// An event that the gateway refuses for good is returned as a [RefusedError] when
// its Tell still waits for the answer; afterwards it is set aside in the file
// refused.ndjson of the spool's directory, counted, logged, and given to
// [Config.Refused]. Anything else that keeps the gateway from taking events (it is
// down, the address is wrong, the secret does not fit) is not the events' fault:
// they stay in the spool and the log says why.
//
// # What Decide promises
//
// [Client.Decide] returns a verdict inside its deadline, whatever the gateway does.
// When it has none from the gateway, it is the one that [Config.OnDecideError]
// names, together with an error.
//
// A Client does no translation: the gateway's endpoints and hooks get events in
// the dialects that they are configured for.
package client
