package imfake

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/sample"
)

// ErrNotAccepted says that a strict server's post was not answered 2xx.
var ErrNotAccepted = errors.New("post was not answered 2xx")

// maxAnswer is how much of an answer is read, in bytes.
const maxAnswer = 1 << 20

// ServerConfig varies a [Server]. The zero value is the vendor's server, without
// credentials.
type ServerConfig struct {
	// Credentials to sign with.
	Credentials dialect.Credentials
	// Policy replaces the dialect's [PolicyOf].
	Policy *Policy
	// Generation is that of the server's release: samples are in its form, and answers
	// to before-callbacks are judged by its rules. Empty is the newest.
	Generation string
	// Settings of the server's operator, for [Server.Ask].
	Settings Settings
	// Wait is how long Ask waits for an answer; zero is the vendor's own.
	Wait time.Duration
	// Strict makes a post that was not answered 2xx an error, even where the
	// vendor's server would not care.
	Strict bool
	// Now is the clock that samples and signatures use; nil is the system's.
	Now func() time.Time
	// After waits before a retry; nil is time.After.
	After func(time.Duration) <-chan time.Time
	// Seed makes the samples repeatable; zero is a seed like any other.
	Seed uint64
}

// Server is an IM server that speaks a dialect: it posts callbacks to one URL,
// signed, and treats the answers as the vendor's server does. Close it.
type Server struct {
	dialect dialect.Dialect
	url     string
	cfg     ServerConfig
	policy  Policy
	client  *http.Client

	mu sync.Mutex
	// mu guards the following.
	rand *rand.Rand
}

// Answer is what came of a post.
type Answer struct {
	// Response is the last answer; its zero value means that none came.
	Response dialect.Response
	// Attempts is how many times the request went out.
	Attempts int
	// Taken is true when the vendor's server is content: it will not post this
	// again, and thinks that it arrived.
	Taken bool
	// Err is why the last attempt got no answer.
	Err error
}

// Accepted reports whether the last answer was a 2xx: what a gateway that
// promises durability is held to.
func (a Answer) Accepted() bool { return is2xx(&a.Response) }

// NewServer returns a server that posts to url: the base that the vendor's
// console or configuration would hold, with no slash at the end.
func NewServer(d dialect.Dialect, url string, cfg ServerConfig) *Server {
	s := &Server{
		dialect: d,
		url:     strings.TrimSuffix(url, "/"),
		cfg:     cfg,
		policy:  PolicyOf(d.Spec().Name),
		// No redirects are followed, so that a test sees them.
		client: &http.Client{
			Transport:     &http.Transport{MaxIdleConnsPerHost: 256, DisableCompression: true},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		rand: rand.New(rand.NewPCG(cfg.Seed, 0)),
	}
	if cfg.Policy != nil {
		s.policy = *cfg.Policy
	}
	if s.cfg.Now == nil {
		s.cfg.Now = time.Now
	}
	if s.cfg.After == nil {
		s.cfg.After = time.After
	}
	return s
}

// Close ends the idle connections. Posts and loads must be over.
func (s *Server) Close() { s.client.CloseIdleConnections() }

// Sample builds what the vendor would send for command, with the app's own keys,
// edited but not signed.
func (s *Server) Sample(command string, edits ...Edit) (dialect.Request, error) {
	s.mu.Lock()
	req, err := s.dialect.Sample(command, s.rand, s.cfg.Now())
	s.mu.Unlock()
	if err != nil {
		return dialect.Request{}, fmt.Errorf("building a sample of %s: %w", command, err)
	}
	if req, err = s.inGeneration(req); err != nil {
		return dialect.Request{}, fmt.Errorf("building a sample of %s: %w", command, err)
	}
	for _, key := range s.dialect.Spec().Credentials {
		if own := s.cfg.Credentials.Get(key.Name); key.Sample != "" && own != "" {
			sample.Substitute(&req, key.Sample, own)
		}
	}
	for _, edit := range edits {
		if err := edit(&req); err != nil {
			return dialect.Request{}, fmt.Errorf("editing the sample of %s: %w", command, err)
		}
	}
	return req, nil
}

// inGeneration says a sample as a server of the configured generation does.
func (s *Server) inGeneration(req dialect.Request) (dialect.Request, error) {
	if s.cfg.Generation == "" {
		return req, nil
	}
	evs, err := s.dialect.Decode(&req)
	if err != nil || len(evs) != 1 || evs[0].Generation == s.cfg.Generation {
		return req, err
	}
	reqs, err := s.dialect.Encode(evs[0], dialect.Target{Generation: s.cfg.Generation, Credentials: s.cfg.Credentials, Now: s.cfg.Now()})
	if err != nil {
		return req, fmt.Errorf("saying it as %s: %w", s.cfg.Generation, err)
	}
	if len(reqs) == 0 {
		return req, fmt.Errorf("%s says nothing of it", s.cfg.Generation)
	}
	return reqs[0], nil // an older server may ask about one member after the other
}

// Post sends a sample of command, edited, then signed. The error is about the
// building of the request, about ctx, or [ErrNotAccepted] of a strict server; a
// connection that fails is part of the answer.
func (s *Server) Post(ctx context.Context, command string, edits ...Edit) (Answer, error) {
	req, err := s.Sample(command, edits...)
	if err != nil {
		return Answer{}, err
	}
	return s.PostRequest(ctx, req)
}

// PostRequest signs req and sends it, again where the vendor's policy says so. A
// retry repeats the signed request byte for byte, as an honest server does.
func (s *Server) PostRequest(ctx context.Context, req dialect.Request) (Answer, error) {
	req.Header = req.Header.Clone()
	req.Body = bytes.Clone(req.Body)
	if err := s.dialect.Sign(&req, s.cfg.Credentials, s.id(&req), s.cfg.Now()); err != nil {
		return Answer{}, fmt.Errorf("signing: %w", err)
	}
	return s.PostSigned(ctx, req)
}

// id is what the signature calls the request: its own id, its event's, or a new
// one.
func (s *Server) id(req *dialect.Request) string {
	if req.ID != "" {
		return req.ID
	}
	if evs, err := s.dialect.Decode(req); err == nil && len(evs) > 0 && evs[0].ID != "" {
		return evs[0].ID
	}
	return event.NewID()
}

// PostSigned sends req as it is, again where the vendor's policy says so: for
// requests that are signed wrongly on purpose, or not at all.
func (s *Server) PostSigned(ctx context.Context, req dialect.Request) (Answer, error) {
	var a Answer
	for {
		a.Attempts++
		a.Response, a.Err = s.attempt(ctx, &req, s.policy.Timeout)
		a.Taken = a.Err == nil && (s.policy.Taken == nil || s.policy.Taken(&a.Response))
		if err := ctx.Err(); err != nil {
			return a, fmt.Errorf("posting: %w", err)
		}
		if a.Taken || a.Attempts > s.policy.Retries {
			break
		}
		if s.policy.Pause <= 0 {
			continue
		}
		select {
		case <-s.cfg.After(s.policy.Pause):
		case <-ctx.Done():
			return a, fmt.Errorf("posting: %w", ctx.Err())
		}
	}
	if s.cfg.Strict && !a.Accepted() {
		return a, errors.Join(fmt.Errorf("%w: status %d after %d attempts", ErrNotAccepted, a.Response.Status, a.Attempts), a.Err)
	}
	return a, nil
}

// attempt is one POST, within that time; zero is any.
func (s *Server) attempt(ctx context.Context, req *dialect.Request, within time.Duration) (dialect.Response, error) {
	if within > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, within)
		defer cancel()
	}
	url := s.url + req.Path
	if req.Query != "" {
		url += "?" + req.Query
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(req.Body))
	if err != nil {
		return dialect.Response{}, fmt.Errorf("building the request: %w", err)
	}
	// A new body is not an empty one to net/http: without this it would send
	// again by itself, which the policy counts as one attempt.
	r.GetBody = nil
	for k, v := range req.Header {
		r.Header[http.CanonicalHeaderKey(k)] = v
	}
	if req.ContentType != "" {
		r.Header.Set("Content-Type", req.ContentType)
	}
	res, err := s.client.Do(r)
	if err != nil {
		return dialect.Response{}, err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return dialect.Response{}, fmt.Errorf("reading the answer: %w", err)
	}
	return dialect.Response{Status: res.StatusCode, ContentType: res.Header.Get("Content-Type"), Header: res.Header, Body: body}, nil
}
