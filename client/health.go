package client

import (
	"errors"
	"log/slog"
	"sync"
	"time"
)

// sayAgain is how long a log does not repeat itself.
const sayAgain = time.Minute

// health knows whether the gateway takes events, and says in the log when that
// changes and, while it does not, every minute.
type health struct {
	log *slog.Logger
	url string
	// spooled is false where events are not kept and the caller gets each error.
	spooled bool

	mu sync.Mutex
	// mu guards the following.
	failing bool
	err     error
	at      time.Time
	said    time.Time
	kind    error
}

// bad notes a failure.
func (h *health) bad(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	kind := ErrUnavailable
	if errors.Is(err, ErrMisconfigured) {
		kind = ErrMisconfigured
	}
	news := !h.failing || !errors.Is(h.kind, kind) || now.Sub(h.said) >= sayAgain
	h.failing, h.err, h.at, h.kind = true, err, now, kind
	if !news || !h.spooled {
		return
	}
	h.said = now
	if errors.Is(kind, ErrMisconfigured) {
		h.log.Error("the gateway does not take events of this client: they stay in the spool until somebody mends that", "url", h.url, "err", err)
		return
	}
	h.log.Warn("events cannot be sent: they stay in the spool", "url", h.url, "err", err)
}

// good notes a success.
func (h *health) good() { h.better(0) }

// better notes a success with events still waiting.
func (h *health) better(waiting int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	was := h.failing
	h.failing = false
	if was && h.spooled {
		h.log.Info("the gateway takes events again", "url", h.url, "waiting", waiting)
	}
}

func (h *health) state() (failing bool, at time.Time, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.failing, h.at, h.err
}
