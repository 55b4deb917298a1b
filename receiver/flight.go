package receiver

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/imhook/imhook/event"
)

var (
	errLate       = errors.New("the handler did not end in time")
	errElsewhere  = errors.New("who handles it elsewhere did not end in time")
	errOverloaded = errors.New("too many handlers run")
	errGone       = errors.New("the handler ended its goroutine")
)

// job is one event for its handler.
type job struct {
	ev *event.Event
	// key is what the event is known by; empty when nothing tells it from another.
	key string
	// deadline is when the answer must be there.
	deadline time.Time
	do       func(ctx context.Context) (event.Verdict, error)
}

// landing is what came of a job. A failure has an error and no verdict.
type landing struct {
	result  Result
	verdict event.Verdict
	err     error
}

// flight is a job under way. Those who bring the same event wait for it.
type flight struct {
	// done is closed when landing is set.
	done    chan struct{}
	landing landing
}

// take has a job done, or waits for who does it already, up to its deadline. The
// handler goes on without whoever called and without whoever waits. When the one who
// was waited for had no time left, it is this one's turn.
func (rc *Receiver) take(ctx context.Context, j job) landing {
	late := time.NewTimer(time.Until(j.deadline))
	defer late.Stop()
	for {
		f, first := rc.board(j.key)
		if f == nil {
			return landing{result: Overloaded, err: errOverloaded}
		}
		if first {
			go rc.fly(context.WithoutCancel(ctx), f, j)
		}
		select {
		case <-f.done:
		case <-late.C:
			return landing{result: Late, err: errLate}
		}
		switch l := f.landing; {
		case first:
			return l
		case l.err == nil:
			l.result = Duplicate
			return l
		case l.result != Late:
			return l
		}
	}
}

// board returns the flight of a key, and whether it is a new one, which the caller
// has to begin; nil when there are too many.
func (rc *Receiver) board(key string) (f *flight, first bool) {
	rc.mu.Lock()
	defer rc.mu.Unlock()
	if key != "" && rc.flights[key] != nil {
		return rc.flights[key], false
	}
	if rc.running >= rc.cfg.MaxRunning {
		return nil, false
	}
	rc.running++
	f = &flight{done: make(chan struct{})}
	if key != "" {
		rc.flights[key] = f
	}
	return f, true
}

// unboard lets nobody else wait for the flight of a key.
func (rc *Receiver) unboard(key string) {
	rc.mu.Lock()
	defer rc.mu.Unlock()
	delete(rc.flights, key)
}

// leave ends what board began.
func (rc *Receiver) leave() {
	rc.mu.Lock()
	defer rc.mu.Unlock()
	if rc.running--; rc.running > 0 {
		return
	}
	for _, idle := range rc.idle {
		close(idle)
	}
	rc.idle = nil
}

// fly does a job. What succeeded is answered before it is remembered, for nobody
// else can take it up in between; what failed is forgotten before it is answered,
// so that it is new when it comes again at once.
func (rc *Receiver) fly(ctx context.Context, f *flight, j job) {
	defer rc.leave()
	ctx, cancel := context.WithDeadline(ctx, j.deadline)
	defer cancel()
	begin := time.Now()
	l, mine := rc.claim(ctx, j)
	if mine {
		l = landing{result: Panicked, err: errGone} // what remains if the handler ends the goroutine
	}
	defer func() {
		f.landing = l
		if over := time.Since(j.deadline); mine && over > 0 {
			rc.cfg.Log.Warn("a handler ended after its time", "source", rc.cfg.Name, "event", j.ev.ID, "after", time.Since(begin), "err", l.err)
		}
		if l.err == nil {
			close(f.done)
			if mine {
				rc.keep(j, l)
			}
			rc.unboard(j.key)
			return
		}
		if mine {
			rc.release(j)
		}
		rc.unboard(j.key)
		close(f.done)
	}()
	if mine {
		l = run(ctx, j)
	}
}

// run calls the handler.
func run(ctx context.Context, j job) (l landing) {
	defer func() {
		if p := recover(); p != nil {
			l = landing{result: Panicked, err: &panicError{value: p, stack: debug.Stack()}}
		}
	}()
	v, err := j.do(ctx)
	switch {
	case err == nil:
		return landing{result: Handled, verdict: v}
	case errors.Is(err, ErrRejected):
		return landing{result: Rejected, err: err}
	case ctx.Err() != nil:
		return landing{result: Late, err: errors.Join(errLate, err)}
	}
	return landing{result: Failed, err: err}
}

// panicError is a handler's panic.
type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string { return fmt.Sprint("panic: ", e.value) }
