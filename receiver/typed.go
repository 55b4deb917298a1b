package receiver

import (
	"context"

	"github.com/imhook/imhook/event"
)

// OnMessage handles messages that were sent: message.send. The message is never nil.
func (h *Handlers) OnMessage(do func(ctx context.Context, ev *event.Event, m *event.Message) error) {
	h.On(event.MessageSend, func(ctx context.Context, ev *event.Event) error { return do(ctx, ev, body(&ev.Message)) })
}

// BeforeMessage decides about messages that are about to be sent: message.send. The
// message is never nil.
func (h *Handlers) BeforeMessage(do func(ctx context.Context, ev *event.Event, m *event.Message) event.Verdict) {
	h.Before(event.MessageSend, func(ctx context.Context, ev *event.Event) event.Verdict {
		return do(ctx, ev, body(&ev.Message))
	})
}

// OnMembers handles what happens to members of groups: group.member.**, of which
// ev.Type says which.
func (h *Handlers) OnMembers(do func(ctx context.Context, ev *event.Event, members []event.Member) error) {
	h.On("group.member.**", func(ctx context.Context, ev *event.Event) error { return do(ctx, ev, ev.Members) })
}

// OnPresence handles devices that came and went: user.online and user.offline. The
// presence is never nil.
func (h *Handlers) OnPresence(do func(ctx context.Context, ev *event.Event, online bool, p *event.Presence) error) {
	for _, t := range []event.Type{event.UserOnline, event.UserOffline} {
		h.On(t, func(ctx context.Context, ev *event.Event) error {
			return do(ctx, ev, ev.Type == event.UserOnline, body(&ev.Presence))
		})
	}
}

// body returns what *b points to, made where it is missing.
func body[T any](b **T) *T {
	if *b == nil {
		*b = new(T)
	}
	return *b
}
