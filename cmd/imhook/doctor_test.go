package main

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/imhook/imhook/client/admin"
)

// judged reads an endpoint as the gateway shows it, and returns what doctor finds.
func judged(t *testing.T, shown string) []finding {
	t.Helper()
	var e admin.Endpoint
	if err := json.Unmarshal([]byte(shown), &e); err != nil {
		t.Fatal(err)
	}
	var d doctor
	d.judgeEndpoint(&e, &admin.Reached{})
	return d.findings
}

// What does not go on is not said to be up to date.
func TestDoctor_EndpointThatIsNotWell(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, shown string
		level       level
		want        string
	}{
		{"nobody delivers to it", `{"app":"shop","name":"backend","state":"moving"}`, wrong, "no gateway of the cluster delivers to it"},
		{
			"a conversation is blocked", `{"app":"shop","name":"backend","state":"live","backlog":3,"blocked":1,
			"blockedConversations":[{"conversation":"group:g1","since":"2026-11-20T08:00:00Z","reason":"4xx","detail":"404","attempts":4,"backlog":3}]}`,
			wrong, "blocked: 1 conversation; 3 events wait",
		},
		{"it has not read what waits", `{"app":"shop","name":"backend","state":"catching up","behind":1200,"more":true,"oldestAgeSeconds":60}`, note, "catching up; 1200 events wait"},
		{
			"it fails, and has not read what waits", `{"app":"shop","name":"backend","state":"catching up","lastError":"connect","backlog":6,"behind":1200,"more":true}`,
			wrong, "it fails; 1206 events wait",
		},
		{
			"a conversation is paused", `{"app":"shop","name":"backend","state":"live",
			"pausedConversations":[{"conversation":"group:g1","why":"a bot","backlog":3}]}`, note, "conversation group:g1 is paused; 3 events wait",
		},
	} {
		all := judged(t, tt.shown)
		if !slices.ContainsFunc(all, func(f finding) bool { return f.Level == tt.level && strings.Contains(f.What, tt.want) && f.Do != "" }) {
			t.Errorf("%s: found %+v, want %s %q", tt.name, all, tt.level, tt.want)
		}
	}
}

func TestDoctor_LostDeadLettersAreTold(t *testing.T) {
	t.Parallel()
	var d doctor
	d.checkJournal(&admin.JournalStatus{RetainBytes: 1 << 30, LostDeadLetters: 12, Losses: []string{"12 of 20 dead letters are missing"}})
	if !slices.ContainsFunc(d.findings, func(f finding) bool { return f.Level == note && strings.Contains(f.What, "12 dead letters") }) {
		t.Errorf("found %+v", d.findings)
	}
}

// Where gateways share a journal doctor goes on to the end: it says who delivers, and
// that nothing was sent.
func TestDoctor_Cluster(t *testing.T) {
	t.Parallel()
	answers := map[string]string{
		"GET /healthz":          "ok",
		"GET /api/v1/status":    `{"journal":{"retainBytes":1000}}`,
		"GET /api/v1/sources":   `{"sources":[{"name":"im","app":"shop"}]}`,
		"GET /api/v1/endpoints": `{"endpoints":[{"app":"shop","name":"backend","state":"live"}]}`,
		"GET /api/v1/hooks":     `{"hooks":[]}`,
		"GET /api/v1/ledger":    `{"accounts":[{"kind":"endpoint","app":"shop","name":"backend"}]}`,
		"GET /api/v1/cluster": `{"self":"a","writer":"a","members":[{"id":"a","host":"gw-1","pid":1,"writes":true},
			{"id":"b","host":"gw-2","pid":1,"differs":["endpoint shop/backend is different there"]}],
			"parts":[{"endpoint":"shop/backend","part":1,"of":2,"owner":"a"},{"endpoint":"shop/backend","part":2,"of":2}]}`,
	}
	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, ok := answers[r.Method+" "+r.URL.Path]
		if !ok {
			w.WriteHeader(http.StatusNotFound)
		}
		_, _ = w.Write([]byte(answer))
	}))
	t.Cleanup(gateway.Close)
	asks, err := admin.New(admin.Config{URL: gateway.URL, HTTP: gateway.Client()})
	if err != nil {
		t.Fatal(err)
	}
	d := &doctor{client: &client{asks, gateway.Client()}, now: time.Now()}
	if err := d.run(t.Context()); err == nil || err.Error() != "2 things are wrong" {
		t.Errorf("it ended with %v", err)
	}
	for _, want := range []struct {
		level       level
		check, what string
	}{
		{wrong, "cluster", "another one than that of the gateway that writes"},
		{wrong, "cluster", "nobody delivers 1 of 2 parts"},
		{note, "source", "no event was sent"},
		{fine, "endpoint", "up to date"},
		{fine, "ledger", "accounted for"},
	} {
		if !slices.ContainsFunc(d.findings, func(f finding) bool {
			return f.Level == want.level && f.Check == want.check && strings.Contains(f.What, want.what)
		}) {
			t.Errorf("found %+v, want %s %s: %s", d.findings, want.level, want.check, want.what)
		}
	}
}
