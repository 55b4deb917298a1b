package decide

import (
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

// breaker keeps what opened it beside the library's state.
type breaker struct {
	circuit circuitbreaker.CircuitBreaker[any]
	// last is the latest failure's cause.
	last atomic.Value
}

// newBreaker returns nil, which lets everything through, for one that is off.
func newBreaker(b Breaker) *breaker {
	if b.Off {
		return nil
	}
	return &breaker{circuit: circuitbreaker.NewBuilder[any]().
		WithFailureRateThreshold(failureRate, uint(b.Least), b.Within).
		WithSuccessThreshold(1).
		WithDelay(b.Pause).
		Build()}
}

// enter reports whether the hook may be asked; otherwise why what failure it is not.
// Whoever enters must leave.
func (b *breaker) enter() (open gateway.Cause, ok bool) {
	if b == nil || b.circuit.TryAcquirePermit() {
		return "", true
	}
	c, _ := b.last.Load().(gateway.Cause)
	return c, false
}

// leave says what came of a question. What says nothing about the hook (it was
// cancelled, or had hardly any time) counts only while the breaker waits for its one
// trial: that one must end.
func (b *breaker) leave(c gateway.Cause, counts bool) {
	switch {
	case b == nil:
	case c == gateway.CauseHook || c == gateway.CauseUntranslatable:
		b.circuit.RecordSuccess()
	case counts || b.circuit.IsHalfOpen():
		if c != gateway.CauseCancelled {
			b.last.Store(c)
		}
		b.circuit.RecordFailure()
	}
}

// open reports whether the hook is left alone at present.
func (b *breaker) open() bool { return b != nil && b.circuit.IsOpen() }
