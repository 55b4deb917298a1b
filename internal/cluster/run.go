package cluster

import (
	"context"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/imhook/imhook/internal/gateway/deliver"
)

const (
	// moveWithin is how long attempts in flight may take to end when their slice goes
	// to another gateway; then they are cut short, and made again there.
	moveWithin = 5 * time.Second
	// startAgain is after how long a slice that could not be started is tried again.
	startAgain = 250 * time.Millisecond
	// startsAtOnce is how many slices start at the same time.
	startsAtOnce = 8
	// idle is the floor of a slice without endpoints.
	idle = ^uint64(0)
)

// sliceRun is a slice while this gateway has it.
type sliceRun struct {
	n      *Node
	slice  int
	number uint64
	layout Layout
	// floor is the first page that it is not done with.
	floor   atomic.Uint64
	running atomic.Bool
	// d is nil while there is nobody to deliver to.
	d atomic.Pointer[deliver.Deliverer]

	// users are the senders that d has, by endpoint. Guarded by Node.planning.
	users map[string]*use

	// lost is true when the slice belongs to another gateway already; set before
	// revoked is closed.
	lost    bool
	over    sync.Once
	revoked chan struct{}
	// stopping bounds how long attempts in flight may take; set before revoked is
	// closed.
	stopping context.Context //nolint:containedctx // handed from who stops it to who runs it
	cancel   context.CancelFunc
	done     chan struct{}
}

// use is an endpoint's sender in a slice. Whatever Deliverer says of its release, it
// lets go once.
type use struct {
	s    *sender
	once sync.Once
}

func (u *use) leave() { u.once.Do(u.s.leave) }

func newSliceRun(n *Node, slice int, number uint64, layout Layout) *sliceRun {
	return &sliceRun{
		n: n, slice: slice, number: number, layout: maps.Clone(layout), users: map[string]*use{},
		revoked: make(chan struct{}), done: make(chan struct{}),
	}
}

// revoke stops the slice. When it is lost, nothing of it is to be finished.
func (s *sliceRun) revoke(lost bool) {
	within := moveWithin
	if lost {
		within = 0
	}
	s.over.Do(func() {
		s.lost = lost
		s.stopping, s.cancel = context.WithTimeout(context.Background(), within)
		close(s.revoked)
	})
}

// leave stops the slice; attempts in flight may take as long as ctx.
func (s *sliceRun) leave(ctx context.Context) {
	s.over.Do(func() {
		s.stopping, s.cancel = context.WithCancel(ctx)
		close(s.revoked)
	})
}

// startAll starts slices with what is saved, read once for all of them.
func (n *Node) startAll(fresh []*sliceRun) {
	var saved map[string][]byte
	for saved == nil && n.ctx.Err() == nil {
		ctx, cancel := context.WithTimeout(n.ctx, 2*askTimeout)
		all, err := n.cfg.Journal.Load(ctx)
		cancel()
		if saved = all; err == nil {
			break
		}
		saved = nil
		n.cfg.Log.Debug("loading positions failed, trying again", "err", err)
		pause(n.ctx, startAgain)
	}
	turns := make(chan struct{}, startsAtOnce)
	for _, s := range fresh {
		n.wg.Go(func() { s.run(saved, turns) })
	}
}

// run starts the slice, and stops it when it is revoked.
func (s *sliceRun) run(saved map[string][]byte, turns chan struct{}) {
	for first := true; ; first = false {
		turns <- struct{}{}
		if !first {
			saved = nil // it may have been saved since
		}
		err := s.start(saved)
		<-turns
		if err == nil {
			break
		}
		s.n.cfg.Log.Warn("beginning to deliver what was granted failed, trying again", "slice", s.slice, "err", err)
		select {
		case <-s.revoked:
		case <-s.n.ctx.Done():
			s.revoke(true)
		case <-time.After(startAgain):
			continue
		}
		break
	}
	s.n.nudge() // others wait for it
	<-s.revoked
	s.running.Store(false)
	s.n.planning.RLock()
	defer s.n.planning.RUnlock()
	if d := s.d.Load(); d != nil {
		if err := d.Stop(s.stopping); err != nil && s.lost {
			s.n.cfg.Log.Info("a slice went to another gateway while this one was not heard", "slice", s.slice)
		} else if err != nil {
			s.n.cfg.Log.Warn("saving positions of a slice that goes to another gateway failed: what was delivered last is delivered again", "slice", s.slice, "err", err)
		}
		for _, u := range s.users {
			u.leave()
		}
	}
	s.cancel()
	s.n.mu.Lock()
	if s.n.runs[s.slice] == s {
		delete(s.n.runs, s.slice)
	}
	s.n.mu.Unlock()
	close(s.done)
	s.n.nudge()
}

// start begins to deliver with the positions of saved, or with those that it loads.
func (s *sliceRun) start(saved map[string][]byte) error {
	s.n.planning.RLock()
	defer s.n.planning.RUnlock()
	select {
	case <-s.revoked:
		return nil
	default:
	}
	return s.begin(s.n.ctx, s.n.plan.Load(), saved)
}

// begin makes a Deliverer, if there is anybody to deliver to. Call with planning.
func (s *sliceRun) begin(ctx context.Context, p *plan, saved map[string][]byte) error {
	if saved == nil {
		var err error
		// Reading them may wait for a server that is no more.
		within, cancel := context.WithTimeout(ctx, 2*askTimeout)
		saved, err = s.n.cfg.Journal.Load(within)
		cancel()
		if err != nil {
			return err
		}
	}
	own := s.of(saved)
	eps, index, users := s.take(p)
	if len(eps) == 0 && len(own) == 0 {
		s.floor.Store(idle)
		s.running.Store(true)
		return nil
	}
	t := &store{Journal: s.n.cfg.Journal, n: s.n, s: s}
	cfg := s.n.cfg.Deliver
	cfg.Endpoints, cfg.Index, cfg.Journal, cfg.Held, cfg.Log = eps, index, &loaded{store: t, own: own}, s.held, s.n.cfg.Log
	cfg.Picks = s.n.picks
	d, err := deliver.New(cfg)
	if err == nil {
		s.floor.Store(0)
		err = d.Start(ctx)
	}
	if err != nil {
		for _, u := range users {
			u.leave()
		}
		return err
	}
	s.users = users
	s.d.Store(d)
	s.running.Store(true)
	return nil
}

// held says why nothing may be sent now.
func (s *sliceRun) held() error {
	select {
	case <-s.revoked:
		return errNotGranted
	default:
		return s.n.held()
	}
}

// loaded is a store whose positions were read already.
type loaded struct {
	*store
	own map[string][]byte
}

// Load returns them.
func (l *loaded) Load(context.Context) (map[string][]byte, error) { return l.own, nil }

// take picks the slice's endpoints from a plan. Who takes them lets go of users that
// are not s.users.
func (s *sliceRun) take(p *plan) (eps []deliver.Endpoint, index deliver.Index, users map[string]*use) {
	var places []int
	var parts []part
	cut := false
	users = map[string]*use{}
	for i, e := range p.Endpoints {
		id := p.ids[i]
		own, ok := s.layout.partIn(id, s.slice)
		if !ok {
			continue
		}
		u := s.users[id]
		if u == nil || u.s != p.sends[id] {
			u = &use{s: p.sends[id]}
			u.s.enter()
		}
		users[id] = u
		e = own.narrow(e)
		e.Sender, e.Release = u.s.Sender, u.leave
		eps, places, parts = append(eps, e), append(places, i), append(parts, own)
		cut = cut || own.n > 1
	}
	if index = p.Index(places); cut {
		index = &partIndex{Index: index, parts: parts}
	}
	return eps, index, users
}

// set replaces the slice's endpoints. Call with planning held for writing.
func (s *sliceRun) set(ctx context.Context, p *plan) error {
	select {
	case <-s.revoked:
		return nil // it starts elsewhere, or anew, with what holds then
	default:
	}
	if !s.running.Load() {
		return nil // it starts with what holds then
	}
	d := s.d.Load()
	if d == nil {
		return s.begin(ctx, p, nil)
	}
	eps, index, users := s.take(p)
	if err := d.Set(ctx, eps, index); err != nil {
		for id, u := range users {
			if s.users[id] != u {
				u.leave()
			}
		}
		return err
	}
	s.users = users // those that are gone let go when their attempts have ended
	return nil
}

// pause waits for d or for ctx to end.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
