package deliver

import "sync/atomic"

// line is an endpoint's sender for as long as anybody uses it: the endpoint
// itself, and every attempt that began with it.
type line struct {
	Sender
	release func()
	// users is the endpoint and its attempts in flight; at zero it is over.
	users atomic.Int64
}

func newLine(s Sender, release func()) *line {
	l := &line{Sender: s, release: release}
	l.users.Store(1)
	return l
}

// enter is false when the line is over.
func (l *line) enter() bool {
	for {
		n := l.users.Load()
		if n == 0 {
			return false
		}
		if l.users.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

func (l *line) leave() {
	if l.users.Add(-1) == 0 && l.release != nil {
		l.release()
	}
}

// hold returns the line that an attempt of the endpoint's own shall use, and leave when
// it is over. While such an attempt is in flight the endpoint is there, and has a line.
func (r *runner) hold() *line {
	l := r.holdIfThere()
	if l == nil {
		panic("an attempt of an endpoint that is gone")
	}
	return l
}

// holdIfThere is hold for whoever does not keep the endpoint: nil when it is gone.
func (r *runner) holdIfThere() *line {
	for {
		l := r.line.Load()
		if l.enter() {
			return l
		}
		// Between the two it may have been replaced and be over already.
		if r.line.Load() == l {
			return nil
		}
	}
}
