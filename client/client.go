package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/imhook/imhook/client/internal/spool"
	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/cloudevents"
)

// Client tells one gateway and asks it. Make it with [New], end it with
// [Client.Close]. It is safe for concurrent use.
type Client struct {
	cfg         Config
	target      string
	source      string
	credentials dialect.Credentials
	dialect     *cloudevents.Dialect
	http        *http.Client
	// transport is closed with the client; nil when it is the caller's.
	transport *http.Transport
	// spool and aside are nil without a spool directory.
	spool  *spool.Spool
	aside  *aside
	health health

	sent, spooled, refusedCount atomic.Uint64
	// hold is until when the gateway wants to be left alone, in nanoseconds of Unix
	// time.
	hold atomic.Int64

	// ctx ends when attempts are to be cut short.
	ctx    context.Context //nolint:containedctx // it is the client's own end, not a call's
	cancel context.CancelFunc
	// closing is closed when the sender is to send what there is and end; sender
	// when it has ended.
	closing, sender chan struct{}
	// ended is closed when Close is through, with err set.
	ended chan struct{}
	err   error

	mu sync.Mutex
	// mu guards the following.
	closed bool
	// calls counts those under way; it grows only while closed is false.
	calls sync.WaitGroup
}

// New checks the configuration, opens the spool and begins to send what an earlier
// process left in it. It does not wait for the gateway.
func New(cfg Config) (*Client, error) {
	cfg = cfg.WithDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	target, err := cfg.target()
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	c := &Client{
		cfg: cfg, target: target, source: cfg.source(), credentials: cfg.credentials(), dialect: cloudevents.New(),
		health:  health{log: cfg.Log, url: cfg.URL, spooled: cfg.Spool.Dir != ""},
		closing: make(chan struct{}), sender: make(chan struct{}), ended: make(chan struct{}),
	}
	// A secret that cannot sign is found now and not with the first event.
	if err := c.dialect.Sign(&dialect.Request{}, c.credentials, "probe", time.Now()); err != nil && !errors.Is(err, dialect.ErrNoSecret) {
		return nil, fmt.Errorf("client: Secret: %w", err)
	}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.http, c.transport = cfg.httpClient()
	if cfg.Spool.Dir == "" {
		close(c.sender)
		return c, nil
	}
	if err := c.openSpool(); err != nil {
		c.cancel()
		return nil, fmt.Errorf("client: %w", err)
	}
	go c.send()
	return c, nil
}

func (c *Client) openSpool() error {
	s, damage, err := spool.Open(spool.Config{Dir: c.cfg.Spool.Dir, MaxBytes: c.cfg.Spool.MaxBytes})
	if err != nil {
		return err
	}
	for _, d := range damage {
		if d.Tail {
			c.cfg.Log.Warn("the spool ends in the middle of a write: a crash left that, and what was not acknowledged is lost", "file", d.Path, "bytes", d.Bytes)
		} else {
			c.cfg.Log.Error("a part of the spool cannot be read: its events are lost", "file", d.Path, "bytes", d.Bytes)
		}
	}
	if n, bytes := s.Len(); n > 0 {
		c.cfg.Log.Info("sending what was left in the spool", "events", n, "bytes", bytes, "oldest", s.Oldest())
	}
	a, err := openAside(c.cfg.Spool.Dir, c.cfg.Spool.RefusedBytes, c.cfg.Log)
	if err != nil {
		return errors.Join(err, s.Close())
	}
	c.spool, c.aside = s, a
	return nil
}

// enter begins a call; false when the client is closed.
func (c *Client) enter() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.calls.Add(1)
	}
	return !c.closed
}

// within returns a context that ends with ctx and with the client.
func (c *Client) within(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(c.ctx, cancel)
	return ctx, func() { stop(); cancel() }
}

// Close takes no more calls, waits for those under way, and sends what the spool
// holds for as long as the gateway takes it and ctx lasts; the rest stays in the
// spool and is sent by the next client on it. The error is about files only. A
// second Close waits for the first.
func (c *Client) Close(ctx context.Context) error {
	c.mu.Lock()
	first := !c.closed
	c.closed = true
	c.mu.Unlock()
	stop := context.AfterFunc(ctx, c.cancel)
	defer stop()
	if !first {
		<-c.ended
		return c.err
	}
	defer close(c.ended)
	c.calls.Wait()
	close(c.closing)
	<-c.sender
	c.cancel()
	if c.spool != nil {
		if n, bytes := c.spool.Len(); n > 0 {
			c.cfg.Log.Info("events stay in the spool for the next start", "events", n, "bytes", bytes)
		}
		c.err = errors.Join(c.spool.Close(), c.aside.close())
	}
	if c.transport != nil {
		c.transport.CloseIdleConnections()
	}
	return c.err
}

// Stats is what a client is at. Counters count from New.
type Stats struct {
	// Waiting events are in the spool, WaitingBytes long.
	Waiting      int
	WaitingBytes int64
	// OldestAge is how long the oldest of them has waited; zero when none does.
	OldestAge time.Duration
	// Sent events were kept by the gateway, Spooled ones went into the spool first,
	// Refused ones were refused for good.
	Sent, Spooled, Refused uint64
	// Failing is true while the last attempt failed.
	Failing bool
	// LastError is why the last attempt that failed did, at LastErrorAt; nil when
	// none has.
	LastError   error
	LastErrorAt time.Time
}

// Stats says how things stand.
func (c *Client) Stats() Stats {
	s := Stats{Sent: c.sent.Load(), Spooled: c.spooled.Load(), Refused: c.refusedCount.Load()}
	s.Failing, s.LastErrorAt, s.LastError = c.health.state()
	if c.spool != nil {
		s.Waiting, s.WaitingBytes = c.spool.Len()
		if oldest := c.spool.Oldest(); !oldest.IsZero() {
			s.OldestAge = time.Since(oldest)
		}
	}
	return s
}
