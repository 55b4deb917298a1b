package journal

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/imhook/imhook/internal/gateway"
)

// Several gateways may have one journal on a NATS server. One of them, which has
// the lease, writes; the others are members: they hand it what they take, read
// with it, and take its place when it is gone. What they say to each other are
// requests on subjects below names.nodePrefix, which no stream keeps:
//
//	prefix<node>.<what>  a request to one gateway
//	prefix+all.<what>    a hint to all of them, which may be lost
type nodes struct {
	self string
	// stands is true while another gateway writes.
	stands atomic.Bool
	// writer is who writes, as far as is known; seen is when it was last known to be
	// alive, in Unix nanoseconds.
	writer atomic.Pointer[holding]
	seen   atomic.Int64
	out    forwarder
	// following is held while the end of the journal is read by a member, and while
	// it becomes something else.
	following sync.Mutex
	// pages tells that there may be new ones, lease that it may have changed hands.
	pages, lease chan struct{}

	mu sync.Mutex // guards the following
	// changed is closed when another gateway writes; nil when nobody asked.
	changed chan struct{}
	serve   map[string]Handler
	hints   map[string]func()
}

// Handler answers a request of another gateway of the journal. It is called from
// many goroutines at once.
type Handler func(ctx context.Context, data []byte) ([]byte, error)

// Words of the journal's own.
const (
	nodeAll    = "all"
	sayAppend  = "append"
	sayPages   = "pages"
	sayLease   = "lease"
	onceKey    = "imhook event without a key"
	answerOK   = 0
	answerFail = 1
)

// servedWithin is how long a request of another gateway may take here.
const servedWithin = 10 * time.Second

var errNotWriter = errors.New("another gateway writes the journal")

func newNodes(self string) *nodes {
	n := &nodes{self: self, pages: make(chan struct{}, 1), lease: make(chan struct{}, 1), serve: map[string]Handler{}, hints: map[string]func(){}}
	n.hints[sayPages], n.hints[sayLease] = n.look, func() { wake(n.lease) }
	return n
}

// look wakes who follows the journal.
func (n *nodes) look() { wake(n.pages) }

func wake(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// writes notes that h writes from now on, which may be this one.
func (n *nodes) writes(h holding) {
	n.seen.Store(time.Now().UnixNano())
	n.mu.Lock()
	defer n.mu.Unlock()
	stands := h.ID != n.self
	old := n.writer.Swap(&h)
	if n.stands.Swap(stands) == stands && old != nil && old.ID == h.ID {
		return
	}
	if n.changed != nil {
		close(n.changed)
		n.changed = nil
	}
}

// healthy says why a member cannot keep anything now.
func (n *nodes) healthy(ttl time.Duration) error {
	if since := time.Since(time.Unix(0, n.seen.Load())); since > 2*ttl {
		return fmt.Errorf("%w: no gateway writes the journal since %s", gateway.ErrUnavailable, since.Round(time.Second))
	}
	return nil
}

// standing reports whether another gateway writes.
func (j *Journal) standing() bool { return j.nodes != nil && j.nodes.stands.Load() }

// mayKeep says why nothing may be kept beside pages and positions; nil when it may.
// A member keeps dead letters and decisions itself: no two of them exclude each
// other.
func (j *Journal) mayKeep() error {
	if j.standing() {
		return nil
	}
	return j.Held()
}

// Node is a gateway of the journal.
type Node struct {
	// ID is its own as long as its process runs.
	ID      string    `json:"id"`
	Host    string    `json:"host"`
	PID     int       `json:"pid"`
	Started time.Time `json:"started"`
	Version string    `json:"version,omitzero"`
	// Format is the newest that it knows of what the journal keeps.
	Format int `json:"format"`
}

// String is for people.
func (n Node) String() string { return fmt.Sprintf("%s, process %d", n.Host, n.PID) }

// Self is this gateway, as others know it.
func (j *Journal) Self() Node {
	if j.lease == nil {
		return Node{Format: formatVersion, Version: j.cfg.Version}
	}
	m := j.lease.me
	return Node{ID: m.ID, Host: m.Host, PID: m.PID, Started: m.Started.UTC(), Version: m.Version, Format: formatVersion}
}

// Role is which gateway writes.
type Role struct {
	// Writer is its ID; empty when that is not known.
	Writer string
	// Writing is true when it is this one.
	Writing bool
	// Term grows with each gateway that writes; it is known to that one alone.
	Term uint64
}

// Role returns which gateway writes the journal, and a channel that is closed when
// that may have changed.
func (j *Journal) Role() (Role, <-chan struct{}) {
	n := j.nodes
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.changed == nil {
		n.changed = make(chan struct{})
	}
	var r Role
	if w := n.writer.Load(); w != nil {
		r.Writer = w.ID
		r.Writing = w.ID == n.self && !n.stands.Load()
	}
	if r.Writing {
		r.Term = j.lease.term.Load()
	}
	return r, n.changed
}

// Serve answers requests that other gateways make with this word. It is called
// before anybody asks.
func (j *Journal) Serve(what string, h Handler) {
	j.nodes.mu.Lock()
	defer j.nodes.mu.Unlock()
	j.nodes.serve[what] = h
}

// OnHint calls fn, which must not block, when a gateway gives that hint.
func (j *Journal) OnHint(what string, fn func()) {
	j.nodes.mu.Lock()
	defer j.nodes.mu.Unlock()
	j.nodes.hints[what] = fn
}

// Hint gives all gateways a hint. It may be lost.
func (j *Journal) Hint(what string) {
	if e := j.engine.Load(); e != nil {
		_ = e.nc.Publish(j.at.nodePrefix+nodeAll+"."+what, nil)
	}
}

// Request asks another gateway. What it answers when it fails is an error; one that
// wraps gateway.ErrUnavailable means that it could not be asked, or did not answer.
// Who asks the gateway that writes does not wait for it any more once another one
// writes.
func (j *Journal) Request(ctx context.Context, node, what string, data []byte) ([]byte, error) {
	e, err := j.use()
	if err != nil {
		return nil, err
	}
	if role, changed := j.Role(); role.Writer == node {
		asking, cancel := context.WithCancel(ctx)
		defer cancel()
		go func() {
			select {
			case <-changed:
				cancel()
			case <-asking.Done():
			}
		}()
		ctx = asking
	}
	m, err := e.nc.RequestWithContext(ctx, j.at.nodePrefix+node+"."+what, data)
	if err != nil {
		return nil, fmt.Errorf("%w: asking gateway %s: %w", gateway.ErrUnavailable, node, err)
	}
	switch {
	case len(m.Data) > 0 && m.Data[0] == answerOK:
		return m.Data[1:], nil
	case len(m.Data) > 0 && m.Data[0] == answerFail:
		return nil, fmt.Errorf("gateway %s says: %s", node, m.Data[1:])
	}
	return nil, fmt.Errorf("gateway %s answered %d bytes that are no answer", node, len(m.Data))
}

// listen takes what other gateways say.
func (j *Journal) listen(e *engine) error {
	own := j.at.nodePrefix + j.nodes.self + "."
	if _, err := e.nc.Subscribe(own+"*", func(m *nats.Msg) {
		go j.answer(m, strings.TrimPrefix(m.Subject, own))
	}); err != nil {
		return fmt.Errorf("listening to other gateways: %w", err)
	}
	every := j.at.nodePrefix + nodeAll + "."
	if _, err := e.nc.Subscribe(every+"*", func(m *nats.Msg) {
		j.nodes.mu.Lock()
		fn := j.nodes.hints[strings.TrimPrefix(m.Subject, every)]
		j.nodes.mu.Unlock()
		if fn != nil {
			fn()
		}
	}); err != nil {
		return fmt.Errorf("listening to other gateways: %w", err)
	}
	return nil
}

// answer answers a request of another gateway.
func (j *Journal) answer(m *nats.Msg, what string) {
	ctx, cancel := context.WithTimeout(context.Background(), servedWithin)
	defer cancel()
	j.nodes.mu.Lock()
	h := j.nodes.serve[what]
	j.nodes.mu.Unlock()
	err := fmt.Errorf("imhook %s does not know %q", j.cfg.Version, what)
	var data []byte
	switch {
	case what == sayAppend:
		data, err = j.serveAppend(ctx, m.Data)
	case h != nil:
		data, err = h(ctx, m.Data)
	}
	answer := append([]byte{answerOK}, data...)
	if err != nil {
		answer = append([]byte{answerFail}, err.Error()...)
	}
	// It may be lost: who asked asks again.
	_ = m.Respond(answer)
}

// tellCommitted tells members that there is a new page.
func (j *Journal) tellCommitted(e *engine) {
	_ = e.nc.Publish(j.at.nodePrefix+nodeAll+"."+sayPages, nil) // they look by themselves as well
}
