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

	"github.com/imhook/imhook/internal/config"
)

// guard decides who may use the API.
type guard struct {
	// admin has the tokens of which every request must bear one; without any, this
	// machine only is answered.
	admin func() config.Admin
	now   func() time.Time
	cross http.CrossOriginProtection
}

// needsToken is told to who has none.
const needsToken = "the API needs the admin token: send it as Authorization: Bearer (command line: --token or IMHOOK_TOKEN)"

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
	if admin := g.admin(); admin.Closed() {
		if !g.bears(r, admin) {
			no := refuse(http.StatusUnauthorized, needsToken)
			no.header = http.Header{"Www-Authenticate": {`Bearer realm="imhook"`}}
			return nil, no
		}
		return &caller{Name: "admin.token", Role: RoleAdmin}, nil
	}
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
		return nil, refuse(http.StatusForbidden, "the request comes from another site's page")
	}
	return &caller{Name: "this machine", Role: RoleAdmin}, nil
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

// bears reports whether the request has a token that is valid now.
func (g *guard) bears(r *http.Request, admin config.Admin) (ok bool) {
	bearer, given := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	// Hashes have one length: comparing them tells nothing about the token's.
	got := sha256.Sum256([]byte(strings.TrimSpace(bearer)))
	for _, token := range admin.Live(g.now()) {
		want := sha256.Sum256([]byte(token.Reveal()))
		if subtle.ConstantTimeCompare(want[:], got[:]) == 1 {
			ok = given
		}
	}
	return ok
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
