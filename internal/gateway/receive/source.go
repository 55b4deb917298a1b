package receive

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net/netip"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/imhook/imhook/dialect"
)

// prefix is where all sources live.
const prefix = "/in/"

// source is a Source that is ready to be called.
type source struct {
	Source
	maxAge time.Duration
	// tokens open the source; none means that it needs none.
	tokens []pathToken
	// secrets has the places of Credentials.Secrets.
	secrets []ownSecret
	// reminders are those of tokens and secrets.
	reminders map[dialect.Secret]*reminder
	metrics   *sourceMetrics
	log       *quietLog
	// streams bounds its streams. It outlives the source: those of the one before
	// count.
	streams *budget
	// changed is closed when another source, or none, takes its place.
	changed chan struct{}
	// strange are the commands of unknown kinds that the operator was told of.
	strange once
}

// pathToken is a secret segment of the URL.
type pathToken struct {
	// sum is its hash, so that comparing tells nothing about its length either.
	sum [sha256.Size]byte
	ownSecret
}

func (h *Handler) newSource(s Source) (*source, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	out := &source{Source: s, maxAge: s.MaxAge, metrics: h.metrics.source(s.App, s.Name), log: newQuietLog(h.cfg.Log)}
	switch {
	case s.MaxAge == 0:
		out.maxAge = s.Dialect.Spec().MaxAge
	case s.MaxAge < 0:
		out.maxAge = 0
	}
	if s.Generation == "auto" {
		out.Generation = ""
	}
	tokens := s.PathTokens
	if s.PathToken != "" {
		tokens = append([]dialect.DatedSecret{{Value: s.PathToken}}, tokens...)
	}
	before := h.source(s.Name)
	out.remember(before)
	if before != nil {
		out.streams = before.streams
	} else {
		out.streams = &budget{}
		out.streams.give(maxOwnStreams)
	}
	if before != nil && reflect.DeepEqual(before.Source, s) {
		out.changed = before.changed
	} else {
		out.changed = make(chan struct{})
	}
	for i, t := range tokens {
		out.tokens = append(out.tokens, pathToken{sha256.Sum256([]byte(t.Value.Reveal())), out.own(keyPathToken, i, t)})
	}
	key := secretKey(s.Dialect.Spec())
	for i, d := range s.Credentials.Secrets {
		out.secrets = append(out.secrets, out.own(key, i, d))
	}
	return out, nil
}

// table finds sources by name. It does not change.
type table map[string]*source

func (h *Handler) newTable(sources []Source) (table, error) {
	t := make(table, len(sources))
	for _, s := range sources {
		if t[s.Name] != nil {
			return nil, fmt.Errorf("two sources are named %s", s.Name)
		}
		ready, err := h.newSource(s)
		if err != nil {
			return nil, err
		}
		t[s.Name] = ready
	}
	return t, nil
}

// retire ends the streams of those that others, or none, took the place of.
func (t table) retire(next table) {
	for name, s := range t {
		if n := next[name]; n == nil || n.changed != s.changed {
			close(s.changed)
		}
	}
}

// source is the one of that name that is called now, nil when there is none.
func (h *Handler) source(name string) *source {
	if t := h.sources.Load(); t != nil {
		return (*t)[name]
	}
	return nil
}

// find cuts an escaped URL path into the source and what follows it.
func (t table) find(path string) (src *source, rest string, ok bool) {
	path, ok = strings.CutPrefix(path, prefix)
	if !ok {
		return nil, "", false
	}
	name, rest := cutSegment(path)
	src, ok = t[name]
	return src, rest, ok
}

// checkToken takes the path token off rest; false when none is there that is
// valid now. token is which it was, valid or not; nil when there is none.
func (s *source) checkToken(rest string, now time.Time) (path string, token *ownSecret, ok bool) {
	if len(s.tokens) == 0 {
		return trimRoot(rest), nil, true
	}
	given, after := cutSegment(strings.TrimPrefix(rest, "/"))
	if plain, err := url.PathUnescape(given); err == nil {
		given = plain
	}
	sum := sha256.Sum256([]byte(given))
	for i := range s.tokens {
		t := &s.tokens[i]
		if subtle.ConstantTimeCompare(sum[:], t.sum[:]) == 1 && !ok {
			token, ok = &t.ownSecret, t.Live(now) // and on: how many were compared tells nothing
		}
	}
	if !ok {
		return "", token, false
	}
	return trimRoot(after), token, true
}

// allows reports whether a caller at a may use the source.
func (s *source) allows(a netip.Addr) bool {
	return len(s.AllowFrom) == 0 || contains(s.AllowFrom, a)
}

// cutSegment cuts "a/b" into "a" and "/b".
func cutSegment(path string) (first, rest string) {
	i := strings.IndexByte(path, '/')
	if i < 0 {
		return path, ""
	}
	return path[:i], path[i:]
}

// trimRoot makes "/" the same as no path at all.
func trimRoot(path string) string {
	if path == "/" {
		return ""
	}
	return path
}

func contains(ps []netip.Prefix, a netip.Addr) bool {
	return slices.ContainsFunc(ps, func(p netip.Prefix) bool { return p.Contains(a) })
}
