package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/imhook/imhook/internal/config"
	"github.com/imhook/imhook/internal/front"
	"github.com/imhook/imhook/internal/gateway/journal"
	"github.com/imhook/imhook/internal/gateway/receive"
	"github.com/imhook/imhook/internal/tlsfile"
)

// listen takes an address; key is its name in the configuration.
func (a *App) listen(ctx context.Context, key, addr string, encrypted *config.ServerTLS) (net.Listener, error) {
	var conf *tls.Config
	if encrypted != nil {
		var err error
		if conf, err = tlsfile.Server(*encrypted).Config(a.cfg.Log); err != nil {
			return nil, fmt.Errorf("encrypting %s: %w", key, err)
		}
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
	srv := front.NewHTTP(api, a.cfg.Log)
	go func() {
		if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			a.fail(fmt.Errorf("serving the API: %w", err))
		}
	}()
	a.onStop("API's listener", func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, listenerStop)
		defer cancel()
		if srv.Shutdown(ctx) != nil {
			return srv.Close()
		}
		return nil
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
