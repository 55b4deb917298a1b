package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/nats-io/nats-server/v2/server"

	"github.com/imhook/imhook/internal/vacant"
)

// nodeEnv holds what a NATS server in a process of its own runs with.
const nodeEnv = "IMHOOK_CHAOS_NATS"

// node is one NATS server of three: this program once more, see playNode.
type node struct {
	Name   string
	Store  string
	Routes string
	// Ports of clients, of the other servers, and of its health.
	Client, Cluster, Health int

	cmd *exec.Cmd
	in  io.Closer // its input, which closes when this process ends
}

// newNodes prepares a cluster.
func newNodes(ctx context.Context, n int, dir string) ([]*node, error) {
	var nodes []*node
	var routes []string
	for i := range n {
		one := &node{Name: fmt.Sprintf("nats%d", i+1)}
		one.Store = filepath.Join(dir, one.Name)
		for _, port := range []*int{&one.Client, &one.Cluster, &one.Health} {
			addr, err := vacant.Addr(ctx)
			if err != nil {
				return nil, err
			}
			_, text, _ := net.SplitHostPort(addr)
			if *port, err = strconv.Atoi(text); err != nil {
				return nil, fmt.Errorf("reading a port: %w", err)
			}
		}
		routes = append(routes, fmt.Sprintf("nats://127.0.0.1:%d", one.Cluster))
		nodes = append(nodes, one)
	}
	for _, one := range nodes {
		one.Routes = strings.Join(routes, ",")
	}
	return nodes, nil
}

func (n *node) addr() string { return fmt.Sprintf("127.0.0.1:%d", n.Client) }

// start runs it and waits until it takes connections.
func (n *node) start() error {
	spec, err := json.Marshal(n)
	if err != nil {
		return fmt.Errorf("starting %s: %w", n.Name, err)
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding this program: %w", err)
	}
	cmd := exec.CommandContext(context.Background(), self) // it ends with end, or with this process
	cmd.Env = append(os.Environ(), nodeEnv+"="+string(spec))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("starting %s: %w", n.Name, err)
	}
	if n.in, err = cmd.StdinPipe(); err != nil {
		return fmt.Errorf("starting %s: %w", n.Name, err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting %s: %w", n.Name, err)
	}
	late := time.AfterFunc(startWithin, func() { _ = cmd.Process.Kill() })
	defer late.Stop()
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "ready\n" {
		return fmt.Errorf("%s said %q instead of ready: %w", n.Name, line, errors.Join(err, cmd.Wait()))
	}
	n.cmd = cmd
	return nil
}

// healthy says whether it has caught up with the others.
func (n *node) healthy(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d/healthz", n.Health), http.NoBody)
	if err != nil {
		return err
	}
	res, err := (&http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(io.LimitReader(res.Body, 500))
		return fmt.Errorf("%s is not healthy: %s", n.Name, body)
	}
	return nil
}

// end sends the signal that shall end it, and waits for that.
func (n *node) end(sig syscall.Signal) {
	if n.cmd == nil {
		return
	}
	cmd := n.cmd
	n.cmd = nil
	_ = cmd.Process.Signal(sig)
	late := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
	defer late.Stop()
	_ = cmd.Wait()
}

// playNode makes a NATS server of this process, when it was started as one.
func playNode(stdin io.Reader, stdout io.Writer) (played bool, err error) {
	spec := os.Getenv(nodeEnv)
	if spec == "" {
		return false, nil
	}
	var n node
	if err := json.Unmarshal([]byte(spec), &n); err != nil {
		return true, fmt.Errorf("reading %s: %w", nodeEnv, err)
	}
	gone := make(chan os.Signal, 1)
	signal.Notify(gone, os.Interrupt)
	go func() { // who started it was killed
		_, _ = io.Copy(io.Discard, stdin)
		os.Exit(1)
	}()
	srv, err := server.NewServer(&server.Options{
		ServerName: n.Name, Host: "127.0.0.1", Port: n.Client, HTTPHost: "127.0.0.1", HTTPPort: n.Health,
		JetStream: true, StoreDir: n.Store, MaxPayload: 8 << 20, NoLog: true, NoSigs: true,
		JetStreamMaxStore: 256 << 30, JetStreamMaxMemory: 64 << 20,
		// Gateways must not find their way around the links.
		Cluster: server.ClusterOpts{Name: "chaos", Host: "127.0.0.1", Port: n.Cluster, PoolSize: -1, NoAdvertise: true},
		Routes:  server.RoutesFromStr(n.Routes),
	})
	if err != nil {
		return true, fmt.Errorf("making a NATS server: %w", err)
	}
	srv.Start()
	if !srv.ReadyForConnections(startWithin) {
		return true, errors.New("the NATS server takes no connections")
	}
	if _, err := fmt.Fprintln(stdout, "ready"); err != nil {
		return true, err
	}
	<-gone
	srv.Shutdown()
	srv.WaitForShutdown()
	return true, nil
}
