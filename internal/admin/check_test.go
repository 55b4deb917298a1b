package admin_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/cloudevents"
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/admin"
	"github.com/imhook/imhook/internal/config"
	"github.com/imhook/imhook/internal/gateway"
	"github.com/imhook/imhook/internal/ledger"
)

// path is a source's way to its endpoints: what the source takes is in the journal,
// and then tried.
type path struct {
	picks   []string
	becomes func(ev *event.Event, endpoint string) (gateway.Attempt, bool)
	watched func(*event.Event) bool
	seen    []gateway.Attempt
	changed chan struct{}
	stopped int
}

func (p *path) Picks(*event.Event) []string { return p.picks }

func (p *path) Watch(pick func(*event.Event) bool) admin.Watch {
	p.watched, p.changed = pick, make(chan struct{}, 1)
	return p
}

func (p *path) Attempts() []gateway.Attempt { return p.seen }
func (p *path) Changed() <-chan struct{}    { return p.changed }
func (p *path) Stop()                       { p.stopped++ }

// take is what the source does with a callback.
func (p *path) take(t *testing.T, j *pages) http.Handler {
	t.Helper()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		evs, err := cloudevents.New().Decode(&dialect.Request{ContentType: r.Header.Get("Content-Type"), Header: r.Header, Body: body})
		if err != nil || len(evs) != 1 {
			t.Errorf("the source was called with %d events: %v", len(evs), err)
			return
		}
		ev := evs[0]
		ev.App, ev.Source = "shop", "im"
		j.list = append(j.list, &gateway.Page{Seq: j.first + uint64(len(j.list)), Time: noon, Events: []*event.Event{ev}})
		for _, id := range p.picks {
			if a, ok := p.becomes(ev, id); ok && p.watched(ev) {
				a.Endpoint, a.Event = id, ev
				p.seen = append(p.seen, a)
			}
		}
		_, _ = io.WriteString(w, "taken")
	})
}

type checkAnswer struct {
	Unsigned  string   `json:"unsigned"`
	Kept      bool     `json:"kept"`
	Type      string   `json:"type"`
	Unmatched []string `json:"unmatched"`
	Response  struct {
		Status int `json:"status"`
	} `json:"response"`
	Endpoints []struct {
		Endpoint string `json:"endpoint"`
		Fate     string `json:"fate"`
		Reason   string `json:"reason"`
		Status   int    `json:"status"`
		Detail   string `json:"detail"`
		Answer   string `json:"answer"`
	} `json:"endpoints"`
}

func check(t *testing.T, p *path, change func(*admin.Config)) checkAnswer {
	t.Helper()
	j := threePages()
	h := setup(t, func(c *admin.Config) {
		s := &c.Current().Apps[0].Sources[0]
		*s = config.Source{Name: "im", Dialect: "cloudevents"}
		c.Registry, c.Journal, c.Deliveries, c.Receive = dialect.NewRegistry(cloudevents.New()), j, p, p.take(t, j)
		if change != nil {
			change(c)
		}
	})
	w := ask(h, "POST", "/api/v1/sources/im/check", `{"timeoutSeconds":0.2}`, nil)
	if w.Code != http.StatusOK {
		t.Fatalf("check = %d %s", w.Code, w.Body)
	}
	var a checkAnswer
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
		t.Fatal(err)
	}
	if p.stopped != 1 {
		t.Errorf("the watch was stopped %d times, want once", p.stopped)
	}
	return a
}

func TestCheck_FollowsTheEventToEveryEndpoint(t *testing.T) {
	t.Parallel()
	p := &path{
		picks: []string{"shop/good", "shop/bad", "shop/paused", "shop/slow", "shop/deaf"},
		becomes: func(_ *event.Event, id string) (gateway.Attempt, bool) {
			switch id {
			case "shop/good":
				return gateway.Attempt{Outcome: gateway.Outcome{Kind: gateway.Delivered, Status: 200}}, true
			case "shop/bad":
				return gateway.Attempt{Outcome: gateway.Outcome{
					Kind: gateway.Refused, Reason: gateway.ReasonStatus4xx, Status: 403, Detail: "403 Forbidden", Exchange: &gateway.Exchange{Response: "who are you"},
				}}, true
			case "shop/deaf":
				return gateway.Attempt{Outcome: gateway.Outcome{Kind: gateway.Untranslatable}}, true
			}
			return gateway.Attempt{}, false
		},
	}
	a := check(t, p, func(c *admin.Config) {
		c.Endpoints = endpoints{
			{App: "shop", Name: "paused", Paused: "it answered 410"},
			{App: "shop", Name: "slow", LastError: "connect"},
			{App: "shop", Name: "other", State: "live"},
			{App: "shop", Name: "old", State: "removed"},
			{App: "mall", Name: "theirs"},
		}
	})
	if !a.Kept || a.Type != "user.online" || a.Response.Status != 200 {
		t.Errorf("check = %+v, want a kept user.online", a)
	}
	if diff := cmp.Diff([]string{"shop/other"}, a.Unmatched); diff != "" {
		t.Errorf("unmatched (-want +got):\n%s", diff)
	}
	got := map[string]string{}
	for _, e := range a.Endpoints {
		got[e.Endpoint] = strings.TrimSpace(e.Fate + " " + e.Reason + " " + e.Detail + " " + e.Answer)
	}
	want := map[string]string{
		"shop/good": "delivered", "shop/bad": "failed 4xx 403 Forbidden who are you", "shop/paused": "held  paused: it answered 410",
		"shop/slow": "waiting  connect", "shop/deaf": "left out",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("fates (-want +got):\n%s", diff)
	}
}

func TestCheck_SaysWhatTheSourceDidNotTake(t *testing.T) {
	t.Parallel()
	a := check(t, &path{}, func(c *admin.Config) {
		c.Receive = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	})
	if a.Kept || a.Response.Status != 503 || len(a.Endpoints) != 0 {
		t.Errorf("check = %+v, want a 503 and nothing kept", a)
	}
}

func TestCheck_RefusesWhatItCannotDo(t *testing.T) {
	t.Parallel()
	h := setup(t, func(c *admin.Config) { c.Deliveries = &path{} })
	for target, want := range map[string]int{"none": http.StatusNotFound, "im": http.StatusBadRequest} {
		if w := ask(h, "POST", "/api/v1/sources/"+target+"/check", `{"timeoutSeconds":3600}`, nil); w.Code != want {
			t.Errorf("check of %s = %d %s, want %d", target, w.Code, w.Body, want)
		}
	}
	// A page of another site cannot send JSON without asking first.
	w := ask(h, "POST", "/api/v1/sources/im/check", `{}`, func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") })
	if w.Code != http.StatusBadRequest {
		t.Errorf("check sent as text = %d %s", w.Code, w.Body)
	}
}

func TestLedger_SaysWhereItDoesNotBalance(t *testing.T) {
	t.Parallel()
	h := setup(t, func(c *admin.Config) {
		c.Ledger = func() []ledger.Account {
			return []ledger.Account{{Kind: ledger.Source, App: "shop", Name: "im", In: []ledger.Entry{{Name: "received", Events: 3}}, Out: []ledger.Entry{{Name: "journaled", Events: 2}}}}
		}
	})
	want := `{"accounts":[{"kind":"source","app":"shop","name":"im","in":[{"name":"received","events":3}],"out":[{"name":"journaled","events":2}],` +
		`"difference":1,"words":"source shop/im: 1 event came in and is nowhere now (3 received = 2 journaled)"}],"balanced":false}`
	if diff := cmp.Diff(want, ask(h, "GET", "/api/v1/ledger", "", nil).Body.String()); diff != "" {
		t.Errorf("ledger (-want +got):\n%s", diff)
	}
}

func TestStatus_TellsConfigurationAndJournal(t *testing.T) {
	t.Parallel()
	h := setup(t, func(c *admin.Config) {
		c.Status = func(context.Context) admin.Status {
			return admin.Status{
				Config:  admin.ConfigStatus{Followed: true, Refused: "imhook.yaml:3: unknown key"},
				Journal: admin.JournalStatus{Trouble: errors.New("journal is full").Error(), RetainBytes: 7},
			}
		}
	})
	var got admin.Status
	if err := json.Unmarshal(ask(h, "GET", "/api/v1/status", "", nil).Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.Version != "v9" || got.Config.Refused == "" || got.Journal.Trouble != "journal is full" || got.Journal.RetainBytes != 7 {
		t.Errorf("status = %+v", got)
	}
}

func TestHookCheck_AsksConfiguredHooksOnly(t *testing.T) {
	t.Parallel()
	h := setup(t, func(c *admin.Config) {
		c.Current().Apps[0].Hooks = []config.Hook{{Name: "words", Timeout: time.Second}}
		c.AskHook = func(_ context.Context, app, name string) admin.HookAnswer {
			return admin.HookAnswer{Asked: true, Cause: gateway.CauseHook, Verdict: event.Allow, Timeout: 1, Detail: app + "/" + name}
		}
	})
	if body := ask(h, "POST", "/api/v1/hooks/shop/words/check", `{}`, nil).Body.String(); !strings.Contains(body, `"verdict":"allow"`) || !strings.Contains(body, "shop/words") {
		t.Errorf("answer = %s", body)
	}
	if w := ask(h, "POST", "/api/v1/hooks/shop/none/check", `{}`, nil); w.Code != http.StatusNotFound {
		t.Errorf("a hook that there is not = %d %s", w.Code, w.Body)
	}
}

// TestCheckEndpoint: whoever asks is told whether there is a connection, and that there
// is no such endpoint.
func TestCheckEndpoint(t *testing.T) {
	t.Parallel()
	h := setup(t, func(c *admin.Config) {
		c.Reach = func(_ context.Context, app, name string) (admin.Reached, error) {
			if app != "shop" || name != "backend" {
				return admin.Reached{}, gateway.ErrNoEndpoint
			}
			return admin.Reached{Tried: true, Reason: gateway.ReasonConnect, Detail: "connect: refused"}, nil
		}
	})
	for _, tt := range []struct {
		path, body string
		status     int
		want       string
	}{
		{"shop/backend", "{}", http.StatusOK, `"reason":"connect"`},
		{"shop/none", "{}", http.StatusNotFound, "there is no endpoint shop/none"},
		{"shop/backend", `{"url":"http://other"}`, http.StatusBadRequest, "url"},
	} {
		w := ask(h, "POST", "/api/v1/endpoints/"+tt.path+"/check", tt.body, nil)
		if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.want) {
			t.Errorf("%s %s = %d %s, want %d with %s", tt.path, tt.body, w.Code, w.Body, tt.status, tt.want)
		}
	}
}
