package receiver_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/cloudevents"
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/receiver"
)

const testSecret = "whsec_cmVjZWl2ZXItdGVzdC1zaWduaW5nLWtleS0wMDE="

// credentials fit any dialect: each reads the keys that it has, and samples hold
// their own.
func credentials(d dialect.Dialect) dialect.Credentials {
	cred := dialect.Credentials{Public: map[string]string{}}
	for _, key := range d.Spec().Credentials {
		switch {
		case key.Secret:
			cred.Secrets = []dialect.DatedSecret{{Value: testSecret}}
		case key.Required:
			cred.Public[key.Name] = key.Sample
		}
	}
	return cred
}

// rig is a receiver under test with what it said.
type rig struct {
	*receiver.Receiver
	t   *testing.T
	d   dialect.Dialect
	log *logged

	mu       sync.Mutex
	outcomes []receiver.Outcome
}

// logged is what was logged.
type logged struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func newRig(t *testing.T, d dialect.Dialect, change func(*receiver.Config)) *rig {
	t.Helper()
	r := &rig{t: t, d: d, log: &logged{}}
	cfg := receiver.Config{
		Dialect: d, Credentials: credentials(d),
		Log: slog.New(slog.NewTextHandler(r.log, nil)),
		Observe: func(o receiver.Outcome) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.outcomes = append(r.outcomes, o)
		},
	}
	if change != nil {
		change(&cfg)
	}
	rc, err := receiver.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	r.Receiver = rc
	return r
}

// results are what became of everything so far.
func (r *rig) results() []receiver.Result {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []receiver.Result
	for _, o := range r.outcomes {
		all = append(all, o.Result)
	}
	return all
}

// httpRequest is req as a server gets it.
func httpRequest(req dialect.Request) *http.Request {
	target := "/" + strings.TrimPrefix(req.Path, "/")
	if req.Query != "" {
		target += "?" + req.Query
	}
	r := httptest.NewRequest(http.MethodPost, target, bytes.NewReader(req.Body))
	for k, v := range req.Header {
		r.Header[http.CanonicalHeaderKey(k)] = v
	}
	if req.ContentType != "" {
		r.Header.Set("Content-Type", req.ContentType)
	}
	return r
}

// serve gives a request to the receiver and looks at the form of the answer.
func (r *rig) serve(hr *http.Request) *httptest.ResponseRecorder {
	r.t.Helper()
	w := httptest.NewRecorder()
	r.ServeHTTP(w, hr)
	if got := w.Header().Get("Content-Length"); got != strconv.Itoa(w.Body.Len()) {
		r.t.Errorf("Content-Length is %q, the body has %d bytes", got, w.Body.Len())
	}
	if coding := w.Header().Get("Content-Encoding") + w.Header().Get("Transfer-Encoding"); coding != "" {
		r.t.Errorf("the answer is encoded: %q", coding)
	}
	return w
}

func (r *rig) post(req dialect.Request) *httptest.ResponseRecorder {
	r.t.Helper()
	return r.serve(httpRequest(req))
}

// sample is what the vendor would send, signed.
func (r *rig) sample(command string, seed uint64) dialect.Request {
	r.t.Helper()
	return signed(r.t, r.d, command, seed, credentials(r.d))
}

// randSource is a source of chance for samples.
func randSource(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 3)) }

func signed(t *testing.T, d dialect.Dialect, command string, seed uint64, cred dialect.Credentials) dialect.Request {
	t.Helper()
	req, err := d.Sample(command, randSource(seed), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Sign(&req, cred, event.DeriveID(command, fmt.Sprint(seed)), time.Now()); err != nil {
		t.Fatal(err)
	}
	return req
}

// message is a CloudEvent of the catalogue, signed.
func message(t *testing.T, phase event.Phase, ids ...string) dialect.Request {
	t.Helper()
	d := cloudevents.New()
	var reqs []dialect.Request
	for _, id := range ids {
		rs, err := d.Encode(&event.Event{
			ID: id, App: "shop", Source: "im", Type: event.MessageSend, Phase: phase, Time: time.Now().UTC().Truncate(time.Millisecond),
			Lane: "group:g1", Actor: &event.Actor{ID: "alice"}, Conversation: &event.Conversation{Kind: event.KindGroup, ID: "g1"},
			Message: &event.Message{ID: id, Kind: event.Text, Text: "hello"},
		}, dialect.Target{Now: time.Now()})
		if err != nil {
			t.Fatal(err)
		}
		reqs = append(reqs, rs...)
	}
	req := reqs[0]
	if len(reqs) > 1 {
		var err error
		if req, err = d.Batch(reqs); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Sign(&req, credentials(d), strings.Join(ids, "+"), time.Now()); err != nil {
		t.Fatal(err)
	}
	return req
}

// recorder counts what its handlers are called with.
type recorder struct {
	mu  sync.Mutex
	ids []string
}

func (r *recorder) note(ev *event.Event) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ids = append(r.ids, ev.ID)
	return len(r.ids)
}

func (r *recorder) seen() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.ids...)
}
