package admin_test

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	client "github.com/imhook/imhook/client/admin"
	"github.com/imhook/imhook/internal/admin"
)

// method is a method of the Go client, by the operation that it calls.
type method struct {
	call func(ctx context.Context, c *client.Client) (any, error)
	// answer is what it returns, query and body what it sends; nil where there is none.
	answer, query, body any
}

func give[A any](a *A, err error) (any, error) { return a, err }

// methods are all of them. Operations that name an endpoint without its app are those
// with it.
func methods() map[string]method {
	m := map[string]method{}
	one := func(id string, answer, query, body any, call func(context.Context, *client.Client) (any, error)) {
		m[id] = method{call, answer, query, body}
	}
	type ctx = context.Context
	type cl = *client.Client
	one("events", client.EventList{}, client.EventsQuery{}, nil, func(x ctx, c cl) (any, error) {
		return give(c.Events(x, client.EventsQuery{Type: "message.*", Limit: 3}))
	})
	one("event", client.Event{}, nil, nil, func(x ctx, c cl) (any, error) { return give(c.Event(x, "e/1")) })
	one("decisions", client.DecisionList{}, client.DecisionsQuery{}, nil, func(x ctx, c cl) (any, error) { return give(c.Decisions(x, client.DecisionsQuery{Hook: "words"})) })
	one("decision", client.Story{}, nil, nil, func(x ctx, c cl) (any, error) { return give(c.Decision(x, "msg:m1")) })
	one("attempts", client.AttemptList{}, client.AttemptsQuery{}, nil, func(x ctx, c cl) (any, error) { return give(c.Attempts(x, client.AttemptsQuery{})) })
	one("search", client.Found{}, client.SearchQuery{}, nil, func(x ctx, c cl) (any, error) {
		return give(c.Search(x, client.SearchQuery{Q: "alice since:2h", Limit: 3}))
	})
	one("timeline", client.Timeline{}, nil, nil, func(x ctx, c cl) (any, error) { return give(c.Timeline(x, "e/1")) })
	one("history", client.HistoryStatus{}, nil, nil, func(x ctx, c cl) (any, error) { return give(c.History(x)) })
	one("rebuildHistory", client.HistoryStatus{}, nil, nil, func(x ctx, c cl) (any, error) { return give(c.RebuildHistory(x)) })
	one("testRule", client.RuleTested{}, nil, client.RuleTest{}, func(x ctx, c cl) (any, error) { return give(c.TestRule(x, client.RuleTest{Limit: 3})) })
	one("sources", client.SourceList{}, nil, nil, func(x ctx, c cl) (any, error) { return give(c.Sources(x)) })
	one("trigger", client.Triggered{}, nil, client.Trigger{}, func(x ctx, c cl) (any, error) { return give(c.Trigger(x, "im", client.Trigger{Command: "m"})) })
	one("checkSource", client.Check{}, nil, nil, func(x ctx, c cl) (any, error) { return give(c.CheckSource(x, "im", time.Second)) })
	one("hooks", client.HookList{}, nil, nil, func(x ctx, c cl) (any, error) { return give(c.Hooks(x)) })
	one("checkHook", client.HookAnswer{}, nil, nil, func(x ctx, c cl) (any, error) { return give(c.CheckHook(x, "shop", "words")) })
	one("checkEndpoint", client.Reached{}, nil, nil, func(x ctx, c cl) (any, error) { return give(c.CheckEndpoint(x, "shop", "backend")) })
	one("endpoints", client.EndpointList{}, nil, nil, func(x ctx, c cl) (any, error) { return give(c.Endpoints(x)) })
	one("pauseEndpoint", client.Steered{}, nil, nil, func(x ctx, c cl) (any, error) { return give(c.PauseEndpoint(x, "shop/backend", client.Pause{})) })
	one("pauseEndpointByName", client.Steered{}, nil, nil, func(x ctx, c cl) (any, error) { return give(c.PauseEndpoint(x, "backend", client.Pause{})) })
	one("resumeEndpoint", client.Steered{}, nil, nil, func(x ctx, c cl) (any, error) { return give(c.ResumeEndpoint(x, "shop/backend", client.Resume{})) })
	one("resumeEndpointByName", client.Steered{}, nil, nil, func(x ctx, c cl) (any, error) { return give(c.ResumeEndpoint(x, "backend", client.Resume{})) })
	one("replay", client.Replayed{}, nil, client.Replay{}, func(x ctx, c cl) (any, error) { return give(c.Replay(x, "shop/backend", client.Replay{})) })
	one("replayByName", client.Replayed{}, nil, client.Replay{}, func(x ctx, c cl) (any, error) { return give(c.Replay(x, "backend", client.Replay{})) })
	one("deadLetterGroups", client.DeadLetterGroups{}, client.DeadLettersQuery{}, nil, func(x ctx, c cl) (any, error) {
		return give(c.DeadLetterGroups(x, client.DeadLettersQuery{Endpoint: "backend"}))
	})
	one("sample", client.Sample{}, client.SampleQuery{}, nil, func(x ctx, c cl) (any, error) {
		return give(c.Sample(x, "im", client.SampleQuery{Command: "message", Seed: "7"}))
	})
	one("deadLetters", client.DeadLetterList{}, client.DeadLettersQuery{}, nil, func(x ctx, c cl) (any, error) {
		return give(c.DeadLetters(x, client.DeadLettersQuery{Type: []string{"a", "b"}}))
	})
	one("deadLetter", client.WholeDeadLetter{}, nil, nil, func(x ctx, c cl) (any, error) { return give(c.DeadLetter(x, "12")) })
	one("exportDeadLetters", nil, client.DeadLettersQuery{}, nil, func(x ctx, c cl) (any, error) {
		var b bytes.Buffer
		err := c.ExportDeadLetters(x, client.DeadLettersQuery{}, &b)
		return b.String(), err
	})
	one("purgeDeadLetters", client.Purged{}, nil, client.DeadLetterWish{}, func(x ctx, c cl) (any, error) {
		return give(c.PurgeDeadLetters(x, client.DeadLetterWish{All: true}))
	})
	one("resendDeadLetter", client.Resent{}, nil, client.Resend{}, func(x ctx, c cl) (any, error) { return give(c.ResendDeadLetter(x, "12", client.Resend{})) })
	one("requeueDeadLetters", client.Requeued{}, nil, client.DeadLetterWish{}, func(x ctx, c cl) (any, error) {
		return give(c.RequeueDeadLetters(x, client.DeadLetterWish{All: true}))
	})
	one("runs", client.RunList{}, client.RunsQuery{}, nil, func(x ctx, c cl) (any, error) { return give(c.Runs(x, client.RunsQuery{Kind: "replayed"})) })
	one("run", client.Run{}, nil, nil, func(x ctx, c cl) (any, error) { return give(c.Run(x, "r7")) })
	one("cancelRun", client.Run{}, nil, nil, func(x ctx, c cl) (any, error) { return give(c.CancelRun(x, "r7")) })
	one("cluster", client.Cluster{}, nil, nil, func(x ctx, c cl) (any, error) { return give(c.Cluster(x)) })
	one("ledger", client.Ledger{}, nil, nil, func(x ctx, c cl) (any, error) { return give(c.Ledger(x)) })
	one("status", client.Status{}, nil, nil, func(x ctx, c cl) (any, error) { return give(c.Status(x)) })
	one("compareConfig", client.Comparison{}, nil, nil, func(x ctx, c cl) (any, error) { return give(c.CompareConfig(x, []byte("apps: []"))) })
	one("login", client.Me{}, nil, nil, func(x ctx, c cl) (any, error) { return give(c.Login(x, "t")) })
	one("logout", nil, nil, nil, func(x ctx, c cl) (any, error) { return nil, c.Logout(x) })
	one("me", client.Me{}, nil, nil, func(x ctx, c cl) (any, error) { return give(c.Me(x)) })
	one("tokens", client.TokenList{}, nil, nil, func(x ctx, c cl) (any, error) { return give(c.Tokens(x)) })
	one("createToken", client.NewToken{}, nil, client.TokenWish{}, func(x ctx, c cl) (any, error) {
		return give(c.CreateToken(x, client.TokenWish{Name: "a", Role: client.RoleViewer}))
	})
	one("revokeToken", client.RevokedToken{}, nil, nil, func(x ctx, c cl) (any, error) { return give(c.RevokeToken(x, "a b")) })
	one("audit", client.AuditList{}, client.AuditQuery{}, nil, func(x ctx, c cl) (any, error) { return give(c.Audit(x, client.AuditQuery{Who: "a"})) })
	for section, what := range map[client.Section]string{client.Sources: "Source", client.Hooks: "Hook", client.Endpoints: "Endpoint"} {
		dry := client.DefineOptions{DryRun: true}
		one("get"+what, client.Definition{}, nil, nil, func(x ctx, c cl) (any, error) { return give(c.GetDefinition(x, section, "shop", "a")) })
		one("put"+what, client.Defined{}, dry, nil, func(x ctx, c cl) (any, error) {
			return give(c.PutDefinition(x, section, "shop", "a", []byte("a: 1"), dry))
		})
		one("patch"+what, client.Defined{}, dry, nil, func(x ctx, c cl) (any, error) {
			return give(c.PatchDefinition(x, section, "shop", "a", []byte("a: 1"), dry))
		})
		one("delete"+what, client.Defined{}, dry, nil, func(x ctx, c cl) (any, error) { return give(c.DeleteDefinition(x, section, "shop", "a", dry)) })
		one("rotate"+what, client.Defined{}, dry, client.Rotation{}, func(x ctx, c cl) (any, error) {
			return give(c.RotateSecret(x, section, "shop", "a", client.Rotation{}, dry))
		})
	}
	ended := func(err error) error {
		if _, ok := errors.AsType[*client.BrokenError](err); ok {
			return nil // as it does when the gateway stops
		}
		return err
	}
	one("live", nil, nil, nil, func(x ctx, c cl) (any, error) {
		return nil, ended(c.Live(x, func(*client.Overview) error { return nil }))
	})
	one("tail", nil, client.TailQuery{}, nil, func(x ctx, c cl) (any, error) {
		return nil, ended(c.Tail(x, client.TailQuery{Type: "message.*"}, "7", func(client.StreamEvent) error { return nil }))
	})
	one("listen", nil, nil, client.Listening{}, func(x ctx, c cl) (any, error) {
		return nil, ended(c.Listen(x, client.Listening{Endpoint: "shop/dev"}, nil, func(client.StreamEvent) error { return nil }))
	})
	one("answerListen", client.ListenAnswered{}, nil, nil, func(x ctx, c cl) (any, error) {
		return give(c.AnswerListen(x, "s", client.ListenAnswer{ID: "a", Status: 200}))
	})
	one("charts", client.Charts{}, client.ChartsQuery{}, nil, func(x ctx, c cl) (any, error) { return give(c.Charts(x, client.ChartsQuery{By: "type"})) })
	one("exportConfig", nil, nil, nil, func(x ctx, c cl) (any, error) { return c.ExportConfig(x) })
	one("document", nil, nil, nil, func(x ctx, c cl) (any, error) { return c.Document(x) })
	one("health", nil, nil, nil, func(x ctx, c cl) (any, error) { return nil, c.Health(x) })
	one("ready", nil, nil, nil, func(x ctx, c cl) (any, error) { return nil, c.Ready(x) })
	one("metrics", nil, nil, nil, func(x ctx, c cl) (any, error) { return c.Metrics(x) })
	return m
}

// Every operation of the document has its method in the Go client, which calls it and
// reads everything of its example.
func TestClient_HasEveryOperation(t *testing.T) {
	t.Parallel()
	_, doc, _ := opened(t)
	ops, all := operationsOf(doc), methods()
	var ids []string
	called := make(chan string, 1)
	mux := http.NewServeMux()
	for pattern, op := range ops {
		ids = append(ids, op.OperationID)
		mux.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) {
			called <- op.OperationID
			for media, m := range op.Responses["200"].Content {
				w.Header().Set("Content-Type", media)
				b, err := json.Marshal(m.Example)
				if err != nil {
					t.Error(err)
				}
				_, _ = w.Write(b)
			}
		})
	}
	slices.Sort(ids)
	if diff := cmp.Diff(ids, slices.Sorted(maps.Keys(all))); diff != "" {
		t.Fatalf("operations and methods (-document +client):\n%s", diff)
	}
	srv := httptest.NewServer(mux)
	defer srv.Close()
	c, err := client.New(client.Config{URL: srv.URL, Token: "t"})
	if err != nil {
		t.Fatal(err)
	}
	for pattern, op := range ops {
		got, err := all[op.OperationID].call(t.Context(), c)
		if err != nil {
			t.Errorf("%s: %v", op.OperationID, err)
			continue
		}
		if by := <-called; by != op.OperationID {
			t.Errorf("%s (%s) calls %s", op.OperationID, pattern, by)
		}
		if all[op.OperationID].answer == nil {
			continue
		}
		var read any
		b, err := json.Marshal(got)
		if err == nil {
			err = json.Unmarshal(b, &read)
		}
		if err != nil {
			t.Errorf("%s: %v", op.OperationID, err)
			continue
		}
		missing(t, op.OperationID, op.Responses["200"].Content["application/json"].Example, read)
	}
}

// missing reports what is in want and not in got.
func missing(t *testing.T, at string, want, got any) {
	t.Helper()
	switch w := want.(type) {
	case map[string]any:
		g, _ := got.(map[string]any)
		for k := range w {
			missing(t, at+"."+k, w[k], g[k])
		}
	case []any:
		g, _ := got.([]any)
		if len(g) != len(w) {
			t.Errorf("%s has %d items, want %d", at, len(g), len(w))
			return
		}
		for i := range w {
			missing(t, at+"[]", w[i], g[i])
		}
	default:
		if !cmp.Equal(want, got) {
			t.Errorf("%s is %v, want %v", at, got, want)
		}
	}
}

// What the client's types hold is what the document says, no more and no less.
func TestClient_TypesAreThoseOfTheDocument(t *testing.T) {
	t.Parallel()
	_, doc, _ := opened(t)
	own := admin.Schemas()
	all := methods()
	for _, op := range operationsOf(doc) {
		m := all[op.OperationID]
		if m.answer != nil {
			want := shape(doc.Components.Schemas, op.Responses["200"].Content["application/json"].Schema)
			if diff := cmp.Diff(want, shape(own, own.Schema(reflect.TypeOf(m.answer), true, ""))); diff != "" {
				t.Errorf("%s answers (-document +client):\n%s", op.OperationID, diff)
			}
		}
		if m.body != nil {
			want := shape(doc.Components.Schemas, op.RequestBody.Content["application/json"].Schema)
			if diff := cmp.Diff(want, shape(own, own.Schema(reflect.TypeOf(m.body), true, ""))); diff != "" {
				t.Errorf("%s takes (-document +client):\n%s", op.OperationID, diff)
			}
		}
		var keys, has []string
		for _, p := range op.Parameters {
			if p.In == "query" {
				keys = append(keys, p.Name)
			}
		}
		if m.query != nil {
			for _, f := range reflect.VisibleFields(reflect.TypeOf(m.query)) {
				has = append(has, f.Tag.Get("query"))
			}
		}
		if diff := cmp.Diff(keys, has); diff != "" {
			t.Errorf("%s asks for (-document +client):\n%s", op.OperationID, diff)
		}
	}
}

// shape is the names and types of a schema.
func shape(in huma.Registry, s *huma.Schema) any {
	return shapeBelow(in, s, nil)
}

func shapeBelow(in huma.Registry, s *huma.Schema, above []string) any {
	if s == nil {
		return nil
	}
	if s.Ref != "" {
		if slices.Contains(above, s.Ref) {
			return "again"
		}
		return shapeBelow(in, in.SchemaFromRef(s.Ref), append(slices.Clone(above), s.Ref))
	}
	switch s.Type {
	case huma.TypeObject:
		all := map[string]any{}
		for name, p := range s.Properties {
			all[name] = shapeBelow(in, p, above)
		}
		if more, ok := s.AdditionalProperties.(*huma.Schema); ok {
			all["*"] = shapeBelow(in, more, above)
		}
		return all
	case huma.TypeArray:
		return []any{shapeBelow(in, s.Items, above)}
	}
	return s.Type
}

func TestClient_RefusalsAreInTheGatewaysWords(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(setup(t, func(c *admin.Config) { c.Current().Admin.Token = "hush" }))
	defer srv.Close()
	c, err := client.New(client.Config{URL: srv.URL, Token: "wrong"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Endpoints(t.Context())
	var no *client.Error
	if !errors.As(err, &no) || no.Status != http.StatusUnauthorized || !strings.Contains(no.Message, "the API needs a token") {
		t.Errorf("with a wrong token: %v, want the gateway's words", err)
	}
	if _, err := client.New(client.Config{URL: "http://user:pw@localhost"}); err == nil || strings.Contains(err.Error(), "pw") {
		t.Errorf("a URL with a password: %v, want that it is refused and not printed", err)
	}
}
