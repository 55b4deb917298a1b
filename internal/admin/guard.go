package admin

import (
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

// refusal says no, in words for the caller.
type refusal struct {
	status  int
	message string
}

// wrap answers for h when the caller may not use it.
func (g *guard) wrap(a *api, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if no := g.refuses(r); no != nil {
			if no.status == http.StatusUnauthorized {
				w.Header().Set("WWW-Authenticate", `Bearer realm="imhook"`)
			}
			a.fail(w, r, no.status, no.message)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// refuses is nil for a caller who may use the API.
func (g *guard) refuses(r *http.Request) *refusal {
	if admin := g.admin(); admin.Closed() {
		if !g.bears(r, admin) {
			return &refusal{http.StatusUnauthorized, "the API needs the admin token: send it as Authorization: Bearer (command line: --token or IMHOOK_TOKEN)"}
		}
		return nil
	}
	const todo = "; set admin.token to use the API from elsewhere"
	switch {
	case !isLoopbackPeer(r.RemoteAddr):
		return &refusal{http.StatusForbidden, "without an admin token the API answers this machine only" + todo}
	case forwarded(r.Header) != "":
		return &refusal{http.StatusForbidden, "the request came through a proxy (" + forwarded(r.Header) + ")" + todo}
	case !isLoopbackHost(r.Host):
		// A name that somebody made resolve to 127.0.0.1.
		return &refusal{http.StatusForbidden, "the request asks for another host than localhost or 127.0.0.1" + todo}
	case g.cross.Check(r) != nil, embedded(r.Header):
		return &refusal{http.StatusForbidden, "the request comes from another site's page"}
	}
	return nil
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
