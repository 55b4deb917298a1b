package settings

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/imhook/imhook/internal/gateway"
)

// Store keeps the last value of every key. It is safe for concurrent use.
type Store interface {
	// All returns every value, and the revision of the whole.
	All(ctx context.Context) (values map[string][]byte, revision uint64, err error)
	// Revision is the present one; it grows with every change.
	Revision(ctx context.Context) (uint64, error)
	// Put keeps a value, or takes the key away when it is empty, and returns the
	// revision that this made. The error wraps [Config.Changed] when something was put
	// since revision.
	Put(ctx context.Context, revision uint64, key string, value []byte) (uint64, error)
}

// Lag is how long after a change other gateways go on with what was before, at most.
const Lag = time.Second

// tries is how often a change is made again when others are quicker.
const tries = 5

// Why something is not done.
var (
	// ErrNone: there is no such thing.
	ErrNone = errors.New("there is none")
	// ErrTaken: there is one of that name already.
	ErrTaken = errors.New("there is one of that name already")
	// ErrOther: what was to be changed is not what it was.
	ErrOther = errors.New("somebody else changed it at the same time; look at it again")
)

// Config is what a [Book] is made of.
type Config struct {
	Store Store
	// Changed is what the store's errors wrap when somebody else was quicker.
	Changed error
	// Log defaults to nowhere, Now to time.Now.
	Log *slog.Logger
	Now func() time.Time
}

// Book is everything that people set. Make it with [Open]; it is safe for concurrent
// use.
type Book struct {
	cfg Config
	// changing is held while something is changed, before mu.
	changing sync.Mutex
	// mu guards the following.
	mu       sync.Mutex
	values   map[string][]byte
	revision uint64
	looked   time.Time
	tokens   map[string]Token
	sessions map[string]Session
	used     map[string]time.Time
}

// Open reads what there is. With an error of the store the book comes, too: it knows
// nothing, and looks again as it does for others' changes.
func Open(ctx context.Context, cfg Config) (*Book, error) {
	if cfg.Store == nil {
		return nil, errors.New("settings need a store")
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	b := &Book{cfg: cfg, used: map[string]time.Time{}}
	b.take(nil, 0)
	return b, b.read(ctx)
}

// read takes what the store has.
func (b *Book) read(ctx context.Context) error {
	values, revision, err := b.cfg.Store.All(ctx)
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.take(values, revision)
	return nil
}

// take makes values the present ones; mu is held.
func (b *Book) take(values map[string][]byte, revision uint64) {
	if values == nil {
		values = map[string][]byte{}
	}
	b.values, b.revision, b.looked = values, revision, b.cfg.Now()
	b.tokens, b.sessions = map[string]Token{}, map[string]Session{}
	for key, v := range values {
		kind, name, _ := strings.Cut(key, "/")
		var err error
		switch kind {
		case kindToken:
			err = into(b.tokens, name, v)
		case kindSession:
			err = into(b.sessions, name, v)
		}
		if err != nil {
			b.cfg.Log.Error("a setting cannot be read and is left out", "key", key, "err", err)
		}
	}
}

// into reads a value into a map. What is there and not known is of a newer version, and
// is no reason to leave it out.
func into[T any](to map[string]T, name string, v []byte) error {
	var t T
	if err := json.Unmarshal(v, &t); err != nil {
		return err
	}
	to[name] = t
	return nil
}

// fresh looks whether there is something new, once in a while. Where the store cannot
// be asked what is known goes on.
func (b *Book) fresh(ctx context.Context) {
	b.mu.Lock()
	now := b.cfg.Now()
	due := now.Sub(b.looked) >= Lag
	if due {
		b.looked = now
	}
	revision := b.revision
	b.mu.Unlock()
	if !due {
		return
	}
	latest, err := b.cfg.Store.Revision(ctx)
	if err == nil && latest == revision {
		return
	}
	if err == nil {
		err = b.read(ctx)
	}
	if err != nil && ctx.Err() == nil {
		b.cfg.Log.Warn("tokens and settings may be older than a second", "err", err)
	}
}

// change makes a change on what there is, and again where somebody else was quicker.
// edit returns the key and its new value, empty to take it away.
func (b *Book) change(ctx context.Context, key string, edit func() ([]byte, error)) error {
	b.changing.Lock()
	defer b.changing.Unlock()
	for n := 0; ; n++ {
		value, err := edit()
		if err != nil {
			return err
		}
		b.mu.Lock()
		revision := b.revision
		b.mu.Unlock()
		next, err := b.cfg.Store.Put(ctx, revision, key, value)
		if err == nil {
			b.mu.Lock()
			values := maps.Clone(b.values)
			if delete(values, key); len(value) > 0 {
				values[key] = value
			}
			b.take(values, next)
			b.mu.Unlock()
			return nil
		}
		if b.cfg.Changed == nil || !errors.Is(err, b.cfg.Changed) || n == tries {
			return err
		}
		if err := b.read(ctx); err != nil {
			return err
		}
	}
}

// Revision is that of what is known now; it grows with every change.
func (b *Book) Revision(ctx context.Context) uint64 {
	b.fresh(ctx)
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.revision
}

// Unavailable reports whether err says that the store cannot be asked now.
func Unavailable(err error) bool {
	return errors.Is(err, gateway.ErrUnavailable) || errors.Is(err, gateway.ErrFull)
}

// write is a value as it is kept.
func write(v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("writing a setting: %w", err)
	}
	return b, nil
}
