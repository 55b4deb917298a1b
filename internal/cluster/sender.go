package cluster

import (
	"reflect"
	"sync/atomic"

	"github.com/imhook/imhook/internal/gateway/deliver"
)

// sender is an endpoint's sender, which the parts of the endpoint share: it is
// released when neither the plan nor any of them has it any more.
type sender struct {
	deliver.Sender
	release func()
	users   atomic.Int64
}

func (s *sender) enter() { s.users.Add(1) }

func (s *sender) leave() {
	if s.users.Add(-1) == 0 && s.release != nil {
		s.release()
	}
}

// newPlan takes over the plan's senders, and those of the plan before that are the
// same.
func newPlan(p Plan, was *plan) *plan {
	all := &plan{Plan: p, cut: map[string]int{}, sends: map[string]*sender{}}
	for i, e := range p.Endpoints {
		id := e.ID()
		all.ids = append(all.ids, id)
		all.cut[id] = max(1, p.Spread[i])
		if was != nil {
			if old := was.sends[id]; old != nil && equal(old.Sender, e.Sender) {
				all.sends[id] = old
				continue
			}
		}
		s := &sender{Sender: e.Sender, release: e.Release}
		s.enter()
		all.sends[id] = s
	}
	return all
}

// equal reports whether two senders are the same; those that cannot be compared are
// not.
func equal(a, b deliver.Sender) bool {
	return reflect.ValueOf(a).Comparable() && reflect.ValueOf(b).Comparable() && a == b
}

// replaced lets go of what next does not use.
func (p *plan) replaced(next *plan) {
	for id, s := range p.sends {
		if next.sends[id] != s {
			s.leave()
		}
	}
}

// abandon forgets a plan that is not followed: its senders are released by who gave
// them.
func (p *plan) abandon(was *plan) {
	for id, s := range p.sends {
		if was.sends[id] != s {
			s.release = nil
		}
	}
}

// leave lets go of everything.
func (p *plan) leave() {
	for _, s := range p.sends {
		s.leave()
	}
}
