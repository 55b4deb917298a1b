package front

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// newHTTP returns a net/http server with the bounds that every listener of a
// gateway has.
func newHTTP(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: readTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: 64 << 10, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}

// Plain serves one listener with net/http alone: no callbacks come there. Make it
// with [NewPlain].
type Plain struct {
	srv *http.Server

	// mu guards the following.
	mu sync.Mutex
	// silent are the connections on which nothing was said yet.
	silent map[net.Conn]struct{}
}

// NewPlain returns a server that listens to nothing yet. log gets what the engine
// says, at level debug.
func NewPlain(h http.Handler, log *slog.Logger) *Plain {
	p := &Plain{srv: newHTTP(h, log), silent: map[net.Conn]struct{}{}}
	p.srv.ConnState = func(c net.Conn, state http.ConnState) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if state == http.StateNew {
			p.silent[c] = struct{}{}
			return
		}
		delete(p.silent, c)
	}
	return p
}

// Serve accepts connections from l until [Plain.Shutdown], then returns nil. It is
// called once.
func (p *Plain) Serve(l net.Listener) error {
	if err := p.srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving %s: %w", l.Addr(), err)
	}
	return nil
}

// Shutdown takes no more connections and lets requests under way end until ctx
// does; then it cuts them short. net/http waits five seconds for a connection on
// which nothing was said, and clients open such ones in reserve.
func (p *Plain) Shutdown(ctx context.Context) error {
	silent := time.AfterFunc(silence, p.cutSilent)
	defer silent.Stop()
	if p.srv.Shutdown(ctx) == nil {
		return nil
	}
	if err := p.srv.Close(); err != nil {
		return fmt.Errorf("closing connections: %w", err)
	}
	return nil
}

func (p *Plain) cutSilent() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.silent {
		_ = c.Close()
	}
}
