package natstest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/imhook/imhook/internal/vacant"
)

// patience is how long something that must happen may take. The first election
// of a cluster alone takes up to nine seconds.
const patience = 40 * time.Second

// Options are those of the server.
type Options = server.Options

// Option changes how a server runs.
type Option func(*Options)

// MaxPayload is the largest message that the server takes, in bytes; 8 MiB
// without it.
func MaxPayload(n int32) Option { return func(o *server.Options) { o.MaxPayload = n } }

// Node is one server. Its methods are not safe for concurrent use.
type Node struct {
	tb   testing.TB
	opts server.Options
	srv  *server.Server // in this process
	cmd  *exec.Cmd      // or in one of its own
	in   io.Closer      // its input, which closes when this process ends
}

// Server starts one server that is no part of a cluster.
func Server(tb testing.TB, opts ...Option) *Node {
	tb.Helper()
	n := newNode(tb, "solo", opts)
	n.Start()
	return n
}

func newNode(tb testing.TB, name string, opts []Option) *Node {
	tb.Helper()
	n := &Node{tb: tb, opts: server.Options{
		ServerName: name, Host: "127.0.0.1", Port: freePort(tb), JetStream: true, StoreDir: tb.TempDir(),
		MaxPayload: 8 << 20, NoLog: true, NoSigs: true, JetStreamMaxStore: 256 << 30, JetStreamMaxMemory: 64 << 20,
	}}
	for _, o := range opts {
		o(&n.opts)
	}
	tb.Cleanup(n.Stop)
	return n
}

// freePort is a port of loopback that nobody else gets: a server that comes back must
// be found where it was.
func freePort(tb testing.TB) int {
	tb.Helper()
	addr, err := vacant.Addr(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	return int(netip.MustParseAddrPort(addr).Port())
}

// Name is the server's name, which stream information calls its leader.
func (n *Node) Name() string { return n.opts.ServerName }

// URL is where clients connect.
func (n *Node) URL() string { return fmt.Sprintf("nats://127.0.0.1:%d", n.opts.Port) }

// Options are what the server runs with; a change counts from the next Start.
func (n *Node) Options() *server.Options { return &n.opts }

// Running says whether the server was started and not ended.
func (n *Node) Running() bool { return n.srv != nil || n.cmd != nil }

// Start starts the server in this process and waits until it takes clients.
func (n *Node) Start() {
	n.tb.Helper()
	opts := n.opts
	srv, err := server.NewServer(&opts)
	if err != nil {
		n.tb.Fatalf("starting %s: %v", n.Name(), err)
	}
	srv.Start()
	n.srv = srv
	if !srv.ReadyForConnections(patience) {
		n.tb.Fatalf("%s is not ready after %s", n.Name(), patience)
	}
}

// Stop ends the server in good order, as an operator would. It does nothing when
// the server does not run.
func (n *Node) Stop() {
	if n.srv != nil {
		n.srv.Shutdown()
		n.srv.WaitForShutdown()
		n.srv = nil
	}
	if n.cmd != nil {
		cmd := n.cmd
		late := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
		defer late.Stop()
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
		n.cmd = nil
	}
}

// Kill ends a server of [Processes] with SIGKILL.
func (n *Node) Kill() {
	n.tb.Helper()
	if n.cmd == nil {
		n.tb.Fatalf("%s runs in this process and cannot be killed: start it with Processes", n.Name())
	}
	if err := n.cmd.Process.Kill(); err != nil {
		n.tb.Fatal(err)
	}
	_ = n.cmd.Wait()
	n.cmd = nil
}

// Nodes are the servers of one cluster.
type Nodes []*Node

// Cluster starts size servers in this process and waits until they are one.
func Cluster(tb testing.TB, size int, opts ...Option) Nodes {
	tb.Helper()
	nodes := newCluster(tb, size, opts)
	for _, n := range nodes {
		n.Start()
	}
	nodes.WaitReady()
	return nodes
}

func newCluster(tb testing.TB, size int, opts []Option) Nodes {
	tb.Helper()
	var nodes Nodes
	var routes []string
	for i := range size {
		n := newNode(tb, fmt.Sprintf("n%d", i), opts)
		n.opts.Cluster = server.ClusterOpts{Name: "test", Host: "127.0.0.1", Port: freePort(tb), PoolSize: -1}
		routes = append(routes, fmt.Sprintf("nats://127.0.0.1:%d", n.opts.Cluster.Port))
		nodes = append(nodes, n)
	}
	for _, n := range nodes {
		n.opts.Routes = server.RoutesFromStr(strings.Join(routes, ","))
	}
	return nodes
}

// URL names all servers, separated by commas.
func (ns Nodes) URL() string {
	var urls []string
	for _, n := range ns {
		urls = append(urls, n.URL())
	}
	return strings.Join(urls, ",")
}

// Named finds a server by its name.
func (ns Nodes) Named(name string) *Node {
	if i := slices.IndexFunc(ns, func(n *Node) bool { return n.Name() == name }); i >= 0 {
		return ns[i]
	}
	return nil
}

// WaitReady waits until the cluster makes streams on all of its servers.
func (ns Nodes) WaitReady() {
	tb := ns[0].tb
	tb.Helper()
	ns.ask(func(ctx context.Context, js jetstream.JetStream) error {
		const probe = "NATSTEST_READY"
		_, err := js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
			Name: probe, Subjects: []string{"natstest.ready"}, Replicas: len(ns), Storage: jetstream.MemoryStorage,
		})
		if err != nil {
			return err
		}
		return js.DeleteStream(ctx, probe)
	})
}

// Leader waits until a stream has a leader and returns it.
func (ns Nodes) Leader(stream string) (leader *Node) {
	ns[0].tb.Helper()
	ns.ask(func(ctx context.Context, js jetstream.JetStream) error {
		s, err := js.Stream(ctx, stream)
		if err != nil {
			return err
		}
		if c := s.CachedInfo().Cluster; c != nil && c.Leader != "" {
			leader = ns.Named(c.Leader)
		}
		if leader == nil {
			return errors.New("it has no leader")
		}
		return nil
	})
	return leader
}

// ask tries until what succeeds, or fails the test.
func (ns Nodes) ask(what func(context.Context, jetstream.JetStream) error) {
	tb := ns[0].tb
	tb.Helper()
	nc, err := nats.Connect(ns.URL(), nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond), nats.RetryOnFailedConnect(true))
	if err != nil {
		tb.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		tb.Fatal(err)
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); ; <-tick.C {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		err := what(ctx, js)
		cancel()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			tb.Fatalf("the cluster is not ready after %s: %v", patience, err)
		}
	}
}
