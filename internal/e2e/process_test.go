package e2e_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/imhook/imhook/internal/vacant"
)

// process is a child that takes callbacks: imhook, or the relay.
type process struct {
	addr    string
	log     string
	command func(ctx context.Context) *exec.Cmd

	cmd *exec.Cmd
}

// start runs the child and waits until it is ready.
func (p *process) start(tb testing.TB) {
	tb.Helper()
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = log.Close() }()
	// Not the test's context: it ends before the clean-up that stops the child.
	cmd := p.command(context.Background())
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	p.cmd = cmd
	if err := awaitReady(tb.Context(), p.addr); err != nil {
		p.kill()
		tb.Fatalf("%v\n%s", err, p.tail())
	}
}

// kill ends the child with SIGKILL and waits for its end.
func (p *process) kill() {
	if p.cmd != nil {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
		p.cmd = nil
	}
}

// stop asks the child to end and waits for its end.
func (p *process) stop() error {
	cmd := p.cmd
	p.cmd = nil
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("asking the child to end: %w", err)
	}
	late := time.AfterFunc(30*time.Second, func() { _ = cmd.Process.Kill() })
	defer late.Stop()
	return cmd.Wait()
}

// tail is the end of what the child said.
func (p *process) tail() string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-4000):])
}

// newGateway prepares imhook with a configuration that takes listen address and
// data directory; it is killed at the end of the test.
func newGateway(tb testing.TB, config func(listen, data string) string) *process {
	tb.Helper()
	dir, addr, path := tb.TempDir(), freeAddr(tb), binary(tb)
	file := filepath.Join(dir, "imhook.yaml")
	if err := os.WriteFile(file, []byte(config(addr, filepath.Join(dir, "data"))), 0o600); err != nil {
		tb.Fatal(err)
	}
	p := &process{addr: addr, log: filepath.Join(dir, "log"), command: func(ctx context.Context) *exec.Cmd {
		return exec.CommandContext(ctx, path, "serve", "--config", file)
	}}
	tb.Cleanup(p.kill)
	return p
}

// freeAddr finds a loopback port that is free now.
func freeAddr(tb testing.TB) string {
	tb.Helper()
	addr, err := vacant.Addr(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	return addr
}

// awaitReady waits until the child at addr says that it is ready.
func awaitReady(ctx context.Context, addr string) error {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	return eventually(ctx, 30*time.Second, func() error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/readyz", nil)
		if err != nil {
			return err
		}
		res, err := client.Do(req)
		if err != nil {
			return err
		}
		_ = res.Body.Close()
		if res.StatusCode != http.StatusOK {
			return fmt.Errorf("/readyz answers %d", res.StatusCode)
		}
		return nil
	})
}

// eventually asks until the answer is nil; when that takes too long it returns
// the last answer.
func eventually(ctx context.Context, within time.Duration, ask func() error) error {
	deadline := time.NewTimer(within)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ask()
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			return fmt.Errorf("after %v: %w", within, err)
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ctx.Err(), err)
		}
	}
}
