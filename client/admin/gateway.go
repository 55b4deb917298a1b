package admin

import (
	"context"
	"net/http"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Cluster are the gateways that share a journal.
type Cluster struct {
	// Self is the gateway that answers, Writer the one that writes.
	Self    string   `json:"self"`
	Writer  string   `json:"writer"`
	Members []Member `json:"members"`
	Parts   []Part   `json:"parts"`
	Moves   uint64   `json:"moves"`
}

// Member is a gateway of a cluster.
type Member struct {
	ID      string    `json:"id"`
	Host    string    `json:"host"`
	PID     int       `json:"pid"`
	Started time.Time `json:"started"`
	Version string    `json:"version,omitzero"`
	Format  int       `json:"format"`
	Writes  bool      `json:"writes,omitzero"`
	Leaving bool      `json:"leaving,omitzero"`
	// Silent is for how long nothing was heard of it, in seconds.
	Silent float64 `json:"silentSeconds"`
	Slices int     `json:"slices"`
	Parts  int     `json:"parts"`
	// Differs says what its configuration has otherwise than the writer's.
	Differs []string `json:"differs,omitempty"`
	Note    string   `json:"note,omitzero"`
}

// Part is who delivers a part of an endpoint.
type Part struct {
	Endpoint string `json:"endpoint"`
	Part     int    `json:"part"`
	Of       int    `json:"of"`
	Owner    string `json:"owner,omitzero"`
	Moving   bool   `json:"moving,omitzero"`
}

// Cluster returns the gateways that share the journal.
func (c *Client) Cluster(ctx context.Context) (*Cluster, error) {
	return get[Cluster](ctx, c, "/api/v1/cluster", nil)
}

// Ledger is what came in and what became of it.
type Ledger struct {
	Balanced bool      `json:"balanced"`
	Accounts []Account `json:"accounts"`
}

// Account is that of a source or endpoint.
type Account struct {
	Kind    string         `json:"kind"`
	App     string         `json:"app"`
	Name    string         `json:"name"`
	Removed bool           `json:"removed,omitzero"`
	In      []AccountEntry `json:"in"`
	Out     []AccountEntry `json:"out"`
	// Difference is zero where the account balances; Words says where it does not.
	Difference int64  `json:"difference"`
	Words      string `json:"words,omitzero"`
}

// AccountEntry is one number of an account.
type AccountEntry struct {
	Name   string `json:"name"`
	Events uint64 `json:"events"`
}

// Ledger returns every account.
func (c *Client) Ledger(ctx context.Context) (*Ledger, error) {
	return get[Ledger](ctx, c, "/api/v1/ledger", nil)
}

// Status is how the gateway itself is doing.
type Status struct {
	Version string        `json:"version,omitzero"`
	Config  ConfigStatus  `json:"config"`
	Journal JournalStatus `json:"journal"`
	History HistoryStatus `json:"history"`
}

// ConfigStatus says whether the configuration in force is that of the files.
type ConfigStatus struct {
	// Followed is false where there is no file.
	Followed bool `json:"followed"`
	// Refused says why what the files hold now is not in force.
	Refused string    `json:"refused,omitzero"`
	At      time.Time `json:"at,omitzero"`
}

// JournalStatus is how the journal is doing.
type JournalStatus struct {
	// Trouble says why callbacks cannot be kept now.
	Trouble          string   `json:"trouble,omitzero"`
	Bytes            uint64   `json:"bytes"`
	UnfinishedBytes  uint64   `json:"unfinishedBytes"`
	RetainBytes      int64    `json:"retainBytes"`
	WhenFull         string   `json:"whenFull"`
	DiskFreeBytes    int64    `json:"diskFreeBytes,omitzero"`
	DiskReserveBytes int64    `json:"diskReserveBytes,omitzero"`
	Failures         uint64   `json:"failures"`
	Refused          uint64   `json:"refused"`
	DroppedEvents    uint64   `json:"droppedEvents"`
	UnreadablePages  uint64   `json:"unreadablePages"`
	LostPages        uint64   `json:"lostPages"`
	LostEvents       uint64   `json:"lostEvents"`
	LostDeadLetters  uint64   `json:"lostDeadLetters"`
	Losses           []string `json:"losses,omitempty"`
}

// Status returns how the gateway itself is doing.
func (c *Client) Status(ctx context.Context) (*Status, error) {
	return get[Status](ctx, c, "/api/v1/status", nil)
}

// Comparison is what another configuration would change.
type Comparison struct {
	Changes []Change `json:"changes"`
	Effects []Effect `json:"effects"`
}

// Change is one thing that would change.
type Change struct {
	// Kind is added, removed or changed; Object what it is: source, endpoint, gateway.
	Kind   string      `json:"kind"`
	Object string      `json:"object"`
	App    string      `json:"app,omitzero"`
	Name   string      `json:"name,omitzero"`
	Keys   []KeyChange `json:"keys,omitzero"`
	// Text says it whole, without secrets.
	Text string `json:"text"`
	// Restart is true when the gateway must be restarted for it.
	Restart bool `json:"restart,omitzero"`
}

// KeyChange is one value that is different.
type KeyChange struct {
	Key    string `json:"key"`
	Old    string `json:"old"`
	New    string `json:"new"`
	Secret bool   `json:"secret,omitzero"`
	// Effect is live, restart or first.
	Effect string `json:"effect"`
}

// Effect is what the changes mean for the events of one endpoint.
type Effect struct {
	Endpoint string `json:"endpoint"`
	Text     string `json:"text"`
	Events   int    `json:"events"`
	AtLeast  bool   `json:"atLeast,omitzero"`
}

// CompareConfig says what a configuration in YAML would change.
func (c *Client) CompareConfig(ctx context.Context, yaml []byte) (*Comparison, error) {
	a := new(Comparison)
	return a, c.Send(ctx, http.MethodPost, "/api/v1/config/diff", nil, "application/yaml", yaml, a)
}

// Document returns the OpenAPI document.
func (c *Client) Document(ctx context.Context) (jsontext.Value, error) {
	var v jsontext.Value
	return v, c.Call(ctx, http.MethodGet, "/api/openapi.json", nil, nil, &v)
}

// Health returns nil when the process answers.
func (c *Client) Health(ctx context.Context) error {
	var text []byte
	return c.Send(ctx, http.MethodGet, "/healthz", nil, "", nil, &text)
}

// Ready returns nil when callbacks are taken; why they are not is in the [*Error].
func (c *Client) Ready(ctx context.Context) error {
	var text []byte
	return c.Send(ctx, http.MethodGet, "/readyz", nil, "", nil, &text)
}

// Metrics returns those for Prometheus, in its text format.
func (c *Client) Metrics(ctx context.Context) ([]byte, error) {
	var text []byte
	return text, c.Send(ctx, http.MethodGet, "/metrics", nil, "", nil, &text)
}
