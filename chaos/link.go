package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
)

// links makes links.
type links struct{ api *toxiproxy.ApiServer }

func newLinks() links {
	return links{toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.New(io.Discard).Level(zerolog.Disabled))}
}

// link is a connection that can be cut and spoiled.
type link struct {
	name  string
	near  string
	proxy *toxiproxy.Proxy
}

// to opens a link to an address.
func (l links) to(name, upstream string) (*link, error) {
	p := toxiproxy.NewProxy(l.api, name, "127.0.0.1:0", upstream)
	if err := p.Start(); err != nil {
		return nil, fmt.Errorf("opening the link %s: %w", name, err)
	}
	return &link{name, p.Listen, p}, nil
}

// addr is where the near end of the link is, always the same.
func (l *link) addr() string { return l.near }

// cut ends all connections and refuses new ones, as if there were nobody.
func (l *link) cut() { l.proxy.Stop() }

// mend takes connections again.
func (l *link) mend() error {
	// While nobody listens there, the system may give the port to a connection.
	return eventually(context.Background(), time.Minute, 20*time.Millisecond, func() error {
		if err := l.proxy.Start(); err != nil && err != toxiproxy.ErrProxyAlreadyStarted { //nolint:errorlint // it is that very value
			return fmt.Errorf("mending the link %s: %w", l.name, err)
		}
		return nil
	})
}

// spoil adds toxics, in toxiproxy's own JSON.
func (l *link) spoil(toxics ...string) error {
	for _, t := range toxics {
		if _, err := l.proxy.Toxics.AddToxicJson(strings.NewReader(t)); err != nil {
			return fmt.Errorf("spoiling the link %s: %w", l.name, err)
		}
	}
	return nil
}

// heal takes them away, and the connections that had them with them: a toxic that is
// waiting for something would hold its connection for ever.
func (l *link) heal() error {
	l.cut()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	l.proxy.Toxics.ResetToxics(ctx)
	return l.mend()
}

func (l *link) close() { l.proxy.Stop() }
