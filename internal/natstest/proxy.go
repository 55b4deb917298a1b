package natstest

import (
	"context"
	"net"
	"sync"
	"testing"
)

// Proxy stands between clients and a server, so that a test can cut some of them
// off while the others go on. It is safe for concurrent use.
type Proxy struct {
	to string
	ln net.Listener

	mu    sync.Mutex
	state state
	conns map[net.Conn]struct{}
	wg    sync.WaitGroup
}

// state is what a proxy does with what it gets.
type state int

const (
	carries state = iota
	refuses
	swallows
)

// Proxy starts a proxy of the server, which ends with the test.
func (n *Node) Proxy() *Proxy {
	n.tb.Helper()
	return newProxy(n.tb, n.URL()[len("nats://"):])
}

func newProxy(tb testing.TB, to string) *Proxy {
	tb.Helper()
	var lc net.ListenConfig
	ln, err := lc.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	p := &Proxy{to: to, ln: ln, conns: map[net.Conn]struct{}{}}
	p.wg.Go(p.run)
	tb.Cleanup(func() {
		_ = ln.Close()
		p.Cut()
		p.wg.Wait()
	})
	return p
}

// URL is where clients connect.
func (p *Proxy) URL() string { return "nats://" + p.ln.Addr().String() }

// Cut breaks all connections and takes no new ones.
func (p *Proxy) Cut() { p.set(refuses) }

// Silence lets nothing through any more, and breaks nothing: nobody is told, as when
// a cable is pulled. New connections are taken and not answered.
func (p *Proxy) Silence() { p.set(swallows) }

// Heal takes connections again. Those that were silent break, for something of them
// is missing.
func (p *Proxy) Heal() { p.set(carries) }

func (p *Proxy) set(to state) {
	p.mu.Lock()
	defer p.mu.Unlock()
	was := p.state
	if p.state = to; to == swallows || to == was {
		return
	}
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

// keep notes connections, so that they can be broken; false when they may not be.
func (p *Proxy) keep(conns ...net.Conn) (state, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.state == refuses {
		return refuses, false
	}
	for _, c := range conns {
		p.conns[c] = struct{}{}
	}
	return p.state, true
}

// serve carries bytes both ways until one side ends or the proxy is cut.
func (p *Proxy) serve(in net.Conn) {
	defer func() { _ = in.Close() }()
	is, ok := p.keep(in)
	if !ok {
		return
	}
	if is == swallows {
		p.carry(in, nil)
		return
	}
	var d net.Dialer
	out, err := d.DialContext(context.Background(), "tcp", p.to)
	if err != nil {
		return
	}
	defer func() { _ = out.Close() }()
	if _, ok := p.keep(in, out); !ok {
		return
	}
	var wg sync.WaitGroup
	for _, way := range [][2]net.Conn{{in, out}, {out, in}} {
		wg.Go(func() {
			p.carry(way[0], way[1])
			_ = way[0].Close()
			_ = way[1].Close()
		})
	}
	wg.Wait()
}

// carry copies what comes until one side ends; while the proxy is silent, and with
// nobody to give it to, what comes is lost.
func (p *Proxy) carry(from, to net.Conn) {
	b := make([]byte, 32<<10)
	for {
		n, err := from.Read(b)
		if err != nil {
			return
		}
		p.mu.Lock()
		lost := p.state == swallows
		p.mu.Unlock()
		if lost || to == nil {
			continue
		}
		if _, err := to.Write(b[:n]); err != nil {
			return
		}
	}
}
