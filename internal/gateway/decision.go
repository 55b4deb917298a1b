package gateway

import (
	"time"

	"github.com/imhook/imhook/event"
)

// Proposal is a before-event that waits for its verdict.
type Proposal struct {
	Event *event.Event
	// Guard recognises its signature when it is used again.
	Guard Guard
	// Begin is when its first byte came, Deadline when its answer must be on its way.
	Begin, Deadline time.Time
	// Carries says whether the source's server can be told a verdict exactly: nil, or
	// what it cannot carry. Nil means that it takes every verdict.
	Carries func(event.Verdict) error
}

// Question is what a hook is asked.
type Question struct {
	// Event is the proposal as the hook sees it: with what hooks before it changed. It
	// is shared and must not be changed.
	Event *event.Event
	// Changed is true when it is not what came in: its Raw is gone and it must be
	// encoded.
	Changed bool
	// Deadline is when the answer must be there.
	Deadline time.Time
}

// Cause is how a verdict came about. It is a metric label and stands in the trail.
// Append only.
type Cause string

// The causes. All but the first two are failures, each with its own policy.
const (
	// CauseHook: the hook said so.
	CauseHook Cause = "hook"
	// CauseCache: the hook said so of an equal event, and for how long that holds.
	CauseCache Cause = "cache"
	// CauseTimeout: no answer came in time, or no time was left to ask.
	CauseTimeout Cause = "timeout"
	// CauseError: the hook cannot be reached, or its status is none of success.
	CauseError Cause = "error"
	// CauseBadReply: what it answered is no verdict.
	CauseBadReply Cause = "bad_reply"
	// CauseOverload: as many questions as allowed are open already.
	CauseOverload Cause = "overload"
	// CauseUntranslatable: its dialect cannot express the event.
	CauseUntranslatable Cause = "untranslatable"
	// CauseOpen: it failed too often, and is not asked for a while.
	CauseOpen Cause = "open"
	// CauseCancelled: another hook decided first.
	CauseCancelled Cause = "cancelled"
	// CauseNone: nobody was asked.
	CauseNone Cause = "none"
)

// Reply is what came of asking a hook.
type Reply struct {
	// Verdict holds when Cause is CauseHook.
	Verdict event.Verdict
	Cause   Cause
	// Reason says which error it was; Detail is one line for a person, without
	// secrets.
	Reason Reason
	Detail string
	Status int
	// Keep says of which further events the verdict holds; its zero value is of none.
	Keep Keep
}

// Keep is how long a hook's verdict holds, and for which events: those of the same
// type that are equal in By.
type Keep struct {
	For time.Duration
	By  []string
}

// Decision is the trail of one verdict.
type Decision struct {
	// Event is the proposal as it came in.
	Event *event.Event
	Begin time.Time
	Took  time.Duration
	// Verdict is what was answered.
	Verdict event.Verdict
	// Cause is why: that of the hook that ended the chain, or of the last that was
	// asked.
	Cause Cause
	Hooks []Asked
}

// Asked is one hook's part in a decision.
type Asked struct {
	Hook string
	// Verdict is what the hook said, or what its policy says where Cause is a
	// failure.
	Verdict event.Verdict
	Cause   Cause
	Reason  Reason
	Detail  string
	Status  int
	Took    time.Duration
	// Shadow is true when it did not count.
	Shadow bool
	// Instead is what was made of a verdict that the source's command cannot carry;
	// Why says which part.
	Instead event.Action
	Why     string
}
