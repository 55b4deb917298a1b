package admin

import (
	"context"
	"net/http"
	"time"
)

// The roles, each of which may what the one before it may.
const (
	RoleViewer   = "viewer"
	RoleOperator = "operator"
	RoleAdmin    = "admin"
)

// Me is who asks.
type Me struct {
	Name string `json:"name"`
	Role string `json:"role"`
	// By is how the gateway knows: token, session or machine.
	By      string    `json:"by"`
	Expires time.Time `json:"expires,omitzero"`
	Version string    `json:"version,omitzero"`
	Sandbox bool      `json:"sandbox,omitzero"`
	// History says how the search of what was is doing: off, current, catching up,
	// following or broken.
	History string `json:"history"`
}

// Me returns who asks, and what he may.
func (c *Client) Me(ctx context.Context) (*Me, error) {
	return get[Me](ctx, c, "/api/v1/me", nil)
}

// loginWish is what somebody logs in with.
type loginWish struct {
	Token string `json:"token"`
}

// Login begins a session, which the cookie jar of [Config.HTTP] keeps. It is for what
// shows the console; others send their token with every request.
func (c *Client) Login(ctx context.Context, token string) (*Me, error) {
	return send[Me](ctx, c, http.MethodPost, "/api/v1/login", nil, loginWish{token})
}

// Logout ends the session.
func (c *Client) Logout(ctx context.Context) error {
	return c.Call(ctx, http.MethodPost, "/api/v1/logout", nil, nil, nil)
}

// Token is who may use the API, never the token itself.
type Token struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Role      string    `json:"role"`
	CreatedAt time.Time `json:"createdAt"`
	CreatedBy string    `json:"createdBy,omitzero"`
	Expires   time.Time `json:"expires,omitzero"`
	Expired   bool      `json:"expired,omitzero"`
	// LastUsed is when the gateway that was asked saw it last, since it started.
	LastUsed time.Time `json:"lastUsed,omitzero"`
}

// TokenList are all tokens, the oldest first.
type TokenList struct {
	Tokens []Token `json:"tokens"`
}

// Tokens lists who may use the API.
func (c *Client) Tokens(ctx context.Context) (*TokenList, error) {
	return get[TokenList](ctx, c, "/api/v1/tokens", nil)
}

// TokenWish is a token to make.
type TokenWish struct {
	// Name says whose it is, Role what it may: viewer, operator, admin.
	Name string `json:"name"`
	Role string `json:"role"`
	// Expires is a time, or for how long: 12h, 90d; empty is for ever.
	Expires string `json:"expires,omitzero"`
}

// NewToken is a token that was made.
type NewToken struct {
	Token
	// Secret is what requests bear; it is not shown again.
	Secret string `json:"token"`
}

// CreateToken makes one.
func (c *Client) CreateToken(ctx context.Context, t TokenWish) (*NewToken, error) {
	return send[NewToken](ctx, c, http.MethodPost, "/api/v1/tokens", nil, t)
}

// RevokedToken is one that is not valid any more.
type RevokedToken struct {
	Revoked string `json:"revoked"`
	Name    string `json:"name"`
}

// RevokeToken takes one away, named by its id or its name, and ends its sessions.
func (c *Client) RevokeToken(ctx context.Context, idOrName string) (*RevokedToken, error) {
	return send[RevokedToken](ctx, c, http.MethodDelete, below("/api/v1/tokens", idOrName), nil, nil)
}

// AuditQuery narrows the audit log; what is empty does not narrow.
type AuditQuery struct {
	Limit int    `query:"limit"`
	Who   string `query:"who"`
	// What is an operation of the API's document.
	What string `query:"what"`
	// Target is a part of what it was about.
	Target string `query:"target"`
	Since  string `query:"since"`
	Until  string `query:"until"`
	Before string `query:"before"`
	After  string `query:"after"`
}

// AuditEntry is one thing that somebody did.
type AuditEntry struct {
	At   time.Time `json:"at"`
	Who  string    `json:"who"`
	Role string    `json:"role,omitzero"`
	// From is the address.
	From   string `json:"from,omitzero"`
	What   string `json:"what"`
	Target string `json:"target,omitzero"`
	Detail string `json:"detail,omitzero"`
	// Refused says why it was not done.
	Refused string `json:"refused,omitzero"`
	// Before and After are YAML without secrets.
	Before string `json:"before,omitzero"`
	After  string `json:"after,omitzero"`
}

// AuditList is one page of the audit log, newest first.
type AuditList struct {
	Entries []*AuditEntry `json:"entries"`
	Next    string        `json:"next,omitzero"`
	Newest  string        `json:"newest"`
}

// Audit lists who did what.
func (c *Client) Audit(ctx context.Context, q AuditQuery) (*AuditList, error) {
	return get[AuditList](ctx, c, "/api/v1/audit", q)
}
