package journal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// embedded is the engine in this process: no listener, files below the data
// directory.
type embedded struct {
	srv *server.Server
	// onFailure calls f, in a goroutine of its own, once a write has failed: at once
	// if one did already. What it returns takes that back.
	onFailure func(f func()) (stop func() bool)
}

func startServer(cfg Config) (*embedded, error) {
	opts := &server.Options{
		ServerName: "imhook", DontListen: true, NoSigs: true, NoLog: true,
		JetStream: true, StoreDir: filepath.Join(cfg.Dir, "journal"),
		// Retention and the disk's reserve are watched here; the engine's own
		// guess at start would refuse without need or too late.
		JetStreamMaxStore: 1 << 50, JetStreamMaxMemory: 64 << 20,
		MaxPayload:      maxPage + 64<<10,
		SyncAlways:      cfg.Sync == Always,
		SyncInterval:    time.Second,
		NoSystemAccount: true,
	}
	srv, err := server.NewServer(opts)
	if err != nil {
		return nil, fmt.Errorf("starting the engine: %w", err)
	}
	working, failed := context.WithCancel(context.Background())
	srv.SetLoggerV2(engineLog{cfg.Log.With("component", "engine"), failed}, false, false, false)
	srv.Start()
	if !srv.ReadyForConnections(30 * time.Second) {
		srv.Shutdown()
		return nil, errors.New("starting the engine: not ready after 30 s")
	}
	onFailure := func(f func()) func() bool { return context.AfterFunc(working, f) }
	return &embedded{srv, onFailure}, nil
}

func (e *embedded) connect() (*nats.Conn, error) {
	return nats.Connect("", nats.InProcessServer(e.srv), nats.Name("imhook"), nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond),
		// Who reads ahead too far reads again; the library would print it.
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
}

func (e *embedded) stop() {
	e.srv.Shutdown()
	e.srv.WaitForShutdown()
}

// engineLog passes the engine's log on. What it calls a notice or a warning (the
// size of a payload, an index that is built anew after a kill) is of no interest
// to an operator of imhook: the journal looks at space and failures itself.
type engineLog struct {
	log *slog.Logger
	// failed is told that a write failed. Who published what could not be written
	// hears it in no other way: a stream that failed answers nothing any more.
	failed func()
}

// writeFailed is in what the engine says of a stream that it gives up.
const writeFailed = "ritical write error"

func (l engineLog) Noticef(f string, a ...any) { l.log.Debug("engine", "says", fmt.Sprintf(f, a...)) }

func (l engineLog) Warnf(f string, a ...any) { l.log.Debug("engine", "says", fmt.Sprintf(f, a...)) }

func (l engineLog) Fatalf(f string, a ...any) { l.log.Error("engine", "says", fmt.Sprintf(f, a...)) }

func (l engineLog) Errorf(f string, a ...any) {
	says := fmt.Sprintf(f, a...)
	l.log.Error("engine", "says", says)
	if strings.Contains(says, writeFailed) {
		l.failed()
	}
}

func (l engineLog) Debugf(string, ...any) {}
func (l engineLog) Tracef(string, ...any) {}
