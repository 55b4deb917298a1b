package journal

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"golang.org/x/sys/unix"
)

// embedded is the engine in this process: no listener, files below the data
// directory.
type embedded struct{ srv *server.Server }

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
	srv.SetLoggerV2(engineLog{cfg.Log.With("component", "engine")}, false, false, false)
	srv.Start()
	if !srv.ReadyForConnections(30 * time.Second) {
		srv.Shutdown()
		return nil, errors.New("starting the engine: not ready after 30 s")
	}
	return &embedded{srv}, nil
}

func (e *embedded) connect() (*nats.Conn, error) {
	return nats.Connect("", nats.InProcessServer(e.srv), nats.Name("imhook"), nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond))
}

func (e *embedded) stop() {
	e.srv.Shutdown()
	e.srv.WaitForShutdown()
}

// engineLog passes the engine's log on. What it calls a notice or a warning (the
// size of a payload, an index that is built anew after a kill) is of no interest
// to an operator of imhook: the journal looks at space and failures itself.
type engineLog struct{ log *slog.Logger }

func (l engineLog) Noticef(f string, a ...any) { l.log.Debug("engine", "says", fmt.Sprintf(f, a...)) }
func (l engineLog) Warnf(f string, a ...any)   { l.log.Debug("engine", "says", fmt.Sprintf(f, a...)) }
func (l engineLog) Fatalf(f string, a ...any)  { l.log.Error("engine", "says", fmt.Sprintf(f, a...)) }
func (l engineLog) Errorf(f string, a ...any)  { l.log.Error("engine", "says", fmt.Sprintf(f, a...)) }
func (l engineLog) Debugf(string, ...any)      {}
func (l engineLog) Tracef(string, ...any)      {}

// lock makes sure that one gateway only has the directory: the engine itself
// would start a second time on the same files.
func lock(dir string) (func() error, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("making the data directory: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("locking the data directory: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("data directory %s is used by another gateway", dir)
		}
		return nil, fmt.Errorf("locking the data directory: %w", err)
	}
	return f.Close, nil
}

// free is how many bytes of dir's disk can be written, and its size.
func free(dir string) (avail, size int64, err error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, 0, fmt.Errorf("measuring the disk: %w", err)
	}
	return int64(st.Bavail) * st.Bsize, int64(st.Blocks) * st.Bsize, nil
}

func defaultReserve(dir string) int64 {
	_, size, err := free(dir)
	if err != nil {
		return 256 << 20
	}
	return max(256<<20, size/50)
}
