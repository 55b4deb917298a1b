package imfake

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// maxBody is the largest body that a backend reads, in bytes.
const maxBody = 16 << 20

// ErrClosed ends a wait on a backend that was closed.
var ErrClosed = errors.New("backend is closed")

// Backend is an app backend that speaks a dialect. It verifies and decodes what
// it gets, records it in the order of arrival, and answers as scripted; without
// a script it answers as the dialect's backends do.
//
// Requests count when they arrive. Events count when they are taken, which is
// when a 2xx is about to be answered: an event that was answered 503 and never
// came again is lost, and one that was let past it is out of order.
type Backend struct {
	dialect dialect.Dialect
	cred    *dialect.Credentials
	maxAge  time.Duration
	keep    int
	base    string
	ln      net.Listener
	now     func() time.Time

	server *http.Server
	tally  Tally
	closed chan struct{}
	wg     sync.WaitGroup

	mu sync.Mutex
	// mu guards the following.
	closing   bool
	script    script
	lanes     map[event.Lane]*script
	received  []*Received
	arrived   int
	answered  int
	open      int
	mostOpen  int
	sightings sightings
	waiters   []*waiter
}

type waiter struct {
	met  func() bool
	done chan struct{}
}

// NewBackend starts a backend on a free loopback port. It panics when there is
// none, as net/http/httptest does. Close it.
func NewBackend(d dialect.Dialect, options ...BackendOption) *Backend {
	b := &Backend{
		dialect: d,
		maxAge:  d.Spec().MaxAge,
		keep:    -1,
		now:     time.Now,
		lanes:   make(map[event.Lane]*script),
		closed:  make(chan struct{}),
	}
	for _, o := range options {
		o(b)
	}
	if b.ln == nil {
		b.ln = listen()
	}
	b.sightings.keep = b.keep
	b.server = &http.Server{
		Handler:           http.HandlerFunc(b.serve),
		ReadHeaderTimeout: time.Minute,
		ErrorLog:          log.New(io.Discard, "", 0), // dropped connections are scripted
	}
	b.wg.Go(func() { _ = b.server.Serve(b.ln) })
	return b
}

// URL is the base that an endpoint or hook is configured with.
func (b *Backend) URL() string { return "http://" + b.Addr() + b.base }

// Addr is the host and port that the backend listens on.
func (b *Backend) Addr() string { return b.ln.Addr().String() }

// Close releases held requests, ends all connections and waits until nothing of
// the backend runs any more. What was recorded stays readable.
func (b *Backend) Close() {
	b.mu.Lock()
	if !b.closing {
		b.closing = true
		close(b.closed)
	}
	b.mu.Unlock()
	_ = b.server.Close()
	b.wg.Wait()
}

func (b *Backend) serve(w http.ResponseWriter, r *http.Request) {
	if !b.enter() {
		panic(http.ErrAbortHandler)
	}
	defer b.wg.Done()

	path, ok := strings.CutPrefix(r.URL.Path, b.base)
	if !ok {
		http.NotFound(w, r)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, "reading the body: "+err.Error(), http.StatusBadRequest)
		return
	}
	if path == "/" {
		path = ""
	}
	rec := &Received{
		At:     b.now(),
		Method: r.Method,
		Request: dialect.Request{
			Path:        path,
			Query:       r.URL.RawQuery,
			ContentType: r.Header.Get("Content-Type"),
			Header:      r.Header,
			Body:        body,
		},
	}
	b.read(rec)
	reply := b.record(rec)
	defer b.finish()
	b.answer(w, r, rec, reply())
}

// enter counts a handler in, so that Close waits for it; false after Close.
func (b *Backend) enter() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.closing {
		b.wg.Add(1)
	}
	return !b.closing
}

// read verifies and decodes.
func (b *Backend) read(rec *Received) {
	if b.cred != nil {
		_, rec.VerifyErr = b.dialect.Verify(&rec.Request, *b.cred, dialect.Verification{Now: rec.At, MaxAge: b.maxAge})
		if rec.VerifyErr != nil {
			return
		}
	}
	rec.Events, rec.DecodeErr = b.dialect.Decode(&rec.Request)
}

// record puts rec into the order of arrival and picks its reply.
func (b *Backend) record(rec *Received) func() Reply {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.arrived++
	rec.N = b.arrived
	b.open++
	b.mostOpen = max(b.mostOpen, b.open)
	if b.keep != 0 {
		b.received = append(b.received, rec)
		if b.keep > 0 && len(b.received) > 2*b.keep {
			b.received = slices.Clone(b.received[len(b.received)-b.keep:])
		}
	}
	b.wake()
	return b.choose(rec)
}

// take counts the events of rec as taken. It comes before the answer is written:
// whoever reads the answer may send the lane's next event at once.
func (b *Backend) take(rec *Received) {
	for _, ev := range rec.Events {
		for m := range Marks(ev.Raw.Body) {
			b.tally.Note(m)
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, ev := range rec.Events {
		b.sightings.note(ev)
	}
	b.wake()
}

func (b *Backend) finish() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.open--
	b.answered++
	b.wake()
}

// answer does what reply says.
func (b *Backend) answer(w http.ResponseWriter, r *http.Request, rec *Received, reply Reply) {
	if reply.Delay > 0 {
		t := time.NewTimer(reply.Delay)
		defer t.Stop()
		if !await(b, r, t.C) {
			panic(http.ErrAbortHandler)
		}
	}
	if reply.Hold != nil && !await(b, r, reply.Hold) {
		panic(http.ErrAbortHandler)
	}
	if reply.Drop {
		panic(http.ErrAbortHandler)
	}

	res := reply.response(b.dialect, rec)
	if is2xx(&res) {
		b.take(rec)
	}
	maps.Copy(w.Header(), res.Header)
	if res.ContentType != "" {
		w.Header().Set("Content-Type", res.ContentType)
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(res.Body)))
	w.WriteHeader(res.Status)
	if reply.DripEvery <= 0 {
		_, _ = w.Write(res.Body)
		return
	}
	b.drip(w, r, res.Body, reply.DripEvery)
}

func (b *Backend) drip(w http.ResponseWriter, r *http.Request, body []byte, every time.Duration) {
	t := time.NewTicker(every)
	defer t.Stop()
	flush := http.NewResponseController(w)
	for i := range body {
		_ = flush.Flush()
		if !await(b, r, t.C) {
			panic(http.ErrAbortHandler)
		}
		_, _ = w.Write(body[i : i+1])
	}
}

// await waits for one value of c, or its end. It is false when the caller went
// away or the backend was closed first.
func await[T any](b *Backend, r *http.Request, c <-chan T) bool {
	select {
	case <-c:
		return true
	case <-r.Context().Done():
	case <-b.closed:
	}
	return false
}

// wake ends the waits whose condition is met; the lock is held.
func (b *Backend) wake() {
	b.waiters = slices.DeleteFunc(b.waiters, func(w *waiter) bool {
		met := w.met()
		if met {
			close(w.done)
		}
		return met
	})
}

// Wait waits until n requests have arrived since the start.
func (b *Backend) Wait(ctx context.Context, n int) error {
	return b.wait(ctx, fmt.Sprintf("%d requests", n), func() bool { return b.arrived >= n })
}

// WaitAnswered waits until n requests are over: answered, or given up by either
// side.
func (b *Backend) WaitAnswered(ctx context.Context, n int) error {
	return b.wait(ctx, fmt.Sprintf("%d answered requests", n), func() bool { return b.answered >= n })
}

// WaitEvents waits until n different events were taken.
func (b *Backend) WaitEvents(ctx context.Context, n int) error {
	return b.wait(ctx, fmt.Sprintf("%d events", n), func() bool { return b.sightings.distinct() >= n })
}

// wait waits until met, which is called with the lock held.
func (b *Backend) wait(ctx context.Context, what string, met func() bool) error {
	b.mu.Lock()
	if met() {
		b.mu.Unlock()
		return nil
	}
	w := &waiter{met: met, done: make(chan struct{})}
	b.waiters = append(b.waiters, w)
	b.mu.Unlock()

	var err error
	select {
	case <-w.done:
		return nil
	case <-ctx.Done():
		err = context.Cause(ctx)
	case <-b.closed:
		err = ErrClosed
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waiters = slices.DeleteFunc(b.waiters, func(o *waiter) bool { return o == w })
	return fmt.Errorf("waiting for %s (%d requests with %d events so far): %w", what, b.arrived, b.sightings.distinct(), err)
}

// Received returns the kept requests in the order of arrival.
func (b *Backend) Received() []*Received {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.keep > 0 && len(b.received) > b.keep {
		return slices.Clone(b.received[len(b.received)-b.keep:])
	}
	return slices.Clone(b.received)
}

// Requests counts the requests that arrived, whatever was answered.
func (b *Backend) Requests() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.arrived
}

// MostAtOnce is how many requests were open at the same time at most.
func (b *Backend) MostAtOnce() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.mostOpen
}

// Tally holds the marks of the loads in the events that were taken.
func (b *Backend) Tally() *Tally { return &b.tally }
