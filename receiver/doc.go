// Package receiver is for app backends written in Go: it is an [http.Handler] that
// takes the callbacks of an IM server, or of an imhook gateway, in any dialect, and
// gives them to typed functions.
//
//	rc, err := receiver.New(receiver.Config{
//		Dialect: tencent.New(),
//		Credentials: dialect.Credentials{
//			Public:  map[string]string{"sdk_app_id": "1400000001"},
//			Secrets: []dialect.DatedSecret{{Value: token}},
//		},
//	})
//	…
//	rc.OnMessage(func(ctx context.Context, ev *event.Event, m *event.Message) error {
//		return index(ctx, ev.Conversation, m) // it happened
//	})
//	rc.BeforeMessage(func(ctx context.Context, ev *event.Event, m *event.Message) event.Verdict {
//		if swears(m.Text) { // it is about to happen
//			return event.Verdict{Action: event.Deny, Reason: "mind your tongue"}
//		}
//		return event.Allowed()
//	})
//	rc.On("group.**", groups) // a type of event.Catalogue, or a pattern of them
//	rc.Mount(mux, "/im/tencent")
//
// # What is checked
//
// A request must be a POST within the bounds of size and depth, bear a signature of
// the credentials that is not too old, and be readable. Anything else is refused in
// the dialect's own form, with the reason for the vendor's operator, before a
// handler sees it. A signature that is used again with another body is refused as a
// replay where the dialect's signatures can tell.
//
// # What a handler promises
//
// An after-event is acknowledged when its handler returned nil. An error, a panic or
// a handler that takes longer than [Config.Timeout] is answered 503 in the dialect's
// form, which makes a gateway, and the vendors that ever do, send the event again.
// An error that wraps [ErrRejected] is answered 422: a gateway then sets the event
// aside as a dead letter. A before-event is answered within [Config.Deadline],
// whatever its handler does; when it gave no verdict by then, the answer is
// [Config.OnFailure].
//
// Handlers run in goroutines of their own. Their context ends with their time and
// not when the caller leaves: most vendors never send again. One that goes on past
// its context is still counted as running, up to [Config.MaxRunning], and its event
// is under way until it returns.
//
// # The same event twice
//
// An event is known by the id that the gateway gave it, else by what the vendor
// repeats when it sends again. One that comes while the first is under way waits for
// it and is answered alike; one that was handled is acknowledged, or gets the same
// verdict, without a handler. When a handler fails its event is forgotten, so that
// it is handled when it comes again. [Config.Seen] says where that is remembered: in
// this process, or in a store that several share. An event that nothing tells from
// another one like it is new each time.
//
// # Several events in one request
//
// They are handled in their order. The first that fails ends it and the whole
// request is refused, because no vendor reads an answer about single items; when it
// is sent again, those that were handled are passed over. A before-event comes
// alone.
//
// # What nobody handles
//
// An event without a handler is acknowledged, a before-event allowed; both are
// counted, and the log says so once of each type. Handle "**" to do otherwise.
package receiver
