package receive

import (
	"fmt"
	"runtime/debug"
	"sync"

	"github.com/imhook/imhook/event"
)

// A group is what of a stream is kept together. It is large enough to make a
// commit worth its fsync, and small enough to share a page with others.
const (
	groupLines = 1024
	groupBytes = 512 << 10
)

// group is some lines in a row, with the events that were read from them.
type group struct {
	// i counts the groups of a stream, from 0.
	i     int
	bytes int
	fates []fate
	evs   []*event.Event
}

func (g *group) full() bool { return len(g.fates) >= groupLines || g.bytes >= groupBytes }

// convoy keeps the groups of a stream one after the other, while the next one is
// being formed: at most two are in hand, and whoever forms them waits when the
// journal is slow.
type convoy struct {
	// keep takes one group; after its first error no other one is given to it.
	keep func(*group) error
	// whole keeps full groups only, and the last: then the cuts depend on the lines
	// alone. Otherwise whatever came while one was being kept is the next.
	whole bool

	mu      sync.Mutex
	changed *sync.Cond
	forming *group
	ended   bool
	err     error
	done    chan struct{}
	// panicked is what keep panicked with, for the goroutine that can answer.
	panicked any
}

// newConvoy starts; it ends with end, which must be called.
func newConvoy(whole bool, keep func(*group) error) *convoy {
	c := &convoy{keep: keep, whole: whole, forming: &group{}, done: make(chan struct{})}
	c.changed = sync.NewCond(&c.mu)
	go c.run()
	return c
}

// add puts a line behind the others; ev is nil where there is none. False means
// that nothing more is kept.
func (c *convoy) add(f fate, ev *event.Event, size int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.forming.full() && c.err == nil {
		c.changed.Wait()
	}
	if c.err != nil {
		return false
	}
	g := c.forming
	f.ev = -1
	if ev != nil {
		f.ev = len(g.evs)
		g.evs = append(g.evs, ev)
	}
	g.fates = append(g.fates, f)
	g.bytes += size
	if !c.whole || g.full() {
		c.changed.Broadcast()
	}
	return true
}

// end lets what was formed be kept, waits for it, and returns why not everything
// was.
func (c *convoy) end() error {
	c.mu.Lock()
	c.ended = true
	c.changed.Broadcast()
	c.mu.Unlock()
	<-c.done
	if c.panicked != nil {
		panic(c.panicked)
	}
	return c.err
}

func (c *convoy) run() {
	defer close(c.done)
	for g := c.take(); g != nil; g = c.take() {
		err := c.guarded(g)
		if err == nil {
			continue
		}
		c.mu.Lock()
		c.err = err
		c.changed.Broadcast()
		c.mu.Unlock()
		return
	}
}

// guarded keeps a group; a panic is passed on by end.
func (c *convoy) guarded(g *group) (err error) {
	defer func() {
		if p := recover(); p != nil {
			c.panicked = fmt.Sprintf("%v\n%s", p, debug.Stack())
			err = errPanicked
		}
	}()
	return c.keep(g)
}

// take waits for a group to keep; nil means that there will be none.
func (c *convoy) take() *group {
	c.mu.Lock()
	defer c.mu.Unlock()
	for !c.ended && (len(c.forming.fates) == 0 || c.whole && !c.forming.full()) {
		c.changed.Wait()
	}
	g := c.forming
	if len(g.fates) == 0 {
		return nil
	}
	c.forming = &group{i: g.i + 1}
	c.changed.Broadcast()
	return g
}
