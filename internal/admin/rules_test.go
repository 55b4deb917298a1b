package admin_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/admin"
)

// rules takes message.send, and knows two mistakes.
type rules struct{}

type placed struct{ error }

func (placed) Position() (line, column int) { return 2, 7 }

func (rules) Rule(r admin.Rule) (admin.Rule, func(*event.Event) admin.RuleResult, error) {
	switch {
	case r.When == "bad":
		return r, nil, placed{errors.New("it is bad")}
	case r.App == "nowhere":
		return r, nil, errors.New("there is no app nowhere")
	}
	r.App = "shop"
	return r, func(ev *event.Event) admin.RuleResult {
		if ev.Type == "message.send" {
			return admin.RuleResult{Matched: true, Why: "taken", Pattern: "message.send", Parts: []admin.RulePart{{Text: "a", Value: "true", Where: "b"}}}
		}
		return admin.RuleResult{Failed: "events", Why: "not taken"}
	}, nil
}

func TestRules_AskTheNewestEvents(t *testing.T) {
	t.Parallel()
	h := setup(t, func(c *admin.Config) { c.Rules = rules{} })
	w := ask(h, "POST", "/api/v1/rules/test", `{"events":["message.send"],"limit":2}`, nil)
	want := `{"rule":{"app":"shop","events":["message.send"]},"tested":2,"matched":1,"events":[` +
		`{"id":"e6","type":"group.create","source":"other","lane":"group:g2","time":"2026-11-20T12:00:00Z","matched":false,"failed":"events","why":"not taken"},` +
		`{"id":"e5","type":"message.send","source":"im","lane":"group:g1","time":"2026-11-20T12:00:00Z","matched":true,"why":"taken","pattern":"message.send",` +
		`"parts":[{"text":"a","value":"true","where":"b"}]}]}`
	if diff := cmp.Diff(want, w.Body.String()); w.Code != http.StatusOK || diff != "" {
		t.Errorf("rules/test = %d (-want +got):\n%s", w.Code, diff)
	}
	for body, want := range map[string]string{
		`{"when":"true"}`:               `"tested":6,"matched":3`,
		`{"when":"true","since":"30s"}`: `"tested":2,"matched":1`,
	} {
		if w := ask(h, "POST", "/api/v1/rules/test", body, nil); !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s = %s, want %s in it", body, w.Body, want)
		}
	}
}

func TestRules_SayWhatIsWrong(t *testing.T) {
	t.Parallel()
	h := setup(t, func(c *admin.Config) { c.Rules = rules{} })
	long := `{"when":"` + strings.Repeat("x", 300<<10) + `"}`
	for body, want := range map[string]string{
		`{"when":"bad"}`:                      `{"error":{"message":"it is bad","when":"bad","line":2,"column":7}}`,
		`{"app":"nowhere"}`:                   `{"error":{"message":"there is no app nowhere"}}`,
		`{"limit":1001}`:                      `{"error":{"message":"limit is 1001; write 1 to 1000"}}`,
		`{"limit":-1}`:                        `{"error":{"message":"limit is -1; write 1 to 1000"}}`,
		`{"endpoint":"shop/b","when":"true"}`: `{"error":{"message":"endpoint names a whole rule; leave out app, events, sources and when"}}`,
		`{"when":"true","since":"soon"}`:      `{"error":{"message":"since is \"soon\"; write 2026-11-20T08:00:00Z, 2026-11-20 (midnight UTC) or how long ago, 1h or 2d"}}`,
		`{"typo":1}`:                          `{"error":{"message":"reading the request: `,
		long:                                  `{"error":{"message":"reading the request: `,
	} {
		w := ask(h, "POST", "/api/v1/rules/test", body, nil)
		if w.Code != http.StatusBadRequest || !strings.HasPrefix(w.Body.String(), want) {
			t.Errorf("%.60s = %d %s, want 400 %s", body, w.Code, w.Body, want)
		}
	}
	w := ask(h, "POST", "/api/v1/rules/test", `{}`, func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") })
	if w.Code != http.StatusBadRequest {
		t.Errorf("a form of another page = %d, want 400", w.Code)
	}
	if w := ask(setup(t, nil), "POST", "/api/v1/rules/test", `{"when":"true"}`, nil); w.Code != http.StatusNotFound {
		t.Errorf("without rules = %d, want 404", w.Code)
	}
}
