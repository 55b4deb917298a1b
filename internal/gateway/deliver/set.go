package deliver

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"time"
)

// Set replaces the endpoints and their index while deliveries go on. It is applied
// whole, or refused whole with the reason while the endpoints that were there go
// on; index knows places in endpoints. The tail hands out each page either with
// the old endpoints and the old index or with the new ones.
//
// Endpoints are known by App and Name; a new name is a new endpoint, and the old
// one is removed.
//
//   - An endpoint that was there keeps its position, its open events with their
//     attempts and due times, attempts in flight, and stays paused if it was.
//     Attempts in flight end with the sender that they began with. Another order
//     waits until they have ended.
//   - Another rule holds for what the endpoint has not read, also when it lags far
//     behind: what it has read and is open stays open. What waits in a conversation
//     that does not go on, behind its first thousand events, counts as not read. Each event is picked by one
//     of the two rules, and the boundary is saved before Set returns.
//   - A new endpoint begins where its Start says; that is saved before Set returns.
//   - An endpoint that is left out is removed: attempts in flight end, it gets
//     nothing more, and its position and backlog are kept for Config.RemovedAge.
//     When it comes back in that time it goes on exactly where it was, with the
//     rule that it has then, whatever its Start.
//
// Set blocks while attempts in flight end whose endpoint gets another order or
// comes back right after it was removed, but no longer than ctx. Sets are applied
// one after the other. Set must not be called before Start has returned.
func (d *Deliverer) Set(ctx context.Context, endpoints []Endpoint, index Index) error {
	eps, err := checked(endpoints)
	if err != nil {
		return fmt.Errorf("setting endpoints: %w", err)
	}
	if d.readCtx == nil {
		return errNotRunning
	}
	select {
	case d.setting <- struct{}{}:
		defer func() { <-d.setting }()
	case <-d.readCtx.Done():
	case <-ctx.Done():
		return fmt.Errorf("setting endpoints: waiting for the change before: %w", context.Cause(ctx))
	}
	if d.readCtx.Err() != nil {
		return errNotRunning
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(d.readCtx, func() { cancel(errors.New("deliveries are being stopped")) })()

	c := d.plan(eps)
	if err := d.prepare(ctx, c); err != nil {
		d.abandon(c)
		return fmt.Errorf("setting endpoints: %w", err)
	}
	removed := d.apply(c, index)
	d.rehome()
	d.setFloor()
	// The tail's position is not saved before these records are, so that a failure
	// here is mended by the housekeeping, or a restart.
	if err := d.saveGone(d.readCtx, removed); err != nil {
		d.cfg.Log.Warn("saving positions of removed endpoints failed, trying again", "err", err)
	}
	return nil
}

var errNotRunning = errors.New("setting endpoints: deliveries do not run")

// change is what a Set does.
type change struct {
	// runners are the endpoints as they will be, in their places.
	runners []*runner
	kept    []*kept
	entries []*entry
	removed []*runner
}

// kept is an endpoint that was there and stays.
type kept struct {
	*runner
	next Endpoint
	// rule and order are true when they change.
	rule, order bool
	// rested is true when the endpoint makes no attempts for now, stilled when it
	// reads nothing.
	rested, stilled bool
	// relaned has the open events in the lanes of the new order.
	relaned *runner
}

// entry is an endpoint that was not there.
type entry struct {
	*runner
	// gone is set when it was there before.
	gone *gone
	// saved is true when its first record is.
	saved bool
}

// plan compares what is with what shall be.
func (d *Deliverer) plan(eps []Endpoint) *change {
	// An endpoint that is being forgotten is, once this is locked.
	d.saving <- struct{}{}
	defer func() { <-d.saving }()
	d.mu.Lock()
	defer d.mu.Unlock()
	c := &change{}
	was := make(map[string]*runner, len(d.runners))
	for _, r := range d.runners {
		was[r.id] = r
	}
	removed := make(map[string]*gone, len(d.gone))
	for _, g := range d.gone {
		removed[g.id] = g
	}
	for _, e := range eps {
		if r := was[e.ID()]; r != nil {
			delete(was, r.id)
			c.runners = append(c.runners, r)
			c.kept = append(c.kept, &kept{
				runner: r, next: e,
				rule: e.Rule == "" || e.Rule != r.Rule, order: e.Order != r.Order,
			})
			continue
		}
		n := &entry{runner: d.newRunner(e), gone: removed[e.ID()]}
		if n.gone != nil {
			n.gone.returning = true
		}
		c.runners = append(c.runners, n.runner)
		c.entries = append(c.entries, n)
	}
	for _, r := range d.runners {
		if was[r.id] != nil {
			c.removed = append(c.removed, r)
		}
	}
	return c
}

// prepare does everything that can fail. What it begins abandon takes back.
func (d *Deliverer) prepare(ctx context.Context, c *change) error {
	if err := d.quieten(ctx, c); err != nil {
		return err
	}
	_, last, _, err := d.cfg.Journal.Bounds(ctx)
	if err != nil {
		return fmt.Errorf("reading the journal's bounds: %w", err)
	}
	for _, k := range c.kept {
		if !k.order {
			continue
		}
		if k.relaned, err = d.relane(ctx, k.runner, k.next, last); err != nil {
			return fmt.Errorf("endpoint %s: %w", k.id, err)
		}
	}
	for _, n := range c.entries {
		if n.gone == nil {
			err = d.begin(ctx, n.runner)
		} else {
			err = d.bringBack(ctx, n, last)
		}
		if err != nil {
			return fmt.Errorf("endpoint %s: %w", n.id, err)
		}
	}
	// From here to apply, endpoints whose rule changes stand still: their records
	// say where the old rule ends.
	for _, k := range c.kept {
		if k.rule {
			d.still(k)
		}
	}
	for _, k := range c.kept {
		if k.rule {
			if err := d.saveRunner(ctx, k.runner); err != nil {
				return err
			}
		}
	}
	for _, n := range c.entries {
		if n.gone == nil {
			if err := d.saveRunner(ctx, n.runner); err != nil {
				return err
			}
			n.saved = true
		}
	}
	return context.Cause(ctx)
}

// quieten waits until no attempts are in flight where that is needed.
func (d *Deliverer) quieten(ctx context.Context, c *change) error {
	type waiting struct {
		id    string
		quiet <-chan struct{}
	}
	var all []waiting
	for _, k := range c.kept {
		if k.order {
			d.still(k)
			k.mu.Lock()
			all = append(all, waiting{k.id, k.rest()})
			k.mu.Unlock()
			k.rested = true
		}
	}
	for _, n := range c.entries {
		if n.gone != nil {
			all = append(all, waiting{n.id, n.gone.drained})
		}
	}
	for _, w := range all {
		select {
		case <-w.quiet:
		case <-ctx.Done():
			return fmt.Errorf("endpoint %s: waiting for its attempts in flight: %w", w.id, context.Cause(ctx))
		}
	}
	return nil
}

// still makes an endpoint read nothing until [Deliverer.enter].
func (d *Deliverer) still(k *kept) {
	if k.stilled {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	k.mu.Lock()
	defer k.mu.Unlock()
	k.read, k.live = k.effective(d.tail), false
	k.held, k.stilled, k.dirty = true, true, true
}

// rest makes no attempt begin until [Deliverer.enter]; what it returns is closed
// when none is in flight any more. Call with mu.
func (r *runner) rest() <-chan struct{} {
	r.resting = true
	quiet := make(chan struct{})
	if r.quiet = quiet; r.running == 0 {
		r.tellQuiet()
	}
	return quiet
}

// tellQuiet tells who waits for it that no attempt is in flight. Call with mu.
func (r *runner) tellQuiet() {
	if r.running == 0 && r.quiet != nil {
		close(r.quiet)
		r.quiet = nil
	}
}

// relane returns a runner that does not run, with the open events of r, which
// rests, in the lanes of another order. Their order is that of the journal.
func (d *Deliverer) relane(ctx context.Context, r *runner, next Endpoint, last uint64) (*runner, error) {
	r.mu.Lock()
	p := r.position()
	r.mu.Unlock()
	appendPosition(nil, p) // sorts p.Open
	n := d.newRunner(next)
	return n, n.restore(ctx, p, p.Read, last, math.MaxInt)
}

// bringBack restores an endpoint that was removed.
func (d *Deliverer) bringBack(ctx context.Context, n *entry, last uint64) error {
	d.mu.Lock()
	record, tail := n.gone.record, d.tail
	n.ahead.taken = n.gone.taken.clone()
	d.mu.Unlock()
	p, err := parsePosition(record)
	if err != nil {
		return err
	}
	return n.restore(ctx, p, tail, last, d.eager)
}

// abandon takes back what prepare began.
func (d *Deliverer) abandon(c *change) {
	d.mu.Lock()
	for _, k := range c.kept {
		if k.stilled || k.rested {
			k.mu.Lock()
			k.quiet = nil
			d.enter(k.runner)
			k.mu.Unlock()
		}
	}
	for _, n := range c.entries {
		if n.gone != nil {
			n.gone.returning = false
		}
	}
	d.mu.Unlock()
	for _, n := range c.entries {
		if !n.saved {
			continue
		}
		// If this fails as well, a restart takes it for an endpoint that was removed.
		if err := d.cfg.Journal.Drop(d.readCtx, endpointPrefix+n.id); err != nil {
			d.cfg.Log.Warn("dropping the position of an endpoint that was not added failed", "endpoint", n.id, "err", err)
		}
	}
}

// apply makes the change and returns the endpoints that are removed with it. It
// cannot fail.
func (d *Deliverer) apply(c *change, index Index) (removed []*gone) {
	for _, n := range c.entries {
		n.metrics = d.metrics.endpoint(n.App, n.Name)
		n.resumes()
	}
	var over []*line
	d.mu.Lock()
	for _, k := range c.kept {
		k.mu.Lock()
		l := k.become(k.next)
		if k.relaned != nil {
			k.takeLanes(k.relaned)
		}
		if l != nil {
			over = append(over, l)
			k.sendWhole()
			k.startAfresh()
		}
		if k.stilled || k.rested {
			d.enter(k.runner)
		} else {
			k.dispatch() // it may have more workers now
		}
		k.mu.Unlock()
	}
	back := map[*gone]bool{}
	for _, n := range c.entries {
		n.mu.Lock()
		n.dirty = true
		d.enter(n.runner)
		n.mu.Unlock()
		if n.gone != nil {
			back[n.gone] = true
		}
	}
	for _, r := range c.removed {
		removed = append(removed, d.remove(r))
	}
	if len(back)+len(removed) > 0 {
		left := slices.DeleteFunc(slices.Clone(d.gone), func(g *gone) bool { return back[g] })
		d.gone = append(left, removed...)
		byID(d.gone)
	}
	d.runners, d.index = c.runners, index
	d.changes++
	d.mu.Unlock()
	for _, l := range over {
		l.leave()
	}
	return removed
}

// become makes the endpoint what e says, and returns the line that is over with
// it, if there is one. Call with mu.
func (r *runner) become(e Endpoint) *line {
	var over *line
	if same(r.Sender, e.Sender) {
		r.line.Load().release = e.Release
	} else {
		over = r.line.Swap(newLine(e.Sender, e.Release))
		r.most = 0 // what the one before found too large
	}
	blocks := e.OnPoison == r.OnPoison || e.OnPoison == PoisonBlock
	vendor := r.Vendor
	if e.Rule == "" || e.Rule != r.Rule || e.Order != r.Order {
		r.judgedAnew()
	}
	r.Endpoint = e
	if vendor != e.Vendor {
		r.changeVendor()
	}
	r.ramp.resize(e.Concurrency * e.count())
	r.setRate()
	if !blocks {
		r.recall(isBlocked)
	}
	return over
}

// sendWhole forgets which requests of its open events are through: they are with the
// sender before, and the next one may lead elsewhere. Call with mu.
func (r *runner) sendWhole() {
	for _, l := range r.lanes {
		for i := range l.queue {
			l.queue[i].sent = 0
		}
	}
	for i := range r.again {
		r.again[i].Sent = 0
	}
	r.dirty = true
}

// same reports whether two senders are equal; those that cannot be compared are
// not.
func same(a, b Sender) bool {
	return reflect.ValueOf(a).Comparable() && reflect.ValueOf(b).Comparable() && a == b
}

// takeLanes takes over the lanes of n, which never ran. Call with mu while r rests.
func (r *runner) takeLanes(n *runner) {
	r.lanes, r.ready, r.waiting = n.lanes, n.ready, n.waiting
	r.read = max(r.read, r.until) // n has read all of them again
	r.again, r.until = n.again, 0
	r.open, r.loaded, r.loadedBytes, r.shared = n.open, n.loaded, n.loadedBytes, n.shared
	r.freshLoaded, r.freshBytes = n.freshLoaded, n.freshBytes
	n.left.reading = r.left.reading
	r.left, r.mixed = n.left, max(r.mixed, n.mixed)
	r.missing, r.timerAt, r.dirty = n.missing, time.Time{}, true
	r.windows = n.windows
	if r.vendor != nil {
		r.vendor.lost = n.vendor.lost
	}
}
