package publish_test

import (
	"log/slog"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/imhook/imhook/dialect/builtin"
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
	"github.com/imhook/imhook/internal/gateway/publish"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// The server of the tests lets go of its own some moments after it stopped.
		goleak.IgnoreAnyFunction("github.com/nats-io/nats-server/v2/server.(*Server).startGoRoutine.func1"))
}

var at = time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)

func voice(tb testing.TB) publish.Voice {
	tb.Helper()
	r := builtin.New()
	ce, err := r.Get("cloudevents")
	if err != nil {
		tb.Fatal(err)
	}
	return publish.Voice{CloudEvents: ce, Registry: r, Now: time.Now}
}

// message is a text in a group, as an IM server tells it.
func message(id, group, text string) *event.Event {
	return &event.Event{
		ID: id, App: "shop", Source: "im", Type: event.MessageSend, Phase: event.After, Time: at, Dialect: "wildfirechat", Command: "message",
		Lane:         event.Lane("group:" + group),
		Actor:        &event.Actor{ID: "u1"},
		Conversation: &event.Conversation{Kind: event.KindGroup, ID: group},
		Message:      &event.Message{ID: "m-" + id, Kind: event.Text, Text: text},
	}
}

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

// wantOutcome fails unless the attempt ended that way, and says so in words.
func wantOutcome(tb testing.TB, out gateway.Outcome, kind gateway.OutcomeKind, reason gateway.Reason) {
	tb.Helper()
	if out.Kind != kind || out.Reason != reason {
		tb.Errorf("outcome %s %s (%s), want %s %s", out.Kind, out.Reason, out.Detail, kind, reason)
	}
	if kind != gateway.Delivered && out.Detail == "" {
		tb.Error("nothing is said about the failure")
	}
}
