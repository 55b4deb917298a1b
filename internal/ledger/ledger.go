// Package ledger adds up what came in and what became of it, so that a loss is seen
// and not only believed not to happen.
//
// Whoever handles events keeps an account: a source of what it received, an endpoint
// of what its rule picked. What came in is what came to its end and what is still
// held, always; an account that says otherwise is a defect, or has uncovered one. The
// stages count while they work, under the same lock as what they count, so that an
// account is exact at any moment.
//
// Accounts begin anew with the process. What was open then is carried over from
// before: it came in once more, as far as this account goes, and must come to its end
// as everything else. So a crash, a restart, or an endpoint that is removed and comes
// back leave no account out of balance; what came to its end before is in the account
// before.
package ledger

import (
	"fmt"
	"strings"
)

// Kind is whose account it is. Values are output: append only.
type Kind string

// The kinds.
const (
	Source   Kind = "source"
	Endpoint Kind = "endpoint"
)

// Entry is one number of an account.
type Entry struct {
	// Name says what was counted, in small letters: received, carried over.
	Name   string `json:"name"`
	Events uint64 `json:"events"`
}

// Account is what came in and what became of it. Its zero value is empty and
// balances.
type Account struct {
	Kind Kind   `json:"kind"`
	App  string `json:"app"`
	Name string `json:"name"`
	// Removed is true for an endpoint that is not configured any more.
	Removed bool `json:"removed,omitzero"`
	// In is what came, Out what became of it, with what is still held.
	In  []Entry `json:"in"`
	Out []Entry `json:"out"`
}

// Difference is how many events came in and are nowhere now; negative when more came
// out than in. Zero is what it must be.
func (a Account) Difference() int64 { return int64(sum(a.In) - sum(a.Out)) }

// Came is how many events came in.
func (a Account) Came() uint64 { return sum(a.In) }

// ID is app/name.
func (a Account) ID() string { return a.App + "/" + a.Name }

// Sum is the account on one line: what came = what became of it. Entries without
// events are left out.
func (a Account) Sum() string {
	return fmt.Sprintf("%s = %s", side(a.In), side(a.Out))
}

// Words says in words where the account does not balance; empty where it does.
func (a Account) Words() string {
	switch d := a.Difference(); {
	case d > 0:
		return fmt.Sprintf("%s %s: %s came in and %s nowhere now (%s)", a.Kind, a.ID(), events(d), are(d), a.Sum())
	case d < 0:
		return fmt.Sprintf("%s %s: %s more came out than in (%s)", a.Kind, a.ID(), events(-d), a.Sum())
	}
	return ""
}

// Check says in words which accounts do not balance, each in one line; none when all
// do.
func Check(all []Account) []string {
	var lines []string
	for _, a := range all {
		if words := a.Words(); words != "" {
			lines = append(lines, words)
		}
	}
	return lines
}

func sum(side []Entry) (n uint64) {
	for _, e := range side {
		n += e.Events
	}
	return n
}

func side(all []Entry) string {
	var parts []string
	for _, e := range all {
		if e.Events > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", e.Events, e.Name))
		}
	}
	if len(parts) == 0 {
		return "0"
	}
	return strings.Join(parts, " + ")
}

func events(n int64) string {
	if n == 1 {
		return "1 event"
	}
	return fmt.Sprintf("%d events", n)
}

func are(n int64) string {
	if n == 1 {
		return "is"
	}
	return "are"
}
