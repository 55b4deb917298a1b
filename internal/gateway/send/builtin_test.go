package send

import (
	"bytes"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/builtin"
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/egress"
	"github.com/imhook/imhook/internal/gateway"
)

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

// checker is an app backend that verifies and decodes what it gets.
type checker struct {
	*httptest.Server
	mu   sync.Mutex
	reqs []dialect.Request
	errs []error
}

func newChecker(t *testing.T, d dialect.Dialect) *checker {
	t.Helper()
	c := &checker{}
	cred := builtinCredentials(d.Spec())
	c.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		req := dialect.Request{Path: r.URL.EscapedPath(), Query: r.URL.RawQuery, ContentType: r.Header.Get("Content-Type"), Header: r.Header, Body: body}
		if req.Path == "/" {
			req.Path = ""
		}
		_, err := d.Verify(&req, cred, dialect.Verification{Now: time.Now(), MaxAge: d.Spec().MaxAge})
		if err == nil {
			_, err = d.Decode(&req)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.reqs = append(c.reqs, req)
		if err != nil {
			c.errs = append(c.errs, err)
		}
	}))
	t.Cleanup(c.Close)
	return c
}

// take returns what came in since it was called last.
func (c *checker) take() ([]dialect.Request, []error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	reqs, errs := c.reqs, c.errs
	c.reqs, c.errs = nil, nil
	return reqs, errs
}

// Every after-command of every dialect goes to an endpoint of every dialect:
// signed so that the other end takes it, byte for byte where the dialect is the
// same, and otherwise delivered or refused with a reason, never by accident.
func TestSend_EveryCommandToEveryDialect(t *testing.T) {
	t.Parallel()
	reg := builtin.New()
	for _, to := range reg.All() {
		t.Run(to.Spec().Name, func(t *testing.T) {
			t.Parallel()
			backend := newChecker(t, to)
			s := newSender(t, Config{
				App: "shop", Name: "backend", URL: backend.URL, Dialect: to, Registry: reg,
				Credentials: builtinCredentials(to.Spec()), Egress: egress.Policy{AllowPrivate: true}, Timeout: 30 * time.Second,
			})
			rnd := rand.New(rand.NewPCG(1, 2))
			delivered := 0
			for _, from := range reg.All() {
				for _, command := range from.Spec().Commands {
					if command.Phase != event.After {
						continue
					}
					sample, err := from.Sample(command.Name, rnd, time.Now())
					if err != nil {
						t.Fatal(err)
					}
					evs, err := from.Decode(&sample)
					if err != nil {
						t.Fatal(err)
					}
					for _, ev := range evs {
						ev.ID, ev.App, ev.Source = event.NewID(), "shop", "src"
						raw := bytes.Clone(ev.Raw.Body)
						out := s.Send(t.Context(), ev, 0)
						reqs, errs := backend.take()
						name := from.Spec().Name + " " + command.Name
						switch out.Kind {
						case gateway.Delivered:
							delivered++
							if len(reqs) != out.Sent || len(errs) != 0 {
								t.Errorf("%s: %d requests for %d sent, the other end says %v", name, len(reqs), out.Sent, errs)
							}
						case gateway.Untranslatable:
							if from == to || out.Detail == "" || len(reqs) != 0 {
								t.Errorf("%s: outcome = %+v after %d requests", name, out, len(reqs))
							}
						case gateway.Echoed:
							if from == to || !ev.Echo || len(reqs) != 0 {
								t.Errorf("%s: outcome = %+v after %d requests", name, out, len(reqs))
							}
						default:
							t.Errorf("%s: outcome = %+v", name, out)
						}
						if !bytes.Equal(raw, ev.Raw.Body) {
							t.Errorf("%s: the event's body was changed", name)
						}
						if from == to && len(reqs) == 1 && !sameBody(raw, reqs[0].Body) {
							t.Errorf("%s: sent %s\nwant %s", name, reqs[0].Body, raw)
						}
					}
				}
			}
			if delivered == 0 {
				t.Error("nothing was delivered")
			}
		})
	}
}

// sameBody compares byte for byte, but for a signature that sits in the body.
func sameBody(a, b []byte) bool {
	return bytes.Equal(a, b) || bytes.Equal(withoutSecurity(a), withoutSecurity(b))
}

func withoutSecurity(body []byte) []byte {
	var top map[string]json.RawMessage
	if json.Unmarshal(body, &top) != nil || top["security"] == nil {
		return body
	}
	return bytes.Replace(body, top["security"], []byte(`""`), 1)
}
