package cluster

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway/deliver"
)

// recut is a change of the layout: endpoints are cut into other parts. The slices
// that it concerns are let go by all, then positions are made anew, then the slices
// are given away again. The zero value is no change.
type recut struct {
	// to is into how many parts which endpoints are cut; nil when nothing changes.
	to map[string]int
	// stopped are the slices that nobody gets meanwhile.
	stopped [Slices]bool
	// working is true while positions are being made anew, and old ones dropped.
	working bool
	// after is when it may be tried again after it failed.
	after time.Time
}

// stops reports whether nobody may have the slice now.
func (r *recut) stops(slice int) bool { return r.to != nil && r.stopped[slice] }

// recutStep begins a change of the layout, or goes on with it. Call with mu.
func (b *board) recutStep() {
	r := &b.recut
	if r.working || time.Now().Before(r.after) {
		return
	}
	if r.to = b.recuts(); r.to == nil {
		return
	}
	r.stopped = [Slices]bool{}
	free := true
	for id, n := range r.to {
		for i := range max(n, b.layout.spread(id)) {
			s := part{id: id, i: i}.slice()
			r.stopped[s] = true
			free = free && b.slots[s].owner == ""
		}
	}
	if !free {
		return // their owners let go first
	}
	r.working = true
	to, from := maps.Clone(r.to), maps.Clone(b.layout)
	b.n.spawn(func() { b.work(to, from) })
}

// recuts is which endpoints shall be cut otherwise than they are; nil when none.
// What an endpoint that is not configured was cut into stays. Call with mu.
func (b *board) recuts() map[string]int {
	var to map[string]int
	for id, n := range b.n.spreads() {
		if b.layout.spread(id) == n {
			continue
		}
		if to == nil {
			to = map[string]int{}
		}
		to[id] = n
	}
	return to
}

// work makes positions anew. The layout changes between saving the new ones and
// dropping the old ones: whichever of them the layout does not name counts for
// nothing.
func (b *board) work(to map[string]int, from Layout) {
	ctx, cancel := context.WithTimeout(b.n.ctx, time.Minute)
	defer cancel()
	old, err := b.regroup(ctx, to, from)
	b.mu.Lock()
	if err == nil {
		next := maps.Clone(b.layout)
		for id, n := range to {
			if next[id] = n; n <= 1 {
				delete(next, id)
			}
		}
		b.layout, b.dirty = next, true
		err = b.save(ctx)
	}
	if err != nil {
		b.recut.working, b.recut.after = false, time.Now().Add(time.Second)
	} else {
		b.recut.to = nil // the slices can be given away
	}
	b.mu.Unlock()
	words := make([]string, 0, len(to))
	for _, id := range slices.Sorted(maps.Keys(to)) {
		words = append(words, fmt.Sprintf("%s: %d → %d", id, from.spread(id), to[id]))
	}
	if err != nil {
		if b.n.ctx.Err() == nil {
			b.n.cfg.Log.Warn("cutting endpoints into other parts failed, trying again", "endpoints", strings.Join(words, ", "), "err", err)
		}
		return
	}
	b.n.cfg.Log.Info("endpoints are cut into other parts", "endpoints", strings.Join(words, ", "))
	b.n.cfg.Journal.Hint(sayBeat)
	// Not before they are gone does another change begin: it may want their names.
	defer func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.recut.working = false
	}()
	for _, key := range old {
		if b.n.board.Load() != b {
			return // another board, and another change, may be under way by now
		}
		if err := b.n.cfg.Journal.Drop(ctx, key); err != nil {
			b.n.cfg.Log.Debug("dropping the position of a part that is no more failed", "key", key, "err", err)
		}
	}
}

// regroup saves the positions of the new parts and returns the keys of the old ones.
func (b *board) regroup(ctx context.Context, to map[string]int, from Layout) (old []string, err error) {
	saved, err := b.n.cfg.Journal.Load(ctx)
	if err != nil {
		return nil, fmt.Errorf("loading positions: %w", err)
	}
	// The tail of a slice without endpoints may be from long ago, and would be read
	// from.
	used := map[int]bool{}
	for key := range saved {
		if p, ok := parseRecord(key); ok && from.spread(p.id) == p.n {
			used[p.slice()] = true
		}
	}
	for _, id := range slices.Sorted(maps.Keys(to)) {
		n := to[id]
		var parts []deliver.Saved
		for i := range from.spread(id) {
			p := part{id, i, from.spread(id)}
			record, ok := saved[p.record()]
			if !ok {
				continue // it has not begun
			}
			old = append(old, p.record())
			parts = append(parts, deliver.Saved{Position: record, Tail: tailIn(saved, p.slice())})
		}
		records, tail, err := deliver.Regroup(ctx, parts, n, func(ev *event.Event) int { return partOf(ev.Lane, n) }, b.n.cfg.Journal.Page)
		if err != nil {
			return nil, fmt.Errorf("endpoint %s: %w", id, err)
		}
		for i, record := range records {
			s := part{id: id, i: i}.slice()
			if !used[s] {
				used[s] = true
				if err := b.n.cfg.Journal.Save(ctx, tailKey(s), tail); err != nil {
					return nil, err
				}
			}
			if err := b.n.cfg.Journal.Save(ctx, part{id, i, n}.record(), record); err != nil {
				return nil, err
			}
		}
	}
	gone, err := b.regroupRuns(ctx, saved, to, from)
	return append(old, gone...), err
}

// regroupRuns saves the runs of the new parts and returns the keys of the old ones.
func (b *board) regroupRuns(ctx context.Context, saved map[string][]byte, to map[string]int, from Layout) (old []string, err error) {
	type run struct{ name, target string }
	all := map[run][][]byte{}
	for _, key := range slices.Sorted(maps.Keys(saved)) {
		name, slice, ok := cutMark(key)
		if !ok {
			continue
		}
		spec, ok := deliver.RunOf(name, saved[key])
		if !ok || to[spec.Target()] == 0 {
			continue
		}
		if _, was := from.partIn(spec.Target(), slice); !was {
			continue
		}
		r := run{name, spec.Target()}
		all[r] = append(all[r], saved[key])
		old = append(old, key)
	}
	fresh := map[string]bool{}
	for r, parts := range all {
		records, err := deliver.RegroupRun(parts, to[r.target])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", r.name, err)
		}
		for i, record := range records {
			key := r.name + mark(part{id: r.target, i: i}.slice())
			fresh[key] = true
			if err := b.n.cfg.Journal.Save(ctx, key, record); err != nil {
				return nil, err
			}
		}
	}
	return slices.DeleteFunc(old, func(key string) bool { return fresh[key] }), nil
}
