package app

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/admin"
	"github.com/imhook/imhook/internal/config"
	"github.com/imhook/imhook/internal/gateway/deliver"
)

// compare says what would change if data were the configuration, and how many
// events that concerns. Nothing is changed.
func (a *App) compare(ctx context.Context, data []byte) (admin.Comparison, error) {
	if a.cfg.Parse == nil {
		return admin.Comparison{}, errors.New("this gateway cannot read configurations")
	}
	next, err := a.cfg.Parse(data)
	if err != nil {
		return admin.Comparison{}, err
	}
	next, _ = a.extended(ctx, next)
	return a.comparison(ctx, a.current.Load(), next)
}

// comparison says what would change from one configuration to another.
func (a *App) comparison(ctx context.Context, old, next *config.Config) (all admin.Comparison, err error) {
	for _, c := range config.Diff(old, next) {
		all.Changes = append(all.Changes, admin.Change{Change: c, Text: c.String(), Restart: c.Restart()})
	}
	say := func(id string, e admin.Effect, err error) error {
		if err != nil {
			return fmt.Errorf("counting the events of %s: %w", id, err)
		}
		e.Endpoint = id
		all.Effects = append(all.Effects, e)
		return nil
	}
	was, will := endpointsOf(old), endpointsOf(next)
	for _, o := range was {
		if find(will, o.id) != nil {
			continue
		}
		e, err := a.leaves(ctx, o, next.Journal.RetainAge)
		if err := say(o.id, e, err); err != nil {
			return all, err
		}
	}
	for _, n := range will {
		var e admin.Effect
		o := find(was, n.id)
		switch {
		case o == nil:
			e, err = a.enters(ctx, n)
		case picked(*o) != picked(n):
			e, err = a.picks(ctx, o, n)
		case !reflect.DeepEqual(spoken(o.Endpoint), spoken(n.Endpoint)):
			e, err = a.moves(ctx, n)
		default:
			continue
		}
		if err := say(n.id, e, err); err != nil {
			return all, err
		}
	}
	return all, nil
}

// owned is an endpoint with its app.
type owned struct {
	config.Endpoint
	id, app string
}

func endpointsOf(c *config.Config) []owned {
	var all []owned
	for _, app := range c.Apps {
		for _, e := range app.Endpoints {
			all = append(all, owned{e, app.Name + "/" + e.Name, app.Name})
		}
	}
	return all
}

// picked is the same for rules that pick the same.
func picked(o owned) string { return fmt.Sprintf("%q %q %q", o.Events, o.Sources, o.When) }

func find(all []owned, id string) *owned {
	for i := range all {
		if all[i].id == id {
			return &all[i]
		}
	}
	return nil
}

// leaves counts what an endpoint leaves behind.
func (a *App) leaves(ctx context.Context, o owned, kept time.Duration) (admin.Effect, error) {
	n, complete, err := a.deliver.Unfinished(ctx, o.id)
	return admin.Effect{
		Text:   fmt.Sprintf("is removed: %s unfinished, kept for %v in case it comes back under this name", events(n, complete), kept),
		Events: n, AtLeast: !complete,
	}, err
}

// enters counts what a new endpoint begins with.
func (a *App) enters(ctx context.Context, o owned) (admin.Effect, error) {
	for _, s := range a.deliver.Status(ctx) {
		if s.App == o.app && s.Name == o.Name && s.State == deliver.StateRemoved {
			n, complete, err := a.deliver.Unfinished(ctx, o.id)
			return admin.Effect{
				Text:   fmt.Sprintf("comes back and goes on where it was: %s unfinished, and what came since", events(n, complete)),
				Events: n, AtLeast: !complete,
			}, err
		}
	}
	m, err := a.rules.picks(o.app, o.Endpoint)
	if err != nil {
		return admin.Effect{}, err
	}
	from, err := a.deliver.StartPage(ctx, deliver.Endpoint{
		App: o.app, Name: o.Name, Start: start(o.Endpoint), MaxBacklogAge: o.BacklogAge, MaxBacklogBytes: o.BacklogBytes,
	})
	if err != nil {
		return admin.Effect{}, err
	}
	n, complete, err := a.deliver.Count(ctx, m.Match, from)
	begins := "now"
	switch {
	case o.Start.Beginning:
		begins = "at the beginning"
	case !o.Start.At.IsZero():
		begins = "at " + o.Start.At.UTC().Format(time.RFC3339)
	}
	return admin.Effect{
		Text:   fmt.Sprintf("is new and begins %s: %s of what is kept go to it", begins, events(n, complete)),
		Events: n, AtLeast: !complete,
	}, err
}

// picks counts what another rule adds and leaves out, among all that is kept.
func (a *App) picks(ctx context.Context, o *owned, n owned) (admin.Effect, error) {
	before, err := a.rules.picks(o.app, o.Endpoint)
	if err != nil {
		return admin.Effect{}, err
	}
	after, err := a.rules.picks(n.app, n.Endpoint)
	if err != nil {
		return admin.Effect{}, err
	}
	more, fewer := 0, 0
	_, complete, err := a.deliver.Count(ctx, func(ev *event.Event) bool {
		was, will := before.Match(ev), after.Match(ev)
		if will && !was {
			more++
		}
		if was && !will {
			fewer++
		}
		return was != will
	}, 0)
	return admin.Effect{
		Text: fmt.Sprintf("picks others from now on: of what is kept, its rule would add %s and leave out %s; what is unfinished stays",
			events(more, complete), events(fewer, complete)),
		Events: more + fewer, AtLeast: !complete,
	}, err
}

// moves counts what waits for an endpoint that is spoken to otherwise.
func (a *App) moves(ctx context.Context, o owned) (admin.Effect, error) {
	n, complete, err := a.deliver.Unfinished(ctx, o.id)
	return admin.Effect{
		Text:   fmt.Sprintf("is spoken to otherwise: %s unfinished, which go the new way", events(n, complete)),
		Events: n, AtLeast: !complete,
	}, err
}

func events(n int, complete bool) string {
	text := fmt.Sprintf("%d events", n)
	if n == 1 {
		text = "1 event"
	}
	if !complete {
		text = "at least " + text
	}
	return text
}
