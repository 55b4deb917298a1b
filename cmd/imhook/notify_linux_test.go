package main

import (
	"bytes"
	"log/slog"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// TestNotify_TellsTheServiceManager is the manager: a unit of Type=notify is up when
// this came, and what goes wrong here ends nothing.
func TestNotify_TellsTheServiceManager(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	var said bytes.Buffer
	log := slog.New(slog.NewTextHandler(&said, nil))
	t.Setenv("NOTIFY_SOCKET", path)
	notify(log, daemon.SdNotifyReady)
	if err := l.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 100)
	n, err := l.Read(got)
	if err != nil || string(got[:n]) != "READY=1" {
		t.Errorf("the manager is told %q, %v", got[:n], err)
	}
	if said.Len() != 0 {
		t.Errorf("the log says %s", said.String())
	}
	t.Setenv("NOTIFY_SOCKET", filepath.Join(t.TempDir(), "nobody"))
	notify(log, daemon.SdNotifyReady)
	if !bytes.Contains(said.Bytes(), []byte("telling the service manager")) {
		t.Errorf("a manager that cannot be told: the log says %q", said.String())
	}
	said.Reset()
	t.Setenv("NOTIFY_SOCKET", "")
	if notify(log, daemon.SdNotifyReady); said.Len() != 0 {
		t.Errorf("without a manager the log says %s", said.String())
	}
}
