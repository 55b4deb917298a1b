package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/imhook/imhook/internal/vacant"
)

// gateway is one imhook.
type gateway struct {
	name   string
	binary string
	addr   string
	dir    string
	log    string
	client *http.Client
	links  []*link // to the NATS servers

	mu sync.Mutex
	// mu guards the following.
	cmd   *exec.Cmd
	ended chan struct{} // closed when cmd has ended
	up    bool          // it was ready once, and nobody has ended it
}

func newGateway(ctx context.Context, name, binary, dir string) (*gateway, error) {
	g := &gateway{
		name: name, binary: binary, dir: filepath.Join(dir, name), log: filepath.Join(dir, name+".log"),
		client: &http.Client{Timeout: 15 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}},
	}
	if err := os.MkdirAll(g.dir, 0o700); err != nil {
		return nil, fmt.Errorf("making a place for %s: %w", name, err)
	}
	var err error
	g.addr, err = vacant.Addr(ctx)
	return g, err
}

func (g *gateway) file() string { return filepath.Join(g.dir, "imhook.yaml") }

// configure writes the configuration; a gateway that runs is told to read it.
func (g *gateway) configure(text string) error {
	// As an editor does it: the file is never half there.
	if err := os.WriteFile(g.file()+".new", []byte(text), 0o600); err != nil {
		return fmt.Errorf("configuring %s: %w", g.name, err)
	}
	if err := os.Rename(g.file()+".new", g.file()); err != nil {
		return fmt.Errorf("configuring %s: %w", g.name, err)
	}
	g.signal(syscall.SIGHUP)
	return nil
}

// start runs it until it takes callbacks. Without NATS a gateway gives up after half a
// minute, as its documentation says; it is then started again, as by any service
// manager.
func (g *gateway) start(ctx context.Context) error {
	end := time.Now().Add(startWithin)
	for {
		err := g.startOnce(ctx)
		if !errors.Is(err, errEnded) || len(g.links) == 0 || time.Now().After(end) {
			return err
		}
	}
}

func (g *gateway) startOnce(ctx context.Context) error {
	log, err := os.OpenFile(g.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("starting %s: %w", g.name, err)
	}
	defer func() { _ = log.Close() }()
	// It ends with close, also when ctx ends before.
	cmd := exec.CommandContext(context.WithoutCancel(ctx), g.binary, "serve", "--config", g.file())
	cmd.Stdout, cmd.Stderr = log, log
	ended := make(chan struct{})
	g.mu.Lock()
	if err := cmd.Start(); err != nil {
		g.mu.Unlock()
		return fmt.Errorf("starting %s: %w", g.name, err)
	}
	g.cmd, g.ended = cmd, ended
	g.mu.Unlock()
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	var gone error
	err = eventually(ctx, startWithin, 10*time.Millisecond, func() error {
		if gone = g.ready(ctx); errors.Is(gone, errEnded) {
			return nil // waiting does not help
		}
		return gone
	})
	if err = errors.Join(err, gone); err != nil {
		return fmt.Errorf("%s does not start: %w\n%s", g.name, err, g.tail())
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.up = true
	return nil
}

// startWithin is how long a start may take on a machine that does many things.
const startWithin = 5 * time.Minute

// errEnded says that a gateway ended by itself.
var errEnded = errors.New("it has ended by itself")

func (g *gateway) ready(ctx context.Context) error {
	g.mu.Lock()
	ended := g.ended
	g.mu.Unlock()
	select {
	case <-ended:
		return errEnded
	default:
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+g.addr+"/readyz", http.NoBody)
	if err != nil {
		return err
	}
	res, err := g.client.Do(req)
	if err != nil {
		return err
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("/readyz answers %d", res.StatusCode)
	}
	return nil
}

// end sends the signal that shall end it, and waits for that.
func (g *gateway) end(sig syscall.Signal) {
	g.mu.Lock()
	cmd, ended := g.cmd, g.ended
	g.up = false
	g.mu.Unlock()
	if cmd == nil {
		return
	}
	_ = cmd.Process.Signal(sig)
	late := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
	defer late.Stop()
	<-ended
	g.mu.Lock()
	g.cmd = nil
	g.mu.Unlock()
}

// signal sends one if it is up: SIGHUP would end one that is not ready for it.
func (g *gateway) signal(sig syscall.Signal) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.up {
		_ = g.cmd.Process.Signal(sig)
	}
}

// dead says that it ended although nobody ended it.
func (g *gateway) dead() error {
	g.mu.Lock()
	cmd, ended := g.cmd, g.ended
	g.mu.Unlock()
	if cmd == nil {
		return nil
	}
	select {
	case <-ended:
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.cmd == cmd { // and not by end
			return fmt.Errorf("%s: %w (%v)\n%s", g.name, errEnded, cmd.ProcessState, g.tail())
		}
	default:
	}
	return nil
}

// tail is the end of what it said.
func (g *gateway) tail() string {
	text, err := os.ReadFile(g.log)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-4000):])
}
