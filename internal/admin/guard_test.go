package admin_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/internal/admin"
)

func TestGuard_WithoutTokenAnswersThisMachineOnly(t *testing.T) {
	t.Parallel()
	h := setup(t, nil)
	for _, tt := range []struct {
		name   string
		change func(*http.Request)
		want   int
	}{
		{"loopback", nil, 200},
		{"localhost", func(r *http.Request) { r.Host = "localhost:8420" }, 200},
		{"IPv6", func(r *http.Request) { r.RemoteAddr, r.Host = "[::1]:1", "[::1]:8420" }, 200},
		{"IPv4 in IPv6", func(r *http.Request) { r.RemoteAddr = "[::ffff:127.0.0.1]:1" }, 200},
		{"another machine", func(r *http.Request) { r.RemoteAddr = "10.0.0.2:1" }, 403},
		{"no address", func(r *http.Request) { r.RemoteAddr = "" }, 403},
		{"a name that resolves here", func(r *http.Request) { r.Host = "evil.example:8420" }, 403},
		{"a name that begins well", func(r *http.Request) { r.Host = "127.0.0.1.evil.example" }, 403},
		{"no host", func(r *http.Request) { r.Host = "" }, 403},
		{"X-Forwarded-For", func(r *http.Request) { r.Header.Set("X-Forwarded-For", "1.2.3.4") }, 403},
		{"X-Forwarded-Proto", func(r *http.Request) { r.Header.Set("X-Forwarded-Proto", "https") }, 403},
		{"Forwarded", func(r *http.Request) { r.Header.Set("Forwarded", "for=1.2.3.4") }, 403},
		{"a proxy's own header", func(r *http.Request) { r.Header.Set("CF-Connecting-IP", "1.2.3.4") }, 403},
		{"another site's image", func(r *http.Request) {
			r.Header.Set("Sec-Fetch-Site", "cross-site")
			r.Header.Set("Sec-Fetch-Mode", "no-cors")
			r.Header.Set("Sec-Fetch-Dest", "image")
		}, 403},
		{"another port's frame", func(r *http.Request) {
			r.Header.Set("Sec-Fetch-Site", "same-site")
			r.Header.Set("Sec-Fetch-Mode", "navigate")
			r.Header.Set("Sec-Fetch-Dest", "iframe")
		}, 403},
		{"a link on another site", func(r *http.Request) {
			r.Header.Set("Sec-Fetch-Site", "cross-site")
			r.Header.Set("Sec-Fetch-Mode", "navigate")
			r.Header.Set("Sec-Fetch-Dest", "document")
		}, 200},
		{"our own page", func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-origin") }, 200},
		{"Via", func(r *http.Request) { r.Header.Set("Via", "1.1 proxy") }, 403},
		{"a token that nobody asked for", func(r *http.Request) { r.Header.Set("Authorization", "Bearer x"); r.RemoteAddr = "10.0.0.2:1" }, 403},
	} {
		for _, path := range []string{"/api/v1/endpoints", "/metrics", "/debug/pprof/goroutine"} {
			if w := ask(h, "GET", path, "", tt.change); w.Code != tt.want {
				t.Errorf("%s: %s = %d, want %d", tt.name, path, w.Code, tt.want)
			}
		}
	}
}

func TestGuard_RefusesAnotherSitesPage(t *testing.T) {
	t.Parallel()
	h := setup(t, nil)
	w := ask(h, "POST", "/api/v1/sources/im/trigger", `{"command":"message"}`, func(r *http.Request) {
		r.Header.Set("Origin", "https://evil.example")
	})
	if w.Code != http.StatusForbidden {
		t.Errorf("a cross-site trigger = %d, want 403", w.Code)
	}
	w = ask(h, "POST", "/api/v1/sources/im/trigger", `{"command":"message"}`, func(r *http.Request) {
		r.Header.Set("Content-Type", "text/plain")
	})
	if w.Code != http.StatusBadRequest {
		t.Errorf("a trigger as text = %d, want 400", w.Code)
	}
}

func TestGuard_WithTokenAsksEverybodyForIt(t *testing.T) {
	t.Parallel()
	h := setup(t, func(c *admin.Config) { c.Current().Admin.Token = "hush-token" })
	for _, tt := range []struct {
		name, header string
		want         int
	}{
		{"the token", "Bearer hush-token", 200},
		{"none", "", 401},
		{"another", "Bearer hush-tokem", 401},
		{"a longer one", "Bearer hush-token2", 401},
		{"another scheme", "Basic hush-token", 401},
		{"no scheme", "hush-token", 401},
	} {
		w := ask(h, "GET", "/api/v1/endpoints", "", func(r *http.Request) {
			r.RemoteAddr, r.Host = "10.0.0.2:1", "gateway.example"
			r.Header.Set("Authorization", tt.header)
		})
		if w.Code != tt.want {
			t.Errorf("%s = %d, want %d", tt.name, w.Code, tt.want)
		}
		if tt.want == 401 && w.Header().Get("WWW-Authenticate") == "" {
			t.Errorf("%s: 401 without WWW-Authenticate", tt.name)
		}
	}
	if w := ask(h, "GET", "/api/v1/endpoints", "", nil); w.Code != http.StatusUnauthorized {
		t.Errorf("this machine without the token = %d, want 401", w.Code)
	}
}

func TestGuard_TokensOpenWhileTheyAreValid(t *testing.T) {
	t.Parallel()
	h := setup(t, func(c *admin.Config) {
		c.Now = func() time.Time { return noon }
		c.Current().Admin.Tokens = []dialect.DatedSecret{{Value: "hush-old", Until: noon}, {Value: "hush-next", From: noon}, {Value: "hush-later", From: noon.Add(1)}}
	})
	closed := setup(t, func(c *admin.Config) {
		c.Now = func() time.Time { return noon }
		c.Current().Admin.Tokens = []dialect.DatedSecret{{Value: "hush-old", Until: noon}}
	})
	for _, tt := range []struct {
		name   string
		h      http.Handler
		header string
		want   int
	}{
		{"valid", h, "Bearer hush-next", 200},
		{"expired", h, "Bearer hush-old", 401},
		{"not yet valid", h, "Bearer hush-later", 401},
		{"none", h, "", 401},
		{"the only one, expired", closed, "Bearer hush-old", 401},
		{"none, and all have expired", closed, "", 401},
	} {
		w := ask(tt.h, "GET", "/api/v1/endpoints", "", func(r *http.Request) { r.Header.Set("Authorization", tt.header) })
		if w.Code != tt.want {
			t.Errorf("%s = %d, want %d", tt.name, w.Code, tt.want)
		}
	}
}
