package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
	"github.com/imhook/imhook/internal/gateway/deliver"
	"github.com/imhook/imhook/internal/gateway/journal"
)

// Plan is what is delivered to whom. Each gateway has its own, and they should be
// equal.
type Plan struct {
	Endpoints []deliver.Endpoint
	// Spread is into how many parts each endpoint is cut, by place; zero means one.
	Spread []int
	// Index makes an index of the endpoints at these places of Endpoints, which knows
	// them by their places in the list that it was given.
	Index func(places []int) deliver.Index
	// Fingerprint tells the configuration that the plan was made of from another one.
	Fingerprint Fingerprint
}

// check says what is wrong with the plan.
func (p *Plan) check() error {
	if len(p.Spread) != len(p.Endpoints) {
		return fmt.Errorf("%d endpoints and %d spreads", len(p.Endpoints), len(p.Spread))
	}
	for i, e := range p.Endpoints {
		if n := p.Spread[i]; n < 0 || n > MaxSpread || n > 1 && e.Order == deliver.OrderStrict {
			return fmt.Errorf("endpoint %s: spread is %d, want 1 to %d, and 1 where order is strict", e.ID(), n, MaxSpread)
		}
	}
	return nil
}

// Config is what a Node is made of.
type Config struct {
	Journal Journal
	Plan    Plan
	Log     *slog.Logger
	Metrics prometheus.Registerer
	// Deliver is what the Deliverers of all slices have in common; endpoints, index,
	// journal, Held and log are the node's.
	Deliver deliver.Config
	// StartWithin is how long Start waits until every endpoint is delivered to by
	// some gateway; zero means 20 s.
	StartWithin time.Duration
}

// Node is one gateway of a cluster: it delivers what it is granted. Make it with
// [New].
type Node struct {
	cfg  Config
	self journal.Node
	ctx  context.Context //nolint:containedctx // lives from Start to the end of Stop
	stop context.CancelFunc
	wg   sync.WaitGroup
	kick chan struct{}
	// ready is closed when every endpoint was delivered to by somebody.
	ready    chan struct{}
	isReady  sync.Once
	leaving  atomic.Bool
	seq      uint64 // of the last beat; the loop's own
	uploads  atomic.Uint64
	floor    atomic.Uint64
	deadline atomic.Pointer[time.Time]
	// reader runs nothing: it counts.
	reader *deliver.Deliverer
	// board is kept while this gateway writes.
	board   atomic.Pointer[board]
	opening sync.Mutex // held while the board is opened

	// planning is held for writing while the plan changes, and for reading while a
	// slice starts with it.
	planning sync.RWMutex
	plan     atomic.Pointer[plan]

	mu   sync.Mutex // guards the following
	runs map[int]*sliceRun
	// heard is when the last beat was sent that was answered.
	heard time.Time
	// closed is true when nothing more may begin.
	closed bool
	said   string // the last failure of a beat that was told
	saidAt time.Time
}

// plan is a Plan with what is known of it.
type plan struct {
	Plan
	ids   []string
	cut   map[string]int
	sends map[string]*sender
}

// New checks the plan; nothing runs before [Node.Start].
func New(cfg Config) (*Node, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.StartWithin == 0 {
		cfg.StartWithin = 20 * time.Second
	}
	n := &Node{cfg: cfg, self: cfg.Journal.Self(), kick: make(chan struct{}, 1), ready: make(chan struct{}), runs: map[int]*sliceRun{}}
	if err := n.validate(cfg.Plan); err != nil {
		return nil, err
	}
	var err error
	if n.reader, err = deliver.New(deliver.Config{Journal: cfg.Journal}); err != nil {
		return nil, err
	}
	n.plan.Store(newPlan(cfg.Plan, nil))
	if cfg.Metrics != nil {
		if err := cfg.Metrics.Register(newCollector(n)); err != nil {
			return nil, fmt.Errorf("registering metrics: %w", err)
		}
	}
	return n, nil
}

// validate refuses what a Deliverer would.
func (n *Node) validate(p Plan) error {
	if err := p.check(); err != nil {
		return err
	}
	_, err := deliver.New(deliver.Config{Endpoints: p.Endpoints, Journal: n.cfg.Journal})
	return err
}

// picks is the rule of an endpoint, whoever delivers to it.
func (n *Node) picks(id string) (match func(*event.Event) bool, known bool) {
	p := n.plan.Load()
	if i := slices.Index(p.ids, id); i >= 0 {
		return p.Endpoints[i].Match, true
	}
	return nil, false
}

func (n *Node) endpointIDs() []string        { return n.plan.Load().ids }
func (n *Node) spreads() map[string]int      { return n.plan.Load().cut }
func (n *Node) fingerprint() Fingerprint     { return n.plan.Load().Fingerprint }
func (n *Node) writes() (journal.Role, bool) { r, _ := n.cfg.Journal.Role(); return r, r.Writing }

// Start begins to beat, and to deliver what is granted. It returns when every
// endpoint is delivered to by some gateway: a new one begins then, and what was
// accepted before is not its own. When that takes too long it goes on all the same.
func (n *Node) Start(ctx context.Context) error {
	n.ctx, n.stop = context.WithCancel(context.WithoutCancel(ctx))
	j := n.cfg.Journal
	j.Serve(sayBeat, n.serveBeat)
	j.Serve(saySave, n.serveSave)
	j.Serve(sayStatus, n.serveStatus)
	j.Serve(sayBoard, n.serveBoard)
	j.Serve(sayResume, n.serveResume)
	j.Serve(sayPause, n.servePause)
	j.Serve(sayUnfinished, n.serveUnfinished)
	j.Serve(sayRun, n.serveRun)
	j.Serve(sayRuns, n.serveRuns)
	j.Serve(sayFingerprint, func(context.Context, []byte) ([]byte, error) { return json.Marshal(n.fingerprint()) })
	j.OnHint(sayBeat, n.nudge)
	n.wg.Go(n.run)
	late := time.NewTimer(n.cfg.StartWithin)
	defer late.Stop()
	select {
	case <-n.ready:
	case <-ctx.Done():
		return errors.Join(ctx.Err(), n.Stop(context.WithoutCancel(ctx)))
	case <-late.C:
		n.cfg.Log.Warn("not every endpoint is delivered to yet, going on", "after", n.cfg.StartWithin)
	}
	return nil
}

// nudge makes the loop beat at once.
func (n *Node) nudge() {
	select {
	case n.kick <- struct{}{}:
	default:
	}
}

// run beats until the gateway stops.
func (n *Node) run() {
	tick := time.NewTicker(BeatEvery)
	defer tick.Stop()
	for {
		_, changed := n.cfg.Journal.Role()
		n.beat()
		select {
		case <-n.ctx.Done():
			return
		case <-tick.C:
		case <-changed:
		case <-n.kick:
		}
	}
}

// beat says what this gateway has, and does what it is told.
func (n *Node) beat() {
	sent := time.Now()
	in := n.compose()
	ctx, cancel := context.WithTimeout(n.ctx, askTimeout)
	defer cancel()
	out, err := n.tell(ctx, in)
	if err != nil {
		n.sayOnce(err)
		return
	}
	n.sayOnce(nil)
	if out.Floor > 0 {
		// A member knows it as well: it may be the next one that writes.
		n.cfg.Journal.SetFloor(out.Floor, true)
		if out.Floor != idle {
			n.floor.Store(out.Floor)
		}
	}
	n.obey(sent, out)
	if out.Ready {
		n.isReady.Do(func() { close(n.ready) })
	}
}

// sayOnce tells of a failure that lasts only now and then.
func (n *Node) sayOnce(err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err == nil {
		if n.said != "" {
			n.cfg.Log.Info("the gateway that writes is heard again")
		}
		n.said = ""
		return
	}
	// A take-over lasts some seconds, and is told elsewhere.
	if n.said == "" {
		n.said, n.saidAt = err.Error(), time.Now()
		return
	}
	if time.Since(n.saidAt) > 2*Lapse && n.ctx.Err() == nil {
		n.saidAt = time.Now().Add(time.Minute)
		n.cfg.Log.Warn("this gateway is told nothing by the one that writes, it delivers nothing", "err", err)
	}
}

// compose is what is said.
func (n *Node) compose() beat {
	n.seq++
	b := beat{Node: n.self, Seq: n.seq, Leaving: n.leaving.Load(), Config: n.fingerprint().Sum()}
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, s := range n.runs {
		b.Holds = append(b.Holds, hold{Slice: s.slice, Number: s.number, Runs: s.running.Load(), Floor: s.floor.Load()})
	}
	return b
}

// tell says it to whoever writes.
func (n *Node) tell(ctx context.Context, b beat) (orders, error) {
	role, _ := n.cfg.Journal.Role()
	if role.Writing {
		board, err := n.own(ctx, role.Term)
		if err != nil {
			return orders{}, err
		}
		return board.hear(ctx, b)
	}
	n.board.Store(nil)
	if role.Writer == "" {
		return orders{}, fmt.Errorf("%w: no gateway writes the journal", gateway.ErrUnavailable)
	}
	var out orders
	data, err := json.Marshal(b)
	if err == nil {
		data, err = n.cfg.Journal.Request(ctx, role.Writer, sayBeat, data)
	}
	if err == nil {
		err = json.Unmarshal(data, &out)
	}
	return out, err
}

// own returns the board of this term, which it opens.
func (n *Node) own(ctx context.Context, term uint64) (*board, error) {
	n.opening.Lock()
	defer n.opening.Unlock()
	if b := n.board.Load(); b != nil && b.term == term {
		return b, nil
	}
	b, err := openBoard(ctx, n, term)
	if err != nil {
		return nil, err
	}
	n.board.Store(b)
	n.cfg.Journal.Hint(sayBeat)
	return b, nil
}

var errNoBoard = fmt.Errorf("%w: this gateway does not write the journal", gateway.ErrUnavailable)

// mine returns the board while this gateway writes.
func (n *Node) mine() (*board, error) {
	role, writes := n.writes()
	b := n.board.Load()
	if !writes || b == nil || b.term != role.Term {
		return nil, errNoBoard
	}
	return b, nil
}

func (n *Node) serveBeat(ctx context.Context, data []byte) ([]byte, error) {
	b, err := n.mine()
	if err != nil {
		return nil, err
	}
	var in beat
	if err := json.Unmarshal(data, &in); err != nil {
		return nil, fmt.Errorf("reading a beat: %w", err)
	}
	out, err := b.hear(ctx, in)
	if err != nil {
		return nil, err
	}
	return json.Marshal(out)
}

func (n *Node) serveSave(ctx context.Context, data []byte) ([]byte, error) {
	b, err := n.mine()
	if err != nil {
		return nil, err
	}
	var s save
	value, err := unpack(data, &s)
	if err != nil {
		return nil, fmt.Errorf("reading what is to be saved: %w", err)
	}
	return nil, b.keep(ctx, s, value)
}

// save saves through the gateway that writes, and waits for the next one when it is
// gone.
func (n *Node) save(ctx context.Context, s save, value []byte) error {
	ctx, cancel := context.WithTimeout(ctx, saveWithin)
	defer cancel()
	for {
		err := n.saveOnce(ctx, s, value)
		if !errors.Is(err, gateway.ErrUnavailable) || n.closing() {
			return err
		}
		pause(ctx, startAgain)
		if ctx.Err() != nil {
			return err
		}
	}
}

// closing reports whether nobody waits any more.
func (n *Node) closing() bool { return n.ctx.Err() != nil }

func (n *Node) saveOnce(ctx context.Context, s save, value []byte) error {
	role, writes := n.writes()
	if writes {
		b, err := n.mine()
		if err != nil {
			return err
		}
		return b.keep(ctx, s, value)
	}
	if role.Writer == "" {
		return errNoBoard
	}
	if s.Pieces = (len(value) + maxPiece - 1) / maxPiece; s.Pieces > 1 {
		s.Upload = n.uploads.Add(1)
	}
	for {
		body := value[:min(len(value), maxPiece)]
		value = value[len(body):]
		data, err := pack(s, body)
		if err != nil {
			return err
		}
		within, cancel := context.WithTimeout(ctx, askTimeout)
		_, err = n.cfg.Journal.Request(within, role.Writer, saySave, data)
		cancel()
		if err != nil {
			return fmt.Errorf("saving %s: %w", s.Key, err)
		}
		if s.Piece++; s.Piece >= s.Pieces {
			return nil
		}
	}
}

// obey takes and gives slices as it was told, when the beat was sent at that time.
func (n *Node) obey(sent time.Time, out orders) {
	deadline := sent.Add(time.Duration(out.Valid) * time.Millisecond)
	granted := make(map[int]uint64, len(out.Grants))
	for _, g := range out.Grants {
		granted[g.Slice] = g.Number
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for slice, s := range n.runs {
		if number, ok := granted[slice]; !ok || number != s.number {
			// With another number it belonged to somebody else meanwhile; and who was not
			// heard for long enough may find that it does now.
			s.revoke(ok || sent.Sub(n.heard) > Lapse)
		}
	}
	n.heard = sent
	// Not before: it would hold for what is not ours any more.
	n.deadline.Store(&deadline)
	if n.leaving.Load() {
		return
	}
	var fresh []*sliceRun
	for slice, number := range granted {
		if n.runs[slice] != nil || slice < 0 || slice >= Slices {
			continue // one that is being stopped is started anew once it is
		}
		s := newSliceRun(n, slice, number, out.Layout)
		n.runs[slice] = s
		fresh = append(fresh, s)
	}
	if len(fresh) > 0 {
		slices.SortFunc(fresh, func(a, b *sliceRun) int { return a.slice - b.slice })
		n.wg.Go(func() { n.startAll(fresh) })
	}
}

// spawn runs fn in the background, unless the gateway has stopped.
func (n *Node) spawn(fn func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.closed {
		n.wg.Go(fn)
	}
}

// held says why nothing may be sent for a slice now.
func (n *Node) held() error {
	until := n.deadline.Load()
	now := time.Now()
	if until == nil || now.After(*until) || now.Round(0).After(until.Round(0)) {
		return fmt.Errorf("%w: the gateway that writes does not answer, somebody else may deliver this", gateway.ErrUnavailable)
	}
	return nil
}

// Stop lets go of everything in good order: attempts in flight end until ctx does,
// positions are saved, and others are told to go on.
func (n *Node) Stop(ctx context.Context) error {
	if n.stop == nil {
		return nil
	}
	n.leaving.Store(true)
	n.mu.Lock()
	all := make([]*sliceRun, 0, len(n.runs))
	for _, s := range n.runs {
		s.leave(ctx)
		all = append(all, s)
	}
	n.mu.Unlock()
	for _, s := range all {
		<-s.done
	}
	n.stop()
	n.mu.Lock()
	n.closed = true
	n.mu.Unlock()
	n.wg.Wait()
	n.stop = nil
	n.last()
	n.plan.Load().leave()
	return nil
}

// last tells that nothing is held any more.
func (n *Node) last() {
	ctx, cancel := context.WithTimeout(context.Background(), askTimeout)
	defer cancel()
	if _, err := n.tell(ctx, n.compose()); err != nil {
		n.cfg.Log.Debug("saying good-bye failed, others find out", "err", err)
	}
	n.cfg.Journal.Hint(sayBeat)
}

// Set replaces the plan while deliveries go on, as deliver.Deliverer.Set does: it is
// applied whole by this gateway, or refused whole. Others apply their own.
func (n *Node) Set(ctx context.Context, p Plan) error {
	if err := n.validate(p); err != nil {
		return fmt.Errorf("setting endpoints: %w", err)
	}
	n.planning.Lock()
	defer n.planning.Unlock()
	was := n.plan.Load()
	next := newPlan(p, was)
	n.mu.Lock()
	all := make([]*sliceRun, 0, len(n.runs))
	for _, s := range n.runs {
		all = append(all, s)
	}
	n.mu.Unlock()
	for i, s := range all {
		err := s.set(ctx, next)
		if err == nil {
			continue
		}
		back, cancel := context.WithTimeout(n.ctx, 30*time.Second)
		defer cancel()
		for _, s := range all[:i] {
			if err := s.set(back, was); err != nil {
				n.cfg.Log.Error("taking a change back failed, endpoints of a slice are as in the configuration that was refused", "slice", s.slice, "err", err)
			}
		}
		next.abandon(was)
		return err
	}
	n.plan.Store(next)
	was.replaced(next)
	n.nudge()
	return nil
}
