package decide

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"

	"github.com/imhook/imhook/internal/gateway"
)

// Breaker says when a hook is not asked any more: a dead hook must not cost every
// message its time.
type Breaker struct {
	// Least is how many questions must have been asked inside Within before it is
	// judged; when half of them failed, it is left alone. Zero means 5.
	Least int
	// Within is the time that is looked at; zero means 10 s.
	Within time.Duration
	// Pause is how long it is not asked then; after it one question decides. Zero
	// means 5 s.
	Pause time.Duration
	// Off asks always.
	Off bool
}

// leastWithin is the shortest time that is looked at: the library cuts it in ten, and
// no more than one question fits into less.
const leastWithin = time.Millisecond

// failureRate is the part of the questions that must fail before a hook is left
// alone.
const failureRate = 0.5

func (b Breaker) withDefaults() Breaker {
	if b.Least == 0 {
		b.Least = 5
	}
	if b.Within == 0 {
		b.Within = 10 * time.Second
	}
	if b.Pause == 0 {
		b.Pause = 5 * time.Second
	}
	return b
}

// breakers are those of one hook, one for each source: a hook that is too slow for a
// server that waits 200 ms is none for one that waits five seconds.
type breakers struct {
	conf Breaker
	of   sync.Map // *breaker by source
}

func newBreakers(conf Breaker) *breakers { return &breakers{conf: conf} }

// source returns the breaker for a source's questions; nil, which lets everything
// through, when they are off.
func (b *breakers) source(name string) *breaker {
	if b.conf.Off {
		return nil
	}
	one, ok := b.of.Load(name)
	if !ok {
		one, _ = b.of.LoadOrStore(name, newBreaker(b.conf))
	}
	return one.(*breaker)
}

// open are the sources that leave the hook alone at present, by name.
func (b *breakers) open() []LeftAlone {
	var all []LeftAlone
	b.of.Range(func(name, one any) bool {
		if c, open := one.(*breaker).state(); open {
			all = append(all, LeftAlone{Source: name.(string), Cause: c})
		}
		return true
	})
	slices.SortFunc(all, func(a, b LeftAlone) int { return strings.Compare(a.Source, b.Source) })
	return all
}

// breaker keeps what opened it beside the library's state.
type breaker struct {
	// closed is true while everything is let through: only an answer changes that.
	closed atomic.Bool
	// mu keeps what the library is asked and told together.
	mu      sync.Mutex
	circuit circuitbreaker.CircuitBreaker[any]
	// last is the latest failure's cause.
	last gateway.Cause
	// told is true once somebody heard that it opened.
	told bool
}

func newBreaker(b Breaker) *breaker {
	one := &breaker{circuit: circuitbreaker.NewBuilder[any]().
		WithFailureRateThreshold(failureRate, uint(b.Least), b.Within).
		WithSuccessThreshold(1).
		WithDelay(b.Pause).
		Build()}
	one.closed.Store(true)
	return one
}

// permit is the leave to ask.
type permit struct {
	// trial is true for the one question that decides whether asking goes on.
	trial bool
}

// enter reports whether the hook may be asked; otherwise why not: the failure that
// opened it. Whoever enters must leave.
func (b *breaker) enter() (p permit, open gateway.Cause, ok bool) {
	if b == nil || b.closed.Load() {
		return permit{}, "", true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.circuit.TryAcquirePermit() {
		return permit{}, b.last, false
	}
	return permit{trial: b.circuit.IsHalfOpen()}, "", true
}

// leave says what came of a question. What says nothing about the hook (it was
// cancelled, or had hardly any time) counts for the one trial only: that one must
// end. What was asked before the trial says nothing about now.
//
// It returns what an operator should hear: that the hook is left alone from now on,
// once until it is asked as before.
func (b *breaker) leave(p permit, c gateway.Cause, counts bool) news {
	if b == nil {
		return noNews
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if !p.trial && !b.circuit.IsClosed() {
		return noNews
	}
	switch {
	case c == gateway.CauseHook || c == gateway.CauseUntranslatable:
		b.circuit.RecordSuccess()
	case counts:
		b.last = c
		b.circuit.RecordFailure()
	case p.trial:
		b.circuit.RecordFailure() // what opened it still does
	}
	state := b.circuit.State()
	b.closed.Store(state == circuitbreaker.ClosedState)
	switch {
	case !b.told && state == circuitbreaker.OpenState:
		b.told = true
		return hasOpened
	case b.told && state == circuitbreaker.ClosedState:
		b.told = false
		return hasClosed
	}
	return noNews
}

// state is the latest failure's cause, and whether the hook is left alone for it.
func (b *breaker) state() (gateway.Cause, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.last, b.circuit.IsOpen()
}

// news is what became of a breaker.
type news int

const (
	noNews news = iota
	hasOpened
	hasClosed
)
