package natstest

import (
	"fmt"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
)

// Links are what the servers of a cluster reach each other through. They are safe
// for concurrent use.
type Links struct {
	ways map[way]*Proxy
}

// way is from the server that connects to the one that it connects to.
type way struct{ from, to *Node }

// Linked starts size servers in this process, as [Cluster] does, whose links can be
// broken. Clients reach a server as ever.
func Linked(tb testing.TB, size int, opts ...Option) (Nodes, *Links) {
	tb.Helper()
	nodes := newCluster(tb, size, opts)
	l := &Links{ways: map[way]*Proxy{}}
	for _, from := range nodes {
		var routes []string
		for _, to := range nodes {
			if from == to {
				continue
			}
			p := newProxy(tb, fmt.Sprintf("127.0.0.1:%d", to.opts.Cluster.Port))
			l.ways[way{from, to}] = p
			routes = append(routes, p.URL())
		}
		from.opts.Routes = nil
		for _, r := range routes {
			from.opts.Routes = append(from.opts.Routes, server.RoutesFromStr(r)...)
		}
		// Servers tell each other where others are: nobody is there, so that they have
		// these links alone.
		from.opts.Cluster.Advertise = "127.0.0.1:1"
	}
	for _, n := range nodes {
		n.Start()
	}
	nodes.WaitReady()
	return nodes, l
}

// Isolate breaks all links of a server, without a word to anybody.
func (l *Links) Isolate(n *Node) {
	for w, p := range l.ways {
		if w.from == n || w.to == n {
			p.Silence()
		}
	}
}

// Heal mends all links.
func (l *Links) Heal() {
	for _, p := range l.ways {
		p.Heal()
	}
}
