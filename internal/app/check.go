package app

import (
	"context"
	"fmt"
	"time"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/admin"
	"github.com/imhook/imhook/internal/config"
	"github.com/imhook/imhook/internal/gateway"
	"github.com/imhook/imhook/internal/gateway/deliver"
	"github.com/imhook/imhook/internal/sample"
)

// deliveries shows deliver's endpoints to checks.
type deliveries struct{ d *deliver.Deliverer }

// Picks returns the endpoints that get ev.
func (s deliveries) Picks(ev *event.Event) []string { return s.d.Picks(ev) }

// Watch sees attempts.
func (s deliveries) Watch(pick func(*event.Event) bool) admin.Watch { return s.d.Watch(pick) }

// maxAsk bounds how long a check waits for a hook.
const maxAsk = 10 * time.Second

// askHook asks a hook whether a user whom nobody knows may write to himself. The
// question goes by its breaker and its cache: somebody wants to know how it is now.
func (a *App) askHook(ctx context.Context, app, name string) (answer admin.HookAnswer) {
	h := a.current.Load().Hook(app, name)
	s := (*a.askers.Load())[app+"/"+name]
	if h == nil || s == nil {
		return admin.HookAnswer{Why: "it is disabled"}
	}
	answer.Timeout = h.Timeout.Seconds()
	ev, why := a.harmlessQuestion(app, h)
	if answer.Why = why; why != "" {
		return answer
	}
	begin := time.Now()
	// Longer than it has: that it answers, and too late, is worth more than a time-out.
	r := s.Ask(ctx, gateway.Question{Event: ev, Changed: true, Deadline: begin.Add(min(4*h.Timeout, max(h.Timeout, maxAsk)))})
	answer.Asked, answer.Seconds = true, time.Since(begin).Seconds()
	answer.Cause, answer.Reason, answer.Detail, answer.Status = r.Cause, r.Reason, r.Detail, r.Status
	if r.Cause == gateway.CauseHook {
		answer.Verdict = r.Verdict.Action
	}
	return answer
}

// reach connects to an endpoint as an attempt would, by a sender of its own: neither the
// endpoint's connections nor what is known of its health have a part in it.
func (a *App) reach(ctx context.Context, app, name string) (admin.Reached, error) {
	now := a.current.Load()
	for _, one := range now.Apps {
		if one.Name != app {
			continue
		}
		for _, e := range one.Endpoints {
			if e.Name != name {
				continue
			}
			if e.URL == "" {
				return admin.Reached{}, nil
			}
			s, err := a.speaker(app, e, now.Calls(e.FromAPI))
			if err != nil {
				return admin.Reached{}, err
			}
			defer s.release()
			able, ok := s.sender.(interface {
				Reach(ctx context.Context) gateway.Outcome
			})
			if !ok {
				return admin.Reached{}, nil
			}
			out := able.Reach(ctx)
			return admin.Reached{
				Tried: true, OK: out.Kind == gateway.Delivered, Reason: out.Reason, Detail: out.Detail, Seconds: out.Took.Seconds(),
			}, nil
		}
	}
	return admin.Reached{}, gateway.ErrNoEndpoint
}

// harmlessQuestion is a message that nobody sent, as it would come from the first
// source that the hook is asked about; or else why the hook is not asked about any.
func (a *App) harmlessQuestion(app string, h *config.Hook) (ev *event.Event, why string) {
	m, err := a.rules.hook(app, *h)
	if err != nil {
		return nil, err.Error()
	}
	now, with := a.cfg.Now().UTC().Truncate(time.Millisecond), event.Direct(sample.TestUser, sample.TestUser)
	for _, one := range a.current.Load().Apps {
		if one.Name != app {
			continue
		}
		for _, s := range one.Sources {
			ev := &event.Event{
				ID: event.NewID(), App: app, Source: s.Name, Type: event.MessageSend, Phase: event.Before, Time: now,
				Dialect: s.Dialect, Lane: with.Lane(), Actor: &event.Actor{ID: sample.TestUser}, Conversation: &with,
				Message: &event.Message{ID: event.NewID(), Kind: event.Text, Text: "imhook doctor asks whether this hook answers"},
			}
			if m.Match(ev) {
				return ev, ""
			}
		}
	}
	return nil, fmt.Sprintf("its rule does not pick a text from %s to himself", sample.TestUser)
}
