package settings

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/imhook/imhook/dialect"
)

// TokenPrefix begins every token, so that one that leaked is found by those who look
// for such things.
const TokenPrefix = "imt_"

// kindToken begins the keys of tokens.
const kindToken = "token"

// Token is who may use the API, never the token itself.
type Token struct {
	ID string `json:"id"`
	// Name says whose it is.
	Name string `json:"name"`
	// Role is a word of the API's.
	Role      string    `json:"role"`
	CreatedAt time.Time `json:"createdAt"`
	CreatedBy string    `json:"createdBy,omitzero"`
	// Expires is when it ends; zero is never.
	Expires time.Time `json:"expires,omitzero"`
	// Sum is the SHA-256 of the token, in hexadecimal.
	Sum string `json:"sum"`
	// LastUsed is known to the gateway that was asked alone.
	LastUsed time.Time `json:"-"`
}

// over reports whether it has expired.
func over(expires, now time.Time) bool { return !expires.IsZero() && !now.Before(expires) }

// CreateToken makes a token and returns it: this is the only time that it is seen.
func (b *Book) CreateToken(ctx context.Context, t Token) (dialect.Secret, Token, error) {
	t.ID, t.CreatedAt = randomID(), b.cfg.Now().UTC().Truncate(time.Second)
	secret := TokenPrefix + t.ID + "_" + randomSecret()
	t.Sum = sum(secret)
	err := b.change(ctx, kindToken+"/"+t.ID, func() ([]byte, error) {
		for _, other := range b.Tokens(ctx) {
			if other.Name == t.Name && !over(other.Expires, b.cfg.Now()) {
				return nil, fmt.Errorf("token %q: %w", t.Name, ErrTaken)
			}
		}
		return write(t)
	})
	return dialect.Secret(secret), t, err
}

// Tokens returns all, the oldest first.
func (b *Book) Tokens(ctx context.Context) []Token {
	b.fresh(ctx)
	b.mu.Lock()
	defer b.mu.Unlock()
	all := make([]Token, 0, len(b.tokens))
	for _, t := range b.tokens {
		t.LastUsed = b.used[t.ID]
		all = append(all, t)
	}
	slices.SortFunc(all, func(x, y Token) int {
		return cmp.Or(x.CreatedAt.Compare(y.CreatedAt), cmp.Compare(x.ID, y.ID))
	})
	return all
}

// RevokeToken takes one away, named by its id or its name, and returns it.
func (b *Book) RevokeToken(ctx context.Context, idOrName string) (Token, error) {
	var found Token
	for _, t := range b.Tokens(ctx) {
		if t.ID == idOrName || t.Name == idOrName && found.ID == "" {
			found = t
		}
	}
	if found.ID == "" {
		return found, fmt.Errorf("token %q: %w", idOrName, ErrNone)
	}
	return found, b.change(ctx, kindToken+"/"+found.ID, func() ([]byte, error) { return nil, nil })
}

// FindToken returns whose token secret is, false when it is nobody's or has expired.
func (b *Book) FindToken(ctx context.Context, secret string) (Token, bool) {
	rest, ok := strings.CutPrefix(secret, TokenPrefix)
	id, _, _ := strings.Cut(rest, "_")
	if !ok {
		return Token{}, false
	}
	b.fresh(ctx)
	got, now := sum(secret), b.cfg.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	t, known := b.tokens[id]
	// Whether there is such an id may be found out; the id is no secret.
	if same := subtle.ConstantTimeCompare([]byte(got), []byte(t.Sum)) == 1; !known || !same || over(t.Expires, now) {
		return Token{}, false
	}
	b.used[id] = now.UTC().Truncate(time.Second)
	return t, true
}

// token returns one that is valid, by its id.
func (b *Book) token(id string) (Token, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	t, ok := b.tokens[id]
	return t, ok && !over(t.Expires, b.cfg.Now())
}

func sum(secret string) string {
	s := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(s[:])
}

// randomID names something; it is no secret.
func randomID() string { return strings.ToLower(rand.Text()[:10]) }

// randomSecret has 256 random bits.
func randomSecret() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // it never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}
