package deliver

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
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
	// SetFloor says that every endpoint is done with the pages below seq. Settled is
	// false while some endpoint is about to drop more than that: it fell behind the
	// bounds of its backlog, and what it drops is still being counted.
	SetFloor(seq uint64, settled bool)
	// SeqAt returns the first page stored at or after t, or gateway.ErrNoPage.
	SeqAt(ctx context.Context, t time.Time) (uint64, error)
	// BytesFrom is about how much is stored from page seq on.
	BytesFrom(seq uint64) uint64
	// Save keeps the last value of a key, durably; Load returns them all.
	Save(ctx context.Context, key string, value []byte) error
	Load(ctx context.Context) (map[string][]byte, error)
	// Known is what stands beside the positions, from before this start: every endpoint
	// was done with the pages below floor, which is 0 when that is not known; lost says
	// that there were positions which are gone.
	Known() (floor uint64, lost bool)
	// Drop forgets a key; a crash right after may bring it back.
	Drop(ctx context.Context, key string) error
	// Park keeps a dead letter, durably.
	Park(ctx context.Context, letter gateway.DeadLetter) error
}

// Index says which endpoints get an event, by their place in the endpoints that it
// was given with. It is asked by several goroutines at once; what it returned is not
// changed, by neither side.
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
	// RemovedAge is for how long an endpoint is remembered that is not configured
	// any more: its position and, within its own bounds, its backlog. Zero means
	// 72h.
	RemovedAge time.Duration
	// RemovedBytes bounds the backlogs of removed endpoints, on top of their own
	// bounds: all of them together keep no more of the journal from being trimmed.
	// Zero means no such bound.
	RemovedBytes int64
	// Letters is where dead letters are read; without it none can be requeued.
	Letters Letters
	// Attempts is told of every attempt; nil means that nobody is.
	Attempts Attempts
	// Select compiles what a run of an app is about, but for the conversation and
	// times: patterns, sources, condition. Nil takes everything.
	Select func(app string, s gateway.Selection) (func(*event.Event) bool, error)
	// Picks is the rule of an endpoint (app/name) whose events may be delivered elsewhere,
	// for runs that replay them to one that is here; nil means that all are here.
	Picks func(id string) (match func(*event.Event) bool, known bool)
	// Held says why nothing may be sent now; nil when it may. What is held is tried
	// again, and it counts for nothing against an endpoint. A nil Held never holds.
	Held func() error
	// Now defaults to time.Now.
	Now func() time.Time
	// Aged is the moment by which backlogs and removed endpoints grow old; it defaults to
	// Now. See [gateway.Ageing].
	Aged func() time.Time
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
	metrics *metrics
	watches watches
	// eager is eagerOpen, but in tests; so are limits.
	eager  int
	limits limits
	// listed is maxListed, but in tests.
	listed int
	runs   reruns
	// backlogs counts the endpoints that know what waits for them, surveys tells that
	// one wants to.
	backlogs atomic.Int32
	surveys  chan struct{}
	// setting is held, by its one place, while the endpoints are changed.
	setting chan struct{}

	attempts context.Context    //nolint:containedctx // lives from Start to Stop
	cutShort context.CancelFunc // ends attempts
	readCtx  context.Context    //nolint:containedctx // lives from Start to Stop
	stop     context.CancelFunc // ends readCtx: tail, readers, housekeeping
	wg       sync.WaitGroup

	// flooring is held while the journal's floor is taken and told.
	flooring sync.Mutex

	// saving is held, by its one place, while one record is taken and written, so
	// that no older one comes after it. It is taken before mu.
	saving    chan struct{}
	record    []byte      // where records are written, guarded by saving
	savedTail gateway.Pos // keepHouse's own while it runs

	// mu guards the following, and is held while the tail hands out a page. The
	// slices are never changed, only replaced.
	mu sync.Mutex
	// runners are at the places that index knows.
	runners []*runner
	index   Index
	// gone are the removed endpoints, by name.
	gone []*gone
	// tail is how far the tail has read: the last position of its last page.
	tail gateway.Pos
	// changes counts the changes of runners.
	changes uint64
	// unflushed are the endpoints that got events of the page being handed out and
	// send them in batches.
	unflushed []*runner
}

// New checks the endpoints; nothing runs before [Deliverer.Start].
func New(cfg Config) (*Deliverer, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Aged == nil {
		cfg.Aged = cfg.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	m, err := newMetrics(cfg.Metrics)
	if err != nil {
		return nil, err
	}
	if cfg.RemovedAge == 0 {
		cfg.RemovedAge = 72 * time.Hour
	}
	d := &Deliverer{
		cfg: cfg, metrics: m, eager: eagerOpen, listed: maxListed, limits: limits{loaded: maxLoaded, open: maxOpen, rewind: rewindFrom, followers: maxFollowers}, index: cfg.Index,
		setting: make(chan struct{}, 1), saving: make(chan struct{}, 1), surveys: make(chan struct{}, 1),
	}
	eps, err := checked(cfg.Endpoints)
	if err != nil {
		return nil, err
	}
	for _, e := range eps {
		r := d.newRunner(e)
		r.metrics = m.endpoint(e.App, e.Name)
		d.runners = append(d.runners, r)
	}
	return d, nil
}

// checked fills in defaults and says what is wrong with the endpoints.
func checked(endpoints []Endpoint) ([]Endpoint, error) {
	seen := make(map[string]bool, len(endpoints))
	eps := make([]Endpoint, 0, len(endpoints))
	for _, e := range endpoints {
		e = e.WithDefaults()
		if err := e.Validate(); err != nil {
			return nil, err
		}
		if seen[e.ID()] {
			return nil, fmt.Errorf("two endpoints are named %s", e.ID())
		}
		seen[e.ID()] = true
		eps = append(eps, e)
	}
	return eps, nil
}

// newRunner returns a runner at which nothing is tried before it is restored. It
// has no metrics yet.
func (d *Deliverer) newRunner(e Endpoint) *runner {
	r := &runner{
		Endpoint: e, id: e.ID(), journal: d.cfg.Journal, now: d.cfg.Now, log: d.cfg.Log, withheld: d.cfg.Held,
		attempts: d.cfg.Attempts, limits: d.limits, lag: d.lag, fetch: d.fetch, ready: turns{age: 1}, ahead: ahead{tables: &d.backlogs},
		wake:    make(chan struct{}, 1),
		lanes:   map[event.Lane]*lane{},
		shared:  map[uint64]int{},
		stopped: true,
		ctx:     d.attempts,
		watches: &d.watches,

		pausedLanes: map[event.Lane]Pause{},
	}
	most := e.Concurrency * e.count()
	r.ramp = ramp{limit: most, most: most, brink: most}
	r.setRate()
	r.vendor = newVendor(e.Vendor)
	r.line.Store(newLine(e.Sender, e.Release))
	return r
}

// serving is how far the tail has read, with the endpoints that it served then and
// those that were removed.
func (d *Deliverer) serving() (tail gateway.Pos, runners []*runner, gone []*gone) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.tail, d.runners, d.gone
}

// Start restores positions and begins to deliver. An endpoint that was not there
// before begins where its Start says. An endpoint that was there and is not
// configured any more is kept as one that Set removes.
func (d *Deliverer) Start(ctx context.Context) (err error) {
	saved, err := d.cfg.Journal.Load(ctx)
	if err != nil {
		return fmt.Errorf("loading positions: %w", err)
	}
	first, last, _, err := d.cfg.Journal.Bounds(ctx)
	if err != nil {
		return fmt.Errorf("reading the journal's bounds: %w", err)
	}
	d.tail = d.tailFrom(saved, first, last)
	d.savedTail = ^gateway.Pos(0) // nothing is saved yet

	d.attempts, d.cutShort = context.WithCancel(context.WithoutCancel(ctx))
	readCtx, stop := context.WithCancel(context.WithoutCancel(ctx))
	d.stop = stop
	defer func() {
		if err != nil {
			stop()
			d.cutShort()
			d.stop = nil
		}
	}()
	for _, r := range d.runners {
		r.ctx = d.attempts //nolint:fatcontext // one context for all runners, not one inside the other
		if err := d.startRunner(ctx, r, saved, first, last); err != nil {
			return fmt.Errorf("restoring endpoint %s: %w", r.id, err)
		}
	}
	d.keepAbsent(saved, first, last)
	d.restoreRuns(saved)
	d.dropStray(ctx, saved)
	// An endpoint that starts now must be found again after a crash: otherwise it
	// would start anew, and what was accepted in between would be lost to it.
	if err := d.save(ctx); err != nil {
		return err
	}
	// Until the journal hears of a floor it takes everything for unfinished, and a
	// journal full of history for full.
	d.setFloor()
	d.mu.Lock()
	d.readCtx = readCtx
	for _, r := range d.runners {
		r.mu.Lock()
		d.enter(r)
		r.mu.Unlock()
	}
	d.mu.Unlock()
	d.wg.Go(d.follow)
	d.wg.Go(d.survey)
	d.wg.Go(d.keepHouse)
	d.beginRuns()
	return nil
}

// startRunner brings an endpoint back to where it was, or to where it begins.
func (d *Deliverer) startRunner(ctx context.Context, r *runner, saved map[string][]byte, first, last uint64) error {
	p, was, err := d.positionOf(r.id, saved, first, last)
	if err == nil && was == lost {
		err = d.boundLost(ctx, r, &p, last)
	}
	if err != nil {
		return err
	}
	if was == absent {
		if err := d.begin(ctx, r); err != nil {
			return err
		}
		r.live = r.read >= d.tail
		return nil
	}
	r.ahead.taken = d.takenOf(r.id, &p, saved)
	r.patience = startWaits
	if err := r.restore(ctx, p, d.tail, last, d.eager); err != nil {
		return err
	}
	r.dirty = r.dirty || was == lost
	r.resumes()
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
		places := d.index.Match(ev)
		if len(places) == 0 {
			continue
		}
		pos := gateway.NewPos(page.Seq, i)
		for _, n := range places {
			r := d.runners[n]
			if r.offer(pos, ev, d.lag) {
				d.unflushed = append(d.unflushed, r)
			}
		}
	}
	for _, r := range d.unflushed {
		r.mu.Lock()
		r.flush()
		r.mu.Unlock()
	}
	clear(d.unflushed)
	d.unflushed = d.unflushed[:0]
	d.tail = gateway.NewPos(page.Seq+1, 0) - 1
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
	tail, runners, gone := d.serving()
	c := d.cutoffs()
	for _, r := range runners {
		if r.tick() {
			d.wantSurvey()
		}
		if err := r.expire(ctx, tail, c); err != nil && ctx.Err() == nil {
			d.cfg.Log.Warn("expiring failed", "endpoint", r.id, "err", err)
		}
	}
	d.keepGone(ctx, tail, gone, c)
	d.setFloor()
	d.pruneRuns(ctx)
}

// setFloor tells the journal below which page every endpoint is done.
func (d *Deliverer) setFloor() {
	// An older floor must not come after a newer one: it knows nothing of an
	// endpoint that is further back.
	d.flooring.Lock()
	defer d.flooring.Unlock()
	tail, runners, gone := d.serving()
	floor, settled := tail+1, true
	for _, r := range runners {
		r.mu.Lock()
		oldest := r.oldest(tail)
		settled = settled && oldest.Seq() >= r.expireBelow
		r.mu.Unlock()
		floor = min(floor, oldest)
	}
	for _, g := range gone {
		d.mu.Lock()
		floor = min(floor, g.floor(tail))
		d.mu.Unlock()
	}
	d.cfg.Journal.SetFloor(floor.Seq(), settled)
}

// save writes the positions that changed. The tail's own position is taken first
// and written last: every event up to it was handed out before, so the endpoints'
// records that are written in between hold all of those that are still open. An
// endpoint that stopped being live, or was removed, is thus never taken for read
// up to the tail.
//
// The endpoints that were removed, or came back, in the meantime are not among those
// that are saved here: then the tail's position waits until the next time.
func (d *Deliverer) save(ctx context.Context) error {
	d.mu.Lock()
	tail, runners, gone, changes := d.tail, d.runners, d.gone, d.changes
	d.mu.Unlock()
	for _, r := range runners {
		if err := d.saveRunner(ctx, r); err != nil {
			return err
		}
	}
	if err := d.saveGone(ctx, gone); err != nil {
		return err
	}
	d.mu.Lock()
	changed := d.changes != changes
	d.mu.Unlock()
	if changed || tail == d.savedTail {
		return nil
	}
	if err := d.cfg.Journal.Save(ctx, tailKey, binary.AppendUvarint(nil, uint64(tail))); err != nil {
		return fmt.Errorf("saving the tail's position: %w", err)
	}
	d.savedTail = tail
	return nil
}

// saveRunner writes the endpoint's position if it changed.
func (d *Deliverer) saveRunner(ctx context.Context, r *runner) error {
	// Somebody else may be writing it now and fail: until then it is not saved, and
	// the tail's position must not be either.
	d.saving <- struct{}{}
	defer func() { <-d.saving }()
	r.mu.Lock()
	if !r.dirty {
		r.mu.Unlock()
		return nil
	}
	r.dirty = false
	p := r.position()
	chunks, first := r.ahead.taken.unsaved(), r.ahead.taken.first
	r.mu.Unlock()
	d.record = appendPosition(d.record[:0], p)
	err := d.saveRecord(ctx, r.id, chunks, d.record)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		r.dirty = true
		return fmt.Errorf("saving the position of %s: %w", r.id, err)
	}
	d.saved(ctx, r.id, &r.ahead.taken, chunks, first, &r.mu)
	return nil
}

// Stop stops reading, lets attempts in flight end until ctx does, then cuts them
// short, saves all positions and releases the senders.
func (d *Deliverer) Stop(ctx context.Context) error {
	if d.stop == nil {
		return nil
	}
	d.stop()
	d.setting <- struct{}{} // a Set under way gives up; none comes after
	// Only Set replaces them. To lock mu would wait for the page that is being
	// handed out.
	runners := d.runners
	for _, r := range runners {
		r.halt()
	}
	done := make(chan struct{})
	go func() {
		for _, r := range runners {
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
	err := errors.Join(d.save(saving), d.saveRuns(saving))
	for _, r := range runners {
		r.line.Load().leave()
	}
	d.stop = nil
	return err
}
