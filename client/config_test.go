package client

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
)

func TestNew_RefusesWhatCannotWork(t *testing.T) {
	t.Parallel()
	ok := Config{URL: "http://gateway:8420/in/im"}
	for want, change := range map[string]func(*Config){
		"URL is missing":           func(c *Config) { c.URL = "" },
		"URL cannot be read":       func(c *Config) { c.URL = "http://a b/in/secret-token" },
		"not one of http or https": func(c *Config) { c.URL = "gateway:8420/in/im" },
		"URL names no source":      func(c *Config) { c.URL = "http://gateway:8420/" },
		"user or password":         func(c *Config) { c.URL = "http://u:secret-token@gateway/in/im" },
		"query or a fragment":      func(c *Config) { c.URL += "?token=secret-token" },
		"belongs into PathToken":   func(c *Config) { c.URL += "/secret-token" },
		"Secret: the secret is":    func(c *Config) { c.Secret = "secret-token!" },
		"one of Secret and":        func(c *Config) { c.Secret, c.Secrets = testSecret, []dialect.DatedSecret{{Value: testSecret}} },
		"HTTPClient and TLS":       func(c *Config) { c.HTTPClient, c.TLS = &http.Client{}, &tls.Config{MinVersion: tls.VersionTLS13} },
		"OnDecideError is":         func(c *Config) { c.OnDecideError = event.Rewrite },
		"Timeout is negative":      func(c *Config) { c.Timeout = -1 },
		"RetryTo is 1s, less":      func(c *Config) { c.RetryFrom, c.RetryTo = time.Minute, time.Second },
		"BatchEvents, Bat":         func(c *Config) { c.BatchEvents = -1 },
		"at least 65536":           func(c *Config) { c.Spool.MaxBytes = 1 },
		"RefusedBytes is negative": func(c *Config) { c.Spool.RefusedBytes = -1 },
		"spool directory":          func(c *Config) { c.Spool.Dir = "config_test.go" },
	} {
		cfg := ok
		change(&cfg)
		_, err := New(cfg)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New = %v, want %q", err, want)
		}
		if err != nil && strings.Contains(err.Error(), "secret-token") {
			t.Errorf("the error quotes a secret: %v", err)
		}
	}
}

func TestConfig_SourceAndTarget(t *testing.T) {
	t.Parallel()
	for in, want := range map[string][2]string{
		"http://g/in/im":             {"http://g/in/im/to%2Fken", "im"},
		"https://g:1/in/im/":         {"https://g:1/in/im/to%2Fken", "im"},
		"https://g/behind/in/im":     {"https://g/behind/in/im/to%2Fken", "im"},
		"https://g/callbacks/for/us": {"https://g/callbacks/for/us/to%2Fken", "us"},
	} {
		cfg := Config{URL: in, PathToken: "to/ken"}
		target, err := cfg.target()
		if got := [2]string{target, cfg.source()}; got != want || err != nil {
			t.Errorf("%s = %q, %v, want %q", in, got, err, want)
		}
	}
}

// failing fails every request, quoting its URL as net/http does.
type failing struct{}

func (failing) RoundTrip(r *http.Request) (*http.Response, error) {
	return nil, errors.New("connection refused")
}

func TestClient_SecretsNeverAppear(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	c, log := newClient(t, g, func(cfg *Config) {
		cfg.PathToken = "path-token"
		cfg.HTTPClient = &http.Client{Transport: failing{}}
	})
	err := c.Tell(t.Context(), message("a"))
	if !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("Tell = %v", err)
	}
	_, err2 := c.Decide(t.Context(), message("b"))
	all := fmt.Sprintf("%v %v %+v %s", err, err2, c.Stats(), log)
	for _, secret := range []string{"path-token", testSecret} {
		if strings.Contains(all, secret) {
			t.Errorf("%s appears in %s", secret, all)
		}
	}
}
