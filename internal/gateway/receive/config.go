package receive

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// Defaults and fixed bounds.
const (
	defaultMaxBody  = 1 << 20
	defaultMaxDepth = 64

	defaultLineTimeout = 30 * time.Second
	defaultDeadline    = 3 * time.Second
	// maxMargin is the most of a server's time that is left for the way there and back.
	maxMargin = 250 * time.Millisecond
	// retryAfter is what a refused server is asked to wait, in seconds.
	retryAfter = "5"
)

// Source is an IM system that may call.
type Source struct {
	// Name stands in the URL and is unique in a gateway.
	Name string
	// App owns the source and its events.
	App     string
	Dialect dialect.Dialect
	// Generation of the wire when it is fixed; empty or "auto" reads it off the
	// request.
	Generation  string
	Credentials dialect.Credentials
	// PathToken must follow the name in the URL; empty means that none does.
	PathToken dialect.Secret
	// PathTokens may follow instead, each while it is valid; once all have expired
	// nobody may call.
	PathTokens []dialect.DatedSecret
	// AllowFrom lists who may call; empty means everybody.
	AllowFrom []netip.Prefix
	// MaxAge is how far a signed timestamp may lie from now. Zero means the
	// dialect's default, negative means that it is not checked.
	MaxAge time.Duration
	// AcceptUnsigned names the kinds of events that may come unsigned, in the
	// dialect's words.
	AcceptUnsigned []string
	// Deadline is how long the source's server waits for the answer to a
	// before-event, from when it sends it; zero means the dialect's own, or 3 s where
	// that says nothing. The answer leaves a quarter earlier, at most 250 ms: the
	// way there and back is in that time.
	Deadline time.Duration
	// Uses remembers when each secret and path token was used last; nil means that
	// nobody asks.
	Uses *dialect.SecretUses
}

// budget is how long an answer may take.
func (s Source) budget() time.Duration {
	d := s.Deadline
	if d == 0 {
		d = s.Dialect.Spec().Deadline
	}
	if d == 0 {
		d = defaultDeadline
	}
	return d - min(d/4, maxMargin)
}

// Validate says what is wrong with the source.
func (s Source) Validate() error {
	switch {
	case s.Deadline < 0:
		return fmt.Errorf("source %s: deadline is %v, want more than 0", s.Name, s.Deadline)
	case s.Name == "" || url.PathEscape(s.Name) != s.Name:
		return fmt.Errorf("source %q: the name stands in URLs and needs letters, digits, - and _", s.Name)
	case s.App == "":
		return fmt.Errorf("source %s has no app", s.Name)
	case s.Dialect == nil:
		return fmt.Errorf("source %s has no dialect", s.Name)
	}
	return nil
}

// Journal keeps after-events.
type Journal interface {
	// Append keeps the arrival durably and whole, or returns an error, in bounded
	// time: one that
	// wraps gateway.ErrFull, ErrUnavailable, ErrReplayed or ErrTooLarge, any other
	// counting as ErrUnavailable. It shares the events from then on: nobody changes
	// them or their bodies any more.
	Append(ctx context.Context, a gateway.Arrival) (gateway.Kept, error)
}

// Decider answers before-events.
type Decider interface {
	// Decide returns a verdict before the proposal's deadline, or
	// gateway.ErrReplayed. It shares the event from then on: nobody changes it or its
	// body any more.
	Decide(ctx context.Context, p gateway.Proposal) (event.Verdict, error)
}

// Tracer follows requests through the gateway and beyond.
type Tracer interface {
	// Receive is told when a request is known to be its source's, when it began and
	// where it came from. It returns the context of the request's work, what its
	// events carry, and a function that is told the answer's status and the events
	// at the end. It must not wait.
	Receive(ctx context.Context, app, source string, began time.Time, in gateway.Trace) (context.Context, gateway.Trace, func(status int, evs []*event.Event))
}

// Config is what a [Handler] is made of.
type Config struct {
	Sources []Source
	Journal Journal
	Decider Decider
	// Tracer follows requests; nil follows none.
	Tracer Tracer
	// TrustedProxies are whose X-Forwarded-For is believed.
	TrustedProxies []netip.Prefix
	// MaxBody bounds a body in bytes, also after decompression; zero means 1 MiB.
	MaxBody int64
	// MaxDepth bounds how deep JSON may nest; zero means 64.
	MaxDepth int
	// ReadTimeout bounds the reading of one body; zero leaves it to the server.
	ReadTimeout time.Duration
	// LineTimeout bounds how long the next line of a stream may take; zero means
	// 30 s.
	LineTimeout time.Duration
	// Now defaults to time.Now.
	Now func() time.Time
	Log *slog.Logger
	// Metrics is where the counters are registered; nil means nowhere.
	Metrics prometheus.Registerer
}

// WithDefaults returns a copy with zero fields filled in.
func (c Config) WithDefaults() Config {
	if c.MaxBody == 0 {
		c.MaxBody = defaultMaxBody
	}
	if c.MaxDepth == 0 {
		c.MaxDepth = defaultMaxDepth
	}
	if c.LineTimeout == 0 {
		c.LineTimeout = defaultLineTimeout
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

// Validate says what is wrong with the configuration.
func (c Config) Validate() error {
	switch {
	case c.Journal == nil || c.Decider == nil:
		return errors.New("receive needs Journal and Decider")
	case c.MaxBody < 0:
		return fmt.Errorf("max_body is %d, want more than 0", c.MaxBody)
	case c.MaxDepth < 0:
		return fmt.Errorf("max_depth is %d, want more than 0", c.MaxDepth)
	case c.ReadTimeout < 0 || c.LineTimeout < 0:
		return fmt.Errorf("read timeout is %v and line timeout %v, want 0 or more", c.ReadTimeout, c.LineTimeout)
	}
	return nil
}
