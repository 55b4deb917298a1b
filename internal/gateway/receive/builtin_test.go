package receive

import (
	"bytes"
	"context"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/builtin"
	"github.com/imhook/imhook/event"
)

// builtinSource is a source of d that requests signed with the same credentials
// get through.
func builtinSource(d dialect.Dialect) Source {
	return Source{Name: "src", App: "shop", Dialect: d, Credentials: builtinCredentials(d.Spec())}
}

func builtinCredentials(spec *dialect.Spec) dialect.Credentials {
	cred := dialect.Credentials{Public: map[string]string{}}
	for _, k := range spec.Credentials {
		switch {
		case k.Secret:
			cred.Secrets = []dialect.DatedSecret{{Value: "whsec_" + "c2hvcC1zZWNyZXQtb2YtMzItYnl0ZXMtbG9uZy0hIQ=="}}
		case k.Required:
			cred.Public[k.Name] = "1400000001"
		}
	}
	return cred
}

// Every command of every dialect, as its vendor would send it, is taken; with one
// byte of the signed part changed or without a signature it is taken only where
// the dialect signs nothing.
func TestServeHTTP_TakesWhatEveryVendorSends(t *testing.T) {
	t.Parallel()
	for _, d := range builtin.New().All() {
		spec := d.Spec()
		t.Run(spec.Name, func(t *testing.T) {
			t.Parallel()
			src := builtinSource(d)
			r := newRig(t, func(c *Config) {
				c.Sources = []Source{src}
				c.MaxBody = 1 << 20
				c.Decider = deciderFunc(func(context.Context, *event.Event) event.Verdict { return event.Allowed() })
			})
			rnd := rand.New(rand.NewPCG(1, 2))
			signs := 0
			for _, command := range spec.Commands {
				req, err := d.Sample(command.Name, rnd, now)
				if err != nil {
					t.Fatalf("sample of %s: %v", command.Name, err)
				}
				unsigned := req
				unsigned.Body = bytes.Clone(req.Body)
				if err := d.Sign(&req, src.Credentials, event.NewID(), now); err != nil {
					t.Fatalf("signing %s: %v", command.Name, err)
				}
				before := len(r.journal.arrivals())
				w := httptest.NewRecorder()
				r.ServeHTTP(w, httpRequest(&req))
				if w.Code >= 300 {
					t.Errorf("%s: answer = %d %s", command.Name, w.Code, w.Body)
					continue
				}
				as := r.journal.arrivals()
				if took := len(as) > before; took != (command.Phase == event.After) {
					t.Errorf("%s: reached the journal = %v in phase %s", command.Name, took, command.Phase)
				}
				if len(as) > before {
					for _, ev := range as[len(as)-1].Events {
						if ev.ID == "" || ev.Lane == "" || ev.Time.IsZero() || ev.Source != "src" || ev.Lane == "system:" {
							t.Errorf("%s: event is not complete: %+v", command.Name, ev)
						}
					}
				}
				w = httptest.NewRecorder()
				r.ServeHTTP(w, httpRequest(&unsigned))
				if w.Code == http.StatusUnauthorized {
					signs++
				}
			}
			if want := len(src.Credentials.Secrets) > 0; (signs > 0) != want {
				t.Errorf("%d commands are refused without a signature, but the dialect has a secret: %v", signs, want)
			}
			if strings.Contains(r.log.String(), "c2hvcC1zZWNyZXQ") {
				t.Error("the log holds the secret")
			}
		})
	}
}

func httpRequest(req *dialect.Request) *http.Request {
	target := "/in/src" + req.Path
	if req.Query != "" {
		target += "?" + req.Query
	}
	out := httptest.NewRequest(http.MethodPost, target, bytes.NewReader(req.Body))
	maps.Copy(out.Header, req.Header)
	out.Header.Set("Content-Type", req.ContentType)
	return out
}

// BenchmarkServeHTTP_Dialects is what taking each dialect's first after-command
// costs, a message in most.
func BenchmarkServeHTTP_Dialects(b *testing.B) {
	for _, d := range builtin.New().All() {
		spec := d.Spec()
		b.Run(spec.Name, func(b *testing.B) {
			src := builtinSource(d)
			h, err := New(Config{Sources: []Source{src}, Journal: noJournal{}, Decider: deciderFunc(nil)})
			if err != nil {
				b.Fatal(err)
			}
			after := slices.IndexFunc(spec.Commands, func(c dialect.Command) bool { return c.Phase == event.After })
			req, err := d.Sample(spec.Commands[after].Name, rand.New(rand.NewPCG(1, 2)), time.Now())
			if err != nil {
				b.Fatal(err)
			}
			if err := d.Sign(&req, src.Credentials, event.NewID(), time.Now()); err != nil {
				b.Fatal(err)
			}
			hreq := httpRequest(&req)
			body := bytes.NewReader(req.Body)
			hreq.Body = readCloser{body}
			b.ReportAllocs()
			for b.Loop() {
				body.Reset(req.Body)
				w := httptest.NewRecorder()
				h.ServeHTTP(w, hreq)
				if w.Code != http.StatusOK {
					b.Fatalf("answer = %d %s", w.Code, w.Body)
				}
			}
		})
	}
}

type readCloser struct{ *bytes.Reader }

func (readCloser) Close() error { return nil }
