package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/imhook/imhook/client/admin"
	"github.com/imhook/imhook/internal/tlsfile"
)

// apiTimeout bounds one question to the gateway.
const apiTimeout = time.Minute

// client asks a gateway's API, and says what to do when that does not work.
type client struct {
	*admin.Client
	http *http.Client
}

func (p *program) client() (*client, error) {
	if strings.Contains(p.gateway, "@") {
		return nil, errors.New("--gateway holds a user or password, which would be printed; the gateway wants --token or IMHOOK_TOKEN")
	}
	u, err := url.Parse(p.gateway)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("--gateway %q is not a URL; write http://host:port", p.gateway)
	}
	c := &http.Client{Timeout: apiTimeout}
	if (p.tls.CertFile == "") != (p.tls.KeyFile == "") {
		return nil, errors.New("--tls-cert and --tls-key belong together")
	}
	if p.tls != (tlsfile.Client{}) {
		configs, err := p.tls.Configs(nil)
		if err != nil {
			return nil, fmt.Errorf("--tls-ca, --tls-cert, --tls-key: %w", err)
		}
		conf, err := configs()
		if err != nil {
			return nil, err
		}
		c.Transport = &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: conf, ForceAttemptHTTP2: false}
	}
	a, err := admin.New(admin.Config{URL: p.gateway, Token: p.token, HTTP: c})
	if err != nil {
		return nil, err
	}
	return &client{a, c}, nil
}

// get asks for path and reads the answer into v, which may be a jsontext.Value: what
// --json prints is what the gateway wrote.
func (c *client) get(ctx context.Context, path string, query url.Values, v any) error {
	return explain(c.Call(ctx, http.MethodGet, path, query, nil, v))
}

// post sends body to path and reads the answer into v.
func (c *client) post(ctx context.Context, path string, body, v any) error {
	return explain(c.Call(ctx, http.MethodPost, path, nil, body, v))
}

// download writes what path answers to w, however much it is and however long it
// takes.
func (c *client) download(ctx context.Context, path string, query url.Values, w io.Writer) error {
	return explain(c.Download(ctx, path, query, w))
}

// explain says what to do about an error of asking.
func explain(err error) error {
	if nobody, ok := errors.AsType[*admin.UnreachableError](err); ok {
		return fmt.Errorf("%w; %s", err, unansweredHint(nobody.Err))
	}
	no, ok := errors.AsType[*admin.Error](err)
	if !ok || no.Message != "" {
		return err
	}
	switch {
	case bytes.Contains(no.Body, []byte("HTTP request to an HTTPS server")):
		return fmt.Errorf("%w: it is encrypted there, write https://", err)
	case no.Status == http.StatusNotFound:
		return fmt.Errorf("%w: the API is not there; where admin.listen is set, --gateway must name that", err)
	}
	return err
}

// unansweredHint says what to do about a gateway that cannot be asked.
func unansweredHint(err error) string {
	var untrusted *tls.CertificateVerificationError
	switch text := err.Error(); {
	case errors.As(err, &untrusted):
		return "name the authorities that signed its certificate with --tls-ca, and it as its certificate does"
	case strings.Contains(text, "certificate required"), strings.Contains(text, "bad certificate"):
		return "show it a certificate with --tls-cert and --tls-key"
	case strings.Contains(text, "HTTP response to HTTPS client"):
		return "it is not encrypted there: write http://"
	}
	return "start one with imhook serve, or name it with --gateway"
}
