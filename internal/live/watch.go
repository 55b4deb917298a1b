package live

import (
	"context"
	"errors"
)

// maxWatchers is how many may watch at once.
const maxWatchers = 256

// ErrManyWatchers says that more watch than there may be.
var ErrManyWatchers = errors.New("too many are watching")

// Watcher is told of overviews as they are made. One that is slow misses some and gets
// the newest.
type Watcher struct {
	l *Live
	// C gets each overview, and is closed when the gateway stops.
	C chan *Overview
}

// Watch begins to watch; end it with Close.
func (l *Live) Watch() (*Watcher, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.watchers == nil || len(l.watchers) >= maxWatchers {
		return nil, ErrManyWatchers
	}
	w := &Watcher{l, make(chan *Overview, 1)}
	l.watchers[w] = struct{}{}
	select {
	case l.watched <- struct{}{}:
	default:
	}
	return w, nil
}

// Close ends it. It may be called more than once.
func (w *Watcher) Close() {
	w.l.mu.Lock()
	defer w.l.mu.Unlock()
	delete(w.l.watchers, w)
}

// show makes an overview and gives it to those who watch; it returns how many do.
func (l *Live) show(ctx context.Context) int {
	l.mu.Lock()
	n := len(l.watchers)
	l.mu.Unlock()
	if n == 0 {
		return 0
	}
	o := l.overview(ctx)
	l.mu.Lock()
	defer l.mu.Unlock()
	for w := range l.watchers {
		select {
		case <-w.C: // it did not look yet
		default:
		}
		w.C <- o // there is room: nobody else sends
	}
	return len(l.watchers)
}

// dismiss ends everybody's watching.
func (l *Live) dismiss() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for w := range l.watchers {
		close(w.C)
	}
	l.watchers = nil
}
