package app

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/imhook/imhook/internal/config"
)

// reloadTimeout is how long a change waits for attempts in flight, at least.
const reloadTimeout = 30 * time.Second

// patience is how long a change waits for attempts in flight: as long as one of
// them may take. Less, and an endpoint that is slow enough would never change.
func patience(c *config.Config) time.Duration {
	longest := time.Duration(0)
	for _, app := range c.Apps {
		for _, e := range app.Endpoints {
			longest = max(longest, e.Timeout)
		}
	}
	if longest > math.MaxInt64-reloadTimeout {
		return longest
	}
	return longest + reloadTimeout
}

// Reload applies another configuration while the gateway runs, and returns what
// changed. It is applied whole, or refused whole with the reason while the one
// before goes on: a change that needs a restart refuses all. No event is lost or
// overtakes another; requests under way end with the source that they began with.
// What the API defined stays beside it. It is safe for concurrent use; changes are
// applied one after the other.
func (a *App) Reload(ctx context.Context, next *config.Config) ([]config.Change, error) {
	a.reloading.Lock()
	defer a.reloading.Unlock()
	return a.apply(ctx, next)
}

// apply is [App.Reload] for who holds reloading. base is the file's part.
func (a *App) apply(ctx context.Context, base *config.Config) ([]config.Change, error) {
	if a.in == nil {
		return nil, errors.New("the gateway does not run")
	}
	next, added := a.extended(ctx, base)
	changes, err := a.replace(ctx, next)
	if err != nil {
		return changes, err
	}
	a.base, a.followed = base, addedTo(added)
	if len(changes) > 0 {
		a.sayAside(ctx, added)
	}
	return changes, nil
}

// replace puts another configuration into force.
func (a *App) replace(ctx context.Context, next *config.Config) ([]config.Change, error) {
	changes := config.Diff(a.current.Load(), next)
	if err := needsRestart(changes); err != nil {
		return changes, err
	}
	if len(changes) == 0 {
		a.current.Store(next) // its files may be others
		return nil, nil
	}
	sources, err := a.sources(next)
	if err != nil {
		return changes, err
	}
	if err := a.in.Check(sources); err != nil {
		return changes, err
	}
	encrypt, err := a.reencrypt(next)
	if err != nil {
		return changes, err
	}
	panel, err := a.panel(next)
	if err != nil {
		return changes, err
	}
	plan, err := a.plan(next)
	if err != nil {
		panel.abandon()
		return changes, err
	}
	ctx, cancel := context.WithTimeout(ctx, patience(a.current.Load()))
	defer cancel()
	// Endpoints first: what a new source brings finds those that it is for.
	if err := a.deliver.follow(ctx, plan); err != nil {
		plan.abandon()
		panel.abandon()
		return changes, err
	}
	a.speakers = plan.speakers
	a.rulesNow.Store(plan.picks())
	if err := a.decide.Set(panel.hooks); err != nil {
		return changes, fmt.Errorf("setting hooks: %w", err) // the configuration is checked
	}
	a.retire(panel.askers)
	if err := a.in.Set(sources); err != nil {
		return changes, fmt.Errorf("setting sources: %w", err) // they were checked
	}
	encrypt()
	a.current.Store(next)
	a.listeners.look()
	return changes, nil
}

// needsRestart names the changes that cannot be made while the gateway runs.
func needsRestart(changes []config.Change) error {
	var keys []string
	for _, c := range changes {
		for _, k := range c.Keys {
			if k.Effect == config.EffectRestart {
				keys = append(keys, k.Key)
			}
		}
	}
	if len(keys) == 0 {
		return nil
	}
	return fmt.Errorf("%s cannot change while the gateway runs: restart it, or take that back; nothing was applied", strings.Join(keys, ", "))
}
