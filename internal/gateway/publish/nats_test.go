package publish_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/egress"
	"github.com/imhook/imhook/internal/gateway"
	"github.com/imhook/imhook/internal/gateway/publish"
	"github.com/imhook/imhook/internal/natstest"
)

func newNATS(tb testing.TB, url string, change func(*publish.NATSConfig)) *publish.NATS {
	tb.Helper()
	cfg := publish.NATSConfig{
		Voice: voice(tb), URL: url, Subject: "im.{app}.{type}", Egress: egress.Policy{AllowPrivate: true}, Timeout: 20 * time.Second, Log: discard(),
	}
	if change != nil {
		change(&cfg)
	}
	n := publish.NewNATS(cfg)
	tb.Cleanup(n.Close)
	return n
}

// stream makes one that takes everything below im.
func stream(tb testing.TB, url string, opts ...nats.Option) jetstream.Stream {
	tb.Helper()
	nc, err := nats.Connect(url, opts...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		tb.Fatal(err)
	}
	s, err := js.CreateStream(tb.Context(), jetstream.StreamConfig{Name: "im", Subjects: []string{"im.>"}})
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func TestNATS_StreamHasEachEventOnce(t *testing.T) {
	t.Parallel()
	server := natstest.Server(t)
	s := stream(t, server.URL())
	n := newNATS(t, server.URL(), nil)
	for range 2 { // the second time is an attempt whose answer was lost
		for i := range 3 {
			wantOutcome(t, n.Send(t.Context(), message(fmt.Sprintf("e%d", i), "g", "早"), 0), gateway.Delivered, gateway.ReasonNone)
		}
	}
	info, err := s.Info(t.Context())
	if err != nil || info.State.Msgs != 3 {
		t.Fatalf("the stream has %+v (%v), want 3 messages", info, err)
	}
	for i := range 3 {
		m, err := s.GetMsg(t.Context(), uint64(i+1))
		if err != nil {
			t.Fatal(err)
		}
		var ev said
		if err := json.Unmarshal(m.Data, &ev); err != nil {
			t.Fatal(err)
		}
		if ev.ID != fmt.Sprintf("e%d", i) || ev.Type != "im.message.send" || ev.Data.Message.Text != "早" ||
			m.Subject != "im.shop.message.send" || m.Header.Get("Content-Type") != "application/cloudevents+json" {
			t.Errorf("message %d on %s with %v: %s", i+1, m.Subject, m.Header, m.Data)
		}
	}
}

func TestNATS_FailuresHaveTheirReasons(t *testing.T) {
	t.Parallel()
	small := natstest.Server(t, natstest.MaxPayload(1<<10))
	stream(t, small.URL())
	closed := natstest.Server(t, natstest.Password("u", "right"))
	tests := []struct {
		name   string
		url    string
		change func(*publish.NATSConfig)
		event  *event.Event
		kind   gateway.OutcomeKind
		reason gateway.Reason
	}{
		{name: "no stream", url: small.URL(), change: func(c *publish.NATSConfig) { c.Subject = "elsewhere" }, kind: gateway.Misconfigured, reason: gateway.ReasonAbsent},
		{name: "too long", url: small.URL(), event: message("e", "g", string(make([]byte, 2<<10))), kind: gateway.Refused, reason: gateway.ReasonTooLong},
		{name: "nobody there", url: "nats://127.0.0.1:1", kind: gateway.Retry, reason: gateway.ReasonConnect},
		{name: "no such host", url: "nats://nats.invalid:4222", kind: gateway.Retry, reason: gateway.ReasonDNS},
		{name: "wrong password", url: closed.URL(), change: func(c *publish.NATSConfig) { c.User, c.Password = "u", "wrong" }, kind: gateway.Misconfigured, reason: gateway.ReasonDenied},
		{name: "metadata service", url: "nats://169.254.169.254:4222", kind: gateway.Misconfigured, reason: gateway.ReasonEgress},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ev := tt.event
			if ev == nil {
				ev = message("e1", "g", "x")
			}
			out := newNATS(t, tt.url, tt.change).Send(t.Context(), ev, 0)
			wantOutcome(t, out, tt.kind, tt.reason)
			t.Log(out.Detail)
		})
	}
}

func TestNATS_FindsTheServerAgain(t *testing.T) {
	t.Parallel()
	server := natstest.Server(t)
	stream(t, server.URL(), nats.MaxReconnects(-1))
	n := newNATS(t, server.URL(), func(c *publish.NATSConfig) { c.Timeout = 2 * time.Second })
	wantOutcome(t, n.Send(t.Context(), message("e1", "g", "x"), 0), gateway.Delivered, gateway.ReasonNone)
	server.Stop()
	if out := n.Send(t.Context(), message("e2", "g", "x"), 0); out.Kind != gateway.Retry {
		t.Errorf("outcome %s (%s) while the server is away, want retry", out.Kind, out.Detail)
	}
	server.Start()
	deadline := time.Now().Add(time.Minute)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		out := n.Send(t.Context(), message("e2", "g", "x"), 0)
		if out.Kind == gateway.Delivered {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("still %s (%s) a minute after the server came back", out.Kind, out.Detail)
		}
		<-tick.C
	}
}

func TestNATS_CancelledSaysNothingAboutTheServer(t *testing.T) {
	t.Parallel()
	n := newNATS(t, "nats://127.0.0.1:1", nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	wantOutcome(t, n.Send(ctx, message("e1", "g", "x"), 0), gateway.Retry, gateway.ReasonCancelled)
}

func TestVoice_LeavesOutWhatHTTPWould(t *testing.T) {
	t.Parallel()
	n := newNATS(t, "nats://127.0.0.1:1", nil)
	unknown := message("e1", "g", "x")
	unknown.Type = event.VendorUnknown
	if out := n.Send(t.Context(), unknown, 0); out.Kind != gateway.Untranslatable || out.Detail == "" {
		t.Errorf("an unknown command is %s %q, want untranslatable", out.Kind, out.Detail)
	}
	echo := message("e1", "g", "x")
	echo.Echo = true
	if out := n.Send(t.Context(), echo, 0); out.Kind != gateway.Echoed {
		t.Errorf("an echo is %s, want %s", out.Kind, gateway.Echoed)
	}
}

// A stream drops what has the id of another message, whatever subject that is on.
func TestNATS_StreamOfTwoSubjectsHasTheEventOnBoth(t *testing.T) {
	t.Parallel()
	server := natstest.Server(t)
	s := stream(t, server.URL())
	one := newNATS(t, server.URL(), func(c *publish.NATSConfig) { c.Subject = "im.one" })
	two := newNATS(t, server.URL(), func(c *publish.NATSConfig) { c.Subject = "im.two.{type}" })
	for range 2 {
		wantOutcome(t, one.Send(t.Context(), message("e1", "g", "x"), 0), gateway.Delivered, gateway.ReasonNone)
		wantOutcome(t, two.Send(t.Context(), message("e1", "g", "x"), 0), gateway.Delivered, gateway.ReasonNone)
	}
	info, err := s.Info(t.Context())
	if err != nil || info.State.Msgs != 2 {
		t.Errorf("the stream has %d messages (%v), want one on each subject", info.State.Msgs, err)
	}
}

// Somebody wants it once more.
func TestNATS_StreamTakesWhatIsReplayed(t *testing.T) {
	t.Parallel()
	server := natstest.Server(t)
	s := stream(t, server.URL())
	n := newNATS(t, server.URL(), nil)
	ev := message("e1", "g", "x")
	wantOutcome(t, n.Send(t.Context(), ev, 0), gateway.Delivered, gateway.ReasonNone)
	for range 2 {
		again := *ev
		again.Repeat = event.Replayed
		wantOutcome(t, n.Send(t.Context(), &again, 0), gateway.Delivered, gateway.ReasonNone)
	}
	info, err := s.Info(t.Context())
	if err != nil || info.State.Msgs != 3 {
		t.Errorf("the stream has %d messages (%v), want 3", info.State.Msgs, err)
	}
}
