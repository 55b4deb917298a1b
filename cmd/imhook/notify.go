package main

import (
	"log/slog"

	"github.com/coreos/go-systemd/v22/daemon"
)

// notify tells the service manager what the gateway does, where it asked for it with
// NOTIFY_SOCKET: whoever starts the unit then waits until callbacks are taken. A
// manager that cannot be told is none that waits.
func notify(log *slog.Logger, state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		log.Warn("telling the service manager", "state", state, "err", err)
	}
}
