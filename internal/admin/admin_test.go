package admin_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/internal/admin"
)

func TestEvents_FiltersNewestFirst(t *testing.T) {
	t.Parallel()
	h := setup(t, nil)
	for _, tt := range []struct{ query, want string }{
		{"", "e6 e5 e4 e3 e2 e1"},
		{"limit=2", "e6 e5"},
		{"type=message.send", "e5 e3 e1"},
		{"source=other", "e6 e4 e2"},
		{"conversation=group:g1", "e5 e3 e1"},
		{"id=e3", "e3"},
		{"since=2m", "e6 e5 e4 e3"},
		{"since=2026-11-20T11:59:30Z", "e6 e5"},
		{"type=message.send&source=other", ""},
		{"type=nothing", ""},
	} {
		if got := list(t, h, tt.query).ids(); got != tt.want {
			t.Errorf("events?%s = %q, want %q", tt.query, got, tt.want)
		}
	}
}

func TestEvents_CursorsReachEverythingOnce(t *testing.T) {
	t.Parallel()
	h := setup(t, nil)
	var seen []string
	query := "limit=1&type=message.send"
	for range 10 {
		got := list(t, h, query)
		seen = append(seen, strings.Fields(got.ids())...)
		if got.Next == "" {
			break
		}
		query = "limit=1&type=message.send&before=" + got.Next
	}
	if diff := cmp.Diff([]string{"e5", "e3", "e1"}, seen); diff != "" {
		t.Errorf("pages (-want +got):\n%s", diff)
	}

	// What was seen up to e4 leaves e5 and e6; after the end there is nothing.
	after := list(t, h, "id=e5&limit=1").Newest
	if got := list(t, h, "after="+after).ids(); got != "" {
		t.Errorf("events after the newest = %q, want none", got)
	}
	older := list(t, h, "limit=2").Next
	if got := list(t, h, "before="+older+"&limit=1").ids(); got != "e4" {
		t.Errorf("the event before e5 = %q, want e4", got)
	}
}

func TestEvents_RefusesWhatItDoesNotUnderstand(t *testing.T) {
	t.Parallel()
	h := setup(t, nil)
	for _, query := range []string{"limit=0", "limit=x", "limit=1001", "since=soon", "since=-1h", "before=x", "after=-1", "typo=1"} {
		w := ask(h, "GET", "/api/v1/events?"+query, "", nil)
		if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), `{"error":{"message":"`) {
			t.Errorf("events?%s = %d %s, want 400 with a message", query, w.Code, w.Body)
		}
	}
}

func TestEvent_ShowsBodiesAndWire(t *testing.T) {
	t.Parallel()
	h := setup(t, nil)
	w := ask(h, "GET", "/api/v1/events/e6", "", nil)
	for _, want := range []string{`"text":"raw text"`, `"body":"raw text"`, `"type":"im.group.create"`, `"stored":"2026-11-20T12:00:00Z"`} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("event e6 = %s, want %s in it", w.Body, want)
		}
	}
	if w := ask(h, "GET", "/api/v1/events/e7", "", nil); w.Code != http.StatusNotFound {
		t.Errorf("event e7 = %d, want 404", w.Code)
	}
}

func TestEvents_EmptyJournal(t *testing.T) {
	t.Parallel()
	h := setup(t, func(c *admin.Config) { c.Journal = &pages{first: 1} })
	if w := ask(h, "GET", "/api/v1/events", "", nil); w.Body.String() != `{"events":[],"newest":"65535"}` {
		t.Errorf("events of an empty journal = %s", w.Body)
	}
}

func TestSources_ShowNoSecret(t *testing.T) {
	t.Parallel()
	w := ask(setup(t, nil), "GET", "/api/v1/sources", "", nil)
	want := `{"sources":[` +
		`{"app":"shop","name":"im","dialect":"toy","path":"/in/im/<redacted>","generation":"auto",` +
		`"credentials":{"app_key":"k","secret":"<redacted>"},` +
		`"secrets":[{"key":"path_token","place":1,"state":"live"},{"key":"secret","place":1,"state":"live"}],"allowFrom":["10.1.0.0/16"],"maxAgeSeconds":60,` +
		`"commands":[{"name":"message","phase":"after","path":"/m","line":"somebody wrote"}]},` +
		`{"app":"shop","name":"unsigned","dialect":"toy","path":"/in/unsigned",` +
		`"commands":[{"name":"message","phase":"after","path":"/m","line":"somebody wrote"}]}]}`
	if diff := cmp.Diff(want, w.Body.String()); diff != "" {
		t.Errorf("sources (-want +got):\n%s", diff)
	}
}

func TestEndpoints_TellTheOldestAge(t *testing.T) {
	t.Parallel()
	w := ask(setup(t, nil), "GET", "/api/v1/endpoints", "", nil)
	want := `{"endpoints":[{"app":"shop","name":"backend","state":"live","backlog":3,"inFlight":0,"waiting":0,` +
		`"delivered":9,"parked":0,"oldestAt":"2026-11-20T11:59:00Z","oldestAgeSeconds":60}]}`
	if diff := cmp.Diff(want, w.Body.String()); diff != "" {
		t.Errorf("endpoints (-want +got):\n%s", diff)
	}
}

func TestResume_NamesTheEndpoint(t *testing.T) {
	t.Parallel()
	h := setup(t, nil)
	if w := ask(h, "POST", "/api/v1/endpoints/shop/backend/resume", "", nil); w.Code != http.StatusOK || w.Body.String() != `{"resumed":"shop/backend"}` {
		t.Errorf("resume = %d %s", w.Code, w.Body)
	}
	if w := ask(h, "POST", "/api/v1/endpoints/shop/none/resume", "", nil); w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), "shop/none") {
		t.Errorf("resume of none = %d %s, want 404 and the name", w.Code, w.Body)
	}
}

func TestPause_TellsWhatIsHeldAndUntilWhen(t *testing.T) {
	t.Parallel()
	h := setup(t, nil)
	for _, tt := range []struct {
		path, body string
		code       int
		want       string
	}{
		{"shop/backend/pause", "", 200, `{"paused":"shop/backend"}`},
		{"backend/pause", `{}`, 200, `{"paused":"shop/backend"}`},
		{"shop/backend/pause", `{"until":"90m","why":"moving"}`, 200, `{"paused":"shop/backend","until":"2026-11-20T13:30:00Z"}`},
		{"shop/backend/pause", `{"until":"2d"}`, 200, `"until":"2026-11-22T12:00:00Z"`},
		{"shop/backend/pause", `{"until":"2026-11-20T12:00:01Z","conversation":"group:g:1"}`, 200, `{"paused":"shop/backend","conversation":"group:g:1","until":"2026-11-20T12:00:01Z"}`},
		{"shop/backend/pause", `{"until":"2026-11-20T12:00:00Z"}`, 400, "over already"},
		{"shop/backend/pause", `{"until":"-1h"}`, 400, "over already"},
		{"shop/backend/pause", `{"until":"soon"}`, 400, "30m or 2d"},
		{"shop/backend/pause", `{"until":"99999999d"}`, 400, "30m or 2d"},
		{"shop/backend/pause", `{"unitl":"1h"}`, 400, "unitl"},
		{"shop/backend/pause", `{"now":true}`, 400, "belongs to resume"},
		{"shop/backend/pause", `{"conversation":"g1"}`, 400, "group:g1"},
		{"shop/backend/pause", `{"conversation":"grop:g1"}`, 400, "group:g1"},
		{"shop/backend/pause", `{"conversation":"group:strict"}`, 409, "endpoint shop/backend, conversation group:strict: it knows no conversations"},
		{"shop/none/pause", "", 404, "shop/none"},
		{"shop/backend/resume", `{"now":true,"conversation":"group:g1"}`, 200, `{"resumed":"shop/backend","conversation":"group:g1"}`},
		{"shop/backend/resume", `{"conversation":"group:g1"}`, 409, "it is not held"},
		{"shop/backend/resume", `{"until":"1h"}`, 400, "belong to pause"},
	} {
		if w := ask(h, "POST", "/api/v1/endpoints/"+tt.path, tt.body, nil); w.Code != tt.code || !strings.Contains(w.Body.String(), tt.want) {
			t.Errorf("%s %s = %d %s, want %d %s", tt.path, tt.body, w.Code, w.Body, tt.code, tt.want)
		}
	}
	form := func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }
	if w := ask(h, "POST", "/api/v1/endpoints/shop/backend/pause", `{"why":"x"}`, form); w.Code != http.StatusBadRequest {
		t.Errorf("a body that a page of another site could send = %d, want 400", w.Code)
	}
}

func TestDeadLetters_TellWhy(t *testing.T) {
	t.Parallel()
	h := setup(t, nil)
	w := ask(h, "GET", "/api/v1/deadletters?endpoint=shop/backend", "", nil)
	for _, want := range []string{`"endpoint":"shop/backend"`, `"reason":"4xx"`, `"pos":"327681"`, `"id":"e2"`, `"status":400`} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("dead letters = %s, want %s in it", w.Body, want)
		}
	}
	if strings.Contains(w.Body.String(), "shop/other") {
		t.Errorf("dead letters of one endpoint = %s, want no other's", w.Body)
	}
	if w := ask(h, "GET", "/api/v1/deadletters?limit=1", "", nil); strings.Count(w.Body.String(), `"reason"`) != 1 {
		t.Errorf("one dead letter = %s", w.Body)
	}
	if w := ask(h, "GET", "/api/v1/deadletters?limit=x", "", nil); w.Code != http.StatusBadRequest {
		t.Errorf("limit=x = %d, want 400", w.Code)
	}
}

func TestHealth_IsOpenAndSaysWhenNotReady(t *testing.T) {
	t.Parallel()
	h := setup(t, func(c *admin.Config) {
		c.Ready = func(context.Context) error { return errors.New("the disk is gone") }
	})
	far := func(r *http.Request) { r.RemoteAddr, r.Host = "10.0.0.9:1", "gateway" }
	if w := ask(h, "GET", "/healthz", "", far); w.Code != http.StatusOK {
		t.Errorf("healthz = %d, want 200", w.Code)
	}
	if w := ask(h, "GET", "/readyz", "", far); w.Code != http.StatusServiceUnavailable || strings.Contains(w.Body.String(), "disk") {
		t.Errorf("readyz = %d %s, want 503 without the cause", w.Code, w.Body)
	}
	if w := ask(setup(t, nil), "GET", "/readyz", "", far); w.Code != http.StatusOK {
		t.Errorf("readyz = %d, want 200", w.Code)
	}
}

func TestMetricsAndNothingElse(t *testing.T) {
	t.Parallel()
	h := setup(t, nil)
	if w := ask(h, "GET", "/metrics", "", nil); !strings.Contains(w.Body.String(), "imhook_test_total 0") {
		t.Errorf("metrics = %s", w.Body)
	}
	for _, path := range []string{"/", "/nowhere", "/api/v1/nowhere"} {
		if w := ask(h, "GET", path, "", nil); w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), "message") {
			t.Errorf("%s = %d %s, want 404 with a message", path, w.Code, w.Body)
		}
	}
}

func TestNew_NeedsItsParts(t *testing.T) {
	t.Parallel()
	if _, err := admin.New(admin.Config{}); err == nil {
		t.Error("New without anything was taken")
	}
}

// listed is an answer of GET /api/v1/events.
type listed struct {
	Events []struct {
		ID string `json:"id"`
	} `json:"events"`
	Next   string `json:"next"`
	Newest string `json:"newest"`
}

func (l listed) ids() string {
	var ids []string
	for _, e := range l.Events {
		ids = append(ids, e.ID)
	}
	return strings.Join(ids, " ")
}

func list(t *testing.T, h http.Handler, query string) listed {
	t.Helper()
	w := ask(h, "GET", "/api/v1/events?"+query, "", nil)
	if w.Code != http.StatusOK {
		t.Fatalf("events?%s = %d %s", query, w.Code, w.Body)
	}
	var l listed
	if err := json.Unmarshal(w.Body.Bytes(), &l); err != nil {
		t.Fatal(err)
	}
	return l
}
