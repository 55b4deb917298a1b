package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/imhook/imhook/dialect/cloudevents"
	"github.com/imhook/imhook/dialect/openim"
	"github.com/imhook/imhook/dialect/wildfirechat"
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/imfake"
	"github.com/imhook/imhook/receiver"
)

// newReceiver serves a receiver; the answer of every lost-th request is never seen by
// its caller.
func newReceiver(t *testing.T, cfg receiver.Config, lost int64) (*receiver.Receiver, string) {
	t.Helper()
	cfg.Log = slog.New(slog.DiscardHandler)
	rc, err := receiver.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	rc.Mount(mux, "/im")
	var n atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if lost > 0 && n.Add(1)%lost == 0 {
			mux.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return rc, server.URL + "/im"
}

// flaky fails some events when they come for the first time, and notes the others.
type flaky struct {
	tally imfake.Tally

	mu     sync.Mutex
	failed map[string]bool
}

func (f *flaky) handle(_ context.Context, ev *event.Event) error {
	for m := range imfake.Marks(ev.Raw.Body) {
		f.mu.Lock()
		first := m.Seq%5 == 0 && !f.failed[m.String()]
		f.failed[m.String()] = true
		f.mu.Unlock()
		if first {
			return errors.New("the database is down")
		}
		f.tally.Note(m)
	}
	return nil
}

// A WildfireChat server's messages reach two backends in Go, one in OpenIM's words
// and one in batches of CloudEvents. Both fail now and then, and answers get lost:
// each message is handled once, in its order.
func TestReceiver_HandlesEachEventOnceAndInOrder(t *testing.T) {
	t.Parallel()
	one, many := &flaky{failed: map[string]bool{}}, &flaky{failed: map[string]bool{}}
	single, singleURL := newReceiver(t, receiver.Config{Dialect: openim.New()}, 7)
	single.On(event.MessageSend, one.handle)
	batches, batchURL := newReceiver(t, receiver.Config{Dialect: cloudevents.New(), Secret: batchSecret}, 7)
	batches.On("**", many.handle)

	gateway := newGateway(t, func(listen, data string) string {
		return fmt.Sprintf(`listen: %s
data_dir: %s
apps:
  - name: shop
    sources:
      - {name: wfc, dialect: wildfirechat}
    endpoints:
      - {name: single, dialect: openim, url: %q, retry: {fast: [20ms, 100ms], slow: {from: 200ms, to: 500ms}, max_age: 1h}}
      - {name: batches, dialect: cloudevents, url: %q, credentials: {secret: %q}, batch: {count: 50}, retry: {fast: [20ms, 100ms], slow: {from: 200ms, to: 500ms}, max_age: 1h}}
`, listen, data, singleURL, batchURL, batchSecret)
	})
	gateway.start(t)
	server := imfake.NewServer(wildfirechat.New(), "http://"+gateway.addr+"/in/wfc", imfake.ServerConfig{})
	t.Cleanup(server.Close)
	const count = 300
	run := server.Start(t.Context(), imfake.Load{Lanes: 20, Workers: 8, Count: count, TextBytes: 100})
	if err := run.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, gateway.tail())
	}
	for name, f := range map[string]*flaky{"single": one, "batches": many} {
		if err := eventually(t.Context(), time.Minute, func() error { return f.tally.Check(run.Accepted()) }); err != nil {
			t.Errorf("%s: %v\n%s", name, err, gateway.tail())
		}
		if n := f.tally.Duplicates(); n != 0 || f.tally.Distinct() != count {
			t.Errorf("%s: %d handled, %d more than once", name, f.tally.Distinct(), n)
		}
	}
	for name, rc := range map[string]*receiver.Receiver{"single": single, "batches": batches} {
		got := rc.Stats().Results
		t.Logf("%s: %v", name, got)
		if got[receiver.Handled] != count || got[receiver.Failed] == 0 || got[receiver.Duplicate] == 0 {
			t.Errorf("%s: %v: nothing was tested", name, got)
		}
	}
}

// A WildfireChat server asks; a moderator in Go that speaks CloudEvents answers, and
// the server reads its own words.
func TestReceiver_ModeratesAsAHook(t *testing.T) {
	t.Parallel()
	hook, url := newReceiver(t, receiver.Config{
		Dialect: cloudevents.New(), Secret: batchSecret, Deadline: 200 * time.Millisecond,
		OnFailure: event.Verdict{Action: event.Deny},
	}, 0)
	hook.BeforeMessage(func(ctx context.Context, ev *event.Event, m *event.Message) event.Verdict {
		switch {
		case strings.Contains(m.Text, "blast"):
			return event.Verdict{Action: event.Deny, Reason: "mind your tongue"}
		case strings.Contains(m.Text, "0123"):
			m.Text = strings.ReplaceAll(m.Text, "0123", "****")
			return event.Verdict{Action: event.Rewrite, Changes: &event.Changes{Message: m}}
		case strings.Contains(m.Text, "riddle"):
			<-ctx.Done()
			return event.Allowed()
		}
		return event.Allowed()
	})
	gateway := newGateway(t, func(listen, data string) string {
		return fmt.Sprintf(`listen: %s
data_dir: %s
apps:
  - name: shop
    sources:
      - {name: wfc, dialect: wildfirechat}
    hooks:
      - {name: moderator, dialect: cloudevents, url: %q, credentials: {secret: %q}, events: [message.send], timeout: 3s}
`, listen, data, url, batchSecret)
	})
	gateway.start(t)
	server := imfake.NewServer(wildfirechat.New(), "http://"+gateway.addr+"/in/wfc", imfake.ServerConfig{})
	t.Cleanup(server.Close)
	for _, tt := range []struct {
		text   string
		status int
		body   string
	}{
		{"good morning", 200, ""},
		{"blast it", 403, ""},
		{"call 0123", 200, "call ****"},
		{"a riddle", 403, ""},
	} {
		a, err := server.Post(t.Context(), "censor", imfake.Set("payload.type", 1), imfake.Set("payload.searchableContent", tt.text))
		if err != nil || a.Err != nil {
			t.Fatal(err, a.Err)
		}
		if a.Response.Status != tt.status || !strings.Contains(string(a.Response.Body), tt.body) || tt.body == "" && len(a.Response.Body) > 0 {
			t.Errorf("%s: %d %s, want %d with %q\n%s", tt.text, a.Response.Status, a.Response.Body, tt.status, tt.body, gateway.tail())
		}
	}
	if got := hook.Stats().Results; got[receiver.Handled] != 3 || got[receiver.Late] != 1 {
		t.Errorf("%v", got)
	}
}
