package event

import "github.com/go-json-experiment/json/jsontext"

// Action is what a verdict does with a proposal. Values reach wire and disk:
// append only.
type Action string

// The four actions.
const (
	// Allow lets the proposal through unchanged.
	Allow Action = "allow"
	// Deny refuses it and the sender is told.
	Deny Action = "deny"
	// Drop refuses it and the sender is not told.
	Drop Action = "drop"
	// Rewrite lets it through changed.
	Rewrite Action = "rewrite"
)

// Verdict answers a before-event. The zero value is not a verdict; use
// [Allowed].
type Verdict struct {
	Action Action `json:"verdict"`
	// Code and Reason go with Deny. A code that the target command cannot carry
	// is replaced by that command's default.
	Code   int    `json:"code,omitzero"`
	Reason string `json:"reason,omitzero"`
	// Changes goes with Rewrite.
	Changes *Changes `json:"rewrite,omitzero"`
	// Refused names members that are refused while the others are allowed.
	Refused []Refusal `json:"refused,omitzero"`
}

// Changes are the bodies that a rewrite puts in place of the proposal's; nil
// means unchanged.
type Changes struct {
	Message *Message       `json:"message,omitzero"`
	Group   *Group         `json:"group,omitzero"`
	User    *User          `json:"user,omitzero"`
	Friend  *Friend        `json:"friend,omitzero"`
	Push    *Push          `json:"push,omitzero"`
	Vendor  jsontext.Value `json:"vendor,omitzero"`
}

// Refusal is the verdict on one member.
type Refusal struct {
	ID     string `json:"id"`
	Code   int    `json:"code,omitzero"`
	Reason string `json:"reason,omitzero"`
}

// Allowed is the verdict that changes nothing.
func Allowed() Verdict { return Verdict{Action: Allow} }
