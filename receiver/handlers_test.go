package receiver_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/cloudevents"
	"github.com/imhook/imhook/dialect/openim"
	"github.com/imhook/imhook/dialect/tencent"
	"github.com/imhook/imhook/dialect/wildfirechat"
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/receiver"
)

func TestHandlers_NarrowestPatternHasTheEvent(t *testing.T) {
	t.Parallel()
	patterns := []event.Type{"**", "group.**", "group.member.*", event.GroupMemberJoin, "*.update", "user.*"}
	for range len(patterns) { // in any order
		patterns = append(patterns[1:], patterns[0])
		r := newRig(t, cloudevents.New(), nil)
		var got []event.Type
		for _, p := range patterns {
			r.On(p, func(context.Context, *event.Event) error { got = append(got, p); return nil })
		}
		for i, typ := range []event.Type{"group.member.join", "group.member.leave", "group.update", "user.update", "channel.update", "message.send"} {
			if w := r.post(r.sample(string(typ), uint64(i))); w.Code != 200 {
				t.Errorf("%s: %d %s", typ, w.Code, w.Body)
			}
		}
		want := []event.Type{event.GroupMemberJoin, "group.member.*", "group.**", "user.*", "*.update", "**"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%v: %s", patterns, diff)
		}
	}
}

func TestHandlers_MistakesPanicAtTheStart(t *testing.T) {
	t.Parallel()
	on := func(context.Context, *event.Event) error { return nil }
	before := func(context.Context, *event.Event) event.Verdict { return event.Allowed() }
	for want, do := range map[string]func(h *receiver.Handlers){
		`no after-event is of a type that "mesage.send"`: func(h *receiver.Handlers) { h.On("mesage.send", on) },
		`no before-event is of a type that "group.mute"`: func(h *receiver.Handlers) { h.Before(event.GroupMute, before) },
		`no after-event is of a type that "message.mo`:   func(h *receiver.Handlers) { h.On(event.MessageModify, on) },
		"stands for whole words only":                    func(h *receiver.Handlers) { h.On("message.se*", on) },
		`without "im." here`:                             func(h *receiver.Handlers) { h.On("im.message.send", on) },
		"it is empty":                                    func(h *receiver.Handlers) { h.On("", on) },
		`the handler of "**" is nil`:                     func(h *receiver.Handlers) { h.Before("**", nil) },
		`"message.send" has a handler of after-events`: func(h *receiver.Handlers) {
			h.OnMessage(func(context.Context, *event.Event, *event.Message) error { return nil })
			h.On(event.MessageSend, on)
		},
		`"**.**" has a handler`: func(h *receiver.Handlers) { h.On("**", on); h.On("**.**", on) },
	} {
		func() {
			defer func() {
				if p := fmt.Sprint(recover()); !strings.HasPrefix(p, "receiver: ") || !strings.Contains(p, want) {
					t.Errorf("panic %q, want %q", p, want)
				}
			}()
			do(new(receiver.Handlers))
		}()
	}
}

func TestHandlers_WithoutOneIsAcknowledgedAndSaidOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t, cloudevents.New(), nil)
	for i := range uint64(3) {
		if w := r.post(r.sample("group.mute", i)); w.Code != 200 {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
	if w := r.post(message(t, event.Before, "q")); w.Body.String() != `{"verdict":"allow"}` {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	r.want(receiver.Unhandled, receiver.Unhandled, receiver.Unhandled, receiver.Unhandled)
	for _, text := range []string{"events of this type have no handler: they are acknowledged", "questions of this type have no handler: they are allowed"} {
		if n := strings.Count(r.log.String(), text); n != 1 {
			t.Errorf("%q is said %d times: %s", text, n, r.log)
		}
	}
}

func TestHandlers_Typed(t *testing.T) {
	t.Parallel()
	var got []string
	say := func(format string, args ...any) { got = append(got, fmt.Sprintf(format, args...)) }
	var h receiver.Handlers
	h.OnMessage(func(_ context.Context, ev *event.Event, m *event.Message) error {
		say("%s %v", ev.Type, m.Text != "" || m.Kind != "")
		return nil
	})
	h.OnMembers(func(_ context.Context, ev *event.Event, members []event.Member) error {
		say("%s %v", ev.Type, len(members) > 0)
		return nil
	})
	h.OnPresence(func(_ context.Context, ev *event.Event, online bool, p *event.Presence) error {
		say("%s %v %v", ev.Type, online, p != nil)
		return nil
	})
	r := newRig(t, cloudevents.New(), func(c *receiver.Config) { c.Handlers = &h })
	for i, typ := range []string{"message.send", "group.member.kick", "user.online", "user.offline"} {
		if w := r.post(r.sample(typ, uint64(i))); w.Code != 200 {
			t.Errorf("%s: %d %s", typ, w.Code, w.Body)
		}
	}
	if diff := cmp.Diff([]string{"message.send true", "group.member.kick true", "user.online true true", "user.offline false true"}, got); diff != "" {
		t.Error(diff)
	}
}

// One set of handlers serves several vendors on one mux, each at its path, with and
// without the paths of their own that some append.
func TestMount_SeveralVendorsOnOneMux(t *testing.T) {
	t.Parallel()
	var h receiver.Handlers
	got := map[string]int{}
	h.On("**", func(_ context.Context, ev *event.Event) error { got[ev.Source]++; return nil })
	mux := http.NewServeMux()
	posts := map[string]dialect.Request{}
	for prefix, d := range map[string]dialect.Dialect{"/im/wfc": wildfirechat.New(), "/im/openim/": openim.New(), "/im/tencent": tencent.New(), "": cloudevents.New()} {
		r := newRig(t, d, func(c *receiver.Config) { c.Handlers = &h })
		r.Mount(mux, prefix)
		for _, command := range d.Spec().Commands {
			if command.Phase == event.After {
				posts[strings.TrimSuffix(prefix, "/")] = r.sample(command.Name, 1)
				break
			}
		}
	}
	for prefix, req := range posts {
		req.Path = prefix + req.Path
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httpRequest(req))
		if w.Code != 200 {
			t.Errorf("%s: %d %s", req.Path, w.Code, w.Body)
		}
	}
	if diff := cmp.Diff(map[string]int{"wildfirechat": 1, "openim": 1, "tencent": 1, "cloudevents": 1}, got); diff != "" {
		t.Error(diff)
	}
}
