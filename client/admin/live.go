package admin

import (
	"context"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
)

// Overview is how a gateway is doing now. Problems are in words, and empty where all is
// well.
type Overview struct {
	At      time.Time `json:"at"`
	Version string    `json:"version"`
	// Gateways are those that share the journal; none where there is one.
	Gateways      []GatewayGlance  `json:"gateways,omitempty"`
	Sources       []SourceGlance   `json:"sources"`
	Hooks         []HookGlance     `json:"hooks"`
	Endpoints     []EndpointGlance `json:"endpoints"`
	MoreEndpoints int              `json:"more_endpoints,omitzero"`
	History       HistoryGlance    `json:"history"`
	Problems      []string         `json:"problems"`
}

// GatewayGlance is a gateway of those that share a journal.
type GatewayGlance struct {
	ID      string `json:"id"`
	Host    string `json:"host"`
	PID     int    `json:"pid"`
	Writes  bool   `json:"writes,omitzero"`
	Self    bool   `json:"self,omitzero"`
	Problem string `json:"problem,omitzero"`
}

// SourceGlance is how a source is doing.
type SourceGlance struct {
	App              string    `json:"app"`
	Name             string    `json:"name"`
	Dialect          string    `json:"dialect"`
	Generation       string    `json:"generation,omitzero"`
	PerSecond        float64   `json:"per_second"`
	RefusedPerSecond float64   `json:"refused_per_second"`
	LastAt           time.Time `json:"last_at,omitzero"`
	Problem          string    `json:"problem,omitzero"`
}

// HookGlance is how a hook is doing. Allowed, Denied and Failed are since the start.
type HookGlance struct {
	App       string  `json:"app"`
	Name      string  `json:"name"`
	Kind      string  `json:"kind"`
	State     string  `json:"state"`
	PerSecond float64 `json:"per_second"`
	Allowed   uint64  `json:"allowed"`
	Denied    uint64  `json:"denied"`
	Failed    uint64  `json:"failed"`
	Breaker   string  `json:"breaker"`
	// P99 is in milliseconds, of the last minute.
	P99     float64 `json:"p99_ms,omitzero"`
	Problem string  `json:"problem,omitzero"`
}

// EndpointGlance is how an endpoint is doing. OldestAge is in seconds.
type EndpointGlance struct {
	App             string  `json:"app"`
	Name            string  `json:"name"`
	Dialect         string  `json:"dialect"`
	State           string  `json:"state"`
	PerSecond       float64 `json:"per_second"`
	FailedPerSecond float64 `json:"failed_per_second"`
	Backlog         int     `json:"backlog"`
	More            bool    `json:"more,omitzero"`
	OldestAge       float64 `json:"oldest_age_s"`
	InFlight        int     `json:"in_flight"`
	Ramp            int     `json:"ramp"`
	RampOf          int     `json:"ramp_of"`
	Breaker         string  `json:"breaker"`
	Paused          string  `json:"paused,omitzero"`
	DeadLetters     uint64  `json:"dead_letters"`
	Problem         string  `json:"problem,omitzero"`
}

// HistoryGlance is how the search of what was is doing; Lag is in seconds.
type HistoryGlance struct {
	State string  `json:"state"`
	Lag   float64 `json:"lag_s,omitzero"`
	// Trouble says in words what is wrong with it.
	Trouble string `json:"trouble,omitzero"`
}

// Live calls take with an overview at once and then every second, until ctx ends, take
// fails or the stream does; see [Client.Stream].
func (c *Client) Live(ctx context.Context, take func(*Overview) error) error {
	return c.Stream(ctx, StreamRequest{Path: "/api/v1/live"}, func(e StreamEvent) error {
		if e.Name != "overview" {
			return nil
		}
		var o Overview
		if err := json.Unmarshal(e.Data, &o, loose()...); err != nil {
			return fmt.Errorf("reading an overview: %w", err)
		}
		return take(&o)
	})
}

// ChartsQuery says which charts are wanted: Span is 1h or 24h, By is endpoint, type,
// source, hook, or empty for the gateway as a whole.
type ChartsQuery struct {
	Span string `query:"span"`
	By   string `query:"by"`
}

// Charts are how a gateway did lately.
type Charts struct {
	Span string `json:"span"`
	// StepS is how long a step is, in seconds, and From when the first one begins.
	StepS   int             `json:"step_s"`
	From    time.Time       `json:"from"`
	Series  []ChartLine     `json:"series"`
	Reasons []FailureReason `json:"reasons"`
}

// ChartLine is one line of a chart; a point that is nil was not measured.
type ChartLine struct {
	Metric string            `json:"metric"`
	Labels map[string]string `json:"labels,omitempty"`
	Points []*float64        `json:"points"`
}

// FailureReason is why attempts failed, and how many did.
type FailureReason struct {
	Reason string `json:"reason"`
	Count  int    `json:"count"`
}

// Charts returns how the gateway did.
func (c *Client) Charts(ctx context.Context, q ChartsQuery) (*Charts, error) {
	return get[Charts](ctx, c, "/api/v1/charts", q)
}

// TailQuery says what is wanted; what is empty does not narrow.
type TailQuery struct {
	App      string `query:"app"`
	Type     string `query:"type"`
	Lane     string `query:"conversation"`
	User     string `query:"user"`
	Endpoint string `query:"endpoint"`
	// Outcome is that of an attempt, or the verdict of a decision. Phase is before or
	// after.
	Outcome string `query:"outcome"`
	Phase   string `query:"phase"`
	// Since is a time in RFC 3339, or how long ago it was.
	Since string `query:"since"`
}

// Tail calls take for what comes in and what comes of it, until ctx ends, take fails or
// the stream does. After is the id of the last event that was seen, to go on behind it;
// empty begins now, or with q.Since. The names of events are those of the gateway's
// document.
func (c *Client) Tail(ctx context.Context, q TailQuery, after string, take func(StreamEvent) error) error {
	return c.TailFrom(ctx, q, after, nil, take)
}

// TailFrom is [Client.Tail] that calls heard whenever the gateway says anything, its
// heartbeats too.
func (c *Client) TailFrom(ctx context.Context, q TailQuery, after string, heard func(), take func(StreamEvent) error) error {
	if after != "" {
		q.Since = ""
	}
	return c.Stream(ctx, StreamRequest{Path: "/api/v1/tail", Query: values(q), After: after, Heard: heard}, take)
}
