package imfake

import (
	"net"
	"time"

	"github.com/imhook/imhook/dialect"
)

// BackendOption varies a [Backend].
type BackendOption func(*Backend)

// Credentials makes the backend verify every request; what does not fit is
// recorded and refused in the dialect's form. Without them nothing is verified.
func Credentials(cred dialect.Credentials) BackendOption {
	return func(b *Backend) { b.cred = &cred }
}

// MaxAge is how far a signed timestamp may lie from now when credentials are
// checked; zero means not checked. The default is the dialect's own.
func MaxAge(d time.Duration) BackendOption { return func(b *Backend) { b.maxAge = d } }

// Keep bounds how many requests and events are kept: the latest n requests and
// the first sightings of the first n events. Zero keeps none; counters, keys and
// marks go on in any case. Without the option all are kept.
func Keep(n int) BackendOption { return func(b *Backend) { b.keep = n } }

// BasePath is where the backend lives, "/callback"; the dialect's paths follow.
// What is posted elsewhere is answered 404 and not recorded.
func BasePath(path string) BackendOption { return func(b *Backend) { b.base = path } }

// Listener makes the backend listen on ln, which it then owns: for a backend that
// comes back where another one was.
func Listener(ln net.Listener) BackendOption { return func(b *Backend) { b.ln = ln } }

// Clock is what a fake reads the time from; the default is the system's.
func Clock(now func() time.Time) BackendOption { return func(b *Backend) { b.now = now } }
