package receiver

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Receiver takes the callbacks of one caller. Make it with [New], give it handlers,
// and serve it: with [Receiver.Mount], or as an [http.Handler] behind
// [http.StripPrefix]. It is safe for concurrent use.
type Receiver struct {
	*Handlers
	cfg     Config
	replays replays
	// quiet bounds the lines about refused requests: whoever knocks at a closed door
	// must not fill the disk.
	quiet *rate.Limiter

	mu sync.Mutex
	// mu guards the following.
	flights map[string]*flight
	running int
	// idle are closed when nothing runs any more.
	idle    []chan struct{}
	results map[Result]uint64
	// strange are the types and commands without a handler of which the log spoke.
	strange map[string]bool
}

// New checks the configuration.
func New(cfg Config) (*Receiver, error) {
	cfg = cfg.WithDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("receiver: %w", err)
	}
	return &Receiver{
		Handlers: cfg.Handlers, cfg: cfg,
		replays: replays{uses: newWindow[use](cfg.Window)},
		quiet:   rate.NewLimiter(rate.Every(time.Second), 10),
		flights: map[string]*flight{}, results: map[Result]uint64{}, strange: map[string]bool{},
	}, nil
}

// Mount has mux serve the receiver at path, "/im/openim", and below it, where some
// dialects' servers call. Path is empty for the root of all.
func (rc *Receiver) Mount(mux *http.ServeMux, path string) {
	path = strings.TrimSuffix(path, "/")
	own := http.StripPrefix(path, rc)
	mux.Handle(path+"/", own)
	if path != "" {
		mux.Handle(path, own) // mux would redirect, and a redirected POST is none any more
	}
}

// ServeHTTP takes one request.
func (rc *Receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	begin := time.Now()
	c := &call{rc: rc, w: w, r: r, begin: begin}
	c.req.Path = r.URL.EscapedPath()
	if c.req.Path == "/" {
		c.req.Path = ""
	}
	c.req.Query, c.req.ContentType, c.req.Header = r.URL.RawQuery, r.Header.Get("Content-Type"), r.Header
	write(w, c.serve())
}

// Wait waits until no handler runs, or ctx ends. An [http.Server]'s Shutdown waits
// for requests; handlers that outlived theirs are waited for here.
func (rc *Receiver) Wait(ctx context.Context) error {
	rc.mu.Lock()
	if rc.running == 0 {
		rc.mu.Unlock()
		return nil
	}
	idle := make(chan struct{})
	rc.idle = append(rc.idle, idle)
	rc.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waiting for handlers: %w", context.Cause(ctx))
	}
}
