package admin_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/internal/admin"
	"github.com/imhook/imhook/internal/audit"
	"github.com/imhook/imhook/internal/chronicle"
	"github.com/imhook/imhook/internal/gateway"
	"github.com/imhook/imhook/internal/settings"
)

var errChanged = errors.New("changed")

// cabinet is a store of settings in memory.
type cabinet struct {
	mu       sync.Mutex
	values   map[string][]byte
	revision uint64
	broken   error
}

func (s *cabinet) All(context.Context) (map[string][]byte, uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.values), s.revision, s.broken
}

func (s *cabinet) Revision(context.Context) (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.revision, s.broken
}

func (s *cabinet) Put(_ context.Context, revision uint64, key string, value []byte) (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.broken != nil:
		return 0, s.broken
	case revision != s.revision:
		return 0, errChanged
	}
	if s.values == nil {
		s.values = map[string][]byte{}
	}
	if delete(s.values, key); len(value) > 0 {
		s.values[key] = value
	}
	s.revision++
	return s.revision, nil
}

// clock is a time that tests set.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// office is an API with tokens, and everything that was noted.
type office struct {
	*clock
	h       http.Handler
	book    *settings.Book
	cabinet *cabinet
	// by is how somebody asks who may everything.
	by    func(*http.Request)
	mu    sync.Mutex
	notes []audit.Entry
}

func (o *office) Record(e audit.Entry) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.notes = append(o.notes, e)
}

func (o *office) Find(context.Context, audit.Query) (audit.Found, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	f := audit.Found{Found: chronicle.Found{Newest: gateway.NewPos(2, 0)}}
	for _, e := range slices.Backward(o.notes) {
		f.Entries = append(f.Entries, &e)
	}
	return f, nil
}

// told is everything that was noted, in lines, and forgets it.
func (o *office) told() (lines []string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, e := range o.notes {
		line := fmt.Sprintf("%s %s %s %s %s", e.Who, e.Role, e.What, e.Target, e.Detail)
		if e.Refused != "" {
			line += " REFUSED"
		}
		lines = append(lines, strings.Join(strings.Fields(line), " "))
	}
	o.notes = nil
	return lines
}

// newOffice is an API that has the admin token hush-admin, unless open is true.
func newOffice(t *testing.T, open bool, change ...func(*admin.Config)) *office {
	t.Helper()
	o := &office{clock: &clock{now: noon}, cabinet: &cabinet{}}
	if !open {
		o.by = bears("hush-admin")
	}
	var err error
	if o.book, err = settings.Open(t.Context(), settings.Config{Store: o.cabinet, Changed: errChanged, Now: o.Now}); err != nil {
		t.Fatal(err)
	}
	o.h = setup(t, func(c *admin.Config) {
		c.Settings, c.Audit, c.Now = o.book, o, o.Now
		if !open {
			c.Current().Admin.Tokens = []dialect.DatedSecret{{Value: "hush-admin"}}
		}
		for _, f := range change {
			f(c)
		}
	})
	return o
}

// create makes a token.
func (o *office) create(t *testing.T, name string, role admin.Role, expires string) string {
	t.Helper()
	w := ask(o.h, "POST", "/api/v1/tokens", fmt.Sprintf(`{"name":%q,"role":%q,"expires":%q}`, name, role, expires), o.by)
	var answer struct {
		Token string `json:"token"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || !strings.HasPrefix(answer.Token, "imt_") {
		t.Fatalf("creating a token = %d %s", w.Code, w.Body)
	}
	return answer.Token
}

// bears is a request from afar with a token.
func bears(token string) func(*http.Request) {
	return func(r *http.Request) {
		r.RemoteAddr, r.Host = "10.0.0.2:1", "gateway.example"
		r.Header.Set("Authorization", "Bearer "+token)
	}
}

// login begins a session and returns its cookie.
func (o *office) login(t *testing.T, token string, change func(*http.Request)) *http.Cookie {
	t.Helper()
	w := ask(o.h, "POST", "/api/v1/login", fmt.Sprintf(`{"token":%q}`, token), func(r *http.Request) {
		r.RemoteAddr, r.Host = "10.0.0.2:1", "gateway.example"
		if change != nil {
			change(r)
		}
	})
	all := w.Result().Cookies()
	if w.Code != http.StatusOK || len(all) != 1 {
		t.Fatalf("login = %d %s with %d cookies", w.Code, w.Body, len(all))
	}
	return all[0]
}

// sits is a request of the console's page with a session.
func sits(c *http.Cookie, change ...func(*http.Request)) func(*http.Request) {
	return func(r *http.Request) {
		r.RemoteAddr, r.Host = "10.0.0.2:1", "gateway.example"
		r.AddCookie(c)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		for _, f := range change {
			f(r)
		}
	}
}

func TestTokens_OpenWhatTheirRoleMay(t *testing.T) {
	t.Parallel()
	o := newOffice(t, false)
	for _, role := range admin.Roles() {
		token := o.create(t, string(role), role, "")
		for _, tt := range []struct {
			method, path, body string
			least              admin.Role
		}{
			{"GET", "/api/v1/endpoints", "", admin.RoleViewer},
			{"GET", "/metrics", "", admin.RoleViewer},
			{"POST", "/api/v1/endpoints/shop/backend/pause", "{}", admin.RoleOperator},
			{"POST", "/api/v1/deadletters/purge", `{"all":true,"dryRun":true}`, admin.RoleOperator},
			{"GET", "/api/v1/tokens", "", admin.RoleAdmin},
			{"GET", "/debug/pprof/goroutine", "", admin.RoleAdmin},
		} {
			want := http.StatusForbidden
			if slices.Index(admin.Roles(), role) >= slices.Index(admin.Roles(), tt.least) {
				want = http.StatusOK
			}
			w := ask(o.h, tt.method, tt.path, tt.body, bears(token))
			if w.Code != want {
				t.Errorf("%s: %s %s = %d %.100s, want %d", role, tt.method, tt.path, w.Code, w.Body, want)
			}
			if want == http.StatusForbidden && !strings.Contains(w.Body.String(), "needs "+string(tt.least)) {
				t.Errorf("%s: %s %s = %s, want it to say who may", role, tt.method, tt.path, w.Body)
			}
		}
	}
}

// Who may do what is decided here, and nowhere else by accident.
func TestRoutes_EachHasTheRoleThatItShall(t *testing.T) {
	t.Parallel()
	_, doc, _ := opened(t)
	got := map[string]string{}
	for pattern, op := range operationsOf(doc) {
		role, _ := op.Extensions["x-imhook-role"].(admin.Role)
		got[pattern] = string(role)
	}
	if diff := cmp.Diff(roles(), got); diff != "" {
		t.Errorf("roles (-want +got):\n%s", diff)
	}
}

// And everybody else is refused, whatever the document says.
func TestRoutes_RefuseEveryLesserRole(t *testing.T) {
	t.Parallel()
	o := newOffice(t, false)
	tokens := map[admin.Role]string{}
	for _, role := range admin.Roles() {
		tokens[role] = o.create(t, string(role), role, "")
	}
	for pattern, least := range roles() {
		method, path, _ := strings.Cut(pattern, " ")
		path = strings.NewReplacer("{app}", "none", "{name}", "none", "{id}", "99", "{kind}", "endpoints").Replace(path)
		for i, role := range append([]admin.Role{""}, admin.Roles()...) {
			change := func(r *http.Request) { r.RemoteAddr, r.Host = "10.0.0.2:1", "gateway.example" }
			if role != "" {
				change = bears(tokens[role])
			}
			w := ask(o.h, method, path, "", change)
			refused := w.Code == http.StatusForbidden || w.Code == http.StatusUnauthorized && pattern != "POST /api/v1/login"
			if enough := i >= slices.Index(admin.Roles(), admin.Role(least))+1; refused == enough {
				t.Errorf("%s as %q = %d %.100s", pattern, role, w.Code, w.Body)
			}
		}
	}
}

func TestTokens_AreKeptAsSumsAndShownOnce(t *testing.T) {
	t.Parallel()
	o := newOffice(t, false)
	token := o.create(t, "night shift", admin.RoleOperator, "12h")
	for key, value := range o.cabinet.values {
		if strings.Contains(string(value), token) || strings.Contains(string(value), token[15:]) {
			t.Errorf("%s holds the token: %s", key, value)
		}
	}
	w := ask(o.h, "GET", "/api/v1/tokens", "", bears("hush-admin"))
	if body := w.Body.String(); strings.Contains(body, token) || !strings.Contains(body, `"name":"night shift","role":"operator"`) ||
		!strings.Contains(body, `"expires":"2026-11-21T00:00:00Z"`) || !strings.Contains(body, `"createdBy":"admin.token"`) {
		t.Errorf("tokens = %s", body)
	}
	want := []string{"admin.token admin createToken " + token[4:14] + ` operator for "night shift"`}
	if diff := cmp.Diff(want, o.told()); diff != "" {
		t.Errorf("audit (-want +got):\n%s", diff)
	}
}

func TestTokens_EndWhenTheyAreRevokedOrOver(t *testing.T) {
	t.Parallel()
	o := newOffice(t, false)
	long, short := o.create(t, "long", admin.RoleViewer, ""), o.create(t, "short", admin.RoleViewer, "1h")
	code := func(token string) int { return ask(o.h, "GET", "/api/v1/endpoints", "", bears(token)).Code }
	if code(long) != 200 || code(short) != 200 {
		t.Fatal("new tokens are not taken")
	}
	o.add(time.Hour)
	if code(long) != 200 || code(short) != 401 {
		t.Errorf("after an hour = %d and %d, want 200 and 401", code(long), code(short))
	}
	if w := ask(o.h, "DELETE", "/api/v1/tokens/long", "", bears("hush-admin")); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"name":"long"`) {
		t.Errorf("revoking = %d %s", w.Code, w.Body)
	}
	if w := ask(o.h, "GET", "/api/v1/endpoints", "", bears(long)); w.Code != 401 || !strings.Contains(w.Body.String(), "revoked") || w.Header().Get("WWW-Authenticate") == "" {
		t.Errorf("a revoked token = %d %s", w.Code, w.Body)
	}
	if w := ask(o.h, "DELETE", "/api/v1/tokens/long", "", bears("hush-admin")); w.Code != http.StatusNotFound {
		t.Errorf("revoking again = %d, want 404", w.Code)
	}
}

func TestTokens_WrongOnesOpenNothing(t *testing.T) {
	t.Parallel()
	o := newOffice(t, false)
	token := o.create(t, "a", admin.RoleAdmin, "")
	for _, wrong := range []string{
		"", "imt_", "imt__", token[:len(token)-1], token + "x", strings.ToUpper(token), "imt_" + token[15:], token[:15], token[:4] + "aaaaaaaaaa" + token[14:],
		" ", "hush-admin2", "HUSH-ADMIN", "\x00",
	} {
		if w := ask(o.h, "GET", "/api/v1/endpoints", "", bears(wrong)); w.Code != http.StatusUnauthorized {
			t.Errorf("token %q = %d, want 401", wrong, w.Code)
		}
	}
	// On this machine, too: there is an admin token.
	if w := ask(o.h, "GET", "/api/v1/endpoints", "", nil); w.Code != http.StatusUnauthorized {
		t.Errorf("this machine without a token = %d, want 401", w.Code)
	}
	for body, want := range map[string]string{
		`{"name":"","role":"viewer"}`:                                   "whose token",
		`{"name":"a\nb","role":"viewer"}`:                               "visible",
		`{"name":"x","role":"root"}`:                                    "viewer, operator, admin",
		`{"name":"x"}`:                                                  "viewer, operator, admin",
		`{"name":"x","role":"viewer","expires":"soon"}`:                 "30m or 2d",
		`{"name":"x","role":"viewer","expires":"2020-01-01T00:00:00Z"}`: "over already",
		`{"name":"x","role":"viewer","scope":"*"}`:                      "scope",
	} {
		if w := ask(o.h, "POST", "/api/v1/tokens", body, bears("hush-admin")); w.Code != 400 || !strings.Contains(w.Body.String(), want) {
			t.Errorf("creating %s = %d %s, want 400 with %q", body, w.Code, w.Body, want)
		}
	}
	if w := ask(o.h, "POST", "/api/v1/tokens", `{"name":"a","role":"viewer"}`, bears("hush-admin")); w.Code != http.StatusConflict {
		t.Errorf("a second token of one name = %d, want 409", w.Code)
	}
}

func TestTokens_OnAnOpenMachine(t *testing.T) {
	t.Parallel()
	o := newOffice(t, true)
	token := o.create(t, "far", admin.RoleViewer, "")
	for _, tt := range []struct {
		name   string
		change func(*http.Request)
		want   int
	}{
		{"this machine is admin", nil, 200},
		{"afar without a token", func(r *http.Request) { r.RemoteAddr = "10.0.0.2:1" }, 403},
		{"afar with one that nobody made", bears("x"), 403},
		{"afar with one of ours that is wrong", bears("imt_x_y"), 401},
		{"afar with one of ours, which is no admin's", bears(token), 403},
		{"this machine with one of ours that is wrong", func(r *http.Request) { r.Header.Set("Authorization", "Bearer imt_x_y") }, 401},
	} {
		if w := ask(o.h, "GET", "/api/v1/tokens", "", tt.change); w.Code != tt.want {
			t.Errorf("%s = %d %s, want %d", tt.name, w.Code, w.Body, tt.want)
		}
	}
	if w := ask(o.h, "GET", "/api/v1/endpoints", "", bears(token)); w.Code != http.StatusOK {
		t.Errorf("afar with a token = %d, want 200", w.Code)
	}
	w := ask(o.h, "GET", "/api/v1/me", "", nil)
	if want := `{"name":"this machine","role":"admin","by":"machine","version":"v9","history":"off"}`; w.Body.String() != want {
		t.Errorf("me = %s, want %s", w.Body, want)
	}
}

func TestLogin_CookieIsForThePageAlone(t *testing.T) {
	t.Parallel()
	o := newOffice(t, false)
	token := o.create(t, "night shift", admin.RoleOperator, "")
	c := o.login(t, token, nil)
	if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.Secure || strings.Contains(c.Value, token) || !c.Expires.Equal(noon.Add(12*time.Hour)) {
		t.Errorf("cookie = %v", c)
	}
	if c := o.login(t, token, func(r *http.Request) { r.Header.Set("X-Forwarded-Proto", "https") }); !c.Secure {
		t.Error("behind an encrypting proxy the cookie is not Secure")
	}
	for key, value := range o.cabinet.values {
		if _, secret, _ := strings.Cut(c.Value, "."); strings.Contains(string(value), secret) {
			t.Errorf("%s holds what the cookie has", key)
		}
	}
	w := ask(o.h, "GET", "/api/v1/me", "", sits(c))
	if want := `{"name":"night shift","role":"operator","by":"session","expires":"2026-11-21T00:00:00Z","version":"v9","history":"off"}`; w.Body.String() != want {
		t.Errorf("me = %s, want %s", w.Body, want)
	}
	if w := ask(o.h, "POST", "/api/v1/endpoints/shop/backend/pause", "{}", sits(c)); w.Code != http.StatusOK {
		t.Errorf("pause by the page = %d %s", w.Code, w.Body)
	}
	if w := ask(o.h, "GET", "/api/v1/tokens", "", sits(c)); w.Code != http.StatusForbidden {
		t.Errorf("tokens for an operator's session = %d, want 403", w.Code)
	}
}

func TestSession_EndsAsItShould(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		end  func(t *testing.T, o *office, c *http.Cookie)
	}{
		{"logout", func(t *testing.T, o *office, c *http.Cookie) {
			t.Helper()
			w := ask(o.h, "POST", "/api/v1/logout", "", sits(c))
			if left := w.Result().Cookies(); w.Code != http.StatusOK || len(left) != 1 || left[0].Value != "" {
				t.Errorf("logout = %d %s, cookies %v", w.Code, w.Body, left)
			}
		}},
		{"twelve hours", func(_ *testing.T, o *office, _ *http.Cookie) { o.add(12 * time.Hour) }},
		{"its token is revoked", func(_ *testing.T, o *office, _ *http.Cookie) {
			ask(o.h, "DELETE", "/api/v1/tokens/a", "", bears("hush-admin"))
		}},
		{"another cookie", func(_ *testing.T, _ *office, c *http.Cookie) { c.Value = c.Value[:len(c.Value)-1] + "x" }},
		{"half a cookie", func(_ *testing.T, _ *office, c *http.Cookie) { c.Value, _, _ = strings.Cut(c.Value, ".") }},
		{"another's id", func(_ *testing.T, _ *office, c *http.Cookie) { c.Value = "x" + c.Value }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t, false)
			c := o.login(t, o.create(t, "a", admin.RoleAdmin, ""), nil)
			if w := ask(o.h, "GET", "/api/v1/me", "", sits(c)); w.Code != http.StatusOK {
				t.Fatalf("before = %d %s", w.Code, w.Body)
			}
			tt.end(t, o, c)
			if w := ask(o.h, "GET", "/api/v1/me", "", sits(c)); w.Code != http.StatusUnauthorized || !strings.Contains(w.Body.String(), "log in again") {
				t.Errorf("after = %d %s, want 401", w.Code, w.Body)
			}
		})
	}
	t.Run("the admin token is another", func(t *testing.T) {
		t.Parallel()
		var change func()
		o := newOffice(t, false, func(c *admin.Config) {
			change = func() { c.Current().Admin.Tokens = []dialect.DatedSecret{{Value: "hush-other"}} }
		})
		c := o.login(t, "hush-admin", nil)
		if w := ask(o.h, "GET", "/api/v1/me", "", sits(c)); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"name":"admin.token","role":"admin"`) {
			t.Fatalf("before = %d %s", w.Code, w.Body)
		}
		change()
		if w := ask(o.h, "GET", "/api/v1/me", "", sits(c)); w.Code != http.StatusUnauthorized {
			t.Errorf("after = %d %s, want 401", w.Code, w.Body)
		}
	})
	t.Run("a token that is over before", func(t *testing.T) {
		t.Parallel()
		o := newOffice(t, false)
		if c := o.login(t, o.create(t, "a", admin.RoleAdmin, "1h"), nil); !c.Expires.Equal(noon.Add(time.Hour)) {
			t.Errorf("the session ends at %v, want with its token", c.Expires)
		}
	})
}

func TestSession_OtherSitesCannotUseIt(t *testing.T) {
	t.Parallel()
	o := newOffice(t, false)
	c := o.login(t, o.create(t, "a", admin.RoleAdmin, ""), nil)
	header := func(pairs ...string) func(*http.Request) {
		return func(r *http.Request) {
			r.Header.Del("Sec-Fetch-Site")
			for i := 0; i < len(pairs); i += 2 {
				r.Header.Set(pairs[i], pairs[i+1])
			}
		}
	}
	for _, tt := range []struct {
		name   string
		method string
		change func(*http.Request)
		want   int
	}{
		{"our page", "POST", header("Sec-Fetch-Site", "same-origin"), 200},
		{"our page in an old browser", "POST", header("Origin", "https://gateway.example"), 200},
		{"another site", "POST", header("Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"), 403},
		{"another site in an old browser", "POST", header("Origin", "https://evil.example"), 403},
		{"another port", "POST", header("Sec-Fetch-Site", "same-site"), 403},
		{"a sandboxed frame", "POST", header("Origin", "null"), 403},
		{"nobody says", "POST", header(), 403},
		{"a read by another site", "GET", header("Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "image"), 403},
		{"a read by our page", "GET", header(), 200},
	} {
		path := "/api/v1/endpoints/shop/backend/pause"
		body := "{}"
		if tt.method == "GET" {
			path, body = "/api/v1/endpoints", ""
		}
		if w := ask(o.h, tt.method, path, body, sits(c, tt.change)); w.Code != tt.want {
			t.Errorf("%s = %d %s, want %d", tt.name, w.Code, w.Body, tt.want)
		}
	}
	if w := ask(o.h, "POST", "/api/v1/endpoints/shop/backend/pause", "why=x", sits(c, func(r *http.Request) {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	})); w.Code != http.StatusBadRequest {
		t.Errorf("a form = %d, want 400", w.Code)
	}
	// Whoever asks first is not told that he may.
	w := ask(o.h, "OPTIONS", "/api/v1/endpoints", "", func(r *http.Request) {
		r.Header.Set("Origin", "https://evil.example")
		r.Header.Set("Access-Control-Request-Method", "POST")
	})
	for name := range w.Header() {
		if strings.HasPrefix(name, "Access-Control-") {
			t.Errorf("the answer to a preflight has %s", name)
		}
	}
	if w := ask(o.h, "POST", "/api/v1/login", `{"token":"hush-admin"}`, header("Sec-Fetch-Site", "cross-site")); w.Code != http.StatusForbidden || len(w.Result().Cookies()) > 0 {
		t.Errorf("a login by another site = %d, want 403 and no cookie", w.Code)
	}
}

func TestLogin_GuessesAreHeldUp(t *testing.T) {
	t.Parallel()
	o := newOffice(t, false)
	token := o.create(t, "a", admin.RoleViewer, "")
	o.told()
	from := func(addr string) func(*http.Request) {
		return func(r *http.Request) { r.RemoteAddr, r.Host = addr, "gateway.example" }
	}
	login := func(token, addr string) *httptest.ResponseRecorder {
		return ask(o.h, "POST", "/api/v1/login", fmt.Sprintf(`{"token":%q}`, token), from(addr))
	}
	for n := range 20 {
		if w := login(fmt.Sprint("guess", n), "10.0.0.66:1"); w.Code != http.StatusUnauthorized {
			t.Fatalf("guess %d = %d %s", n, w.Code, w.Body)
		}
	}
	w := login("hush-admin", "10.0.0.66:2")
	if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") != "1" || len(w.Result().Cookies()) > 0 {
		t.Errorf("after 20 guesses = %d %s (Retry-After %q), want 429", w.Code, w.Body, w.Header().Get("Retry-After"))
	}
	// The same with the token in every request.
	if w := ask(o.h, "GET", "/api/v1/me", "", func(r *http.Request) { bears("hush-admin")(r); r.RemoteAddr = "10.0.0.66:3" }); w.Code != http.StatusTooManyRequests {
		t.Errorf("a guess in a request = %d, want 429", w.Code)
	}
	// Others are not held up, nor is who has a token that cannot be guessed.
	if w := login("hush-admin", "10.0.0.67:1"); w.Code != http.StatusOK {
		t.Errorf("from elsewhere = %d %s", w.Code, w.Body)
	}
	if w := ask(o.h, "GET", "/api/v1/me", "", func(r *http.Request) { bears(token)(r); r.RemoteAddr = "10.0.0.66:3" }); w.Code != http.StatusOK {
		t.Errorf("with a token of imhook's = %d", w.Code)
	}
	if w := login(token, "10.0.0.66:4"); w.Code != http.StatusOK {
		t.Errorf("a login with a token of imhook's = %d %s", w.Code, w.Body)
	}
	o.add(2 * time.Second)
	if w := login("hush-admin", "10.0.0.66:1"); w.Code != http.StatusOK {
		t.Errorf("two seconds later = %d %s", w.Code, w.Body)
	}
	if got := o.told(); len(got) != 23 || got[0] != "somebody login REFUSED" || got[21] != "a viewer login" || got[22] != "admin.token admin login" {
		t.Errorf("audit = %q", got)
	}
}

// Guesses that come all at once are no more than guesses that come one after the other.
func TestLogin_GuessesAtOnceAreHeldUpAsWell(t *testing.T) {
	t.Parallel()
	o := newOffice(t, false)
	var looked atomic.Int32
	var all sync.WaitGroup
	begin := make(chan struct{})
	for n := range 500 {
		all.Go(func() {
			<-begin
			w := ask(o.h, "GET", "/api/v1/me", "", func(r *http.Request) { bears(fmt.Sprint("guess", n))(r); r.RemoteAddr = "10.0.0.66:1" })
			if w.Code == http.StatusUnauthorized {
				looked.Add(1)
			}
		})
	}
	close(begin)
	all.Wait()
	if n := looked.Load(); n != 20 {
		t.Errorf("%d guesses were looked at, want 20", n)
	}
}

func TestLogin_RefusesWhatIsNone(t *testing.T) {
	t.Parallel()
	o := newOffice(t, false)
	for body, want := range map[string]int{
		`{}`: 401, `{"token":""}`: 401, `{"token":"x"}`: 401, `{"user":"a"}`: 400, `[]`: 400, `{"token":"` + strings.Repeat("x", 5000) + `"}`: 400,
	} {
		if w := ask(o.h, "POST", "/api/v1/login", body, nil); w.Code != want || len(w.Result().Cookies()) > 0 {
			t.Errorf("login %.40s = %d %s, want %d and no cookie", body, w.Code, w.Body, want)
		}
	}
	text := func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }
	if w := ask(o.h, "POST", "/api/v1/login", `{"token":"hush-admin"}`, text); w.Code != http.StatusBadRequest {
		t.Errorf("login as text = %d, want 400", w.Code)
	}
	o.cabinet.broken = gateway.ErrUnavailable
	if w := ask(o.h, "POST", "/api/v1/login", `{"token":"hush-admin"}`, nil); w.Code != http.StatusServiceUnavailable {
		t.Errorf("login while nothing can be kept = %d, want 503", w.Code)
	}
	if w := ask(setup(t, nil), "POST", "/api/v1/login", `{"token":"x"}`, nil); w.Code != http.StatusNotFound {
		t.Errorf("login where there are no sessions = %d, want 404", w.Code)
	}
}

// What a path says otherwise than it seems leads past no guard.
func TestGuard_PathTricksLeadNowhere(t *testing.T) {
	t.Parallel()
	o := newOffice(t, false)
	viewer := o.create(t, "v", admin.RoleViewer, "")
	for _, path := range []string{
		"/api/v1/tokens", "/api/v1//tokens", "/api/v1/./tokens", "/api/v1/login/../tokens", "/api/v1/me/../tokens", "/healthz/../api/v1/tokens",
		"/API/v1/tokens", "/api/v1/tokens/", "/api/v1/tokens%2f", "/api/v1%2ftokens", "/api/v1/%74okens", "//api/v1/tokens", "/api/v1/login/../../v1/tokens",
		"/metrics/../api/v1/tokens", "/api/v1/tokens;x", "/api/v1/tokens?role=admin", "/in/x/../../api/v1/tokens", "/debug/pprof/../../api/v1/tokens",
	} {
		for name, change := range map[string]func(*http.Request){"nobody": func(r *http.Request) { r.RemoteAddr = "10.0.0.2:1" }, "a viewer": bears(viewer)} {
			w := ask(o.h, "GET", path, "", change)
			if w.Code == http.StatusOK || strings.Contains(w.Body.String(), `"tokens"`) {
				t.Errorf("%s for %s = %d %s", path, name, w.Code, w.Body)
			}
		}
	}
	for _, method := range []string{"HEAD", "get", "PROPFIND", "TRACE", "CONNECT", "OPTIONS"} {
		if w := ask(o.h, method, "/api/v1/tokens", "", bears(viewer)); w.Code == http.StatusOK {
			t.Errorf("%s = %d", method, w.Code)
		}
	}
	override := func(r *http.Request) {
		bears(viewer)(r)
		r.Header.Set("X-Http-Method-Override", "DELETE")
		r.Header.Set("X-Original-Url", "/api/v1/tokens")
	}
	if w := ask(o.h, "GET", "/api/v1/me", "", override); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"role":"viewer"`) {
		t.Errorf("with headers of proxies = %d %s", w.Code, w.Body)
	}
}

func TestAudit_TellsWhoDidWhat(t *testing.T) {
	t.Parallel()
	o := newOffice(t, false)
	operator, viewer := o.create(t, "night shift", admin.RoleOperator, ""), o.create(t, "screen", admin.RoleViewer, "")
	o.told()
	for _, tt := range []struct{ method, path, body, token string }{
		{"POST", "/api/v1/endpoints/backend/pause", `{"until":"2h","why":"moving"}`, operator},
		{"POST", "/api/v1/endpoints/shop/none/pause", `{}`, operator}, // there is none: nothing happened
		{"POST", "/api/v1/deadletters/purge", `{"all":true,"dryRun":true}`, operator},
		{"POST", "/api/v1/deadletters/purge", `{"ids":["1"]}`, operator},
		{"POST", "/api/v1/endpoints/shop/backend/resume", ``, viewer},
		{"GET", "/api/v1/tokens", ``, viewer},
		{"POST", "/api/v1/sources/im/trigger", `{"command":"message"}`, operator},
	} {
		ask(o.h, tt.method, tt.path, tt.body, bears(tt.token))
	}
	want := []string{
		`night shift operator pauseEndpointByName shop/backend {"why":"moving","until":"2h"}`,
		`night shift operator purgeDeadLetters 1 taken away, of {"ids":["1"]}`,
		`screen viewer resumeEndpoint shop/backend REFUSED`,
		`night shift operator trigger im {"command":"message"}`,
	}
	if diff := cmp.Diff(want, o.told()); diff != "" {
		t.Errorf("audit (-want +got):\n%s", diff)
	}
	ask(o.h, "POST", "/api/v1/endpoints/backend/pause", `{}`, bears(operator))
	w := ask(o.h, "GET", "/api/v1/audit", "", bears(viewer))
	if body := w.Body.String(); w.Code != http.StatusOK || !strings.Contains(body, `"who":"night shift","role":"operator","from":"10.0.0.2","what":"pauseEndpointByName","target":"shop/backend"`) {
		t.Errorf("audit = %d %s", w.Code, body)
	}
	if w := ask(o.h, "GET", "/api/v1/audit?since=soon", "", bears(viewer)); w.Code != http.StatusBadRequest {
		t.Errorf("audit since soon = %d, want 400", w.Code)
	}
}

// roles is the least role of every route; empty is open to everybody.
func roles() map[string]string {
	all := map[string]string{}
	for role, routes := range map[string]string{
		"": `GET /healthz · GET /readyz · POST /api/v1/login`,
		"viewer": `GET /metrics · GET /api/openapi.json · POST /api/v1/logout · GET /api/v1/me · GET /api/v1/audit ·
			GET /api/v1/events · GET /api/v1/events/{id} · GET /api/v1/decisions · GET /api/v1/decisions/{id} · GET /api/v1/attempts · GET /api/v1/live · GET /api/v1/tail · GET /api/v1/charts ·
			GET /api/v1/search · GET /api/v1/events/{id}/timeline · GET /api/v1/history ·
			GET /api/v1/deadletters/groups · GET /api/v1/sources · GET /api/v1/hooks · GET /api/v1/endpoints · POST /api/v1/rules/test ·
			GET /api/v1/deadletters · GET /api/v1/deadletters/{id} · GET /api/v1/deadletters/export ·
			GET /api/v1/sources/{app}/{name} · GET /api/v1/hooks/{app}/{name} · GET /api/v1/endpoints/{app}/{name} · GET /api/v1/config/export ·
			GET /api/v1/runs · GET /api/v1/runs/{id} · GET /api/v1/cluster · GET /api/v1/ledger · GET /api/v1/status`,
		"operator": `GET /api/v1/samples/{name} · POST /api/v1/sources/{name}/trigger · POST /api/v1/sources/{name}/check · POST /api/v1/hooks/{app}/{name}/check ·
			POST /api/v1/listen · POST /api/v1/listen/{id}/answers ·
			POST /api/v1/endpoints/{app}/{name}/check · POST /api/v1/endpoints/{app}/{name}/pause · POST /api/v1/endpoints/{name}/pause ·
			POST /api/v1/endpoints/{app}/{name}/resume · POST /api/v1/endpoints/{name}/resume ·
			POST /api/v1/endpoints/{app}/{name}/replay · POST /api/v1/endpoints/{name}/replay ·
			POST /api/v1/deadletters/purge · POST /api/v1/deadletters/requeue · POST /api/v1/deadletters/{id}/resend · POST /api/v1/runs/{id}/cancel · POST /api/v1/history/rebuild`,
		"admin": `PUT /api/v1/sources/{app}/{name} · PATCH /api/v1/sources/{app}/{name} · DELETE /api/v1/sources/{app}/{name} · POST /api/v1/sources/{app}/{name}/rotate ·
			PUT /api/v1/hooks/{app}/{name} · PATCH /api/v1/hooks/{app}/{name} · DELETE /api/v1/hooks/{app}/{name} · POST /api/v1/hooks/{app}/{name}/rotate ·
			PUT /api/v1/endpoints/{app}/{name} · PATCH /api/v1/endpoints/{app}/{name} · DELETE /api/v1/endpoints/{app}/{name} · POST /api/v1/endpoints/{app}/{name}/rotate ·
			GET /api/v1/tokens · POST /api/v1/tokens · DELETE /api/v1/tokens/{id} · POST /api/v1/config/diff`,
	} {
		for route := range strings.SplitSeq(routes, "·") {
			all[strings.TrimSpace(route)] = role
		}
	}
	return all
}
