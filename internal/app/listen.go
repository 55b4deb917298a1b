package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/imhook/imhook/internal/config"
	"github.com/imhook/imhook/internal/front"
	"github.com/imhook/imhook/internal/gateway/journal"
	"github.com/imhook/imhook/internal/gateway/receive"
	"github.com/imhook/imhook/internal/tlsfile"
)

// listen takes an address; key is its name in the configuration.
func (a *App) listen(ctx context.Context, key, addr string, secure *config.ServerTLS) (net.Listener, error) {
	var conf *tls.Config
	if secure != nil {
		now, err := a.encrypt(key, *secure)
		if err != nil {
			return nil, err
		}
		e := &encryption{}
		e.now.Store(now)
		a.encryptions[key] = e
		conf = &tls.Config{MinVersion: tls.VersionTLS12, GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) {
			return e.now.Load().conf.GetConfigForClient(h)
		}}
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listening (%s): %w", key, err)
	}
	a.onStop(key, func(context.Context) error {
		if err := l.Close(); !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	})
	if conf != nil {
		return tls.NewListener(l, conf), nil
	}
	return l, nil
}

// encryption is how a listener is encrypted, which may change while it listens.
type encryption struct{ now atomic.Pointer[encrypted] }

// encrypted is a listener's TLS with what it was made of.
type encrypted struct {
	of   config.ServerTLS
	conf *tls.Config
}

func (a *App) encrypt(key string, of config.ServerTLS) (*encrypted, error) {
	conf, err := tlsfile.Server(of).Config(a.cfg.Log)
	if err != nil {
		return nil, fmt.Errorf("encrypting %s: %w", key, err)
	}
	return &encrypted{of, conf}, nil
}

// reencrypt reads the certificates that next names; what it returns puts them to
// use, for connections from then on.
func (a *App) reencrypt(next *config.Config) (use func(), err error) {
	fresh := map[*encryption]*encrypted{}
	for key, of := range map[string]*config.ServerTLS{keyListen: next.TLS, keyAdminListen: next.Admin.TLS} {
		e := a.encryptions[key]
		if e == nil || of == nil || *of == e.now.Load().of {
			continue
		}
		if fresh[e], err = a.encrypt(key, *of); err != nil {
			return nil, err
		}
	}
	return func() {
		for e, now := range fresh {
			e.now.Store(now)
		}
	}, nil
}

// The listeners' keys in the configuration.
const (
	keyListen      = "listen"
	keyAdminListen = "admin.listen"
)

// serve takes callbacks from l, and what others answers.
func (a *App) serve(l net.Listener, in *receive.Handler, others http.Handler) {
	srv := front.New(front.Config{In: in, Others: others, Log: a.cfg.Log})
	go func() {
		if err := srv.Serve(l); err != nil {
			a.fail(fmt.Errorf("serving callbacks: %w", err))
		}
	}()
	a.onStop("listener", func(ctx context.Context) error {
		in.Drain()
		// A caller that drips its request must not eat the time that attempts in
		// flight have to end.
		ctx, cancel := context.WithTimeout(ctx, listenerStop)
		defer cancel()
		return srv.Shutdown(ctx)
	})
}

// serveAPI serves the API on a listener of its own.
func (a *App) serveAPI(l net.Listener, api http.Handler) {
	srv := front.NewPlain(api, a.cfg.Log)
	go func() {
		if err := srv.Serve(l); err != nil {
			a.fail(fmt.Errorf("serving the API: %w", err))
		}
	}()
	a.onStop("API's listener", func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, listenerStop)
		defer cancel()
		return srv.Shutdown(ctx)
	})
}

// listenerStop bounds how long requests under way may take to end.
const listenerStop = 5 * time.Second

// fail says why the app ended by itself; the first reason counts.
func (a *App) fail(err error) {
	a.failing.Do(func() {
		a.err = err
		close(a.failed)
	})
}

// ready says why callbacks cannot be taken now.
func ready(j *journal.Journal) func(context.Context) error {
	return func(context.Context) error { return j.Healthy() }
}

// notes are what the operator should know of a journal that works.
func notes(j *journal.Journal) func() []string {
	return func() (all []string) {
		for _, l := range j.Losses() {
			all = append(all, l.FoundAt.Format(time.RFC3339)+": "+l.String())
		}
		return all
	}
}

// Addr is host:port where callbacks come in; empty before Start.
func (a *App) Addr() string { return text(a.addr) }

// AdminAddr is host:port of the API: its own, or where callbacks come in.
func (a *App) AdminAddr() string {
	if a.adminAddr == nil {
		return a.Addr()
	}
	return text(a.adminAddr)
}

func text(addr net.Addr) string {
	if addr == nil {
		return ""
	}
	return addr.String()
}
