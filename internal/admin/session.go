package admin

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/internal/history"
	"github.com/imhook/imhook/internal/settings"
)

const (
	// sessionCookie is what a session of the console is kept in.
	sessionCookie = "imhook_session"
	// sessionLasts is how long one lasts at most.
	sessionLasts = 12 * time.Hour
)

// loginWish is what somebody logs in with.
type loginWish struct {
	Token string `json:"token" doc:"A token of imhook token create, or admin.token of the configuration."`
}

// me is who asks.
type me struct {
	Name string `json:"name"`
	Role Role   `json:"role"`
	// By is how the gateway knows: token, session or machine.
	By string `json:"by" enum:"token,session,machine"`
	// Expires is when a session or token ends; zero when it does not.
	Expires time.Time `json:"expires,omitzero"`
	Version string    `json:"version,omitzero"`
	Sandbox bool      `json:"sandbox,omitzero"`
	// History says how the search of what was is doing: off, current, catching up,
	// following or broken.
	History history.State `json:"history"`
}

// login begins a session of the console: whoever has a token need not have the page
// keep it.
func (a *api) login(ctx context.Context, _ *none, want *loginWish) (me, error) {
	q := requestOf(ctx)
	if a.guard.cross.Check(q.r) != nil || embedded(q.r.Header) {
		return me{}, refuse(http.StatusForbidden, "the request comes from another site's page")
	}
	note(ctx).Who = "somebody"
	c, configured, no := a.guard.whose(q.r, strings.TrimSpace(want.Token))
	if no != nil {
		return me{}, no
	}
	if c == nil {
		a.Log.WarnContext(ctx, "login refused", "from", peerOf(q.r))
		return me{}, refuse(http.StatusUnauthorized, "no such token is valid here: it is misspelt, was revoked, or has expired")
	}
	s := settings.Session{Name: c.Name, Role: string(c.Role), Token: c.token, Expires: a.Now().Add(sessionLasts)}
	if !c.Expires.IsZero() && c.Expires.Before(s.Expires) {
		s.Expires = c.Expires
	}
	cookie, s, err := a.Settings.BeginSession(ctx, s, configured)
	if err != nil {
		return me{}, a.unset(ctx, err)
	}
	note(ctx).Who, note(ctx).Role = c.Name, string(c.Role)
	setCookie(q, cookie.Reveal(), s.Expires)
	c.by, c.Expires = bySession, s.Expires
	return a.shown(c), nil
}

func tooMany(wait time.Duration) *refusal {
	seconds := max(1, int(wait.Round(time.Second)/time.Second))
	no := refuse(http.StatusTooManyRequests, "too many wrong tokens came from this address; try again in %d s", seconds)
	no.header = http.Header{"Retry-After": {number(uint64(seconds))}}
	return no
}

// logout ends a session.
func (a *api) logout(ctx context.Context, _ *none) (none, error) {
	q := requestOf(ctx)
	if c, err := q.r.Cookie(sessionCookie); err == nil {
		if err := a.Settings.EndSession(ctx, c.Value); err != nil {
			return none{}, a.unset(ctx, err)
		}
	}
	setCookie(q, "", time.Unix(1, 0))
	return none{}, nil
}

// setCookie gives the browser a session, or takes it away.
func setCookie(q *request, value string, until time.Time) {
	//nolint:gosec // Secure is set wherever the connection is encrypted; without TLS the cookie would never come back
	http.SetCookie(q.w, &http.Cookie{
		Name: sessionCookie, Value: value, Path: "/", Expires: until, HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: encrypted(q.r),
	})
}

// encrypted reports whether the browser's connection is. A proxy that says so is taken
// at its word: that is the stricter way.
func encrypted(r *http.Request) bool {
	return r.TLS != nil || strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https")
}

// me tells who asks.
func (a *api) me(ctx context.Context, _ *none) (me, error) { return a.shown(callerOf(ctx)), nil }

func (a *api) shown(c *caller) me {
	return me{
		Name: c.Name, Role: c.Role, By: c.by, Expires: c.Expires, Version: a.Version, Sandbox: a.Current().Sandbox,
		History: a.historyStatus().State,
	}
}

// How many wrong tokens an address may send: so many at once, and one a second. All
// addresses together have a bound, too.
const (
	wrongAtOnce    = 20
	wrongPerSecond = 1
	wrongInAll     = 1000
	maxAddresses   = 10_000
)

// guesses bounds how fast somebody can guess. Tokens that imhook made cannot be
// guessed, and are not held up.
type guesses struct {
	// mu guards the following.
	mu  sync.Mutex
	all *rate.Limiter
	by  map[string]*rate.Limiter
}

func newGuesses() *guesses {
	return &guesses{all: rate.NewLimiter(wrongInAll/10, wrongInAll), by: map[string]*rate.Limiter{}}
}

// try looks at what a caller guessed, and counts it when it is wrong; or else it says how
// long to wait, and does not look. Only one is looked at at a time: many at once must not
// be more guesses than one after the other.
func (p *guesses) try(r *http.Request, now time.Time, right func() bool) (wait time.Duration, looked bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.all.TokensAt(now) < 1 {
		return time.Second, false
	}
	key := network(r)
	l := p.by[key]
	if l != nil && l.TokensAt(now) < 1 {
		return time.Duration((1 - l.TokensAt(now)) / wrongPerSecond * float64(time.Second)), false
	}
	if right() {
		return 0, true
	}
	p.all.AllowN(now, 1)
	if l == nil {
		if len(p.by) >= maxAddresses {
			p.forget(now)
		}
		l = rate.NewLimiter(wrongPerSecond, wrongAtOnce)
		p.by[key] = l
	}
	l.AllowN(now, 1)
	return 0, true
}

// forget lets go of addresses that were quiet; of all when none was.
func (p *guesses) forget(now time.Time) {
	for key, l := range p.by {
		if l.TokensAt(now) >= wrongAtOnce {
			delete(p.by, key)
		}
	}
	if len(p.by) >= maxAddresses {
		clear(p.by)
	}
}

// network is whose guesses are counted together: an address, or the network that one
// household has of IPv6.
func network(r *http.Request) string {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	a := ap.Addr().Unmap()
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.String()
		}
	}
	return a.String()
}

// peerOf is the address that a request came from.
func peerOf(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// configuredToken is a token of the configuration; it is compared in a time that tells
// nothing about it.
func configuredToken(given string, live []dialect.Secret) (dialect.Secret, bool) {
	var found dialect.Secret
	for _, t := range live {
		if sameSecret(given, t.Reveal()) {
			found = t
		}
	}
	return found, found != ""
}
