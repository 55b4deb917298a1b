package deliver

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/imhook/imhook/internal/gateway"
)

// gone is an endpoint that is not configured any more: its position, and for how
// long it is kept. Guarded by Deliverer.mu.
type gone struct {
	app, name, id string
	removal
	paused string
	// read and oldest are as a runner's; open is how many events are not finished.
	read, oldest gateway.Pos
	open         int
	// record is the position as it is saved; nil while runner has it.
	record []byte
	// runner is not nil while attempts are in flight; drained is closed when the
	// last one ended.
	runner  *runner
	drained chan struct{}
	// dirty is true when record is not saved, or a chunk of taken that it names.
	dirty bool
	taken taken
	// returning is true while it is being configured again.
	returning bool
	// below is the page below which its backlog has expired.
	below uint64
	// account is what it was when the last attempt had ended, but for what is open.
	account Account
}

// keep takes over a position. Call with d.mu.
func (g *gone) keep(p position) {
	g.read, g.open, g.paused = p.Read, len(p.Open), p.Paused
	for _, l := range p.Left {
		g.open += l.Events
	}
	g.record = appendPosition(nil, p) // sorts p.Open
	g.oldest = p.Read + 1
	if len(p.Open) > 0 {
		g.oldest = min(g.oldest, p.Open[0].Pos)
	}
	for _, l := range p.Left {
		g.oldest = min(g.oldest, l.First)
	}
}

// floor is the first position that must stay for it. Call with d.mu.
func (g *gone) floor(tail gateway.Pos) gateway.Pos {
	oldest := g.oldest
	if r := g.runner; r != nil {
		r.mu.Lock()
		oldest = r.oldest(tail)
		r.mu.Unlock()
	}
	return max(oldest, gateway.NewPos(g.below, 0))
}

// bounds are those of its backlog: what it had itself, and no more than removed
// endpoints may have.
func (d *Deliverer) bounds(rm removal) (age time.Duration, bytes int64) {
	age, bytes = d.cfg.RemovedAge, d.cfg.RemovedBytes
	if rm.Age > 0 {
		age = min(age, rm.Age)
	}
	if rm.Bytes > 0 && (bytes <= 0 || rm.Bytes < bytes) {
		bytes = rm.Bytes
	}
	return age, bytes
}

// keepAbsent remembers the endpoints that are not configured now: the tail goes on
// without them, and they were not given what it reads meanwhile.
func (d *Deliverer) keepAbsent(saved map[string][]byte, first, last uint64) {
	end := gateway.NewPos(last+1, 0) - 1
	here := make(map[string]bool, len(d.runners))
	for _, r := range d.runners {
		here[endpointPrefix+r.id] = true
	}
	now := d.cfg.Now()
	for key := range saved {
		id, ok := strings.CutPrefix(key, endpointPrefix)
		if !ok || here[key] {
			continue
		}
		app, name, ok := strings.Cut(id, "/")
		p, was, err := d.positionOf(id, saved, first, last)
		if err != nil || !ok {
			d.cfg.Log.Warn("position of an endpoint that is not configured cannot be read", "key", key, "err", err)
			continue
		}
		g := &gone{app: app, name: name, id: id, drained: make(chan struct{})}
		close(g.drained)
		g.dirty = p.Live || was == lost || p.Read > end || p.Removed.At.IsZero() || p.Removed.At.After(now)
		p.Read = min(p.Read, end)
		if p.Live {
			p.Live, p.Read = false, max(p.Read, d.tail)
		}
		if p.Removed.At.IsZero() || p.Removed.At.After(now) {
			p.Removed.At = now
		}
		p.Open = slices.DeleteFunc(p.Open, func(o openEvent) bool { return o.Pos > end })
		p.Left = slices.DeleteFunc(p.Left, func(l leftRecord) bool { return l.First > end })
		for i := range p.Left {
			p.Left[i].Last = min(p.Left[i].Last, end)
		}
		g.taken = d.takenOf(id, &p, saved)
		g.taken.cut(end)
		p.Ahead.Taken = g.taken.record()
		g.removal = p.Removed
		g.keep(p)
		g.account.CarriedOver = uint64(g.open)
		d.gone = append(d.gone, g)
	}
	byID(d.gone)
}

func byID(all []*gone) {
	slices.SortFunc(all, func(a, b *gone) int { return strings.Compare(a.id, b.id) })
}

// remove takes an endpoint out: attempts in flight end, its position stays. Call
// with mu.
func (d *Deliverer) remove(r *runner) *gone {
	g := &gone{app: r.App, name: r.Name, id: r.id, runner: r, drained: make(chan struct{})}
	r.mu.Lock()
	r.read, r.live = r.effective(d.tail), false
	r.removed = removal{At: d.cfg.Now(), Age: r.MaxBacklogAge, Bytes: r.MaxBacklogBytes}
	r.dirty = true
	quiet := r.rest()
	r.mu.Unlock()
	r.halt()
	g.removal = r.removed
	d.wg.Go(func() {
		<-quiet
		r.wg.Wait()
		d.drained(g)
	})
	return g
}

// drained lets a removed endpoint go whose last attempt has ended.
func (d *Deliverer) drained(g *gone) {
	d.mu.Lock()
	r := g.runner
	r.mu.Lock()
	p := r.position()
	g.account = r.account()
	r.dirty = false // its record is g's now
	g.taken = r.ahead.taken
	r.ahead.release()
	r.mu.Unlock()
	g.keep(p)
	g.runner, g.dirty = nil, true
	d.metrics.forget(r.App, r.Name)
	d.mu.Unlock()
	r.line.Load().leave()
	close(g.drained)
}

// statusOf is how a removed endpoint is doing, and its first unfinished position.
func (d *Deliverer) statusOf(g *gone) (Status, gateway.Pos) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s, oldest := Status{App: g.app, Name: g.name, Paused: g.paused, Open: g.open, Unread: g.read < d.tail}, g.oldest
	if g.runner != nil {
		s, oldest = g.runner.status(d.tail)
	}
	s.State, s.ForgetAt = StateRemoved, g.At.Add(d.cfg.RemovedAge)
	return s, oldest
}

// keepGone moves the bounds of what removed endpoints still have, and forgets
// those whose time is over.
func (d *Deliverer) keepGone(ctx context.Context, tail gateway.Pos, all []*gone, c *cutoffs) {
	for _, g := range all {
		d.mu.Lock()
		oldest, old := g.floor(tail).Seq(), !g.At.Add(d.cfg.RemovedAge).After(c.now)
		d.mu.Unlock()
		if old {
			d.forget(ctx, tail, g)
			continue
		}
		if oldest > tail.Seq() {
			continue
		}
		age, bytes := d.bounds(g.removal)
		below, err := c.below(ctx, age, bytes, oldest, tail.Seq())
		if err != nil {
			if ctx.Err() == nil {
				d.cfg.Log.Warn("expiring failed", "endpoint", g.id, "err", err)
			}
			continue
		}
		d.mu.Lock()
		g.below = max(g.below, below)
		d.mu.Unlock()
	}
}

// forget gives up a removed endpoint.
func (d *Deliverer) forget(ctx context.Context, tail gateway.Pos, g *gone) {
	d.saving <- struct{}{}
	defer func() { <-d.saving }()
	d.mu.Lock()
	busy := g.runner != nil || g.returning || !slices.Contains(d.gone, g)
	if !busy {
		g.returning = true // nobody may take it up any more
	}
	d.mu.Unlock()
	if busy {
		return
	}
	err := d.cfg.Journal.Drop(ctx, endpointPrefix+g.id)
	for n := g.taken.droppedTo; err == nil && n < g.taken.savedTo; n++ {
		err = d.cfg.Journal.Drop(ctx, aheadKey(g.id, n))
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if err != nil {
		g.returning = false
		if ctx.Err() == nil {
			d.cfg.Log.Warn("forgetting a removed endpoint failed, trying again", "endpoint", g.id, "err", err)
		}
		return
	}
	d.gone = slices.DeleteFunc(slices.Clone(d.gone), func(o *gone) bool { return o == g })
	d.metrics.forgotten.Add(float64(g.open))
	pages := uint64(0)
	if g.read < tail {
		pages = tail.Seq() - g.read.Seq()
	}
	d.cfg.Log.Warn("endpoint was removed long ago, it is forgotten", "endpoint", g.id,
		"removed", g.At.UTC(), "open", g.open, "unread_pages", pages)
}

// saveGone saves the positions of removed endpoints that changed.
func (d *Deliverer) saveGone(ctx context.Context, all []*gone) error {
	for _, g := range all {
		if err := d.saveOneGone(ctx, g); err != nil {
			return fmt.Errorf("saving the position of %s: %w", g.id, err)
		}
	}
	return nil
}

func (d *Deliverer) saveOneGone(ctx context.Context, g *gone) error {
	d.mu.Lock()
	r := g.runner
	d.mu.Unlock()
	if r != nil {
		if err := d.saveRunner(ctx, r); err != nil {
			return err
		}
	}
	d.saving <- struct{}{}
	defer func() { <-d.saving }()
	d.mu.Lock()
	// One that is here no more is somebody else's to save.
	dirty, record := g.dirty && slices.Contains(d.gone, g), g.record
	g.dirty = g.dirty && !dirty
	chunks, first := g.taken.unsaved(), g.taken.first
	d.mu.Unlock()
	if !dirty {
		return nil
	}
	err := d.saveRecord(ctx, g.id, chunks, record)
	d.mu.Lock()
	defer d.mu.Unlock()
	if err != nil {
		g.dirty = true
		return err
	}
	d.saved(ctx, g.id, &g.taken, chunks, first, &d.mu)
	return nil
}
