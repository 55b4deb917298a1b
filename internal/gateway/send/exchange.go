package send

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/imhook/imhook/internal/gateway"
)

// maxRedirects is how many redirects inside the host are followed.
const maxRedirects = 3

// answer is what came back, as far as it is looked at. Its zero value means that
// nothing did.
type answer struct {
	status int
	header http.Header
	body   []byte
	// more is true when the answer was longer than body.
	more bool
	// err is why the body could not be read to its end.
	err error
}

// newTransport makes the pool of one endpoint's connections: HTTP/1.1, no proxy
// from the environment, no compression, addresses checked when connecting.
func newTransport(cfg Config, base *url.URL) *pool {
	if cfg.Dial != nil {
		return newPool(cfg.Concurrency, cfg.Dial)
	}
	dialer := cfg.Egress.Dialer()
	address := net.JoinHostPort(base.Hostname(), portOf(base))
	plain := func(ctx context.Context) (net.Conn, error) { return dialer.DialContext(ctx, "tcp", address) }
	if base.Scheme != "https" {
		return newPool(cfg.Concurrency, plain)
	}
	return newPool(cfg.Concurrency, func(ctx context.Context) (net.Conn, error) {
		conf := &tls.Config{MinVersion: tls.VersionTLS12}
		if cfg.TLS != nil {
			given, err := cfg.TLS()
			if err != nil {
				return nil, err
			}
			conf = given.Clone()
		}
		if conf.ServerName == "" {
			conf.ServerName = base.Hostname()
		}
		conf.NextProtos = []string{"http/1.1"}
		nc, err := plain(ctx)
		if err != nil {
			return nil, err
		}
		tc := tls.Client(nc, conf)
		if err := tc.HandshakeContext(ctx); err != nil {
			_ = nc.Close()
			return nil, err
		}
		return tc, nil
	})
}

// exchange posts and reads the answer. An error means that no answer came.
func (s *Sender) exchange(hreq *http.Request, body []byte, deadline until) (answer, error) {
	res, err := s.roundTrip(hreq, body, deadline)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	ans := answer{status: res.StatusCode, header: res.Header}
	s.read(res, &ans)
	if ans.more && !deadline.strict {
		discard(res, len(ans.body)+1)
	}
	return ans, nil
}

// roundTrip follows 307 and 308 inside the host, with the same body. Other
// redirects would turn the POST into a GET, and other hosts were not meant.
func (s *Sender) roundTrip(hreq *http.Request, body []byte, deadline until) (*http.Response, error) {
	for hops := 0; ; hops++ {
		res, err := s.transport.RoundTrip(hreq, deadline)
		if err != nil {
			return nil, err
		}
		if res.StatusCode != http.StatusTemporaryRedirect && res.StatusCode != http.StatusPermanentRedirect {
			return res, nil
		}
		to, ok := sameHost(hreq.URL, res.Header.Get("Location"))
		if !ok || hops == maxRedirects {
			return res, nil
		}
		discard(res, 0)
		_ = res.Body.Close()
		hreq = hreq.WithContext(hreq.Context())
		hreq.URL, hreq.RequestURI = to, to.RequestURI()
		setBody(hreq, body)
	}
}

// sameHost resolves a Location; false when it is none or leads elsewhere.
func sameHost(from *url.URL, location string) (*url.URL, bool) {
	if location == "" {
		return nil, false
	}
	to, err := from.Parse(location)
	if err != nil || to.Scheme != from.Scheme || badURLText(to.RawQuery) ||
		!strings.EqualFold(to.Hostname(), from.Hostname()) || portOf(to) != portOf(from) {
		return nil, false
	}
	to.User, to.Fragment, to.RawFragment = nil, "", ""
	to.Host = from.Host
	return to, true
}

func portOf(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	if u.Scheme == "https" {
		return "443"
	}
	return "80"
}

// read reads up to MaxResponse bytes.
func (s *Sender) read(res *http.Response, ans *answer) {
	limit := int(s.cfg.MaxResponse)
	size := 512
	if n := res.ContentLength; n >= 0 {
		// One more, so that the end shows without growing.
		size = int(min(n, int64(limit))) + 1
	}
	if res.ContentLength == 0 {
		return
	}
	buf := make([]byte, 0, size)
	for {
		if len(buf) == cap(buf) {
			if len(buf) > limit {
				break
			}
			buf = append(buf, 0)[:len(buf)]
		}
		n, err := res.Body.Read(buf[len(buf):min(cap(buf), limit+1)])
		buf = buf[:len(buf)+n]
		if err == io.EOF {
			ans.body = buf
			return
		}
		if err != nil {
			ans.body, ans.err = buf[:min(len(buf), limit)], err
			return
		}
		if len(buf) > limit {
			break
		}
	}
	ans.body, ans.more = buf[:limit], true
}

// discard throws the rest of an answer away, so that its connection can be used
// again; of an endless one it lets go. It reads to the end, of which had bytes were read, unless that
// is longer than closing the connection takes.
func discard(res *http.Response, had int) {
	if res.ContentLength > drainBytes {
		return
	}
	_, _ = io.CopyN(io.Discard, res.Body, drainBytes-int64(had)+1)
}

// show is what was said, for people: bounded, without secrets and signatures.
func (s *Sender) show(hreq *http.Request, unsigned []byte, ans answer, err error) *gateway.Exchange {
	// Of a large batch the beginning is shown, cut far behind what is: what is cut
	// in two here is never seen.
	unsigned = unsigned[:min(len(unsigned), searchedBytes)]
	x := &gateway.Exchange{
		URL:      s.redact.url(hreq.URL, s.baseQuery),
		Request:  s.redact.text(string(unsigned), shownBytes),
		Status:   ans.status,
		Head:     s.redact.head(ans.header),
		Response: s.redact.text(string(ans.body), shownBytes),
	}
	if err != nil {
		x.Error = s.redact.line(err.Error())
	}
	return x
}

// showLocation shows where a redirect leads, without its query.
func (s *Sender) showLocation(location string) string {
	u, err := url.Parse(location)
	if err != nil {
		return "an address that cannot be read"
	}
	shown := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}
	return shown.String()
}
