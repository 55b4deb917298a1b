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

	"github.com/go-json-experiment/json"

	"github.com/imhook/imhook/internal/tlsfile"
)

const (
	// apiTimeout bounds one question to the gateway.
	apiTimeout = time.Minute
	// maxAnswer bounds what is read of an answer, in bytes.
	maxAnswer = 64 << 20
)

// client asks a gateway's API.
type client struct {
	base  string
	token string
	http  *http.Client
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
	return &client{base: strings.TrimSuffix(p.gateway, "/"), token: p.token, http: c}, nil
}

// get asks for path and reads the answer into v.
func (c *client) get(ctx context.Context, path string, query url.Values, v any) error {
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return c.do(ctx, http.MethodGet, path, nil, v)
}

// post sends body to path and reads the answer into v.
func (c *client) post(ctx context.Context, path string, body, v any) error {
	b, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("writing the request: %w", err)
	}
	return c.do(ctx, http.MethodPost, path, b, v)
}

func (c *client) do(ctx context.Context, method, path string, body []byte, v any) error {
	res, err := c.send(ctx, c.http, method, path, body)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("reading the gateway's answer: %w", err)
	}
	if res.StatusCode != http.StatusOK {
		return &refusedError{status: res.StatusCode, message: apiMessage(res.Status, answer), answer: answer}
	}
	if err := json.Unmarshal(answer, v); err != nil {
		return fmt.Errorf("reading the gateway's answer: %w", err)
	}
	return nil
}

// send makes a request.
func (c *client) send(ctx context.Context, by *http.Client, method, path string, body []byte) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("asking the gateway: %w", err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	res, err := by.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if ue, ok := errors.AsType[*url.Error](err); ok {
			err = ue.Err // the URL is in the sentence already
		}
		return nil, fmt.Errorf("no gateway answers at %s (%w); %s", c.base, err, unansweredHint(err))
	}
	return res, nil
}

// download writes what path answers to w, however much it is and however long it
// takes.
func (c *client) download(ctx context.Context, path string, query url.Values, w io.Writer) error {
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	long := *c.http
	long.Timeout = 0
	res, err := c.send(ctx, &long, http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		answer, _ := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
		return &refusedError{status: res.StatusCode, message: apiMessage(res.Status, answer), answer: answer}
	}
	if _, err := io.Copy(w, res.Body); err != nil {
		return fmt.Errorf("reading the gateway's answer, which is not whole: %w", err)
	}
	return nil
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

// refusedError is an answer that says no.
type refusedError struct {
	status  int
	message string
	// answer is all of it.
	answer []byte
}

func (e *refusedError) Error() string { return "the gateway says: " + e.message }

// apiMessage is what an error answer says, or its status.
func apiMessage(status string, answer []byte) string {
	var e struct {
		Error struct {
			Message string `json:"message"`
		} `json:"error"`
	}
	if err := json.Unmarshal(answer, &e); err == nil && e.Error.Message != "" {
		return e.Error.Message
	}
	switch {
	case bytes.Contains(answer, []byte("HTTP request to an HTTPS server")):
		return status + ": it is encrypted there, write https://"
	case strings.HasPrefix(status, "404 "):
		return status + ": the API is not there; where admin.listen is set, --gateway must name that"
	}
	return status
}
