package send

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/url"
	"slices"
	"time"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/internal/egress"
)

// Defaults and fixed bounds.
const (
	defaultTimeout     = 5 * time.Second
	defaultConcurrency = 32
	defaultMaxResponse = 64 << 10
	defaultBatchBytes  = 1 << 20
	// drainBytes is how much of an answer is read in all, so that its connection
	// can be used again; past that closing the connection is cheaper.
	drainBytes = 1 << 20
	// idleTimeout is less than what usual servers keep idle connections for, so
	// that requests rarely meet a connection that is being closed.
	idleTimeout = 50 * time.Second
	// maxResponseHeader bounds the head of an answer.
	maxResponseHeader = 64 << 10
)

// OnRefusal is what follows when an endpoint refuses inside a 2xx answer.
type OnRefusal string

// The policies.
const (
	// RefusalIgnore takes the event for delivered, with the refusal as reason and
	// detail: the vendors do not look at the answer of an after-callback either.
	RefusalIgnore OnRefusal = "ignore"
	// RefusalRetry tries again like after a 5xx.
	RefusalRetry OnRefusal = "retry"
	// RefusalPark treats it like a 4xx.
	RefusalPark OnRefusal = "park"
)

// Config is what a [Sender] is made of.
type Config struct {
	// App and Name are the endpoint's.
	App  string
	Name string
	// URL is the endpoint's base: http or https, to which the dialect's paths are
	// appended. It may hold a user and password (sent as basic authentication)
	// and a query (sent with every request).
	URL string
	// Dialect is what the endpoint understands.
	Dialect dialect.Dialect
	// Registry reads events of other dialects again, for translation.
	Registry *dialect.Registry
	// Generation of the wire to write; empty or "auto" passes the event's own on
	// and encodes in the newest.
	Generation  string
	Credentials dialect.Credentials
	// Uses remembers when each secret was signed with last; nil means that nobody
	// asks.
	Uses *dialect.SecretUses
	// Paths replaces the path of single commands. A placeholder of the dialect's
	// path ("/robot/{robot}") may be used in the replacement.
	Paths map[string]string
	// Timeout is for one request with its answer; zero means 5 s.
	Timeout time.Duration
	// BatchBytes bounds the body of a request that carries several events; zero means
	// 1 MiB. One event that is larger alone is sent all the same. Whether events share
	// requests is up to the caller; the dialect must be a [dialect.Batcher] for it.
	BatchBytes int64
	// Concurrency is how many connections there may be at most; zero means 32.
	Concurrency int
	// Echoes lets events that repeat what another command reports be translated
	// as well.
	Echoes bool
	// OnRefusal defaults to RefusalIgnore.
	OnRefusal OnRefusal
	// Vendor takes an answer for what the vendor of the dialect would; nil judges it as
	// imhook does.
	Vendor *dialect.Delivery
	Egress egress.Policy
	// Dial opens a connection to the endpoint instead of calling the host of URL; nil
	// calls it.
	Dial func(ctx context.Context) (net.Conn, error)
	// MaxResponse is how many bytes of an answer are looked at; zero means
	// 64 KiB. The rest is thrown away.
	MaxResponse int64
	// TLS gives the configuration of the next https connection, which is shared and
	// not changed; nil means the system's roots.
	TLS func() (*tls.Config, error)
	// Version goes into User-Agent; empty means "dev".
	Version string
	// Now defaults to time.Now.
	Now func() time.Time
}

// WithDefaults returns a copy with zero fields filled in.
func (c Config) WithDefaults() Config {
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	if c.Concurrency == 0 {
		c.Concurrency = defaultConcurrency
	}
	if c.BatchBytes == 0 {
		c.BatchBytes = defaultBatchBytes
	}
	if c.OnRefusal == "" {
		c.OnRefusal = RefusalIgnore
	}
	if c.MaxResponse == 0 {
		c.MaxResponse = defaultMaxResponse
	}
	if c.Version == "" {
		c.Version = "dev"
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Generation == "auto" {
		c.Generation = ""
	}
	return c
}

// Validate says what is wrong with the configuration. No secret enters the error.
func (c Config) Validate() error {
	if c.Dialect == nil || c.Registry == nil {
		return fmt.Errorf("endpoint %s/%s needs Dialect and Registry", c.App, c.Name)
	}
	spec := c.Dialect.Spec()
	switch {
	case c.Timeout < 0:
		return fmt.Errorf("timeout is %v, want more than 0", c.Timeout)
	case c.BatchBytes < 0:
		return fmt.Errorf("batch: bytes is %d, want at least 1", c.BatchBytes)
	case c.Concurrency < 0:
		return fmt.Errorf("concurrency is %d, want at least 1", c.Concurrency)
	case c.MaxResponse < 0 || c.MaxResponse > drainBytes:
		return fmt.Errorf("max_response is %d, want up to %d", c.MaxResponse, drainBytes)
	case c.Generation != "" && !slices.Contains(spec.Generations, c.Generation):
		return fmt.Errorf("generation is %q: dialect %s has %q", c.Generation, spec.Name, spec.Generations)
	}
	switch c.OnRefusal {
	case RefusalIgnore, RefusalRetry, RefusalPark:
	default:
		return fmt.Errorf("on_refusal is %q, want %s, %s or %s", c.OnRefusal, RefusalIgnore, RefusalRetry, RefusalPark)
	}
	return nil
}

// parseBase reads the endpoint's URL. The error does not repeat it: it may hold
// a password.
func parseBase(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading url: not a valid URL")
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("reading url: scheme is %q, want http or https", u.Scheme)
	case u.Hostname() == "":
		return nil, fmt.Errorf("reading url: host is missing")
	case u.Fragment != "":
		return nil, fmt.Errorf("reading url: a fragment (#) is never sent")
	case badURLText(u.RawQuery):
		return nil, fmt.Errorf("reading url: the query holds a space or a control character")
	}
	host, err := egress.ParseHost(u.Hostname())
	if err != nil {
		return nil, fmt.Errorf("reading url: %w", err)
	}
	port := u.Port()
	u.Host = host.Name
	switch {
	case port != "":
		u.Host = net.JoinHostPort(host.Name, port)
	case host.Addr.Is6():
		u.Host = "[" + host.Name + "]"
	}
	return u, nil
}
