package app_test

import (
	"context"
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/imhook/imhook/dialect/builtin"
	"github.com/imhook/imhook/internal/app"
	"github.com/imhook/imhook/internal/config"
	"github.com/imhook/imhook/internal/tlsfile"
	"github.com/imhook/imhook/internal/tlsfile/tlsfiletest"
)

// TestApp_TLSBothWays: a caller with a certificate comes in over https, and the
// event goes out over https with one.
func TestApp_TLSBothWays(t *testing.T) {
	ca := tlsfiletest.New(t)
	gatewayCert, gatewayKey := ca.Issue("gateway")
	imCert, imKey := ca.Issue("im-server")

	arrived := make(chan string, 10)
	backend := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		arrived <- r.TLS.PeerCertificates[0].Subject.CommonName + " " + string(body)
		w.WriteHeader(http.StatusNoContent)
	}))
	serverTLS, err := tlsfile.Server{CertFile: gatewayCert, KeyFile: gatewayKey, ClientCAFile: ca.File}.Config(nil)
	if err != nil {
		t.Fatal(err)
	}
	backend.TLS = serverTLS
	backend.StartTLS()
	defer backend.Close()

	r := builtin.New()
	c := config.Sandbox(r, t.TempDir(), "127.0.0.1:0")
	c.TLS = &config.ServerTLS{CertFile: gatewayCert, KeyFile: gatewayKey, ClientCAFile: ca.File}
	c.Admin.Listen = "127.0.0.1:0"
	e := c.Apps[0].Endpoints[0]
	e.Name, e.Builtin, e.URL, e.Dialect = "backend", "", strings.Replace(backend.URL, "127.0.0.1", "localhost", 1), "cloudevents"
	e.TLS = &config.ClientTLS{CAFile: ca.File, CertFile: gatewayCert, KeyFile: gatewayKey}
	c.Apps[0].Endpoints = append(c.Apps[0].Endpoints, e)
	a, err := app.New(app.Config{Config: c, Registry: r})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer stop(t, a)

	const ev = `{"specversion":"1.0","id":"over-tls","source":"/t","type":"im.message.send","data":{"conversation":{"kind":"group","id":"g"},"message":{"text":"x"}}}`
	post := func(client tlsfile.Client) (int, error) {
		t.Helper()
		configs, err := client.Configs(nil)
		if err != nil {
			t.Fatal(err)
		}
		conf, err := configs()
		if err != nil {
			t.Fatal(err)
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+a.Addr()+"/in/cloudevents", strings.NewReader(ev))
		if err != nil {
			t.Fatal(err)
		}
		res, err := (&http.Transport{TLSClientConfig: conf, DisableKeepAlives: true}).RoundTrip(req)
		if err != nil {
			return 0, err
		}
		return res.StatusCode, res.Body.Close()
	}
	if status, err := post(tlsfile.Client{CAFile: ca.File}); err == nil {
		t.Errorf("a caller without a certificate was answered %d", status)
	}
	if status, err := post(tlsfile.Client{CAFile: ca.File, CertFile: imCert, KeyFile: imKey}); status != http.StatusOK || err != nil {
		t.Fatalf("a caller with a certificate was answered %d, %v", status, err)
	}
	if got := <-arrived; !strings.HasPrefix(got, "gateway ") || !strings.Contains(got, "over-tls") {
		t.Errorf("the backend got %s", got)
	}

	// The API has an address of its own, and the callbacks' shows nothing of it.
	if status, answer := ask(t, "http://"+a.AdminAddr()+"/api/v1/events", ""); status != http.StatusOK || !strings.Contains(answer, "over-tls") {
		t.Errorf("the API answers %d %s", status, answer)
	}
	if status, _ := ask(t, "http://"+a.AdminAddr()+"/in/cloudevents", ev); status != http.StatusNotFound {
		t.Errorf("a callback to the API's address was answered %d, want 404", status)
	}
	for path, want := range map[string]int{"/readyz": http.StatusOK, "/healthz": http.StatusOK, "/api/v1/events": http.StatusNotFound, "/metrics": http.StatusNotFound} {
		if status := get(t, a.Addr(), path, ca, imCert, imKey); status != want {
			t.Errorf("the callbacks' address answers %s with %d, want %d", path, status, want)
		}
	}
}

func get(t *testing.T, addr, path string, ca *tlsfiletest.Authority, cert, key string) int {
	t.Helper()
	configs, err := tlsfile.Client{CAFile: ca.File, CertFile: cert, KeyFile: key}.Configs(nil)
	if err != nil {
		t.Fatal(err)
	}
	conf, err := configs()
	if err != nil {
		t.Fatal(err)
	}
	return getWith(t, "https://"+addr+path, conf)
}

func getWith(t *testing.T, url string, conf *tls.Config) int {
	t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	res, err := (&http.Transport{TLSClientConfig: conf, DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	return res.StatusCode
}
