package admin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Config says which gateway to ask.
type Config struct {
	// URL is the gateway's, without a path: http://127.0.0.1:8420. It must not hold a
	// user or password.
	URL string
	// Token is admin.token of the gateway, or one of imhook token create; empty where
	// the API is open to this machine.
	Token string
	// HTTP sends the requests; nil is a client that gives an answer a minute. Its
	// Timeout does not bound [Client.Download].
	HTTP *http.Client
}

const (
	// defaultTimeout bounds one question.
	defaultTimeout = time.Minute
	// maxAnswer bounds what is read of an answer, in bytes.
	maxAnswer = 64 << 20
)

// Client asks one gateway. Make it with [New]; it is safe for concurrent use.
type Client struct {
	base  string
	token string
	http  *http.Client
}

// New returns a client. Nothing is asked yet.
func New(cfg Config) (*Client, error) {
	u, err := url.Parse(cfg.URL)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return nil, fmt.Errorf("%q is not the URL of a gateway; write http://host:port", cfg.URL)
	case u.User != nil:
		return nil, errors.New("the URL holds a user or password, which would be printed; the gateway wants a token")
	}
	if cfg.HTTP == nil {
		cfg.HTTP = &http.Client{Timeout: defaultTimeout}
	}
	return &Client{base: strings.TrimSuffix(cfg.URL, "/"), token: cfg.Token, http: cfg.HTTP}, nil
}

// URL is the gateway's.
func (c *Client) URL() string { return c.base }

// HasToken reports whether requests bear one.
func (c *Client) HasToken() bool { return c.token != "" }

// Error is a refusal.
type Error struct {
	// Status of the answer, and the words for it.
	Status     int
	StatusText string
	// Message says in words what is wrong and what to do about it; empty when the answer
	// is none of a gateway's API.
	Message string
	// When is the condition that is wrong, Line and Column the place in it, from 1; zero
	// where there is none.
	When         string
	Line, Column int
	// Body is the whole answer.
	Body []byte
}

// Error is the message, or the status.
func (e *Error) Error() string {
	if e.Message == "" {
		return "the gateway says: " + e.StatusText
	}
	return "the gateway says: " + e.Message
}

// UnreachableError says that nobody answered.
type UnreachableError struct {
	// URL is the gateway's.
	URL string
	Err error
}

// Error names the gateway and the cause.
func (e *UnreachableError) Error() string {
	return fmt.Sprintf("no gateway answers at %s (%v)", e.URL, e.Err)
}

// Unwrap is the cause.
func (e *UnreachableError) Unwrap() error { return e.Err }

// Call asks for path, with body as JSON unless it is nil, and reads the answer into to
// unless that is nil; a [*jsontext.Value] gets it as it is. It is for operations that
// have no method here; whoever has one should take that.
func (c *Client) Call(ctx context.Context, method, path string, query url.Values, body, to any) error {
	var b []byte
	if body != nil {
		var err error
		if b, err = json.Marshal(body, loose()...); err != nil {
			return fmt.Errorf("writing the request: %w", err)
		}
	}
	return c.Send(ctx, method, path, query, "application/json", b, to)
}

// Send is [Client.Call] with a body of any media type. A [*[]byte] gets the answer as it
// is, whatever it is.
func (c *Client) Send(ctx context.Context, method, path string, query url.Values, media string, body []byte, to any) error {
	res, err := c.send(ctx, c.http, method, path, query, media, body)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("reading the gateway's answer: %w", err)
	}
	if res.StatusCode != http.StatusOK {
		return refusal(res, answer)
	}
	switch to := to.(type) {
	case nil:
		return nil
	case *[]byte:
		*to = answer
		return nil
	}
	if err := json.Unmarshal(answer, to, loose()...); err != nil {
		return fmt.Errorf("reading the gateway's answer: %w", err)
	}
	return nil
}

// Download writes what path answers to w, however much it is and however long it
// takes. An error after the first byte means that it is not whole.
func (c *Client) Download(ctx context.Context, path string, query url.Values, w io.Writer) error {
	long := *c.http
	long.Timeout = 0
	res, err := c.send(ctx, &long, http.MethodGet, path, query, "", nil)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		answer, _ := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
		return refusal(res, answer)
	}
	if _, err := io.Copy(w, res.Body); err != nil {
		return fmt.Errorf("reading the gateway's answer, which is not whole: %w", err)
	}
	return nil
}

// send makes a request.
func (c *Client) send(ctx context.Context, by *http.Client, method, path string, query url.Values, media string, body []byte, more ...func(http.Header)) (*http.Response, error) {
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("asking the gateway: %w", err)
	}
	if body != nil {
		req.Header.Set("Content-Type", media)
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	for _, set := range more {
		set(req.Header)
	}
	res, err := by.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if ue, ok := errors.AsType[*url.Error](err); ok {
			err = ue.Err // the URL is in the sentence already
		}
		return nil, &UnreachableError{c.base, err}
	}
	return res, nil
}

// refusal reads an answer that says no.
func refusal(res *http.Response, answer []byte) *Error {
	var e struct {
		Error struct {
			Message string `json:"message"`
			When    string `json:"when"`
			Line    int    `json:"line"`
			Column  int    `json:"column"`
		} `json:"error"`
	}
	no := &Error{Status: res.StatusCode, StatusText: res.Status, Body: answer}
	if json.Unmarshal(answer, &e) == nil {
		no.Message, no.When, no.Line, no.Column = e.Error.Message, e.Error.When, e.Error.Line, e.Error.Column
	}
	return no
}

// loose takes what the world writes.
func loose() []json.Options {
	return []json.Options{jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true)}
}

// get asks for one answer.
func get[A any](ctx context.Context, c *Client, path string, query any) (*A, error) {
	a := new(A)
	if err := c.Call(ctx, http.MethodGet, path, values(query), nil, a); err != nil {
		return nil, err
	}
	return a, nil
}

// send asks for something to be done.
func send[A any](ctx context.Context, c *Client, method, path string, query, body any) (*A, error) {
	a := new(A)
	if err := c.Call(ctx, method, path, values(query), body, a); err != nil {
		return nil, err
	}
	return a, nil
}

// values are the fields of a query that are set, by their tag.
func values(query any) url.Values {
	v := reflect.ValueOf(query)
	if !v.IsValid() {
		return nil
	}
	all := url.Values{}
	for i := range v.NumField() {
		key, f := v.Type().Field(i).Tag.Get("query"), v.Field(i)
		if f.IsZero() {
			continue
		}
		switch x := f.Interface().(type) {
		case string:
			all.Set(key, x)
		case []string:
			all[key] = x
		case int:
			all.Set(key, strconv.Itoa(x))
		case bool:
			all.Set(key, "1")
		default:
			panic(fmt.Sprintf("a query cannot hold %T", x))
		}
	}
	return all
}

// below joins segments to a path, each escaped.
func below(base string, segments ...string) string {
	for _, s := range segments {
		base += "/" + url.PathEscape(s)
	}
	return base
}

// endpointPath is that of an endpoint, app/name or a name alone.
func endpointPath(id string) string {
	if app, name, ok := strings.Cut(id, "/"); ok {
		return below("/api/v1/endpoints", app, name)
	}
	return below("/api/v1/endpoints", id)
}
