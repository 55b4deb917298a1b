//go:build unix

package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/imhook/imhook/internal/config"
)

// TestParse_ReadsNothingThatDoesNotEnd: a configuration may come from somebody who
// asks what it would change, and names files on the gateway's machine.
func TestParse_ReadsNothingThatDoesNotEnd(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	large, err := os.Create(filepath.Join(dir, "large"))
	if err != nil {
		t.Fatal(err)
	}
	if err := large.Truncate(1 << 40); err != nil { // a hole
		t.Fatal(err)
	}
	if err := large.Close(); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"/dev/zero": "is no file but a device", "pipe": "is no file but a pipe", ".": "is no file but a directory", "large": "larger than 16 MiB",
	} {
		said := make(chan error, 1)
		go func() {
			_, err := config.Parse(filepath.Join(dir, "imhook.yaml"), []byte("admin: {token_file: "+name+"}\napps: [{name: shop}]\n"), config.Options{Registry: registry()})
			said <- err
		}()
		select {
		case err := <-said:
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %q", name, err, want)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("%s is still being read", name)
		}
	}
}

// TestLoad_PipeIsReadOnce: a configuration may be written by another command.
func TestLoad_PipeIsReadOnce(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(file, 0o600); err != nil {
		t.Fatal(err)
	}
	go func() { _ = os.WriteFile(file, []byte("apps: [{name: shop}]\n"), 0o600) }()
	c, err := config.Load(file, config.Options{Registry: registry()})
	if err != nil {
		t.Fatal(err)
	}
	for _, in := range c.Inputs() {
		if in.Changed() {
			t.Error("what came through a pipe has changed")
		}
	}
}
