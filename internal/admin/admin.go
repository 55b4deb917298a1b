package admin

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/config"
	"github.com/imhook/imhook/internal/gateway"
	"github.com/imhook/imhook/internal/ledger"
	"github.com/imhook/imhook/internal/settings"
	"github.com/imhook/imhook/internal/trail"
)

// Journal is where events are read.
type Journal interface {
	// Page returns the first page at or after seq, or gateway.ErrNoPage.
	Page(ctx context.Context, seq uint64) (*gateway.Page, error)
	// Bounds returns the first and last page; last is first-1 when there is none.
	Bounds(ctx context.Context) (first, last, bytes uint64, err error)
	// SeqAt returns the first page that was stored at or after t, or
	// gateway.ErrNoPage when all are older.
	SeqAt(ctx context.Context, t time.Time) (uint64, error)
}

// Decisions is where the trail of decisions is read.
type Decisions interface {
	// Find returns the newest that q wants; see [trail.Trail.Find].
	Find(ctx context.Context, q trail.Query) (trail.Found, error)
}

// EndpointStatus is how an endpoint is doing.
type EndpointStatus struct {
	App  string `json:"app"`
	Name string `json:"name"`
	// State is live, catching up, ramping, half-open, open, paused or removed; Paused
	// says why, when it is, and PausedUntil when that ends by itself.
	State       string    `json:"state"`
	Paused      string    `json:"paused,omitzero"`
	PausedUntil time.Time `json:"pausedUntil,omitzero"`
	// Vendor is as whom the endpoint delivers; nil where it is imhook. State is the
	// vendor's word then while it sends nothing.
	Vendor *VendorStatus `json:"vendor,omitempty"`
	// Breaker is closed, half-open or open; ProbeAt is when an open one lets an event
	// through that decides.
	Breaker string    `json:"breaker,omitzero"`
	ProbeAt time.Time `json:"probeAt,omitzero"`
	// Ramp is how many events may be in flight.
	Ramp Ramp `json:"ramp,omitzero"`
	// PausedConversations are held by hand. BlockedConversations are some of those
	// that wait because their first event is not taken, and Blocked is how many.
	PausedConversations  []PausedConversation  `json:"pausedConversations,omitempty"`
	BlockedConversations []BlockedConversation `json:"blockedConversations,omitempty"`
	Blocked              int                   `json:"blocked,omitzero"`
	// Backlog counts the events that are read and not finished; More says that
	// there are others that were not read yet.
	Backlog int  `json:"backlog"`
	More    bool `json:"more,omitzero"`
	// Behind is how many those are, -1 when they were not counted; Ahead is how many
	// events the endpoint got before them, because nothing of their conversation waits.
	Behind int `json:"behind,omitzero"`
	Ahead  int `json:"ahead,omitzero"`
	// InFlight attempts, and lanes that wait for a retry.
	InFlight  int    `json:"inFlight"`
	Waiting   int    `json:"waiting"`
	Delivered uint64 `json:"delivered"`
	Parked    uint64 `json:"parked"`
	// PerSecond is how many were delivered in a second of late.
	PerSecond     float64 `json:"deliveredPerSecond,omitzero"`
	BytesInFlight int64   `json:"bytesInFlight,omitzero"`
	// OldestAt is when the oldest unfinished event was stored; zero when there is
	// none.
	OldestAt time.Time `json:"oldestAt,omitzero"`
	// ForgetAt is when a removed endpoint's backlog is given up; zero for others.
	ForgetAt time.Time `json:"forgetAt,omitzero"`
	// LastError is the last failure since the last success.
	LastError string `json:"lastError,omitzero"`
}

// VendorStatus is how an endpoint is doing that delivers as a vendor's server does.
type VendorStatus struct {
	// Name is the vendor's.
	Name string `json:"name"`
	// State is its word for that it sends nothing until Until; empty when it sends.
	// Keeps is true when what there is to send meanwhile is sent afterwards; otherwise
	// it is lost.
	State string    `json:"state,omitzero"`
	Until time.Time `json:"until,omitzero"`
	Keeps bool      `json:"keeps,omitzero"`
}

// Ramp is how many events may be in flight now, and how many at full speed.
type Ramp struct {
	Limit int `json:"limit"`
	Of    int `json:"of"`
}

// PausedConversation is held by hand.
type PausedConversation struct {
	Conversation event.Lane `json:"conversation"`
	Why          string     `json:"why"`
	Until        time.Time  `json:"until,omitzero"`
	// Backlog is how many of its events wait.
	Backlog int `json:"backlog"`
}

// BlockedConversation waits for somebody to act.
type BlockedConversation struct {
	Conversation event.Lane `json:"conversation"`
	Since        time.Time  `json:"since,omitzero"`
	Reason       string     `json:"reason,omitzero"`
	Detail       string     `json:"detail,omitzero"`
	Attempts     int        `json:"attempts"`
	Backlog      int        `json:"backlog"`
}

// Endpoints tells how the endpoints are doing.
type Endpoints interface {
	// Endpoints returns all of them in configuration order.
	Endpoints(ctx context.Context) []EndpointStatus
	// Pause holds an endpoint (app/name), or one of its conversations, and Resume
	// lets them go on. An error that is not gateway.ErrNoEndpoint is in words for the caller.
	Pause(id string, p Pause) error
	Resume(id string, how Resume) error
}

// Config is what the API is made of.
type Config struct {
	// Current has sources, endpoints and the token, as they are now.
	Current     func() *config.Config
	Registry    *dialect.Registry
	Journal     Journal
	DeadLetters DeadLetters
	// Runs requeues dead letters and replays history; nil means that nobody can.
	Runs Runs
	// Keep keeps an event that somebody resends; as a source would have it kept.
	Keep func(ctx context.Context, a gateway.Arrival) (gateway.Kept, error)
	// Select compiles the patterns, sources and condition of a selection among the
	// events of an app.
	Select func(app string, s gateway.Selection) (func(*event.Event) bool, error)
	// Attempts may be nil: then nobody keeps them.
	Attempts Attempts
	// Trimmed is how many events the journal has dropped from its front, ever; nil
	// means that nobody knows.
	Trimmed func(ctx context.Context) (uint64, error)
	// History may be nil: then it is off.
	History History
	// Decisions may be nil: then nobody keeps them.
	Decisions Decisions
	Endpoints Endpoints
	// Cluster tells which gateways share the journal; nil means that this one has it
	// alone.
	Cluster Cluster
	// Hooks tells how the hooks are doing; nil means that there are none.
	Hooks Hooks
	// Uses is when the secrets of somebody were used last; nil means that nobody
	// knows.
	Uses func(Owner) *dialect.SecretUses
	// Receive takes what trigger sends, below /in/.
	Receive http.Handler
	// Pattern compiles a pattern of the types of events of a phase; nil takes a type's
	// name only.
	Pattern func(pattern string, phase event.Phase) (func(*event.Event) bool, error)
	// Rules compiles rules to test; nil means that none can be tested here.
	Rules Rules
	// Compare says what a configuration file's content would change; what is wrong
	// with it is a [*config.Error]. Nil means that nobody can.
	Compare func(ctx context.Context, data []byte) (Comparison, error)
	// Ledger is every account as it is now; nil means that nobody keeps any.
	Ledger func() []ledger.Account
	// Status says how the gateway itself is doing; nil means that nobody knows.
	Status func(ctx context.Context) Status
	// Deliveries are what checks of sources follow; nil means that none can be made.
	Deliveries Deliveries
	// AskHook asks a hook that is configured something that changes nothing; nil means
	// that this cannot be done.
	AskHook func(ctx context.Context, app, name string) HookAnswer
	// Settings are tokens and sessions; nil means that there are none but admin.token.
	Settings *settings.Book
	// Definitions changes what the API defined; nil means that it cannot define anything.
	Definitions Definitions
	// Audit is where it is kept who did what; nil means nowhere.
	Audit Audit
	// Live says how everything is doing now; nil means that nobody looks.
	Live Live
	// Follow calls fn for every page from seq on as they are kept, until ctx ends; nil
	// means that nobody can follow events. Outcomes are what comes of them.
	Follow   func(ctx context.Context, seq uint64, fn func(*gateway.Page)) error
	Outcomes Outcomes
	// Listeners answer for endpoints and hooks that nobody calls; nil means that nobody
	// can.
	Listeners Listeners
	// Closing is closed when streams shall end because the gateway stops; nil never is.
	Closing <-chan struct{}
	// Reach connects to an endpoint and sends nothing, or gateway.ErrNoEndpoint; nil means
	// that this cannot be done.
	Reach func(ctx context.Context, app, name string) (Reached, error)
	// Metrics is what /metrics shows; nil means nothing.
	Metrics prometheus.Gatherer
	// Ready says why the gateway cannot take callbacks now; nil is always ready.
	Ready func(ctx context.Context) error
	// Notes are lines for the operator that /readyz adds although callbacks are
	// taken; nil is none.
	Notes   func() []string
	Version string
	// Log defaults to nowhere, Now to time.Now.
	Log *slog.Logger
	Now func() time.Time
}

type api struct {
	Config
	guard *guard
	mux   *routes
	huma  huma.API
	tails tailing
	// text is the document as it is served.
	text func() ([]byte, error)
}

// New returns the handler of everything but callbacks.
func New(cfg Config) (http.Handler, error) {
	a, err := newAPI(cfg)
	if err != nil {
		return nil, err
	}
	return a.mux.open, nil
}

func newAPI(cfg Config) (*api, error) {
	if cfg.Current == nil || cfg.Registry == nil || cfg.Journal == nil || cfg.DeadLetters == nil ||
		cfg.Endpoints == nil || cfg.Receive == nil {
		return nil, errors.New("admin needs Current, Registry, Journal, DeadLetters, Endpoints and Receive")
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Pattern == nil {
		cfg.Pattern = func(name string, _ event.Phase) (func(*event.Event) bool, error) {
			return func(ev *event.Event) bool { return string(ev.Type) == name }, nil
		}
	}
	if cfg.Select == nil {
		cfg.Select = func(string, gateway.Selection) (func(*event.Event) bool, error) {
			return nil, errors.New("nothing can be selected here by type, source or condition")
		}
	}
	if cfg.Uses == nil {
		cfg.Uses = func(Owner) *dialect.SecretUses { return nil }
	}
	if cfg.Metrics == nil {
		cfg.Metrics = prometheus.NewRegistry()
	}
	a := &api{Config: cfg, mux: newRoutes()}
	a.guard = &guard{admin: func() config.Admin { return cfg.Current().Admin }, book: cfg.Settings, now: cfg.Now, guesses: newGuesses()}
	a.huma = newHuma(a.mux.guarded, cfg.Version)
	a.operations()
	a.others()
	a.finish()
	return a, nil
}

// others are what is no operation of the library's.
func (a *api) others() {
	a.mux.guarded.HandleFunc("GET "+documentPath, a.only(RoleViewer, a.showDocument))
	a.mux.guarded.HandleFunc("GET /metrics", a.only(RoleViewer, promhttp.HandlerFor(a.Metrics, promhttp.HandlerOpts{EnableOpenMetrics: true}).ServeHTTP))
	a.profiles()
	a.mux.guarded.HandleFunc("/api/", func(w http.ResponseWriter, r *http.Request) {
		a.refuse(w, r, refuse(http.StatusNotFound, "there is no %s %s in this API", r.Method, r.URL.Path))
	})
	open := a.mux.open
	for _, path := range []string{"/api/", "/metrics", "/debug/pprof/"} {
		open.Handle(path, a.guard.wrap(a, a.mux.guarded))
	}
	// Whoever logs in is nobody yet.
	open.Handle("POST "+loginPath, a.mux.guarded)
	open.HandleFunc("GET /healthz", healthy)
	open.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		// Why is for those who may read the API: it names endpoints and directories.
		_, no := a.guard.admits(r)
		ready(w, r, a.Ready, a.Log, no == nil, a.Notes)
	})
	open.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		a.refuse(w, r, refuse(http.StatusNotFound, "there is nothing at %s; callbacks go to /in/{source}, the API is at /api/v1", r.URL.Path))
	})
	a.describeOthers()
}

// Probes answers /healthz and /readyz alone, for a listener that has no API.
func Probes(ask func(ctx context.Context) error, log *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", healthy)
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) { ready(w, r, ask, log, false, nil) })
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		plain(w, http.StatusNotFound, "callbacks go to POST /in/{source}; the API has an address of its own")
	})
	return mux
}

func healthy(w http.ResponseWriter, _ *http.Request) { plain(w, http.StatusOK, "ok") }

func ready(w http.ResponseWriter, r *http.Request, ask func(context.Context) error, log *slog.Logger, why bool, notes func() []string) {
	var err error
	if ask != nil {
		err = ask(r.Context())
	}
	switch {
	case err == nil && why && notes != nil:
		plain(w, http.StatusOK, strings.Join(append([]string{"ready"}, notes()...), "\n"))
	case err == nil:
		plain(w, http.StatusOK, "ready")
	case why:
		plain(w, http.StatusServiceUnavailable, "not ready: "+err.Error())
	default:
		plain(w, http.StatusServiceUnavailable, "not ready")
	}
	if err != nil {
		// Whoever is to blame said so when it began; who asks here asks each second.
		log.DebugContext(r.Context(), "not ready", "err", err)
	}
}

// endpointID completes the name of an endpoint with its app, which may be left out
// where one app alone has an endpoint of that name. Any other name is returned as
// it is, to be told as unknown.
func (a *api) endpointID(ctx context.Context, name string) string {
	if strings.Contains(name, "/") {
		return name
	}
	id := name
	for _, s := range a.Endpoints.Endpoints(ctx) {
		if s.Name != name {
			continue
		}
		if id != name {
			return name
		}
		id = s.App + "/" + s.Name
	}
	return id
}

// endpoint is an endpoint as it is shown.
type endpoint struct {
	EndpointStatus
	OldestAge float64        `json:"oldestAgeSeconds,omitzero"`
	Secrets   []SecretStatus `json:"secrets,omitempty"`
}

// endpointList are all endpoints, in configuration order.
type endpointList struct {
	Endpoints []endpoint `json:"endpoints"`
}

func (a *api) endpoints(ctx context.Context, _ *none) (endpointList, error) {
	all := []endpoint{}
	secrets := a.endpointSecrets()
	for _, s := range a.Endpoints.Endpoints(ctx) {
		e := endpoint{EndpointStatus: s, Secrets: secrets[Owner{OwnerEndpoint, s.App, s.Name}]}
		if !s.OldestAt.IsZero() {
			e.OldestAge = max(0, a.Now().Sub(s.OldestAt).Seconds())
		}
		all = append(all, e)
	}
	return endpointList{all}, nil
}
