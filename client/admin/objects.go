package admin

import (
	"context"
	"net/http"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/event"
)

// SecretStatus is how a secret is doing, never what it is.
type SecretStatus struct {
	Key string `json:"key"`
	// Place is the one in its list, from 1.
	Place int       `json:"place"`
	From  time.Time `json:"from,omitzero"`
	Until time.Time `json:"until,omitzero"`
	// State is live, not yet or expired.
	State string `json:"state"`
	// LastUsed is zero when it was not since the gateway started.
	LastUsed time.Time `json:"lastUsed,omitzero"`
}

// Source is an IM server that calls.
type Source struct {
	App     string `json:"app"`
	Name    string `json:"name"`
	Dialect string `json:"dialect"`
	// Path is below the gateway's URL; a path token in it is redacted.
	Path           string            `json:"path"`
	Generation     string            `json:"generation,omitzero"`
	Credentials    map[string]string `json:"credentials,omitempty"`
	Secrets        []SecretStatus    `json:"secrets,omitempty"`
	AllowFrom      []string          `json:"allowFrom,omitzero"`
	MaxAgeSeconds  float64           `json:"maxAgeSeconds,omitzero"`
	AcceptUnsigned []string          `json:"acceptUnsigned,omitzero"`
	Commands       []Command         `json:"commands"`
}

// Command is one of a source's dialect.
type Command struct {
	Name  string      `json:"name"`
	Phase event.Phase `json:"phase"`
	Path  string      `json:"path,omitzero"`
	Line  string      `json:"line,omitzero"`
}

// SourceList are all sources.
type SourceList struct {
	Sources []Source `json:"sources"`
}

// Sources lists who may call.
func (c *Client) Sources(ctx context.Context) (*SourceList, error) {
	return get[SourceList](ctx, c, "/api/v1/sources", nil)
}

// Trigger is what a source shall be called with.
type Trigger struct {
	// Command of the dialect, or a Sequence of several callbacks.
	Command  string `json:"command,omitzero"`
	Sequence string `json:"sequence,omitzero"`
	// Set is an object of path to value; the edits are made in its order.
	Set   jsontext.Value `json:"set,omitzero"`
	Count int            `json:"count,omitzero"`
	// Seed draws the same values again.
	Seed *uint64 `json:"seed,omitzero"`
}

// Triggered are the callbacks that were made.
type Triggered struct {
	Exchanges []Callback `json:"exchanges"`
	Seed      uint64     `json:"seed"`
}

// Callback is one callback and what the gateway answered, or a step of a sequence that
// the dialect cannot express: Missing says why.
type Callback struct {
	Type     event.Type `json:"type,omitzero"`
	Missing  string     `json:"missing,omitzero"`
	Request  Request    `json:"request"`
	Response Response   `json:"response"`
}

// Request is what was sent.
type Request struct {
	Method      string              `json:"method"`
	Path        string              `json:"path"`
	Query       string              `json:"query,omitzero"`
	ContentType string              `json:"contentType,omitzero"`
	Header      map[string][]string `json:"header,omitzero"`
	Body        string              `json:"body"`
}

// Response is what was answered.
type Response struct {
	Status      int    `json:"status"`
	ContentType string `json:"contentType,omitzero"`
	Body        string `json:"body"`
}

// Trigger has a source called as the vendor's server would.
func (c *Client) Trigger(ctx context.Context, source string, t Trigger) (*Triggered, error) {
	return send[Triggered](ctx, c, http.MethodPost, below("/api/v1/sources", source, "trigger"), nil, t)
}

// SampleQuery says which callback a sample is of.
type SampleQuery struct {
	Command string `query:"command"`
	// Seed draws the same values as [Client.Trigger] with it.
	Seed string `query:"seed"`
}

// Sample is a callback that was not sent.
type Sample struct {
	Request Request `json:"request"`
	Seed    uint64  `json:"seed"`
	// Unsigned says why it could not be signed.
	Unsigned string `json:"unsigned,omitzero"`
}

// Sample returns what [Client.Trigger] would send.
func (c *Client) Sample(ctx context.Context, source string, q SampleQuery) (*Sample, error) {
	return get[Sample](ctx, c, below("/api/v1/samples", source), q)
}

// Check is what became of a harmless callback.
type Check struct {
	App     string `json:"app"`
	Source  string `json:"source"`
	Dialect string `json:"dialect"`
	Command string `json:"command"`
	// Unsigned says why the request could not be signed.
	Unsigned string   `json:"unsigned,omitzero"`
	Response Response `json:"response"`
	// Kept is true when the journal has the event.
	Kept      bool            `json:"kept"`
	Event     string          `json:"event,omitzero"`
	Type      event.Type      `json:"type,omitzero"`
	Endpoints []CheckEndpoint `json:"endpoints"`
	// Unmatched endpoints of the app do not get such events.
	Unmatched []string `json:"unmatched"`
}

// CheckEndpoint is what became of it at one endpoint.
type CheckEndpoint struct {
	Endpoint string `json:"endpoint"`
	// Fate is delivered, failed, left out, held or waiting.
	Fate    string  `json:"fate"`
	Kind    string  `json:"kind,omitzero"`
	Reason  string  `json:"reason,omitzero"`
	Status  int     `json:"status,omitzero"`
	Detail  string  `json:"detail,omitzero"`
	URL     string  `json:"url,omitzero"`
	Answer  string  `json:"answer,omitzero"`
	Seconds float64 `json:"seconds,omitzero"`
}

// checkWish is how long a check may take.
type checkWish struct {
	Timeout float64 `json:"timeoutSeconds,omitzero"`
}

// CheckSource sends a harmless callback through a source and waits for the endpoints,
// at most so long; zero is ten seconds.
func (c *Client) CheckSource(ctx context.Context, source string, within time.Duration) (*Check, error) {
	return send[Check](ctx, c, http.MethodPost, below("/api/v1/sources", source, "check"), nil, checkWish{within.Seconds()})
}

// Hook is somebody who is asked before.
type Hook struct {
	App  string `json:"app"`
	Name string `json:"name"`
	// State is asked, shadow, open or disabled.
	State   string `json:"state"`
	Builtin string `json:"builtin,omitzero"`
	Dialect string `json:"dialect,omitzero"`
	Timeout string `json:"timeout"`
	Failure string `json:"failure,omitzero"`
	// Asking is how many questions are open.
	Asking  int            `json:"asking"`
	Words   int            `json:"words,omitzero"`
	Trouble string         `json:"trouble,omitzero"`
	Secrets []SecretStatus `json:"secrets,omitempty"`
}

// HookList are all hooks, in the order in which they are asked.
type HookList struct {
	Hooks []Hook `json:"hooks"`
}

// Hooks lists who is asked before.
func (c *Client) Hooks(ctx context.Context) (*HookList, error) {
	return get[HookList](ctx, c, "/api/v1/hooks", nil)
}

// HookAnswer is what a hook said to a harmless question.
type HookAnswer struct {
	// Asked is false when it is not asked such questions: Why says so.
	Asked   bool         `json:"asked"`
	Why     string       `json:"why,omitzero"`
	Cause   string       `json:"cause,omitzero"`
	Verdict event.Action `json:"verdict,omitzero"`
	Reason  string       `json:"reason,omitzero"`
	Detail  string       `json:"detail,omitzero"`
	Status  int          `json:"status,omitzero"`
	// Seconds is how long it took, of Timeout.
	Seconds float64 `json:"seconds"`
	Timeout float64 `json:"timeoutSeconds"`
}

// CheckHook asks a hook something harmless.
func (c *Client) CheckHook(ctx context.Context, app, name string) (*HookAnswer, error) {
	return send[HookAnswer](ctx, c, http.MethodPost, below("/api/v1/hooks", app, name, "check"), nil, struct{}{})
}

// Reached is whether an endpoint can be connected to.
type Reached struct {
	// Tried is false where there is no URL to connect to: brokers and the inbox.
	Tried bool `json:"tried"`
	OK    bool `json:"ok"`
	// Reason and Detail say why not.
	Reason  string  `json:"reason,omitzero"`
	Detail  string  `json:"detail,omitzero"`
	Seconds float64 `json:"seconds"`
}

// CheckEndpoint has the gateway connect to an endpoint; nothing is sent.
func (c *Client) CheckEndpoint(ctx context.Context, app, name string) (*Reached, error) {
	return send[Reached](ctx, c, http.MethodPost, below("/api/v1/endpoints", app, name, "check"), nil, struct{}{})
}

// Endpoint is somebody who is told after.
type Endpoint struct {
	App  string `json:"app"`
	Name string `json:"name"`
	// State is live, catching up, ramping, half-open, open, paused or removed; Paused
	// says why it is.
	State                string                `json:"state"`
	Paused               string                `json:"paused,omitzero"`
	PausedUntil          time.Time             `json:"pausedUntil,omitzero"`
	Vendor               *Vendor               `json:"vendor,omitempty"`
	Breaker              string                `json:"breaker,omitzero"`
	ProbeAt              time.Time             `json:"probeAt,omitzero"`
	Ramp                 Ramp                  `json:"ramp,omitzero"`
	PausedConversations  []PausedConversation  `json:"pausedConversations,omitempty"`
	BlockedConversations []BlockedConversation `json:"blockedConversations,omitempty"`
	Blocked              int                   `json:"blocked,omitzero"`
	// Backlog counts events that are read and not finished, Behind those that were not
	// read yet; More is true when those were not counted.
	Backlog int  `json:"backlog"`
	More    bool `json:"more,omitzero"`
	Behind  int  `json:"behind,omitzero"`
	Ahead   int  `json:"ahead,omitzero"`
	// InFlight attempts, and lanes that wait for a retry.
	InFlight      int       `json:"inFlight"`
	Waiting       int       `json:"waiting"`
	Delivered     uint64    `json:"delivered"`
	Parked        uint64    `json:"parked"`
	PerSecond     float64   `json:"deliveredPerSecond,omitzero"`
	BytesInFlight int64     `json:"bytesInFlight,omitzero"`
	OldestAt      time.Time `json:"oldestAt,omitzero"`
	ForgetAt      time.Time `json:"forgetAt,omitzero"`
	// LastError is the last failure since the last success.
	LastError string `json:"lastError,omitzero"`
	// OldestAge is how long the oldest unfinished event waits, in seconds.
	OldestAge float64        `json:"oldestAgeSeconds,omitzero"`
	Secrets   []SecretStatus `json:"secrets,omitempty"`
}

// Vendor is as whom an endpoint delivers that delivers as a vendor's server does.
type Vendor struct {
	Name string `json:"name"`
	// State is its word for that it sends nothing until Until; Keeps is true when what
	// there is to send meanwhile is sent afterwards.
	State string    `json:"state,omitzero"`
	Until time.Time `json:"until,omitzero"`
	Keeps bool      `json:"keeps,omitzero"`
}

// Ramp is how many events may be in flight now, and at full speed.
type Ramp struct {
	Limit int `json:"limit"`
	Of    int `json:"of"`
}

// PausedConversation is held by hand.
type PausedConversation struct {
	Conversation event.Lane `json:"conversation"`
	Why          string     `json:"why"`
	Until        time.Time  `json:"until,omitzero"`
	Backlog      int        `json:"backlog"`
}

// BlockedConversation waits for somebody to act.
type BlockedConversation struct {
	Conversation event.Lane `json:"conversation"`
	Since        time.Time  `json:"since,omitzero"`
	Reason       string     `json:"reason,omitzero"`
	Detail       string     `json:"detail,omitzero"`
	Attempts     int        `json:"attempts"`
	Backlog      int        `json:"backlog"`
}

// EndpointList are all endpoints.
type EndpointList struct {
	Endpoints []Endpoint `json:"endpoints"`
}

// Endpoints lists who is told after.
func (c *Client) Endpoints(ctx context.Context) (*EndpointList, error) {
	return get[EndpointList](ctx, c, "/api/v1/endpoints", nil)
}

// Pause is what shall be held, and until when.
type Pause struct {
	// Conversation is one alone (group:g1); empty is the whole endpoint.
	Conversation string `json:"conversation,omitzero"`
	Why          string `json:"why,omitzero"`
	// Until is a time, or for how long: 2h, 3d.
	Until string `json:"until,omitzero"`
}

// Resume is what shall go on.
type Resume struct {
	Conversation string `json:"conversation,omitzero"`
	// Now also closes the breaker and tries at once what waits.
	Now bool `json:"now,omitzero"`
}

// Steered is what was held, or goes on.
type Steered struct {
	Paused       string    `json:"paused,omitzero"`
	Resumed      string    `json:"resumed,omitzero"`
	Conversation string    `json:"conversation,omitzero"`
	Until        time.Time `json:"until,omitzero"`
}

// PauseEndpoint holds an endpoint, app/name or a name that one app alone has, or one of
// its conversations. Everything is kept, in order.
func (c *Client) PauseEndpoint(ctx context.Context, id string, p Pause) (*Steered, error) {
	return send[Steered](ctx, c, http.MethodPost, endpointPath(id)+"/pause", nil, p)
}

// ResumeEndpoint lets it go on.
func (c *Client) ResumeEndpoint(ctx context.Context, id string, r Resume) (*Steered, error) {
	return send[Steered](ctx, c, http.MethodPost, endpointPath(id)+"/resume", nil, r)
}
