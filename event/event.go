package event

import (
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Phase says whether an event waits for a verdict. Values reach wire and disk:
// append only.
type Phase string

// The two phases.
const (
	// Before is a proposal: the IM server waits for a [Verdict].
	Before Phase = "before"
	// After is a fact: it is kept and delivered, and its answer changes nothing.
	After Phase = "after"
)

// Event is one thing that happened, or is about to happen, in an IM system.
//
// A decoder fills everything except ID (unless the wire carries the one id that
// the event shall keep), App and Source, which only the receiver knows. The zero
// value is no event.
type Event struct {
	// ID names the event on every attempt, for ever. See [DeriveID] and [NewID].
	ID string
	// App and Source are where it came from, as configured.
	App    string
	Source string

	Type  Type
	Phase Phase
	// Time is when it happened by the vendor's clock, in UTC, cut to
	// milliseconds. Zero in a decoder's result means the wire does not say; the
	// receiver then puts in the time of arrival.
	Time time.Time

	// Dialect is the dialect whose words Command, Generation and Vendor use.
	Dialect string
	// Generation is the vendor's wire generation where the dialect has several
	// and the request told which; empty otherwise.
	Generation string
	// Command is the vendor's own name for this event, as specs list it.
	Command string
	// Trace is a W3C traceparent, or empty.
	Trace string
	// TraceState is the W3C tracestate that goes with Trace, or empty.
	TraceState string

	// Lane is the unit of order: see [Lane]. Empty for before-events that have
	// no conversation.
	Lane Lane
	// Links join what belongs to one message: before-event, after-event, recall,
	// receipts. Scoped by source. The first one is the strongest.
	Links []string
	// Dedupe is what tells the vendor's retry of this event from a second, equal
	// one: equal (app, source, command, Dedupe) is the same event. Empty means
	// that nothing tells them apart, and every arrival is a new event.
	Dedupe string
	// Echo is true when another command of the same source reports the same
	// fact; such an event is passed on verbatim but left out of translations.
	Echo bool
	// Repeat is set on what is delivered once more. No journal keeps it: it belongs
	// to the delivery.
	Repeat Repeat

	Actor        *Actor
	Conversation *Conversation
	Message      *Message
	User         *User
	Friend       *Friend
	Group        *Group
	Members      []Member
	Chatroom     *Chatroom
	Channel      *Channel
	Conference   *Conference
	Presence     *Presence
	Receipt      *Receipt
	Reaction     *Reaction
	Thread       *Thread
	Moderation   *Moderation
	Moment       *Moment
	Report       *Report

	// Vendor is a JSON object with what the vendor wrote and no field above
	// holds, under the vendor's own names. Nil when there is nothing.
	Vendor jsontext.Value

	// Raw is what came in for exactly this event. Its zero value means that the
	// event was not read off a wire.
	Raw Raw
}

// Raw is the wire form of one event as it came in, less what authenticates it:
// a complete request of its command that carries exactly this event. It is kept
// byte for byte; only items of a batch are put into an envelope of one.
type Raw struct {
	// Dialect names the wire language; it differs from Event.Dialect when a
	// CloudEvent carries another vendor's words.
	Dialect string
	// Path is what followed the source's URL, "/im_event/message", or empty.
	Path string
	// Query is the raw query without what authenticates ("CallbackCommand=…").
	Query string
	// ContentType is the request's media type.
	ContentType string
	Body        []byte
}

// IsZero reports whether there is no wire form.
func (r Raw) IsZero() bool { return r.Dialect == "" }

// Bare reports whether ev holds its envelope and Raw only: what a journal keeps.
// An event that says nothing but its envelope is bare as well.
func (e *Event) Bare() bool {
	return e.Actor == nil && e.Conversation == nil && e.Message == nil && e.User == nil && e.Friend == nil &&
		e.Group == nil && e.Members == nil && e.Chatroom == nil && e.Channel == nil && e.Conference == nil &&
		e.Presence == nil && e.Receipt == nil && e.Reaction == nil && e.Thread == nil && e.Moderation == nil &&
		e.Moment == nil && e.Report == nil && e.Vendor == nil
}
