package history

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// Journal is where events are read.
type Journal interface {
	// Page returns the first page at or after seq, or gateway.ErrNoPage.
	Page(ctx context.Context, seq uint64) (*gateway.Page, error)
	// Bounds returns the first and last page; last is first-1 when there is none.
	Bounds(ctx context.Context) (first, last, bytes uint64, err error)
	// Tail calls fn for every page from seq on, in order, until ctx ends or reading fails.
	Tail(ctx context.Context, from uint64, fn func(*gateway.Page)) error
}

// Pages are those of the trail of decisions, or of the log of attempts. See
// [chronicle.Store].
type Pages interface {
	// There reports whether anything was ever kept there.
	There(ctx context.Context) (bool, error)
	Page(ctx context.Context, seq uint64) ([]byte, time.Time, error)
	Bounds(ctx context.Context) (first, last uint64, err error)
}

// Letters are the dead letters.
type Letters interface {
	DeadLetter(ctx context.Context, seq uint64) (gateway.DeadLetter, error)
	NextDeadLetter(ctx context.Context, seq uint64, endpoint string) (gateway.DeadLetter, error)
	DeadLetterBounds(ctx context.Context) (first, last, n uint64, err error)
}

// Config is what a [History] is made of. What is marked may be nil.
type Config struct {
	// Dir is where the SQLite files are; URL is that of a PostgreSQL database, and wins.
	Dir string
	URL dialect.Secret
	// Age and Bytes bound what is kept; the oldest leaves past either.
	Age   time.Duration
	Bytes int64

	Journal             Journal
	Decisions, Attempts Pages // may be nil
	Letters             Letters
	// Restore reads the bodies of an event again.
	Restore func(*event.Event) (*event.Event, error)
	// Picks returns the endpoints (app/name) whose rules pick an event with its bodies.
	// May be nil.
	Picks func(*event.Event) []string
	// Standing says where an event stands at an endpoint (app/name). May be nil.
	Standing func(endpoint string, pos gateway.Pos, lane event.Lane) gateway.Standing
	// Room is how many bytes are free where the journal is, and how many of them are kept
	// free for it. May be nil.
	Room func() (avail, reserve int64, err error)
	// Metrics is where gauges and counters are registered; nil means nowhere.
	Metrics prometheus.Registerer
	// Log defaults to nowhere, Now to time.Now.
	Log *slog.Logger
	Now func() time.Time

	// chunkEvents is when a chunk is sealed, segmentBytes when a segment is full; zero
	// means what follows from the constants and from Bytes.
	chunkEvents  int
	segmentBytes int64
	// wait is how long a batch waits for more.
	wait time.Duration
	// idle says how many processors nobody uses.
	idle func() float64
}

// Bounds of chunks and segments.
const (
	// chunkEvents are in memory with their terms until they are sealed: some ten MiB.
	chunkEvents = 1 << 16
	// segmentParts is into how many segments what may be kept is cut.
	segmentParts      = 32
	leastSegmentBytes = 8 << 20
	mostSegmentBytes  = 1 << 30
	// eventBytes is what an event takes, and more: a chunk must not be more than a segment.
	eventBytes = 512
)

func (c Config) withDefaults() Config {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.segmentBytes == 0 {
		c.segmentBytes = min(mostSegmentBytes, max(leastSegmentBytes, c.Bytes/segmentParts))
	}
	if c.chunkEvents == 0 {
		c.chunkEvents = int(min(chunkEvents, c.segmentBytes/eventBytes))
	}
	if c.wait == 0 {
		c.wait = batchWait
	}
	if c.idle == nil {
		c.idle = newIdle()
	}
	return c
}

// History is the read model. Make it with [New], run it with Start, end it with Stop; it
// is safe for concurrent use.
type History struct {
	cfg      Config
	endings  endings
	counters counters

	cancel  context.CancelFunc
	done    chan struct{}
	rebuild chan struct{} // holds a value when all shall be made anew
	// hurry takes who waits for what is there now; it is closed for him when that was read.
	hurry chan chan struct{}

	// using is held, shared, by who reads segments, and alone by who closes one.
	using sync.RWMutex
	// mu guards the following. It is never held while a database is asked.
	mu       sync.RWMutex
	store    store
	segments []*segment // the oldest first
	feeding  feeding
	// refreshed is when was read what other gateways write.
	refreshed time.Time
	// hurt are segments that a search found damaged.
	hurt []*segment
}

// counters are what happened since the start.
type counters struct {
	events, failures, missed, lostEndings atomic.Uint64
}

// New prepares a History; nothing is opened before Start.
func New(cfg Config) (*History, error) {
	switch {
	case cfg.Dir == "" && cfg.URL == "":
		return nil, errors.New("history needs a directory, or the URL of a database")
	case cfg.Journal == nil || cfg.Letters == nil || cfg.Restore == nil:
		return nil, errors.New("history needs Journal, Letters and Restore")
	case cfg.Age <= 0 || cfg.Bytes <= 0:
		return nil, errors.New("history needs bounds")
	}
	h := &History{cfg: cfg.withDefaults(), rebuild: make(chan struct{}, 1), hurry: make(chan chan struct{}), done: make(chan struct{})}
	h.feeding.trouble, h.feeding.startedAt = notOpen, h.cfg.Now()
	if cfg.Metrics != nil {
		if err := cfg.Metrics.Register(newCollector(h)); err != nil {
			return nil, fmt.Errorf("registering metrics: %w", err)
		}
	}
	return h, nil
}

// notOpen is what is wrong before anything was opened.
const notOpen = "it is being opened"

// Start begins to open and to feed the history. It does not wait for either.
func (h *History) Start() {
	ctx, cancel := context.WithCancel(context.Background())
	h.cancel = cancel
	go func() {
		defer close(h.done)
		h.run(ctx)
	}()
}

// Stop ends it. What was read and not written is read again after the next Start. It
// may be called more than once.
func (h *History) Stop(ctx context.Context) error {
	if h.cancel == nil {
		return nil
	}
	h.cancel()
	select {
	case <-h.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("ending the history: %w", ctx.Err())
	}
}

// Pauses after a failure.
const (
	firstPause = 250 * time.Millisecond
	mostPause  = 15 * time.Second
	// followEvery is how often a gateway that does not feed a shared history looks
	// whether it shall.
	followEvery = 2 * time.Second
)

// run opens the history and feeds it, until ctx ends.
func (h *History) run(ctx context.Context) {
	defer h.closeAll()
	pause := firstPause
	for ctx.Err() == nil {
		began := h.cfg.Now()
		err := h.session(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, errFollower):
			h.follow(ctx)
			continue
		case errors.Is(err, errRebuild):
			continue
		}
		if h.cfg.Now().Sub(began) > mostPause {
			pause = firstPause
		}
		h.fails(ctx, err)
		sleep(ctx, pause)
		pause = min(mostPause, 2*pause)
	}
}

// follow is what a gateway does while another one feeds: it notes how its own deliveries
// end. It returns when it is time to see whether it shall feed.
func (h *History) follow(ctx context.Context) {
	h.follows()
	sleep(ctx, min(followEvery, 20*h.cfg.wait))
	all, lost := h.endings.take(nil)
	h.counters.lostEndings.Add(lost)
	if len(all) == 0 {
		return
	}
	ctx, cancel := ending(ctx, writeWithin)
	defer cancel()
	if err := h.writeEndings(ctx, all); err != nil {
		h.endings.giveBack(all)
		h.fails(ctx, err)
	}
}

// writeEndings writes endings beside the gateway that feeds.
func (h *History) writeEndings(ctx context.Context, all []ended) error {
	h.mu.Lock()
	h.refreshed = time.Time{}
	h.mu.Unlock()
	if err := h.refresh(ctx); err != nil {
		return err
	}
	h.using.RLock()
	defer h.using.RUnlock()
	h.mu.RLock()
	segments := h.segments
	h.mu.RUnlock()
	if len(segments) == 0 {
		return errors.New("the history holds nothing yet")
	}
	w, err := h.store.guest(ctx, segments[len(segments)-1])
	if err != nil {
		return err
	}
	err = w.transaction(ctx, func() error {
		rows, pages := endingRows(all)
		if err := w.insert(ctx, endingTable, rows); err != nil {
			return err
		}
		return w.exec(ctx, upsertSpan, spanEndings, pages.lo, pages.hi)
	})
	return errors.Join(err, w.close())
}

// session feeds until something fails.
func (h *History) session(ctx context.Context) error {
	if err := h.open(ctx); err != nil {
		return err
	}
	f := &feeder{h: h, store: h.store, pace: newPacer(ctx, h.cfg.idle)}
	err := f.run(ctx)
	if ctx.Err() == nil && isDamage(err) {
		if aside := h.damaged(ctx); aside != nil {
			return errors.Join(err, aside)
		}
	}
	return err
}

// open opens the store and reads the directories, where that was not done.
func (h *History) open(ctx context.Context) error {
	h.mu.RLock()
	st := h.store
	h.mu.RUnlock()
	if st == nil {
		var err error
		if h.cfg.URL != "" {
			st, err = openShared(h.cfg.URL)
		} else {
			st, err = openFiles(h.cfg.Dir, h.cfg.Log, h.cfg.Now)
		}
		if err != nil {
			return err
		}
		all, err := st.open(ctx)
		if err != nil {
			return errors.Join(err, st.close())
		}
		h.mu.Lock()
		h.store, h.segments, h.refreshed = st, all, h.cfg.Now()
		h.mu.Unlock()
	}
	return st.lead(ctx)
}

// damaged sets the newest segment aside, which cannot be written. The one before says
// from where it is made anew.
func (h *History) damaged(ctx context.Context) error {
	h.mu.RLock()
	all := h.segments
	h.mu.RUnlock()
	if len(all) == 0 {
		return nil
	}
	return h.setAside(ctx, all[len(all)-1])
}

// setAside takes a damaged segment out of the history.
func (h *History) setAside(ctx context.Context, s *segment) error {
	h.using.Lock()
	defer h.using.Unlock()
	h.mu.Lock()
	h.segments = slices.DeleteFunc(slices.Clone(h.segments), func(o *segment) bool { return o == s })
	h.mu.Unlock()
	words, err := h.store.setAside(ctx, s)
	if err == nil {
		h.halts("a part of the history", errors.New(words))
	}
	return err
}

// hurts notes that a segment is damaged, for the feeder to set aside.
func (h *History) hurts(s *segment, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !slices.Contains(h.hurt, s) {
		h.hurt = append(h.hurt, s)
		h.cfg.Log.Error("a part of the history is damaged", "segment", s.id, "err", err)
	}
}

// heal sets aside what a search found damaged.
func (f *feeder) heal(ctx context.Context) error {
	f.h.mu.Lock()
	all := f.h.hurt
	f.h.hurt = nil
	f.h.mu.Unlock()
	for _, s := range all {
		if s == f.seg {
			return fmt.Errorf("the newest part of the history is damaged: %w", errPlaces)
		}
		if err := f.h.setAside(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// closeAll lets go of everything.
func (h *History) closeAll() {
	h.using.Lock()
	defer h.using.Unlock()
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range h.segments {
		if err := s.close(); err != nil {
			h.cfg.Log.Warn("closing a segment of the history failed", "segment", s.id, "err", err)
		}
	}
	if h.store != nil {
		if err := h.store.close(); err != nil {
			h.cfg.Log.Warn("closing the history failed", "err", err)
		}
	}
	h.segments, h.store = nil, nil
	h.feeding.trouble = "it is stopped"
}

// ErrElsewhere says that another gateway feeds the history, so that nothing can be asked
// of this one about feeding it.
var ErrElsewhere = errors.New("another gateway feeds the history: ask that one")

// ErrNotReady says that the history cannot be searched now; the error in which it is
// wrapped says why.
var ErrNotReady = errors.New("the history cannot be searched now")

// Rebuild drops what is kept and begins to make it anew from what journal, trail and
// logs still have. It returns at once; [Status] says how far it is.
func (h *History) Rebuild() error {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if h.store == nil {
		return fmt.Errorf("%w: %s", ErrNotReady, h.feeding.trouble)
	}
	if h.feeding.follower {
		return ErrElsewhere
	}
	select {
	case h.rebuild <- struct{}{}:
	default: // it is asked for already
	}
	return nil
}

// refresh reads anew what other gateways write: all directories where one of them feeds
// the history, and else of which pages they noted endings.
func (h *History) refresh(ctx context.Context) error {
	h.mu.RLock()
	st, follower, old, fresh := h.store, h.feeding.follower, h.segments, h.cfg.Now().Sub(h.refreshed) < refreshEvery
	h.mu.RUnlock()
	if st == nil || st.local() || fresh || len(old) == 0 && !follower {
		return nil
	}
	if !follower {
		newest := old[len(old)-1]
		var d directory
		if err := newest.loadSpans(ctx, &d); err != nil {
			return err
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		if d.endings != (span{}) {
			newest.endings = newest.endings.with(d.endings.lo).with(d.endings.hi)
		}
		h.refreshed = h.cfg.Now()
		return nil
	}
	all, err := st.open(ctx)
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.feeding.follower && slices.Equal(old, h.segments) {
		h.segments, h.refreshed = all, h.cfg.Now()
	}
	return nil
}

// refreshEvery is how old a directory may be that another gateway writes.
const refreshEvery = time.Second

// catchUp lets the feeder read what is there now, if that takes no longer than a person
// waits: who asks for a story has often just made it happen.
func (h *History) catchUp(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, hurryWithin)
	defer cancel()
	read := make(chan struct{})
	select {
	case h.hurry <- read:
	case <-ctx.Done():
		return
	}
	select {
	case <-read:
	case <-ctx.Done():
	}
}

// hurryWithin is how long a story waits for what just happened.
const hurryWithin = 300 * time.Millisecond

// sleep waits, or until ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
