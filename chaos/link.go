package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
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
//
// It has another proxy each time: toxiproxy may wait for ever for a connection while
// it adds a toxic to it or takes one away. So a link's connections end when it is
// spoiled and when it is mended.
type link struct {
	links
	name, near, far string

	mu sync.Mutex
	// mu guards the following.
	proxy *toxiproxy.Proxy // nil while it is cut
}

// to opens a link to an address.
func (l links) to(name, upstream string) (*link, error) {
	p := toxiproxy.NewProxy(l.api, name, "127.0.0.1:0", upstream)
	if err := p.Start(); err != nil {
		return nil, fmt.Errorf("opening the link %s: %w", name, err)
	}
	return &link{links: l, name: name, near: p.Listen, far: upstream, proxy: p}, nil
}

// addr is where the near end of the link is, always the same.
func (l *link) addr() string { return l.near }

// cut ends all connections and refuses new ones, as if there were nobody.
func (l *link) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.proxy != nil {
		l.proxy.Stop()
		l.proxy = nil
	}
}

// mend takes connections again, and passes on what they say.
func (l *link) mend() error { return l.spoil() }

// spoil takes connections that have toxics, in toxiproxy's own JSON.
func (l *link) spoil(toxics ...string) error {
	l.cut()
	l.mu.Lock()
	defer l.mu.Unlock()
	// While nobody listens there, the system may give the port to a connection.
	return eventually(context.Background(), time.Minute, 20*time.Millisecond, func() error {
		p := toxiproxy.NewProxy(l.api, l.name, l.near, l.far)
		for _, t := range toxics {
			if _, err := p.Toxics.AddToxicJson(strings.NewReader(t)); err != nil {
				return fmt.Errorf("spoiling the link %s: %w", l.name, err)
			}
		}
		if err := p.Start(); err != nil {
			return fmt.Errorf("mending the link %s: %w", l.name, err)
		}
		l.proxy = p
		return nil
	})
}

func (l *link) close() { l.cut() }
