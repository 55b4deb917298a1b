package console

import (
	"compress/gzip"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

func served(t *testing.T) http.Handler {
	t.Helper()
	h, err := New(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func ask(t *testing.T, h http.Handler, method, target string, header map[string]string) *http.Response {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "/", nil)
	r.URL.Path = target
	for k, v := range header {
		r.Header.Set(k, v)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

var browser = map[string]string{"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}

func TestConsole_EveryAddressShowsThePage(t *testing.T) {
	t.Parallel()
	h := served(t)
	for _, path := range []string{"/", "/events/01JD", "/endpoints/shop/backend", "/deadletters", "/no/such/page"} {
		res := ask(t, h, http.MethodGet, path, browser)
		if res.StatusCode != http.StatusOK || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") {
			t.Errorf("%s: %d %s, want the page", path, res.StatusCode, res.Header.Get("Content-Type"))
		}
		if got := res.Header.Get("Cache-Control"); got != "no-cache" {
			t.Errorf("%s: Cache-Control %q: a browser would show an old console after an upgrade", path, got)
		}
	}
}

func TestConsole_LeavesTheRestAlone(t *testing.T) {
	t.Parallel()
	h := served(t)
	for _, c := range []struct {
		method, path string
		header       map[string]string
	}{
		{http.MethodGet, "/events", map[string]string{"Accept": "application/json"}},
		{http.MethodGet, "/events", nil},
		{http.MethodPost, "/", browser},
		{http.MethodGet, "/api/v1/nothing", browser},
		{http.MethodGet, "/metrics", browser},
		{http.MethodGet, "/readyz", browser},
		{http.MethodGet, "/in/openim", browser},
		{http.MethodGet, "/assets/gone-12345678.js", browser},
		{http.MethodGet, "/assets/../../console.go", browser},
		{http.MethodGet, "/../console.go", nil},
		{http.MethodGet, "/dist/index.html", nil},
	} {
		if res := ask(t, h, c.method, c.path, c.header); res.StatusCode != http.StatusTeapot {
			t.Errorf("%s %s: %d, want that the rest answers", c.method, c.path, res.StatusCode)
		}
	}
}

func TestConsole_HeadersAreStrict(t *testing.T) {
	t.Parallel()
	h := served(t)
	for path := range h.(*handler).files {
		res := ask(t, h, http.MethodGet, path, nil)
		csp := res.Header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "object-src 'none'"} {
			if !strings.Contains(csp, want) {
				t.Errorf("%s: the policy %q lacks %s", path, csp, want)
			}
		}
		if strings.Contains(csp, "unsafe") || strings.Contains(csp, "data:") || strings.Contains(csp, "*") {
			t.Errorf("%s: the policy %q lets in more than our files", path, csp)
		}
		if res.Header.Get("X-Content-Type-Options") != "nosniff" || res.Header.Get("Referrer-Policy") == "" {
			t.Errorf("%s: nosniff or the referrer policy is missing: %v", path, res.Header)
		}
		fixed := strings.HasPrefix(path, "/assets/")
		if got := strings.Contains(res.Header.Get("Cache-Control"), "immutable"); got != fixed {
			t.Errorf("%s: Cache-Control %q", path, res.Header.Get("Cache-Control"))
		}
	}
}

func TestConsole_SendsCompressedAndNotModified(t *testing.T) {
	t.Parallel()
	h := served(t)
	plain := ask(t, h, http.MethodGet, "/index.html", nil)
	want, err := io.ReadAll(plain.Body)
	if err != nil {
		t.Fatal(err)
	}
	res := ask(t, h, http.MethodGet, "/index.html", map[string]string{"Accept-Encoding": "br, gzip;q=0.8"})
	if res.Header.Get("Content-Encoding") != "gzip" {
		t.Fatalf("Content-Encoding %q", res.Header.Get("Content-Encoding"))
	}
	z, err := gzip.NewReader(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(z); err != nil || string(got) != string(want) {
		t.Errorf("compressed it is something else: %v", err)
	}
	if res := ask(t, h, http.MethodGet, "/index.html", map[string]string{"Accept-Encoding": "gzip;q=0"}); res.Header.Get("Content-Encoding") != "" {
		t.Error("it is compressed for a browser that refuses that")
	}
	res = ask(t, h, http.MethodGet, "/", map[string]string{"If-None-Match": plain.Header.Get("ETag")})
	if res.StatusCode != http.StatusNotModified {
		t.Errorf("%d for a page that the browser has", res.StatusCode)
	}
}

// The first load: the page, and what it names. What is loaded later, when a page
// needs it, is not in it.
const firstLoad = 300 << 10

func TestConsole_FirstLoadIsSmall(t *testing.T) {
	t.Parallel()
	h := served(t)
	page, err := fs.ReadFile(dist, "dist/index.html")
	if err != nil {
		t.Fatal(err)
	}
	sum := len(page)
	named := regexp.MustCompile(`(?:src|href)="(/[^"]+)"`).FindAllSubmatch(page, -1)
	if len(named) < 2 {
		t.Fatalf("the page names %d files", len(named))
	}
	for _, m := range named {
		res := ask(t, h, http.MethodGet, string(m[1]), map[string]string{"Accept-Encoding": "gzip"})
		if res.StatusCode != http.StatusOK {
			t.Errorf("the page names %s: %d", m[1], res.StatusCode)
		}
		b, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		sum += len(b)
	}
	if sum > firstLoad {
		t.Errorf("the first load is %d bytes, at most %d", sum, firstLoad)
	}
	if regexp.MustCompile(`<script>|<style|style=| on[a-z]+=`).Match(page) {
		t.Error("the page holds a script or a style, which the policy forbids")
	}
}
