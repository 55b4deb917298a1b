package admin_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/admin"
	"github.com/imhook/imhook/internal/config"
	"github.com/imhook/imhook/internal/gateway"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// toy is a dialect that signs with a header and decodes nothing but text.
type toy struct{ dialect.Dialect }

func (toy) Spec() *dialect.Spec {
	return &dialect.Spec{
		Name:     "toy",
		Commands: []dialect.Command{{Name: "message", Phase: event.After, Path: "/m", Line: "somebody wrote"}},
		Credentials: []dialect.CredentialKey{
			{Name: "app_key", Required: true}, {Name: "secret", Secret: true, Required: true},
		},
	}
}

func (toy) Sample(_ string, r *rand.Rand, _ time.Time) (dialect.Request, error) {
	return dialect.Request{Path: "/m", ContentType: "application/json", Body: fmt.Appendf(nil, `{"text":"hi","n":%d}`, r.IntN(1000))}, nil
}

func (toy) Sign(req *dialect.Request, cred dialect.Credentials, _ string, now time.Time) error {
	if _, ok := cred.Signing(now); !ok {
		return dialect.ErrNoSecret
	}
	req.Header = http.Header{"Toy-Signature": {"sum"}}
	return nil
}

func (toy) Decode(req *dialect.Request) ([]*event.Event, error) {
	return []*event.Event{{Type: "group.create", Message: &event.Message{Text: string(req.Body)}}}, nil
}

// pages is a journal in memory; the first page is number first.
type pages struct {
	first uint64
	list  []*gateway.Page
}

func (p *pages) Bounds(context.Context) (first, last, bytes uint64, err error) {
	return p.first, p.first + uint64(len(p.list)) - 1, 0, nil
}

func (p *pages) Page(_ context.Context, seq uint64) (*gateway.Page, error) {
	for _, page := range p.list {
		if page != nil && page.Seq >= seq {
			return page, nil
		}
	}
	return nil, gateway.ErrNoPage
}

func (p *pages) SeqAt(_ context.Context, t time.Time) (uint64, error) {
	for _, page := range p.list {
		if page != nil && !page.Time.Before(t) {
			return page.Seq, nil
		}
	}
	return 0, gateway.ErrNoPage
}

// threePages holds e1 to e6, two to a page, one page a minute up to noon, with a
// hole before the last.
func threePages() *pages {
	p := &pages{first: 5}
	n := 0
	for i := range uint64(4) {
		if i == 2 {
			p.list = append(p.list, nil)
			continue
		}
		page := &gateway.Page{Seq: 5 + i, Time: noon.Add(time.Duration(i)*time.Minute - 3*time.Minute)}
		for range 2 {
			n++
			ev := &event.Event{
				ID: fmt.Sprintf("e%d", n), App: "shop", Source: "im", Type: "message.send", Phase: event.After,
				Lane: "group:g1", Time: page.Time,
			}
			if n%2 == 0 {
				ev.Type, ev.Source, ev.Lane = "group.create", "other", "group:g2"
			}
			page.Events = append(page.Events, ev)
		}
		p.list = append(p.list, page)
	}
	last := p.list[3].Events[1]
	last.Raw = event.Raw{Dialect: "toy", Path: "/m", Body: []byte("raw text")}
	return p
}

// letters are dead letters in memory, numbered from 1. One without an endpoint was
// taken away.
type letters []gateway.DeadLetter

func (l letters) DeadLetter(_ context.Context, seq uint64) (gateway.DeadLetter, error) {
	if seq == 0 || seq > uint64(len(l)) || l[seq-1].Endpoint == "" {
		return gateway.DeadLetter{}, gateway.ErrNoLetter
	}
	d := l[seq-1]
	d.Seq = seq
	return d, nil
}

func (l letters) NextDeadLetter(ctx context.Context, seq uint64, endpoint string) (gateway.DeadLetter, error) {
	for ; seq <= uint64(len(l)); seq++ {
		if d, err := l.DeadLetter(ctx, seq); err == nil && (endpoint == "" || d.Endpoint == endpoint) {
			return d, nil
		}
	}
	return gateway.DeadLetter{}, gateway.ErrNoLetter
}

func (l letters) DeadLetterBounds(context.Context) (first, last, n uint64, err error) {
	for _, d := range l {
		if d.Endpoint != "" {
			n++
		}
	}
	return 1, uint64(len(l)), n, nil
}

func (l letters) RemoveDeadLetter(ctx context.Context, seq uint64) (bool, error) {
	_, err := l.DeadLetter(ctx, seq)
	if err == nil {
		l[seq-1].Endpoint = ""
	}
	return err == nil, nil
}

type endpoints []admin.EndpointStatus

func (e endpoints) Endpoints(context.Context) []admin.EndpointStatus { return e }

func (e endpoints) Pause(id string, p admin.Pause) error {
	switch {
	case id != "shop/backend":
		return gateway.ErrNoEndpoint
	case p.Conversation == "group:strict":
		return errors.New("it knows no conversations")
	}
	return nil
}

func (e endpoints) Resume(id string, how admin.Resume) error {
	switch {
	case id != "shop/backend":
		return gateway.ErrNoEndpoint
	case how.Conversation != "" && !how.Now:
		return errors.New("it is not held")
	}
	return nil
}

// setup is an API in front of fakes; change may alter what it is made of.
func setup(t *testing.T, change func(*admin.Config)) http.Handler {
	t.Helper()
	metrics := prometheus.NewRegistry()
	counter := prometheus.NewCounter(prometheus.CounterOpts{Name: "imhook_test_total", Help: "A counter."})
	metrics.MustRegister(counter)
	current := &config.Config{Apps: []config.App{{Name: "shop", Sources: []config.Source{
		{
			Name: "im", Dialect: "toy", Generation: "auto", MaxAge: time.Minute, PathToken: "hush-path-token",
			AllowFrom: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")},
			Credentials: dialect.Credentials{
				Public:  map[string]string{"app_key": "k"},
				Secrets: []dialect.DatedSecret{{Value: "hush-secret"}},
			},
		},
		{Name: "unsigned", Dialect: "toy"},
	}}}}
	cfg := admin.Config{
		Current:  func() *config.Config { return current },
		Registry: dialect.NewRegistry(toy{}),
		Journal:  threePages(),
		DeadLetters: letters{{
			Endpoint: "shop/backend", Pos: gateway.NewPos(5, 1), Event: &event.Event{ID: "e2", Type: "message.send"},
			Reason: gateway.ReasonStatus4xx, Attempts: 4, At: noon, Exchange: &gateway.Exchange{URL: "http://b/m", Status: 400},
		}, {Endpoint: "shop/other", Event: &event.Event{ID: "e3"}, Reason: gateway.ReasonMaxAge, At: noon}},
		Endpoints: endpoints{{App: "shop", Name: "backend", State: "live", Backlog: 3, Delivered: 9, OldestAt: noon.Add(-time.Minute)}},
		Receive: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			w.Header().Set("Content-Type", "text/plain")
			if r.Header.Get("Toy-Signature") != "sum" {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			_, _ = fmt.Fprintf(w, "%s %s from %s: %s", r.Method, strings.Replace(r.URL.Path, "hush-path-token", "T", 1), r.RemoteAddr, body)
		}),
		Metrics: metrics,
		Version: "v9",
		Now:     func() time.Time { return noon },
	}
	if change != nil {
		change(&cfg)
	}
	h, doc, _, err := admin.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return newWitness(t, h, doc)
}

// ask sends a request as a local command does; change may alter it.
func ask(h http.Handler, method, target, body string, change func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.RemoteAddr, r.Host = "127.0.0.1:5555", "127.0.0.1:8420"
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}
