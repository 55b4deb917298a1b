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

// hold returns the line that an attempt shall use, and leave when it is over.
func (r *runner) hold() *line {
	for {
		// Between the two it may have been replaced and be over already.
		if l := r.line.Load(); l.enter() {
			return l
		}
	}
}
