package live

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// Source is who may call, as it is configured.
type Source struct{ App, Name, Dialect, Generation string }

// Hook is who is asked before.
type Hook struct {
	App, Name string
	// Kind is a dialect, or what is built in; State and Trouble are those of the API's
	// listing, Breaker is closed or open.
	Kind, State, Breaker, Trouble string
	// Failure is the latest one of a hook that is open.
	Failure string
}

// Endpoint is who is told after.
type Endpoint struct {
	App, Name, Dialect string
	// State, Breaker and Paused are words of deliver's status.
	State, Breaker, Paused string
	PausedUntil            time.Time
	// Backlog counts what is read and not finished, and what is known to wait behind;
	// More says that there are others.
	Backlog  int
	More     bool
	OldestAt time.Time
	InFlight int
	// Ramp is how many may be in flight, RampOf how many at full speed.
	Ramp, RampOf int
	// Blocked is how many conversations do not go on.
	Blocked int
	// Delivered and Parked count since the endpoint began; LastError is the last failure
	// since the last success.
	Delivered, Parked uint64
	LastError         string
}

// Gateway is one of those that share the journal.
type Gateway struct {
	ID   string `json:"id"`
	Host string `json:"host"`
	PID  int    `json:"pid"`
	// Writes is true of the one that writes, Self of the one that answers.
	Writes bool `json:"writes,omitzero"`
	Self   bool `json:"self,omitzero"`
	// Problem is what somebody should look at, in words.
	Problem string `json:"problem,omitzero"`
}

// Config is what a [Live] is made of. Functions are called by one goroutine at a time;
// nil ones say nothing.
type Config struct {
	Meter    *Meter
	Counters *Counters
	// Sources, Hooks and Endpoints are in configuration order.
	Sources   func() []Source
	Hooks     func() []Hook
	Endpoints func(ctx context.Context) []Endpoint
	// DeadLetters is how many each endpoint (app/name) has.
	DeadLetters func(ctx context.Context) (map[string]uint64, error)
	// Troubles are what is wrong with the gateway itself, in words.
	Troubles func(ctx context.Context) []string
	// History says how far the search of what was is behind; an empty state is off.
	History func() History
	// Gateways are those that share the journal; nil where there is one.
	Gateways func(ctx context.Context) ([]Gateway, error)
	Version  string
	// Now defaults to time.Now, Log to nowhere.
	Now func() time.Time
	Log *slog.Logger
}

// Live looks at a gateway. Make it with [New], end it with Stop; it is safe for
// concurrent use.
type Live struct {
	cfg    Config
	cancel context.CancelFunc
	done   chan struct{}

	// mu guards the following.
	mu     sync.Mutex
	charts charts
	seen   seen
	// watchers are told of each overview; nil after Stop.
	watchers map[*Watcher]struct{}
	// watched wakes the loop.
	watched chan struct{}
}

// New begins to look.
func New(cfg Config) (*Live, error) {
	if cfg.Meter == nil {
		return nil, errors.New("live needs a meter")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	ctx, cancel := context.WithCancel(context.Background())
	l := &Live{
		cfg: cfg, cancel: cancel, done: make(chan struct{}), watchers: map[*Watcher]struct{}{}, watched: make(chan struct{}, 1),
		charts: newCharts(), seen: newSeen(),
	}
	go l.run(ctx)
	return l, nil
}

// Stop ends it, and everybody's watching. It may be called more than once.
func (l *Live) Stop(context.Context) error {
	l.cancel()
	<-l.done
	return nil
}

// glance is how often the overview is made while somebody watches.
const glance = time.Second

// run samples, and shows while somebody watches.
func (l *Live) run(ctx context.Context) {
	defer close(l.done)
	defer l.dismiss()
	next := time.NewTimer(l.untilStep())
	defer next.Stop()
	look := time.NewTicker(glance)
	look.Stop()
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-next.C:
			l.sample(ctx)
			next.Reset(l.untilStep())
		case <-l.watched:
			l.show(ctx)
			look.Reset(glance)
		case <-look.C:
			if l.show(ctx) == 0 {
				look.Stop()
			}
		}
	}
}

// untilStep is how long it is until the fine step ends.
func (l *Live) untilStep() time.Duration {
	now := l.cfg.Now()
	return now.Truncate(fineStep).Add(fineStep).Sub(now)
}
