package decide

import (
	"context"
	"sync"
)

// lateOnes are under way after the answer.
type lateOnes struct {
	wg sync.WaitGroup

	// mu guards the following, and that nothing begins once it is waited for.
	mu      sync.Mutex
	stopped bool
}

// do runs f later, or returns false when nobody would wait for it.
func (l *lateOnes) do(f func()) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stopped {
		return false
	}
	l.wg.Go(f)
	return true
}

// Stop waits for hooks in the shadow, so that their answers reach the trail. What is
// decided from then on is recorded without them.
func (d *Decider) Stop(ctx context.Context) error {
	d.late.mu.Lock()
	d.late.stopped = true
	d.late.mu.Unlock()
	done := make(chan struct{})
	go func() {
		defer close(done)
		d.late.wg.Wait()
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
