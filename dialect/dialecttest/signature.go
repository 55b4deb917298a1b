package dialecttest

import (
	"bytes"
	"errors"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/dialect"
)

func (in *inspector) verification(at time.Time) dialect.Verification {
	return dialect.Verification{Now: at, MaxAge: in.spec.MaxAge}
}

func refused(err error) bool {
	return errors.Is(err, dialect.ErrSignature) || errors.Is(err, dialect.ErrStale) || errors.Is(err, dialect.ErrWrongApp)
}

// findCarriers learns from samples what Sign adds to a request.
func (in *inspector) findCarriers() {
	in.carriers = map[carrier]bool{}
	for _, name := range in.spec.SignatureExempt {
		in.carriers[carrier{"query", name}] = true
		in.carriers[carrier{"header", http.CanonicalHeaderKey(name)}] = true
	}
	for _, c := range in.spec.Commands {
		in.run("sign", c.Name, func(*probe) {
			plain, err := in.Dialect.Sample(c.Name, rand.New(rand.NewPCG(1, 1)), in.Now)
			if err != nil {
				return // check sample says so
			}
			signed := cloneRequest(&plain)
			if in.Dialect.Sign(signed, in.Credentials, "carrier", in.Now) != nil {
				return // check sign says so
			}
			before := values(&plain)
			for c, value := range values(signed) {
				if before[c] != value {
					in.carriers[c] = true
				}
			}
		})
	}
}

// carrier is where a signature, or what is signed with it, may stand.
type carrier struct {
	place string // query, header or body (a top-level member)
	name  string
}

// values are all that a request holds at such places.
func values(req *dialect.Request) map[carrier]string {
	all := map[carrier]string{}
	for pair := range strings.SplitSeq(req.Query, "&") {
		if name, value, ok := strings.Cut(pair, "="); ok {
			all[carrier{"query", name}] = value
		}
	}
	for name, v := range req.Header {
		all[carrier{"header", http.CanonicalHeaderKey(name)}] = strings.Join(v, "\n")
	}
	for _, m := range members(req.Body) {
		all[carrier{"body", m.name}] = string(req.Body[m.from:m.to])
	}
	return all
}

// member is a top-level member of a JSON object and the place of its value.
type member struct {
	name     string
	from, to int
}

func members(body []byte) []member {
	dec := jsontext.NewDecoder(bytes.NewReader(body), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if dec.PeekKind() != '{' {
		return nil
	}
	if _, err := dec.ReadToken(); err != nil {
		return nil
	}
	var ms []member
	for dec.PeekKind() == '"' {
		raw, err := dec.ReadValue()
		if err != nil {
			return nil
		}
		name, err := jsontext.AppendUnquote(nil, raw)
		if err != nil {
			return nil
		}
		m := member{name: string(name)}
		value, err := dec.ReadValue()
		if err != nil {
			return nil
		}
		m.to = int(dec.InputOffset())
		m.from = m.to - len(value)
		ms = append(ms, m)
	}
	return ms
}

func queryHas(query, name string) bool {
	for pair := range strings.SplitSeq(query, "&") {
		key, _, _ := strings.Cut(pair, "=")
		if plain, err := url.QueryUnescape(key); err == nil && plain == name {
			return true
		}
	}
	return false
}

// without removes everything that Sign adds.
func (in *inspector) without(req *dialect.Request) (*dialect.Request, int) {
	c, removed := cloneRequest(req), 0
	var kept []string
	for pair := range strings.SplitSeq(c.Query, "&") {
		key, _, _ := strings.Cut(pair, "=")
		if in.carriers[carrier{"query", key}] {
			removed++
			continue
		}
		kept = append(kept, pair)
	}
	c.Query = strings.Join(kept, "&")
	for name := range req.Header {
		if in.carriers[carrier{"header", http.CanonicalHeaderKey(name)}] {
			c.Header.Del(name)
			removed++
		}
	}
	ms := members(c.Body)
	for _, m := range slices.Backward(ms) {
		if in.carriers[carrier{"body", m.name}] {
			c.Body = slices.Replace(c.Body, m.from, m.to, []byte(`""`)...)
			removed++
		}
	}
	return c, removed
}

func (p *probe) verify(g *golden) {
	first, err := p.in.Dialect.Verify(cloneRequest(&g.request), p.in.Credentials, p.in.verification(p.in.Now))
	p.err("Verify", err)
	if err != nil {
		p.failf("refused: %v", err)
		return
	}
	again, err := p.in.Dialect.Verify(cloneRequest(&g.request), p.in.Credentials, p.in.verification(p.in.Now))
	if d := diff(first, again); err != nil || d != "" {
		p.failf("verified twice it proves something else (%v):\n%s", err, d)
	}
	if first.Secret < 0 || first.Secret >= len(p.in.Credentials.Secrets) {
		p.failf("Proof.Secret is %d: not the place of a secret", first.Secret)
	}
}

func (p *probe) signature(g *golden) {
	wrong := p.in.Credentials
	wrong.Secrets = nil
	expired := wrong
	for _, s := range p.in.Credentials.Secrets {
		other := s
		other.Value = dialect.Secret(altered(s.Value.Reveal()))
		wrong.Secrets = append(wrong.Secrets, other)
		s.Until = p.in.Now.Add(-time.Hour)
		expired.Secrets = append(expired.Secrets, s)
	}
	unsigned, removed := p.in.without(&g.request)
	if removed == 0 {
		p.failf("nothing of the request is what Sign adds or SignatureExempt names")
	}
	for _, tt := range []struct {
		name string
		req  *dialect.Request
		cred dialect.Credentials
	}{
		{"signed with another secret", cloneRequest(&g.request), wrong},
		{"signed with an expired secret", cloneRequest(&g.request), expired},
		{"unsigned", unsigned, p.in.Credentials},
	} {
		_, err := p.in.Dialect.Verify(tt.req, tt.cred, p.in.verification(p.in.Now))
		p.err("Verify", err)
		if !errors.Is(err, dialect.ErrSignature) && (tt.name != "unsigned" || !refused(err)) {
			p.failf("%s: %v, want ErrSignature", tt.name, err)
		}
	}
}

// altered is another secret of the same form: letters and digits are moved on by
// one, so that an encoded one stays decodable.
func altered(secret string) string {
	b := []byte(secret)
	for i, c := range slices.Backward(b) {
		switch {
		case c >= 'a' && c < 'z' || c >= 'A' && c < 'Z' || c >= '0' && c < '9':
			b[i]++
		case c == 'z' || c == 'Z' || c == '9':
			b[i]--
		default:
			continue
		}
		if len(b)-i > 4 { // behind the padding and the bits that it drops
			return string(b)
		}
	}
	return string(b)
}

func (p *probe) stale(g *golden) {
	if p.in.spec.MaxAge == 0 {
		return
	}
	far := 2*p.in.spec.MaxAge + time.Second
	for _, at := range []time.Time{p.in.Now.Add(far), p.in.Now.Add(-far)} {
		_, err := p.in.Dialect.Verify(cloneRequest(&g.request), p.in.Credentials, p.in.verification(at))
		if !errors.Is(err, dialect.ErrStale) {
			p.failf("%s from arrival: %v, want ErrStale", at.Sub(p.in.Now), err)
		}
	}
	unbounded := dialect.Verification{Now: p.in.Now.Add(far)}
	if _, err := p.in.Dialect.Verify(cloneRequest(&g.request), p.in.Credentials, unbounded); err != nil {
		p.failf("with MaxAge zero, which means not checked: %v", err)
	}
}

// flip changes each byte of each carrier, one at a time.
func (p *probe) flip(g *golden) {
	flipped := 0
	try := func(name string, i int, req *dialect.Request) {
		flipped++
		_, err := p.in.Dialect.Verify(req, p.in.Credentials, p.in.verification(p.in.Now))
		p.err("Verify", err)
		if !refused(err) {
			p.failf("byte %d of %s is changed: %v, want a refusal", i, name, err)
		}
	}
	offset := 0
	for pair := range strings.SplitSeq(g.request.Query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if p.in.carriers[carrier{"query", name}] {
			start := offset + len(name) + 1
			for i := range value {
				req := cloneRequest(&g.request)
				q := []byte(req.Query)
				q[start+i] = other(q[start+i])
				req.Query = string(q)
				try(name, i, req)
			}
		}
		offset += len(pair) + 1
	}
	for _, name := range slices.Sorted(maps.Keys(g.request.Header)) {
		if !p.in.carriers[carrier{"header", http.CanonicalHeaderKey(name)}] {
			continue
		}
		for i := range g.request.Header.Get(name) {
			req := cloneRequest(&g.request)
			v := []byte(req.Header.Get(name))
			v[i] = other(v[i])
			req.Header.Set(name, string(v))
			try(name, i, req)
		}
	}
	for _, m := range members(g.request.Body) {
		if !p.in.carriers[carrier{"body", m.name}] || g.request.Body[m.from] != '"' {
			continue
		}
		for i := m.from + 1; i < m.to-1; i++ {
			req := cloneRequest(&g.request)
			req.Body[i] = other(req.Body[i])
			try(m.name, i-m.from-1, req)
		}
	}
	if flipped == 0 {
		p.failf("there was nothing to change")
	}
}

// other is a different byte that is harmless in a query, a header and a string.
func other(c byte) byte {
	switch {
	case c == '9' || c == 'z' || c == 'Z':
		return c - 1
	case c >= '0' && c < '9' || c >= 'a' && c < 'z' || c >= 'A' && c < 'Z':
		return c + 1
	}
	return 'x'
}
