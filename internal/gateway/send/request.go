package send

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/imhook/imhook/dialect"
	"github.com/imhook/imhook/event"
	"github.com/imhook/imhook/internal/gateway"
)

// Headers that are added to what the dialect writes.
const (
	headerEventID = "Imhook-Event-Id"
	headerRepeat  = "Imhook-Repeat" // requeued or replayed
	headerTrace   = "Traceparent"
	headerState   = "Tracestate"
)

// label is what is known about a request beside what the dialect writes: what our
// own headers say, where empty is left out.
type label struct {
	event  string
	trace  gateway.Trace
	repeat event.Repeat
	// joined is true when the body is nobody else's.
	joined bool
}

// traceOf is what the event carries of the trace that it came in with.
func traceOf(ev *event.Event) gateway.Trace {
	return gateway.Trace{Parent: ev.Trace, State: ev.TraceState}
}

// newTemplate is what all requests have in common.
func newTemplate(base *url.URL) *http.Request {
	return &http.Request{
		Method: http.MethodPost, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Host: base.Host,
	}
}

// request builds the HTTP request by hand: http.NewRequest would parse the URL
// again every time.
func (s *Sender) request(ctx context.Context, l label, req *dialect.Request) (*http.Request, error) {
	to, err := s.place(req.Path, req.Query)
	if err != nil {
		return nil, err
	}
	if t := gateway.TraceOf(ctx); t.Parent != "" {
		l.trace = t // the attempt's own span, where there is one
	}
	h, err := s.header(l, req)
	if err != nil {
		return nil, err
	}
	hreq := s.template.WithContext(ctx)
	hreq.URL, hreq.RequestURI, hreq.Header = to.url, to.uri, h
	setBody(hreq, req.Body)
	return hreq, nil
}

// setBody uses exactly the reader types that the transport knows: with any other
// it sends the head in a packet of its own.
func setBody(hreq *http.Request, body []byte) {
	hreq.ContentLength = int64(len(body))
	if len(body) == 0 {
		hreq.Body, hreq.GetBody = http.NoBody, nil
		return
	}
	hreq.Body = io.NopCloser(bytes.NewReader(body))
	hreq.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
}

// place is where requests go. It is shared and does not change.
type place struct {
	path, query string
	url         *url.URL
	// uri is what stands in the request line.
	uri string
}

// place returns the place for a path and query of the dialect's: that of the request
// before, mostly.
func (s *Sender) place(path, query string) (*place, error) {
	if last := s.last.Load(); last != nil && last.path == path && last.query == query {
		return last, nil
	}
	u, err := s.url(path, query)
	if err != nil {
		return nil, err
	}
	to := &place{path: path, query: query, url: u, uri: u.RequestURI()}
	s.last.Store(to)
	return to, nil
}

// url appends the dialect's path, which is percent-encoded, and query to the
// endpoint's.
func (s *Sender) url(path, query string) (*url.URL, error) {
	if badURLText(query) {
		return nil, errors.New("encoding: the query holds a space or a control character")
	}
	u := &url.URL{Scheme: s.base.Scheme, Host: s.base.Host, Path: s.base.Path, RawPath: s.base.RawPath, RawQuery: s.base.RawQuery}
	if path != "" {
		appendPath(u, path)
	}
	switch {
	case query == "":
	case u.RawQuery == "":
		u.RawQuery = query
	default:
		u.RawQuery += "&" + query
	}
	return u, nil
}

// appendPath appends a percent-encoded path; one that is not is taken as it
// stands and encoded where it must be.
func appendPath(u *url.URL, path string) {
	if path[0] != '/' {
		path = "/" + path
	}
	plain, err := url.PathUnescape(path)
	if err != nil {
		plain = path
	}
	if u.RawPath != "" || strings.Contains(path, "%") {
		escaped := path
		if plain == path {
			escaped = (&url.URL{Path: plain}).EscapedPath()
		}
		u.RawPath = strings.TrimSuffix(u.EscapedPath(), "/") + escaped
	}
	u.Path = strings.TrimSuffix(u.Path, "/") + plain
}

// header is the dialect's headers and ours; the dialect's win.
func (s *Sender) header(l label, req *dialect.Request) (http.Header, error) {
	// One array for the values that differ with every request.
	values := [3]string{headerText(l.event), req.ContentType, l.trace.Parent}
	h := make(http.Header, 8)
	h["User-Agent"] = s.userAgent
	if l.event != "" {
		h[headerEventID] = values[0:1:1]
	}
	if l.repeat != "" {
		h[headerRepeat] = []string{string(l.repeat)}
	}
	if req.ContentType != "" {
		h["Content-Type"] = values[1:2:2]
	}
	if gateway.IsTraceparent(l.trace.Parent) {
		h[headerTrace] = values[2:3:3]
		if l.trace.State != "" && !badHeaderValue(l.trace.State) {
			h[headerState] = []string{l.trace.State}
		}
	}
	if s.authorization != nil {
		h["Authorization"] = s.authorization
	}
	maps.Copy(h, req.Header)
	// The transport would refuse these as well, but with an error that looks like
	// the network's and would be tried again for days.
	for k, vs := range h {
		if slices.ContainsFunc(vs, badHeaderValue) {
			return nil, fmt.Errorf("encoding: header %s holds a control character", k)
		}
	}
	return h, nil
}

// headerText makes an id fit for a header: ids may come from another system's
// wire.
func headerText(id string) string {
	for i := range len(id) {
		if c := id[i]; c <= ' ' || c >= 0x7f {
			return url.PathEscape(id)
		}
	}
	return id
}

func badHeaderValue(v string) bool {
	for i := range len(v) {
		if c := v[i]; c < ' ' && c != '\t' || c == 0x7f {
			return true
		}
	}
	return false
}

// badURLText reports whether s cannot stand in a request line.
func badURLText(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c == 0x7f {
			return true
		}
	}
	return false
}
