package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/internal/sample"
)

// maxBackendAnswer bounds what is read and printed of a backend's answer.
const maxBackendAnswer = 1 << 20

// sender returns what sends: the gateway, or this process with --to.
func (p *program) sender(cmd *cobra.Command, d dialect.Dialect, command string, edits []sample.Edit, f *triggerFlags) (send, error) {
	if f.to != "" {
		return direct(cmd, d, command, edits, f)
	}
	c, err := p.client()
	if err != nil {
		return nil, err
	}
	source, err := c.pickSource(cmd.Context(), d.Spec().Name, f.source)
	if err != nil {
		return nil, err
	}
	set, err := wireEdits(edits)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, seed uint64, n int) ([]exchange, error) {
		var answer struct {
			Exchanges []exchange `json:"exchanges"`
		}
		err := c.post(ctx, "/api/v1/sources/"+url.PathEscape(source)+"/trigger", struct {
			Command string         `json:"command"`
			Set     jsontext.Value `json:"set,omitzero"`
			Count   int            `json:"count"`
			Seed    uint64         `json:"seed"`
		}{command, set, n, seed}, &answer)
		if err == nil && len(answer.Exchanges) != n {
			err = fmt.Errorf("the gateway made %d of %d requests", len(answer.Exchanges), n)
		}
		return answer.Exchanges, err
	}, nil
}

// wireEdits is an object of path to value, in order. Of a path that is set twice
// the last value counts, as it would one after the other.
func wireEdits(edits []sample.Edit) (jsontext.Value, error) {
	if len(edits) == 0 {
		return nil, nil
	}
	var b bytes.Buffer
	enc := jsontext.NewEncoder(&b, jsontext.AllowInvalidUTF8(true))
	_ = enc.WriteToken(jsontext.BeginObject)
	for i, e := range edits {
		if later(edits[i+1:], e.Path) {
			continue
		}
		for _, s := range []string{e.Path, e.Value} {
			if err := enc.WriteToken(jsontext.String(s)); err != nil {
				return nil, fmt.Errorf("--set %s: %w", e.Path, err)
			}
		}
	}
	_ = enc.WriteToken(jsontext.EndObject)
	return b.Bytes(), nil
}

func later(edits []sample.Edit, path string) bool {
	for _, e := range edits {
		if e.Path == path {
			return true
		}
	}
	return false
}

// pickSource finds the source of a dialect: the named one, or the only one.
func (c *client) pickSource(ctx context.Context, dialect, name string) (string, error) {
	var answer struct {
		Sources []struct {
			Name    string `json:"name"`
			Dialect string `json:"dialect"`
		} `json:"sources"`
	}
	if err := c.get(ctx, "/api/v1/sources", nil, &answer); err != nil {
		return "", err
	}
	var fit []string
	for _, s := range answer.Sources {
		if s.Name == name && s.Dialect != dialect {
			return "", fmt.Errorf("source %s speaks %s, not %s", name, s.Dialect, dialect)
		}
		if s.Dialect == dialect {
			fit = append(fit, s.Name)
		}
		if s.Name == name {
			return name, nil
		}
	}
	switch {
	case len(fit) == 0:
		return "", fmt.Errorf("the gateway has no source that speaks %s; configure one, or post to a backend with --to", dialect)
	case name != "":
		return "", fmt.Errorf("the gateway has no source %q; of %s there are %s", name, dialect, strings.Join(fit, ", "))
	case len(fit) > 1:
		return "", fmt.Errorf("the gateway has several sources that speak %s; choose one with --source: %s", dialect, strings.Join(fit, ", "))
	}
	return fit[0], nil
}

// direct posts to a backend.
func direct(cmd *cobra.Command, d dialect.Dialect, command string, edits []sample.Edit, f *triggerFlags) (send, error) {
	base, err := url.Parse(f.to)
	if err != nil || base.Scheme != "http" && base.Scheme != "https" || base.Host == "" {
		return nil, errors.New("--to is not a URL; write http://host:port/path")
	}
	cred, err := parseCredentials(d.Spec(), f.credentials)
	if err != nil {
		return nil, err
	}
	// A vendor's server does not follow redirects with a POST either.
	client := &http.Client{Timeout: f.timeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	one := maker(cmd, d, command, edits, cred)
	return func(ctx context.Context, seed uint64, n int) ([]exchange, error) {
		var all []exchange
		for i := range n {
			req, err := one(seed + uint64(i))
			if err != nil {
				return nil, err
			}
			x, err := post(ctx, client, base, req)
			if err != nil {
				return nil, err
			}
			all = append(all, x)
		}
		return all, nil
	}, nil
}

// maker returns what makes a sample; it says once that samples are not signed.
func maker(cmd *cobra.Command, d dialect.Dialect, command string, edits []sample.Edit, cred dialect.Credentials) func(seed uint64) (dialect.Request, error) {
	warned := false
	return func(seed uint64) (dialect.Request, error) {
		req, err := sample.Make(d, sample.Wish{Command: command, Edits: edits, Seed: seed, Credentials: cred, Now: time.Now()})
		if !errors.Is(err, sample.ErrUnsigned) {
			return req, err
		}
		if !warned {
			_, _ = fmt.Fprintf(cmd.ErrOrStderr(), "imhook: not signed: %s signs with %s, give --credential\n", d.Spec().Name, credentialNames(d.Spec()))
		}
		warned = true
		return req, nil
	}
}

// printOnly prints samples as they would go over the wire.
func (f *triggerFlags) printOnly(cmd *cobra.Command, d dialect.Dialect, command string, edits []sample.Edit) error {
	cred, err := parseCredentials(d.Spec(), f.credentials)
	if err != nil {
		return err
	}
	one := maker(cmd, d, command, edits, cred)
	for i := range f.count {
		req, err := one(f.seed + uint64(i))
		if err != nil {
			return err
		}
		if f.json {
			err = writeLine(cmd.OutOrStdout(), sentRequest{
				Method: http.MethodPost, Path: req.Path, Query: req.Query, ContentType: req.ContentType, Header: req.Header, Body: string(req.Body),
			})
		} else {
			err = writeWire(cmd.OutOrStdout(), &req)
		}
		if err != nil {
			return err
		}
		if f.count > 1 && !f.json {
			_, _ = io.WriteString(cmd.OutOrStdout(), "\n\n")
		}
	}
	return nil
}

func credentialNames(spec *dialect.Spec) string {
	var names []string
	for _, k := range spec.Credentials {
		names = append(names, k.Name)
	}
	return strings.Join(names, ", ")
}

// post sends one request below base.
func post(ctx context.Context, client *http.Client, base *url.URL, req dialect.Request) (exchange, error) {
	target := strings.TrimSuffix(base.Scheme+"://"+base.Host+base.EscapedPath(), "/") + req.Path
	query := base.RawQuery
	if query != "" && req.Query != "" {
		query += "&"
	}
	if query += req.Query; query != "" {
		target += "?" + query
	}
	hr, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(req.Body))
	if err != nil {
		return exchange{}, fmt.Errorf("making the request: %w", err)
	}
	for name, values := range req.Header {
		hr.Header[http.CanonicalHeaderKey(name)] = values
	}
	if req.ContentType != "" {
		hr.Header.Set("Content-Type", req.ContentType)
	}
	res, err := client.Do(hr)
	if err != nil {
		if ue, ok := errors.AsType[*url.Error](err); ok {
			err = ue.Err // the URL holds the signature
		}
		return exchange{}, fmt.Errorf("posting to %s%s: %w", base.Host, req.Path, err)
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxBackendAnswer))
	if err != nil {
		return exchange{}, fmt.Errorf("reading the answer of %s: %w", base.Host, err)
	}
	return exchange{
		Request: sentRequest{
			Method: hr.Method, Path: hr.URL.EscapedPath(), Query: hr.URL.RawQuery,
			ContentType: req.ContentType, Header: req.Header, Body: string(req.Body),
		},
		Response: gotResponse{Status: res.StatusCode, ContentType: res.Header.Get("Content-Type"), Body: string(answer)},
	}, nil
}
