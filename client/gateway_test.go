package client

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/cloudevents"
	"github.com/imhook/imhook/event"
)

const testSecret = "whsec_c2VjcmV0IG9mIHRoZSB0ZXN0cyBhbG9uZQ=="

// gateway is a source of dialect cloudevents as far as a client can see: it checks
// signatures, remembers ids and answers what the test says.
type gateway struct {
	t *testing.T

	mu sync.Mutex
	// mu guards the following.
	// answer decides what a request is answered; nil or a zero status is success.
	answer func(evs []*event.Event) dialect.Response
	events []*event.Event
	ids    map[string]bool
	once   map[string]string
	posts  []post
}

type post struct {
	at     time.Time
	header http.Header
	ids    []string
	status int
}

func newGateway(t *testing.T) *gateway {
	t.Helper()
	return &gateway{t: t, ids: map[string]bool{}, once: map[string]string{}}
}

// answers sets what requests are answered from now on.
func (g *gateway) answers(f func(evs []*event.Event) dialect.Response) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.answer = f
}

// status answers every request alike, in the form that a gateway has for that.
func status(code int) func([]*event.Event) dialect.Response {
	return func([]*event.Event) dialect.Response {
		if code == 0 {
			return dialect.Response{}
		}
		return cloudevents.New().Refuse(nil, code, fmt.Errorf("no: %d", code))
	}
}

// RoundTrip lets tests go without a connection.
func (g *gateway) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	w := httptest.NewRecorder()
	g.ServeHTTP(w, r)
	return w.Result(), nil
}

func (g *gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	d := cloudevents.New()
	req := dialect.Request{ContentType: r.Header.Get("Content-Type"), Header: r.Header, Body: body}
	cred := dialect.Credentials{Secrets: []dialect.DatedSecret{{Value: testSecret}}}
	proof, err := d.Verify(&req, cred, dialect.Verification{Now: time.Now(), MaxAge: time.Minute})
	if err != nil {
		g.t.Errorf("signature: %v", err)
	}
	evs, err := d.Decode(&req)
	if err != nil {
		g.t.Errorf("a gateway could not read %s: %v", body, err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if before, ok := g.once[proof.Once]; ok && before != string(body) {
		g.t.Errorf("signature %q was used for another body", proof.Once)
	}
	g.once[proof.Once] = string(body)
	p := post{at: time.Now(), header: r.Header, status: http.StatusOK}
	for _, ev := range evs {
		p.ids = append(p.ids, ev.ID)
	}
	var res dialect.Response
	if g.answer != nil {
		res = g.answer(evs)
	}
	if res.Status == 0 {
		n := 0
		for _, ev := range evs {
			if !g.ids[ev.ID] {
				n++
				g.ids[ev.ID] = true
				g.events = append(g.events, ev)
			}
		}
		res = dialect.Response{Status: http.StatusOK, Body: fmt.Appendf(nil, `{"accepted":%d,"duplicates":%d}`, n, len(evs)-n)}
	}
	p.status = res.Status
	g.posts = append(g.posts, p)
	maps.Copy(w.Header(), res.Header)
	w.WriteHeader(res.Status)
	_, _ = w.Write(res.Body)
}

// kept are the ids of what was taken, in order.
func (g *gateway) kept() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	var ids []string
	for _, ev := range g.events {
		ids = append(ids, ev.ID)
	}
	return ids
}

// seen are the requests so far.
func (g *gateway) seen() []post {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]post(nil), g.posts...)
}

// logged is a log that tests can read.
type logged struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// newClient makes a client of g without connections. Its log goes to the result's
// second value.
func newClient(t *testing.T, g *gateway, change func(*Config)) (*Client, *logged) {
	t.Helper()
	log := &logged{}
	cfg := Config{
		URL: "http://gateway/in/my-im", Secret: testSecret,
		HTTPClient: &http.Client{Transport: g},
		Log:        slog.New(slog.NewTextHandler(log, nil)),
	}
	if change != nil {
		change(&cfg)
	}
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(t, c) })
	return c, log
}

// shut closes a client at once.
func shut(t *testing.T, c *Client) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := c.Close(ctx); err != nil {
		t.Error(err)
	}
}

// message is an event with an id.
func message(id string) *event.Event {
	return &event.Event{
		ID: id, Type: event.MessageSend, Actor: &event.Actor{ID: "alice"},
		Conversation: &event.Conversation{Kind: event.KindGroup, ID: "g1"},
		Message:      &event.Message{ID: "m-" + id, Text: "hello " + id},
	}
}

func tell(t *testing.T, c *Client, ids ...string) {
	t.Helper()
	for _, id := range ids {
		if err := c.Tell(t.Context(), message(id)); err != nil {
			t.Fatalf("telling %s: %v", id, err)
		}
	}
}

// wait lets time pass and all goroutines come to rest, in a synctest bubble only.
func wait(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}
