package natstest

import (
	"context"
	"io"
	"net"
	"sync"
)

// Proxy stands between clients and a server, so that a test can cut some of them
// off while the others go on. It is safe for concurrent use.
type Proxy struct {
	to string
	ln net.Listener

	mu    sync.Mutex
	cut   bool
	conns map[net.Conn]struct{}
	wg    sync.WaitGroup
}

// Proxy starts a proxy of the server, which ends with the test.
func (n *Node) Proxy() *Proxy {
	n.tb.Helper()
	var lc net.ListenConfig
	ln, err := lc.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		n.tb.Fatal(err)
	}
	p := &Proxy{to: n.URL()[len("nats://"):], ln: ln, conns: map[net.Conn]struct{}{}}
	p.wg.Go(p.run)
	n.tb.Cleanup(func() {
		_ = ln.Close()
		p.Cut()
		p.wg.Wait()
	})
	return p
}

// URL is where clients connect.
func (p *Proxy) URL() string { return "nats://" + p.ln.Addr().String() }

// Cut breaks all connections and takes no new ones.
func (p *Proxy) Cut() { p.set(true) }

// Heal takes connections again.
func (p *Proxy) Heal() { p.set(false) }

func (p *Proxy) set(cut bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = cut
	for c := range p.conns {
		_ = c.Close()
	}
	clear(p.conns)
}

func (p *Proxy) run() {
	for {
		in, err := p.ln.Accept()
		if err != nil {
			return
		}
		p.wg.Go(func() { p.serve(in) })
	}
}

// serve carries bytes both ways until one side ends or the proxy is cut.
func (p *Proxy) serve(in net.Conn) {
	defer func() { _ = in.Close() }()
	p.mu.Lock()
	cut := p.cut
	p.mu.Unlock()
	if cut {
		return
	}
	var d net.Dialer
	out, err := d.DialContext(context.Background(), "tcp", p.to)
	if err != nil {
		return
	}
	defer func() { _ = out.Close() }()
	p.mu.Lock()
	if p.cut {
		p.mu.Unlock()
		return
	}
	p.conns[in], p.conns[out] = struct{}{}, struct{}{}
	p.mu.Unlock()
	var wg sync.WaitGroup
	for _, way := range [][2]net.Conn{{in, out}, {out, in}} {
		wg.Go(func() {
			_, _ = io.Copy(way[1], way[0])
			_ = way[0].Close()
			_ = way[1].Close()
		})
	}
	wg.Wait()
}
