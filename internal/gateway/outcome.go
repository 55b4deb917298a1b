package gateway

import "time"

// OutcomeKind is what became of an attempt. Values reach metrics and disk: append
// only.
type OutcomeKind string

// The kinds of outcome.
const (
	// Delivered: the endpoint has it.
	Delivered OutcomeKind = "delivered"
	// Retry: it may work later.
	Retry OutcomeKind = "retry"
	// Refused: the endpoint will not take this event.
	Refused OutcomeKind = "refused"
	// Misconfigured: it cannot work before somebody changes something (blocked
	// target, missing secret, bad URL).
	Misconfigured OutcomeKind = "misconfigured"
	// Untranslatable: the endpoint's dialect cannot express the event; it was
	// not sent.
	Untranslatable OutcomeKind = "untranslatable"
	// Echoed: the event repeats what another command reported and was left out of
	// a translation.
	Echoed OutcomeKind = "echo"
	// Expired: it was dropped before it arrived, because the endpoint's backlog was
	// too old or too large. No attempt has this outcome.
	Expired OutcomeKind = "expired"
	// Coalesced: it was folded into a later event that says more. No attempt has this
	// outcome.
	Coalesced OutcomeKind = "coalesced"
)

// Tried reports whether it is the outcome of an attempt, and not of an event that came
// to its end without one.
func (k OutcomeKind) Tried() bool {
	switch k {
	case Untranslatable, Echoed, Expired, Coalesced:
		return false
	default:
		return true
	}
}

// Reason is why an attempt did not deliver. It is the metric label, the group of
// dead letters and the text in the console. Append only.
type Reason string

// The reasons.
const (
	ReasonNone      Reason = ""
	ReasonDNS       Reason = "dns"
	ReasonConnect   Reason = "connect"
	ReasonTLS       Reason = "tls"
	ReasonTimeout   Reason = "timeout"
	ReasonReset     Reason = "reset"
	ReasonStatus4xx Reason = "4xx"
	ReasonStatus5xx Reason = "5xx"
	ReasonThrottled Reason = "throttled"
	ReasonGone      Reason = "gone"
	ReasonRedirect  Reason = "redirect"
	ReasonRefused   Reason = "refused_in_body"
	ReasonTooLarge  Reason = "answer_too_large"
	ReasonEgress    Reason = "blocked_egress"
	ReasonEncode    Reason = "encode"
	ReasonSign      Reason = "sign"
	ReasonInternal  Reason = "internal"
	ReasonMaxAge    Reason = "max_age"
	ReasonAttempts  Reason = "max_attempts"
	ReasonCancelled Reason = "cancelled"
	// ReasonAbsent: the broker has no such topic, or no stream for the subject.
	ReasonAbsent Reason = "absent"
	// ReasonDenied: the broker does not take the credentials, or permits less.
	ReasonDenied Reason = "denied"
	// ReasonTooLong: the event is longer than the broker takes.
	ReasonTooLong Reason = "too_long"
	// ReasonVendor: the endpoint delivers as the vendor of its dialect does, which takes
	// such an answer for a failure, or gives an event up.
	ReasonVendor Reason = "vendor"
)

// Reasons returns all reasons, in the order in which they are defined.
func Reasons() []Reason {
	return []Reason{
		ReasonDNS, ReasonConnect, ReasonTLS, ReasonTimeout, ReasonReset, ReasonStatus4xx, ReasonStatus5xx, ReasonThrottled, ReasonGone,
		ReasonRedirect, ReasonRefused, ReasonTooLarge, ReasonEgress, ReasonEncode, ReasonSign, ReasonInternal, ReasonMaxAge, ReasonAttempts,
		ReasonCancelled, ReasonAbsent, ReasonDenied, ReasonTooLong, ReasonVendor,
	}
}

// Outcome is the classified result of one attempt.
type Outcome struct {
	Kind   OutcomeKind
	Reason Reason
	// Status is the HTTP status, 0 when none came.
	Status int
	// RetryAfter is what the endpoint asked for, already capped; 0 when nothing.
	RetryAfter time.Duration
	// Pause is true when the endpoint said that it is gone for good (410).
	Pause bool
	// Detail is one line for a person, without secrets.
	Detail string
	// Sent counts the requests of this event that are through, over all attempts:
	// an event that takes several resumes at the first unsent one.
	Sent int
	// Together is how many events the outcome speaks of at once: those that shared
	// a request whose answer does not tell them apart. Up to 1 means that it is the
	// event's own.
	Together int
	// Exchange is what was said, for the dead letter; nil on success.
	Exchange *Exchange
	Took     time.Duration
}

// Exchange is one request and its answer as a person would want to see them,
// bounded and without secrets.
type Exchange struct {
	URL     string `json:"url"`
	Request string `json:"request,omitzero"`
	Status  int    `json:"status,omitzero"`
	// Head are the headers of the answer, one a line.
	Head     string `json:"head,omitzero"`
	Response string `json:"response,omitzero"`
	Error    string `json:"error,omitzero"`
}
