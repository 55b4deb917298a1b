package e2e_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/imhook/imhook/internal/natstest"
)

// These tests run the real binary as its users do: a configuration file, a data
// directory, requests in, requests out. What a stage promises by itself is tested
// beside the stage.

// TestMain plays the relay when a test runs this program as one.
func TestMain(m *testing.M) {
	natstest.RunChild()
	if to, ok := os.LookupEnv(relayToEnv); ok {
		if err := relay(os.Getenv(relayAtEnv), to); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if dir := binaryDir(); dir != "" {
			_ = os.RemoveAll(dir)
		}
		os.Exit(code)
	}))
}

// built is the binary, made by the first test that asks.
var built struct {
	mu   sync.Mutex
	path string
	err  error
}

// binary builds imhook of this tree, once.
func binary(tb testing.TB) string {
	tb.Helper()
	built.mu.Lock()
	defer built.mu.Unlock()
	if built.path == "" && built.err == nil {
		built.path, built.err = build()
	}
	if built.err != nil {
		tb.Fatal(built.err)
	}
	return built.path
}

func binaryDir() string {
	built.mu.Lock()
	defer built.mu.Unlock()
	if built.path == "" {
		return ""
	}
	return filepath.Dir(built.path)
}

func build() (string, error) {
	dir, err := os.MkdirTemp("", "imhook-e2e-")
	if err != nil {
		return "", fmt.Errorf("making a place for the binary: %w", err)
	}
	path := filepath.Join(dir, "imhook")
	out, err := exec.CommandContext(context.Background(), "go", "build", "-o", path, "github.com/imhook/imhook/cmd/imhook").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("building imhook: %w\n%s", err, out)
	}
	return path, nil
}
