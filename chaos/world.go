package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"syscall"
	"time"

	"github.com/imhook/imhook/imfake"
)

// lanes is how many conversations each server has.
const lanes = 12

// world is everything that there is.
type world struct {
	cfg      settings
	progress io.Writer
	begin    time.Time
	backends []*backend
	nodes    []*node
	gateways []*gateway
	servers  []*imfake.Server
	runs     []*imfake.Run
	// first are the numbers of the conversations, one after the other from 0.
	conversations uint32

	// steering is held while the configuration or what is paused changes.
	steering sync.Mutex
	paused   map[string]bool // conversations that were paused once, by "endpoint conversation"

	mu sync.Mutex
	// mu guards the following.
	did     map[string]int
	lines   []string // the last of what was done
	wrong   []string
	letters int // dead letters that were looked at
	asked   int // times a ledger was asked for
}

// wreak builds a world, has trouble in it, lets everything be, and says what came of
// it. The error says which promises were not kept.
func wreak(ctx context.Context, cfg settings, dir string, progress io.Writer) (_ *report, err error) {
	w := &world{cfg: cfg, progress: progress, begin: time.Now(), did: map[string]int{}, paused: map[string]bool{}}
	defer w.close()
	if err := w.build(ctx, dir); err != nil {
		return nil, err
	}
	posting, stop := context.WithCancel(ctx)
	defer stop()
	if err := w.post(posting); err != nil {
		return nil, err
	}
	// Trouble begins when everything works: else it would show that nothing came of
	// nothing.
	if err := eventually(ctx, w.cfg.Within, 20*time.Millisecond, w.flows); err != nil {
		return nil, fmt.Errorf("it does not even work without trouble: %w", err)
	}
	w.say("all works, trouble begins")
	watching, stopWatching := context.WithCancel(ctx)
	var watch sync.WaitGroup
	for _, g := range w.gateways {
		watch.Go(func() { w.watch(watching, g) })
	}
	defer watch.Wait()
	defer stopWatching()

	if err := w.trouble(ctx); err != nil {
		return nil, errors.Join(err, w.broken())
	}
	stop()
	for _, r := range w.runs {
		_ = r.Wait() // it was stopped
	}
	rep := w.settle(ctx)
	stopWatching()
	watch.Wait()
	return rep, w.broken()
}

// build starts everything there is.
func (w *world) build(ctx context.Context, dir string) (err error) {
	l := newLinks()
	w.backends = cast(w.cfg)
	for _, b := range w.backends {
		if err := b.start(); err != nil {
			return err
		}
		if b.link, err = l.to(b.name, b.ln.Addr().String()); err != nil {
			return err
		}
	}
	if w.cfg.Gateways > 1 {
		if w.nodes, err = newNodes(ctx, 3, dir); err != nil {
			return err
		}
		for _, n := range w.nodes {
			if err := n.start(); err != nil {
				return err
			}
		}
		for _, n := range w.nodes {
			if err := eventually(ctx, startWithin, 100*time.Millisecond, func() error { return n.healthy(ctx) }); err != nil {
				return err
			}
		}
	}
	for i := range w.cfg.Gateways {
		g, err := newGateway(ctx, fmt.Sprintf("gateway%d", i+1), w.cfg.binary, dir)
		if err != nil {
			return err
		}
		w.gateways = append(w.gateways, g)
		for _, n := range w.nodes {
			one, err := l.to(g.name+"-"+n.Name, n.addr())
			if err != nil {
				return err
			}
			g.links = append(g.links, one)
		}
		if err := g.configure(w.configuration(g, plain)); err != nil {
			return err
		}
		if err := g.start(ctx); err != nil {
			return err
		}
	}
	return nil
}

// post has a server of every vendor call every gateway until ctx ends.
func (w *world) post(ctx context.Context) error {
	names := sources()
	share := w.cfg.Rate / float64(len(names)*len(w.gateways))
	for _, g := range w.gateways {
		for _, name := range names {
			d := pick(name)
			s := imfake.NewServer(d, "http://"+g.addr+"/in/"+name, imfake.ServerConfig{Credentials: credentialsOf(d)})
			w.servers = append(w.servers, s)
			w.runs = append(w.runs, s.Start(ctx, imfake.Load{
				Lanes: lanes, FirstLane: w.conversations, FirstID: 1<<50 + int64(w.conversations)<<40, Workers: 4,
				TextBytes: 200, Rate: share, Pause: 20 * time.Millisecond,
			}))
			w.conversations += lanes
		}
	}
	return nil
}

// flows says which server was not answered 200 yet, or which backend got nothing.
func (w *world) flows() error {
	for i, r := range w.runs {
		if n, refused, last := r.Counts(); n == 0 {
			return fmt.Errorf("load %d: nothing was accepted, %d were refused: %w", i, refused, last)
		}
	}
	for _, b := range w.backends {
		if b.all.Distinct() == 0 {
			return fmt.Errorf("backend %s got nothing", b.name)
		}
	}
	return nil
}

// close ends everything, the gateways first.
func (w *world) close() {
	for _, s := range w.servers {
		s.Close()
	}
	for _, g := range w.gateways {
		g.end(syscall.SIGKILL)
	}
	for _, n := range w.nodes {
		n.end(syscall.SIGKILL)
	}
	for _, g := range w.gateways {
		for _, l := range g.links {
			l.close()
		}
	}
	for _, b := range w.backends {
		if b.link != nil {
			b.link.close()
		}
		if b.server != nil {
			b.close()
		}
	}
}

// say notes what was done.
func (w *world) say(format string, args ...any) {
	line := fmt.Sprintf("%8.3f  ", time.Since(w.begin).Seconds()) + fmt.Sprintf(format, args...)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lines = append(w.lines, line)
	if w.cfg.verbose {
		fmt.Fprintln(w.progress, line)
	}
}

// count counts what was done.
func (w *world) count(what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.did[what]++
}

// fail notes a promise that was not kept.
func (w *world) fail(format string, args ...any) {
	w.say("WRONG: "+format, args...)
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.wrong) < 20 {
		w.wrong = append(w.wrong, fmt.Sprintf(format, args...))
	}
}

// errBroken says that a promise was not kept.
var errBroken = errors.New("promises were broken")

// broken is the error that says which.
func (w *world) broken() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.wrong) == 0 {
		return nil
	}
	all := []error{errBroken}
	for _, line := range w.wrong {
		all = append(all, errors.New(line)) //nolint:err113 // read by people
	}
	return errors.Join(all...)
}

// dice are the n-th troublemaker's own, so that what it does depends on the seed and
// on nobody else.
func (w *world) dice(n int) *rand.Rand { return rand.New(rand.NewPCG(w.cfg.Seed, uint64(n))) }
