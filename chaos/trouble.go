package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// trouble is something bad that lasts for a while.
type trouble struct {
	name string
	// weight is how often it is picked, beside others.
	weight int
	// begin makes it, end undoes it; end may be nil. An error of either ends the
	// program, unless it is errMissed.
	begin func(ctx context.Context, r *rand.Rand) (end func(ctx context.Context) error, err error)
}

// errMissed says that trouble could not be made, because other trouble is under way.
var errMissed = errors.New("nobody was there")

// maker makes trouble of some kinds, one after the other.
type maker struct {
	about string
	// calm is the time between troubles, storm how long one lasts.
	calm, storm span
	kinds       []trouble
}

// trouble lets all makers go on for as long as the settings say. What they did is
// undone when it returns.
func (w *world) trouble(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	over := make(chan struct{})
	late := time.AfterFunc(w.cfg.For, func() { close(over) })
	defer late.Stop()
	var wg sync.WaitGroup
	for n, m := range w.makers() {
		wg.Go(func() {
			if err := w.make(ctx, over, m, w.dice(n)); err != nil {
				cancel(err)
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

// make makes trouble until it is over.
func (w *world) make(ctx context.Context, over <-chan struct{}, m maker, r *rand.Rand) error {
	var lots []int
	for i, k := range m.kinds {
		for range k.weight {
			lots = append(lots, i)
		}
	}
	for {
		// Drawn before anything happens, and as many times each round.
		calm, storm, kind, seed := m.calm.draw(r), m.storm.draw(r), m.kinds[lots[r.IntN(len(lots))]], r.Uint64()
		if !rest(ctx, over, calm) {
			return ctx.Err()
		}
		w.say("%s: %s for %v", m.about, kind.name, storm.Round(time.Millisecond))
		end, err := kind.begin(ctx, rand.New(rand.NewPCG(seed, 0)))
		switch {
		case errors.Is(err, errMissed):
			w.say("%s: %s: %v", m.about, kind.name, err)
			continue
		case err != nil:
			return fmt.Errorf("%s, %s: %w", m.about, kind.name, err)
		}
		w.count(kind.name)
		if end == nil {
			continue
		}
		rest(ctx, over, storm)
		if err := end(ctx); err != nil && !errors.Is(err, errMissed) {
			return fmt.Errorf("%s, after %s: %w", m.about, kind.name, err)
		}
		w.say("%s: %s is over", m.about, kind.name)
	}
}

// rest waits; false when there shall be no more trouble.
func rest(ctx context.Context, over <-chan struct{}, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-over:
	case <-ctx.Done():
	}
	return false
}
