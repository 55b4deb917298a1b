package client

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/imhook/imhook/event"
)

// What is told is what the gateway reads.
func TestTell_ArrivesAsItWas(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 20, 8, 0, 0, 123000000, time.UTC)
	direct := event.Direct("bob", "al|ice")
	muted := true
	for _, ev := range []*event.Event{
		{
			ID: "1", Type: event.MessageSend, Time: at, Actor: &event.Actor{ID: "bob", Platform: "ios"}, Conversation: &direct,
			Message: &event.Message{ID: "m1", Kind: event.Text, Text: "hi 你好 <&>", Mentions: &event.Mentions{Users: []string{"x"}}},
			Links:   []string{"msg:m1"}, Trace: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
		},
		{
			ID: "2", Type: event.GroupMemberJoin, Time: at, Actor: &event.Actor{ID: "bob"},
			Conversation: &event.Conversation{Kind: event.KindGroup, ID: "g1"}, Group: &event.Group{ID: "g1", Muted: &muted},
			Members: []event.Member{{ID: "carol", Role: "admin"}, {ID: "dave"}},
		},
		{ID: "3", Type: event.UserOnline, Time: at, Actor: &event.Actor{ID: "bob"}, User: &event.User{ID: "bob"}, Presence: &event.Presence{Client: "c1"}},
		{ID: "4", Type: event.VendorUnknown, Time: at, Vendor: jsontext.Value(`{"mood":"fine"}`)},
		{ID: "5", Type: event.ChatroomSuperPromote, Time: at, Members: []event.Member{{ID: "eve"}}},
	} {
		g := newGateway(t)
		c, _ := newClient(t, g, nil)
		want := *ev
		if err := c.Tell(t.Context(), ev); err != nil {
			t.Fatalf("%s: %v", want.Type, err)
		}
		if len(g.events) != 1 {
			t.Fatalf("%s: the gateway has %d events", want.Type, len(g.events))
		}
		want.Phase, want.Dialect, want.Command = event.After, "cloudevents", string(want.Type)
		ignore := cmpopts.IgnoreFields(event.Event{}, "Raw", "Dedupe", "Lane")
		if diff := cmp.Diff(&want, g.events[0], ignore); diff != "" {
			t.Errorf("%s (-told +arrived):\n%s", want.Type, diff)
		}
		if p := g.seen()[0]; p.header.Get("User-Agent") != "imhook-client" || p.header.Get("Content-Type") != eventType {
			t.Errorf("header = %v", p.header)
		}
		if s := c.Stats(); s.Sent != 1 || s.Spooled != 0 {
			t.Errorf("stats = %+v", s)
		}
	}
}

func TestTell_PutsInWhatIsMissing(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	c, _ := newClient(t, g, nil)
	ev := message("")
	g.answers(status(503))
	if err := c.Tell(t.Context(), ev); !errors.Is(err, ErrUnavailable) {
		t.Fatalf("Tell = %v, want ErrUnavailable", err)
	}
	if len(ev.ID) != 26 || time.Since(ev.Time).Abs() > time.Minute {
		t.Errorf("event = %+v", ev)
	}
	g.answers(nil)
	if err := c.Tell(t.Context(), ev); err != nil {
		t.Fatal(err)
	}
	posts := g.seen()
	if diff := cmp.Diff(posts[0].ids, posts[1].ids); diff != "" || posts[0].ids[0] != ev.ID {
		t.Errorf("ids of two attempts: %v, %v", posts[0].ids, posts[1].ids)
	}
	var source struct {
		Source string `json:"source"`
	}
	if err := json.Unmarshal(g.events[0].Raw.Body, &source); err != nil || source.Source != "/apps//sources/my-im" {
		t.Errorf("source = %q, %v", source.Source, err)
	}
}

func TestTell_RefusesWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	c, _ := newClient(t, g, nil)
	group := func() *event.Conversation { return &event.Conversation{Kind: event.KindGroup, ID: "g"} }
	text := &event.Message{Text: "x"}
	for want, ev := range map[string]*event.Event{
		"event is nil":                      nil,
		"event: type is missing":            {},
		`type "message.sent" is not in the`: {Type: "message.sent"},
		"phase is before: use Decide":       {Type: event.MessageSend, Phase: event.Before, Message: text, Conversation: group()},
		"message.modify is never after":     {Type: event.MessageModify, Message: text, Conversation: group()},
		"message is missing":                {Type: event.MessageSend, Conversation: group()},
		"conversation is missing: a messag": {Type: event.MessageSend, Message: text},
		"is missing: say which group":       {Type: event.GroupMemberJoin, Members: []event.Member{{ID: "x"}}},
		"say which chatroom":                {Type: event.ChatroomDestroy},
		"use event.Direct":                  {Type: event.MessageSend, Message: text, Conversation: &event.Conversation{Kind: event.KindDirect, ID: "alice"}},
		`data.conversation.kind: is "team"`: {Type: event.MessageSend, Message: text, Conversation: &event.Conversation{Kind: "team", ID: "t"}},
		"id: holds control characters":      {ID: "a\nb", Type: event.MessageSend, Message: text, Conversation: group()},
		"id: is longer than 512 bytes":      {ID: strings.Repeat("x", 513), Type: event.MessageSend, Message: text, Conversation: group()},
		"data.vendor: must be an object":    {Type: event.MessageSend, Message: text, Conversation: group(), Vendor: jsontext.Value(`[1]`)},
		"writing event":                     {Type: event.MessageSend, Message: text, Conversation: group(), Vendor: jsontext.Value(`{`)},
		"more than MaxEventBytes, 1048576":  {Type: event.MessageSend, Message: &event.Message{Text: strings.Repeat("x", 1<<20)}, Conversation: group()},
		"event 2 of 3 (alarm.rate)":         {Type: event.AlarmRate, Phase: event.Before},
	} {
		evs := []*event.Event{ev}
		if strings.HasPrefix(want, "event 2") {
			evs = []*event.Event{message("a"), ev, message("b")}
		}
		err := c.Tell(t.Context(), evs...)
		if !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("Tell = %v, want ErrInvalid with %q", err, want)
		}
	}
	if n := len(g.seen()); n != 0 {
		t.Errorf("%d requests were sent, want none", n)
	}
	// Written by hand, in short.
	err := c.Tell(t.Context(), &event.Event{
		Type: event.MessageSend, Message: &event.Message{Text: "x"},
		Actor: &event.Actor{ID: "bob"}, Conversation: &event.Conversation{Kind: event.KindDirect, ID: "alice"},
	})
	if err != nil || g.events[0].Lane != "direct:alice|bob" {
		t.Errorf("Tell = %v, lane %q", err, g.events[0].Lane)
	}
}

func TestTell_KeepsOrderThroughAnOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(t)
		c, log := newClient(t, g, func(cfg *Config) { cfg.Spool.Dir = t.TempDir() })
		tell(t, c, "a", "b")
		g.answers(status(503))
		tell(t, c, "c", "d")
		synctest.Wait()
		if s := c.Stats(); s.Waiting != 2 || s.WaitingBytes == 0 || !s.Failing || !errors.Is(s.LastError, ErrUnavailable) || s.Spooled != 2 || s.Sent != 2 {
			t.Errorf("stats in the outage = %+v", s)
		}
		wait(10 * time.Second)
		if age := c.Stats().OldestAge; age < 10*time.Second || age > 11*time.Second {
			t.Errorf("oldest age = %s, want 10s", age)
		}
		g.answers(nil)
		tell(t, c, "e") // goes behind the others
		wait(time.Minute)
		tell(t, c, "f")
		if diff := cmp.Diff([]string{"a", "b", "c", "d", "e", "f"}, g.kept()); diff != "" {
			t.Errorf("order (-want +got):\n%s", diff)
		}
		if s := c.Stats(); s.Waiting != 0 || s.Failing || s.Sent != 6 || s.OldestAge != 0 || s.LastError == nil {
			t.Errorf("stats afterwards = %+v", s)
		}
		for _, want := range []string{"events cannot be sent: they stay in the spool", "it answered 503: no: 503", "takes events again"} {
			if n := strings.Count(log.String(), want); n != 1 {
				t.Errorf("the log says %q %d times, want once:\n%s", want, n, log)
			}
		}
	})
}
