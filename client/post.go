package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/dialect/cloudevents"
	"github.com/imhook/imhook/event"
)

const (
	// eventType is the media type of one event.
	eventType = "application/cloudevents+json"
	// maxAnswer is how much of an answer is read, in bytes.
	maxAnswer = 8 << 20
	// askFirst is from which size on a body is sent only once its headers were
	// taken: whoever finds it too large closes the connection, and who still writes
	// then does not see why.
	askFirst = 256 << 10
	// maxRetryAfter bounds how long a gateway can make a client wait.
	maxRetryAfter = 5 * time.Minute
)

// failure is why a request came to nothing without its events being at fault.
type failure struct {
	// kind is [ErrUnavailable] or [ErrMisconfigured].
	kind error
	text string
	// cause is nil when the gateway answered.
	cause error
	// after is how long the gateway wants to be left alone.
	after time.Duration
}

func (f *failure) Error() string {
	if f.cause != nil {
		return fmt.Sprintf("%v: %v", f.kind, f.cause)
	}
	return fmt.Sprintf("%v: %s", f.kind, f.text)
}

func (f *failure) Unwrap() []error {
	if f.cause != nil {
		return []error{f.kind, f.cause}
	}
	return []error{f.kind}
}

// post sends a request and returns its answer, whatever it is; the error is a
// [*failure].
func (c *Client) post(ctx context.Context, req dialect.Request) (*dialect.Response, error) {
	// One signature for one body: a gateway takes the same id with another body for
	// a replay.
	if err := c.dialect.Sign(&req, c.credentials, event.DeriveID(string(req.Body)), time.Now()); err != nil {
		return nil, &failure{kind: ErrMisconfigured, cause: fmt.Errorf("signing: %w", err)}
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.target, bytes.NewReader(req.Body))
	if err != nil {
		return nil, &failure{kind: ErrMisconfigured, cause: withoutURL(err)}
	}
	maps.Copy(r.Header, req.Header)
	r.Header.Set("Content-Type", req.ContentType)
	r.Header.Set("User-Agent", "imhook-client")
	if len(req.Body) > askFirst {
		r.Header.Set("Expect", "100-continue")
	}
	res, err := c.http.Do(r)
	if err != nil {
		return nil, &failure{kind: ErrUnavailable, cause: withoutURL(err)}
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	err = errors.Join(err, res.Body.Close())
	if err != nil {
		return nil, &failure{kind: ErrUnavailable, cause: fmt.Errorf("reading the answer: %w", err)}
	}
	return &dialect.Response{Status: res.StatusCode, ContentType: res.Header.Get("Content-Type"), Header: res.Header, Body: body}, nil
}

// withoutURL takes the URL off an error: it may hold the path token.
func withoutURL(err error) error {
	if ue, ok := errors.AsType[*url.Error](err); ok {
		return ue.Err
	}
	return err
}

// refused reports whether an answer finds fault with the events, and how. Another
// client error may be a proxy's, or the gateway's about this client: that is no
// reason to give up an event.
func (c *Client) refused(res *dialect.Response) (string, bool) {
	words, ours := c.words(res)
	switch res.Status {
	case http.StatusRequestEntityTooLarge:
		if !ours {
			words = "too large for what stands before the gateway"
		}
		return words, true
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		return words, ours
	}
	return "", false
}

// failed says why an answer is no success and not the events' fault.
func (c *Client) failed(res *dialect.Response) *failure {
	f := &failure{kind: ErrMisconfigured, text: fmt.Sprintf("it answered %d", res.Status)}
	if words, ours := c.words(res); ours {
		f.text += ": " + words
	}
	switch res.Status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		f.kind = ErrUnavailable
	}
	if res.Status >= 500 {
		f.kind = ErrUnavailable
	}
	if errors.Is(f.kind, ErrMisconfigured) {
		f.text += ": " + remedy(res.Status)
	}
	f.after = retryAfter(res.Header.Get("Retry-After"), time.Now())
	return f
}

func remedy(status int) string {
	switch {
	case status == http.StatusUnauthorized:
		return "check Secret against the source's, and both clocks"
	case status == http.StatusForbidden:
		return "check the source's allow_from"
	case status == http.StatusNotFound:
		return "check the source in URL, and PathToken"
	case status < 300:
		return "nothing that a source of dialect cloudevents answers; check URL and the source's dialect"
	case status < 400:
		return "redirects are not followed; put the gateway's own address into URL"
	}
	return "check that URL is a source of dialect cloudevents of a gateway"
}

// words are what a gateway says when it does not accept a request; false when the
// answer is somebody else's.
func (c *Client) words(res *dialect.Response) (string, bool) {
	err := c.dialect.Judge(res)
	if err == nil {
		return "", false
	}
	return strings.TrimPrefix(err.Error(), dialect.ErrRefused.Error()+": "), true
}

// retryAfter reads the header in both of its forms; zero when it says nothing.
func retryAfter(header string, now time.Time) time.Duration {
	var after time.Duration
	if seconds, err := strconv.Atoi(header); err == nil {
		after = time.Duration(min(seconds, int(maxRetryAfter/time.Second))) * time.Second
	} else if at, err := http.ParseTime(header); err == nil {
		after = at.Sub(now)
	}
	return max(0, min(after, maxRetryAfter))
}

// receipt is a gateway's answer to events that it took.
type receipt struct {
	Accepted   *int `json:"accepted"`
	Duplicates int  `json:"duplicates"`
	Refused    int  `json:"refused"`
	Items      []struct {
		Index  int    `json:"index"`
		To     int    `json:"to"`
		Result string `json:"result"`
		Error  string `json:"error"`
	} `json:"items"`
}

// readReceipt reads the answer to n events; false when it is nothing that a
// gateway says.
func readReceipt(res *dialect.Response) (receipt, bool) {
	var r receipt
	err := dialect.Unmarshal(cloudevents.Name, "receipt", res.Body, &r)
	return r, err == nil && r.Accepted != nil
}
