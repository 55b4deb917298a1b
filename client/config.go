package client

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

// Config says where the gateway is and what to do when it is not. Only URL is
// required.
type Config struct {
	// URL is a source of dialect cloudevents: "http://gateway:8420/in/my-im".
	URL string
	// PathToken is the source's path_token; empty when it has none.
	PathToken dialect.Secret
	// Secret is the source's secret ("whsec_…"); empty when it has none. Secrets is
	// for one that is being rotated: requests are signed with the first that is
	// valid at the time. At most one of the two is given.
	Secret  dialect.Secret
	Secrets []dialect.DatedSecret

	// Spool is where events go that cannot be sent at once.
	Spool Spool

	// Timeout bounds one request with events; the context of Tell bounds it too.
	// Zero is 5 seconds.
	Timeout time.Duration
	// DecideTimeout bounds Decide; its context bounds it too. The gateway's own
	// limit should be shorter, or its hooks' policies never come into play. Zero is
	// 5 seconds.
	DecideTimeout time.Duration
	// OnDecideError is the verdict when none could be had: [event.Allow] or
	// [event.Deny]. Empty is Allow.
	OnDecideError event.Action

	// BatchEvents and BatchBytes bound a request of several events. Zero is 500 and
	// 512 KiB. An event that is larger goes alone.
	BatchEvents int
	BatchBytes  int64
	// MaxEventBytes bounds one event, written as JSON; a larger one is [ErrInvalid].
	// It should not be more than the gateway's journal.max_body. Zero is 1 MiB, as
	// it is there.
	MaxEventBytes int64
	// RetryFrom and RetryTo bound the pause between attempts, which doubles with
	// each failure and is spread at random by half. A gateway that says how long to
	// wait is obeyed, up to five minutes. Zero is 200 milliseconds and 30 seconds.
	RetryFrom time.Duration
	RetryTo   time.Duration

	// HTTPClient sends the requests; redirects are never followed. Nil is one of the
	// client's own, with TLS for its connections. At most one of the two is given.
	HTTPClient *http.Client
	TLS        *tls.Config

	// Refused is called for each event that was refused for good after its Tell had
	// returned, one at a time and in order. Sending waits for it, so it must not close
	// the client. After a crash it may be called again for the same event. Nil is no
	// call.
	Refused func(Refusal)
	// Log gets what an operator should know. Nil is [slog.Default].
	Log *slog.Logger
}

// Spool says where events are kept that could not be sent yet.
type Spool struct {
	// Dir is a directory of this client alone, on a local disk; it is made when it
	// is not there. Empty means no spool.
	Dir string
	// MaxBytes bounds the files with waiting events; it is at least 64 KiB. Zero is
	// 1 GiB. They are removed as their events arrive, an eighth of it, or 16 MiB, at
	// a time.
	MaxBytes int64
	// RefusedBytes bounds the two files with refused events, refused.ndjson and the
	// older refused.1.ndjson. When both are full the older one is replaced, and the
	// log says so. Zero is 64 MiB.
	RefusedBytes int64
}

// minSpool is the least that Spool.MaxBytes may be.
const minSpool = 64 << 10

// WithDefaults returns a copy in which what is zero has its default.
func (c Config) WithDefaults() Config {
	c.Spool.MaxBytes = or(c.Spool.MaxBytes, 1<<30)
	c.Spool.RefusedBytes = or(c.Spool.RefusedBytes, 64<<20)
	c.Timeout = or(c.Timeout, 5*time.Second)
	c.DecideTimeout = or(c.DecideTimeout, 5*time.Second)
	c.OnDecideError = or(c.OnDecideError, event.Allow)
	c.BatchEvents = or(c.BatchEvents, 500)
	c.BatchBytes = or(c.BatchBytes, 512<<10)
	c.MaxEventBytes = or(c.MaxEventBytes, 1<<20)
	c.RetryFrom = or(c.RetryFrom, 200*time.Millisecond)
	c.RetryTo = or(c.RetryTo, max(30*time.Second, c.RetryFrom))
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return c
}

func or[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

// Validate says what cannot work, all of it.
func (c Config) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if _, err := c.target(); err != nil {
		errs = append(errs, err)
	}
	if c.Secret != "" && len(c.Secrets) > 0 {
		bad("at most one of Secret and Secrets")
	}
	if c.HTTPClient != nil && c.TLS != nil {
		bad("at most one of HTTPClient and TLS: put the TLS configuration into the client's transport")
	}
	if c.OnDecideError != event.Allow && c.OnDecideError != event.Deny {
		bad("OnDecideError is %q, want %q or %q", c.OnDecideError, event.Allow, event.Deny)
	}
	for name, d := range map[string]time.Duration{"Timeout": c.Timeout, "DecideTimeout": c.DecideTimeout, "RetryFrom": c.RetryFrom, "RetryTo": c.RetryTo} {
		if d < 0 {
			bad("%s is negative", name)
		}
	}
	if c.RetryTo < c.RetryFrom {
		bad("RetryTo is %s, less than RetryFrom, %s", c.RetryTo, c.RetryFrom)
	}
	if c.BatchEvents < 0 || c.BatchBytes < 0 || c.MaxEventBytes < 0 {
		bad("BatchEvents, BatchBytes or MaxEventBytes is negative")
	}
	if c.Spool.MaxBytes < minSpool {
		bad("Spool.MaxBytes is %d, want at least %d", c.Spool.MaxBytes, minSpool)
	}
	if c.Spool.RefusedBytes < 0 {
		bad("Spool.RefusedBytes is negative")
	}
	return errors.Join(errs...)
}

// target is the URL that requests go to, path token included: it is a secret.
func (c Config) target() (string, error) {
	const want = `want the gateway's address and a source of it, "http://gateway:8420/in/my-im"`
	if c.URL == "" {
		return "", errors.New("URL is missing: " + want)
	}
	u, err := url.Parse(c.URL)
	switch {
	case err != nil:
		return "", errors.New("URL cannot be read: " + want) // the error would quote it
	case u.Scheme != "http" && u.Scheme != "https", u.Host == "":
		return "", errors.New("URL is not one of http or https: " + want)
	case u.User != nil:
		return "", errors.New("URL holds a user or password: sources take a Secret or a PathToken")
	case u.RawQuery != "" || u.Fragment != "":
		return "", errors.New("URL holds a query or a fragment: " + want)
	case c.source() == "":
		return "", errors.New("URL names no source: " + want)
	case strings.Contains(c.source(), "/"):
		return "", errors.New("URL goes on behind the source: a path token belongs into PathToken, where it is not printed")
	}
	target := strings.TrimSuffix(u.String(), "/")
	if c.PathToken != "" {
		target += "/" + url.PathEscape(c.PathToken.Reveal())
	}
	return target, nil
}

// source is what the source is called: what stands behind "/in/", or the last word
// of a path that a proxy made up.
func (c Config) source() string {
	u, err := url.Parse(c.URL)
	if err != nil {
		return ""
	}
	path := strings.Trim(u.Path, "/")
	if _, rest, ok := strings.Cut("/"+path, "/in/"); ok {
		return rest
	}
	return path[strings.LastIndexByte(path, '/')+1:]
}

func (c Config) credentials() dialect.Credentials {
	if c.Secret != "" {
		return dialect.Credentials{Secrets: []dialect.DatedSecret{{Value: c.Secret}}}
	}
	return dialect.Credentials{Secrets: c.Secrets}
}

// httpClient returns the client to use and, when it is our own, its transport.
func (c Config) httpClient() (*http.Client, *http.Transport) {
	var own *http.Transport
	hc := &http.Client{}
	if c.HTTPClient != nil {
		*hc = *c.HTTPClient
	} else {
		own = &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			TLSClientConfig:     c.TLS,
			ForceAttemptHTTP2:   true,
			TLSHandshakeTimeout: 10 * time.Second,
			MaxIdleConnsPerHost: 256,
			IdleConnTimeout:     90 * time.Second,

			ExpectContinueTimeout: time.Second,
		}
		hc.Transport = own
	}
	// A redirected POST may become a GET: then nobody has the events.
	hc.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return hc, own
}
