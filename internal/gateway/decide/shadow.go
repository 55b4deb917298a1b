package decide

import (
	"context"
	"time"

	"github.com/imhook/imhook/internal/gateway"
)

// shadow is a hook in the shadow that is being asked.
type shadow struct {
	done chan struct{}
	a    gateway.Asked
}

// follow asks r without waiting. It has its own time, for the answer is not waited
// for, and goes on when the caller leaves.
func follow(ctx context.Context, r *running, q gateway.Question) *shadow {
	s := &shadow{done: make(chan struct{})}
	q.Deadline = time.Now().Add(r.Timeout)
	go func() {
		defer close(s.done)
		s.a = r.ask(context.WithoutCancel(ctx), q, r.Timeout)
		r.metrics.count(s.a, q.Event)
	}()
	return s
}

// result waits for the answer, which comes within the hook's time.
func (s *shadow) result() gateway.Asked {
	<-s.done
	return s.a
}
