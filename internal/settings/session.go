package settings

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"strings"
	"time"

	"github.com/imhook/imhook/dialect"
)

// kindSession begins the keys of sessions.
const kindSession = "session"

// maxSessions bounds how many are kept; the oldest end past it.
const maxSessions = 1000

// Session is a console that somebody logged in to. It ends with the token that it was
// begun with.
type Session struct {
	// Name and Role are those of the token.
	Name string `json:"name"`
	Role string `json:"role"`
	// Token is its id; empty for a token of the configuration, which Proof is made of.
	Token string `json:"token,omitzero"`
	Proof string `json:"proof,omitzero"`
	// Expires is when it ends at the latest.
	Expires time.Time `json:"expires"`
	// Sum is the SHA-256 of what the cookie holds.
	Sum string `json:"sum"`
}

// BeginSession makes a session and returns what its cookie holds. s has name, role,
// expiry, and the token's id; for a token of the configuration the token itself.
func (b *Book) BeginSession(ctx context.Context, s Session, configured dialect.Secret) (dialect.Secret, Session, error) {
	id, secret := randomID(), randomSecret()
	s.Sum = sum(secret)
	if configured != "" {
		s.Proof = proof(secret, configured)
	}
	s.Expires = s.Expires.UTC().Truncate(time.Second)
	if err := b.endOld(ctx); err != nil {
		return "", s, err
	}
	err := b.change(ctx, kindSession+"/"+id, func() ([]byte, error) { return write(s) })
	return dialect.Secret(id + "." + secret), s, err
}

// endOld takes away sessions that have expired, and the oldest of too many.
func (b *Book) endOld(ctx context.Context) error {
	now := b.cfg.Now()
	b.mu.Lock()
	var ended []string
	var oldest string
	for id, s := range b.sessions {
		if over(s.Expires, now) {
			ended = append(ended, id)
			continue
		}
		if oldest == "" || s.Expires.Before(b.sessions[oldest].Expires) {
			oldest = id
		}
	}
	if len(b.sessions)-len(ended) >= maxSessions {
		ended = append(ended, oldest)
	}
	b.mu.Unlock()
	for _, id := range ended {
		if err := b.change(ctx, kindSession+"/"+id, func() ([]byte, error) { return nil, nil }); err != nil {
			return err
		}
	}
	return nil
}

// FindSession returns the session of a cookie, false when there is none, it has
// expired, or its token is not valid any more. configured are the tokens of the
// configuration that are.
func (b *Book) FindSession(ctx context.Context, cookie string, configured []dialect.Secret) (Session, bool) {
	id, secret, ok := strings.Cut(cookie, ".")
	if !ok {
		return Session{}, false
	}
	b.fresh(ctx)
	got, now := sum(secret), b.cfg.Now()
	b.mu.Lock()
	s, known := b.sessions[id]
	b.mu.Unlock()
	if same := subtle.ConstantTimeCompare([]byte(got), []byte(s.Sum)) == 1; !known || !same || over(s.Expires, now) {
		return Session{}, false
	}
	if s.Token != "" {
		t, ok := b.token(s.Token)
		s.Name, s.Role = t.Name, t.Role
		return s, ok
	}
	for _, c := range configured {
		if subtle.ConstantTimeCompare([]byte(proof(secret, c)), []byte(s.Proof)) == 1 {
			return s, true
		}
	}
	return Session{}, false
}

// EndSession ends the session of a cookie; it is no error when there is none.
func (b *Book) EndSession(ctx context.Context, cookie string) error {
	id, secret, _ := strings.Cut(cookie, ".")
	b.mu.Lock()
	s, known := b.sessions[id]
	b.mu.Unlock()
	if !known || subtle.ConstantTimeCompare([]byte(sum(secret)), []byte(s.Sum)) != 1 {
		return nil
	}
	return b.change(ctx, kindSession+"/"+id, func() ([]byte, error) { return nil, nil })
}

// proof ties a session to a token of the configuration. The store cannot be searched
// for a weak token with it: its key is in the cookie alone.
func proof(secret string, configured dialect.Secret) string {
	m := hmac.New(sha256.New, []byte(secret))
	_, _ = m.Write([]byte(configured.Reveal()))
	return hex.EncodeToString(m.Sum(nil))
}
