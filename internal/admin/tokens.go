package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/imhook/imhook/internal/settings"
)

// Token is one as it is shown: never what it is.
type Token struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Role      Role      `json:"role"`
	CreatedAt time.Time `json:"createdAt"`
	CreatedBy string    `json:"createdBy,omitzero"`
	Expires   time.Time `json:"expires,omitzero"`
	Expired   bool      `json:"expired,omitzero"`
	// LastUsed is when this gateway saw it last, since it started.
	LastUsed time.Time `json:"lastUsed,omitzero"`
}

func (a *api) shownToken(t settings.Token) Token {
	return Token{
		ID: t.ID, Name: t.Name, Role: Role(t.Role), CreatedAt: t.CreatedAt, CreatedBy: t.CreatedBy, Expires: t.Expires,
		Expired: !t.Expires.IsZero() && !a.Now().Before(t.Expires), LastUsed: t.LastUsed,
	}
}

// tokenList are all tokens, the oldest first.
type tokenList struct {
	Tokens []Token `json:"tokens"`
}

func (a *api) tokens(ctx context.Context, _ *none) (tokenList, error) {
	answer := tokenList{Tokens: []Token{}}
	for _, t := range a.Settings.Tokens(ctx) {
		answer.Tokens = append(answer.Tokens, a.shownToken(t))
	}
	return answer, nil
}

// tokenWish is a token that somebody wants.
type tokenWish struct {
	Name string `json:"name" doc:"Whose it is: it stands in the audit log." example:"night shift"`
	Role Role   `json:"role" enum:"viewer,operator,admin"`
	// Expires is a time or how long it is valid; empty means that it does not end.
	Expires string `json:"expires,omitzero" doc:"When it ends: a time, or for how long: 12h, 90d." example:"90d"`
}

// newToken is a token that was made.
type newToken struct {
	Token
	// Secret is what requests bear. It is not shown again.
	Secret string `json:"token" doc:"What requests bear. It is not shown again."`
}

// maxTokenName bounds what a token is called, in bytes.
const maxTokenName = 100

func (a *api) createToken(ctx context.Context, _ *none, want *tokenWish) (newToken, error) {
	name := strings.TrimSpace(want.Name)
	switch {
	case name == "" || len(name) > maxTokenName || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }):
		return newToken{}, refuse(http.StatusBadRequest, "name is %q; say whose token it is, in at most %d visible characters", name, maxTokenName)
	case !slices.Contains(Roles(), want.Role):
		return newToken{}, invalid(oneOf("role", orNone(want.Role), Roles()))
	}
	t := settings.Token{Name: name, Role: string(want.Role), CreatedBy: callerOf(ctx).Name}
	if want.Expires != "" {
		var err error
		if t.Expires, err = parseEnd("expires", want.Expires, a.Now()); err != nil {
			return newToken{}, invalid(err)
		}
		t.Expires = t.Expires.UTC().Truncate(time.Second)
	}
	secret, t, err := a.Settings.CreateToken(ctx, t)
	if errors.Is(err, settings.ErrTaken) {
		return newToken{}, refuse(http.StatusConflict, "there is a token %q already; revoke it, or choose another name", name)
	}
	if err != nil {
		return newToken{}, a.unset(ctx, err)
	}
	n := note(ctx)
	n.Target, n.Detail = t.ID, fmt.Sprintf("%s for %q", t.Role, t.Name)
	return newToken{a.shownToken(t), secret.Reveal()}, nil
}

// orNone makes an empty word one that is told as wrong.
func orNone(r Role) Role {
	if r == "" {
		return " "
	}
	return r
}

// revokedToken is one that is not valid any more.
type revokedToken struct {
	Revoked string `json:"revoked"`
	Name    string `json:"name"`
}

func (a *api) revokeToken(ctx context.Context, in *byID) (revokedToken, error) {
	t, err := a.Settings.RevokeToken(ctx, in.ID)
	if errors.Is(err, settings.ErrNone) {
		return revokedToken{}, refuse(http.StatusNotFound, "there is no token %q; imhook token list shows them", in.ID)
	}
	if err != nil {
		return revokedToken{}, a.unset(ctx, err)
	}
	note(ctx).Detail = fmt.Sprintf("%s of %q", t.Role, t.Name)
	return revokedToken{t.ID, t.Name}, nil
}

// unset says that the settings could not be changed.
func (a *api) unset(ctx context.Context, err error) *refusal {
	if settings.Unavailable(err) {
		return refuse(http.StatusServiceUnavailable, "nothing can be kept now: %v", err)
	}
	return a.broken(ctx, "keeping it", err)
}
