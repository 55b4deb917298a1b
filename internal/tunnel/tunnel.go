package tunnel

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// NobodyListens is how what is held begins because there is nobody to bring it to.
const NobodyListens = "nobody listens"

// ErrNobody says that there is nobody to bring a request to.
var ErrNobody = errors.New(NobodyListens + ": imhook listen --from this gateway does")

// Kind is what a session answers for.
type Kind string

// The kinds.
const (
	Endpoint Kind = "endpoint"
	Hook     Kind = "hook"
)

// Name is what is answered for.
type Name struct {
	Kind Kind `json:"kind"`
	// ID is app/name.
	ID string `json:"name"`
}

// String is for people.
func (n Name) String() string { return string(n.Kind) + " " + n.ID }

// Request is one that somebody shall answer.
type Request struct {
	ID string `json:"id"`
	Name
	// Path and Query are below the url of whoever listens.
	Path   string      `json:"path"`
	Query  string      `json:"query,omitzero"`
	Header http.Header `json:"header,omitempty"`
	Body   []byte      `json:"body,omitempty"`
	// TimeoutMS is after how many milliseconds nobody waits for the answer any more, at
	// most.
	TimeoutMS int64 `json:"timeout_ms,omitzero"`
}

// Answer is what came of a request.
type Answer struct {
	ID     string      `json:"id"`
	Status int         `json:"status,omitzero"`
	Header http.Header `json:"header,omitempty"`
	Body   []byte      `json:"body,omitempty"`
	// Error says why there is no answer; then Status is not set.
	Error string `json:"error,omitzero"`
}

// Config is what a [Hub] is made of.
type Config struct {
	// Changed is called when somebody begins or ceases to listen; it must not block.
	Changed func()
	// Elsewhere brings a request to who listens at another gateway; it fails with
	// ErrNobody when nobody does. ListensElsewhere reports whether somebody does. Nil
	// where there is no other gateway.
	Elsewhere        func(ctx context.Context, r Request) (Answer, error)
	ListensElsewhere func(n Name) bool
}

// Hub knows who listens. Make it with [New], end it with Close; it is safe for
// concurrent use.
type Hub struct {
	cfg Config

	// mu guards the following.
	mu       sync.Mutex
	by       map[Name]*Session
	sessions map[string]*Session
	closed   bool
}

// New returns a hub that nobody listens to.
func New(cfg Config) *Hub {
	if cfg.Changed == nil {
		cfg.Changed = func() {}
	}
	return &Hub{cfg: cfg, by: map[Name]*Session{}, sessions: map[string]*Session{}}
}

// Session is one who listens.
type Session struct {
	ID string
	// Requests are those to answer.
	Requests <-chan Request

	h        *Hub
	names    []Name
	requests chan Request
	// done is closed when it is over, with why set.
	done  chan struct{}
	why   string
	heard atomic.Int64 // Unix nanoseconds

	// mu guards the following.
	mu      sync.Mutex
	waiting map[string]chan Answer
}

// Listen begins a session that answers for these names, and ends those that did.
func (h *Hub) Listen(names []Name) (*Session, error) {
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		return nil, errors.New("the gateway stops")
	}
	s := &Session{
		ID: rand.Text(), h: h, names: slices.Clone(names), requests: make(chan Request), done: make(chan struct{}), waiting: map[string]chan Answer{},
	}
	s.Requests = s.requests
	s.Heard()
	var old []*Session
	for _, n := range names {
		if was := h.by[n]; was != nil && !slices.Contains(old, was) {
			old = append(old, was)
		}
		h.by[n] = s
	}
	h.sessions[s.ID] = s
	h.mu.Unlock()
	for _, was := range old {
		was.End(TakenOver)
	}
	h.cfg.Changed()
	return s, nil
}

// TakenOver is why a session ends whose names another one has.
const TakenOver = "somebody else listens now"

// Session returns the session of an ID; nil when it is over.
func (h *Hub) Session(id string) *Session {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.sessions[id]
}

// Names are those that somebody listens to here.
func (h *Hub) Names() []Name {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make([]Name, 0, len(h.by))
	for n := range h.by {
		all = append(all, n)
	}
	return all
}

// Listens reports whether somebody listens, here or elsewhere.
func (h *Hub) Listens(n Name) bool {
	return h.session(n) != nil || h.cfg.ListensElsewhere != nil && h.cfg.ListensElsewhere(n)
}

func (h *Hub) session(n Name) *Session {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.by[n]
}

// Close ends all sessions. It may be called more than once.
func (h *Hub) Close() {
	h.mu.Lock()
	h.closed = true
	var all []*Session
	for _, s := range h.sessions {
		all = append(all, s)
	}
	h.mu.Unlock()
	for _, s := range all {
		s.End("the gateway stops")
	}
}

// End ends the session, and says why. It may be called more than once; the first reason
// counts.
func (s *Session) End(why string) {
	h := s.h
	h.mu.Lock()
	if h.sessions[s.ID] != s {
		h.mu.Unlock()
		return
	}
	delete(h.sessions, s.ID)
	for _, n := range s.names {
		if h.by[n] == s {
			delete(h.by, n)
		}
	}
	s.why = why
	close(s.done)
	h.mu.Unlock()
	h.cfg.Changed()
}

// Done is closed when the session is over; Why then says why.
func (s *Session) Done() <-chan struct{} { return s.done }

// Why says why it is over; empty before.
func (s *Session) Why() string {
	s.h.mu.Lock()
	defer s.h.mu.Unlock()
	return s.why
}

// Heard notes that whoever listens is there.
func (s *Session) Heard() { s.heard.Store(time.Now().UnixNano()) }

// Silent is for how long nothing was heard.
func (s *Session) Silent() time.Duration { return time.Since(time.Unix(0, s.heard.Load())) }

// Answer answers a request; false when nobody waits for that any more.
func (s *Session) Answer(a Answer) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.waiting[a.ID]
	if ok {
		delete(s.waiting, a.ID)
		c <- a // it has room for one
	}
	return ok
}

// ask brings a request to the session and waits for its answer, until the session is
// over or ctx ends.
func (s *Session) ask(ctx context.Context, r Request) (Answer, error) {
	answered := make(chan Answer, 1)
	s.mu.Lock()
	s.waiting[r.ID] = answered
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.waiting, r.ID)
	}()
	var a Answer
	select {
	case s.requests <- r:
	case <-s.done:
		return a, ErrNobody
	case <-ctx.Done():
		return a, ctx.Err()
	}
	select {
	case a = <-answered:
		return a, nil
	case <-s.done:
		return a, fmt.Errorf("%w any more: %s", ErrNobody, s.Why())
	case <-ctx.Done():
		return a, ctx.Err()
	}
}

// Ask brings a request to who listens here; ErrNobody when nobody does.
func (h *Hub) Ask(ctx context.Context, r Request) (Answer, error) {
	s := h.session(r.Name)
	if s == nil {
		return Answer{}, ErrNobody
	}
	return s.ask(ctx, r)
}

// Dial returns how a sender connects to who answers for a name. Timeout is for how long
// it waits for an answer, which whoever answers is told.
func (h *Hub) Dial(n Name, timeout time.Duration) func(context.Context) (net.Conn, error) {
	return func(context.Context) (net.Conn, error) {
		if !h.Listens(n) {
			return nil, &net.OpError{Op: "dial", Net: "listen", Err: ErrNobody}
		}
		near, far := net.Pipe()
		go h.serve(far, n, timeout)
		return near, nil
	}
}
