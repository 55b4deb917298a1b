package natstest

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/nats-io/nats-server/v2/server"
)

// childEnv holds what a server in a process of its own runs with.
const childEnv = "NATSTEST_SERVER"

// child is the part of a server's options that reaches another process.
type child struct {
	Name, StoreDir, Routes string
	Port, ClusterPort      int
	MaxPayload             int32
}

// Processes starts a cluster of size servers, each in a process of its own: the
// test's binary once more, which [RunChild] makes a server. Of the options, only
// MaxPayload counts there.
func Processes(tb testing.TB, size int, opts ...Option) Nodes {
	tb.Helper()
	nodes := newCluster(tb, size, opts)
	for _, n := range nodes {
		n.StartProcess()
	}
	nodes.WaitReady()
	return nodes
}

// StartProcess starts the server in a process of its own and waits until it takes
// clients.
func (n *Node) StartProcess() {
	n.tb.Helper()
	routes := make([]string, 0, len(n.opts.Routes))
	for _, u := range n.opts.Routes {
		routes = append(routes, u.String())
	}
	spec, err := json.Marshal(child{
		Name: n.opts.ServerName, StoreDir: n.opts.StoreDir, Routes: strings.Join(routes, ","),
		Port: n.opts.Port, ClusterPort: n.opts.Cluster.Port, MaxPayload: n.opts.MaxPayload,
	})
	if err != nil {
		n.tb.Fatal(err)
	}
	exe, err := os.Executable()
	if err != nil {
		n.tb.Fatal(err)
	}
	cmd := exec.Command(exe) //nolint:noctx // it lives until Stop or Kill
	cmd.Env = append(os.Environ(), childEnv+"="+string(spec))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		n.tb.Fatal(err)
	}
	if n.in, err = cmd.StdinPipe(); err != nil {
		n.tb.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		n.tb.Fatal(err)
	}
	n.cmd = cmd
	late := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
	defer late.Stop()
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "ready\n" {
		n.tb.Fatalf("%s said %q: %v", n.Name(), line, err)
	}
}

// RunChild makes a server of this process and does not return, when [Processes]
// started it; otherwise it does nothing.
func RunChild() {
	spec := os.Getenv(childEnv)
	if spec == "" {
		return
	}
	var c child
	err := json.Unmarshal([]byte(spec), &c)
	if err == nil {
		err = c.run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func (c child) run() error {
	go func() { // a test that was killed stops nobody
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(1)
	}()
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt)
	srv, err := server.NewServer(&server.Options{
		ServerName: c.Name, Host: "127.0.0.1", Port: c.Port, JetStream: true, StoreDir: c.StoreDir,
		MaxPayload: c.MaxPayload, NoLog: true, NoSigs: true, JetStreamMaxStore: 256 << 30, JetStreamMaxMemory: 64 << 20,
		Cluster: server.ClusterOpts{Name: "test", Host: "127.0.0.1", Port: c.ClusterPort, PoolSize: -1, NoAdvertise: true},
		Routes:  server.RoutesFromStr(c.Routes),
	})
	if err != nil {
		return err
	}
	srv.Start()
	if !srv.ReadyForConnections(patience) {
		return fmt.Errorf("%s is not ready after %s", c.Name, patience)
	}
	if _, err := fmt.Println("ready"); err != nil {
		return err
	}
	<-interrupted
	srv.Shutdown()
	srv.WaitForShutdown()
	return nil
}
