package client_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"

	"github.com/imhook/imhook/client"
	"github.com/imhook/imhook/event"
)

// standIn is what the examples talk to in place of a gateway: it takes everything
// and denies messages that swear.
func standIn() *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body strings.Builder
		_ = r.Write(&body)
		switch {
		case !strings.Contains(body.String(), `"imphase":"before"`):
			fmt.Fprint(w, `{"accepted":1}`)
		case strings.Contains(body.String(), "blast"):
			fmt.Fprint(w, `{"verdict":"deny","reason":"mind your tongue"}`)
		default:
			fmt.Fprint(w, `{"verdict":"allow"}`)
		}
	}))
}

// An IM server asks before it delivers a message, and tells afterwards.
func Example() {
	gateway := standIn()
	defer gateway.Close()
	dir, err := os.MkdirTemp("", "spool")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)

	im, err := client.New(client.Config{
		URL:   gateway.URL + "/in/my-im",
		Spool: client.Spool{Dir: dir},
	})
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	defer im.Close(ctx)

	for i, text := range []string{"good morning", "blast it"} {
		ev := &event.Event{
			Type:         event.MessageSend,
			Actor:        &event.Actor{ID: "alice"},
			Conversation: new(event.Direct("alice", "bob")),
			Message:      &event.Message{Text: text},
		}
		verdict, err := im.Decide(ctx, ev)
		if err != nil {
			slog.Warn("nobody decided", "err", err) // and verdict is Config.OnDecideError's
		}
		if verdict.Action != event.Allow {
			fmt.Printf("%s: %s\n", verdict.Action, verdict.Reason)
			continue
		}
		// … the IM server delivers it and gives it an id …
		ev.Message.ID = fmt.Sprint("m", i)
		fmt.Println("told:", im.Tell(ctx, ev))
	}
	// Output:
	// told: <nil>
	// deny: mind your tongue
}

// While the gateway is away, events wait on disk; a new process sends them.
func ExampleClient_Tell() {
	dir, err := os.MkdirTemp("", "spool")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	gateway := standIn()
	url := gateway.URL + "/in/my-im"
	gateway.Close() // nobody is there

	im, err := client.New(client.Config{URL: url, Spool: client.Spool{Dir: dir}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	fmt.Println("told:", im.Tell(ctx, &event.Event{
		Type:         event.GroupMemberJoin,
		Conversation: &event.Conversation{Kind: event.KindGroup, ID: "g1"},
		Members:      []event.Member{{ID: "carol"}},
	}))
	fmt.Println("waiting:", im.Stats().Waiting)
	fmt.Println("closed:", im.Close(ctx))

	gateway = standIn()
	defer gateway.Close()
	im, err = client.New(client.Config{URL: gateway.URL + "/in/my-im", Spool: client.Spool{Dir: dir}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		panic(err)
	}
	fmt.Println("closed:", im.Close(ctx), "waiting:", im.Stats().Waiting, "sent:", im.Stats().Sent)
	// Output:
	// told: <nil>
	// waiting: 1
	// closed: <nil>
	// closed: <nil> waiting: 0 sent: 1
}

// An error says whose turn it is: a refused or invalid event is the IM server's
// to mend, everything else the operator's.
func ExampleRefusedError() {
	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"error":{"status":400,"message":"an id is missing"}}`)
	}))
	defer gateway.Close()
	im, err := client.New(client.Config{URL: gateway.URL + "/in/my-im", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	defer im.Close(ctx)

	err = im.Tell(ctx, &event.Event{ID: "1", Type: event.UserOnline, Actor: &event.Actor{ID: "alice"}})
	if refused, ok := errors.AsType[*client.RefusedError](err); ok {
		for _, r := range refused.Refused {
			fmt.Println(r.ID, r.Event.Type, r.Status, r.Reason)
		}
	}
	err = im.Tell(ctx, &event.Event{Type: event.MessageSend, Message: &event.Message{Text: "hello"}})
	fmt.Println(errors.Is(err, client.ErrInvalid), err)
	// Output:
	// 1 user.online 400 an id is missing
	// true invalid event: event (message.send): conversation is missing: a message is in one, and its events are in order there
}
