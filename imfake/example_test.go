package imfake_test

import (
	"context"
	"fmt"

	"github.com/imhook/imhook/dialect/wildfirechat"
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/imfake"
)

// A WildfireChat server tells a backend that is down for a moment.
func Example() {
	ctx := context.Background()
	backend := imfake.NewBackend(wildfirechat.New())
	defer backend.Close()
	backend.Queue(imfake.Status(503), imfake.Reply{})

	server := imfake.NewServer(wildfirechat.New(), backend.URL(), imfake.ServerConfig{})
	defer server.Close()
	for range 2 {
		answer, err := server.Post(ctx, "message", imfake.Set("payload.type", 1), imfake.Set("payload.searchableContent", "good morning"))
		fmt.Println(answer.Response.Status, answer.Accepted(), answer.Taken, err)
	}
	for _, r := range backend.Received() {
		fmt.Println(r.N, r.Request.Path, r.Events[0].Message.Text)
	}
	// Output:
	// 503 false true <nil>
	// 200 true true <nil>
	// 1 /im_event/message good morning
	// 2 /im_event/message good morning
}

// A load says what was answered 2xx; the tally at the other end says what of it
// arrived, and whether in order.
func ExampleServer_Start() {
	ctx := context.Background()
	sink := imfake.NewSink()
	defer sink.Close()
	server := imfake.NewServer(wildfirechat.New(), sink.URL(), imfake.ServerConfig{})
	defer server.Close()

	run := server.Start(ctx, imfake.Load{Lanes: 10, Count: 100})
	fmt.Println(run.Wait())
	fmt.Println(len(run.Accepted()), sink.Tally().Distinct(), sink.Tally().Check(run.Accepted()))
	// Output:
	// <nil>
	// 100 100 <nil>
}

// A server asks before it sends, and does with the answer what the vendor's does.
func ExampleServer_Ask() {
	ctx := context.Background()
	backend := imfake.NewBackend(wildfirechat.New())
	defer backend.Close()
	backend.Queue(imfake.Verdict(event.Verdict{Action: event.Deny}), imfake.Status(503))

	server := imfake.NewServer(wildfirechat.New(), backend.URL(), imfake.ServerConfig{})
	defer server.Close()
	for range 2 {
		j, err := server.Ask(ctx, "censor")
		fmt.Println(j.Effect, j.Failed, err)
	}
	// Output:
	// refused  <nil>
	// passed status 503 is neither 200 nor 403 <nil>
}
