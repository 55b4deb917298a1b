package config

import (
	"net/netip"
	"time"

	"github.com/imhook/imhook/dialect"
)

// Config is a whole gateway. What [Load] returns is complete: defaults are filled
// in and every rule holds.
//
// The tag key of a field is its key in the file, below that of the struct it is
// in. A word behind it says what a change needs, see [Effect]: "restart" for all
// below it, "presence" a restart when it comes or goes, "first" nothing can.
type Config struct {
	// Listen is host:port of the listener for callbacks, and for the API too unless
	// [Admin.Listen] gives that one of its own.
	Listen string `key:"listen,restart"`
	// TLS is how Listen is encrypted; nil means that it is not.
	TLS *ServerTLS `key:"tls,presence"`
	// DataDir is where the journal lives, relative to the working directory.
	DataDir string `key:"data_dir,restart"`
	Admin   Admin  `key:"admin"`
	// TrustedProxies are the peers whose X-Forwarded-For is believed.
	TrustedProxies []netip.Prefix `key:"trusted_proxies,restart"`
	Journal        Journal        `key:"journal,restart"`
	// Egress is whom hooks and endpoints may be.
	Egress  Egress  `key:"egress"`
	History History `key:"history,restart"`
	// Tracing is where traces go.
	Tracing Tracing `key:"tracing,restart"`
	Apps    []App   `key:"apps"`
	// Sandbox is true for what [Sandbox] made.
	Sandbox bool `key:"-"`

	// read is what reading the file found out besides.
	read reading
}

// Admin is the API that commands and people use.
type Admin struct {
	// Token guards the API; empty, and without Tokens, means that only direct
	// loopback callers are answered.
	Token dialect.Secret `key:"token"`
	// Tokens stand in for Token while one is being replaced by another: each
	// opens the API while it is valid.
	Tokens []dialect.DatedSecret `key:"tokens"`
	// Listen is host:port of a listener for API, console and metrics alone; empty
	// means that they share [Config.Listen].
	Listen string `key:"listen,restart"`
	// TLS is how Listen is encrypted; nil means that it is not.
	TLS *ServerTLS `key:"tls,presence"`
}

// ServerTLS is how a listener is encrypted. The files are read again when they
// change.
type ServerTLS struct {
	CertFile string `key:"cert_file"`
	KeyFile  string `key:"key_file"`
	// ClientCAFile holds the authorities of which a caller must show a certificate;
	// empty means that none is asked for.
	ClientCAFile string `key:"client_ca_file"`
}

// ClientTLS is how somebody is called over https, beyond what the system trusts.
// The files are read again when they change.
type ClientTLS struct {
	// CAFile holds the authorities that are trusted instead of the system's.
	CAFile string `key:"ca_file"`
	// CertFile and KeyFile are shown to the server; empty means none.
	CertFile string `key:"cert_file"`
	KeyFile  string `key:"key_file"`
	// ServerName is who the server must be; empty means the URL's host.
	ServerName string `key:"server_name"`
}

// Sync says when an accepted event is on disk. The words are configuration:
// append only.
type Sync string

// The ways to sync.
const (
	// SyncAlways: before the IM server is answered.
	SyncAlways Sync = "always"
	// SyncInterval: within moments after; loss of power may lose what was just
	// answered.
	SyncInterval Sync = "interval"
)

// WhenFull says what a full journal does. The words are configuration: append
// only.
type WhenFull string

// The ways to be full.
const (
	// FullRefuse answers with a failure that makes the IM server send again.
	FullRefuse WhenFull = "refuse"
	// FullDropOldest makes room.
	FullDropOldest WhenFull = "drop_oldest"
)

// Journal is the durable log.
type Journal struct {
	// URL of a NATS server, or several of one cluster separated by commas; empty
	// means the engine in this process, with its files below the data directory.
	URL string `key:"url"`
	// Name tells several gateways on one NATS server apart; it begins the names of
	// their streams. Empty with the engine in this process.
	Name string `key:"name"`
	// Replicas of the streams in a cluster; 1 without one.
	Replicas int `key:"replicas"`
	// CredentialsFile is a NATS .creds file; User with Password, or Token, are the
	// other ways. All are for URL only.
	CredentialsFile string         `key:"credentials_file"`
	User            string         `key:"user"`
	Password        dialect.Secret `key:"password"`
	Token           dialect.Secret `key:"token"`
	// TLS of the connection to URL; nil means what the URL and the system say.
	TLS      *ClientTLS `key:"tls"`
	Sync     Sync       `key:"sync"`
	WhenFull WhenFull   `key:"when_full"`
	// RetainAge and RetainBytes bound the history that every endpoint has
	// finished with.
	RetainAge   time.Duration `key:"retain.age"`
	RetainBytes int64         `key:"retain.bytes"`
	// DecisionsAge and DecisionsBytes bound the trail of decisions; the oldest leave
	// past them.
	DecisionsAge   time.Duration `key:"decisions.age"`
	DecisionsBytes int64         `key:"decisions.bytes"`
	// AttemptsAge and AttemptsBytes bound the log of attempts; the oldest leave past
	// them. Of the attempts that delivered one in AttemptsSample is kept; zero keeps
	// none of them.
	AttemptsAge    time.Duration `key:"attempts.age"`
	AttemptsBytes  int64         `key:"attempts.bytes"`
	AttemptsSample int           `key:"attempts.sample"`
	// MaxBody is the largest callback that is taken, in bytes.
	MaxBody int64 `key:"max_body"`
}

// App is a tenant.
type App struct {
	Name    string   `key:"name"`
	Sources []Source `key:"sources"`
	// Hooks are asked in this order.
	Hooks     []Hook     `key:"hooks"`
	Endpoints []Endpoint `key:"endpoints"`
}

// Source is an IM system that calls us.
type Source struct {
	// Name is unique in the gateway and stands in the URL: /in/{name}.
	Name    string `key:"name"`
	Dialect string `key:"dialect"`
	// Generation of the wire; "auto" reads it off each request.
	Generation  string              `key:"generation"`
	Credentials dialect.Credentials `key:"credentials"`
	// PathToken is a secret segment after the name, /in/{name}/{token}; empty
	// means that there is none.
	PathToken dialect.Secret `key:"credentials.path_token"`
	// PathTokens stand in for PathToken while one is being replaced by another:
	// each opens the source while it is valid.
	PathTokens []dialect.DatedSecret `key:"credentials.path_tokens"`
	// AllowFrom are the addresses that may call; empty means all.
	AllowFrom []netip.Prefix `key:"allow_from"`
	// MaxAge is the window for the signed timestamp; zero where the dialect signs
	// none.
	MaxAge time.Duration `key:"max_age"`
	// AcceptUnsigned names the kinds, in the dialect's words, that may come
	// without a signature.
	AcceptUnsigned []string `key:"accept_unsigned"`
	// Deadline is how long its server waits for the answer to a before-callback.
	Deadline time.Duration `key:"deadline"`
}

// Order is the unit of order inside an endpoint. The words are configuration:
// append only.
type Order string

// The orders.
const (
	OrderConversation Order = "conversation"
	OrderStrict       Order = "strict"
	OrderNone         Order = "none"
)

// OnRefusal says what follows when a backend refuses inside a 2xx answer. The
// words are configuration: append only.
type OnRefusal string

// The ways to take a refusal.
const (
	RefusalIgnore OnRefusal = "ignore"
	RefusalRetry  OnRefusal = "retry"
	RefusalPark   OnRefusal = "park"
)

// Inbox is the built-in endpoint that takes everything and keeps nothing: what
// was delivered to it is read in the journal.
const Inbox = "inbox"

// Endpoint is somebody we tell after.
type Endpoint struct {
	// Name is unique in the app.
	Name string `key:"name"`
	// Builtin is [Inbox], or empty; then URL and Dialect are set.
	Builtin string `key:"builtin"`
	// URL is the base below which the dialect's paths are appended.
	URL     string `key:"url"`
	Dialect string `key:"dialect"`
	// Generation of the wire to write; "auto" is the newest.
	Generation  string              `key:"generation"`
	Credentials dialect.Credentials `key:"credentials"`
	// Events are patterns of what the endpoint gets.
	Events []string `key:"events"`
	// Sources narrows Events to what came from these; empty means all of the app.
	Sources []string `key:"sources"`
	// When is a CEL condition that narrows further; empty means none.
	When string `key:"when"`
	// Start is where in the journal an endpoint begins that was not there before.
	Start Start `key:"start,first"`
	Order Order `key:"order"`
	// Concurrency bounds the attempts in flight.
	Concurrency int `key:"concurrency"`
	// Spread is into how many parts the endpoint is cut, which gateways of a cluster
	// share.
	Spread int `key:"spread"`
	// Timeout bounds one attempt.
	Timeout time.Duration `key:"timeout"`
	// Rate bounds the requests that begin in a second; zero means no bound.
	Rate Rate `key:"rate"`
	// BytesInFlight bounds the events in flight, measured in what came in.
	BytesInFlight int64 `key:"bytes_in_flight"`
	Retry         Retry `key:"retry"`
	// Breaker is when the endpoint is left alone because it takes nothing.
	Breaker EndpointBreaker `key:"breaker"`
	// OnPoison is what becomes of an event whose schedule is over.
	OnPoison OnPoison `key:"on_poison"`
	// BacklogAge and BacklogBytes are past which the endpoint's own oldest events
	// expire.
	BacklogAge   time.Duration `key:"backlog.age"`
	BacklogBytes int64         `key:"backlog.bytes"`
	// Paths maps a command of the dialect to the path that is used for it below
	// URL, instead of the dialect's own.
	Paths     map[string]string `key:"paths"`
	OnRefusal OnRefusal         `key:"on_refusal"`
	// Echoes is true when a second report of the same fact is translated too.
	Echoes bool `key:"echoes"`
	// Coalesce is for how long a report that a user's device came or went is held, for
	// a later one to take its place; zero means not at all.
	Coalesce time.Duration `key:"coalesce"`
	// Policy is whose way of delivering it is. With [PolicyVendor] order, timeout,
	// concurrency and retries are the vendor's.
	Policy Policy `key:"policy"`
	// Batch is how many events share one request; its zero value sends them singly.
	Batch Batch `key:"batch"`
	// TLS of the connection; nil means what the system trusts.
	TLS *ClientTLS `key:"tls"`
	// Kafka or NATS is where events go instead of to URL, as CloudEvents; at most one
	// is not nil.
	Kafka *Kafka `key:"kafka"`
	NATS  *NATS  `key:"nats"`
	// FromAPI is true for what the API defined: see [Config.Calls].
	FromAPI bool `key:"-"`
}

// Start is where in the journal a new endpoint begins. The zero value is now: it
// gets what comes from then on.
type Start struct {
	// Beginning is everything that the journal still has.
	Beginning bool
	// At is what was kept at that time and later; zero when it is now or the
	// beginning.
	At time.Time
	// Ago is how long before the file was read At lies, when the file says it that
	// way.
	Ago time.Duration
}

// Batch is how events are joined into one request, where the dialect can.
type Batch struct {
	// Count is how many events at most; up to 1 means that they are sent singly.
	Count int `key:"count"`
	// Bytes is how large the body may be.
	Bytes int64 `key:"bytes"`
	// Linger is how long an event may wait for others; zero means that only what
	// is there already is joined.
	Linger time.Duration `key:"linger"`
}

// Retry is when a failing event is tried again.
type Retry struct {
	// Fast are the delays after the first, second … failure; empty means none.
	Fast []time.Duration `key:"fast"`
	// SlowFrom doubles up to SlowTo after that.
	SlowFrom time.Duration `key:"slow.from"`
	SlowTo   time.Duration `key:"slow.to"`
	// MaxAge is how long after its first attempt an event is parked.
	MaxAge time.Duration `key:"max_age"`
	// MaxAttempts is after how many attempts an event is parked; zero means no
	// bound.
	MaxAttempts int `key:"max_attempts"`
}

// EndpointBreaker is when an endpoint is left alone for a while.
type EndpointBreaker struct {
	// Off leaves it alone, and sends it less, only when it asks for that.
	Off bool `key:"off"`
	// Least is how many failures in a row are needed, of which a time-out is three.
	Least int `key:"least"`
	// From doubles up to To: how long until one event decides.
	From time.Duration `key:"pause.from"`
	To   time.Duration `key:"pause.to"`
}

// OnPoison is what becomes of an event that an endpoint does not take.
type OnPoison string

// What becomes of it.
const (
	// PoisonPark sets it aside, and its conversation goes on.
	PoisonPark OnPoison = "park"
	// PoisonBlock holds its conversation until somebody acts.
	PoisonBlock OnPoison = "block"
)

// Default values of the file's keys.
const (
	DefaultListen  = "127.0.0.1:8420"
	DefaultDataDir = "./imhook-data"

	defaultRetainAge    = 72 * time.Hour
	defaultRetainBytes  = 20 << 30
	defaultMaxBody      = 1 << 20
	defaultTrailAge     = 72 * time.Hour
	defaultTrailBytes   = 256 << 20
	defaultSample       = 100
	defaultHistoryAge   = 30 * 24 * time.Hour
	defaultHistoryBytes = 4 << 30
	defaultConcurrency  = 32
	defaultTimeout      = 5 * time.Second
	defaultBacklogAge   = 72 * time.Hour
	defaultBacklogBytes = 5 << 30
	defaultBatchBytes   = 1 << 20
	defaultBytesFlying  = 32 << 20
)

// generationAuto lets the wire or the dialect decide.
const generationAuto = "auto"

// Default returns the configuration of an empty file: no apps.
func Default() *Config {
	return &Config{
		Listen:  DefaultListen,
		DataDir: DefaultDataDir,
		Journal: Journal{
			Replicas: 1,
			Sync:     SyncAlways, WhenFull: FullRefuse,
			RetainAge: defaultRetainAge, RetainBytes: defaultRetainBytes,
			DecisionsAge: defaultTrailAge, DecisionsBytes: defaultTrailBytes,
			AttemptsAge: defaultTrailAge, AttemptsBytes: defaultTrailBytes, AttemptsSample: defaultSample,
			MaxBody: defaultMaxBody,
		},
		History: History{Age: defaultHistoryAge, Bytes: defaultHistoryBytes},
		Tracing: Tracing{Sample: defaultTraceSample},
	}
}

// defaultEndpoint is an endpoint of which only who it is has to be said. Its
// backlog is at most half of what is retained, so that one dead endpoint alone
// never fills the journal.
func (c *Config) defaultEndpoint() Endpoint {
	return Endpoint{
		Generation:  generationAuto,
		Events:      []string{"**"},
		Order:       OrderConversation,
		Concurrency: defaultConcurrency, Spread: 1,
		Timeout: defaultTimeout,
		Retry: Retry{
			Fast:     []time.Duration{time.Second, 5 * time.Second, 30 * time.Second},
			SlowFrom: 2 * time.Minute, SlowTo: time.Hour, MaxAge: 72 * time.Hour,
		},
		BytesInFlight: defaultBytesFlying,
		Breaker:       EndpointBreaker{Least: 10, From: time.Second, To: time.Minute},
		OnPoison:      PoisonPark,
		BacklogAge:    defaultBacklogAge,
		BacklogBytes:  min(defaultBacklogBytes, c.Journal.RetainBytes/2),
		OnRefusal:     RefusalIgnore,
		Policy:        PolicyImhook,
		Batch:         Batch{Count: 1, Bytes: defaultBatchBytes},
	}
}

// Hook finds a hook; nil when there is none of that name.
func (c *Config) Hook(app, name string) *Hook {
	for i := range c.Apps {
		for j := range c.Apps[i].Hooks {
			if h := &c.Apps[i].Hooks[j]; c.Apps[i].Name == app && h.Name == name {
				return h
			}
		}
	}
	return nil
}

// Endpoint finds an endpoint; nil when there is none.
func (c *Config) Endpoint(app, name string) *Endpoint {
	for i := range c.Apps {
		for j := range c.Apps[i].Endpoints {
			if e := &c.Apps[i].Endpoints[j]; c.Apps[i].Name == app && e.Name == name {
				return e
			}
		}
	}
	return nil
}

// Source finds a source by name, with its app.
func (c *Config) Source(name string) (app string, s Source, ok bool) {
	for _, a := range c.Apps {
		for _, s := range a.Sources {
			if s.Name == name {
				return a.Name, s, true
			}
		}
	}
	return "", Source{}, false
}
