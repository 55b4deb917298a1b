package deliver

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// Journal is what deliver reads events from and keeps positions in.
type Journal interface {
	// Page returns the first page at or after seq, or gateway.ErrNoPage.
	Page(ctx context.Context, seq uint64) (*gateway.Page, error)
	// Tail calls fn for every page from seq on, in order and without a gap, until
	// ctx ends or reading fails.
	Tail(ctx context.Context, from uint64, fn func(*gateway.Page)) error
	// Bounds returns the first and last page; last is first-1 when there is none.
	Bounds(ctx context.Context) (first, last, bytes uint64, err error)
	// SetFloor says that every endpoint is done with the pages below seq.
	SetFloor(seq uint64)
	// SeqAt returns the first page stored at or after t, or gateway.ErrNoPage.
	SeqAt(ctx context.Context, t time.Time) (uint64, error)
	// BytesFrom is about how much is stored from page seq on.
	BytesFrom(seq uint64) uint64
	// Save keeps the last value of a key, durably; Load returns them all.
	Save(ctx context.Context, key string, value []byte) error
	Load(ctx context.Context) (map[string][]byte, error)
	// Park keeps a dead letter, durably.
	Park(ctx context.Context, letter gateway.DeadLetter) error
}

// Index says which endpoints get an event, by their place in Config.Endpoints.
type Index interface {
	Match(ev *event.Event) []int
}

// Config is what a Deliverer is made of.
type Config struct {
	Endpoints []Endpoint
	Index     Index
	Journal   Journal
	Log       *slog.Logger
	// Metrics is where the counters are registered; nil means nowhere.
	Metrics prometheus.Registerer
	// Now defaults to time.Now.
	Now func() time.Time
}

// saveEvery is how often positions are saved: what was delivered since then is
// delivered again after a crash.
const saveEvery = 100 * time.Millisecond

// Keys of the journal's key-value part.
const (
	tailKey        = "deliver.tail"
	endpointPrefix = "deliver.endpoint."
)

// Deliverer delivers to all endpoints. Make it with [New].
type Deliverer struct {
	cfg     Config
	runners []*runner
	metrics *metrics

	cutShort context.CancelFunc // ends attempts in flight
	stop     context.CancelFunc // ends tail, readers, housekeeping
	wg       sync.WaitGroup
	readCtx  context.Context //nolint:containedctx // lives from Start to Stop

	// mu guards the following, and is held while the tail hands out a page.
	mu sync.Mutex
	// tail is how far the tail has read: the last position of its last page.
	tail      gateway.Pos
	savedTail gateway.Pos
}

// New checks the endpoints; nothing runs before [Deliverer.Start].
func New(cfg Config) (*Deliverer, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	m, err := newMetrics(cfg.Metrics)
	if err != nil {
		return nil, err
	}
	d := &Deliverer{cfg: cfg, metrics: m}
	seen := map[string]bool{}
	for _, e := range cfg.Endpoints {
		e = e.WithDefaults()
		if err := e.Validate(); err != nil {
			return nil, err
		}
		if seen[e.ID()] {
			return nil, fmt.Errorf("two endpoints are named %s", e.ID())
		}
		seen[e.ID()] = true
		d.runners = append(d.runners, &runner{
			Endpoint: e, id: e.ID(), journal: cfg.Journal, now: cfg.Now, log: cfg.Log,
			metrics: m.endpoint(e.App, e.Name),
			wake:    make(chan struct{}, 1),
			lanes:   map[event.Lane]*lane{},
			stopped: true, // nothing is tried before all endpoints are restored
		})
	}
	return d, nil
}

// Start restores positions and begins to deliver. An endpoint that was not there
// before starts now: at the end of the journal.
func (d *Deliverer) Start(ctx context.Context) error {
	saved, err := d.cfg.Journal.Load(ctx)
	if err != nil {
		return fmt.Errorf("loading positions: %w", err)
	}
	first, last, _, err := d.cfg.Journal.Bounds(ctx)
	if err != nil {
		return fmt.Errorf("reading the journal's bounds: %w", err)
	}
	d.tail = gateway.NewPos(last+1, 0) - 1
	if b, ok := saved[tailKey]; ok {
		v, n := binary.Uvarint(b)
		if n <= 0 {
			return fmt.Errorf("loading positions: %w", errPosition)
		}
		// A journal that lost its end begins again below the saved position.
		d.tail = min(d.tail, gateway.Pos(v))
	}
	d.tail = max(d.tail, gateway.NewPos(first, 0)-1)
	d.savedTail = ^gateway.Pos(0) // nothing is saved yet

	attempts, cutShort := context.WithCancel(context.WithoutCancel(ctx))
	d.readCtx, d.stop = context.WithCancel(context.WithoutCancel(ctx))
	d.cutShort = cutShort
	for _, r := range d.runners {
		r.ctx = attempts //nolint:fatcontext // one context for all runners, not one inside the other
		if err := d.restore(ctx, r, saved, last); err != nil {
			d.stop()
			d.cutShort()
			return fmt.Errorf("restoring endpoint %s: %w", r.id, err)
		}
	}
	// An endpoint that starts now must be found again after a crash: otherwise it
	// would start anew, and what was accepted in between would be lost to it.
	if err := errors.Join(d.keepAbsent(ctx, saved, last), d.save(ctx)); err != nil {
		d.stop()
		d.cutShort()
		return err
	}
	// Until the journal hears of a floor it takes everything for unfinished, and a
	// journal full of history for full.
	d.setFloor(d.tail)
	for _, r := range d.runners {
		r.mu.Lock()
		r.stopped = false
		if !r.live {
			d.wg.Go(func() { d.catchUp(d.readCtx, r) })
		}
		r.arm()
		r.dispatch()
		r.mu.Unlock()
	}
	d.wg.Go(d.follow)
	d.wg.Go(d.keepHouse)
	return nil
}

// keepAbsent remembers for endpoints that are not configured now how far they
// have read: the tail goes on without them, and they were not given what it reads
// meanwhile.
func (d *Deliverer) keepAbsent(ctx context.Context, saved map[string][]byte, last uint64) error {
	end := gateway.NewPos(last+1, 0) - 1
	here := make(map[string]bool, len(d.runners))
	for _, r := range d.runners {
		here[endpointPrefix+r.id] = true
	}
	for key, b := range saved {
		if here[key] || !strings.HasPrefix(key, endpointPrefix) {
			continue
		}
		p, err := parsePosition(b)
		if err != nil {
			d.cfg.Log.Warn("position of an endpoint that is not configured cannot be read", "key", key, "err", err)
			continue
		}
		if !p.Live && p.Read <= end {
			continue
		}
		p.Read = min(p.Read, end)
		if p.Live {
			p.Live, p.Read = false, max(p.Read, d.tail)
		}
		p.Open = slices.DeleteFunc(p.Open, func(o openEvent) bool { return o.Pos > end })
		if err := d.cfg.Journal.Save(ctx, key, appendPosition(nil, p)); err != nil {
			return fmt.Errorf("saving %s: %w", key, err)
		}
	}
	return nil
}

// restore brings an endpoint back to where it was.
func (d *Deliverer) restore(ctx context.Context, r *runner, saved map[string][]byte, last uint64) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	end := gateway.NewPos(last+1, 0) - 1
	b, known := saved[endpointPrefix+r.id]
	if !known {
		r.read = end
		r.live = true
		r.dirty = true
		return nil
	}
	p, err := parsePosition(b)
	if err != nil {
		return err
	}
	latest := r.now().Add(r.Retry.longest())
	changed := false
	var page *gateway.Page
	for _, o := range p.Open {
		if page == nil || page.Seq != o.Pos.Seq() {
			page, err = d.cfg.Journal.Page(ctx, o.Pos.Seq())
			switch {
			case errors.Is(err, gateway.ErrNoPage):
				page = &gateway.Page{}
			case err != nil:
				return fmt.Errorf("reading page %d again: %w", o.Pos.Seq(), err)
			}
		}
		if page.Seq != o.Pos.Seq() || o.Pos.Index() >= len(page.Events) {
			r.metrics.expired.Inc() // the journal no longer has it
			changed = true
			continue
		}
		ev := page.Events[o.Pos.Index()]
		it := item{pos: o.Pos, ev: ev, attempts: o.Attempts, sent: o.Sent, firstAt: o.FirstAt, dueAt: o.DueAt}
		if it.dueAt.After(latest) {
			it.dueAt = latest // the clock went back
			changed = true
		}
		if r.full() {
			it.ev = nil
		}
		r.enqueue(r.laneKey(ev, o.Pos), it)
	}
	// A journal that lost its end gives the sequences behind it to new pages.
	r.read = min(p.Read, end)
	if p.Live {
		r.read = max(r.read, d.tail)
	}
	r.live = r.read >= d.tail
	// What stands needs no writing. A live record counts up to the tail by itself.
	r.dirty = changed || r.read < p.Read || r.live != p.Live
	return nil
}

// follow hands every new page to the endpoints that it concerns.
func (d *Deliverer) follow() {
	for d.readCtx.Err() == nil {
		d.mu.Lock()
		from := (d.tail + 1).Seq()
		d.mu.Unlock()
		err := d.cfg.Journal.Tail(d.readCtx, from, d.handOut)
		if d.readCtx.Err() != nil {
			return
		}
		d.cfg.Log.Warn("reading the journal stopped, trying again", "page", from, "err", err)
		pause(d.readCtx, time.Second)
	}
}

func (d *Deliverer) handOut(page *gateway.Page) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i, ev := range page.Events {
		places := d.cfg.Index.Match(ev)
		if len(places) == 0 {
			continue
		}
		pos := gateway.NewPos(page.Seq, i)
		for _, n := range places {
			d.runners[n].offer(pos, ev, d.lag)
		}
	}
	d.tail = gateway.NewPos(page.Seq+1, 0) - 1
}

// lag gives an endpoint that fell behind a reader of its own.
func (d *Deliverer) lag(r *runner) {
	if d.readCtx.Err() != nil {
		return
	}
	d.wg.Go(func() { d.catchUp(d.readCtx, r) })
}

// keepHouse saves positions, expires backlogs and moves the journal's floor.
func (d *Deliverer) keepHouse() {
	save := time.NewTimer(saveEvery)
	defer save.Stop()
	second := time.NewTicker(time.Second)
	defer second.Stop()
	for {
		select {
		case <-d.readCtx.Done():
			return
		case <-save.C:
			begin := time.Now()
			err := d.save(d.readCtx)
			// Saving takes at most about a tenth of the time, however many
			// endpoints there are.
			again := max(saveEvery, 9*time.Since(begin))
			if err != nil && d.readCtx.Err() == nil {
				d.cfg.Log.Warn("saving positions failed, trying again", "err", err)
				again = time.Second // how long a failure took says nothing
			}
			save.Reset(again)
		case <-second.C:
			d.secondly(d.readCtx)
		}
	}
}

func (d *Deliverer) secondly(ctx context.Context) {
	d.mu.Lock()
	tail := d.tail
	d.mu.Unlock()
	for _, r := range d.runners {
		r.tick()
		if err := r.expire(ctx, tail); err != nil && ctx.Err() == nil {
			d.cfg.Log.Warn("expiring failed", "endpoint", r.id, "err", err)
		}
	}
	d.setFloor(tail)
}

// setFloor tells the journal below which page every endpoint is done; tail is
// how far the tail has read.
func (d *Deliverer) setFloor(tail gateway.Pos) {
	floor := tail + 1
	for _, r := range d.runners {
		r.mu.Lock()
		floor = min(floor, r.oldest(tail))
		r.mu.Unlock()
	}
	d.cfg.Journal.SetFloor(floor.Seq())
}

// save writes the positions that changed. The tail's own position is taken first
// and written last: every event up to it was handed out before, so the endpoints'
// records that are written in between hold all of those that are still open. An
// endpoint that stopped being live is thus never taken for read up to the tail.
func (d *Deliverer) save(ctx context.Context) error {
	d.mu.Lock()
	tail := d.tail
	d.mu.Unlock()
	var buf []byte
	for _, r := range d.runners {
		r.mu.Lock()
		if !r.dirty {
			r.mu.Unlock()
			continue
		}
		r.dirty = false
		p := r.position()
		r.mu.Unlock()
		buf = appendPosition(buf[:0], p)
		if err := d.cfg.Journal.Save(ctx, endpointPrefix+r.id, buf); err != nil {
			r.mu.Lock()
			r.dirty = true
			r.mu.Unlock()
			return fmt.Errorf("saving the position of %s: %w", r.id, err)
		}
	}
	if tail == d.savedTail {
		return nil
	}
	if err := d.cfg.Journal.Save(ctx, tailKey, binary.AppendUvarint(nil, uint64(tail))); err != nil {
		return fmt.Errorf("saving the tail's position: %w", err)
	}
	d.savedTail = tail
	return nil
}

// Stop stops reading, lets attempts in flight end until ctx does, then cuts them
// short, and saves all positions.
func (d *Deliverer) Stop(ctx context.Context) error {
	if d.stop == nil {
		return nil
	}
	d.stop()
	for _, r := range d.runners {
		r.halt()
	}
	done := make(chan struct{})
	go func() {
		for _, r := range d.runners {
			r.wg.Wait()
		}
		d.wg.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
		d.cutShort()
		<-done
	}
	d.cutShort()
	saving, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return d.save(saving)
}

// Resume lets a paused endpoint (app/name) go on; false when there is none of
// that name.
func (d *Deliverer) Resume(id string) bool {
	for _, r := range d.runners {
		if r.id == id {
			r.mu.Lock()
			r.resume()
			r.mu.Unlock()
			return true
		}
	}
	return false
}
