package history

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// bound drops the oldest segments past the bounds.
func (f *feeder) bound(ctx context.Context) error {
	oldest := f.h.cfg.Now().Add(-f.h.cfg.Age).UnixMilli()
	for {
		all, sum, err := f.sizes(ctx)
		if err != nil {
			return err
		}
		if len(all) < 2 {
			return nil
		}
		_, hi, ok := all[0].times()
		if sum <= f.h.cfg.Bytes && ok && hi >= oldest {
			return nil
		}
		if err := f.h.drop(ctx, all[0]); err != nil {
			return err
		}
	}
}

// sizes are the segments, and how much room they take together.
func (f *feeder) sizes(ctx context.Context) (all []*segment, sum int64, err error) {
	f.h.mu.RLock()
	all = f.h.segments
	f.h.mu.RUnlock()
	for _, s := range all {
		n, err := f.store.bytes(ctx, s)
		if err != nil {
			return nil, 0, err
		}
		sum += n
	}
	f.h.mu.Lock()
	f.h.feeding.bytes = sum
	f.h.mu.Unlock()
	return all, sum, nil
}

// room makes sure that what is written leaves the journal its disk: the history leaves
// first, and writes nothing when that does not help.
func (f *feeder) room(ctx context.Context) error {
	if f.h.cfg.Room == nil || !f.store.local() {
		return nil
	}
	for {
		avail, reserve, err := f.h.cfg.Room()
		if err != nil {
			return err
		}
		// Half more than what is kept free for the journal, which is what it refuses at.
		least := reserve + reserve/2
		if avail >= least {
			return nil
		}
		f.h.mu.RLock()
		all := f.h.segments
		f.h.mu.RUnlock()
		if len(all) < 2 {
			return fmt.Errorf("%w: %s has %s left, and %s are left to the journal", errNoRoom, f.h.cfg.Dir, size(avail), size(least))
		}
		f.h.cfg.Log.Warn("the oldest part of the history leaves: the journal needs the disk", "left", size(avail))
		if err := f.h.drop(ctx, all[0]); err != nil {
			return err
		}
	}
}

// drop takes a segment away, when nobody reads it any more.
func (h *History) drop(ctx context.Context, s *segment) error {
	h.using.Lock()
	defer h.using.Unlock()
	h.mu.Lock()
	h.segments = slices.DeleteFunc(slices.Clone(h.segments), func(o *segment) bool { return o == s })
	h.mu.Unlock()
	return h.store.drop(ctx, s)
}

// startAnew drops all that is kept, so that the next session begins at the beginning of
// what others keep.
func (f *feeder) startAnew(ctx context.Context) error {
	if f.w != nil {
		if err := f.w.close(); err != nil {
			return err
		}
		f.w = nil
	}
	f.h.mu.RLock()
	all := f.h.segments
	f.h.mu.RUnlock()
	if err := f.store.forget(ctx); err != nil {
		return err
	}
	for _, s := range slices.Backward(all) {
		if err := f.h.drop(ctx, s); err != nil {
			return err
		}
	}
	return errRebuild
}

// size is n in the unit that a person would choose.
func size(n int64) string {
	switch {
	case n < 1<<20:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	case n < 1<<30:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
}

// since is how long ago a moment was, not less than nothing.
func since(now, t time.Time) time.Duration { return max(0, now.Sub(t)) }
