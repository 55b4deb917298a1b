package admin

import (
	"context"
	"net/http"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/imhook/imhook/event"
)

// EventsQuery narrows events; what is empty does not narrow.
type EventsQuery struct {
	// Limit is 1 to 1000; zero is 50.
	Limit int `query:"limit"`
	// Type is a pattern: message.*.
	Type         string `query:"type"`
	Source       string `query:"source"`
	Conversation string `query:"conversation"`
	ID           string `query:"id"`
	// Link is a link key.
	Link string `query:"link"`
	// Since is a time, or how long ago it was: 1h.
	Since string `query:"since"`
	// Before goes on with what is older (Next of an answer), After with what is newer
	// (Newest).
	Before string `query:"before"`
	After  string `query:"after"`
}

// EventList is one page of events, newest first.
type EventList struct {
	Events []*event.Event `json:"events"`
	// Next is where older ones go on (Before), empty at the end. It may be set where
	// nothing was found: looking is bounded.
	Next string `json:"next,omitzero"`
	// Newest is the journal's end (After), for the next look.
	Newest string `json:"newest"`
}

// Raw is the wire form of an event.
type Raw struct {
	Dialect     string `json:"dialect"`
	Path        string `json:"path,omitzero"`
	Query       string `json:"query,omitzero"`
	ContentType string `json:"contentType,omitzero"`
	Body        string `json:"body"`
}

// Event is one event with everything that is known of it.
type Event struct {
	Event  *event.Event `json:"event"`
	Stored time.Time    `json:"stored"`
	Raw    Raw          `json:"raw,omitzero"`
	// Decisions are those about its message.
	Decisions []*Decision `json:"decisions,omitempty"`
	// Attempts are those that are kept, newest first.
	Attempts []*Attempt `json:"attempts,omitempty"`
}

// Events lists events that are kept.
func (c *Client) Events(ctx context.Context, q EventsQuery) (*EventList, error) {
	return get[EventList](ctx, c, "/api/v1/events", q)
}

// Event returns one.
func (c *Client) Event(ctx context.Context, id string) (*Event, error) {
	return get[Event](ctx, c, below("/api/v1/events", id), nil)
}

// DecisionsQuery narrows decisions; what is empty does not narrow.
type DecisionsQuery struct {
	Limit  int    `query:"limit"`
	Type   string `query:"type"`
	App    string `query:"app"`
	Source string `query:"source"`
	// Hook is a name, or app/name.
	Hook         string `query:"hook"`
	Verdict      string `query:"verdict"`
	Cause        string `query:"cause"`
	Conversation string `query:"conversation"`
	User         string `query:"user"`
	// ID is that of an event or message, or a link key.
	ID string `query:"id"`
	// Since and Until are times, or how long ago they were.
	Since  string `query:"since"`
	Until  string `query:"until"`
	Before string `query:"before"`
	After  string `query:"after"`
}

// Decision is what was answered to a before-callback, and why.
type Decision struct {
	Event *event.Event `json:"event"`
	Links []string     `json:"links,omitzero"`
	At    time.Time    `json:"at"`
	Took  float64      `json:"tookSeconds"`
	// Verdict is what was answered: allow, deny, drop, rewrite.
	Verdict event.Action    `json:"verdict"`
	Code    int             `json:"code,omitzero"`
	Reason  string          `json:"reason,omitzero"`
	Refused []event.Refusal `json:"refused,omitzero"`
	// By is the hook that decided, Cause how.
	By    string `json:"by,omitzero"`
	Cause string `json:"cause"`
	// Hooks are those that were asked.
	Hooks   []HookPart   `json:"hooks,omitzero"`
	Changes []Difference `json:"changes,omitzero"`
	// Cut is true when something had no room.
	Cut bool `json:"cut,omitzero"`
}

// HookPart is what one hook did about a decision.
type HookPart struct {
	Hook    string          `json:"hook"`
	Verdict event.Action    `json:"verdict"`
	Code    int             `json:"code,omitzero"`
	Reason  string          `json:"reason,omitzero"`
	Refused []event.Refusal `json:"refused,omitzero"`
	Cause   string          `json:"cause"`
	// Error is which failure it was, Detail one line about it.
	Error  string  `json:"error,omitzero"`
	Detail string  `json:"detail,omitzero"`
	Status int     `json:"status,omitzero"`
	Took   float64 `json:"tookSeconds"`
	// Shadow is true when it did not count.
	Shadow bool `json:"shadow,omitzero"`
	// Instead is what was made of a verdict that could not be carried.
	Instead event.Action `json:"instead,omitzero"`
	Why     string       `json:"why,omitzero"`
	Changes []Difference `json:"changes,omitzero"`
}

// Difference is one value that went out otherwise than it came in.
type Difference struct {
	Path   string         `json:"path"`
	Before jsontext.Value `json:"before,omitzero"`
	After  jsontext.Value `json:"after,omitzero"`
}

// DecisionList is one page of decisions, newest first.
type DecisionList struct {
	Decisions []*Decision `json:"decisions"`
	Next      string      `json:"next,omitzero"`
	Newest    string      `json:"newest"`
}

// Decisions lists decisions.
func (c *Client) Decisions(ctx context.Context, q DecisionsQuery) (*DecisionList, error) {
	return get[DecisionList](ctx, c, "/api/v1/decisions", q)
}

// Story is what was decided about a message, and which events came after.
type Story struct {
	Decisions []*Decision `json:"decisions"`
	Events    []FollowUp  `json:"events"`
	// More is true when events further on were not looked at.
	More bool `json:"more,omitzero"`
}

// FollowUp is an event that came after a decision about the same message.
type FollowUp struct {
	Event       *event.Event `json:"event"`
	Stored      time.Time    `json:"stored"`
	DeadLetters []DeadLetter `json:"deadletters,omitempty"`
}

// Decision returns the story of a message: id is that of an event or message, or a
// link key.
func (c *Client) Decision(ctx context.Context, id string) (*Story, error) {
	return get[Story](ctx, c, below("/api/v1/decisions", id), nil)
}

// AttemptsQuery narrows attempts; what is empty does not narrow.
type AttemptsQuery struct {
	Limit        int    `query:"limit"`
	Endpoint     string `query:"endpoint"`
	Event        string `query:"event"`
	Conversation string `query:"conversation"`
	Reason       string `query:"reason"`
	Outcome      string `query:"outcome"`
	Type         string `query:"type"`
	Since        string `query:"since"`
	Until        string `query:"until"`
	Before       string `query:"before"`
	After        string `query:"after"`
}

// Attempt is one attempt to deliver.
type Attempt struct {
	// Event is its id; what follows is its envelope.
	Event        string     `json:"event"`
	App          string     `json:"app"`
	Source       string     `json:"source"`
	Type         event.Type `json:"type"`
	Conversation event.Lane `json:"conversation,omitzero"`
	Dialect      string     `json:"dialect,omitzero"`
	Command      string     `json:"command,omitzero"`
	// Pos is where the event is in the journal.
	Pos uint64 `json:"pos,omitzero"`
	// Endpoint is app/name; Attempt counts from 1.
	Endpoint string       `json:"endpoint"`
	Attempt  int          `json:"attempt"`
	Repeat   event.Repeat `json:"repeat,omitzero"`
	// At is when it was over, Took how long it took, in seconds.
	At   time.Time `json:"at"`
	Took float64   `json:"tookSeconds"`
	// Outcome is delivered, retry, refused or misconfigured.
	Outcome string `json:"outcome"`
	Reason  string `json:"reason,omitzero"`
	Status  int    `json:"status,omitzero"`
	Detail  string `json:"detail,omitzero"`
	// RetryAfter is what the endpoint asked for, in seconds.
	RetryAfter float64 `json:"retryAfterSeconds,omitzero"`
	// Together is how many events shared the request.
	Together int       `json:"together,omitzero"`
	Exchange *Exchange `json:"exchange,omitzero"`
}

// Exchange is what was said over the wire.
type Exchange struct {
	URL      string `json:"url"`
	Request  string `json:"request,omitzero"`
	Status   int    `json:"status,omitzero"`
	Head     string `json:"head,omitzero"`
	Response string `json:"response,omitzero"`
	Error    string `json:"error,omitzero"`
}

// AttemptList is one page of attempts, newest first.
type AttemptList struct {
	Attempts []*Attempt `json:"attempts"`
	Next     string     `json:"next,omitzero"`
	Newest   string     `json:"newest"`
}

// Attempts lists attempts that are kept.
func (c *Client) Attempts(ctx context.Context, q AttemptsQuery) (*AttemptList, error) {
	return get[AttemptList](ctx, c, "/api/v1/attempts", q)
}

// Rule picks events: that of an endpoint (app/name), or one that is written out.
type Rule struct {
	Endpoint string `json:"endpoint,omitzero"`
	// App may be missing when there is only one.
	App     string   `json:"app,omitzero"`
	Events  []string `json:"events,omitzero"`
	Sources []string `json:"sources,omitzero"`
	When    string   `json:"when,omitzero"`
}

// RuleTest asks a rule about the newest events.
type RuleTest struct {
	Rule
	// Limit is how many events; zero is 100.
	Limit int    `json:"limit,omitzero"`
	Since string `json:"since,omitzero"`
}

// RuleTested is what a rule says about the newest events.
type RuleTested struct {
	Rule    Rule          `json:"rule"`
	Tested  int           `json:"tested"`
	Matched int           `json:"matched"`
	Events  []TestedEvent `json:"events"`
}

// TestedEvent is one event and what the rule says about it.
type TestedEvent struct {
	ID           string     `json:"id"`
	Type         event.Type `json:"type"`
	Source       string     `json:"source"`
	Conversation event.Lane `json:"lane,omitzero"`
	Time         time.Time  `json:"time,omitzero"`
	Matched      bool       `json:"matched"`
	// Failed names the clause that the event does not meet, Why says it in words.
	Failed string `json:"failed,omitzero"`
	Why    string `json:"why"`
	// Pattern is the one that takes the event.
	Pattern string `json:"pattern,omitzero"`
	// Parts are the parts of the condition with their values.
	Parts []RulePart `json:"parts,omitzero"`
	// Unread says why the event's bodies could not be read.
	Unread string `json:"unread,omitzero"`
}

// RulePart is one part of a condition.
type RulePart struct {
	Text  string `json:"text"`
	Value string `json:"value"`
	Where string `json:"where,omitzero"`
}

// TestRule asks a rule about the newest events.
func (c *Client) TestRule(ctx context.Context, r RuleTest) (*RuleTested, error) {
	return send[RuleTested](ctx, c, http.MethodPost, "/api/v1/rules/test", nil, r)
}
