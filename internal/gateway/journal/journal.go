package journal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/internal/gateway"
)

// Sync says when an event is durable. Values are configuration: append only.
type Sync string

// The ways.
const (
	// Always: fsynced before it is answered.
	Always Sync = "always"
	// Interval: written before it is answered, fsynced within a second. Loss of
	// power can lose that second; kill -9 loses nothing.
	Interval Sync = "interval"
)

// WhenFull says what happens when unfinished events fill the journal.
type WhenFull string

// The ways.
const (
	Refuse     WhenFull = "refuse"
	DropOldest WhenFull = "drop_oldest"
)

// Config is what a Journal is made of.
type Config struct {
	// Dir is the data directory; the journal takes the folder journal in it. An
	// external engine needs none.
	Dir string
	// URL names a NATS server, or several of one cluster separated by commas; empty
	// means the engine in this process. Name tells several journals on one server
	// apart; empty means [DefaultName]. Replicas of the streams; zero means 1.
	URL      string
	Name     string
	Replicas int
	// CredentialsFile is a NATS .creds file; User with Password, or Token, are the
	// other ways to log in.
	CredentialsFile string
	User            string
	Password        dialect.Secret
	Token           dialect.Secret
	// TLS of the connection; nil means what the URL and the system say.
	TLS *TLS
	// Join makes a gateway that finds the journal in use a member: it hands what it
	// takes to the gateway that writes, reads with it, and takes over when that one
	// is gone. Without it Open fails with [ErrTaken]. For an external engine only.
	Join bool
	// StartWithin is how long Open tries to reach an external engine; zero means
	// 30 s.
	StartWithin time.Duration
	// Sync is for the embedded engine. An external one stores as its operator set it
	// up: with three replicas an event is answered when two servers have it; a single
	// server without sync_interval: always has it in its page cache then, which
	// kill -9 does not lose and loss of power does, for up to two minutes.
	Sync Sync
	// WhenFull defaults to Refuse.
	WhenFull WhenFull
	// RetainAge and RetainBytes bound the history that every endpoint has
	// finished with; RetainBytes bounds what they have not as well.
	RetainAge   time.Duration
	RetainBytes int64
	// TrailAge and TrailBytes bound the trail of decisions; zero means 72 h and
	// 256 MiB.
	TrailAge   time.Duration
	TrailBytes int64
	// AttemptsAge and AttemptsBytes bound the log of attempts; zero means 72 h and
	// 256 MiB.
	AttemptsAge   time.Duration
	AttemptsBytes int64
	// MaxBody is the largest event body in bytes; zero means 1 MiB.
	MaxBody int64
	// Window is how long a duplicate is recognised, at least; zero means 10 min.
	// WindowKeys bounds how many keys are remembered; zero means 500,000.
	Window     time.Duration
	WindowKeys int
	// Reserve is how many bytes of the disk stay free; below it arrivals are
	// refused. Zero means the larger of 256 MiB and 2 % of the disk.
	Reserve int64
	Log     *slog.Logger
	Now     func() time.Time
	// Aged is the moment by which history grows old; it defaults to Now. See
	// [gateway.Ageing].
	Aged func() time.Time
	// Version of this imhook is written beside what it stores.
	Version string

	leaseTTL time.Duration // zero means the constant
}

// WithDefaults returns a copy with zero fields filled in.
func (c Config) WithDefaults() Config {
	if c.Sync == "" {
		c.Sync = Always
	}
	if c.WhenFull == "" {
		c.WhenFull = Refuse
	}
	if c.RetainAge == 0 {
		c.RetainAge = 72 * time.Hour
	}
	if c.RetainBytes == 0 {
		c.RetainBytes = 20 << 30
	}
	if c.TrailAge == 0 {
		c.TrailAge = 72 * time.Hour
	}
	if c.TrailBytes == 0 {
		c.TrailBytes = 256 << 20
	}
	if c.AttemptsAge == 0 {
		c.AttemptsAge = 72 * time.Hour
	}
	if c.AttemptsBytes == 0 {
		c.AttemptsBytes = 256 << 20
	}
	if c.MaxBody == 0 {
		c.MaxBody = 1 << 20
	}
	if c.Window == 0 {
		c.Window = 10 * time.Minute
	}
	if c.WindowKeys == 0 {
		c.WindowKeys = 500_000
	}
	if c.Name == "" || !c.external() {
		c.Name = DefaultName
	}
	if c.Replicas == 0 {
		c.Replicas = 1
	}
	if c.StartWithin == 0 {
		c.StartWithin = startTimeout
	}
	if c.leaseTTL == 0 {
		c.leaseTTL = leaseTTL
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Aged == nil {
		c.Aged = c.Now
	}
	return c
}

// Validate says what is wrong with the configuration.
func (c Config) Validate() error {
	switch {
	case c.Dir == "" && !c.external():
		return errors.New("journal needs a directory")
	case c.Sync != Always && c.Sync != Interval:
		return fmt.Errorf("sync is %q, want %s or %s", c.Sync, Always, Interval)
	case c.WhenFull != Refuse && c.WhenFull != DropOldest:
		return fmt.Errorf("when_full is %q, want %s or %s", c.WhenFull, Refuse, DropOldest)
	case c.MaxBody > maxPage-recordSlack:
		return fmt.Errorf("max_body is %d, want at most %d", c.MaxBody, maxPage-recordSlack)
	}
	if c.external() {
		return c.checkExternal()
	}
	return nil
}

// How long dead letters are kept, and how many bytes of them.
const (
	deadLettersKept = 30 * 24 * time.Hour
	deadLetterBytes = 2 << 30
)

// Bounds of a page in bytes. A group that reached fullPage takes no more; one
// arrival alone, which is never cut, may reach maxPage. The engine takes records
// of 32 MiB for damage.
const (
	maxPage     = 24 << 20
	fullPage    = 1 << 20
	recordSlack = 64 << 10
)

// Journal keeps events. It is safe for concurrent use. Make it with [Open].
type Journal struct {
	cfg    Config
	unlock func() error
	// started is set once Open is through; only keepHouse reopens after it.
	started bool
	// engine is replaced when the embedded server had to be restarted.
	engine atomic.Pointer[engine]
	// at is what streams and subjects are called. limit bounds a page in bytes.
	at    names
	limit atomic.Int64
	// The following are for an external engine. lease is nil with an embedded one.
	lease    *lease
	denied   atomic.Pointer[string]             // what NATS does not permit
	abort    atomic.Pointer[context.CancelFunc] // ends preparing once that is known
	roomless atomic.Pointer[roomless]           // why NATS takes nothing
	// nodes are the gateways of the same journal; nil when they do not join.
	nodes *nodes
	// copyingFrom is set while a copy is made into the journal, resuming when it goes
	// on with an earlier one; mustExist while one is made of it.
	copyingFrom         string
	resuming, mustExist bool

	commits committer
	recent  recent
	window  window
	snaps   snapshots
	places  places
	// floorWas is the floor of before this start, and placesGone is true when positions
	// were there that neither the engine nor their copy has.
	floorWas   uint64
	placesGone atomic.Bool
	saving     sync.Mutex      // held by Save
	slots      map[string]byte // see split; guarded by saving
	parked     atomic.Uint64   // the last dead letter's sequence
	// letters is what there is of dead letters, as far as was noted; guarded by lettering.
	letters   letterMark
	lettering sync.Mutex
	water     *water
	done      progress
	nag       nags
	trimNag   nags
	mendNag   nags
	// dialed is the server that was connected to last; nil before.
	dialed atomic.Pointer[string]
	// suspects are numbers that a reader found no page at.
	suspects suspects
	noting   sync.Mutex // held by note
	// deleted is how many pages the engine said it lacks, when it was asked last.
	deleted int
	// What the operator was told when, and when the journal became full; keepHouse
	// alone uses them.
	saidDrop, saidMend, fullAt time.Time
	refusedBefore              uint64
	// unchecked are the bytes since the disk was looked at; the commit loop's own.
	unchecked int64
	// recalled counts the pages that were read to know the window again.
	recalled int
	size     sizes
	full     atomic.Pointer[string] // why arrivals are refused; nil when they are not
	floor    atomic.Uint64
	reserve  atomic.Int64 // bytes of the disk that stay free
	floorAt  atomic.Int64 // when it was told, and
	overAt   atomic.Int64 // since when what is unfinished is past its bound, in Unix nanoseconds
	heldBy   atomic.Pointer[func() string]
	nudge    chan struct{} // wakes keepHouse before its time
	// commitWithin is how long the engine may take for one page.
	commitWithin time.Duration
	names        interner
	counts       counts

	stop context.CancelFunc
	wg   sync.WaitGroup
}

// engine is one connection to one server.
type engine struct {
	at       names
	embedded *embedded // nil when it is external
	// member is true when another gateway had the lease.
	member bool
	// copied is true while pages that were copied into the journal may come first.
	copied atomic.Bool
	nc     *nats.Conn
	js     jetstream.JetStream
	pages  jetstream.Stream
	places jetstream.Stream
	dead   jetstream.Stream
	leases jetstream.Stream // of an external engine
	// account is what an external engine's account may, for streams that are made
	// later.
	account    jetstream.AccountLimits
	chronicles [chronicles]chronicleStream
}

// Open opens or creates the journal, in cfg.Dir or on the server at cfg.URL. It
// fails when another gateway has it, when it was written by a newer imhook, and
// when the server is not what the journal needs. A server that cannot be reached
// is tried for cfg.StartWithin.
func Open(ctx context.Context, cfg Config) (j *Journal, err error) {
	cfg = cfg.WithDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	j = newJournal(cfg)
	defer func() {
		if err != nil {
			err = errors.Join(cfg.explain(err), j.Close(context.WithoutCancel(ctx)))
		}
	}()
	if !cfg.external() {
		if err := j.openDirectory(); err != nil {
			return j, err
		}
	}
	if err := j.begin(ctx); err != nil {
		return j, err
	}
	if err := j.measure(ctx); err != nil {
		return j, err
	}
	if e, err := j.use(); err != nil {
		return j, err
	} else if j.standing() {
		// What it has is for the gateway that writes to note.
	} else if err := j.noteWater(ctx, e); err != nil {
		return j, err
	}
	j.started = true
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	j.stop = stop
	j.commits.init()
	j.wg.Go(j.commitLoop)
	if j.nodes != nil {
		j.wg.Go(func() { j.watch(running) })
		j.wg.Go(func() { j.follow(running) })
	}
	j.wg.Go(func() { j.keepHouse(running) })
	return j, nil
}

// explain says what to do about an error of opening that says only what the
// operating system does.
func (c Config) explain(err error) error {
	// What the engine met comes as text.
	if c.external() || !errors.Is(err, syscall.ENOSPC) && !strings.Contains(err.Error(), syscall.ENOSPC.Error()) {
		return err
	}
	return fmt.Errorf("the disk of %s is full: make room on it (%w)", c.Dir, err)
}

func newJournal(cfg Config) *Journal {
	j := &Journal{cfg: cfg, at: namesOf(cfg.Name), nudge: make(chan struct{}, 1), commitWithin: commitTimeout, water: &water{}}
	j.limit.Store(maxPage)
	j.window.init(cfg.Window, cfg.WindowKeys, cfg.Now())
	j.places.values, j.places.written = map[string][]byte{}, cfg.Now()
	if cfg.external() {
		j.commitWithin = externalTimeout
		j.lease = newLease(cfg.leaseTTL, cfg.Version)
		if cfg.Join {
			j.lease.joins = true
			j.nodes = newNodes(j.lease.id)
		}
		j.snaps.init("", cfg.Window)
		return j
	}
	j.snaps.init(cfg.Dir, cfg.Window)
	return j
}

// openDirectory takes the data directory and reads what is beside the store.
func (j *Journal) openDirectory() error {
	cfg := j.cfg
	unlock, err := lock(cfg.Dir, cfg.Now())
	if err != nil {
		return err
	}
	j.unlock = unlock
	if err := checkFormat(cfg); err != nil {
		return err
	}
	w, damaged, err := openWater(cfg.Dir, cfg.Version)
	if err != nil {
		return err
	}
	j.water, j.floorWas = w, w.rec.Floor
	if damaged {
		cfg.Log.Error("the high-water record cannot be read: if the journal lost something, this start does not tell it", "file", filepath.Join(cfg.Dir, highWaterFile))
	}
	j.reserve.Store(cfg.Reserve)
	if cfg.Reserve == 0 {
		j.reserve.Store(defaultReserve(cfg.Dir))
	}
	return nil
}

// reopen starts the engine, finds out what it lacks, and reads again what is to
// be recognised.
func (j *Journal) reopen(ctx context.Context) error {
	if j.nodes != nil {
		// Nobody follows meanwhile: what is to be recognised is read here.
		j.nodes.following.Lock()
		defer j.nodes.following.Unlock()
	}
	if old := j.engine.Swap(nil); old != nil {
		old.close()
	}
	j.recent.forget()
	before, _ := j.done.get()
	e, err := j.start(ctx, j.cfg)
	if err != nil {
		return err
	}
	if e.member {
		if err := j.attend(ctx, e); err != nil {
			e.close()
			return err
		}
		j.engine.Store(e)
		return nil
	}
	e, losses, err := j.reconcile(ctx, e)
	if err == nil && e.embedded == nil && (j.started || j.lease.forced) {
		err = j.fence(ctx, e)
	}
	if err == nil {
		err = j.recallPlaces(ctx, e)
	}
	if err == nil {
		err = j.reconcileLetters(ctx, e)
	}
	if err == nil {
		if j.started && len(losses) == 0 {
			// The old engine may have stored a page that it could not acknowledge any
			// more. Who sent its events sends them again, and they must be found known.
			err = j.recall(ctx, e, before+1)
		} else {
			err = j.recallWindow(ctx, e, len(losses) > 0)
		}
		if err != nil {
			err = fmt.Errorf("recalling what arrived lately: %w", err)
		}
	}
	if err == nil && j.started && len(losses) > 0 {
		err = j.noteFirst(ctx, e) // or what is gone from the front would be told again
	}
	if err != nil {
		e.close()
		return err
	}
	j.engine.Store(e)
	if j.nodes != nil {
		j.nodes.writes(j.lease.me)
		j.Hint(sayLease)
	}
	return nil
}

// start starts the server, or connects to it, and makes the streams.
func (j *Journal) start(ctx context.Context, cfg Config) (*engine, error) {
	if cfg.external() {
		return j.startExternal(ctx)
	}
	srv, err := startServer(cfg)
	if err != nil {
		return &engine{}, err
	}
	e := &engine{at: j.at, embedded: srv}
	if err := j.connect(ctx, e); err != nil {
		e.close()
		return &engine{}, err
	}
	return e, nil
}

// progress is the last page that is known to be stored, and how many events have
// been stored with it since the journal was made.
type progress struct {
	mu           sync.Mutex
	last, events uint64
}

func (p *progress) get() (last, events uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last, p.events
}

func (p *progress) set(last, events uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last, p.events = last, events
}

func (j *Journal) connect(ctx context.Context, e *engine) error {
	var err error
	if e.nc, err = e.embedded.connect(); err != nil {
		return fmt.Errorf("connecting to the engine: %w", err)
	}
	if e.js, err = jetstream.New(e.nc); err != nil {
		return fmt.Errorf("connecting to the engine: %w", err)
	}
	return j.streams(ctx, e, jetstream.AccountLimits{})
}

func (e *engine) close() {
	if e.nc != nil {
		e.nc.Close()
	}
	if e.embedded != nil {
		e.embedded.stop()
	}
}

// use returns the engine, or gateway.ErrUnavailable while it is being restarted.
func (j *Journal) use() (*engine, error) {
	if e := j.engine.Load(); e != nil {
		return e, nil
	}
	if j.cfg.external() {
		return nil, fmt.Errorf("%w: NATS does not answer", gateway.ErrUnavailable)
	}
	return nil, fmt.Errorf("%w: the engine is being restarted", gateway.ErrUnavailable)
}

// Close lets the last group be committed and closes the journal. Appends after
// it fail with gateway.ErrUnavailable.
func (j *Journal) Close(ctx context.Context) error {
	j.commits.close()
	if j.stop != nil {
		j.stop()
	}
	j.wg.Wait()
	e := j.engine.Swap(nil)
	if e != nil && j.started {
		j.leave(ctx, e)
	}
	released := j.lease.release(context.WithoutCancel(ctx))
	if j.nodes != nil && e != nil && !e.member {
		_ = e.nc.Publish(j.at.nodePrefix+nodeAll+"."+sayLease, nil) // a member need not wait
		_ = e.nc.FlushTimeout(time.Second)
	}
	if released != nil {
		// It lapses by itself.
		j.cfg.Log.Warn("the next gateway has to wait until the lease on the journal lapses", "err", released)
	}
	if e != nil {
		e.close()
	}
	if j.unlock == nil {
		return nil
	}
	unlock := j.unlock
	j.unlock = nil
	if j.water != nil {
		return errors.Join(j.water.close(), unlock())
	}
	return unlock()
}
