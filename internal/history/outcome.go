package history

import (
	"slices"

	"github.com/imhook/imhook/event"
)

// Outcome is what became of an event, as a whole or at one endpoint. The words are on
// disk and output: append only.
type Outcome string

// What became of an after-event. Of a before-event it is its verdict: allow, deny, drop
// or rewrite.
const (
	// Parked: it is a dead letter.
	Parked Outcome = "parked"
	// Expired: it was dropped because the endpoint's backlog was too old or too large.
	Expired Outcome = "expired"
	// Retrying: it failed and is tried again.
	Retrying Outcome = "retrying"
	// Waiting: it was not tried yet.
	Waiting Outcome = "waiting"
	// Removed: it was a dead letter that is not there any more: requeued or purged.
	Removed Outcome = "removed"
	// Finished: the endpoint is done with it, and it was not noted how: it was delivered,
	// or left out, or it expired.
	Finished Outcome = "finished"
	// Delivered: the endpoint has it.
	Delivered Outcome = "delivered"
	// LeftOut: it was not sent, because the endpoint's dialect cannot say it, or another
	// callback told the same or more.
	LeftOut Outcome = "left out"
	// Unpicked: no endpoint's rule picked it.
	Unpicked Outcome = "unpicked"
	// Unknown: another gateway delivers it.
	Unknown Outcome = "unknown"

	// Failed is to search by only: an attempt failed, whatever came after.
	Failed Outcome = "failed"
)

// outcomes are those of after-events. That of an event as a whole is the first of them
// that it has at an endpoint.
var outcomes = []Outcome{Parked, Expired, Retrying, Waiting, Removed, Unknown, Finished, Delivered, LeftOut, Unpicked}

// Outcomes returns all words that can be searched by.
func Outcomes() []Outcome {
	all := append(slices.Clone(outcomes), Failed)
	for _, a := range verdicts {
		all = append(all, Outcome(a))
	}
	return all
}

var verdicts = []event.Action{event.Allow, event.Deny, event.Drop, event.Rewrite}

// before reports whether it is one of before-events.
func (o Outcome) before() bool { return slices.Contains(verdicts, event.Action(o)) }

// rank is its place among outcomes.
func (o Outcome) rank() int {
	if i := slices.Index(outcomes, o); i >= 0 {
		return i
	}
	return len(outcomes)
}
