package admin

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

// Section is a kind of thing that the API can define.
type Section string

// The sections.
const (
	Sources   Section = "sources"
	Hooks     Section = "hooks"
	Endpoints Section = "endpoints"
)

// Problem is one thing that is wrong with a definition, or probably not meant.
type Problem struct {
	// Key is below the definition, Line and Column its place in the YAML, from 1.
	Key     string `json:"key,omitzero"`
	Line    int    `json:"line,omitzero"`
	Column  int    `json:"column,omitzero"`
	Message string `json:"message"`
}

// Definition is how a source, hook or endpoint is defined.
type Definition struct {
	App  string `json:"app"`
	Name string `json:"name"`
	// Origin is api, file or sandbox.
	Origin string `json:"origin"`
	// YAML is what the API was told, without secrets.
	YAML      string    `json:"yaml,omitzero"`
	CreatedAt time.Time `json:"createdAt,omitzero"`
	CreatedBy string    `json:"createdBy,omitzero"`
	ChangedAt time.Time `json:"changedAt,omitzero"`
	ChangedBy string    `json:"changedBy,omitzero"`
	// Problems say why it is not in force.
	Problems []Problem `json:"problems,omitempty"`
	Warnings []Problem `json:"warnings,omitempty"`
	// Settings are all values that are in force.
	Settings []Setting `json:"settings"`
}

// Setting is one value that is in force.
type Setting struct {
	Key     string `json:"key"`
	Value   string `json:"value"`
	Secret  bool   `json:"secret,omitzero"`
	Default bool   `json:"default,omitzero"`
}

// Defined is what a change did, or would do.
type Defined struct {
	DryRun bool `json:"dry_run,omitzero"`
	// YAML is the definition from then on, Before what it was; both without secrets.
	YAML   string `json:"yaml,omitzero"`
	Before string `json:"before,omitzero"`
	// Problems are empty for what was done; a dry run says them, anything else is an
	// [*Error] with them in its body.
	Problems []Problem `json:"problems"`
	Warnings []Problem `json:"warnings,omitempty"`
	Changes  []Change  `json:"changes,omitempty"`
	Effects  []Effect  `json:"effects,omitempty"`
	// Secret is one that the gateway made; it is not shown again.
	Secret string `json:"secret,omitzero"`
}

// DefineOptions are those of a change.
type DefineOptions struct {
	// DryRun says what it would do, and does nothing.
	DryRun bool `query:"dry_run"`
}

func definitionPath(s Section, app, name string) string {
	return below("/api/v1/"+url.PathEscape(string(s)), app, name)
}

// GetDefinition returns how something is defined.
func (c *Client) GetDefinition(ctx context.Context, s Section, app, name string) (*Definition, error) {
	return get[Definition](ctx, c, definitionPath(s, app, name), nil)
}

// PutDefinition defines something, in YAML with the keys of the configuration file (JSON
// is YAML).
func (c *Client) PutDefinition(ctx context.Context, s Section, app, name string, yaml []byte, o DefineOptions) (*Defined, error) {
	a := new(Defined)
	return a, c.Send(ctx, http.MethodPut, definitionPath(s, app, name), values(o), "application/yaml", yaml, a)
}

// PatchDefinition changes some keys; null takes one away.
func (c *Client) PatchDefinition(ctx context.Context, s Section, app, name string, yaml []byte, o DefineOptions) (*Defined, error) {
	a := new(Defined)
	return a, c.Send(ctx, http.MethodPatch, definitionPath(s, app, name), values(o), "application/yaml", yaml, a)
}

// DeleteDefinition takes away what the API defined.
func (c *Client) DeleteDefinition(ctx context.Context, s Section, app, name string, o DefineOptions) (*Defined, error) {
	return send[Defined](ctx, c, http.MethodDelete, definitionPath(s, app, name), o, nil)
}

// Rotation says how a secret is replaced.
type Rotation struct {
	// Secret is the new one; empty lets the gateway make one.
	Secret string `json:"secret,omitzero"`
	// Key is secret or path_token; empty is secret.
	Key string `json:"key,omitzero"`
	// Overlap is for how long the present one is still valid; empty is 24h.
	Overlap string `json:"overlap,omitzero"`
}

// RotateSecret puts a new secret behind the present one.
func (c *Client) RotateSecret(ctx context.Context, s Section, app, name string, r Rotation, o DefineOptions) (*Defined, error) {
	return send[Defined](ctx, c, http.MethodPost, definitionPath(s, app, name)+"/rotate", o, r)
}

// ExportConfig returns what the API defined as a configuration file.
func (c *Client) ExportConfig(ctx context.Context) ([]byte, error) {
	var text []byte
	return text, c.Send(ctx, http.MethodGet, "/api/v1/config/export", nil, "", nil, &text)
}
