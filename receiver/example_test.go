package receiver_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/imhook/imhook/dialect/cloudevents"
	"github.com/imhook/imhook/dialect/openim"
	"github.com/imhook/imhook/dialect/wildfirechat"
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/receiver"
)

// post is an IM server, or a gateway, that calls back.
func post(url, body string) {
	res, err := http.DefaultClient.Post(url, "application/json", strings.NewReader(body)) //nolint:forbidigo // an example's own server
	if err != nil {
		panic(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		panic(err)
	}
	fmt.Println(res.StatusCode, strings.TrimSpace(string(answer)))
}

// A backend that is told what happened: an event is acknowledged when its handler
// returned nil, and handled once however often it comes.
func Example() {
	rc, err := receiver.New(receiver.Config{Dialect: cloudevents.New()}) // and Secret: the endpoint's
	if err != nil {
		panic(err)
	}
	rc.OnMessage(func(_ context.Context, ev *event.Event, m *event.Message) error {
		fmt.Printf("%s said %q in %s\n", ev.Actor.ID, m.Text, ev.Conversation.ID)
		return nil
	})
	rc.On("group.**", func(_ context.Context, ev *event.Event) error {
		fmt.Println(ev.Type)
		return nil
	})
	server := httptest.NewServer(rc) // in production an http.Server with its time-outs
	defer server.Close()

	hello := `{"specversion":"1.0","id":"m-1","source":"/my-im","type":"im.message.send","data":
		{"actor":{"id":"alice"},"conversation":{"kind":"group","id":"g1"},"message":{"id":"1001","text":"hello"}}}`
	post(server.URL, hello)
	post(server.URL, hello) // the answer was lost: it comes again
	post(server.URL, `{"specversion":"1.0","id":"g-1","source":"/my-im","type":"im.group.mute","data":{"conversation":{"kind":"group","id":"g1"}}}`)
	// Output:
	// alice said "hello" in g1
	// 200 {"accepted":1}
	// 200 {"accepted":1}
	// group.mute
	// 200 {"accepted":1}
}

// A moderator: it is asked before a message is delivered. As a hook of a gateway it
// speaks CloudEvents, and the gateway tells each server in its own words; with
// another Dialect it answers a vendor's server itself.
func ExampleHandlers_BeforeMessage() {
	rc, err := receiver.New(receiver.Config{
		Dialect:   cloudevents.New(),
		Deadline:  400 * time.Millisecond,
		OnFailure: event.Verdict{Action: event.Deny, Reason: "try again later"}, // nobody could tell in time
		Log:       slog.New(slog.DiscardHandler),
	})
	if err != nil {
		panic(err)
	}
	rc.BeforeMessage(func(ctx context.Context, _ *event.Event, m *event.Message) event.Verdict {
		switch {
		case strings.Contains(m.Text, "blast"):
			return event.Verdict{Action: event.Deny, Code: 38001, Reason: "mind your tongue"}
		case strings.Contains(m.Text, "0123"):
			m.Text = strings.ReplaceAll(m.Text, "0123", "****")
			return event.Verdict{Action: event.Rewrite, Changes: &event.Changes{Message: m}}
		case m.Text == "a riddle":
			<-ctx.Done() // a model thinks
			return event.Verdict{}
		}
		return event.Allowed()
	})
	server := httptest.NewServer(rc)
	defer server.Close()

	for i, text := range []string{"good morning", "blast it", "call 0123", "a riddle"} {
		post(server.URL, fmt.Sprintf(`{"specversion":"1.0","id":"q-%d","source":"/my-im","type":"im.message.send","imphase":"before","data":
			{"actor":{"id":"alice"},"conversation":{"kind":"group","id":"g1"},"message":{"text":%q}}}`, i, text))
	}
	// Output:
	// 200 {"verdict":"allow"}
	// 200 {"verdict":"deny","code":38001,"reason":"mind your tongue"}
	// 200 {"verdict":"rewrite","rewrite":{"message":{"kind":"text","text":"call ****"}}}
	// 200 {"verdict":"deny","reason":"try again later"}
}

// The same handlers for the servers of several vendors, each below its own path.
func ExampleReceiver_Mount() {
	var app receiver.Handlers
	app.OnPresence(func(_ context.Context, ev *event.Event, online bool, _ *event.Presence) error {
		fmt.Printf("%s online=%v, says %s\n", ev.Actor.ID, online, ev.Source)
		return nil
	})
	mux := http.NewServeMux()
	for path, cfg := range map[string]receiver.Config{
		"/im/openim": {Dialect: openim.New(), Handlers: &app},
		"/im/wfc":    {Dialect: wildfirechat.New(), Handlers: &app, Name: "chat.example.com"},
	} {
		rc, err := receiver.New(cfg)
		if err != nil {
			panic(err)
		}
		rc.Mount(mux, path)
	}
	server := httptest.NewServer(mux)
	defer server.Close()

	post(server.URL+"/im/openim/callbackAfterUserOnlineCommand", `{"callbackCommand":"callbackAfterUserOnlineCommand","platformID":1,"userID":"alice","seq":1795200000000,"connID":"c1"}`)
	post(server.URL+"/im/wfc/im_event/user/online", `{"userId":"bob","clientId":"d1","platform":1,"status":0,"timestamp":1795200000000}`)
	// Output:
	// alice online=true, says openim
	// 200 {"actionCode":0,"errCode":0,"errMsg":"","errDlt":"","nextCode":0}
	// bob online=true, says chat.example.com
	// 200 ok
}

// An error of a handler has the event sent again; the caller is told an id that
// stands in the log.
func ExampleErrRejected() {
	rc, err := receiver.New(receiver.Config{
		Dialect: cloudevents.New(),
		Log:     slog.New(slog.DiscardHandler),
		Observe: func(o receiver.Outcome) { fmt.Println(o.Result, o.Err) },
	})
	if err != nil {
		panic(err)
	}
	rc.On("**", func(_ context.Context, ev *event.Event) error {
		return fmt.Errorf("%w: no shop is called %s", receiver.ErrRejected, ev.Actor.ID)
	})
	w := httptest.NewRecorder()
	rc.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", strings.NewReader(
		`{"specversion":"1.0","id":"u-1","source":"/my-im","type":"im.user.online","data":{"actor":{"id":"alice"}}}`)))
	fmt.Println(w.Code)
	// Output:
	// rejected event is rejected for good: no shop is called alice
	// 422
}
