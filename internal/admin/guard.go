package admin

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/internal/config"
	"github.com/imhook/imhook/internal/settings"
)

// guard decides who may use the API.
type guard struct {
	// admin has the tokens of the configuration; without any, this machine is answered
	// without one.
	admin func() config.Admin
	// book has the tokens and sessions that imhook made; nil means that there are none.
	book    *settings.Book
	now     func() time.Time
	cross   http.CrossOriginProtection
	guesses *guesses
}

// What is told to who has no token, or none that is valid.
const (
	needsToken    = "the API needs a token: send it as Authorization: Bearer (command line: --token or IMHOOK_TOKEN)"
	tokenOver     = "this token is not valid here: it was revoked, or has expired; imhook token create makes another"
	sessionOver   = "the session has ended: log in again"
	fromElsewhere = "the request comes from another site's page"
)

// wrap answers for h when the caller may not use it.
func (g *guard) wrap(a *api, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, no := g.admits(r)
		if no != nil {
			a.refuse(w, r, no)
			return
		}
		h.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), callerKey{}, c)))
	})
}

// admits says who asks, or why nobody may who asks so.
func (g *guard) admits(r *http.Request) (*caller, *refusal) {
	bearer, given := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	bearer = strings.TrimSpace(bearer)
	closed := g.admin().Closed()
	if given && (closed || strings.HasPrefix(bearer, settings.TokenPrefix)) {
		return g.bears(r, bearer)
	}
	if cookie, err := r.Cookie(sessionCookie); err == nil {
		c, no := g.attends(r, cookie.Value)
		if c != nil || no != nil && closed {
			return c, no
		}
	}
	if closed {
		return nil, unauthorized(needsToken)
	}
	return g.isHere(r)
}

func unauthorized(message string) *refusal {
	no := refuse(http.StatusUnauthorized, "%s", message)
	no.header = http.Header{"Www-Authenticate": {`Bearer realm="imhook"`}}
	return no
}

// bears says whose token a request has.
func (g *guard) bears(r *http.Request, bearer string) (*caller, *refusal) {
	if strings.HasPrefix(bearer, settings.TokenPrefix) {
		if c := g.made(r.Context(), bearer); c != nil {
			return c, nil
		}
		return nil, unauthorized(tokenOver) // it cannot be guessed
	}
	c, _, no := g.whose(r, bearer)
	if c == nil && no == nil {
		no = unauthorized(needsToken)
	}
	return c, no
}

// whose says whose token this is, nil when it is nobody's. One of the configuration is
// returned, too: what people thought of can be guessed, and who does is held up. What
// imhook made is known at once.
func (g *guard) whose(r *http.Request, given string) (c *caller, configured dialect.Secret, _ *refusal) {
	if c := g.made(r.Context(), given); c != nil {
		return c, "", nil
	}
	now, live := g.now(), g.admin().Live(g.now())
	wait, looked := g.guesses.try(r, now, func() (ok bool) {
		configured, ok = configuredToken(given, live)
		return ok
	})
	switch {
	case !looked:
		return nil, "", tooMany(wait)
	case configured == "":
		return nil, "", nil
	}
	return &caller{Name: "admin.token", Role: RoleAdmin, by: byToken}, configured, nil
}

// made says whose token this is that imhook made; nil when it made none like it.
func (g *guard) made(ctx context.Context, given string) *caller {
	if g.book == nil {
		return nil
	}
	t, ok := g.book.FindToken(ctx, given)
	if !ok {
		return nil
	}
	return &caller{Name: t.Name, Role: Role(t.Role), by: byToken, token: t.ID, Expires: t.Expires}
}

// attends says whose session a request has. What changes something must come from a page
// of the gateway itself: the browser adds the cookie to whatever asks.
func (g *guard) attends(r *http.Request, cookie string) (*caller, *refusal) {
	if g.book == nil {
		return nil, nil
	}
	s, ok := g.book.FindSession(r.Context(), cookie, g.admin().Live(g.now()))
	if !ok {
		return nil, unauthorized(sessionOver)
	}
	safe := r.Method == http.MethodGet || r.Method == http.MethodHead
	told := r.Header.Get("Sec-Fetch-Site") != "" || r.Header.Get("Origin") != ""
	if g.cross.Check(r) != nil || embedded(r.Header) || !safe && !told {
		return nil, refuse(http.StatusForbidden, fromElsewhere)
	}
	return &caller{Name: s.Name, Role: Role(s.Role), by: bySession, token: s.Token, Expires: s.Expires}, nil
}

// isHere admits this machine: a loopback peer that asks for a loopback host, from no
// other site's page and through no proxy.
func (g *guard) isHere(r *http.Request) (*caller, *refusal) {
	const todo = "; set admin.token to use the API from elsewhere"
	switch {
	case !isLoopbackPeer(r.RemoteAddr):
		return nil, refuse(http.StatusForbidden, "without an admin token the API answers this machine only"+todo)
	case forwarded(r.Header) != "":
		return nil, refuse(http.StatusForbidden, "the request came through a proxy (%s)"+todo, forwarded(r.Header))
	case !isLoopbackHost(r.Host):
		// A name that somebody made resolve to 127.0.0.1.
		return nil, refuse(http.StatusForbidden, "the request asks for another host than localhost or 127.0.0.1"+todo)
	case g.cross.Check(r) != nil, embedded(r.Header):
		return nil, refuse(http.StatusForbidden, fromElsewhere)
	}
	return &caller{Name: "this machine", Role: RoleAdmin, by: byMachine}, nil
}

// embedded reports whether the page of another site asks, as for an image of its
// own: it cannot read the answer, but it can make the gateway work. Somebody who
// follows a link may.
func embedded(h http.Header) bool {
	switch h.Get("Sec-Fetch-Site") {
	case "cross-site", "same-site":
		return h.Get("Sec-Fetch-Mode") != "navigate" || h.Get("Sec-Fetch-Dest") != "document"
	}
	return false
}

// sameSecret compares in a time that tells nothing: hashes have one length.
func sameSecret(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

// proxies are the headers with which proxies say that they are one, and for whom.
var proxies = []string{
	"Forwarded", "Via", "X-Real-Ip", "X-Client-Ip", "X-Cluster-Client-Ip", "X-Original-Forwarded-For", "X-Original-Host",
	"X-Envoy-External-Address", "True-Client-Ip", "Cf-Connecting-Ip", "Cf-Ray", "Cdn-Loop", "Fastly-Client-Ip", "Fly-Client-Ip",
}

// forwarded names a header that a proxy left, or "".
func forwarded(h http.Header) string {
	for name := range h {
		switch {
		case strings.HasPrefix(name, "X-Forwarded-"), slices.Contains(proxies, name):
			return name
		}
	}
	return ""
}

func isLoopbackPeer(addr string) bool {
	ap, err := netip.ParseAddrPort(addr)
	return err == nil && ap.Addr().Unmap().IsLoopback()
}

func isLoopbackHost(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}
